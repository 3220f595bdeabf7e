//! NDJSON of any length in bounded memory. Lines are gathered into groups, groups are checked side by side and stored in
//! order, and a group's results are written when it is durable, never before.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use lgsp_model::ErrorCode;
use lgsp_store::IN_ORDER_AT_ONCE;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::record::{Ready, RecordRefusal, Takes};
use super::results::{StoredOrRefused, Tally};
use crate::failure::Failure;
use crate::server::BodyReader;

/// Bytes that one group gathers when they are there already: some 200 records of a full kilobyte.
const GROUP_BYTES: usize = 256 * 1024;
/// Records of one group: what refuses a line may be a hundred times as long as the line.
const GROUP_RECORDS: usize = 1024;
/// Groups being checked, and groups being stored: enough that both cores have work while a commit waits for the disk.
const GROUPS: usize = 8;
/// Pieces of the answer that wait for a slow reader.
const PIECES: usize = 4;

type Checked = Vec<Result<Ready, RecordRefusal>>;
type Storing = Pin<Box<dyn Future<Output = Result<Vec<StoredOrRefused>, Failure>> + Send>>;

/// A group on its way, or why there are no more.
enum Step {
    Group(JoinHandle<Checked>),
    Broken(Failure),
}

/// Starts taking the stream in; the answer's lines come through the receiver.
pub(super) fn start(takes: Takes, body: BodyReader, record_limit: usize) -> mpsc::Receiver<Bytes> {
    let (lines_in, answer) = mpsc::channel(PIECES);
    let (steps_in, steps) = mpsc::channel(GROUPS);
    tokio::spawn(gather(takes.clone(), body, record_limit, steps_in));
    tokio::spawn(Sequence { takes, index: 0, tally: Tally::default(), answer: lines_in }.run(steps));
    answer
}

/// Cuts the body into groups of whole lines and has each checked.
async fn gather(takes: Takes, mut body: BodyReader, record_limit: usize, steps: mpsc::Sender<Step>) {
    let mut waiting = BytesMut::new();
    loop {
        let (mut lines, more) = match next_lines(&mut body, &mut waiting, record_limit).await {
            Ok(lines) => lines,
            Err(failure) => {
                let _ = steps.send(Step::Broken(failure)).await;
                return;
            }
        };
        while !lines.is_empty() {
            let (takes, group) = (takes.clone(), split_group(&mut lines));
            let checking = tokio::spawn(async move { check_lines(&takes, &group) });
            if steps.send(Step::Group(checking)).await.is_err() {
                return;
            }
        }
        if !more {
            return;
        }
    }
}

/// Whole lines that are at hand, at least one unless the body ends; and whether there may be more.
async fn next_lines(body: &mut BodyReader, waiting: &mut BytesMut, limit: usize) -> Result<(Bytes, bool), Failure> {
    let mut looked = 0;
    while let Some(piece) = body.next().await? {
        waiting.extend_from_slice(&piece);
        while waiting.len() < GROUP_BYTES
            && let Some(piece) = body.next_at_hand().await?
        {
            waiting.extend_from_slice(&piece);
        }
        if let Some(end) = memchr::memrchr(b'\n', &waiting[looked..]) {
            return Ok((waiting.split_to(looked + end + 1).freeze(), true));
        }
        looked = waiting.len();
        if looked > limit.saturating_mul(2) {
            return Err(Failure::new(ErrorCode::TooLarge, format!("a line may have at most {limit} bytes")));
        }
    }
    Ok((waiting.split().freeze(), false))
}

/// As many lines from the front as make a group.
fn split_group(lines: &mut Bytes) -> Bytes {
    let end = memchr::memchr_iter(b'\n', lines).nth(GROUP_RECORDS - 1).map_or(lines.len(), |at| at + 1);
    lines.split_to(end)
}

fn check_lines(takes: &Takes, lines: &Bytes) -> Checked {
    let mut checked = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', lines).chain([lines.len()]) {
        let line = lines[start..end].trim_ascii();
        start = end + 1;
        if !line.is_empty() {
            checked.push(takes.check(lines.slice_ref(line)));
        }
    }
    checked
}

/// Stores groups in the order of the stream and writes their results.
struct Sequence {
    takes: Takes,
    index: usize,
    tally: Tally,
    answer: mpsc::Sender<Bytes>,
}

impl Sequence {
    async fn run(mut self, mut steps: mpsc::Receiver<Step>) {
        let mut storing: VecDeque<Storing> = VecDeque::new();
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                step = steps.recv(), if open && storing.len() < GROUPS => match step {
                    Some(Step::Group(checking)) => match checking.await {
                        Ok(checked) => storing.push_back(self.begin(checked).await),
                        Err(_) => return self.stop(&Failure::new(ErrorCode::Internal, "a check ended early")).await,
                    },
                    Some(Step::Broken(failure)) => {
                        if self.finish_all(storing).await { self.stop(&failure).await; }
                        return;
                    }
                    None => open = false,
                },
                stored = front(&mut storing), if !storing.is_empty() => {
                    storing.pop_front();
                    if !self.write(stored).await { return; }
                }
                else => break,
            }
        }
        let mut last = b"{\"summary\":".to_vec();
        last.extend_from_slice(&self.tally.open_object());
        last.extend_from_slice(b"}}\n");
        let _ = self.answer.send(last.into()).await;
    }

    /// Hands a group to the store, in parts that take their places in the order of the stream while several wait.
    async fn begin(&self, mut checked: Checked) -> Storing {
        let mut parts = Vec::with_capacity(checked.len() / IN_ORDER_AT_ONCE + 1);
        while !checked.is_empty() {
            let rest = checked.split_off(checked.len().min(IN_ORDER_AT_ONCE));
            let (takes, part) = (self.takes.clone(), std::mem::replace(&mut checked, rest));
            let mut storing: Storing = Box::pin(async move { takes.store_checked(part).await });
            let refused = match poll_once(&mut storing).await {
                Some(stored) => {
                    let refused = stored.is_err();
                    storing = Box::pin(std::future::ready(stored));
                    refused
                }
                None => false,
            };
            parts.push(storing);
            // What comes after a part that was not taken must not be stored before its repeat.
            if refused {
                break;
            }
            tokio::task::yield_now().await;
        }
        Box::pin(async move {
            let mut all = Vec::new();
            for part in parts {
                all.extend(part.await?);
            }
            Ok(all)
        })
    }

    /// Writes a durable group's results; false when nothing more can be written.
    async fn write(&mut self, stored: Result<Vec<StoredOrRefused>, Failure>) -> bool {
        let results = match stored {
            Ok(results) => results,
            Err(failure) => {
                self.stop(&failure).await;
                return false;
            }
        };
        let mut lines = Vec::with_capacity(results.len() * 100);
        for result in &results {
            self.tally.write(&mut lines, self.index, result);
            lines.push(b'\n');
            self.index += 1;
        }
        // A reader that went away does not undo what was stored; the stream is taken in to its end.
        let _ = self.answer.send(lines.into()).await;
        true
    }

    async fn finish_all(&mut self, mut storing: VecDeque<Storing>) -> bool {
        while let Some(next) = storing.pop_front() {
            let stored = next.await;
            if !self.write(stored).await {
                return false;
            }
        }
        true
    }

    /// The last line of a stream that could not be taken in to its end. What has a result line is stored; nothing else is
    /// acknowledged.
    async fn stop(&self, failure: &Failure) {
        let mut last = b"{\"summary\":".to_vec();
        last.extend_from_slice(&self.tally.open_object());
        let stopped = serde_json::json!({
            "code": failure.code.code(),
            "type": format!("/errors/{}", failure.code.slug()),
            "detail": failure.detail,
            "at_index": self.index,
        });
        last.extend_from_slice(format!(",\"stopped\":{stopped}}}}}\n").as_bytes());
        let _ = self.answer.send(last.into()).await;
    }
}

async fn poll_once<T>(future: &mut Pin<Box<dyn Future<Output = T> + Send>>) -> Option<T> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

async fn front(storing: &mut VecDeque<Storing>) -> Result<Vec<StoredOrRefused>, Failure> {
    match storing.front_mut() {
        Some(first) => first.await,
        None => std::future::pending().await,
    }
}

//! `GET /v1/changes`: the log as a feed, in one order for ever. A page costs what it holds, not what the log holds.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use lgsp_model::{AgencyCode, AgencyGrant, ErrorCode, EventKind, Scope, Seq};
use lgsp_store::{Page, PageLimit, ReadFilter, StoredEvent};
use tokio::time::Instant;

use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;
use crate::request::{Accepted, Authorised};

/// Changes of a page when the caller names no limit, and the most that he may name.
const DEFAULT_LIMIT: usize = 100;
const MOST: usize = 10_000;
/// Payload bytes of one page; a page ends early rather than grow beyond it.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// What the caller asked for.
struct Asked {
    after: Seq,
    limit: PageLimit,
    filter: ReadFilter,
    wait: Duration,
}

/// One page of the feed.
pub(crate) async fn changes(app: &Arc<App>, caller: &Authorised, request: &Accepted) -> Result<Answer, Failure> {
    let asked = Asked::read(caller, request)?;
    let page = wait_for_page(app, asked).await?;
    if request.wants_ndjson() {
        return Ok(answer::with_body(StatusCode::OK, "application/x-ndjson", ndjson(&page)));
    }
    Ok(answer::json(StatusCode::OK, one_object(&page)))
}

async fn wait_for_page(app: &App, mut asked: Asked) -> Result<Page, Failure> {
    let mut head = app.store.head();
    let end = Instant::now() + asked.wait;
    loop {
        head.mark_unchanged();
        let page = app.store.read(asked.after, asked.limit, asked.filter.clone()).await?;
        if !page.events.is_empty() || (!page.more && (Instant::now() >= end || app.is_draining())) {
            return Ok(page);
        }
        asked.after = page.through;
        if page.more {
            continue;
        }
        tokio::select! {
            _ = head.changed() => {}
            () = tokio::time::sleep_until(end) => return Ok(page),
            () = app.drained() => return Ok(page),
        }
    }
}

impl Asked {
    fn read(caller: &Authorised, request: &Accepted) -> Result<Self, Failure> {
        let bad = |detail| Failure::new(ErrorCode::BadParameter, detail);
        let after = match request.query("after") {
            None => Seq(0),
            Some(text) => read_cursor(&text).ok_or_else(|| bad("after must be a cursor that this feed gave out"))?,
        };
        let events = match request.query("limit") {
            None => DEFAULT_LIMIT,
            Some(text) => {
                text.parse().ok().filter(|n| (1..=MOST).contains(n)).ok_or_else(|| bad("limit must be 1 to 10000"))?
            }
        };
        let wait = match request.query("wait") {
            None => Duration::ZERO,
            Some(text) => read_wait(&text).ok_or_else(|| bad("wait must be 0 to 60s, for example wait=30s"))?,
        };
        let kinds = match request.query("kind") {
            None => Vec::new(),
            Some(text) => text
                .split(',')
                .map(read_kind)
                .collect::<Option<_>>()
                .ok_or_else(|| bad("kind must be dossier, progress, status or payment"))?,
        };
        if kinds.contains(&EventKind::Payment) && !caller.caller().may(&Scope::PaymentRead) {
            return Err(Failure::scope(&Scope::PaymentRead));
        }
        let agencies = agencies(caller, request.query("agency"))?;
        let longest = request.snapshot.config.limits.long_poll;
        let limit = PageLimit { events, bytes: PAGE_BYTES };
        Ok(Self { after, limit, filter: ReadFilter::new(kinds, agencies), wait: wait.min(longest) })
    }
}

fn read_kind(word: &str) -> Option<EventKind> {
    word.parse().ok().filter(|kind: &EventKind| kind.is_of_dossiers() || *kind == EventKind::Payment)
}

/// `30s`, `500ms` or plain seconds.
fn read_wait(text: &str) -> Option<Duration> {
    let millis = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(millis), _) => millis.parse::<u64>().ok()?,
        (None, Some(seconds)) => seconds.parse::<u64>().ok()?.checked_mul(1000)?,
        (None, None) => text.parse::<u64>().ok()?.checked_mul(1000)?,
    };
    (millis <= 60_000).then(|| Duration::from_millis(millis))
}

/// What the caller may see, narrowed to the agency that he names.
fn agencies(caller: &Authorised, asked: Option<String>) -> Result<AgencyGrant, Failure> {
    let granted = &caller.caller().member.agencies;
    let Some(asked) = asked else { return Ok(granted.clone()) };
    let bad = |_| Failure::new(ErrorCode::BadParameter, "agency must be an agency code such as H56.14");
    let agency: AgencyCode = asked.parse().map_err(bad)?;
    caller.check_agency(&agency)?;
    Ok(AgencyGrant::Codes(vec![agency]))
}

/// The first byte of what a cursor encodes; another form would get another.
const CURSOR_FORM: u8 = 1;

/// An opaque position: callers store it and give it back.
pub(crate) fn cursor(seq: Seq) -> String {
    let mut bytes = [CURSOR_FORM, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes[1..].copy_from_slice(&seq.0.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_cursor(text: &str) -> Option<Seq> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let number: [u8; 8] = bytes.strip_prefix(&[CURSOR_FORM])?.try_into().ok()?;
    Some(Seq(u64::from_be_bytes(number)))
}

fn one_object(page: &Page) -> Vec<u8> {
    let mut out = Vec::with_capacity(page_bytes(page));
    out.extend_from_slice(b"{\"changes\":[");
    for (n, event) in page.events.iter().enumerate() {
        out.extend_from_slice(if n == 0 { b"" } else { b"," });
        write_change(&mut out, event);
    }
    out.extend_from_slice(b"],");
    write_next(&mut out, page);
    out.push(b'}');
    out
}

fn ndjson(page: &Page) -> Vec<u8> {
    let mut out = Vec::with_capacity(page_bytes(page));
    for event in &page.events {
        let start = out.len();
        write_change(&mut out, event);
        // Records are given back as they came; between tokens a line end is only white space.
        for byte in &mut out[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        out.push(b'\n');
    }
    out.push(b'{');
    write_next(&mut out, page);
    out.extend_from_slice(b"}\n");
    out
}

fn page_bytes(page: &Page) -> usize {
    page.events.iter().map(|event| event.payload.as_ref().map_or(0, |payload| payload.len()) + 200).sum::<usize>() + 64
}

fn write_next(out: &mut Vec<u8>, page: &Page) {
    out.extend_from_slice(format!(r#""next":"{}","more":{}"#, cursor(page.through), page.more).as_bytes());
}

/// One change. What it puts between quotes are codes and names of a closed alphabet: they need no escaping.
pub(crate) fn write_change(out: &mut Vec<u8>, event: &StoredEvent) {
    let head = format!(
        r#"{{"cursor":"{}","seq":{},"kind":"{}","MaHoSo":"{}","agency":"{}","sender":"{}","received_at":"{}","record":"#,
        cursor(event.seq),
        event.seq,
        event.kind,
        event.key,
        event.agency,
        event.sender,
        event.at
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(event.payload.as_deref().unwrap_or(b"null"));
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waits_have_units_and_a_bound() {
        for (text, expected) in [
            ("30s", Some(30_000)),
            ("500ms", Some(500)),
            ("0", Some(0)),
            ("60", Some(60_000)),
            ("61s", None),
            ("-1", None),
            ("1m", None),
        ] {
            assert_eq!(read_wait(text), expected.map(Duration::from_millis), "{text}");
        }
    }

    proptest! {
        #[test]
        fn cursors_survive_and_anything_else_is_refused(seq in any::<u64>(), text in "\\PC*") {
            prop_assert_eq!(read_cursor(&cursor(Seq(seq))), Some(Seq(seq)));
            if let Some(read) = read_cursor(&text) {
                prop_assert_eq!(cursor(read), text);
            }
        }
    }
}

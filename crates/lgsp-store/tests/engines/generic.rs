//! Messages, replies and access records among dossiers, at random, compared with a plain list; the store is reopened,
//! and opened from a copy of its files as a crash leaves them, on the way. And the marks of clean stops.

use std::collections::HashMap;
use std::path::Path;

use lgsp_model::{AgencyGrant, EventKind, Seq, Status, TargetId};
use lgsp_store::{Appended, DurableStore, EmbeddedStore, NewEvent, ReadFilter, Subject};
use proptest::prelude::*;
use tempfile::TempDir;

use super::embedded::open;
use super::messages::{WHOLE, access, code, message, read_all, record, reply};
use super::model::copy;

const SERVICES: [&str; 2] = ["post", "postal"];
const SENDERS: [&str; 2] = ["one-stop-h11", "app"];

#[derive(Clone, Debug)]
enum Act {
    Append(Vec<(u8, usize, usize)>),
    /// To the so many-th event, whatever it is.
    Reply(usize),
    Restart,
    Crash,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let event = (0u8..4, 0..SERVICES.len(), 0..SENDERS.len());
    let act = prop_oneof![
        4 => prop::collection::vec(event, 1..8).prop_map(Act::Append),
        4 => (0usize..40).prop_map(Act::Reply),
        1 => Just(Act::Restart),
        1 => Just(Act::Crash),
    ];
    prop::collection::vec(act, 1..25)
}

/// What the log should hold: kind, key, sender and, for a reply, its message.
type Line = (EventKind, String, String, Option<Seq>);

struct Pair {
    dirs: Vec<TempDir>,
    store: EmbeddedStore,
    log: Vec<Line>,
    newest: HashMap<u64, u64>,
    dossiers: u64,
}

impl Pair {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        Self { dirs: vec![dir], store, log: Vec::new(), newest: HashMap::new(), dossiers: 0 }
    }

    fn dir(&self) -> &Path {
        self.dirs.last().unwrap().path()
    }

    fn event(&mut self, (what, service, sender): (u8, usize, usize)) -> NewEvent {
        let service = SERVICES[service];
        let event = match what {
            0 => {
                self.dossiers += 1;
                record(self.dossiers, Status::New, 1)
            }
            1 => access(service, None),
            _ => message(service, "A-1", "the same for all"),
        };
        let key = match &event.subject {
            Subject::Dossier(about) => about.code.as_str(),
            Subject::Message { key, .. } | Subject::Access { key, .. } | Subject::Evidence { key } => key.as_str(),
        };
        self.log.push((event.subject.kind(), key.to_owned(), SENDERS[sender].to_owned(), None));
        NewEvent { sender: SENDERS[sender].parse().unwrap(), ..event }
    }

    async fn act(&mut self, act: &Act) {
        match act {
            Act::Append(events) => {
                let first = self.log.len() as u64 + 1;
                let events: Vec<_> = events.iter().map(|event| self.event(*event)).collect();
                let expected: Vec<_> =
                    (first..).take(events.len()).map(|seq| Appended::Accepted { seq: Seq(seq) }).collect();
                assert_eq!(self.store.append(events).await.unwrap(), expected);
            }
            Act::Reply(at) => self.reply(*at).await,
            Act::Restart => {
                let next = tempfile::tempdir().unwrap();
                let before = std::mem::replace(&mut self.store, open(next.path()));
                before.close();
                self.store = open(self.dir());
            }
            Act::Crash => {
                let next = tempfile::tempdir().unwrap();
                copy(self.dir(), next.path());
                self.store = open(next.path());
                self.dirs.push(next);
            }
        }
    }

    async fn reply(&mut self, at: usize) {
        let to = at as u64 + 1;
        let answer = self.store.reply(reply(to, "an answer")).await;
        let Some((EventKind::Message, key, sender, _)) = self.log.get(at).cloned() else {
            return assert_eq!(answer, Err(lgsp_store::StoreError::NotThere));
        };
        self.log.push((EventKind::Reply, key, sender, Some(Seq(to))));
        assert_eq!(answer, Ok(Seq(self.log.len() as u64)));
        self.newest.insert(to, self.log.len() as u64);
    }

    async fn compare(&self) {
        for kinds in [EventKind::ALL, &[EventKind::Message], &[EventKind::Access, EventKind::Reply], &[]] {
            for prefix in [None, Some("post/"), Some("postal/")] {
                for sender in [None, Some("app")] {
                    let filter = ReadFilter {
                        kinds: kinds.to_vec(),
                        agencies: AgencyGrant::All,
                        key_prefix: prefix.map(Into::into),
                        sender: sender.map(|sender| sender.parse().unwrap()),
                    };
                    let wanted = |(kind, key, from, _): &Line| {
                        (if kinds.is_empty() { kind.is_of_dossiers() } else { kinds.contains(kind) })
                            && prefix.is_none_or(|prefix| key.starts_with(prefix))
                            && sender.is_none_or(|sender| from == sender)
                    };
                    let expected: Vec<_> = (1u64..).zip(&self.log).filter(|(_, line)| wanted(line)).collect();
                    let read = read_all(&self.store, &filter, WHOLE).await;
                    let seen: Vec<_> = read
                        .into_iter()
                        .map(|event| (event.seq.0, (event.kind, event.key, event.sender, event.previous)))
                        .collect();
                    assert!(seen.iter().map(|(seq, line)| (*seq, line)).eq(expected), "{filter:?}: {seen:?}");
                }
            }
        }
        for message in 0..=self.log.len() as u64 + 1 {
            let newest = self.store.reply_of(Seq(message)).await.unwrap().map(|event| event.seq.0);
            assert_eq!(newest.as_ref(), self.newest.get(&message), "of {message}");
        }
        for dossier in 1..=self.dossiers {
            assert!(self.store.dossier(code(dossier)).await.unwrap().is_some(), "dossier {dossier}");
        }
        let report = self.store.verify().await.unwrap();
        assert_eq!((report.events, report.broken), (self.log.len() as u64, None));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn dossiers_and_messages_share_one_order_across_restarts_and_crashes(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut pair = Pair::new();
            for act in &acts {
                pair.act(act).await;
            }
            pair.compare().await;
            pair.act(&Act::Restart).await;
            pair.compare().await;
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_stop_of_a_target_is_known_in_the_next_life_of_the_store_and_only_once() {
    let [post, portal, other] = ["post", "national-portal", "other"].map(|id| id.parse::<TargetId>().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.mark_clean_stop(vec![post.clone(), portal.clone()]).await.unwrap();
    store.mark_clean_stop(vec![portal.clone()]).await.unwrap();
    assert!(!store.take_clean_stop(&post), "this life has not ended");
    let crashed = tempfile::tempdir().unwrap();
    copy(dir.path(), crashed.path());
    assert!(open(crashed.path()).take_clean_stop(&post), "it is on disk when it is answered");
    store.close();
    let store = open(dir.path());
    assert!(store.take_clean_stop(&post));
    assert!(!store.take_clean_stop(&post), "whoever asked has started it");
    assert!(!store.take_clean_stop(&other), "it was never marked");
    store.close();
    let store = open(dir.path());
    assert!(!store.take_clean_stop(&portal), "a life lies in between, and nobody knows what was sent in it");
}

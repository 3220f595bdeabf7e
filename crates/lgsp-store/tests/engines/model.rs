//! Random lives of dossiers through the real store, compared with a model that a person can check by eye; the store is
//! reopened, and opened from a copy of its files, on the way.

use std::collections::HashMap;
use std::path::Path;

use lgsp_model::{Seq, Status, Step};
use lgsp_store::{Appended, DurableStore, EmbeddedOptions, EmbeddedStore, NewEvent, verify_dir};

use super::embedded::open;
use super::messages::{code, record, step};
use super::samples::Random;

const DOSSIERS: u64 = 10_000;
const CALLS: usize = 40;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Expected {
    Accepted,
    Duplicate(u64),
    Held,
}

#[derive(Default)]
struct Model {
    seen: HashMap<u64, u64>,
    status: Option<Status>,
    newest: Option<u64>,
}

impl Model {
    fn take(&mut self, status: Status, second: Option<u64>, unique: u64, seq: u64) -> Expected {
        if let Some(first) = self.seen.get(&unique) {
            return Expected::Duplicate(*first);
        }
        self.seen.insert(unique, seq);
        if second.is_some() && second < self.newest {
            return Expected::Accepted;
        }
        if self.status.is_some_and(|from| from.step(status) == Step::Backwards) {
            return Expected::Held;
        }
        self.status = Some(status);
        self.newest = self.newest.max(second);
        Expected::Accepted
    }
}

/// Ten thousand dossiers' events, each dossier's in its own order, all mixed.
fn lives(random: &mut Random) -> Vec<(u64, Status, Option<u64>, u64)> {
    let mut events: Vec<_> = (0..DOSSIERS)
        .flat_map(|dossier| (0..1 + dossier % 9).map(move |_| dossier))
        .map(|dossier| {
            let status = Status::from_code(1 + random.below(10) as u8).unwrap();
            let second = (random.below(2) == 0).then(|| random.below(60));
            (dossier, status, second, random.below(6))
        })
        .collect();
    for at in (1..events.len()).rev() {
        events.swap(at, random.below(at as u64 + 1) as usize);
    }
    events
}

fn message((dossier, status, second, unique): (u64, Status, Option<u64>, u64)) -> NewEvent {
    match second {
        Some(second) => step(dossier, status, second, unique),
        None => record(dossier, status, unique),
    }
}

pub fn copy(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap().flatten() {
        // What a process leaves that dies: the shared-memory index is rebuilt.
        if !file.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

/// Appends one call's events and compares answers and positions.
async fn compare(
    store: &dyn DurableStore,
    models: &mut HashMap<u64, Model>,
    events: &[(u64, Status, Option<u64>, u64)],
) {
    let mut next = store.head().borrow().0 + 1;
    let answers = store.append(events.iter().map(|event| message(*event)).collect()).await.unwrap();
    for ((dossier, status, second, unique), answer) in events.iter().zip(answers) {
        let expected = models.entry(*dossier).or_default().take(*status, *second, *unique, next);
        let (got, stored) = match answer {
            Appended::Accepted { seq } => (Expected::Accepted, Some(seq)),
            Appended::Held { seq, .. } => (Expected::Held, Some(seq)),
            Appended::Duplicate { seq } => (Expected::Duplicate(seq.0), None),
            Appended::KeyReused => panic!("no key was sent"),
        };
        assert_eq!(got, expected, "dossier {dossier} at {next}");
        if let Some(seq) = stored {
            assert_eq!(seq, Seq(next));
            next += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_dossiers_live_as_the_model_says_across_restarts_and_crashes() {
    let mut random = Random(42);
    let events = lives(&mut random);
    let mut models: HashMap<u64, Model> = HashMap::new();
    let mut dirs = vec![tempfile::tempdir().unwrap()];
    let mut store = open(dirs[0].path());
    for call in events.chunks(events.len().div_ceil(CALLS)) {
        compare(&store, &mut models, call).await;
        match random.below(4) {
            0 => {
                drop(store);
                store = open(dirs.last().unwrap().path());
            }
            1 => {
                let next = tempfile::tempdir().unwrap();
                copy(dirs.last().unwrap().path(), next.path());
                drop(store);
                store = open(next.path());
                dirs.push(next);
            }
            _ => {}
        }
    }
    for (dossier, model) in &models {
        let state = store.dossier(code(*dossier)).await.unwrap().unwrap();
        assert_eq!(state.status, model.status, "dossier {dossier}");
        assert_eq!(state.known.len(), model.seen.len());
        let events = store.history(code(*dossier), 100).await.unwrap();
        assert_eq!(events.len(), model.seen.len());
    }
    let head = store.verify().await.unwrap();
    assert_eq!((head.broken.clone(), head.events), (None, store.head().borrow().0));
    store.close();
    assert_eq!(verify_dir(dirs.last().unwrap().path()).unwrap(), head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_taken_while_writing_hold_a_prefix_whose_chain_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(open(dir.path()));
    let writing = store.clone();
    let writer = tokio::spawn(async move {
        for call in 0..120u64 {
            let events = (call * 10..call * 10 + 10).map(|n| record(n, Status::New, n)).collect();
            writing.append(events).await.unwrap();
        }
    });
    for known in [10, 300, 800] {
        store.head().wait_for(|head| head.0 >= known).await.unwrap();
        let image = tempfile::tempdir().unwrap();
        // The log is short: nothing moves from the write-ahead log to the database between the two files' copies.
        copy(dir.path(), image.path());
        let other = EmbeddedStore::open(image.path(), EmbeddedOptions::default()).unwrap();
        let report = other.verify().await.unwrap();
        assert_eq!(report.broken, None);
        assert!(report.events >= known && report.events == other.head().borrow().0);
        let again = other.append(vec![record(known - 1, Status::New, known - 1)]).await.unwrap();
        assert_eq!(again, [Appended::Duplicate { seq: Seq(known) }]);
    }
    writer.await.unwrap();
}

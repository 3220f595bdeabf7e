//! kill -9 while messages are accepted: what was acknowledged is there, once, and the chain verifies.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use lgsp_model::{Seq, Status};
use lgsp_store::{Appended, DurableStore, StoreError, verify_dir};

use super::embedded::open;
use super::messages::{WHOLE, everything, read_all, record};
use super::samples::Random;

/// Set in the process that is to be killed: its directory.
const CHILD: &str = "LGSP_STORE_TEST_CHILD";
const ROUNDS: u64 = 8;

/// Accepts messages for ever and says which, only after the store did.
async fn write_until_killed(dir: &Path) {
    let store = open(dir);
    let mut out = std::io::stdout();
    // A guard held over the loop would keep the writer from publishing.
    let first = store.head().borrow().0;
    for n in first.. {
        let answers = store.append((0..3).map(|part| record(n * 3 + part, Status::New, n)).collect()).await.unwrap();
        for (answer, part) in answers.iter().zip(0..) {
            if let Appended::Accepted { seq } = answer {
                writeln!(out, "ack {} {seq}", n * 3 + part).unwrap();
            }
        }
        out.flush().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return write_until_killed(Path::new(&dir)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(u64::from(std::process::id()));
    let mut acknowledged: Vec<(u64, u64)> = Vec::new();
    for round in 0..ROUNDS {
        let enough = 5 + random.below(400) as usize;
        acknowledged.extend(one_life(dir.path(), enough));
        let report = verify_dir(dir.path()).unwrap();
        assert_eq!(report.broken, None, "round {round}");
        assert!(report.events >= acknowledged.len() as u64);
    }
    let store = open(dir.path());
    let events = read_all(&store, &everything(), WHOLE).await;
    let keys: HashSet<&str> = events.iter().map(|event| event.key.as_str()).collect();
    assert_eq!(keys.len(), events.len(), "a record is there twice");
    for (dossier, seq) in acknowledged {
        let event = store.event(Seq(seq)).await.unwrap().unwrap();
        assert_eq!(event.key, super::messages::code(dossier).as_str());
        let again = store.append(vec![record(dossier, Status::New, dossier / 3)]).await.unwrap();
        assert_eq!(again, [Appended::Duplicate { seq: Seq(seq) }]);
    }
}

/// Starts a writer, kills it after some acknowledgements, returns them all.
fn one_life(dir: &Path, enough: usize) -> Vec<(u64, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::what_was_acknowledged_survives_kill_9", "--nocapture"])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = Vec::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        // The first line may follow the test runner's own words.
        let Some((_, ack)) = line.split_once("ack ") else { continue };
        let Some((dossier, seq)) = ack.split_once(' ') else { continue };
        let (Ok(dossier), Ok(seq)) = (dossier.parse(), seq.parse()) else { continue };
        seen.push((dossier, seq));
        if seen.len() == enough {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(seen.len() >= enough, "the writer ended by itself after {}", seen.len());
    seen
}

#[test]
fn a_second_process_is_refused_while_the_first_may_write() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let second = lgsp_store::EmbeddedStore::open(dir.path(), lgsp_store::EmbeddedOptions::default());
    assert!(matches!(second.err(), Some(StoreError::Unavailable(why)) if why.contains("another process")));
    first.close();
    open(dir.path());
}

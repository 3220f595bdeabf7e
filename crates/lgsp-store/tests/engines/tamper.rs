//! Whoever changes the log behind the store's back is found by `verify`; what the law deletes is not.

use std::path::Path;

use lgsp_model::{Seq, Status};
use lgsp_store::{DurableStore, HeldDecision, StoreError, verify_dir};
use rusqlite::Connection;
use rusqlite::types::Value;

use super::embedded::open;
use super::messages::{access, act, message, record, reply, step};

/// A closed store with events of every sort, some of them in one commit.
async fn make(dir: &Path) -> u64 {
    let store = open(dir);
    let mut raw = record(3, Status::New, 1);
    raw.payload = vec![0xff; 3].into();
    raw.trace = [4; 16];
    store.append(vec![record(1, Status::Settled, 1), record(1, Status::New, 2), raw]).await.unwrap();
    store.append(vec![step(1, Status::Settled, 9, 3), step(1, Status::Settled, 2, 4)]).await.unwrap();
    store.decide_held(Seq(2), HeldDecision::Drop, act("held/2")).await.unwrap();
    store.append(vec![record(2, Status::New, 1)]).await.unwrap();
    store.append(vec![message("post", "A-1", "<order/>"), access("population", None)]).await.unwrap();
    store.reply(reply(8, "done")).await.unwrap();
    let head = store.head().borrow().0;
    store.close();
    head
}

fn is_found(dir: &Path) -> bool {
    match verify_dir(dir) {
        Ok(report) => report.broken.is_some(),
        Err(StoreError::Damaged(_)) => true,
        Err(other) => panic!("{other}"),
    }
}

/// Another value of the same sort.
fn other(value: &Value) -> Value {
    match value {
        Value::Null => Value::Integer(1),
        Value::Integer(number) => Value::Integer(number + 1),
        Value::Real(number) => Value::Real(number + 1.0),
        Value::Text(text) => Value::Text(format!("{text}x")),
        Value::Blob(bytes) => {
            let mut bytes = bytes.clone();
            match bytes.last_mut() {
                Some(last) => *last ^= 1,
                None => bytes.push(0),
            }
            Value::Blob(bytes)
        }
    }
}

fn file(dir: &Path) -> Connection {
    Connection::open(dir.join("lgsp.db")).unwrap()
}

#[tokio::test]
async fn a_change_of_any_column_of_any_row_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let head = make(dir.path()).await;
    assert_eq!(verify_dir(dir.path()).unwrap().events, head);
    for (table, id) in [("log", "seq"), ("chain", "seq"), ("name", "id")] {
        let conn = file(dir.path());
        let columns: Vec<String> = {
            let mut info = conn.prepare(&format!("SELECT name FROM pragma_table_info('{table}')")).unwrap();
            info.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let rows: Vec<i64> = {
            let mut ids = conn.prepare(&format!("SELECT {id} FROM {table}")).unwrap();
            ids.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        assert!(!rows.is_empty());
        for (row, column) in rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column))) {
            let get = format!("SELECT {column} FROM {table} WHERE {id} = ?1");
            let before: Value = conn.query_row(&get, [row], |found| found.get(0)).unwrap();
            let mut after = other(&before);
            if column == id {
                after = Value::Integer(row + 1_000);
            }
            let set = |id_now: &Value, value: &Value| {
                conn.execute(&format!("UPDATE {table} SET {column} = ?1 WHERE {id} = ?2"), (value, id_now)).unwrap();
            };
            let at = Value::Integer(*row);
            set(&at, &after);
            assert!(is_found(dir.path()), "{table}.{column} of {row}");
            set(if column == id { &after } else { &at }, &before);
        }
        assert_eq!(verify_dir(dir.path()).unwrap().broken, None, "{table} is as it was");
    }
}

#[tokio::test]
async fn a_missing_or_exchanged_event_is_found() {
    for change in [
        "DELETE FROM log WHERE seq = 3",
        "DELETE FROM log WHERE seq = (SELECT max(seq) FROM log)",
        "DELETE FROM log WHERE seq = 1",
        "DELETE FROM chain WHERE seq = (SELECT max(seq) FROM chain)",
        "UPDATE log SET seq = -seq WHERE seq IN (4, 5); UPDATE log SET seq = 9 + seq WHERE seq < 0",
        "INSERT INTO log SELECT 11, at, kind, disposition, key, previous, sender, agency, incoming, step, content, \
         zeroblob(16), payload, dictionary, digest FROM log WHERE seq = 10",
        "UPDATE log SET digest = zeroblob(32), payload = NULL WHERE seq = 3",
        "UPDATE log SET payload = NULL WHERE seq = 3",
        "UPDATE dictionary SET bytes = zeroblob(1000)",
        "UPDATE dictionary SET id = 2",
    ] {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path()).await;
        file(dir.path()).execute_batch(change).unwrap();
        assert!(is_found(dir.path()), "{change}");
    }
}

#[tokio::test]
async fn a_payload_purged_with_its_digest_kept_leaves_the_chain_whole() {
    let dir = tempfile::tempdir().unwrap();
    let head = make(dir.path()).await;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[0xff; 3]);
    file(dir.path()).execute("UPDATE log SET payload = NULL, digest = ?1 WHERE seq = 3", [digest.as_ref()]).unwrap();
    let report = verify_dir(dir.path()).unwrap();
    assert_eq!((report.broken, report.events), (None, head));
    let store = open(dir.path());
    assert_eq!(store.event(Seq(3)).await.unwrap().unwrap().payload, None);
}

#[tokio::test]
async fn a_purged_message_keeps_its_reply_and_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let head = make(dir.path()).await;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"<order/>");
    file(dir.path()).execute("UPDATE log SET payload = NULL, digest = ?1 WHERE seq = 8", [digest.as_ref()]).unwrap();
    assert_eq!(verify_dir(dir.path()).unwrap().broken, None);
    let store = open(dir.path());
    assert_eq!(store.event(Seq(8)).await.unwrap().unwrap().payload, None);
    assert_eq!(store.reply_of(Seq(8)).await.unwrap().unwrap().seq, Seq(head));
}

#[tokio::test]
async fn a_reply_table_that_lies_is_damage_and_no_answer() {
    for wrong in [3, 8, 9, 77] {
        let dir = tempfile::tempdir().unwrap();
        let head = make(dir.path()).await;
        file(dir.path()).execute("UPDATE reply SET seq = ?1", [wrong as i64]).unwrap();
        let answer = open(dir.path()).reply_of(Seq(8)).await;
        match wrong > head {
            true => assert_eq!(answer, Ok(None)),
            false => assert!(matches!(answer, Err(StoreError::Damaged(_))), "{wrong}"),
        }
    }
}

//! The registry: what the trait promises, and that whoever changes it behind the store's back is found.

use std::path::Path;

use bytes::Bytes;
use lgsp_model::{EventKind, Seq, Timestamp};
use lgsp_store::{
    DurableStore, REGISTRY_KEPT_MILLIS, RegistryChange, RegistryEntry, RegistryKind, StoreError, verify_dir,
};
use rusqlite::Connection;

use super::embedded::open;
use super::messages::{NOW, WHOLE, act, of_kinds, read_all};
use super::model::copy;

pub fn entry(kind: RegistryKind, id: &str, value: &'static str) -> RegistryEntry {
    RegistryEntry { kind, id: id.to_owned(), value: Bytes::from_static(value.as_bytes()), ends: None }
}

pub fn member(id: &str, value: &'static str) -> RegistryEntry {
    entry(RegistryKind::Member, id, value)
}

pub fn change(object: &str) -> RegistryChange {
    RegistryChange { create: Vec::new(), put: Vec::new(), remove: Vec::new(), audit: act(object) }
}

fn create(entries: impl Into<Vec<RegistryEntry>>) -> RegistryChange {
    RegistryChange { create: entries.into(), ..change("member/x") }
}

fn put(entries: impl Into<Vec<RegistryEntry>>) -> RegistryChange {
    RegistryChange { put: entries.into(), ..change("member/x") }
}

fn remove(id: &str) -> RegistryChange {
    RegistryChange { remove: vec![(RegistryKind::Member, id.to_owned())], ..change("member/x") }
}

async fn members(store: &dyn DurableStore) -> Vec<RegistryEntry> {
    store.registry(RegistryKind::Member, String::new(), 100).await.unwrap()
}

pub async fn the_registry_changes_with_its_audit_event_or_not_at_all(store: &dyn DurableStore) {
    let both = create([member("b", "1"), member("a", "2")]);
    assert_eq!(store.change_registry(both).await, Ok(Seq(1)));
    assert_eq!(members(store).await, [member("a", "2"), member("b", "1")]);
    let mixed = RegistryChange { put: vec![member("b", "9")], ..create([member("c", "3"), member("a", "4")]) };
    assert_eq!(store.change_registry(mixed).await, Err(StoreError::Taken));
    assert_eq!(store.change_registry(create([member("d", "1"), member("d", "2")])).await, Err(StoreError::Taken));
    assert_eq!(members(store).await, [member("a", "2"), member("b", "1")]);
    assert_eq!(*store.head().borrow(), Seq(1));
    let third = RegistryChange { remove: remove("a").remove, ..put([member("b", "5")]) };
    assert_eq!(store.change_registry(third).await, Ok(Seq(2)));
    assert_eq!(store.change_registry(remove("never there")).await, Ok(Seq(3)));
    assert_eq!(members(store).await, [member("b", "5")]);
    let acts = read_all(store, &of_kinds(&[EventKind::Audit]), WHOLE).await;
    let second: serde_json::Value = serde_json::from_slice(acts[1].payload.as_ref().unwrap()).unwrap();
    assert_eq!((second["object"].as_str(), acts[1].key.as_str()), (Some("member/x"), "member/x"));
    assert_eq!((&second["registry"][0]["id"], &second["registry"][0]["change"]), (&"b".into(), &"put".into()));
    assert_eq!(second["registry"][0]["digest"].as_str().map(str::len), Some(64));
    assert_eq!((&second["registry"][1]["id"], &second["registry"][1]["change"]), (&"a".into(), &"removed".into()));
}

pub async fn entries_are_found_by_kind_and_id_and_paged_in_order(store: &dyn DurableStore) {
    let ids = ["", "A", "a", "a.b", "b", "ơ"];
    let made: Vec<_> = ids.iter().rev().map(|id| entry(RegistryKind::Account, id, "x")).collect();
    store.change_registry(create(made)).await.unwrap();
    store.change_registry(create([member("a", "of another kind")])).await.unwrap();
    let page = |after: &str, limit| store.registry(RegistryKind::Account, after.to_owned(), limit);
    let names = |page: Vec<RegistryEntry>| page.into_iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(names(page("", 2).await.unwrap()), ["A", "a"]);
    assert_eq!(names(page("a", 2).await.unwrap()), ["a.b", "b"]);
    assert_eq!(names(page("b", 2).await.unwrap()), ["ơ"]);
    assert_eq!(page("ơ", 2).await.unwrap(), []);
    let found = store.registry_entry(RegistryKind::Member, "a".into()).await.unwrap();
    assert_eq!(found, Some(member("a", "of another kind")));
    assert_eq!(store.registry_entry(RegistryKind::Member, "b".into()).await.unwrap(), None);
    assert_eq!(store.registry_entry(RegistryKind::Conflict, "a".into()).await.unwrap(), None);
}

pub async fn what_ended_long_ago_goes_with_a_later_change(store: &dyn DurableStore) {
    let ends = |id: &str, at: Timestamp| RegistryEntry { ends: Some(at), ..entry(RegistryKind::Revoked, id, "x") };
    store.change_registry(create([ends("soon", NOW), ends("late", NOW.plus_millis(10))])).await.unwrap();
    let mut later = create([member("a", "1")]);
    later.audit.at = NOW.plus_millis(REGISTRY_KEPT_MILLIS + 1);
    store.change_registry(later).await.unwrap();
    let left = store.registry(RegistryKind::Revoked, String::new(), 10).await.unwrap();
    assert_eq!(left, [ends("late", NOW.plus_millis(10))]);
}

#[test]
fn an_entry_does_not_print_its_value() {
    assert!(!format!("{:?}", member("a", "$argon2id$")).contains("argon2id"));
}

#[tokio::test]
async fn a_changed_registry_is_on_disk_when_it_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut expected = Vec::new();
    for id in ["a", "b", "c"] {
        store.change_registry(create([member(id, "1")])).await.unwrap();
        expected.push(member(id, "1"));
        let crashed = tempfile::tempdir().unwrap();
        copy(dir.path(), crashed.path());
        let after = open(crashed.path());
        assert_eq!(members(&after).await, expected);
        assert_eq!(after.verify().await.unwrap().broken, None);
    }
}

/// A closed store: `a` changed twice, `b` there, `c` gone, one entry that may go by itself.
async fn make(dir: &Path) {
    let store = open(dir);
    store.change_registry(create([member("a", "1"), member("b", "1"), member("c", "1")])).await.unwrap();
    let old = file(dir).query_row("SELECT value, salt, seq FROM registry WHERE id = 'a'", [], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, i64>(2)?))
    });
    store.change_registry(put([member("a", "2")])).await.unwrap();
    store.change_registry(remove("c")).await.unwrap();
    let ending = RegistryEntry { ends: Some(NOW), ..entry(RegistryKind::Revoked, "t", "x") };
    store.change_registry(create([ending])).await.unwrap();
    store.close();
    let (value, salt, seq) = old.unwrap();
    file(dir).execute_batch("CREATE TABLE before(value, salt, seq)").unwrap();
    file(dir).execute("INSERT INTO before VALUES (?1, ?2, ?3)", (value, salt, seq)).unwrap();
}

fn file(dir: &Path) -> Connection {
    Connection::open(dir.join("lgsp.db")).unwrap()
}

#[tokio::test]
async fn a_registry_changed_behind_the_stores_back_is_found() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path()).await;
    assert_eq!(verify_dir(dir.path()).unwrap().broken, None);
    file(dir.path()).execute("DELETE FROM registry WHERE id = 't'", []).unwrap();
    assert_eq!(verify_dir(dir.path()).unwrap().broken, None, "what ends may go");
    let tampering = [
        "UPDATE registry SET value = x'33' WHERE id = 'a'",
        "UPDATE registry SET ends = 5 WHERE id = 'b'",
        "UPDATE registry SET kind = 'revoked' WHERE id = 'b'",
        "UPDATE registry SET id = 'd' WHERE id = 'b'",
        "UPDATE registry SET salt = x'00' WHERE id = 'b'",
        "UPDATE registry SET seq = 2 WHERE id = 'b'",
        "UPDATE registry SET seq = 3 WHERE id = 'b'",
        "DELETE FROM registry WHERE id = 'b'",
        "DELETE FROM registry",
        "DROP TABLE registry",
        "INSERT INTO registry SELECT kind, 'e', value, ends, salt, seq FROM registry WHERE id = 'b'",
        "INSERT INTO registry SELECT kind, 'c', value, ends, salt, 1 FROM registry WHERE id = 'b'",
        "UPDATE registry SET (value, salt, seq) = (SELECT value, salt, seq FROM before) WHERE id = 'a'",
    ];
    for statement in tampering {
        let copied = tempfile::tempdir().unwrap();
        copy(dir.path(), copied.path());
        file(copied.path()).execute_batch(statement).unwrap();
        assert!(verify_dir(copied.path()).unwrap().broken.is_some(), "not found: {statement}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_changes_while_it_is_checked_is_not_called_broken() {
    let dir = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(open(dir.path()));
    let writer = store.clone();
    let writing = tokio::spawn(async move {
        for round in 0..60 {
            let id = format!("m{}", round % 4);
            writer.change_registry(put([member(&id, "1"), member("all", "2")])).await.unwrap();
            writer.change_registry(remove(&id)).await.unwrap();
        }
    });
    while !writing.is_finished() {
        assert_eq!(store.verify().await.unwrap().broken, None);
    }
    writing.await.unwrap();
    assert_eq!(members(&*store).await, [member("all", "2")]);
}

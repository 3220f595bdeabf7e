//! The tables, the version of the format, and how connections are opened. It writes no rows of its own but the
//! dictionary that a new store starts with.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::failure::{damaged, unavailable};
use crate::StoreError;

/// The format that this program writes, in `PRAGMA user_version`.
pub(super) const FORMAT: u32 = 4;
/// `PRAGMA application_id`: "LGSP". Another program's database is not touched.
const APPLICATION: i32 = 0x4c47_5350;
/// The database's file name in the store's directory.
pub(super) const FILE: &str = "lgsp.db";
/// Held locked by the process that may write.
const LOCK_FILE: &str = "lgsp.lock";
/// Releases before this one could corrupt a write-ahead log that was checkpointed while being read.
const OLDEST_ENGINE: i32 = 3_051_003;
/// Bytes per page: rows of 300 to 400 bytes fill it well, and a lone commit writes few of them.
const PAGE_BYTES: u32 = 8_192;
/// KiB of pages that the writer keeps: the inner pages of three million dossiers and the leaves being filled.
const WRITER_CACHE_KIB: u32 = 16_384;
/// KiB of pages that each reader keeps.
const READER_CACHE_KIB: u32 = 2_048;
/// Bytes that the write-ahead log's file is cut back to after a burst.
const WAL_FILE_BYTES: u32 = 67_108_864;
/// How long a connection waits for another's lock; only recovery after a crash holds one for any time.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// How long a process that was just killed may take to let go of the store.
const HANDOVER: Duration = Duration::from_secs(1);

/// One step of the format: from the version that is its index to the next.
type Step = &'static str;

/// Version 1. `previous` is the same dossier's earlier event; senders and agencies are numbers from `name`; `trace`
/// is 16 bytes or the distance back to the row of the same run that has them; `incoming`, `step` and `content` are
/// what the status machine needs; `digest` stands only where the payload was purged.
///
/// Version 2 has messages, replies and access records in the log; `reply` names the newest reply to a message, whose
/// row's `previous` is the message. `clean_stop` has the targets that stopped with nothing in flight.
///
/// Version 3 has the registry: `seq` is the audit event of an entry's last change, which has the digest over the entry
/// and its `salt`.
///
/// Version 4 has payments and evidence in the log; a payment's `previous` is its own last change, and its `content`
/// covers what `payment_name` and `ledger` have of it then. `made` and `seq` are its first and its last event; the other
/// tables know it by `made`, so that their indexes grow at their end and not all over. `ledger.id` stands only where it
/// is not the reference. `due` is no truth, only when to look next.
const STEPS: &[Step] = &["
    CREATE TABLE log(
        seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind INTEGER NOT NULL, disposition INTEGER NOT NULL,
        key TEXT NOT NULL, previous INTEGER, sender INTEGER NOT NULL, agency INTEGER NOT NULL,
        incoming INTEGER NOT NULL, step INTEGER, content BLOB, trace NOT NULL,
        payload BLOB, dictionary INTEGER NOT NULL, digest BLOB);
    CREATE TABLE chain(seq INTEGER PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE dictionary(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TABLE dossier(code TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE projected(one INTEGER PRIMARY KEY CHECK (one = 1), through INTEGER NOT NULL);
    INSERT INTO projected VALUES (1, 0);
    CREATE TABLE target(id TEXT PRIMARY KEY, done_through INTEGER NOT NULL, paused INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE parked(
        target TEXT NOT NULL, seq INTEGER NOT NULL, key TEXT NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL,
        due_at INTEGER NOT NULL, since INTEGER NOT NULL, cause TEXT NOT NULL, detail TEXT NOT NULL,
        PRIMARY KEY (target, seq)) WITHOUT ROWID;
    CREATE INDEX parked_by_key ON parked(key);
    CREATE INDEX parked_by_state ON parked(target, state, seq);
    CREATE TABLE held(seq INTEGER PRIMARY KEY, came_from INTEGER NOT NULL, came_to INTEGER NOT NULL);
    CREATE TABLE idempotency(
        sender INTEGER NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, at INTEGER NOT NULL,
        outcome INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (sender, key)) WITHOUT ROWID;
    CREATE INDEX idempotency_by_age ON idempotency(at);
    CREATE TABLE probe(bytes BLOB);
", "
    CREATE TABLE reply(message INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
    CREATE TABLE clean_stop(target TEXT PRIMARY KEY) WITHOUT ROWID;
", "
    CREATE TABLE registry(
        kind TEXT NOT NULL, id TEXT NOT NULL, value BLOB NOT NULL, ends INTEGER, salt BLOB NOT NULL,
        seq INTEGER NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
    CREATE INDEX registry_by_end ON registry(ends) WHERE ends IS NOT NULL;
", "
    CREATE TABLE payment(
        made INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, due INTEGER, dossier TEXT NOT NULL);
    CREATE INDEX payment_by_dossier ON payment(dossier);
    CREATE INDEX payment_by_due ON payment(due) WHERE due IS NOT NULL;
    CREATE TABLE payment_name(name TEXT PRIMARY KEY, payment INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX payment_name_by_payment ON payment_name(payment);
    CREATE TABLE ledger(
        provider TEXT NOT NULL, day INTEGER NOT NULL, reference TEXT NOT NULL, kind INTEGER NOT NULL,
        amount INTEGER NOT NULL, state INTEGER NOT NULL, number TEXT, payment INTEGER NOT NULL, id TEXT,
        PRIMARY KEY (provider, day, reference)) WITHOUT ROWID;
    CREATE INDEX ledger_by_payment ON ledger(payment);
"];

/// The right to write a store; other processes are refused while it lives.
pub(super) struct WriteLock {
    _file: File,
}

/// Takes the right to write the store in `dir`.
pub(super) fn lock(dir: &Path) -> Result<WriteLock, StoreError> {
    let path = dir.join(LOCK_FILE);
    let file = File::create(&path).map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(WriteLock { _file: file }),
            Err(TryLockError::WouldBlock) if began.elapsed() < HANDOVER => thread::park_timeout(HANDOVER / 50),
            Err(TryLockError::WouldBlock) => {
                let why = format!("another process has opened the store in {}", dir.display());
                return Err(StoreError::Unavailable(why));
            }
            Err(TryLockError::Error(error)) => {
                return Err(StoreError::Unavailable(format!("{}: {error}", path.display())));
            }
        }
    }
}

/// Opens the write connection, makes the tables of a new store and brings an older one up to [`FORMAT`].
pub(super) fn open_writer(dir: &Path) -> Result<Connection, StoreError> {
    check_engine(rusqlite::version_number())?;
    let mut conn = Connection::open(dir.join(FILE)).map_err(unavailable)?;
    conn.busy_timeout(LOCK_WAIT).map_err(unavailable)?;
    conn.pragma_update(None, "page_size", PAGE_BYTES).map_err(damaged)?;
    migrate(&mut conn, STEPS)?;
    conn.pragma_update(None, "journal_mode", "WAL").map_err(unavailable)?;
    conn.pragma_update(None, "synchronous", "FULL").map_err(unavailable)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0).map_err(unavailable)?;
    conn.pragma_update(None, "journal_size_limit", WAL_FILE_BYTES).map_err(unavailable)?;
    conn.pragma_update(None, "mmap_size", 0).map_err(unavailable)?;
    conn.pragma_update(None, "cache_size", -i64::from(WRITER_CACHE_KIB)).map_err(unavailable)?;
    conn.set_prepared_statement_cache_capacity(96);
    Ok(conn)
}

/// Opens a connection that can only read.
pub(super) fn open_reader(dir: &Path) -> Result<Connection, StoreError> {
    check_engine(rusqlite::version_number())?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(dir.join(FILE), flags).map_err(unavailable)?;
    conn.busy_timeout(LOCK_WAIT).map_err(unavailable)?;
    check_version(&conn, FORMAT)?;
    conn.pragma_update(None, "mmap_size", 0).map_err(unavailable)?;
    conn.pragma_update(None, "cache_size", -i64::from(READER_CACHE_KIB)).map_err(unavailable)?;
    conn.set_prepared_statement_cache_capacity(48);
    Ok(conn)
}

fn check_engine(version: i32) -> Result<(), StoreError> {
    if version >= OLDEST_ENGINE {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!("SQLite {version} is older than {OLDEST_ENGINE} and may damage the log")))
}

/// The version on disk, when it is ours and not newer than `known`.
fn check_version(conn: &Connection, known: u32) -> Result<u32, StoreError> {
    let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(damaged);
    let (found, application) = (number("user_version")?, number("application_id")?);
    let tables: Option<i32> =
        conn.query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |row| row.get(0)).optional().map_err(damaged)?;
    if application != APPLICATION && (tables.is_some() || application != 0) {
        return Err(StoreError::Damaged(format!("{FILE} is not a store of this program")));
    }
    match u32::try_from(found) {
        Ok(found) if found <= known => Ok(found),
        Ok(found) => Err(StoreError::Newer { found, known }),
        Err(_) => Err(StoreError::Damaged(format!("{FILE} has the impossible format {found}"))),
    }
}

/// Applies the steps that the store lacks, each in its own transaction with the new version number.
fn migrate(conn: &mut Connection, steps: &[Step]) -> Result<(), StoreError> {
    let known = steps.len() as u32;
    let found = check_version(conn, known)?;
    for version in found..known {
        let step = conn.transaction().map_err(unavailable)?;
        step.execute_batch(steps[version as usize]).map_err(unavailable)?;
        step.pragma_update(None, "application_id", APPLICATION).map_err(unavailable)?;
        step.pragma_update(None, "user_version", version + 1).map_err(unavailable)?;
        step.commit().map_err(unavailable)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_becomes_the_newest_format_and_an_older_one_takes_the_missing_steps() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn, &["CREATE TABLE a(x);"]).unwrap();
        conn.execute("INSERT INTO a VALUES (7)", []).unwrap();
        migrate(&mut conn, &["never run", "CREATE TABLE b AS SELECT x + 1 AS y FROM a;"]).unwrap();
        assert_eq!(conn.query_row("SELECT y FROM b", [], |row| row.get::<_, i64>(0)).unwrap(), 8);
        assert_eq!(check_version(&conn, 2), Ok(2));
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_as_it_was() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn, &["CREATE TABLE a(x);"]).unwrap();
        assert!(migrate(&mut conn, &["", "CREATE TABLE b(x); CREATE TABLE a(x);"]).is_err());
        assert_eq!(check_version(&conn, 2), Ok(1));
        assert!(conn.execute("INSERT INTO b VALUES (1)", []).is_err());
    }

    #[test]
    fn a_newer_format_and_a_foreign_database_are_refused() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn, STEPS).unwrap();
        conn.pragma_update(None, "user_version", FORMAT + 1).unwrap();
        assert_eq!(migrate(&mut conn, STEPS), Err(StoreError::Newer { found: FORMAT + 1, known: FORMAT }));
        let mut foreign = Connection::open_in_memory().unwrap();
        foreign.execute_batch("CREATE TABLE log(x);").unwrap();
        assert!(matches!(migrate(&mut foreign, STEPS), Err(StoreError::Damaged(_))));
    }

    #[test]
    fn engines_with_the_known_defect_are_refused() {
        assert!(check_engine(3_051_002).is_err());
        assert_eq!(check_engine(rusqlite::version_number()), Ok(()));
    }

    #[test]
    fn steps_lead_to_the_format_that_is_written() {
        assert_eq!(STEPS.len() as u32, FORMAT);
    }
}

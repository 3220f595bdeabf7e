//! Where dossiers stand: what changed lately in memory, the rest in the table. The table is a projection of the log,
//! written in sorted batches beside the commits, and the tail of the log is replayed at start.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lgsp_model::{
    ContentDigest, Disposition, DossierCode, DossierState, EventKind, HoldReason, Incoming, Seq, Status, Verdict,
};
use rusqlite::{Connection, OptionalExtension as _};

use super::failure::{damaged, unavailable};
use super::row::decode_incoming;
use super::state;
use crate::StoreError;

/// Changed dossiers after which they are written to the table; sorted, so many make each cheap.
const FLUSH_DOSSIERS: usize = 20_000;
/// Events of other kinds after which the table is marked as true up to them: bounds what is walked at start.
const MARK_AFTER: u64 = 20_000;
/// Age of the oldest change after which they are written anyway: bounds the replay at start.
const FLUSH_AFTER: Duration = Duration::from_secs(1);
/// Dossiers written beside one commit at least, so that a flush ends also when commits are small.
const SLICE_DOSSIERS: usize = 512;
/// Dossiers written in one commit when nothing else waits.
const IDLE_SLICE_DOSSIERS: usize = 4_096;

/// States changed since they were last written to the table. Shared between the writer and readers.
#[derive(Default)]
pub(super) struct Recent {
    states: Mutex<HashMap<DossierCode, DossierState>>,
}

impl Recent {
    pub(super) fn get(&self, code: &DossierCode) -> Option<DossierState> {
        self.lock().get(code).cloned()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<DossierCode, DossierState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state in the table.
pub(super) fn load(conn: &Connection, code: &str) -> Result<Option<DossierState>, StoreError> {
    let mut find = conn.prepare_cached("SELECT state FROM dossier WHERE code = ?1").map_err(damaged)?;
    let blob =
        find.query_row([code], |row| Ok(state::decode(row.get_ref(0)?.as_blob()?))).optional().map_err(damaged)?;
    match blob {
        None => Ok(None),
        Some(Some(state)) => Ok(Some(state)),
        Some(None) => Err(StoreError::Damaged("a dossier's state is not in a known layout".into())),
    }
}

/// A flush in progress: the dossiers that had changed when it began.
pub(super) struct Flush {
    codes: Vec<DossierCode>,
    written: usize,
    open: bool,
    through: u64,
    oldest: Option<Instant>,
    /// The table is true up to here.
    projected: u64,
    closing: bool,
}

/// What a slice of the flush wrote; it counts when the commit did.
pub(super) struct Slice {
    until: usize,
}

impl Flush {
    /// Nothing to write to a table that is true up to `projected`.
    pub(super) fn from(projected: Seq) -> Self {
        let (codes, oldest, projected) = (Vec::new(), None, projected.0);
        Self { codes, written: 0, open: false, through: projected, oldest, projected, closing: false }
    }

    /// Notes that states changed.
    pub(super) fn changed(&mut self) {
        self.oldest.get_or_insert_with(Instant::now);
    }

    /// Whether there is something to write now.
    pub(super) fn is_due(&mut self, recent: &Recent, head: u64) -> bool {
        if self.is_open() {
            return true;
        }
        let states = recent.lock();
        let due = if states.is_empty() {
            head.saturating_sub(self.projected) >= if self.closing { 1 } else { MARK_AFTER }
        } else {
            let old = self.oldest.is_some_and(|oldest| oldest.elapsed() >= FLUSH_AFTER);
            self.closing || old || states.len() >= FLUSH_DOSSIERS
        };
        if !due {
            return false;
        }
        self.codes = states.keys().cloned().collect();
        drop(states);
        self.codes.sort_unstable();
        (self.written, self.open, self.through) = (0, true, head);
        self.oldest = (!self.codes.is_empty()).then(Instant::now);
        true
    }

    /// Whether something of a flush that began is still to be written.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// From now on whatever there is to write is due at once.
    pub(super) fn hurry(&mut self) {
        self.closing = true;
    }

    /// Writes the next dossiers inside the open transaction: more than the events of the same commit can add.
    pub(super) fn write(&self, conn: &Connection, recent: &Recent, events: usize) -> Result<Slice, StoreError> {
        let slice = if events == 0 { IDLE_SLICE_DOSSIERS } else { SLICE_DOSSIERS.max(2 * events) };
        let until = self.codes.len().min(self.written + slice);
        let mut put = conn
            .prepare_cached("INSERT INTO dossier VALUES (?1, ?2) ON CONFLICT DO UPDATE SET state = excluded.state")
            .map_err(unavailable)?;
        let mut blob = Vec::new();
        for code in &self.codes[self.written..until] {
            let known = recent.lock().get(code).map(|known| state::encode(known, &mut blob));
            if known.is_none() {
                continue;
            }
            put.execute((code.as_str(), &blob[..])).map_err(unavailable)?;
        }
        if until == self.codes.len() {
            let mut done = conn.prepare_cached("UPDATE projected SET through = ?1").map_err(unavailable)?;
            done.execute([self.through as i64]).map_err(unavailable)?;
        }
        Ok(Slice { until })
    }

    /// The slice is on disk: its dossiers leave memory.
    pub(super) fn wrote(&mut self, slice: &Slice, states: &mut HashMap<DossierCode, DossierState>) {
        for code in &self.codes[self.written..slice.until] {
            states.remove(code);
        }
        self.written = slice.until;
        if self.written == self.codes.len() {
            self.codes = Vec::new();
            (self.written, self.open, self.projected) = (0, false, self.through);
            if states.is_empty() {
                self.oldest = None;
            }
        }
    }
}

/// Brings memory up to the log: the events that the table does not hold yet. Returns up to where the table is true.
pub(super) fn replay(conn: &Connection, recent: &Recent) -> Result<Seq, StoreError> {
    let through: i64 = conn.query_row("SELECT through FROM projected", [], |row| row.get(0)).map_err(damaged)?;
    let mut tail = conn
        .prepare(
            "SELECT seq, key, previous, disposition, incoming, step, content, kind FROM log WHERE seq > ?1 ORDER BY seq",
        )
        .map_err(damaged)?;
    let mut rows = tail.query([through]).map_err(damaged)?;
    let mut states = recent.lock();
    while let Some(row) = rows.next().map_err(damaged)? {
        if !moves_dossiers(row.get(7).map_err(damaged)?)? {
            continue;
        }
        let read = || -> rusqlite::Result<Replayed> {
            Ok(Replayed {
                seq: Seq(row.get::<_, i64>(0)? as u64),
                key: row.get(1)?,
                previous: row.get(2)?,
                applied: row.get::<_, u8>(3)?,
                incoming: decode_incoming(row.get(4)?, row.get::<_, Option<i64>>(5)?.map(|step| step as u64)),
                content: row.get::<_, Option<[u8; 16]>>(6)?.map(ContentDigest),
            })
        };
        absorb(conn, &mut states, read().map_err(damaged)?)?;
    }
    Ok(Seq(through as u64))
}

/// Whether an event of this kind can change where a dossier stands: an operator's act is the newest of its events.
fn moves_dossiers(kind: u8) -> Result<bool, StoreError> {
    match EventKind::from_code(kind) {
        Some(EventKind::Dossier | EventKind::Progress | EventKind::Status | EventKind::Audit) => Ok(true),
        Some(EventKind::Message | EventKind::Reply | EventKind::Access | EventKind::Payment | EventKind::Evidence) => {
            Ok(false)
        }
        None => Err(StoreError::Damaged("an event has an impossible kind".into())),
    }
}

struct Replayed {
    seq: Seq,
    key: String,
    previous: Option<i64>,
    applied: u8,
    incoming: Option<Incoming>,
    content: Option<ContentDigest>,
}

fn absorb(
    conn: &Connection,
    states: &mut HashMap<DossierCode, DossierState>,
    event: Replayed,
) -> Result<(), StoreError> {
    let audit = event.incoming.is_none();
    let key = match (audit, event.previous) {
        (false, _) => event.key,
        (true, None) => return Ok(()),
        (true, Some(previous)) => dossier_of(conn, previous)?,
    };
    let code: DossierCode = key.parse().map_err(|_| impossible(event.seq))?;
    let state = match states.get_mut(&code) {
        Some(state) => state,
        None => {
            let stored = load(conn, code.as_str())?.unwrap_or_default();
            states.entry(code).or_insert(stored)
        }
    };
    if state.last >= Some(event.seq) {
        return Ok(());
    }
    let (Some(incoming), Some(content)) = (event.incoming, event.content) else {
        state.last = Some(event.seq);
        return if audit { Ok(()) } else { Err(impossible(event.seq)) };
    };
    let verdict = match Disposition::from_code(event.applied).ok_or_else(|| impossible(event.seq))? {
        Disposition::Applied => Verdict::Apply,
        Disposition::History => Verdict::History,
        // The state does not remember where a held event would have moved it.
        Disposition::Held => Verdict::Hold(HoldReason { from: Status::New, to: Status::New }),
    };
    state.absorb(incoming, content, verdict, event.seq);
    Ok(())
}

/// The dossier that an audit event is chained to: that of the nearest earlier event which is not an audit event.
fn dossier_of(conn: &Connection, mut seq: i64) -> Result<String, StoreError> {
    let mut find = conn.prepare_cached("SELECT incoming, key, previous FROM log WHERE seq = ?1").map_err(damaged)?;
    loop {
        let (incoming, key, previous): (u8, String, Option<i64>) =
            find.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(damaged)?;
        match previous {
            _ if incoming != super::row::NO_INCOMING => return Ok(key),
            Some(earlier) => seq = earlier,
            None => return Err(impossible(Seq(seq as u64))),
        }
    }
}

fn impossible(seq: Seq) -> StoreError {
    StoreError::Damaged(format!("event {seq} has impossible values"))
}

//! Reading: a few threads with a connection each, so that no caller's thread waits for the disk, and the queries that
//! they run. Nothing beyond the published head is ever read.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use lgsp_model::{AgencyGrant, Disposition, EventKind, Seq, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use tokio::sync::oneshot;

use super::codec::Unpacker;
use super::failure::{damaged, unavailable};
use super::names::NameTexts;
use super::{held, schema};
use crate::{Held, Page, PageLimit, ReadFilter, StoreError, StoredEvent, TraceId};

/// Reads that may wait; each answers within milliseconds, so this is seconds of waiting at most.
const MOST_WAITING: usize = 4_096;
/// Rows looked at in one page: what a filter that matches nothing costs, some 10 ms.
const MOST_SCANNED: usize = 20_000;

type Task = Box<dyn FnOnce(&mut Reader) + Send>;

/// A connection with what makes reading cheap.
pub(super) struct Reader {
    pub(super) conn: Connection,
    unpacker: Unpacker,
    names: NameTexts,
}

#[derive(Default)]
struct Tasks {
    waiting: VecDeque<Task>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    tasks: Mutex<Tasks>,
    arrived: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut reader: Reader) {
        loop {
            let asleep = |tasks: &mut Tasks| tasks.waiting.is_empty() && !tasks.closed;
            let woken = self.arrived.wait_while(self.lock(), asleep);
            let task = woken.unwrap_or_else(PoisonError::into_inner).waiting.pop_front();
            match task {
                Some(task) => task(&mut reader),
                None => return,
            }
        }
    }
}

/// The reading threads.
pub(super) struct Readers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(super) fn start(dir: &Path, count: usize) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::default());
        let mut readers = Self { shared, threads: Vec::new() };
        for number in 0..count.max(1) {
            let reader = Reader::open(dir)?;
            let shared = readers.shared.clone();
            let thread = thread::Builder::new().name(format!("lgsp-read-{number}"));
            let thread = thread.spawn(move || shared.serve(reader));
            readers.threads.push(thread.map_err(|error| StoreError::Unavailable(error.to_string()))?);
        }
        Ok(readers)
    }

    /// Runs `task` on a reading thread.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        {
            let mut tasks = self.shared.lock();
            if tasks.waiting.len() >= MOST_WAITING {
                return Err(StoreError::Busy);
            }
            tasks.waiting.push_back(Box::new(move |reader| {
                // Nobody waits any more for an answer whose caller went away.
                if !reply.is_closed() {
                    drop(reply.send(task(reader)));
                }
            }));
        }
        self.shared.arrived.notify_one();
        answer.await.map_err(|_| StoreError::Unavailable("the store is closing".into()))?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.arrived.notify_all();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

const COLUMNS: &str = "seq, at, kind, disposition, key, previous, sender, agency, trace, payload, dictionary";

impl Reader {
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        Ok(Self::of(schema::open_reader(dir)?))
    }

    pub(super) fn of(conn: Connection) -> Self {
        Self { conn, unpacker: Unpacker::default(), names: NameTexts::default() }
    }

    /// Events after `after` up to `head`.
    pub(super) fn page(
        &mut self,
        after: Seq,
        head: Seq,
        limit: PageLimit,
        filter: &ReadFilter,
    ) -> Result<Page, StoreError> {
        let Self { conn, unpacker, names } = self;
        let mut page = Page { events: Vec::new(), through: after, more: false };
        if after >= head {
            return Ok(page);
        }
        let text = format!("SELECT {COLUMNS} FROM log WHERE seq > ?1 AND seq <= ?2 ORDER BY seq");
        let mut find = conn.prepare_cached(&text).map_err(damaged)?;
        let mut rows = find.query((after.0 as i64, head.0 as i64)).map_err(damaged)?;
        let mut wanted = Wanted { filter, agencies: HashMap::new() };
        let mut traces = Traces::default();
        let (mut scanned, mut bytes) = (0, 0);
        while scanned < MOST_SCANNED && page.events.len() < limit.events.max(1) {
            let Some(row) = rows.next().map_err(damaged)? else { break };
            let seq = Seq(row.get::<_, i64>(0).map_err(damaged)? as u64);
            if wanted.takes(conn, names, row)? {
                let event = read_event(conn, unpacker, names, &mut traces, row)?;
                let size = event.payload.as_ref().map_or(0, Bytes::len);
                if bytes + size > limit.bytes && !page.events.is_empty() {
                    break;
                }
                bytes += size;
                page.events.push(event);
            }
            page.through = seq;
            scanned += 1;
        }
        page.more = page.through < head;
        Ok(page)
    }

    /// One event.
    pub(super) fn event(&mut self, seq: Seq) -> Result<Option<StoredEvent>, StoreError> {
        let Ok(position) = i64::try_from(seq.0) else { return Ok(None) };
        let Self { conn, unpacker, names } = self;
        let text = format!("SELECT {COLUMNS} FROM log WHERE seq = ?1");
        let mut find = conn.prepare_cached(&text).map_err(damaged)?;
        let mut rows = find.query([position]).map_err(damaged)?;
        let row = rows.next().map_err(damaged)?;
        row.map(|row| read_event(conn, unpacker, names, &mut Traces::default(), row)).transpose()
    }

    /// The events that lead to `last`, oldest first, at most `limit`.
    pub(super) fn history(&mut self, last: Seq, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let mut events = Vec::new();
        let mut next = Some(last);
        while let Some(seq) = next.filter(|_| events.len() < limit) {
            let event = self.event(seq)?;
            let event = event.ok_or_else(|| StoreError::Damaged(format!("event {seq} is missing")))?;
            next = event.previous;
            events.push(event);
        }
        events.reverse();
        Ok(events)
    }

    /// Held events after `after`, at most `limit`.
    pub(super) fn held(&mut self, after: Seq, limit: usize) -> Result<Vec<Held>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let after = i64::try_from(after.0).unwrap_or(i64::MAX);
        let waiting: Vec<(i64, u8, u8)> = {
            let mut find = self
                .conn
                .prepare_cached("SELECT seq, came_from, came_to FROM held WHERE seq > ?1 ORDER BY seq LIMIT ?2")
                .map_err(damaged)?;
            let rows = find.query_map((after, limit), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            rows.and_then(Iterator::collect).map_err(damaged)?
        };
        let found = waiting.into_iter().map(|(seq, from, to)| {
            let event = self.event(Seq(seq as u64))?;
            let event = event.ok_or_else(|| StoreError::Damaged(format!("event {seq} is missing")))?;
            Ok(Held { event, reason: held::reason(from, to)? })
        });
        found.collect()
    }

    /// How many wait for a person.
    pub(super) fn count_held(&self) -> Result<u64, StoreError> {
        let mut count = self.conn.prepare_cached("SELECT count(*) FROM held").map_err(unavailable)?;
        count.query_row([], |row| row.get::<_, i64>(0)).map(|count| count as u64).map_err(damaged)
    }
}

/// Decides on a row's small columns whether the reader wants it.
struct Wanted<'a> {
    filter: &'a ReadFilter,
    agencies: HashMap<i64, bool>,
}

impl Wanted<'_> {
    fn takes(&mut self, conn: &Connection, names: &mut NameTexts, row: &Row<'_>) -> Result<bool, StoreError> {
        let kind = kind_of(row)?;
        let kind_fits =
            if self.filter.kinds.is_empty() { kind.is_of_dossiers() } else { self.filter.kinds.contains(&kind) };
        if !kind_fits || row.get::<_, u8>(3).map_err(damaged)? == Disposition::Held.code() {
            return Ok(false);
        }
        if let Some(prefix) = &self.filter.key_prefix
            && !row.get_ref(4).and_then(|key| Ok(key.as_str()?)).map_err(damaged)?.starts_with(prefix.as_str())
        {
            return Ok(false);
        }
        if let Some(sender) = &self.filter.sender
            && *names.text(conn, row.get(6).map_err(damaged)?).map_err(damaged)? != *sender.as_str()
        {
            return Ok(false);
        }
        let AgencyGrant::Codes(_) = &self.filter.agencies else { return Ok(true) };
        let id = row.get(7).map_err(damaged)?;
        if let Some(known) = self.agencies.get(&id) {
            return Ok(*known);
        }
        let text = names.text(conn, id).map_err(damaged)?;
        let covered = text.parse().is_ok_and(|agency| self.filter.agencies.covers(&agency));
        self.agencies.insert(id, covered);
        Ok(covered)
    }
}

/// The run of one trace that was read last.
#[derive(Default)]
pub(super) struct Traces {
    run: Option<(i64, TraceId)>,
}

impl Traces {
    /// The trace in column `value` of the row `seq`.
    pub(super) fn resolve(&mut self, conn: &Connection, seq: i64, value: ValueRef<'_>) -> Result<TraceId, StoreError> {
        let bad = || StoreError::Damaged(format!("event {seq} has an impossible trace"));
        match value {
            ValueRef::Blob(own) => {
                let own = own.try_into().map_err(|_| bad())?;
                self.run = Some((seq, own));
                Ok(own)
            }
            ValueRef::Integer(back) => {
                let first = seq.checked_sub(back).filter(|first| *first < seq).ok_or_else(bad)?;
                if let Some((_, trace)) = self.run.filter(|(known, _)| *known == first) {
                    return Ok(trace);
                }
                let mut find = conn.prepare_cached("SELECT trace FROM log WHERE seq = ?1").map_err(damaged)?;
                let trace = find.query_row([first], |row| row.get(0)).map_err(|_| bad())?;
                self.run = Some((first, trace));
                Ok(trace)
            }
            _ => Err(bad()),
        }
    }
}

fn kind_of(row: &Row<'_>) -> Result<EventKind, StoreError> {
    EventKind::from_code(row.get(2).map_err(damaged)?)
        .ok_or_else(|| StoreError::Damaged("an event has an impossible kind".into()))
}

fn read_event(
    conn: &Connection,
    unpacker: &mut Unpacker,
    names: &mut NameTexts,
    traces: &mut Traces,
    row: &Row<'_>,
) -> Result<StoredEvent, StoreError> {
    let seq: i64 = row.get(0).map_err(damaged)?;
    let disposition = Disposition::from_code(row.get(3).map_err(damaged)?)
        .ok_or_else(|| StoreError::Damaged(format!("event {seq} has an impossible disposition")))?;
    let stored = row.get_ref(9).and_then(|stored| Ok(stored.as_blob_or_null()?)).map_err(damaged)?;
    let dictionary = row.get(10).map_err(damaged)?;
    Ok(StoredEvent {
        seq: Seq(seq as u64),
        at: Timestamp(row.get(1).map_err(damaged)?),
        kind: kind_of(row)?,
        disposition,
        key: row.get(4).map_err(damaged)?,
        sender: names.text(conn, row.get(6).map_err(damaged)?).map_err(damaged)?.as_ref().to_owned(),
        agency: names.text(conn, row.get(7).map_err(damaged)?).map_err(damaged)?.as_ref().to_owned(),
        previous: row.get::<_, Option<i64>>(5).map_err(damaged)?.map(|previous| Seq(previous as u64)),
        trace: traces.resolve(conn, seq, row.get_ref(8).map_err(damaged)?)?,
        payload: stored.map(|stored| unpacker.unpack(conn, stored, dictionary)).transpose()?,
    })
}

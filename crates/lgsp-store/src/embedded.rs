//! The embedded engine: SQLite in one directory, one thread that writes in groups, a few that read.
//!
//! It serves one process; another one is refused. It judges nothing by itself: `lgsp-model` does.

mod audit;
mod chain;
mod clean_stop;
mod codec;
mod dossiers;
mod failure;
mod group;
mod held;
mod idempotency;
mod messages;
mod names;
mod options;
mod payment_check;
mod payment_rows;
mod payments;
mod queue;
mod read;
mod registry;
mod registry_check;
mod row;
mod schema;
mod seen;
mod state;
mod targets;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use lgsp_model::{Digest, DossierCode, DossierState, PaymentId, Seq, TargetId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};
use tokio::sync::{oneshot, watch};

use self::clean_stop::CleanStops;
use self::codec::Packer;
use self::dossiers::Recent;
use self::failure::damaged;
use self::group::Tail;
pub use self::options::EmbeddedOptions;
use self::payments::PreparedChange;
use self::queue::{Job, Queue, Reply};
use self::read::{Reader, Readers};
use self::row::{Carried, Prepared};
use self::targets::Positions;
pub use self::verify::verify_dir;
use self::writer::Shared;
use crate::{
    Appended, AuditEntry, DurableStore, Health, Held, HeldDecision, LedgerLine, NewEvent, NewReply, Page, PageLimit,
    Parked, ParkedState, PaymentChange, PaymentChanged, PaymentEntry, PaymentName, ReadFilter, RegistryChange,
    RegistryEntry, RegistryKind, StoreError, StoreFuture, StoredEvent, TargetChange, TargetPosition, VerifyReport,
};

/// Events packed before other tasks of the same thread get their turn, some 200 µs.
const PACKED_AT_ONCE: usize = crate::IN_ORDER_AT_ONCE;

/// A store in one directory. Dropping it writes what is in memory and joins its threads.
pub struct EmbeddedStore {
    dir: PathBuf,
    shared: Arc<Shared>,
    packer: Packer,
    readers: Option<Readers>,
    writer: Option<JoinHandle<()>>,
    verifying: Arc<AtomicBool>,
    clean_stops: CleanStops,
    _lock: schema::WriteLock,
}

impl EmbeddedStore {
    /// Opens the store in `dir`, which is made when it does not exist; replays what the dossier table lacks.
    pub fn open(dir: &Path, options: EmbeddedOptions) -> Result<Self, StoreError> {
        let unusable = |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", dir.display()));
        fs::create_dir_all(dir).map_err(unusable)?;
        let lock = schema::lock(dir)?;
        let conn = schema::open_writer(dir)?;
        let packer = Packer::open(&conn, &options.dictionary)?;
        let tail = tail(&conn)?;
        let recent = Recent::default();
        let projected = dossiers::replay(&conn, &recent)?;
        let clean_stops = CleanStops::take_all(&conn)?;
        let shared = Arc::new(Shared {
            queue: Queue::new(options.waiting_events, options.waiting_bytes),
            recent,
            positions: Positions::load(&conn)?,
            head: watch::Sender::new(Seq(tail.seq)),
            health: watch::Sender::new(Health::Writable),
            observer: options.observer,
        });
        let readers = Readers::start(dir, options.readers)?;
        let (for_writer, its_dir) = (shared.clone(), dir.to_owned());
        let writer = thread::Builder::new()
            .name("lgsp-write".into())
            .spawn(move || writer::run(conn, its_dir, for_writer, tail, projected))
            .map_err(unusable)?;
        Ok(Self {
            dir: dir.to_owned(),
            shared,
            packer,
            readers: Some(readers),
            writer: Some(writer),
            verifying: Arc::default(),
            clean_stops,
            _lock: lock,
        })
    }

    /// Commits what waits, writes what is in memory and joins the threads. Blocks; further calls are refused.
    pub fn close(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        // Readers first: the last connection to go moves the write-ahead log into the database and removes it.
        self.readers = None;
        self.shared.queue.close();
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }

    async fn write<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.shared.queue.push(job(reply))?;
        answer.await.map_err(|_| StoreError::Unavailable("the store is closing".into()))?
    }

    async fn read_with<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.as_ref().expect("there until the store is dropped").run(task).await
    }

    async fn prepare(&self, events: Vec<NewEvent>) -> Vec<Prepared> {
        let mut prepared = Vec::with_capacity(events.len());
        let mut events = events.into_iter();
        loop {
            let some: Vec<NewEvent> = events.by_ref().take(PACKED_AT_ONCE).collect();
            let packed = self.packer.pack(some.iter().map(|event| &event.payload));
            prepared.extend(some.into_iter().zip(packed).map(|(event, packed)| Prepared::new(event, packed)));
            if events.len() == 0 {
                return prepared;
            }
            tokio::task::yield_now().await;
        }
    }

    #[cfg(test)]
    async fn limit_pages(&self, pages: u32) {
        self.write(|reply| Job::LimitPages { pages, reply }).await.expect("nothing to write");
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Where the log ends; its chain must end there too.
fn tail(conn: &Connection) -> Result<Tail, StoreError> {
    let seq: i64 = conn.query_row("SELECT coalesce(max(seq), 0) FROM log", [], |row| row.get(0)).map_err(damaged)?;
    let value: Option<[u8; 32]> = conn
        .query_row("SELECT value FROM chain WHERE seq = ?1", [seq], |row| row.get(0))
        .optional()
        .map_err(damaged)?;
    let chain = match value {
        Some(value) => Digest(value),
        None if seq == 0 => chain::GENESIS,
        None => return Err(StoreError::Damaged(format!("the chain has no value for the last event {seq}"))),
    };
    Ok(Tail { seq: seq as u64, chain, run: None })
}

impl DurableStore for EmbeddedStore {
    fn append(&self, events: Vec<NewEvent>) -> StoreFuture<'_, Vec<Appended>> {
        Box::pin(async move {
            if events.is_empty() {
                return Ok(Vec::new());
            }
            if self.shared.queue.is_full_for(events.len()) {
                return Err(StoreError::Busy);
            }
            let events = self.prepare(events).await;
            self.write(|reply| Job::Append { events, reply }).await
        })
    }

    fn head(&self) -> watch::Receiver<Seq> {
        self.shared.head.subscribe()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.shared.health.subscribe()
    }

    fn read(&self, after: Seq, limit: PageLimit, filter: ReadFilter) -> StoreFuture<'_, Page> {
        Box::pin(async move {
            let head = *self.shared.head.borrow();
            if after >= head {
                return Ok(Page { through: after, ..Page::default() });
            }
            self.read_with(move |reader| reader.page(after, head, limit, &filter)).await
        })
    }

    fn event(&self, seq: Seq) -> StoreFuture<'_, Option<StoredEvent>> {
        Box::pin(async move {
            if seq > *self.shared.head.borrow() {
                return Ok(None);
            }
            self.read_with(move |reader| reader.event(seq)).await
        })
    }

    fn reply(&self, reply: NewReply) -> StoreFuture<'_, Seq> {
        Box::pin(async move {
            let NewReply { to, at, payload, trace } = reply;
            let payload = self.packer.pack(std::iter::once(&payload)).pop().expect("one for each payload");
            let carried = Carried { at, payload, trace };
            self.write(|reply| Job::Reply { to, carried, reply }).await
        })
    }

    fn reply_of(&self, message: Seq) -> StoreFuture<'_, Option<StoredEvent>> {
        let head = *self.shared.head.borrow();
        Box::pin(self.read_with(move |reader| reader.reply_of(message, head)))
    }

    fn dossier(&self, code: DossierCode) -> StoreFuture<'_, Option<DossierState>> {
        Box::pin(async move {
            match self.shared.recent.get(&code) {
                Some(state) => Ok(Some(state)),
                None => self.read_with(move |reader| dossiers::load(&reader.conn, code.as_str())).await,
            }
        })
    }

    fn history(&self, code: DossierCode, limit: usize) -> StoreFuture<'_, Vec<StoredEvent>> {
        Box::pin(async move {
            match self.dossier(code).await?.and_then(|state| state.last) {
                Some(last) => self.read_with(move |reader| reader.history(last, limit)).await,
                None => Ok(Vec::new()),
            }
        })
    }

    fn target(&self, target: TargetId) -> StoreFuture<'_, Option<TargetPosition>> {
        Box::pin(async move { Ok(self.shared.positions.get(&target)) })
    }

    fn change_target(&self, target: TargetId, change: TargetChange) -> StoreFuture<'_, ()> {
        Box::pin(self.write(|reply| Job::Target { target, change, reply }))
    }

    fn parked(
        &self,
        target: TargetId,
        state: Option<ParkedState>,
        after: Seq,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Parked>> {
        Box::pin(async move {
            let after = i64::try_from(after.0).unwrap_or(i64::MAX);
            self.read_with(move |reader| targets::parked(&reader.conn, &target, state, after, limit)).await
        })
    }

    fn parked_event(&self, target: TargetId, seq: Seq) -> StoreFuture<'_, Option<Parked>> {
        Box::pin(self.read_with(move |reader| targets::parked_event(&reader.conn, &target, seq)))
    }

    fn parked_of(&self, code: DossierCode) -> StoreFuture<'_, Vec<(TargetId, Parked)>> {
        Box::pin(self.read_with(move |reader| targets::parked_of(&reader.conn, code.as_str())))
    }

    fn count_parked(&self, target: TargetId) -> StoreFuture<'_, Vec<(ParkedState, u64)>> {
        Box::pin(self.read_with(move |reader| targets::count(&reader.conn, &target)))
    }

    fn held(&self, after: Seq, limit: usize) -> StoreFuture<'_, Vec<Held>> {
        Box::pin(self.read_with(move |reader| reader.held(after, limit)))
    }

    fn held_event(&self, seq: Seq) -> StoreFuture<'_, Option<Held>> {
        Box::pin(self.read_with(move |reader| {
            let found = reader.held(Seq(seq.0.saturating_sub(1)), 1)?;
            Ok(found.into_iter().find(|held| held.event.seq == seq))
        }))
    }

    fn count_held(&self) -> StoreFuture<'_, u64> {
        Box::pin(self.read_with(|reader| reader.count_held()))
    }

    fn decide_held(&self, seq: Seq, decision: HeldDecision, audit: AuditEntry) -> StoreFuture<'_, Option<Seq>> {
        Box::pin(self.write(move |reply| Job::Decide { seq, decision, audit, reply }))
    }

    fn audit(&self, entry: AuditEntry) -> StoreFuture<'_, Seq> {
        Box::pin(self.write(move |reply| Job::Audit { entry, reply }))
    }

    fn change_registry(&self, change: RegistryChange) -> StoreFuture<'_, Seq> {
        Box::pin(self.write(move |reply| Job::Registry { change: Box::new(change), reply }))
    }

    fn registry_entry(&self, kind: RegistryKind, id: String) -> StoreFuture<'_, Option<RegistryEntry>> {
        Box::pin(self.read_with(move |reader| registry::entry(&reader.conn, kind, &id)))
    }

    fn registry(&self, kind: RegistryKind, after: String, limit: usize) -> StoreFuture<'_, Vec<RegistryEntry>> {
        Box::pin(self.read_with(move |reader| registry::page(&reader.conn, kind, &after, limit)))
    }

    fn change_payment(&self, change: PaymentChange) -> StoreFuture<'_, PaymentChanged> {
        Box::pin(async move {
            if let Some(what) = change.out_of_bounds() {
                return Err(StoreError::OutOfBounds { what });
            }
            let change = Box::new(PreparedChange::new(change, &self.packer));
            self.write(|reply| Job::Payment { change, reply }).await
        })
    }

    fn payment(&self, id: PaymentId) -> StoreFuture<'_, Option<PaymentEntry>> {
        Box::pin(self.read_with(move |reader| reader.payment(&id)))
    }

    fn payment_named(&self, name: PaymentName) -> StoreFuture<'_, Option<PaymentEntry>> {
        Box::pin(self.read_with(move |reader| reader.payment_named(&name)))
    }

    fn payments_of(&self, dossier: DossierCode, limit: usize) -> StoreFuture<'_, Vec<PaymentEntry>> {
        Box::pin(self.read_with(move |reader| reader.payments_of(&dossier, limit)))
    }

    fn payments_due(&self, between: RangeInclusive<Timestamp>, limit: usize) -> StoreFuture<'_, Vec<PaymentEntry>> {
        Box::pin(self.read_with(move |reader| reader.payments_due(&between, limit)))
    }

    fn postpone_payment(&self, id: PaymentId, after: Seq, due: Option<Timestamp>) -> StoreFuture<'_, bool> {
        Box::pin(self.write(move |reply| Job::Postpone { id, after, due, reply }))
    }

    fn ledger(&self, provider: String, day: u32, after: String, limit: usize) -> StoreFuture<'_, Vec<LedgerLine>> {
        Box::pin(self.read_with(move |reader| payment_rows::ledger(&reader.conn, &provider, day, &after, limit)))
    }

    fn mark_clean_stop(&self, targets: Vec<TargetId>) -> StoreFuture<'_, ()> {
        Box::pin(self.write(|reply| Job::CleanStop { targets, reply }))
    }

    fn take_clean_stop(&self, target: &TargetId) -> bool {
        self.clean_stops.take(target)
    }

    fn verify(&self) -> StoreFuture<'_, VerifyReport> {
        Box::pin(async move {
            if self.verifying.swap(true, Ordering::AcqRel) {
                return Err(StoreError::Busy);
            }
            let (dir, head, busy) = (self.dir.clone(), *self.shared.head.borrow(), self.verifying.clone());
            // A thread of its own: this reads the whole log, for minutes perhaps.
            let check = move || {
                let result = schema::open_reader(&dir).and_then(|conn| verify::verify(&conn, Some(head)));
                busy.store(false, Ordering::Release);
                result
            };
            let checked = tokio::task::spawn_blocking(check).await;
            checked.map_err(|_| StoreError::Unavailable("the check was interrupted".into()))?
        })
    }
}

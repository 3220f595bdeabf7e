//! The one thread that writes. It takes whatever waits, commits it as one group, and only then answers. It also moves
//! dossiers' states into their table, keeps the write-ahead log short, and tries again by itself after a failure.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lgsp_model::{DossierCode, DossierState, Seq};
use rusqlite::Connection;
use tokio::sync::watch;

use super::dossiers::{Flush, Recent, Slice};
use super::failure::unavailable;
use super::group::{Answer, Group, Tail};
use super::names::Names;
use super::queue::{Job, Queue, Taken};
use super::seen::Seen;
use super::targets::Positions;
use crate::{CommitObserver, Health, StoreError};

/// How long the writer sleeps when nothing comes.
const TICK: Duration = Duration::from_millis(500);
/// Pause between attempts to commit after a failure.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// Bytes that a probe writes: more than one page, so that it proves there is room for messages.
const PROBE_BYTES: u32 = 65_536;
/// Pages in the write-ahead log after which they are moved into the database, 16 MiB.
const CHECKPOINT_PAGES: usize = 2_048;

/// What the writer and everybody else see.
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) recent: Recent,
    pub(super) positions: Positions,
    pub(super) head: watch::Sender<Seq>,
    pub(super) health: watch::Sender<Health>,
    pub(super) observer: Option<Arc<dyn CommitObserver>>,
}

/// The writer's own state, true as of the last commit.
pub(super) struct Writer {
    conn: Connection,
    dir: PathBuf,
    shared: Arc<Shared>,
    tail: Tail,
    names: Names,
    seen: Seen,
    flush: Flush,
    last_attempt: Instant,
}

/// What a group changed, to be taken into memory after its commit.
struct Staged {
    answers: Vec<Answer>,
    tail: Tail,
    states: HashMap<DossierCode, DossierState>,
    new_dossiers: Vec<DossierCode>,
    slice: Option<Slice>,
}

/// Runs the writer until its queue is closed and empty.
pub(super) fn run(conn: Connection, dir: PathBuf, shared: Arc<Shared>, tail: Tail, projected: Seq) {
    let seen = Seen::learn(&dir, tail.seq);
    let now = Instant::now();
    let mut flush = Flush::from(projected);
    if !shared.recent.lock().is_empty() {
        flush.changed();
    }
    let names = Names::default();
    let mut writer = Writer { conn, dir, shared, tail, names, seen, flush, last_attempt: now };
    for code in writer.shared.recent.lock().keys() {
        writer.seen.note(code.as_str());
    }
    let _end = End(writer.shared.clone());
    let mut jobs = Vec::new();
    loop {
        let patience = if writer.flush.is_open() { Duration::ZERO } else { TICK };
        match writer.shared.queue.take(patience, &mut jobs) {
            Taken::Jobs => writer.commit(&mut jobs),
            Taken::Nothing => writer.tick(),
            Taken::Closed => return writer.close(),
        }
        writer.checkpoint();
    }
}

/// When the writer ends, for whatever reason, nobody waits for it any more.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        let reason = "the writer has ended".to_owned();
        self.0.queue.close();
        let mut left = Vec::new();
        while self.0.queue.take(Duration::ZERO, &mut left) == Taken::Jobs {
            left.drain(..).for_each(|job| job.fail(StoreError::Unavailable(reason.clone())));
        }
        self.0.health.send_replace(Health::ReadOnly { reason });
    }
}

impl Writer {
    /// Commits a group and answers it.
    fn commit(&mut self, jobs: &mut Vec<Job>) {
        self.seen.refresh(&self.dir);
        let began = Instant::now();
        let before = self.tail.seq;
        #[cfg(test)]
        self.limit_pages(jobs);
        match self.attempt(jobs) {
            Ok(staged) => {
                let events = (staged.tail.seq - before) as usize;
                let answers = self.take_in(staged, jobs);
                if let Some(observer) = self.shared.observer.as_ref().filter(|_| events > 0) {
                    observer.committed(events, began.elapsed());
                }
                for (job, answer) in jobs.drain(..).zip(answers) {
                    deliver(job, answer);
                }
            }
            Err(error) => {
                self.failed(&error);
                for job in jobs.drain(..) {
                    job.fail(error.clone());
                }
            }
        }
    }

    /// Applies the jobs and commits. Whatever fails, the database and memory are as before.
    fn attempt(&mut self, jobs: &[Job]) -> Result<Staged, StoreError> {
        self.last_attempt = Instant::now();
        self.execute("BEGIN IMMEDIATE")?;
        let staged = self.stage(jobs).and_then(|staged| self.execute("COMMIT").map(|()| staged));
        if staged.is_err() {
            // The engine may have rolled back by itself already; then this fails, and that is fine.
            drop(self.execute("ROLLBACK"));
            self.names.rolled_back();
        }
        staged
    }

    fn stage(&mut self, jobs: &[Job]) -> Result<Staged, StoreError> {
        let events = jobs.iter().map(Job::events).sum();
        let slice = if self.flush.is_due(&self.shared.recent, self.tail.seq) {
            Some(self.flush.write(&self.conn, &self.shared.recent, events)?)
        } else {
            None
        };
        let mut group = Group::begin(&self.conn, self.tail, &mut self.names, &self.shared.recent)?;
        group.find_states(jobs, &self.seen)?;
        let answers = jobs.iter().map(|job| group.apply(job)).collect::<Result<_, _>>()?;
        group.seal(self.tail.seq)?;
        let Group { tail, states, new_dossiers, .. } = group;
        Ok(Staged { answers, tail, states, new_dossiers, slice })
    }

    /// Takes a committed group into memory and publishes it.
    fn take_in(&mut self, staged: Staged, jobs: &[Job]) -> Vec<Answer> {
        let Staged { answers, tail, states, new_dossiers, slice } = staged;
        self.names.committed();
        {
            let mut recent = self.shared.recent.lock();
            if let Some(slice) = slice {
                self.flush.wrote(&slice, &mut recent);
            }
            if !states.is_empty() {
                self.flush.changed();
                recent.extend(states);
            }
        }
        for code in &new_dossiers {
            self.seen.note(code.as_str());
        }
        for job in jobs {
            if let Job::Target { target, change, .. } = job {
                self.shared.positions.committed(target, change);
            }
        }
        let moved = tail.seq != self.tail.seq;
        self.tail = tail;
        if moved {
            self.shared.head.send_replace(Seq(tail.seq));
        }
        self.shared.health.send_if_modified(|health| std::mem::take(health) != Health::Writable);
        answers
    }

    fn failed(&self, error: &StoreError) {
        if let Some(observer) = &self.shared.observer {
            observer.failed();
        }
        let reason = error.to_string();
        self.shared.health.send_if_modified(|health| {
            let new = Health::ReadOnly { reason };
            let changed = *health != new;
            *health = new;
            changed
        });
    }

    /// What is to be done when nothing comes.
    fn tick(&mut self) {
        self.seen.refresh(&self.dir);
        let healthy = *self.shared.health.borrow() == Health::Writable;
        if !healthy {
            if self.last_attempt.elapsed() >= PROBE_EVERY {
                self.probe();
            }
            return;
        }
        if self.flush.is_due(&self.shared.recent, self.tail.seq) {
            match self.attempt(&[]) {
                Ok(staged) => drop(self.take_in(staged, &[])),
                Err(error) => self.failed(&error),
            }
        }
    }

    /// Tries whether commits work again: writes something and takes it away.
    fn probe(&mut self) {
        self.last_attempt = Instant::now();
        let tried = self
            .conn
            .execute("INSERT INTO probe VALUES (zeroblob(?1))", [PROBE_BYTES])
            .and_then(|_| self.conn.execute("DELETE FROM probe", []));
        match tried.map_err(unavailable) {
            Ok(_) => drop(self.shared.health.send_replace(Health::Writable)),
            Err(error) => self.failed(&error),
        }
    }

    /// Moves the write-ahead log into the database when it is long. A failure shows at the next commit.
    fn checkpoint(&self) {
        let pages = |mode| {
            let mut checkpoint = self.conn.prepare_cached(mode)?;
            checkpoint.query_row([], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
        };
        if let Ok((written, moved)) = pages("PRAGMA wal_checkpoint(NOOP)")
            && written - moved >= CHECKPOINT_PAGES as i64
        {
            drop(pages("PRAGMA wal_checkpoint(PASSIVE)"));
        }
    }

    /// Writes what is only in memory, so that the next start has nothing to replay.
    fn close(mut self) {
        self.flush.hurry();
        while self.flush.is_due(&self.shared.recent, self.tail.seq) {
            match self.attempt(&[]) {
                Ok(staged) => drop(self.take_in(staged, &[])),
                Err(error) => return self.failed(&error),
            }
        }
        drop(self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
    }

    fn execute(&self, text: &str) -> Result<(), StoreError> {
        self.conn.prepare_cached(text).and_then(|mut statement| statement.execute([])).map(drop).map_err(unavailable)
    }

    #[cfg(test)]
    fn limit_pages(&self, jobs: &[Job]) {
        for job in jobs {
            if let Job::LimitPages { pages, .. } = job {
                self.conn.pragma_update(None, "max_page_count", pages).expect("the engine takes the pragma");
            }
        }
    }
}

fn deliver(job: Job, answer: Answer) {
    match (job, answer) {
        (Job::Append { reply, .. }, Answer::Appended(appended)) => drop(reply.send(Ok(appended))),
        (Job::Target { reply, .. }, Answer::Changed) => drop(reply.send(Ok(()))),
        (Job::Decide { reply, .. }, Answer::Decided(released)) => drop(reply.send(Ok(released))),
        (Job::Reply { reply, .. } | Job::Audit { reply, .. } | Job::Registry { reply, .. }, Answer::Logged(seq)) => {
            drop(reply.send(Ok(seq)))
        }
        (job, Answer::Taken) => job.fail(StoreError::Taken),
        (Job::Payment { reply, .. }, Answer::Payment(became)) => drop(reply.send(Ok(became))),
        (Job::Postpone { reply, .. }, Answer::Postponed(done)) => drop(reply.send(Ok(done))),
        (Job::CleanStop { reply, .. }, Answer::Changed) => drop(reply.send(Ok(()))),
        #[cfg(test)]
        (Job::LimitPages { reply, .. }, Answer::Changed) => drop(reply.send(Ok(()))),
        (job, _) => job.fail(StoreError::NotThere),
    }
}

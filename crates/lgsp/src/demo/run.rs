//! The course of the demo: everybody works side by side under changing weather, then all is awaited and compared.

use std::collections::HashMap;
use std::fmt;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::civil::Date;
use lgsp_sandbox::{Catalogue, Portal, Procedure, Sandbox};
use tokio::sync::mpsc;

use super::catalogue::{CatalogueError, ProcedureList};
use super::client::{Adapter, Bulk, ClientError, Puller, SharedLedger, Single};
use super::compare::compare;
use super::fees::FEES;
use super::ledger::{Ledger, Told};
use super::life::Lives;
use super::reckoning::{FeeSummary, Reckoning};
use super::summary::Summary;
use super::till::{Ended, Till};
use super::world::{System, World};
use super::{DemoTarget, tables, weather};

/// How long nothing may arrive anywhere before the wait ends: longer than the gateway's retries of a demo.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the progress is told on a terminal, and in plain lines.
const TERMINAL_TICK: Duration = Duration::from_millis(200);
const LINE_TICK: Duration = Duration::from_secs(2);
/// How often the portal is compared while deliveries are awaited.
const CHECK_TICK: Duration = Duration::from_millis(50);
/// Differences that the summary shows.
const DIFFERENCES_SHOWN: usize = 20;

/// How progress is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// One line that is written over.
    Terminal,
    /// A line now and then.
    Lines,
    /// Not at all.
    Quiet,
}

/// What to live.
pub struct DemoOptions {
    /// How many dossiers.
    pub dossiers: u64,
    /// What they are about.
    pub procedures: ProcedureList,
    /// The seed of everything that is left to chance.
    pub seed: u64,
    /// The day of the run; dossiers were filed two to five months before.
    pub today: Date,
    /// How progress is told.
    pub progress: Progress,
}

/// Why a demo could not be run to its end.
#[derive(Debug)]
pub enum DemoError {
    /// No dossiers can be made of the catalogue.
    Catalogue(CatalogueError),
    /// A client gave up.
    Client(ClientError),
}

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Catalogue(error) => error.fmt(f),
            Self::Client(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DemoError {}

impl From<CatalogueError> for DemoError {
    fn from(error: CatalogueError) -> Self {
        Self::Catalogue(error)
    }
}

impl From<ClientError> for DemoError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

/// Lives the dossiers through the gateway at `target`, which delivers to `sandbox`, and compares. The gateway must be
/// ready, and both must be empty.
pub async fn run_demo(target: &DemoTarget, sandbox: &Sandbox, options: DemoOptions) -> Result<Summary, DemoError> {
    let world = Arc::new(World::new(&options.procedures, options.today)?);
    sandbox.portal().set_catalogue(shared_catalogue(&options.procedures));
    let started = Instant::now();
    let run = Run {
        portal: sandbox.portal().clone(),
        ledger: SharedLedger::default(),
        puller: Puller::new(&target.public_url, target.puller.clone()),
        till: Arc::new(Till::new(target)),
        weather: Mutex::new(None),
        options,
        started,
    };
    let (procedures, fees) = tokio::select! {
        done = run.live_and_reckon(target, sandbox, &world) => done?,
        error = run.puller.follow() => return Err(error.into()),
        never = run.tell_progress() => match never {},
    };
    let (mut summary, differences) = run.summary(procedures, fees);
    for (code, difference) in differences {
        let why = run.puller.where_copies_stand(&code).await;
        summary.problems.push(format!("{code} {difference}{why}"));
    }
    summary.taken = started.elapsed();
    Ok(summary)
}

/// One run.
struct Run {
    portal: Portal,
    ledger: SharedLedger,
    puller: Puller,
    till: Arc<Till>,
    weather: Mutex<Option<&'static str>>,
    options: DemoOptions,
    started: Instant,
}

impl Run {
    /// Lives everything to its end, then counts the money. How many procedures the portal has, and the money.
    async fn live_and_reckon(
        &self,
        target: &DemoTarget,
        sandbox: &Sandbox,
        world: &Arc<World>,
    ) -> Result<(u64, FeeSummary), ClientError> {
        let from_ms = now_ms();
        let (procedures, ended) = self.live(target, world).await?;
        let reckoning = Reckoning { target, payments: sandbox.payments(), from_ms, until_ms: now_ms() };
        Ok((procedures, reckoning.make(&ended).await?))
    }

    /// Dossiers, and beside them the fees of some.
    async fn live(&self, target: &DemoTarget, world: &Arc<World>) -> Result<(u64, Vec<Ended>), ClientError> {
        let (till, accepted) = mpsc::channel(FEES);
        tokio::try_join!(self.live_dossiers(target, world, till), Arc::clone(&self.till).serve(accepted))
    }

    /// Sends everything under changing weather, then waits until all has arrived or nothing moves any more.
    async fn live_dossiers(
        &self,
        target: &DemoTarget,
        world: &Arc<World>,
        till: mpsc::Sender<String>,
    ) -> Result<u64, ClientError> {
        let adapter = Arc::new(Adapter::new(&target.public_url, target.adapter.clone(), self.ledger.clone()));
        let procedures = adapter.procedures().await?;
        let single = Single::new(&target.public_url, target.single.clone(), self.ledger.clone(), till);
        let bulk = Bulk::new(&target.public_url, target.bulk.clone(), self.ledger.clone());
        let lives = |system: System| {
            let place = System::ALL.iter().position(|one| *one == system).unwrap_or_default() as u64;
            let count = (self.options.dossiers + 2 - place) / 3;
            (Lives::new(Arc::clone(world), self.options.seed.wrapping_add(place)), count)
        };
        let ((singles, single_count), (bulks, bulk_count), (calls, call_count)) =
            (lives(System::Single), lives(System::Bulk), lives(System::Adapter));
        let everybody = async {
            let all = tokio::try_join!(
                single.live(singles, single_count),
                bulk.live(bulks, bulk_count),
                adapter.live(calls, call_count),
            );
            all.map(|_| ())
        };
        let tell = |fault| *self.weather.lock().expect("a name is set without panic") = fault;
        let sent = tokio::select! {
            sent = everybody => sent,
            () = weather::change(self.portal.clone(), tell) => Ok(()),
        };
        self.portal.clear_faults();
        tell(None);
        sent?;
        self.wait_for_arrival().await;
        Ok(procedures)
    }

    async fn wait_for_arrival(&self) {
        let mut open: Vec<String> = self.ledger.lock().dossiers.keys().cloned().collect();
        let (mut moved, mut before) = (Instant::now(), (0, 0));
        loop {
            open.retain(|code| self.difference(code).is_some());
            if open.is_empty() {
                return;
            }
            let now = (*self.portal.arrivals().borrow(), self.puller.read().count);
            if now != before {
                (moved, before) = (Instant::now(), now);
            }
            if moved.elapsed() > PATIENCE {
                return;
            }
            tokio::time::sleep(CHECK_TICK).await;
        }
    }

    fn difference(&self, code: &str) -> Option<&'static str> {
        let (ledger, read) = (self.ledger.lock(), self.puller.read());
        let told = ledger.dossiers.get(code)?;
        compare(told, self.portal.dossier(code).as_ref(), read.changes.get(code)).difference
    }

    /// The summary, and the first dossiers that differ.
    fn summary(&self, procedures: u64, fees: FeeSummary) -> (Summary, Vec<(String, &'static str)>) {
        let (ledger, read) = (self.ledger.lock(), self.puller.read());
        let counters = self.portal.counters();
        let mut summary = Summary {
            dossiers: ledger.dossiers.len() as u64,
            accepted: ledger.accepted,
            duplicate: ledger.duplicate,
            held: ledger.held,
            rejected: ledger.rejected,
            delivered: 0,
            in_sync: 0,
            pulled: read.count,
            faults: counters.transport_faults + counters.refused + counters.sessions_refused,
            procedures,
            fees,
            problems: Vec::new(),
            taken: Duration::ZERO,
        };
        let mut differences = Vec::new();
        for (code, told) in &ledger.dossiers {
            let comparison = compare(told, self.portal.dossier(code).as_ref(), read.changes.get(code));
            summary.delivered += comparison.delivered;
            match comparison.difference {
                None => summary.in_sync += 1,
                Some(difference) if differences.len() < DIFFERENCES_SHOWN => {
                    differences.push((code.clone(), difference));
                }
                Some(_) => {}
            }
        }
        summary.problems = self.problems(&ledger, read.out_of_order, procedures);
        let hidden = summary.dossiers - summary.in_sync - differences.len() as u64;
        if hidden > 0 {
            summary.problems.push(format!("{hidden} more dossiers differ than are shown"));
        }
        (summary, differences)
    }

    /// What is wrong besides dossiers that differ.
    fn problems(&self, ledger: &Ledger, out_of_order: u64, procedures: u64) -> Vec<String> {
        let mut problems = ledger.surprises.clone();
        if ledger.surprise_count > problems.len() as u64 {
            problems.push(format!("{} answers in all were not the right ones", ledger.surprise_count));
        }
        for code in self.portal_strangers(&ledger.dossiers) {
            problems.push(format!("{code} is in the portal, but was not accepted"));
        }
        if out_of_order > 0 {
            problems.push(format!("{out_of_order} changes of the feed came out of order"));
        }
        if procedures != self.options.procedures.procedures().len() as u64 {
            problems.push(format!("the gateway shared {procedures} procedures, the portal has others"));
        }
        problems
    }

    /// Dossiers of the portal that nobody was told of.
    fn portal_strangers(&self, told: &HashMap<String, Told>) -> Vec<String> {
        let mut strangers = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.portal.dossiers(after.as_deref(), 500);
            let Some(last) = page.last() else { return strangers };
            after = Some(last.code.to_string());
            let unknown = page.iter().filter(|stored| !told.contains_key(&*stored.code));
            strangers.extend(unknown.map(|stored| stored.code.to_string()).take(DIFFERENCES_SHOWN));
        }
    }

    async fn tell_progress(&self) -> std::convert::Infallible {
        let tick = match self.options.progress {
            Progress::Terminal => TERMINAL_TICK,
            Progress::Lines => LINE_TICK,
            Progress::Quiet => return std::future::pending().await,
        };
        loop {
            tokio::time::sleep(tick).await;
            let line = self.progress_line();
            let mut out = std::io::stderr().lock();
            // A closed terminal must not end the run.
            let _ = match self.options.progress {
                Progress::Terminal => write!(out, "\r\x1b[K{line}"),
                Progress::Lines | Progress::Quiet => writeln!(out, "{line}"),
            };
            let _ = out.flush();
        }
    }

    fn progress_line(&self) -> String {
        let (done, accepted) = {
            let ledger = self.ledger.lock();
            (ledger.lives_done, ledger.accepted)
        };
        let counters = self.portal.counters();
        let stored = counters.creates + counters.updates + counters.steps;
        let pulled = self.puller.read().count;
        let fault = *self.weather.lock().expect("a name is set without panic");
        let weather = fault.map_or_else(|| "portal well".to_owned(), |fault| format!("portal: {fault}"));
        let seconds = self.started.elapsed().as_secs_f64();
        let all = self.options.dossiers;
        let (asked, ended) = self.till.progress();
        format!(
            "{seconds:6.1} s  dossiers {done}/{all}, accepted {accepted}, at the portal {stored}, pulled {pulled}, \
             fees {ended}/{asked}, {weather}"
        )
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn shared_catalogue(list: &ProcedureList) -> Catalogue {
    let procedure = |p: &super::DemoProcedure| Procedure {
        code: p.code.clone(),
        name: p.name.clone(),
        field_code: p.field_code.clone().unwrap_or_default(),
        field_name: p.field_name.clone(),
        level: p.level.clone(),
    };
    Catalogue {
        procedures: list.procedures().iter().map(procedure).collect(),
        agencies: tables::agencies().into_iter().map(|agency| (agency.code, agency.name)).collect(),
    }
}

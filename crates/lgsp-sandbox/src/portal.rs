//! A national portal as its clients know it: the session protocol with its services, answer forms and refusals.
//!
//! What the real server does inside is not public: this behaves as deployed clients observe and defend against. It
//! checks lengths and existence like the portal, not the whole contract of a dossier.

mod catalogue;
mod exchange;
mod records;
mod reply;
mod rules;
mod services;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use catalogue::{Catalogue, Procedure};
pub(crate) use exchange::{XRD_ADAPTER, answer, is_portal_path};
pub use records::{Notice, StoredDossier, StoredStep, StoredVersion};
pub use services::NotStored;

use crate::faults::{BadFault, CodeForm, FaultId, FaultRule, Faults, MessageForm};
use crate::sessions::Sessions;
use records::Records;

/// Where chance starts unless a seed is set.
const DEFAULT_SEED: u64 = 20_260_101;

/// What happens to the records before a refused one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchMode {
    /// A batch with one refused record stores nothing.
    #[default]
    AllOrNothing,
    /// The records before the refused one are stored.
    StoresUpToRefusal,
}

/// How the portal behaves when nothing is wrong. All of it can be changed while it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PortalSettings {
    /// The login that it accepts.
    pub username: String,
    /// Its password.
    pub password: String,
    /// The life of a session in milliseconds.
    pub session_lifetime_ms: u64,
    /// Calls that a session is good for; absent = no limit.
    pub session_calls: Option<u32>,
    /// What happens to the records before a refused one.
    pub batch_mode: BatchMode,
    /// The most records in one call.
    pub max_batch: usize,
    /// Whether `TraCuuHoSo` answers with `TIENDO`.
    pub lookup_with_steps: bool,
    /// Whether a refusal names the dossier that it is about.
    pub names_the_record: bool,
    /// The form of `error_code` in a success.
    pub code_form: CodeForm,
    /// The form of `message` in a success.
    pub message_form: MessageForm,
    /// How long every answer takes, in milliseconds; calls wait beside each other.
    pub answer_delay_ms: u64,
}

impl Default for PortalSettings {
    fn default() -> Self {
        Self {
            username: "lgsp".into(),
            password: "lgsp-sandbox".into(),
            session_lifetime_ms: 600_000,
            session_calls: None,
            batch_mode: BatchMode::AllOrNothing,
            max_batch: 1000,
            lookup_with_steps: true,
            names_the_record: false,
            code_form: CodeForm::Text,
            message_form: MessageForm::Text,
            answer_delay_ms: 0,
        }
    }
}

/// What the portal counted since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Calls that reached the portal, by service (`login`, `other` for unknown names).
    pub calls: BTreeMap<String, u64>,
    /// Logins that gave a session.
    pub logins: u64,
    /// Calls refused for their session.
    pub sessions_refused: u64,
    /// Dossier records stored with `isUpdating` "False".
    pub creates: u64,
    /// Dossier records stored with `isUpdating` "True".
    pub updates: u64,
    /// Progress steps stored.
    pub steps: u64,
    /// Status notices stored.
    pub notices: u64,
    /// Push calls refused by rule or fault.
    pub refused: u64,
    /// Answers spoilt by a transport fault (502, 503, reset, silence).
    pub transport_faults: u64,
}

/// The portal's state, shared: clones are the same portal.
#[derive(Clone)]
pub struct Portal {
    state: Arc<Mutex<State>>,
    arrivals: watch::Sender<u64>,
}

pub(crate) struct State {
    settings: PortalSettings,
    faults: Faults,
    sessions: Sessions,
    records: Records,
    catalogue: Arc<Catalogue>,
    counters: Counters,
}

impl Default for Portal {
    fn default() -> Self {
        Self::new(PortalSettings::default(), Catalogue::default())
    }
}

impl Portal {
    /// An empty portal.
    pub fn new(settings: PortalSettings, catalogue: Catalogue) -> Self {
        let state = State {
            settings,
            faults: Faults::new(DEFAULT_SEED),
            sessions: Sessions::new(DEFAULT_SEED),
            records: Records::default(),
            catalogue: Arc::new(catalogue),
            counters: Counters::default(),
        };
        Self { state: Arc::new(Mutex::new(state)), arrivals: watch::Sender::new(0) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds the portal's state")
    }

    /// Tells waiting observers how much arrived.
    pub(crate) fn announce(&self) {
        let arrivals = self.lock().records.arrivals();
        self.arrivals.send_if_modified(|seen| {
            let changed = *seen != arrivals;
            *seen = arrivals;
            changed
        });
    }

    /// The settings now.
    pub fn settings(&self) -> PortalSettings {
        self.lock().settings.clone()
    }

    /// Changes the settings.
    pub fn change_settings(&self, change: impl FnOnce(&mut PortalSettings)) {
        change(&mut self.lock().settings);
    }

    /// Replaces the procedures, fields and agencies that the catalogue services answer with.
    pub fn set_catalogue(&self, catalogue: Catalogue) {
        self.lock().catalogue = Arc::new(catalogue);
    }

    /// Adds a fault.
    pub fn add_fault(&self, rule: FaultRule) -> Result<FaultId, BadFault> {
        self.lock().faults.add(rule)
    }

    /// Removes a fault; false when it is gone already.
    pub fn remove_fault(&self, id: FaultId) -> bool {
        self.lock().faults.remove(id)
    }

    /// Removes every fault.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// The faults that stand.
    pub fn faults(&self) -> Vec<(FaultId, FaultRule)> {
        self.lock().faults.rules().to_vec()
    }

    /// Restarts chance, so that faults with a probability strike the same calls again.
    pub fn seed(&self, seed: u64) {
        self.lock().faults.reseed(seed);
    }

    /// Every session dies now.
    pub fn expire_sessions(&self) {
        self.lock().sessions.clear();
    }

    /// Stores a dossier record as though it had arrived before: a dossier that the portal already has. Refused like
    /// an arriving one.
    pub fn preload_record(&self, record: &str) -> Result<(), NotStored> {
        self.lock().preload_record(record)?;
        self.announce();
        Ok(())
    }

    /// Stores a progress step as though it had arrived before. Its dossier must be there.
    pub fn preload_step(&self, step: &str) -> Result<(), NotStored> {
        self.lock().preload_step(step)?;
        self.announce();
        Ok(())
    }

    /// One dossier with all that was stored of it.
    pub fn dossier(&self, code: &str) -> Option<StoredDossier> {
        self.lock().records.get(code).cloned()
    }

    /// At most `limit` dossiers in order of their codes, after the code `after`.
    pub fn dossiers(&self, after: Option<&str>, limit: usize) -> Vec<StoredDossier> {
        self.lock().records.page(after, limit)
    }

    /// How many dossiers are stored.
    pub fn dossier_count(&self) -> usize {
        self.lock().records.len()
    }

    /// Status notices in order of arrival.
    pub fn notices(&self) -> Vec<Notice> {
        self.lock().records.notices().to_vec()
    }

    /// The counters now.
    pub fn counters(&self) -> Counters {
        self.lock().counters.clone()
    }

    /// Changes whenever something is stored; the value is the number of rows stored so far. To wait for a condition
    /// instead of sleeping.
    pub fn arrivals(&self) -> watch::Receiver<u64> {
        self.arrivals.subscribe()
    }

    /// Forgets everything stored and counted. Settings, faults and sessions stay.
    pub fn forget(&self) {
        let mut state = self.lock();
        state.records = Records::default();
        state.counters = Counters::default();
    }
}

pub(crate) fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

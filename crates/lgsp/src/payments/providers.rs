//! The payment providers of one configuration, ready to be talked to, and the accounts that may be paid to.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lgsp_config::{Config, Payee, PaymentProvider as Settings, ProviderId};
use lgsp_connect::{BuildError, CheckError, Clock, PaymentProvider as Connector};
use lgsp_core::{Gcra, Verdict};
use lgsp_model::{AgencyCode, Dong, Timestamp};
use tokio::sync::Semaphore;

use super::record::Record;

/// A provider, and what people read of it.
pub(crate) struct PaymentProvider {
    settings: Settings,
    pub(crate) connector: Arc<dyn Connector>,
    /// Bounds the questions that are asked of it at one time.
    pub(crate) asking: Arc<Semaphore>,
    /// What is not signed by it.
    pub(crate) noise: Share,
    /// What it said and what leads nowhere.
    pub(crate) strays: Share,
}

/// A share of the log that those may fill who speak in a provider's name: so many pieces a minute.
pub(crate) struct Share {
    rate: Gcra,
    tat: AtomicU64,
}

/// Pieces a minute of what anybody can send, and of what the provider did sign.
const NOISE: u32 = 60;
const STRAYS: u32 = 600;

impl Share {
    fn of(pieces: u32) -> Self {
        let pieces = NonZeroU32::new(pieces).expect("more than none");
        Self { rate: Gcra::new(pieces, Duration::from_secs(60), pieces), tat: AtomicU64::new(0) }
    }

    /// Whether one more piece may be kept now.
    pub(crate) fn may(&self, now: Timestamp) -> bool {
        let now_ns = u64::try_from(now.0).unwrap_or(0).saturating_mul(1_000_000);
        let mut tat = self.tat.load(Ordering::Relaxed);
        loop {
            let Verdict::Allowed { tat: next, .. } = self.rate.check(tat, now_ns) else { return false };
            match self.tat.compare_exchange_weak(tat, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(other) => tat = other,
            }
        }
    }
}

/// All of them, in the order of the file.
#[derive(Clone, Default)]
pub(crate) struct PaymentProviders(Vec<Arc<PaymentProvider>>);

/// Why a provider cannot be used.
#[derive(Debug)]
pub enum PaymentProviderProblem {
    /// Its kind or its settings are wrong.
    Settings(ProviderId, CheckError),
    /// It cannot be built.
    Build(ProviderId, BuildError),
}

impl fmt::Display for PaymentProviderProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(id, error) => write!(f, "payment provider {id}: {error}"),
            Self::Build(id, error) => write!(f, "payment provider {id}: {error}"),
        }
    }
}

impl std::error::Error for PaymentProviderProblem {}

impl PaymentProvider {
    pub(crate) fn id(&self) -> &str {
        self.settings.id.as_str()
    }

    pub(crate) fn name(&self, english: bool) -> &str {
        if english { &self.settings.name_en } else { &self.settings.name }
    }

    /// Whether an agency's fee of this amount may be paid there, to this account.
    pub(crate) fn takes(&self, payee: &Payee, agency: &AgencyCode, amount: Dong) -> bool {
        let abilities = self.connector.abilities();
        let pays_there = payee.providers.as_ref().is_none_or(|allowed| allowed.contains(&self.settings.id));
        pays_there && self.settings.agencies.covers(agency) && (abilities.least..=abilities.most).contains(&amount)
    }
}

impl PaymentProviders {
    /// Builds the providers of a configuration; those that did not change stay, with their connections.
    pub(crate) fn build(config: &Config, clock: &Clock, before: Option<&Self>) -> Result<Self, PaymentProviderProblem> {
        let build = |settings: &Settings| {
            let same = |known: &&Arc<PaymentProvider>| {
                (&known.settings.kind, &known.settings.settings) == (&settings.kind, &settings.settings)
                    && known.settings.id == settings.id
            };
            let connector = match before.and_then(|before| before.0.iter().find(same)) {
                Some(known) => known.connector.clone(),
                None => {
                    let id = || settings.id.clone();
                    let checked = lgsp_connect::check_payment_provider(&settings.kind, settings.settings.table());
                    let checked = checked.map_err(|error| PaymentProviderProblem::Settings(id(), error))?;
                    checked.build(clock.clone()).map_err(|error| PaymentProviderProblem::Build(id(), error))?
                }
            };
            let asking = Arc::new(Semaphore::new(config.payments.asking as usize));
            Ok(Arc::new(PaymentProvider {
                settings: settings.clone(),
                connector,
                asking,
                noise: Share::of(NOISE),
                strays: Share::of(STRAYS),
            }))
        };
        config.payment_providers.iter().map(build).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<PaymentProvider>> {
        self.0.iter().find(|provider| provider.id() == id)
    }

    /// The one that a payment was told to, if the configuration still has it.
    pub(crate) fn of(&self, record: &Record) -> Option<&Arc<PaymentProvider>> {
        self.get(record.provider.as_deref()?)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<PaymentProvider>> {
        self.0.iter()
    }
}

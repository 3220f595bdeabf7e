//! The identity providers of one configuration, ready to be talked to.

use std::fmt;
use std::sync::Arc;

use lgsp_config::{Client, Config, IdentityProvider as Settings, ProviderId};
use lgsp_connect::{BuildError, CheckError, Clock, IdentityProvider};

use super::browser::keeps_cookies_of;

/// A provider and what people read of it.
pub(crate) struct Provider {
    settings: Settings,
    pub(crate) connector: Arc<dyn IdentityProvider>,
}

/// All of them, in the order of the file.
#[derive(Clone, Default)]
pub(crate) struct Providers(Vec<Arc<Provider>>);

/// Why a provider cannot be used.
#[derive(Debug)]
pub enum ProviderProblem {
    /// Its kind or its settings are wrong.
    Settings(ProviderId, CheckError),
    /// It cannot be built.
    Build(ProviderId, BuildError),
}

impl fmt::Display for ProviderProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(id, error) => write!(f, "identity provider {id}: {error}"),
            Self::Build(id, error) => write!(f, "identity provider {id}: {error}"),
        }
    }
}

impl std::error::Error for ProviderProblem {}

impl Provider {
    pub(crate) fn id(&self) -> &str {
        self.settings.id.as_str()
    }

    pub(crate) fn name(&self, english: bool) -> &str {
        if english { &self.settings.name_en } else { &self.settings.name }
    }

    /// Whether people of this kind may sign in there.
    pub(crate) fn takes(&self, kind: lgsp_model::PersonKind) -> bool {
        self.settings.persons.contains(&kind)
    }

    /// Whether what it says of somebody besides its own name leads to accounts of other providers.
    pub(crate) fn vouches(&self) -> bool {
        self.settings.links
    }

    /// Whether a client may send people there.
    pub(crate) fn is_for(&self, client: &Client) -> bool {
        client.providers.as_ref().is_none_or(|allowed| allowed.contains(&self.settings.id))
    }
}

impl Providers {
    /// Builds the providers of a configuration; those that did not change stay, with the keys that they have fetched.
    pub(crate) fn build(config: &Config, clock: &Clock, before: Option<&Self>) -> Result<Self, ProviderProblem> {
        let wanted = config.members.iter().any(|member| member.sign_in.is_some());
        if wanted && !keeps_cookies_of(&config.issuer.url) {
            tracing::warn!(
                issuer = config.issuer.url,
                "nobody can sign in: browsers keep cookies of an https address, or of their own machine, only; set issuer.url to \
                 the https address by which they reach the gateway"
            );
        }
        let build = |settings: &Settings| {
            let same = |known: &&Arc<Provider>| {
                (&known.settings.kind, &known.settings.settings) == (&settings.kind, &settings.settings)
                    && known.settings.id == settings.id
            };
            let connector = match before.and_then(|before| before.0.iter().find(same)) {
                Some(known) => known.connector.clone(),
                None => {
                    let id = || settings.id.clone();
                    let checked = lgsp_connect::check_provider(&settings.kind, settings.settings.table());
                    let checked = checked.map_err(|error| ProviderProblem::Settings(id(), error))?;
                    checked.build(clock.clone()).map_err(|error| ProviderProblem::Build(id(), error))?
                }
            };
            Ok(Arc::new(Provider { settings: settings.clone(), connector }))
        };
        config.identity_providers.iter().map(build).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Provider>> {
        self.0.iter().find(|provider| provider.id() == id)
    }

    /// Those that a client may send people to.
    pub(crate) fn of_client(&self, client: &Client) -> impl Iterator<Item = &Arc<Provider>> {
        self.0.iter().filter(move |provider| provider.is_for(client))
    }
}

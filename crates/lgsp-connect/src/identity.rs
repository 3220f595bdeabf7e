//! The table of identity providers: a name, and how its settings become one that people can be sent to.
//!
//! A new kind of provider is one file and one row here. Nothing is stored, and no browser is known here.

mod failure;
mod person;
mod provider;

use std::fmt;
use std::sync::Arc;

use toml::Table;

pub use failure::{ProviderFailure, ProviderFailureKind};
pub use person::Person;
pub use provider::{Authenticated, IdentityProvider, LoggedOut, LoginReturn, LoginStart};

use crate::connector::Clock;
use crate::family::{BuildError, CheckError};
use crate::settings::SettingError;

/// One row of the table.
#[derive(Clone, Copy)]
pub struct ProviderFamily {
    /// The word in `kind = "…"`.
    pub name: &'static str,
    check: fn(&Table) -> Result<ProviderBuilder, Vec<SettingError>>,
}

type ProviderBuilder = Box<dyn FnOnce(Clock) -> Result<Arc<dyn IdentityProvider>, BuildError> + Send>;

/// Every kind of provider.
pub const PROVIDERS: &[ProviderFamily] = &[];

/// Settings that were found good. Nothing was connected yet.
pub struct CheckedProvider(ProviderBuilder);

/// Checks a provider's settings. Touches nothing outside.
pub fn check_provider(kind: &str, settings: &Table) -> Result<CheckedProvider, CheckError> {
    let family = PROVIDERS.iter().find(|family| family.name == kind).ok_or(CheckError::UnknownProvider)?;
    (family.check)(settings).map(CheckedProvider).map_err(CheckError::Settings)
}

impl CheckedProvider {
    /// Builds the provider. It connects when it is first used.
    pub fn build(self, clock: Clock) -> Result<Arc<dyn IdentityProvider>, BuildError> {
        (self.0)(clock)
    }
}

impl fmt::Debug for CheckedProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedProvider")
    }
}

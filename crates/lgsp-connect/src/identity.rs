//! The table of identity providers: a name, and how its settings become one that people can be sent to.
//!
//! A new kind of provider is one file and one row here. Nothing is stored, and no browser is known here.

mod cache;
mod callback;
mod caller;
mod cas;
mod claims;
mod discovery;
mod failure;
mod id_token;
mod jwks;
mod jws;
mod logout_token;
mod oidc;
mod person;
mod provider;
mod registration;
mod relying_party;
mod vnconnect;
mod vneid;
mod wso2;

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
pub const PROVIDERS: &[ProviderFamily] = &[
    ProviderFamily { name: "vnconnect", check: vnconnect::check },
    ProviderFamily { name: "vneid", check: vneid::check },
    ProviderFamily { name: "oidc", check: oidc::check },
    ProviderFamily { name: "cas", check: cas::check },
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_kind_is_refused_by_name() {
        let refused = check_provider("saml", &Table::new()).unwrap_err();
        assert_eq!(refused.to_string(), "no such kind of identity provider; there are vnconnect, vneid, oidc, cas");
    }

    #[test]
    fn every_kind_tells_what_it_needs() {
        for family in PROVIDERS {
            let Err(CheckError::Settings(errors)) = check_provider(family.name, &Table::new()) else {
                panic!("{} was accepted", family.name)
            };
            assert!(!errors.is_empty());
        }
    }
}

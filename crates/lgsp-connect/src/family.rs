//! The table of connector families: a name, and how its settings become a connector.
//!
//! A new partner protocol is one file, one row here and one fixture folder.

use std::fmt;
use std::sync::Arc;

use toml::Table;

use crate::connector::{Clock, Connector};
use crate::identity::PROVIDERS;
use crate::payment::PAYMENT_PROVIDERS;
use crate::settings::SettingError;
use crate::{npsp, webhook};

/// One row of the table.
#[derive(Clone, Copy)]
pub struct Family {
    /// The word in `connector = "…"`.
    pub name: &'static str,
    check: fn(&Table) -> Result<Builder, Vec<SettingError>>,
}

pub(crate) type Builder = Box<dyn FnOnce(Clock) -> Result<Arc<dyn Connector>, BuildError> + Send>;

/// Every family.
pub const FAMILIES: &[Family] =
    &[Family { name: "npsp", check: npsp::check }, Family { name: "webhook", check: webhook::check }];

/// Settings that were found good. Nothing was connected yet.
pub struct Checked(Builder);

/// Why settings were refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckError {
    /// No family has this name.
    UnknownConnector,
    /// No identity provider has this kind.
    UnknownProvider,
    /// No payment provider has this kind.
    UnknownPaymentProvider,
    /// Every wrong setting.
    Settings(Vec<SettingError>),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownConnector => {
                let names: Vec<_> = FAMILIES.iter().map(|family| family.name).collect();
                write!(f, "no such connector; there are {}", names.join(", "))
            }
            Self::UnknownProvider => {
                let names: Vec<_> = PROVIDERS.iter().map(|family| family.name).collect();
                write!(f, "no such kind of identity provider; there are {}", names.join(", "))
            }
            Self::UnknownPaymentProvider => {
                let names: Vec<_> = PAYMENT_PROVIDERS.iter().map(|family| family.name).collect();
                write!(f, "no such kind of payment provider; there are {}", names.join(", "))
            }
            Self::Settings(errors) => {
                let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join("; "))
            }
        }
    }
}

impl std::error::Error for CheckError {}

/// Why a connector or an identity provider could not be built from good settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// The system's trusted certificates cannot be read, and the address is https.
    Certificates(String),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Certificates(why) = self;
        write!(f, "cannot read the system's trusted certificates (package ca-certificates): {why}")
    }
}

impl std::error::Error for BuildError {}

/// Checks a connector's settings. Touches nothing outside.
pub fn check(connector: &str, settings: &Table) -> Result<Checked, CheckError> {
    let family = FAMILIES.iter().find(|family| family.name == connector).ok_or(CheckError::UnknownConnector)?;
    (family.check)(settings).map(Checked).map_err(CheckError::Settings)
}

impl Checked {
    /// Builds the connector. It connects when it is first used.
    pub fn build(self, clock: Clock) -> Result<Arc<dyn Connector>, BuildError> {
        (self.0)(clock)
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checked")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_connector_is_refused_by_name() {
        let refused = check("fax", &Table::new()).unwrap_err();
        assert_eq!(refused.to_string(), "no such connector; there are npsp, webhook");
    }

    #[test]
    fn every_family_tells_what_it_needs() {
        for family in FAMILIES {
            assert!(
                matches!(check(family.name, &Table::new()), Err(CheckError::Settings(errors)) if !errors.is_empty())
            );
        }
    }
}

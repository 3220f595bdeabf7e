//! Any OpenID provider that describes itself: the province's own sign-in, as a rule for officers.

use toml::Table;

use super::claims::{Claim, ClaimNames, DefaultNames};
use super::discovery::EndpointSource;
use super::registration::{ClientAuth, Registration, place};
use super::{ProviderBuilder, relying_party};
use crate::settings::{Fields, Problem, SettingError};

/// The standard claims (OpenID Connect Core 1.0, 5.1). What an identity number is called the settings must say: accounts
/// are linked by it.
const NAMES: DefaultNames = &[
    (Claim::Level, &["acr"]),
    (Claim::Name, &["name"]),
    (Claim::BirthDate, &["birthdate"]),
    (Claim::Email, &["email"]),
    (Claim::Phone, &["phone_number"]),
];

/// Where a provider's description is (OpenID Connect Discovery 1.0, 4).
const DESCRIPTION: &str = "/.well-known/openid-configuration";

pub(super) fn check(table: &Table) -> Result<ProviderBuilder, Vec<SettingError>> {
    let mut fields = Fields::new(table);
    let place = place(&mut fields, "issuer");
    let mut registration = Registration::read(&mut fields, "openid profile email");
    registration.pkce = fields.flag("pkce", true);
    registration.acr_values = fields.optional("acr_values");
    registration.auth = match fields.text("client_auth", Some("client_secret_basic")).as_str() {
        "client_secret_basic" => ClientAuth::Basic,
        "client_secret_post" => ClientAuth::Form,
        _ => {
            fields.fail("client_auth", Problem::Expected("client_secret_basic or client_secret_post"));
            ClientAuth::Basic
        }
    };
    let names = ClaimNames::configured(NAMES, &mut fields);
    let document = place.as_ref().and_then(|place| place.rule.read(&format!("{}{DESCRIPTION}", place.base)));
    let errors = fields.finish();
    match (place, document, errors.is_empty()) {
        (Some(place), Some(document), true) => {
            let (issuer, rule) = (place.given.clone(), place.rule);
            Ok(relying_party::builder(place, registration, names, move |caller| {
                EndpointSource::discovered(issuer, document, rule, caller)
            }))
        }
        _ => Err(errors),
    }
}

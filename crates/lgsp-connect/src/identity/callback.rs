//! What the browser brings back from a provider, before anything in it is used: the right login, from the right
//! provider, each parameter once.

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::failure::{ProviderFailure, denied, malformed, refused, untrusted};
use super::provider::LoginReturn;

/// A code or ticket is shorter than any address.
const MOST_BYTES: usize = 4096;

/// Errors by which the person or the provider says no (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6).
const DENIALS: &[&str] =
    &["access_denied", "login_required", "interaction_required", "account_selection_required", "consent_required"];

/// Errors by which a provider says that something went wrong (the same, and RFC 6749, 5.2).
const ERRORS: &[&str] = &[
    "invalid_request",
    "unauthorized_client",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "invalid_client",
    "invalid_grant",
    "unsupported_grant_type",
];

/// Which issuer the answer must name (RFC 9207).
#[derive(Clone, Copy)]
pub(super) enum IssuerParameter<'a> {
    /// There is no issuer.
    None,
    /// If it names one, this.
    IfThere(&'a str),
    /// This.
    Always(&'a str),
}

/// Compares secrets in a time that does not depend on where they differ.
pub(super) fn same(a: &str, b: &str) -> bool {
    verify_slices_are_equal(a.as_bytes(), b.as_bytes()).is_ok()
}

/// Checks the answer and returns its code or ticket, if there is one.
pub(super) fn read<'a>(
    came: &LoginReturn<'a>,
    issuer: IssuerParameter<'_>,
    name: &str,
) -> Result<Option<&'a str>, ProviderFailure> {
    let state = once(came.query, "state")?;
    if came.state.is_empty() || !state.is_some_and(|state| same(state, came.state)) {
        return Err(untrusted("state", "the answer is of another login"));
    }
    match (issuer, once(came.query, "iss")?) {
        (IssuerParameter::IfThere(issuer) | IssuerParameter::Always(issuer), Some(named)) if named != issuer => {
            return Err(untrusted("answer_issuer", "the answer is of another provider"));
        }
        (IssuerParameter::Always(_), None) => {
            return Err(untrusted("answer_issuer", "the answer does not name its provider"));
        }
        _ => {}
    }
    if let Some(error) = once(came.query, "error")? {
        return Err(error_of("answer", error));
    }
    match once(came.query, name)? {
        Some(code) if !(1..=MOST_BYTES).contains(&code.len()) => Err(no_code()),
        code => Ok(code),
    }
}

pub(super) fn no_code() -> ProviderFailure {
    malformed("code", "the answer has no code that can be read")
}

/// A provider's own error, by its name if that is a registered one.
pub(super) fn error_of(what: &str, error: &str) -> ProviderFailure {
    if let Some(name) = DENIALS.iter().find(|name| **name == error) {
        return denied(*name, "the person or the provider ended the login");
    }
    let name = ERRORS.iter().find(|name| **name == error).copied().unwrap_or("error");
    refused(format!("{what}_{name}"), "the provider reports an error")
}

/// A parameter; one that is there twice can be read in two ways.
fn once<'a>(query: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, ProviderFailure> {
    let mut values = query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(malformed("answer_twice", "the answer has a parameter twice")),
    }
}

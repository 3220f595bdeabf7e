//! The identity providers against a scripted one on a real socket, with real keys.

mod attacks;
mod cas;
mod flow;
mod keys;
mod logout;
mod settings;
mod stub;
mod suite;

use std::sync::Arc;

use lgsp_connect::{
    Authenticated, IdentityProvider, LoginReturn, LoginStart, ProviderFailure, ProviderFailureKind, check_provider,
};

use stub::{Family, Stub};

const STATE: &str = "state-7f3a";
const NONCE: &str = "nonce-91bc";
const VERIFIER: &str = "verifier-0123456789-0123456789-0123456789-01";
const BACK: &str = "https://gateway.example/sign-in/callback";
const CODE: &str = "code-5d2e";
const SECRET: &str = "geheim &+ 1";

fn start() -> LoginStart<'static> {
    LoginStart { redirect_uri: BACK, state: STATE, nonce: NONCE, code_verifier: VERIFIER, level: None, fresh: false }
}

fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn came(query: &[(String, String)]) -> LoginReturn<'_> {
    LoginReturn { query, redirect_uri: BACK, state: STATE, nonce: NONCE, code_verifier: VERIFIER }
}

/// Comes back from the provider with `pairs`.
async fn finish(
    provider: &Arc<dyn IdentityProvider>,
    pairs: &[(&str, &str)],
) -> Result<Authenticated, ProviderFailure> {
    let query = query(pairs);
    let result = provider.finish(&came(&query)).await;
    if let Err(failure) = &result {
        no_secrets(failure);
    }
    result
}

/// Comes back as after a login that went well.
async fn log_in(provider: &Arc<dyn IdentityProvider>) -> Result<Authenticated, ProviderFailure> {
    finish(provider, &[("state", STATE), ("code", CODE)]).await
}

/// Nothing of what crossed the wire stands in a failure.
fn no_secrets(failure: &ProviderFailure) {
    let text = format!("{failure} {failure:?}");
    let secrets = [STATE, NONCE, VERIFIER, CODE, SECRET, "geheim", "eyJ", "001090", "sub-1", "Nguy", "access-", "ST-"];
    for secret in secrets {
        assert!(!text.contains(secret), "{text}");
    }
}

fn said(result: Result<Authenticated, ProviderFailure>) -> (ProviderFailureKind, String) {
    match result {
        Ok(_) => panic!("the login was accepted"),
        Err(failure) => (failure.kind, failure.cause.code),
    }
}

/// A provider of ours in front of a stub.
fn provider(family: Family, stub: &Stub, more: &str) -> Arc<dyn IdentityProvider> {
    let settings = format!("{}\nallow_private = true\n{more}", family.settings(&stub.base()));
    check_provider(family.kind(), &settings.parse().unwrap()).unwrap().build(stub.clock()).unwrap()
}

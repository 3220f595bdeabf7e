//! What clients read of the issuer: RFC 8414 and OpenID Connect Discovery, one document for both.

use lgsp_config::{ClaimScope, TokenAlgorithm};
use lgsp_model::{Level, PersonKind, Scope};
use serde_json::{Value, json};

use super::client::Proof;
use super::{dpop, token};
use crate::app::{App, Snapshot};

/// The document, with the algorithms and scopes that this configuration uses.
pub(crate) fn metadata(app: &App, snapshot: &Snapshot) -> Value {
    let mut document = places(app.issuer.url());
    for (name, value) in
        [("scopes_supported", scopes()), ("id_token_signing_alg_values_supported", algorithms(snapshot))]
    {
        document[name] = json!(value);
    }
    for endpoint in ["token", "introspection", "revocation"] {
        document[format!("{endpoint}_endpoint_auth_methods_supported")] = json!(Proof::NAMES);
        document[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")] = json!(["ES256", "EdDSA", "PS512"]);
    }
    let offers = offers();
    for (name, value) in offers.as_object().expect("an object") {
        document[name] = value.clone();
    }
    document
}

fn places(url: &str) -> Value {
    let at = |path: &str| format!("{url}/oauth2/{path}");
    json!({
        "issuer": url,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "userinfo_endpoint": at("userinfo"),
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        "pushed_authorization_request_endpoint": at("par"),
        "introspection_endpoint": at("introspect"),
        "revocation_endpoint": at("revoke"),
        "end_session_endpoint": at("logout"),
    })
}

fn scopes() -> Vec<String> {
    let own = [
        Scope::DossierPush,
        Scope::DossierRead,
        Scope::ChangesRead,
        Scope::PaymentCreate,
        Scope::PaymentRead,
        Scope::ReportRead,
    ];
    let claims = ClaimScope::ALL.into_iter().map(|scope| scope.as_str().to_owned());
    claims.chain(own.iter().map(ToString::to_string)).collect()
}

fn algorithms(snapshot: &Snapshot) -> Vec<String> {
    let used = TokenAlgorithm::ALL.into_iter().filter(|algorithm| snapshot.config.uses(*algorithm));
    used.map(|algorithm| algorithm.as_str().to_owned()).collect()
}

/// What does not hang on the configuration.
fn offers() -> Value {
    let levels: Vec<_> = (1..=3).filter_map(Level::new).map(|level| level.to_string()).collect();
    let kinds: Vec<_> = PersonKind::ALL.into_iter().map(PersonKind::as_str).collect();
    json!({
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": token::GRANTS,
        "acr_values_supported": levels,
        "subject_types_supported": ["public", "pairwise"],
        "claims_supported": ["sub", "iss", "auth_time", "acr", "sid", "idp", "kind", "name", "birthdate", "organisation",
            "email", "phone_number", "identity_number", "tax_code"],
        "kinds_supported": kinds,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["vi", "en"],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": dpop::ALGORITHMS,
        "tls_client_certificate_bound_access_tokens": true,
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "require_pushed_authorization_requests": false,
    })
}

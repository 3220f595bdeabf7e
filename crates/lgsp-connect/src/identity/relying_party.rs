//! The authorization code flow as every OpenID provider takes part in it (OpenID Connect Core 1.0, 3.1).
//!
//! What one provider calls things and where they are is its file's matter. Nothing of a login is kept here.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use lgsp_model::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use super::ProviderBuilder;
use super::cache::Asker;
use super::callback::{self, IssuerParameter, same};
use super::caller::{Caller, Shown, What, successful};
use super::claims::{ClaimNames, text_of};
use super::discovery::{EndpointSource, Endpoints};
use super::failure::{ProviderFailure, malformed, untrusted};
use super::id_token::{self, Expected};
use super::jwks::Jwks;
use super::jws::{self, Signed};
use super::logout_token;
use super::provider::{Authenticated, IdentityProvider, LoggedOut, LoginReturn, LoginStart};
use super::registration::{ClientAuth, Registration};
use crate::connector::ConnectFuture;
use crate::form;
use crate::place::Place;

pub(super) struct RelyingParty {
    registration: Registration,
    names: ClaimNames,
    endpoints: EndpointSource,
    keys: Jwks,
    caller: Arc<Caller>,
}

/// Makes a provider of good settings; `endpoints` says where it is.
pub(super) fn builder(
    place: Place,
    registration: Registration,
    names: ClaimNames,
    endpoints: impl FnOnce(&Arc<Caller>) -> EndpointSource + Send + 'static,
) -> ProviderBuilder {
    Box::new(move |clock| {
        let caller = Arc::new(Caller::build(place.timeout, place.rule.reach, place.needs_tls(), clock)?);
        let endpoints = endpoints(&caller);
        let keys = Jwks::new(endpoints.clone(), Arc::clone(&caller));
        Ok(Arc::new(RelyingParty { registration, names, endpoints, keys, caller }))
    })
}

/// What a token endpoint gave.
struct Tokens {
    access: String,
    id: String,
}

impl RelyingParty {
    async fn authorize(&self, start: &LoginStart<'_>) -> Result<String, ProviderFailure> {
        let endpoints = self.endpoints.get(Asker::Login).await?;
        let registration = &self.registration;
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", registration.client_id.as_str()),
            ("redirect_uri", start.redirect_uri),
            ("scope", registration.scope.as_str()),
            ("state", start.state),
            ("nonce", start.nonce),
        ];
        let acr = start.level.map(|level| level.to_string()).or_else(|| registration.acr_values.clone());
        fields.extend(acr.as_deref().map(|acr| ("acr_values", acr)));
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, start.code_verifier.as_bytes()));
        if registration.pkce {
            fields.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")]);
        }
        fields.extend(start.fresh.then_some(("prompt", "login")));
        Ok(form::with_query(&endpoints.authorize.to_string(), &fields))
    }

    async fn log_in(&self, came: &LoginReturn<'_>) -> Result<Authenticated, ProviderFailure> {
        let endpoints = self.endpoints.get(Asker::Login).await?;
        let issuer = match endpoints.names_issuer {
            true => IssuerParameter::Always(&endpoints.issuer),
            false => IssuerParameter::IfThere(&endpoints.issuer),
        };
        let code = callback::read(came, issuer, "code")?.ok_or_else(callback::no_code)?;
        let tokens = self.exchange(&endpoints, code, came).await?;
        let signed = jws::verify(&tokens.id, id_token::TYPES, &self.keys, Asker::Login).await?;
        let subject = id_token::check(&signed, &self.expected(&endpoints), came.nonce, &tokens.access)?;
        let told = self.ask(&endpoints, &tokens.access, subject).await?;
        self.authenticated(subject, &signed, told, &tokens.id)
    }

    async fn exchange(
        &self,
        endpoints: &Endpoints,
        code: &str,
        came: &LoginReturn<'_>,
    ) -> Result<Tokens, ProviderFailure> {
        let registration = &self.registration;
        let (id, secret) = (registration.client_id.as_str(), registration.client_secret.expose_secret());
        let mut fields =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", came.redirect_uri)];
        if registration.pkce {
            fields.push(("code_verifier", came.code_verifier));
        }
        let shown = match registration.auth {
            ClientAuth::Basic => Shown::Basic(id, secret),
            ClientAuth::Form => {
                fields.extend([("client_id", id), ("client_secret", secret)]);
                Shown::Nothing
            }
        };
        let answer = self.caller.post(What::Token, &endpoints.token, &fields, shown).await?;
        if answer.status.is_client_error()
            && let Ok(error) = serde_json::from_slice::<Map<String, Value>>(&answer.body)
            && let Some(error) = error.get("error").and_then(Value::as_str)
        {
            return Err(callback::error_of(What::Token.as_str(), error));
        }
        tokens(&successful(What::Token, answer)?)
    }

    /// What the provider tells of the holder of an access token, who must be the one that signed in.
    async fn ask(
        &self,
        endpoints: &Endpoints,
        access_token: &str,
        subject: &str,
    ) -> Result<Option<(Bytes, Map<String, Value>)>, ProviderFailure> {
        let Some(uri) = &endpoints.userinfo else { return Ok(None) };
        let body = self.caller.get(What::UserInfo, uri, Shown::Bearer(access_token)).await?;
        let claims: Map<String, Value> = serde_json::from_slice(&body)
            .map_err(|_| malformed("userinfo", "what the provider tells of the person cannot be read"))?;
        if !same(id_token::subject(&claims)?, subject) {
            return Err(untrusted("userinfo_subject", "what the provider tells is of another person"));
        }
        Ok(Some((body, claims)))
    }

    fn authenticated(
        &self,
        subject: &str,
        signed: &Signed,
        told: Option<(Bytes, Map<String, Value>)>,
        id_token: &str,
    ) -> Result<Authenticated, ProviderFailure> {
        let mut raw = b"{\"id_token\":".to_vec();
        raw.extend_from_slice(&signed.payload);
        if let Some((body, _)) = &told {
            raw.extend_from_slice(b",\"userinfo\":");
            raw.extend_from_slice(body);
        }
        raw.push(b'}');
        let told = told.map(|(_, claims)| claims);
        let read = |name: &str| {
            told.as_ref().and_then(|claims| text_of(claims, name)).or_else(|| text_of(&signed.claims, name))
        };
        let auth_time = id_token::seconds(&signed.claims, "auth_time")?;
        Ok(Authenticated {
            person: self.names.person(subject.to_owned(), &read)?,
            raw: raw.into(),
            id_token: Some(id_token.to_owned()),
            sid: signed.claims.get("sid").and_then(Value::as_str).map(str::to_owned),
            auth_time: auth_time.map(|seconds| Timestamp(seconds.saturating_mul(1000))),
        })
    }

    fn expected<'a>(&'a self, endpoints: &'a Endpoints) -> Expected<'a> {
        Expected { issuer: &endpoints.issuer, client_id: &self.registration.client_id, now: self.caller.now() }
    }
}

fn tokens(body: &[u8]) -> Result<Tokens, ProviderFailure> {
    let unreadable = || malformed("token", "the provider's answer to the code cannot be read");
    let mut answer: Map<String, Value> = serde_json::from_slice(body).map_err(|_| unreadable())?;
    let mut text = |name: &str| match answer.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(malformed("token_type", "the provider gave a token of a kind that is not known here"));
    }
    let access = text("access_token").ok_or_else(unreadable)?;
    let id = text("id_token").ok_or_else(|| untrusted("id_token_missing", "the provider gave no identity token"))?;
    Ok(Tokens { access, id })
}

impl IdentityProvider for RelyingParty {
    fn begin<'a>(&'a self, start: &'a LoginStart<'a>) -> ConnectFuture<'a, Result<String, ProviderFailure>> {
        Box::pin(self.authorize(start))
    }

    fn finish<'a>(&'a self, came: &'a LoginReturn<'a>) -> ConnectFuture<'a, Result<Authenticated, ProviderFailure>> {
        Box::pin(self.log_in(came))
    }

    fn logout_url(&self, id_token: Option<&str>, back_to: &str) -> Option<String> {
        let page = self.endpoints.known()?.end_session.as_ref()?.to_string();
        let who = match id_token {
            Some(token) => ("id_token_hint", token),
            None => ("client_id", self.registration.client_id.as_str()),
        };
        Some(form::with_query(&page, &[who, ("post_logout_redirect_uri", back_to)]))
    }

    fn logout_token<'a>(&'a self, token: &'a str) -> ConnectFuture<'a, Result<LoggedOut, ProviderFailure>> {
        Box::pin(async move {
            let endpoints = self.endpoints.get(Asker::Stranger).await?;
            let signed = jws::verify(token, logout_token::TYPES, &self.keys, Asker::Stranger).await?;
            logout_token::check(&signed, &self.expected(&endpoints))
        })
    }
}

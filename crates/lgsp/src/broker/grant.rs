//! What one sign-in allows to one client, from its code on, and the tokens that come of it.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lgsp_config::{Client, Member, SubjectType, TokenAlgorithm};
use lgsp_model::Timestamp;
use lgsp_store::SoftKind;
use serde_json::{Value, json};

use super::asked::Asked;
use super::authorize::{Way, return_to};
use super::memory::{Code, Refresh, Session, SignedIn, digest_of, random_text};
use crate::answer::{Answer, without_nulls};
use crate::app::App;
use crate::failure::Failure;
use crate::identity::{Confirmation, Order, PersonClaims, random_id};

/// Gives the client a code, and remembers that it has one.
pub(crate) async fn give_code(
    way: &Way<'_>,
    asked: Asked,
    session_name: &str,
    mut session: Session,
) -> Result<Answer, Failure> {
    let (app, settings) = (way.app, way.snapshot.config.sign_in);
    let client = way.member.sign_in.as_ref().expect("only clients come this far");
    let grant = SignedIn {
        id: random_id(),
        client: asked.client.clone(),
        subject: subject(app, client, way.member, &session.account),
        account: session.account.clone(),
        provider: session.provider.clone(),
        profile: session.profile.clone(),
        level: session.level,
        auth_time: session.auth_time,
        began: app.clock.steady().0 / 1000,
        sid: session.sid.clone(),
        claims: asked.claims.clone(),
        scopes: asked.scopes.clone(),
        services: asked.services.clone(),
        ends: session.ends,
        bound: None,
    };
    session.grants.retain(|(known, _)| *known != asked.client);
    session.grants.push((asked.client.clone(), grant.id.clone()));
    let (memory, now) = (app.memory(), app.clock.steady());
    memory.put(SoftKind::Session, session_name, &session, left(session.ends, now).min(settings.session_ttl)).await?;
    memory.put(SoftKind::RefreshFamily, &grant.id, &grant, settings.code_ttl).await?;
    let code = random_text();
    let kept = Code {
        grant: grant.id,
        client: asked.client.clone(),
        redirect_uri: asked.redirect_uri.clone(),
        challenge: asked.challenge.clone(),
        nonce: asked.nonce.clone(),
        dpop: asked.dpop.clone(),
    };
    memory.put(SoftKind::Code, &code, &kept, settings.code_ttl).await?;
    Ok(return_to(app, &asked.back(), vec![("code", code)]))
}

/// The person's name towards a client.
fn subject(app: &App, client: &Client, member: &Member, account: &str) -> String {
    match client.subject {
        SubjectType::Public => account.to_owned(),
        SubjectType::Pairwise => app.keyed_digest(&format!("subject {} {account}", member.id)),
    }
}

/// The time until an end.
fn left(ends: i64, now: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(ends.saturating_sub(now.0)).unwrap_or(0))
}

/// What a client gets for a code or a refresh token.
pub(crate) struct Tokens<'a> {
    pub(crate) app: &'a App,
    pub(crate) member: &'a Member,
    /// What they are for.
    pub(crate) grant: &'a SignedIn,
    /// What is left for the next time: no less than that (RFC 6749 §6).
    pub(crate) kept: &'a SignedIn,
    pub(crate) nonce: Option<&'a str>,
    /// The key that the access token is bound to.
    pub(crate) bound: Option<Confirmation>,
}

impl Tokens<'_> {
    /// An access token, an id token and, where it was agreed, a refresh token.
    pub(crate) async fn answer(&self) -> Result<Value, Failure> {
        let Self { app, member, grant, .. } = *self;
        let now = app.clock.steady();
        let scope = grant.claims.iter().chain(&grant.scopes).map(String::as_str).collect::<Vec<_>>().join(" ");
        let issued = app.issuer.fill(
            Order {
                client: member,
                subject: &grant.subject,
                scope,
                audience: grant.services.iter().map(|service| app.issuer.place_of(service)).collect(),
                no_later: Some(Timestamp(grant.ends)),
                confirmation: self.bound.clone(),
                person: Some(PersonClaims::of(grant)),
            },
            now,
        );
        let refresh = if grant.claims.iter().any(|claim| claim == "offline_access") {
            let token = format!("{}.{}", grant.id, random_text());
            let keep = left(grant.ends, now).min(app.snapshot().config.sign_in.refresh_ttl);
            app.memory().put(SoftKind::Refresh, &token, &Refresh { grant: grant.id.clone() }, keep).await?;
            Some(token)
        } else {
            None
        };
        keep(app, self.kept).await?;
        Ok(without_nulls(json!({
            "access_token": issued.token,
            "token_type": if matches!(self.bound, Some(Confirmation::Key(_))) { "DPoP" } else { "Bearer" },
            "expires_in": issued.expires_in,
            "scope": issued.scope,
            "refresh_token": refresh,
            "id_token": self.id_token(&issued.token, now),
        })))
    }

    fn id_token(&self, access_token: &str, now: Timestamp) -> String {
        let Self { app, member, grant, nonce, .. } = *self;
        let client = member.sign_in.as_ref().expect("only clients have grants");
        let iat = now.0 / 1000;
        let claims = without_nulls(json!({
            "iss": app.issuer.url(),
            "sub": grant.subject,
            "aud": grant.client,
            "iat": iat,
            "exp": iat + ID_TOKEN_SECONDS,
            "auth_time": grant.auth_time,
            "nonce": nonce,
            "acr": grant.level.map(|level| format!("LoA{level}")),
            "sid": grant.sid,
            "at_hash": half_digest(access_token, client.id_token_alg),
            "idp": grant.provider,
            "kind": grant.profile.kind(),
        }));
        app.issuer.sign(client.id_token_alg, "JWT", &claims, now)
    }
}

/// An id token says that somebody signed in; it opens nothing.
const ID_TOKEN_SECONDS: i64 = 300;

/// The left half of the digest that goes with the algorithm (OpenID Connect Core §3.1.3.6).
fn half_digest(token: &str, algorithm: TokenAlgorithm) -> String {
    let algorithm = match algorithm {
        TokenAlgorithm::Es256 | TokenAlgorithm::Rs256 => &SHA256,
        TokenAlgorithm::EdDsa => &SHA512,
    };
    let whole = digest(algorithm, token.as_bytes());
    URL_SAFE_NO_PAD.encode(&whole.as_ref()[..whole.as_ref().len() / 2])
}

impl PersonClaims {
    pub(crate) fn of(grant: &SignedIn) -> Self {
        Self {
            grant: grant.id.clone(),
            kind: grant.profile.kind().to_owned(),
            acr: grant.level.map(|level| format!("LoA{level}")),
            auth_time: grant.auth_time,
            act: None,
        }
    }
}

/// Remembers a grant until it ends.
async fn keep(app: &App, grant: &SignedIn) -> Result<(), Failure> {
    let keep = left(grant.ends, app.clock.steady());
    app.memory().put(SoftKind::RefreshFamily, &grant.id, grant, keep).await
}

/// Ends a grant: its refresh tokens, what is asked about the person, and its access tokens wherever they are shown.
pub(crate) async fn end(app: &App, grant: &str) -> Result<(), Failure> {
    app.memory().remove(SoftKind::RefreshFamily, grant).await?;
    let longest = app.snapshot().config.issuer.token_ttl;
    app.revoke(grant, app.clock.steady().plus_millis(i64::try_from(longest.as_millis()).unwrap_or(i64::MAX))).await
}

/// Whether a refresh token belongs to a grant of this id.
pub(crate) fn id_of(refresh_token: &str) -> Option<&str> {
    refresh_token.split_once('.').map(|(grant, _)| grant).filter(|grant| !grant.is_empty())
}

/// For logs: a grant that cannot be used by who reads it.
pub(crate) fn shown(grant: &str) -> String {
    digest_of(grant).chars().take(12).collect()
}

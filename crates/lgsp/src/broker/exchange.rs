//! Token exchange (RFC 8693): a system swaps the token of a person for one that is good for a service only, and that says who
//! acts for whom.

use lgsp_config::Member;
use lgsp_model::{Scope, ServiceId, Timestamp};
use serde_json::{Value, json};

use super::client::Proven;
use super::error::OAuthError;
use super::token::{Bound, requested_scopes, token_type};
use crate::app::App;
use crate::failure::Failure;
use crate::form;
use crate::identity::{Actor, Claims, Order, PersonClaims};

/// The grant.
pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The one kind of token that is taken and given.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// The longest chain of actors: each one narrows, so long ones are a mistake.
const MOST_ACTORS: usize = 8;

pub(crate) async fn exchange(
    app: &App,
    client: &Proven,
    form: &[(String, String)],
    bound: Bound,
) -> Result<Value, Failure> {
    let kinds = ["subject_token_type", "requested_token_type"].map(|name| form::value(form, name));
    let good = |kind: &Option<&str>| kind.is_none_or(|kind| kind == ACCESS_TOKEN || kind == JWT);
    if kinds[0].is_none() || !kinds.iter().all(good) || form::value(form, "actor_token").is_some() {
        let detail = format!("subject_token_type must be {ACCESS_TOKEN}, and the actor is the client itself");
        return Err(OAuthError::InvalidRequest.because(detail));
    }
    let token = form::value(form, "subject_token").unwrap_or_default();
    let claims = app.issuer.verify(token, app.clock.steady()).filter(|claims| !app.is_revoked(claims));
    let wrong =
        || OAuthError::InvalidGrant.because("the subject_token is not a person's token that this client may act on");
    let claims = claims.filter(|claims| may_act(client, claims)).ok_or_else(wrong)?;
    let person = claims.person.clone().ok_or_else(wrong)?;
    if claims.cnf.is_some() && claims.cnf != bound.confirmation {
        return Err(OAuthError::InvalidGrant.because("the subject_token is bound to a key: prove that key"));
    }
    let (services, members) = (services(app, &client.member, form)?, receivers(app, form)?);
    if services.is_empty() && members.is_empty() {
        return Err(OAuthError::InvalidTarget.because("say what the token is for: resource, or audience"));
    }
    let scopes = requested_scopes(&client.member.scopes, form::value(form, "scope"))?;
    let mut audience: Vec<_> = services.iter().map(|service| app.issuer.place_of(service)).collect();
    audience.extend(members);
    let for_these =
        |scope: &&&Scope| matches!(scope, Scope::Service(id) if services.iter().any(|one| one == id.as_str()));
    let scope = scopes.iter().filter(for_these).map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let act = acting(client, person.act.as_ref())?;
    let order = Order {
        client: &client.member,
        subject: &claims.sub,
        scope,
        audience,
        no_later: Some(Timestamp(claims.exp.saturating_mul(1000))),
        confirmation: bound.confirmation.clone(),
        person: Some(PersonClaims { act: Some(act), ..person }),
    };
    let issued = app.issuer.fill(order, app.clock.steady());
    Ok(json!({
        "access_token": issued.token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": token_type(&bound),
        "expires_in": issued.expires_in,
        "scope": issued.scope,
    }))
}

/// Whether the token was given to this client, or handed on to it.
fn may_act(client: &Proven, claims: &Claims) -> bool {
    let id = client.member.id.as_str();
    claims.client_id == id || claims.aud.all().iter().any(|place| place == id)
}

/// The client, acting for whoever acted before it.
fn acting(client: &Proven, before: Option<&Actor>) -> Result<Actor, Failure> {
    let (mut chain, mut length) = (before, 1);
    while let Some(actor) = chain {
        (chain, length) = (actor.act.as_deref(), length + 1);
    }
    if length > MOST_ACTORS {
        return Err(OAuthError::InvalidGrant.because(format!("more than {MOST_ACTORS} systems act for each other")));
    }
    let same = before.filter(|actor| actor.sub == client.member.id.as_str());
    Ok(match same {
        Some(same) => same.clone(),
        None => Actor { sub: client.member.id.to_string(), act: before.cloned().map(Box::new) },
    })
}

/// The services that a token is asked for, by `resource` (RFC 8707) or by name in `audience`.
pub(crate) fn services(app: &App, member: &Member, form: &[(String, String)]) -> Result<Vec<String>, Failure> {
    let mut services = Vec::new();
    let asked = form.iter().filter_map(|(name, value)| match name.as_str() {
        "resource" => Some(app.issuer.service_of(value)),
        "audience" => app.issuer.service_of(value).map(Some),
        _ => None,
    });
    for id in asked {
        let may = |id: &&str| id.parse::<ServiceId>().is_ok_and(|id| member.may(&Scope::Service(id)));
        match id.filter(may) {
            Some(id) if services.iter().any(|known| known == id) => {}
            Some(id) => services.push(id.to_owned()),
            None => {
                let detail = "resource is not the address of a service that this member may call";
                return Err(OAuthError::InvalidTarget.because(detail));
            }
        }
    }
    Ok(services)
}

/// The members that a token is handed on to.
fn receivers(app: &App, form: &[(String, String)]) -> Result<Vec<String>, Failure> {
    let named = form.iter().filter(|(name, value)| name == "audience" && app.issuer.service_of(value).is_none());
    let snapshot = app.snapshot();
    named
        .map(|(_, id)| {
            let member = snapshot.members.by_id(id);
            member
                .map(|member| member.id.to_string())
                .ok_or_else(|| OAuthError::InvalidTarget.because("audience is no member"))
        })
        .collect()
}

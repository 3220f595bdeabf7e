//! Accounts of people who sign in: what is known of one, which ones may be the same person, and what an operator decides about
//! them. Nobody sees here who it is.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use bytes::Bytes;
use hyper::Response;
use lgsp_model::ErrorCode;
use lgsp_store::{RegistryChange, RegistryEntry, RegistryKind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::operator::{Operator, Query, Reason, Refusal, read_body};
use super::{Admin, shown};
use crate::app::App;
use crate::broker::{Account, Conflict, Decided};
use crate::failure::Failure;

/// Rows of the registry looked at for one list: conflicts are few, and those decided about stay.
const LOOKED_AT: usize = 10_000;

/// `GET accounts/conflicts`: those that nobody decided about.
pub(super) async fn conflicts(
    State(admin): State<Arc<Admin>>,
    _: Operator,
    query: Query,
) -> Result<Response<Body>, Refusal> {
    let limit = query.limit()?;
    let entries = admin.app.store.registry(RegistryKind::Conflict, String::new(), LOOKED_AT).await?;
    let read = |entry: RegistryEntry| Some((entry.id, serde_json::from_slice::<Conflict>(&entry.value).ok()?));
    let open = entries.into_iter().filter_map(read).filter(|(_, conflict)| conflict.decided.is_none());
    let rows: Vec<Value> = open
        .take(limit)
        .map(|(id, conflict)| {
            json!({"id": id, "accounts": conflict.accounts, "provider": conflict.provider, "at": conflict.at})
        })
        .collect();
    Ok(shown(&json!({"conflicts": rows})))
}

/// `GET accounts/{id}`: by what names it is known, since when and why.
pub(super) async fn one(
    State(admin): State<Arc<Admin>>,
    _: Operator,
    id: Path<String>,
) -> Result<Response<Body>, Refusal> {
    let account = read_account(&admin.app, &id).await?;
    let names = account.names.iter();
    let names: Vec<_> = names
        .map(|name| json!({"kind": name.kind, "provider": name.provider, "at": name.at, "because": name.because}))
        .collect();
    Ok(shown(&json!({"id": account.id, "kind": account.kind, "names": names})))
}

/// What an operator decides.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    /// The account that stays, when they are one person's; without it they are several persons'.
    same_as: Option<String>,
    reason: String,
}

/// `POST accounts/conflicts/{id}/settle`.
pub(super) async fn settle(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    id: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let decision: Decision = read_body(&body)?;
    let reason = Reason::new(&decision.reason)?;
    let nothing = || Failure::new(ErrorCode::NotFound, "there is no such conflict, or it was decided about already");
    let entry = admin.app.store.registry_entry(RegistryKind::Conflict, id.to_string()).await?.ok_or_else(nothing)?;
    let mut conflict: Conflict = serde_json::from_slice(&entry.value).map_err(|_| nothing())?;
    if conflict.decided.is_some() {
        return Err(nothing().into());
    }
    let (signed_in, stays) = (conflict.accounts.last().cloned().unwrap_or_default(), decision.same_as);
    let decided = if stays.is_some() { Decided::Same } else { Decided::Different };
    conflict.decided = Some(decided);
    let mut put = vec![conflict.entry(&id)];
    if let Some(stays) = &stays {
        if !conflict.accounts.contains(stays) || *stays == signed_in {
            let detail = format!("same_as must be one of the conflict's accounts before the last: {signed_in}");
            return Err(Failure::new(ErrorCode::BadParameter, detail).into());
        }
        put.extend(moved(&admin.app, &signed_in, stays).await?);
    }
    let word = decided.as_str();
    let audit = operator.entry(&admin, &format!("account.{word}"), format!("account/{signed_in}"), reason);
    let change = RegistryChange { create: Vec::new(), put, remove: Vec::new(), audit };
    admin.app.store.change_registry(change).await?;
    Ok(shown(&json!({"conflict": *id, "decided": word, "account": stays.unwrap_or(signed_in)})))
}

/// The names of one account lead to another from now on.
async fn moved(app: &App, from: &str, to: &str) -> Result<Vec<RegistryEntry>, Failure> {
    let (mut gone, mut stays) = (read_account(app, from).await?, read_account(app, to).await?);
    let mut put: Vec<_> = gone.names.iter().map(|name| stays.lead(&name.id)).collect();
    stays.names.append(&mut gone.names);
    put.extend([gone.entry(), stays.entry()]);
    Ok(put)
}

async fn read_account(app: &App, id: &str) -> Result<Account, Failure> {
    let nothing = || Failure::new(ErrorCode::NotFound, "there is no such account");
    Account::read(&*app.store, id).await?.ok_or_else(nothing)
}

//! Members as operators see them, and making, limiting, rotating and revoking them while the gateway runs. A secret is in
//! the answer that draws it and nowhere else.

mod asked;
mod shown;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use bytes::Bytes;
use hyper::Response;
use lgsp_config::Member;
use lgsp_model::{ErrorCode, MemberId, Timestamp};
use serde_json::{Value, json};

use super::operator::{Operator, Query, Reason, Refusal, read_body, read_path};
use super::{Admin, shown as answer};
use crate::app::Snapshot;
use crate::failure::Failure;
use crate::identity::{FreshKey, KeptKey, KeptSecret, MOST_API_KEYS, MOST_SECRETS, Record, Revocation};
use asked::{Limit, NewKey, NewMember, NewSecret, Revoke, Rotate};

/// `GET members?after=&limit=`: those of the file and those of the registry.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    _: Operator,
    query: Query,
) -> Result<Response<Body>, Refusal> {
    let (after, limit) = (query.text("after").unwrap_or_default().to_owned(), query.limit()?);
    let ids = shown::ids(&admin.app);
    let page: Vec<_> = ids.into_iter().filter(|id| id.as_str() > after.as_str()).take(limit).collect();
    let mut rows = Vec::with_capacity(page.len());
    for id in &page {
        rows.extend(shown::row(&admin.app, id).await);
    }
    let next = page.last().filter(|_| page.len() == limit).map(MemberId::as_str);
    Ok(answer(&json!({"members": rows, "next": next})))
}

/// `GET members/{id}`.
pub(super) async fn show(
    State(admin): State<Arc<Admin>>,
    _: Operator,
    id: Path<String>,
) -> Result<Response<Body>, Refusal> {
    let id = read_path("the member's id", &id)?;
    Ok(answer(&shown::whole(&admin.app, &id).await.ok_or_else(unknown)?))
}

/// `POST members`: a new one.
pub(super) async fn add(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let asked: NewMember = read_body(&body)?;
    let now = admin.app.clock.wall();
    let (id, mut record) = asked.record(now)?;
    let mut told = json!({"member": id.as_str()});
    if asked.secret {
        told["secret"] = draw(&admin, &mut record, None, now).await;
    }
    let entry = operator.entry(&admin, "member.add", id.to_string(), Reason::new(&asked.reason)?);
    let name = id.clone();
    let change = move |before: Option<&Record>, now: &Snapshot| {
        if in_file(now, &name).is_some() {
            return Err(conflict("a member of the file has this id; choose another one"));
        }
        if before.is_some_and(|before| before.grant.is_some()) {
            return Err(conflict("there is such a member already, perhaps a revoked one; lgsp member show tells"));
        }
        // What was said of a member that has left the file since does not hold for another one.
        Ok(record)
    };
    admin.app.change_member(id, entry, change).await?;
    Ok(answer(&told))
}

/// `POST members/{id}/limit`: what it may do, and until when.
pub(super) async fn limit(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    id: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let id: MemberId = read_path("the member's id", &id)?;
    let asked: Limit = read_body(&body)?;
    asked.check(admin.app.clock.wall())?;
    let entry = operator.entry(&admin, "member.limit", id.to_string(), Reason::new(&asked.reason)?);
    let name = id.clone();
    let change = move |before: Option<&Record>, now: &Snapshot| {
        let mut record = made(before, now, &name)?;
        asked.apply(record.grant.as_mut().expect("made ones have one"))?;
        Ok(record)
    };
    admin.app.change_member(id.clone(), entry, change).await?;
    Ok(answer(&shown::whole(&admin.app, &id).await))
}

/// `POST members/{id}/secret`: one more secret, beside those that count.
pub(super) async fn secret(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    id: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let id: MemberId = read_path("the member's id", &id)?;
    let NewSecret { expires, reason } = read_body(&body)?;
    let now = admin.app.clock.wall();
    let ends = asked::end(expires.as_deref(), now)?;
    let entry = operator.entry(&admin, "member.secret", id.to_string(), Reason::new(&reason)?);
    let mut drawn = Record::of_file();
    let value = draw(&admin, &mut drawn, ends, now).await;
    let name = id.clone();
    let change = move |before: Option<&Record>, snapshot: &Snapshot| {
        let mut record = made(before, snapshot, &name)?;
        record.tidy(now);
        if record.secrets.len() >= MOST_SECRETS {
            return Err(conflict(format!("it has {MOST_SECRETS} secrets already; rotate them instead")));
        }
        record.secrets.append(&mut drawn.secrets);
        Ok(record)
    };
    admin.app.change_member(id.clone(), entry, change).await?;
    Ok(answer(&json!({"member": id.as_str(), "secret": value, "ends": ends.map(|at| Timestamp(at).to_string())})))
}

/// `POST members/{id}/key`: one more API key; also for members of the file.
pub(super) async fn key(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    id: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let id: MemberId = read_path("the member's id", &id)?;
    let asked: NewKey = read_body(&body)?;
    let now = admin.app.clock.wall();
    let (key, value) = asked.key(&id, now)?;
    let entry = operator.entry(&admin, "member.key", format!("{id}/{}", key.id), Reason::new(&asked.reason)?);
    let told = json!({"member": id.as_str(), "key": key.id, "api_key": value, "ends": text(key.ends)});
    let name = id.clone();
    let change = move |before: Option<&Record>, snapshot: &Snapshot| {
        let mut record = known(before, snapshot, &name)?;
        record.tidy(now);
        add_key(&mut record, key, snapshot)?;
        Ok(record)
    };
    admin.app.change_member(id, entry, change).await?;
    Ok(answer(&told))
}

fn add_key(record: &mut Record, key: KeptKey, snapshot: &Snapshot) -> Result<(), Failure> {
    if snapshot.members.has_api_key(&key.id) || record.api_keys.iter().any(|known| known.id == key.id) {
        return Err(conflict("there is a key of this id already; ids are unique over all members"));
    }
    if record.api_keys.len() >= MOST_API_KEYS {
        return Err(conflict(format!("it has {MOST_API_KEYS} keys already; revoke those that nobody uses")));
    }
    record.api_keys.push(key);
    Ok(())
}

/// `POST members/{id}/rotate`: a new secret, or a new API key in the place of one; the old ones count for a while yet.
pub(super) async fn rotate(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    id: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let id: MemberId = read_path("the member's id", &id)?;
    let asked: Rotate = read_body(&body)?;
    let now = admin.app.clock.wall();
    let until = asked.until(now)?;
    let object = asked.key.as_ref().map_or_else(|| id.to_string(), |key| format!("{id}/{key}"));
    let entry = operator.entry(&admin, "member.rotate", object, Reason::new(&asked.reason)?);
    let mut told = json!({"member": id.as_str(), "old_until": Timestamp(until).to_string()});
    let name = id.clone();
    if let Some(old) = asked.key {
        let fresh = asked::key_id(&id);
        let drawn = FreshKey::draw(&fresh);
        (told["key"], told["api_key"]) = (json!(fresh), json!(drawn.value));
        let change = move |before: Option<&Record>, snapshot: &Snapshot| {
            let mut record = known(before, snapshot, &name)?;
            let old = record.api_keys.iter_mut().find(|key| key.id == old).ok_or_else(not_made_here)?;
            let services = old.services.clone();
            old.ends = Some(old.ends.map_or(until, |ends| ends.min(until)));
            let key = KeptKey { id: fresh, sha256: drawn.sha256, made: now.0, ends: None, services };
            add_key(&mut record, key, snapshot)?;
            Ok(record)
        };
        admin.app.change_member(id, entry, change).await?;
    } else {
        let mut drawn = Record::of_file();
        told["secret"] = draw(&admin, &mut drawn, None, now).await;
        let change = move |before: Option<&Record>, snapshot: &Snapshot| {
            let mut record = made(before, snapshot, &name)?;
            record.secrets.iter_mut().for_each(|old| old.ends = Some(old.ends.map_or(until, |ends| ends.min(until))));
            record.tidy(now);
            // The newest of the old ones are those that are in use.
            let surplus = (record.secrets.len() + 1).saturating_sub(MOST_SECRETS);
            record.secrets.drain(..surplus);
            record.secrets.append(&mut drawn.secrets);
            Ok(record)
        };
        admin.app.change_member(id, entry, change).await?;
    }
    Ok(answer(&told))
}

/// `POST members/{id}/revoke`: the member, or one of its API keys, counts no more from the answer on.
pub(super) async fn revoke(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    id: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let id: MemberId = read_path("the member's id", &id)?;
    let Revoke { key, reason } = read_body(&body)?;
    let object = key.as_ref().map_or_else(|| id.to_string(), |key| format!("{id}/{key}"));
    let action = if key.is_some() { "member.key.revoke" } else { "member.revoke" };
    let entry = operator.entry(&admin, action, object, Reason::new(&reason)?);
    let revocation = Revocation { at: entry.at.0, by: entry.actor.clone(), reason: entry.reason.clone() };
    let told = json!({"member": id.as_str(), "key": key, "revoked": true});
    let name = id.clone();
    let change = move |before: Option<&Record>, snapshot: &Snapshot| {
        let mut record = known(before, snapshot, &name)?;
        match key {
            Some(key) => revoke_key(&mut record, in_file(snapshot, &name), &key)?,
            None if record.revoked.is_some() => return Err(conflict("it is revoked already")),
            None => {
                // Whole seconds, as tokens have them, and none that was issued in this one.
                record.tokens_from = Some((revocation.at / 1000 + 1) * 1000);
                record.revoked = Some(revocation);
            }
        }
        Ok(record)
    };
    admin.app.change_member(id, entry, change).await?;
    Ok(answer(&told))
}

fn revoke_key(record: &mut Record, of_file: Option<&Member>, key: &str) -> Result<(), Failure> {
    let before = record.api_keys.len();
    record.api_keys.retain(|known| known.id != key);
    let in_file = of_file.is_some_and(|member| member.api_keys.iter().any(|known| known.id.as_str() == key));
    let newly = in_file && record.revoked_keys.insert(key.to_owned());
    if newly || record.api_keys.len() < before {
        return Ok(());
    }
    Err(conflict("it has no such API key that counts"))
}

/// `POST members/{id}/restore`: a revoked member counts again; tokens and sessions from before do not.
pub(super) async fn restore(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    id: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let id: MemberId = read_path("the member's id", &id)?;
    let entry = operator.entry(&admin, "member.restore", id.to_string(), Reason::of_body(&body)?);
    let name = id.clone();
    let change = move |before: Option<&Record>, snapshot: &Snapshot| {
        let mut record = known(before, snapshot, &name)?;
        record.revoked.take().ok_or_else(|| conflict("it is not revoked"))?;
        Ok(record)
    };
    admin.app.change_member(id.clone(), entry, change).await?;
    Ok(answer(&json!({"member": id.as_str(), "revoked": false})))
}

/// `POST members/{id}/unlock`: wrong secrets so far are forgotten.
pub(super) async fn unlock(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    id: Path<String>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let id: MemberId = read_path("the member's id", &id)?;
    let entry = operator.entry(&admin, "member.unlock", id.to_string(), Reason::of_body(&body)?);
    shown::row(&admin.app, &id).await.ok_or_else(unknown)?;
    admin.app.store.audit(entry).await?;
    let addresses = admin.app.secrets.forgive(&id);
    Ok(answer(&json!({"member": id.as_str(), "addresses": addresses})))
}

/// Draws a secret into a record; its value, for the answer.
async fn draw(admin: &Admin, record: &mut Record, ends: Option<i64>, now: Timestamp) -> Value {
    let drawn = admin.app.secrets.draw().await;
    record.secrets.push(KeptSecret { hash: drawn.hash, made: now.0, ends });
    json!(drawn.value.expose())
}

/// The member's table in the file.
fn in_file<'a>(snapshot: &'a Snapshot, id: &MemberId) -> Option<&'a Member> {
    snapshot.config.members.iter().find(|member| member.id == *id)
}

/// The entry of a member that exists, in the file or the registry.
fn known(before: Option<&Record>, snapshot: &Snapshot, id: &MemberId) -> Result<Record, Failure> {
    match (before, in_file(snapshot, id)) {
        (Some(record), Some(_)) => Ok(record.clone()),
        (Some(record), None) if record.grant.is_some() => Ok(record.clone()),
        (None, Some(_)) => Ok(Record::of_file()),
        (_, None) => Err(unknown()),
    }
}

/// The entry of a member that was made while the gateway runs.
fn made(before: Option<&Record>, snapshot: &Snapshot, id: &MemberId) -> Result<Record, Failure> {
    let record = known(before, snapshot, id)?;
    if in_file(snapshot, id).is_some() || record.grant.is_none() {
        return Err(conflict(
            "it is a member of the file: change it there and reload; keys can be added and revoked here",
        ));
    }
    Ok(record)
}

fn text(at: Option<i64>) -> Option<String> {
    at.map(|at| Timestamp(at).to_string())
}

fn conflict(detail: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::Conflict, detail)
}

fn unknown() -> Failure {
    Failure::new(ErrorCode::NotFound, "there is no such member; GET /admin/v1/members lists them")
}

fn not_made_here() -> Failure {
    conflict("it has no such API key that was made here; one of the file is replaced in the file")
}

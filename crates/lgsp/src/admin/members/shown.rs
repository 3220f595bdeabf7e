//! A member as operators see it: what it may do, what proves it and until when, when it was seen last. Never a hash.

use std::collections::BTreeSet;

use lgsp_config::{ApiKey, Member};
use lgsp_model::{AgencyGrant, MemberId, Timestamp};
use serde_json::{Value, json};

use super::text;
use crate::app::App;
use crate::identity::{Record, lives};

/// The ids of all members, revoked and ended ones included.
pub(super) fn ids(app: &App) -> BTreeSet<MemberId> {
    let (snapshot, records) = (app.snapshot(), app.roster.records());
    let of_file = snapshot.config.members.iter().map(|member| member.id.clone());
    let made = records.iter().filter(|(_, record)| record.grant.is_some()).map(|(id, _)| id.clone());
    of_file.chain(made).collect()
}

/// What a list shows; `None` when there is no such member.
pub(super) async fn row(app: &App, id: &MemberId) -> Option<Value> {
    let (snapshot, records) = (app.snapshot(), app.roster.records());
    let (record, now) = (records.get(id), app.clock.wall());
    let of_file = snapshot.config.members.iter().find(|member| member.id == *id);
    let mut row = match (of_file, record.and_then(|record| record.grant.as_ref())) {
        (Some(Member { name, agencies, scopes, .. }), _) => {
            let scopes: Vec<_> = scopes.iter().map(ToString::to_string).collect();
            json!({"name": name, "origin": "file", "agencies": codes(agencies), "scopes": scopes, "expires": null})
        }
        (None, Some(grant)) => json!({
            "name": grant.name, "origin": "registry", "agencies": grant.agencies, "scopes": grant.scopes,
            "expires": text(grant.ends),
        }),
        (None, None) => return None,
    };
    let ended = of_file.is_none() && record.is_some_and(|record| grant_ended(record, now));
    let revoked = record.is_some_and(|record| record.revoked.is_some());
    row["id"] = json!(id.as_str());
    row["state"] = json!(if revoked {
        "revoked"
    } else if ended {
        "expired"
    } else {
        "active"
    });
    row["last_used"] = json!(app.roster.seen.last(id, &*app.soft).await.map(|at| at.to_string()));
    Some(row)
}

fn grant_ended(record: &Record, now: Timestamp) -> bool {
    record.grant.as_ref().is_some_and(|grant| !lives(grant.ends, now))
}

/// All that is shown of one member.
pub(super) async fn whole(app: &App, id: &MemberId) -> Option<Value> {
    let mut shown = row(app, id).await?;
    let (snapshot, records) = (app.snapshot(), app.roster.records());
    let (record, now) = (records.get(id), app.clock.wall());
    let of_file = snapshot.config.members.iter().find(|member| member.id == *id);
    let made = record.filter(|record| of_file.is_none() || record.grant.is_none());
    let mut keys: Vec<Value> = of_file
        .map(|member| member.api_keys.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|key| {
            let ApiKey { id, expires, services, sha256: _ } = key;
            let services: Option<Vec<_>> = services.as_ref().map(|ids| ids.iter().map(|id| id.as_str()).collect());
            let revoked = record.is_some_and(|record| record.revoked_keys.contains(id.as_str()));
            json!({"id": id.as_str(), "origin": "file", "made": null, "expires": expires.map(|at| at.to_string()),
               "services": services, "revoked": revoked})
        })
        .collect();
    for key in made.map(|record| record.api_keys.as_slice()).unwrap_or_default() {
        keys.push(json!({"id": key.id, "origin": "registry", "made": text(Some(key.made)), "expires": text(key.ends),
                         "services": key.services, "revoked": false}));
    }
    shown["api_keys"] = json!(keys);
    let secrets = made.map(|record| record.secrets.as_slice()).unwrap_or_default().iter();
    let secrets = secrets.filter(|secret| lives(secret.ends, now));
    let mut secrets: Vec<Value> = secrets
        .map(|secret| json!({"origin": "registry", "made": text(Some(secret.made)), "expires": text(secret.ends)}))
        .collect();
    if of_file.is_some_and(|member| member.credential.is_some()) {
        secrets.push(json!({"origin": "file", "made": null, "expires": null}));
    }
    shown["secrets"] = json!(secrets);
    shown["made"] = json!(record.and_then(|record| record.grant.as_ref()).and_then(|grant| text(Some(grant.made))));
    shown["revoked"] = json!(
        record
            .and_then(|record| record.revoked.as_ref())
            .map(|revoked| json!({"at": text(Some(revoked.at)), "by": revoked.by, "reason": revoked.reason}))
    );
    let locked = app.secrets.locked(id, app.clock.steady());
    let locked = locked.iter().map(|(from, left)| json!({"address": from.to_string(), "seconds": left.as_secs()}));
    shown["locked"] = locked.collect();
    Some(shown)
}

fn codes(agencies: &AgencyGrant) -> Vec<String> {
    match agencies {
        AgencyGrant::All => vec!["*".to_owned()],
        AgencyGrant::Codes(codes) => codes.iter().map(ToString::to_string).collect(),
    }
}

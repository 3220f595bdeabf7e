//! The sandbox's own HTTP interface under `/sandbox/`: faults and settings to change, state to look at.
//!
//! It is for people and scripts that try things; tests in Rust use the methods of the partners. The portal's own paths
//! stand right below `/sandbox/`, those of the other partners below their names.

mod partners;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::Answer as Sent;
use crate::faults::{FaultId, FaultRule};
use crate::identity;
use crate::payment;
use crate::portal::Portal;
use crate::scripted::Body;
use crate::server::Partners;

/// A body of faults or settings.
const MAX_BODY: usize = 1 << 20;
/// Dossiers in one page.
const MAX_PAGE: usize = 1000;

type Answer = Result<Value, (StatusCode, String)>;

pub(crate) async fn answer(partners: &Partners, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let answer = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => {
            let path = parts.uri.path().trim_start_matches("/sandbox/").trim_end_matches('/');
            let query = parts.uri.query().unwrap_or_default();
            let body = body.to_bytes();
            if let Some(file) = payment::day_file(&partners.payments, &parts.method, path, query) {
                return file.into_response();
            }
            let waited = match payment::command(&partners.payments, &parts.method, path, &body).await {
                None => identity::command(partners, &parts.method, path, &body).await,
                done => done,
            };
            waited.or_else(|| partners::route(partners, &parts.method, path, &body)).unwrap_or_else(|| {
                let path = path.strip_prefix("portal/").unwrap_or(path);
                route(&partners.portal, &parts.method, path, query, &body)
            })
        }
        Err(_) => Err((StatusCode::PAYLOAD_TOO_LARGE, "the body is too large or broke off".to_owned())),
    };
    let (status, value) = match answer {
        Ok(value) => (StatusCode::OK, value),
        Err((status, message)) => (status, json!({"error": message})),
    };
    Sent::of(status, "application/json; charset=utf-8", format!("{value:#}\n")).into_response()
}

fn route(portal: &Portal, method: &Method, path: &str, query: &str, body: &[u8]) -> Answer {
    let (head, rest) = path.split_once('/').map_or((path, None), |(head, rest)| (head, Some(rest)));
    match (method, head, rest) {
        (&Method::GET, "state", None) => Ok(state(portal)),
        (&Method::GET, "faults", None) => Ok(faults(portal)),
        (&Method::POST, "faults", None) => add_faults(portal, body),
        (&Method::DELETE, "faults", None) => {
            portal.clear_faults();
            Ok(faults(portal))
        }
        (&Method::DELETE, "faults", Some(id)) => remove_fault(portal, id),
        (&Method::GET, "settings", None) => Ok(to_json(&portal.settings())),
        (&Method::POST, "settings", None) => change_settings(portal, body),
        (&Method::POST, "seed", None) => seed(portal, body),
        (&Method::POST, "forget", None) => {
            portal.forget();
            Ok(state(portal))
        }
        (&Method::GET, "dossiers", None) => Ok(page(portal, query)),
        (&Method::GET, "dossiers", Some(code)) => match portal.dossier(code) {
            Some(dossier) => Ok(to_json(&dossier)),
            None => Err((StatusCode::NOT_FOUND, "the portal does not have this dossier".to_owned())),
        },
        (&Method::GET, "notices", None) => Ok(to_json(&portal.notices())),
        _ => Err((
            StatusCode::NOT_FOUND,
            "GET state, faults, settings, dossiers, dossiers/MaHoSo, notices; POST faults, settings, seed, forget; \
             DELETE faults, faults/ID; GET partners; the same below the name of a partner"
                .to_owned(),
        )),
    }
}

fn to_json<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("the sandbox's types have text keys only")
}

fn bad(error: impl std::fmt::Display) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, error.to_string())
}

fn state(portal: &Portal) -> Value {
    json!({"dossiers": portal.dossier_count(), "counters": portal.counters(), "faults": portal.faults().len()})
}

fn faults(portal: &Portal) -> Value {
    fault_rows(&portal.faults())
}

fn fault_rows(rules: &[(FaultId, FaultRule)]) -> Value {
    let row = |(id, rule): &(FaultId, FaultRule)| {
        let mut row = to_json(rule);
        row["id"] = json!(id);
        row
    };
    rules.iter().map(row).collect()
}

/// One rule or a list of them.
fn rules(body: &[u8]) -> Result<Vec<FaultRule>, (StatusCode, String)> {
    let value: Value = serde_json::from_slice(body).map_err(bad)?;
    let list = if value.is_array() { value } else { Value::Array(vec![value]) };
    serde_json::from_value(list).map_err(bad)
}

fn add_faults(portal: &Portal, body: &[u8]) -> Answer {
    for rule in rules(body)? {
        portal.add_fault(rule).map_err(bad)?;
    }
    Ok(faults(portal))
}

fn remove_fault(portal: &Portal, id: &str) -> Answer {
    let id = FaultId(id.parse().map_err(bad)?);
    if portal.remove_fault(id) { Ok(faults(portal)) } else { Err((StatusCode::NOT_FOUND, "no such fault".to_owned())) }
}

/// Only the keys that are given change.
fn change_settings(portal: &Portal, body: &[u8]) -> Answer {
    let settings = merged(&portal.settings(), body)?;
    portal.change_settings(|current| *current = settings);
    Ok(to_json(&portal.settings()))
}

/// The settings with the keys of a body in place of theirs, objects inside objects too.
fn merged<T: Serialize + DeserializeOwned>(settings: &T, body: &[u8]) -> Result<T, (StatusCode, String)> {
    let change: serde_json::Map<String, Value> = serde_json::from_slice(body).map_err(bad)?;
    let mut value = to_json(settings);
    merge(&mut value, Value::Object(change));
    serde_json::from_value(value).map_err(bad)
}

fn merge(into: &mut Value, change: Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change,
    }
}

fn seed(portal: &Portal, body: &[u8]) -> Answer {
    let seed = seed_of(body)?;
    portal.seed(seed);
    Ok(json!({"seed": seed}))
}

fn seed_of(body: &[u8]) -> Result<u64, (StatusCode, String)> {
    #[derive(Deserialize)]
    struct Seed {
        seed: u64,
    }
    Ok(serde_json::from_slice::<Seed>(body).map_err(bad)?.seed)
}

fn page(portal: &Portal, query: &str) -> Value {
    let value = |name: &str| {
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let limit = value("limit").and_then(|limit| limit.parse().ok()).unwrap_or(100).min(MAX_PAGE);
    to_json(&portal.dossiers(value("after"), limit))
}

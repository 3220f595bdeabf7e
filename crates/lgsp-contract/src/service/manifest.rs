//! The keys of a service's `contract.toml`, as they are written. `read.rs` makes checked terms of them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::manifest::Title;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) valid_from: toml::value::Datetime,
    pub(super) title: Title,
    pub(super) description: Title,
    pub(super) owner: String,
    pub(super) mode: String,
    #[serde(default)]
    pub(super) examples: Option<String>,
    pub(super) expose: Expose,
    #[serde(default)]
    pub(super) upstream: Option<Upstream>,
    #[serde(default)]
    pub(super) names: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) codes: BTreeMap<String, CodeMap>,
    #[serde(default)]
    pub(super) queue: Option<Queue>,
    #[serde(rename = "operation", default)]
    pub(super) operations: Vec<Operation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expose {
    pub(super) path: String,
    #[serde(default = "json")]
    pub(super) format: OneOrMore,
    #[serde(default = "bearer")]
    pub(super) authentication: Vec<String>,
    #[serde(default)]
    pub(super) scopes: Option<Vec<String>>,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) check: Check,
    pub(super) dispatch: Option<String>,
    pub(super) level: Option<String>,
}

fn json() -> OneOrMore {
    OneOrMore::One("json".to_owned())
}

fn bearer() -> Vec<String> {
    vec!["bearer".to_owned()]
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) rate: Option<String>,
    pub(super) burst: Option<u32>,
    pub(super) concurrency: Option<u32>,
    pub(super) body: Option<String>,
    pub(super) answer: Option<String>,
    pub(super) quota: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    pub(super) request: Option<String>,
    pub(super) response: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upstream {
    pub(super) servers: Vec<Server>,
    #[serde(default)]
    pub(super) format: Option<String>,
    #[serde(default)]
    pub(super) http2: bool,
    pub(super) timeout: Option<String>,
    pub(super) connect_timeout: Option<String>,
    pub(super) concurrency: Option<u32>,
    #[serde(default)]
    pub(super) retry: Retry,
    #[serde(default)]
    pub(super) breaker: Breaker,
    pub(super) probe: Option<Probe>,
    #[serde(default)]
    pub(super) tls: Tls,
    pub(super) credentials: Option<BTreeMap<String, toml::Value>>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) pass_headers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Server {
    Url(String),
    Weighted(WeightedServer),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WeightedServer {
    pub(super) url: String,
    pub(super) weight: u32,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Retry {
    pub(super) attempts: Option<u32>,
    pub(super) budget: Option<f64>,
    pub(super) first: Option<String>,
    pub(super) max: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Breaker {
    pub(super) failures: Option<u32>,
    pub(super) open: Option<String>,
    pub(super) open_max: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Probe {
    pub(super) path: String,
    pub(super) every: Option<String>,
    pub(super) timeout: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) ca: Option<String>,
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
    pub(super) server_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeMap {
    pub(super) file: String,
    /// Pointer into a schema's `enum` that must be covered: `schema/request.json#/properties/x/enum`.
    #[serde(default)]
    pub(super) covers: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Queue {
    #[serde(default)]
    pub(super) callback: bool,
    #[serde(default)]
    pub(super) keep_reply: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) title: Option<Title>,
    pub(super) mode: Option<String>,
    pub(super) format: Option<String>,
    #[serde(default)]
    pub(super) method: Option<OneOrMore>,
    #[serde(default)]
    pub(super) path: String,
    pub(super) element: Option<String>,
    pub(super) response_element: Option<String>,
    pub(super) request: Option<String>,
    pub(super) response: Option<String>,
    pub(super) upstream_request: Option<String>,
    pub(super) upstream_response: Option<String>,
    pub(super) map_request: Option<String>,
    pub(super) map_response: Option<String>,
    pub(super) map_fault: Option<String>,
    pub(super) map_problem: Option<String>,
    pub(super) audit: Option<String>,
    pub(super) template: Option<String>,
    pub(super) template_type: Option<String>,
    pub(super) upstream_path: Option<String>,
    pub(super) upstream_method: Option<String>,
    pub(super) upstream_element: Option<String>,
    pub(super) upstream_response_element: Option<String>,
    pub(super) soap_action: Option<String>,
    #[serde(default)]
    pub(super) idempotent: Option<bool>,
    #[serde(default)]
    pub(super) lists: Vec<String>,
    pub(super) key: Option<String>,
    pub(super) agency: Option<String>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) record: Option<String>,
    pub(super) fault_when: Option<String>,
    pub(super) settled_when: Option<String>,
    pub(super) deferred_when: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) ask: Option<Ask>,
}

/// How the upstream is asked whether it has a message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    pub(super) upstream_path: String,
    pub(super) upstream_method: Option<String>,
    pub(super) upstream_element: Option<String>,
    pub(super) soap_action: Option<String>,
    pub(super) map: Option<String>,
    pub(super) found_when: String,
    pub(super) missing_when: Option<String>,
}

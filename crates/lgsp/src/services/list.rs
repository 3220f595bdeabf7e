//! What a member may call, and the descriptions from which clients are generated. Descriptions name no upstream, so they
//! are open to everybody: the tools that read them seldom can show a token.

use hyper::StatusCode;
use lgsp_contract::{Dialogue, Service};
use lgsp_model::{ErrorCode, Timestamp};
use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::app::Snapshot;
use crate::failure::Failure;
use crate::identity::Identified;

/// `GET /v1/services`: the services in force of which the caller may use at least one operation.
pub(crate) fn listing(snapshot: &Snapshot, caller: &Identified, at: Timestamp) -> Answer {
    let mut ids: Vec<&str> = snapshot.contracts.services().map(|service| service.id()).collect();
    ids.dedup();
    let in_force = ids.into_iter().filter_map(|id| snapshot.contracts.service_at(id, at));
    let services: Vec<Value> = in_force.filter_map(|service| entry(snapshot, service, caller)).collect();
    answer::json(StatusCode::OK, json!({"services": services}).to_string())
}

fn entry(snapshot: &Snapshot, service: &Service, caller: &Identified) -> Option<Value> {
    let operations: Vec<Value> = service
        .operations()
        .iter()
        .filter(|operation| service.scopes_of(operation).iter().all(|scope| caller.may(scope)))
        .map(|operation| json!({"name": operation.name(), "methods": operation.methods(), "path": operation.path()}))
        .collect();
    if operations.is_empty() {
        return None;
    }
    let (vi, en) = service.title();
    let (about_vi, about_en) = service.description();
    let exposed = service.exposed();
    let kinds: Vec<&str> = exposed.authentication.iter().map(|kind| kind.as_str()).collect();
    let mut entry = json!({
        "id": service.id(),
        "version": service.version(),
        "valid_from": service.valid_from().to_string(),
        "title": {"vi": vi, "en": en},
        "description": {"vi": about_vi, "en": about_en},
        "owner": service.owner(),
        "mode": service.mode().as_str(),
        "path": exposed.path,
        "authentication": kinds,
        "scopes": exposed.scopes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "operations": operations,
        "ready": snapshot.services.running(service).is_some_and(|running| running.is_ready()),
        "openapi": format!("/v1/services/{}/openapi.json", service.id()),
    });
    if exposed.formats.contains(&Dialogue::Soap) {
        entry["wsdl"] = format!("/v1/services/{}/wsdl", service.id()).into();
    }
    Some(entry)
}

/// A document from which clients are generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Description {
    /// OpenAPI 3.1.
    OpenApi,
    /// WSDL 1.1.
    Wsdl,
}

/// `GET /v1/services/{id}/openapi.json` and `GET /v1/services/{id}/wsdl`.
pub(crate) fn description(snapshot: &Snapshot, id: &str, which: Description, at: Timestamp) -> Result<Answer, Failure> {
    let service = snapshot.contracts.service_at(id, at);
    let service = service.ok_or_else(|| Failure::new(ErrorCode::NotFound, "GET /v1/services lists what there is"))?;
    let base = &snapshot.config.issuer.url;
    match which {
        Description::OpenApi => Ok(answer::json(StatusCode::OK, lgsp_contract::openapi(service, base).to_string())),
        Description::Wsdl => {
            let text = lgsp_contract::wsdl(service, base)
                .ok_or_else(|| Failure::new(ErrorCode::NotFound, "this service speaks no SOAP"))?;
            Ok(answer::with_body(StatusCode::OK, "text/xml; charset=utf-8", text))
        }
    }
}

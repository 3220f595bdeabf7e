//! OpenAPI 3.1 of one service.

use lgsp_model::Scope;
use serde_json::{Map, Value, json};

use crate::service::{Authentication, Dialogue, MessageSchema, Mode, Operation, Service, Side};

/// The document of a service that callers reach under `base` (scheme, host and port, without a slash at the end).
pub fn openapi(service: &Service, base: &str) -> Value {
    let mut paths = Map::new();
    for operation in service.operations() {
        // A catch-all is a parameter like any other here.
        let path = operation.path().replace("{*", "{");
        let item = paths.entry(path).or_insert_with(|| Value::Object(Map::new()));
        for method in methods(operation) {
            item[method] = describe(service, operation);
        }
    }
    let (vi, en) = service.title();
    let (about_vi, about_en) = service.description();
    let schemes: Map<String, Value> =
        service.exposed().authentication.iter().map(|kind| (kind.as_str().to_owned(), scheme(*kind))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("{vi} – {en}"),
            "version": service.version(),
            "description": format!("{about_vi}\n\n{about_en}"),
            "contact": {"name": service.owner()},
        },
        "servers": [{"url": base}],
        "paths": paths,
        "components": {"securitySchemes": schemes, "schemas": {"Problem": problem()}},
    })
}

fn methods(operation: &Operation) -> Vec<String> {
    let any = ["get", "post", "put", "patch", "delete"].map(str::to_owned).to_vec();
    match operation.methods() {
        [one] if one == "*" => any,
        several => several.iter().map(|method| method.to_ascii_lowercase()).collect(),
    }
}

fn describe(service: &Service, operation: &Operation) -> Value {
    let exchange = &operation.exchange;
    let mut described = json!({
        "operationId": operation.name(),
        "parameters": parameters(operation),
        "security": security(service, operation),
        "responses": responses(operation),
    });
    if let Some((vi, en)) = operation.title() {
        described["summary"] = format!("{vi} – {en}").into();
    }
    let bodyless = operation.methods().iter().all(|method| matches!(method.as_str(), "GET" | "HEAD" | "DELETE"));
    if !bodyless {
        let body = content(operation, &exchange.request);
        described["requestBody"] = json!({"required": operation.reads_bodies(), "content": body});
    }
    described
}

/// Parameters of the path, and of the query where a request has no body and its schema names them.
fn parameters(operation: &Operation) -> Vec<Value> {
    let mut parameters: Vec<Value> = operation
        .path()
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| json!({"name": name.trim_start_matches('*'), "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    let bodyless = operation.methods().iter().all(|method| matches!(method.as_str(), "GET" | "HEAD" | "DELETE"));
    let Some(MessageSchema::Json { schema, .. }) = operation.exchange.request.schema.as_ref().filter(|_| bodyless)
    else {
        return parameters;
    };
    let source = schema.source();
    let required = |name: &str| {
        source.get("required").and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == name))
    };
    for (name, schema) in source.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if parameters.iter().any(|known| known["name"] == name.as_str()) {
            continue;
        }
        parameters.push(json!({"name": name, "in": "query", "required": required(name), "schema": schema}));
    }
    parameters
}

fn content(operation: &Operation, side: &Side) -> Value {
    let schema = match &side.schema {
        Some(MessageSchema::Json { schema, .. }) => schema.source().clone(),
        Some(MessageSchema::Xsd { .. }) | None => json!({}),
    };
    let mut content = Map::new();
    for spoken in &operation.exchange.callers {
        match spoken {
            Dialogue::Json => content.insert("application/json".to_owned(), json!({"schema": schema})),
            Dialogue::Xml => content.insert("application/xml".to_owned(), json!({"schema": schema})),
            Dialogue::Soap => content.insert("text/xml".to_owned(), json!({"schema": {"type": "string"}})),
        };
    }
    if content.is_empty() {
        content.insert("*/*".to_owned(), json!({}));
    }
    Value::Object(content)
}

fn responses(operation: &Operation) -> Value {
    let problem = json!({
        "description": "Lỗi – Error",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    let (status, success) = match operation.mode() {
        Mode::Queue => {
            ("202", json!({"description": "Đã nhận – Stored", "content": {"application/json": {"schema": accepted()}}}))
        }
        Mode::Proxy => ("200", answered(operation)),
        Mode::Intake => ("202", answered(operation)),
    };
    json!({status: success, "default": problem})
}

fn answered(operation: &Operation) -> Value {
    json!({"description": "Trả lời – Answer", "content": content(operation, &operation.exchange.response)})
}

fn accepted() -> Value {
    json!({"type": "object", "required": ["message_id", "outcome"], "properties": {
        "message_id": {"type": "string"}, "outcome": {"enum": ["accepted", "duplicate"]}, "status": {"type": "string"},
    }})
}

fn problem() -> Value {
    json!({"type": "object", "required": ["type", "title", "status", "code", "trace_id"], "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "code": {"type": "string", "pattern": "^GW[0-9]{4}$"}, "detail": {"type": "string"}, "trace_id": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object", "properties": {
            "path": {"type": "string"}, "rule": {"type": "string"}, "message": {"type": "string"}}}},
    }})
}

/// One of the ways; each asks for the scopes.
fn security(service: &Service, operation: &Operation) -> Vec<Value> {
    let scopes: Vec<_> = service.scopes_of(operation).iter().map(Scope::to_string).collect();
    let of_kind = |kind: &Authentication| {
        let mut one = Map::new();
        one.insert(kind.as_str().to_owned(), json!(scopes));
        Value::Object(one)
    };
    service.exposed().authentication.iter().map(of_kind).collect()
}

fn scheme(kind: Authentication) -> Value {
    match kind {
        Authentication::Bearer => {
            json!({"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/oauth2/token", "scopes": {}}}})
        }
        Authentication::Mtls => json!({"type": "mutualTLS"}),
        Authentication::ApiKey => json!({"type": "apiKey", "in": "header", "name": "X-API-Key"}),
        Authentication::Signature => json!({"type": "http", "scheme": "signature", "description": "RFC 9421"}),
        Authentication::Basic => json!({"type": "http", "scheme": "basic"}),
        Authentication::LgspAccessToken => json!({"type": "apiKey", "in": "header", "name": "lgspaccesstoken"}),
    }
}

//! The OpenAPI 3.1 document of the public API, written by hand and kept true by the tests below.

/// The document, as `GET /openapi.json` answers it.
pub const OPENAPI: &str = include_str!("../openapi.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use lgsp_config::National;
    use lgsp_model::ErrorCode;
    use serde_json::{Value, json};

    use super::OPENAPI;
    use crate::broker::Errand;
    use crate::payments;
    use crate::route::Route;
    use crate::services::Description;

    fn document() -> Value {
        serde_json::from_str(OPENAPI).expect("the document is JSON")
    }

    /// Every operation: path, method, its description.
    fn operations(document: &Value) -> Vec<(String, String, &Value)> {
        let mut all = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                all.push((path.clone(), method.to_uppercase(), operation));
            }
        }
        all
    }

    fn route(path: &str) -> Route {
        let national = National {
            login_path: "mapi/login".into(),
            call_path: "mapi/g".into(),
            session_ttl: Duration::from_secs(600),
            sessions: 10,
        };
        Route::of(path, &national)
    }

    /// Calls `visit` with every object of the document.
    fn visit<'a>(value: &'a Value, visitor: &mut dyn FnMut(&'a serde_json::Map<String, Value>)) {
        match value {
            Value::Object(object) => {
                visitor(object);
                object.values().for_each(|value| visit(value, visitor));
            }
            Value::Array(values) => values.iter().for_each(|value| visit(value, visitor)),
            _ => {}
        }
    }

    #[test]
    fn every_described_path_is_answered_with_its_method_and_every_answered_path_described() {
        let document = document();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
        let mut described = BTreeSet::new();
        for (path, method, _) in operations(&document) {
            let filled = path.replace("{MaHoSo}", "H56.14-240315-0007").replace("{slug}", "not-found");
            let filled =
                filled.replace("{id}", "7").replace("{description}", "openapi.json").replace("{provider}", "vneid");
            let route = route(&filled);
            assert_eq!(route.label(), path);
            assert!(route.check_method(&method.parse().unwrap()).is_ok(), "{method} {path}");
            described.insert(path);
        }
        let text = String::new;
        let answered = [
            Route::PushDossiers,
            Route::PushProgress,
            Route::Dossier(text()),
            Route::History(text()),
            Route::Changes,
            Route::Services,
            Route::Description(text(), Description::OpenApi),
            Route::Message(text()),
            Route::Payment(payments::Errand::Collection),
            Route::Payment(payments::Errand::One(text())),
            Route::Payment(payments::Errand::Refund(text())),
            Route::Payment(payments::Errand::Cancel(text())),
            Route::Payment(payments::Errand::Receipt(text())),
            Route::Payment(payments::Errand::Page(text())),
            Route::Payment(payments::Errand::Return(text())),
            Route::Payment(payments::Errand::Callback(text())),
            Route::Payment(payments::Errand::Pull(text())),
            Route::Broker(Errand::Token),
            Route::Broker(Errand::Authorize),
            Route::Broker(Errand::Choose),
            Route::Broker(Errand::Callback(text())),
            Route::Broker(Errand::Consent),
            Route::Broker(Errand::Push),
            Route::Broker(Errand::UserInfo),
            Route::Broker(Errand::Introspect),
            Route::Broker(Errand::Revoke),
            Route::Broker(Errand::Logout),
            Route::Broker(Errand::LogoutThere(text())),
            Route::Discovery,
            Route::Jwks,
            Route::Metadata,
            Route::OpenApi,
            Route::ErrorPage(text()),
        ];
        assert_eq!(described, answered.iter().map(|route| route.label().to_owned()).collect());
    }

    #[test]
    fn the_error_codes_are_those_of_the_table() {
        let schemas = &document()["components"]["schemas"];
        let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.code()).collect();
        let types: Vec<_> = ErrorCode::ALL.iter().map(|code| format!("/errors/{}", code.slug())).collect();
        assert_eq!(schemas["Code"]["enum"], json!(codes));
        assert_eq!(schemas["Problem"]["properties"]["type"]["enum"], json!(types));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut references = 0;
        visit(&document, &mut |object| {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                references += 1;
                assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            }
        });
        assert!(references > 50, "{references}");
    }

    #[test]
    fn every_example_keeps_its_schema() {
        let document = document();
        let check = |schema: &Value, example: &Value| {
            let mut whole = json!({"components": document["components"]});
            whole["allOf"] = json!([schema]);
            let validator = jsonschema::validator_for(&whole).expect("a schema of the document compiles");
            let wrong: Vec<_> = validator.iter_errors(example).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{example}: {wrong:?}");
        };
        let mut checked = 0;
        visit(&document, &mut |object| {
            let Some(schema) = object.get("schema") else { return };
            let several = object.get("examples").and_then(Value::as_object);
            let several = several.into_iter().flat_map(|all| all.values().map(|one| &one["value"]));
            for example in object.get("example").into_iter().chain(several) {
                checked += 1;
                check(schema, example);
            }
        });
        assert!(checked > 25, "{checked}");
    }

    #[test]
    fn the_example_records_keep_their_contracts() {
        let document = document();
        let (contracts, _) = lgsp_contract::load(&lgsp_contract::shipped());
        for (path, contract) in [("/v1/dossiers", "dossier"), ("/v1/progress", "progress")] {
            let content = &document["paths"][path]["post"]["requestBody"]["content"];
            let record = &content["application/json"]["examples"]["one"]["value"];
            let checked = contracts.contract(contract).unwrap().check(record.to_string().as_bytes()).unwrap();
            assert!(checked.warnings.is_empty());
        }
    }

    #[test]
    fn what_needs_a_token_names_a_scope_that_exists() {
        let document = document();
        let flow = &document["components"]["securitySchemes"]["oauth"]["flows"]["clientCredentials"];
        for (path, _, operation) in operations(&document) {
            let scope = operation["security"][0]["oauth"][0].as_str();
            // What a service's caller may do its contract says.
            let by_contract = path.starts_with("/v1/services") || path.starts_with("/v1/messages");
            let asks = path.starts_with("/v1/") || path.ends_with("/lookup");
            assert_eq!(scope.is_some(), asks && !by_contract, "{path}");
            if let Some(scope) = scope {
                assert!(flow["scopes"].get(scope).is_some() && scope.parse::<lgsp_model::Scope>().is_ok(), "{scope}");
            }
        }
    }
}

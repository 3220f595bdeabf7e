//! What is promised to the outside, kept as files: a change of one of these is a change of the interface.

use lgsp_model::ErrorCode;

use crate::gateway::{World, send};

#[tokio::test(flavor = "multi_thread")]
async fn the_described_api_is_the_served_one() {
    let world = World::start().await;
    let served = send(world.http.get(world.url("/openapi.json"))).await.expect(200);
    assert_eq!(served.header("content-type"), "application/json");
    assert_eq!(served.text(), include_str!("../../crates/lgsp/openapi.json"));
    let document = served.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "/v1/dossiers",
        "/v1/progress",
        "/v1/dossiers/{MaHoSo}",
        "/v1/dossiers/{MaHoSo}/history",
        "/v1/changes",
        "/oauth2/token",
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
    ] {
        assert!(paths.contains_key(path), "{path} is not described");
    }
    // Whatever is described exists: nobody but a known caller gets further than 401, and no path is one that nothing stands at.
    for (path, operations) in paths {
        let address = path.replace("{MaHoSo}", "H56.14-240315-0001").replace("{slug}", "not-found");
        let address = address
            .replace("{id}", "enterprise")
            .replace("{description}", "openapi.json")
            .replace("{provider}", "vneid");
        for method in operations.as_object().unwrap().keys().filter(|key| matches!(key.as_str(), "get" | "post")) {
            let request = world.http.request(method.to_uppercase().parse().unwrap(), world.url(&address));
            let answer = send(request).await;
            let nowhere = answer.status == 404 && answer.text().contains("lists what there is");
            assert!(!nowhere && answer.status != 405, "{method} {path}: {}", answer.status);
            let described = operations[method]["responses"].as_object().unwrap();
            let status = answer.status.to_string();
            assert!(described.contains_key(&status) || described.contains_key("default"), "{method} {path}: {status}");
        }
    }
}

#[test]
fn error_codes_keep_their_status_and_name() {
    let table: String =
        ErrorCode::ALL.iter().map(|error| format!("{} {} {}\n", error.code(), error.status(), error.slug())).collect();
    assert_eq!(table, include_str!("../golden/errors.txt"), "callers branch on these: add, never change");
}

//! Faults of every partner and the controls over HTTP.

use lgsp_sandbox::{BadFault, Fault, FaultRule, Partners, Sandbox};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{sandbox, token, token_answer};

const DETAIL: &str = "/enterprise/apiCSDLDKDN/1.0/chiTietDoanhNghiep?msdn=0100000001";

#[tokio::test]
async fn every_partner_commits_the_faults_of_transport() {
    let sandbox = sandbox();
    let token = token(&sandbox, "enterprise").await;
    let struck = async |fault: Fault| {
        sandbox.enterprise().add_fault(FaultRule::times(fault, 1).on("chiTietDoanhNghiep")).unwrap();
        reqwest::Client::new().get(sandbox.url(DETAIL)).bearer_auth(&token).send().await
    };
    let status = |answer: &reqwest::Response| answer.status().as_u16();
    assert_eq!(status(&struck(Fault::ServerError).await.unwrap()), 500);
    let away = struck(Fault::Unavailable { retry_after_s: 7 }).await.unwrap();
    assert_eq!((status(&away), away.headers()["retry-after"].to_str().unwrap()), (503, "7"));
    struck(Fault::ResetBeforeStoring).await.unwrap_err();
    assert_eq!(sandbox.enterprise().asked().len(), 0, "nothing took effect");
    struck(Fault::ResetAfterStoring).await.unwrap_err();
    struck(Fault::SilenceAfterStoring { hold_ms: 10 }).await.unwrap_err();
    let half = struck(Fault::MalformedBody).await.unwrap();
    assert_eq!(status(&half), 200);
    assert!(half.json::<Value>().await.is_err());
    let page = struck(Fault::WrongContentType).await.unwrap();
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let large = struck(Fault::Oversize { bytes: 3_000_000 }).await.unwrap();
    assert_eq!(large.content_length(), Some(3_000_000));
    assert_eq!(large.json::<Value>().await.unwrap()["MainInformation"]["ENTERPRISE_GDT_CODE"], "0100000001");
    assert_eq!(sandbox.enterprise().asked().len(), 5);
    assert_eq!(sandbox.enterprise().counters().transport_faults, 8);
    assert_eq!(status(&struck(Fault::SessionsExpire).await.unwrap()), 401);
    let started = std::time::Instant::now();
    struck(Fault::Slow { delay_ms: 50 }).await.unwrap();
    assert!(started.elapsed().as_millis() >= 50);
}

#[tokio::test]
async fn the_portal_commits_the_new_faults_too_and_keeps_its_own() {
    let sandbox = sandbox();
    let refused = sandbox.vnpost().add_fault(FaultRule::always(Fault::RefuseNth { nth: 1 }));
    assert_eq!(refused, Err(BadFault::PortalOnly));
    let login = async |fault: Fault| {
        sandbox.portal().add_fault(FaultRule::times(fault, 1)).unwrap();
        let request = reqwest::Client::new().post(format!("{}mapi/login", sandbox.adapter_url()));
        let request = request.header("dstcode", "x").json(&json!({"username": "lgsp", "password": "lgsp-sandbox"}));
        request.send().await.unwrap()
    };
    assert_eq!(login(Fault::ServerError).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(login(Fault::MalformedBody).await.json::<Value>().await.is_err());
    assert_eq!(login(Fault::Oversize { bytes: 100_000 }).await.bytes().await.unwrap().len(), 100_000);
}

#[tokio::test]
async fn each_partner_is_controlled_below_its_name() {
    let sandbox = sandbox();
    let http = reqwest::Client::new();
    let url = |path: &str| sandbox.url(&format!("/sandbox/{path}"));
    let get = async |path: &str| http.get(url(path)).send().await.unwrap().json::<Value>().await.unwrap();
    let post = async |path: &str, body: Value| http.post(url(path)).json(&body).send().await.unwrap();
    let rule = json!({"fault": "oversize", "bytes": 9, "service": "soap", "times": 1});
    let added: Value = post("population/faults", rule).await.json().await.unwrap();
    assert_eq!((added[0]["bytes"].as_u64(), sandbox.population().faults().len()), (Some(9), 1));
    assert_eq!(get("faults").await, json!([]), "the portal has its own");
    http.delete(url(&format!("population/faults/{}", added[0]["id"]))).send().await.unwrap();
    assert!(sandbox.population().faults().is_empty());
    let alien = post("population/faults", json!({"fault": "catalogue_short", "rows": 1})).await;
    assert_eq!(alien.status(), StatusCode::BAD_REQUEST);

    let short = post("enterprise/settings", json!({"access": {"token_lifetime_ms": 1500}})).await;
    assert_eq!(short.status(), StatusCode::OK);
    let access = sandbox.enterprise().settings().access;
    assert_eq!((access.token_lifetime_ms, access.client_id.as_str()), (1500, "lgsp"), "the rest stays");
    let given: Value = token_answer(sandbox.url("/enterprise/token")).await.json().await.unwrap();
    assert_eq!(given["expires_in"], 1);
    let wrong = post("enterprise/settings", json!({"access": {"lifetime": 1}})).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);

    post("profiles/duplicate", json!({"profile_id": 1})).await;
    assert_eq!(get("profiles/profiles").await.as_array().unwrap().len(), 3);
    assert_eq!(
        post("vnpost/advance", json!({"order_number": "x", "status_code": 4})).await.status(),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(http.get(url("ministry/nothing")).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let new = json!({"tax_code": "0100000009", "name": "MỚI", "short_name": "", "founded": "", "address": "", "representatives": []});
    assert_eq!(post("enterprise/enterprises", new).await.status(), StatusCode::OK);
    let overview = get("partners").await;
    assert_eq!(overview["enterprise"]["counters"]["tokens"], 1);
    assert_eq!(overview["portal"]["dossiers"], 0);
    assert_eq!(get("portal/state").await["dossiers"], 0);
    post("profiles/forget", json!({})).await;
    assert_eq!(get("profiles/profiles").await.as_array().unwrap().len(), 2);
    assert_eq!(http.get(sandbox.url("/nowhere")).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn partners_survive_their_listener() {
    let partners = Partners::default();
    let first = Sandbox::start_all(([127, 0, 0, 1], 0).into(), partners.clone()).unwrap();
    let mut arrivals = partners.enterprise.arrivals();
    let token = token(&first, "enterprise").await;
    first.stop();
    let second = Sandbox::start_all(([127, 0, 0, 1], 0).into(), partners).unwrap();
    let answer = reqwest::Client::new().get(second.url(DETAIL)).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "the token lives on");
    assert_eq!(*arrivals.borrow_and_update(), 2);
}

//! The enterprise register behind its tokens.

use lgsp_sandbox::{Fault, FaultRule, UnknownEnterprise};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{sandbox, token, token_answer};

const DETAIL: &str = "/enterprise/apiCSDLDKDN/1.0/chiTietDoanhNghiep";

#[tokio::test]
async fn one_representative_is_an_object_and_several_are_a_list() {
    let sandbox = sandbox();
    let token = token(&sandbox, "enterprise").await;
    let get = async |code: &str| {
        let url = sandbox.url(&format!("{DETAIL}?msdn={code}"));
        reqwest::Client::new().get(url).bearer_auth(&token).send().await.unwrap()
    };
    let one: Value = get("0100000001").await.json().await.unwrap();
    assert_eq!(one["MainInformation"]["NAME"], "CÔNG TY TNHH THỬ NGHIỆM MỘT");
    assert_eq!(one["Representatives"]["FULL_NAME"], "Nguyễn Văn Thử");
    let request = reqwest::Client::new().post(sandbox.url(DETAIL)).bearer_auth(&token);
    let two: Value = request.json(&json!({"msdn": "0100000002"})).send().await.unwrap().json().await.unwrap();
    assert_eq!(two["Representatives"][1]["FULL_NAME"], "Lê Văn Ví Dụ");
    assert_eq!(get("9").await.status(), StatusCode::NOT_FOUND);
    sandbox.enterprise().change_settings(|settings| settings.unknown = UnknownEnterprise::Empty);
    let empty = get("9").await;
    assert_eq!(
        (empty.status(), empty.json::<Value>().await.unwrap()["Representatives"].clone()),
        (StatusCode::OK, json!([]))
    );
    assert_eq!(get("").await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(sandbox.enterprise().asked(), ["0100000001", "0100000002", "9", "9"]);
}

#[tokio::test]
async fn a_living_token_is_given_again_and_a_dead_one_refused() {
    let sandbox = sandbox();
    let first = token(&sandbox, "enterprise").await;
    assert_eq!(first, token(&sandbox, "enterprise").await, "as WSO2 does");
    let get = async |token: &str| {
        let request = reqwest::Client::new().get(sandbox.url(&format!("{DETAIL}?msdn=0100000001")));
        request.bearer_auth(token).send().await.unwrap()
    };
    assert_eq!(get(&first).await.status(), StatusCode::OK);
    sandbox.enterprise().expire_tokens();
    let refused = get(&first).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "900901");
    sandbox.enterprise().change_settings(|settings| settings.access.token_calls = Some(1));
    let second = token(&sandbox, "enterprise").await;
    assert_eq!(get(&second).await.status(), StatusCode::OK);
    assert_eq!(get(&second).await.status(), StatusCode::UNAUTHORIZED, "one call and no more");
    sandbox.enterprise().change_settings(|settings| settings.access.token_lifetime_ms = 0);
    let stillborn = token(&sandbox, "enterprise").await;
    assert_eq!(get(&stillborn).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(sandbox.enterprise().counters().tokens_refused, 3);
}

#[tokio::test]
async fn tokens_are_for_forms_with_right_credentials_only() {
    let sandbox = sandbox();
    let url = || sandbox.url("/enterprise/token");
    let http = reqwest::Client::new();
    let in_form = [("grant_type", "client_credentials"), ("client_id", "lgsp"), ("client_secret", "lgsp-sandbox")];
    assert_eq!(http.post(url()).form(&in_form).send().await.unwrap().status(), StatusCode::OK);
    let wrong = [("grant_type", "client_credentials"), ("client_id", "lgsp"), ("client_secret", "x")];
    assert_eq!(http.post(url()).form(&wrong).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let json = http.post(url()).json(&json!({"grant_type": "client_credentials"}));
    assert_eq!(json.send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let kind = http.post(url()).form(&[("grant_type", "password")]);
    assert_eq!(kind.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    sandbox.enterprise().add_fault(FaultRule::times(Fault::WrongCredentials, 1)).unwrap();
    assert_eq!(token_answer(url()).await.status(), StatusCode::UNAUTHORIZED);
    let given: Value = token_answer(url()).await.json().await.unwrap();
    assert!(given["expires_in"].as_u64().unwrap() > 3500);
    assert_eq!(sandbox.enterprise().counters().tokens, 2);
}

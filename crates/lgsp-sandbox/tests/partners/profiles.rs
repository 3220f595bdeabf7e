//! The profile exchange: what is not acknowledged stays listed.

use lgsp_sandbox::{Ack, AckStatus, Profile, Sandbox};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{sandbox, token};

const UNIT: &str = "000.00.00.H56";

async fn get(sandbox: &Sandbox, path: &str) -> reqwest::Response {
    let token = token(sandbox, "profiles").await;
    reqwest::Client::new()
        .get(sandbox.url(&format!("/profiles/{path}")))
        .bearer_auth(token)
        .send()
        .await
        .expect("the sandbox answers")
}

async fn listed(sandbox: &Sandbox) -> Vec<u64> {
    let list: Value = get(sandbox, &format!("list?unit_code={UNIT}")).await.json().await.expect("the sandbox answers");
    list["profileReceivers"]
        .as_array()
        .expect("a value of this type")
        .iter()
        .map(|row| row["profile_id"].as_u64().expect("a value of this type"))
        .collect()
}

async fn acknowledge(sandbox: &Sandbox, id: u64, status: &str) -> StatusCode {
    let url = sandbox.url(&format!("/profiles/ack?profile_id={id}&status={status}"));
    let token = token(sandbox, "profiles").await;
    reqwest::Client::new().post(url).bearer_auth(token).send().await.expect("the sandbox answers").status()
}

#[tokio::test]
async fn a_profile_stays_listed_until_it_is_acknowledged() {
    let sandbox = sandbox();
    assert_eq!(listed(&sandbox).await, [1, 2]);
    assert_eq!(listed(&sandbox).await, [1, 2]);
    let detail: Value = get(&sandbox, "detail?profile_id=1").await.json().await.unwrap();
    assert_eq!((&detail["status"], &detail["to_unit_code"]), (&json!("TIEPNHAN"), &json!(UNIT)));
    assert_eq!(acknowledge(&sandbox, 1, "done").await, StatusCode::OK);
    assert_eq!(listed(&sandbox).await, [2]);
    assert_eq!(sandbox.profiles().acks(), [Ack { profile_id: 1, status: AckStatus::Done }]);
    sandbox.profiles().change_settings(|settings| settings.fail_stays_listed = true);
    assert_eq!(acknowledge(&sandbox, 2, "fail").await, StatusCode::OK);
    assert_eq!(listed(&sandbox).await, [2]);
    let again = sandbox.profiles().duplicate(1).unwrap();
    let second: Value = get(&sandbox, &format!("detail?profile_id={again}")).await.json().await.unwrap();
    assert_eq!(second["ref_code"], detail["ref_code"], "a duplicate under another id");
    assert_eq!(sandbox.profiles().listed(UNIT), [2, again]);
}

#[tokio::test]
async fn what_is_unknown_or_unclear_is_refused() {
    let sandbox = sandbox();
    assert_eq!(get(&sandbox, "list").await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(get(&sandbox, "detail?profile_id=99").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(get(&sandbox, "files/1/7").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(acknowledge(&sandbox, 1, "maybe").await, StatusCode::BAD_REQUEST);
    assert_eq!(acknowledge(&sandbox, 99, "done").await, StatusCode::NOT_FOUND);
    let bare = reqwest::get(sandbox.url(&format!("/profiles/list?unit_code={UNIT}"))).await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
    assert!(sandbox.profiles().acks().is_empty());
}

#[tokio::test]
async fn a_large_file_streams_from_the_address_in_the_detail() {
    const SIZE: u64 = 300 << 20;
    let sandbox = sandbox();
    let large = Profile {
        ref_code: "000.00.00.G22-260702-0001".into(),
        procedure: "1.001193".into(),
        status: "KETQUA".into(),
        status_profile: 9,
        from_unit: "000.00.00.G22".into(),
        to_unit: UNIT.into(),
        official: "Cán bộ Thử".into(),
        time: "20260702083000".into(),
        attachments: vec![("lớn.pdf".into(), SIZE)],
    };
    let id = sandbox.profiles().put(large).unwrap();
    let detail: Value = get(&sandbox, &format!("detail?profile_id={id}")).await.json().await.unwrap();
    let url = detail["profileAttachments"][0]["attachment_file_url"].as_str().unwrap();
    let token = token(&sandbox, "profiles").await;
    let mut file = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(file.content_length(), Some(SIZE));
    let mut came = 0;
    while let Some(piece) = file.chunk().await.unwrap() {
        came += piece.len() as u64;
    }
    assert_eq!(came, SIZE);
}

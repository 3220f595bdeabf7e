//! Canaries: made-up identity numbers and secrets are planted wherever they can be, and nothing that an operator or a
//! caller can see may sing.

use serde_json::{Value, json};

use crate::child::Child;
use crate::gateway::{Answer, argon2id, send, until};
use crate::records::{code, dossier, step, with};

const IDENTITY: &str = "079199887766";
const NAME: &str = "Hoàng Thị Chim Yến";
const MEMBER_SECRET: &str = "canary-member-secret-5d1c";
const WRONG_SECRET: &str = "canary-wrong-secret-77aa";
const NATIONAL_PASSWORD: &str = "canary-national-password-90e2";
const HASHED_PASSWORD: &str = "canary-hashed-password-3b3b";
const TARGET_PASSWORD: &str = "canary-target-password-c0de";
const WEBHOOK_SECRET: &str = "whsec_Y2FuYXJ5LXdlYmhvb2stc2VjcmV0LTEyMzQ1Njc4";
const ADMIN_TOKEN: &str = "canary-admin-token-f00d";

fn config(portal: &str) -> String {
    let hash = argon2id(HASHED_PASSWORD);
    format!(
        r#"
version = 1
[public]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
token = "{ADMIN_TOKEN}"
[issuer]
url = "http://canary.test"
[contracts]
path = "{contracts}"
[log]
level = "trace"
[[member]]
id = "one-stop"
name = "x"
agencies = ["H56"]
scopes = ["dossier:push", "dossier:read", "changes:read"]
secret = "{MEMBER_SECRET}"
national = {{ username = "one-stop", password = "{NATIONAL_PASSWORD}" }}
[[member]]
id = "hashed"
name = "x"
agencies = ["H56"]
scopes = ["dossier:push"]
secret_hash = '{hash}'
[[target]]
id = "national-portal"
connector = "npsp"
[target.retry]
attempts = 2
first = "20ms"
max = "50ms"
[target.settings]
adapter_url = "{portal}"
username = "lgsp"
password = "{TARGET_PASSWORD}"
madonvi = "000.00.16.H11"
timeout = "500ms"
[[target]]
id = "partner"
connector = "webhook"
[target.settings]
url = "http://127.0.0.1:1/hook"
secret = "{WEBHOOK_SECRET}"
allow_private = true
"#,
        contracts = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts"),
    )
}

/// A gateway, and everything that it showed.
struct Watched {
    child: Child,
    http: reqwest::Client,
    /// Answers that carry no record by right: errors, metrics, lists.
    shown: Vec<String>,
}

impl Watched {
    /// Posts to the public listener and remembers what came back.
    async fn post(&mut self, token: &str, path: &str, media_type: &str, body: String) -> Answer {
        let request = self.http.post(format!("{}{path}", self.child.public)).bearer_auth(token);
        let answer = send(request.header("content-type", media_type).body(body)).await;
        self.shown.push(answer.text().to_owned());
        answer
    }

    async fn operate(&mut self, method: &str, path: &str) -> Answer {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.child.admin));
        let answer = send(request.bearer_auth(ADMIN_TOKEN).json(&json!({"reason": "canary"}))).await;
        self.shown.push(answer.text().to_owned());
        answer
    }

    async fn token(&self, member: &str, secret: &str) -> Option<String> {
        let form = [("grant_type", "client_credentials")];
        let request = self.http.post(format!("{}/oauth2/token", self.child.public)).basic_auth(member, Some(secret));
        let answer = send(request.form(&form)).await;
        assert!(!answer.text().contains(secret), "{}", answer.text());
        Some(answer.json()["access_token"].as_str()?.to_owned())
    }

    async fn national(&mut self, path: &str, body: Value) -> Value {
        let path = format!("/XrdAdapter/RestService/forward/{path}");
        self.post("none", &path, "application/json", body.to_string()).await.json()
    }
}

/// A record with the canaries in it.
fn planted(n: usize, status: &str) -> Value {
    let mut record = with(with(dossier(&code(n), status), "SoGiayToChuHoSo", IDENTITY), "ChuHoSo", NAME);
    record["DinhDanhCHS"][0]["SoDinhDanh"] = IDENTITY.into();
    record
}

/// Pushes good and bad records in every form.
async fn push_everything(gateway: &mut Watched, token: &str) {
    let (json, ndjson) = ("application/json", "application/x-ndjson");
    gateway.post(token, "/v1/dossiers", json, planted(1, "2").to_string()).await.expect(202);
    gateway.post(token, "/v1/dossiers", json, planted(1, "2").to_string()).await.expect(200);
    gateway.post(token, "/v1/dossiers", json, planted(2, "9").to_string()).await.expect(202);
    gateway.post(token, "/v1/dossiers", json, planted(2, "4").to_string()).await.expect(202);
    gateway
        .post(token, "/v1/progress", json, with(step(&code(1), "4", 1), "NguoiXuLy", NAME).to_string())
        .await
        .expect(202);
    for field in ["TrangThaiHoSo", "NgayTiepNhan", "MaTTHC", "MaHoSo", "KenhThucHien"] {
        let bad = with(planted(3, "2"), field, format!("{IDENTITY} {NAME}"));
        gateway.post(token, "/v1/dossiers", json, bad.to_string()).await;
        gateway.post(token, "/v1/dossiers", ndjson, bad.to_string()).await.expect(200);
        gateway.post(token, "/v1/dossiers", json, json!([bad]).to_string()).await.expect(200);
    }
    let cut = planted(3, "2").to_string();
    gateway.post(token, "/v1/dossiers", json, cut[..cut.len() - 1].to_owned()).await.expect(400);
    gateway.post(token, "/v1/dossiers", "text/plain", cut.clone()).await.expect(415);
    gateway.post(token, "/v1/dossiers", json, format!("[{{\"{IDENTITY}\": ")).await.expect(400);
    gateway.post(WRONG_SECRET, "/v1/dossiers", json, cut).await.expect(401);
    gateway.post(token, &format!("/{IDENTITY}"), json, String::new()).await.expect(404);
    let path = format!("{}/v1/dossiers/{IDENTITY}?{IDENTITY}={IDENTITY}", gateway.child.public);
    gateway.shown.push(send(gateway.http.get(path).bearer_auth(token)).await.expect(400).text().to_owned());
    let path = format!("{}/v1/changes?after={IDENTITY}&limit={IDENTITY}", gateway.child.public);
    gateway.shown.push(send(gateway.http.get(path).bearer_auth(token)).await.expect(400).text().to_owned());
}

/// The same over the national dialect; the session that it was given.
async fn speak_nationally(gateway: &mut Watched) -> String {
    let wrong = gateway.national("mapi/login", json!({"username": "one-stop", "password": WRONG_SECRET})).await;
    assert_eq!(wrong["error_code"], "1102");
    gateway.national("mapi/login", json!({"username": IDENTITY, "password": WRONG_SECRET})).await;
    gateway.national("mapi/login", json!({"username": {"a": NATIONAL_PASSWORD}, "password": IDENTITY})).await;
    let right = gateway.national("mapi/login", json!({"username": "one-stop", "password": NATIONAL_PASSWORD})).await;
    let session = right["session"].as_str().unwrap().to_owned();
    gateway.shown.pop();
    for (service, data) in [
        ("DongBoHoSoMC", json!([planted(4, "2"), with(planted(5, "2"), "TrangThaiHoSo", IDENTITY)])),
        ("CapNhatTienDoHoSoMC", json!([with(step(&code(4), "4", 1), "ThoiDiemXuLy", IDENTITY)])),
        (IDENTITY, json!([])),
        ("LayDanhMucLinhVuc", json!(null)),
    ] {
        let mut call = json!({"session": session, "service": service, "isUpdating": "False"});
        if !data.is_null() {
            call["data"] = data;
        }
        gateway.national("mapi/g", call).await;
    }
    gateway.national("mapi/g", json!({"session": session, "service": "TraCuuHoSo", "mahoso": IDENTITY})).await;
    gateway.national("mapi/g", json!({"session": format!("{session}0"), "service": "TraCuuHoSo"})).await;
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_identity_number_is_ever_logged_or_shown() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = lgsp_sandbox::Sandbox::start(([127, 0, 0, 1], 0).into()).unwrap();
    sandbox.portal().change_settings(|settings| settings.password = TARGET_PASSWORD.into());
    // What the portal refuses, times out and spoils goes through the connector's error texts.
    for (fault, times) in [
        (lgsp_sandbox::Fault::BadGateway, 2),
        (lgsp_sandbox::Fault::SessionsExpire, 2),
        (lgsp_sandbox::Fault::WrongCredentials, 1),
        (lgsp_sandbox::Fault::RefuseMatching { text: code(2) }, 100),
        (lgsp_sandbox::Fault::Slow { delay_ms: 800 }, 1),
    ] {
        sandbox.portal().add_fault(lgsp_sandbox::FaultRule::times(fault, times)).unwrap();
    }
    let child = Child::start(dir.path(), &config(&sandbox.adapter_url())).await;
    let mut gateway = Watched { child, http: reqwest::Client::new(), shown: Vec::new() };
    assert_eq!(gateway.token("one-stop", WRONG_SECRET).await, None);
    assert_eq!(gateway.token(IDENTITY, WRONG_SECRET).await, None);
    let token = gateway.token("one-stop", MEMBER_SECRET).await.expect("a token");
    gateway.token("hashed", HASHED_PASSWORD).await.expect("a token");
    push_everything(&mut gateway, &token).await;
    let session = speak_nationally(&mut gateway).await;
    let path = format!("/admin/v1/dossiers/{}", code(2));
    let last = until("a record is given up", async || {
        let request = gateway.http.get(format!("{}{path}", gateway.child.admin)).bearer_auth(ADMIN_TOKEN);
        let line = send(request).await.expect(200).json();
        let states = line["sync"].as_array().unwrap().iter().map(|row| row["state"].clone());
        states.into_iter().any(|state| state == "dead").then_some(line)
    })
    .await;
    gateway.shown.push(last.to_string());
    for path in ["parked", "held", "targets"] {
        gateway.operate("GET", &format!("/admin/v1/{path}")).await.expect(200);
    }
    gateway.operate("POST", "/admin/v1/held/999999/release").await.expect(404);
    let wrong = gateway.http.get(format!("{}/admin/v1/held", gateway.child.admin)).bearer_auth(WRONG_SECRET);
    gateway.shown.push(send(wrong).await.expect(401).text().to_owned());
    let metrics = gateway.operate("GET", "/metrics").await.expect(200);
    assert!(metrics.text().contains("lgsp_events_total"));
    assert_eq!(gateway.child.terminate().await, Some(0));

    let log = gateway.child.log();
    assert!(log.contains("request refused") && log.contains("wrong secret"), "what was driven is in the log: {log}");
    let signature = token.split('.').nth(2).expect("a signature");
    for canary in [
        IDENTITY,
        NAME,
        "Chim Yến",
        MEMBER_SECRET,
        WRONG_SECRET,
        NATIONAL_PASSWORD,
        HASHED_PASSWORD,
        TARGET_PASSWORD,
        WEBHOOK_SECRET,
        &WEBHOOK_SECRET[6..],
        ADMIN_TOKEN,
        &token,
        signature,
        &session,
    ] {
        for line in log.lines().chain(gateway.shown.iter().map(String::as_str)) {
            assert!(!line.contains(canary), "{canary} in {line}");
        }
    }
}

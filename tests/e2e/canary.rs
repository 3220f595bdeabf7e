//! Canaries: made-up identity numbers and secrets are planted wherever they can be, and nothing that an operator or a
//! caller can see may sing.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

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

/// The program of this build: beside the directory of the test programs.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps");
    let program = built.join("lgsp");
    if !program.exists() {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let target = built.parent().expect("target/<profile>");
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--package", "lgsp", "--bin", "lgsp", "--target-dir"])
            .arg(target)
            .status()
            .unwrap();
        assert!(status.success() && program.exists(), "cargo build --package lgsp");
    }
    program
}

/// Collects what a pipe brings.
fn listen(pipe: impl Read + Send + 'static, into: Arc<Mutex<Vec<String>>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            into.lock().unwrap().push(line);
        }
    });
}

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

/// A gateway in a process of its own.
struct Child {
    process: std::process::Child,
    said: Arc<Mutex<Vec<String>>>,
    public: String,
    admin: String,
    http: reqwest::Client,
    /// Answers that carry no record by right: errors, metrics, lists.
    shown: Vec<String>,
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Child {
    async fn start(dir: &std::path::Path, portal: &str) -> Self {
        let file = dir.join("lgsp.toml");
        std::fs::write(&file, config(portal)).unwrap();
        let program = tokio::task::spawn_blocking(program).await.unwrap();
        let mut process = Command::new(program)
            .args(["serve", "--config"])
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        listen(process.stdout.take().unwrap(), said.clone());
        listen(process.stderr.take().unwrap(), said.clone());
        let ready = until("the gateway says where it listens", async || {
            let lines = said.lock().unwrap().clone();
            let line = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut line = line.filter(|line| line["message"] == "gateway ready");
            line.next()
        })
        .await;
        let address = |name: &str| format!("http://{}", ready[name].as_str().unwrap());
        let (public, admin) = (address("public"), address("admin"));
        Self { process, said, public, admin, http: reqwest::Client::new(), shown: Vec::new() }
    }

    /// Posts to the public listener and remembers what came back.
    async fn post(&mut self, token: &str, path: &str, media_type: &str, body: String) -> Answer {
        let request = self.http.post(format!("{}{path}", self.public)).bearer_auth(token);
        let answer = send(request.header("content-type", media_type).body(body)).await;
        self.shown.push(answer.text().to_owned());
        answer
    }

    async fn operate(&mut self, method: &str, path: &str) -> Answer {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.admin));
        let answer = send(request.bearer_auth(ADMIN_TOKEN).json(&json!({"reason": "canary"}))).await;
        self.shown.push(answer.text().to_owned());
        answer
    }

    async fn token(&self, member: &str, secret: &str) -> Option<String> {
        let form = [("grant_type", "client_credentials")];
        let request = self.http.post(format!("{}/oauth2/token", self.public)).basic_auth(member, Some(secret));
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
async fn push_everything(child: &mut Child, token: &str) {
    let (json, ndjson) = ("application/json", "application/x-ndjson");
    child.post(token, "/v1/dossiers", json, planted(1, "2").to_string()).await.expect(202);
    child.post(token, "/v1/dossiers", json, planted(1, "2").to_string()).await.expect(200);
    child.post(token, "/v1/dossiers", json, planted(2, "9").to_string()).await.expect(202);
    child.post(token, "/v1/dossiers", json, planted(2, "4").to_string()).await.expect(202);
    child
        .post(token, "/v1/progress", json, with(step(&code(1), "4", 1), "NguoiXuLy", NAME).to_string())
        .await
        .expect(202);
    for field in ["TrangThaiHoSo", "NgayTiepNhan", "MaTTHC", "MaHoSo", "KenhThucHien", IDENTITY] {
        let bad = with(planted(3, "2"), field, format!("{IDENTITY} {NAME}"));
        child.post(token, "/v1/dossiers", json, bad.to_string()).await;
        child.post(token, "/v1/dossiers", ndjson, bad.to_string()).await.expect(200);
        child.post(token, "/v1/dossiers", json, json!([bad]).to_string()).await.expect(200);
    }
    let cut = planted(3, "2").to_string();
    child.post(token, "/v1/dossiers", json, cut[..cut.len() - 1].to_owned()).await.expect(400);
    child.post(token, "/v1/dossiers", "text/plain", cut.clone()).await.expect(415);
    child.post(token, "/v1/dossiers", json, format!("[{{\"{IDENTITY}\": ")).await.expect(400);
    child.post(WRONG_SECRET, "/v1/dossiers", json, cut).await.expect(401);
    child.post(token, &format!("/{IDENTITY}"), json, String::new()).await.expect(404);
    let path = format!("{}/v1/dossiers/{IDENTITY}?{IDENTITY}={IDENTITY}", child.public);
    child.shown.push(send(child.http.get(path).bearer_auth(token)).await.expect(400).text().to_owned());
    let path = format!("{}/v1/changes?after={IDENTITY}&limit={IDENTITY}", child.public);
    child.shown.push(send(child.http.get(path).bearer_auth(token)).await.expect(400).text().to_owned());
}

/// The same over the national dialect; the session that it was given.
async fn speak_nationally(child: &mut Child) -> String {
    let wrong = child.national("mapi/login", json!({"username": "one-stop", "password": WRONG_SECRET})).await;
    assert_eq!(wrong["error_code"], "1102");
    child.national("mapi/login", json!({"username": IDENTITY, "password": WRONG_SECRET})).await;
    child.national("mapi/login", json!({"username": {"a": NATIONAL_PASSWORD}, "password": IDENTITY})).await;
    let right = child.national("mapi/login", json!({"username": "one-stop", "password": NATIONAL_PASSWORD})).await;
    let session = right["session"].as_str().unwrap().to_owned();
    child.shown.pop();
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
        child.national("mapi/g", call).await;
    }
    child.national("mapi/g", json!({"session": session, "service": "TraCuuHoSo", "mahoso": IDENTITY})).await;
    child.national("mapi/g", json!({"session": format!("{session}0"), "service": "TraCuuHoSo"})).await;
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
    let mut child = Child::start(dir.path(), &sandbox.adapter_url()).await;
    assert_eq!(child.token("one-stop", WRONG_SECRET).await, None);
    assert_eq!(child.token(IDENTITY, WRONG_SECRET).await, None);
    let token = child.token("one-stop", MEMBER_SECRET).await.expect("a token");
    child.token("hashed", HASHED_PASSWORD).await.expect("a token");
    push_everything(&mut child, &token).await;
    let session = speak_nationally(&mut child).await;
    let path = format!("/admin/v1/dossiers/{}", code(2));
    let last = until("a record is given up", async || {
        let request = child.http.get(format!("{}{path}", child.admin)).bearer_auth(ADMIN_TOKEN);
        let line = send(request).await.expect(200).json();
        let states = line["sync"].as_array().unwrap().iter().map(|row| row["state"].clone());
        states.into_iter().any(|state| state == "dead").then_some(line)
    })
    .await;
    child.shown.push(last.to_string());
    for path in ["parked", "held", "targets"] {
        child.operate("GET", &format!("/admin/v1/{path}")).await.expect(200);
    }
    child.operate("POST", "/admin/v1/held/999999/release").await.expect(404);
    let wrong = child.http.get(format!("{}/admin/v1/held", child.admin)).bearer_auth(WRONG_SECRET);
    child.shown.push(send(wrong).await.expect(401).text().to_owned());
    let metrics = child.operate("GET", "/metrics").await.expect(200);
    assert!(metrics.text().contains("lgsp_events_total"));
    let pid = child.process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let process = Mutex::new(&mut child.process);
    let status = until("SIGTERM ends it", async || process.lock().unwrap().try_wait().unwrap()).await;
    assert_eq!(status.code(), Some(0));

    let log = child.said.lock().unwrap().join("\n");
    assert!(log.contains("request refused") && log.contains("wrong secret"), "what was driven is in the log: {log}");
    let portal_session = token.split('.').nth(2).expect("a signature");
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
        portal_session,
        &session,
    ] {
        for line in log.lines().chain(child.shown.iter().map(String::as_str)) {
            assert!(!line.contains(canary), "{canary} in {line}");
        }
    }
}

//! Members while the gateway runs: made, limited, rotated, revoked; on every path at once, after a crash as before, and
//! every act in the log.

use std::net::TcpListener;
use std::process::{Child as Process, Command, Stdio};
use std::time::{Duration, Instant};

use lgsp_model::{AgencyGrant, EventKind, Seq};
use lgsp_store::{DurableStore, EmbeddedOptions, EmbeddedStore, PageLimit, ReadFilter, verify_dir};
use serde_json::{Value, json};

use crate::child::Child;
use crate::gateway::{ADMIN_TOKEN, Answer, Setup, World, password_of, secret_of, send, until};
use crate::proofs::{KINDS, service};

/// What does not exist is told only to somebody known.
const READ: &str = "/v1/dossiers/H56.14-240315-999999";
/// Within so long a revocation counts on every path.
const AT_ONCE: Duration = Duration::from_secs(1);

/// With a service that takes every kind of proof.
fn setup() -> Setup {
    Setup { contracts: vec![service("open", KINDS)], ..Setup::default() }
}

async fn act(world: &World, path: &str, body: Value) -> Answer {
    world.admin("POST", &format!("/admin/v1/members{path}"), Some(body)).await
}

async fn shown(world: &World, id: &str) -> Value {
    world.admin("GET", &format!("/admin/v1/members/{id}"), None).await.expect(200).json()
}

/// A member that may call the service and read; its secret.
async fn make(world: &World, id: &str) -> String {
    let body = json!({"id": id, "name": "Bưu điện", "agencies": ["H56"], "scopes": ["service:open", "dossier:read"],
                      "reason": "contract 7"});
    act(world, "", body).await.expect(200).json()["secret"].as_str().unwrap().to_owned()
}

async fn api_key(world: &World, id: &str, more: Value) -> String {
    let mut body = json!({"reason": "asked for"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    act(world, &format!("/{id}/key"), body).await.expect(200).json()["api_key"].as_str().unwrap().to_owned()
}

async fn token(world: &World, id: &str, secret: &str) -> String {
    world.ask_token(id, secret, &[]).await.expect(200).json()["access_token"].as_str().unwrap().to_owned()
}

async fn with_key(world: &World, key: &str) -> u16 {
    send(world.http.get(world.url("/services/open/x")).header("x-api-key", key)).await.status
}

async fn with_basic(world: &World, id: &str, secret: &str) -> u16 {
    send(world.http.get(world.url("/services/open/x")).basic_auth(id, Some(secret))).await.status
}

/// 404 for a token that counts, 401 for one that does not.
async fn with_token(world: &World, token: &str) -> u16 {
    world.get(token, READ).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_made_here_proves_itself_like_one_of_the_file_and_its_secret_is_shown_once() {
    let world = World::with(setup()).await;
    let secret = make(&world, "post").await;
    assert_eq!(with_token(&world, &token(&world, "post", &secret).await).await, 404);
    assert_eq!(with_basic(&world, "post", &secret).await, 200);
    world.ask_token("post", &secret_of("post"), &[]).await.expect(401);
    let key = api_key(&world, "post", json!({"id": "post.k1"})).await;
    assert!(key.starts_with("post.k1."));
    assert_eq!(with_key(&world, &key).await, 200);
    let elsewhere = api_key(&world, "one-stop", json!({"services": ["elsewhere"]})).await;
    assert_eq!(with_key(&world, &elsewhere).await, 403, "also a member of the file, and for one service only");
    let all = world.admin("GET", "/admin/v1/members", None).await.expect(200);
    let one = world.admin("GET", "/admin/v1/members/post", None).await.expect(200);
    for answer in [&all, &one] {
        for hidden in [&secret, &key["post.k1.".len()..], "argon2id", "sha256"] {
            assert!(!answer.text().contains(hidden), "{hidden}: {}", answer.text());
        }
    }
    let one = one.json();
    assert_eq!((&one["state"], &one["origin"], &one["expires"]), (&"active".into(), &"registry".into(), &Value::Null));
    assert_eq!((one["secrets"].as_array().unwrap().len(), &one["api_keys"][0]["id"]), (1, &"post.k1".into()));
    assert!(one["last_used"].is_string(), "{one}");
    let origins: Vec<_> = all.json()["members"].as_array().unwrap().iter().map(|row| row["origin"].clone()).collect();
    assert_eq!(origins.iter().filter(|origin| **origin == "file").count(), 5);
    assert_eq!(origins.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_member_is_refused_on_every_path_at_once_and_what_it_had_does_not_come_back() {
    let world = World::with(setup()).await;
    let secret = make(&world, "post").await;
    let (key, old) = (api_key(&world, "post", json!({})).await, token(&world, "post", &secret).await);
    assert_eq!((with_token(&world, &old).await, with_key(&world, &key).await), (404, 200));
    assert_eq!(with_basic(&world, "post", &secret).await, 200);
    act(&world, "/post/revoke", json!({})).await.expect_problem(400, "GW1006");
    act(&world, "/post/revoke", json!({"reason": " "})).await.expect_problem(400, "GW1006");
    assert_eq!(with_key(&world, &key).await, 200, "without a reason nothing is done");
    let began = Instant::now();
    act(&world, "/post/revoke", json!({"reason": "left"})).await.expect(200);
    assert_eq!((with_token(&world, &old).await, with_key(&world, &key).await), (401, 401));
    assert_eq!(with_basic(&world, "post", &secret).await, 401);
    world.ask_token("post", &secret, &[]).await.expect(401);
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    let row = shown(&world, "post").await;
    assert_eq!((&row["state"], &row["revoked"]["reason"]), (&"revoked".into(), &"left".into()));
    act(&world, "/post/revoke", json!({"reason": "left"})).await.expect_problem(409, "GW1401");
    act(&world, "/post/restore", json!({"reason": "came back"})).await.expect(200);
    assert_eq!((with_token(&world, &old).await, with_key(&world, &key).await), (401, 200));
    until("tokens of the next second count", async || {
        (with_token(&world, &token(&world, "post", &secret).await).await == 404).then_some(())
    })
    .await;
    act(&world, "/post/restore", json!({"reason": "again"})).await.expect_problem(409, "GW1401");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_the_file_can_be_revoked_and_stays_so_over_reloads_and_restarts() {
    let mut world = World::with(setup()).await;
    let login = json!({"username": "one-stop", "password": password_of("one-stop")});
    let national = |world: &World, path: &str, body: &Value| {
        send(world.http.post(world.url(&format!("/XrdAdapter/RestService/forward/mapi/{path}"))).json(body))
    };
    let session = national(&world, "login", &login).await.json()["session"].clone();
    let call = json!({"session": session, "madonvi": "H56", "service": "TraCuuHoSo", "mahoso": "H56.14-240315-999999"});
    let code = async |world: &World| national(world, "g", &call).await.json()["error_code"].clone();
    assert_ne!(code(&world).await, "1103");
    let known = world.token("one-stop").await;
    act(&world, "/one-stop/revoke", json!({"reason": "audit"})).await.expect(200);
    assert_eq!(code(&world).await, "1103");
    assert_eq!(national(&world, "login", &login).await.json()["error_code"], "1102");
    assert_eq!(with_token(&world, &known).await, 401);
    world.reload(|_| ()).await;
    world.ask_token("one-stop", &secret_of("one-stop"), &[]).await.expect(401);
    let world = world.restart().await;
    world.ask_token("one-stop", &secret_of("one-stop"), &[]).await.expect(401);
    act(&world, "/one-stop/restore", json!({"reason": "clean"})).await.expect(200);
    assert_eq!(code(&world).await, "1103", "a session from before does not come back");
    world.ask_token("one-stop", &secret_of("one-stop"), &[]).await.expect(200);
    assert_eq!(with_token(&world, &known).await, 401, "a token from before does not come back");
    for (path, body) in [
        ("/one-stop/limit", json!({"name": "x", "reason": "r"})),
        ("/one-stop/secret", json!({"reason": "r"})),
        ("/one-stop/rotate", json!({"reason": "r"})),
    ] {
        let problem = act(&world, path, body).await.expect_problem(409, "GW1401").json();
        assert!(problem["detail"].as_str().unwrap().contains("member of the file"), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_counts_beside_the_new_one_until_its_time_and_a_revoked_key_no_more() {
    let world = World::with(setup()).await;
    let first = make(&world, "post").await;
    let rotate = |body: Value| act(&world, "/post/rotate", body);
    let second = rotate(json!({"keep_old": "1h", "reason": "yearly"})).await.expect(200).json();
    let second = second["secret"].as_str().unwrap().to_owned();
    for secret in [&first, &second] {
        world.ask_token("post", secret, &[]).await.expect(200);
    }
    let third = rotate(json!({"keep_old": "0s", "reason": "leaked"})).await.expect(200).json();
    for old in [&first, &second] {
        world.ask_token("post", old, &[]).await.expect(401);
    }
    world.ask_token("post", third["secret"].as_str().unwrap(), &[]).await.expect(200);
    let old = api_key(&world, "post", json!({"id": "k1", "services": ["open"]})).await;
    let fresh = rotate(json!({"key": "k1", "keep_old": "1h", "reason": "yearly"})).await.expect(200).json();
    let (id, fresh) = (fresh["key"].as_str().unwrap(), fresh["api_key"].as_str().unwrap());
    assert_eq!((with_key(&world, &old).await, with_key(&world, fresh).await), (200, 200));
    act(&world, "/post/revoke", json!({"key": "k1", "reason": "done"})).await.expect(200);
    assert_eq!((with_key(&world, &old).await, with_key(&world, fresh).await), (401, 200));
    act(&world, "/post/revoke", json!({"key": "k1", "reason": "done"})).await.expect_problem(409, "GW1401");
    rotate(json!({"key": "k1", "reason": "r"})).await.expect_problem(409, "GW1401");
    act(&world, "/one-stop/key", json!({"id": id, "reason": "r"})).await.expect_problem(409, "GW1401");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_for_tokens_that_are_out_and_an_end_comes_by_itself() {
    let world = World::with(setup()).await;
    let secret = make(&world, "post").await;
    let (key, known) = (api_key(&world, "post", json!({})).await, token(&world, "post", &secret).await);
    assert_eq!((with_key(&world, &key).await, with_token(&world, &known).await), (200, 404));
    act(&world, "/post/limit", json!({"scopes": ["service:open"], "reason": "less"})).await.expect(200);
    assert_eq!((with_key(&world, &key).await, with_token(&world, &known).await), (200, 403));
    let soon = jiff_text(Duration::from_millis(1500));
    let told = act(&world, "/post/limit", json!({"expires": soon, "reason": "until then"})).await.expect(200).json();
    assert_eq!(told["state"], "active", "{told}");
    until("the member ends by itself", async || (with_token(&world, &known).await == 401).then_some(())).await;
    assert_eq!(with_key(&world, &key).await, 401);
    assert_eq!(shown(&world, "post").await["state"], "expired");
    act(&world, "/post/limit", json!({"no_expiry": true, "reason": "longer"})).await.expect(200);
    assert_eq!(with_key(&world, &key).await, 200);
    for body in
        [json!({"reason": "r"}), json!({"expires": "2020-01-01", "reason": "r"}), json!({"scopes": [], "reason": "r"})]
    {
        act(&world, "/post/limit", body).await.expect_problem(400, "GW1006");
    }
}

/// A time so far ahead, as operators write it.
fn jiff_text(ahead: Duration) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap() + ahead;
    lgsp_model::Timestamp(now.as_millis() as i64).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_keeps_its_ids_and_what_does_not_exist_is_not_found() {
    let mut world = World::with(setup()).await;
    let body =
        |id: &str| json!({"id": id, "name": "N", "agencies": ["H56"], "scopes": ["dossier:read"], "reason": "r"});
    act(&world, "", body("one-stop")).await.expect_problem(409, "GW1401");
    act(&world, "", body("Not An Id")).await.expect_problem(400, "GW1006");
    let secret = make(&world, "post").await;
    act(&world, "", body("post")).await.expect_problem(409, "GW1401");
    world.admin("GET", "/admin/v1/members/nobody", None).await.expect_problem(404, "GW1301");
    for path in
        ["/nobody/revoke", "/nobody/restore", "/nobody/key", "/nobody/secret", "/nobody/rotate", "/nobody/unlock"]
    {
        act(&world, path, json!({"reason": "r"})).await.expect_problem(404, "GW1301");
    }
    let table = "[[member]]\nid = \"post\"\nname = \"of the file\"\nagencies = [\"*\"]\nscopes = [\"report:read\"]\n\
                 secret = \"of-the-file\"\n";
    world.reload(|setup| setup.members = table.to_owned()).await;
    world.ask_token("post", &secret, &[]).await.expect(401);
    world.ask_token("post", "of-the-file", &[]).await.expect(200);
    assert_eq!(shown(&world, "post").await["origin"], "file");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_act_stands_in_the_log_with_its_reason_and_without_a_secret() {
    let world = World::with(setup()).await;
    let secret = make(&world, "post").await;
    let key = api_key(&world, "post", json!({"id": "k1"})).await;
    act(&world, "/post/rotate", json!({"reason": "yearly"})).await.expect(200);
    act(&world, "/post/limit", json!({"name": "P", "reason": "renamed"})).await.expect(200);
    act(&world, "/post/revoke", json!({"key": "k1", "reason": "lost"})).await.expect(200);
    act(&world, "/post/revoke", json!({"reason": "left"})).await.expect(200);
    act(&world, "/post/restore", json!({"reason": "back"})).await.expect(200);
    act(&world, "/post/unlock", json!({"reason": "mistyped"})).await.expect(200);
    let (gateway, dir) = world.into_gateway();
    gateway.stop().await;
    let data = dir.path().join("data");
    assert_eq!(verify_dir(&data).unwrap().broken, None);
    let store = EmbeddedStore::open(&data, EmbeddedOptions::default()).unwrap();
    let filter = ReadFilter::new(vec![EventKind::Audit], AgencyGrant::All);
    let page = store.read(Seq(0), PageLimit { events: 100, bytes: usize::MAX }, filter).await.unwrap();
    let texts: Vec<_> = page.events.iter().map(|event| event.payload.clone().unwrap()).collect();
    let acts: Vec<Value> = texts.iter().map(|text| serde_json::from_slice(text).unwrap()).collect();
    let seen: Vec<_> =
        acts.iter().map(|act| ["action", "object", "reason"].map(|field| act[field].as_str().unwrap())).collect();
    let expected = [
        ["member.add", "post", "contract 7"],
        ["member.key", "post/k1", "asked for"],
        ["member.rotate", "post", "yearly"],
        ["member.limit", "post", "renamed"],
        ["member.key.revoke", "post/k1", "lost"],
        ["member.revoke", "post", "left"],
        ["member.restore", "post", "back"],
        ["member.unlock", "post", "mistyped"],
    ];
    assert_eq!(seen, expected);
    for text in &texts {
        let text = std::str::from_utf8(text).unwrap();
        for hidden in [&secret, key.rsplit('.').next().unwrap(), "argon2id"] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_secrets_lock_only_where_they_come_from_and_an_operator_unlocks() {
    let lockout = "[lockout]\nfree_tries = 2\nlock_after = 3\nlock_for = \"1h\"\n";
    let world = World::with(Setup { members: lockout.to_owned(), ..setup() }).await;
    for _ in 0..3 {
        world.ask_token("one-stop", "wrong", &[]).await.expect(401);
    }
    let locked = world.ask_token("one-stop", &secret_of("one-stop"), &[]).await.expect(429);
    assert!(locked.header("retry-after").parse::<u64>().unwrap() > 3_500);
    let row = shown(&world, "one-stop").await;
    assert_eq!(row["locked"][0]["address"], "127.0.0.1", "{row}");
    world.ask_token("sender", &secret_of("sender"), &[]).await.expect(200);
    let elsewhere = reqwest::Client::builder().local_address("127.0.0.2".parse::<std::net::IpAddr>().unwrap()).build();
    let form = [("grant_type", "client_credentials")];
    let request = elsewhere.unwrap().post(world.url("/oauth2/token"));
    send(request.basic_auth("one-stop", Some(secret_of("one-stop"))).form(&form)).await.expect(200);
    act(&world, "/one-stop/unlock", json!({"reason": "mistyped"})).await.expect(200);
    world.ask_token("one-stop", &secret_of("one-stop"), &[]).await.expect(200);
}

const CHILD: &str = "version = 1\n[public]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
    token = \"admin-token-of-the-tests\"\n[issuer]\nurl = \"http://gateway.test\"\n[contracts]\npath = \"none\"\n";

async fn on_child(child: &Child, path: &str, body: Value) -> Answer {
    let url = format!("{}/admin/v1/members{path}", child.admin);
    send(reqwest::Client::new().post(url).bearer_auth(ADMIN_TOKEN).json(&body)).await
}

async fn child_token(child: &Child, id: &str, secret: &str) -> u16 {
    let request = reqwest::Client::new().post(format!("{}/oauth2/token", child.public));
    send(request.basic_auth(id, Some(secret)).form(&[("grant_type", "client_credentials")])).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_revocations_survive_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("none")).unwrap();
    let child = Child::start(dir.path(), CHILD).await;
    let mut secrets = Vec::new();
    for id in ["a", "b"] {
        let body = json!({"id": id, "name": id, "agencies": ["*"], "scopes": ["dossier:read"], "reason": "r"});
        let made = on_child(&child, "", body).await.expect(200).json();
        secrets.push(made["secret"].as_str().unwrap().to_owned());
    }
    on_child(&child, "/b/revoke", json!({"reason": "left"})).await.expect(200);
    // Dropping it kills it.
    drop(child);
    let child = Child::start(dir.path(), CHILD).await;
    assert_eq!(child_token(&child, "a", &secrets[0]).await, 200);
    assert_eq!(child_token(&child, "b", &secrets[1]).await, 401);
    assert!(!secrets.iter().any(|secret| child.log().contains(secret)));
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_manage_members_on_the_command_line() {
    let world = World::with(setup()).await;
    let admin = world.admin_url("");
    let program = tokio::task::spawn_blocking(crate::child::program).await.unwrap();
    let lgsp = async |line: &str| {
        let (program, admin, words) = (program.clone(), admin.clone(), line.to_owned());
        let run = move || {
            let mut command = Command::new(program);
            command.arg("member").args(words.split_whitespace()).env("LGSP_ADMIN", admin);
            let done = command.env("LGSP_ADMIN_TOKEN", ADMIN_TOKEN).env("LGSP_ACTOR", "tester").output().unwrap();
            let (out, error) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
            (done.status.code(), out, error)
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let (code, out, _) = lgsp("add post --name P --agency H56 --scope service:open --reason new").await;
    let secret = out.lines().find_map(|line| line.strip_prefix("client_secret: ")).unwrap_or_else(|| panic!("{out}"));
    assert_eq!((code, with_basic(&world, "post", secret).await), (Some(0), 200));
    let (_, out, _) = lgsp("key post --id k1 --reason new").await;
    assert_eq!(with_key(&world, out.lines().next().unwrap().strip_prefix("X-API-Key: ").unwrap()).await, 200);
    let (_, out, _) = lgsp("rotate post --keep-old 0s --reason leaked --json").await;
    let rotated: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(with_basic(&world, "post", rotated["secret"].as_str().unwrap()).await, 200);
    let (_, out, _) = lgsp("list").await;
    assert!(out.lines().any(|line| line.starts_with("post ") && line.contains("active")), "{out}");
    let (code, out, _) = lgsp("revoke post --reason left").await;
    assert!(code == Some(0) && out.contains("post does not count any more"), "{out}");
    let (_, out, _) = lgsp("show post").await;
    assert!(out.contains("by tester: left") && !out.contains(secret), "{out}");
    let (code, _, error) = lgsp("revoke nobody --reason left").await;
    assert!(code == Some(1) && error.contains("no such member"), "{error}");
    let (code, _, error) = lgsp("revoke post").await;
    assert!(code == Some(64) && error.contains("--reason"), "{error}");
}

/// A Redis server without persistence, killed when dropped; `None` where the tests run without it.
struct Redis(Process, u16);

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn redis() -> Option<Redis> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    match command.current_dir(std::env::temp_dir()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
        Ok(process) => {
            let server = Redis(process, port);
            let there = async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok();
            until("the Redis server listens", there).await;
            Some(server)
        }
        Err(_) if std::env::var("LGSP_WITHOUT").is_ok_and(|left| left.contains("redis-server")) => None,
        Err(error) => panic!("redis-server: {error}; install it, or set LGSP_WITHOUT=redis-server"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn soft_state_in_redis_outlives_the_gateway_and_without_it_none_starts() {
    let Some(server) = redis().await else { return };
    let soft = format!("[soft_state]\nengine = \"redis\"\nurl = \"redis://127.0.0.1:{}\"\n", server.1);
    let world = World::with(Setup { members: soft.clone(), ..setup() }).await;
    world.token("one-stop").await;
    let used = shown(&world, "one-stop").await["last_used"].clone();
    assert!(used.is_string());
    let world = world.restart().await;
    assert_eq!(shown(&world, "one-stop").await["last_used"], used);
    drop(server);
    world.token("one-stop").await;
    let Err(refused) = World::try_with(Setup { members: soft, ..setup() }).await else { panic!("it started") };
    assert!(refused.to_string().contains("[soft_state] url"), "{refused}");
}

//! People sign in at a gateway that logs everything, and nothing that names them or lets others act for them stands in its log
//! or its store.

use serde_json::Value;

use crate::browser::{Browser, Landed, field, host_of, query_of};
use crate::child::Child;
use crate::gateway::send;
use crate::sign_in::{Door, PROVIDERS, VERIFIER, ask_of};

const CLIENT_SECRET: &str = "canary-client-secret-9c4e";

fn config(port: u16, sandbox: &str) -> String {
    format!(
        r#"
version = 1
[public]
listen = "127.0.0.1:{port}"
[admin]
listen = "127.0.0.1:0"
token = "canary-admin-token-f00d"
[issuer]
url = "http://127.0.0.1:{port}"
[contracts]
path = "{contracts}"
[log]
level = "trace"
[[member]]
id = "counter"
name = "x"
agencies = ["H56"]
scopes = ["dossier:read"]
secret = "{CLIENT_SECRET}"
sign_in = {{ redirect_uris = ["https://mot-cua.test/sso"], claims = ["profile", "email", "phone", "identity", "offline_access"] }}
{providers}
"#,
        contracts = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts"),
        providers = PROVIDERS.replace("{sandbox}", sandbox),
    )
}

/// Everything that the process kept in its directory, as bytes that can be searched.
fn kept(dir: &std::path::Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(kept(&path));
        } else if path.file_name().is_some_and(|name| name != "lgsp.toml") {
            all.extend(std::fs::read(&path).unwrap());
        }
    }
    all
}

/// Somebody signs in at a provider: the name of the login on the page of choices, and where the browser is sent then.
async fn as_far_as_the_provider(browser: &mut Browser, issuer: &str, provider: &str, person: &str) -> (String, Landed) {
    let scope = [("scope", "openid profile email identity offline_access")];
    let page = browser.get(&ask_of(issuer, "counter", "https://mot-cua.test/sso", &scope)).await.expect(200);
    let login = field(page.text(), "login");
    let sent = browser.post(&format!("{issuer}/oauth2/login"), &[("login", &login), ("provider", provider)]).await;
    browser.follow(sent, "https://").await.page().expect(200);
    let there = browser.visited.last().unwrap().clone();
    let sent = browser.post(&there, &[("person", person)]).await;
    (login, browser.follow(sent, "https://").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_person_and_nothing_that_opens_anything_is_logged_or_kept() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = lgsp_sandbox::Sandbox::start(([127, 0, 0, 1], 0).into()).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = Child::start(dir.path(), &config(port, &format!("http://{}", sandbox.addr()))).await;
    let issuer = child.public.clone();
    let http = reqwest::Client::new();
    let mut secrets = vec![CLIENT_SECRET.to_owned(), VERIFIER.to_owned()];
    for (provider, person) in [("vneid", "thu"), ("vnconnect", "thu"), ("vneid", "lech"), ("vnconnect", "lech")] {
        let mut browser = Browser::new();
        let (login, landed) = as_far_as_the_provider(&mut browser, &issuer, provider, person).await;
        let asked = landed.page().expect(200);
        let consent = field(asked.text(), "login");
        let to = format!("{issuer}/oauth2/consent");
        let done = browser.post(&to, &[("login", &consent), ("answer", "allow")]).await.expect(303);
        let code = query_of(done.header("location"))["code"].clone();
        let form = [("grant_type", "authorization_code"), ("code", &code), ("code_verifier", VERIFIER)];
        let token = || http.post(format!("{issuer}/oauth2/token")).basic_auth("counter", Some(CLIENT_SECRET));
        let tokens: Value = send(token().form(&form)).await.expect(200).json();
        send(token().form(&form)).await.expect(400);
        let userinfo = http.get(format!("{issuer}/oauth2/userinfo"));
        send(userinfo.bearer_auth(tokens["access_token"].as_str().unwrap())).await.expect(401);
        secrets.extend([login, consent, code]);
        secrets.extend(
            ["access_token", "id_token", "refresh_token"].map(|name| tokens[name].as_str().unwrap().to_owned()),
        );
        let host = host_of(&issuer);
        let cookies =
            ["__Host-lgsp-session", "__Host-lgsp-browser"].map(|name| browser.cookie(&host, name).unwrap().clone());
        secrets.extend(cookies);
        // Whatever the provider's pages and answers carried.
        secrets.extend(
            browser
                .visited
                .iter()
                .flat_map(|url| query_of(url))
                .filter_map(|(name, value)| {
                    matches!(name.as_str(), "state" | "nonce" | "code" | "ticket").then_some(value)
                })
                .filter(|value| value.len() > 8),
        );
    }
    for person in sandbox.vneid().people().into_iter().chain(sandbox.vnconnect().people()) {
        secrets.extend(Door::names_of(&person));
    }
    // One that fails on the way: its cause is logged.
    sandbox.vneid().change_settings(|settings| settings.spoil = Some(lgsp_sandbox::TokenFault::WrongNonce));
    let mut browser = Browser::new();
    let (_, landed) = as_far_as_the_provider(&mut browser, &issuer, "vneid", "thu").await;
    assert_eq!(landed.back()["error"], "access_denied");
    assert_eq!(child.terminate().await, Some(0));
    let (log, kept) = (child.log(), kept(dir.path()));
    let kept = String::from_utf8_lossy(&kept);
    for driven in ["code came twice", "identity provider did not vouch", "a sign-in fits several accounts"] {
        assert!(log.contains(driven), "{driven} is in the log: {log}");
    }
    assert!(kept.len() > 10_000 && secrets.len() > 40, "{} {}", kept.len(), secrets.len());
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
        assert!(!kept.contains(&secret), "{secret} is in the store");
    }
}

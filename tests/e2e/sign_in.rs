//! People sign in through each provider, and a client learns who they are: the whole way, and every turn off it.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use lgsp_sandbox::TokenFault;
use serde_json::{Value, json};

use crate::browser::{Browser, Landed, field, host_of, query_of};
use crate::gateway::{Answer, Setup, World, secret_of, send};

const REDIRECT: &str = "https://mot-cua.test/sso";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub(crate) const PROVIDERS: &str = r#"
[[identity_provider]]
id = "vnconnect"
kind = "vnconnect"
name = "Cổng Dịch vụ công quốc gia"
name_en = "National Public Service Portal"
[identity_provider.settings]
url = "{sandbox}/identity/vnconnect"
client_id = "lgsp"
client_secret = "lgsp-sandbox"
allow_private = true
[[identity_provider]]
id = "vneid"
kind = "vneid"
name = "Tài khoản VNeID"
[identity_provider.settings]
url = "{sandbox}/identity/vneid"
issuer = "{sandbox}/identity/vneid"
client_id = "lgsp"
client_secret = "lgsp-sandbox"
allow_private = true
[[identity_provider]]
id = "province"
kind = "oidc"
name = "Cán bộ tỉnh"
persons = ["officer"]
[identity_provider.settings]
issuer = "{sandbox}/identity/province"
client_id = "lgsp"
client_secret = "lgsp-sandbox"
allow_private = true
[[identity_provider]]
id = "cas"
kind = "cas"
name = "CAS"
[identity_provider.settings]
url = "{sandbox}/identity/cas"
allow_private = true
"#;

const CLIENTS: &str = r#"
[[member]]
id = "counter"
name = "Một cửa thử nghiệm"
agencies = ["H56"]
scopes = ["dossier:read", "service:echo", "service:land"]
secret = "secret-of-counter"
[member.sign_in]
redirect_uris = ["https://mot-cua.test/sso"]
post_logout_redirect_uris = ["https://mot-cua.test/bye"]
claims = ["profile", "email", "identity", "offline_access"]
trusted = true
[[member]]
id = "stranger"
name = "Người ngoài"
agencies = ["H56"]
scopes = ["dossier:read"]
secret = "secret-of-stranger"
[member.sign_in]
redirect_uris = ["https://stranger.test/a", "https://stranger.test/b"]
claims = ["profile"]
subject = "pairwise"
id_token_alg = "RS256"
"#;

/// A gateway that people sign in at.
pub(crate) struct Door {
    pub(crate) world: World,
    pub(crate) issuer: String,
}

/// A client's question, with what a case wants to be different; an empty value leaves a parameter out.
pub(crate) fn ask_of(issuer: &str, client: &str, redirect: &str, more: &[(&str, &str)]) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
    let mut pairs = BTreeMap::from([
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", redirect),
        ("scope", "openid profile"),
        ("state", "st"),
        ("nonce", "no"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    pairs.extend(more.iter().copied());
    let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    reqwest::Url::parse_with_params(&format!("{issuer}/oauth2/authorize"), pairs).unwrap().into()
}

impl Door {
    pub(crate) async fn open() -> Self {
        Self::open_with(Vec::new()).await
    }

    /// With contracts beside the shipped ones.
    pub(crate) async fn open_with(contracts: Vec<(String, String)>) -> Self {
        Self::open_to(CLIENTS.to_owned(), contracts).await
    }

    async fn open_to(members: String, contracts: Vec<(String, String)>) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let issuer = format!("http://127.0.0.1:{port}");
        let setup = Setup {
            port,
            issuer: issuer.clone(),
            members,
            providers: PROVIDERS.to_owned(),
            contracts,
            ..Setup::default()
        };
        Self { world: World::with(setup).await, issuer }
    }

    pub(crate) fn ask(&self, client: &str, more: &[(&str, &str)]) -> String {
        ask_of(&self.issuer, client, if client == "counter" { REDIRECT } else { "https://stranger.test/a" }, more)
    }

    /// What must not be found of a person.
    pub(crate) fn names_of(person: &lgsp_sandbox::Account) -> Vec<String> {
        let told = [&person.tech_id, &person.identity_number, &person.tax_code, &person.email];
        let told = told.into_iter().flatten().filter(|text| text.len() > 8).cloned();
        told.chain(std::iter::once(person.name.clone())).collect()
    }

    /// Goes to a provider's page by the page of choices.
    async fn at_provider(&self, browser: &mut Browser, url: &str, provider: &str) -> Answer {
        let page = browser.get(url).await.expect(200);
        let login = field(page.text(), "login");
        let form = [("login", login.as_str()), ("provider", provider)];
        let sent = browser.post(&format!("{}/oauth2/login", self.issuer), &form).await;
        browser.follow(sent, "https://").await.page()
    }

    /// Signs in as somebody, up to where the browser is sent.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, url: &str, provider: &str, person: &str) -> Landed {
        let page = self.at_provider(browser, url, provider).await.expect(200);
        assert!(page.text().contains(person), "{}", page.text());
        let there = browser.visited.last().unwrap().clone();
        let sent = browser.post(&there, &[("person", person)]).await;
        browser.follow(sent, "https://").await
    }

    pub(crate) async fn token(&self, client: &str, form: &[(&str, &str)]) -> Answer {
        let secret = secret_of(client);
        let request = self.world.http.post(format!("{}/oauth2/token", self.issuer));
        send(request.basic_auth(client, Some(secret)).form(form)).await
    }

    pub(crate) async fn exchange(&self, client: &str, code: &str) -> Answer {
        let redirect = if client == "counter" { REDIRECT } else { "https://stranger.test/a" };
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", VERIFIER),
        ];
        self.token(client, &form).await
    }

    async fn userinfo(&self, token: &str) -> Answer {
        self.world.get(token, "/oauth2/userinfo").await
    }

    /// Signs somebody in at the trusted client: its tokens.
    pub(crate) async fn signed_in(&self, provider: &str, person: &str, scope: &str) -> Value {
        let mut browser = Browser::new();
        let url = self.ask("counter", &[("scope", scope)]);
        let back = self.sign_in(&mut browser, &url, provider, person).await.back();
        self.exchange("counter", &back["code"]).await.expect(200).json()
    }

    /// What an id token says, checked as a client does.
    async fn id_token(&self, tokens: &Value, client: &str) -> Value {
        let token = tokens["id_token"].as_str().unwrap();
        let keys = send(self.world.http.get(format!("{}/.well-known/jwks.json", self.issuer))).await.expect(200);
        let keys: JwkSet = serde_json::from_slice(&keys.body).unwrap();
        let header = jsonwebtoken::decode_header(token).unwrap();
        let key = keys.find(header.kid.as_deref().unwrap()).unwrap();
        let mut validation = Validation::new(header.alg);
        validation.set_audience(&[client]);
        validation.set_issuer(&[&self.issuer]);
        jsonwebtoken::decode(token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap().claims
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citizen_signs_in_through_each_provider_and_the_client_learns_who_it_is() {
    let door = Door::open().await;
    for (provider, person, kind) in [
        ("vnconnect", "thu", "citizen"),
        ("vneid", "thu", "citizen"),
        ("province", "lan", "officer"),
        ("cas", "phuc", "officer"),
    ] {
        let mut browser = Browser::new();
        let back = door.sign_in(&mut browser, &door.ask("counter", &[]), provider, person).await.back();
        assert_eq!(
            (back["state"].as_str(), back["iss"].as_str()),
            ("st", door.issuer.as_str()),
            "{provider}: {back:?}"
        );
        let tokens = door.exchange("counter", &back["code"]).await.expect(200);
        assert_eq!(tokens.header("cache-control"), "no-store");
        let tokens = tokens.json();
        let claims = door.id_token(&tokens, "counter").await;
        assert_eq!((&claims["nonce"], &claims["idp"], &claims["kind"]), (&"no".into(), &provider.into(), &kind.into()));
        let user = door.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200).json();
        assert_eq!((&user["sub"], &user["kind"]), (&claims["sub"], &kind.into()), "{provider}");
        assert!(user["name"].as_str().is_some_and(|name| !name.is_empty()), "{user}");
        assert!(user.get("identity_number").is_none() && user.get("email").is_none(), "not asked for: {user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_numbers_go_only_to_who_was_granted_and_asked_them() {
    let door = Door::open().await;
    let tokens = door.signed_in("vneid", "thu", "openid identity").await;
    let user = door.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200).json();
    assert_eq!(user["identity_number"], "001199000001");
    assert!(user.get("name").is_none());
    let refused =
        query_of(Browser::new().get(&door.ask("stranger", &[("scope", "openid identity")])).await.header("location"));
    assert_eq!(refused["error"], "invalid_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_has_one_account_over_providers_and_conflicts_are_not_merged() {
    let door = Door::open().await;
    let subject = async |provider: &str, person: &str| {
        let tokens = door.signed_in(provider, person, "openid").await;
        door.id_token(&tokens, "counter").await["sub"].as_str().unwrap().to_owned()
    };
    let first = subject("vnconnect", "thu").await;
    assert_eq!(subject("vneid", "thu").await, first, "the same TechID");
    assert_eq!(subject("vnconnect", "thu").await, first, "the same again");
    assert_eq!(subject("vnconnect", "mau").await, subject("vneid", "mau").await, "the same identity number");
    for (person, what) in
        [("doi", "the same number and another TechID"), ("lech", "the same TechID and another number")]
    {
        let (here, there) = (subject("vnconnect", person).await, subject("vneid", person).await);
        assert_ne!(here, there, "{what}");
        assert_eq!(subject("vneid", person).await, there, "{what}, again");
    }
    let conflicts = door.world.admin("GET", "/admin/v1/accounts/conflicts", None).await.expect(200).json();
    assert_eq!(conflicts["conflicts"].as_array().unwrap().len(), 2, "{conflicts}");
    assert!(!conflicts.to_string().contains("001199"), "no number is shown");
    let conflict = &conflicts["conflicts"][0];
    let settle = format!("/admin/v1/accounts/conflicts/{}/settle", conflict["id"].as_str().unwrap());
    let stays = conflict["accounts"][0].as_str().unwrap();
    door.world.admin("POST", &settle, Some(json!({"same_as": "nobody", "reason": "x"}))).await.expect(400);
    door.world.admin("POST", &settle, Some(json!({"same_as": stays}))).await.expect(400);
    let same = json!({"same_as": stays, "reason": "the citizen showed his card"});
    door.world.admin("POST", &settle, Some(same.clone())).await.expect(200);
    door.world.admin("POST", &settle, Some(same)).await.expect(404);
    let mut now = Vec::new();
    for person in ["doi", "lech"] {
        now.push(subject("vneid", person).await);
    }
    assert!(now.contains(&stays.to_owned()), "the accounts were joined by an operator: {now:?}");
    let account = door.world.admin("GET", &format!("/admin/v1/accounts/{stays}"), None).await.expect(200).json();
    assert!(account["names"].as_array().unwrap().len() > 2, "{account}");
    door.world.admin("POST", "/admin/v1/verify", None).await.expect(200);
    let officer = subject("province", "minh").await;
    assert_ne!(officer, subject("vneid", "minh").await, "an officer is not the citizen that he is at home");
    assert_ne!(officer, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_in_is_not_asked_again_until_he_has_to_be() {
    let door = Door::open().await;
    let mut browser = Browser::new();
    door.sign_in(&mut browser, &door.ask("counter", &[]), "vnconnect", "thu").await.back();
    let again = browser.get(&door.ask("counter", &[])).await.expect(303);
    assert!(query_of(again.header("location")).contains_key("code"));
    let silent = browser.get(&door.ask("counter", &[("prompt", "none")])).await.expect(303);
    assert!(query_of(silent.header("location")).contains_key("code"));
    for more in [[("prompt", "login")], [("max_age", "0")], [("prompt", "select_account")], [("acr_values", "LoA3")]] {
        let page = browser.get(&door.ask("counter", &more)).await.expect(200);
        assert!(page.text().contains("name=\"provider\""), "{more:?}");
    }
    let nobody = Browser::new().get(&door.ask("counter", &[("prompt", "none")])).await.expect(303);
    assert_eq!(query_of(nobody.header("location"))["error"], "login_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_others_learns_nothing_before_the_person_agrees() {
    let door = Door::open().await;
    let mut browser = Browser::new();
    let page = door.sign_in(&mut browser, &door.ask("stranger", &[]), "vneid", "thu").await.page().expect(200);
    assert!(page.text().contains("Người ngoài") && page.text().contains("họ tên"), "{}", page.text());
    let (login, to) = (field(page.text(), "login"), format!("{}/oauth2/consent", door.issuer));
    let refused = browser.post(&to, &[("login", &login), ("answer", "deny")]).await.expect(303);
    assert_eq!(query_of(refused.header("location"))["error"], "access_denied");
    let again = browser.get(&door.ask("stranger", &[])).await.expect(200);
    let login = field(again.text(), "login");
    let mut thief = Browser::new();
    thief.post(&to, &[("login", &login), ("answer", "allow")]).await.expect(401);
    let agreed = browser.post(&to, &[("login", &login), ("answer", "allow")]).await.expect(303);
    let code = query_of(agreed.header("location"))["code"].clone();
    let tokens = door.exchange("stranger", &code).await.expect(200).json();
    let claims = door.id_token(&tokens, "stranger").await;
    let own = door.signed_in("vneid", "thu", "openid").await;
    assert_ne!(claims["sub"], door.id_token(&own, "counter").await["sub"], "a pairwise name");
    let next = browser.get(&door.ask("stranger", &[])).await.expect(303);
    assert!(query_of(next.header("location")).contains_key("code"), "he is asked once");
    let asked = browser.get(&door.ask("stranger", &[("prompt", "consent")])).await.expect(200);
    assert!(asked.text().contains("answer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_belongs_to_the_browser_in_which_it_began() {
    let door = Door::open().await;
    let (mut victim, mut thief) = (Browser::new(), Browser::new());
    let page = thief.get(&door.ask("counter", &[])).await.expect(200);
    let login = field(page.text(), "login");
    let to = format!("{}/oauth2/login", door.issuer);
    victim.post(&to, &[("login", &login), ("provider", "vneid")]).await.expect(401);
    // The thief's answer of the provider, given to the victim's browser, signs nobody in.
    let page = door.at_provider(&mut thief, &door.ask("counter", &[]), "vneid").await.expect(200);
    assert!(page.text().contains("thu"));
    let there = thief.visited.last().unwrap().clone();
    let sent = thief.post(&there, &[("person", "thu")]).await;
    let callback = sent.header("location").to_owned();
    assert!(callback.starts_with(&format!("{}/oauth2/callback/vneid", door.issuer)), "{callback}");
    let refused = victim.get(&callback).await.expect(401);
    assert!(refused.header("content-type").starts_with("text/html"));
    assert_eq!(victim.cookie(&host_of(&door.issuer), "__Host-lgsp-session"), None);
    let landed = thief.get(&callback).await;
    assert!(thief.follow(landed, "https://").await.back().contains_key("code"));
    thief.get(&callback).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_planted_before_the_sign_in_is_not_the_one_after_it() {
    let door = Door::open().await;
    let mut browser = Browser::new();
    let host = host_of(&door.issuer);
    browser.set_cookie(&host, "__Host-lgsp-session", "planted");
    door.sign_in(&mut browser, &door.ask("counter", &[]), "vneid", "thu").await.back();
    let first = browser.cookie(&host, "__Host-lgsp-session").unwrap().clone();
    assert_ne!(first, "planted");
    door.sign_in(&mut browser, &door.ask("counter", &[("prompt", "login")]), "vneid", "mau").await.back();
    assert_ne!(browser.cookie(&host, "__Host-lgsp-session"), Some(&first));
    let mut old = Browser::new();
    old.set_cookie(&host, "__Host-lgsp-session", &first);
    old.get(&door.ask("counter", &[])).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_certain_is_told_to_the_person_and_not_sent_anywhere() {
    let door = Door::open().await;
    for more in [
        [("redirect_uri", "https://evil.test/")],
        [("redirect_uri", "https://mot-cua.test/sso/")],
        [("redirect_uri", "https://mot-cua.test/sso?x=1")],
        [("client_id", "nobody")],
        [("client_id", "one-stop")],
        [("request_uri", "urn:ietf:params:oauth:request_uri:none")],
    ] {
        let page = Browser::new().get(&door.ask("counter", &more)).await.expect(400);
        assert!(page.header("content-type").starts_with("text/html"), "{more:?}");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    }
    for (more, error) in [
        ([("response_type", "token")], "unsupported_response_type"),
        ([("code_challenge_method", "plain")], "invalid_request"),
        ([("code_challenge", "")], "invalid_request"),
        ([("code_challenge_method", "")], "invalid_request"),
        ([("scope", "profile")], "invalid_scope"),
        ([("scope", "openid changes:read")], "invalid_scope"),
        ([("request", "e30.e30.")], "request_not_supported"),
        ([("prompt", "none login")], "invalid_request"),
        ([("provider", "nowhere")], "invalid_request"),
        ([("resource", "https://elsewhere.test/")], "invalid_target"),
    ] {
        let answer = Browser::new().get(&door.ask("counter", &more)).await;
        assert_eq!(answer.status, 303, "{more:?}");
        let back = query_of(answer.header("location"));
        assert!(answer.header("location").starts_with(REDIRECT), "{more:?}");
        assert_eq!((back["error"].as_str(), back["state"].as_str()), (error, "st"), "{more:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_counts_once_for_who_asked_and_its_replay_ends_what_came_of_it() {
    let door = Door::open().await;
    let code = async || {
        let mut browser = Browser::new();
        door.sign_in(&mut browser, &door.ask("counter", &[("scope", "openid offline_access")]), "vneid", "thu")
            .await
            .back()["code"]
            .clone()
    };
    let first = code().await;
    let tokens = door.exchange("counter", &first).await.expect(200).json();
    let access = tokens["access_token"].as_str().unwrap();
    door.userinfo(access).await.expect(200);
    let replay = door.exchange("counter", &first).await.expect(400).json();
    assert_eq!(replay["error"], "invalid_grant");
    door.userinfo(access).await.expect(401);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    door.token("counter", &refresh).await.expect(400);
    for form in [
        vec![("code_verifier", "a-verifier-that-is-long-enough-but-not-the-one-that-was-meant")],
        vec![("redirect_uri", "https://mot-cua.test/other")],
        vec![("code_verifier", "")],
    ] {
        let code = code().await;
        let mut all = BTreeMap::from([
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ]);
        all.extend(form.clone());
        let all: Vec<_> = all.into_iter().collect();
        assert_eq!(door.token("counter", &all).await.expect(400).json()["error"], "invalid_grant", "{form:?}");
    }
    let stolen = code().await;
    assert_eq!(door.exchange("stranger", &stolen).await.expect(400).json()["error"], "invalid_grant");
    door.exchange("counter", &stolen).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_counts_once_and_its_second_use_ends_the_sign_in() {
    let door = Door::open().await;
    let tokens = door.signed_in("vneid", "thu", "openid profile offline_access").await;
    let refresh = async |token: &Value| {
        door.token("counter", &[("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())]).await
    };
    let second = refresh(&tokens["refresh_token"]).await.expect(200).json();
    assert_ne!(second["refresh_token"], tokens["refresh_token"]);
    door.userinfo(second["access_token"].as_str().unwrap()).await.expect(200);
    refresh(&tokens["refresh_token"]).await.expect(400);
    refresh(&second["refresh_token"]).await.expect(400);
    door.userinfo(second["access_token"].as_str().unwrap()).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_given_up_counts_nowhere_also_after_a_restart() {
    let door = Door::open().await;
    let tokens = door.signed_in("vneid", "thu", "openid dossier:read").await;
    let access = tokens["access_token"].as_str().unwrap().to_owned();
    let read = "/v1/dossiers/H56.14-240315-999999";
    door.world.get(&access, read).await.expect(404);
    let ask = async |world: &World, path: &str| {
        let request = world.http.post(world.url(path)).basic_auth("counter", Some(secret_of("counter")));
        send(request.form(&[("token", access.as_str())])).await.expect(200)
    };
    assert_eq!(ask(&door.world, "/oauth2/introspect").await.json()["active"], true);
    ask(&door.world, "/oauth2/revoke").await;
    door.world.get(&access, read).await.expect(401);
    assert_eq!(ask(&door.world, "/oauth2/introspect").await.json()["active"], false);
    let world = door.world.restart().await;
    world.get(&access, read).await.expect(401);
    assert_eq!(ask(&world, "/oauth2/introspect").await.json()["active"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_says_wrongly_signs_nobody_in() {
    let door = Door::open().await;
    for spoil in [
        TokenFault::WrongNonce,
        TokenFault::WrongAudience,
        TokenFault::WrongIssuer,
        TokenFault::Expired,
        TokenFault::AlgNone,
        TokenFault::HmacWithPem,
        TokenFault::HmacWithJwk,
        TokenFault::UnknownKid,
        TokenFault::Crit,
        TokenFault::ForeignKey,
        TokenFault::UserinfoSubject,
        TokenFault::WrongState,
    ] {
        door.world.sandbox.vneid().change_settings(|settings| settings.spoil = Some(spoil));
        let mut browser = Browser::new();
        match door.sign_in(&mut browser, &door.ask("counter", &[]), "vneid", "thu").await {
            Landed::Back(url) => assert_eq!(query_of(&url)["error"], "access_denied", "{spoil:?}"),
            Landed::Page(answer) => assert_eq!(answer.status, 401, "{spoil:?}"),
        }
        assert_eq!(browser.cookie(&host_of(&door.issuer), "__Host-lgsp-session"), None, "{spoil:?}");
    }
    door.world.sandbox.vneid().change_settings(|settings| settings.spoil = None);
    door.signed_in("vneid", "thu", "openid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_out_and_nothing_of_it_counts_any_more() {
    let door = Door::open().await;
    let mut browser = Browser::new();
    let url = door.ask("counter", &[("scope", "openid offline_access")]);
    let back = door.sign_in(&mut browser, &url, "vneid", "thu").await.back();
    let tokens = door.exchange("counter", &back["code"]).await.expect(200).json();
    let access = tokens["access_token"].as_str().unwrap();
    // Without a hint the person is asked: another site may have sent the browser here.
    let logout = format!("{}/oauth2/logout", door.issuer);
    let page = browser.get(&logout).await.expect(200);
    assert!(page.text().contains("sign_out"));
    door.userinfo(access).await.expect(200);
    let hint = tokens["id_token"].as_str().unwrap();
    let evil = format!("{logout}?id_token_hint={hint}&post_logout_redirect_uri=https://evil.test/");
    browser.get(&evil).await.expect(400);
    let good = format!("{logout}?id_token_hint={hint}&post_logout_redirect_uri=https://mot-cua.test/bye&state=s%201");
    let sent = browser.get(&good).await.expect(303);
    assert_eq!(sent.header("location"), "https://mot-cua.test/bye?state=s+1");
    door.userinfo(access).await.expect(401);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    door.token("counter", &refresh).await.expect(400);
    browser.get(&door.ask("counter", &[])).await.expect(200);
}

/// A member that people sign in to, at this address.
fn member_at(redirect_uri: &str, signed_out_uri: &str) -> String {
    format!(
        "[[member]]\nid = \"desk\"\nname = \"Quầy\"\nagencies = [\"H56\"]\nscopes = [\"dossier:read\"]\n\
         secret = \"secret-of-desk\"\n[member.sign_in]\nredirect_uris = [\"{redirect_uri}\"]\n\
         post_logout_redirect_uris = [\"{signed_out_uri}\"]\nclaims = [\"profile\", \"email\"]\n"
    )
}

/// Signs a citizen in from a client's own page, agreeing on the way: the page that the client shows then.
async fn through(browser: &mut Browser, door: &Door, start: &str) -> Answer {
    let sent = browser.get(start).await;
    let page = browser.follow(sent, "https://").await.page().expect(200);
    let form = [("login", field(page.text(), "login")), ("provider", "vneid".to_owned())];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    let sent = browser.post(&format!("{}/oauth2/login", door.issuer), &form).await;
    browser.follow(sent, "https://").await.page().expect(200);
    let there = browser.visited.last().unwrap().clone();
    let sent = browser.post(&there, &[("person", "thu")]).await;
    let page = browser.follow(sent, "https://").await.page().expect(200);
    let login = field(page.text(), "login");
    let sent =
        browser.post(&format!("{}/oauth2/consent", door.issuer), &[("login", &login), ("answer", "allow")]).await;
    browser.follow(sent, "https://").await.page()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demos_counter_greets_a_citizen_by_name_and_signs_him_out() {
    let place = lgsp::demo::CounterPlace::take().await.unwrap();
    let member = member_at(&place.redirect_uri(), &place.signed_out_uri());
    let door = Door::open_to(member, Vec::new()).await;
    let credentials = lgsp::demo::ClientCredentials { id: "desk".to_owned(), secret: secret_of("desk") };
    let counter = place.open(&door.issuer, credentials);
    let mut browser = Browser::new();
    assert!(browser.get(&counter.url()).await.expect(200).text().contains("/sign-in"));
    let start = format!("{}sign-in", counter.url());
    let page = through(&mut browser, &door, &start).await.expect(200);
    assert!(page.text().contains("Xin chào") && page.text().contains("citizen"), "{}", page.text());
    browser.get(&format!("{}sso?code=x&state=y&iss={}", counter.url(), door.issuer)).await.expect(400);
    let out = page.text().split("href=\"").last().unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let sent = browser.get(&out).await;
    let bye = browser.follow(sent, "https://").await.page().expect(200);
    assert!(bye.text().contains("signed out"), "{}", bye.text());
    let sent = browser.get(&start).await;
    let again = browser.follow(sent, "https://").await.page();
    assert!(again.text().contains("name=\"provider\""), "he has to sign in again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_for_vendors_works_as_it_stands() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let own = format!("http://127.0.0.1:{port}");
    let member = member_at(&format!("{own}/sso"), &format!("{own}/"));
    let door = Door::open_to(member, Vec::new()).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/examples/sign_in.py");
    let mut example = std::process::Command::new("python3")
        .arg(script)
        .env("ISSUER", &door.issuer)
        .env("CLIENT_ID", "desk")
        .env("CLIENT_SECRET", secret_of("desk"))
        .env("PORT", port.to_string())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(example.stdout.take().unwrap()), &mut line).unwrap();
    assert!(line.contains(&own), "{line}");
    crate::gateway::until("the example listens", || async { std::net::TcpStream::connect(("127.0.0.1", port)).ok() })
        .await;
    let mut browser = Browser::new();
    let page = through(&mut browser, &door, &format!("{own}/sign-in")).await;
    let stranger = Browser::new().get(browser.visited.last().unwrap()).await;
    example.kill().unwrap();
    example.wait().unwrap();
    assert!(page.status == 200 && page.text().contains("citizen"), "{}", page.text());
    assert_eq!(stranger.status, 400, "another browser cannot end the sign-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_had_before_it_was_revoked_does_not_come_back_with_it() {
    let door = Door::open().await;
    let tokens = door.signed_in("vneid", "thu", "openid offline_access").await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let act = async |action: &str| {
        let path = format!("/admin/v1/members/counter/{action}");
        door.world.admin("POST", &path, Some(json!({"reason": "its key was lost"}))).await.expect(200);
    };
    act("revoke").await;
    door.token("counter", &refresh).await.expect(401);
    let refused = Browser::new().get(&door.ask("counter", &[])).await.expect(400);
    assert!(refused.header("content-type").starts_with("text/html"));
    // Tokens of the second in which it was restored count.
    let restored = std::time::Instant::now();
    crate::gateway::until("another second", || async { (restored.elapsed().as_millis() > 1100).then_some(()) }).await;
    act("restore").await;
    door.token("counter", &refresh).await.expect(400);
    door.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(401);
    door.signed_in("vneid", "thu", "openid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_at_the_provider_is_signed_out_here_by_its_word_and_by_nobody_elses() {
    let door = Door::open().await;
    let signed_in = async || {
        let tokens = door.signed_in("province", "lan", "openid").await;
        tokens["access_token"].as_str().unwrap().to_owned()
    };
    let (first, second) = (signed_in().await, signed_in().await);
    let url = format!("{}/oauth2/backchannel/province", door.issuer);
    let tell = async |body: Value| {
        let path = door.world.sandbox.url("/sandbox/identity-province/back-channel-logout");
        send(door.world.http.post(path).json(&body)).await
    };
    send(door.world.http.post(&url).form(&[("logout_token", "e30.e30.e30")])).await.expect(400);
    let others = format!("{}/oauth2/backchannel/vneid", door.issuer);
    tell(json!({"url": others, "person": "lan"})).await;
    door.userinfo(&first).await.expect(200);
    let told = tell(json!({"url": url, "person": "lan"})).await;
    assert!(told.status < 300, "{}", told.text());
    let ended = async |token: &str| door.userinfo(token).await.status == 401;
    assert!(ended(&first).await != ended(&second).await, "one of the two sessions ended");
    let third = signed_in().await;
    let province = door.world.sandbox.province();
    let sid = province.sign_ins().last().unwrap().sid.clone();
    let token = province.logout_token_of_person(&sid).unwrap();
    let whole = || door.world.http.post(&url).form(&[("logout_token", token.as_str())]);
    send(whole()).await.expect(200);
    for token in [&first, &second, &third] {
        assert!(ended(token).await, "all sessions of the person ended");
    }
    send(whole()).await.expect(400);
}

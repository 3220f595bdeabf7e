//! The identity providers as a browser without script and a client see them.

#[path = "identity/cas.rs"]
mod cas;
#[path = "identity/spoilt.rs"]
mod spoilt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use lgsp_sandbox::{Account, AccountKind, BackChannelFailure, Fault, FaultRule, PkceRule, Sandbox, SubjectRule};
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::{Value, json};

use super::sandbox;

const BACK: &str = "https://lgsp.example/callback?provider=one";
/// A verifier and its challenge (RFC 7636, appendix B).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The endpoints of one provider.
struct At {
    root: &'static str,
    oauth2: &'static str,
    logout: &'static str,
}

const VNCONNECT: At = At { root: "/identity/vnconnect", oauth2: "/oauth2", logout: "/oidc/logout" };
const VNEID: At = At { root: "/identity/vneid", oauth2: "/oauth2", logout: "/oidc/logout" };
const PROVINCE: At = At { root: "/identity/province", oauth2: "", logout: "/logout" };

/// A client that follows nothing.
fn http() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// The pairs of the address that a browser was sent to, after it was compared with where it should go.
fn sent_back(answer: &Response) -> Vec<(String, String)> {
    assert_eq!(answer.status(), StatusCode::FOUND);
    let location = answer.headers()["location"].to_str().expect("text");
    assert!(location.starts_with(BACK), "{location}");
    Url::parse(location).expect("an address").query_pairs().into_owned().collect()
}

fn of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// What a client asks, before anything is changed.
const ASKED: [(&str, &str); 6] = [
    ("response_type", "code"),
    ("client_id", "lgsp"),
    ("redirect_uri", BACK),
    ("scope", "openid"),
    ("state", "trạng thái&1"),
    ("nonce", "nonce-1"),
];

/// The address of the sign-in page; pairs replace or add to those of every request.
fn page_url(sandbox: &Sandbox, at: &At, pairs: &[(&str, &str)]) -> Url {
    let kept = ASKED.iter().filter(|(name, _)| pairs.iter().all(|(other, _)| other != name));
    let url = sandbox.url(&format!("{}{}/authorize", at.root, at.oauth2));
    Url::parse_with_params(&url, kept.chain(pairs)).expect("an address")
}

async fn choose(url: Url, person: &str) -> Vec<(String, String)> {
    sent_back(&http().post(url).form(&[("person", person)]).send().await.expect("an answer"))
}

async fn code(sandbox: &Sandbox, at: &At, person: &str, pairs: &[(&str, &str)]) -> String {
    let back = choose(page_url(sandbox, at, pairs), person).await;
    of(&back, "code").expect("a code").to_owned()
}

async fn redeem(sandbox: &Sandbox, at: &At, code: &str, pairs: &[(&str, &str)]) -> Response {
    let always = [
        ("grant_type", "authorization_code"),
        ("client_id", "lgsp"),
        ("client_secret", "lgsp-sandbox"),
        ("redirect_uri", BACK),
        ("code", code),
    ];
    let kept = always.iter().filter(|(name, _)| pairs.iter().all(|(other, _)| other != name));
    let form: Vec<_> = kept.chain(pairs).collect();
    let url = sandbox.url(&format!("{}{}/token", at.root, at.oauth2));
    http().post(url).form(&form).send().await.expect("an answer")
}

async fn refusal(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.expect("JSON");
    (status, body["error"].as_str().expect("a word").to_owned())
}

/// The whole way: the tokens of a person.
async fn tokens(sandbox: &Sandbox, at: &At, person: &str) -> Value {
    let code = code(sandbox, at, person, &[]).await;
    let answer = redeem(sandbox, at, &code, &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.expect("JSON")
}

async fn userinfo(sandbox: &Sandbox, at: &At, token: &str) -> Response {
    let url = sandbox.url(&format!("{}{}/userinfo", at.root, at.oauth2));
    http().get(url).bearer_auth(token).send().await.expect("an answer")
}

async fn claims_of(sandbox: &Sandbox, at: &At, person: &str) -> Value {
    let tokens = tokens(sandbox, at, person).await;
    userinfo(sandbox, at, tokens["access_token"].as_str().expect("a token")).await.json().await.expect("JSON")
}

async fn jwks(sandbox: &Sandbox, at: &At) -> JwkSet {
    let url = sandbox.url(&format!("{}{}/jwks", at.root, at.oauth2));
    http().get(url).send().await.expect("an answer").json().await.expect("a JWK set")
}

/// The claims of a token if a reader that trusts the published keys, the issuer and the client takes it.
fn read(token: &str, keys: &JwkSet, issuer: &str) -> Option<Value> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    let key = keys.find(&header.kid?)?;
    let algorithm = key.common.key_algorithm?.to_string().parse().ok()?;
    let mut rules = Validation::new(algorithm);
    rules.set_issuer(&[issuer]);
    rules.set_audience(&["lgsp"]);
    rules.validate_nbf = true;
    let read = jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(key).ok()?, &rules);
    read.ok().map(|token| token.claims)
}

/// A part of a token without asking whether it is true.
fn part(token: &str, place: usize) -> Value {
    let part = token.split('.').nth(place).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

#[tokio::test]
async fn a_person_signs_in_at_each_openid_provider() {
    let sandbox = sandbox();
    let issuers = [
        (VNCONNECT, "thu", sandbox.vnconnect().issuer(&sandbox.url("")), "RS256", "LoA2"),
        (VNEID, "thu", sandbox.vneid().issuer(&sandbox.url("")), "RS256", "LoA2"),
        (PROVINCE, "lan", sandbox.province().issuer(&sandbox.url("")), "ES256", "2"),
    ];
    assert!(issuers[0].2.ends_with("/identity/vnconnect/oauth2/token"), "{}", issuers[0].2);
    for (at, person, issuer, algorithm, acr) in issuers {
        let url = page_url(&sandbox, &at, &[("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]);
        let page = http().get(url.clone()).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        let page = page.text().await.unwrap();
        assert!(page.contains(&format!("<button name=\"person\" value=\"{person}\">")), "{page}");
        assert!(
            page.contains("<form method=\"post\">") && page.contains("name=\"cancel\"") && !page.contains("<script")
        );

        let back = choose(url, person).await;
        assert_eq!(of(&back, "provider"), Some("one"), "the query of the address stays");
        assert_eq!(of(&back, "state"), Some("trạng thái&1"));
        assert_eq!(of(&back, "iss"), (at.root == PROVINCE.root).then_some(issuer.as_str()));
        let code = of(&back, "code").unwrap();
        let answer = redeem(&sandbox, &at, code, &[("code_verifier", VERIFIER)]).await;
        assert_eq!(
            (answer.status(), &answer.headers()["cache-control"]),
            (StatusCode::OK, &"no-store".parse().unwrap())
        );
        let answer: Value = answer.json().await.unwrap();
        assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(3600)));
        let token = answer["id_token"].as_str().unwrap();
        let claims = read(token, &jwks(&sandbox, &at).await, &issuer).expect("a true token");
        assert_eq!(part(token, 0)["alg"], algorithm);
        assert_eq!(
            (&claims["nonce"], &claims["azp"], &claims["acr"]),
            (&json!("nonce-1"), &json!("lgsp"), &json!(acr))
        );
        assert!(claims["sid"].is_string() && claims["auth_time"].as_u64() <= claims["iat"].as_u64());
        let about = userinfo(&sandbox, &at, answer["access_token"].as_str().unwrap()).await;
        let about: Value = about.json().await.unwrap();
        assert_eq!(about["sub"], claims["sub"]);
        assert_eq!(userinfo(&sandbox, &at, "never given").await.status(), StatusCode::UNAUTHORIZED);
    }
    let variable = ("VNEID_URL".to_owned(), sandbox.url("/identity/vneid"));
    assert!(sandbox.variables().contains(&variable), "where a gateway beside it finds the provider");
    let seen = sandbox.vneid().sign_ins();
    assert_eq!((seen.len(), seen[0].person.as_str(), seen[0].redeemed), (1, "thu", true));
    assert_eq!(seen[0].code_challenge.as_deref(), Some(CHALLENGE));
}

#[tokio::test]
async fn claims_have_the_names_and_types_of_their_providers() {
    let sandbox = sandbox();
    let thu = claims_of(&sandbox, &VNCONNECT, "thu").await;
    assert_eq!((&thu["LoaiTaiKhoan"], &thu["NgayThangNamSinh"]), (&json!("1"), &json!("15/01/1999")));
    assert_eq!((&thu["loAs"], thu.get("SoCMND"), thu.get("MaSoThue")), (&json!("LoA2"), None, None));
    let same = claims_of(&sandbox, &VNEID, "thu").await;
    assert_eq!(
        (&same["LoaiTaiKhoan"], &same["IAL"], &same["NgayThangNamSinh"]),
        (&json!(1), &json!(2), &json!("19990115"))
    );
    assert_eq!((&same["TechID"], &same["SoDinhDanh"]), (&thu["TechID"], &thu["SoDinhDanh"]));
    let (there, here) = (claims_of(&sandbox, &VNCONNECT, "mau").await, claims_of(&sandbox, &VNEID, "mau").await);
    assert_eq!((&there["SoDinhDanh"], there.get("TechID")), (&here["SoDinhDanh"], None));
    let company = claims_of(&sandbox, &VNCONNECT, "cong-ty").await;
    assert_eq!((&company["LoaiTaiKhoan"], &company["MaSoThue"]), (&json!("2"), &json!("0100000001")));
    assert_eq!(claims_of(&sandbox, &PROVINCE, "cong-ty").await["MaSoThue"], company["MaSoThue"]);
    assert_eq!(claims_of(&sandbox, &VNCONNECT, "to-chuc").await["LoaiTaiKhoan"], "3");
    let officer = claims_of(&sandbox, &PROVINCE, "minh").await;
    assert_eq!((&officer["kind"], &officer["birthdate"]), (&json!("officer"), &json!("1985-11-11")));
    assert_eq!(officer["SoDinhDanh"], claims_of(&sandbox, &VNEID, "minh").await["SoDinhDanh"]);

    let another = json!({"LoaiTaiKhoan": "1", "TechID": null}).as_object().cloned().unwrap();
    sandbox.vneid().change_settings(|settings| settings.claims = another);
    let changed = claims_of(&sandbox, &VNEID, "thu").await;
    assert_eq!((&changed["LoaiTaiKhoan"], changed.get("TechID")), (&json!("1"), None));
    let new = json!({"id": "moi-den", "kind": "citizen", "name": "Người <Mới>"});
    assert!(sandbox.vneid().add_person(serde_json::from_value::<Account>(new).unwrap()));
    assert_eq!(claims_of(&sandbox, &VNEID, "moi-den").await["HoVaTen"], "Người <Mới>");
    let page = http().get(page_url(&sandbox, &VNEID, &[])).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Người &lt;Mới&gt;"), "{page}");
}

#[tokio::test]
async fn a_code_is_good_once_for_its_client_and_address() {
    let sandbox = sandbox();
    let first = code(&sandbox, &VNEID, "thu", &[]).await;
    let given: Value = redeem(&sandbox, &VNEID, &first, &[]).await.json().await.unwrap();
    let token = given["access_token"].as_str().unwrap();
    assert_eq!(userinfo(&sandbox, &VNEID, token).await.status(), StatusCode::OK);
    assert_eq!(refusal(redeem(&sandbox, &VNEID, &first, &[]).await).await, (400, "invalid_grant".into()));
    assert_eq!(userinfo(&sandbox, &VNEID, token).await.status(), StatusCode::UNAUTHORIZED, "a replay ends the token");

    let wrong = code(&sandbox, &VNEID, "thu", &[]).await;
    let elsewhere = [("redirect_uri", "https://lgsp.example/callback")];
    assert_eq!(refusal(redeem(&sandbox, &VNEID, &wrong, &elsewhere).await).await, (400, "invalid_grant".into()));
    assert_eq!(refusal(redeem(&sandbox, &VNEID, "no-code", &[]).await).await, (400, "invalid_grant".into()));
    let stranger = code(&sandbox, &VNEID, "thu", &[]).await;
    let secret = [("client_secret", "x")];
    assert_eq!(refusal(redeem(&sandbox, &VNEID, &stranger, &secret).await).await, (401, "invalid_client".into()));
    let grant = [("grant_type", "client_credentials")];
    assert_eq!(
        refusal(redeem(&sandbox, &VNEID, &stranger, &grant).await).await,
        (400, "unsupported_grant_type".into())
    );
    assert_eq!(redeem(&sandbox, &VNEID, &stranger, &[]).await.status(), StatusCode::OK, "nobody took it");
    let other = code(&sandbox, &VNEID, "thu", &[]).await;
    assert_eq!(refusal(redeem(&sandbox, &VNCONNECT, &other, &[]).await).await.0, 400, "a code of another provider");
    sandbox.vneid().change_settings(|settings| settings.code_lifetime_ms = 0);
    let stillborn = code(&sandbox, &VNEID, "thu", &[]).await;
    assert_eq!(refusal(redeem(&sandbox, &VNEID, &stillborn, &[]).await).await, (400, "invalid_grant".into()));
}

#[tokio::test]
async fn pkce_is_checked_ignored_or_required() {
    let sandbox = sandbox();
    let sent = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    for (verifier, at, status) in [
        (Some("x"), VNCONNECT, 200),
        (None, VNCONNECT, 200),
        (Some("x"), VNEID, 400),
        (None, VNEID, 400),
        (Some(VERIFIER), VNEID, 200),
        (Some(VERIFIER), PROVINCE, 200),
        (Some("x"), PROVINCE, 400),
    ] {
        let person = if at.root == PROVINCE.root { "lan" } else { "thu" };
        let code = code(&sandbox, &at, person, &sent).await;
        let verifier = verifier.map(|verifier| ("code_verifier", verifier));
        let answer = redeem(&sandbox, &at, &code, verifier.as_slice()).await;
        assert_eq!(answer.status().as_u16(), status, "{} {verifier:?}", at.root);
    }
    let bare = code(&sandbox, &VNEID, "thu", &[]).await;
    let downgraded = redeem(&sandbox, &VNEID, &bare, &[("code_verifier", VERIFIER)]).await;
    assert_eq!(downgraded.status(), StatusCode::BAD_REQUEST, "a verifier without a challenge");
    sandbox.vneid().change_settings(|settings| settings.pkce = Some(PkceRule::Required));
    let answer = http().get(page_url(&sandbox, &VNEID, &[])).send().await.unwrap();
    assert_eq!(of(&sent_back(&answer), "error"), Some("invalid_request"));
    let odd = [("code_challenge", CHALLENGE), ("code_challenge_method", "S512")];
    let answer = http().get(page_url(&sandbox, &VNEID, &odd)).send().await.unwrap();
    assert_eq!(of(&sent_back(&answer), "error"), Some("invalid_request"));
}

#[tokio::test]
async fn who_goes_back_or_asks_wrongly_gets_no_code() {
    let sandbox = sandbox();
    let url = page_url(&sandbox, &VNCONNECT, &[]);
    let back = sent_back(&http().post(url.clone()).form(&[("cancel", "1")]).send().await.unwrap());
    assert_eq!((of(&back, "error"), of(&back, "state")), (Some("access_denied"), Some("trạng thái&1")));
    let nobody = http().post(url).form(&[("person", "nobody")]).send().await.unwrap();
    assert_eq!(nobody.status(), StatusCode::BAD_REQUEST);
    assert!(nobody.text().await.unwrap().contains("role=\"alert\""));
    for (pairs, error) in
        [([("response_type", "token")], "unsupported_response_type"), ([("prompt", "none")], "login_required")]
    {
        let answer = http().get(page_url(&sandbox, &VNCONNECT, &pairs)).send().await.unwrap();
        assert_eq!(of(&sent_back(&answer), "error"), Some(error));
    }
    let listed = vec![BACK.to_owned()];
    sandbox.vnconnect().change_settings(|settings| settings.redirect_uris = listed);
    for pairs in
        [[("client_id", "other")], [("redirect_uri", "https://evil.example/")], [("redirect_uri", "javascript:1")]]
    {
        let answer = http().get(page_url(&sandbox, &VNCONNECT, &pairs)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{pairs:?} leads nowhere");
        assert_eq!(answer.headers().get("location"), None);
    }
    code(&sandbox, &VNCONNECT, "thu", &[]).await;
    assert_eq!(sandbox.vnconnect().sign_ins().len(), 1);
}

#[tokio::test]
async fn discovery_says_where_everything_is_and_can_be_poisoned() {
    let sandbox = sandbox();
    let url = sandbox.url("/identity/province/.well-known/openid-configuration");
    let document: Value = http().get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(document["issuer"], sandbox.url("/identity/province"));
    assert_eq!(document["token_endpoint"], sandbox.url("/identity/province/token"));
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    let poison = json!({"jwks_uri": "http://169.254.169.254/jwks", "userinfo_endpoint": null});
    sandbox.province().change_settings(|settings| settings.discovery = poison.as_object().cloned().unwrap());
    let document: Value = http().get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!((&document["jwks_uri"], document.get("userinfo_endpoint")), (&poison["jwks_uri"], None));
    sandbox.province().change_settings(|settings| settings.base = Some("https://sso.example/".into()));
    let document: Value = http().get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(document["issuer"], "https://sso.example/identity/province");
    let none = http().get(sandbox.url("/identity/vneid/.well-known/openid-configuration")).send().await.unwrap();
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn keys_rotate_with_the_old_ones_published_until_they_are_dropped() {
    let sandbox = sandbox();
    let issuer = sandbox.province().issuer(&sandbox.url(""));
    let before = jwks(&sandbox, &PROVINCE).await;
    let old = tokens(&sandbox, &PROVINCE, "lan").await["id_token"].as_str().unwrap().to_owned();
    let post = async |command: &str| {
        let url = sandbox.url(&format!("/sandbox/identity-province/{command}"));
        http().post(url).send().await.unwrap().status()
    };
    assert_eq!(post("rotate-keys").await, StatusCode::OK);
    let new = tokens(&sandbox, &PROVINCE, "lan").await["id_token"].as_str().unwrap().to_owned();
    assert!(read(&new, &before, &issuer).is_none(), "a key that the old set does not have");
    let both = jwks(&sandbox, &PROVINCE).await;
    assert!(read(&new, &both, &issuer).is_some() && read(&old, &both, &issuer).is_some());
    assert_eq!(post("drop-old-keys").await, StatusCode::OK);
    let after = jwks(&sandbox, &PROVINCE).await;
    assert!(read(&new, &after, &issuer).is_some() && read(&old, &after, &issuer).is_none());
    sandbox.province().forget();
    assert_eq!(jwks(&sandbox, &PROVINCE).await, after, "keys are not forgotten");
    assert!(sandbox.province().sign_ins().is_empty());
}

#[tokio::test]
async fn signing_out_leads_back_and_ends_the_access_token() {
    let sandbox = sandbox();
    for at in [VNCONNECT, VNEID, PROVINCE] {
        let person = if at.root == PROVINCE.root { "lan" } else { "thu" };
        let tokens = tokens(&sandbox, &at, person).await;
        let pairs = [
            ("id_token_hint", tokens["id_token"].as_str().unwrap()),
            ("post_logout_redirect_uri", BACK),
            ("state", "s1"),
        ];
        let url = sandbox.url(&format!("{}{}", at.root, at.logout));
        let answer = http().get(Url::parse_with_params(&url, pairs).unwrap()).send().await.unwrap();
        assert_eq!(of(&sent_back(&answer), "state"), Some("s1"));
        let token = tokens["access_token"].as_str().unwrap();
        assert_eq!(userinfo(&sandbox, &at, token).await.status(), StatusCode::UNAUTHORIZED);
        let alone = http().get(&url).send().await.unwrap();
        assert_eq!(alone.status(), StatusCode::OK);
        let evil = Url::parse_with_params(&url, [("post_logout_redirect_uri", "javascript:1")]).unwrap();
        assert_eq!(http().get(evil).send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_logout_token_is_posted_where_a_command_says() {
    let sandbox = sandbox();
    let tokens = tokens(&sandbox, &PROVINCE, "lan").await;
    let url = sandbox.url("/sandbox/identity-province/back-channel-logout");
    let command = async |body: Value| http().post(&url).json(&body).send().await.unwrap();
    let sink = sandbox.url("/echo/sink");
    let sent = command(json!({"url": sink, "person": "lan"})).await;
    assert_eq!(sent.status(), StatusCode::OK);
    let sent: Value = sent.json().await.unwrap();
    assert_eq!(sent["status"], 200);
    let sid = sent["sid"].as_str().unwrap();
    let token = sandbox.province().logout_token(sid).expect("a session that has tokens");
    let issuer = sandbox.province().issuer(&sandbox.url(""));
    let claims = read(&token, &jwks(&sandbox, &PROVINCE).await, &issuer).expect("a true token");
    assert_eq!((&claims["sid"], part(&token, 0)["typ"].as_str()), (&json!(sid), Some("logout+jwt")));
    assert_eq!(part(tokens["id_token"].as_str().unwrap(), 1)["sid"], claims["sid"]);
    assert!(claims["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object());
    assert_eq!((claims.get("nonce"), claims["jti"].is_string()), (None, true));

    assert_eq!(command(json!({"url": sink, "person": "minh"})).await.status(), StatusCode::BAD_REQUEST);
    let province = sandbox.province();
    assert_eq!(province.post_logout("no-session", &sink).await, Err(BackChannelFailure::UnknownSession));
    assert_eq!(province.post_logout(sid, "ftp://x/").await, Err(BackChannelFailure::BadAddress));
    assert_eq!(province.post_logout(sid, "http://127.0.0.1:1/").await, Err(BackChannelFailure::NoAnswer));
}

#[tokio::test]
async fn subjects_are_own_shared_or_given_again() {
    let sandbox = sandbox();
    let subject = async |at: &At, person: &str| claims_of(&sandbox, at, person).await["sub"].clone();
    let set = |rule: SubjectRule| {
        sandbox.vnconnect().change_settings(|settings| settings.subject = rule);
        sandbox.vneid().change_settings(|settings| settings.subject = rule);
    };
    assert_eq!(subject(&VNEID, "thu").await, subject(&VNEID, "thu").await);
    assert_ne!(subject(&VNEID, "thu").await, subject(&VNCONNECT, "thu").await);
    set(SubjectRule::Everywhere);
    assert_eq!(subject(&VNEID, "thu").await, subject(&VNCONNECT, "thu").await);
    assert_ne!(subject(&VNEID, "thu").await, subject(&VNEID, "mau").await);
    set(SubjectRule::Reused);
    assert_eq!(subject(&VNEID, "thu").await, subject(&VNEID, "mau").await);
}

#[tokio::test]
async fn identity_providers_commit_the_faults_of_every_partner() {
    let sandbox = sandbox();
    let fault = |fault, service: &str| sandbox.vneid().add_fault(FaultRule::times(fault, 1).on(service)).unwrap();
    fault(Fault::ServerError, "jwks");
    let url = sandbox.url("/identity/vneid/oauth2/jwks");
    assert_eq!(http().get(&url).send().await.unwrap().status(), StatusCode::INTERNAL_SERVER_ERROR);
    fault(Fault::MalformedBody, "jwks");
    http().get(&url).send().await.unwrap().json::<Value>().await.unwrap_err();
    let code = code(&sandbox, &VNEID, "thu", &[]).await;
    fault(Fault::WrongCredentials, "token");
    assert_eq!(refusal(redeem(&sandbox, &VNEID, &code, &[]).await).await, (401, "invalid_client".into()));
    fault(Fault::Slow { delay_ms: 50 }, "token");
    let started = std::time::Instant::now();
    let tokens: Value = redeem(&sandbox, &VNEID, &code, &[]).await.json().await.unwrap();
    assert!(started.elapsed().as_millis() >= 50);
    fault(Fault::SessionsExpire, "userinfo");
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(userinfo(&sandbox, &VNEID, token).await.status(), StatusCode::UNAUTHORIZED);
    let kinds: Vec<_> = sandbox.cas().people().iter().map(|account| account.kind).collect();
    assert_eq!(kinds, [AccountKind::Officer; 2]);
    let overview: Value = http().get(sandbox.url("/sandbox/partners")).send().await.unwrap().json().await.unwrap();
    assert_eq!(overview["identity-vneid"]["counters"]["tokens"], 1);
}

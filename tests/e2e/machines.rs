//! Machines prove themselves at the token endpoint in every way of today's standards, get tokens bound to their keys, and swap a
//! person's token for one that is good for a service only.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};

use crate::authority::{Ask, Authority};
use crate::browser::Browser;
use crate::gateway::{Answer, Setup, World, secret_of, send};
use crate::proxy::echo;
use crate::raw::Raw;
use crate::sign_in::Door;

/// A key of a client, as it would be elsewhere: it shares nothing with the gateway's.
struct Key {
    pair: EcdsaKeyPair,
    pem: String,
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    fn new() -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let pem = pair.public_key_pem();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.serialized_der()).unwrap();
        Self { pair, pem }
    }

    fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "x": base64(&point[1..33]), "y": base64(&point[33..])})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", base64(signature))
    }

    /// An assertion of RFC 7523, with what a case wants to be different.
    fn assertion(&self, issuer: &str, header: Value, change: Value) -> String {
        let mut all = json!({"alg": "ES256", "kid": "machine-1"});
        merge(&mut all, header);
        let id = format!("{:?}", SystemTime::now());
        let mut claims =
            json!({"iss": "machine", "sub": "machine", "aud": issuer, "jti": id, "iat": now(), "exp": now() + 60});
        merge(&mut claims, change);
        self.sign(&all, &claims)
    }

    /// A proof of RFC 9449.
    fn proof(&self, method: &str, url: &str, token: Option<&str>, header: Value, change: Value) -> String {
        let mut all = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()});
        merge(&mut all, header);
        let id = format!("{:?}", SystemTime::now());
        let mut claims = json!({"jti": id, "htm": method, "htu": url, "iat": now()});
        if let Some(token) = token {
            claims["ath"] = base64(digest(&SHA256, token.as_bytes())).into();
        }
        merge(&mut claims, change);
        self.sign(&all, &claims)
    }
}

/// Overwrites members; null removes one.
fn merge(into: &mut Value, change: Value) {
    for (name, value) in change.as_object().cloned().unwrap_or_default() {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(&name);
        } else {
            into[name] = value;
        }
    }
}

fn claims_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

const READ: &str = "/v1/dossiers/H56.14-240315-999999";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn world(key: &Key) -> World {
    let member = format!(
        "[[member]]\nid = \"machine\"\nname = \"machine\"\nagencies = [\"H56\"]\nscopes = [\"dossier:read\", \"service:echo\"]\n\
         signature_keys = [{{ id = \"machine-1\", algorithm = \"ecdsa-p256-sha256\", public_key = '''{}''' }}]\n",
        key.pem
    );
    World::with(Setup { members: member, contracts: vec![echo("", "")], ..Setup::default() }).await
}

async fn by_assertion(world: &World, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", assertion),
    ];
    form.extend_from_slice(more);
    send(world.http.post(world.url("/oauth2/token")).form(&form)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_proves_itself_by_an_assertion_that_counts_once() {
    let key = Key::new();
    let world = world(&key).await;
    let issuer = crate::gateway::ISSUER;
    let good = key.assertion(issuer, json!({}), json!({}));
    let token = by_assertion(&world, &good, &[]).await.expect(200).json();
    world.get(token["access_token"].as_str().unwrap(), READ).await.expect(404);
    assert_eq!(by_assertion(&world, &good, &[]).await.expect(401).json()["error"], "invalid_client");
    let at_endpoint = key.assertion(&format!("{issuer}/oauth2/token"), json!({"kid": null}), json!({"iat": null}));
    by_assertion(&world, &at_endpoint, &[("client_id", "machine")]).await.expect(200);
    for (header, change) in [
        (json!({"alg": "none"}), json!({})),
        (json!({"alg": "HS256"}), json!({})),
        (json!({"alg": "RS256"}), json!({})),
        (json!({"kid": "unknown"}), json!({})),
        (json!({"crit": ["exp"]}), json!({})),
        (json!({}), json!({"aud": "https://elsewhere.test"})),
        (json!({}), json!({"sub": "one-stop", "iss": "one-stop"})),
        (json!({}), json!({"iss": "one-stop"})),
        (json!({}), json!({"exp": now() - 1})),
        (json!({}), json!({"exp": now() + 100_000, "iat": null})),
        (json!({}), json!({"exp": now() + 100_000, "iat": now() - 1000})),
        (json!({}), json!({"nbf": now() + 1000})),
        (json!({}), json!({"iat": now() + 1000})),
        (json!({}), json!({"jti": null})),
        (json!({}), json!({"jti": ""})),
    ] {
        let assertion = key.assertion(issuer, header.clone(), change.clone());
        let answer = by_assertion(&world, &assertion, &[]).await.expect(401);
        assert_eq!(answer.json()["error"], "invalid_client", "{header} {change}");
    }
    let foreign = Key::new().assertion(issuer, json!({}), json!({}));
    by_assertion(&world, &foreign, &[]).await.expect(401);
    let other = key.assertion(issuer, json!({}), json!({}));
    by_assertion(&world, &other, &[("client_id", "one-stop")]).await.expect(400);
    by_assertion(&world, &other, &[("client_secret", "x")]).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_a_key_is_worth_nothing_without_a_fresh_proof_of_it() {
    let (key, thief) = (Key::new(), Key::new());
    let world = world(&key).await;
    let (issuer, secret) = (crate::gateway::ISSUER, secret_of("one-stop"));
    let endpoint = format!("{issuer}/oauth2/token");
    let ask = async |proof: &str| {
        let request = world.http.post(world.url("/oauth2/token")).basic_auth("one-stop", Some(&secret));
        send(request.header("dpop", proof).form(&[("grant_type", "client_credentials")])).await
    };
    let none = json!({});
    let first = key.proof("POST", &endpoint, None, none.clone(), none.clone());
    let token = ask(&first).await.expect(200).json();
    assert_eq!(token["token_type"], "DPoP");
    let token = token["access_token"].as_str().unwrap();
    let bound = claims_of(token)["cnf"]["jkt"].as_str().unwrap().to_owned();
    assert_eq!(ask(&first).await.expect(400).json()["error"], "invalid_dpop_proof", "a proof counts once");
    for (header, change) in [
        (json!({"typ": "JWT"}), json!({})),
        (json!({"alg": "none"}), json!({})),
        (json!({"alg": "HS256"}), json!({})),
        (json!({"jwk": thief.jwk()}), json!({})),
        (json!({"crit": ["x"]}), json!({})),
        (json!({}), json!({"htm": "GET"})),
        (json!({}), json!({"htu": format!("{issuer}/oauth2/par")})),
        (json!({}), json!({"htu": "https://elsewhere.test/oauth2/token"})),
        (json!({}), json!({"iat": now() - 1000})),
        (json!({}), json!({"iat": now() + 1000})),
        (json!({}), json!({"jti": ""})),
        (json!({}), json!({"ath": "x"})),
    ] {
        let proof = key.proof("POST", &endpoint, None, header.clone(), change.clone());
        assert_eq!(ask(&proof).await.expect(400).json()["error"], "invalid_dpop_proof", "{header} {change}");
    }
    let mut private = key.jwk();
    private["d"] = "AAAA".into();
    ask(&key.proof("POST", &endpoint, None, json!({"jwk": private}), none.clone())).await.expect(400);

    let target = format!("{issuer}{READ}");
    let read = async |scheme: &str, proof: Option<String>| {
        let mut request = world.http.get(world.url(READ)).header("authorization", format!("{scheme} {token}"));
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        send(request).await.status
    };
    let fresh = || key.proof("GET", &target, Some(token), json!({}), json!({}));
    let once = fresh();
    assert_eq!(read("DPoP", Some(once.clone())).await, 404);
    assert_eq!(read("DPoP", Some(once)).await, 401);
    assert_eq!(read("DPoP", None).await, 401);
    assert_eq!(read("Bearer", None).await, 401);
    assert_eq!(read("Bearer", Some(fresh())).await, 401);
    assert_eq!(read("DPoP", Some(thief.proof("GET", &target, Some(token), json!({}), json!({})))).await, 401);
    assert_eq!(read("DPoP", Some(key.proof("GET", &target, None, json!({}), json!({})))).await, 401);
    assert_eq!(read("DPoP", Some(key.proof("POST", &target, Some(token), json!({}), json!({})))).await, 401);
    assert_eq!(read("DPoP", Some(fresh())).await, 404);
    assert_eq!(bound.len(), 43);
    let plain = world.token("one-stop").await;
    let unbound = world.http.get(world.url(READ)).header("authorization", format!("DPoP {plain}"));
    let proof = key.proof("GET", &target, Some(&plain), json!({}), json!({}));
    assert_eq!(send(unbound.header("dpop", proof)).await.status, 401, "a token that is bound to nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_got_by_a_certificate_is_good_with_that_certificate_only() {
    let authority = Authority::new();
    let server = authority.leaf("a", &["a.test"]);
    let (own, other) = (authority.leaf("own", &["own.test"]), authority.leaf("other", &["other.test"]));
    let members = "[[member]]\nid = \"certified\"\nname = \"x\"\nagencies = [\"H56\"]\nscopes = [\"dossier:read\"]\n\
                   certificates = [{ san = \"dns:own.test\" }]\n";
    let public = format!("[public.tls]\n{}client_ca = \"{}\"\n", server.lines(), authority.file().display());
    let world = World::with(Setup { public, members: members.to_owned(), ..Setup::default() }).await;
    let call = async |identity, head: String, body: &str| {
        let ask = Ask { host: Some("a.test"), identity, ..Ask::default() };
        let mut raw = Raw::over(authority.connect(world.public(), &ask).await.unwrap());
        raw.send(&format!("{head}host: a.test\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()))
            .await;
        raw.answer().await
    };
    let post = "POST /oauth2/token HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let form = "grant_type=client_credentials&client_id=certified";
    let token: Value = serde_json::from_str(&call(Some(&own), post.to_owned(), form).await.body).unwrap();
    let token = token["access_token"].as_str().unwrap();
    assert_eq!(claims_of(token)["cnf"]["x5t#S256"], base64(digest(&SHA256, &own.der)));
    for identity in [Some(&other), None] {
        assert_eq!(call(identity, post.to_owned(), form).await.status, 401);
    }
    let get = format!("GET {READ} HTTP/1.1\r\nauthorization: Bearer {token}\r\n");
    assert_eq!(call(Some(&own), get.clone(), "").await.status, 404);
    for identity in [Some(&other), None] {
        assert_eq!(call(identity, get.clone(), "").await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_one_service_opens_that_service_alone() {
    let key = Key::new();
    let world = world(&key).await;
    let issuer = crate::gateway::ISSUER;
    let ask = async |resource: &str| {
        let assertion = key.assertion(issuer, json!({}), json!({}));
        by_assertion(&world, &assertion, &[("resource", resource)]).await
    };
    let narrow = ask(&format!("{issuer}/services/echo")).await.expect(200).json();
    assert_eq!(narrow["scope"], "service:echo");
    let narrow = narrow["access_token"].as_str().unwrap();
    assert_eq!(claims_of(narrow)["aud"], format!("{issuer}/services/echo"));
    world.get(narrow, "/services/echo/any").await.expect(200);
    world.get(narrow, READ).await.expect(403);
    for resource in [format!("{issuer}/services/land"), "https://elsewhere.test".to_owned()] {
        assert_eq!(ask(&resource).await.expect(400).json()["error"], "invalid_target", "{resource}");
    }
}

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_token_is_swapped_for_one_for_a_service_and_says_who_acts() {
    let door = Door::open_with(vec![echo("", "level = \"LoA2\"")]).await;
    let person = door.signed_in("vneid", "thu", "openid profile").await;
    let person = person["access_token"].as_str().unwrap();
    let swap = async |client: &str, token: &str, more: &[(&str, &str)]| {
        let mut form = vec![("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)];
        form.extend_from_slice(more);
        door.token(client, &form).await
    };
    let echo = format!("{}/services/echo", door.issuer);
    let swapped = swap("counter", person, &[("resource", &echo)]).await.expect(200).json();
    assert_eq!((&swapped["issued_token_type"], &swapped["scope"]), (&ACCESS_TOKEN.into(), &"service:echo".into()));
    let narrow = swapped["access_token"].as_str().unwrap();
    let (claims, before) = (claims_of(narrow), claims_of(person));
    assert_eq!((&claims["sub"], &claims["aud"]), (&before["sub"], &echo.as_str().into()));
    assert_eq!(claims["act"], json!({"sub": "counter"}));
    assert!(claims["exp"].as_i64() <= before["exp"].as_i64());
    door.world.get(narrow, "/services/echo/any").await.expect(200);
    door.world.get(narrow, "/oauth2/userinfo").await.expect(403);
    door.world.get(narrow, READ).await.expect(403);

    // The service asks for somebody who signed in; the member alone is told so.
    let own = door.world.token("counter").await;
    let refused = door.world.get(&own, "/services/echo/any").await.expect(401);
    assert!(refused.header("www-authenticate").contains("insufficient_user_authentication"));
    assert!(refused.header("www-authenticate").contains("acr_values=\"LoA2\""));
    let low = door.signed_in("vneid", "moi", "openid").await;
    let low = swap("counter", low["access_token"].as_str().unwrap(), &[("resource", &echo)]).await.expect(200).json();
    door.world.get(low["access_token"].as_str().unwrap(), "/services/echo/any").await.expect(401);

    // Handed on to another member, which acts for the first.
    let handed = swap("counter", person, &[("audience", "stranger")]).await.expect(200).json();
    let handed = handed["access_token"].as_str().unwrap();
    let chained = swap("stranger", handed, &[("audience", "counter")]).await.expect(200).json();
    let chain = claims_of(chained["access_token"].as_str().unwrap());
    assert_eq!(chain["act"], json!({"sub": "stranger", "act": {"sub": "counter"}}));

    for (client, token, more, error) in [
        ("stranger", person, vec![("audience", "counter")], "invalid_grant"),
        ("counter", own.as_str(), vec![("resource", echo.as_str())], "invalid_grant"),
        ("counter", "nonsense", vec![("resource", echo.as_str())], "invalid_grant"),
        ("counter", person, vec![], "invalid_target"),
        ("counter", person, vec![("audience", "nobody")], "invalid_target"),
        ("counter", person, vec![("resource", "https://elsewhere.test")], "invalid_target"),
        ("counter", person, vec![("resource", echo.as_str()), ("scope", "changes:read")], "invalid_scope"),
        ("counter", person, vec![("resource", echo.as_str()), ("actor_token", person)], "invalid_request"),
    ] {
        assert_eq!(swap(client, token, &more).await.expect(400).json()["error"], error, "{client} {more:?}");
    }
    let form = [("token", person)];
    let revoke = door.world.http.post(door.world.url("/oauth2/revoke"));
    send(revoke.basic_auth("counter", Some(secret_of("counter"))).form(&form)).await.expect(200);
    swap("counter", person, &[("resource", &echo)]).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_pushed_before_the_browser_comes() {
    let door = Door::open().await;
    let asked = door.ask("counter", &[]);
    let pairs: Vec<(String, String)> = crate::browser::query_of(&asked).into_iter().collect();
    let push = async |client: &str, pairs: &[(String, String)]| {
        let request = door.world.http.post(format!("{}/oauth2/par", door.issuer));
        send(request.basic_auth(client, Some(secret_of(client))).form(pairs)).await
    };
    let pushed = push("counter", &pairs).await.expect(201).json();
    assert_eq!(pushed["expires_in"], 90);
    let uri = pushed["request_uri"].as_str().unwrap().to_owned();
    let url = |client: &str| {
        let pairs = [("client_id", client), ("request_uri", uri.as_str())];
        reqwest::Url::parse_with_params(&format!("{}/oauth2/authorize", door.issuer), pairs).unwrap().to_string()
    };
    let mut browser = Browser::new();
    let back = door.sign_in(&mut browser, &url("counter"), "vneid", "thu").await.back();
    door.exchange("counter", &back["code"]).await.expect(200);
    Browser::new().get(&url("counter")).await.expect(400);
    let again = push("counter", &pairs).await.expect(201).json();
    let stolen = [("client_id", "stranger"), ("request_uri", again["request_uri"].as_str().unwrap())];
    let stolen = reqwest::Url::parse_with_params(&format!("{}/oauth2/authorize", door.issuer), stolen).unwrap();
    Browser::new().get(stolen.as_str()).await.expect(400);
    push("stranger", &pairs).await.expect(400);
    let bad: Vec<_> = pairs.iter().filter(|(name, _)| name != "code_challenge").cloned().collect();
    assert_eq!(push("counter", &bad).await.expect(400).json()["error"], "invalid_request");
    push("one-stop", &[("client_id".to_owned(), "one-stop".to_owned())]).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_still_calls_in_old_ways_is_counted() {
    let world = World::start().await;
    let request = world.http.post(world.url("/token")).basic_auth("one-stop", Some(secret_of("one-stop")));
    send(request.form(&[("grant_type", "client_credentials")])).await.expect(200);
    world.token("one-stop").await;
    let metrics = world.metrics().await;
    assert!(metrics.contains("lgsp_legacy_calls_total{member=\"one-stop\",way=\"/token\"} 1"), "{metrics}");
    let issued = "lgsp_tokens_issued_total{client_proof=\"client_secret_basic\",grant=\"client_credentials\"} 2";
    assert!(metrics.contains(issued), "{metrics}");
}

//! Tokens: who gets one, with what in it, and which ones are refused.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

use crate::gateway::{ISSUER, World, secret_of, send};
use crate::records::{code, dossier};

const READ: &str = "/v1/dossiers/H56.14-240315-999999";

/// Whether a token is taken: what it asks for does not exist, which only somebody known is told.
async fn is_taken(world: &World, token: &str) -> bool {
    match world.get(token, READ).await.status {
        404 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_gets_a_token_by_basic_or_form_on_both_paths() {
    let world = World::start().await;
    let secret = secret_of("one-stop");
    let basic = world.ask_token("one-stop", &secret, &[]).await.expect(200);
    assert_eq!(basic.header("cache-control"), "no-store");
    let form = [("grant_type", "client_credentials"), ("client_id", "one-stop"), ("client_secret", &secret)];
    for path in ["/oauth2/token", "/token"] {
        let answer = send(world.http.post(world.url(path)).form(&form)).await.expect(200).json();
        assert_eq!(
            (&answer["token_type"], &answer["expires_in"], &answer["scope"]),
            (&"Bearer".into(), &3600.into(), &"dossier:push dossier:read changes:read".into())
        );
        assert!(is_taken(&world, answer["access_token"].as_str().unwrap()).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_secret_is_kept_as_a_hash_gets_a_token_and_only_with_its_secret() {
    let world = World::start().await;
    assert!(is_taken(&world, &world.token("hashed").await).await);
    assert!(is_taken(&world, &world.token("hashed").await).await, "the second time comes from memory");
    world.ask_token("hashed", "secret-of-hashes", &[]).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_refused_alike_whether_the_member_exists_or_not() {
    let world = World::start().await;
    for (member, secret) in [("one-stop", "wrong"), ("nobody", "wrong"), ("one-stop", ""), ("Not An Id", "x")] {
        let answer = world.ask_token(member, secret, &[]).await.expect(401);
        assert_eq!(answer.json()["error"], "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic"), "{member}");
    }
    let none = send(world.http.post(world.url("/token")).form(&[("grant_type", "client_credentials")])).await;
    assert_eq!(none.expect(401).json()["error"], "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_for_the_member_that_is_guessed_and_no_other() {
    let world = World::start().await;
    let mut refused = None;
    for _ in 0..12 {
        let answer = world.ask_token("one-stop", "wrong", &[]).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        answer.expect(401);
    }
    let refused = refused.expect("guessing is stopped");
    assert!((1..=60).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    world.ask_token("one-stop", &secret_of("one-stop"), &[]).await.expect(429);
    world.ask_token("sender", &secret_of("sender"), &[]).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_request_that_is_not_one_is_refused_as_the_standard_says() {
    let world = World::start().await;
    let secret = secret_of("one-stop");
    for (form, error) in [
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (vec![], "invalid_request"),
        (vec![("grant_type", "client_credentials"), ("scope", "payment:create")], "invalid_scope"),
        (vec![("grant_type", "client_credentials"), ("scope", "dossier:read everything")], "invalid_scope"),
    ] {
        let request = world.http.post(world.url("/oauth2/token")).basic_auth("one-stop", Some(&secret)).form(&form);
        assert_eq!(send(request).await.expect(400).json()["error"], error);
    }
    let request = world.http.post(world.url("/oauth2/token")).basic_auth("one-stop", Some(&secret));
    assert_eq!(send(request.json(&json!({}))).await.expect(400).json()["error"], "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_fewer_scopes_opens_only_these() {
    let world = World::start().await;
    let answer = world.ask_token("one-stop", &secret_of("one-stop"), &[("scope", "dossier:read")]).await.expect(200);
    let answer = answer.json();
    assert_eq!(answer["scope"], "dossier:read");
    let token = answer["access_token"].as_str().unwrap();
    assert!(is_taken(&world, token).await);
    let refused = world.post(token, "/v1/dossiers", dossier(&code(1), "2").to_string()).await;
    let refused = refused.expect_problem(403, "GW1201");
    assert!(refused.header("www-authenticate").contains("scope=\"dossier:push\""));
    world.get(token, "/v1/changes").await.expect_problem(403, "GW1201");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_bearer_token_is_refused_with_a_challenge() {
    let world = World::start().await;
    for value in [None, Some("Basic b25lOnR3bw=="), Some("Bearer"), Some("Bearer  "), Some("Bearer a.b.c")] {
        let mut request = world.http.get(world.url(READ));
        if let Some(value) = value {
            request = request.header("authorization", value);
        }
        let answer = send(request).await.expect_problem(401, "GW1101");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{value:?}");
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The gateway's signing key and its name.
async fn own_key(world: &World) -> (EncodingKey, String) {
    let jwks = send(world.http.get(world.url("/.well-known/jwks.json"))).await.expect(200).json();
    let kid = jwks["keys"][0]["kid"].as_str().unwrap().to_owned();
    let mut files = std::fs::read_dir(world.dir().join("keys")).unwrap().map(|entry| entry.unwrap().path());
    let file = files.find(|file| file.extension().is_some_and(|end| end == "p8")).expect("a signing key");
    (EncodingKey::from_ec_der(&std::fs::read(file).unwrap()), kid)
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": ISSUER, "sub": "one-stop", "client_id": "one-stop", "scope": "dossier:read",
        "agencies": ["H56"], "iat": now() - 10, "exp": now() + 1000, "jti": "1"
    })
}

fn header(kid: &str) -> Header {
    let mut header = Header::new(Algorithm::ES256);
    header.typ = Some("at+jwt".into());
    header.kid = Some(kid.into());
    header
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_have_ended_or_are_meant_for_something_else_are_refused() {
    let world = World::start().await;
    let (key, kid) = own_key(&world).await;
    let sign = |header: &Header, claims: &Value| jsonwebtoken::encode(header, claims, &key).unwrap();
    assert!(is_taken(&world, &sign(&header(&kid), &claims())).await, "the pattern itself is good");
    for (claim, value) in [
        ("exp", json!(now() - 1)),
        ("exp", json!(now())),
        ("exp", Value::Null),
        ("aud", json!("http://elsewhere.test")),
        ("iss", json!("http://elsewhere.test")),
        ("sub", json!("nobody")),
        ("sub", Value::Null),
    ] {
        let mut changed = claims();
        changed[claim] = value;
        assert!(!is_taken(&world, &sign(&header(&kid), &changed)).await, "{claim}: {}", changed[claim]);
    }
    for typ in [Some("JWT"), Some("id+jwt"), None] {
        let mut header = header(&kid);
        header.typ = typ.map(str::to_owned);
        assert!(!is_taken(&world, &sign(&header, &claims())).await, "{typ:?}");
    }
    for kid in [None, Some("other")] {
        let mut header = header("");
        header.kid = kid.map(str::to_owned);
        assert!(!is_taken(&world, &sign(&header, &claims())).await, "{kid:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_others_signed_or_nobody_are_refused() {
    let world = World::start().await;
    let (_, kid) = own_key(&world).await;
    let random = aws_lc_rs::rand::SystemRandom::new();
    let other = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let other = EncodingKey::from_ec_der(other.as_ref());
    assert!(!is_taken(&world, &jsonwebtoken::encode(&header(&kid), &claims(), &other).unwrap()).await);

    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for alg in ["none", "None", "ES256"] {
        let head = json!({"alg": alg, "typ": "at+jwt", "kid": kid});
        assert!(!is_taken(&world, &format!("{}.{}.", encode(&head), encode(&claims()))).await, "{alg}");
    }

    // The public key as the secret of a symmetric algorithm, in every form that a careless verifier could use.
    let jwk = send(world.http.get(world.url("/.well-known/jwks.json"))).await.json()["keys"][0].clone();
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let point = [vec![4], part("x"), part("y")].concat();
    for secret in [point.clone(), point[1..].to_vec(), jwk.to_string().into_bytes(), Vec::new()] {
        let mut header = header(&kid);
        header.alg = Algorithm::HS256;
        let token = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(&secret)).unwrap();
        assert!(!is_taken(&world, &token).await);
    }

    // A true token whose claims were changed afterwards.
    let token = world.token("sender").await;
    let parts: Vec<&str> = token.split('.').collect();
    assert!(!is_taken(&world, &format!("{}.{}.{}", parts[0], encode(&claims()), parts[2])).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_keys_verify_a_token_and_show_what_is_in_it() {
    let world = World::start().await;
    let token = world.token("one-stop-h11").await;
    let jwks = send(world.http.get(world.url("/.well-known/jwks.json"))).await.expect(200).json();
    let jwk = &jwks["keys"][0];
    assert_eq!(jwk["d"], Value::Null, "the private half stays at home");
    let text = |name: &str| jwk[name].as_str().unwrap();
    let key = DecodingKey::from_ec_components(text("x"), text("y")).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[ISSUER]);
    validation.set_issuer(&[ISSUER]);
    let decoded = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
    assert_eq!((decoded.header.typ.as_deref(), decoded.header.kid.as_deref()), (Some("at+jwt"), Some(text("kid"))));
    let claims = decoded.claims;
    assert_eq!((&claims["sub"], &claims["client_id"]), (&"one-stop-h11".into(), &"one-stop-h11".into()));
    assert_eq!(claims["agencies"], json!(["H11"]));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert!(claims["jti"].as_str().is_some_and(|id| id.len() >= 16));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_names_where_tokens_and_keys_are() {
    let world = World::start().await;
    let path = "/.well-known/oauth-authorization-server";
    let metadata = send(world.http.get(world.url(path))).await.expect(200).json();
    assert_eq!(metadata["issuer"], ISSUER);
    for (name, path) in [("token_endpoint", "/oauth2/token"), ("jwks_uri", "/.well-known/jwks.json")] {
        assert_eq!(metadata[name], format!("{ISSUER}{path}"));
    }
    let grants = metadata["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&json!("client_credentials")) && grants.contains(&json!("authorization_code")));
    let discovery = send(world.http.get(world.url("/.well-known/openid-configuration"))).await.expect(200).json();
    assert_eq!(discovery, metadata);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_removed_or_loses_a_scope_loses_it_at_once() {
    let mut world = World::start().await;
    let (gone, stays) = (world.token("one-stop").await, world.token("hashed").await);
    assert!(is_taken(&world, &gone).await && is_taken(&world, &stays).await);
    world.reload(|setup| setup.without.push("one-stop")).await;
    assert!(!is_taken(&world, &gone).await);
    assert!(is_taken(&world, &stays).await);
    world
        .reload(|setup| {
            setup.members = "[[member]]\nid = \"one-stop\"\nname = \"x\"\nagencies = [\"H56\"]\n\
                             scopes = [\"changes:read\"]\nsecret = \"another-secret\"\n"
                .into();
        })
        .await;
    world.get(&gone, READ).await.expect_problem(403, "GW1201");
    world.get(&gone, "/v1/changes").await.expect(200);
    world.ask_token("one-stop", &secret_of("one-stop"), &[]).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_outlive_a_restart() {
    let world = World::start().await;
    let token = world.token("one-stop").await;
    let world = world.restart().await;
    assert!(is_taken(&world, &token).await);
}

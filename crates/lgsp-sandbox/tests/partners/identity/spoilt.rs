//! Tokens and ways back that break one rule of the standard each: exactly that one.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lgsp_sandbox::{Sandbox, TokenFault};
use serde_json::{Value, json};

use super::super::sandbox;
use super::{PROVINCE, choose, claims_of, code, jwks, of, page_url, part, read, redeem, tokens};

fn spoil(sandbox: &Sandbox, fault: Option<TokenFault>) {
    sandbox.province().change_settings(|settings| settings.spoil = fault);
}

async fn id_token(sandbox: &Sandbox, fault: TokenFault) -> String {
    spoil(sandbox, Some(fault));
    tokens(sandbox, &PROVINCE, "lan").await["id_token"].as_str().expect("an id token").to_owned()
}

/// Whether a reader who looks at signature, key, `iss`, `aud`, `exp` and `nbf` takes it.
async fn is_read(sandbox: &Sandbox, token: &str) -> bool {
    let issuer = sandbox.province().issuer(&sandbox.url(""));
    read(token, &jwks(sandbox, &PROVINCE).await, &issuer).is_some()
}

#[tokio::test]
async fn claims_are_wrong_under_a_right_signature() {
    use TokenFault::{
        AzpMissing, AzpWrong, EmptySubject, Expired, MissingNonce, MissingSubject, NotYetValid, OldIssue, WrongAtHash,
        WrongAudience, WrongIssuer, WrongNonce,
    };
    let sandbox = sandbox();
    let two = json!(["lgsp", "another-client"]);
    let cases = [
        (WrongNonce, "nonce", Some(json!("another-nonce")), true),
        (MissingNonce, "nonce", None, true),
        (WrongAudience, "aud", Some(json!("another-client")), false),
        (WrongIssuer, "iss", Some(json!("https://stranger.invalid")), false),
        (EmptySubject, "sub", Some(json!("")), true),
        (MissingSubject, "sub", None, true),
        (AzpMissing, "azp", None, true),
        (AzpMissing, "aud", Some(two.clone()), true),
        (AzpWrong, "azp", Some(json!("another-client")), true),
        (AzpWrong, "aud", Some(two), true),
        (WrongAtHash, "at_hash", Some(json!("AAAAAAAAAAAAAAAAAAAAAA")), true),
    ];
    for (fault, name, value, taken) in cases {
        let token = id_token(&sandbox, fault).await;
        assert_eq!(part(&token, 1).get(name).cloned(), value, "{fault:?}");
        assert_eq!(is_read(&sandbox, &token).await, taken, "{fault:?}");
    }
    let times = async |fault| {
        let token = id_token(&sandbox, fault).await;
        let claims = part(&token, 1);
        let at = |name: &str| claims[name].as_u64().unwrap();
        (at("exp"), at("iat"), at("nbf"), at("auth_time"), is_read(&sandbox, &token).await)
    };
    let (exp, iat, _, _, taken) = times(Expired).await;
    assert!(exp + 500 < iat && !taken);
    let (_, _, nbf, auth_time, taken) = times(NotYetValid).await;
    assert!(nbf > auth_time + 500 && !taken);
    let (exp, iat, _, auth_time, taken) = times(OldIssue).await;
    assert!(exp > auth_time && iat + 80_000 < auth_time && taken);
}

#[tokio::test]
async fn signatures_and_headers_are_wrong_over_right_claims() {
    let sandbox = sandbox();
    let alg = |token: &str| part(token, 0)["alg"].clone();
    let none = id_token(&sandbox, TokenFault::AlgNone).await;
    assert!(alg(&none) == "none" && none.ends_with('.'));
    let keys = jwks(&sandbox, &PROVINCE).await;
    let key = keys.keys.iter().find(|key| key.common.key_id.as_deref() == part(&none, 0)["kid"].as_str()).unwrap();
    let key = serde_json::to_value(key).unwrap();
    for (fault, secret) in [(TokenFault::HmacWithPem, pem(&key)), (TokenFault::HmacWithJwk, published(&sandbox).await)]
    {
        let token = id_token(&sandbox, fault).await;
        let (input, signature) = token.rsplit_once('.').unwrap();
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(alg(&token) == "HS256" && hmac::verify(&secret, input.as_bytes(), &signature).is_ok(), "{fault:?}");
        assert!(!is_read(&sandbox, &token).await);
    }
    let unknown = id_token(&sandbox, TokenFault::UnknownKid).await;
    let other = id_token(&sandbox, TokenFault::UnknownKid).await;
    assert_ne!(part(&unknown, 0)["kid"], part(&other, 0)["kid"], "a storm has many names");
    assert!(keys.find(part(&unknown, 0)["kid"].as_str().unwrap()).is_none());
    assert_eq!(part(&id_token(&sandbox, TokenFault::MissingKid).await, 0).get("kid"), None);
    let crit = part(&id_token(&sandbox, TokenFault::Crit).await, 0);
    assert_eq!(crit[crit["crit"][0].as_str().unwrap()], true);
    for fault in [TokenFault::ForeignKey, TokenFault::BadSignature] {
        let token = id_token(&sandbox, fault).await;
        assert!(keys.find(part(&token, 0)["kid"].as_str().unwrap()).is_some(), "{fault:?} looks right");
        assert!(!is_read(&sandbox, &token).await, "{fault:?}");
    }
    spoil(&sandbox, None);
    let right = tokens(&sandbox, &PROVINCE, "lan").await;
    assert!(is_read(&sandbox, right["id_token"].as_str().unwrap()).await);
    let hash = digest::digest(&digest::SHA256, right["access_token"].as_str().unwrap().as_bytes());
    let half = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]);
    assert_eq!(part(right["id_token"].as_str().unwrap(), 1)["at_hash"], half);
}

/// The JWK of the key as it stands in the published set.
async fn published(sandbox: &Sandbox) -> String {
    let url = sandbox.url("/identity/province/jwks");
    let set: Value = reqwest::get(url).await.expect("a JWK set").json().await.expect("a JWK set");
    set["keys"][0].to_string()
}

/// The PEM of a P-256 key.
fn pem(jwk: &Value) -> String {
    // SubjectPublicKeyInfo of an uncompressed point (RFC 5480).
    let mut der = vec![0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a];
    der.extend([0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04]);
    for name in ["x", "y"] {
        der.extend(URL_SAFE_NO_PAD.decode(jwk[name].as_str().expect("a coordinate")).expect("a coordinate"));
    }
    let text = STANDARD.encode(der);
    format!("-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n", &text[..64], &text[64..])
}

#[tokio::test]
async fn answers_and_ways_back_break_the_rule_that_is_set() {
    let sandbox = sandbox();
    spoil(&sandbox, Some(TokenFault::MissingIdToken));
    let bare: Value = {
        let code = code(&sandbox, &PROVINCE, "lan", &[]).await;
        redeem(&sandbox, &PROVINCE, &code, &[]).await.json().await.unwrap()
    };
    assert!(bare["access_token"].is_string() && bare.get("id_token").is_none());
    spoil(&sandbox, Some(TokenFault::UserinfoSubject));
    assert_eq!(claims_of(&sandbox, &PROVINCE, "lan").await["sub"], "another-subject");
    let token = id_token(&sandbox, TokenFault::UserinfoSubject).await;
    assert_eq!(part(&token, 1)["sub"], "province-lan");
    let back = async |fault| {
        spoil(&sandbox, fault);
        choose(page_url(&sandbox, &PROVINCE, &[("state", "s1")]), "lan").await
    };
    let own = sandbox.url("/identity/province");
    assert_eq!(of(&back(None).await, "iss"), Some(own.as_str()));
    assert_eq!(of(&back(Some(TokenFault::WrongState)).await, "state"), Some("another-state"));
    assert_eq!(of(&back(Some(TokenFault::ResponseIssuerWrong)).await, "iss"), Some("https://stranger.invalid"));
    assert_eq!(of(&back(Some(TokenFault::ResponseIssuerMissing)).await, "iss"), None);
    spoil(&sandbox, None);
    tokens(&sandbox, &PROVINCE, "lan").await;
    spoil(&sandbox, Some(TokenFault::WrongNonce));
    let sid = sandbox.province().sign_ins().last().unwrap().sid.clone();
    assert_eq!(part(&sandbox.province().logout_token(&sid).unwrap(), 1)["nonce"], "another-nonce");
    let body = json!({"spoil": "expired"});
    let url = sandbox.url("/sandbox/identity-province/settings");
    assert_eq!(reqwest::Client::new().post(url).json(&body).send().await.unwrap().status(), 200);
    assert_eq!(sandbox.province().settings().spoil, Some(TokenFault::Expired), "settable by anybody who tries things");
}

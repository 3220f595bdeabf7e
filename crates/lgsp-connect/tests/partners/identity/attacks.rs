//! Logins that must come to nothing, as data.

use lgsp_connect::ProviderFailureKind::{self, Malformed, Refused, TimedOut, Unreachable, Untrusted};
use serde_json::json;

use super::stub::{EC, Family, PSS, Play, RSA, RSA_2, Signing, Stub};
use super::{CODE, STATE, finish, log_in, provider, said};
use crate::server::Answer;

struct Attack {
    name: &'static str,
    play: fn(&mut Play),
    kind: ProviderFailureKind,
    code: &'static str,
}

const fn attack(name: &'static str, play: fn(&mut Play), kind: ProviderFailureKind, code: &'static str) -> Attack {
    Attack { name, play, kind, code }
}

/// Now, as the stub has it, in seconds.
const NOW: i64 = 1_700_000_000;

const ON_TOKENS: &[Attack] = &[
    attack("no signature", |p| p.signing = Signing::Not, Untrusted, "algorithm"),
    attack("no algorithm", |p| p.header_patch = json!({"alg": null}), Untrusted, "algorithm"),
    attack("HMAC with the public key", |p| p.signing = Signing::Confused, Untrusted, "algorithm"),
    attack(
        "HMAC with the public key, called RS256",
        |p| (p.signing, p.header_patch) = (Signing::Confused, json!({"alg": "RS256"})),
        Untrusted,
        "signature",
    ),
    attack("an algorithm that is not accepted", |p| p.header_patch = json!({"alg": "RS512"}), Untrusted, "algorithm"),
    attack(
        "another algorithm than the key's",
        |p| (p.signing, p.header_patch) = (Signing::With(&EC), json!({"kid": "rsa-1"})),
        Untrusted,
        "algorithm",
    ),
    attack(
        "PSS with a key for PKCS#1",
        |p| (p.signing, p.header_patch) = (Signing::With(&PSS), json!({"kid": "rsa-1"})),
        Untrusted,
        "algorithm",
    ),
    attack(
        "somebody else's key",
        |p| (p.signing, p.header_patch) = (Signing::With(&RSA_2), json!({"kid": "rsa-1"})),
        Untrusted,
        "signature",
    ),
    attack("a key that nobody knows", |p| p.header_patch = json!({"kid": "k9"}), Untrusted, "unknown_key"),
    attack(
        "no key's name, and two keys that fit",
        |p| {
            p.header_patch = json!({"kid": null});
            p.jwks = json!({"keys": [RSA.public.clone(), RSA_2.public.clone()]});
        },
        Untrusted,
        "unknown_key",
    ),
    attack("a key's name that is none", |p| p.header_patch = json!({"kid": 7}), Malformed, "token"),
    attack(
        "a key brought along",
        |p| {
            p.signing = Signing::With(&RSA_2);
            p.header_patch = json!({"kid": "mine", "jwk": RSA_2.public.clone(), "jku": "https://evil.example/jwks"});
        },
        Untrusted,
        "unknown_key",
    ),
    attack("a critical extension", |p| p.header_patch = json!({"crit": ["b64"], "b64": false}), Untrusted, "crit"),
    attack("an empty list of critical ones", |p| p.header_patch = json!({"crit": []}), Untrusted, "crit"),
    attack("an access token", |p| p.header_patch = json!({"typ": "at+jwt"}), Untrusted, "type"),
    attack("a logout token", |p| p.header_patch = json!({"typ": "logout+jwt"}), Untrusted, "type"),
    attack("another audience", |p| p.claims_patch = json!({"aud": "other"}), Untrusted, "audience"),
    attack("no audience", |p| p.claims_patch = json!({"aud": null}), Untrusted, "audience"),
    attack("an empty audience", |p| p.claims_patch = json!({"aud": []}), Untrusted, "audience"),
    attack("our name as a part", |p| p.claims_patch = json!({"aud": "lgsp2"}), Untrusted, "audience"),
    attack("several audiences", |p| p.claims_patch = json!({"aud": ["lgsp", "other"]}), Untrusted, "azp"),
    attack("another party", |p| p.claims_patch = json!({"azp": "other"}), Untrusted, "azp"),
    attack("a party that is none", |p| p.claims_patch = json!({"azp": ["lgsp"]}), Untrusted, "azp"),
    attack("another nonce", |p| p.claims_patch = json!({"nonce": "other"}), Untrusted, "nonce"),
    attack("no nonce", |p| p.claims_patch = json!({"nonce": null}), Untrusted, "nonce"),
    attack("another issuer", |p| p.claims_patch = json!({"iss": "https://evil.example"}), Untrusted, "issuer"),
    attack("several issuers", |p| p.claims_patch = json!({"iss": ["a", "b"]}), Untrusted, "issuer"),
    attack("ended", |p| p.claims_patch = json!({"exp": NOW - 30}), Untrusted, "expired"),
    attack("never ends", |p| p.claims_patch = json!({"exp": null}), Malformed, "times"),
    attack("ends in words", |p| p.claims_patch = json!({"exp": "tomorrow"}), Malformed, "times"),
    attack("made in the future", |p| p.claims_patch = json!({"iat": NOW + 31}), Untrusted, "made_in_future"),
    attack("made long ago", |p| p.claims_patch = json!({"iat": NOW - 631}), Untrusted, "too_old"),
    attack("made nobody knows when", |p| p.claims_patch = json!({"iat": null}), Malformed, "times"),
    attack("not valid yet", |p| p.claims_patch = json!({"nbf": NOW + 31}), Untrusted, "not_yet"),
    attack("of nobody", |p| p.claims_patch = json!({"sub": null}), Malformed, "subject"),
    attack("of an empty name", |p| p.claims_patch = json!({"sub": ""}), Malformed, "subject"),
    attack("of a number", |p| p.claims_patch = json!({"sub": 1}), Malformed, "subject"),
    attack("of a very long name", |p| p.claims_patch = json!({"sub": "x".repeat(256)}), Malformed, "subject"),
    attack("another access token", |p| p.claims_patch = json!({"at_hash": "AAAA"}), Untrusted, "at_hash"),
    attack("a hash that is none", |p| p.claims_patch = json!({"at_hash": 1}), Untrusted, "at_hash"),
    attack("another person's claims", |p| p.person_patch = json!({"sub": "sub-2"}), Untrusted, "userinfo_subject"),
    attack("nobody's claims", |p| p.person_patch = json!({"sub": null}), Malformed, "subject"),
];

fn reply(text: &str) -> Answer {
    Answer::Reply(text.to_owned())
}

fn elsewhere() -> Answer {
    Answer::Status(302, &[("location", "/province/stolen")])
}

const ON_ANSWERS: &[Attack] = &[
    attack("no JSON", |p| p.instead.push(("/token", || reply("<html>"))), Malformed, "token"),
    attack("no object", |p| p.instead.push(("/token", || reply("[]"))), Malformed, "token"),
    attack("no token", |p| p.instead.push(("/token", || reply("{\"id_token\":\"a.b.c\"}"))), Malformed, "token"),
    attack(
        "no identity token",
        |p| p.instead.push(("/token", || reply("{\"access_token\":\"access-1\"}"))),
        Untrusted,
        "id_token_missing",
    ),
    attack(
        "a token of another kind",
        |p| {
            let text = || reply("{\"access_token\":\"access-1\",\"token_type\":\"mac\",\"id_token\":\"a.b.c\"}");
            p.instead.push(("/token", text));
        },
        Malformed,
        "token_type",
    ),
    attack(
        "an identity token that is none",
        |p| p.instead.push(("/token", || reply("{\"access_token\":\"access-1\",\"id_token\":\"a.b.c.d.e\"}"))),
        Malformed,
        "token",
    ),
    attack("redirected tokens", |p| p.instead.push(("/token", elsewhere)), Refused, "token_http_302"),
    attack("redirected claims", |p| p.instead.push(("/userinfo", elsewhere)), Refused, "userinfo_http_302"),
    attack("redirected keys", |p| p.instead.push(("/jwks", elsewhere)), Refused, "jwks_http_302"),
    attack(
        "a code that was used",
        |p| p.instead.push(("/token", || Answer::Words(400, "{\"error\":\"invalid_grant\"}".into()))),
        Refused,
        "token_invalid_grant",
    ),
    attack(
        "an error with a person's words",
        |p| p.instead.push(("/token", || Answer::Words(400, "{\"error\":\"Nguyễn 001090000001\"}".into()))),
        Refused,
        "token_error",
    ),
    attack("a broken provider", |p| p.instead.push(("/token", || Answer::Status(500, &[]))), Refused, "token_http_500"),
    attack("a torn answer", |p| p.instead.push(("/token", || Answer::Torn("{".into()))), Unreachable, "reset"),
    attack("a reset", |p| p.instead.push(("/userinfo", || Answer::Reset)), Unreachable, "reset"),
    attack("endless claims", |p| p.instead.push(("/userinfo", || Answer::Endless)), Malformed, "answer_too_large"),
    attack("endless keys", |p| p.instead.push(("/jwks", || Answer::Endless)), Malformed, "answer_too_large"),
    attack("claims that are none", |p| p.instead.push(("/userinfo", || reply("\"x\""))), Malformed, "userinfo"),
    attack("claims that are a token", |p| p.instead.push(("/userinfo", || reply("eyJ.e.y"))), Malformed, "userinfo"),
    attack("keys that are none", |p| p.instead.push(("/jwks", || reply("{\"keys\":1}"))), Malformed, "jwks"),
    attack("too many keys", |p| p.jwks = json!({"keys": vec![RSA.public.clone(); 51]}), Malformed, "jwks_too_many"),
    attack(
        "a private key",
        |p| {
            let mut key = RSA.public.clone();
            key["d"] = "AQAB".into();
            p.jwks = json!({"keys": [key]});
        },
        Malformed,
        "jwks_empty",
    ),
    attack(
        "a shared key",
        |p| {
            (p.signing, p.header_patch) = (Signing::Confused, json!({"alg": "HS256", "kid": "oct-1"}));
            p.jwks = json!({"keys": [{"kty": "oct", "kid": "oct-1", "alg": "HS256", "k": "AAAA"}, RSA.public.clone()]});
        },
        Untrusted,
        "algorithm",
    ),
    attack(
        "a key for encryption",
        |p| {
            let mut key = RSA.public.clone();
            key["use"] = "enc".into();
            p.jwks = json!({"keys": [key, EC.public.clone()]});
        },
        Untrusted,
        "unknown_key",
    ),
    attack(
        "a short key",
        |p| p.jwks = json!({"keys": [{"kty": "RSA", "kid": "rsa-1", "n": "AQAB", "e": "AQAB"}]}),
        Untrusted,
        "signature",
    ),
];

async fn check(attacks: &[Attack], family: Family) {
    for Attack { name, play, kind, code } in attacks {
        let stub = Stub::start().await;
        stub.play(play);
        let provider = provider(family, &stub, "timeout = '20s'");
        assert_eq!(said(log_in(&provider).await), (*kind, (*code).to_owned()), "{family:?}: {name}");
        assert!(stub.calls("/stolen").is_empty(), "{name}");
    }
}

#[tokio::test]
async fn no_forged_foreign_or_old_token_is_believed() {
    for family in Family::ALL {
        check(ON_TOKENS, family).await;
    }
}

#[tokio::test]
async fn no_answer_that_is_none_is_taken_for_one() {
    for family in Family::ALL {
        check(ON_ANSWERS, family).await;
    }
}

#[tokio::test]
async fn an_answer_that_should_name_its_provider_must() {
    let stub = Stub::start().await;
    stub.play(|play| play.discovery_patch = json!({"authorization_response_iss_parameter_supported": true}));
    let provider = provider(Family::Province, &stub, "");
    assert_eq!(said(log_in(&provider).await), (Untrusted, "answer_issuer".to_owned()));
}

#[tokio::test]
async fn a_description_of_somebody_else_or_to_somewhere_else_is_not_followed() {
    for (patch, kind, code) in [
        (json!({"issuer": "https://evil.example"}), Untrusted, "discovery_issuer"),
        (json!({"issuer": null}), Malformed, "discovery"),
        (json!({"jwks_uri": null}), Malformed, "discovery"),
        (json!({"token_endpoint": 7}), Malformed, "discovery"),
        (json!({"jwks_uri": "file:///etc/passwd"}), Untrusted, "discovery_address"),
        (json!({"token_endpoint": "http://user:geheim@10.0.0.1/"}), Untrusted, "discovery_address"),
        (json!({"userinfo_endpoint": "/userinfo"}), Untrusted, "discovery_address"),
        (json!({"authorization_endpoint": "javascript:alert(1)"}), Untrusted, "discovery_address"),
        (json!({"end_session_endpoint": "data:text/html,x"}), Untrusted, "discovery_address"),
    ] {
        let stub = Stub::start().await;
        stub.play(|play| play.discovery_patch = patch.clone());
        let provider = provider(Family::Province, &stub, "");
        assert_eq!(said(log_in(&provider).await), (kind, code.to_owned()), "{patch}");
        assert!(provider.begin(&super::start()).await.is_err());
    }
}

#[tokio::test]
async fn a_slow_provider_is_given_up() {
    for (end, family) in [
        ("/token", Family::VnConnect),
        ("/userinfo", Family::VnEid),
        ("/jwks", Family::VnEid),
        ("/openid-configuration", Family::Province),
    ] {
        let stub = Stub::start().await;
        stub.play(|play| play.instead.push((end, || Answer::Silence)));
        let provider = provider(family, &stub, "timeout = '200ms'");
        assert_eq!(said(log_in(&provider).await), (TimedOut, "timeout".to_owned()), "{end}");
    }
}

#[tokio::test]
async fn an_answer_of_another_provider_is_not_taken() {
    for family in Family::ALL {
        let stub = Stub::start().await;
        let provider = provider(family, &stub, "");
        for also in [("code", CODE), ("error", "access_denied")] {
            let pairs = [also, ("state", STATE), ("iss", "https://evil.example")];
            assert_eq!(said(finish(&provider, &pairs).await), (Untrusted, "answer_issuer".to_owned()), "{family:?}");
        }
        assert!(stub.calls("/token").is_empty(), "no code was shown to the provider");
    }
}

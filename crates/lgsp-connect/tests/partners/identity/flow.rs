//! Logins that go well: what each provider is asked, and what is made of its answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lgsp_connect::LoginStart;
use lgsp_model::{Level, PersonKind, Timestamp};
use serde_json::{Value, json};

use super::stub::{EC, ED, Family, PSS, RSA, Signing, Stub, parameter};
use super::{BACK, CODE, NONCE, SECRET, STATE, VERIFIER, finish, log_in, provider, start};

/// RFC 7636: the challenge of `VERIFIER`, by another implementation (`openssl dgst -sha256 -binary | base64`).
const CHALLENGE: &str = "2KfT10pRvbEHCad_kfvn6HmTv0fwF8aU0HX0lYc3ywY";

#[tokio::test]
async fn the_browser_is_sent_with_everything_that_binds_the_login() {
    for family in Family::ALL {
        let stub = Stub::start().await;
        let url = provider(family, &stub, "").begin(&start()).await.unwrap();
        let (page, query) = url.split_once('?').unwrap();
        let expected = match family {
            Family::VnConnect => "/vnconnect/oauth2/authorize",
            Family::VnEid => "/vneid/oauth2/authorize",
            Family::Province => "/province/authorize",
        };
        assert_eq!(page, format!("{}{expected}", stub.base()));
        let get = |name| parameter(query, name);
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", "lgsp"),
            ("redirect_uri", BACK),
            ("state", STATE),
            ("nonce", NONCE),
        ] {
            assert_eq!(get(name).as_deref(), Some(value), "{family:?} {name}");
        }
        assert!(get("scope").unwrap().split(' ').any(|word| word == "openid"));
        let shown = (family != Family::VnConnect).then_some(CHALLENGE);
        assert_eq!(get("code_challenge").as_deref(), shown, "{family:?}");
        assert_eq!(get("code_challenge_method").is_some(), shown.is_some());
        assert_eq!(get("acr_values").as_deref(), (family == Family::VnConnect).then_some("LoA1"));
        assert_eq!(get("prompt"), None);
        assert!(!url.contains(VERIFIER) && !url.contains(SECRET));
    }
}

#[tokio::test]
async fn a_level_and_a_fresh_proof_are_asked_for_when_the_login_wants_them() {
    for family in Family::ALL {
        let stub = Stub::start().await;
        let wanted = LoginStart { level: Level::new(3), fresh: true, ..start() };
        let url = provider(family, &stub, "").begin(&wanted).await.unwrap();
        assert_eq!(parameter(&url, "acr_values").as_deref(), Some("LoA3"), "{family:?}");
        assert!(url.contains("&prompt=login"), "{family:?}");
    }
}

#[tokio::test]
async fn a_person_is_the_same_whatever_the_provider_calls_him() {
    for family in Family::ALL {
        let stub = Stub::start().await;
        let provider = provider(family, &stub, "");
        let came = log_in(&provider).await.unwrap();
        let person = &came.person;
        assert_eq!(person.subject, "sub-1");
        assert_eq!(person.name.as_deref(), Some("Nguyễn Văn Thử"), "{family:?}");
        assert_eq!(person.birth_date.as_deref(), Some("1990-01-31"), "{family:?}");
        assert_eq!(person.tax_code, None);
        assert_eq!(came.sid.as_deref(), Some("sid-1"));
        assert_eq!(came.auth_time, Some(Timestamp(1_699_999_940_000)));
        let national = family != Family::Province;
        assert_eq!(person.kind, if national { PersonKind::Citizen } else { PersonKind::Officer });
        assert_eq!(person.identity_number.as_deref(), national.then_some("001090000001"));
        assert_eq!(person.tech_id.as_deref(), national.then_some("tech-1"));
        let level = match family {
            Family::VnConnect => Level::new(2),
            Family::VnEid => Level::new(3),
            Family::Province => None,
        };
        assert_eq!(person.level, level, "{family:?}");
        assert_eq!(person.email.is_some(), family != Family::VnEid);

        let raw: Value = serde_json::from_slice(&came.raw).unwrap();
        assert_eq!((&raw["id_token"]["sub"], &raw["userinfo"]["sub"]), (&json!("sub-1"), &json!("sub-1")));
        let shown = format!("{came:?} {person:?}");
        for value in ["sub-1", "Nguy", "0010", "1990", "thu@", "tech", "eyJ"] {
            assert!(!shown.contains(value), "{shown}");
        }
    }
}

#[tokio::test]
async fn the_code_is_exchanged_as_each_provider_takes_it() {
    for (family, more) in [
        (Family::VnConnect, ""),
        (Family::VnEid, ""),
        (Family::Province, ""),
        (Family::Province, "client_auth = 'client_secret_post'\npkce = false"),
    ] {
        let stub = Stub::start().await;
        log_in(&provider(family, &stub, more)).await.unwrap();
        let [call] = stub.calls("/token").try_into().unwrap();
        let get = |name| parameter(&call.body, name);
        assert_eq!(get("grant_type").as_deref(), Some("authorization_code"));
        assert_eq!(get("code").as_deref(), Some(CODE));
        assert_eq!(get("redirect_uri").as_deref(), Some(BACK));
        let pkce = family != Family::VnConnect && more.is_empty();
        assert_eq!(get("code_verifier").as_deref(), pkce.then_some(VERIFIER), "{family:?}");
        let basic = family == Family::Province && more.is_empty();
        assert_eq!(get("client_secret").as_deref(), (!basic).then_some(SECRET), "{family:?}");
        let shown = call.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let expected = format!("Basic {}", STANDARD.encode("lgsp:geheim%20%26%2B%201"));
        assert_eq!(shown, basic.then_some(expected), "{family:?}");
        let [asked] = stub.calls("/userinfo").try_into().unwrap();
        assert_eq!(asked.headers["authorization"], "Bearer access-1");
    }
}

#[tokio::test]
async fn tokens_of_every_accepted_algorithm_are_verified() {
    for pair in [&RSA, &PSS, &EC, &ED] {
        let stub = Stub::start().await;
        stub.play(|play| {
            play.signing = Signing::With(pair);
            play.jwks = json!({"keys": [pair.public.clone()]});
        });
        log_in(&provider(Family::VnEid, &stub, "")).await.unwrap();
    }
}

#[tokio::test]
async fn what_may_differ_between_honest_providers_is_accepted() {
    // `openssl dgst`, as above: the left half of the hash of `access-1`.
    let hash = "9MKET0Y7WpOlF96BtnoJyA";
    for (header, claims) in [
        (json!({"typ": null}), json!({})),
        (json!({"typ": "jwt"}), json!({"aud": ["lgsp"]})),
        (json!({}), json!({"aud": ["lgsp", "other"], "azp": "lgsp"})),
        (json!({}), json!({"at_hash": hash})),
        (json!({}), json!({"exp": 1_700_000_000.5 + 60.0, "nbf": 1_700_000_029})),
        (json!({}), json!({"exp": 1_699_999_971, "iat": 1_700_000_029})),
    ] {
        let stub = Stub::start().await;
        stub.play(|play| (play.header_patch, play.claims_patch) = (header.clone(), claims.clone()));
        let result = log_in(&provider(Family::VnConnect, &stub, "")).await;
        assert!(result.is_ok(), "{header} {claims} {:?}", result.err());
    }
    let stub = Stub::start().await;
    stub.play(|play| {
        play.header_patch = json!({"kid": null});
        play.jwks = json!({"keys": [RSA.public.clone()]});
    });
    log_in(&provider(Family::VnConnect, &stub, "")).await.unwrap();
}

#[tokio::test]
async fn a_province_says_what_its_claims_are_called() {
    let stub = Stub::start().await;
    stub.play(|play| {
        play.person_patch = json!({"so_cccd": "001090000001", "loai": 3, "hoten": "Trần Thị Mẫu", "donvi": ["Sở Thử"]});
    });
    let more = "kind_default = 'citizen'\n[claims]\nidentity_number = 'so_cccd'\nkind = 'loai'\n\
                name = ['ho_ten', 'hoten']\norganisation = 'donvi'";
    let came = log_in(&provider(Family::Province, &stub, more)).await.unwrap();
    assert_eq!(came.person.identity_number.as_deref(), Some("001090000001"));
    assert_eq!(came.person.kind, PersonKind::Organisation);
    assert_eq!(came.person.name.as_deref(), Some("Trần Thị Mẫu"));
    assert_eq!(came.person.organisation.as_deref(), Some("Sở Thử"));
}

#[tokio::test]
async fn a_provider_without_userinfo_tells_everything_in_its_token() {
    let stub = Stub::start().await;
    stub.play(|play| {
        play.discovery_patch =
            json!({"userinfo_endpoint": null, "authorization_response_iss_parameter_supported": true});
        play.claims_patch = json!({"name": "Nguyễn Văn Thử"});
    });
    let provider = provider(Family::Province, &stub, "");
    let issuer = Family::Province.issuer(&stub.base());
    let came = finish(&provider, &[("code", CODE), ("iss", &issuer), ("state", STATE)]).await.unwrap();
    assert_eq!(came.person.name.as_deref(), Some("Nguyễn Văn Thử"));
    assert!(stub.calls("/userinfo").is_empty());
}

#[tokio::test]
async fn the_session_at_the_provider_is_ended_on_its_page() {
    let stub = Stub::start().await;
    let vnconnect = provider(Family::VnConnect, &stub, "");
    let url = vnconnect.logout_url(Some("e.y.J"), "https://gateway.example/out?a=1&b=2").unwrap();
    let back = "https%3A%2F%2Fgateway.example%2Fout%3Fa%3D1%26b%3D2";
    let expected = format!("{}/vnconnect/oidc/logout?id_token_hint=e.y.J&post_logout_redirect_uri={back}", stub.base());
    assert_eq!(url, expected);
    let province = provider(Family::Province, &stub, "");
    assert_eq!(province.logout_url(None, BACK), None, "nothing was asked of it yet");
    province.begin(&start()).await.unwrap();
    let url = province.logout_url(None, BACK).unwrap();
    assert!(url.starts_with(&format!("{}/province/logout?client_id=lgsp&", stub.base())), "{url}");
}

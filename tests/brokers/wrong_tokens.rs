//! An identity provider says wrong things, one at a time: nobody is signed in.

use serde_json::json;

use crate::browser::{Browser, Landed, host_of, query_of};
use crate::door::{Door, Place, REDIRECT, client};
use crate::program::{Program, Software};

/// The cookie of who is signed in.
const SESSION: &str = "__Host-lgsp-session";

/// In so many ways at least it is wrong.
const WAYS: usize = 40;

/// Logins with keys that nobody knows, one after the other.
const STORM: usize = 20;

async fn chain() -> Option<(Program, Door)> {
    let mut provider = Program::start(Software::MockServer)?;
    let base = provider.text("start", json!({}));
    let providers = format!(
        "[[identity_provider]]\nid = \"mock\"\nkind = \"oidc\"\nname = \"mock\"\n[identity_provider.settings]\n\
         issuer = \"{base}\"\nclient_id = \"lgsp\"\nclient_secret = \"secret\"\nallow_private = true\n"
    );
    let members = client("counter", REDIRECT, "secret = \"secret-of-counter\"", "trusted = true");
    Some((provider, Place::find().open(members, &providers).await))
}

/// Signs in: there is one provider, and it asks nothing.
async fn sign_in(door: &Door) -> (Browser, Landed) {
    let query = [
        ("response_type", "code"),
        ("client_id", "counter"),
        ("redirect_uri", REDIRECT),
        ("state", "st"),
        ("scope", "openid"),
        ("code_challenge_method", "S256"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ];
    let url = reqwest::Url::parse_with_params(&format!("{}/oauth2/authorize", door.issuer), query).unwrap();
    let mut browser = Browser::new();
    let sent = browser.get(url.as_str()).await;
    let landed = browser.follow(sent, "https://").await;
    (browser, landed)
}

async fn assert_signs_in(door: &Door, when: &str) {
    let (browser, landed) = sign_in(door).await;
    assert!(landed.back().contains_key("code"), "{when}");
    assert!(browser.cookie(&host_of(&door.issuer), SESSION).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_signed_in_by_a_token_that_is_wrong_in_one_way() {
    let Some((mut provider, door)) = chain().await else { return };
    assert_signs_in(&door, "before").await;
    let ways = provider.ask("ways", json!({}));
    let ways = ways.as_array().unwrap();
    assert!(ways.len() >= WAYS, "{ways:?}");
    for how in ways {
        provider.ask("spoil", json!({"how": how}));
        let (browser, landed) = sign_in(&door).await;
        match landed {
            Landed::Back(url) => {
                let back = query_of(&url);
                assert_eq!((back["error"].as_str(), back.get("code")), ("access_denied", None), "{how}");
            }
            Landed::Page(answer) => assert_eq!(answer.status, 401, "{how}: {}", answer.text()),
        }
        assert_eq!(browser.cookie(&host_of(&door.issuer), SESSION), None, "{how}");
    }
    assert_eq!(provider.ask("asked", json!({"path": "/poison"})), 0, "keys come from where the provider said they are");
    provider.ask("spoil", json!({}));
    assert_signs_in(&door, "afterwards").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_unknown_keys_makes_the_provider_be_asked_once_more() {
    let Some((mut provider, door)) = chain().await else { return };
    assert_signs_in(&door, "before").await;
    provider.ask("spoil", json!({"how": "unknown_kid"}));
    for _ in 0..STORM {
        assert_eq!(sign_in(&door).await.1.back()["error"], "access_denied");
    }
    assert_eq!(provider.ask("asked", json!({"path": "/jwks"})), 2);
    provider.ask("spoil", json!({}));
    assert_signs_in(&door, "afterwards").await;
}

//! Who signs in where, and which members learn of it: what is read, and every way to write it wrongly.

use std::time::Duration;

use lgsp_model::PersonKind;

use super::*;
use crate::{ClaimScope, SubjectType, TokenAlgorithm};

const PROVIDER: &str = "[[identity_provider]]\nid = \"vneid\"\nkind = \"vneid\"\nname = \"VNeID\"\n";

/// A member with this `sign_in` table, and a provider.
fn client(table: &str) -> String {
    format!("{MEMBER}secret = \"a\"\nsign_in = {table}\n{PROVIDER}")
}

#[test]
fn what_is_not_said_of_a_client_and_a_provider_is_the_careful_choice() {
    let config = read(&format!("{SMALLEST}{}", client("{ redirect_uris = [\"https://a.vn/sso\"] }"))).unwrap();
    let client = config.members[0].sign_in.as_ref().unwrap();
    assert_eq!(client.claims, [ClaimScope::OpenId, ClaimScope::Profile]);
    assert_eq!((client.id_token_alg, client.subject), (TokenAlgorithm::Es256, SubjectType::Public));
    assert!(!client.trusted && client.providers.is_none() && client.post_logout_redirect_uris.is_empty());
    assert!(config.uses(TokenAlgorithm::Es256) && !config.uses(TokenAlgorithm::Rs256));
    let provider = &config.identity_providers[0];
    assert_eq!((provider.name_en.as_str(), provider.persons.as_slice()), ("VNeID", PersonKind::ALL.as_slice()));
    assert!(provider.links, "a provider of the state has seen who it vouches for");
    let other = read(&format!("{SMALLEST}{}", PROVIDER.replace("kind = \"vneid\"", "kind = \"oidc\""))).unwrap();
    assert!(!other.identity_providers[0].links, "whoever runs it could else become anybody");
    assert_eq!(config.sign_in.code_ttl, Duration::from_secs(60));
}

#[test]
fn a_client_says_what_it_may_learn_and_how() {
    let table = "{ redirect_uris = [\"http://127.0.0.1:8000/sso\", \"https://a.vn/x?y=z\"], claims = [\"email\", \"email\"], \
                 providers = [\"vneid\"], id_token_alg = \"RS256\", subject = \"pairwise\", trusted = true, \
                 backchannel_logout = \"https://a.vn/out\", post_logout_redirect_uris = [\"https://a.vn/\"] }";
    let config = read(&format!("{SMALLEST}{}", client(table))).unwrap();
    let client = config.members[0].sign_in.as_ref().unwrap();
    assert_eq!(client.claims, [ClaimScope::OpenId, ClaimScope::Email], "openid is always among them");
    assert_eq!((client.redirect_uris.len(), client.subject, client.trusted), (2, SubjectType::Pairwise, true));
    assert_eq!(client.backchannel_logout.as_deref(), Some("https://a.vn/out"));
    assert!(config.uses(TokenAlgorithm::Rs256) && !config.uses(TokenAlgorithm::EdDsa));
}

#[test]
fn addresses_that_a_code_must_not_go_to_are_refused() {
    for bad in [
        "http://a.vn/sso",
        "http://127.0.0.1.a.vn/",
        "http://localhost@a.vn/",
        "https://user@a.vn/",
        "https://a.vn/#part",
        "https:///sso",
        "https://:443/",
        "javascript:alert(1)",
        "a.vn/sso",
        "https://a.vn/a b",
        "https://a.vn/<x>",
    ] {
        for key in ["redirect_uris", "post_logout_redirect_uris"] {
            let rest = if key == "redirect_uris" { "" } else { "redirect_uris = [\"https://a.vn/\"], " };
            let told = errors(&client(&format!("{{ {rest}{key} = [{bad:?}] }}")));
            assert!(told.contains(&format!("member[0].sign_in.{key}[0]: expected an https address")), "{bad} → {told}");
        }
    }
    for good in ["https://a.vn", "http://localhost/x", "http://[::1]:9/x", "http://127.0.0.1:8000/sso"] {
        assert!(read(&format!("{SMALLEST}{}", client(&format!("{{ redirect_uris = [{good:?}] }}")))).is_ok(), "{good}");
    }
}

#[test]
fn every_kind_of_bad_client_or_provider_has_its_sentence() {
    let uris = "redirect_uris = [\"https://a.vn/\"]";
    for (more, sentence) in [
        (client("{ }"), "member[0].sign_in.redirect_uris: missing"),
        (client("{ redirect_uris = [] }"), "redirect_uris: expected at least one address"),
        (client(&format!("{{ {uris}, claims = [\"all\"] }}")), "claims[0]: expected openid, profile"),
        (client(&format!("{{ {uris}, id_token_alg = \"none\" }}")), "id_token_alg: expected ES256, EdDSA or RS256"),
        (client(&format!("{{ {uris}, subject = \"x\" }}")), "subject: expected public or pairwise"),
        (
            client(&format!("{{ {uris}, backchannel_logout = \"http://a.vn/\" }}")),
            "backchannel_logout: expected an https",
        ),
        (
            client(&format!("{{ {uris}, providers = [\"other\"] }}")),
            "sign_in.providers[0]: expected the id of an [[identity_provider]]",
        ),
        (client(&format!("{{ {uris}, x = 1 }}")), "member[0].sign_in.x: unknown key"),
        (format!("{PROVIDER}{PROVIDER}"), "identity_provider[1].id: already used by identity_provider[0]"),
        (PROVIDER.replace("\"vneid\"\nkind", "\"VN eID\"\nkind"), "identity_provider[0].id: expected"),
        (PROVIDER.replace("name", "x"), "identity_provider[0].name: missing"),
        (format!("{PROVIDER}persons = []\n"), "persons: expected at least one kind"),
        (format!("{PROVIDER}persons = [\"robot\"]\n"), "persons[0]: expected citizen, enterprise"),
        ("[sign_in]\ncode_ttl = \"1h\"\n".to_owned(), "sign_in.code_ttl: out of range; choose from 1s to 10m"),
        ("[sign_in]\nlongest = \"5m\"\n".to_owned(), "sign_in.longest: less than session_ttl"),
    ] {
        let told = errors(&more);
        assert!(told.contains(sentence), "{more}\n→ {told}");
    }
}

//! The settings of providers, read strictly.

use lgsp_connect::{CheckError, PROVIDERS, check_provider};

fn wrong(kind: &str, settings: &str) -> Vec<String> {
    match check_provider(kind, &settings.parse().unwrap()) {
        Err(CheckError::Settings(errors)) => {
            assert!(errors.iter().all(|error| !error.to_string().contains("geheim")), "no value is repeated");
            errors.into_iter().map(|error| error.key).collect()
        }
        Err(other) => panic!("{other}"),
        Ok(_) => Vec::new(),
    }
}

/// The least that a provider needs, at `url`.
fn least(kind: &str, url: &str) -> String {
    let key = if kind == "oidc" { "issuer" } else { "url" };
    let client = if kind == "cas" { "" } else { "client_id = 'lgsp'\nclient_secret = 'geheim'\n" };
    format!("{key} = '{url}'\n{client}")
}

#[test]
fn a_provider_needs_its_address_and_our_name_there() {
    for family in PROVIDERS {
        let name = family.name;
        assert!(wrong(name, &least(name, "https://sso.example.vn/x")).is_empty(), "{name}");
        let missing = wrong(name, "surprise = 'geheim'\nlogout_path = '/x'");
        assert!(missing.contains(&"surprise".to_owned()), "{name} {missing:?}");
        assert_eq!(missing.contains(&"logout_path".to_owned()), name == "oidc", "{missing:?}");
        assert!(missing.contains(&if name == "oidc" { "issuer" } else { "url" }.to_owned()));
        assert_eq!(missing.contains(&"client_secret".to_owned()), name != "cas");
    }
}

#[test]
fn an_address_that_leads_inside_or_is_not_protected_is_refused_unless_it_is_allowed() {
    for family in PROVIDERS {
        let (name, key) = (family.name, if family.name == "oidc" { "issuer" } else { "url" });
        for url in [
            "http://sso.example.vn",
            "http://127.0.0.1:8080",
            "https://127.0.0.1",
            "https://10.0.0.1/x",
            "https://[::1]",
        ] {
            assert_eq!(wrong(name, &least(name, url)), [key], "{name} {url}");
            assert!(wrong(name, &format!("{}allow_private = true", least(name, url))).is_empty(), "{name} {url}");
        }
        for url in [
            "ftp://sso.example.vn",
            "https://",
            "https://u:geheim@sso.example.vn",
            "https://sso.example.vn/?a=b",
            "https://sso.example.vn/#a",
            "sso",
        ] {
            assert_eq!(wrong(name, &format!("{}allow_private = true", least(name, url))), [key], "{name} {url}");
        }
    }
}

#[test]
fn every_wrong_value_is_told_with_its_key() {
    let (national, province) = (least("vneid", "https://sso.example.vn"), least("oidc", "https://sso.example.vn"));
    for (kind, settings, key) in [
        ("vneid", format!("{national}token_path = 'token'"), "token_path"),
        ("vneid", format!("{national}jwks_path = '/jwks?a=b'"), "jwks_path"),
        ("vneid", format!("{national}scope = 'profile'"), "scope"),
        ("vneid", format!("{national}timeout = '1h'"), "timeout"),
        ("vneid", format!("{national}claims = {{}}"), "claims"),
        ("oidc", format!("{province}client_auth = 'none'"), "client_auth"),
        ("oidc", format!("{province}kind_default = 'robot'"), "kind_default"),
        ("oidc", format!("{province}claims = {{ shoe_size = 'x' }}"), "claims.shoe_size"),
        ("oidc", format!("{province}claims = {{ name = 7 }}"), "claims.name"),
        ("oidc", format!("{province}claims = {{ name = [''] }}"), "claims.name"),
        ("oidc", format!("{province}claims = 'name'"), "claims"),
        ("oidc", format!("{province}pkce = 'yes'"), "pkce"),
    ] {
        assert_eq!(wrong(kind, &settings), [key], "{settings}");
    }
}

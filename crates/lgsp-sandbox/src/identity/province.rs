//! The province's own sign-in for officers: plain OpenID Connect with discovery, ES256, PKCE and `iss` on the way back.
//!
//! Its claims have the standard's names where there is one.

use serde_json::{Value, json};

use super::openid::{OpenId, Paths, Provider};
use super::people::{self, Account};
use super::settings::{PkceRule, SigningAlgorithm};
use crate::partner::Partner;

/// The kind of provider that the province's sign-in is.
#[derive(Default)]
pub struct ProvinceKind;

/// The province's sign-in, shared.
pub type Province = Partner<OpenId<ProvinceKind>>;

impl Provider for ProvinceKind {
    const NAME: &'static str = "identity-province";
    const ROOT: &'static str = "/identity/province";
    const TITLE: &'static str = "Tài khoản cán bộ của tỉnh";
    const PATHS: Paths = Paths {
        authorize: "/authorize",
        token: "/token",
        userinfo: "/userinfo",
        jwks: "/jwks",
        logout: "/logout",
        discovery: Some("/.well-known/openid-configuration"),
    };
    const PKCE: PkceRule = PkceRule::Checked;
    const ALGORITHM: SigningAlgorithm = SigningAlgorithm::Es256;
    const AUDIENCE_LIST: bool = false;
    const RESPONSE_ISSUER: bool = true;

    fn issuer(root: &str) -> String {
        root.to_owned()
    }

    fn people() -> Vec<Account> {
        people::of_province()
    }

    fn claims(account: &Account) -> Value {
        json!({
            "preferred_username": account.id,
            "name": account.name,
            "email": account.email,
            "phone_number": account.phone,
            "birthdate": account.birth.as_deref().map(dashed),
            "kind": account.kind.as_str(),
            "SoDinhDanh": account.identity_number,
            "MaSoThue": account.tax_code,
            "organisation": account.agency,
        })
    }

    fn acr(level: u8) -> String {
        level.to_string()
    }
}

/// `yyyyMMdd` as `yyyy-MM-dd`; a year alone stays.
fn dashed(birth: &str) -> String {
    match (birth.get(..4), birth.get(4..6), birth.get(6..8)) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => birth.to_owned(),
    }
}

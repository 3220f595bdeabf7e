//! VNeID, the identity application of the police: few claims, `LoaiTaiKhoan` and `IAL` as numbers, PKCE looked at.
//!
//! Its real paths and issuer are not public; these are as everything else of this sandbox has them.

use serde_json::{Value, json};

use super::openid::{OpenId, Paths, Provider};
use super::people::{self, Account};
use super::settings::{PkceRule, SigningAlgorithm};
use crate::partner::Partner;

/// The kind of provider that VNeID is.
#[derive(Default)]
pub struct VneidKind;

/// VNeID, shared.
pub type Vneid = Partner<OpenId<VneidKind>>;

impl Provider for VneidKind {
    const NAME: &'static str = "identity-vneid";
    const ROOT: &'static str = "/identity/vneid";
    const TITLE: &'static str = "VNeID";
    const PATHS: Paths = Paths {
        authorize: "/oauth2/authorize",
        token: "/oauth2/token",
        userinfo: "/oauth2/userinfo",
        jwks: "/oauth2/jwks",
        logout: "/oidc/logout",
        discovery: None,
    };
    const PKCE: PkceRule = PkceRule::Checked;
    const ALGORITHM: SigningAlgorithm = SigningAlgorithm::Rs256;
    const AUDIENCE_LIST: bool = false;
    const RESPONSE_ISSUER: bool = false;

    fn issuer(root: &str) -> String {
        root.to_owned()
    }

    fn people() -> Vec<Account> {
        people::of_vneid()
    }

    fn claims(account: &Account) -> Value {
        json!({
            "LoaiTaiKhoan": account.kind.number(),
            "SoDinhDanh": account.identity_number,
            "HoVaTen": account.name,
            "NgayThangNamSinh": account.birth,
            "TechID": account.tech_id,
            "loAs": Self::acr(account.level),
            "IAL": account.level,
        })
    }

    fn acr(level: u8) -> String {
        format!("LoA{level}")
    }
}

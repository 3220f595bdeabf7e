//! VNConnect, the national portal's sign-in: a WSO2 identity server that ignores PKCE, says numbers as texts and has its
//! issuer at the token endpoint.
//!
//! Claims by what clients of the portal read; their names are the portal's.

use serde_json::{Value, json};

use super::openid::{OpenId, Paths, Provider};
use super::people::{self, Account, AccountKind};
use super::settings::{PkceRule, SigningAlgorithm};
use crate::partner::Partner;

/// The kind of provider that VNConnect is.
#[derive(Default)]
pub struct VnConnectKind;

/// VNConnect, shared.
pub type VnConnect = Partner<OpenId<VnConnectKind>>;

impl Provider for VnConnectKind {
    const NAME: &'static str = "identity-vnconnect";
    const ROOT: &'static str = "/identity/vnconnect";
    const TITLE: &'static str = "Cổng Dịch vụ công Quốc gia (VNConnect)";
    const PATHS: Paths = Paths {
        authorize: "/oauth2/authorize",
        token: "/oauth2/token",
        userinfo: "/oauth2/userinfo",
        jwks: "/oauth2/jwks",
        logout: "/oidc/logout",
        discovery: None,
    };
    const PKCE: PkceRule = PkceRule::Ignored;
    const ALGORITHM: SigningAlgorithm = SigningAlgorithm::Rs256;
    const AUDIENCE_LIST: bool = true;
    const RESPONSE_ISSUER: bool = false;

    fn issuer(root: &str) -> String {
        format!("{root}/oauth2/token")
    }

    fn people() -> Vec<Account> {
        people::of_vnconnect()
    }

    fn claims(account: &Account) -> Value {
        let citizen = account.kind == AccountKind::Citizen;
        json!({
            "LoaiTaiKhoan": account.kind.number().map(|number| number.to_string()),
            "MaSoThue": account.tax_code,
            "MaSoDoanhNghiep": account.tax_code,
            "TenDoanhNghiep": (!citizen).then_some(&account.name),
            "HoVaTen": citizen.then_some(&account.name),
            "SoCMND": account.old_number,
            "SoDinhDanh": account.identity_number,
            "NgayThangNamSinh": account.birth.as_deref().map(slashed),
            "ThuDienTu": account.email,
            "SoDienThoai": account.phone,
            "QuocTich": citizen.then_some("VN"),
            "TrangThai": "1",
            "TechID": account.tech_id,
            "loAs": Self::acr(account.level),
        })
    }

    fn acr(level: u8) -> String {
        format!("LoA{level}")
    }
}

/// `yyyyMMdd` as `dd/MM/yyyy`; a year alone stays.
fn slashed(birth: &str) -> String {
    match (birth.get(..4), birth.get(4..6), birth.get(6..8)) {
        (Some(year), Some(month), Some(day)) => format!("{day}/{month}/{year}"),
        _ => birth.to_owned(),
    }
}

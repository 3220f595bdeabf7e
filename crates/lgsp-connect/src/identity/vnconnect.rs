//! VNConnect, the sign-in of the national public service portal: WSO2 Identity Server, claims with Vietnamese names.
//!
//! It was never seen to take PKCE and is shown none; `state` and `nonce` bind the login.

use toml::Table;

use super::claims::{Claim, ClaimNames, DefaultNames};
use super::registration::{Registration, place};
use super::{ProviderBuilder, relying_party, wso2};
use crate::settings::{Fields, SettingError};

const NAMES: DefaultNames = &[
    (Claim::Kind, &["LoaiTaiKhoan"]),
    (Claim::Level, &["loAs"]),
    (Claim::TechId, &["TechID"]),
    (Claim::IdentityNumber, &["SoDinhDanh", "SoCMND"]),
    (Claim::TaxCode, &["MaSoThue"]),
    (Claim::Name, &["HoVaTen"]),
    (Claim::BirthDate, &["NgayThangNamSinh"]),
    (Claim::Email, &["ThuDienTu"]),
    (Claim::Phone, &["SoDienThoai"]),
    (Claim::Organisation, &["TenDoanhNghiep"]),
];

pub(super) fn check(table: &Table) -> Result<ProviderBuilder, Vec<SettingError>> {
    let mut fields = Fields::new(table);
    let place = place(&mut fields, "url");
    let mut registration = Registration::read(&mut fields, "openid");
    registration.acr_values = Some(fields.text("acr_values", Some("LoA1")));
    let endpoints = place.as_ref().and_then(|place| wso2::endpoints(&mut fields, place, "/oauth2/token"));
    fields.known(&wso2::KEYS);
    let errors = fields.finish();
    match (place, endpoints, errors.is_empty()) {
        (Some(place), Some(endpoints), true) => {
            let names = ClaimNames::new(NAMES, None);
            Ok(relying_party::builder(place, registration, names, move |_| endpoints))
        }
        _ => Err(errors),
    }
}

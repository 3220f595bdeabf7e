//! VNeID, the national electronic identity: fewer claims than VNConnect, the kind of account as a number, PKCE.
//!
//! Where its endpoints are is not published; every path is a setting.

use toml::Table;

use super::claims::{Claim, ClaimNames, DefaultNames};
use super::registration::{Registration, place};
use super::{ProviderBuilder, relying_party, wso2};
use crate::settings::{Fields, SettingError};

const NAMES: DefaultNames = &[
    (Claim::Kind, &["LoaiTaiKhoan"]),
    (Claim::Level, &["loAs", "IAL"]),
    (Claim::TechId, &["TechID"]),
    (Claim::IdentityNumber, &["SoDinhDanh"]),
    (Claim::Name, &["HoVaTen"]),
    (Claim::BirthDate, &["NgayThangNamSinh"]),
];

pub(super) fn check(table: &Table) -> Result<ProviderBuilder, Vec<SettingError>> {
    let mut fields = Fields::new(table);
    let place = place(&mut fields, "url");
    let mut registration = Registration::read(&mut fields, "openid");
    registration.pkce = true;
    registration.acr_values = fields.optional("acr_values");
    let endpoints = place.as_ref().and_then(|place| wso2::endpoints(&mut fields, place, ""));
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

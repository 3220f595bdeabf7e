//! The people of the population database: made up, with what makes real answers hard to read.
//!
//! Nobody here exists.

use serde::{Deserialize, Serialize};

/// A person's name as the database splits it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonName {
    /// `Ho`.
    pub family: String,
    /// `ChuDem`; may be empty.
    pub middle: String,
    /// `Ten`.
    pub given: String,
}

/// When a person was born; of older people only the year is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Birth {
    /// `yyyyMMdd`.
    Day(String),
    /// `yyyy`.
    Year(String),
}

/// An address; absent parts are left out of answers, empty ones stand there empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// `MaTinhThanh`.
    pub province: String,
    /// `MaQuanHuyen`; absent since there are no districts.
    pub district: Option<String>,
    /// `MaPhuongXa`.
    pub commune: String,
    /// `ChiTiet`.
    pub detail: String,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citizen {
    /// `SoDinhDanh`, 12 digits.
    pub number: String,
    /// `SoCMND`, 9 digits.
    pub old_number: Option<String>,
    /// `HoVaTen`.
    pub name: PersonName,
    /// The name as a search writes it: upper case, unaccented.
    pub search_name: String,
    /// `NgayThangNamSinh`.
    pub birth: Birth,
    /// `GioiTinh`: 1 male, 2 female.
    pub gender: String,
    /// `ThuongTru`.
    pub residence: Address,
    /// `NoiOHienTai`; absent when it is not known.
    pub living: Option<Address>,
    /// `Cha`, by name and, when known, number.
    pub father: Option<(PersonName, Option<String>)>,
    /// `SoSoHoKhau`.
    pub household: Option<String>,
}

fn name(family: &str, middle: &str, given: &str) -> PersonName {
    PersonName { family: family.into(), middle: middle.into(), given: given.into() }
}

fn address(commune: &str, detail: &str) -> Address {
    Address { province: "01".into(), district: None, commune: commune.into(), detail: detail.into() }
}

/// The people that are there from the start.
pub(super) fn made_up() -> Vec<Citizen> {
    let trial = Citizen {
        number: "001199000001".into(),
        old_number: Some("100000001".into()),
        name: name("Nguyễn", "Văn", "Thử"),
        search_name: "NGUYEN VAN THU".into(),
        birth: Birth::Day("19990115".into()),
        gender: "1".into(),
        residence: Address { district: Some("001".into()), ..address("00001", "Số 1 & 2, ngõ <Mẫu>") },
        living: Some(address("00004", "Nhà \"Thử\", tổ 5")),
        father: Some((name("Nguyễn", "", "Giả"), Some("001070000009".into()))),
        household: Some("HK-000001".into()),
    };
    let sample = Citizen {
        number: "001199000002".into(),
        old_number: None,
        name: name("Trần", "Thị", "Mẫu"),
        search_name: "TRAN THI MAU".into(),
        birth: Birth::Day("19900220".into()),
        gender: "2".into(),
        residence: address("00007", "Thôn Ví Dụ"),
        living: None,
        father: None,
        household: None,
    };
    // Another person of the same name and day: a search without a number finds both.
    let namesake = Citizen {
        number: "036190000003".into(),
        residence: address("13000", ""),
        father: Some((name("Trần", "Văn", "Mẫu"), None)),
        ..sample.clone()
    };
    let elder = Citizen {
        number: "001050000004".into(),
        name: name("Lê", "", "Dụ"),
        search_name: "LE DU".into(),
        birth: Birth::Year("1950".into()),
        gender: "1".into(),
        household: Some(String::new()),
        ..sample.clone()
    };
    vec![trial, sample, namesake, elder]
}

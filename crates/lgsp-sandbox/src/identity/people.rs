//! The people who can sign in at the simulated identity providers, and what links the accounts of one person.
//!
//! Nobody here exists. Which of them a provider knows stands in the provider's file.

use serde::{Deserialize, Serialize};

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// `LoaiTaiKhoan` 1.
    Citizen,
    /// `LoaiTaiKhoan` 2.
    Enterprise,
    /// `LoaiTaiKhoan` 3.
    Organisation,
    /// An officer of an agency; has no `LoaiTaiKhoan`.
    Officer,
}

impl AccountKind {
    /// `LoaiTaiKhoan`.
    pub(super) fn number(self) -> Option<u8> {
        match self {
            Self::Citizen => Some(1),
            Self::Enterprise => Some(2),
            Self::Organisation => Some(3),
            Self::Officer => None,
        }
    }

    /// The word in claims of the province.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Citizen => "citizen",
            Self::Enterprise => "enterprise",
            Self::Organisation => "organisation",
            Self::Officer => "officer",
        }
    }
}

/// An account at one provider. What the provider does not know is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Names it on the page and in lists: letters, digits and hyphens.
    pub id: String,
    /// What it is for.
    pub kind: AccountKind,
    /// `HoVaTen`, or the name of the enterprise.
    pub name: String,
    /// `TechID`.
    #[serde(default)]
    pub tech_id: Option<String>,
    /// `SoDinhDanh`, 12 digits.
    #[serde(default)]
    pub identity_number: Option<String>,
    /// `SoCMND`, 9 digits.
    #[serde(default)]
    pub old_number: Option<String>,
    /// `MaSoThue`.
    #[serde(default)]
    pub tax_code: Option<String>,
    /// `yyyyMMdd`, or `yyyy` of older people.
    #[serde(default)]
    pub birth: Option<String>,
    /// Mail.
    #[serde(default)]
    pub email: Option<String>,
    /// Telephone.
    #[serde(default)]
    pub phone: Option<String>,
    /// The agency of an officer.
    #[serde(default)]
    pub agency: Option<String>,
    /// How surely the person is known, 1 to 3.
    #[serde(default = "least")]
    pub level: u8,
}

fn least() -> u8 {
    1
}

impl Account {
    /// Somebody of whom nothing is known but the name.
    pub(super) fn of(id: &str, kind: AccountKind, name: &str) -> Self {
        Self {
            id: id.into(),
            kind,
            name: name.into(),
            tech_id: None,
            identity_number: None,
            old_number: None,
            tax_code: None,
            birth: None,
            email: None,
            phone: None,
            agency: None,
            level: 2,
        }
    }

    fn numbered(self, number: &str) -> Self {
        Self { identity_number: Some(number.into()), ..self }
    }

    fn technical(self, tech_id: &str) -> Self {
        Self { tech_id: Some(tech_id.into()), ..self }
    }

    fn born(self, birth: &str) -> Self {
        Self { birth: Some(birth.into()), ..self }
    }

    fn reached(self) -> Self {
        // A name reserved for examples (RFC 2606), and no network of telephones.
        Self { email: Some(format!("{}@vidu.example", self.id)), phone: Some("0000000001".into()), ..self }
    }
}

/// At VNConnect.
pub(super) fn of_vnconnect() -> Vec<Account> {
    use AccountKind::{Citizen, Enterprise, Organisation};
    vec![
        // The same TechID and number at VNeID; the population database knows the number.
        thu().reached(),
        // The same number at VNeID, which has a TechID too.
        Account { old_number: Some("100000002".into()), ..mau() },
        // Only the old number: nothing links it.
        Account { old_number: Some("100000005".into()), level: 1, ..Account::of("cu", Citizen, "Phạm Văn Cũ") }
            .born("1950"),
        // VNeID has another number under the same TechID.
        Account::of("lech", Citizen, "Đỗ Thị Lệch").technical("TECH-LECH").numbered("001199000006").born("19920606"),
        // VNeID has another TechID with the same number.
        Account::of("doi", Citizen, "Vũ Văn Đôi").technical("TECH-DOI-1").numbered("001199000007").born("19930707"),
        // The province knows the same tax code.
        Account {
            tax_code: Some("0100000001".into()),
            ..Account::of("cong-ty", Enterprise, "CÔNG TY TNHH THỬ NGHIỆM MỘT")
        }
        .technical("TECH-DN-1")
        .reached(),
        Account {
            tax_code: Some("0100000008".into()), ..Account::of("to-chuc", Organisation, "Hội Ví Dụ Việt Nam")
        },
    ]
}

/// At VNeID.
pub(super) fn of_vneid() -> Vec<Account> {
    use AccountKind::Citizen;
    vec![
        thu(),
        mau().technical("TECH-MAU"),
        Account::of("lech", Citizen, "Đỗ Thị Lệch").technical("TECH-LECH").numbered("001199000016").born("19920606"),
        Account::of("doi", Citizen, "Vũ Văn Đôi").technical("TECH-DOI-2").numbered("001199000007").born("19930707"),
        // Not yet known in person.
        Account {
            level: 1,
            ..Account::of("moi", Citizen, "Lê Thị Mới").technical("TECH-MOI").numbered("001199000010")
        },
        // Signs in at the province as an officer.
        Account { level: 3, ..minh().technical("TECH-MINH") },
    ]
}

/// At the province's own sign-in.
pub(super) fn of_province() -> Vec<Account> {
    let enterprise = Account::of("cong-ty", AccountKind::Enterprise, "CÔNG TY TNHH THỬ NGHIỆM MỘT");
    vec![
        lan(),
        Account { kind: AccountKind::Officer, ..minh() }.reached().serving(),
        Account { tax_code: Some("0100000001".into()), ..enterprise },
    ]
}

/// At the older sign-in of the province.
pub(super) fn of_cas() -> Vec<Account> {
    // The second has nothing that links it.
    vec![lan(), Account::of("phuc", AccountKind::Officer, "Hoàng Văn Phúc").reached().serving()]
}

fn thu() -> Account {
    Account::of("thu", AccountKind::Citizen, "Nguyễn Văn Thử")
        .technical("TECH-THU")
        .numbered("001199000001")
        .born("19990115")
}

fn mau() -> Account {
    Account::of("mau", AccountKind::Citizen, "Trần Thị Mẫu").numbered("001199000002").born("19900220")
}

fn minh() -> Account {
    Account::of("minh", AccountKind::Citizen, "Bùi Văn Minh").numbered("001199000011").born("19851111")
}

fn lan() -> Account {
    Account::of("lan", AccountKind::Officer, "Ngô Thị Lan")
        .numbered("001199000012")
        .born("19881212")
        .reached()
        .serving()
}

impl Account {
    fn serving(self) -> Self {
        Self { agency: Some("H56.14".into()), ..self }
    }
}

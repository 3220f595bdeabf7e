//! Enterprise registration detail behind a WSO2 gateway: upper-case keys, one representative as an object and several as
//! a list, short tokens.
//!
//! Its enterprises are made up.

use std::collections::BTreeMap;

use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::Access;
use crate::answer::Answer;
use crate::call::{Call, Query};
use crate::partner::{Inside, Inspect, Journal, Partner, Peer, Serves};

/// Enterprises that it may know at most.
const MAX_ENTERPRISES: usize = 10_000;
const DETAIL: &str = "/apiCSDLDKDN/1.0/chiTietDoanhNghiep";

/// What an unknown tax code is answered with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownEnterprise {
    /// HTTP 404.
    #[default]
    NotFound,
    /// HTTP 200 with `MainInformation` and `Representatives` empty.
    Empty,
}

/// How the enterprise register behaves when nothing is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnterpriseSettings {
    /// Who gets tokens, and for how long.
    pub access: Access,
    /// What an unknown tax code is answered with.
    pub unknown: UnknownEnterprise,
}

/// An enterprise as the register knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredEnterprise {
    /// The tax code, which is the registration number: 10 digits, or 13 with a branch.
    pub tax_code: String,
    /// `NAME`.
    pub name: String,
    /// `SHORT_NAME`; may be empty.
    pub short_name: String,
    /// `FOUNDING_DATE`, `dd/MM/yyyy`.
    pub founded: String,
    /// `ADDRESS`.
    pub address: String,
    /// `FULL_NAME` of each representative.
    pub representatives: Vec<String>,
}

/// What the enterprise register has.
pub struct EnterpriseRegister {
    enterprises: BTreeMap<String, RegisteredEnterprise>,
    asked: Journal<String>,
}

/// The enterprise register, shared.
pub type Enterprise = Partner<EnterpriseRegister>;

impl Default for EnterpriseRegister {
    fn default() -> Self {
        let made_up = |tax_code: &str, name: &str, short_name: &str, representatives: &[&str]| RegisteredEnterprise {
            tax_code: tax_code.into(),
            name: name.into(),
            short_name: short_name.into(),
            founded: "15/01/2019".into(),
            address: "Số 1, phố Ví Dụ, phường Mẫu, thành phố Hà Nội".into(),
            representatives: representatives.iter().map(|&name| name.to_owned()).collect(),
        };
        let all = [
            made_up("0100000001", "CÔNG TY TNHH THỬ NGHIỆM MỘT", "THU NGHIEM 1", &["Nguyễn Văn Thử"]),
            made_up("0100000002", "CÔNG TY CỔ PHẦN \"VÍ DỤ\" & MẪU", "", &["Trần Thị Mẫu", "Lê Văn Ví Dụ"]),
            made_up("0100000002-001", "CHI NHÁNH CÔNG TY CỔ PHẦN VÍ DỤ", "", &[]),
        ];
        let enterprises = all.into_iter().map(|enterprise| (enterprise.tax_code.clone(), enterprise)).collect();
        Self { enterprises, asked: Journal::default() }
    }
}

impl Enterprise {
    /// Adds or replaces an enterprise. Refused beyond 10,000.
    pub fn add_enterprise(&self, enterprise: RegisteredEnterprise) -> bool {
        self.lock().own.add(enterprise)
    }

    /// The tax codes that were asked for with a living token, in order; the newest 100,000.
    pub fn asked(&self) -> Vec<String> {
        self.lock().own.asked.rows()
    }
}

impl Peer for EnterpriseRegister {
    const NAME: &'static str = "enterprise";
    type Settings = EnterpriseSettings;
    fn access(settings: &EnterpriseSettings) -> &Access {
        &settings.access
    }
}

impl Serves for EnterpriseRegister {
    fn service(call: &Call) -> &'static str {
        match call.path.as_str() {
            "/token" => "token",
            DETAIL => "chiTietDoanhNghiep",
            _ => "other",
        }
    }

    fn answer(inside: &mut Inside<Self>, call: &Call, service: &'static str) -> Answer {
        if service == "other" {
            let body = json!({"code": "404", "message": "No matching resource found for given API Request"});
            return Answer::json(StatusCode::NOT_FOUND, &body);
        }
        let code = match call.method {
            Method::GET => call.query.get("msdn").map(str::to_owned),
            Method::POST => posted_code(call),
            _ => return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "GET or POST\n"),
        };
        let Some(code) = code.filter(|code| !code.is_empty()) else {
            return Answer::json(StatusCode::BAD_REQUEST, &json!({"MESSAGE": "Thiếu tham số msdn"}));
        };
        inside.own.asked.push(code.clone());
        match (inside.own.enterprises.get(&code), inside.settings.unknown) {
            (Some(enterprise), _) => Answer::ok(&enterprise.answer()),
            (None, UnknownEnterprise::Empty) => Answer::ok(&json!({"MainInformation": {}, "Representatives": []})),
            (None, UnknownEnterprise::NotFound) => {
                Answer::json(StatusCode::NOT_FOUND, &json!({"MESSAGE": "Không tìm thấy doanh nghiệp"}))
            }
        }
    }
}

impl Inspect for EnterpriseRegister {
    fn list(&self, list: &str) -> Option<Value> {
        match list {
            "asked" => Some(json!(self.asked.rows())),
            "enterprises" => Some(self.enterprises.values().map(|enterprise| json!(enterprise)).collect()),
            _ => None,
        }
    }

    fn command(&mut self, command: &str, body: &[u8]) -> Option<Result<Value, String>> {
        (command == "enterprises").then(|| {
            let enterprise = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            if self.add(enterprise) {
                Ok(json!({"enterprises": self.enterprises.len()}))
            } else {
                Err("no more enterprises".to_owned())
            }
        })
    }
}

/// The code in a JSON or form body.
fn posted_code(call: &Call) -> Option<String> {
    if call.media_type() == "application/x-www-form-urlencoded" {
        return Query::parse(&String::from_utf8_lossy(&call.body)).get("msdn").map(str::to_owned);
    }
    call.json::<Value>()?.get("msdn")?.as_str().map(str::to_owned)
}

impl EnterpriseRegister {
    fn add(&mut self, enterprise: RegisteredEnterprise) -> bool {
        let room = self.enterprises.len() < MAX_ENTERPRISES || self.enterprises.contains_key(&enterprise.tax_code);
        if room {
            self.enterprises.insert(enterprise.tax_code.clone(), enterprise);
        }
        room
    }
}

impl RegisteredEnterprise {
    fn answer(&self) -> Value {
        let representative = |name: &String| json!({"FULL_NAME": name, "POSITION_NAME": "Giám đốc"});
        let mut all: Vec<Value> = self.representatives.iter().map(representative).collect();
        // One stands alone, several in a list: the answer was XML once.
        let representatives = if all.len() == 1 { all.remove(0) } else { Value::Array(all) };
        json!({
            "MainInformation": {
                "ENTERPRISE_GDT_CODE": self.tax_code, "NAME": self.name, "SHORT_NAME": self.short_name,
                "FOUNDING_DATE": self.founded, "ENTERPRISE_STATUS_NAME": "Đang hoạt động", "NAME_F": Value::Null,
            },
            "HOAddress": {"ADDRESS": self.address},
            "Representatives": representatives,
        })
    }
}

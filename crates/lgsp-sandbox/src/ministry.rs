//! A ministry's connector as its clients know it: JSON with integer codes, exact date forms, files by multipart.
//!
//! Its codes for kinds of owners (0, 1, 2) are not those of the national portal (1 to 4): that is its trap.

mod checks;
mod files;

use std::collections::BTreeMap;

use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::Access;
use crate::answer::Answer;
use crate::call::Call;
use crate::partner::{Inside, Inspect, Journal, Partner, Peer, Serves};
use checks::Wrong;
use files::Files;
pub use files::MinistryFile;

/// Dossiers of either direction that it holds at most.
const MAX_DOSSIERS: usize = 100_000;
const API: &str = "/connector/connector/v1/";

/// How the connector behaves when nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MinistrySettings {
    /// Who gets tokens.
    pub access: Access,
    /// Whether the login's answer stands inside `{code, message, data}`.
    pub wrapped_login: bool,
    /// The units that dossiers may be for; empty = all. Others get 403.
    pub units: Vec<String>,
}

impl Default for MinistrySettings {
    fn default() -> Self {
        Self {
            access: Access::default(),
            wrapped_login: false,
            units: vec!["000.00.00.G22".into(), "000.00.00.G13".into()],
        }
    }
}

/// A dossier that was created here, with what followed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MinistryDossier {
    /// The connector's own id.
    pub id: String,
    /// The dossier exactly as it came.
    pub body: Value,
    /// Progress rows in order of arrival; one sent twice stands twice.
    pub steps: Vec<Value>,
    /// Status rows in order of arrival.
    pub statuses: Vec<Value>,
}

/// A dossier that waits to be fetched.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    /// The dossier as it is listed.
    pub body: Value,
    /// What the receiver said of it; absent = it stays listed.
    pub confirmed: Option<Value>,
}

/// What the connector has.
pub struct Connector {
    created: BTreeMap<String, MinistryDossier>,
    waiting: BTreeMap<String, Waiting>,
    files: Files,
    codes_given: u64,
    changes: Journal<String>,
}

/// The connector, shared.
pub type Ministry = Partner<Connector>;

impl Default for Connector {
    fn default() -> Self {
        let mut connector = Self {
            created: BTreeMap::new(),
            waiting: BTreeMap::new(),
            files: Files::default(),
            codes_given: 0,
            changes: Journal::default(),
        };
        for number in 1..=2 {
            connector.offer(json!({
                "IdHoSo": format!("BN-{number}"), "MaHoSo": format!("000.00.00.G22-260701-{number:04}"),
                "MaTTHC": "1.001193", "ChuHoSo": "Nguyễn Văn Thử", "LoaiDoiTuong": 0, "TrangThaiHoSo": 1,
                "HinhThucTiepNhan": 2, "NgayNop": "2026-07-01 08:30:00", "TrangThaiThanhToan": 0,
            }));
        }
        connector
    }
}

impl Ministry {
    /// A dossier created here.
    pub fn dossier(&self, code: &str) -> Option<MinistryDossier> {
        self.lock().own.created.get(code).cloned()
    }

    /// How many dossiers were created here.
    pub fn dossier_count(&self) -> usize {
        self.lock().own.created.len()
    }

    /// Puts a dossier (with `MaHoSo`) where it waits to be fetched. False without a code or without room.
    pub fn offer(&self, dossier: Value) -> bool {
        self.lock().own.offer(dossier)
    }

    /// A dossier that waits or waited to be fetched.
    pub fn waiting(&self, code: &str) -> Option<Waiting> {
        self.lock().own.waiting.get(code).cloned()
    }

    /// A file that was uploaded, by its `IdTepTin`.
    pub fn file(&self, id: &str) -> Option<MinistryFile> {
        self.lock().own.files.get(id).cloned()
    }

    /// The codes of created and changed dossiers in order of arrival; the newest 100,000.
    pub fn changes(&self) -> Vec<String> {
        self.lock().own.changes.rows()
    }
}

impl Peer for Connector {
    const NAME: &'static str = "ministry";
    type Settings = MinistrySettings;
    fn access(settings: &MinistrySettings) -> &Access {
        &settings.access
    }
}

fn said(status: StatusCode, message: &str, data: Value) -> Answer {
    Answer::json(status, &json!({"code": status.as_u16(), "message": message, "data": data}))
}

fn done(data: Value) -> Result<Answer, Wrong> {
    Ok(said(StatusCode::OK, "Thành công", data))
}

impl Serves for Connector {
    fn service(call: &Call) -> &'static str {
        match call.path.strip_prefix(API) {
            Some("login") => "token",
            Some("laymahoso") => "laymahoso",
            Some("laydanhsachhoso") => "laydanhsachhoso",
            Some("hoso/xacnhantrangthainhan") => "xacnhantrangthainhan",
            Some("hoso/noihoso") => "noihoso",
            Some("hoso/capnhatientrinh") => "capnhatientrinh",
            Some("hoso/capnhattrangthai") => "capnhattrangthai",
            Some(_) => "other",
            None if call.path == files::UPLOAD => "upload",
            None if call.path.starts_with(files::DOWNLOAD) => "download",
            None => "other",
        }
    }

    fn unauthorized() -> Answer {
        said(StatusCode::UNAUTHORIZED, "Token không hợp lệ hoặc đã hết hạn", Value::Null)
    }

    fn token(inside: &mut Inside<Self>, call: &Call, wrong: bool) -> Result<Answer, Answer> {
        #[derive(Deserialize)]
        struct Login {
            client_id: String,
            client_secret: String,
        }
        let unreadable = || said(StatusCode::BAD_REQUEST, "Thiếu client_id hoặc client_secret", Value::Null);
        let login: Login = call.json().filter(|_| call.method == Method::POST).ok_or_else(unreadable)?;
        let access = inside.settings.access.clone();
        if wrong || login.client_id != access.client_id || login.client_secret != access.client_secret {
            return Err(said(StatusCode::UNAUTHORIZED, "Sai client_id hoặc client_secret", Value::Null));
        }
        let (token, left) = inside.tokens.give(&access, call);
        let body =
            json!({"access_token": token, "expires_in": left.as_secs(), "token_type": "Bearer", "scope": "connector"});
        Ok(if inside.settings.wrapped_login { said(StatusCode::OK, "Thành công", body) } else { Answer::ok(&body) })
    }

    fn answer(inside: &mut Inside<Self>, call: &Call, service: &'static str) -> Answer {
        let method = if service == "download" { Method::GET } else { Method::POST };
        if service == "other" || call.method != method {
            return said(StatusCode::NOT_FOUND, "Không tìm thấy dịch vụ", Value::Null);
        }
        let answered = match service {
            "laymahoso" => inside.own.next_code(call),
            "laydanhsachhoso" => inside.own.list_waiting(call),
            "xacnhantrangthainhan" => inside.own.confirm(call),
            "noihoso" => create(inside, call),
            "capnhatientrinh" => inside.own.progress(call),
            "upload" => inside.own.files.upload(call).and_then(done),
            "download" => inside.own.files.download(call),
            _ => inside.own.status(call),
        };
        answered.unwrap_or_else(|wrong| said(wrong.status(), &wrong.text(), Value::Null))
    }
}

impl Inspect for Connector {
    fn list(&self, list: &str) -> Option<Value> {
        match list {
            "dossiers" => Some(json!(self.created)),
            "waiting" => Some(json!(self.waiting)),
            "files" => Some(self.files.list()),
            "changes" => Some(json!(self.changes.rows())),
            _ => None,
        }
    }

    fn command(&mut self, command: &str, body: &[u8]) -> Option<Result<Value, String>> {
        (command == "waiting").then(|| {
            let dossier = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            if self.offer(dossier) {
                Ok(json!({"waiting": self.waiting.len()}))
            } else {
                Err("no MaHoSo, or no room".into())
            }
        })
    }
}

fn create(inside: &mut Inside<Connector>, call: &Call) -> Result<Answer, Wrong> {
    let body: Value = call.json().ok_or(Wrong::NotJson)?;
    let code = checks::dossier(&body)?.to_owned();
    let unit = body["MaDonViTiepNhan"].as_str().unwrap_or_default();
    let units = &inside.settings.units;
    if !units.is_empty() && !units.iter().any(|known| known == unit) {
        return Err(Wrong::Forbidden);
    }
    inside.own.files.check_references(&body)?;
    if inside.own.created.contains_key(&code) {
        return Err(Wrong::Exists(code));
    }
    if inside.own.created.len() == MAX_DOSSIERS {
        return Err(Wrong::Full);
    }
    let id = format!("HS{:08}", inside.own.created.len() + 1);
    let dossier = MinistryDossier { id: id.clone(), body, steps: Vec::new(), statuses: Vec::new() };
    inside.own.created.insert(code.clone(), dossier);
    inside.own.changes.push(code.clone());
    done(json!({"IdHoSo": id, "MaHoSo": code}))
}

impl Connector {
    fn offer(&mut self, dossier: Value) -> bool {
        let Some(code) = dossier["MaHoSo"].as_str().map(str::to_owned) else { return false };
        let room = self.waiting.len() < MAX_DOSSIERS;
        if room {
            self.waiting.insert(code, Waiting { body: dossier, confirmed: None });
        }
        room
    }

    fn next_code(&mut self, call: &Call) -> Result<Answer, Wrong> {
        let body: Value = call.json().ok_or(Wrong::NotJson)?;
        let unit = body["MaDonViTiepNhan"].as_str().ok_or(Wrong::Field("MaDonViTiepNhan"))?;
        self.codes_given += 1;
        done(json!({"MaHoSo": format!("{unit}-260701-{:04}", 1000 + self.codes_given)}))
    }

    fn list_waiting(&self, call: &Call) -> Result<Answer, Wrong> {
        let body: Value = call.json().ok_or(Wrong::NotJson)?;
        let wanted = |dossier: &Value| {
            ["TrangThaiHoSo", "MaTTHC", "HinhThucTiepNhan"].iter().all(|name| match &body[*name] {
                Value::Null => true,
                Value::String(text) if text.is_empty() => true,
                given => dossier[*name] == *given,
            })
        };
        let listed = self.waiting.values().filter(|waiting| waiting.confirmed.is_none() && wanted(&waiting.body));
        done(listed.map(|waiting| waiting.body.clone()).collect())
    }

    fn confirm(&mut self, call: &Call) -> Result<Answer, Wrong> {
        let rows = checks::rows(call)?;
        for row in &rows {
            let code = checks::text(row, "MaHoSo")?;
            checks::integer(row, "TrangThaiNhanHoSo", 0..=1)?;
            self.waiting.get(code).ok_or_else(|| Wrong::Unknown(code.to_owned()))?;
        }
        for row in rows {
            let waiting = row["MaHoSo"].as_str().and_then(|code| self.waiting.get_mut(code));
            waiting.expect("checked above").confirmed = Some(row["TrangThaiNhanHoSo"].clone());
        }
        done(Value::Null)
    }

    fn progress(&mut self, call: &Call) -> Result<Answer, Wrong> {
        let rows = checks::rows(call)?;
        for row in &rows {
            checks::step(row)?;
            self.known(row, "IDHoSo")?;
        }
        self.add(rows, |dossier, row| dossier.steps.push(row))
    }

    fn status(&mut self, call: &Call) -> Result<Answer, Wrong> {
        let rows = checks::rows(call)?;
        for row in &rows {
            checks::status(row)?;
            self.known(row, "IdHoSo")?;
        }
        self.add(rows, |dossier, row| dossier.statuses.push(row))
    }

    /// The connector looks at both its own id and the code.
    fn known(&self, row: &Value, id: &'static str) -> Result<(), Wrong> {
        let code = checks::text(row, "MaHoSo")?;
        let dossier = self.created.get(code).ok_or_else(|| Wrong::Unknown(code.to_owned()))?;
        if checks::text(row, id)? == dossier.id { Ok(()) } else { Err(Wrong::Unknown(code.to_owned())) }
    }

    fn add(&mut self, rows: Vec<Value>, add: impl Fn(&mut MinistryDossier, Value)) -> Result<Answer, Wrong> {
        for row in rows {
            let code = row["MaHoSo"].as_str().unwrap_or_default().to_owned();
            add(self.created.get_mut(&code).expect("checked before"), row);
            self.changes.push(code);
        }
        done(Value::Null)
    }
}

//! Profile exchange between units: list, detail, acknowledgement, files. What is not acknowledged stays listed.
//!
//! Sending is not offered on the wire: a test puts profiles in.

use std::collections::BTreeMap;

use hyper::header::{CONTENT_DISPOSITION, HeaderValue};
use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::Access;
use crate::answer::Answer;
use crate::call::Call;
use crate::partner::{Inside, Inspect, Journal, Partner, Peer, Serves};
use crate::scripted::Scripted;

/// Profiles that it may hold at most.
const MAX_PROFILES: usize = 100_000;
/// The size of a file that is offered at most, in bytes.
const MAX_FILE: u64 = 64 << 30;

/// How the profile exchange behaves when nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfilesSettings {
    /// Who gets tokens.
    pub access: Access,
    /// Whether a profile acknowledged with `fail` stays listed.
    pub fail_stays_listed: bool,
    /// Profiles in one list.
    pub page: usize,
}

impl Default for ProfilesSettings {
    fn default() -> Self {
        Self { access: Access::default(), fail_stays_listed: false, page: 100 }
    }
}

/// A profile that waits for its receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// `ref_code`: the same when the same thing is sent twice.
    pub ref_code: String,
    /// `procedures_code`.
    pub procedure: String,
    /// `status`: `TIEPNHAN`, `CAPNHAT`, `RUT`, `TUCHOI`, `KETQUA` or `THANHTOAN`.
    pub status: String,
    /// `status_profile`, 1 to 10.
    pub status_profile: u8,
    /// `from_unit_code`.
    pub from_unit: String,
    /// `to_unit_code`.
    pub to_unit: String,
    /// `process_officials`.
    pub official: String,
    /// `time_of_process`, `yyyyMMddHHmmss`.
    pub time: String,
    /// Its files: name and size in bytes.
    #[serde(default)]
    pub attachments: Vec<(String, u64)>,
}

/// What the receiver said of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AckStatus {
    /// `done`
    Done,
    /// `fail`
    Fail,
}

/// An acknowledgement that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ack {
    /// Of which profile.
    pub profile_id: u64,
    /// What was said.
    pub status: AckStatus,
}

/// What the profile exchange has.
pub struct Mailbox {
    profiles: BTreeMap<u64, (Profile, bool)>,
    next: u64,
    acks: Journal<Ack>,
}

/// The profile exchange, shared.
pub type Profiles = Partner<Mailbox>;

impl Default for Mailbox {
    fn default() -> Self {
        let mut mailbox = Self { profiles: BTreeMap::new(), next: 1, acks: Journal::default() };
        let made_up = |number: u32, status: &str, attachments: &[(&str, u64)]| Profile {
            ref_code: format!("000.00.00.G22-260701-{number:04}"),
            procedure: "1.001193".into(),
            status: status.into(),
            status_profile: 2,
            from_unit: "000.00.00.G22".into(),
            to_unit: "000.00.00.H56".into(),
            official: "Cán bộ Thử".into(),
            time: "20260701083000".into(),
            attachments: attachments.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect(),
        };
        mailbox.put(made_up(1, "TIEPNHAN", &[("Đơn đề nghị.pdf", 20_000)]));
        mailbox.put(made_up(2, "KETQUA", &[]));
        mailbox
    }
}

impl Profiles {
    /// Puts a profile in and answers its id. `None` when the exchange is full or a file too large.
    pub fn put(&self, profile: Profile) -> Option<u64> {
        self.lock().own.put(profile)
    }

    /// The same profile once more under a new id: a duplicate of its `ref_code`.
    pub fn duplicate(&self, profile_id: u64) -> Option<u64> {
        self.lock().own.duplicate(profile_id)
    }

    /// The ids that are listed to a unit.
    pub fn listed(&self, unit: &str) -> Vec<u64> {
        self.lock().own.waiting(unit).map(|(id, _)| id).collect()
    }

    /// The acknowledgements in order; the newest 100,000.
    pub fn acks(&self) -> Vec<Ack> {
        self.lock().own.acks.rows()
    }
}

impl Mailbox {
    fn put(&mut self, profile: Profile) -> Option<u64> {
        if self.profiles.len() == MAX_PROFILES || profile.attachments.iter().any(|(_, size)| *size > MAX_FILE) {
            return None;
        }
        let id = self.next;
        self.next += 1;
        self.profiles.insert(id, (profile, true));
        Some(id)
    }

    fn duplicate(&mut self, id: u64) -> Option<u64> {
        let (profile, _) = self.profiles.get(&id)?.clone();
        self.put(profile)
    }

    fn waiting<'a>(&'a self, unit: &'a str) -> impl Iterator<Item = (u64, &'a Profile)> {
        let waits = |(id, (profile, listed)): (&u64, &'a (Profile, bool))| listed.then_some((*id, profile));
        self.profiles.iter().filter_map(waits).filter(move |(_, profile)| profile.to_unit == unit)
    }

    fn of(&self, call: &Call) -> Option<(u64, &Profile)> {
        let id = call.query.number("profile_id")?;
        self.profiles.get(&id).map(|(profile, _)| (id, profile))
    }

    fn file(&self, path: &str) -> Option<&(String, u64)> {
        let (id, place) = path.split_once('/')?;
        let (profile, _) = self.profiles.get(&id.parse().ok()?)?;
        profile.attachments.get(place.parse::<usize>().ok()?)
    }
}

impl Peer for Mailbox {
    const NAME: &'static str = "profiles";
    type Settings = ProfilesSettings;
    fn access(settings: &ProfilesSettings) -> &Access {
        &settings.access
    }
}

impl Serves for Mailbox {
    fn service(call: &Call) -> &'static str {
        match call.path.as_str() {
            "/token" => "token",
            "/list" => "list",
            "/detail" => "detail",
            "/ack" => "ack",
            path if path.starts_with("/files/") => "files",
            _ => "other",
        }
    }

    fn answer(inside: &mut Inside<Self>, call: &Call, service: &'static str) -> Answer {
        match (service, &call.method) {
            ("list", &Method::GET) => list(inside, call),
            ("detail", &Method::GET) => match inside.own.of(call) {
                Some((id, profile)) => Answer::ok(&profile.detail(id, call.host())),
                None => unknown(),
            },
            ("ack", &Method::POST | &Method::GET) => acknowledge(inside, call),
            ("files", &Method::GET) => match inside.own.file(call.path.trim_start_matches("/files/")) {
                Some((_, size)) => {
                    let pdf = Scripted::pattern(0..*size);
                    Answer::scripted(StatusCode::OK, "application/pdf", pdf)
                        .with(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"tep.pdf\""))
                }
                None => unknown(),
            },
            ("other", _) => unknown(),
            _ => Answer::text(StatusCode::METHOD_NOT_ALLOWED, "GET list, detail, files; POST ack\n"),
        }
    }
}

impl Inspect for Mailbox {
    fn list(&self, list: &str) -> Option<Value> {
        match list {
            "acks" => Some(json!(self.acks.rows())),
            "profiles" => {
                let row = |(id, (profile, listed)): (&u64, &(Profile, bool))| json!({"profile_id": id, "listed": listed, "profile": profile});
                Some(self.profiles.iter().map(row).collect())
            }
            _ => None,
        }
    }

    fn command(&mut self, command: &str, body: &[u8]) -> Option<Result<Value, String>> {
        #[derive(Deserialize)]
        struct Which {
            profile_id: u64,
        }
        let taken = |id: Option<u64>| id.map(|id| json!({"profile_id": id})).ok_or("not taken".to_owned());
        let unreadable = |error: serde_json::Error| error.to_string();
        match command {
            "profiles" => Some(serde_json::from_slice(body).map_err(unreadable).and_then(|it| taken(self.put(it)))),
            "duplicate" => {
                let which = serde_json::from_slice::<Which>(body).map_err(unreadable);
                Some(which.and_then(|which| taken(self.duplicate(which.profile_id))))
            }
            _ => None,
        }
    }
}

fn unknown() -> Answer {
    Answer::json(StatusCode::NOT_FOUND, &json!({"status": "fail", "message": "Không tìm thấy"}))
}

fn bad(message: &str) -> Answer {
    Answer::json(StatusCode::BAD_REQUEST, &json!({"status": "fail", "message": message}))
}

fn list(inside: &Inside<Mailbox>, call: &Call) -> Answer {
    let Some(unit) = call.query.get("unit_code") else { return bad("Thiếu tham số unit_code") };
    let row = |(id, profile): (u64, &Profile)| {
        json!({"profile_id": id, "ref_code": profile.ref_code, "status": profile.status,
               "from_unit_code": profile.from_unit, "to_unit_code": profile.to_unit})
    };
    let rows: Vec<Value> = inside.own.waiting(unit).take(inside.settings.page).map(row).collect();
    Answer::ok(&json!({"status": "success", "profileReceivers": rows}))
}

fn acknowledge(inside: &mut Inside<Mailbox>, call: &Call) -> Answer {
    let Some((profile_id, _)) = inside.own.of(call) else { return unknown() };
    let status = match call.query.get("status") {
        Some("done") => AckStatus::Done,
        Some("fail") => AckStatus::Fail,
        _ => return bad("status phải là done hoặc fail"),
    };
    inside.own.acks.push(Ack { profile_id, status });
    let leaves = status == AckStatus::Done || !inside.settings.fail_stays_listed;
    if leaves && let Some((_, listed)) = inside.own.profiles.get_mut(&profile_id) {
        *listed = false;
    }
    Answer::ok(&json!({"status": "success", "profile_id": profile_id}))
}

impl Profile {
    fn detail(&self, id: u64, host: &str) -> Value {
        let attachment = |(place, (name, _)): (usize, &(String, u64))| {
            json!({"attachment_name": name, "content_type": "application/pdf",
                   "attachment_file_url": format!("http://{host}/profiles/files/{id}/{place}")})
        };
        let attachments: Vec<Value> = self.attachments.iter().enumerate().map(attachment).collect();
        json!({
            "profile_id": id, "ref_code": self.ref_code, "source_id": format!("SRC-{}", self.ref_code),
            "procedures_code": self.procedure, "status": self.status, "from_unit_code": self.from_unit,
            "to_unit_code": self.to_unit, "status_profile": self.status_profile,
            "process_officials": self.official, "time_of_process": self.time,
            "is_request_payment": self.status == "THANHTOAN", "profileAttachments": attachments,
        })
    }
}

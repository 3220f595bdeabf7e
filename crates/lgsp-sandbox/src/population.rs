//! The national population database as its clients know it: SOAP 1.1 in `http://dancuquocgia.bca`, every officer known,
//! and a proxy that wraps the whole SOAP answer into JSON.
//!
//! Its people are made up. Its schema is not public: it enforces the order and the forms that clients report.

mod people;
mod request;
mod soap;

use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::access::{Access, LgspKey, lgsp_refusal};
use crate::answer::Answer;
use crate::call::Call;
use crate::partner::{Inside, Inspect, Journal, Partner, Peer, Serves};
use crate::portal::unix_micros;
pub use people::{Address, Birth, Citizen, PersonName};
pub use request::LookupKind;
use request::Request;
use soap::Fault;

/// People that it may know at most.
const MAX_PEOPLE: usize = 10_000;
const SOAP: &str = "/soap";
const PROXY: &str = "/rest/";

/// How the population database behaves when nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PopulationSettings {
    /// Who gets tokens.
    pub access: Access,
    /// The `lgspaccesstoken` that every call must carry.
    pub lgsp_key: LgspKey,
    /// Calls that the key is good for; absent = no limit. Beyond it 429.
    pub quota: Option<u64>,
    /// The officers that may ask.
    pub officers: Vec<Officer>,
    /// Whether `MaCanBo` must be the username of the officer in `AuthHash`.
    pub officer_must_match: bool,
    /// The `MaTichHop` of a search.
    pub search_code: String,
    /// The `MaTichHop` of a check.
    pub check_code: String,
    /// Whether answers name their namespace by a prefix (`ns2:`) instead of a default.
    pub prefixed: bool,
    /// Whether texts of answers stand in CDATA.
    pub cdata: bool,
    /// Whether what is empty is `xsi:nil`.
    pub nil: bool,
    /// Whether `TonTai` is `1`/`0` instead of `true`/`false`.
    pub digits: bool,
}

impl Default for PopulationSettings {
    fn default() -> Self {
        let officer = |username: &str| Officer { username: username.into(), password: "lgsp-sandbox".into() };
        Self {
            access: Access::default(),
            lgsp_key: LgspKey::default(),
            quota: None,
            officers: vec![officer("canbo.thu"), officer("canbo.mau")],
            officer_must_match: false,
            search_code: "037".into(),
            check_code: "033".into(),
            prefixed: false,
            cdata: false,
            nil: false,
            digits: false,
        }
    }
}

/// An officer who may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Officer {
    /// The name in `AuthHash`.
    pub username: String,
    /// The password in `AuthHash`.
    pub password: String,
}

impl Officer {
    /// The value of the `AuthHash` header.
    pub fn auth_hash(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.username, self.password))
    }
}

/// One question that was answered, as the database's own audit has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lookup {
    /// `MaYeuCau`: the caller's name of the question.
    pub request_id: String,
    /// Search or check.
    pub kind: LookupKind,
    /// The officer of `AuthHash`.
    pub officer: String,
    /// `MaCanBo`.
    pub officer_code: String,
    /// `MaDVC`: for which service.
    pub service_code: String,
    /// `SoDinhDanh` or `SoCMND` that was asked for.
    pub number: Option<String>,
    /// `HoVaTen` that was asked for.
    pub name: String,
    /// How many people answered to it.
    pub found: usize,
    /// When, in microseconds since 1970 UTC.
    pub at_micros: u64,
}

/// What the population database has.
pub struct Register {
    people: Vec<Citizen>,
    lookups: Journal<Lookup>,
    /// Calls that the key paid for.
    charged: u64,
}

impl Default for Register {
    fn default() -> Self {
        Self { people: people::made_up(), lookups: Journal::default(), charged: 0 }
    }
}

/// The population database, shared.
pub type Population = Partner<Register>;

impl Population {
    /// Adds a person. Refused beyond 10,000.
    pub fn add_citizen(&self, citizen: Citizen) -> bool {
        let people = &mut self.lock().own.people;
        let room = people.len() < MAX_PEOPLE;
        if room {
            people.push(citizen);
        }
        room
    }

    /// The people.
    pub fn citizens(&self) -> Vec<Citizen> {
        self.lock().own.people.clone()
    }

    /// The questions that were answered, in order; the newest 100,000.
    pub fn lookups(&self) -> Vec<Lookup> {
        self.lock().own.lookups.rows()
    }

    /// How many questions were answered.
    pub fn lookup_count(&self) -> u64 {
        self.lock().own.lookups.count()
    }
}

impl Peer for Register {
    const NAME: &'static str = "population";
    type Settings = PopulationSettings;
    fn access(settings: &PopulationSettings) -> &Access {
        &settings.access
    }
}

impl Serves for Register {
    fn service(call: &Call) -> &'static str {
        match call.path.as_str() {
            "/token" => "token",
            SOAP => "soap",
            path if path.starts_with(PROXY) => "rest",
            _ => "other",
        }
    }

    fn is_open(service: &str) -> bool {
        service == "other"
    }

    fn answer(inside: &mut Inside<Self>, call: &Call, service: &'static str) -> Answer {
        if service == "other" {
            return Answer::text(StatusCode::NOT_FOUND, "POST token, soap, rest/TraCuuThongTinCongDan, …\n");
        }
        if call.method != Method::POST {
            return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "POST only\n");
        }
        if let Err(refusal) = charge(inside, call) {
            return refusal;
        }
        if service == "soap" {
            let said = officer(inside, call).and_then(|officer| {
                soap::accepts(call)?;
                Ok((officer, Request::from_soap(&call.body)?))
            });
            match said.and_then(|(officer, request)| look_up(inside, &officer, &request)) {
                Ok(answer) => soap::answer(answer),
                Err(fault) => soap::fault(&fault),
            }
        } else {
            let operation = call.path.trim_start_matches(PROXY);
            let said = officer(inside, call)
                .and_then(|officer| Ok((officer, Request::from_json(operation, &call.body)?)))
                .and_then(|(officer, request)| look_up(inside, &officer, &request));
            // The proxy answers 200 whatever happened, with the whole envelope as text.
            Answer::ok(&match said {
                Ok(envelope) => json!({"error_code": 0, "message": envelope}),
                Err(fault) => json!({"error_code": -1, "message": fault.envelope()}),
            })
        }
    }
}

impl Inspect for Register {
    fn list(&self, list: &str) -> Option<Value> {
        match list {
            "lookups" => Some(json!(self.lookups.rows())),
            "citizens" => Some(json!(self.people)),
            _ => None,
        }
    }

    fn command(&mut self, command: &str, body: &[u8]) -> Option<Result<Value, String>> {
        (command == "citizens").then(|| {
            let citizen: Citizen = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            if self.people.len() == MAX_PEOPLE {
                return Err("no more people".to_owned());
            }
            self.people.push(citizen);
            Ok(json!({"citizens": self.people.len()}))
        })
    }
}

fn charge(inside: &mut Inside<Register>, call: &Call) -> Result<(), Answer> {
    inside.settings.lgsp_key.check(call)?;
    if inside.settings.quota.is_some_and(|quota| inside.own.charged >= quota) {
        return Err(lgsp_refusal(StatusCode::TOO_MANY_REQUESTS, "Vượt quá hạn mức sử dụng dịch vụ"));
    }
    inside.own.charged += 1;
    Ok(())
}

fn officer(inside: &Inside<Register>, call: &Call) -> Result<String, Fault> {
    let given = call.header("AuthHash").unwrap_or_default();
    let known = inside.settings.officers.iter().find(|officer| officer.auth_hash() == given);
    known.map(|officer| officer.username.clone()).ok_or(Fault::Officer)
}

/// The answer's envelope, once the question is written down.
fn look_up(inside: &mut Inside<Register>, officer: &str, request: &Request) -> Result<String, Fault> {
    let settings = &inside.settings;
    if settings.officer_must_match && request.officer != officer {
        return Err(Fault::Officer);
    }
    let code = match request.kind {
        LookupKind::Search => &settings.search_code,
        LookupKind::Check => &settings.check_code,
    };
    if request.integration != *code {
        return Err(Fault::Integration(request.integration.clone()));
    }
    let found: Vec<&Citizen> = inside.own.people.iter().filter(|citizen| request.is_about(citizen)).collect();
    let count = found.len();
    let envelope = match request.kind {
        LookupKind::Search => soap::people(&request.page_of(&found), settings),
        LookupKind::Check => soap::exists(count > 0, settings),
    };
    inside.own.lookups.push(Lookup {
        request_id: request.id.clone(),
        kind: request.kind,
        officer: officer.to_owned(),
        officer_code: request.officer.clone(),
        service_code: request.service.clone(),
        number: request.number.clone(),
        name: request.name.clone(),
        found: count,
        at_micros: unix_micros(),
    });
    Ok(envelope)
}

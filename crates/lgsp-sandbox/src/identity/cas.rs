//! The older sign-in of the province's officers: CAS 3.0, tickets in place of tokens, XML.
//!
//! It remembers no browser and sends no messages when somebody signs out.

use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::keys::random_name;
use super::openid::add;
use super::page;
use super::people::{self, Account};
use crate::access::Access;
use crate::address::{may_return, send_back};
use crate::answer::Answer;
use crate::call::{Call, Query};
use crate::html::escaped;
use crate::partner::{Inside, Inspect, Partner, Peer, Serves};
use crate::recent::Recent;

const TITLE: &str = "Tài khoản cán bộ (CAS)";

/// A rule of CAS that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CasFault {
    /// A success whose `user` is empty.
    EmptyUser,
    /// A success without a `user`.
    MissingUser,
    /// A success whose elements are in no namespace.
    NoNamespace,
    /// A success behind a document type with entities, the user being one.
    Entities,
    /// Success and failure in one answer.
    Both,
}

/// How the older sign-in behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CasSettings {
    /// Only the delay of answers counts: CAS knows no clients.
    pub access: Access,
    /// Services that may be signed in to or returned to, to the letter and without their query; empty = any.
    pub services: Vec<String>,
    /// The life of a ticket in milliseconds.
    pub ticket_lifetime_ms: u64,
    /// The rule that every validation breaks; absent = none.
    pub spoil: Option<CasFault>,
}

impl Default for CasSettings {
    fn default() -> Self {
        Self { access: Access::default(), services: Vec::new(), ticket_lifetime_ms: 10_000, spoil: None }
    }
}

/// A sign-in that a person made with CAS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CasSignIn {
    /// The account, which is the `user` of answers.
    pub person: String,
    /// For which service.
    pub service: String,
    /// Whether the ticket was looked at.
    pub validated: bool,
    /// Whether the answer was a success.
    pub accepted: bool,
    #[serde(skip)]
    ends: Instant,
}

/// What the older sign-in has.
pub struct CasServer {
    people: Vec<Account>,
    tickets: Recent<CasSignIn>,
}

/// The older sign-in, shared.
pub type Cas = Partner<CasServer>;

impl Default for CasServer {
    fn default() -> Self {
        Self { people: people::of_cas(), tickets: Recent::default() }
    }
}

impl Cas {
    /// Who can sign in.
    pub fn people(&self) -> Vec<Account> {
        self.lock().own.people.clone()
    }

    /// Adds or replaces an account. Refused beyond 1,000.
    pub fn add_person(&self, account: Account) -> bool {
        add(&mut self.lock().own.people, account)
    }

    /// The sign-ins in order; the newest 10,000.
    pub fn sign_ins(&self) -> Vec<CasSignIn> {
        self.lock().own.tickets.values().cloned().collect()
    }
}

impl Peer for CasServer {
    const NAME: &'static str = "identity-cas";
    type Settings = CasSettings;
    fn access(settings: &CasSettings) -> &Access {
        &settings.access
    }
}

impl Serves for CasServer {
    fn service(call: &Call) -> &'static str {
        match call.path.as_str() {
            "/login" => "login",
            "/serviceValidate" | "/p3/serviceValidate" => "serviceValidate",
            "/logout" => "logout",
            _ => "other",
        }
    }

    fn is_open(_service: &str) -> bool {
        true
    }

    fn token(_inside: &mut Inside<Self>, _call: &Call, _wrong: bool) -> Result<Answer, Answer> {
        Err(not_found())
    }

    fn answer(inside: &mut Inside<Self>, call: &Call, service: &'static str) -> Answer {
        match (service, &call.method) {
            ("login", &Method::GET | &Method::POST) => login(inside, call),
            ("serviceValidate", &Method::GET) => validate(inside, call),
            ("logout", &Method::GET) => match call.query.get("service") {
                Some(to) if is_service(&inside.settings, to) => send_back(to, &[]),
                Some(_) => page::refused("service is not allowed"),
                None => page::signed_out(),
            },
            ("other", _) => not_found(),
            _ => Answer::text(StatusCode::METHOD_NOT_ALLOWED, "not this method\n"),
        }
    }
}

impl Inspect for CasServer {
    fn list(&self, list: &str) -> Option<Value> {
        match list {
            "people" => Some(json!(self.people)),
            "sign-ins" => Some(self.tickets.values().map(|sign_in| json!(sign_in)).collect()),
            _ => None,
        }
    }

    fn command(&mut self, command: &str, body: &[u8]) -> Option<Result<Value, String>> {
        (command == "people").then(|| {
            let account = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            let room = add(&mut self.people, account);
            if room { Ok(json!({"people": self.people.len()})) } else { Err("no more people".to_owned()) }
        })
    }
}

fn not_found() -> Answer {
    Answer::text(StatusCode::NOT_FOUND, "login, p3/serviceValidate, logout\n")
}

/// Whether a service may be returned to; what it carries in its query is its own affair.
fn is_service(settings: &CasSettings, service: &str) -> bool {
    let bare = service.split('?').next().unwrap_or_default();
    may_return(&[], service) && may_return(&settings.services, bare)
}

fn login(inside: &mut Inside<CasServer>, call: &Call) -> Answer {
    let Some(service) = call.query.get("service") else { return page::refused("service is missing") };
    if !is_service(&inside.settings, service) {
        return page::refused("service is not allowed");
    }
    // Nobody is signed in without being asked (CAS 3.0 §2.1.1).
    if call.query.get("gateway").is_some() {
        return send_back(service, &[]);
    }
    let page = |notice| page::choose(TITLE, service, notice, inside.own.people.iter());
    if call.method == Method::GET {
        return page(None);
    }
    let form = Query::parse(&String::from_utf8_lossy(&call.body));
    if form.get("cancel").is_some() {
        // CAS has no word for it: the service gets no ticket.
        return send_back(service, &[]);
    }
    let person = form.get("person").filter(|person| inside.own.people.iter().any(|known| known.id == **person));
    let Some(person) = person else { return page(Some("Hãy chọn một tài khoản. / Choose an account.")) };
    let ticket = format!("ST-{}", random_name());
    let sign_in = CasSignIn {
        person: person.to_owned(),
        service: service.to_owned(),
        validated: false,
        accepted: false,
        ends: call.now + Duration::from_millis(inside.settings.ticket_lifetime_ms),
    };
    inside.own.tickets.put(ticket.clone(), sign_in);
    send_back(service, &[("ticket", &ticket)])
}

fn validate(inside: &mut Inside<CasServer>, call: &Call) -> Answer {
    let (Some(service), Some(ticket)) = (call.query.get("service"), call.query.get("ticket")) else {
        return failure("INVALID_REQUEST", "service and ticket are required");
    };
    let spoil = inside.settings.spoil;
    let CasServer { people, tickets } = &mut inside.own;
    let living = tickets.get_mut(ticket).filter(|sign_in| !sign_in.validated && sign_in.ends > call.now);
    let Some(sign_in) = living else { return failure("INVALID_TICKET", &format!("Ticket {ticket} not recognized")) };
    // Shown once, good no more, whatever it is shown for (CAS 3.0 §2.5.2).
    sign_in.validated = true;
    if sign_in.service != service {
        return failure("INVALID_SERVICE", "the ticket is for another service");
    }
    let Some(account) = people.iter().find(|account| account.id == sign_in.person) else {
        return failure("INTERNAL_ERROR", "the account is gone");
    };
    sign_in.accepted = true;
    success(account, call.path.starts_with("/p3/"), spoil)
}

const XML: &str = "application/xml; charset=utf-8";
const NAMESPACE: &str = "xmlns:cas=\"http://www.yale.edu/tp/cas\"";

fn failure(code: &str, message: &str) -> Answer {
    let element = failed(code, message);
    Answer::of(StatusCode::OK, XML, format!("<cas:serviceResponse {NAMESPACE}>{element}</cas:serviceResponse>\n"))
}

fn failed(code: &str, message: &str) -> String {
    format!("<cas:authenticationFailure code=\"{code}\">{}</cas:authenticationFailure>", escaped(message))
}

fn success(account: &Account, with_attributes: bool, spoil: Option<CasFault>) -> Answer {
    let user = match spoil {
        Some(CasFault::MissingUser) => String::new(),
        Some(CasFault::EmptyUser) => "<cas:user></cas:user>".to_owned(),
        Some(CasFault::Entities) => "<cas:user>&who;</cas:user>".to_owned(),
        _ => format!("<cas:user>{}</cas:user>", escaped(&account.id)),
    };
    let attributes = if with_attributes { attributes(account) } else { String::new() };
    let also = if spoil == Some(CasFault::Both) { failed("INVALID_TICKET", "or not") } else { String::new() };
    let body = format!(
        "<cas:serviceResponse {NAMESPACE}>\n <cas:authenticationSuccess>\n  {user}\n{attributes} \
         </cas:authenticationSuccess>\n{also}</cas:serviceResponse>\n"
    );
    let body = match spoil {
        Some(CasFault::NoNamespace) => body.replace(&format!(" {NAMESPACE}"), "").replace("cas:", ""),
        Some(CasFault::Entities) => {
            let name = escaped(&account.id);
            format!("<!DOCTYPE a [<!ENTITY half \"{name}\"><!ENTITY who \"&half;\">]>\n{body}")
        }
        _ => body,
    };
    Answer::of(StatusCode::OK, XML, body)
}

fn attributes(account: &Account) -> String {
    let all = [
        ("displayName", Some(&account.name)),
        ("mail", account.email.as_ref()),
        ("telephoneNumber", account.phone.as_ref()),
        ("SoDinhDanh", account.identity_number.as_ref()),
        ("maDonVi", account.agency.as_ref()),
    ];
    let element = |(name, value): (&str, Option<&String>)| {
        value.map(|value| format!("   <cas:{name}>{}</cas:{name}>\n", escaped(value)))
    };
    let own: String = all.into_iter().filter_map(element).collect();
    format!(
        "  <cas:attributes>\n   <cas:isFromNewLogin>true</cas:isFromNewLogin>\n\
         \x20  <cas:longTermAuthenticationRequestTokenUsed>false</cas:longTermAuthenticationRequestTokenUsed>\n{own}  \
         </cas:attributes>\n"
    )
}

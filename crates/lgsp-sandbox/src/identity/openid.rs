//! A simulated OpenID provider: what all of them have, and what a kind of them must say.
//!
//! The calls themselves stand in `authorize`, `redeem` and `logout`, what is particular in a kind's own file.

use std::marker::PhantomData;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hyper::header::{HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::keys::Keys;
use super::people::Account;
use super::settings::{IdentitySettings, PkceRule, SigningAlgorithm, SubjectRule, replace};
use super::spoil::TokenFault;
use super::{authorize, logout, redeem};
use crate::access::Access;
use crate::address;
use crate::answer::Answer;
use crate::call::Call;
use crate::partner::{Inside, Inspect, Partner, Peer, Serves};
use crate::recent::Recent;

/// Accounts that a provider may know at most; its page lists them all.
const MAX_PEOPLE: usize = 1_000;

/// What distinguishes one provider from the others.
pub trait Provider: Default + Send + 'static {
    /// Its name below `/sandbox/`.
    const NAME: &'static str;
    /// Where its paths start.
    const ROOT: &'static str;
    /// Its name on its page.
    const TITLE: &'static str;
    /// Its endpoints below the root.
    const PATHS: Paths;
    /// What it does with a code challenge.
    const PKCE: PkceRule;
    /// What it signs with.
    const ALGORITHM: SigningAlgorithm;
    /// Whether `aud` is a list of one.
    const AUDIENCE_LIST: bool;
    /// Whether the way back has `iss` (RFC 9207).
    const RESPONSE_ISSUER: bool;
    /// Its issuer, from the address of its root.
    fn issuer(root: &str) -> String;
    /// Who is there from the start.
    fn people() -> Vec<Account>;
    /// What userinfo says of somebody beside `sub`.
    fn claims(account: &Account) -> Value;
    /// `acr` of a level.
    fn acr(level: u8) -> String;
}

/// Endpoints below the root of a provider.
#[derive(Clone, Copy, Debug)]
pub struct Paths {
    pub(super) authorize: &'static str,
    pub(super) token: &'static str,
    pub(super) userinfo: &'static str,
    pub(super) jwks: &'static str,
    pub(super) logout: &'static str,
    pub(super) discovery: Option<&'static str>,
}

/// A sign-in that a person made at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignIn {
    /// Names the session in tokens.
    pub sid: String,
    /// The account.
    pub person: String,
    /// `sub` in tokens.
    pub subject: String,
    /// The provider's issuer as the client addressed it.
    pub issuer: String,
    /// Who asked.
    pub client_id: String,
    /// Where the browser was sent back to.
    pub redirect_uri: String,
    /// As asked.
    pub scope: String,
    /// As asked.
    pub nonce: Option<String>,
    /// As asked.
    pub acr_values: Option<String>,
    /// As asked.
    pub prompt: Option<String>,
    /// As asked, kept also where it is ignored.
    pub code_challenge: Option<String>,
    /// As asked.
    pub code_challenge_method: Option<String>,
    /// When it was, in seconds since 1970.
    pub auth_time: u64,
    /// Whether the code became tokens.
    pub redeemed: bool,
    /// Whether the person signed out here, or the code was shown again: the access token is worth nothing any more.
    pub ended: bool,
}

/// A code that was given.
pub(super) struct Code {
    pub(super) sid: String,
    pub(super) ends: Instant,
    pub(super) used: bool,
}

/// What a simulated OpenID provider has.
pub struct OpenId<K> {
    pub(super) people: Vec<Account>,
    pub(super) keys: Keys,
    pub(super) codes: Recent<Code>,
    /// Sessions by access token.
    pub(super) bearers: Recent<String>,
    pub(super) sign_ins: Recent<SignIn>,
    kind: PhantomData<K>,
}

impl<K: Provider> Default for OpenId<K> {
    fn default() -> Self {
        Self {
            people: K::people(),
            keys: Keys::default(),
            codes: Recent::default(),
            bearers: Recent::default(),
            sign_ins: Recent::default(),
            kind: PhantomData,
        }
    }
}

impl<K: Provider> Partner<OpenId<K>> {
    /// Who can sign in.
    pub fn people(&self) -> Vec<Account> {
        self.lock().own.people.clone()
    }

    /// Adds or replaces an account. Refused beyond 1,000.
    pub fn add_person(&self, account: Account) -> bool {
        self.lock().own.add(account)
    }

    /// The sign-ins in order; the newest 10,000.
    pub fn sign_ins(&self) -> Vec<SignIn> {
        self.lock().own.sign_ins.values().cloned().collect()
    }

    /// What is signed from now on has a new key; the old ones stay published.
    pub fn rotate_keys(&self) {
        self.lock().own.keys.rotate();
    }

    /// Old keys are published no longer.
    pub fn drop_old_keys(&self) {
        self.lock().own.keys.drop_old();
    }

    /// The issuer when the provider is addressed at this place, such as `http://127.0.0.1:9090`.
    pub fn issuer(&self, base: &str) -> String {
        let base = self.settings().base.unwrap_or_else(|| base.to_owned());
        K::issuer(&format!("{}{}", base.trim_end_matches('/'), K::ROOT))
    }
}

impl<K: Provider> Peer for OpenId<K> {
    const NAME: &'static str = K::NAME;
    type Settings = IdentitySettings;
    fn access(settings: &IdentitySettings) -> &Access {
        &settings.access
    }
    fn forget(&mut self) {
        // Whoever trusts the keys would have to learn new ones.
        let keys = std::mem::take(&mut self.keys);
        *self = Self { keys, ..Self::default() };
    }
}

impl<K: Provider> Serves for OpenId<K> {
    fn service(call: &Call) -> &'static str {
        let path = call.path.as_str();
        let all = [
            (K::PATHS.authorize, "authorize"),
            (K::PATHS.token, "token"),
            (K::PATHS.userinfo, "userinfo"),
            (K::PATHS.jwks, "jwks"),
            (K::PATHS.logout, "logout"),
            (K::PATHS.discovery.unwrap_or_default(), "discovery"),
        ];
        all.iter().find(|(known, _)| *known == path).map_or("other", |(_, service)| service)
    }

    fn is_open(service: &str) -> bool {
        service != "userinfo"
    }

    fn unauthorized() -> Answer {
        let body = json!({"error": "invalid_token", "error_description": "Access token validation failed"});
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        Answer::json(StatusCode::UNAUTHORIZED, &body).with(WWW_AUTHENTICATE, challenge)
    }

    fn token(inside: &mut Inside<Self>, call: &Call, wrong: bool) -> Result<Answer, Answer> {
        redeem::token(inside, call, wrong)
    }

    fn answer(inside: &mut Inside<Self>, call: &Call, service: &'static str) -> Answer {
        match (service, &call.method) {
            ("authorize", _) => authorize::answer(inside, call),
            ("logout", &Method::GET | &Method::POST) => logout::answer(inside, call),
            ("userinfo", &Method::GET | &Method::POST) => inside.userinfo(call),
            ("jwks", &Method::GET) => {
                let algorithm = inside.algorithm();
                Answer::ok(&inside.own.keys.jwks(algorithm))
            }
            ("discovery", &Method::GET) => inside.discovery(call),
            ("other", _) => Answer::text(StatusCode::NOT_FOUND, "no such endpoint\n"),
            _ => Answer::text(StatusCode::METHOD_NOT_ALLOWED, "not this method\n"),
        }
    }
}

impl<K: Provider> Inspect for OpenId<K> {
    fn list(&self, list: &str) -> Option<Value> {
        match list {
            "people" => Some(json!(self.people)),
            "sign-ins" => Some(self.sign_ins.values().map(|sign_in| json!(sign_in)).collect()),
            "keys" => Some(self.keys.list()),
            _ => None,
        }
    }

    fn command(&mut self, command: &str, body: &[u8]) -> Option<Result<Value, String>> {
        match command {
            "people" => Some(serde_json::from_slice(body).map_err(|error| error.to_string()).and_then(|account| {
                if self.add(account) { Ok(json!({"people": self.people.len()})) } else { Err("no more people".into()) }
            })),
            "rotate-keys" => {
                self.keys.rotate();
                Some(Ok(self.keys.list()))
            }
            "drop-old-keys" => {
                self.keys.drop_old();
                Some(Ok(self.keys.list()))
            }
            _ => None,
        }
    }
}

impl<K> OpenId<K> {
    fn add(&mut self, account: Account) -> bool {
        add(&mut self.people, account)
    }

    pub(super) fn person(&self, id: &str) -> Option<&Account> {
        self.people.iter().find(|account| account.id == id)
    }
}

/// Adds or replaces an account; false when there is no room.
pub(super) fn add(people: &mut Vec<Account>, account: Account) -> bool {
    if let Some(known) = people.iter_mut().find(|known| known.id == account.id) {
        *known = account;
        return true;
    }
    let room = people.len() < MAX_PEOPLE;
    if room {
        people.push(account);
    }
    room
}

impl<K: Provider> Inside<OpenId<K>> {
    pub(super) fn root(&self, call: &Call) -> String {
        format!("{}{}", address::base(self.settings.base.as_deref(), call), K::ROOT)
    }

    pub(super) fn issuer(&self, call: &Call) -> String {
        K::issuer(&self.root(call))
    }

    pub(super) fn algorithm(&self) -> SigningAlgorithm {
        self.settings.algorithm.unwrap_or(K::ALGORITHM)
    }

    pub(super) fn pkce(&self) -> PkceRule {
        self.settings.pkce.unwrap_or(K::PKCE)
    }

    pub(super) fn spoils(&self, fault: TokenFault) -> bool {
        self.settings.spoil == Some(fault)
    }

    pub(super) fn subject(&self, person: &str) -> String {
        match self.settings.subject {
            SubjectRule::Own => format!("{}-{person}", K::NAME.trim_start_matches("identity-")),
            SubjectRule::Everywhere => format!("person-{person}"),
            SubjectRule::Reused => "somebody".to_owned(),
        }
    }

    fn userinfo(&self, call: &Call) -> Answer {
        let sid = call.bearer().and_then(|token| self.own.bearers.get(token));
        let sign_in = sid.and_then(|sid| self.own.sign_ins.get(sid)).filter(|sign_in| !sign_in.ended);
        let found = sign_in.and_then(|sign_in| Some((sign_in, self.own.person(&sign_in.person)?)));
        let Some((sign_in, account)) = found else { return OpenId::<K>::unauthorized() };
        let stranger = self.spoils(TokenFault::UserinfoSubject);
        let subject = if stranger { "another-subject" } else { sign_in.subject.as_str() };
        let mut claims = match K::claims(account) {
            Value::Object(claims) => claims,
            _ => Map::new(),
        };
        // What a provider does not know it leaves out.
        claims.retain(|_, value| !value.is_null());
        claims.insert("sub".into(), json!(subject));
        replace(&mut claims, &self.settings.claims);
        Answer::ok(&Value::Object(claims))
    }

    fn discovery(&self, call: &Call) -> Answer {
        let root = self.root(call);
        let at = |path: &str| format!("{root}{path}");
        let document = json!({
            "issuer": self.issuer(call),
            "authorization_endpoint": at(K::PATHS.authorize),
            "token_endpoint": at(K::PATHS.token),
            "userinfo_endpoint": at(K::PATHS.userinfo),
            "jwks_uri": at(K::PATHS.jwks),
            "end_session_endpoint": at(K::PATHS.logout),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid", "profile", "email", "phone"],
            "id_token_signing_alg_values_supported": [self.algorithm().as_str()],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256", "plain"],
            "authorization_response_iss_parameter_supported": K::RESPONSE_ISSUER,
            "backchannel_logout_supported": true,
            "backchannel_logout_session_supported": true,
        });
        let mut document = document.as_object().cloned().unwrap_or_default();
        replace(&mut document, &self.settings.discovery);
        Answer::ok(&Value::Object(document))
    }
}

/// Seconds since 1970.
pub(super) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

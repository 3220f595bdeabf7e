//! A one-stop system that was written for the portal's adapter: it logs in, carries its session in the body, and sends
//! one record with each call. Only its URL was changed.

use std::sync::{Arc, Mutex};

use lgsp_model::EventKind;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{ATTEMPTS, ClientError, Heard, PAUSE, SharedLedger, outcome_in};
use crate::demo::life::{Expected, Life, Lives, Message};
use crate::demo::weather::Pace;
use crate::demo::world::System;

/// Dossiers at work side by side.
const SIDE_BY_SIDE: u64 = 8;
/// The path that its software has had configured for years, below the gateway's address.
const ADAPTER: &str = "/XrdAdapter/RestService/forward";
/// The provider that its software names.
const DSTCODE: &str = "VN:GOV:000.00.00.G22:vpcpdvcprovider";
/// Errors of the gateway that pass by themselves, as the dialect numbers them.
const BUSY: [&str; 4] = ["1601", "1602", "1603", "1604"];

/// User name and password of a member in the national dialect.
#[derive(Clone)]
pub struct PasswordLogin {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

pub(crate) struct Adapter {
    http: reqwest::Client,
    base: String,
    login: PasswordLogin,
    session: Mutex<String>,
    ledger: SharedLedger,
}

impl Adapter {
    pub(crate) fn new(base: &str, login: PasswordLogin, ledger: SharedLedger) -> Self {
        let base = format!("{base}{ADAPTER}");
        Self { http: reqwest::Client::new(), base, login, session: Mutex::default(), ledger }
    }

    pub(crate) async fn live(self: Arc<Self>, mut lives: Lives, count: u64) -> Result<(), ClientError> {
        let mut at_work = JoinSet::new();
        let pace = Pace::of(count);
        for started in 0..count {
            pace.wait_for(started).await;
            if started >= SIDE_BY_SIDE {
                at_work.join_next().await.expect("some are at work").expect("a life does not panic")?;
            }
            at_work.spawn(Arc::clone(&self).one(lives.next(System::Adapter)));
        }
        while let Some(done) = at_work.join_next().await {
            done.expect("a life does not panic")?;
        }
        Ok(())
    }

    /// How many procedures the portal's catalogue has, asked through the gateway.
    pub(crate) async fn procedures(&self) -> Result<u64, ClientError> {
        let (body, _) = self.call(json!({"service": "LayDanhSachTTHC"}), "the catalogue").await?;
        Ok(body["result"].as_array().map_or(0, Vec::len) as u64)
    }

    async fn one(self: Arc<Self>, life: Life) -> Result<(), ClientError> {
        let mut is_updating = "False";
        for message in &life.messages {
            let outcome = self.push(message, is_updating).await?;
            self.ledger.lock().book(message, outcome);
            if message.kind == EventKind::Dossier && outcome == Expected::Accepted {
                is_updating = "True";
            }
        }
        self.ledger.lock().lives_done += 1;
        Ok(())
    }

    async fn push(&self, message: &Message, is_updating: &str) -> Result<Expected, ClientError> {
        let mut envelope = match message.kind {
            EventKind::Progress => json!({"service": "CapNhatTienDoHoSoMC"}),
            _ => json!({"service": "DongBoHoSoMC", "isUpdating": is_updating}),
        };
        // Placed as text, so that the record's bytes stay as its software wrote them.
        let place = "@record@";
        envelope["data"] = json!([place]);
        let call = "a call of the adapter";
        let (body, heard) = self.call_with(envelope, Some((place, &message.text)), call).await?;
        let done = body["error_code"] == "0";
        match outcome_in(&body["result"][0]) {
            Some(Expected::Rejected) if !done => Ok(Expected::Rejected),
            Some(outcome) if done => Ok(heard.settle(outcome, message)),
            None if !done => Ok(Expected::Rejected),
            _ => Err(unexpected(call, &body)),
        }
    }

    async fn call(&self, envelope: Value, call: &'static str) -> Result<(Value, Heard), ClientError> {
        self.call_with(envelope, None, call).await
    }

    /// One call, after a login when there is no session; again when the session ended or the gateway is busy.
    async fn call_with(
        &self,
        mut envelope: Value,
        record: Option<(&str, &str)>,
        call: &'static str,
    ) -> Result<(Value, Heard), ClientError> {
        let mut heard = Heard::Everything;
        for _ in 0..ATTEMPTS {
            envelope["session"] = self.session().await?.into();
            envelope["madonvi"] = "H56".into();
            let mut text = envelope.to_string();
            if let Some((place, record)) = record {
                text = text.replace(&format!("\"{place}\""), record);
            }
            let Ok(body) = self.post("mapi/g", text).await else {
                heard = Heard::MaybeNot;
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let code = body["error_code"].as_str().unwrap_or_default();
            if code != "0" && body["message"].as_str().is_some_and(|message| message.contains("session")) {
                self.session.lock().expect("no code panics while it holds the session").clear();
            } else if BUSY.contains(&code) {
                tokio::time::sleep(PAUSE).await;
            } else {
                return Ok((body, heard));
            }
        }
        Err(unexpected(call, &json!({"message": "the gateway stayed busy or out of reach"})))
    }

    async fn session(&self) -> Result<String, ClientError> {
        let known = self.session.lock().expect("no code panics while it holds the session").clone();
        if !known.is_empty() {
            return Ok(known);
        }
        let call = "mapi/login";
        let PasswordLogin { username, password } = &self.login;
        let credentials = json!({"username": username, "password": password});
        let body = self.post("mapi/login", credentials.to_string()).await;
        let body = body.map_err(|error| ClientError::NoAnswer { call, error })?;
        let session = body["session"].as_str().ok_or_else(|| unexpected(call, &body))?.to_owned();
        self.session.lock().expect("no code panics while it holds the session").clone_from(&session);
        Ok(session)
    }

    async fn post(&self, endpoint: &str, body: String) -> reqwest::Result<Value> {
        let request = self.http.post(format!("{}/{endpoint}", self.base)).header("dstcode", DSTCODE);
        request.header("content-type", "application/json").body(body).send().await?.json().await
    }
}

fn unexpected(call: &'static str, body: &Value) -> ClientError {
    let detail = body["message"].as_str().unwrap_or("no message").to_owned();
    ClientError::Unexpected { call, status: StatusCode::OK, detail }
}

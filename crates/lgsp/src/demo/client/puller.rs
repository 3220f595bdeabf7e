//! A system that follows the change feed by its cursor, waiting at the end for what comes.

use std::sync::{Arc, Mutex, MutexGuard};

use lgsp_model::EventKind;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{ClientCredentials, ClientError, TokenClient};
use crate::demo::compare::Pulled;
use crate::demo::ledger::mark_of_value;

/// Changes of one page.
const PAGE: &str = "1000";
/// How long the gateway keeps a question for which it has nothing yet.
const WAIT: &str = "5s";

/// What was pulled so far.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) changes: Pulled,
    pub(crate) count: u64,
    /// Changes that came with a `seq` not above the one before: there must be none.
    pub(crate) out_of_order: u64,
    last: u64,
}

pub(crate) struct Puller {
    client: TokenClient,
    read: Arc<Mutex<Read>>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    changes: Vec<Change<'a>>,
    next: String,
}

#[derive(Deserialize)]
struct Change<'a> {
    seq: u64,
    kind: &'a str,
    #[serde(rename = "MaHoSo")]
    code: &'a str,
    #[serde(borrow)]
    record: &'a RawValue,
}

impl Puller {
    pub(crate) fn new(base: &str, credentials: ClientCredentials) -> Self {
        Self { client: TokenClient::new(base, credentials), read: Arc::default() }
    }

    pub(crate) fn read(&self) -> MutexGuard<'_, Read> {
        self.read.lock().expect("no code panics while it holds what was pulled")
    }

    /// Follows the feed until it is dropped; ends by itself only with an error.
    pub(crate) async fn follow(&self) -> ClientError {
        let mut cursor: Option<String> = None;
        loop {
            match self.page(cursor.as_deref()).await {
                Ok(next) => cursor = Some(next),
                Err(error) => return error,
            }
        }
    }

    /// What the gateway says about a dossier's copies that are not delivered, for the summary; nothing when it does not
    /// say anything.
    pub(crate) async fn where_copies_stand(&self, code: &str) -> String {
        let build = |http: &reqwest::Client, base: &str| http.get(format!("{base}/v1/dossiers/{code}"));
        let Ok((answer, _)) = self.client.send("GET /v1/dossiers", build).await else { return String::new() };
        let body: Value = answer.json().await.unwrap_or_default();
        let copies = body["sync"].as_object().into_iter().flatten();
        let word = |copy: &Value, field: &str| copy[field].as_str().unwrap_or_default().to_owned();
        let told = copies.filter(|(_, copy)| copy["state"] != "delivered").map(|(target, copy)| {
            format!("; {target}: {} {} {}", word(copy, "state"), word(copy, "cause"), word(copy, "detail"))
        });
        told.collect()
    }

    async fn page(&self, after: Option<&str>) -> Result<String, ClientError> {
        let call = "GET /v1/changes";
        let mut query = vec![("limit", PAGE), ("wait", WAIT)];
        query.extend(after.map(|cursor| ("after", cursor)));
        let build = |http: &reqwest::Client, base: &str| http.get(format!("{base}/v1/changes")).query(&query);
        let (answer, _) = self.client.send(call, build).await?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| ClientError::NoAnswer { call, error })?;
        let page: Page<'_> = serde_json::from_str(&text).map_err(|error| ClientError::Unexpected {
            call,
            status,
            detail: error.to_string(),
        })?;
        self.read().take(&page.changes);
        Ok(page.next)
    }
}

impl Read {
    fn take(&mut self, changes: &[Change<'_>]) {
        for change in changes {
            self.out_of_order += u64::from(change.seq <= self.last);
            self.last = change.seq;
            self.count += 1;
            let Ok(kind) = change.kind.parse::<EventKind>() else {
                self.out_of_order += 1;
                continue;
            };
            let mark = mark_of_value(change.record.get());
            self.changes.entry(change.code.to_owned()).or_default().push((kind, mark));
        }
    }
}

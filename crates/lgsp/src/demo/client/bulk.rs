//! A one-stop system that sends many messages at once, as arrays and as NDJSON streams by turns.
//!
//! Within one request it sends one message of each dossier, so that every dossier's order is kept.

use lgsp_model::EventKind;
use reqwest::StatusCode;
use serde_json::Value;

use super::{ClientCredentials, ClientError, SharedLedger, TokenClient, outcome_in, path_of};
use crate::demo::life::{Life, Lives, Message};
use crate::demo::weather::Pace;
use crate::demo::world::System;

/// Dossiers of one group at most: one of each in an array, which may have 1,000 records.
const LARGEST_GROUP: u64 = 200;
/// Groups that a small demo is split into.
const GROUPS: u64 = 8;

pub(crate) struct Bulk {
    client: TokenClient,
    ledger: SharedLedger,
}

/// The two forms of many.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Array,
    Stream,
}

impl Bulk {
    pub(crate) fn new(base: &str, credentials: ClientCredentials, ledger: SharedLedger) -> Self {
        Self { client: TokenClient::new(base, credentials), ledger }
    }

    pub(crate) async fn live(self, mut lives: Lives, count: u64) -> Result<(), ClientError> {
        let pace = Pace::of(count);
        let size = count.div_ceil(GROUPS).clamp(1, LARGEST_GROUP);
        let mut started = 0;
        while started < count {
            pace.wait_for(started).await;
            let group: Vec<Life> = (0..size.min(count - started)).map(|_| lives.next(System::Bulk)).collect();
            started += group.len() as u64;
            self.rounds(&group).await?;
            self.ledger.lock().lives_done += group.len() as u64;
        }
        Ok(())
    }

    async fn rounds(&self, group: &[Life]) -> Result<(), ClientError> {
        let longest = group.iter().map(|life| life.messages.len()).max().unwrap_or_default();
        for round in 0..longest {
            let form = if round % 4 < 2 { Form::Array } else { Form::Stream };
            for kind in [EventKind::Dossier, EventKind::Progress] {
                let messages = group.iter().filter_map(|life| life.messages.get(round));
                let messages: Vec<&Message> = messages.filter(|message| message.kind == kind).collect();
                if !messages.is_empty() {
                    self.send(kind, form, &messages).await?;
                }
            }
        }
        Ok(())
    }

    async fn send(&self, kind: EventKind, form: Form, messages: &[&Message]) -> Result<(), ClientError> {
        let texts: Vec<&str> = messages.iter().map(|message| message.text.as_str()).collect();
        let (call, media_type, body) = match form {
            Form::Array => ("an array", "application/json", format!("[{}]", texts.join(","))),
            Form::Stream => ("a stream", "application/x-ndjson", texts.join("\n")),
        };
        let build = |http: &reqwest::Client, base: &str| {
            http.post(format!("{base}{}", path_of(kind))).header("content-type", media_type).body(body.clone())
        };
        let (answer, heard) = self.client.send(call, build).await?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| ClientError::NoAnswer { call, error })?;
        let results = match form {
            Form::Array => results_of_array(&text),
            Form::Stream => results_of_stream(&text),
        };
        let outcomes: Vec<_> = results.iter().filter_map(outcome_in).collect();
        if status != StatusCode::OK || outcomes.len() != messages.len() {
            let detail = format!("{} results for {} messages", outcomes.len(), messages.len());
            return Err(ClientError::Unexpected { call, status, detail });
        }
        let mut ledger = self.ledger.lock();
        for (message, outcome) in messages.iter().zip(outcomes) {
            ledger.book(message, heard.settle(outcome, message));
        }
        Ok(())
    }
}

fn results_of_array(text: &str) -> Vec<Value> {
    let mut body: Value = serde_json::from_str(text).unwrap_or_default();
    match body["results"].take() {
        Value::Array(results) => results,
        _ => Vec::new(),
    }
}

/// The lines before the summary.
fn results_of_stream(text: &str) -> Vec<Value> {
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line.get("summary").is_none()).collect()
}

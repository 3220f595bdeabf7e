//! A one-stop system that posts every message by itself, with an idempotency key.

use std::sync::Arc;

use lgsp_model::EventKind;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{ClientCredentials, ClientError, SharedLedger, TokenClient, outcome_in, path_of};
use crate::demo::life::{Expected, Life, Lives, Message};
use crate::demo::weather::Pace;
use crate::demo::world::System;

/// Dossiers at work side by side.
const SIDE_BY_SIDE: u64 = 16;

#[derive(Clone)]
pub(crate) struct Single {
    client: TokenClient,
    ledger: SharedLedger,
    till: mpsc::Sender<String>,
}

impl Single {
    /// The first accepted record of each dossier goes to `till` too, as long as there is room.
    pub(crate) fn new(
        base: &str,
        credentials: ClientCredentials,
        ledger: SharedLedger,
        till: mpsc::Sender<String>,
    ) -> Self {
        Self { client: TokenClient::new(base, credentials), ledger, till }
    }

    pub(crate) async fn live(self, mut lives: Lives, count: u64) -> Result<(), ClientError> {
        let me = Arc::new(self);
        let mut at_work = JoinSet::new();
        let pace = Pace::of(count);
        for started in 0..count {
            pace.wait_for(started).await;
            if started >= SIDE_BY_SIDE {
                at_work.join_next().await.expect("some are at work").expect("a life does not panic")?;
            }
            at_work.spawn(Arc::clone(&me).one(lives.next(System::Single)));
        }
        while let Some(done) = at_work.join_next().await {
            done.expect("a life does not panic")?;
        }
        Ok(())
    }

    async fn one(self: Arc<Self>, life: Life) -> Result<(), ClientError> {
        let mut is_known = false;
        for (place, message) in life.messages.iter().enumerate() {
            let outcome = self.post(message, &format!("{}-{place}", message.code)).await?;
            self.ledger.lock().book(message, outcome);
            if !is_known && message.kind == EventKind::Dossier && outcome == Expected::Accepted {
                is_known = true;
                // Fees are asked for of some dossiers only: the others find the till full or closed.
                let _ = self.till.try_send(message.text.clone());
            }
        }
        self.ledger.lock().lives_done += 1;
        Ok(())
    }

    async fn post(&self, message: &Message, key: &str) -> Result<Expected, ClientError> {
        let (path, call) = (path_of(message.kind), "a single post");
        let build = |http: &reqwest::Client, base: &str| {
            let request = http.post(format!("{base}{path}")).header("content-type", "application/json");
            request.header("idempotency-key", key).body(message.text.clone())
        };
        let (answer, heard) = self.client.send(call, build).await?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        match (status, outcome_in(&body)) {
            (StatusCode::OK | StatusCode::ACCEPTED, Some(outcome)) => Ok(heard.settle(outcome, message)),
            (StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::UNPROCESSABLE_ENTITY, _) => {
                Ok(Expected::Rejected)
            }
            _ => Err(ClientError::Unexpected { call, status, detail: body["detail"].to_string() }),
        }
    }
}

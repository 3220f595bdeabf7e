//! Catalogue services are the portal's: they are passed on and remembered for a while, and while the portal does not
//! answer the last good answer is given.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use lgsp_model::Timestamp;

use super::envelope::Envelope;
use crate::answer::{self, Answer};
use crate::app::App;
use crate::failure::Failure;

/// Catalogues change a few times a day.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// How long an old answer is better than none.
const USABLE: Duration = Duration::from_secs(24 * 3600);
/// Different questions remembered: procedures are asked for one by one, and a province has some two thousand.
const REMEMBERED: usize = 4096;
/// Bytes of all remembered answers.
const REMEMBERED_BYTES: usize = 32 * 1024 * 1024;

/// Whether a service asks for a catalogue.
pub(super) fn is_service(name: &str) -> bool {
    matches!(name, "LayDanhSachTTHC" | "LayThuTuc" | "LayDVC") || name.starts_with("LayDanhMuc")
}

/// Answers of the portal by question.
#[derive(Default)]
pub(crate) struct CatalogueCache {
    known: Mutex<HashMap<String, Known>>,
}

struct Known {
    body: Bytes,
    at: Timestamp,
}

impl CatalogueCache {
    pub(super) async fn answer(&self, app: &Arc<App>, envelope: &Envelope) -> Result<Answer, Failure> {
        let mut parameters = envelope.parameters.clone();
        parameters.remove("madonvi");
        let question = format!("{}{}", envelope.service, serde_json::json!(parameters));
        let now = app.clock.steady();
        if let Some(body) = self.find(&question, now, FRESH) {
            return Ok(answer::json(StatusCode::OK, body));
        }
        match app.targets.query(&envelope.service, &parameters).await {
            Ok(body) => {
                self.remember(question, &body, now);
                Ok(answer::json(StatusCode::OK, body))
            }
            Err(failure) => match self.find(&question, now, USABLE) {
                Some(body) => Ok(answer::json(StatusCode::OK, body)),
                None => Err(failure),
            },
        }
    }

    fn find(&self, question: &str, now: Timestamp, within: Duration) -> Option<Bytes> {
        let known = self.known.lock().expect("no panic while held");
        let found = known.get(question)?;
        let age = u128::try_from(now.0.saturating_sub(found.at.0)).unwrap_or(0);
        (age <= within.as_millis()).then(|| found.body.clone())
    }

    fn remember(&self, question: String, body: &Bytes, now: Timestamp) {
        let mut known = self.known.lock().expect("no panic while held");
        let bytes: usize = known.values().map(|known| known.body.len()).sum();
        if known.len() >= REMEMBERED || bytes + body.len() > REMEMBERED_BYTES {
            known.clear();
        }
        if body.len() <= REMEMBERED_BYTES {
            known.insert(question, Known { body: body.clone(), at: now });
        }
    }
}

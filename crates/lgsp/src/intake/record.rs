//! One record on its way in: checked against contract and grant, turned into an event, stored, counted.

use std::sync::Arc;

use bytes::Bytes;
use lgsp_contract::{Contract, Rejection};
use lgsp_model::{DossierCode, ErrorCode, Finding, Timestamp};
use lgsp_store::{Appended, DossierEvent, NewEvent, Subject};

use crate::app::{App, RecordContract, Snapshot};
use crate::failure::Failure;
use crate::gate::kind_of;
use crate::intake::results::StoredOrRefused;
use crate::request::Authorised;
use crate::trace::Trace;

/// Takes records of one request: what they all share.
#[derive(Clone)]
pub(crate) struct Takes {
    app: Arc<App>,
    caller: Authorised,
    contract: Arc<Contract>,
    which: RecordContract,
    trace: Trace,
    at: Timestamp,
    record_limit: usize,
}

/// A record that may be stored.
pub(crate) struct Ready {
    pub(crate) event: NewEvent,
    pub(crate) code: DossierCode,
    pub(crate) warnings: Vec<Finding>,
}

/// A record that may not, and why.
pub(crate) struct RecordRefusal {
    pub(crate) code: Option<DossierCode>,
    pub(crate) failure: Box<Failure>,
}

impl Takes {
    pub(crate) fn new(
        app: &Arc<App>,
        caller: Authorised,
        which: RecordContract,
        trace: Trace,
        snapshot: &Snapshot,
    ) -> Result<Self, Failure> {
        let at = app.clock.wall();
        let contract = snapshot.contract(which, at)?.clone();
        let record_limit = snapshot.config.limits.record_bytes.as_usize();
        Ok(Self { app: app.clone(), caller, contract, which, trace, at, record_limit })
    }

    /// Checks one record.
    pub(crate) fn check(&self, record: Bytes) -> Result<Ready, RecordRefusal> {
        if record.len() > self.record_limit {
            let detail = format!("a record may have at most {} bytes", self.record_limit);
            return Err(RecordRefusal { code: None, failure: Box::new(Failure::new(ErrorCode::TooLarge, detail)) });
        }
        let checked = self.contract.check(&record).map_err(|rejection| {
            let code = match &rejection {
                Rejection::Violates { code, .. } => code.clone(),
                Rejection::Malformed(_) => None,
            };
            RecordRefusal { code, failure: Box::new(rejection.into()) }
        })?;
        let (code, incoming) = (checked.head.code().clone(), checked.head.incoming());
        let agency = code.agency();
        if let Err(failure) = self.caller.check_agency(&agency) {
            return Err(RecordRefusal { code: Some(code), failure: Box::new(failure) });
        }
        let event = NewEvent {
            subject: Subject::Dossier(DossierEvent { code: code.clone(), agency, incoming, content: checked.content }),
            sender: self.caller.caller().member.id.clone(),
            at: self.at,
            payload: record,
            trace: self.trace.id(),
            idempotency: None,
        };
        Ok(Ready { event, code, warnings: checked.warnings })
    }

    /// Stores events; the answer comes after the commit.
    pub(crate) async fn store(&self, events: Vec<NewEvent>) -> Result<Vec<Appended>, Failure> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let appended = self.app.store.append(events).await?;
        self.count(&appended);
        Ok(appended)
    }

    /// Stores those that may be stored, and puts every result at its record's place.
    pub(crate) async fn store_checked(
        &self,
        checked: Vec<Result<Ready, RecordRefusal>>,
    ) -> Result<Vec<StoredOrRefused>, Failure> {
        let mut events = Vec::with_capacity(checked.len());
        let places: Vec<_> = checked
            .into_iter()
            .map(|result| match result {
                Ok(Ready { event, code, warnings }) => {
                    events.push(event);
                    Ok((code, warnings))
                }
                Err(refusal) => Err(refusal),
            })
            .collect();
        let rejected = places.len() - events.len();
        let mut appended = self.store(events).await?.into_iter();
        self.count_rejected(rejected as u64);
        let place = |place: Result<_, RecordRefusal>| match place {
            Ok((code, warnings)) => {
                let appended = appended.next().expect("the store answers every event");
                StoredOrRefused::Stored { code, warnings, appended }
            }
            Err(refusal) => StoredOrRefused::Refused(refusal),
        };
        Ok(places.into_iter().map(place).collect())
    }

    pub(crate) fn count_rejected(&self, count: u64) {
        if count > 0 {
            self.app.metrics.events(kind_of(self.which), "rejected", count);
        }
    }

    fn count(&self, appended: &[Appended]) {
        let (mut accepted, mut duplicate, mut held) = (0, 0, 0);
        for one in appended {
            match one {
                Appended::Accepted { .. } => accepted += 1,
                Appended::Duplicate { .. } => duplicate += 1,
                Appended::Held { .. } => held += 1,
                Appended::KeyReused => {}
            }
        }
        for (outcome, count) in [("accepted", accepted), ("duplicate", duplicate), ("held", held)] {
            if count > 0 {
                self.app.metrics.events(kind_of(self.which), outcome, count);
            }
        }
        self.app.metrics.pushed(self.caller.caller().member.id.as_str(), self.at);
    }
}

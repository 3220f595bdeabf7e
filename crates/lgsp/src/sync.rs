//! Where each copy of a dossier stands, in the words that callers see.

use std::collections::BTreeMap;

use lgsp_core::delivery::EventState;
use lgsp_model::{Disposition, DossierCode, Seq, Timestamp};
use lgsp_store::{Parked, ParkedState, StoredEvent};
use serde::Serialize;

use crate::app::{App, Snapshot};
use crate::failure::Failure;
use crate::lookup::HISTORY;
use crate::targets::goes_to;

/// One copy.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct CopyState {
    state: &'static str,
    /// The event that the state is about.
    seq: Option<u64>,
    /// Since when: an undelivered event's receipt, a parked one's first failure.
    at: Option<String>,
    cause: Option<String>,
    detail: Option<String>,
}

/// The copies of one dossier, by target.
pub(crate) type Copies = BTreeMap<String, CopyState>;

/// Finds out about every target that the dossier's events go to.
pub(crate) async fn copies(app: &App, snapshot: &Snapshot, code: &DossierCode) -> Result<Copies, Failure> {
    let events = app.store.history(code.clone(), HISTORY).await?;
    let parked = app.store.parked_of(code.clone()).await?;
    let held = newest_held(app, &events).await?;
    let mut copies = Copies::new();
    for target in &snapshot.config.targets {
        let Some(newest) = events.iter().rev().find(|event| goes_to(target, event)) else { continue };
        let here = parked.iter().filter(|(at, _)| *at == target.id).map(|(_, parked)| parked);
        let taken = match app.targets.get(&target.id) {
            Some(handle) => handle.event_state(newest.seq).await == Some(EventState::Done),
            None => false,
        };
        let state = match (worst(here), taken, &held) {
            (Some(parked), ..) => of_parked(parked),
            (None, false, _) => plain("pending", newest.seq, Some(newest.at)),
            (None, true, Some(event)) => plain("held", event.seq, Some(event.at)),
            (None, true, None) => plain("delivered", newest.seq, None),
        };
        copies.insert(target.id.to_string(), state);
    }
    Ok(copies)
}

/// The newest held event that waits for a decision: the copies agree with each other, but not with the sender.
async fn newest_held<'a>(app: &App, events: &'a [StoredEvent]) -> Result<Option<&'a StoredEvent>, Failure> {
    for event in events.iter().rev().filter(|event| event.disposition == Disposition::Held) {
        if app.store.held_event(event.seq).await?.is_some() {
            return Ok(Some(event));
        }
    }
    Ok(None)
}

/// The parked event that an operator should look at first: what needs a person before what helps itself, the first cause
/// before what waits behind it.
fn worst<'a>(parked: impl Iterator<Item = &'a Parked>) -> Option<&'a Parked> {
    parked.min_by_key(|parked| (std::cmp::Reverse(parked.state), parked.cause.is_empty(), parked.seq))
}

fn of_parked(parked: &Parked) -> CopyState {
    let state = match parked.state {
        ParkedState::Retry => "retry",
        ParkedState::Unknown => "unknown",
        ParkedState::Dead => "dead",
    };
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    CopyState {
        cause: text(&parked.cause),
        detail: text(&parked.detail),
        ..plain(state, parked.seq, Some(parked.since))
    }
}

fn plain(state: &'static str, seq: Seq, at: Option<Timestamp>) -> CopyState {
    CopyState { state, seq: Some(seq.0), at: at.map(|at| at.to_string()), cause: None, detail: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parked(seq: u64, state: ParkedState, cause: &str) -> Parked {
        Parked {
            seq: Seq(seq),
            key: "H56.14-240315-0007".into(),
            state,
            attempts: 1,
            due_at: Timestamp(0),
            since: Timestamp(0),
            cause: cause.into(),
            detail: String::new(),
        }
    }

    #[test]
    fn what_needs_a_person_is_shown_before_what_helps_itself() {
        let all = [
            parked(1, ParkedState::Retry, "timeout"),
            parked(2, ParkedState::Unknown, "timeout"),
            parked(3, ParkedState::Dead, "refused"),
            parked(4, ParkedState::Dead, "refused"),
        ];
        assert_eq!(worst(all.iter()).unwrap().seq, Seq(3));
        assert_eq!(worst(all[..2].iter()).unwrap().seq, Seq(2));
        assert!(worst(all[..0].iter()).is_none());
    }

    #[test]
    fn the_cause_is_shown_before_what_waits_behind_it() {
        let all = [parked(1, ParkedState::Retry, ""), parked(2, ParkedState::Retry, "http_503")];
        assert_eq!(of_parked(worst(all.iter()).unwrap()).cause.as_deref(), Some("http_503"));
    }
}

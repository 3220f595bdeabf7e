//! What targets have not taken: the list, and sending again or giving up.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use bytes::Bytes;
use hyper::Response;
use lgsp_core::delivery::Act;
use lgsp_model::{DossierCode, ErrorCode, Seq, TargetId};
use lgsp_store::{Parked, ParkedState};
use serde_json::{Value, json};

use super::operator::{Operator, Query, Reason, Refusal, read};
use super::{Admin, shown, target};
use crate::failure::Failure;
use crate::services;

/// `GET parked?target=&state=&limit=&after=`: in the order of targets and of the log.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    _: Operator,
    query: Query,
) -> Result<Response<Body>, Refusal> {
    let app = &admin.app;
    let only: Option<TargetId> = query.value("target")?;
    let (limit, state) = (query.limit()?, query.text("state").map(read_state).transpose()?);
    let after = query.text("after").map(|text| read_after(text, only.as_ref())).transpose()?;
    let mut targets = match only {
        Some(target) => vec![target],
        None => app.targets.all().into_iter().map(|target| target.id).collect(),
    };
    targets.sort();
    let (mut rows, mut last) = (Vec::new(), None);
    for target in &targets {
        let from = match &after {
            Some((first, _)) if target < first => continue,
            Some((first, seq)) if target == first => *seq,
            _ => Seq(0),
        };
        for parked in app.store.parked(target.clone(), state, from, limit - rows.len()).await? {
            rows.push(row(target, &parked));
            last = Some(format!("{target}/{}", parked.seq));
        }
        if rows.len() == limit {
            break;
        }
    }
    let next = last.filter(|_| rows.len() == limit);
    Ok(shown(&json!({"parked": rows, "next": next})))
}

fn row(target: &TargetId, parked: &Parked) -> Value {
    let mut row = sync_row(parked);
    row["target"] = target.as_str().into();
    row["key"] = parked.key.as_str().into();
    if parked.key.parse::<DossierCode>().is_ok() {
        row["MaHoSo"] = parked.key.as_str().into();
    }
    row
}

/// A parked event of a dossier and target that are known already.
pub(super) fn sync_row(parked: &Parked) -> Value {
    json!({
        "seq": parked.seq.0,
        "state": state_word(parked.state),
        "attempts": parked.attempts,
        "next_attempt": matches!(parked.state, ParkedState::Retry | ParkedState::Unknown).then(|| parked.due_at.to_string()),
        "since": parked.since.to_string(),
        "cause": parked.cause,
        "detail": parked.detail,
    })
}

pub(super) fn state_word(state: ParkedState) -> &'static str {
    match state {
        ParkedState::Retry => "retry",
        ParkedState::Unknown => "unknown",
        ParkedState::Dead => "dead",
    }
}

fn read_state(word: &str) -> Result<ParkedState, Failure> {
    let all = [ParkedState::Retry, ParkedState::Unknown, ParkedState::Dead];
    let bad = || Failure::new(ErrorCode::BadParameter, "state must be retry, unknown or dead");
    all.into_iter().find(|state| state_word(*state) == word).ok_or_else(bad)
}

/// A place that an earlier list ended at: `target/seq`, or the number alone when the target is named beside it.
fn read_after(text: &str, only: Option<&TargetId>) -> Result<(TargetId, Seq), Failure> {
    match (text.split_once('/'), only) {
        (Some((target, seq)), _) => Ok((read("after", target)?, Seq(read("after", seq)?))),
        (None, Some(target)) => Ok((target.clone(), Seq(read("after", text)?))),
        (None, None) => Err(Failure::new(ErrorCode::BadParameter, "after must be the `next` of an earlier list")),
    }
}

/// `POST parked/{target}/{seq}/retry`: send it again at once, with its attempts counted anew.
pub(super) async fn retry(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    Path((target, seq)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let (target, seq) = (read("the target's id", &target)?, Seq(read("seq", &seq)?));
    target::act(&admin, &operator, &target, Act::Retry(seq), Reason::of_body(&body)?).await?;
    Ok(shown(&json!({"target": target.as_str(), "seq": seq.0, "state": "retry"})))
}

/// `POST parked/{target}/{seq}/drop`: this target does not get it any more; the log keeps it.
pub(super) async fn give_up(
    State(admin): State<Arc<Admin>>,
    operator: Operator,
    Path((target, seq)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response<Body>, Refusal> {
    let (target, seq) = (read("the target's id", &target)?, Seq(read("seq", &seq)?));
    target::act(&admin, &operator, &target, Act::Drop(seq), Reason::of_body(&body)?).await?;
    // After the act: one that was not done must not be told.
    services::give_up(&admin.app, &target, seq).await?;
    Ok(shown(&json!({"target": target.as_str(), "seq": seq.0, "state": "dropped"})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_goes_on_where_it_ended() {
        let target: TargetId = "national-portal".parse().unwrap();
        assert_eq!(read_after("national-portal/7", None).unwrap(), (target.clone(), Seq(7)));
        assert_eq!(read_after("7", Some(&target)).unwrap(), (target, Seq(7)));
        for bad in ["7", "A/7", "a/x", "a/"] {
            assert!(read_after(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn states_are_asked_for_by_their_words() {
        assert_eq!(read_state("dead").unwrap(), ParkedState::Dead);
        assert!(read_state("lost").is_err());
    }
}

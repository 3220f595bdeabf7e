//! Operators' commands: each is one call of the admin API and a picture of its answer.

use serde_json::{Value, json};

use super::api::Api;
use super::arguments::{
    AccountsAction, AccountsArguments, DossierArguments, HeldAction, HeldArguments, ParkedAction, ParkedArguments,
    ServicesArguments, StateWord, TargetsAction, TargetsArguments,
};
use super::failure::CommandError;
use super::{picture, say};

pub(super) async fn dossier(arguments: DossierArguments) -> Result<(), CommandError> {
    let api = Api::new(&arguments.api)?;
    let query = if arguments.records { vec![("records", "true".to_owned())] } else { Vec::new() };
    let answer = api.get(&format!("dossiers/{}", arguments.code), &query).await?;
    print(&api, &answer, picture::dossier);
    Ok(())
}

pub(super) async fn parked(arguments: ParkedArguments) -> Result<(), CommandError> {
    let api = Api::new(&arguments.api)?;
    match arguments.action {
        ParkedAction::List { target, state, limit, after } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(target.map(|target| ("target", target.to_string())));
            query.extend(state.map(|state| ("state", state_word(state).to_owned())));
            query.extend(after.map(|after| ("after", after)));
            let answer = api.get("parked", &query).await?;
            print(&api, &answer, picture::parked);
        }
        ParkedAction::Retry(event) => {
            let path = format!("parked/{}/{}/retry", event.target, event.seq);
            let answer = api.post(&path, &json!({"reason": event.why.reason})).await?;
            print(&api, &answer, |_| format!("Event {} goes to {} again now.\n", event.seq, event.target));
        }
        ParkedAction::Drop(event) => {
            let path = format!("parked/{}/{}/drop", event.target, event.seq);
            let answer = api.post(&path, &json!({"reason": event.why.reason})).await?;
            print(&api, &answer, |_| format!("{} does not get event {} any more.\n", event.target, event.seq));
        }
    }
    Ok(())
}

pub(super) async fn held(arguments: HeldArguments) -> Result<(), CommandError> {
    let api = Api::new(&arguments.api)?;
    match arguments.action {
        HeldAction::List { limit, after } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(after.map(|after| ("after", after.to_string())));
            let answer = api.get("held", &query).await?;
            print(&api, &answer, picture::held);
        }
        HeldAction::Release(event) => {
            let path = format!("held/{}/release", event.seq);
            let answer = api.post(&path, &json!({"reason": event.why.reason})).await?;
            print(&api, &answer, |answer| {
                format!("Event {} was released as event {} and moved its dossier.\n", event.seq, answer["seq"])
            });
        }
        HeldAction::Drop(event) => {
            let path = format!("held/{}/drop", event.seq);
            let answer = api.post(&path, &json!({"reason": event.why.reason})).await?;
            print(&api, &answer, |_| format!("Event {} stays in the log, applied to nothing.\n", event.seq));
        }
    }
    Ok(())
}

pub(super) async fn accounts(arguments: AccountsArguments) -> Result<(), CommandError> {
    let api = Api::new(&arguments.api)?;
    match arguments.action {
        AccountsAction::Show { id } => {
            let answer = api.get(&format!("accounts/{id}"), &[]).await?;
            print(&api, &answer, picture::account);
        }
        AccountsAction::Conflicts => {
            let answer = api.get("accounts/conflicts", &[]).await?;
            print(&api, &answer, picture::conflicts);
        }
        AccountsAction::Settle { id, same_as, why } => {
            let body = json!({"same_as": same_as, "reason": why.reason});
            let answer = api.post(&format!("accounts/conflicts/{id}/settle"), &body).await?;
            print(&api, &answer, |answer| {
                format!("Decided: {}. It counts from the next sign-in on.\n", answer["decided"])
            });
        }
    }
    Ok(())
}

pub(super) async fn services(arguments: ServicesArguments) -> Result<(), CommandError> {
    let api = Api::new(&arguments.api)?;
    let answer = api.get("services", &[]).await?;
    print(&api, &answer, picture::services);
    Ok(())
}

pub(super) async fn targets(arguments: TargetsArguments) -> Result<(), CommandError> {
    let api = Api::new(&arguments.api)?;
    match arguments.action.unwrap_or(TargetsAction::List) {
        TargetsAction::List => {
            let answer = api.get("targets", &[]).await?;
            print(&api, &answer, picture::targets);
        }
        TargetsAction::Pause(named) => {
            let path = format!("targets/{}/pause", named.target);
            let answer = api.post(&path, &json!({"reason": named.why.reason})).await?;
            print(&api, &answer, |_| format!("{} gets nothing new until it is resumed.\n", named.target));
        }
        TargetsAction::Resume(named) => {
            let path = format!("targets/{}/resume", named.target);
            let answer = api.post(&path, &json!({"reason": named.why.reason})).await?;
            print(&api, &answer, |_| format!("{} goes on.\n", named.target));
        }
        TargetsAction::Replay { target, from, to, why } => {
            let body = json!({"from": from, "to": to, "reason": why.reason});
            let answer = api.post(&format!("targets/{target}/replay"), &body).await?;
            print(&api, &answer, |_| format!("{target} gets events {from} to {to} once more.\n"));
        }
    }
    Ok(())
}

fn state_word(state: StateWord) -> &'static str {
    match state {
        StateWord::Retry => "retry",
        StateWord::Unknown => "unknown",
        StateWord::Dead => "dead",
    }
}

pub(super) fn print(api: &Api, answer: &Value, picture: impl FnOnce(&Value) -> String) {
    if api.json {
        say(&format!("{answer}\n"));
    } else {
        say(&picture(answer));
    }
}

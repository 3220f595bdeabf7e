//! `lgsp member`: each command is one call of the admin API and a picture of its answer. A secret is printed and kept
//! nowhere.

mod arguments;

use std::fmt::Write as _;

use serde_json::{Value, json};

pub(super) use self::arguments::MemberArguments;
use self::arguments::{Add, Key, Limit, MemberAction};
use super::api::Api;
use super::failure::CommandError;
use super::operate::print;
use super::table::Table;

pub(super) async fn run(arguments: MemberArguments) -> Result<(), CommandError> {
    let api = Api::new(&arguments.api)?;
    let (path, body, picture): (String, Value, fn(&Value) -> String) = match arguments.action {
        MemberAction::List { limit, after } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(after.map(|after| ("after", after)));
            let answer = api.get("members", &query).await?;
            print(&api, &answer, list);
            return Ok(());
        }
        MemberAction::Show { member } => {
            let answer = api.get(&format!("members/{member}"), &[]).await?;
            print(&api, &answer, whole);
            return Ok(());
        }
        MemberAction::Add(asked) => ("members".to_owned(), add(asked), drawn),
        MemberAction::Limit(asked) => (format!("members/{}/limit", asked.member), limit(asked), whole),
        MemberAction::Secret { member, expires, why } => {
            (format!("members/{member}/secret"), json!({"expires": expires, "reason": why.reason}), drawn)
        }
        MemberAction::Key(asked) => (format!("members/{}/key", asked.member), key(asked), drawn),
        MemberAction::Rotate { member, key, keep_old, why } => {
            let body = json!({"key": key, "keep_old": keep_old, "reason": why.reason});
            (format!("members/{member}/rotate"), body, drawn)
        }
        MemberAction::Revoke { member, key, why } => {
            (format!("members/{member}/revoke"), json!({"key": key, "reason": why.reason}), revoked)
        }
        MemberAction::Restore(named) => {
            (format!("members/{}/restore", named.member), json!({"reason": named.why.reason}), restored)
        }
        MemberAction::Unlock(named) => {
            (format!("members/{}/unlock", named.member), json!({"reason": named.why.reason}), unlocked)
        }
    };
    let answer = api.post(&path, &body).await?;
    print(&api, &answer, picture);
    Ok(())
}

fn add(asked: Add) -> Value {
    let Add { member, name, agencies, scopes, expires, no_secret, why } = asked;
    json!({
        "id": member.as_str(), "name": name, "agencies": agencies, "scopes": scopes, "expires": expires,
        "secret": !no_secret, "reason": why.reason,
    })
}

fn limit(asked: Limit) -> Value {
    let Limit { member: _, name, agencies, scopes, expires, no_expiry, why } = asked;
    let given = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
    json!({
        "name": name, "agencies": given(agencies), "scopes": given(scopes), "expires": expires,
        "no_expiry": no_expiry, "reason": why.reason,
    })
}

fn key(asked: Key) -> Value {
    let Key { member: _, id, expires, services, why } = asked;
    let services = Some(services).filter(|services| !services.is_empty());
    json!({"id": id.map(|id| id.to_string()), "expires": expires, "services": services, "reason": why.reason})
}

/// What was drawn, with what to do with it.
fn drawn(answer: &Value) -> String {
    let member = word(&answer["member"]);
    let mut text = String::new();
    match (answer["secret"].as_str(), answer["api_key"].as_str()) {
        (Some(secret), _) => {
            let _ = writeln!(text, "client_id:     {member}\nclient_secret: {secret}");
        }
        (None, Some(key)) => {
            let _ = writeln!(text, "X-API-Key: {key}");
        }
        (None, None) => return format!("{member} is a member now. It has no secret yet.\n"),
    }
    text.push_str("  It is shown this once; hand it over on a safe way.\n");
    if let Some(until) = answer["old_until"].as_str() {
        let _ = writeln!(text, "  The old one counts until {until}.");
    }
    text
}

fn revoked(answer: &Value) -> String {
    let member = word(&answer["member"]);
    match answer["key"].as_str() {
        Some(key) => format!("The key {key} of {member} does not count any more.\n"),
        None => format!("{member} does not count any more; nor do its tokens and sessions.\n"),
    }
}

fn restored(answer: &Value) -> String {
    format!("{} counts again; tokens and sessions from before do not.\n", word(&answer["member"]))
}

fn unlocked(answer: &Value) -> String {
    format!("Wrong secrets of {} are forgotten, from {} addresses.\n", word(&answer["member"]), answer["addresses"])
}

fn list(answer: &Value) -> String {
    let mut table = Table::new(&["MEMBER", "STATE", "ORIGIN", "EXPIRES", "LAST USED", "AGENCIES", "SCOPES", "NAME"]);
    for row in rows(&answer["members"]) {
        let cells = ["id", "state", "origin", "expires", "last_used", "agencies", "scopes", "name"];
        table.row(cells.iter().map(|cell| word(&row[*cell])).collect());
    }
    let mut text = table.text();
    if let Some(next) = answer["next"].as_str() {
        let _ = writeln!(text, "There are more: --after {next}");
    }
    text
}

fn whole(answer: &Value) -> String {
    let mut text = format!("{}  {}  {}\n", word(&answer["id"]), word(&answer["state"]), word(&answer["name"]));
    for (label, field) in [
        ("origin", "origin"),
        ("agencies", "agencies"),
        ("scopes", "scopes"),
        ("made", "made"),
        ("expires", "expires"),
        ("last used", "last_used"),
    ] {
        let _ = writeln!(text, "  {label:9} {}", word(&answer[field]));
    }
    let revoked = &answer["revoked"];
    if revoked.is_object() {
        let [at, by, reason] = ["at", "by", "reason"].map(|field| word(&revoked[field]));
        let _ = writeln!(text, "  revoked   {at} by {by}: {reason}");
    }
    for locked in rows(&answer["locked"]) {
        let _ = writeln!(text, "  locked    from {} for {} s more", word(&locked["address"]), locked["seconds"]);
    }
    for (label, list) in [("secret", "secrets"), ("API key", "api_keys")] {
        for proof in rows(&answer[list]) {
            let [id, origin, made, expires] = ["id", "origin", "made", "expires"].map(|field| word(&proof[field]));
            let ended = if proof["revoked"] == true { "revoked" } else { "" };
            let line = format!("  {label:9} {id}  of the {origin}, made {made}, expires {expires}  {ended}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

/// A value as people read it.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(word).collect::<Vec<_>>().join(","),
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_printed_with_whom_it_belongs_to_and_until_when_the_old_one_counts() {
        let text = drawn(&json!({"member": "post", "secret": "s3cret", "old_until": "tomorrow"}));
        assert!(text.contains("post") && text.contains("client_secret: s3cret") && text.contains("until tomorrow"));
        assert!(drawn(&json!({"member": "post", "api_key": "k.abc"})).starts_with("X-API-Key: k.abc\n"));
        assert!(drawn(&json!({"member": "post"})).contains("no secret"));
    }

    #[test]
    fn a_member_is_shown_with_all_that_proves_it() {
        let text = whole(&json!({
            "id": "post", "state": "revoked", "name": "Bưu điện", "origin": "registry", "agencies": ["H11", "H12"],
            "scopes": ["dossier:read"], "made": "x", "expires": null, "last_used": null,
            "revoked": {"at": "then", "by": "me", "reason": "left"}, "locked": [{"address": "10.0.0.1", "seconds": 9}],
            "secrets": [{"origin": "file", "made": null, "expires": null}],
            "api_keys": [{"id": "k1", "origin": "file", "made": null, "expires": "soon", "revoked": true}],
        }));
        for line in
            ["H11,H12", "then by me: left", "from 10.0.0.1 for 9 s", "k1  of the file, made -, expires soon  revoked"]
        {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(text.lines().all(|line| line == line.trim_end()));
    }

    #[test]
    fn a_list_says_where_to_go_on() {
        let row =
            json!({"id": "post", "state": "active", "origin": "file", "agencies": ["*"], "scopes": [], "name": "B"});
        let text = list(&json!({"members": [row], "next": "post"}));
        assert!(text.lines().nth(1).unwrap().starts_with("post") && text.contains("--after post"));
    }
}

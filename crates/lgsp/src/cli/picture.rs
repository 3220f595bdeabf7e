//! Answers of the admin API as people read them: tables and sentences. It leaves out what nobody acts on.

use std::fmt::Write as _;

use serde_json::Value;

use super::table::Table;

/// A text or number as a cell; nothing as a dash.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn rows<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer[name].as_array().map_or(&[], Vec::as_slice)
}

fn more(answer: &Value, text: &mut String) {
    if !answer["next"].is_null() {
        let _ = writeln!(text, "There are more: go on with --after {}", cell(&answer["next"]));
    }
}

/// A time without its parts of a second.
fn time(value: &Value) -> String {
    let text = cell(value);
    match (text.split_once('.'), text.rfind('+')) {
        (Some((seconds, _)), Some(offset)) => format!("{seconds}{}", &text[offset..]),
        _ => text,
    }
}

pub(super) fn targets(answer: &Value) -> String {
    let list = rows(answer, "targets");
    if list.is_empty() {
        return "There are no targets: the configuration has no [[target]].\n".to_owned();
    }
    let mut table = Table::new(&["TARGET", "CONNECTOR", "STATE", "BEHIND", "OLDEST", "RETRY", "UNKNOWN", "DEAD"]);
    for target in list {
        let parked = &target["parked"];
        table.row(vec![
            cell(&target["id"]),
            cell(&target["connector"]),
            cell(&target["state"]),
            cell(&target["lag_events"]),
            format!("{} s", cell(&target["lag_seconds"])),
            cell(&parked["retry"]),
            cell(&parked["unknown"]),
            cell(&parked["dead"]),
        ]);
    }
    table.text()
}

pub(super) fn services(answer: &Value) -> String {
    let list = rows(answer, "services");
    if list.is_empty() {
        return "There are no services: no folder of contracts has one.\n".to_owned();
    }
    let mut table = Table::new(&["SERVICE", "VERSION", "MODE", "PATH", "STATE", "RUNNING", "SERVERS"]);
    for service in list {
        let upstream = &service["upstream"];
        let servers = rows(upstream, "servers");
        let well = servers.iter().filter(|server| server["ejected"] == false).count();
        let state = match (&service["ready"], &service["in_force"], upstream["breaker"].as_str()) {
            (Value::Bool(false), _, _) => format!("not ready: {}", cell(&service["cause"])),
            (_, Value::Bool(false), _) => "not in force".to_owned(),
            (_, _, Some("open" | "half open")) => "not answering".to_owned(),
            _ => "ready".to_owned(),
        };
        let servers = if servers.is_empty() { "-".to_owned() } else { format!("{well} of {}", servers.len()) };
        table.row(vec![
            cell(&service["id"]),
            cell(&service["version"]),
            cell(&service["mode"]),
            cell(&service["path"]),
            state,
            cell(&upstream["in_flight"]),
            servers,
        ]);
    }
    table.text()
}

pub(super) fn parked(answer: &Value) -> String {
    let list = rows(answer, "parked");
    if list.is_empty() {
        return "Nothing is parked.\n".to_owned();
    }
    let mut table = Table::new(&["TARGET", "SEQ", "DOSSIER OR KEY", "STATE", "TRIES", "NEXT", "CAUSE"]);
    for event in list {
        let cause = match (event["cause"].as_str().unwrap_or_default(), event["detail"].as_str().unwrap_or_default()) {
            ("", _) => "waits behind an earlier one".to_owned(),
            (code, "") => code.to_owned(),
            (code, detail) => format!("{code}: {detail}"),
        };
        table.row(vec![
            cell(&event["target"]),
            cell(&event["seq"]),
            cell(&event["key"]),
            cell(&event["state"]),
            cell(&event["attempts"]),
            time(&event["next_attempt"]),
            cause,
        ]);
    }
    let mut text = table.text();
    more(answer, &mut text);
    text
}

pub(super) fn held(answer: &Value) -> String {
    let list = rows(answer, "held");
    if list.is_empty() {
        return "Nothing is held.\n".to_owned();
    }
    let mut table = Table::new(&["SEQ", "DOSSIER", "KIND", "SENDER", "RECEIVED", "STANDS AT", "WOULD MOVE TO"]);
    for event in list {
        let status = |place: &str| format!("{} {}", cell(&event[place]["status"]), cell(&event[place]["name"]));
        table.row(vec![
            cell(&event["seq"]),
            cell(&event["MaHoSo"]),
            cell(&event["kind"]),
            cell(&event["sender"]),
            time(&event["received_at"]),
            status("from"),
            status("to"),
        ]);
    }
    let mut text = table.text();
    more(answer, &mut text);
    text
}

pub(super) fn account(answer: &Value) -> String {
    let mut table = Table::new(&["NAME", "PROVIDER", "SINCE", "BECAUSE"]);
    for name in rows(answer, "names") {
        table.row(vec![cell(&name["kind"]), cell(&name["provider"]), time(&name["at"]), cell(&name["because"])]);
    }
    format!("{}: {}\n\n{}", cell(&answer["id"]), cell(&answer["kind"]), table.text())
}

pub(super) fn conflicts(answer: &Value) -> String {
    let list = rows(answer, "conflicts");
    if list.is_empty() {
        return "No accounts are in doubt.\n".to_owned();
    }
    let mut table = Table::new(&["CONFLICT", "PROVIDER", "SINCE", "ACCOUNTS (THE LAST ONE WAS SIGNED IN TO)"]);
    for conflict in list {
        let accounts: Vec<_> = rows(conflict, "accounts").iter().map(cell).collect();
        table.row(vec![cell(&conflict["id"]), cell(&conflict["provider"]), time(&conflict["at"]), accounts.join(" ")]);
    }
    format!(
        "{}\nlgsp accounts settle CONFLICT --same-as ACCOUNT --reason \"…\" when they are one person's; without --same-as they \
         stay apart.\n",
        table.text()
    )
}

pub(super) fn dossier(answer: &Value) -> String {
    let mut text = String::new();
    let status = &answer["status"];
    let stands = if status.is_null() {
        "no status yet".to_owned()
    } else {
        format!("{} {} ({})", cell(&status["code"]), cell(&status["name"]), cell(&status["name_vi"]))
    };
    let _ = writeln!(text, "{}: {stands}\n", cell(&answer["MaHoSo"]));
    for sentence in rows(answer, "explanation") {
        let _ = writeln!(text, "* {}", cell(sentence));
    }
    let mut table = Table::new(&["SEQ", "TIME", "KIND", "EFFECT", "SENDER", "TRACE"]);
    for event in rows(answer, "events") {
        table.row(vec![
            cell(&event["seq"]),
            time(&event["received_at"]),
            cell(&event["kind"]),
            match event["decision"].as_str() {
                Some(decision) => format!("held, {decision}"),
                None => cell(&event["disposition"]),
            },
            cell(&event["sender"]),
            cell(&event["trace_id"]),
        ]);
    }
    let _ = write!(text, "\n{}", table.text());
    let acts = rows(answer, "acts");
    if !acts.is_empty() {
        let mut table = Table::new(&["SEQ", "TIME", "WHO", "DID", "TO", "BECAUSE"]);
        for act in acts {
            let cells = ["actor", "action", "object", "reason"].map(|name| cell(&act[name]));
            table.row([vec![cell(&act["seq"]), time(&act["at"])], cells.to_vec()].concat());
        }
        let _ = write!(text, "\n{}", table.text());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn empty_lists_are_told_in_words() {
        assert_eq!(parked(&json!({"parked": [], "next": null})), "Nothing is parked.\n");
        assert_eq!(held(&json!({"held": []})), "Nothing is held.\n");
        assert!(targets(&json!({"targets": []})).contains("[[target]]"));
    }

    #[test]
    fn a_list_that_goes_on_says_how() {
        let row = json!({"target": "p", "seq": 7, "key": "H56-240315-0007", "state": "dead", "attempts": 10,
            "next_attempt": null, "cause": "refused", "detail": "MaTTHC unknown"});
        let text = parked(&json!({"parked": [row], "next": "p/7"}));
        assert!(text.contains("refused: MaTTHC unknown") && text.ends_with("--after p/7\n"), "{text}");
    }

    #[test]
    fn a_dossier_is_told_with_its_explanation_first() {
        let text = dossier(&json!({
            "MaHoSo": "H56-240315-0007",
            "status": {"code": "9", "name": "settled", "name_vi": "Đã xử lý xong"},
            "explanation": ["portal: everything was taken. Nothing to do."],
            "events": [{"seq": 1, "received_at": "2026-11-21T15:04:05.123+07:00", "kind": "dossier",
                "disposition": "applied", "sender": "h56", "trace_id": "ab"}],
            "acts": [{"seq": 2, "at": "2026-11-21T15:04:05.123+07:00", "actor": "an", "action": "parked.retry",
                "object": "portal/1", "reason": "portal was down"}],
        }));
        let head = "H56-240315-0007: 9 settled (Đã xử lý xong)\n\n* portal: everything was taken. Nothing to do.\n";
        assert!(text.starts_with(head), "{text}");
        assert!(text.contains("1    2026-11-21T15:04:05+07:00  dossier  applied"), "{text}");
        assert!(text.contains("parked.retry  portal/1  portal was down"), "{text}");
    }
}

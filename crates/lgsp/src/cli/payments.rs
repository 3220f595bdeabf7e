//! `lgsp payments`: what waits, the story of one, and what an operator may do about it.

use serde_json::{Value, json};

use super::api::Api;
use super::arguments::{PaymentsAction, PaymentsArguments};
use super::failure::CommandError;
use super::operate::print;
use super::table::Table;

pub(super) async fn run(arguments: PaymentsArguments) -> Result<(), CommandError> {
    let api = Api::new(&arguments.api)?;
    match arguments.action {
        PaymentsAction::List => {
            let answer = api.get("payments", &[]).await?;
            print(&api, &answer, list);
        }
        PaymentsAction::Show { id } => {
            let answer = api.get(&format!("payments/{id}"), &[]).await?;
            print(&api, &answer, story);
        }
        PaymentsAction::Ask(one) => {
            let body = json!({"reason": one.why.reason});
            let answer = api.post(&format!("payments/{}/ask", one.id), &body).await?;
            print(&api, &answer, |answer| match answer["said"].as_str() {
                Some("settled") => "The provider says how it ended; see `lgsp payments show`.\n".to_owned(),
                Some("no_money") => "The provider has no money for it.\n".to_owned(),
                _ => "The provider cannot say now, or did not answer; it is asked again by itself.\n".to_owned(),
            });
        }
        PaymentsAction::SettleRefund { id, refund, done, why } => {
            let body = json!({"done": done, "reason": why.reason});
            let answer = api.post(&format!("payments/{id}/refunds/{refund}/settle"), &body).await?;
            print(&api, &answer, |answer| format!("Payment {id} is {} now.\n", text(&answer["state"])));
        }
        PaymentsAction::Review(one) => {
            let body = json!({"reason": one.why.reason});
            let answer = api.post(&format!("payments/{}/review", one.id), &body).await?;
            print(&api, &answer, |_| format!("Payment {} does not wait for a person any more.\n", one.id));
        }
    }
    Ok(())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        Value::Array(parts) => parts.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn rows<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer[name].as_array().map_or(&[], Vec::as_slice)
}

fn list(answer: &Value) -> String {
    let payments = rows(answer, "payments");
    if payments.is_empty() {
        return "No payment waits: every one has its end, and none needs a person.\n".to_owned();
    }
    let mut table = Table::new(&["PAYMENT", "DOSSIER", "PROVIDER", "STATE", "AMOUNT", "FLAGS", "SINCE", "NEXT LOOK"]);
    for payment in payments {
        let flags = if rows(payment, "flags").is_empty() { "-".to_owned() } else { text(&payment["flags"]) };
        table.row(vec![
            text(&payment["id"]),
            text(&payment["MaHoSo"]),
            text(&payment["provider"]),
            text(&payment["state"]),
            text(&payment["SoTien"]),
            flags,
            text(&payment["changed_at"]),
            text(&payment["next_look"]),
        ]);
    }
    table.text()
}

fn story(answer: &Value) -> String {
    let payment = &answer["payment"];
    let mut told = format!(
        "Payment {} of dossier {}: {} đồng, {}.\n",
        text(&payment["id"]),
        text(&payment["MaHoSo"]),
        text(&payment["SoTien"]),
        text(&payment["state"])
    );
    for sentence in rows(answer, "explanation") {
        told += &format!("  {}\n", text(sentence));
    }
    let mut table = Table::new(&["SEQ", "AT", "WHAT", "BY"]);
    for event in rows(answer, "events") {
        let (what, by) = if event["kind"] == "payment" {
            (text(&event["state"]), String::new())
        } else {
            (format!("said in {}", text(&event["what"])), text(&event["provider"]))
        };
        table.row(vec![text(&event["seq"]), text(&event["at"]), what, by]);
    }
    told + &table.text()
}

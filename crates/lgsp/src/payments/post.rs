//! A result that the post brings: the order is a stored message of a post service, the payment knows it, and it knows the payment.

use lgsp_model::{EventKind, Finding, Seq};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::PostAsk;
use super::keeper::Kept;
use super::lines;
use super::record::{Post, Record};
use crate::app::App;
use crate::failure::Failure;
use crate::request::Authorised;

/// What of an order has to be known.
#[derive(Deserialize)]
struct Ordered {
    #[serde(rename = "OrderNumber")]
    number: String,
    #[serde(rename = "CODAmount")]
    cod: i64,
}

/// The order that a payment belongs to. Its fee is paid here or to the postman, never to both.
pub(crate) async fn linked(app: &App, caller: &Authorised, ask: &PostAsk, record: &Record) -> Result<Post, Failure> {
    let wrong = |path: &str, rule: &str, message: &str| Failure::findings(vec![Finding::new(path, rule, message)]);
    let event = match ask.message.parse() {
        Ok(seq) => app.store.event(Seq(seq)).await?,
        Err(_) => None,
    };
    let member = &caller.caller().member.id;
    let event = event.filter(|event| event.kind == EventKind::Message && event.sender == member.as_str());
    let ordered = event.and_then(|event| serde_json::from_slice::<Ordered>(event.payload.as_deref()?).ok());
    let Some(Ordered { number, cod }) = ordered else {
        let message = "must be the message_id of an order that you sent to a post service";
        return Err(wrong("/post/message", "not-found", message));
    };
    let of_this = record.fees.iter().any(|fee| cod > 0 && fee.amount == cod);
    if cod >= record.amount || of_this {
        let message = "the order has the postman collect this fee (CODAmount): order it without, or ask for no payment";
        return Err(wrong("/post/message", "collected-twice", message));
    }
    if ask.postage.is_some_and(|postage| !record.fees.iter().any(|fee| fee.amount == postage)) {
        return Err(wrong("/post/CuocPhi", "sum", "the fees must have a line of this amount"));
    }
    Ok(Post { message: ask.message.clone(), order: number, cod, postage: ask.postage })
}

/// What a message's sender is told of the payment that belongs to it.
pub(crate) async fn of_message(app: &App, message: &str) -> Result<Option<Value>, Failure> {
    let Some(name) = lines::post_name(message) else { return Ok(None) };
    let Some(entry) = app.store.payment_named(name).await? else { return Ok(None) };
    let Kept { record, .. } = Kept::of(entry)?;
    let cod = record.post.as_ref().map_or(0, |post| post.cod);
    Ok(Some(json!({
        "id": record.id, "state": record.state, "SoTien": record.amount, "paid": record.state().had_money(), "CODAmount": cod,
    })))
}

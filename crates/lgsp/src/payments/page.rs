//! The citizen's page of a payment: choose where to pay, wait, see the receipt. Plain HTML, in Vietnamese and English; it changes nothing
//! but the choice, and coming back from a provider changes nothing at all.

use std::sync::Arc;

use hyper::header::{HeaderValue, LOCATION, REFRESH};
use hyper::{Method, StatusCode};
use lgsp_model::{ErrorCode, PaymentState};

use super::create::choices;
use super::keeper;
use super::open;
use super::record::Record;
use crate::answer::{self, Answer};
use crate::app::App;
use crate::broker::page::{Language, escaped, page as frame};
use crate::failure::Failure;
use crate::form;
use crate::request::Accepted;

/// How often a page that waits looks again, in seconds.
const LOOKS: &str = "3";

pub(crate) async fn page(app: &Arc<App>, request: Accepted, id: &str) -> Result<Answer, Failure> {
    let record = find(app, id).await?;
    let (snapshot, trace) = (request.snapshot.clone(), request.trace.id());
    let language = Language::english_if(request.query("lang").as_deref() == Some("en"));
    if request.parts.method != Method::POST {
        return Ok(shown(&snapshot, &record, language));
    }
    let body = request.into_body_within(lgsp_model::ByteCount(4 * 1024))?.read_whole().await?;
    let pairs = form::pairs(std::str::from_utf8(&body).unwrap_or_default());
    let wanted = form::value(&pairs, "provider").unwrap_or_default();
    let provider = choices(&snapshot, &record).find(|provider| provider.id() == wanted);
    let provider =
        provider.ok_or_else(|| Failure::new(ErrorCode::BadParameter, "choose one of the providers of the page"))?;
    let record = if record.state() == PaymentState::Created && !record.sent {
        open::choose_and_open(app, &snapshot, &record, provider, trace).await?
    } else {
        record
    };
    match record.payment_url.as_deref().filter(|url| !url.is_empty()) {
        Some(url) if record.state() == PaymentState::Pending => Ok(sent_to(url)),
        _ => Ok(sent_to(&format!("/pay/{}", record.id))),
    }
}

/// The citizen comes back from the provider, whatever his browser says of it.
pub(crate) async fn come_back(app: &Arc<App>, id: &str) -> Result<Answer, Failure> {
    let record = find(app, id).await?;
    match &record.return_url {
        Some(url) => {
            let joint = if url.contains('?') { '&' } else { '?' };
            let mine = form::encode(&[("payment", record.id.clone()), ("reference", record.reference.clone())]);
            Ok(sent_to(&format!("{url}{joint}{mine}")))
        }
        None => Ok(sent_to(&format!("/pay/{}", record.id))),
    }
}

async fn find(app: &App, id: &str) -> Result<Record, Failure> {
    let unknown = || Failure::new(ErrorCode::PaymentNotFound, "there is no such payment");
    let id = id.parse().map_err(|_| unknown())?;
    Ok(keeper::load(app, &id).await?.ok_or_else(unknown)?.record)
}

fn sent_to(url: &str) -> Answer {
    let mut answer = answer::with_body(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    let to = HeaderValue::try_from(url).unwrap_or_else(|_| HeaderValue::from_static("/"));
    answer.headers_mut().insert(LOCATION, to);
    answer
}

fn shown(snapshot: &crate::app::Snapshot, record: &Record, language: Language) -> Answer {
    let english = language == Language::English;
    let say = |vi: &'static str, en: &'static str| if english { en } else { vi };
    let mut body = format!("<p>{}: <strong>{}</strong></p><table>", say("Hồ sơ", "Dossier"), escaped(&record.dossier));
    for fee in &record.fees {
        body += &format!(
            "<tr><td>{}</td><td style=\"text-align:right\">{} đ</td></tr>",
            escaped(&fee.name),
            grouped(fee.amount)
        );
    }
    body += &format!(
        "<tr><th style=\"text-align:left\">{}</th><th style=\"text-align:right\">{} đ</th></tr></table>",
        say("Tổng cộng", "Total"),
        grouped(record.amount)
    );
    let title = match record.state() {
        PaymentState::Created if !record.sent => {
            body += &choice(snapshot, record, english);
            say("Thanh toán phí, lệ phí", "Pay a fee")
        }
        PaymentState::Created | PaymentState::Pending | PaymentState::Unknown => {
            body += &waiting(record, english);
            say("Đang chờ thanh toán", "Waiting for the payment")
        }
        PaymentState::Failed => say("Thanh toán không thành công", "The payment failed"),
        PaymentState::Expired => say("Yêu cầu thanh toán đã hết hạn", "The payment has expired"),
        PaymentState::Paid | PaymentState::RefundPending | PaymentState::PartlyRefunded | PaymentState::Refunded => {
            body += &receipt(record, english);
            say("Đã thanh toán", "Paid")
        }
    };
    if let (Some(url), true) = (&record.return_url, record.state().is_final() || record.state().had_money()) {
        body += &format!("<a class=\"button\" href=\"{}\">{}</a>", escaped(url), say("Quay lại", "Go back"));
    }
    let mut answer = frame(StatusCode::OK, say("vi", "en"), title, &body);
    if record.state().is_open() {
        answer.headers_mut().insert(REFRESH, HeaderValue::from_static(LOOKS));
    }
    answer
}

fn choice(snapshot: &crate::app::Snapshot, record: &Record, english: bool) -> String {
    let legend = if english { "Choose where to pay:" } else { "Chọn nơi thanh toán:" };
    let mut form = format!(
        "<form method=\"post\" action=\"/pay/{}\"><fieldset style=\"border:0;padding:0;margin:0\"><legend>{legend}</legend>",
        escaped(&record.id)
    );
    for provider in choices(snapshot, record) {
        form += &format!(
            "<button name=\"provider\" value=\"{}\">{}</button>",
            escaped(provider.id()),
            escaped(provider.name(english))
        );
    }
    form + "</fieldset></form>"
}

fn waiting(record: &Record, english: bool) -> String {
    let say = |vi: &'static str, en: &'static str| if english { en } else { vi };
    let mut body = format!(
        "<p>{}</p>",
        say(
            "Chưa có xác nhận của nơi thanh toán. Trang này tự tải lại; nếu đã thanh toán, không thanh toán lần nữa.",
            "The provider has not confirmed yet. This page looks again by itself; if you have paid, do not pay again."
        )
    );
    if let Some(url) = record.payment_url.as_deref().filter(|url| !url.is_empty()) {
        body += &format!(
            "<a class=\"button\" href=\"{}\">{}</a>",
            escaped(url),
            say("Đến trang thanh toán", "To the payment page")
        );
    }
    if let Some(qr) = &record.qr {
        body += &format!(
            "<p>{}</p><p><code style=\"word-break:break-all\">{}</code></p>",
            say("Mã QR:", "QR code:"),
            escaped(qr)
        );
    }
    body
}

fn receipt(record: &Record, english: bool) -> String {
    let say = |vi: &'static str, en: &'static str| if english { en } else { vi };
    let mut rows = vec![
        (say("Thanh toán lúc", "Paid at"), record.paid_at.map(|at| at.to_string()).unwrap_or_default()),
        (say("Nơi thanh toán", "Provider"), record.provider.clone().unwrap_or_default()),
        (say("Mã giao dịch", "Transaction"), record.transaction.clone().unwrap_or_default()),
        (say("Mã thanh toán", "Payment"), record.id.clone()),
    ];
    if record.refunded > 0 {
        rows.push((say("Đã hoàn", "Sent back"), format!("{} đ", grouped(record.refunded))));
    }
    let mut body = "<table>".to_owned();
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        body += &format!("<tr><td>{name}</td><td>{}</td></tr>", escaped(value));
    }
    body + "</table>"
}

/// `1234567` as people in Vietnam write it: `1.234.567`.
fn grouped(amount: i64) -> String {
    let digits = amount.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_as_people_write_them() {
        for (amount, text) in [(0, "0"), (999, "999"), (1000, "1.000"), (50_000, "50.000"), (1_234_567, "1.234.567")] {
            assert_eq!(grouped(amount), text);
        }
    }
}

//! The citizen's page of a payment: choose where to pay, wait, see the receipt, or what to do when it came to nothing. Plain HTML, in
//! Vietnamese and English; it changes nothing but the choice, and coming back from a provider changes nothing at all.

use std::sync::Arc;

use hyper::header::{HeaderValue, LOCATION, REFRESH};
use hyper::{Method, StatusCode};
use lgsp_connect::decode_vietqr;
use lgsp_core::payment::{EndCause, Flag};
use lgsp_model::{ErrorCode, PaymentState, Timestamp};

use super::create::choices;
use super::keeper;
use super::open;
use super::picture::picture;
use super::record::Record;
use crate::answer::{self, Answer};
use crate::app::{App, Snapshot};
use crate::broker::page::{escaped, page as frame};
use crate::broker::prefers_english;
use crate::failure::Failure;
use crate::form;
use crate::request::Accepted;

/// How often a page that waits looks again, in seconds: seldom enough to go through it by keyboard meanwhile.
const LOOKS: &str = "5";

/// The largest body: it names a provider.
const MOST_BYTES: lgsp_model::ByteCount = lgsp_model::ByteCount(4 * 1024);

pub(crate) async fn page(app: &Arc<App>, request: Accepted, id: &str) -> Result<Answer, Failure> {
    let record = find(app, id).await?;
    let (snapshot, trace) = (request.snapshot.clone(), request.trace.id());
    let language = Language::of(&request);
    if request.parts.method != Method::POST {
        return Ok(Sheet { snapshot: &snapshot, record: &record, language }.shown());
    }
    let body = request.into_body_within(MOST_BYTES)?.read_whole().await?;
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
        _ => Ok(sent_to(&language.address(&record.id))),
    }
}

/// In which language the page is, and whether somebody said so.
#[derive(Clone, Copy)]
struct Language {
    english: bool,
    said: bool,
}

impl Language {
    /// What the address says, or else what the browser prefers.
    fn of(request: &Accepted) -> Self {
        match request.query("lang").as_deref() {
            Some("en") => Self { english: true, said: true },
            Some("vi") => Self { english: false, said: true },
            _ => Self { english: prefers_english(&request.parts.headers), said: false },
        }
    }

    fn code(self) -> &'static str {
        if self.english { "en" } else { "vi" }
    }

    /// The page in the language that somebody wants.
    fn address(self, id: &str) -> String {
        let more = if self.said { format!("?lang={}", self.code()) } else { String::new() };
        format!("/pay/{id}{more}")
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

/// What the page shows.
struct Sheet<'a> {
    snapshot: &'a Snapshot,
    record: &'a Record,
    language: Language,
}

impl Sheet<'_> {
    fn say(&self, vi: &'static str, en: &'static str) -> &'static str {
        if self.language.english { en } else { vi }
    }

    fn shown(&self) -> Answer {
        let (title, below) = self.standing();
        let mut body = self.fees() + &below;
        let state = self.record.state();
        let over = state == PaymentState::Expired || state.is_final() || state.had_money();
        if self.record.return_url.is_some() && over {
            let back = format!("/pay/{}/return", self.record.id);
            body += &link(&back, self.say("Quay lại nơi nộp hồ sơ", "Back to where you applied"));
        }
        let (other, name) = if self.language.english { ("vi", "Tiếng Việt") } else { ("en", "English") };
        body +=
            &format!("<p><a lang=\"{other}\" href=\"/pay/{}?lang={other}\">{name}</a></p>", escaped(&self.record.id));
        let mut answer = frame(StatusCode::OK, self.language.code(), title, &body);
        if state.is_open() {
            answer.headers_mut().insert(REFRESH, HeaderValue::from_static(LOOKS));
        }
        answer
    }

    /// What is to be paid for what.
    fn fees(&self) -> String {
        let record = self.record;
        let mut body = format!(
            "<p>{}: <strong style=\"overflow-wrap:anywhere\">{}</strong></p>",
            self.say("Hồ sơ", "Dossier"),
            escaped(&record.dossier)
        );
        let fees = record.fees.iter().map(|fee| row(&escaped(&fee.name), fee.amount));
        let total = row(&format!("<strong>{}</strong>", self.say("Tổng cộng", "Total")), record.amount);
        body += &format!("<table style=\"width:100%;border-spacing:0\">{}{total}</table>", fees.collect::<String>());
        body
    }

    /// The title, and what stands below the fees.
    fn standing(&self) -> (&'static str, String) {
        match self.record.state() {
            PaymentState::Created if !self.record.sent => {
                (self.say("Thanh toán phí, lệ phí", "Pay a fee"), self.choice())
            }
            PaymentState::Created | PaymentState::Pending | PaymentState::Unknown => {
                (self.say("Đang chờ thanh toán", "Waiting for the payment"), self.waiting())
            }
            PaymentState::Failed => (self.say("Thanh toán không thành công", "The payment failed"), self.advice()),
            PaymentState::Expired if self.record.cause.as_deref() == Some(EndCause::Cancelled.as_str()) => {
                (self.say("Yêu cầu thanh toán đã được huỷ", "The payment was cancelled"), self.advice())
            }
            PaymentState::Expired => {
                (self.say("Yêu cầu thanh toán đã hết hạn", "The payment has expired"), self.advice())
            }
            PaymentState::Paid | PaymentState::PartlyRefunded => (self.say("Đã thanh toán", "Paid"), self.receipt()),
            PaymentState::RefundPending => (self.say("Đang hoàn tiền", "Money is being sent back"), self.receipt()),
            PaymentState::Refunded => (self.say("Đã hoàn tiền", "Sent back"), self.receipt()),
        }
    }

    fn choice(&self) -> String {
        let mut form = format!(
            "<form method=\"post\" action=\"{}\"><fieldset style=\"border:0;padding:0;margin:0\"><legend style=\"padding:1rem 0 0\">{}</legend>",
            escaped(&self.language.address(&self.record.id)),
            self.say("Chọn nơi thanh toán:", "Choose where to pay:")
        );
        for provider in choices(self.snapshot, self.record) {
            form += &format!(
                "<button name=\"provider\" value=\"{}\">{}</button>",
                escaped(provider.id()),
                escaped(provider.name(self.language.english))
            );
        }
        form + "</fieldset></form>"
    }

    fn waiting(&self) -> String {
        let mut body = format!(
            "<p role=\"status\">{}</p>",
            self.say(
                "Chưa có xác nhận của nơi thanh toán. Trang này tự tải lại; nếu đã thanh toán, không thanh toán lần nữa.",
                "The provider has not confirmed yet. This page looks again by itself; if you have paid, do not pay again."
            )
        );
        if let Some(url) = self.record.payment_url.as_deref().filter(|url| !url.is_empty()) {
            body += &link(url, self.say("Đến trang thanh toán", "To the payment page"));
        }
        body + &self.record.qr.as_deref().map(|qr| self.code(qr)).unwrap_or_default()
    }

    /// A code to scan; of a bank transfer also what it says, for who cannot.
    fn code(&self, qr: &str) -> String {
        let transfer = decode_vietqr(qr).ok();
        let heading = match transfer {
            Some(_) => self.say("Quét mã VietQR bằng ứng dụng ngân hàng:", "Scan this VietQR with your bank's app:"),
            None => self.say("Hoặc quét mã QR:", "Or scan this QR code:"),
        };
        let drawn = picture(qr, self.say("Mã QR để thanh toán", "QR code to pay with"));
        let mut body = format!("<p>{heading}</p>{}", drawn.unwrap_or_default());
        if let Some(transfer) = transfer {
            body += self
                .say("<p>Hoặc chuyển khoản với đúng nội dung:</p>", "<p>Or transfer with exactly this message:</p>");
            let account = self.snapshot.config.payees.iter().find(|payee| payee.id.as_str() == self.record.payee);
            body += &list(&[
                (self.say("Người nhận", "Payee"), account.map(|payee| payee.name.clone()).unwrap_or_default()),
                (self.say("Mã ngân hàng (BIN)", "Bank's number (BIN)"), transfer.bin),
                (self.say("Số tài khoản", "Account"), transfer.account),
                (self.say("Số tiền", "Amount"), transfer.amount.map(|amount| money(amount.get())).unwrap_or_default()),
                (self.say("Nội dung chuyển khoản", "Message"), transfer.purpose.unwrap_or_default()),
            ]);
        }
        body
    }

    /// Who is to be asked.
    fn office(&self) -> String {
        let account = self.snapshot.config.payees.iter().find(|payee| payee.id.as_str() == self.record.payee);
        let name = account.map(|account| account.agency_name.as_str()).filter(|name| !name.is_empty());
        let desk = self.say("bộ phận một cửa nơi nộp hồ sơ", "the one-stop desk where you applied");
        name.map_or_else(|| desk.to_owned(), |name| format!("{desk} ({})", escaped(name)))
    }

    /// What to do when it came to nothing.
    fn advice(&self) -> String {
        let (office, name) = (self.office(), escaped(&self.record.id));
        let (paid, again) = if self.language.english {
            (
                format!(
                    "If money was taken from your account, do not pay again: contact {office} and give the payment code \
                     <strong>{name}</strong>."
                ),
                format!("If none was, go back to your application to pay anew, or contact {office}."),
            )
        } else {
            (
                format!(
                    "Nếu tài khoản của bạn đã bị trừ tiền, không thanh toán lần nữa: hãy liên hệ {office} và cho biết mã thanh toán \
                     <strong>{name}</strong>."
                ),
                format!("Nếu chưa bị trừ tiền, hãy quay lại hồ sơ để thanh toán lại, hoặc liên hệ {office}."),
            )
        };
        format!("<p role=\"status\">{paid}</p><p>{again}</p>")
    }

    fn receipt(&self) -> String {
        let record = self.record;
        let provider = record.provider.as_deref().unwrap_or_default();
        let known = self.snapshot.payment_providers.get(provider);
        let provider = known.map_or(provider, |known| known.name(self.language.english));
        let refunded = Some(record.refunded).filter(|refunded| *refunded > 0).map(money).unwrap_or_default();
        let mut body = list(&[
            (self.say("Thanh toán lúc", "Paid at"), record.paid_at.map(moment).unwrap_or_default()),
            (self.say("Nơi thanh toán", "Provider"), provider.to_owned()),
            (self.say("Mã giao dịch", "Transaction"), record.transaction.clone().unwrap_or_default()),
            (self.say("Mã thanh toán", "Payment code"), record.id.clone()),
            (self.say("Đã hoàn", "Sent back"), refunded),
        ]);
        if let Some(url) = &record.receipt_url {
            body += &link(url, self.say("Xem biên lai", "See the receipt"));
        }
        if record.flags.iter().any(|flag| flag == Flag::PaidTwice.as_str()) {
            let office = self.office();
            body += &if self.language.english {
                format!("<p role=\"status\">This fee was paid before. Contact {office} to get your money back.</p>")
            } else {
                format!(
                    "<p role=\"status\">Khoản phí này đã được thanh toán trước đó. Hãy liên hệ {office} để được hoàn tiền.</p>"
                )
            };
        }
        body
    }
}

/// A value below its name: both fit a narrow screen.
const VALUE: &str = "margin:0 0 .5rem;overflow-wrap:anywhere";

/// Names and values; those without one are left out.
fn list(rows: &[(&str, String)]) -> String {
    let known = rows.iter().filter(|(_, value)| !value.is_empty());
    let rows = known
        .map(|(name, value)| format!("<dt><small>{name}</small></dt><dd style=\"{VALUE}\">{}</dd>", escaped(value)));
    format!("<dl>{}</dl>", rows.collect::<String>())
}

/// What something costs.
fn row(name: &str, amount: i64) -> String {
    format!(
        "<tr><th scope=\"row\" style=\"text-align:left;font-weight:normal;vertical-align:baseline;padding:.2rem .5rem .2rem 0\">{name}</th>\
         <td style=\"text-align:right;vertical-align:baseline;white-space:nowrap\">{}</td></tr>",
        money(amount)
    )
}

fn link(url: &str, name: &str) -> String {
    format!("<a class=\"button\" href=\"{}\">{name}</a>", escaped(url))
}

fn money(amount: i64) -> String {
    format!("{} đ", grouped(amount))
}

/// A moment as people in Vietnam write it: `13:05:59 22/11/2026`.
fn moment(at: Timestamp) -> String {
    let written = at.to_string();
    let part = |from: usize, to: usize| written.get(from..to).unwrap_or_default();
    format!("{} {}/{}/{}", part(11, 19), part(8, 10), part(5, 7), part(0, 4))
}

/// `1234567` as people in Vietnam write it: `1.234.567`.
fn grouped(amount: i64) -> String {
    let digits = amount.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
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

    #[test]
    fn moments_are_written_in_vietnamese_time_day_before_month() {
        assert_eq!(moment(Timestamp(1_767_238_200_000)), "10:30:00 01/01/2026");
    }
}

//! The payment page: what is to be paid, and one button for each thing that can happen to it.
//!
//! Vietnamese, one plain form, no script. No card, no account, no person: nothing is really paid.

use hyper::{Method, StatusCode};

use super::act::{Act, ActRefused, House, Shown, perform};
use super::book::{OrderState, PaymentOrder};
use super::clock;
use super::rules::{Counter, Terms};
use crate::address::{may_return, send_back};
use crate::answer::Answer;
use crate::call::{Call, Query};
use crate::html::{escaped, page};

/// The label of a button.
fn label(act: Act) -> &'static str {
    match act {
        Act::Pay => "Thanh toán",
        Act::Fail => "Thanh toán thất bại (với mã đã chọn)",
        Act::Cancel => "Hủy giao dịch",
        Act::Close => "Đóng cửa sổ, không làm gì",
        Act::PayLate => "Đóng cửa sổ, trả tiền sau khi hết hạn",
        Act::CallbackTwice => "Thanh toán, báo kết quả hai lần",
        Act::CallbackBeforeReturn => "Thanh toán, báo kết quả trước khi quay về",
        Act::CallbackLost => "Thanh toán, không báo kết quả",
        Act::WrongSignature => "Thanh toán, báo kết quả với chữ ký sai",
        Act::WrongAmount => "Thanh toán, báo kết quả với số tiền sai",
        Act::Defer => "Thanh toán, chờ xác minh rồi mới thành công",
        Act::Forge => "Không trả tiền, báo giả là đã trả",
    }
}

/// `GET` and `POST /pay/<name>`.
pub(super) fn answer(counter: &mut Counter<'_>, call: &Call, name: &str) -> Answer {
    let Some(order) = counter.book.of_page(name).cloned() else {
        return refused(StatusCode::NOT_FOUND, counter.rules.title, "Không có giao dịch này.");
    };
    let form = Query::parse(&String::from_utf8_lossy(&call.body));
    let chosen = form.get("act").and_then(|word| Act::ALL.into_iter().find(|act| act.as_str() == word));
    let (act, code) = match (&call.method, chosen, counter.settings.automatic) {
        (&Method::GET, _, Some(act)) if order.state == OrderState::Open => {
            (act, counter.settings.automatic_code.clone())
        }
        (&Method::GET, ..) => return show(counter, &order, None),
        (&Method::POST, Some(act), _) => (act, form.get("code").map(str::to_owned)),
        (&Method::POST, None, _) => return show(counter, &order, Some("Hãy chọn một nút.")),
        _ => return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "GET or POST\n"),
    };
    let house = House { rules: counter.rules, settings: counter.settings, now_ms: counter.now_ms };
    let code = code.as_deref().filter(|_| act == Act::Fail);
    match perform(house, counter.book, &order.reference, act, code) {
        Ok(Shown::Closed) => closed(counter.rules.title),
        Ok(Shown::Return) => match counter.book.order(&order.reference) {
            Some(order) => back(counter, order),
            None => closed(counter.rules.title),
        },
        Err(ActRefused::UnknownOrder | ActRefused::Over) => show(counter, &order, Some("Giao dịch đã kết thúc.")),
        Err(ActRefused::Expired) => show(counter, &order, Some("Giao dịch đã quá hạn thanh toán.")),
        Err(ActRefused::UnknownCode) => show(counter, &order, Some("Không có mã lỗi này.")),
    }
}

/// What cannot be paid at all.
pub(super) fn refused(status: StatusCode, title: &str, reason: &str) -> Answer {
    let title = escaped(title);
    let body = format!("<h1>{title}</h1>\n<p role=\"alert\">{}</p>", escaped(reason));
    page(status, &title, &body)
}

fn closed(title: &str) -> Answer {
    let title = escaped(title);
    page(StatusCode::OK, &title, &format!("<h1>{title}</h1>\n<p>Cửa sổ thanh toán đã đóng.</p>"))
}

/// The way back to the merchant.
fn back(counter: &Counter<'_>, order: &PaymentOrder) -> Answer {
    match target(counter, order) {
        Some(url) => {
            let pairs = (counter.rules.back)(&Terms::of(counter.rules, counter.settings), order);
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
            send_back(&url, &pairs)
        }
        None => {
            let title = escaped(counter.rules.title);
            page(StatusCode::OK, &title, &format!("<h1>{title}</h1>\n<p>{}</p>", standing(order)))
        }
    }
}

fn target(counter: &Counter<'_>, order: &PaymentOrder) -> Option<String> {
    let url = order.return_url.clone().or_else(|| counter.settings.return_url.clone());
    url.filter(|url| may_return(&[], url))
}

fn show(counter: &Counter<'_>, order: &PaymentOrder, notice: Option<&str>) -> Answer {
    let rules = counter.rules;
    let title = escaped(rules.title);
    let notice_text = notice.map(|text| format!("<p role=\"alert\">{}</p>\n", escaped(text))).unwrap_or_default();
    let facts = format!(
        "<h1>Thanh toán {title}</h1>\n<p>Mô phỏng: không có tiền thật.</p>\n\
         <p>Số tiền: <strong>{} ₫</strong></p>\n<p>Nội dung: {}</p>\n<p>Mã giao dịch: {}</p>\n<p>Hết hạn: {}</p>\n{notice_text}",
        grouped(order.amount),
        escaped(&order.description),
        escaped(&order.reference),
        clock::written(order.expires_ms),
    );
    let rest = if order.is_over() {
        let link = target(counter, order).map(|url| format!("<p><a href=\"{}\">Quay về</a></p>", escaped(&url)));
        format!("<p>{}</p>\n{}", standing(order), link.unwrap_or_default())
    } else {
        let option = |(code, words): &(&str, &str)| {
            format!("<option value=\"{}\">{} {}</option>\n", escaped(code), escaped(code), escaped(words))
        };
        let codes: String = rules.failures.iter().map(option).collect();
        let button = |act: Act| format!("<button name=\"act\" value=\"{}\">{}</button>\n", act.as_str(), label(act));
        let buttons: String = Act::ALL.into_iter().map(button).collect();
        format!(
            "<form method=\"post\">\n{buttons}<p><label for=\"code\">Mã thất bại:</label> <select id=\"code\" name=\"code\">\n\
             {codes}</select></p>\n</form>"
        )
    };
    let status = if notice.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    page(status, &format!("Thanh toán {title}"), &format!("{facts}{rest}"))
}

fn standing(order: &PaymentOrder) -> &'static str {
    match order.state {
        OrderState::Open => "Giao dịch đang chờ thanh toán.",
        OrderState::Deferred => "Giao dịch đang được xác minh.",
        OrderState::Paid => "Giao dịch thành công.",
        OrderState::Failed => "Giao dịch thất bại.",
        OrderState::Cancelled => "Giao dịch đã bị hủy.",
    }
}

/// 1234567 as 1.234.567.
fn grouped(amount: i64) -> String {
    let digits = amount.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
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
    fn thousands_stand_apart() {
        for (amount, text) in [(0, "0"), (999, "999"), (1_000, "1.000"), (1_234_567, "1.234.567")] {
            assert_eq!(grouped(amount), text);
        }
    }

    #[test]
    fn every_act_has_a_word_that_leads_back_to_it() {
        for act in Act::ALL {
            assert_eq!(serde_json::to_value(act).unwrap(), act.as_str());
        }
    }
}

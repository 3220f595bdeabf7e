//! The pages of the simulated identity providers: whom to sign in as, what went wrong, that one is signed out.
//!
//! Vietnamese and English side by side, no script, no picture: they have to work in any browser and for a test that
//! reads the form.

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue};

use super::people::{Account, AccountKind};
use crate::answer::Answer;

/// Nothing is loaded. Where the form leads is left open: browsers apply that to the way back to the client as well.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:1.1rem/1.5 sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;\
background:#fff}button{display:block;width:100%;margin:.5rem 0;padding:.75rem;font:inherit;text-align:left;\
color:#1a1a1a;background:#f2f2f2;border:2px solid #595959;border-radius:.4rem}button:focus-visible{outline:3px solid \
#0b57d0;outline-offset:2px}fieldset{border:0;padding:0;margin:1rem 0}legend{font-weight:bold;padding:0}\
small{display:block}";

/// One button for each person and one to go back. The form goes to the address of the page, query and all.
pub(super) fn choose<'a>(
    provider: &str,
    client: &str,
    notice: Option<&str>,
    people: impl Iterator<Item = &'a Account>,
) -> Answer {
    let notice = notice.map(|text| format!("<p role=\"alert\">{}</p>\n", escaped(text))).unwrap_or_default();
    let mut buttons = String::new();
    for account in people {
        let (id, name, kind) = (escaped(&account.id), escaped(&account.name), kind(account));
        buttons.push_str(&format!("<button name=\"person\" value=\"{id}\">{name}<small>{kind}</small></button>\n"));
    }
    let (provider, client) = (escaped(provider), escaped(client));
    let body = format!(
        "<h1>Đăng nhập {provider} <span lang=\"en\">/ Sign in</span></h1>\n\
         <p>Mô phỏng: không ai ở đây có thật. <span lang=\"en\">Simulated: nobody here exists.</span></p>\n\
         <p>Ứng dụng <span lang=\"en\">/ Application</span>: <strong>{client}</strong></p>\n{notice}\
         <form method=\"post\">\n<fieldset><legend>Đăng nhập với tài khoản <span lang=\"en\">/ Sign in as</span></legend>\n\
         {buttons}</fieldset>\n<button name=\"cancel\" value=\"1\">Hủy <span lang=\"en\">/ Cancel</span></button>\n</form>"
    );
    let status = if notice.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    page(status, &format!("Đăng nhập {provider}"), &body)
}

/// A request from which there is no way back.
pub(super) fn refused(reason: &str) -> Answer {
    let body = format!(
        "<h1>Yêu cầu không hợp lệ <span lang=\"en\">/ Invalid request</span></h1>\n<p lang=\"en\">{}</p>",
        escaped(reason)
    );
    page(StatusCode::BAD_REQUEST, "Yêu cầu không hợp lệ", &body)
}

/// The end of a session that leads nowhere else.
pub(super) fn signed_out() -> Answer {
    let body = "<h1>Đã đăng xuất <span lang=\"en\">/ Signed out</span></h1>";
    page(StatusCode::OK, "Đã đăng xuất", body)
}

fn page(status: StatusCode, title: &str, body: &str) -> Answer {
    let whole = format!(
        "<!doctype html>\n<html lang=\"vi\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style></head>\n<body><main>\n{body}\n</main></body>\n</html>\n"
    );
    Answer::of(status, "text/html; charset=utf-8", whole)
        .with(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))
        .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

/// What tells two accounts of one name apart.
fn kind(account: &Account) -> String {
    let (vietnamese, english) = match account.kind {
        AccountKind::Citizen => ("Công dân", "Citizen"),
        AccountKind::Enterprise => ("Doanh nghiệp", "Enterprise"),
        AccountKind::Organisation => ("Tổ chức", "Organisation"),
        AccountKind::Officer => ("Cán bộ", "Officer"),
    };
    let number = account.identity_number.as_deref().or(account.old_number.as_deref()).or(account.tax_code.as_deref());
    let number = number.map(|number| format!(" · {}", escaped(number))).unwrap_or_default();
    format!("{vietnamese} <span lang=\"en\">/ {english}</span>{number}")
}

/// Text for HTML and XML, in elements and in attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

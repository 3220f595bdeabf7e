//! The pages of the simulated identity providers: whom to sign in as, what went wrong, that one is signed out.
//!
//! Vietnamese and English side by side, no script, no picture: they have to work in any browser and for a test that
//! reads the form.

use hyper::StatusCode;

use super::people::{Account, AccountKind};
use crate::answer::Answer;
use crate::html::{escaped, page};

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

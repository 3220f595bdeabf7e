//! The pages that people see while they sign in: plain HTML that works without scripts, in Vietnamese and English. What they
//! show is escaped, and no page may be framed or load anything.

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY};

use crate::answer::{self, Answer};
use crate::failure::Failure;
use crate::trace::Trace;

/// A provider to choose.
pub(crate) struct Choice<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
}

/// The words of the pages: Vietnamese, then English.
struct Words {
    lang: &'static str,
    sign_in: &'static str,
    wants_to_know: &'static str,
    choose: &'static str,
    consent: &'static str,
    learns: &'static str,
    allow: &'static str,
    deny: &'static str,
    sign_out: &'static str,
    really: &'static str,
    stay: &'static str,
    signed_out: &'static str,
    also_there: &'static str,
    go_on: &'static str,
    going_on: &'static str,
}

const VIETNAMESE: Words = Words {
    lang: "vi",
    sign_in: "Đăng nhập",
    wants_to_know: "muốn biết bạn là ai.",
    choose: "Chọn tài khoản để đăng nhập:",
    consent: "Đồng ý chia sẻ thông tin",
    learns: "sẽ nhận các thông tin sau của bạn:",
    allow: "Đồng ý",
    deny: "Không đồng ý",
    sign_out: "Đăng xuất",
    really: "Bạn có muốn đăng xuất không?",
    stay: "Đóng trang này nếu bạn không muốn đăng xuất.",
    signed_out: "Bạn đã đăng xuất.",
    also_there: "Đăng xuất cả ở nơi đã đăng nhập",
    go_on: "Tiếp tục",
    going_on: "Đang chuyển tiếp",
};

const ENGLISH: Words = Words {
    lang: "en",
    sign_in: "Sign in",
    wants_to_know: "wants to know who you are.",
    choose: "Choose an account to sign in with:",
    consent: "Agree to share your data",
    learns: "will learn the following about you:",
    allow: "Agree",
    deny: "Refuse",
    sign_out: "Sign out",
    really: "Do you want to sign out?",
    stay: "Close this page if you do not.",
    signed_out: "You are signed out.",
    also_there: "Sign out where you signed in, too",
    go_on: "Go on",
    going_on: "Going on",
};

/// The language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Vietnamese,
    English,
}

impl Language {
    pub(crate) fn english_if(english: bool) -> Self {
        if english { Self::English } else { Self::Vietnamese }
    }

    fn words(self) -> &'static Words {
        match self {
            Self::Vietnamese => &VIETNAMESE,
            Self::English => &ENGLISH,
        }
    }
}

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}\
h1{font-size:1.5rem}button,.button{display:block;width:100%;box-sizing:border-box;margin:.6rem 0;padding:.8rem 1rem;font:inherit;text-align:left;\
background:#fff;border:2px solid #0b5394;border-radius:.4rem;color:#0b3d6b;text-decoration:none;cursor:pointer}\
button:focus-visible,.button:focus-visible{outline:3px solid #e69138;outline-offset:2px}.main{background:#0b5394;color:#fff}small{color:#555}";

/// Asks where somebody wants to sign in.
pub(crate) fn choose(language: Language, client: &str, login: &str, choices: &[Choice<'_>]) -> Answer {
    let words = language.words();
    let mut body = format!("<p><strong>{}</strong> {}</p>", escaped(client), words.wants_to_know);
    body += &format!(
        "<form method=\"post\" action=\"/oauth2/login\"><input type=\"hidden\" name=\"login\" value=\"{}\">",
        escaped(login)
    );
    body += &format!("<fieldset style=\"border:0;padding:0;margin:0\"><legend>{}</legend>", words.choose);
    for Choice { id, name } in choices {
        body += &format!("<button name=\"provider\" value=\"{}\">{}</button>", escaped(id), escaped(name));
    }
    body += "</fieldset></form>";
    page(StatusCode::OK, words.lang, words.sign_in, &body)
}

/// Asks whether a client may learn who somebody is.
pub(crate) fn consent(language: Language, client: &str, name: Option<&str>, login: &str, data: &[&str]) -> Answer {
    let words = language.words();
    let mut body = String::new();
    if let Some(name) = name {
        body += &format!("<p>{}</p>", escaped(name));
    }
    body += &format!("<p><strong>{}</strong> {}</p><ul>", escaped(client), words.learns);
    for one in data {
        body += &format!("<li>{}</li>", escaped(one));
    }
    body += &format!(
        "</ul><form method=\"post\" action=\"/oauth2/consent\"><input type=\"hidden\" name=\"login\" value=\"{}\">\
         <button class=\"main\" name=\"answer\" value=\"allow\">{}</button>\
         <button name=\"answer\" value=\"deny\">{}</button></form>",
        escaped(login),
        words.allow,
        words.deny
    );
    page(StatusCode::OK, words.lang, words.consent, &body)
}

/// Asks whether somebody wants to sign out. `fields` go back as they are.
pub(crate) fn sign_out(language: Language, fields: &[(&str, &str)]) -> Answer {
    let words = language.words();
    let mut body = format!("<p>{}</p><form method=\"post\" action=\"/oauth2/logout\">", words.really);
    for (name, value) in fields {
        body += &format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value));
    }
    body += &format!("<button class=\"main\">{}</button></form><p><small>{}</small></p>", words.sign_out, words.stay);
    page(StatusCode::OK, words.lang, words.sign_out, &body)
}

/// Says that somebody is signed out; `there` is where he can sign out at his provider.
pub(crate) fn signed_out(language: Language, there: Option<&str>) -> Answer {
    let words = language.words();
    let mut body = format!("<p>{}</p>", words.signed_out);
    if let Some(url) = there {
        body += &format!("<a class=\"button\" href=\"{}\">{}</a>", escaped(url), words.also_there);
    }
    page(StatusCode::OK, words.lang, words.sign_out, &body)
}

/// Sends the browser on with a form (OAuth 2.0 Form Post Response Mode), which a person without scripts sends himself.
pub(crate) fn form_post(language: Language, to: &str, fields: &[(&str, String)]) -> Answer {
    let words = language.words();
    let mut body = format!("<form method=\"post\" action=\"{}\">", escaped(to));
    for (name, value) in fields {
        body += &format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value));
    }
    body += &format!("<button class=\"main\" autofocus>{}</button></form>", words.go_on);
    page(StatusCode::OK, words.lang, words.going_on, &body)
}

/// Says what went wrong, in both languages: nothing is known yet of who reads it.
pub(crate) fn error(status: StatusCode, title: &str, advice_vi: &str, failure: &Failure, trace: &Trace) -> Answer {
    let body = format!(
        "<p>Hãy quay lại nơi bạn bắt đầu và thử lại. {}</p>\
         <p lang=\"en\">Go back to where you came from and try again. {}: {}</p><p><small>{} · {}</small></p>",
        escaped(advice_vi),
        escaped(title),
        escaped(&failure.detail),
        failure.code.code(),
        trace.id_hex()
    );
    page(status, "vi", "Không thực hiện được", &body)
}

/// `form-action` is left out: forms lead to providers and clients by redirects, on which browsers disagree.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/// A page of this title and body, which is HTML.
pub(crate) fn page(status: StatusCode, lang: &str, title: &str, body: &str) -> Answer {
    let title = escaped(title);
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>\n"
    );
    let mut answer = answer::with_body(status, "text/html; charset=utf-8", html);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Text as it may stand in HTML, also inside quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_escaped() {
        assert_eq!(escaped("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
    }
}

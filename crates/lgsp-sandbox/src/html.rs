//! Pages of partners: one shell, and text for it.
//!
//! No script, no picture, nothing that is loaded: they have to work in any browser and for a test that reads the form.

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue};

use crate::answer::Answer;

/// Nothing is loaded. Where the form leads is left open: browsers apply that to the way back to the client as well.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:1.1rem/1.5 sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;\
background:#fff}button{display:block;width:100%;margin:.5rem 0;padding:.75rem;font:inherit;text-align:left;\
color:#1a1a1a;background:#f2f2f2;border:2px solid #595959;border-radius:.4rem}button:focus-visible{outline:3px solid \
#0b57d0;outline-offset:2px}fieldset{border:0;padding:0;margin:1rem 0}legend{font-weight:bold;padding:0}\
small{display:block}";

/// A whole page; `title` and `body` are HTML.
pub(crate) fn page(status: StatusCode, title: &str, body: &str) -> Answer {
    let whole = format!(
        "<!doctype html>\n<html lang=\"vi\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style></head>\n<body><main>\n{body}\n</main></body>\n</html>\n"
    );
    Answer::of(status, "text/html; charset=utf-8", whole)
        .with(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))
        .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

/// Text for HTML and XML, in elements and in attributes.
pub(crate) fn escaped(text: &str) -> String {
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

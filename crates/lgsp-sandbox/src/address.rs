//! Addresses of partners with pages: their own as callers see it, and those that browsers are sent back to.
//!
//! It opens no connection.

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, HeaderValue, LOCATION};

use crate::answer::Answer;
use crate::call::Call;

/// Where everything of this sandbox starts: as set, or as the caller addressed it.
pub(crate) fn base(set: Option<&str>, call: &Call) -> String {
    set.map_or_else(|| format!("http://{}", call.host()), |set| set.trim_end_matches('/').to_owned())
}

/// Whether a browser may be sent there: a list compares to the letter; without one any absolute address will do.
pub(crate) fn may_return(allowed: &[String], address: &str) -> bool {
    let absolute = address.starts_with("http://") || address.starts_with("https://");
    let plain = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    absolute && plain && (allowed.is_empty() || allowed.iter().any(|known| known == address))
}

/// Sends the browser to an address that passed `may_return`, with pairs added to its query.
pub(crate) fn send_back(address: &str, pairs: &[(&str, &str)]) -> Answer {
    let mut whole = address.to_owned();
    for (name, value) in pairs {
        whole.push(if whole.contains('?') { '&' } else { '?' });
        whole.push_str(name);
        whole.push('=');
        whole.push_str(&encoded(value));
    }
    let location = HeaderValue::try_from(whole).expect("an address that was looked at, with encoded values");
    Answer::of(StatusCode::FOUND, "text/plain; charset=utf-8", "")
        .with(LOCATION, location)
        .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

/// Percent-encoded for a query (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Response;

    #[test]
    fn only_absolute_addresses_without_fragment_are_returned_to() {
        for right in ["https://lgsp.example/callback", "http://127.0.0.1:8080/cb?provider=vneid"] {
            assert!(may_return(&[], right), "{right}");
        }
        for wrong in ["", "/callback", "javascript:alert(1)", "https://a/#b", "https://a/ b", "https://ạ/", "ftp://a/"]
        {
            assert!(!may_return(&[], wrong), "{wrong}");
        }
        let listed = ["https://a/cb".to_owned()];
        assert!(may_return(&listed, "https://a/cb") && !may_return(&listed, "https://a/cb/"));
    }

    #[test]
    fn what_is_added_is_encoded_and_the_query_goes_on() {
        let location = |answer: Answer| {
            let response: Response<_> = answer.into_response();
            response.headers()["location"].to_str().unwrap().to_owned()
        };
        assert_eq!(
            location(send_back("https://a/cb", &[("state", "a b&=%ạ")])),
            "https://a/cb?state=a%20b%26%3D%25%E1%BA%A1"
        );
        assert_eq!(location(send_back("https://a/cb?x=1", &[("code", "c")])), "https://a/cb?x=1&code=c");
    }
}

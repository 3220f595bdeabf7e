//! The browser of a person: the two cookies by which it is known again. What they name is kept elsewhere.

use hyper::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};

use super::memory::random_text;
use crate::answer::Answer;

/// Binds a login under way to the browser in which it began.
const BROWSER: &str = "__Host-lgsp-browser";
/// Names the session of who signed in; another one after each sign-in.
const SESSION: &str = "__Host-lgsp-session";

/// What `Set-Cookie` says besides the value. Sent along when a provider sends the browser back, never by other sites' forms.
const ATTRIBUTES: &str = "; Path=/; Secure; HttpOnly; SameSite=Lax";

/// Whether browsers keep cookies of an issuer at this address: they do for https, and for plain http of their own machine.
pub(crate) fn keeps_cookies_of(issuer: &str) -> bool {
    let Some(rest) = issuer.strip_prefix("http://") else { return true };
    let host = rest.split('/').next().unwrap_or_default();
    let host = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(host, _)| host);
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

/// The cookies of one request.
#[derive(Debug)]
pub(crate) struct Browser {
    id: Option<String>,
    session: Option<String>,
}

impl Browser {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self { id: cookie(headers, BROWSER), session: cookie(headers, SESSION) }
    }

    /// The value that names the browser, if it came with one.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The value that names the session, if there is one.
    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The value that names the browser, and whether it is new.
    pub(crate) fn id_or_new(&self) -> (String, bool) {
        match &self.id {
            Some(id) => (id.clone(), false),
            None => (random_text(), true),
        }
    }
}

/// The only cookie of this name; of two, one may have been planted.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut found = all
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name);
    let (_, value) = found.next()?;
    (found.next().is_none() && !value.is_empty()).then(|| value.to_owned())
}

pub(crate) fn set_browser(answer: &mut Answer, id: &str) {
    set(answer, BROWSER, id, "");
}

pub(crate) fn set_session(answer: &mut Answer, name: &str) {
    set(answer, SESSION, name, "");
}

pub(crate) fn forget_session(answer: &mut Answer) {
    set(answer, SESSION, "", "; Max-Age=0");
}

fn set(answer: &mut Answer, name: &str, value: &str, more: &str) {
    let text = format!("{name}={value}{ATTRIBUTES}{more}");
    answer.headers_mut().append(SET_COOKIE, HeaderValue::from_str(&text).expect("base64url is visible ASCII"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_over_plain_http_is_of_use_on_its_own_machine_only() {
        for good in ["https://lgsp.example", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080"] {
            assert!(keeps_cookies_of(good), "{good}");
        }
        for bad in ["http://lgsp.example", "http://0.0.0.0:8080", "http://10.0.0.1:8080", "http://localhost.example"] {
            assert!(!keeps_cookies_of(bad), "{bad}");
        }
    }

    #[test]
    fn a_cookie_counts_when_it_is_there_once() {
        let headers = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(COOKIE, HeaderValue::from_static(value));
            }
            Browser::of(&headers)
        };
        let both = headers(&["a=1; __Host-lgsp-session=s", "__Host-lgsp-browser=b"]);
        assert_eq!((both.id(), both.session()), (Some("b"), Some("s")));
        assert_eq!(headers(&["__Host-lgsp-session=s; __Host-lgsp-session=t"]).session(), None);
        assert_eq!(headers(&["lgsp-session=s"]).session(), None);
    }
}

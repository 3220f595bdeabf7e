//! Which headers pass: those of the connection do not, those that say who asked are made anew, credentials for this
//! gateway stay here.

use std::fmt::Write as _;
use std::net::IpAddr;

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use lgsp_contract::Authentication;

/// Headers that belong to one connection (RFC 9110 §7.6.1) or say how a message is framed on it.
const OF_CONNECTION: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// What callers say about who they are: only this gateway can know.
const OF_FORWARDING: [HeaderName; 7] = [
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-real-ip"),
];

/// This gateway's name in `Via`.
const VIA: HeaderValue = HeaderValue::from_static("1.1 lgsp");

/// The most headers that `Connection` may name: more is an attempt to keep us busy.
const MOST_NOMINATED: usize = 16;

/// What one call knows of its caller.
pub(super) struct Origin<'a> {
    pub(super) address: IpAddr,
    pub(super) secure: bool,
    pub(super) host: Option<&'a str>,
}

/// Takes out what belongs to the connection. `keep_upgrade` keeps the wish to speak another protocol.
pub(super) fn strip_connection(headers: &mut HeaderMap, keep_upgrade: bool) {
    if headers.contains_key(header::CONNECTION) {
        strip_nominated(headers);
    }
    let upgrade = if keep_upgrade { headers.get(header::UPGRADE).cloned() } else { None };
    let trailers = headers.get(header::TE).is_some_and(|te| {
        te.as_bytes().split(|&b| b == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(b"trailers"))
    });
    for name in &OF_CONNECTION {
        if !headers.is_empty() {
            headers.remove(name);
        }
    }
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    if let Some(upgrade) = upgrade {
        headers.insert(header::UPGRADE, upgrade);
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// Takes out the headers that `Connection` names.
fn strip_nominated(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        // Those that frame or address the message are not the sender's to withdraw.
        .filter(|name| !matches!(*name, header::UPGRADE | header::HOST | header::CONTENT_LENGTH | header::CONTENT_TYPE))
        .take(MOST_NOMINATED)
        .collect();
    for name in names {
        headers.remove(name);
    }
}

/// Makes a caller's headers those of a call to the upstream.
pub(super) fn to_upstream(
    headers: &mut HeaderMap,
    origin: &Origin<'_>,
    accepted: &[Authentication],
    traceparent: &str,
    keep_upgrade: bool,
) {
    strip_connection(headers, keep_upgrade);
    headers.remove(header::HOST);
    headers.remove(header::EXPECT);
    headers.remove(header::CONTENT_LENGTH);
    for name in &OF_FORWARDING {
        headers.remove(name);
    }
    for kind in accepted {
        strip_credential(headers, *kind);
    }
    add_origin(headers, origin);
    headers.append(header::VIA, VIA);
    headers.insert("traceparent", HeaderValue::from_str(traceparent).expect("hex and dashes are visible ASCII"));
}

/// Credentials for this gateway are nobody else's business.
fn strip_credential(headers: &mut HeaderMap, kind: Authentication) {
    match kind {
        Authentication::Bearer | Authentication::Basic => {
            headers.remove(header::AUTHORIZATION);
        }
        Authentication::ApiKey => {
            headers.remove("x-api-key");
        }
        Authentication::Signature => {
            headers.remove("signature");
            headers.remove("signature-input");
        }
        Authentication::LgspAccessToken => {
            headers.remove("lgspaccesstoken");
            headers.remove(header::AUTHORIZATION);
        }
        Authentication::Mtls => {}
    }
}

fn add_origin(headers: &mut HeaderMap, origin: &Origin<'_>) {
    let mut address = String::with_capacity(45);
    let _ = write!(address, "{}", origin.address);
    let proto = if origin.secure { "https" } else { "http" };
    let mut forwarded = String::with_capacity(96);
    let _ = match origin.address {
        IpAddr::V4(_) => write!(forwarded, "for={address};proto={proto}"),
        IpAddr::V6(_) => write!(forwarded, "for=\"[{address}]\";proto={proto}"),
    };
    // A host that needs quoting was refused before; one that does not fit a token is quoted all the same.
    if let Some(host) = origin.host {
        let _ = write!(forwarded, ";host=\"{host}\"");
        if let Ok(host) = HeaderValue::from_str(host) {
            headers.insert("x-forwarded-host", host);
        }
    }
    if let Ok(forwarded) = HeaderValue::from_str(&forwarded) {
        headers.insert(header::FORWARDED, forwarded);
    }
    headers.insert("x-forwarded-for", HeaderValue::from_str(&address).expect("an address is visible ASCII"));
    headers.insert("x-forwarded-proto", HeaderValue::from_static(proto));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<String> {
        let mut names: Vec<_> = headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    }

    #[test]
    fn what_belongs_to_the_connection_does_not_pass() {
        let mut headers = map(&[
            ("Connection", "close, X-Secret"),
            ("X-Secret", "1"),
            ("Keep-Alive", "5"),
            ("TE", "gzip, trailers"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "websocket"),
            ("Proxy-Authorization", "Basic x"),
            ("Accept", "*/*"),
        ]);
        strip_connection(&mut headers, false);
        assert_eq!(names(&headers), ["accept", "te"]);
        assert_eq!(headers["te"], "trailers");
    }

    #[test]
    fn a_wish_to_upgrade_passes_when_it_may() {
        let mut headers = map(&[("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket")]);
        strip_connection(&mut headers, true);
        assert_eq!(
            (&headers["connection"], &headers["upgrade"]),
            (&"upgrade".parse().unwrap(), &"websocket".parse().unwrap())
        );
    }

    #[test]
    fn a_caller_cannot_withdraw_what_addresses_or_frames_the_message() {
        let mut headers = map(&[("Connection", "host, content-type, x"), ("Content-Type", "a/b"), ("X", "1")]);
        strip_connection(&mut headers, false);
        assert_eq!(names(&headers), ["content-type"]);
    }

    #[test]
    fn who_asked_is_made_anew_and_credentials_stay_here() {
        let mut headers = map(&[
            ("Host", "gateway"),
            ("Authorization", "Bearer t"),
            ("X-API-Key", "mine"),
            ("X-Forwarded-For", "6.6.6.6"),
            ("Forwarded", "for=6.6.6.6"),
            ("X-Real-IP", "6.6.6.6"),
            ("Via", "1.0 old"),
            ("Content-Length", "3"),
        ]);
        let origin = Origin { address: "2001:db8::1".parse().unwrap(), secure: true, host: Some("gw.example") };
        to_upstream(&mut headers, &origin, &[Authentication::Bearer], "00-a-b-01", false);
        assert_eq!(headers["forwarded"], "for=\"[2001:db8::1]\";proto=https;host=\"gw.example\"");
        assert_eq!(headers["x-forwarded-for"], "2001:db8::1");
        assert_eq!(headers["x-api-key"], "mine", "a key that the service does not ask for is the upstream's");
        assert!(!headers.contains_key("authorization") && !headers.contains_key("content-length"));
        assert_eq!(headers.get_all("via").iter().count(), 2);
        assert!(headers.get_all("x-forwarded-for").iter().count() == 1 && !headers.contains_key("x-real-ip"));
    }
}

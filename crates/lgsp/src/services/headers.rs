//! Which headers pass: those of the connection do not, those that say who asked are made anew, credentials for this
//! gateway stay here.

use std::fmt::Write as _;
use std::net::IpAddr;

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use lgsp_contract::Authentication;

use crate::trace::TRACEPARENT;

/// Headers that belong to one connection (RFC 9110 §7.6.1) or say how a message is framed on it.
fn is_of_connection(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

/// Headers of a request that are written anew: where it goes, how long it is, and what callers say about who they are,
/// which only this gateway can know.
fn is_made_anew(name: &str) -> bool {
    matches!(
        name,
        "host"
            | "expect"
            | "content-length"
            | "forwarded"
            | "x-forwarded-for"
            | "x-forwarded-host"
            | "x-forwarded-proto"
            | "x-forwarded-port"
            | "x-forwarded-prefix"
            | "x-real-ip"
    )
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// This gateway's name in `Via`.
const VIA: HeaderValue = HeaderValue::from_static("1.1 lgsp");

/// The most headers that `Connection` may name: more is an attempt to keep us busy.
const MOST_NOMINATED: usize = 16;

/// What one call knows of its caller.
pub(super) struct Origin {
    pub(super) address: IpAddr,
    pub(super) secure: bool,
    /// The host that it asked.
    pub(super) host: Option<HeaderValue>,
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
    remove_all(headers, is_of_connection);
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    if let Some(upgrade) = upgrade {
        headers.insert(header::UPGRADE, upgrade);
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// Takes out every header whose name is one of those. A message has few headers and fewer that go: looking at each costs
/// less than asking for every name that might be there.
fn remove_all(headers: &mut HeaderMap, goes: impl Fn(&str) -> bool) {
    while let Some(name) = headers.keys().find(|name| goes(name.as_str())).cloned() {
        headers.remove(name);
    }
}

/// Takes out the headers that `Connection` names.
fn strip_nominated(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        // What nearly all say names no header.
        .filter(|name| !name.eq_ignore_ascii_case("keep-alive") && !name.eq_ignore_ascii_case("close"))
        .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
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
    origin: &Origin,
    accepted: &[Authentication],
    traceparent: HeaderValue,
    keep_upgrade: bool,
) {
    strip_connection(headers, keep_upgrade);
    let proves = |name: &str| accepted.iter().any(|kind| is_credential(*kind, name));
    remove_all(headers, |name| is_made_anew(name) || proves(name));
    add_origin(headers, origin);
    headers.append(header::VIA, VIA);
    headers.insert(TRACEPARENT, traceparent);
}

/// Credentials for this gateway are nobody else's business.
fn is_credential(kind: Authentication, name: &str) -> bool {
    match kind {
        Authentication::Bearer | Authentication::Basic => name == "authorization",
        Authentication::ApiKey => name == "x-api-key",
        Authentication::Signature => matches!(name, "signature" | "signature-input"),
        Authentication::LgspAccessToken => matches!(name, "lgspaccesstoken" | "authorization"),
        Authentication::Mtls => false,
    }
}

fn add_origin(headers: &mut HeaderMap, origin: &Origin) {
    let proto = if origin.secure { "https" } else { "http" };
    let mut forwarded = String::with_capacity(96);
    forwarded.push_str("for=");
    let (open, close) = if origin.address.is_ipv4() { ("", "") } else { ("\"[", "]\"") };
    forwarded.push_str(open);
    let start = forwarded.len();
    push_address(&mut forwarded, origin.address);
    let address = HeaderValue::from_str(&forwarded[start..]).expect("an address is visible ASCII");
    forwarded.push_str(close);
    forwarded.push_str(";proto=");
    forwarded.push_str(proto);
    // A host that needs quoting was refused before; one that does not fit a token is quoted all the same.
    if let Some((host, text)) = origin.host.as_ref().and_then(|host| Some((host, host.to_str().ok()?))) {
        forwarded.push_str(";host=\"");
        forwarded.push_str(text);
        forwarded.push('"');
        headers.insert(X_FORWARDED_HOST, host.clone());
    }
    if let Ok(forwarded) = HeaderValue::from_str(&forwarded) {
        headers.insert(header::FORWARDED, forwarded);
    }
    headers.insert(X_FORWARDED_FOR, address);
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(proto));
}

/// Writes an address; for IPv4 without the formatting machinery, which costs more than all the rest of the header.
fn push_address(text: &mut String, address: IpAddr) {
    let IpAddr::V4(address) = address else {
        let _ = write!(text, "{address}");
        return;
    };
    for (n, octet) in address.octets().into_iter().enumerate() {
        if n > 0 {
            text.push('.');
        }
        let digits = [octet / 100, octet / 10 % 10, octet % 10];
        let first = digits[..2].iter().position(|digit| *digit > 0).unwrap_or(2);
        text.extend(digits[first..].iter().map(|digit| char::from(b'0' + digit)));
    }
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
    fn addresses_are_written_as_the_standard_library_writes_them() {
        for address in ["0.0.0.0", "127.0.0.1", "10.20.30.40", "255.100.99.9", "::1", "2001:db8::1:0:2"] {
            let mut text = String::new();
            push_address(&mut text, address.parse().unwrap());
            assert_eq!(text, address);
        }
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
        let origin = Origin {
            address: "2001:db8::1".parse().unwrap(),
            secure: true,
            host: Some(HeaderValue::from_static("gw.example")),
        };
        let trace = HeaderValue::from_static("00-a-b-01");
        to_upstream(&mut headers, &origin, &[Authentication::Bearer], trace, false);
        assert_eq!(headers["forwarded"], "for=\"[2001:db8::1]\";proto=https;host=\"gw.example\"");
        assert_eq!(headers["x-forwarded-for"], "2001:db8::1");
        assert_eq!(headers["x-api-key"], "mine", "a key that the service does not ask for is the upstream's");
        assert!(!headers.contains_key("authorization") && !headers.contains_key("content-length"));
        assert_eq!(headers.get_all("via").iter().count(), 2);
        assert!(headers.get_all("x-forwarded-for").iter().count() == 1 && !headers.contains_key("x-real-ip"));
    }
}

//! The examples of RFC 9421 Appendix B, signatures of our own, and everything that keeps one from counting.

use std::net::Ipv4Addr;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Uri};
use lgsp_config::{SignatureAlgorithm, SignatureKey};
use proptest::prelude::*;

use super::super::fixture;
use super::*;

mod rfc9421;

const SECRET: &str = "c2hhcmVkIHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGVzISE=";
/// 2027-01-15T08:00:00Z in seconds.
const NOW: i64 = 1_800_000_000;

/// A request in the making.
#[derive(Clone)]
struct Request {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: bool,
}

impl Request {
    fn new(method: Method, uri: &str, headers: &[(&'static str, &str)]) -> Self {
        let mut request = Self { method, uri: uri.parse().unwrap(), headers: HeaderMap::new(), body: false };
        for (name, value) in headers {
            request.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        request
    }

    fn post(body: &[u8]) -> Self {
        let sha256 = format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, body)));
        let headers = [("host", "LGSP.example:443"), ("content-type", "application/json"), ("content-digest", &sha256)];
        Self { body: true, ..Self::new(Method::POST, "/services/population/lookup?x=1", &headers) }
    }

    fn head(&self) -> Head<'_> {
        Head {
            proven_key: None,
            method: &self.method,
            uri: &self.uri,
            headers: &self.headers,
            has_body: self.body,
            scheme: "https",
            from: Ipv4Addr::LOCALHOST.into(),
            certificate: None,
        }
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.headers.insert(name, HeaderValue::from_str(value).unwrap());
    }

    /// Signs with the shared secret whatever `input` says.
    fn signed(mut self, input: &str) -> Self {
        let parsed: Dictionary = Parser::new(&format!("sig={input}")).parse().unwrap();
        let ListEntry::InnerList(list) = &parsed["sig"] else { panic!("a list of components") };
        let base = Covered::read(list).unwrap().base(&self.head(), list).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(SECRET).unwrap());
        let signature = STANDARD.encode(hmac::sign(&key, base.as_bytes()));
        self.set("signature-input", &format!("sig={input}"));
        self.set("signature", &format!("sig=:{signature}:"));
        self
    }
}

fn members() -> Members {
    let key =
        |id: &str, rest: &str| format!("{{ id = \"{id}\", algorithm = \"hmac-sha256\", secret = \"{SECRET}\"{rest} }}");
    let one = format!("signature_keys = [{}, {}]", key("k1", ""), key("k2", ", expires = 2026-01-01"));
    let two = format!("signature_keys = [{}]", key("k3", "").replace("c2hh", "c2hi"));
    fixture::members(&[fixture::table("signer", &one), fixture::table("another", &two)].concat())
}

fn verify_at(request: &Request, replays: &Replays, seconds: i64) -> Result<Option<(String, bool)>, BadSignature> {
    let now = Timestamp(seconds * 1000);
    let verified = verify(&request.head(), &members(), replays, Now { wall: now, steady: now })?;
    Ok(verified.map(|caller| {
        (caller.identified.member.id.to_string(), caller.digest.is_some_and(|digest| digest.holds(b"{}")))
    }))
}

fn verified(request: &Request) -> Result<Option<(String, bool)>, BadSignature> {
    verify_at(request, &Replays::default(), NOW)
}

const ALL: &str = "(\"@method\" \"@target-uri\" \"content-digest\" \"content-type\")";

fn input(components: &str, parameters: &str) -> String {
    format!("{components};created={NOW};keyid=\"k1\"{parameters}")
}

#[test]
fn a_signed_request_proves_its_member_and_says_what_its_body_is() {
    let signer = |holds| Ok(Some(("signer".to_owned(), holds)));
    assert_eq!(verified(&Request::post(b"{}").signed(&input(ALL, ";nonce=\"a\""))), signer(true));
    assert_eq!(verified(&Request::post(b"{ }").signed(&input(ALL, ""))), signer(false));
    let parts = "(\"@authority\" \"@method\" \"@path\" \"@query\" \"content-type\" \"content-digest\")";
    assert_eq!(verified(&Request::post(b"{}").signed(&input(parts, ";alg=\"hmac-sha256\""))), signer(true));
    let get = Request::new(Method::GET, "/services/x", &[("host", "lgsp.example")]);
    assert_eq!(verified(&get.clone().signed(&input("(\"@method\" \"@authority\" \"@path\")", ""))), signer(false));
    assert_eq!(verified(&get), Ok(None));
    // A proxy's signature beside it is passed over.
    let mut both = Request::post(b"{}").signed(&input(ALL, ""));
    for (name, value) in [("signature-input", "ttrp=(\"@method\");keyid=\"proxy\""), ("signature", "ttrp=:AAAA:")] {
        both.headers.append(name, HeaderValue::from_static(value));
    }
    assert_eq!(verified(&both), signer(true));
}

#[test]
fn what_must_be_covered_is_covered() {
    for (components, missing) in [
        ("(\"@target-uri\" \"content-digest\" \"content-type\")", "@method"),
        (
            "(\"@method\" \"@path\" \"@query\" \"content-digest\" \"content-type\")",
            "@target-uri, or @authority with @path and @query",
        ),
        ("(\"@method\" \"@authority\" \"@path\" \"content-digest\" \"content-type\")", "@query"),
        (
            "(\"@method\" \"@authority\" \"@query\" \"content-digest\" \"content-type\")",
            "@target-uri, or @authority with @path and @query",
        ),
        ("(\"@method\" \"@target-uri\" \"content-type\")", "content-digest"),
        ("(\"@method\" \"@target-uri\" \"content-digest\")", "content-type"),
    ] {
        let request = Request::post(b"{}").signed(&input(components, ""));
        assert_eq!(verified(&request), Err(BadSignature::NotCovered(missing)), "{components}");
    }
    let mut packed = Request::post(b"{}");
    packed.set("content-encoding", "gzip");
    assert_eq!(verified(&packed.signed(&input(ALL, ""))), Err(BadSignature::NotCovered("content-encoding")));
}

#[test]
fn times_and_names_are_checked_before_the_signature() {
    let at = |created: i64, more: &str| format!("{ALL};created={created};keyid=\"k1\"{more}");
    for (input, bad) in [
        (at(NOW - 301, ""), BadSignature::TooOld),
        (at(NOW + 61, ""), BadSignature::TooNew),
        (at(NOW - 10, &format!(";expires={NOW}")), BadSignature::Expired),
        (format!("{ALL};keyid=\"k1\""), BadSignature::NoTime),
        (format!("{ALL};created=\"{NOW}\";keyid=\"k1\""), BadSignature::Malformed),
        (format!("{ALL};created={NOW}"), BadSignature::UnknownKey),
        (format!("{ALL};created={NOW};keyid=\"k9\""), BadSignature::UnknownKey),
        (format!("{ALL};created={NOW};keyid=k1"), BadSignature::Malformed),
        (format!("{ALL};created={NOW};keyid=\"k2\""), BadSignature::EndedKey),
        (format!("{ALL};created={NOW};keyid=\"k3\""), BadSignature::Wrong),
        (at(NOW, ";alg=\"ed25519\""), BadSignature::OtherAlgorithm),
    ] {
        assert_eq!(verified(&Request::post(b"{}").signed(&input)), Err(bad), "{input}");
    }
    for good in [at(NOW - 300, ""), at(NOW + 60, ""), at(NOW, &format!(";expires={}", NOW + 1))] {
        assert!(verified(&Request::post(b"{}").signed(&good)).is_ok(), "{good}");
    }
}

#[test]
fn a_request_that_was_changed_is_not_the_signed_one() {
    let signed = || Request::post(b"{}").signed(&input(ALL, ""));
    assert!(verified(&signed()).is_ok());
    let mut changed = signed();
    changed.method = Method::PUT;
    assert_eq!(verified(&changed), Err(BadSignature::Wrong));
    for uri in ["/services/population/lookup?x=2", "/services/population/lookup", "/services/land?x=1"] {
        let changed = Request { uri: uri.parse().unwrap(), ..signed() };
        assert_eq!(verified(&changed), Err(BadSignature::Wrong), "{uri}");
    }
    for (name, value) in [
        ("host", "other.example"),
        ("content-type", "text/xml"),
        ("content-digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
        ("signature", "sig=:AAAA:"),
        ("signature", "sig=::"),
    ] {
        let mut changed = signed();
        changed.set(name, value);
        assert_eq!(verified(&changed), Err(BadSignature::Wrong), "{name}");
    }
    let mut doubled = signed();
    doubled.headers.append("content-type", HeaderValue::from_static("text/xml"));
    assert_eq!(verified(&doubled), Err(BadSignature::Wrong));
}

#[test]
fn malformed_headers_are_refused() {
    let good = input(ALL, "");
    for (name, value, bad) in [
        ("signature", "", BadSignature::Malformed),
        ("signature", "sig", BadSignature::Malformed),
        ("signature", "sig=:AA", BadSignature::Malformed),
        ("signature", "sig=\"AAAA\"", BadSignature::Malformed),
        ("signature", "other=:AAAA:", BadSignature::Malformed),
        ("signature-input", "", BadSignature::UnknownKey),
        ("signature-input", "sig=1", BadSignature::Malformed),
        ("signature-input", &good, BadSignature::Malformed),
        ("signature-input", &format!("sig={good}, two={good}"), BadSignature::SeveralKeys),
        ("signature-input", &format!("sig={};x=\"{}\"", good, "x".repeat(9000)), BadSignature::Malformed),
        ("signature-input", "a=();b=1, b=(), c=(), d=(), e=()", BadSignature::Malformed),
    ] {
        let mut request = Request::post(b"{}").signed(&good);
        request.set(name, value);
        assert_eq!(verified(&request), Err(bad), "{name}: {value}");
    }
    for lacking in ["signature", "signature-input"] {
        let mut request = Request::post(b"{}").signed(&good);
        request.headers.remove(lacking);
        assert_eq!(verified(&request), Err(BadSignature::Malformed), "without {lacking}");
    }
    for bad in ["", "md5=:AAAA:", "sha-256=:AAAA:", "sha-256=1", "sha-256=()", "sha-256"] {
        let mut request = Request::post(b"{}");
        request.set("content-digest", bad);
        let digest_or_component = verified(&request.signed(&good)).unwrap_err();
        assert_eq!(digest_or_component, BadSignature::NoDigest, "{bad}");
    }
}

#[test]
fn components_that_are_not_computed_are_refused() {
    for extra in
        ["\"@status\"", "\"@unknown\"", "\"X-Upper\"", "\"absent\"", "\"@query-param\"", "\"@query-param\";name=\"y\""]
    {
        let components = ALL.replace(')', &format!(" {extra})"));
        let mut request = Request::post(b"{}").signed(&input(ALL, ""));
        request.set("signature-input", &format!("sig={}", input(&components, "")));
        assert_eq!(verified(&request), Err(BadSignature::BadComponent), "{extra}");
    }
    for extra in ["\"host\";sf", "\"host\";bs", "\"@method\";req", "\"@method\"", "\"host\";key=\"a\""] {
        let components = ALL.replace(')', &format!(" {extra})"));
        let mut request = Request::post(b"{}").signed(&input(ALL, ""));
        request.set("signature-input", &format!("sig={}", input(&components, "")));
        assert_eq!(verified(&request), Err(BadSignature::BadComponent), "{extra}");
    }
}

#[test]
fn a_signature_counts_once() {
    let replays = Replays::default();
    let request = Request::post(b"{}").signed(&input(ALL, ";nonce=\"n1\""));
    assert!(verify_at(&request, &replays, NOW).is_ok());
    assert_eq!(verify_at(&request, &replays, NOW + 300), Err(BadSignature::Replayed));
    let same_nonce = Request::post(b"{ }").signed(&input(ALL, ";nonce=\"n1\""));
    assert_eq!(verify_at(&same_nonce, &replays, NOW + 1), Err(BadSignature::Replayed));
    let unnamed = Request::post(b"{}").signed(&input(ALL, ""));
    assert!(verify_at(&unnamed, &replays, NOW).is_ok());
    assert_eq!(verify_at(&unnamed, &replays, NOW), Err(BadSignature::Replayed));
    // A wrong signature does not use up the nonce of a right one.
    let replays = Replays::default();
    let mut wrong = request.clone();
    wrong.set("signature", "sig=:AAAA:");
    assert_eq!(verify_at(&wrong, &replays, NOW), Err(BadSignature::Wrong));
    assert!(verify_at(&request, &replays, NOW).is_ok());
}

#[test]
fn the_targets_authority_is_the_one_that_was_meant() {
    for (given, uri) in [("lgsp.example", "/a"), ("LGSP.example:443", "/a"), ("x", "https://lgsp.example/a")] {
        let request = Request::new(Method::GET, uri, &[("host", given)]);
        let text = "(\"@target-uri\" \"@scheme\" \"@request-target\");created=1";
        let list: Dictionary = Parser::new(&format!("s={text}")).parse().unwrap();
        let ListEntry::InnerList(list) = &list["s"] else { panic!() };
        let base = Covered::read(list).unwrap().base(&request.head(), list).unwrap();
        let expected = "\"@target-uri\": https://lgsp.example/a\n\"@scheme\": https\n\"@request-target\": /a\n";
        assert_eq!(base, format!("{expected}\"@signature-params\": {text}"));
    }
}

#[test]
fn digests_hold_for_their_body_whole_and_in_pieces() {
    let (sha256, sha512) = (STANDARD.encode(digest(&SHA256, b"abc")), STANDARD.encode(digest(&SHA512, b"abc")));
    for value in [
        format!("sha-256=:{sha256}:"),
        format!("sha-512=:{sha512}:"),
        format!("md5=:AAAA:, sha-512=:{sha512}:, sha-256=:{sha256}:"),
    ] {
        let request = Request::new(Method::POST, "/", &[("content-digest", &value)]);
        let expected = ExpectedDigest::read(&request.headers).unwrap();
        assert!(expected.holds(b"abc") && expected.check(b"abc").is_ok(), "{value}");
        assert!(!expected.holds(b"abd") && !expected.holds(b"") && expected.check(b"ab").is_err(), "{value}");
        let mut running = expected.running();
        [b"a", b"b", b"c"].iter().for_each(|piece| running.update(&piece[..]));
        assert!(running.holds());
    }
    let mixed = format!("sha-256=:{sha256}:, sha-512=:{}:", STANDARD.encode(digest(&SHA512, b"abd")));
    let request = Request::new(Method::POST, "/", &[("content-digest", &mixed)]);
    assert!(!ExpectedDigest::read(&request.headers).unwrap().holds(b"abc"), "every digest has to fit");
}

#[test]
fn keys_that_their_algorithm_cannot_use_are_refused() {
    let key = |algorithm, text: &str| {
        let key = lgsp_config::Secret::new(text.to_owned());
        let key = SignatureKey { id: "k".parse().unwrap(), algorithm, key, expires: None };
        VerifyingKey::new(&key).err()
    };
    assert_eq!(key(SignatureAlgorithm::Ed25519, rfc9421::ED25519), None);
    assert_eq!(key(SignatureAlgorithm::Ed25519, rfc9421::P256), Some(BadKey::Algorithm(SignatureAlgorithm::Ed25519)));
    assert_eq!(key(SignatureAlgorithm::Ed25519, "garbage"), Some(BadKey::Pem));
    assert_eq!(key(SignatureAlgorithm::HmacSha256, "c2hvcnQ="), Some(BadKey::Secret));
    assert_eq!(key(SignatureAlgorithm::HmacSha256, "not base64, although it is long enough"), Some(BadKey::Secret));
    assert_eq!(key(SignatureAlgorithm::HmacSha256, SECRET), None);
}

proptest! {
    #[test]
    fn any_headers_are_verified_or_refused(input in "[ -~]{0,120}", signature in "[ -~]{0,60}", digest in "[ -~]{0,60}") {
        let mut request = Request::post(b"{}");
        request.set("signature-input", &input);
        request.set("signature", &signature);
        request.set("content-digest", &digest);
        prop_assert!(verified(&request).is_err());
        let _ = ExpectedDigest::read(&request.headers);
    }

    #[test]
    fn a_signature_that_was_touched_is_refused(at in 0usize..32, bit in 0u8..8) {
        let request = Request::post(b"{}").signed(&input(ALL, ""));
        let text = request.headers["signature"].to_str().unwrap().to_owned();
        let mut bytes = STANDARD.decode(text.trim_start_matches("sig=:").trim_end_matches(':')).unwrap();
        bytes[at] ^= 1 << bit;
        let mut touched = request;
        touched.set("signature", &format!("sig=:{}:", STANDARD.encode(bytes)));
        prop_assert_eq!(verified(&touched), Err(BadSignature::Wrong));
    }

    #[test]
    fn any_query_parameter_is_covered_as_it_was_sent(value in "[a-zA-Z0-9 &=%+đ]{0,20}") {
        let mut encoded = String::new();
        for byte in value.bytes() {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        let request = Request::new(Method::GET, &format!("/?q={encoded}"), &[("host", "h")]);
        let list: Dictionary = Parser::new("s=(\"@query-param\";name=\"q\")").parse().unwrap();
        let ListEntry::InnerList(list) = &list["s"] else { panic!() };
        let base = Covered::read(list).unwrap().base(&request.head(), list).unwrap();
        let line = base.lines().next().unwrap().strip_prefix("\"@query-param\";name=\"q\": ").unwrap();
        prop_assert!(!line.contains([' ', '+', '&', '=']));
        prop_assert_eq!(crate::form::decode(line), Some(value));
    }
}

//! Every kind of proof, right and wrong, alone and together.

use std::net::Ipv4Addr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderName, HeaderValue};
use lgsp_config::TokenAlgorithm;
use proptest::prelude::*;

use super::super::api_key::FreshKey;
use super::super::caller::Kinds;
use super::super::fixture;
use super::super::issuer::Order;
use super::super::keys::KeyRing;
use super::*;

/// 2027-01-15T08:00:00Z.
const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// The certificate that `strict` is bound to, and another one.
const FINGERPRINT: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";
const OTHER: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";

/// A gateway's keepers, its members, and one key of `keyed`.
struct World {
    tokens: TokenCache,
    issuer: Issuer,
    secrets: SecretChecker,
    replays: Replays,
    revoked: Revoked,
    metrics: Metrics,
    members: Members,
    key: FreshKey,
    ended: FreshKey,
}

/// What a call brings.
#[derive(Default)]
struct Call {
    headers: HeaderMap,
    dns: Vec<String>,
    certificate: Option<&'static str>,
}

impl World {
    fn start() -> Self {
        let (key, ended) = (FreshKey::draw("k1"), FreshKey::draw("k2"));
        let keys = format!(
            "api_keys = [{{ id = \"k1\", sha256 = \"{}\", services = [\"population\"] }}, \
             {{ id = \"k2\", sha256 = \"{}\", expires = 2026-01-01 }}]",
            key.sha256, ended.sha256
        );
        let more = [
            fixture::table("keyed", &keys),
            fixture::table("certified", "certificates = [{ san = \"dns:h11.vn\" }]"),
            fixture::table(
                "strict",
                &format!(
                    "secret = \"strict-secret\"\ncertificates = [{{ fingerprint = \"sha256:{FINGERPRINT}\" }}]\n\
                     certificate_required = true"
                ),
            ),
            fixture::table(
                "alone",
                "lgsp_access = { access_key = \"A\", secret = \"alone-access\", token_required = false }",
            ),
            fixture::table(
                "beside",
                "secret = \"beside-secret\"\nlgsp_access = { access_key = \"B\", secret = \"beside-access\" }",
            ),
        ]
        .concat();
        let directory = tempfile::tempdir().unwrap();
        let ring = KeyRing::open(directory.path(), NOW, &[TokenAlgorithm::Es256]).unwrap();
        Self {
            tokens: TokenCache::default(),
            issuer: Issuer::new("https://lgsp.example", ring, Duration::from_secs(3600)),
            secrets: SecretChecker::new(super::super::fixture::config("").lockout),
            replays: Replays::default(),
            revoked: Revoked::default(),
            metrics: Metrics::new(),
            members: fixture::members(&more),
            key,
            ended,
        }
    }

    fn token(&self, member: &str) -> String {
        let member = self.members.by_id(member).unwrap();
        format!("Bearer {}", self.issuer.fill(for_land(member), NOW).token)
    }

    fn keepers(&self, now: Timestamp) -> Keepers<'_> {
        let Self { tokens, issuer, secrets, replays, revoked, metrics, .. } = self;
        Keepers { tokens, issuer, secrets, replays, revoked, metrics, steady: now, wall: now }
    }

    async fn ask_at(&self, now: Timestamp, call: &Call, kinds: &[Authentication]) -> Result<Caller, Failure> {
        let uri = Uri::from_static("/services/population/lookup");
        let head = Head {
            proven_key: None,
            method: &Method::POST,
            uri: &uri,
            headers: &call.headers,
            has_body: true,
            scheme: "https",
            from: Ipv4Addr::LOCALHOST.into(),
            certificate: call.certificate.map(|fingerprint| CertificateFacts {
                fingerprint,
                dns: &call.dns,
                uris: &[],
                addresses: &[],
                emails: &[],
            }),
        };
        authenticate(&self.keepers(now), &self.members, &head, Some("population"), kinds).await
    }

    /// Who it is and how that was proven, or the status and the sentence of the refusal.
    async fn ask(&self, call: Call, kinds: &[Authentication]) -> Result<String, String> {
        match self.ask_at(NOW, &call, kinds).await {
            Ok(caller) => Ok(format!("{} by {}", caller.identified.member.id, caller.identified.how)),
            Err(failure) => Err(format!("{} {}", failure.code.status(), failure.detail)),
        }
    }

    fn counted(&self, kind: &str, outcome: &str) -> bool {
        let text = String::from_utf8(self.metrics.render()).unwrap();
        text.contains(&format!("lgsp_authentications_total{{kind=\"{kind}\",outcome=\"{outcome}\"}}"))
    }
}

fn with(headers: &[(&'static str, &str)]) -> Call {
    let mut call = Call::default();
    for (name, value) in headers {
        call.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    call
}

fn certified(mut call: Call, dns: &[&str]) -> Call {
    call.dns = dns.iter().map(|name| (*name).to_owned()).collect();
    call.certificate = Some(if dns.is_empty() { FINGERPRINT } else { OTHER });
    call
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

fn access(key: &str, secret: &str) -> String {
    let json = format!("{{\"AccessKey\":\"{key}\",\"SecretKey\":\"{secret}\",\"AppName\":\"x\",\"PartnerCode\":\"\"}}");
    STANDARD.encode(json)
}

const REFUSED: &str = "401 what was sent does not prove a member";
const SEVERAL: &str = "401 what was sent proves several members; send the proofs of one";

/// A token with the scope of the service `land` alone.
fn for_land(member: &Member) -> Order<'_> {
    Order {
        client: member,
        subject: member.id.as_str(),
        scope: "service:land".to_owned(),
        audience: Vec::new(),
        no_later: None,
        confirmation: None,
        person: None,
    }
}

#[tokio::test]
async fn every_kind_proves_its_member() {
    let world = World::start();
    let all = Authentication::ALL;
    for (call, expected) in [
        (with(&[("authorization", &world.token("plain"))]), "plain by bearer"),
        (with(&[("authorization", &basic("plain:plain-secret"))]), "plain by basic"),
        (with(&[("x-api-key", &world.key.value)]), "keyed by api-key"),
        (certified(with(&[]), &["H11.vn"]), "certified by mtls"),
        (with(&[("lgspaccesstoken", &access("A", "alone-access"))]), "alone by lgspaccesstoken"),
        (
            with(&[("lgspaccesstoken", &access("B", "beside-access")), ("authorization", &world.token("beside"))]),
            "beside by bearer+lgspaccesstoken",
        ),
    ] {
        assert_eq!(world.ask(call, &all).await.as_deref(), Ok(expected));
    }
    assert!(world.counted("basic", "accepted") && world.counted("mtls", "accepted"));
    let call = with(&[("authorization", &world.token("plain"))]);
    let caller = world.ask_at(NOW, &call, &all).await.unwrap().identified;
    assert!(caller.may(&"service:land".parse().unwrap()) && !caller.may(&"service:population".parse().unwrap()));
    assert_eq!(caller.ends, NOW.plus_millis(3_600_000));
}

#[tokio::test]
async fn wrong_proofs_are_refused_without_saying_what_is_wrong() {
    let world = World::start();
    let token = world.token("plain");
    let twice = with(&[("x-api-key", &world.key.value), ("x-api-key", &world.key.value)]);
    let key = |value: &str| with(&[("x-api-key", value)]);
    for call in [
        with(&[("authorization", &token[..token.len() - 4])]),
        with(&[("authorization", "Bearer ")]),
        with(&[("authorization", &token), ("authorization", &token)]),
        with(&[("authorization", &basic("plain:other-secret"))]),
        with(&[("authorization", &basic("nobody:plain-secret"))]),
        with(&[("authorization", &basic("keyed:"))]),
        with(&[("authorization", "Basic plain:plain-secret")]),
        key(&format!("k1{}", &world.ended.value[2..])),
        key(&world.ended.value),
        key(&world.key.value[..world.key.value.len() - 1]),
        key("k1"),
        twice,
        with(&[("lgspaccesstoken", &access("A", "beside-access"))]),
        with(&[("lgspaccesstoken", &access("B", "beside-access"))]),
        with(&[("lgspaccesstoken", &access("C", "x"))]),
        with(&[("lgspaccesstoken", "e30=")]),
    ] {
        let headers = format!("{:?}", call.headers);
        assert_eq!(world.ask(call, &Authentication::ALL).await.unwrap_err(), REFUSED, "{headers}");
    }
    assert!(world.counted("api-key", "refused") && world.counted("lgspaccesstoken", "refused"));
}

#[tokio::test]
async fn proofs_of_a_kind_that_the_service_does_not_accept_are_none() {
    let world = World::start();
    let kinds = [Authentication::Basic, Authentication::ApiKey];
    for call in [
        with(&[]),
        with(&[("authorization", &world.token("plain"))]),
        with(&[("authorization", "Digest x")]),
        certified(with(&[]), &["h11.vn"]),
        with(&[("lgspaccesstoken", "garbage")]),
    ] {
        let refused = world.ask_at(NOW, &call, &kinds).await.unwrap_err();
        assert_eq!(refused.detail, "prove who calls; accepted here: basic, api-key");
        assert_eq!(refused.challenges, Kinds::of(&kinds));
    }
    assert!(world.counted("none", "missing"));
    let call = with(&[("x-api-key", &world.key.value), ("lgspaccesstoken", "garbage")]);
    assert_eq!(world.ask(call, &kinds).await.as_deref(), Ok("keyed by api-key"));
}

#[tokio::test]
async fn proofs_of_two_members_prove_nobody() {
    let world = World::start();
    let all = Authentication::ALL;
    let key = world.key.value.as_str();
    for call in [
        with(&[("x-api-key", key), ("authorization", &world.token("plain"))]),
        certified(with(&[("x-api-key", key)]), &["h11.vn"]),
        with(&[("lgspaccesstoken", &access("B", "beside-access")), ("authorization", &world.token("plain"))]),
    ] {
        assert_eq!(world.ask(call, &all).await.unwrap_err(), SEVERAL);
    }
    let mut both = certified(with(&[]), &["h11.vn"]);
    both.dns.push("other.vn".to_owned());
    assert!(world.ask(both, &all).await.is_ok(), "a name that stands for nobody does not count");
    let mut two = certified(with(&[]), &["h11.vn"]);
    two.certificate = Some(FINGERPRINT);
    assert_eq!(world.ask(two, &all).await.unwrap_err(), SEVERAL, "one name of each of two members");
    // Wrong beside right is wrong.
    let call = with(&[("x-api-key", "k1.wrong"), ("authorization", &world.token("keyed"))]);
    assert_eq!(world.ask(call, &all).await.unwrap_err(), REFUSED);
}

#[tokio::test]
async fn a_member_that_demands_its_certificate_is_nobody_without_it() {
    let world = World::start();
    let token = world.token("strict");
    let call = || with(&[("authorization", &token)]);
    let bearer = [Authentication::Bearer];
    assert_eq!(world.ask(call(), &bearer).await.unwrap_err(), REFUSED);
    assert_eq!(world.ask(certified(call(), &[]), &bearer).await.as_deref(), Ok("strict by bearer"));
    let both = [Authentication::Bearer, Authentication::Mtls];
    assert_eq!(world.ask(certified(call(), &[]), &both).await.as_deref(), Ok("strict by mtls+bearer"));
}

#[tokio::test]
async fn a_key_counts_for_its_services_only() {
    let world = World::start();
    let call = with(&[("x-api-key", &world.key.value)]);
    let uri = Uri::from_static("/");
    let head = |headers| Head {
        proven_key: None,
        method: &Method::GET,
        uri: &uri,
        headers,
        has_body: false,
        scheme: "https",
        from: Ipv4Addr::LOCALHOST.into(),
        certificate: None,
    };
    for service in [Some("land"), None] {
        let kinds = [Authentication::ApiKey];
        let head = head(&call.headers);
        let refused = authenticate(&world.keepers(NOW), &world.members, &head, service, &kinds).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::InsufficientScope);
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_and_a_right_key_is_not() {
    let world = World::start();
    let wrong = format!("k1{}", &world.ended.value[2..]);
    let kinds = [Authentication::ApiKey];
    for _ in 0..7 {
        let _ = world.ask(with(&[("x-api-key", &wrong)]), &kinds).await;
    }
    let refused = world.ask(with(&[("x-api-key", &wrong)]), &kinds).await.unwrap_err();
    assert_eq!(refused, "429 too many wrong secrets from this address");
    assert!(world.counted("api-key", "slowed"));
    assert!(world.ask(with(&[("x-api-key", &world.key.value)]), &kinds).await.is_ok());
    for _ in 0..7 {
        let _ = world.ask(with(&[("authorization", &basic("plain:wrong"))]), &[Authentication::Basic]).await;
    }
    let right = with(&[("authorization", &basic("plain:plain-secret"))]);
    let slowed = world.ask(right, &[Authentication::Basic]).await.unwrap_err();
    assert_eq!(slowed, "429 too many wrong secrets from this address");
}

#[tokio::test]
async fn a_token_ends() {
    let world = World::start();
    let call = with(&[("authorization", &world.token("plain"))]);
    assert!(world.ask_at(NOW.plus_millis(3_599_000), &call, &[Authentication::Bearer]).await.is_ok());
    assert!(world.ask_at(NOW.plus_millis(3_600_000), &call, &[Authentication::Bearer]).await.is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_headers_prove_anybody_by_chance(
        names in proptest::collection::vec(0usize..5, 0..6),
        values in proptest::collection::vec("[ -~]{0,60}", 6),
    ) {
        let world = World::start();
        let mut call = Call::default();
        for (name, value) in names.iter().zip(&values) {
            let name = ["authorization", "x-api-key", "lgspaccesstoken", "signature", "signature-input"][*name];
            call.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let refused = runtime.block_on(world.ask_at(NOW, &call, &Authentication::ALL)).unwrap_err();
        prop_assert!(matches!(refused.code, ErrorCode::Unauthenticated | ErrorCode::RateLimited));
    }
}

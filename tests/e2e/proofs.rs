//! Every kind of proof over the wire, through services that accept it and services that do not: who is let in, what who is
//! not is told, and that no secret is seen again.

use std::io::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::authority::{Ask, Authority, Leaf};
use crate::child::Child;
use crate::gateway::{Answer, Setup, World, secret_of, send};
use crate::raw::{Raw, RawAnswer};
use crate::signer::{Signer, Unsigned};

/// The secret part of the key of this name.
fn key(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, format!("the key {id} of the tests").as_bytes()))
}

fn key_table(id: &str, more: &str) -> String {
    let sha256: String =
        digest(&SHA256, key(id).as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{{ id = \"{id}\", sha256 = \"{sha256}\"{more} }}")
}

/// What the member `caller` signs with.
struct Signers {
    ed25519: Signer,
    ecdsa: Signer,
    hmac: Signer,
    ended: Signer,
    stranger: Signer,
}

impl Signers {
    fn new() -> Self {
        Self {
            ed25519: Signer::ed25519("sign-1"),
            ecdsa: Signer::ecdsa("sign-2"),
            hmac: Signer::hmac("sign-3"),
            ended: Signer::ed25519("sign-4"),
            stranger: Signer::ed25519("sign-1"),
        }
    }

    fn members(&self) -> String {
        let keys = [
            key_table("k.all", ""),
            key_table("k.ended", ", expires = 2026-01-01"),
            key_table("k.elsewhere", ", services = [\"elsewhere\"]"),
            key_table("k.here", ", services = [\"open\"]"),
        ];
        let signing = [
            self.ed25519.table(""),
            self.ecdsa.table(""),
            self.hmac.table(""),
            self.ended.table(", expires = 2026-01-01"),
        ];
        let member = |id: &str, more: &str| {
            format!(
                "[[member]]\nid = \"{id}\"\nname = \"x\"\nagencies = [\"H56\"]\nscopes = [\"service:open\"]\n{more}\n"
            )
        };
        let secret = |id: &str| format!("secret = \"{}\"\n", secret_of(id));
        [
            member(
                "caller",
                &format!(
                    "{}api_keys = [{}]\nsignature_keys = [{}]\nlgsp_access = {{ access_key = \"old\", secret = \"{}\" }}\n",
                    secret("caller"),
                    keys.join(", "),
                    signing.join(", "),
                    access_secret("old")
                ),
            ),
            member(
                "other",
                &format!(
                    "{}api_keys = [{}]\nlgsp_access = {{ access_key = \"alone\", secret = \"{}\", token_required = false }}",
                    secret("other"),
                    key_table("k.other", ""),
                    access_secret("alone")
                ),
            ),
            member("certified", "certificates = [{ san = \"dns:certified.test\" }]"),
            member(
                "strict",
                &format!("{}certificates = [{{ san = \"dns:strict.test\" }}]\ncertificate_required = true", secret("strict")),
            ),
            member("poor", &format!("api_keys = [{}]", key_table("k.poor", ""))).replace("service:open", "dossier:read"),
        ]
        .concat()
    }
}

fn access_secret(access_key: &str) -> String {
    format!("access-secret-of-{access_key}")
}

/// The value of `lgspaccesstoken` as its clients send it.
fn access(access_key: &str, secret: &str) -> String {
    let value = json!({"AccessKey": access_key, "SecretKey": secret, "AppName": "MOTCUA", "PartnerCode": "H56",
                       "PartnerCodeCus": "H56"});
    STANDARD.encode(value.to_string())
}

pub(crate) const KINDS: &str = r#""bearer", "mtls", "api-key", "signature", "basic", "lgspaccesstoken""#;

/// A service that passes everything on to the sandbox's echo and accepts these kinds.
pub(crate) fn service(id: &str, kinds: &str) -> (String, String) {
    let text = format!(
        "id = \"{id}\"\nversion = \"1\"\nvalid_from = 2025-01-01\ntitle = {{ vi = \"Vọng\", en = \"Echo\" }}\n\
         description = {{ vi = \"Vọng\", en = \"Echo\" }}\nowner = \"tests\"\nmode = \"proxy\"\n\
         [expose]\npath = \"/services/{id}\"\nformat = \"any\"\nauthentication = [{kinds}]\n\
         scopes = [\"service:open\"]\n[upstream]\nservers = [\"{{sandbox}}/echo\"]\n\
         [[operation]]\nname = \"all\"\nmethod = \"*\"\npath = \"/{{*rest}}\"\n"
    );
    (format!("{id}/contract.toml"), text)
}

fn setup(signers: &Signers) -> Setup {
    let contracts = vec![
        service("open", KINDS),
        service("keyed", "\"api-key\""),
        service("signed", "\"signature\""),
        service("tokens", "\"bearer\""),
    ];
    Setup { members: signers.members(), contracts, ..Setup::default() }
}

async fn world() -> (World, Signers) {
    let signers = Signers::new();
    (World::with(setup(&signers)).await, signers)
}

/// Calls a service with these headers.
async fn call(world: &World, service: &str, headers: &[(&str, String)]) -> Answer {
    let mut request = world.http.get(world.url(&format!("/services/{service}/any")));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    send(request).await
}

fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

fn basic(id: &str, secret: &str) -> (&'static str, String) {
    ("authorization", format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
}

fn api_key(id: &str) -> (&'static str, String) {
    ("x-api-key", format!("{id}.{}", key(id)))
}

/// The count of proofs of a kind with an outcome.
fn counted(metrics: &str, kind: &str, outcome: &str) -> u64 {
    let start = format!("lgsp_authentications_total{{kind=\"{kind}\",outcome=\"{outcome}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&start)).map_or(0, |count| count.parse().unwrap())
}

/// What no upstream may get to see.
fn assert_no_proof_reached(echoed: &Value) {
    for (name, _) in echoed["headers"].as_array().unwrap().iter().map(|pair| (pair[0].as_str().unwrap(), ())) {
        let proof = ["authorization", "x-api-key", "lgspaccesstoken"];
        assert!(!proof.contains(&name), "{name} reached the upstream");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_proof_opens_a_service_that_accepts_it_and_goes_no_further() {
    let (world, signers) = world().await;
    let token = world.token("caller").await;
    let uri = world.url("/services/open/any");
    let proofs = [
        ("bearer", vec![bearer(&token)]),
        ("api-key", vec![api_key("k.all")]),
        ("api-key", vec![api_key("k.here")]),
        ("basic", vec![basic("caller", &secret_of("caller"))]),
        ("lgspaccesstoken", vec![("lgspaccesstoken", access("alone", &access_secret("alone")))]),
        ("lgspaccesstoken", vec![("lgspaccesstoken", access("old", &access_secret("old"))), bearer(&token)]),
        ("signature", signers.ed25519.sign(&Unsigned::get(&uri))),
        ("signature", signers.ecdsa.sign(&Unsigned::get(&uri))),
        ("signature", signers.hmac.sign(&Unsigned::get(&uri))),
    ];
    for (kind, proof) in proofs {
        let before = counted(&world.metrics().await, kind, "accepted");
        assert_no_proof_reached(&call(&world, "open", &proof).await.expect(200).json());
        assert_eq!(counted(&world.metrics().await, kind, "accepted"), before + 1, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_proof_is_told_which_kinds_are_accepted() {
    let (world, _) = world().await;
    let answer = call(&world, "open", &[]).await.expect_problem(401, "GW1101");
    let challenges: Vec<_> =
        answer.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap().to_owned()).collect();
    for scheme in ["Bearer", "ClientCertificate", "ApiKey", "Signature", "Basic", "LgspAccessToken"] {
        assert_eq!(challenges.iter().filter(|value| value.split(' ').next() == Some(scheme)).count(), 1, "{scheme}");
    }
    assert!(answer.header("accept-signature").contains("\"content-digest\""));
    let answer = call(&world, "tokens", &[]).await.expect_problem(401, "GW1101");
    assert_eq!(answer.headers.get_all("www-authenticate").iter().count(), 1);
    assert!(answer.header("www-authenticate").starts_with("Bearer ") && answer.header("accept-signature").is_empty());
    assert_eq!(counted(&world.metrics().await, "none", "missing"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_a_service_does_not_accept_counts_for_nothing() {
    let (world, signers) = world().await;
    let token = world.token("caller").await;
    let signed = |service: &str| signers.ed25519.sign(&Unsigned::get(&world.url(&format!("/services/{service}/any"))));
    for (service, proof) in [
        ("tokens", vec![api_key("k.all")]),
        ("tokens", vec![basic("caller", &secret_of("caller"))]),
        ("tokens", vec![("lgspaccesstoken", access("alone", &access_secret("alone")))]),
        ("tokens", signed("tokens")),
        ("keyed", vec![bearer(&token)]),
        ("keyed", signed("keyed")),
        ("signed", vec![api_key("k.all")]),
    ] {
        let answer = call(&world, service, &proof).await.expect_problem(401, "GW1101");
        assert!(answer.json()["detail"].as_str().unwrap().contains("accepted here"), "{}", answer.text());
    }
    // Neither does a wrong one: the proof that counts is there.
    call(&world, "keyed", &[api_key("k.all"), bearer("wrong")]).await.expect(200);
    assert_eq!(world.sandbox.echo().seen_count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_count_until_they_end_and_where_they_are_for() {
    let (world, _) = world().await;
    let wrong = ("x-api-key", format!("k.all.{}", key("k.other")));
    for bad in
        [wrong, ("x-api-key", "k.all".into()), ("x-api-key", format!("k.none.{}", key("k.none"))), api_key("k.ended")]
    {
        let answer = call(&world, "open", &[bad]).await.expect_problem(401, "GW1101");
        assert_eq!(
            answer.json()["detail"],
            "what was sent does not prove a member",
            "no answer tells which part is wrong"
        );
    }
    for service in ["open", "keyed"] {
        call(&world, service, &[api_key("k.elsewhere")]).await.expect_problem(403, "GW1201");
    }
    call(&world, "keyed", &[api_key("k.here")]).await.expect_problem(403, "GW1201");
    call(&world, "open", &[api_key("k.poor")]).await.expect_problem(403, "GW1201");
    let twice = [api_key("k.all"), api_key("k.all")];
    call(&world, "open", &twice).await.expect_problem(401, "GW1101");
    assert_eq!(world.sandbox.echo().seen_count(), 0);
    assert_eq!(counted(&world.metrics().await, "api-key", "refused"), 5);
    call(&world, "open", &[api_key("k.here")]).await.expect(200);
}

/// Sends a signed request, perhaps not as it was signed.
async fn post(
    world: &World,
    service: &str,
    headers: &[(&'static str, String)],
    body: impl Into<reqwest::Body>,
) -> Answer {
    let mut request = world.http.post(world.url(&format!("/services/{service}/any?x=1"))).body(body);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_counts_for_one_request_as_it_was_signed() {
    let (world, signers) = world().await;
    let uri = world.url("/services/signed/any?x=1");
    for signer in [&signers.ed25519, &signers.ecdsa, &signers.hmac] {
        let headers = signer.sign(&Unsigned::post(&uri, "a body"));
        let echoed = post(&world, "signed", &headers, "a body").await.expect(200).json();
        assert_eq!(echoed["body_bytes"], 6);
        let replayed = post(&world, "signed", &headers, "a body").await.expect_problem(401, "GW1101");
        assert!(replayed.json()["detail"].as_str().unwrap().contains("used before"), "{}", replayed.text());

        let headers = signer.sign(&Unsigned::post(&uri, "a body"));
        let changed = post(&world, "signed", &headers, "b body").await.expect_problem(401, "GW1101");
        assert!(changed.json()["detail"].as_str().unwrap().contains("Content-Digest"), "{}", changed.text());
        assert_eq!(changed.header("www-authenticate"), "Signature realm=\"lgsp\"");
        for (name, value) in [
            ("content-type", "application/json".to_owned()),
            ("content-digest", format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, b"b body")))),
        ] {
            let mut headers = signer.sign(&Unsigned::post(&uri, "a body"));
            headers.iter_mut().find(|(header, _)| *header == name).unwrap().1 = value;
            post(&world, "signed", &headers, "b body").await.expect_problem(401, "GW1101");
        }
        let elsewhere = signer.sign(&Unsigned::post(&world.url("/services/signed/any?x=2"), "a body"));
        post(&world, "signed", &elsewhere, "a body").await.expect_problem(401, "GW1101");
    }
    let by_nobody = signers.stranger.sign(&Unsigned::post(&uri, "a body"));
    let answer = post(&world, "signed", &by_nobody, "a body").await.expect_problem(401, "GW1101");
    assert_eq!(answer.json()["detail"], "what was sent does not prove a member");
    let ended = signers.ended.sign(&Unsigned::post(&uri, "a body"));
    post(&world, "signed", &ended, "a body").await.expect_problem(401, "GW1101");
    assert_eq!(world.sandbox.echo().seen_count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_fresh_and_covers_the_body_and_how_it_is_read() {
    let (world, signers) = world().await;
    let uri = world.url("/services/signed/any?x=1");
    for (age, told) in [(400, "older than 300 s"), (-120, "from the future")] {
        let headers = signers.ed25519.sign(&Unsigned { age, ..Unsigned::post(&uri, "a body") });
        let answer = post(&world, "signed", &headers, "a body").await.expect_problem(401, "GW1101");
        assert!(answer.json()["detail"].as_str().unwrap().contains(told), "{}", answer.text());
    }
    let bodiless = signers.ed25519.sign(&Unsigned { method: "POST", ..Unsigned::get(&uri) });
    let answer = post(&world, "signed", &bodiless, "a body").await.expect_problem(401, "GW1101");
    assert!(answer.json()["detail"].as_str().unwrap().contains("does not cover content-digest"), "{}", answer.text());

    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(b"a body").unwrap();
    let zipped = zipped.finish().unwrap();
    let unsigned = Unsigned { content_encoding: Some("gzip"), body: &zipped, ..Unsigned::post(&uri, "") };
    let headers = signers.ed25519.sign(&unsigned);
    let answer = post(&world, "signed", &headers, zipped.clone()).await.expect_problem(415, "GW1004");
    assert!(answer.json()["detail"].as_str().unwrap().contains("without Content-Encoding"), "{}", answer.text());
    assert_eq!(world.sandbox.echo().seen_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_header_counts_beside_a_token_where_that_was_agreed() {
    let (world, _) = world().await;
    let (token, others) = (world.token("caller").await, world.token("other").await);
    let old = ("lgspaccesstoken", access("old", &access_secret("old")));
    call(&world, "open", &[old.clone(), bearer(&token)]).await.expect(200);
    call(&world, "open", std::slice::from_ref(&old)).await.expect_problem(401, "GW1101");
    call(&world, "open", &[old.clone(), bearer("wrong")]).await.expect_problem(401, "GW1101");
    let answer = call(&world, "open", &[old, bearer(&others)]).await.expect_problem(401, "GW1101");
    assert!(answer.json()["detail"].as_str().unwrap().contains("several members"), "{}", answer.text());
    for bad in ["", "{}", &STANDARD.encode("{}"), &access("nobody", "x"), &access("alone", "")] {
        call(&world, "open", &[("lgspaccesstoken", bad.to_owned())]).await.expect_problem(401, "GW1101");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_any_secret_is_slowed_down_and_a_right_key_is_not() {
    let (world, _) = world().await;
    for (kind, wrong, right) in [
        ("basic", basic("caller", "wrong"), Some(basic("caller", &secret_of("caller")))),
        ("lgspaccesstoken", ("lgspaccesstoken", access("alone", "wrong")), None),
        ("api-key", ("x-api-key", format!("k.poor.{}", key("wrong"))), None),
    ] {
        let mut slowed = None;
        for _ in 0..12 {
            let answer = call(&world, "open", std::slice::from_ref(&wrong)).await;
            if answer.status == 429 {
                slowed = Some(answer);
                break;
            }
            answer.expect_problem(401, "GW1101");
        }
        let slowed = slowed.unwrap_or_else(|| panic!("guessing is stopped: {kind}"));
        assert!((1..=60).contains(&slowed.header("retry-after").parse::<u64>().unwrap()), "{kind}");
        if let Some(right) = right {
            call(&world, "open", &[right]).await.expect(429);
        }
        assert!(counted(&world.metrics().await, kind, "slowed") > 0, "{kind}");
    }
    call(&world, "open", &[api_key("k.poor")]).await.expect_problem(403, "GW1201");
    call(&world, "open", &[api_key("k.all")]).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_proofs_have_to_be_of_one_member() {
    let (world, signers) = world().await;
    let (token, uri) = (world.token("caller").await, world.url("/services/open/any"));
    let signed = signers.ed25519.sign(&Unsigned::get(&uri));
    call(&world, "open", &[&signed[..], &[bearer(&token), api_key("k.all")]].concat()).await.expect(200);
    for proofs in [
        vec![api_key("k.other"), bearer(&token)],
        vec![api_key("k.other"), basic("caller", &secret_of("caller"))],
        [signers.ed25519.sign(&Unsigned::get(&uri)), vec![api_key("k.other")]].concat(),
    ] {
        let answer = call(&world, "open", &proofs).await.expect_problem(401, "GW1101");
        assert!(answer.json()["detail"].as_str().unwrap().contains("several members"), "{}", answer.text());
    }
    assert_eq!(counted(&world.metrics().await, "several", "refused"), 3);
    // One wrong proof spoils the right ones.
    call(&world, "open", &[api_key("k.all"), bearer("wrong")]).await.expect_problem(401, "GW1101");
}

/// Asks once over TLS.
async fn ask(authority: &Authority, world: &World, identity: Option<&Leaf>, service: &str, headers: &str) -> RawAnswer {
    let way = Ask { host: Some("a.test"), identity, ..Ask::default() };
    let stream: TlsStream<TcpStream> = authority.connect(world.public(), &way).await.unwrap();
    let mut raw = Raw::over(stream);
    raw.send(format!("GET /services/{service}/any HTTP/1.1\r\nhost: a.test\r\n{headers}\r\n")).await;
    raw.answer().await
}

/// A token, asked for over TLS.
async fn token_over_tls(authority: &Authority, world: &World, identity: Option<&Leaf>, member: &str) -> Option<String> {
    let way = Ask { host: Some("a.test"), identity, ..Ask::default() };
    let mut raw = Raw::over(authority.connect(world.public(), &way).await.unwrap());
    let (name, value) = basic(member, &secret_of(member));
    let form = "grant_type=client_credentials";
    raw.send(format!(
        "POST /oauth2/token HTTP/1.1\r\nhost: a.test\r\n{name}: {value}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    ))
    .await;
    let answer: Value = serde_json::from_str(&raw.answer().await.body).unwrap();
    Some(answer["access_token"].as_str()?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_proves_the_member_that_it_is_bound_to() {
    let authority = Authority::new();
    let server = authority.leaf("a", &["a.test"]);
    let (certified, strict) =
        (authority.leaf("c", &["certified.test"]), authority.leaf("s", &["x.test", "strict.test"]));
    let unbound = authority.leaf("u", &["nobody.test"]);
    let signers = Signers::new();
    let pinned = authority.leaf("p", &["pinned.test"]);
    let print: String = digest(&SHA256, &pinned.der).as_ref().iter().map(|byte| format!("{byte:02X}:")).collect();
    let mut setup = setup(&signers);
    setup.members.push_str(&format!(
        "[[member]]\nid = \"pinned\"\nname = \"x\"\nagencies = [\"H56\"]\nscopes = [\"service:open\"]\n\
         certificates = [{{ fingerprint = \"sha256:{}\" }}]\n",
        print.trim_end_matches(':')
    ));
    setup.public = format!("[public.tls]\n{}client_ca = \"{}\"\n", server.lines(), authority.file().display());
    let world = World::with(setup).await;
    let get = async |identity: Option<&Leaf>, service: &str, headers: &str| {
        ask(&authority, &world, identity, service, headers).await.status
    };
    for leaf in [&certified, &strict, &pinned] {
        assert_eq!(get(Some(leaf), "open", "").await, 200);
    }
    assert_eq!(counted(&world.metrics().await, "mtls", "accepted"), 3);
    assert_eq!(get(Some(&unbound), "open", "").await, 401);
    assert_eq!(get(None, "open", "").await, 401);
    assert_eq!(get(Some(&certified), "keyed", "").await, 401, "this service asks for a key");

    let header = |(name, value): (&str, String)| format!("{name}: {value}\r\n");
    let mine = header(basic("strict", &secret_of("strict")));
    assert_eq!(get(Some(&strict), "open", &mine).await, 200);
    assert_eq!(get(None, "open", &mine).await, 401, "the certificate is required beside the secret");
    assert_eq!(get(Some(&unbound), "open", &mine).await, 401);
    assert_eq!(get(Some(&certified), "open", &mine).await, 401, "two members");
    let token = token_over_tls(&authority, &world, Some(&strict), "strict").await.expect("a token");
    let token = header(bearer(&token));
    for service in ["open", "tokens"] {
        assert_eq!(get(Some(&strict), service, &token).await, 200, "{service}");
        assert_eq!(get(None, service, &token).await, 401, "a stolen token opens nothing: {service}");
    }
    assert_eq!(get(Some(&certified), "tokens", &token).await, 401);
    assert_eq!(token_over_tls(&authority, &world, None, "strict").await, None);
}

/// The contracts of the tree and these, as files of a directory.
fn contract_folder(dir: &std::path::Path, contracts: &[(String, String)], sandbox: &str) {
    for file in lgsp_contract::shipped() {
        write(&dir.join(&file.path), &file.text);
    }
    for (path, text) in contracts {
        write(&dir.join(path), &text.replace("{sandbox}", sandbox));
    }
}

fn write(path: &std::path::Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_proof_is_ever_logged_or_shown() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = lgsp_sandbox::Sandbox::start(([127, 0, 0, 1], 0).into()).unwrap();
    let signers = Signers::new();
    let setup = setup(&signers);
    contract_folder(&dir.path().join("contracts"), &setup.contracts, &format!("http://{}", sandbox.addr()));
    let config = format!(
        "version = 1\n[public]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\ntoken = \"an-admin-token-of-the-tests\"\n\
         [issuer]\nurl = \"http://gateway.test\"\n[contracts]\npath = \"contracts\"\n[log]\nlevel = \"trace\"\n{}",
        setup.members
    );
    let mut child = Child::start(dir.path(), &config).await;
    let http = reqwest::Client::new();
    let uri = format!("{}/services/open/any", child.public);
    let wrong_key = key("wrong");
    let signed = signers.hmac.sign(&Unsigned::get(&uri));
    let proofs = [
        (vec![api_key("k.all")], 200),
        (vec![("x-api-key", format!("k.all.{wrong_key}"))], 401),
        (vec![("x-api-key", format!("k.none.{wrong_key}"))], 401),
        (vec![basic("other", &secret_of("other"))], 200),
        (vec![basic("other", "a-wrong-basic-secret")], 401),
        (vec![("lgspaccesstoken", access("alone", &access_secret("alone")))], 200),
        (vec![("lgspaccesstoken", access("alone", "a-wrong-access-secret"))], 401),
        (vec![("lgspaccesstoken", STANDARD.encode("{\"SecretKey\":\"a-malformed-access-secret\""))], 401),
        (vec![bearer("a-wrong-token")], 401),
        (signed.clone(), 200),
        (signed.clone(), 401),
    ];
    let mut shown = Vec::new();
    let mut sent = vec![wrong_key.clone(), signers.hmac.secret().unwrap().to_owned()];
    for name in ["a-wrong-basic-secret", "a-wrong-access-secret", "a-malformed-access-secret", "a-wrong-token"] {
        sent.push(name.to_owned());
    }
    sent.extend([key("k.all"), secret_of("other"), access_secret("alone"), access_secret("old")]);
    for (headers, status) in &proofs {
        let mut request = http.get(&uri);
        for (name, value) in headers {
            request = request.header(*name, value);
            if !name.starts_with("signature-input") {
                sent.push(value.rsplit(' ').next().unwrap().trim_matches(['=', ':']).to_owned());
            }
        }
        let answer = send(request).await.expect(*status);
        if *status != 200 {
            shown.push(answer.text().to_owned());
        }
    }
    shown.push(send(http.get(format!("{}/metrics", child.admin))).await.expect(200).text().to_owned());
    assert_eq!(child.terminate().await, Some(0));
    let log = child.log();
    assert!(log.matches("proof refused").count() >= 6, "what was driven is in the log: {log}");
    for secret in &sent {
        for line in log.lines().chain(shown.iter().map(String::as_str)) {
            assert!(!line.contains(secret.as_str()), "{secret} in {line}");
        }
    }
}

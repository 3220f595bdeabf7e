//! Messages that are meant to hurt, over the wire, to services that speak JSON and SOAP: each gets a clear refusal in its
//! own dialect that blames the sender, soon, and the process stays small.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use lgsp_model::ErrorCode;
use serde_json::Value;

use crate::chance::Chance;
use crate::checks::shown;
use crate::child::Child;
use crate::fees;
use crate::gateway::{Answer, send};
use crate::mutate::{end, one_of};
use crate::raw::{Raw, RawAnswer};
use crate::texts::Language;
use crate::xml::{WORDS, encoded};

/// The longest answer to one message, in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(10);

/// What all hostile messages together may add to the memory of the process.
const MOST_MEMORY_MIB: usize = 96;

/// How messages are written, and so how their refusals are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Json,
    Soap11,
    Soap12,
}

impl Dialect {
    const ALL: [Self; 3] = [Self::Json, Self::Soap11, Self::Soap12];

    const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Soap11 => "text/xml; charset=utf-8",
            Self::Soap12 => "application/soap+xml; charset=utf-8",
        }
    }

    const fn namespace(self) -> &'static str {
        match self {
            Self::Soap12 => "http://www.w3.org/2003/05/soap-envelope",
            Self::Soap11 | Self::Json => "http://schemas.xmlsoap.org/soap/envelope/",
        }
    }

    /// A message that is right but for what stands in it.
    fn message(self, inside: &str) -> Vec<u8> {
        match self {
            Self::Json => inside.as_bytes().to_vec(),
            soap => format!(
                "<s:Envelope xmlns:s=\"{}\"><s:Body><Quote xmlns=\"urn:lgsp:tests:fees\">{inside}</Quote></s:Body></s:Envelope>",
                soap.namespace()
            )
            .into_bytes(),
        }
    }

    fn right(self) -> Vec<u8> {
        match self {
            Self::Json => self.message("{\"code\":\"x\",\"copies\":1}"),
            _ => self.message("<code>x</code><copies>1</copies>"),
        }
    }
}

/// One message.
struct Hostile {
    what: &'static str,
    media_type: String,
    body: Vec<u8>,
}

fn hostile(what: &'static str, media_type: &str, body: impl Into<Vec<u8>>) -> Hostile {
    Hostile { what, media_type: media_type.to_owned(), body: body.into() }
}

fn to_json() -> Vec<Hostile> {
    let json = Dialect::Json.media_type();
    let utf16: Vec<u8> = "{\"code\":\"x\",\"copies\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        hostile("nothing", json, ""),
        hostile("cut short", json, "{\"code\":\"x\",\"cop"),
        hostile("no JSON", json, "<a/>"),
        hostile("something behind it", json, "{\"code\":\"x\",\"copies\":1}{}"),
        hostile("a key twice", json, "{\"code\":\"x\",\"copies\":1,\"code\":\"y\"}"),
        hostile("a key twice, once escaped", json, "{\"code\":\"x\",\"copies\":1,\"c\\u006fde\":\"y\"}"),
        hostile("too deep", json, [vec![b'['; 100_000], vec![b']'; 100_000]].concat()),
        hostile("too deep and never closed", json, "{\"a\":".repeat(60_000)),
        hostile(
            "many keys",
            json,
            format!("{{{}\"z\":1}}", (0..20_000).map(|n| format!("\"k{n}\":1,")).collect::<String>()),
        ),
        hostile("an endless number", json, format!("{{\"code\":\"x\",\"copies\":{}}}", "9".repeat(100_000))),
        hostile("a number beyond all", json, "{\"code\":\"x\",\"copies\":1e999999}"),
        hostile("not UTF-8", json, b"{\"code\":\"\xff\",\"copies\":1}".to_vec()),
        hostile("half of a surrogate", json, "{\"code\":\"\\ud800\",\"copies\":1}"),
        hostile("UTF-16", "application/json; charset=utf-16", utf16),
        hostile("a mark of UTF-8", json, "\u{feff}{\"code\":\"x\",\"copies\":1}"),
        hostile("another type", "text/plain", "{\"code\":\"x\",\"copies\":1}"),
        hostile("no type at all", "nonsense", "{\"code\":\"x\",\"copies\":1}"),
        hostile("against the schema", json, "{\"code\":5,\"copies\":\"1\",\"more\":true}"),
        hostile("a list", json, "[]"),
    ]
}

fn to_soap(dialect: Dialect) -> Vec<Hostile> {
    let soap = dialect.media_type();
    let plain = soap.split(';').next().unwrap();
    let message = |inside: &str| dialect.message(inside);
    let with_type = |declared: &str| {
        let text = String::from_utf8(dialect.right()).unwrap();
        format!("<!DOCTYPE Quote [{declared}]>{}", text.replace("<code>x", "<code>&x;"))
    };
    let laughs: String =
        (1..30).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let laughs = with_type(&format!("<!ENTITY l0 \"ha\">{laughs}<!ENTITY x \"&l29;\">"));
    let many: String = (0..5_000).map(|n| format!(" a{n}=\"1\"")).collect();
    let spaces: String = (0..5_000).map(|n| format!(" xmlns:p{n}=\"urn:{n}\"")).collect();
    let other =
        dialect.right().into_iter().map(char::from).collect::<String>().replace(dialect.namespace(), "urn:none");
    let legacy =
        |name: &str| [format!("<?xml version=\"1.0\" encoding=\"{name}\"?>").into_bytes(), dialect.right()].concat();
    let deep = message(&format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000)));
    vec![
        hostile("nothing", soap, ""),
        hostile("cut short", soap, &dialect.right()[..60]),
        hostile("JSON", soap, "{\"code\":\"x\",\"copies\":1}"),
        hostile("something behind it", soap, [dialect.right(), b"<a/>".to_vec()].concat()),
        hostile("a value twice", soap, message("<code>x</code><copies>1</copies><code>y</code>")),
        hostile("an attribute twice", soap, message("<code a='1' a='2'>x</code><copies>1</copies>")),
        hostile(
            "an attribute twice by two prefixes",
            soap,
            message("<code xmlns:p='urn:p' xmlns:q='urn:p' p:a='1' q:a='2'>x</code><copies>1</copies>"),
        ),
        hostile("a prefix of nobody", soap, message("<p:code>x</p:code>")),
        hostile("too deep", soap, deep),
        hostile("too deep and never closed", soap, message(&"<a>".repeat(60_000))),
        hostile("many attributes", soap, message(&format!("<code{many}>x</code><copies>1</copies>"))),
        hostile("many namespaces", soap, message(&format!("<code{spaces}>x</code><copies>1</copies>"))),
        hostile("a long name", soap, message(&format!("<{}/>", "n".repeat(100_000)))),
        hostile("a billion laughs", soap, laughs),
        hostile("a file as entity", soap, with_type("<!ENTITY x SYSTEM \"file:///etc/passwd\">")),
        hostile("an address as entity", soap, with_type("<!ENTITY x SYSTEM \"http://127.0.0.1:1/x\">")),
        hostile("a parameter entity", soap, with_type("<!ENTITY % p SYSTEM \"http://127.0.0.1:1/x\"> %p;")),
        hostile("a document type", soap, with_type("")),
        hostile("an entity of nobody", soap, message("<code>&x;</code><copies>1</copies>")),
        hostile("a character that XML has not", soap, message("<code>&#0;</code><copies>1</copies>")),
        hostile("a huge character", soap, message("<code>&#99999999999999;</code><copies>1</copies>")),
        hostile("not UTF-8", soap, [message("<code>\u{1}"), b"\xff\xfe".to_vec()].concat()),
        hostile("a legacy charset, declared inside", plain, legacy("windows-1258")),
        hostile("a legacy charset, declared outside", &format!("{plain}; charset=TCVN-5712"), dialect.right()),
        hostile("UTF-16 that is none", &format!("{plain}; charset=utf-16"), dialect.right()),
        hostile("another envelope", soap, other),
        hostile("no envelope", soap, "<Quote xmlns=\"urn:lgsp:tests:fees\"><code>x</code><copies>1</copies></Quote>"),
        hostile("no body", soap, format!("<s:Envelope xmlns:s=\"{}\"/>", dialect.namespace())),
        hostile(
            "two messages",
            soap,
            String::from_utf8(dialect.right()).unwrap().replace("</s:Body>", "<x/></s:Body>"),
        ),
        hostile(
            "a fault as request",
            soap,
            format!(
                "<s:Envelope xmlns:s=\"{}\"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>x</faultstring></s:Fault>\
             </s:Body></s:Envelope>",
                dialect.namespace()
            ),
        ),
        hostile("another element", soap, String::from_utf8(dialect.right()).unwrap().replace("Quote", "Quota")),
        hostile(
            "another namespace",
            soap,
            String::from_utf8(dialect.right()).unwrap().replace("tests:fees", "tests:x"),
        ),
        hostile("against the schema", soap, message("<code/><copies>many</copies>")),
        hostile("text between elements", soap, message("x<code>x</code>y<copies>1</copies>")),
        hostile(
            "attachments without an end",
            &format!("multipart/related; type=\"{plain}\"; boundary=b"),
            [b"--b\r\nContent-Type: text/xml\r\n\r\n".to_vec(), dialect.right()].concat(),
        ),
        hostile("attachments without a boundary", &format!("multipart/related; type=\"{plain}\""), dialect.right()),
    ]
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A gateway in a process of its own with the service `fees`.
async fn start(dir: &Path) -> Child {
    let upstream = fees::upstream().await;
    for (path, text) in fees::contract(upstream) {
        write(&dir.join("contracts").join(path), &text);
    }
    for file in lgsp_contract::shipped() {
        write(&dir.join("contracts").join(&file.path), &file.text);
    }
    let config = "version = 1\n[public]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         token = \"an-admin-token-of-the-tests\"\n[issuer]\nurl = \"http://gateway.test\"\n[contracts]\npath = \"contracts\"\n\
         [limits]\nbody_timeout = \"1s\"\n[[member]]\nid = \"vendor\"\nname = \"x\"\nagencies = [\"H56\"]\n\
         scopes = [\"service:fees\"]\nsecret = \"secret-of-vendor\"\n";
    Child::start(dir, config).await
}

async fn post(
    child: &Child,
    http: &reqwest::Client,
    media_type: &str,
    body: Vec<u8>,
    encoding: Option<&str>,
) -> Answer {
    let request =
        http.post(format!("{}/services/fees/quote", child.public)).basic_auth("vendor", Some("secret-of-vendor"));
    let request = request.header("content-type", media_type).body(body);
    send(match encoding {
        Some(encoding) => request.header("content-encoding", encoding),
        None => request,
    })
    .await
}

/// The code of a refusal that blames the sender, in the dialect of the message.
fn refusal(dialect: Dialect, status: u16, content_type: &str, body: &str) -> Result<&'static str, String> {
    let (code, blames_sender) = match dialect {
        Dialect::Json => {
            let problem: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
            (problem["code"].as_str().map(str::to_owned), (400..500).contains(&status))
        }
        soap => {
            if !content_type.starts_with(soap.media_type().split(';').next().unwrap()) {
                return Err(format!("the type {content_type}"));
            }
            let document = roxmltree::Document::parse(body).map_err(|error| error.to_string())?;
            let named = |name: &str| document.descendants().find(|node| node.tag_name().name() == name);
            let fault = named("Fault").filter(|fault| fault.tag_name().namespace() == Some(soap.namespace()));
            fault.ok_or("no fault")?;
            let side = if soap == Dialect::Soap11 { named("faultcode") } else { named("Value") };
            let side = side.and_then(|side| side.text()).unwrap_or_default().to_owned();
            let known =
                ["Client", "Sender", "VersionMismatch", "MustUnderstand"].iter().any(|word| side.ends_with(word));
            // SOAP 1.1 answers every fault with 500 (§6.2).
            let fits = (400..500).contains(&status) || soap == Dialect::Soap11 && status == 500;
            (named("code").and_then(|code| code.text()).map(str::to_owned), known && fits)
        }
    };
    let code = ErrorCode::ALL.iter().map(|code| code.code()).find(|known| code.as_deref() == Some(known));
    let code = code.ok_or("no code of ours")?;
    if blames_sender { Ok(code) } else { Err(format!("{code} does not blame the sender")) }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_messages_are_refused_in_their_dialect_soon_and_cost_little() {
    let dir = tempfile::tempdir().unwrap();
    let child = start(dir.path()).await;
    let http = reqwest::Client::new();
    for dialect in Dialect::ALL {
        let answer = post(&child, &http, dialect.media_type(), dialect.right(), None).await;
        assert_eq!(answer.status, 200, "{dialect:?}: {}", answer.text());
    }
    let before = child.peak_memory();
    let mut wrong = Vec::new();
    for dialect in Dialect::ALL {
        let messages = if dialect == Dialect::Json { to_json() } else { to_soap(dialect) };
        for Hostile { what, media_type, body } in messages {
            let begun = Instant::now();
            let answer = post(&child, &http, &media_type, body, None).await;
            let took = begun.elapsed();
            // What cannot be read says nothing of its dialect: the service's first one is spoken.
            let spoken = if media_type == "text/plain" || media_type == "nonsense" { None } else { Some(dialect) };
            let verdict = match spoken {
                None if answer.status == 415 => Ok("GW1004"),
                None => Err("not 415".to_owned()),
                Some(dialect) => refusal(dialect, answer.status, answer.header("content-type"), answer.text()),
            };
            if let Err(error) = verdict {
                wrong.push(format!("{dialect:?} {what}: {error}: {} {:.600}", answer.status, answer.text()));
            }
            if took > LONGEST {
                wrong.push(format!("{dialect:?} {what}: took {took:?}"));
            }
        }
    }
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..512 {
        bomb.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    for (what, body, status) in
        [("a bomb", bomb.clone(), 413), ("half of it", bomb[..100].to_vec(), 400), ("no gzip", vec![7], 400)]
    {
        for dialect in Dialect::ALL {
            let answer = post(&child, &http, dialect.media_type(), body.clone(), Some("gzip")).await;
            let status = if dialect == Dialect::Soap11 && status == 400 { 500 } else { status };
            if answer.status != status {
                wrong.push(format!("{dialect:?} {what}: {} {:.600}", answer.status, answer.text()));
            }
        }
    }
    let grown = child.peak_memory() - before;
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(grown <= MOST_MEMORY_MIB, "grew by {grown} MiB");
    println!("the process grew by {grown} MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_announced_too_large_is_refused_before_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let child = start(dir.path()).await;
    for dialect in Dialect::ALL {
        let large =
            by_hand(&child, dialect, "content-length: 20000000", &dialect.right(), false).await.expect("an answer");
        assert_eq!(large.status, 413, "{dialect:?} {large:?}");
        let told = refusal(dialect, large.status, large.header("content-type").unwrap_or_default(), &large.body);
        assert_eq!(told, Ok("GW1003"), "{dialect:?} {large:?}");
    }
}

/// Sends by hand and ends, or not; what is answered, if anything.
async fn by_hand(child: &Child, dialect: Dialect, announced: &str, body: &[u8], ends: bool) -> Option<RawAnswer> {
    let address = child.public.trim_start_matches("http://").parse().unwrap();
    let mut raw = Raw::connect(address).await;
    let basic = STANDARD.encode("vendor:secret-of-vendor");
    raw.send(format!(
        "POST /services/fees/quote HTTP/1.1\r\nhost: x\r\nauthorization: Basic {basic}\r\ncontent-type: {}\r\n{announced}\r\n\r\n",
        dialect.media_type()
    ))
    .await;
    raw.try_send(body).await;
    if ends {
        raw.end().await;
    }
    raw.answer_if_any().await
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_do_not_end_are_given_up_in_their_dialect() {
    let dir = tempfile::tempdir().unwrap();
    let child = start(dir.path()).await;
    for dialect in Dialect::ALL {
        let body = dialect.right();
        let half = &body[..body.len() / 2];
        let chunk = [format!("{:x}\r\n", half.len()).as_bytes(), half, b"\r\n"].concat();
        for (announced, sent) in [
            (format!("content-length: {}", body.len()), half.to_vec()),
            ("transfer-encoding: chunked".to_owned(), chunk),
        ] {
            let begun = Instant::now();
            let slow = by_hand(&child, dialect, &announced, &sent, false).await.expect("an answer");
            assert!(begun.elapsed() < LONGEST, "{dialect:?} {announced}: {:?}", begun.elapsed());
            assert_eq!(slow.status, 408, "{dialect:?} {announced}: {slow:?}");
            let told = refusal(dialect, slow.status, slow.header("content-type").unwrap_or_default(), &slow.body);
            assert_eq!(told, Ok("GW1007"), "{dialect:?} {slow:?}");
            // Who hangs up in the middle may be told or not, but never that all is well, nor that we failed.
            if let Some(cut) = by_hand(&child, dialect, &announced, &sent, true).await {
                let told = refusal(dialect, cut.status, cut.header("content-type").unwrap_or_default(), &cut.body);
                assert!(told.is_ok(), "{dialect:?} {cut:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_message_gets_an_answer_of_its_dialect_and_no_failure() {
    let mut chance = Chance::printed("services over the wire");
    let dir = tempfile::tempdir().unwrap();
    let child = start(dir.path()).await;
    let http = reqwest::Client::new();
    let json_words = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "null",
        "true",
        "1e999",
        "-0",
        "\"code\":",
        "\"copies\":",
        "\"note\":",
        "\"paper\":[]",
        "\"person\":{}",
        "\"urgent\":1",
        "5",
        "\"5\"",
        "\\u0000",
    ];
    let (end, mut cases, mut taken) = (end(), 0, 0);
    while Instant::now() < end {
        let dialect = *one_of(&mut chance, &Dialect::ALL);
        let seeds = match dialect {
            Dialect::Json => vec![
                dialect.right(),
                br#"{"code":"a","copies":5,"urgent":true,"weight":0.5,"note":null,"person":{"name":"x","born":1},"paper":["copy"]}"#
                    .to_vec(),
            ],
            soap => vec![
                soap.right(),
                soap.message(
                    "<code>a</code><copies>5</copies><urgent>true</urgent><weight>.5</weight><note/><person><name>x</name>\
                     <born>1</born></person><paper>copy</paper>",
                ),
            ],
        };
        let words: &[&str] = if dialect == Dialect::Json { &json_words } else { &WORDS };
        let language = Language { seeds: &seeds, words };
        let mut body = if chance.below(10) == 0 { seeds[0].clone() } else { language.bent(&mut chance) };
        let mut media_type = dialect.media_type();
        if dialect != Dialect::Json {
            let wide = encoded(&mut chance, body.clone());
            if wide != body {
                (body, media_type) = (wide, media_type.split(';').next().unwrap());
            }
        }
        let begun = Instant::now();
        let answer = post(&child, &http, media_type, body.clone(), None).await;
        assert!(begun.elapsed() < LONGEST, "{:?} for {}", begun.elapsed(), shown(&body));
        if answer.status == 200 {
            taken += 1;
        } else {
            let told = refusal(dialect, answer.status, answer.header("content-type"), answer.text());
            assert!(told.is_ok(), "{dialect:?}: {told:?} {} {} for {}", answer.status, answer.text(), shown(&body));
        }
        cases += 1;
    }
    assert!(cases > 20 && taken > 0 && taken < cases, "the mutations miss a kind: {cases}, {taken}");
    println!("{cases} messages, {taken} taken");
}

//! Bent requests to the broker of identities, over the wire: authorization requests, pushed ones, token requests with assertions and
//! proofs of keys, pages' forms, logout tokens. Whatever comes, the gateway answers by itself, gives nobody anything, and sends a browser
//! nowhere but to its client.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::chance::Chance;
use crate::checks::shown;
use crate::gateway::{Setup, World, send};
use crate::mutate::{end, one_of};
use crate::texts::Language;

/// The longest answer to one request, in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(10);

/// The address of the only client that people sign in to, whose secret nobody here knows.
const REDIRECT: &str = "https://counter.test/sso";

const SETUP: &str = r#"
[[member]]
id = "counter"
name = "counter"
agencies = ["H56"]
scopes = ["dossier:read", "service:land"]
secret = "a-secret-that-is-never-sent-c0ffee"
[member.sign_in]
redirect_uris = ["https://counter.test/sso"]
post_logout_redirect_uris = ["https://counter.test/bye"]
claims = ["profile", "offline_access"]
"#;

const PROVIDER: &str = r#"
[[identity_provider]]
id = "vneid"
kind = "vneid"
name = "VNeID"
[identity_provider.settings]
url = "{sandbox}/identity/vneid"
client_id = "lgsp"
client_secret = "lgsp-sandbox"
allow_private = true
[[identity_provider]]
id = "cas"
kind = "cas"
name = "CAS"
[identity_provider.settings]
url = "{sandbox}/identity/cas"
allow_private = true
"#;

const WORDS: &[&str] = &[
    "client_id=counter",
    "client_secret=x",
    "&redirect_uri=https%3A%2F%2Fcounter.test%2Fsso",
    "&redirect_uri=https%3A%2F%2Fevil.test%2F",
    "&response_mode=form_post",
    "&state=%0d%0aset-cookie%3A%20a%3Db",
    "&state=%22%3E%3Cscript%3E",
    "&prompt=none",
    "&acr_values=LoA3",
    "&max_age=99999999999999999999",
    "&resource=http%3A%2F%2Fgateway.test%2Fservices%2Fland",
    "&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax",
    "grant_type=",
    "refresh_token=",
    "a.b",
    "..",
    "eyJhbGciOiJub25lIn0.e30.",
    "%00",
    "%ff",
    "&",
    "=",
];

fn seeds() -> Vec<Vec<u8>> {
    let base64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let asked = "response_type=code&client_id=counter&redirect_uri=https%3A%2F%2Fcounter.test%2Fsso&scope=openid%20profile&state=s&nonce=n\
                 &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    let assertion = format!(
        "{}.{}.{}",
        base64(r#"{"alg":"ES256","kid":"k"}"#),
        base64(r#"{"iss":"counter","sub":"counter","aud":"http://gateway.test","jti":"j","exp":9999999999}"#),
        base64("signature")
    );
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    [
        asked.to_owned(),
        format!("{asked}&client_secret=wrong"),
        "grant_type=authorization_code&code=abc&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned(),
        format!("grant_type=client_credentials&client_assertion_type={kind}&client_assertion={assertion}"),
        format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token={assertion}&client_id=counter"),
        "login=abc&provider=vneid&answer=allow".to_owned(),
        format!("logout_token={assertion}"),
        format!("id_token_hint={assertion}&post_logout_redirect_uri=https%3A%2F%2Fcounter.test%2Fbye&state=s"),
        format!("token={assertion}&token_type_hint=refresh_token"),
    ]
    .map(String::into_bytes)
    .to_vec()
}

const PATHS: [(&str, &str); 14] = [
    ("GET", "authorize"),
    ("POST", "authorize"),
    ("POST", "login"),
    ("GET", "callback/vneid"),
    ("GET", "callback/cas"),
    ("POST", "consent"),
    ("POST", "par"),
    ("POST", "token"),
    ("POST", "introspect"),
    ("POST", "revoke"),
    ("GET", "logout"),
    ("POST", "logout"),
    ("POST", "backchannel/vneid"),
    ("POST", "backchannel/cas"),
];

#[tokio::test(flavor = "multi_thread")]
async fn any_request_to_the_broker_gets_an_answer_and_nobody_gets_in() {
    let mut chance = Chance::printed("BROKER");
    let setup = Setup { members: SETUP.to_owned(), providers: PROVIDER.to_owned(), ..Setup::default() };
    let world = World::with(setup).await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let seeds = seeds();
    let language = Language { seeds: &seeds, words: WORDS };
    let (end, mut answered, mut sent_on) = (end(), 0, 0);
    while Instant::now() < end {
        let (method, path) = *one_of(&mut chance, &PATHS);
        let text = language.bent_text(&mut chance);
        // What cannot stand in an address is not what is tried here.
        let plain: String = text.chars().filter(|char| char.is_ascii_graphic() && *char != '#').take(6000).collect();
        let url = world.url(&format!("/oauth2/{path}"));
        let mut request = match method {
            "GET" => http.get(format!("{url}?{plain}")),
            _ => http.post(url).header("content-type", "application/x-www-form-urlencoded").body(text.clone()),
        };
        if chance.below(4) == 0 {
            let proof: String = plain.chars().take(300).collect();
            request = request.header("dpop", proof).header("cookie", "__Host-lgsp-browser=x; __Host-lgsp-session=y");
        }
        let begun = Instant::now();
        let answer = send(request).await;
        let what = || format!("{method} {path} {}: {} {}", shown(text.as_bytes()), answer.status, answer.text());
        assert!(answer.status < 500, "{}", what());
        assert!(begun.elapsed() < LONGEST, "{:?} {}", begun.elapsed(), what());
        assert!(!answer.text().contains("access_token") && !answer.text().contains("<script"), "{}", what());
        let to = answer.header("location");
        let there = format!("http://{}/identity/", world.sandbox.addr());
        let known = [REDIRECT, "https://counter.test/bye", there.as_str()];
        assert!(to.is_empty() || known.iter().any(|known| to.starts_with(known)), "{to} {}", what());
        assert!(
            answer.headers.get_all("set-cookie").iter().all(|cookie| !cookie.to_str().unwrap().contains("session="))
        );
        answered += 1;
        sent_on += u32::from(!to.is_empty());
    }
    assert!(answered > 50 && sent_on > 0, "the mutations miss a kind: {answered}, {sent_on}");
    println!("{answered} requests answered, {sent_on} sent on");
}

//! The demo's one-stop counter: a client of the gateway to which people sign in. It shows what such a system learns and gets, and
//! is small enough to be read as an example of one.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::ClientCredentials;
use crate::broker::page::escaped;
use crate::form;

/// Sign-ins under way that are remembered: the demo's visitors are few.
const MOST: usize = 1000;

/// A place that the counter listens at, before the gateway is configured with it.
pub struct CounterPlace {
    listener: TcpListener,
    address: SocketAddr,
}

/// The running counter.
pub struct Counter {
    address: SocketAddr,
    running: JoinHandle<()>,
}

/// What the counter remembers of a sign-in between its two halves.
struct Begun {
    nonce: String,
    verifier: String,
}

struct Desk {
    own_url: String,
    issuer: String,
    client: ClientCredentials,
    http: reqwest::Client,
    begun: Mutex<HashMap<String, Begun>>,
}

type Page = Response<Full<Bytes>>;

impl CounterPlace {
    /// Takes any free port of this machine.
    pub async fn take() -> io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where people are sent back to with a code.
    pub fn redirect_uri(&self) -> String {
        format!("http://{}/sso", self.address)
    }

    /// Where people are sent back to when they have signed out.
    pub fn signed_out_uri(&self) -> String {
        format!("http://{}/bye", self.address)
    }

    /// Where people are sent back to from a payment.
    pub fn paid_uri(&self) -> String {
        format!("http://{}/paid", self.address)
    }

    /// Opens the counter.
    pub fn open(self, issuer: &str, client: ClientCredentials) -> Counter {
        let Self { listener, address } = self;
        let desk = Arc::new(Desk {
            own_url: format!("http://{address}"),
            issuer: issuer.to_owned(),
            client,
            http: reqwest::Client::new(),
            begun: Mutex::default(),
        });
        Counter { address, running: tokio::spawn(serve(listener, desk)) }
    }
}

impl Counter {
    /// Where people are sent back to from a payment.
    pub fn paid_uri(&self) -> String {
        format!("http://{}/paid", self.address)
    }

    /// Where to look.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    while let Ok((socket, _)) = listener.accept().await {
        let desk = desk.clone();
        tokio::spawn(async move {
            let answer = |request| {
                let desk = desk.clone();
                async move { Ok::<_, Infallible>(desk.answer(request).await) }
            };
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service_fn(answer));
            // A browser that goes away is nothing to tell of.
            let _ = connection.await;
        });
    }
}

impl Desk {
    async fn answer(&self, request: Request<Incoming>) -> Page {
        let query = form::pairs(request.uri().query().unwrap_or_default());
        let made = match request.uri().path() {
            "/" => Ok(page("<p><a href=\"/sign-in\">Đăng nhập – Sign in</a></p>")),
            "/sign-in" => Ok(self.begin()),
            "/sso" => self.finish(&query).await,
            "/paid" => Ok(paid(&query)),
            "/bye" => Ok(page("<p>Bạn đã đăng xuất – You are signed out.</p><p><a href=\"/\">↩</a></p>")),
            _ => Err("there is nothing here".to_owned()),
        };
        made.unwrap_or_else(|why| {
            let mut page = page(&format!("<p>{}</p><p><a href=\"/\">↩</a></p>", escaped(&why)));
            *page.status_mut() = StatusCode::BAD_REQUEST;
            page
        })
    }

    /// Sends the browser to the gateway.
    fn begin(&self) -> Page {
        let (state, nonce, verifier) = (random(), random(), random());
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let asked = form::encode(&[
            ("response_type", "code".to_owned()),
            ("client_id", self.client.id.clone()),
            ("redirect_uri", format!("{}/sso", self.own_url)),
            ("scope", "openid profile email".to_owned()),
            ("state", state.clone()),
            ("nonce", nonce.clone()),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_owned()),
        ]);
        let mut begun = self.begun.lock().expect("no panic while held");
        if begun.len() >= MOST {
            begun.clear();
        }
        begun.insert(state, Begun { nonce, verifier });
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SEE_OTHER;
        let to = format!("{}/oauth2/authorize?{asked}", self.issuer);
        response.headers_mut().insert(LOCATION, HeaderValue::from_str(&to).expect("an encoded address"));
        response
    }

    /// Takes the code to the gateway, and shows what came for it.
    async fn finish(&self, query: &[(String, String)]) -> Result<Page, String> {
        if let Some(error) = form::value(query, "error") {
            let why = form::value(query, "error_description").unwrap_or_default();
            return Err(format!("{error}: {why}"));
        }
        if form::value(query, "iss") != Some(&self.issuer) {
            return Err("the answer is another issuer's".to_owned());
        }
        let state = form::value(query, "state").unwrap_or_default();
        let begun = self.begun.lock().expect("no panic while held").remove(state);
        let begun = begun.ok_or("this sign-in did not begin here, or is over")?;
        let code = form::value(query, "code").ok_or("there is no code")?;
        let tokens = self.tokens(code, &begun.verifier).await?;
        let (access, id) = (text(&tokens, "access_token")?, text(&tokens, "id_token")?);
        // It came straight from the gateway; a client that gets id tokens through browsers must verify their signature.
        let claims = claims_of(id).ok_or("the id token cannot be read")?;
        let nonce = claims["nonce"] == begun.nonce.as_str();
        if !nonce || claims["aud"] != self.client.id.as_str() || claims["iss"] != self.issuer.as_str() {
            return Err("the id token is not for this sign-in".to_owned());
        }
        let person = self.json(self.http.get(format!("{}/oauth2/userinfo", self.issuer)).bearer_auth(access)).await?;
        if person["sub"] != claims["sub"] {
            return Err("the person is not the one who signed in".to_owned());
        }
        let sign_out = form::encode(&[
            ("id_token_hint", id.to_owned()),
            ("post_logout_redirect_uri", format!("{}/bye", self.own_url)),
        ]);
        Ok(page(&format!(
            "<p>Xin chào – Hello <strong>{}</strong></p><h2>Thông tin nhận được – What this system learns</h2><pre>{}</pre>\
             <h2>Access token</h2><pre>{}</pre><h2>id token</h2><pre>{}</pre>\
             <p><a href=\"{}\">Đăng xuất – Sign out</a></p>",
            escaped(person["name"].as_str().unwrap_or("?")),
            shown(&person),
            claims_of(access).map(|claims| shown(&claims)).unwrap_or_default(),
            shown(&claims),
            escaped(&format!("{}/oauth2/logout?{sign_out}", self.issuer)),
        )))
    }

    async fn tokens(&self, code: &str, verifier: &str) -> Result<Value, String> {
        let redirect_uri = format!("{}/sso", self.own_url);
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", verifier),
        ];
        let request = self.http.post(format!("{}/oauth2/token", self.issuer));
        self.json(request.basic_auth(&self.client.id, Some(&self.client.secret)).form(&form)).await
    }

    async fn json(&self, request: reqwest::RequestBuilder) -> Result<Value, String> {
        let answer = request.send().await.map_err(|_| "the gateway does not answer".to_owned())?;
        let status = answer.status();
        let body: Value = answer.json().await.map_err(|_| format!("the gateway answered {status}"))?;
        let why = || format!("the gateway answered {status}: {}", body["error_description"].as_str().unwrap_or("?"));
        if status.is_success() { Ok(body) } else { Err(why()) }
    }
}

/// Whoever comes back from a payment tells nothing by that: the one-stop system asks the gateway.
fn paid(query: &[(String, String)]) -> Page {
    let named = |name| escaped(form::value(query, name).unwrap_or("?"));
    page(&format!(
        "<p>Cảm ơn bạn. Kết quả thanh toán sẽ được cập nhật vào hồ sơ. – Thank you.</p><pre>GET /v1/payments/{}\nreference {}</pre>",
        named("payment"),
        named("reference")
    ))
}

fn text<'a>(answer: &'a Value, name: &str) -> Result<&'a str, String> {
    answer[name].as_str().ok_or_else(|| format!("the gateway sent no {name}"))
}

fn claims_of(token: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?).ok()
}

fn shown(value: &Value) -> String {
    escaped(&serde_json::to_string_pretty(value).unwrap_or_default())
}

fn random() -> String {
    let mut bytes = [0u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system has randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}

fn page(body: &str) -> Page {
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"vi\"><head><meta charset=\"utf-8\"><title>Một cửa</title>\
         <style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}\
         pre{{background:#f3f3f3;padding:.6rem;overflow:auto}}</style></head>\
         <body><h1>Một cửa (demo) – One-stop counter</h1>{body}</body></html>\n"
    );
    let mut response = Response::new(Full::new(Bytes::from(html)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

//! One-stop systems at work: they push dossiers' lives over several connections, one by one and as streams, send again
//! what was not acknowledged, and remember what was. They judge nothing; the ledger is compared elsewhere.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::program::{Program, Waiting};
use crate::records::{code, dossier, step};

/// Dossiers that one stream carries at a time.
const STREAM: usize = 20;

/// One acknowledged record.
#[derive(Clone, Debug)]
pub(crate) struct Ack {
    pub(crate) seq: u64,
    pub(crate) code: String,
    pub(crate) text: String,
}

/// The load and what came of it.
pub(crate) struct Load {
    http: reqwest::Client,
    token: String,
    /// Where the gateway is; `None` while it is away.
    address: watch::Sender<Option<SocketAddr>>,
    acks: Mutex<Vec<Ack>>,
    /// Acknowledgements after which the workers wait.
    limit: AtomicUsize,
    number: AtomicUsize,
    stop: AtomicBool,
    /// Requests without an answer, and answers that no gateway should give.
    lost: Mutex<Vec<String>>,
    strange: Mutex<Vec<String>>,
}

/// One dossier's life in the order in which it is pushed.
fn life(code: &str) -> [(&'static str, Value); 4] {
    [
        ("/v1/dossiers", dossier(code, "2")),
        ("/v1/progress", step(code, "4", 1)),
        ("/v1/progress", step(code, "4", 2)),
        ("/v1/dossiers", dossier(code, "9")),
    ]
}

impl Load {
    /// A load on this gateway that stops at once; `allow` sets it going.
    pub(crate) async fn on(program: &Program) -> Arc<Self> {
        let http = client();
        let token = token(&http, program.public, "one-stop").await;
        Arc::new(Self {
            http,
            token,
            address: watch::Sender::new(Some(program.public)),
            acks: Mutex::default(),
            limit: AtomicUsize::new(0),
            number: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            lost: Mutex::default(),
            strange: Mutex::default(),
        })
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Starts so many systems that push one by one, and so many that push streams.
    pub(crate) fn begin(self: &Arc<Self>, singles: usize, streams: usize) -> JoinSet<()> {
        let mut workers = JoinSet::new();
        for _ in 0..singles {
            workers.spawn(self.clone().push_lives());
        }
        for _ in 0..streams {
            workers.spawn(self.clone().push_streams());
        }
        workers
    }

    /// Lets so many more acknowledgements come.
    pub(crate) fn allow(&self, more: usize) {
        self.limit.store(self.count() + more, Ordering::Relaxed);
    }

    /// Tells where the gateway is now.
    pub(crate) fn moved(&self, to: Option<SocketAddr>) {
        self.address.send_replace(to);
    }

    /// Lets every worker end its dossiers and go home.
    pub(crate) async fn finish(&self, workers: JoinSet<()>) {
        self.stop.store(true, Ordering::Relaxed);
        workers.join_all().await;
    }

    pub(crate) fn count(&self) -> usize {
        self.acks.lock().unwrap().len()
    }

    pub(crate) fn acks(&self) -> Vec<Ack> {
        self.acks.lock().unwrap().clone()
    }

    /// Requests that got no answer.
    pub(crate) fn lost(&self) -> Vec<String> {
        self.lost.lock().unwrap().clone()
    }

    /// Answers that no gateway should give to this load.
    pub(crate) fn strange(&self) -> Vec<String> {
        self.strange.lock().unwrap().clone()
    }

    /// Whether there is more to push; waits while enough is acknowledged.
    async fn goes_on(&self) -> bool {
        // A test that looks at what it has may take its time.
        loop {
            let stop = self.stop.load(Ordering::Relaxed);
            if stop || self.count() < self.limit.load(Ordering::Relaxed) {
                return !stop;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn fresh_code(&self) -> String {
        code(self.number.fetch_add(1, Ordering::Relaxed))
    }

    async fn push_lives(self: Arc<Self>) {
        while self.goes_on().await {
            let code = self.fresh_code();
            for (path, record) in life(&code) {
                self.push_until_acknowledged(path, &code, record.to_string()).await;
            }
        }
    }

    async fn push_until_acknowledged(&self, path: &str, code: &str, text: String) {
        let waiting = Waiting::until("a record is acknowledged");
        let mut again = false;
        while !self.push_one(path, code, &text, again).await {
            again = true;
            waiting.a_moment().await;
        }
    }

    /// Whether the record was acknowledged. Only one that was sent before may be a duplicate.
    async fn push_one(&self, path: &str, code: &str, text: &str, again: bool) -> bool {
        let Some(answer) = self.post(path, "application/json", text.to_owned()).await else { return false };
        let status = answer.status().as_u16();
        let Some(body) = self.heard(answer.text().await) else { return false };
        let result: Value = serde_json::from_str(&body).unwrap_or_default();
        match (status, result["outcome"].as_str().unwrap_or_default(), result["seq"].as_u64()) {
            (202, "accepted", Some(seq)) => self.acknowledged(seq, code, text),
            (200, "duplicate", Some(seq)) if again => self.acknowledged(seq, code, text),
            // A gateway that stops says so; the record goes to the next one.
            (503, ..) if result["code"] == "GW1604" => return false,
            _ => {
                self.strange.lock().unwrap().push(format!("{status} {body}"));
                return false;
            }
        }
        true
    }

    async fn push_streams(self: Arc<Self>) {
        while self.goes_on().await {
            let codes: Vec<String> = (0..STREAM).map(|_| self.fresh_code()).collect();
            let lives: Vec<_> = codes.iter().map(|code| life(code)).collect();
            for stage in 0..lives[0].len() {
                let path = lives[0][stage].0;
                let mut waiting: Vec<(String, String)> =
                    codes.iter().zip(&lives).map(|(code, life)| (code.clone(), life[stage].1.to_string())).collect();
                let (patience, mut again) = (Waiting::until("a stream is acknowledged"), false);
                loop {
                    self.push_stream(path, &mut waiting, again).await;
                    if waiting.is_empty() {
                        break;
                    }
                    again = true;
                    patience.a_moment().await;
                }
            }
        }
    }

    /// Sends what waits as one stream, and takes away what was acknowledged, line by line as it came.
    async fn push_stream(&self, path: &str, waiting: &mut Vec<(String, String)>, again: bool) {
        let body: String = waiting.iter().map(|(_, text)| format!("{text}\n")).collect();
        let Some(mut answer) = self.post(path, "application/x-ndjson", body).await else { return };
        let (mut heard, mut done) = (Vec::new(), 0);
        while let Some(Some(piece)) = self.heard(answer.chunk().await) {
            heard.extend_from_slice(&piece);
            while let Some(end) = heard.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = heard.drain(..=end).collect();
                let result: Value = serde_json::from_slice(&line).unwrap_or_default();
                let outcome = result["outcome"].as_str().unwrap_or_default();
                match (outcome, result["seq"].as_u64()) {
                    ("accepted", Some(seq)) => self.acknowledged(seq, &waiting[done].0, &waiting[done].1),
                    ("duplicate", Some(seq)) if again => {
                        self.acknowledged(seq, &waiting[done].0, &waiting[done].1);
                    }
                    _ if result["summary"].is_object() => continue,
                    // Said whole, or not at all: a problem instead of result lines.
                    _ if result["code"] == "GW1604" => break,
                    _ => {
                        self.strange.lock().unwrap().push(format!("in a stream: {result}"));
                        break;
                    }
                }
                assert_eq!(result["index"], done, "results come in the order of the lines: {result}");
                done += 1;
            }
        }
        waiting.drain(..done);
    }

    async fn post(&self, path: &str, media_type: &str, body: String) -> Option<reqwest::Response> {
        let address = (*self.address.borrow())?;
        let request = self.http.post(format!("http://{address}{path}")).bearer_auth(&self.token);
        self.heard(request.header("content-type", media_type).body(body).send().await)
    }

    fn heard<T>(&self, heard: reqwest::Result<T>) -> Option<T> {
        heard.map_err(|error| self.lost.lock().unwrap().push(format!("{error:?}"))).ok()
    }

    fn acknowledged(&self, seq: u64, code: &str, text: &str) {
        self.acks.lock().unwrap().push(Ack { seq, code: code.to_owned(), text: text.to_owned() });
    }
}

/// A client that does not wait for ever.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap()
}

/// An access token with all rights of the member.
pub(crate) async fn token(http: &reqwest::Client, gateway: SocketAddr, member: &str) -> String {
    let request = http.post(format!("http://{gateway}/oauth2/token"));
    let request = request.basic_auth(member, Some(format!("secret-of-{member}")));
    let answer = request.form(&[("grant_type", "client_credentials")]).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

//! Tokens over HTTP, and what a sign-in through the gateway takes beyond the provider's own time. (How many tokens a core issues and
//! knows again without HTTP: `cargo run --profile dist -p lgsp --example token_rate`.)

use std::io::{Error, Result};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::gateway::{Gateway, free_port};
use crate::http::{self, Answer};
use crate::{Bench, figure};

const SECONDS: u32 = 10;
const CONNECTIONS: u32 = 16;
const TOKENS_GOAL: f64 = 5000.0;
const LOGINS: usize = 200;
/// What a login may take beyond the provider's own time.
const LOGIN_GOAL_MS: f64 = 5.0;

/// Client credentials by HTTP Basic: `bench` and its secret.
pub(crate) fn tokens(bench: &Bench) -> Result<()> {
    let gateway = Gateway::start(&bench.lgsp, "")?;
    gateway.token()?;
    let script = std::env::temp_dir().join(format!("lgsp-bench-{}.lua", gateway.public));
    let form = format!("grant_type=client_credentials&client_id=bench&client_secret={}", crate::gateway::SECRET);
    let lua = format!(
        "wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/x-www-form-urlencoded'\nwrk.body = '{form}'\n"
    );
    std::fs::write(&script, lua)?;
    let cpu = gateway.cpu();
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{SECONDS}s"), "-s"])
        .arg(&script)
        .arg(format!("http://127.0.0.1:{}/oauth2/token", gateway.public))
        .output()?;
    let _ = std::fs::remove_file(&script);
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("Non-2xx") {
        return Err(Error::other(format!("some got no token: {text}")));
    }
    let line = text.lines().find_map(|line| line.trim().split_once(" requests in"));
    let count: f64 = line.and_then(|(count, _)| count.parse().ok()).ok_or_else(|| Error::other("wrk told no count"))?;
    let cpu = (gateway.cpu() - cpu) / count;
    figure::print("tokens over HTTP", "tokens/s", count / f64::from(SECONDS), "goal", TOKENS_GOAL);
    figure::print("tokens over HTTP, for one core's time", "tokens/s", 1.0 / cpu, "goal", TOKENS_GOAL);
    Ok(())
}

/// The simulated partners in a process of their own.
struct Sandbox {
    child: Child,
    port: u16,
}

impl Sandbox {
    fn start(bench: &Bench) -> Result<Self> {
        let port = free_port()?;
        let listen = format!("127.0.0.1:{port}");
        let child = Command::new(&bench.lgsp).args(["sandbox", "--listen", &listen]).stdout(Stdio::null()).spawn()?;
        let sandbox = Self { child, port };
        let began = Instant::now();
        while http::connect(port).is_err() {
            if began.elapsed() > Duration::from_secs(20) {
                return Err(Error::other("the sandbox does not answer"));
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Ok(sandbox)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The verifier and its challenge of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Whole sign-ins; the time at the provider, which both ways need, is measured in the same run and taken away.
pub(crate) fn logins(bench: &Bench) -> Result<()> {
    let sandbox = Sandbox::start(bench)?;
    let there = format!("http://127.0.0.1:{}/identity/vneid", sandbox.port);
    let tables = format!(
        r#"[member.sign_in]
redirect_uris = ["https://client.test/cb"]
trusted = true
[[identity_provider]]
id = "vneid"
kind = "vneid"
name = "VNeID"
[identity_provider.settings]
url = "{there}"
client_id = "lgsp"
client_secret = "lgsp-sandbox"
allow_private = true
"#
    );
    let gateway = Gateway::start(&bench.lgsp, &tables)?;
    let (mut ours, mut theirs, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..LOGINS + 1 {
        let through = through_gateway(&gateway, sandbox.port)?;
        let direct = at_provider(sandbox.port)?;
        // The first one fetches keys.
        if round > 0 {
            let millis = |time: Duration| time.as_secs_f64() * 1e3;
            ours.push(millis(through));
            theirs.push(millis(direct));
            added.push(millis(through) - millis(direct));
        }
    }
    for samples in [&mut ours, &mut theirs, &mut added] {
        samples.sort_by(f64::total_cmp);
    }
    let (median, p99) = (figure::quantile(&added, 0.5), figure::quantile(&added, 0.99));
    eprintln!(
        "  {LOGINS} sign-ins: {:.2} ms at the gateway, {:.2} ms of it the provider's (medians)",
        figure::quantile(&ours, 0.5),
        figure::quantile(&theirs, 0.5)
    );
    figure::print("a sign-in beyond the provider's time, median", "ms", median, "goal", LOGIN_GOAL_MS);
    figure::print("a sign-in beyond the provider's time, p99", "ms", p99, "goal", LOGIN_GOAL_MS);
    Ok(())
}

/// The time that the gateway takes for a sign-in: the client's question, the way to the provider, the way back, the code.
fn through_gateway(gateway: &Gateway, sandbox: u16) -> Result<Duration> {
    let mut took = Duration::ZERO;
    let mut timed = |run: &dyn Fn() -> Result<Answer>| {
        let began = Instant::now();
        let answer = run();
        took += began.elapsed();
        answer
    };
    let asked = format!(
        "/oauth2/authorize?response_type=code&client_id=bench&scope=openid&state=s&nonce=n&code_challenge={CHALLENGE}\
         &code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.test%2Fcb"
    );
    // One provider only, so nobody is asked to choose.
    let sent = timed(&|| http::get(gateway.public, &asked, ""))?;
    let cookie = sent.header("set-cookie").and_then(|cookie| cookie.split(';').next()).unwrap_or_default().to_owned();
    let at_login = path_of(&sent)?;
    let back = sign_in(sandbox, &at_login)?;
    let fields = format!("Cookie: {cookie}\r\n");
    let done = timed(&|| http::get_with(gateway.public, &back, &fields))?;
    let code = path_of(&done)?;
    let code = code.split("code=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default().to_owned();
    let form = format!(
        "grant_type=authorization_code&code={code}&code_verifier={VERIFIER}&redirect_uri=https%3A%2F%2Fclient.test%2Fcb\
         &client_id=bench&client_secret={}",
        crate::gateway::SECRET
    );
    let media_type = "application/x-www-form-urlencoded";
    let tokens = timed(&|| http::post(gateway.public, "/oauth2/token", "", media_type, form.as_bytes()))?;
    if tokens.status == 200 { Ok(took) } else { Err(Error::other(String::from_utf8_lossy(&tokens.body).into_owned())) }
}

/// The time that a client of the provider itself would take for its calls: the code for tokens, the tokens for the person.
fn at_provider(sandbox: u16) -> Result<Duration> {
    let back = "http%3A%2F%2Fclient.test%2Fcb";
    let asked = format!(
        "/identity/vneid/oauth2/authorize?response_type=code&client_id=lgsp&scope=openid&state=s&nonce=n&redirect_uri={back}\
         &code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let code = sign_in(sandbox, &asked)?;
    let code = code.split("code=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri={back}&client_id=lgsp&client_secret=lgsp-sandbox\
         &code_verifier={VERIFIER}"
    );
    let began = Instant::now();
    let media_type = "application/x-www-form-urlencoded";
    let tokens = http::post(sandbox, "/identity/vneid/oauth2/token", "", media_type, form.as_bytes())?.json()?;
    let token = tokens["access_token"].as_str().ok_or_else(|| Error::other(format!("no token: {tokens}")))?;
    http::get(sandbox, "/identity/vneid/oauth2/userinfo", token)?;
    Ok(began.elapsed())
}

/// Somebody signs in at the provider's page: where its answer leads.
fn sign_in(sandbox: u16, page: &str) -> Result<String> {
    let media_type = "application/x-www-form-urlencoded";
    path_of(&http::post(sandbox, page, "", media_type, b"person=thu")?)
}

/// The path and query that an answer leads to.
fn path_of(answer: &Answer) -> Result<String> {
    let to = answer.header("location").ok_or_else(|| {
        Error::other(format!("{} leads nowhere: {}", answer.status, String::from_utf8_lossy(&answer.body)))
    })?;
    let rest = to.split_once("://").map_or(to, |(_, rest)| rest);
    Ok(rest.find('/').map_or("/", |at| &rest[at..]).to_owned())
}

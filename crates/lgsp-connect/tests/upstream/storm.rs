//! Many calls at once over few connections, with servers that close and callers that go away: every answer must reach
//! the call that it belongs to.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Method;
use hyper::header::HeaderValue;
use lgsp_connect::{CallOptions, Repeatable};
use tokio::time::{Instant, timeout};

use crate::backend::{Backend, Reply, answer};
use crate::{PATIENCE, build, how, request, settings, until, whole};

const CALLERS: usize = 32;
const CALLS: usize = 200;

fn name_of(text: &str) -> String {
    text.split("x-name: ").nth(1).unwrap().lines().next().unwrap().to_owned()
}

/// Says whose request it was, in every way in which an answer can be framed.
fn echo(text: &str, number: usize) -> Reply {
    let name = name_of(text);
    match number % 11 {
        0..5 => Reply::Bytes(answer("200 OK", &name)),
        5 | 6 => {
            let (first, rest) = name.split_at(1);
            let length = rest.len();
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            Reply::Bytes(format!("{head}1\r\n{first}\r\n{length:x}\r\n{rest}\r\n0\r\n\r\n"))
        }
        7 => Reply::Last(answer("200 OK", &name)),
        8 => Reply::Last(format!("HTTP/1.1 200 OK\r\n\r\n{name}")),
        9 => Reply::Last(String::new()),
        _ => Reply::Reset,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_reach_the_calls_that_they_belong_to_whatever_servers_and_callers_do() {
    let one = Backend::start(|_, n, text| echo(text, n)).await;
    let two = Backend::start(|_, n, text| echo(text, n + 3)).await;
    let mut settings = settings(&[one.address, two.address]);
    settings.breaker.consecutive = u32::MAX;
    settings.breaker.open.first = Duration::ZERO;
    settings.breaker.open.max = Duration::ZERO;
    let upstream = build(settings);
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let upstream = upstream.clone();
            tokio::spawn(async move {
                let mut answered = 0;
                for call in 0..CALLS {
                    let name = format!("caller-{caller}-call-{call}");
                    let mut parts = request(Method::POST);
                    parts.headers.insert("x-name", HeaderValue::from_str(&name).unwrap());
                    let deadline = Instant::now() + PATIENCE;
                    let how = CallOptions { deadline, ..how([Repeatable::Always, Repeatable::IfUnsent][call % 2]) };
                    let calling = async {
                        let response = upstream.call(parts, whole("body"), how).await.ok()?;
                        response.into_body().collect().await.ok()
                    };
                    // Some callers go away while they wait.
                    let patience = if call % 7 == 3 { Duration::from_micros(50 * call as u64) } else { PATIENCE };
                    if let Ok(Some(body)) = timeout(patience, calling).await {
                        assert_eq!(body.to_bytes(), name);
                        answered += 1;
                    }
                }
                answered
            })
        })
        .collect();
    let mut answered = 0;
    for caller in callers {
        answered += caller.await.unwrap();
    }
    assert!(answered > CALLERS * CALLS / 2, "{answered} answers");
    until("nothing is counted as running", || upstream.state().in_flight == 0).await;
    assert!(upstream.state().servers.iter().all(|server| server.in_flight == 0));
}

//! What one proxied call costs this crate: a small answering server in another process, so many calls at a time, CPU
//! time of this process per call. `cargo run --profile dist -p lgsp-connect --example upstream_cost -- 64 200000`
//!
//! It is no test: figures depend on the machine. The second argument `server` runs the answering side.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{Method, Request};
use lgsp_connect::{CallOptions, Repeatable, ServerSettings, Upstream, UpstreamBody, UpstreamSettings};
use lgsp_model::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The allocator of the gateway.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BODY_BYTES: usize = 1200;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if arguments.first().is_some_and(|word| word == "server") {
        runtime.block_on(serve());
        return;
    }
    let number = |index: usize, usual: usize| arguments.get(index).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let program = std::env::current_exe().expect("a program");
    let mut server = Command::new(program).arg("server").stdout(Stdio::piped()).spawn().expect("a server");
    let mut address = String::new();
    BufReader::new(server.stdout.take().expect("its output")).read_line(&mut address).expect("its address");
    let address = std::env::var("UPSTREAM").unwrap_or(address);
    let bare = std::env::var_os("BARE").is_some();
    runtime.block_on(measure(address.trim(), number(0, 64), number(1, 200_000), bare));
    server.kill().expect("it runs");
    server.wait().expect("it ran");
}

async fn serve() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("http://{}", listener.local_addr().expect("an address"));
    std::io::stdout().flush().expect("an output");
    let answer = Bytes::from(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {BODY_BYTES}\r\n\r\n{}",
        "x".repeat(BODY_BYTES)
    ));
    while let Ok((mut stream, _)) = listener.accept().await {
        let answer = answer.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let mut buffer = vec![0; 16 * 1024];
            while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                if stream.write_all(&answer).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// User and system time of this process so far.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().expect("a number") + fields[12].parse::<u64>().expect("a number");
    Duration::from_millis(ticks * 10)
}

async fn measure(address: &str, at_a_time: usize, calls: usize, bare: bool) {
    let start = Instant::now();
    let clock = Arc::new(move || Timestamp(i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX)));
    let server = ServerSettings { address: address.parse().expect("an address"), weight: 1 };
    let upstream = Upstream::build(UpstreamSettings::new(vec![server]), clock).expect("an upstream");
    let body = Bytes::from(vec![b'x'; BODY_BYTES]);
    let run = |calls: usize| {
        let tasks: Vec<_> = (0..at_a_time)
            .map(|_| {
                let (upstream, body, address) = (Arc::clone(&upstream), body.clone(), address.to_owned());
                tokio::spawn(async move {
                    if bare {
                        return raw(&address, calls / at_a_time).await;
                    }
                    for _ in 0..calls / at_a_time {
                        call(&upstream, body.clone()).await;
                    }
                })
            })
            .collect();
        async {
            for task in tasks {
                task.await.expect("a call");
            }
        }
    };
    run(calls / 10).await;
    let (cpu_before, before) = (cpu(), Instant::now());
    run(calls).await;
    let (cpu, wall) = (cpu() - cpu_before, before.elapsed());
    let per_call = |duration: Duration| duration.as_secs_f64() * 1e6 / calls as f64;
    println!("{calls} calls, {at_a_time} at a time: {:.2} µs CPU and {:.2} µs each", per_call(cpu), per_call(wall));
}

async fn call(upstream: &Arc<Upstream>, body: Bytes) {
    let request = Request::builder().method(Method::POST).uri("/service/path?q=1");
    let request = request.header("content-type", "application/json").header("accept", "*/*");
    let request = request.header("user-agent", "upstream-cost").header("traceparent", "00-0-0-00");
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let how = CallOptions { deadline, end: None, repeatable: Repeatable::IfUnsent, upgrade: false };
    let answer = upstream.call(parts, UpstreamBody::Whole(body), how).await.expect("an answer");
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(body.len(), BODY_BYTES);
}

/// The same bytes without HTTP: what the sockets alone cost.
async fn raw(address: &str, calls: usize) {
    let address = address.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let request =
        format!("POST /service/path?q=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1200\r\n\r\n{}", "x".repeat(1200));
    let mut buffer = vec![0; 16 * 1024];
    for _ in 0..calls {
        stream.write_all(request.as_bytes()).await.expect("a request");
        let read = stream.read(&mut buffer).await.expect("an answer");
        assert!(read > BODY_BYTES, "answers of this server come in one piece");
    }
}

//! One call and its answer: connections that are kept, and every way in which an answer can fail to come.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::{Method, StatusCode};
use lgsp_connect::{BodyFailure, CallOptions, FailureKind, Repeatable, Sent, UpstreamError, UpstreamSettings};
use tokio::time::Instant;

use crate::backend::{Backend, Reply, answer, nowhere, ok};
use crate::{PATIENCE, build, get, how, post, request, settings, text, until, whole};

/// Long enough for an answer on this machine, short enough to wait for.
const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_call_goes_out_as_it_is_behind_the_servers_path_and_with_its_name() {
    let backend = Backend::start(|_, _, _| ok("world")).await;
    let upstream = build(settings(&[backend.address]));
    assert_eq!(text(post(&upstream).await.unwrap()).await, "world");
    let sent = &backend.seen()[0].text;
    assert!(sent.starts_with("POST /base/path?q=1 HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains(&format!("host: {}\r\n", backend.address)), "{sent}");
    assert!(sent.contains("x-one: 1\r\n") && sent.ends_with("\r\n\r\nhello"), "{sent}");
}

#[tokio::test]
async fn calls_one_after_the_other_share_a_connection_whatever_their_answers_look_like() {
    let backend = Backend::start(|_, n, _| match n {
        0 => ok("with a length"),
        1 => Reply::Bytes("HTTP/1.1 204 No Content\r\n\r\n".into()),
        2 => Reply::Bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".into()),
        3 => Reply::Bytes("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n".into()),
        4 => ok(&"x".repeat(300_000)),
        5 => ok("last"),
        _ => Reply::Bytes("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n".into()),
    })
    .await;
    let upstream = build(settings(&[backend.address]));
    for length in [13, 0, 3, 0, 300_000, 4] {
        assert_eq!(text(post(&upstream).await.unwrap()).await.len(), length);
    }
    let head = upstream.call(request(Method::HEAD), whole(""), how(Repeatable::Always)).await.unwrap();
    assert_eq!(head.headers()["content-length"], "4");
    drop(head);
    assert!(backend.seen().iter().all(|seen| seen.connection == 0), "{:?}", backend.seen());
    let state = upstream.state();
    assert_eq!((state.in_flight, state.servers[0].in_flight, state.servers[0].connections), (0, 0, 1));
}

#[tokio::test]
async fn calls_at_the_same_time_have_a_connection_each_and_leave_them_for_later() {
    let backend = Backend::start(|_, _, _| ok("x")).await;
    let upstream = build(settings(&[backend.address]));
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let upstream = upstream.clone();
            tokio::spawn(async move { text(post(&upstream).await.unwrap()).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), "x");
    }
    let connections = upstream.state().servers[0].connections;
    assert!((1..=8).contains(&connections), "{connections}");
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_it_was_idle_harms_nobody() {
    let backend = Backend::start(|_, _, _| Reply::Last(answer("200 OK", "x"))).await;
    let upstream = build(settings(&[backend.address]));
    for n in 0..5 {
        let response = upstream.call(request(Method::POST), whole("once"), how(Repeatable::Never)).await;
        assert_eq!(text(response.unwrap()).await, "x");
        until("the server has closed", || backend.closed() == n + 1).await;
    }
    assert_eq!(backend.seen().len(), 5);
    assert_eq!(upstream.state().servers[0].failures, 0);
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_not_given_to_the_next_call() {
    let backend = Backend::start(|connection, n, _| match n {
        0 => Reply::Bytes(answer("200 OK", "mine") + &answer("200 OK", "stray")),
        _ => ok(["", "second connection"][connection]),
    })
    .await;
    let upstream = build(settings(&[backend.address]));
    assert_eq!(text(post(&upstream).await.unwrap()).await, "mine");
    assert_eq!(text(post(&upstream).await.unwrap()).await, "second connection");
}

#[tokio::test]
async fn idle_connections_are_closed_after_their_time() {
    let backend = Backend::start(|_, _, _| ok("x")).await;
    let mut settings = settings(&[backend.address]);
    settings.idle_timeout = SHORT;
    let upstream = build(settings);
    text(post(&upstream).await.unwrap()).await;
    until("the idle connection is closed", || backend.closed() == 1).await;
    assert_eq!(upstream.state().servers[0].connections, 0);
}

#[tokio::test]
async fn when_the_upstream_is_dropped_its_connections_go_too() {
    let backend = Backend::start(|_, _, _| ok("x")).await;
    let upstream = build(settings(&[backend.address]));
    text(post(&upstream).await.unwrap()).await;
    drop(upstream);
    until("the connection is closed", || backend.closed() == 1).await;
}

#[tokio::test]
async fn answers_that_do_not_come_or_are_no_answers_say_what_happened() {
    for (reply, kind) in [
        (|| Reply::Last(String::new()), FailureKind::Broken),
        (|| Reply::Last("HTTP/1.1 200 OK\r\nContent-Le".into()), FailureKind::Broken),
        (|| Reply::Reset, FailureKind::Broken),
        (|| Reply::Stall(String::new()), FailureKind::TimedOut),
        (|| Reply::Stall("HTTP/1.1 200 OK\r\n".into()), FailureKind::TimedOut),
        (|| Reply::Bytes("this is not HTTP\r\n\r\n".into()), FailureKind::BadAnswer),
        (|| Reply::Bytes(format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(40_000))), FailureKind::BadAnswer),
        (|| Reply::Bytes("HTTP/1.1 101 Switching Protocols\r\n\r\n".into()), FailureKind::BadAnswer),
        (|| Reply::Bytes("HTTP/1.1 200 OK\r\nContent-Length: no\r\n\r\n".into()), FailureKind::BadAnswer),
    ] as [(fn() -> Reply, FailureKind); 9]
    {
        let backend = Backend::start(move |_, _, _| reply()).await;
        let mut settings = settings(&[backend.address]);
        settings.timeout = SHORT;
        let upstream = build(settings);
        let failure = post(&upstream).await.map(|_| ()).unwrap_err();
        assert_eq!((failure.kind, failure.sent), (kind, Sent::Maybe), "{failure}");
        assert_eq!(backend.seen().len(), 1, "nothing is sent twice");
        assert_eq!(upstream.state().in_flight, 0);
        until("its connection is closed", || backend.closed() == 1).await;
    }
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let upstream = build(settings(&[nowhere()]));
    let failure = post(&upstream).await.map(|_| ()).unwrap_err();
    assert_eq!((failure.kind, failure.sent), (FailureKind::Unreachable, Sent::No));
    assert_eq!(upstream.state().servers[0].calls, 2, "it was tried twice");
}

#[tokio::test]
async fn the_callers_deadline_ends_a_call_before_the_time_out() {
    let backend = Backend::start(|_, _, _| Reply::Stall(String::new())).await;
    let upstream = build(settings(&[backend.address]));
    let start = Instant::now();
    let how = CallOptions { deadline: start + SHORT, ..how(Repeatable::Always) };
    let failure = upstream.call(request(Method::GET), whole(""), how).await.map(|_| ()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert!(start.elapsed() >= SHORT && start.elapsed() < PATIENCE / 2);
    assert_eq!(backend.seen().len(), 1, "past the deadline nothing is repeated");
}

#[tokio::test]
async fn a_body_that_breaks_off_or_falls_silent_fails_and_is_not_taken_for_whole() {
    for (reply, failure) in [
        (|| Reply::Last("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".into()), BodyFailure::Broken),
        (
            || Reply::Last("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n".into()),
            BodyFailure::Broken,
        ),
        (|| Reply::Stall("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".into()), BodyFailure::Silent),
    ] as [(fn() -> Reply, BodyFailure); 3]
    {
        let backend = Backend::start(move |_, _, _| reply()).await;
        let mut settings = settings(&[backend.address]);
        settings.silence = SHORT;
        let upstream = build(settings);
        let mut body = post(&upstream).await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
        assert_eq!(upstream.state().in_flight, 1, "a call runs until its body is over");
        assert_eq!(body.frame().await.unwrap().unwrap_err(), failure);
        assert!(body.frame().await.is_none());
        assert_eq!((upstream.state().in_flight, upstream.state().servers[0].failures), (0, 1));
    }
}

#[tokio::test]
async fn a_body_that_has_an_end_to_keep_fails_when_it_is_late() {
    let backend = Backend::start(|_, _, _| Reply::Stall("HTTP/1.1 200 OK\r\n\r\nbegin".into())).await;
    let upstream = build(settings(&[backend.address]));
    let how = CallOptions { end: Some(Instant::now() + SHORT), ..how(Repeatable::Never) };
    let response = upstream.call(request(Method::GET), whole(""), how).await.unwrap();
    let failure = response.into_body().collect().await.map(|_| ()).unwrap_err();
    assert_eq!(failure, BodyFailure::Late);
}

#[tokio::test]
async fn a_body_without_a_length_ends_with_its_connection() {
    let backend = Backend::start(|_, _, _| Reply::Last("HTTP/1.0 200 OK\r\n\r\nall of it".into())).await;
    let upstream = build(settings(&[backend.address]));
    assert_eq!(text(post(&upstream).await.unwrap()).await, "all of it");
    assert_eq!(upstream.state().servers[0].connections, 0);
}

#[tokio::test]
async fn more_calls_than_allowed_are_refused_at_once_and_dropped_ones_make_room() {
    let backend = Backend::start(|_, _, _| Reply::Stall("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx".into())).await;
    let mut settings = settings(&[backend.address]);
    settings.concurrency = 2;
    let upstream = build(settings);
    let one = post(&upstream).await.unwrap();
    let two = post(&upstream).await.unwrap();
    let failure = post(&upstream).await.map(|_| ()).unwrap_err();
    assert_eq!((failure.kind, failure.sent), (FailureKind::Full, Sent::No));
    drop(one);
    let three = post(&upstream).await.unwrap();
    drop((two, three));
    assert_eq!((upstream.state().in_flight, backend.seen().len()), (0, 3));
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connection_and_no_longer_counts() {
    let backend = Backend::start(|_, _, _| Reply::Stall(String::new())).await;
    let upstream = build(settings(&[backend.address]));
    let task = tokio::spawn({
        let upstream = upstream.clone();
        async move { post(&upstream).await.map(|_| ()) }
    });
    until("the server has the request", || backend.seen().len() == 1).await;
    task.abort();
    until("the connection is closed", || backend.closed() == 1).await;
    assert_eq!(upstream.state().in_flight, 0);
}

#[tokio::test]
async fn a_name_is_looked_up() {
    let backend = Backend::start(|_, _, _| ok("found")).await;
    let mut settings = settings(&[backend.address]);
    settings.servers[0].address = format!("http://localhost:{}", backend.address.port()).parse().unwrap();
    let upstream = build(settings);
    let response = get(&upstream).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(backend.seen()[0].text.contains("host: localhost:"));
}

#[tokio::test]
async fn an_upstream_has_between_one_and_sixty_four_servers() {
    let clock = || crate::Hands::default().clock();
    for count in [0, 65] {
        let settings = UpstreamSettings::new(vec![crate::server(nowhere()); count]);
        let refused = lgsp_connect::Upstream::build(settings, clock()).map(|_| ());
        assert_eq!(refused, Err(UpstreamError::Servers(count)));
    }
}

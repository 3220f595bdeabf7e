//! The breaker of an upstream, and servers that are left out and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::StatusCode;
use lgsp_connect::{FailureKind, ProbeSettings, Sent, Upstream};
use lgsp_core::BreakerState;

use crate::backend::{Backend, Reply, answer, nowhere, ok};
use crate::{Hands, build, get, post, settings, text, until};

fn switch() -> (Arc<AtomicBool>, Arc<AtomicBool>) {
    let well = Arc::new(AtomicBool::new(false));
    (Arc::clone(&well), well)
}

#[tokio::test]
async fn a_breaker_opens_after_failures_lets_one_probe_through_and_closes_when_it_is_answered() {
    let (well, switch) = switch();
    let backend = Backend::start(move |_, _, _| match well.load(Ordering::SeqCst) {
        true => ok("well"),
        false => Reply::Reset,
    })
    .await;
    let hands = Hands::default();
    let upstream = Upstream::build(settings(&[backend.address]), hands.clock()).unwrap();
    for _ in 0..5 {
        assert_eq!(post(&upstream).await.map(|_| ()).unwrap_err().kind, FailureKind::Broken);
    }
    let refused = post(&upstream).await.map(|_| ()).unwrap_err();
    assert_eq!((refused.kind, refused.sent), (FailureKind::Refused, Sent::No));
    let wait = refused.retry_after.unwrap();
    assert!(wait <= Duration::from_secs(5) && wait >= Duration::from_secs(4), "{wait:?}");
    assert_eq!((upstream.state().breaker, upstream.state().in_flight), (BreakerState::Open, 0));
    assert_eq!(backend.seen().len(), 5);

    hands.forward(wait);
    assert_eq!(post(&upstream).await.map(|_| ()).unwrap_err().kind, FailureKind::Broken, "the probe");
    let refused = post(&upstream).await.map(|_| ()).unwrap_err();
    assert!(refused.retry_after.unwrap() > wait, "longer after each failed probe");

    hands.forward(refused.retry_after.unwrap());
    switch.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(text(post(&upstream).await.unwrap()).await, "well");
    }
    assert_eq!(upstream.state().breaker, BreakerState::Closed);
}

#[tokio::test]
async fn while_the_probe_is_out_others_are_refused_and_a_probe_that_is_given_up_makes_room_for_another() {
    let backend = Backend::start(|_, n, _| if n < 5 { Reply::Reset } else { Reply::Stall(String::new()) }).await;
    let hands = Hands::default();
    let upstream = Upstream::build(settings(&[backend.address]), hands.clock()).unwrap();
    for _ in 0..5 {
        post(&upstream).await.map(|_| ()).unwrap_err();
    }
    hands.forward(Duration::from_secs(5));
    for seen in [6, 7] {
        let probe = tokio::spawn({
            let upstream = upstream.clone();
            async move { post(&upstream).await.map(|_| ()) }
        });
        until("the probe is at the server", || backend.seen().len() == seen).await;
        let refused = post(&upstream).await.map(|_| ()).unwrap_err();
        assert!(refused.kind == FailureKind::Refused && refused.retry_after.is_some());
        probe.abort();
        until("the probe is given up", || upstream.state().in_flight == 0).await;
    }
}

#[tokio::test]
async fn answers_of_a_gateway_that_reaches_nothing_open_the_breaker_and_others_do_not() {
    for (status, opens) in [("503 Service Unavailable", true), ("500 Internal Server Error", false)] {
        let backend = Backend::start(move |_, _, _| Reply::Bytes(answer(status, ""))).await;
        let upstream = build(settings(&[backend.address]));
        for _ in 0..6 {
            let _ = post(&upstream).await;
        }
        assert_eq!(upstream.state().breaker == BreakerState::Open, opens, "{status}");
    }
}

#[tokio::test]
async fn a_server_that_was_left_out_comes_back_after_its_time() {
    let good = Backend::start(|_, _, _| ok("good")).await;
    let dead = nowhere();
    let hands = Hands::default();
    let upstream = Upstream::build(settings(&[dead, good.address]), hands.clock()).unwrap();
    for _ in 0..60 {
        text(get(&upstream).await.unwrap()).await;
    }
    assert!(upstream.state().servers[0].ejected);
    let back = Backend::at(dead, |_, _, _| ok("back")).await;
    hands.forward(Duration::from_secs(5));
    for _ in 0..60 {
        text(get(&upstream).await.unwrap()).await;
    }
    assert!(!upstream.state().servers[0].ejected && !back.seen().is_empty());
}

#[tokio::test]
async fn probes_find_a_dead_server_before_any_caller_does_and_bring_it_back() {
    let good = Backend::start(|_, _, _| ok("good")).await;
    let dead = nowhere();
    let mut settings = settings(&[dead, good.address]);
    settings.probe = Some(ProbeSettings {
        path: "/health".parse().unwrap(),
        every: Duration::from_millis(10),
        timeout: Duration::from_secs(5),
    });
    let upstream = build(settings);
    until("the dead server is left out", || upstream.state().servers[0].ejected).await;
    assert_eq!(upstream.state().servers[0].calls, 0, "probes are no calls");
    // The clock of this upstream stands still: only probes bring it back.
    let back = Backend::at(dead, |_, _, _| ok("back")).await;
    until("the server is back", || !upstream.state().servers[0].ejected).await;
    assert!(back.seen()[0].text.starts_with("GET /base/health HTTP/1.1\r\n"));
    let seen = back.seen().len();
    drop(upstream);
    let late = tokio::time::Instant::now() + Duration::from_millis(100);
    until("several probes would have come", || tokio::time::Instant::now() > late).await;
    assert!(back.seen().len() <= seen + 3, "probes end with the upstream");
}

#[tokio::test]
async fn when_every_server_is_left_out_all_are_tried() {
    let (well, switch) = switch();
    let script = move |_: usize, _: usize, _: &str| match well.load(Ordering::SeqCst) {
        true => ok("well"),
        false => Reply::Bytes(answer("502 Bad Gateway", "")),
    };
    let one = Backend::start(script.clone()).await;
    let two = Backend::start(script).await;
    let mut settings = settings(&[one.address, two.address]);
    settings.outlier.share = 1.0;
    settings.outlier.consecutive = 1;
    settings.retry.attempts = 1;
    settings.breaker.consecutive = 1000;
    let upstream = build(settings);
    while !upstream.state().servers.iter().all(|server| server.ejected) {
        assert_eq!(get(&upstream).await.unwrap().status(), StatusCode::BAD_GATEWAY);
    }
    switch.store(true, Ordering::SeqCst);
    assert_eq!(text(get(&upstream).await.unwrap()).await, "well");
}

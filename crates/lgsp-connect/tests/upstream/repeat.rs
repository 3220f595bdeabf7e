//! Calls that are tried again, and those that must not be.

use hyper::{Method, StatusCode};
use lgsp_connect::{CallOptions, FailureKind, Repeatable, Sent};
use lgsp_core::RetryBudgetPolicy;

use crate::backend::{Backend, Reply, answer, nowhere, ok};
use crate::{build, get, how, post, request, settings, text, until, whole};

fn absent() -> Reply {
    Reply::Bytes(answer("503 Service Unavailable", "later"))
}

#[tokio::test]
async fn a_server_that_is_absent_for_a_moment_is_asked_again_by_calls_that_may_be_repeated() {
    for (repeatable, status, tries) in [
        (Repeatable::Always, StatusCode::OK, 2),
        (Repeatable::IfUnsent, StatusCode::SERVICE_UNAVAILABLE, 1),
        (Repeatable::Never, StatusCode::SERVICE_UNAVAILABLE, 1),
    ] {
        let backend = Backend::start(|_, n, _| if n == 0 { absent() } else { ok("now") }).await;
        let upstream = build(settings(&[backend.address]));
        let response = upstream.call(request(Method::POST), whole("same"), how(repeatable)).await.unwrap();
        assert_eq!((response.status(), backend.seen().len()), (status, tries));
        assert!(backend.seen().iter().all(|seen| seen.text.ends_with("same")));
    }
}

#[tokio::test]
async fn the_last_answer_of_an_absent_server_reaches_the_caller() {
    let backend = Backend::start(|_, _, _| absent()).await;
    let upstream = build(settings(&[backend.address]));
    let response = get(&upstream).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((text(response).await.as_str(), backend.seen().len()), ("later", 2));
}

#[tokio::test]
async fn a_call_that_may_have_arrived_is_not_sent_again_unless_that_is_harmless() {
    for (repeatable, tries) in [(Repeatable::IfUnsent, 1), (Repeatable::Never, 1), (Repeatable::Always, 2)] {
        let backend = Backend::start(|_, _, _| Reply::Reset).await;
        let upstream = build(settings(&[backend.address]));
        let failure = upstream.call(request(Method::POST), whole("x"), how(repeatable)).await.map(|_| ()).unwrap_err();
        assert_eq!((failure.kind, failure.sent), (FailureKind::Broken, Sent::Maybe));
        assert_eq!(backend.seen().len(), tries, "{repeatable:?}");
    }
}

#[tokio::test]
async fn a_call_that_met_the_close_of_an_idle_connection_is_sent_once_more_if_that_is_harmless() {
    for (repeatable, answered) in [(Repeatable::Always, true), (Repeatable::IfUnsent, false)] {
        // The second request of a connection is read, and the connection closed: as if the two had crossed.
        let backend = Backend::start(|_, n, _| if n == 1 { Reply::Last(String::new()) } else { ok("x") }).await;
        let mut settings = settings(&[backend.address]);
        settings.retry.attempts = 1;
        let upstream = build(settings);
        text(post(&upstream).await.unwrap()).await;
        let response = upstream.call(request(Method::PUT), whole("x"), how(repeatable)).await;
        assert_eq!(response.is_ok(), answered, "{repeatable:?}");
        assert_eq!(backend.seen().len(), if answered { 3 } else { 2 });
    }
}

#[tokio::test]
async fn repeats_stay_within_their_budget() {
    let backend = Backend::start(|_, _, _| absent()).await;
    let mut settings = settings(&[backend.address]);
    settings.retry.attempts = 5;
    settings.retry.budget = RetryBudgetPolicy { ratio: 0.1, floor: 3 };
    settings.breaker.consecutive = 1000;
    // Open for no time: the breaker counts failures too, and is not what is tested here.
    settings.breaker.open.first = std::time::Duration::ZERO;
    settings.breaker.open.max = std::time::Duration::ZERO;
    let upstream = build(settings);
    for _ in 0..50 {
        let response = get(&upstream).await.unwrap();
        assert_eq!(
            response.status(),
            StatusCode::SERVICE_UNAVAILABLE,
            "the answer is passed on when the budget is out"
        );
        text(response).await;
    }
    assert_eq!(backend.seen().len(), 50 + 3 + 5);
    assert_eq!(upstream.state().repeats, 8);
}

#[tokio::test]
async fn a_dead_server_among_several_is_not_noticed_by_callers_and_is_left_out() {
    let good = Backend::start(|_, _, _| ok("good")).await;
    let mut settings = settings(&[nowhere(), good.address]);
    settings.retry.budget = RetryBudgetPolicy { ratio: 0.0, floor: 0 };
    let upstream = build(settings);
    for n in 0..100 {
        // One of them is nothing that could be repeated after it was sent; that it could not be sent is certain.
        let response = if n % 2 == 0 { get(&upstream).await } else { post(&upstream).await };
        assert_eq!(text(response.unwrap()).await, "good");
    }
    let state = upstream.state();
    assert!(state.servers[0].ejected && !state.servers[1].ejected, "{state:?}");
    assert_eq!((state.servers[0].calls, state.servers[0].failures), (5, 5), "five failures in a row are enough");
    assert_eq!(good.seen().len(), 100);
}

#[tokio::test]
async fn a_body_that_comes_in_pieces_is_not_repeated_once_it_was_begun() {
    let backend = Backend::start(|_, n, _| if n == 0 { Reply::Reset } else { ok("x") }).await;
    let upstream = build(settings(&[backend.address]));
    let body = crate::stream::pieces(vec!["a", "b"]);
    let failure = upstream.call(request(Method::PUT), body, how(Repeatable::Always)).await.map(|_| ()).unwrap_err();
    assert_eq!((failure.kind, backend.seen().len()), (FailureKind::Broken, 1));
}

#[tokio::test]
async fn a_body_that_comes_in_pieces_goes_elsewhere_if_it_was_not_begun() {
    let good = Backend::start(|_, _, _| ok("x")).await;
    for _ in 0..6 {
        let upstream = build(settings(&[nowhere(), good.address]));
        let body = crate::stream::pieces(vec!["a", "b"]);
        upstream.call(request(Method::PUT), body, how(Repeatable::IfUnsent)).await.unwrap();
    }
    assert!(good.seen().iter().all(|seen| seen.text.contains("1\r\na\r\n1\r\nb\r\n0\r\n\r\n")));
}

#[tokio::test]
async fn when_the_deadline_is_over_nothing_is_repeated() {
    let backend = Backend::start(|_, _, _| Reply::Stall(String::new())).await;
    let mut settings = settings(&[backend.address, nowhere()]);
    settings.retry.attempts = 10;
    let upstream = build(settings);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_millis(150);
    let how = CallOptions { deadline, ..how(Repeatable::Always) };
    let failure = upstream.call(request(Method::GET), whole(""), how).await.map(|_| ()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::TimedOut);
    until("no call is left", || upstream.state().in_flight == 0).await;
    assert_eq!(backend.seen().len(), 1);
}

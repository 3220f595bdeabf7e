//! The providers' keys: asked for seldom, replaced without a failed login, and nobody waits for another one's key.

use std::sync::Arc;
use std::time::Duration;

use lgsp_connect::IdentityProvider;
use serde_json::json;
use tokio::task::JoinSet;

use super::stub::{Family, RSA, RSA_2, Signing, Stub};
use super::{STATE, finish, log_in, provider, said};
use crate::server::Answer;

/// A login whose token names the key `kid`.
async fn with_key(provider: &Arc<dyn IdentityProvider>, kid: &str) -> Result<(), String> {
    let code = format!("kid:{kid}");
    finish(provider, &[("state", STATE), ("code", &code)]).await.map(drop).map_err(|failure| failure.cause.code)
}

/// Many logins at once.
async fn many(provider: &Arc<dyn IdentityProvider>, logins: usize, kid: &'static str) -> Vec<Result<(), String>> {
    let mut tasks = JoinSet::new();
    for _ in 0..logins {
        let provider = Arc::clone(provider);
        tasks.spawn(async move { with_key(&provider, kid).await });
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_logins_share_one_asking_for_keys_and_for_the_description() {
    let stub = Stub::start().await;
    let provider = provider(Family::Province, &stub, "");
    assert!(many(&provider, 30, "rsa-1").await.iter().all(Result::is_ok));
    assert_eq!((stub.calls("/jwks").len(), stub.calls("/openid-configuration").len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_unknown_keys_is_one_asking_each_quarter_of_a_minute() {
    let stub = Stub::start().await;
    let provider = provider(Family::VnConnect, &stub, "");
    log_in(&provider).await.unwrap();
    let results = many(&provider, 60, "nobody-knows").await;
    assert!(results.iter().all(|result| result.as_ref().is_err_and(|code| code == "unknown_key")), "{results:?}");
    assert_eq!(stub.calls("/jwks").len(), 2);
    log_in(&provider).await.unwrap();
    stub.pass(14);
    many(&provider, 5, "nobody-knows").await;
    assert_eq!(stub.calls("/jwks").len(), 2);
    stub.pass(1);
    many(&provider, 5, "nobody-knows").await;
    assert_eq!(stub.calls("/jwks").len(), 3);
}

#[tokio::test]
async fn who_has_a_known_key_does_not_wait_for_who_has_not() {
    let stub = Stub::start().await;
    let provider = provider(Family::VnConnect, &stub, "timeout = '60s'");
    log_in(&provider).await.unwrap();
    stub.play(|play| play.instead.push(("/jwks", || Answer::Silence)));
    let waiting = tokio::spawn({
        let provider = Arc::clone(&provider);
        async move { with_key(&provider, "nobody-knows").await }
    });
    stub.called("/jwks", 2).await;
    // The other one hangs for a minute; this one is through long before.
    tokio::time::timeout(Duration::from_secs(20), log_in(&provider)).await.expect("nobody waits").unwrap();
    let token = stub.logout_token(Family::VnConnect, &json!({}));
    stub.play(|play| play.header_patch = json!({"kid": "nobody-knows"}));
    provider.logout_token(&token).await.unwrap();
    let unknown = stub.logout_token(Family::VnConnect, &json!({}));
    let answered = tokio::time::timeout(Duration::from_secs(20), provider.logout_token(&unknown)).await;
    assert_eq!(answered.expect("a stranger never waits").unwrap_err().cause.code, "unknown_key");
    assert!(!waiting.is_finished());
    waiting.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_is_found_by_one_asking_and_no_login_fails() {
    let stub = Stub::start().await;
    let provider = provider(Family::VnEid, &stub, "");
    log_in(&provider).await.unwrap();
    stub.play(|play| {
        play.signing = Signing::With(&RSA_2);
        play.jwks = json!({"keys": [RSA_2.public.clone(), RSA.public.clone()]});
    });
    let results = many(&provider, 20, "rsa-2").await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(stub.calls("/jwks").len(), 2);
}

#[tokio::test]
async fn strangers_cannot_use_up_the_asking_of_logins() {
    let stub = Stub::start().await;
    let provider = provider(Family::VnEid, &stub, "");
    log_in(&provider).await.unwrap();
    stub.play(|play| play.header_patch = json!({"kid": "nobody-knows"}));
    let token = stub.logout_token(Family::VnEid, &json!({}));
    for _ in 0..50 {
        assert_eq!(provider.logout_token(&token).await.unwrap_err().cause.code, "unknown_key");
    }
    assert_eq!(stub.calls("/jwks").len(), 2);
    stub.play(|play| {
        play.header_patch = json!({});
        play.signing = Signing::With(&RSA_2);
        play.jwks = json!({"keys": [RSA_2.public.clone()]});
    });
    log_in(&provider).await.unwrap();
    assert_eq!(stub.calls("/jwks").len(), 3);
}

#[tokio::test]
async fn keys_are_renewed_behind_their_users_and_go_on_being_used_for_a_day_when_that_fails() {
    let stub = Stub::start().await;
    let provider = provider(Family::VnConnect, &stub, "");
    log_in(&provider).await.unwrap();
    stub.pass(599);
    log_in(&provider).await.unwrap();
    assert_eq!(stub.calls("/jwks").len(), 1);
    stub.pass(1);
    log_in(&provider).await.unwrap();
    stub.called("/jwks", 2).await;

    stub.play(|play| play.instead.push(("/jwks", || Answer::Status(500, &[]))));
    stub.pass(12 * 3600);
    log_in(&provider).await.unwrap();
    stub.called("/jwks", 3).await;
    log_in(&provider).await.unwrap();
    stub.pass(13 * 3600);
    assert_eq!(said(log_in(&provider).await).1, "jwks_http_500");
    stub.play(|play| play.instead.clear());
    log_in(&provider).await.unwrap();
}

#[tokio::test]
async fn a_key_that_was_taken_back_is_not_trusted_after_the_next_asking() {
    let stub = Stub::start().await;
    let provider = provider(Family::VnConnect, &stub, "");
    log_in(&provider).await.unwrap();
    stub.play(|play| play.jwks = json!({"keys": [RSA_2.public.clone()]}));
    assert_eq!(with_key(&provider, "nobody-knows").await, Err("unknown_key".to_owned()));
    assert_eq!(said(log_in(&provider).await).1, "unknown_key");
}

#[tokio::test]
async fn a_login_that_goes_away_takes_no_asking_with_it() {
    let stub = Stub::start().await;
    let provider = provider(Family::VnConnect, &stub, "");
    log_in(&provider).await.unwrap();
    stub.play(|play| {
        play.signing = Signing::With(&RSA_2);
        play.jwks = json!({"keys": [RSA_2.public.clone()]});
    });
    let leaving = tokio::spawn({
        let provider = Arc::clone(&provider);
        async move { with_key(&provider, "rsa-2").await }
    });
    stub.called("/jwks", 2).await;
    leaving.abort();
    let _ = leaving.await;
    // The floor has not passed: only what the one that left had asked for can help.
    let arrives = async {
        while with_key(&provider, "rsa-2").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), arrives).await.expect("the keys arrive all the same");
    assert_eq!(stub.calls("/jwks").len(), 2);
}

//! What every engine of soft state promises, each promise one function over the trait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lgsp_store::{LocalSoft, SoftKind, SoftState};

/// Longer than any test runs.
const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(30);

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

pub async fn a_value_is_found_under_its_kind_and_key_only(soft: Arc<dyn SoftState>) {
    let raw = Bytes::from_static(b"\x00\xff\r\n\x00");
    soft.put(SoftKind::Session, "a", raw.clone(), LONG).await.unwrap();
    assert_eq!(soft.get(SoftKind::Session, "a").await.unwrap(), Some(raw));
    for (kind, key) in [(SoftKind::Login, "a"), (SoftKind::Session, "b"), (SoftKind::Session, "")] {
        assert_eq!(soft.get(kind, key).await.unwrap(), None, "{kind:?} {key}");
        assert_eq!(soft.take(kind, key).await.unwrap(), None);
        soft.remove(kind, key).await.unwrap();
    }
    assert!(soft.get(SoftKind::Session, "a").await.unwrap().is_some());
}

pub async fn a_later_value_replaces_an_earlier_one_and_its_end(soft: Arc<dyn SoftState>) {
    soft.put(SoftKind::Session, "a", bytes("first"), SHORT).await.unwrap();
    let began = Instant::now();
    soft.put(SoftKind::Session, "a", bytes("second"), LONG).await.unwrap();
    soft.put(SoftKind::Session, "b", bytes("gone"), SHORT).await.unwrap();
    ended(&*soft, SoftKind::Session, "b").await;
    assert!(began.elapsed() >= SHORT);
    assert_eq!(soft.get(SoftKind::Session, "a").await.unwrap(), Some(bytes("second")));
}

pub async fn a_new_value_does_not_replace_one_that_is_there(soft: Arc<dyn SoftState>) {
    assert!(soft.put_new(SoftKind::Replay, "a", bytes("first"), LONG).await.unwrap());
    assert!(!soft.put_new(SoftKind::Replay, "a", bytes("second"), LONG).await.unwrap());
    assert!(soft.put_new(SoftKind::UsedCode, "a", bytes("other"), LONG).await.unwrap());
    assert_eq!(soft.get(SoftKind::Replay, "a").await.unwrap(), Some(bytes("first")));
    soft.remove(SoftKind::Replay, "a").await.unwrap();
    assert!(soft.put_new(SoftKind::Replay, "a", bytes("third"), LONG).await.unwrap());
}

pub async fn a_taken_value_is_gone_and_of_many_takers_one_gets_it(soft: Arc<dyn SoftState>) {
    for round in 0..20 {
        let key = format!("code-{round}");
        soft.put(SoftKind::Code, &key, bytes("grant"), LONG).await.unwrap();
        let takers: Vec<_> = (0..8)
            .map(|_| {
                let (soft, key) = (soft.clone(), key.clone());
                tokio::spawn(async move { soft.take(SoftKind::Code, &key).await.unwrap() })
            })
            .collect();
        let mut got = Vec::new();
        for taker in takers {
            got.extend(taker.await.unwrap());
        }
        assert_eq!(got, [bytes("grant")]);
        assert_eq!(soft.get(SoftKind::Code, &key).await.unwrap(), None);
    }
}

pub async fn of_many_claims_one_holds(soft: Arc<dyn SoftState>) {
    let claims: Vec<_> = (0..16)
        .map(|_| {
            let soft = soft.clone();
            tokio::spawn(async move { soft.put_new(SoftKind::Replay, "proof", Bytes::new(), LONG).await.unwrap() })
        })
        .collect();
    let mut held = 0;
    for claim in claims {
        held += usize::from(claim.await.unwrap());
    }
    assert_eq!(held, 1);
}

pub async fn a_value_ends(soft: Arc<dyn SoftState>) {
    for keep in [SHORT, Duration::ZERO, Duration::from_micros(1)] {
        soft.put(SoftKind::Pushed, "a", bytes("x"), keep).await.unwrap();
        ended(&*soft, SoftKind::Pushed, "a").await;
        assert_eq!(soft.take(SoftKind::Pushed, "a").await.unwrap(), None);
        assert!(soft.put_new(SoftKind::Pushed, "a", bytes("y"), keep).await.unwrap());
        ended(&*soft, SoftKind::Pushed, "a").await;
    }
}

pub async fn keys_and_values_of_any_size_and_letters_come_back(soft: Arc<dyn SoftState>) {
    let long = "k".repeat(2_000);
    for key in ["", " ", "a:b", "*", "ơ\u{0}ư", "refresh:a", &long] {
        soft.put(SoftKind::Refresh, key, Bytes::from(key.to_owned()), LONG).await.unwrap();
    }
    for key in ["", " ", "a:b", "*", "ơ\u{0}ư", "refresh:a", &long] {
        assert_eq!(soft.take(SoftKind::Refresh, key).await.unwrap(), Some(Bytes::from(key.to_owned())), "{key}");
    }
    let big = Bytes::from(vec![7u8; 300_000]);
    soft.put(SoftKind::Refresh, "big", big.clone(), Duration::MAX).await.unwrap();
    assert_eq!(soft.get(SoftKind::Refresh, "big").await.unwrap(), Some(big));
}

/// Waits until a value that is kept for a short time is gone.
async fn ended(soft: &dyn SoftState, kind: SoftKind, key: &str) {
    let began = Instant::now();
    while soft.get(kind, key).await.unwrap().is_some() {
        assert!(began.elapsed() < LONG, "it never ended");
        tokio::task::yield_now().await;
    }
}

/// One test of each function of the suite, on what `$open` opens.
macro_rules! soft_suite_on {
    ($open:path, $($name:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            if let Some((soft, _keep)) = $open().await {
                $crate::soft::$name(soft).await;
            }
        })+
    };
}

pub(crate) use soft_suite_on;

mod local {
    use super::*;

    async fn open() -> Option<(Arc<dyn SoftState>, ())> {
        Some((Arc::new(LocalSoft::default()), ()))
    }

    soft_suite_on!(
        open,
        a_value_is_found_under_its_kind_and_key_only,
        a_later_value_replaces_an_earlier_one_and_its_end,
        a_new_value_does_not_replace_one_that_is_there,
        a_taken_value_is_gone_and_of_many_takers_one_gets_it,
        of_many_claims_one_holds,
        a_value_ends,
        keys_and_values_of_any_size_and_letters_come_back,
    );
}

//! The token that a provider behind an LGSP wants to see: asked for once, kept until shortly before its end.
//!
//! It is never written down.

use std::time::Duration;

use lgsp_model::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

/// How long a token is used that does not say how long it lives.
const USUAL_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// No token is used longer, whatever it says.
const LONGEST_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// So long before its end it is not used any more: a call may take so long.
const MARGIN: Duration = Duration::from_secs(30);

/// The token in use.
#[derive(Default)]
pub(super) struct Kept(Mutex<Option<(SecretString, Timestamp)>>);

impl Kept {
    /// The token; `ask` brings a new one, and how many seconds it lives, when there is none. One asks at a time.
    pub(super) async fn get<E>(
        &self,
        now: Timestamp,
        ask: impl Future<Output = Result<(String, Option<u64>), E>>,
    ) -> Result<String, E> {
        let mut kept = self.0.lock().await;
        if let Some((token, until)) = &*kept
            && now < *until
        {
            return Ok(token.expose_secret().to_owned());
        }
        let (token, seconds) = ask.await?;
        let lifetime = seconds.map_or(USUAL_LIFETIME, Duration::from_secs).min(LONGEST_LIFETIME).saturating_sub(MARGIN);
        let millis = i64::try_from(lifetime.as_millis()).unwrap_or(0);
        *kept = Some((token.as_str().into(), now.plus_millis(millis)));
        Ok(token)
    }

    /// The provider does not take it any more.
    pub(super) async fn forget(&self, token: &str) {
        let mut kept = self.0.lock().await;
        if kept.as_ref().is_some_and(|(known, _)| known.expose_secret() == token) {
            *kept = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(kept: &Kept, now: i64, next: &str, seconds: Option<u64>) -> String {
        let ask = async { Ok::<_, ()>((next.to_owned(), seconds)) };
        kept.get(Timestamp(now), ask).await.unwrap()
    }

    #[tokio::test]
    async fn a_token_is_used_until_shortly_before_its_end() {
        let kept = Kept::default();
        for (now, next, seconds, token) in [
            (0, "a", Some(60), "a"),
            (29_999, "b", Some(60), "a"),
            (30_000, "b", None, "b"),
            (299_999, "c", Some(u64::MAX), "b"),
            (300_000, "c", Some(u64::MAX), "c"),
            (3_869_999, "d", Some(0), "c"),
            (3_870_000, "d", Some(0), "d"),
            (3_870_000, "e", Some(60), "e"),
        ] {
            assert_eq!(get(&kept, now, next, seconds).await, token, "{now}");
        }
    }

    #[tokio::test]
    async fn a_refused_token_is_forgotten_and_another_one_is_not() {
        let kept = Kept::default();
        get(&kept, 0, "a", Some(60)).await;
        kept.forget("b").await;
        assert_eq!(get(&kept, 0, "c", Some(60)).await, "a");
        kept.forget("a").await;
        assert_eq!(get(&kept, 0, "c", Some(60)).await, "c");
        assert!(kept.get(Timestamp(60_000), async { Err::<(String, Option<u64>), ()>(()) }).await.is_err());
    }
}

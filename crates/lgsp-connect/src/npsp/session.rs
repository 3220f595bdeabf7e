//! The portal's session: one login at a time, kept for a while, thrown away when the portal no longer knows it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lgsp_model::{Cause, Timestamp};

/// A session that is good as far as we know.
#[derive(Clone)]
pub(super) struct Session {
    pub token: String,
    /// Tells this session from the one before and after.
    number: u64,
    expires: Timestamp,
}

/// Why there is no session.
#[derive(Clone)]
pub(super) struct NoSession {
    pub cause: Cause,
    /// The pause that the portal asked for.
    pub after: Option<Duration>,
}

#[derive(Default)]
struct State {
    current: Option<Session>,
    /// Logins that have ended, and how the last one failed.
    logins: u64,
    failed: Option<NoSession>,
}

#[derive(Default)]
pub(super) struct Sessions {
    state: Mutex<State>,
    /// Held by the one that logs in.
    login: tokio::sync::Mutex<()>,
}

impl Sessions {
    /// The current session, or the one that `login` brings. Callers that come while one logs in share its result,
    /// also when it is a failure.
    pub(super) async fn get<F>(
        &self,
        now: impl Fn() -> Timestamp,
        ttl: Duration,
        login: impl FnOnce() -> F,
    ) -> Result<Session, NoSession>
    where
        F: Future<Output = Result<String, NoSession>>,
    {
        let before = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(session) = state.current.as_ref().filter(|session| session.expires > now()) {
                return Ok(session.clone());
            }
            state.logins
        };
        let _turn = self.login.lock().await;
        {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(session) = state.current.as_ref().filter(|session| session.expires > now()) {
                return Ok(session.clone());
            }
            if let Some(failed) = state.failed.as_ref().filter(|_| state.logins > before) {
                return Err(failed.clone());
            }
        }
        let result = login().await;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.logins += 1;
        match result {
            Ok(token) => {
                let ttl = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
                let session = Session { token, number: state.logins, expires: now().plus_millis(ttl) };
                state.failed = None;
                state.current = Some(session.clone());
                Ok(session)
            }
            Err(failed) => {
                state.failed = Some(failed.clone());
                Err(failed)
            }
        }
    }

    /// The portal does not know this session any more. A newer one stays.
    pub(super) fn forget(&self, session: &Session) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.current.take_if(|current| current.number == session.number);
    }
}

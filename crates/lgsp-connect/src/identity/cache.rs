//! A document of a provider that is asked for seldom and read always: one asks, nobody else waits who need not.
//!
//! What is known is read without a lock. It is renewed behind its readers' backs when it has become old, and is good
//! for longer when that fails. Asking runs in a task of its own: a caller that goes away takes nothing with it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use lgsp_model::Timestamp;
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;

use super::failure::{ProviderFailure, unreachable};
use crate::connector::{Clock, ConnectFuture};
use crate::health::millis;

/// Between two times of asking again for the same reason.
const FLOOR: Duration = Duration::from_secs(15);

/// How long an old document goes on being used when it cannot be renewed.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// Who wants something that is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// A login: what names the unknown came from the provider itself.
    Login,
    /// Anybody: it came from outside, unverified. Has a floor of his own, so that he cannot use up that of logins,
    /// and never waits for another one's asking.
    Stranger,
}

#[derive(Clone, Copy)]
enum Turn {
    Login,
    Stranger,
    Renewal,
}

type Fetch<T> = Box<dyn Fn() -> ConnectFuture<'static, Result<T, ProviderFailure>> + Send + Sync>;

pub(super) struct Held<T> {
    pub value: T,
    at: Timestamp,
}

#[derive(Default)]
struct Asking {
    /// How often asking ended, and how the last time failed.
    ended: u64,
    failure: Option<ProviderFailure>,
    /// When each [`Turn`] was last taken.
    taken: [Option<Timestamp>; 3],
}

pub(super) struct Cache<T> {
    held: ArcSwapOption<Held<T>>,
    /// Held while somebody asks.
    flight: Arc<tokio::sync::Mutex<()>>,
    asking: Mutex<Asking>,
    fetch: Fetch<T>,
    fresh: Duration,
    clock: Clock,
}

impl<T: Send + Sync + 'static> Cache<T> {
    pub(super) fn new(fresh: Duration, clock: Clock, fetch: Fetch<T>) -> Arc<Self> {
        let (held, flight, asking) = Default::default();
        Arc::new(Self { held, flight, asking, fetch, fresh, clock })
    }

    /// What is known, however old, as long as it may be used at all. Never asks.
    pub(super) fn known(&self) -> Option<Arc<Held<T>>> {
        self.held.load_full().filter(|held| self.age(held) < millis(STALE))
    }

    /// What is known; asks when nothing is.
    pub(super) async fn get(self: &Arc<Self>, asker: Asker) -> Result<Arc<Held<T>>, ProviderFailure> {
        if let Some(held) = self.known() {
            if self.age(&held) >= millis(self.fresh) {
                self.renew();
            }
            return Ok(held);
        }
        let ended = self.asking().ended;
        let flight = match asker {
            Asker::Login => Arc::clone(&self.flight).lock_owned().await,
            Asker::Stranger => match Arc::clone(&self.flight).try_lock_owned() {
                Ok(flight) if self.take(Turn::Stranger) => flight,
                _ => return Err(unreachable("not_known_yet", "the provider has to be asked first")),
            },
        };
        if let Some(held) = self.known() {
            return Ok(held);
        }
        let shared = Some(self.asking()).filter(|asking| asking.ended > ended).and_then(|a| a.failure.clone());
        match shared {
            Some(failure) => Err(failure),
            None => self.ask(flight).await.unwrap_or_else(|_| Err(stopped())),
        }
    }

    /// Something newer than `seen`, which lacks what is wanted. `None` when there is nothing newer and it is too early
    /// to ask again.
    pub(super) async fn newer(self: &Arc<Self>, seen: &Arc<Held<T>>, asker: Asker) -> Option<Arc<Held<T>>> {
        let newer = || self.known().filter(|held| !Arc::ptr_eq(held, seen));
        if let Some(held) = newer() {
            return Some(held);
        }
        match (Arc::clone(&self.flight).try_lock_owned(), asker) {
            (Ok(flight), _) => {
                let turn = if asker == Asker::Login { Turn::Login } else { Turn::Stranger };
                match newer() {
                    Some(held) => Some(held),
                    None if self.take(turn) => self.ask(flight).await.ok()?.ok(),
                    None => None,
                }
            }
            // Somebody asks right now: what he gets will do.
            (Err(_), Asker::Login) => {
                drop(self.flight.lock().await);
                newer()
            }
            (Err(_), Asker::Stranger) => None,
        }
    }

    fn renew(self: &Arc<Self>) {
        if let Ok(flight) = Arc::clone(&self.flight).try_lock_owned()
            && self.take(Turn::Renewal)
        {
            drop(self.ask(flight));
        }
    }

    /// Asks in a task of its own, which gives the turn back when it is done.
    fn ask(self: &Arc<Self>, flight: OwnedMutexGuard<()>) -> JoinHandle<Result<Arc<Held<T>>, ProviderFailure>> {
        let cache = Arc::clone(self);
        tokio::spawn(async move {
            let result = (cache.fetch)().await;
            let result = cache.settle(result);
            drop(flight);
            result
        })
    }

    fn settle(&self, result: Result<T, ProviderFailure>) -> Result<Arc<Held<T>>, ProviderFailure> {
        let result = result.map(|value| Arc::new(Held { value, at: (self.clock)() }));
        if let Ok(held) = &result {
            self.held.store(Some(Arc::clone(held)));
        }
        let mut asking = self.asking();
        asking.ended += 1;
        asking.failure = result.as_ref().err().cloned();
        result
    }

    /// Whether the floor since the last turn of this kind has passed; if so, this is the next one.
    fn take(&self, turn: Turn) -> bool {
        let now = (self.clock)();
        let mut asking = self.asking();
        let last = &mut asking.taken[turn as usize];
        let early = last.is_some_and(|last| (0..millis(FLOOR)).contains(&(now.0 - last.0)));
        if !early {
            *last = Some(now);
        }
        !early
    }

    /// In milliseconds. A clock that was set back makes nothing young.
    fn age(&self, held: &Held<T>) -> i64 {
        (self.clock)().0.abs_diff(held.at.0).try_into().unwrap_or(i64::MAX)
    }

    fn asking(&self) -> std::sync::MutexGuard<'_, Asking> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stopped() -> ProviderFailure {
    unreachable("stopped", "the gateway is being stopped")
}

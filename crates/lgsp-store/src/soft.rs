//! Soft state: what may vanish at any moment, such as sessions, codes and what was seen before. Every value has an end.
//!
//! Whoever keeps something here lives with its loss: a person signs in again. What must not be lost is in the durable
//! store. Keys are stored as they are given, so a token or a code goes in as its digest.

mod local;
mod redis;

use std::time::Duration;

use bytes::Bytes;

pub use local::LocalSoft;
pub use redis::RedisSoft;

use crate::StoreFuture;

/// What a value is, each with a space of keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SoftKind {
    /// A sign-in that somebody has begun.
    Login,
    /// An authorization code that waits for its client.
    Code,
    /// A code that was redeemed, with what came of it: a second try ends that.
    UsedCode,
    /// An authorization request that a client has pushed.
    Pushed,
    /// Somebody who is signed in.
    Session,
    /// A refresh token.
    Refresh,
    /// A line of refresh tokens, each made from the one before.
    RefreshFamily,
    /// A proof that counts once, such as a client's assertion.
    Replay,
    /// When a member was seen last.
    LastUse,
}

impl SoftKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Login,
        Self::Code,
        Self::UsedCode,
        Self::Pushed,
        Self::Session,
        Self::Refresh,
        Self::RefreshFamily,
        Self::Replay,
        Self::LastUse,
    ];

    /// The kind's name in keys of a shared engine.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Code => "code",
            Self::UsedCode => "used-code",
            Self::Pushed => "pushed",
            Self::Session => "session",
            Self::Refresh => "refresh",
            Self::RefreshFamily => "refresh-family",
            Self::Replay => "replay",
            Self::LastUse => "last-use",
        }
    }

    /// Values that the local engine holds at once: what anybody may make without proof is bounded more closely than
    /// what takes one.
    pub fn most(self) -> usize {
        match self {
            Self::Login | Self::Code | Self::UsedCode | Self::Pushed | Self::LastUse => 20_000,
            Self::Session | Self::Refresh | Self::RefreshFamily => 200_000,
            Self::Replay => 500_000,
        }
    }

    /// Whether a new value pushes out the one that ends first when there is no room; otherwise it is refused, because
    /// forgetting one would let it count a second time.
    pub fn gives_way(self) -> bool {
        !matches!(self, Self::Replay | Self::UsedCode)
    }
}

/// What may vanish at any moment. Errors are [`crate::StoreError::Unavailable`], and [`crate::StoreError::Busy`] when
/// there is no room: callers then refuse what they were asked, as they cannot know.
///
/// A value is kept for at least a millisecond and at most ten years, whatever `keep` says.
pub trait SoftState: Send + Sync {
    /// Keeps a value, in the place of any that has the key.
    fn put(&self, kind: SoftKind, key: &str, value: Bytes, keep: Duration) -> StoreFuture<'_, ()>;

    /// Keeps a value unless the key has one; whether it was kept.
    fn put_new(&self, kind: SoftKind, key: &str, value: Bytes, keep: Duration) -> StoreFuture<'_, bool>;

    /// The value of a key.
    fn get(&self, kind: SoftKind, key: &str) -> StoreFuture<'_, Option<Bytes>>;

    /// Takes the value of a key away: of several callers at once, one gets it.
    fn take(&self, kind: SoftKind, key: &str) -> StoreFuture<'_, Option<Bytes>>;

    /// Removes the value of a key, if there is one.
    fn remove(&self, kind: SoftKind, key: &str) -> StoreFuture<'_, ()>;
}

/// The shortest time that a value is kept, the unit of the shared engine.
const SHORTEST: Duration = Duration::from_millis(1);
/// The longest: every engine can count so far.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

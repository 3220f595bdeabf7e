//! Chance for jitter: good enough to keep targets from marching in step, and nothing more.

use std::hash::{BuildHasher, RandomState};

pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new() -> Self {
        Self(RandomState::new().hash_one(0u8) | 1)
    }

    /// A number from 0 to 1 (xorshift64).
    pub(super) fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

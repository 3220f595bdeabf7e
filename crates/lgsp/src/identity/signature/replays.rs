//! Remembers used signatures for as long as they could be used again. When it is full it says so: a signature that cannot
//! be remembered is not accepted. It forgets with the process; nodes do not share it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Mutex;

use aws_lc_rs::digest::{Context, SHA256};
use lgsp_model::{MemberId, Timestamp};

use super::BadSignature;

/// Used signatures in all: 400,000 take some 40 MB and stand for 950 signed requests a second.
const MOST: usize = 400_000;
/// Of one member, so that none can use up the memory of all.
const MOST_OF_MEMBER: u32 = 100_000;

/// The used signatures.
pub(crate) struct Replays {
    used: Mutex<Used>,
    most: usize,
    most_of_member: u32,
}

#[derive(Default)]
struct Used {
    digests: HashSet<[u8; 32]>,
    /// In the order of their ends: each is remembered for the same time.
    ends: VecDeque<(Timestamp, [u8; 32], MemberId)>,
    of_member: HashMap<MemberId, u32>,
}

impl Default for Replays {
    fn default() -> Self {
        Self::bounded(MOST, MOST_OF_MEMBER)
    }
}

impl Replays {
    pub(super) fn bounded(most: usize, most_of_member: u32) -> Self {
        Self { used: Mutex::default(), most, most_of_member }
    }

    /// Notes that a signature was used; refuses one that is noted already, or that there is no room for.
    pub(super) fn note(
        &self,
        member: &MemberId,
        key: &str,
        once: &[u8],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), BadSignature> {
        let mut context = Context::new(&SHA256);
        context.update(key.as_bytes());
        context.update(&[0]);
        context.update(once);
        let digest: [u8; 32] = context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes");
        let mut used = self.used.lock().expect("no panic while held");
        used.forget(now);
        if used.digests.contains(&digest) {
            return Err(BadSignature::Replayed);
        }
        if used.of_member.get(member).is_some_and(|count| *count >= self.most_of_member) {
            return Err(BadSignature::TooMany);
        }
        if used.digests.len() >= self.most {
            return Err(BadSignature::Full);
        }
        used.digests.insert(digest);
        used.ends.push_back((until, digest, member.clone()));
        *used.of_member.entry(member.clone()).or_default() += 1;
        Ok(())
    }
}

impl Used {
    fn forget(&mut self, now: Timestamp) {
        while let Some((_, digest, member)) = self.ends.pop_front_if(|(until, ..)| *until <= now) {
            self.digests.remove(&digest);
            if let Some(count) = self.of_member.get_mut(&member) {
                *count -= 1;
                if *count == 0 {
                    self.of_member.remove(&member);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(replays: &Replays, member: &str, once: &str, now: i64) -> Result<(), BadSignature> {
        replays.note(&member.parse().unwrap(), "k", once.as_bytes(), Timestamp(now), Timestamp(now + 10))
    }

    #[test]
    fn a_used_signature_is_refused_until_it_is_forgotten() {
        let replays = Replays::default();
        assert_eq!(note(&replays, "m", "a", 0), Ok(()));
        assert_eq!(note(&replays, "m", "a", 9), Err(BadSignature::Replayed));
        assert_eq!(note(&replays, "m", "b", 9), Ok(()));
        assert_eq!(note(&replays, "m", "a", 10), Ok(()));
        let other = replays.note(&"m".parse().unwrap(), "k2", b"a", Timestamp(10), Timestamp(20));
        assert_eq!(other, Ok(()), "another key has nonces of its own");
    }

    #[test]
    fn what_cannot_be_remembered_is_refused() {
        let replays = Replays::bounded(3, 2);
        assert_eq!(note(&replays, "m", "a", 0), Ok(()));
        assert_eq!(note(&replays, "m", "b", 1), Ok(()));
        assert_eq!(note(&replays, "m", "c", 2), Err(BadSignature::TooMany));
        assert_eq!(note(&replays, "n", "a2", 2), Ok(()));
        assert_eq!(note(&replays, "o", "a3", 3), Err(BadSignature::Full));
        assert_eq!(note(&replays, "m", "c", 10), Ok(()), "the first one is forgotten");
        let used = replays.used.lock().unwrap();
        assert_eq!((used.digests.len(), used.ends.len(), used.of_member.len()), (3, 3, 2));
    }
}

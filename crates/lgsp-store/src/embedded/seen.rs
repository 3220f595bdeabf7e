//! "Was there ever a dossier of this code?" answered from memory: a Bloom filter, so that a new dossier costs no look
//! into a table of millions. It may say yes wrongly (then the table is asked), never no wrongly.

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use rusqlite::Connection;

use super::schema;
use crate::StoreError;

/// Bits for each dossier: wrong in about one of a hundred.
const BITS_EACH: usize = 12;
/// Bits set for each dossier.
const PROBES: u32 = 6;
/// Words of a block; a block is one cache line.
const BLOCK_WORDS: usize = 8;
/// The smallest filter is for so many dossiers, 384 KiB.
const FEWEST: usize = 262_144;
/// The largest filter, 32 MiB: for 22 million dossiers; with more of them it is wrong more often, nothing else.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// Dossiers read at a time while a filter is built, so that no read holds the write-ahead log for long.
const SLICE: usize = 20_000;

/// The bits.
struct Bloom {
    words: Vec<u64>,
    room: usize,
    count: usize,
}

impl Bloom {
    fn for_dossiers(count: usize) -> Self {
        let room = count.max(FEWEST);
        let blocks = (room * BITS_EACH).min(MOST_BYTES * 8) / (BLOCK_WORDS * 64);
        Self { words: vec![0; blocks * BLOCK_WORDS], room, count: 0 }
    }

    fn place(&self, hash: u64) -> (usize, impl Iterator<Item = (usize, u64)> + use<>) {
        let blocks = (self.words.len() / BLOCK_WORDS) as u128;
        let block = ((u128::from(hash) * blocks) >> 64) as usize * BLOCK_WORDS;
        let mixed = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bits = (0..PROBES).map(move |probe| {
            let bit = (mixed >> (10 * probe)) as usize & (BLOCK_WORDS * 64 - 1);
            (bit / 64, 1 << (bit % 64))
        });
        (block, bits)
    }

    fn insert(&mut self, hash: u64) {
        let (block, bits) = self.place(hash);
        bits.for_each(|(word, bit)| self.words[block + word] |= bit);
        self.count += 1;
    }

    fn contains(&self, hash: u64) -> bool {
        let (block, bits) = self.place(hash);
        bits.fold(true, |all, (word, bit)| all & (self.words[block + word] & bit != 0))
    }
}

/// The filter and its builder.
pub(super) struct Seen {
    keys: RandomState,
    bloom: Option<Bloom>,
    building: Option<Building>,
}

struct Building {
    ready: Receiver<Bloom>,
    /// Dossiers that came since: the builder may have passed them.
    since: Vec<u64>,
    abandoned: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Seen {
    /// Knows nothing yet and says "maybe" to everything; learns the table's dossiers in the background.
    pub(super) fn learn(dir: &Path, dossiers_at_most: u64) -> Self {
        let keys = RandomState::new();
        let building = Building::start(dir, &keys, usize::try_from(dossiers_at_most).unwrap_or(usize::MAX / 64));
        Self { keys, bloom: None, building: Some(building) }
    }

    /// Whether a dossier of this code may be stored.
    pub(super) fn maybe(&self, code: &str) -> bool {
        self.bloom.as_ref().is_none_or(|bloom| bloom.contains(self.keys.hash_one(code)))
    }

    /// Remembers a dossier.
    pub(super) fn note(&mut self, code: &str) {
        let hash = self.keys.hash_one(code);
        if let Some(bloom) = &mut self.bloom {
            bloom.insert(hash);
        }
        if let Some(building) = &mut self.building {
            building.since.push(hash);
        }
    }

    /// Takes a filter that became ready, or starts a larger one when this one is full.
    pub(super) fn refresh(&mut self, dir: &Path) {
        if let Some(building) = &mut self.building {
            match building.ready.try_recv() {
                Ok(mut bloom) => {
                    building.since.iter().for_each(|hash| bloom.insert(*hash));
                    self.bloom = Some(bloom);
                }
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {}
            }
            self.building = None;
        }
        if let Some(bloom) = &self.bloom
            && bloom.count > bloom.room
            && bloom.words.len() * 8 < MOST_BYTES / 2
        {
            self.building = Some(Building::start(dir, &self.keys, bloom.count * 2));
        }
    }
}

impl Building {
    fn start(dir: &Path, keys: &RandomState, dossiers: usize) -> Self {
        let (sender, ready) = sync_channel(1);
        let abandoned = Arc::new(AtomicBool::new(false));
        let (dir, keys, stop) = (dir.to_owned(), keys.clone(), abandoned.clone());
        let work = move || {
            // When it fails, the table is asked for every new dossier: slower, not wrong.
            if let Ok(conn) = schema::open_reader(&dir)
                && let Ok(Some(bloom)) = build(&conn, &keys, dossiers, &stop)
            {
                drop(sender.send(bloom));
            }
        };
        let thread = thread::Builder::new().name("lgsp-seen".into()).spawn(work).ok();
        Self { ready, since: Vec::new(), abandoned, thread }
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn build(
    conn: &Connection,
    keys: &RandomState,
    dossiers: usize,
    stop: &AtomicBool,
) -> Result<Option<Bloom>, StoreError> {
    let mut bloom = Bloom::for_dossiers(dossiers.saturating_mul(2));
    let mut next = conn
        .prepare("SELECT code FROM dossier WHERE code > ?1 ORDER BY code LIMIT ?2")
        .map_err(super::failure::damaged)?;
    let mut last = String::new();
    while !stop.load(Ordering::Relaxed) {
        let mut rows = next.query((&last, SLICE as i64)).map_err(super::failure::damaged)?;
        let mut found = false;
        while let Some(row) = rows.next().map_err(super::failure::damaged)? {
            let code = row.get_ref(0).and_then(|code| Ok(code.as_str()?)).map_err(super::failure::damaged)?;
            bloom.insert(keys.hash_one(code));
            last.clear();
            last.push_str(code);
            found = true;
        }
        if !found {
            return Ok(Some(bloom));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_forgets_and_is_rarely_wrong() {
        let keys = RandomState::new();
        let mut bloom = Bloom::for_dossiers(1);
        (0..FEWEST).for_each(|n| bloom.insert(keys.hash_one(n)));
        assert!((0..FEWEST).all(|n| bloom.contains(keys.hash_one(n))));
        let wrong = (FEWEST..2 * FEWEST).filter(|n| bloom.contains(keys.hash_one(n))).count();
        assert!(wrong < FEWEST / 40, "{wrong} of {FEWEST}");
    }
}

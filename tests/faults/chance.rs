//! Repeatable chance for tests (SplitMix64): the seed is printed, and a run with the same seed chooses the same. How
//! the machine schedules is not repeated with it.

/// A source of chance.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// From `LGSP_SEED`, or from this process and moment. Prints how to repeat it.
    pub(crate) fn printed(test: &str) -> Self {
        let seed = std::env::var("LGSP_SEED").ok().map(|seed| seed.parse().expect("LGSP_SEED is a number"));
        let seed = seed.unwrap_or_else(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
            u64::from(std::process::id()) << 32 ^ since.as_millis() as u64
        });
        println!("{test}: repeat with LGSP_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is at least 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

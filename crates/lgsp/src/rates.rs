//! How fast tokens are issued, and known again when they come back: for the example `token_rate`, which prints it. Nothing else
//! uses it.

use std::path::Path;
use std::time::{Duration, Instant};

use lgsp_config::TokenAlgorithm;
use lgsp_model::Timestamp;

use crate::identity::{Issuer, KeyRing, Members, Order, Records, Revoked, Seen, TokenCache};

/// What a measurement is made with: one member, as a configuration has it, and keys of its own.
pub struct Rates {
    issuer: Issuer,
    members: Members,
}

const MEMBER: &str = r#"version = 1
[admin]
token = "0123456789abcdef"
[issuer]
url = "https://lgsp.example"
[[member]]
id = "one-stop-h11"
name = "One-stop"
agencies = ["000.00.16.H11", "H11"]
scopes = ["dossier:push", "dossier:read", "changes:read"]
secret = "a-secret-of-no-use"
"#;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

impl Rates {
    /// Makes keys in a directory.
    ///
    /// # Panics
    /// When the directory cannot be written.
    pub fn new(keys: &Path) -> Self {
        let config =
            lgsp_config::parse(MEMBER, Path::new(""), &|_| None, &|_| Err(String::new())).expect("it is right");
        let ring = KeyRing::open(keys, NOW, &[TokenAlgorithm::Es256]).expect("a directory for keys");
        let issuer = Issuer::new(&config.issuer.url, ring, config.issuer.token_ttl);
        Self { issuer, members: Members::joined(&config.members, &Records::default(), &Seen::default(), NOW) }
    }

    fn token(&self) -> String {
        let member = self.members.by_id("one-stop-h11").expect("the only member");
        let order = Order {
            client: member,
            subject: member.id.as_str(),
            scope: "dossier:push dossier:read changes:read".to_owned(),
            audience: Vec::new(),
            no_later: None,
            confirmation: None,
            person: None,
        };
        self.issuer.fill(order, NOW).token
    }

    /// The time for issuing so many tokens, one after the other.
    pub fn issue(&self, count: u32) -> Duration {
        let started = Instant::now();
        for _ in 0..count {
            std::hint::black_box(self.token());
        }
        started.elapsed()
    }

    /// The time for knowing tokens again that were verified before: some of many, as their callers come.
    ///
    /// # Panics
    /// When a token is not known again.
    pub fn know_again(&self, count: u32) -> Duration {
        let tokens: Vec<_> = (0..TOKENS).map(|_| self.token()).collect();
        let (cache, revoked) = (TokenCache::default(), Revoked::default());
        let know = |token: &str| cache.identify(token, &self.issuer, &revoked, &self.members, NOW).is_some();
        assert!(tokens.iter().all(|token| know(token)), "a good token");
        let started = Instant::now();
        for token in tokens.iter().cycle().take(count as usize) {
            assert!(know(token), "a known token");
        }
        started.elapsed()
    }
}

/// A token for each member of a province.
const TOKENS: usize = 500;

//! The demo's result in plain words.

use std::fmt;
use std::time::Duration;

use super::reckoning::FeeSummary;

/// What came out of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Dossiers that were lived.
    pub dossiers: u64,
    /// Messages taken.
    pub accepted: u64,
    /// Messages recognised as repeats.
    pub duplicate: u64,
    /// Messages kept for a person, because they would move a dossier backwards.
    pub held: u64,
    /// Messages refused.
    pub rejected: u64,
    /// Accepted messages that stand in the national portal.
    pub delivered: u64,
    /// Dossiers that are equal in the portal and in the feed.
    pub in_sync: u64,
    /// Changes that came through the feed.
    pub pulled: u64,
    /// Answers that the portal's faults spoilt, and calls that they refused.
    pub faults: u64,
    /// Procedures that the gateway shared from the portal's catalogue.
    pub procedures: u64,
    /// The money.
    pub fees: FeeSummary,
    /// What is not as it should be; at most 20 of each kind.
    pub problems: Vec<String>,
    /// How long it took, from the first message to the comparison.
    pub taken: Duration,
}

impl Summary {
    /// Whether every accepted message stands in the portal and in the feed, equal, every answer was the right one, and no đồng is
    /// missing.
    pub fn all_equal(&self) -> bool {
        self.problems.is_empty()
            && self.in_sync == self.dossiers
            && self.delivered == self.accepted
            && self.pulled == self.accepted
            && self.fees.all_equal()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: [(&str, u64, &str); 9] = [
            ("dossiers", self.dossiers, "lived by three kinds of one-stop system"),
            ("accepted", self.accepted, "messages taken and on disk before the answer"),
            ("duplicate", self.duplicate, "repeats recognised, answered with the first"),
            ("held", self.held, "would move a dossier backwards: a person decides"),
            ("rejected", self.rejected, "break the contract or come from a foreign agency"),
            ("delivered", self.delivered, "accepted messages that stand in the national portal"),
            ("pulled", self.pulled, "changes read from the feed"),
            ("in sync", self.in_sync, "dossiers equal in portal and feed"),
            ("faults", self.faults, "answers of the portal spoilt or refused on the way"),
        ];
        for (name, count, words) in rows {
            writeln!(f, "  {name:<10}{count:>9}  {words}")?;
        }
        write!(f, "{}", self.fees)?;
        for problem in &self.problems {
            writeln!(f, "  ! {problem}")?;
        }
        let verdict = if self.all_equal() { "All is equal" } else { "NOT all is equal" };
        writeln!(f, "  {verdict}, after {:.1} s.", self.taken.as_secs_f64())
    }
}

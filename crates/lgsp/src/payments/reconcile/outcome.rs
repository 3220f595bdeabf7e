//! What came of a reconciliation: which day of which provider, counts and sums of each class, both totals and their difference. One JSON
//! object, as it is stored and as operators see it.

use std::collections::BTreeMap;

use lgsp_core::reconcile::{Class, Summary, Sums};
use serde::{Deserialize, Serialize};

use super::Day;

/// Where the provider's account came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// Its file of the day.
    File,
    /// Its answers about each of our lines; what it has and we have not cannot be seen so.
    Query,
}

/// The result. Sums are đồng, payments less refunds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// `<provider>~<yyyyMMdd>~<when>`, unique and in the order of days.
    #[serde(default)]
    pub(crate) id: String,
    pub(crate) provider: String,
    pub(crate) day: String,
    /// When it was made.
    #[serde(default)]
    pub(crate) at: String,
    /// Who made it.
    #[serde(default)]
    pub(crate) by: String,
    pub(crate) source: Source,
    pub(crate) our_lines: u64,
    pub(crate) their_lines: u64,
    pub(crate) classes: BTreeMap<String, ClassSums>,
    pub(crate) ours: i64,
    pub(crate) theirs: i64,
    /// Theirs less ours.
    pub(crate) difference: i64,
    /// Lines on which the two differ. Zero is the only good figure: differences of money may cancel each other out.
    pub(crate) differing: u64,
    /// How many lines are kept: those that differ, and those near midnight.
    pub(crate) rows: u64,
    /// Payments that the provider is asked about at once because of it.
    pub(crate) made_due: u64,
    /// By day, how many lines this file has that the result of a day beside it, as it stood then, called missing there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) clears: BTreeMap<String, u64>,
}

/// The sums of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClassSums {
    pub(crate) lines: u64,
    pub(crate) ours: i64,
    pub(crate) theirs: i64,
}

impl Outcome {
    pub(crate) fn new(
        provider: &str,
        day: Day,
        source: Source,
        [our_lines, their_lines]: [u64; 2],
        sums: Summary,
    ) -> Self {
        let of = |class: &Class| {
            let Sums { lines, ours, theirs } = sums.of(*class);
            (class.as_str().to_owned(), ClassSums { lines, ours, theirs })
        };
        let total = sums.total();
        Self {
            id: String::new(),
            provider: provider.to_owned(),
            day: day.to_string(),
            at: String::new(),
            by: String::new(),
            source,
            our_lines,
            their_lines,
            classes: Class::ALL.iter().map(of).collect(),
            ours: total.ours,
            theirs: total.theirs,
            difference: sums.difference(),
            differing: sums.differing(),
            rows: 0,
            made_due: 0,
            clears: BTreeMap::new(),
        }
    }
}

//! Faults that a simulated partner commits on demand: what, to which service, how often. Seeded, so that a run can be
//! repeated.
//!
//! It decides which faults strike a call; committing them is the partner's part.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most rules that may stand at once; a script that adds without clearing is a mistake.
const MAX_RULES: usize = 256;

/// One kind of misbehaviour, each seen or defended against by clients of the real partners. Those about answer forms,
/// records and the catalogue belong to the portal alone; the rest every partner commits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// The answer comes late; the call took effect at once.
    Slow {
        /// The delay in milliseconds.
        delay_ms: u64,
    },
    /// HTTP 502 from the adapter; nothing is stored.
    BadGateway,
    /// HTTP 500 with a page; nothing is stored.
    ServerError,
    /// HTTP 503 with `Retry-After`; nothing is stored.
    Unavailable {
        /// The header's value in seconds.
        retry_after_s: u64,
    },
    /// The connection closes without an answer; nothing is stored.
    ResetBeforeStoring,
    /// The connection closes without an answer once everything is stored.
    ResetAfterStoring,
    /// Everything is stored, then the connection stays silent and closes.
    SilenceAfterStoring {
        /// The silence in milliseconds.
        hold_ms: u64,
    },
    /// Everything is stored; the answer ends in its middle although its length says that it is whole.
    MalformedBody,
    /// Everything is stored; the answer says that it is a page.
    WrongContentType,
    /// Everything is stored; spaces follow the answer up to this size.
    Oversize {
        /// The size of the whole body.
        bytes: u64,
    },
    /// Every session or token dies, and the call is refused for its own.
    SessionsExpire,
    /// A login is refused although its credentials are right.
    WrongCredentials,
    /// Nothing is stored, and the answer has `error_code` "0" with a text of failure.
    FailureUnderZero,
    /// A success that says its code in another form.
    CodeForm {
        /// The form.
        form: CodeForm,
    },
    /// A success that says its message in another form.
    MessageForm {
        /// The form.
        form: MessageForm,
    },
    /// The nth record of a batch (from 1) is refused for its content.
    RefuseNth {
        /// Its place, from 1.
        nth: usize,
    },
    /// Records whose `MaHoSo` contains the text are refused for their content.
    RefuseMatching {
        /// The text.
        text: String,
    },
    /// A catalogue list comes back with only its first rows.
    CatalogueShort {
        /// How many rows.
        rows: usize,
    },
}

impl Fault {
    /// Whether only the national portal commits it.
    pub(crate) fn is_portal_only(&self) -> bool {
        match self {
            Self::FailureUnderZero
            | Self::CodeForm { .. }
            | Self::MessageForm { .. }
            | Self::RefuseNth { .. }
            | Self::RefuseMatching { .. }
            | Self::CatalogueShort { .. } => true,
            Self::Slow { .. }
            | Self::BadGateway
            | Self::ServerError
            | Self::Unavailable { .. }
            | Self::ResetBeforeStoring
            | Self::ResetAfterStoring
            | Self::SilenceAfterStoring { .. }
            | Self::MalformedBody
            | Self::WrongContentType
            | Self::Oversize { .. }
            | Self::SessionsExpire
            | Self::WrongCredentials => false,
        }
    }
}

/// How a success says its `error_code`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeForm {
    /// `0`
    Integer,
    /// `"0"`
    #[default]
    Text,
    /// `"00"`
    DoubleZero,
    /// No code: a plain text that says success.
    OnlyText,
}

/// How a success says its `message`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageForm {
    /// A sentence.
    #[default]
    Text,
    /// An object that holds the sentence.
    Object,
    /// JSON inside a string that holds the sentence and the result.
    JsonInText,
}

/// A fault with its scope. Without `times` and `probability` it strikes every call that it can strike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultRule {
    /// What happens.
    #[serde(flatten)]
    pub fault: Fault,
    /// Only calls of this service (`login` or `token` for the login); absent = all services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How many calls it strikes before it is used up; absent = no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The probability 0 to 1 for each call; absent = 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

impl FaultRule {
    /// The fault on every call of every service.
    pub fn always(fault: Fault) -> Self {
        Self { fault, service: None, times: None, probability: None }
    }

    /// The fault on the next `times` calls.
    pub fn times(fault: Fault, times: u32) -> Self {
        Self { times: Some(times), ..Self::always(fault) }
    }

    /// The fault on a share of calls, 0 to 1.
    pub fn with_probability(fault: Fault, probability: f64) -> Self {
        Self { probability: Some(probability), ..Self::always(fault) }
    }

    /// The same rule for one service only.
    #[must_use]
    pub fn on(self, service: &str) -> Self {
        Self { service: Some(service.to_owned()), ..self }
    }
}

/// Names a rule that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FaultId(pub u64);

/// Why a rule was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadFault {
    /// A probability outside 0 to 1.
    Probability,
    /// `RefuseNth` counts from 1.
    Zeroth,
    /// More than 256 rules.
    TooMany,
    /// A fault that only the national portal commits.
    PortalOnly,
}

impl fmt::Display for BadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Probability => "probability must be between 0 and 1",
            Self::Zeroth => "nth counts from 1",
            Self::TooMany => "at most 256 rules may stand at once; clear some first",
            Self::PortalOnly => "only the national portal commits this fault",
        })
    }
}

impl std::error::Error for BadFault {}

/// What faults look at when they choose.
pub(crate) struct Call<'a> {
    pub(crate) service: &'a str,
    pub(crate) codes: &'a [&'a str],
}

/// What strikes one call, all rules together.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Struck {
    pub(crate) delay_ms: u64,
    pub(crate) before: Option<Before>,
    pub(crate) after: Option<After>,
    pub(crate) spoil: Option<Spoil>,
    pub(crate) sessions_expire: bool,
    pub(crate) wrong_credentials: bool,
    pub(crate) failure_under_zero: bool,
    pub(crate) code_form: Option<CodeForm>,
    pub(crate) message_form: Option<MessageForm>,
    pub(crate) refuse_nth: Option<usize>,
    pub(crate) refuse_matching: Vec<String>,
    pub(crate) catalogue_rows: Option<usize>,
}

/// A transport fault that strikes before anything is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    BadGateway,
    ServerError,
    Unavailable { retry_after_s: u64 },
    Reset,
}

/// A transport fault that swallows the answer once everything is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Reset,
    Silence { hold_ms: u64 },
}

/// What happens to an answer that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    Malformed,
    ContentType,
    Oversize { bytes: u64 },
}

/// The rules that stand, and the source of chance.
#[derive(Debug)]
pub(crate) struct Faults {
    rules: Vec<(FaultId, FaultRule)>,
    next: u64,
    chance: Chance,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rules: Vec::new(), next: 1, chance: Chance::seeded(seed) }
    }

    pub(crate) fn reseed(&mut self, seed: u64) {
        self.chance = Chance::seeded(seed);
    }

    pub(crate) fn add(&mut self, rule: FaultRule) -> Result<FaultId, BadFault> {
        if rule.probability.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
            return Err(BadFault::Probability);
        }
        if rule.fault == (Fault::RefuseNth { nth: 0 }) {
            return Err(BadFault::Zeroth);
        }
        if self.rules.len() == MAX_RULES {
            return Err(BadFault::TooMany);
        }
        let id = FaultId(self.next);
        self.next += 1;
        self.rules.push((id, rule));
        Ok(id)
    }

    pub(crate) fn remove(&mut self, id: FaultId) -> bool {
        let before = self.rules.len();
        self.rules.retain(|(known, _)| *known != id);
        self.rules.len() < before
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn rules(&self) -> &[(FaultId, FaultRule)] {
        &self.rules
    }

    /// Draws for one call. A rule with a count loses one only when it strikes.
    pub(crate) fn strike(&mut self, call: &Call<'_>) -> Struck {
        let mut struck = Struck::default();
        let Self { rules, chance, .. } = self;
        for (_, rule) in rules.iter_mut() {
            let hit = rule.service.as_deref().is_none_or(|service| service == call.service)
                && can_strike(&rule.fault, call)
                && rule.probability.is_none_or(|p| chance.fraction() < p);
            if hit {
                rule.times = rule.times.map(|left| left.saturating_sub(1));
                struck.take(&rule.fault);
            }
        }
        rules.retain(|(_, rule)| rule.times != Some(0));
        struck
    }
}

fn can_strike(fault: &Fault, call: &Call<'_>) -> bool {
    let login = matches!(call.service, "login" | "token");
    match fault {
        Fault::Slow { .. }
        | Fault::BadGateway
        | Fault::ServerError
        | Fault::MalformedBody
        | Fault::WrongContentType
        | Fault::Oversize { .. }
        | Fault::Unavailable { .. }
        | Fault::ResetBeforeStoring
        | Fault::ResetAfterStoring
        | Fault::SilenceAfterStoring { .. }
        | Fault::CodeForm { .. }
        | Fault::MessageForm { .. } => true,
        Fault::SessionsExpire | Fault::FailureUnderZero => !login,
        Fault::WrongCredentials => login,
        Fault::RefuseNth { nth } => call.codes.len() >= *nth,
        Fault::RefuseMatching { text } => call.codes.iter().any(|code| code.contains(text.as_str())),
        Fault::CatalogueShort { .. } => call.service.starts_with("LayDanh"),
    }
}

impl Struck {
    /// Whether the answer does not arrive as it was meant.
    pub(crate) fn spoils_transport(&self) -> bool {
        self.before.is_some() || self.after.is_some() || self.spoil.is_some()
    }

    fn take(&mut self, fault: &Fault) {
        match fault {
            Fault::Slow { delay_ms } => self.delay_ms = self.delay_ms.max(*delay_ms),
            Fault::BadGateway => self.before = Some(Before::BadGateway),
            Fault::ServerError => self.before = Some(Before::ServerError),
            Fault::MalformedBody => self.spoil = Some(Spoil::Malformed),
            Fault::WrongContentType => self.spoil = Some(Spoil::ContentType),
            Fault::Oversize { bytes } => self.spoil = Some(Spoil::Oversize { bytes: *bytes }),
            Fault::Unavailable { retry_after_s } => {
                self.before = Some(Before::Unavailable { retry_after_s: *retry_after_s });
            }
            Fault::ResetBeforeStoring => self.before = Some(Before::Reset),
            Fault::ResetAfterStoring => self.after = Some(After::Reset),
            Fault::SilenceAfterStoring { hold_ms } => self.after = Some(After::Silence { hold_ms: *hold_ms }),
            Fault::SessionsExpire => self.sessions_expire = true,
            Fault::WrongCredentials => self.wrong_credentials = true,
            Fault::FailureUnderZero => self.failure_under_zero = true,
            Fault::CodeForm { form } => self.code_form = Some(*form),
            Fault::MessageForm { form } => self.message_form = Some(*form),
            Fault::RefuseNth { nth } => self.refuse_nth = Some(*nth),
            Fault::RefuseMatching { text } => self.refuse_matching.push(text.clone()),
            Fault::CatalogueShort { rows } => self.catalogue_rows = Some(*rows),
        }
    }
}

/// A small seeded generator (SplitMix64): repeatable chance for faults and opaque session names, never for secrets.
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push<'a>(codes: &'a [&'a str]) -> Call<'a> {
        Call { service: "DongBoHoSoMC", codes }
    }

    #[test]
    fn a_counted_fault_strikes_that_often_and_is_gone() {
        let mut faults = Faults::new(1);
        faults.add(FaultRule::times(Fault::BadGateway, 2).on("DongBoHoSoMC")).unwrap();
        assert_eq!(faults.strike(&Call { service: "login", codes: &[] }), Struck::default());
        for _ in 0..2 {
            assert_eq!(faults.strike(&push(&[])).before, Some(Before::BadGateway));
        }
        assert_eq!(faults.strike(&push(&[])), Struck::default());
        assert!(faults.rules().is_empty());
    }

    #[test]
    fn a_fault_about_records_waits_for_a_call_that_has_them() {
        let mut faults = Faults::new(1);
        faults.add(FaultRule::times(Fault::RefuseMatching { text: "-0007".into() }, 1)).unwrap();
        faults.add(FaultRule::times(Fault::RefuseNth { nth: 2 }, 1)).unwrap();
        assert_eq!(faults.strike(&push(&["H56-240315-0001"])), Struck::default());
        let struck = faults.strike(&push(&["H56-240315-0001", "H56-240315-0007"]));
        assert_eq!((struck.refuse_nth, struck.refuse_matching), (Some(2), vec!["-0007".to_owned()]));
    }

    #[test]
    fn chance_follows_the_probability_and_repeats_with_the_seed() {
        let draw = |seed| {
            let mut faults = Faults::new(seed);
            faults.add(FaultRule::with_probability(Fault::BadGateway, 0.25)).unwrap();
            (0..4000).map(|_| faults.strike(&push(&[])).before.is_some()).collect::<Vec<_>>()
        };
        let hits = draw(7).iter().filter(|hit| **hit).count();
        assert!((800..1200).contains(&hits), "{hits} of 4000 at a quarter");
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn senseless_rules_are_refused() {
        let mut faults = Faults::new(1);
        assert_eq!(faults.add(FaultRule::with_probability(Fault::BadGateway, 1.5)), Err(BadFault::Probability));
        assert_eq!(faults.add(FaultRule::always(Fault::RefuseNth { nth: 0 })), Err(BadFault::Zeroth));
        for _ in 0..MAX_RULES {
            faults.add(FaultRule::always(Fault::BadGateway)).unwrap();
        }
        assert_eq!(faults.add(FaultRule::always(Fault::BadGateway)), Err(BadFault::TooMany));
    }
}

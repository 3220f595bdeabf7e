//! What is read in a provider's message: its result code, and where an order stands.
//!
//! A code that stands in no table is never an end: the provider is asked again.

use std::collections::BTreeMap;

use bytes::Bytes;
use lgsp_model::{Dong, PaymentId, ReportStanding, Timestamp};

use super::super::amounts::with_amount;
use super::super::caller::{Answered, of_another, unsigned};
use super::super::provider::{PayFailure, Report};
use super::super::words::cut;
use super::clock::Pattern;
use super::message::{Encoding, Message, Place, Wrapping, unwrapped};
use super::reader::Part;
use super::signature::Signature;
use super::template::{Scope, Template};
use super::values::{Facts, Topic};
use crate::redact::{own_cause, partner_text};
use crate::settings::Problem;

/// A provider's code, as it is kept.
const CODE_CHARS: usize = 40;

/// The longest name of a payment at a provider.
const TRANSACTION_BYTES: usize = 120;

/// Result codes of one table: the longest of the field has some forty.
const MOST_CODES: usize = 200;

/// Where an order stands, as a profile says it.
pub(super) const STANDINGS: &[(&str, ReportStanding)] = &[
    ("pending", ReportStanding::Pending),
    ("unclear", ReportStanding::Unclear),
    ("paid", ReportStanding::Paid),
    ("failed", ReportStanding::Failed),
    ("not_found", ReportStanding::NotFound),
    ("refunded", ReportStanding::Refunded),
];

/// What the result code of an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word<T> {
    /// What was asked for.
    Is(T),
    /// The provider said no.
    Refused,
    /// The provider did nothing and will take it later.
    Later,
}

/// An answer, and what its codes mean.
#[derive(Clone, Debug)]
pub(super) struct Answer<T> {
    wrapping: Wrapping,
    signature: Option<Signature>,
    expect: Expect,
    code: Option<Place>,
    codes: BTreeMap<String, Word<T>>,
    /// What an answer without a code means.
    usual: T,
}

/// Values that must stand in a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Expect(Vec<(Place, Template)>);

impl Expect {
    /// The table `expect` of a message.
    pub(super) fn read(part: &Part<'_>, scope: Scope<'_>) -> Self {
        let Some(expect) = part.part("expect") else { return Self::default() };
        let mut found = Vec::new();
        for (place, _) in expect.entries() {
            let text = expect.text(place);
            let template = text.and_then(|text| Template::parse(text, &expect.path(place), scope));
            found.extend(Place::of(place).zip(template));
        }
        Self(found)
    }

    pub(super) fn holds(&self, came: &Message<'_>, facts: &Facts<'_>) -> bool {
        self.0.iter().all(|(place, template)| {
            let given = came.text(place).unwrap_or_default();
            template.write(facts).is_ok_and(|expected| expected.to_string() == given)
        })
    }
}

/// A table of codes.
pub(super) fn codes<T: Copy>(
    part: &Part<'_>,
    key: &str,
    words: &[(&str, T)],
    expected: &'static str,
) -> BTreeMap<String, T> {
    let Some(table) = part.needed_part(key) else { return BTreeMap::new() };
    let found: BTreeMap<_, _> = table
        .entries()
        .filter_map(|(code, _)| table.word(code, words, None, expected).map(|word| (code.to_owned(), word)))
        .collect();
    if !(1..=MOST_CODES).contains(&found.len()) {
        part.fail(key, Problem::Expected("1 to 200 codes with what each means"));
    }
    found
}

impl<T: Copy> Answer<T> {
    /// The keys that every answer has, inside its table. The first of `words` is what an answer without a code means.
    pub(super) fn read(part: &Part<'_>, scope: Scope<'_>, words: &[(&str, T)], expected: &'static str) -> Option<Self> {
        let (_, usual) = *words.first()?;
        let wrappings = &[("none", Wrapping::Bare), ("lgsp", Wrapping::Lgsp)];
        let wrapping = part.word("wrapping", wrappings, Some(Wrapping::Bare), "none or lgsp");
        let scope = Scope { topics: &[Topic::Setting, Topic::Order, Topic::Refund], ..scope };
        let signature = Signature::read(part, scope, None);
        let expect = Expect::read(part, scope);
        let code = Place::read(part, "code");
        let mut all: Vec<(&str, Word<T>)> = words.iter().map(|(word, meaning)| (*word, Word::Is(*meaning))).collect();
        all.extend([("refused", Word::Refused), ("later", Word::Later)]);
        let codes = match &code {
            Some(_) => codes(part, "codes", &all, expected),
            None => BTreeMap::new(),
        };
        Some(Self { wrapping: wrapping?, signature, expect, code, codes, usual })
    }

    /// Whether some code means this.
    pub(super) fn says(&self, wanted: impl Fn(T) -> bool) -> bool {
        let found = self.codes.values().any(|word| matches!(word, Word::Is(word) if wanted(*word)));
        found || (self.code.is_none() && wanted(self.usual))
    }

    /// Reads an answer: what its code means, the code, and what `take` finds in it.
    pub(super) fn take<R>(
        &self,
        answered: &Answered,
        facts: &Facts<'_>,
        take: impl FnOnce(T, &str, &Message<'_>) -> Result<R, PayFailure>,
    ) -> Result<R, PayFailure> {
        let inside = unwrapped(&answered.body, self.wrapping).map_err(|code| match code {
            Some(code) => {
                let code = partner_text(&cut(&code, CODE_CHARS), &facts.settings.secrets());
                answered.call.lost(own_cause("lgsp_refused", format!("the LGSP answered with the code {code}")))
            }
            None => answered.unreadable(),
        })?;
        let came = Message::read(Encoding::Json, "", &inside).map_err(|_| answered.unreadable())?;
        let code = self.code.as_ref().and_then(|place| came.text(place)).unwrap_or_default();
        let code = cut(&code, CODE_CHARS);
        let word = match (&self.code, self.codes.get(code.as_str())) {
            // An error that says no code of the provider's is not the provider's word.
            _ if code.is_empty() && !answered.status.is_success() => return Err(answered.unreadable()),
            (None, _) => Word::Is(self.usual),
            (Some(_), Some(word)) => *word,
            (Some(_), None) if !answered.status.is_success() => return Err(answered.unreadable()),
            (Some(_), None) => {
                let code = partner_text(&code, &facts.settings.secrets());
                let detail = format!("the provider answered with the code {code}, which stands in no table");
                return Err(PayFailure::Unknown(own_cause("code_unknown", detail)));
            }
        };
        let told = || partner_text(&code, &facts.settings.secrets());
        let cause = || own_cause("refused", format!("the provider answered with the code {}", told()));
        match word {
            Word::Later => Err(PayFailure::Deferred(cause())),
            Word::Is(_) | Word::Refused if self.signature.as_ref().is_some_and(|s| !s.verified(&came, facts)) => {
                Err(unsigned())
            }
            Word::Refused => Err(PayFailure::Refused(cause())),
            Word::Is(_) if !self.expect.holds(&came, facts) => Err(of_another()),
            Word::Is(word) => take(word, &code, &came),
        }
    }
}

/// Where a message says what became of an order.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub order: Option<Place>,
    pub standing: Option<Place>,
    standings: BTreeMap<String, ReportStanding>,
    pub amount: Option<Place>,
    transaction: Option<Place>,
    paid_at: Option<Place>,
    paid_at_pattern: Pattern,
    means: Option<Place>,
    pub receipt_url: Option<Place>,
}

impl Reading {
    /// The keys of it, inside the table of an answer or a callback.
    pub(super) fn read(part: &Part<'_>) -> Self {
        let standing = Place::read(part, "standing");
        let expected = "pending, unclear, paid, failed, not_found or refunded";
        let standings = match standing {
            Some(_) => codes(part, "standings", STANDINGS, expected),
            None => BTreeMap::new(),
        };
        let pattern = part.text("paid_at_pattern").map(Pattern::parse);
        if pattern == Some(None) {
            part.fail("paid_at_pattern", Problem::Expected("a pattern such as yyyyMMddHHmmss, millis or seconds"));
        }
        Self {
            order: Place::read(part, "order"),
            standing,
            standings,
            amount: Place::read(part, "amount"),
            transaction: Place::read(part, "transaction"),
            paid_at: Place::read(part, "paid_at"),
            paid_at_pattern: pattern.flatten().unwrap_or_else(Pattern::national),
            means: Place::read(part, "means"),
            receipt_url: Place::read(part, "receipt_url"),
        }
    }

    /// The order's name, as it came.
    pub(super) fn order(&self, came: &Message<'_>) -> Option<Result<PaymentId, ()>> {
        let text = came.text(self.order.as_ref()?)?;
        Some(text.parse().map_err(|_| ()))
    }

    /// What became of it. `known` is what the result code said already. The error names what cannot be read.
    pub(super) fn report(
        &self,
        came: &Message<'_>,
        known: Option<(ReportStanding, &str)>,
        evidence: Bytes,
    ) -> Result<Report, &'static str> {
        let (standing, code) = match (known, &self.standing) {
            (Some((standing, code)), _) => (standing, code.to_owned()),
            (None, Some(place)) => {
                let code = came.text(place).ok_or("standing")?;
                (self.standings.get(&*code).copied().unwrap_or(ReportStanding::Unclear), cut(&code, CODE_CHARS))
            }
            (None, None) => return Err("standing"),
        };
        let text = |place: &Option<Place>| {
            let text = came.text(place.as_ref()?)?.into_owned();
            (!text.is_empty()).then_some(text)
        };
        let amount = text(&self.amount).map(|amount| whole(&amount).ok_or("amount")).transpose()?;
        let standing = if self.amount.is_some() { with_amount(standing, amount) } else { standing };
        // Of a payment that came to nothing some providers name a transaction that many payments have, and a time at which nobody paid.
        let money = matches!(standing, ReportStanding::Paid | ReportStanding::Refunded);
        let transaction = text(&self.transaction).filter(|_| money || standing == ReportStanding::Unclear);
        if transaction.as_ref().is_some_and(|transaction| transaction.len() > TRANSACTION_BYTES) {
            return Err("transaction");
        }
        Ok(Report {
            standing,
            amount,
            transaction,
            paid_at: text(&self.paid_at)
                .filter(|_| money)
                .and_then(|text| self.paid_at_pattern.read(&text))
                .filter(is_recent),
            code,
            means: text(&self.means).map(|means| cut(&means, CODE_CHARS)),
            receipt_url: text(&self.receipt_url).filter(|url| is_address(url)),
            evidence,
        })
    }
}

/// A time of the years in which there are such payments; another one is no time of a payment.
fn is_recent(at: &Timestamp) -> bool {
    /// 2015-01-01 to 2100-01-01 in milliseconds.
    const YEARS: std::ops::Range<i64> = 1_420_070_400_000..4_102_444_800_000;
    YEARS.contains(&at.0)
}

/// Whether a text is an address that a browser can be sent to.
pub(super) fn is_address(text: &str) -> bool {
    let before = text.split('#').next().unwrap_or_default();
    let rule = text.starts_with("https://") || text.starts_with("http://");
    let uri = before.parse::<hyper::Uri>();
    rule && text.bytes().all(|b| b.is_ascii_graphic())
        && uri.is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()))
}

/// Whole đồng; a fraction of nothing may stand behind them.
fn whole(text: &str) -> Option<Dong> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    fraction.bytes().all(|b| b == b'0').then(|| digits.parse().ok()).flatten()
}

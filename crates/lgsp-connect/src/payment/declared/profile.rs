//! A profile: everything that distinguishes one provider from the others, in one table of settings.
//!
//! It is read once, strictly; what is wrong is told with the whole path of its key.

use lgsp_model::{Dong, RefundStanding, ReportStanding};
use toml::{Table, Value};

use super::answer::{Answer, Reading, STANDINGS};
use super::callback::{Callback, Pull};
use super::message::Place;
use super::reader::{Errors, Part};
use super::request::{Method, Request};
use super::settings::Declared;
use super::template::Scope;
use super::values::Topic;
use crate::settings::{Problem, SettingError};

const ASK: &[(&str, Method)] = &[("POST", Method::Post), ("GET", Method::Get)];

const OPEN: &[(&str, Method)] = &[("POST", Method::Post), ("GET", Method::Get), ("REDIRECT", Method::Redirect)];

/// What a provider is like.
pub(super) struct Profile {
    /// The smallest and the largest amount that it takes, where it says.
    pub amounts: (i64, i64),
    pub settings: Declared,
    pub token: Option<Token>,
    pub open: Open,
    pub query: Option<Query>,
    pub refund: Option<Refund>,
    pub query_refund: Option<Refund>,
    pub receipt: Option<Receipt>,
    pub callback: Option<Callback>,
    pub pull: Option<Pull>,
}

/// How a call shows who makes it, where that needs a call of its own.
pub(super) struct Token {
    pub request: Request,
    pub answer: Answer<()>,
    /// The setting without which no token is asked for.
    pub when: Option<String>,
    pub token: Place,
    /// Seconds.
    pub lifetime: Option<Place>,
}

pub(super) struct Open {
    pub request: Request,
    /// None when a browser is sent.
    pub answer: Option<Answer<()>>,
    pub pay_url: Option<Place>,
    pub qr: Option<Place>,
}

/// What the answer's code says of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is in the answer.
    Read,
    /// The code says it.
    Stands(ReportStanding),
}

pub(super) struct Query {
    pub request: Request,
    pub answer: Answer<Told>,
    pub reading: Reading,
}

pub(super) struct Refund {
    pub request: Request,
    pub answer: Answer<RefundStanding>,
    pub provider_id: Option<Place>,
    /// Whether less than all can go back.
    pub partial: bool,
}

pub(super) struct Receipt {
    pub request: Request,
    pub answer: Answer<()>,
    pub url: Option<Place>,
    /// The setting with the base that takes the place of the receipt's own.
    pub base: Option<String>,
    /// Whether the provider's name of the payment has to be asked for first.
    pub ask_first: bool,
}

impl Profile {
    /// Reads a profile whose table stands at `profile`.
    pub(super) fn read(table: &Table) -> Result<Self, Vec<SettingError>> {
        let errors = Errors::default();
        let part = Part::new(table, "profile".to_owned(), &errors);
        let settings = Declared::read(&part);
        let scope = Scope { topics: &[], settings: &settings, errors: &errors };
        let amounts = (amount(&part, "least", 1), amount(&part, "most", Dong::MOST.get()));
        let token = part.part("token").and_then(|part| Token::read(part, scope));
        let open = part.needed_part("open").and_then(|part| Open::read(part, scope));
        let query = part.part("query").and_then(|part| Query::read(part, scope));
        let refund = part.part("refund").and_then(|part| Refund::read(part, scope, REFUNDS));
        let query_refund = part.part("query_refund").and_then(|part| Refund::read(part, scope, REFUND_STANDINGS));
        let receipt = part.part("receipt").and_then(|part| Receipt::read(part, scope));
        if receipt.as_ref().is_some_and(|receipt| receipt.ask_first) && !part.has("query") {
            part.fail("receipt.ask_first", Problem::Expected("a table query to ask with"));
        }
        let callback = part.part("callback").and_then(|part| {
            let callback = Callback::read(&part, scope);
            part.finish();
            callback
        });
        let pull = part.part("pull").and_then(|part| {
            let pull = Pull::read(&part, scope);
            part.finish();
            pull
        });
        // Something has to say for certain what became of an order.
        if !part.has("query") && !callback.as_ref().is_some_and(Callback::proves) {
            part.fail("query", Problem::Missing);
        }
        part.finish();
        let found = errors.into_inner();
        match open {
            Some(open) if found.is_empty() => {
                Ok(Self { amounts, settings, token, open, query, refund, query_refund, receipt, callback, pull })
            }
            _ => Err(found),
        }
    }
}

const REFUNDS: &[(&str, RefundStanding)] =
    &[("done", RefundStanding::Done), ("pending", RefundStanding::Pending), ("refused", RefundStanding::Refused)];

const REFUND_STANDINGS: &[(&str, RefundStanding)] = &[
    ("done", RefundStanding::Done),
    ("pending", RefundStanding::Pending),
    ("refused", RefundStanding::Refused),
    ("not_found", RefundStanding::NotFound),
];

impl Token {
    fn read(part: Part<'_>, scope: Scope<'_>) -> Option<Self> {
        let request = Request::read(&part, scope, ASK);
        let when = part.text("when").map(str::to_owned);
        if when.as_ref().is_some_and(|key| scope.settings.topic(key).is_none()) {
            part.fail("when", Problem::Expected("the name of a setting of this profile"));
        }
        let answer = part.needed_part("answer").and_then(|part| {
            let answer = Answer::read(&part, scope, &[("ok", ())], "ok, refused or later");
            let (token, lifetime) = (Place::needed(&part, "token"), Place::read(&part, "lifetime"));
            part.finish();
            Some((answer?, token?, lifetime))
        });
        part.finish();
        let (answer, token, lifetime) = answer?;
        Some(Self { request: request?, answer, when, token, lifetime })
    }
}

impl Open {
    fn read(part: Part<'_>, scope: Scope<'_>) -> Option<Self> {
        let request = Request::read(&part, with(scope, &[Topic::Order]), OPEN);
        let redirect = request.as_ref().is_some_and(|request| request.method == Method::Redirect);
        let inside = if redirect { None } else { part.needed_part("answer") };
        let read = |part: Part<'_>| {
            let answer = Answer::read(&part, scope, &[("ok", ())], "ok, refused or later");
            let (pay_url, qr) = (Place::needed(&part, "pay_url"), Place::read(&part, "qr"));
            part.finish();
            (answer, pay_url, qr)
        };
        let (answer, pay_url, qr) = inside.map_or((None, None, None), read);
        part.finish();
        Some(Self { request: request?, answer, pay_url, qr })
    }
}

impl Query {
    fn read(part: Part<'_>, scope: Scope<'_>) -> Option<Self> {
        let request = Request::read(&part, with(scope, &[Topic::Order]), ASK);
        let answer = part.needed_part("answer").and_then(|part| {
            let stands = STANDINGS.iter().map(|(word, standing)| (*word, Told::Stands(*standing)));
            let words: Vec<_> = [("read", Told::Read)].into_iter().chain(stands).collect();
            let expected = "read, pending, unclear, paid, failed, not_found, refunded, refused or later";
            let answer = Answer::read(&part, scope, &words, expected)?;
            let reading = Reading::read(&part);
            if answer.says(|told| told == Told::Read) && !part.has("standing") {
                part.fail("standing", Problem::Missing);
            }
            part.finish();
            Some((answer, reading))
        });
        part.finish();
        let (answer, reading) = answer?;
        Some(Self { request: request?, answer, reading })
    }
}

impl Refund {
    fn read(part: Part<'_>, scope: Scope<'_>, words: &[(&str, RefundStanding)]) -> Option<Self> {
        let request = Request::read(&part, with(scope, &[Topic::Order, Topic::Refund]), ASK);
        let partial = part.flag("partial");
        let answer = part.needed_part("answer").and_then(|part| {
            if !part.has("code") {
                part.fail("code", Problem::Missing);
            }
            let answer =
                Answer::read(&part, scope, words, "done, pending, refused or later (when asked: not_found too)");
            let provider_id = Place::read(&part, "provider_id");
            part.finish();
            Some((answer?, provider_id))
        });
        part.finish();
        let (answer, provider_id) = answer?;
        Some(Self { request: request?, answer, provider_id, partial })
    }
}

impl Receipt {
    fn read(part: Part<'_>, scope: Scope<'_>) -> Option<Self> {
        let ask_first = part.flag("ask_first");
        let topics: &[Topic] = if ask_first { &[Topic::Order, Topic::Report] } else { &[Topic::Order] };
        let request = Request::read(&part, with(scope, topics), ASK);
        let answer = part.needed_part("answer").and_then(|part| {
            let answer = Answer::read(&part, scope, &[("ok", ())], "ok, refused or later");
            let url = Place::read(&part, "url");
            let base = part.text("base").map(str::to_owned);
            if base.as_ref().is_some_and(|base| scope.settings.topic(base) != Some(Topic::Setting)) {
                part.fail("base", Problem::Expected("the name of a setting of the kind text or address"));
            }
            part.finish();
            Some((answer?, url, base))
        });
        part.finish();
        let (answer, url, base) = answer?;
        Some(Self { request: request?, answer, url, base, ask_first })
    }
}

fn with<'a>(scope: Scope<'a>, topics: &'a [Topic]) -> Scope<'a> {
    Scope { topics, ..scope }
}

fn amount(part: &Part<'_>, key: &str, default: i64) -> i64 {
    let amount = part.get(key).map_or(Some(default), Value::as_integer);
    let amount = amount.filter(|amount| *amount > 0 && Dong::new(*amount).is_some());
    if amount.is_none() {
        part.fail(key, Problem::Expected("an amount in whole đồng"));
    }
    amount.unwrap_or(default)
}

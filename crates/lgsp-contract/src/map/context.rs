//! What a map may know besides the message: given by whoever runs it, named with `$`.
//!
//! There is no clock here: `$now` is what the caller says.

use std::borrow::Cow;

use lgsp_model::Timestamp;

use super::error::{MapProblem, nearest};

/// The values behind `$name` for one run. What is not given is absent.
#[derive(Clone, Copy, Default)]
pub struct Context<'a> {
    /// `$trace`: the id of this call in logs.
    pub trace: Option<&'a str>,
    /// `$now`: when the call came; printed in Vietnam's offset with milliseconds.
    pub now: Option<Timestamp>,
    /// `$member`: who calls.
    pub member: Option<&'a str>,
    /// `$person`: in whose name the member calls, when somebody signed in.
    pub person: Option<&'a str>,
    /// `$agency`: the caller's agency code.
    pub agency: Option<&'a str>,
    /// `$service`: the contract's id.
    pub service: Option<&'a str>,
    /// `$operation`: the operation's name.
    pub operation: Option<&'a str>,
    /// `$message`: the id of a message in queue mode.
    pub message: Option<&'a str>,
    /// `$status`: the status code of the upstream's reply.
    pub status: Option<u16>,
    /// `$query.NAME`: decoded; the first of a name counts.
    pub query: &'a [(Cow<'a, str>, Cow<'a, str>)],
    /// `$path.NAME`: the parameters of the operation's path.
    pub path: &'a [(Cow<'a, str>, Cow<'a, str>)],
    /// `$header.NAME`: request headers; case does not matter.
    pub headers: &'a [(Cow<'a, str>, Cow<'a, str>)],
    /// The key of `digest(…)`. Without one, whoever knows all possible values can find the value of a digest.
    pub digest_key: &'a [u8],
}

/// One row of the reference: a name and what it is.
pub(super) const NAMES: &[(&str, &str)] = &[
    ("trace", "the id of this call in logs"),
    ("now", "when the call came: `2026-11-21T15:04:05.123+07:00`"),
    ("member", "who calls"),
    ("person", "in whose name, when somebody signed in: his account's name towards the member"),
    ("agency", "the caller's agency code"),
    ("service", "the contract's id"),
    ("operation", "the operation's name"),
    ("message", "the id of the message in queue mode"),
    ("status", "the status code of the upstream's reply"),
    ("query.NAME", "a parameter of the query; the first of that name"),
    ("path.NAME", "a parameter of the operation's path"),
    ("header.NAME", "a header of the request; case does not matter"),
];

/// A name behind `$`, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Trace,
    Now,
    Member,
    Person,
    Agency,
    Service,
    Operation,
    Message,
    Status,
    Query(Box<str>),
    Path(Box<str>),
    Header(Box<str>),
}

impl Name {
    pub(super) fn resolve(name: &str) -> Result<Self, MapProblem> {
        let found = match name.split_once('.') {
            None => match name {
                "trace" => Some(Self::Trace),
                "now" => Some(Self::Now),
                "member" => Some(Self::Member),
                "person" => Some(Self::Person),
                "agency" => Some(Self::Agency),
                "service" => Some(Self::Service),
                "operation" => Some(Self::Operation),
                "message" => Some(Self::Message),
                "status" => Some(Self::Status),
                _ => None,
            },
            Some((_, "")) => None,
            Some(("query", name)) => Some(Self::Query(name.into())),
            Some(("path", name)) => Some(Self::Path(name.into())),
            Some(("header", name)) => Some(Self::Header(name.into())),
            Some(_) => None,
        };
        found.ok_or_else(|| MapProblem::NoContext {
            name: name.to_owned(),
            nearest: nearest(name, NAMES.iter().map(|(name, _)| *name)),
        })
    }

    /// The value in `context`.
    pub(super) fn value<'a>(&self, context: &'a Context<'a>) -> Option<Cow<'a, str>> {
        let plain = |value: Option<&'a str>| value.map(Cow::Borrowed);
        match self {
            Self::Trace => plain(context.trace),
            Self::Now => context.now.map(|now| Cow::Owned(now.to_string())),
            Self::Member => plain(context.member),
            Self::Person => plain(context.person),
            Self::Agency => plain(context.agency),
            Self::Service => plain(context.service),
            Self::Operation => plain(context.operation),
            Self::Message => plain(context.message),
            Self::Status => context.status.map(|status| Cow::Owned(status.to_string())),
            Self::Query(name) => plain(find(context.query, |given| given == &**name)),
            Self::Path(name) => plain(find(context.path, |given| given == &**name)),
            Self::Header(name) => plain(find(context.headers, |given| given.eq_ignore_ascii_case(name))),
        }
    }

    /// As findings name it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Trace => "$trace".to_owned(),
            Self::Now => "$now".to_owned(),
            Self::Member => "$member".to_owned(),
            Self::Person => "$person".to_owned(),
            Self::Agency => "$agency".to_owned(),
            Self::Service => "$service".to_owned(),
            Self::Operation => "$operation".to_owned(),
            Self::Message => "$message".to_owned(),
            Self::Status => "$status".to_owned(),
            Self::Query(name) => format!("$query.{name}"),
            Self::Path(name) => format!("$path.{name}"),
            Self::Header(name) => format!("$header.{name}"),
        }
    }
}

fn find<'a>(pairs: &'a [(Cow<'a, str>, Cow<'a, str>)], is: impl Fn(&str) -> bool) -> Option<&'a str> {
    pairs.iter().find(|(name, _)| is(name)).map(|(_, value)| &**value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_reference_is_known_and_shown_as_it_is_written() {
        for (name, _) in NAMES {
            let resolved = Name::resolve(name).unwrap();
            assert_eq!(resolved.shown(), format!("${name}"));
            assert_eq!(resolved.value(&Context::default()), None);
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest() {
        for (name, expected) in [("trac", Some("trace")), ("query.", None), ("secret.x", None)] {
            let problem = Name::resolve(name).unwrap_err();
            assert_eq!(problem, MapProblem::NoContext { name: name.to_owned(), nearest: expected });
        }
    }

    #[test]
    fn names_of_headers_are_found_in_any_case_and_others_only_as_they_are() {
        let pairs =
            [(Cow::Borrowed("X-Officer"), Cow::Borrowed("an")), (Cow::Borrowed("X-Officer"), Cow::Borrowed("b"))];
        let context = Context { query: &pairs, headers: &pairs, ..Context::default() };
        let value = |name| Name::resolve(name).unwrap().value(&context);
        assert_eq!(value("header.x-officer").as_deref(), Some("an"));
        assert_eq!(value("query.X-Officer").as_deref(), Some("an"));
        assert_eq!(value("query.x-officer"), None);
    }
}

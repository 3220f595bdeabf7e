//! A call as a profile describes it: where it goes, in which encoding, with which headers, fields and signature.
//!
//! It is made into bytes here and sent by the caller.

use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value as Json};

use super::super::caller::Message as Body;
use super::super::provider::PayFailure;
use super::field::{Field, Fields, Misfit, flat};
use super::message::{ENCODINGS, Encoding};
use super::reader::Part;
use super::signature::Signature;
use super::template::{Flaw, Scope, Template};
use super::values::{Facts, Topic};
use crate::form;
use crate::place::Place;
use crate::redact::own_cause;
use crate::settings::Problem;

/// How a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    /// By the citizen's browser: the gateway asks nothing.
    Redirect,
}

/// A call.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub method: Method,
    /// The setting with the base of its address; the provider's own place when absent.
    base: Option<String>,
    path: Template,
    encoding: Encoding,
    headers: Vec<(HeaderName, Field)>,
    fields: Fields,
    skip_empty: bool,
    signature: Option<Signature>,
}

/// A call whose every value is written.
pub(super) struct Written {
    pub uri: Uri,
    /// The address with its query, as it was written.
    pub address: String,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    encoding: Encoding,
    fields: Map<String, Json>,
}

impl Request {
    /// The keys of a call inside its table. `topics` are at hand besides settings and the time.
    pub(super) fn read(part: &Part<'_>, scope: Scope<'_>, methods: &[(&str, Method)]) -> Option<Self> {
        let topics = |more: &[Topic]| -> Vec<Topic> { scope.topics.iter().chain(more).copied().collect() };
        let (open, secret) =
            (topics(&[Topic::Setting, Topic::Now]), topics(&[Topic::Setting, Topic::Secret, Topic::Now]));
        let shown = topics(&[Topic::Setting, Topic::Secret, Topic::Now, Topic::Token]);
        let method = part.word("method", methods, Some(Method::Post), "POST, GET, or REDIRECT where a browser is sent");
        let usual = if method == Some(Method::Post) { Encoding::Json } else { Encoding::Query };
        let encoding = part.word("encoding", ENCODINGS, Some(usual), "json, form or query");
        if encoding.is_some_and(|encoding| (encoding == Encoding::Query) != (method != Some(Method::Post))) {
            part.fail("encoding", Problem::Expected("query for GET and REDIRECT, json or form for POST"));
        }
        let base = part.text("base").map(str::to_owned);
        if base.as_ref().is_some_and(|base| !scope.settings.is_address(base)) {
            part.fail("base", Problem::Expected("the name of a setting of the kind address"));
        }
        let path = part.text("path").unwrap_or_default();
        let path = Template::parse(path, &part.path("path"), Scope { topics: &open, ..scope });
        // What stands in an address is logged on the way; what stands in a body is not.
        let inside = if encoding == Some(Encoding::Query) { &open } else { &secret };
        let inside = Scope { topics: inside, ..scope };
        let fields = Fields::read(part, "fields", inside);
        if encoding != Some(Encoding::Json)
            && let Some((name, _)) = fields.iter().find(|(name, _)| !fields.is_scalar(name))
        {
            part.fail(&format!("fields.{name}"), Problem::Expected("a text: forms and queries have no tables"));
        }
        let signature = Signature::read(part, inside, Some(&fields));
        if signature.as_ref().is_some_and(|signature| signature.name.contains('.') || fields.has(&signature.name)) {
            part.fail("signature.field", Problem::Expected("a name of its own among the fields"));
        }
        if encoding == Some(Encoding::Form) && fields.is_empty() {
            part.fail("fields", Problem::Expected("at least one field of a form"));
        }
        let headers = headers(part, Scope { topics: &shown, ..scope });
        let skip_empty = part.flag("skip_empty");
        Some(Self { method: method?, base, path: path?, encoding: encoding?, headers, fields, skip_empty, signature })
    }

    /// Writes it out.
    pub(super) fn write(&self, place: &Place, facts: &Facts<'_>) -> Result<Written, PayFailure> {
        let mut fields = self.fields.write(facts).map_err(|misfit| unfit(&misfit))?;
        if self.skip_empty {
            fields.retain(|_, value| value.as_str() != Some(""));
        }
        if let Some(signature) = &self.signature {
            let signed = signature.sign(&fields, facts).ok_or_else(|| unfit(&misfit(&signature.name)))?;
            fields.insert(signature.name.clone(), signed.into());
        }
        let base = self.base.as_ref().map_or(place.base.as_str(), |base| facts.settings.text(base));
        let path =
            self.path.write(facts).map_err(|flaw| unfit(&Misfit { field: "path".to_owned(), flaw }))?.to_string();
        let mut address = format!("{base}{path}");
        if path.contains(['?', '#']) || path.contains("..") {
            return Err(unfit(&misfit("path")));
        }
        if self.encoding == Encoding::Query && !fields.is_empty() {
            address = format!("{address}?{}", pairs(&fields));
        }
        let uri = place.rule.read(&address).ok_or_else(|| unfit(&misfit("path")))?;
        let headers = self.written_headers(facts)?;
        Ok(Written { uri, address, headers, encoding: self.encoding, fields })
    }

    fn written_headers(&self, facts: &Facts<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, PayFailure> {
        let known = self.headers.iter().filter(|(_, field)| !field.lacks(facts));
        let write = |(name, field): &(HeaderName, Field)| {
            let text = field.write(name.as_str(), facts).map_err(|misfit| unfit(&misfit))?;
            let mut value = HeaderValue::try_from(flat(&text)).map_err(|_| unfit(&misfit(name.as_str())))?;
            value.set_sensitive(true);
            Ok((name.clone(), value))
        };
        known.map(write).collect()
    }
}

impl Written {
    /// What is sent in the body.
    pub(super) fn body(&self) -> Body<'_> {
        match self.encoding {
            Encoding::Json => Body::Json(Json::Object(self.fields.clone()).to_string()),
            Encoding::Form => Body::Encoded(pairs(&self.fields)),
            Encoding::Query => Body::Nothing,
        }
    }
}

/// A value that does not fit is no fault of the provider's: nothing was sent, and nothing will be.
fn unfit(misfit: &Misfit) -> PayFailure {
    let Misfit { field, flaw } = misfit;
    PayFailure::Refused(own_cause("profile_value", format!("the value of {field} {}", flaw.as_str())))
}

fn misfit(field: &str) -> Misfit {
    Misfit { field: field.to_owned(), flaw: Flaw::Unfit }
}

fn headers(part: &Part<'_>, scope: Scope<'_>) -> Vec<(HeaderName, Field)> {
    let Some(headers) = part.part("headers") else { return Vec::new() };
    let mut found = Vec::new();
    for (name, value) in headers.entries() {
        let Ok(header) = HeaderName::try_from(name) else {
            headers.fail(name, Problem::Expected("the name of a header"));
            continue;
        };
        found.extend(Field::parse(value, &headers.path(name), scope, 0).map(|field| (header, field)));
    }
    found
}

fn pairs(fields: &Map<String, Json>) -> String {
    let pair =
        |(name, value): (&String, &Json)| format!("{}={}", form::form_encoded(name), form::form_encoded(&flat(value)));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

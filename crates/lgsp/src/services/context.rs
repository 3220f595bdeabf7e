//! What a call tells the maps of its contract: parameters, headers, who asks, when.

use std::borrow::Cow;

use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use lgsp_contract::{MapContext, Mode};

use super::call::Call;

/// The texts of one call.
pub(super) struct Facts {
    query: Vec<Pair>,
    path: Vec<Pair>,
    headers: Vec<Pair>,
    agency: Option<String>,
    trace: String,
    message: Option<&'static str>,
}

type Pair = (Cow<'static, str>, Cow<'static, str>);

impl Facts {
    pub(super) fn of(call: &Call<'_>, parts: &Parts, parameters: &[(String, String)]) -> Self {
        let agency = call.caller.member.agencies.only().map(ToString::to_string);
        if call.operation.mode() == Mode::Queue {
            // A stored message is mapped when it is delivered. What passes now has to pass then, when there is no request
            // any more and the message has a number.
            let (message, trace) = (Some("0"), call.trace.id_hex());
            return Self { query: Vec::new(), path: Vec::new(), headers: Vec::new(), agency, trace, message };
        }
        let owned = |(name, value): (String, String)| -> Pair { (Cow::Owned(name), Cow::Owned(value)) };
        let query = crate::form::pairs(parts.uri.query().unwrap_or_default()).into_iter().map(owned).collect();
        let decoded = |text: &str| crate::form::decode(&text.replace('+', "%2B")).unwrap_or_default();
        let path = parameters.iter().map(|(name, value)| owned((name.clone(), decoded(value)))).collect();
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            Some(owned((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        };
        let wanted = call.operation.wants_headers();
        let headers = parts.headers.iter().filter(|_| wanted).filter_map(header).collect();
        Self { query, path, headers, agency, trace: call.trace.id_hex(), message: None }
    }

    pub(super) fn context<'c>(&'c self, call: &'c Call<'_>) -> MapContext<'c> {
        MapContext {
            trace: Some(&self.trace),
            now: Some(call.now),
            member: Some(call.caller.member.id.as_str()),
            person: call.caller.subject(),
            agency: self.agency.as_deref(),
            service: Some(call.service.id()),
            operation: Some(call.operation.name()),
            message: self.message,
            status: None,
            query: &self.query,
            path: &self.path,
            headers: &self.headers,
            digest_key: call.app.digest_key(),
        }
    }
}

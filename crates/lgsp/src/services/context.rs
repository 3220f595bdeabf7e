//! What a call tells the maps of its contract: parameters, headers, who asks, when.

use std::borrow::Cow;

use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use lgsp_contract::MapContext;

use super::call::Call;

/// The texts of one call.
pub(super) struct Facts {
    query: Vec<Pair>,
    path: Vec<Pair>,
    headers: Vec<Pair>,
    agency: Option<String>,
    trace: String,
}

type Pair = (Cow<'static, str>, Cow<'static, str>);

impl Facts {
    pub(super) fn of(call: &Call<'_>, parts: &Parts, parameters: &[(String, String)]) -> Self {
        let owned = |(name, value): (String, String)| -> Pair { (Cow::Owned(name), Cow::Owned(value)) };
        let query = crate::form::pairs(parts.uri.query().unwrap_or_default()).into_iter().map(owned).collect();
        let decoded = |text: &str| crate::form::decode(&text.replace('+', "%2B")).unwrap_or_default();
        let path = parameters.iter().map(|(name, value)| owned((name.clone(), decoded(value)))).collect();
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            Some(owned((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        };
        let wanted = call.operation.wants_headers();
        let headers = parts.headers.iter().filter(|_| wanted).filter_map(header).collect();
        let agency = call.caller.member.agencies.only().map(ToString::to_string);
        Self { query, path, headers, agency, trace: call.trace.id_hex() }
    }

    pub(super) fn context<'c>(&'c self, call: &'c Call<'_>) -> MapContext<'c> {
        MapContext {
            trace: Some(&self.trace),
            now: Some(call.now),
            member: Some(call.caller.member.id.as_str()),
            agency: self.agency.as_deref(),
            service: Some(call.service.id()),
            operation: Some(call.operation.name()),
            message: None,
            status: None,
            query: &self.query,
            path: &self.path,
            headers: &self.headers,
            digest_key: call.app.digest_key(),
        }
    }
}

//! CAS 3 (Apereo's protocol 3.0), the older sign-in of some provinces' officers.
//!
//! A ticket is all that comes back; who it is, the provider says in XML. There is no signature: what is said is believed
//! because of where it was asked. Proxied tickets are not taken.

use std::sync::Arc;

use bytes::Bytes;
use hyper::Uri;
use lgsp_model::Timestamp;
use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Map, Value, json};
use toml::Table;

use super::ProviderBuilder;
use super::callback::{self, IssuerParameter};
use super::caller::{Caller, Shown, What};
use super::claims::{Claim, ClaimNames, DefaultNames, text_of};
use super::failure::{ProviderFailure, denied, malformed, refused, untrusted};
use super::provider::{Authenticated, IdentityProvider, LoginReturn, LoginStart};
use super::registration::place;
use crate::connector::ConnectFuture;
use crate::form;
use crate::settings::{Fields, SettingError};

/// Attributes as directories commonly call them.
const NAMES: DefaultNames = &[
    (Claim::Name, &["displayName", "name", "cn"]),
    (Claim::Email, &["mail", "email"]),
    (Claim::Phone, &["telephoneNumber", "phone"]),
    (Claim::Organisation, &["o", "organization"]),
];

/// The namespace of CAS's answers.
const NAMESPACE: &str = "http://www.yale.edu/tp/cas";

/// Elements and texts of an answer: some dozens of attributes.
const MOST_NODES: u32 = 2_000;

/// A user's name has at most so many characters, as a subject of OpenID Connect.
const SUBJECT_CHARS: usize = 255;

/// Why a ticket is refused, by the protocol (2.5.3).
const REFUSALS: &[(&str, &str)] = &[
    ("INVALID_REQUEST", "ticket_invalid_request"),
    ("INVALID_TICKET_SPEC", "ticket_invalid_ticket_spec"),
    ("UNAUTHORIZED_SERVICE_PROXY", "ticket_unauthorized_service_proxy"),
    ("INVALID_PROXY_CALLBACK", "ticket_invalid_proxy_callback"),
    ("INVALID_TICKET", "ticket_invalid_ticket"),
    ("INVALID_SERVICE", "ticket_invalid_service"),
    ("INTERNAL_ERROR", "ticket_internal_error"),
];

struct Cas {
    names: ClaimNames,
    login: Uri,
    validate: Uri,
    logout: Uri,
    caller: Caller,
}

pub(super) fn check(table: &Table) -> Result<ProviderBuilder, Vec<SettingError>> {
    let mut fields = Fields::new(table);
    let place = place(&mut fields, "url");
    let names = ClaimNames::configured(NAMES, &mut fields);
    let mut below = |key, default| place.as_ref().and_then(|place| place.below(&mut fields, key, default));
    let login = below("login_path", "/login");
    let validate = below("validate_path", "/p3/serviceValidate");
    let logout = below("logout_path", "/logout");
    fields.known(&["login_path", "validate_path", "logout_path"]);
    let errors = fields.finish();
    match (place, login, validate, logout, errors.is_empty()) {
        (Some(place), Some(login), Some(validate), Some(logout), true) => Ok(Box::new(move |clock| {
            let caller = Caller::build(place.timeout, place.rule.reach, place.needs_tls(), clock)?;
            Ok(Arc::new(Cas { names, login, validate, logout, caller }))
        })),
        _ => Err(errors),
    }
}

/// The address that a ticket is for: it carries the state, because CAS itself has none.
fn service(redirect_uri: &str, state: &str) -> String {
    form::with_query(redirect_uri, &[("state", state)])
}

impl Cas {
    async fn log_in(&self, came: &LoginReturn<'_>) -> Result<Authenticated, ProviderFailure> {
        let ticket = callback::read(came, IssuerParameter::None, "ticket")?;
        let ticket = ticket.ok_or_else(|| denied("no_ticket", "the person came back without a ticket"))?;
        let service = service(came.redirect_uri, came.state);
        let asked = form::with_query(&self.validate.to_string(), &[("service", &service), ("ticket", ticket)]);
        let asked: Uri = asked.parse().map_err(|_| malformed("code", "the ticket cannot stand in an address"))?;
        let body = self.caller.get(What::Ticket, &asked, Shown::Nothing).await?;
        let (user, attributes) = read(&body)?;
        let raw = json!({"cas": {"user": &user, "attributes": &attributes}}).to_string();
        Ok(Authenticated {
            person: self.names.person(user, &|name| text_of(&attributes, name))?,
            raw: Bytes::from(raw),
            id_token: None,
            sid: None,
            auth_time: text_of(&attributes, "authenticationDate").and_then(|text| instant(&text)),
        })
    }
}

/// Java writes the zone's name behind the time, in brackets.
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.split('[').next().unwrap_or(text);
    text.parse::<jiff::Timestamp>().ok().map(|at| Timestamp(at.as_millisecond()))
}

fn read(body: &[u8]) -> Result<(String, Map<String, Value>), ProviderFailure> {
    let unreadable = || malformed("ticket", "the provider's answer to the ticket cannot be read");
    let text = std::str::from_utf8(body).map_err(|_| unreadable())?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|_| unreadable())?;
    let root = document.root_element();
    if !root.has_tag_name((NAMESPACE, "serviceResponse")) {
        return Err(unreadable());
    }
    if let Some(failure) = child(root, "authenticationFailure") {
        let code = failure.attribute("code").and_then(|code| REFUSALS.iter().find(|(name, _)| *name == code));
        let code = code.map_or("ticket_error", |(_, code)| *code);
        return Err(refused(code, "the provider refuses the ticket"));
    }
    let success = child(root, "authenticationSuccess").ok_or_else(unreadable)?;
    if child(success, "proxies").is_some() {
        return Err(untrusted("proxied", "the ticket was passed through another service"));
    }
    let user = child(success, "user").and_then(|node| node.text()).map(str::trim);
    let user = user.filter(|user| !user.is_empty() && user.chars().count() <= SUBJECT_CHARS);
    let user = user.ok_or_else(|| malformed("subject", "the provider does not say who it is"))?;
    let mut attributes = Map::new();
    for node in child(success, "attributes").iter().flat_map(Node::children).filter(Node::is_element) {
        let values = attributes.entry(node.tag_name().name()).or_insert_with(|| Value::Array(Vec::new()));
        if let (Some(values), Some(text)) = (values.as_array_mut(), node.text()) {
            values.push(text.into());
        }
    }
    Ok((user.to_owned(), attributes))
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.has_tag_name((NAMESPACE, name)))
}

impl IdentityProvider for Cas {
    fn begin<'a>(&'a self, start: &'a LoginStart<'a>) -> ConnectFuture<'a, Result<String, ProviderFailure>> {
        Box::pin(async move {
            let service = service(start.redirect_uri, start.state);
            let mut fields = vec![("service", service.as_str())];
            fields.extend(start.fresh.then_some(("renew", "true")));
            Ok(form::with_query(&self.login.to_string(), &fields))
        })
    }

    fn finish<'a>(&'a self, came: &'a LoginReturn<'a>) -> ConnectFuture<'a, Result<Authenticated, ProviderFailure>> {
        Box::pin(self.log_in(came))
    }

    fn logout_url(&self, _: Option<&str>, back_to: &str) -> Option<String> {
        Some(form::with_query(&self.logout.to_string(), &[("service", back_to)]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_a_provider_says_of_a_ticket_never_breaks(body: Vec<u8>, inner in "[<>/a-c&;!\\[\\]'= ]{0,120}") {
            prop_assert!(read(&body).is_err());
            let body = format!("<c:serviceResponse xmlns:c='{NAMESPACE}'>{inner}</c:serviceResponse>");
            prop_assert!(read(body.as_bytes()).is_err(), "nobody is let in by chance");
        }
    }
}

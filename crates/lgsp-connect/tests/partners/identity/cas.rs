//! CAS 3: tickets, and what the provider says of them in XML.

use std::sync::Arc;

use lgsp_connect::ProviderFailureKind::{Denied, Malformed, Refused, Untrusted};
use lgsp_connect::{IdentityProvider, LoginStart, check_provider};
use lgsp_model::{PersonKind, Timestamp};
use serde_json::{Value, json};

use super::stub::{Stub, parameter};
use super::{BACK, STATE, finish, said, start};

pub(super) fn provider(stub: &Stub, more: &str) -> Arc<dyn IdentityProvider> {
    let settings = format!("url = '{}/cas/'\nallow_private = true\n{more}", stub.base());
    check_provider("cas", &settings.parse().unwrap()).unwrap().build(stub.clock()).unwrap()
}

fn xml(inner: &str) -> String {
    format!("<?xml version='1.0'?><c:serviceResponse xmlns:c='http://www.yale.edu/tp/cas'>{inner}</c:serviceResponse>")
}

fn success(inner: &str) -> String {
    xml(&format!("<c:authenticationSuccess><c:user> canbo.thu </c:user>{inner}</c:authenticationSuccess>"))
}

const TICKET: &str = "ST-1 &service=evil#+ệ%";

async fn answered(cas: String, more: &str) -> Result<lgsp_connect::Authenticated, lgsp_connect::ProviderFailure> {
    let stub = Stub::start().await;
    stub.play(|play| play.cas = cas);
    finish(&provider(&stub, more), &[("state", STATE), ("ticket", TICKET)]).await
}

#[tokio::test]
async fn an_officer_signs_in_by_a_ticket() {
    let stub = Stub::start().await;
    stub.play(|play| {
        play.cas = success(
            "<c:attributes><c:authenticationDate>2023-11-14T22:10:00Z[UTC]</c:authenticationDate>\
             <c:displayName>Cán Bộ &amp; Thử</c:displayName><c:mail>canbo@example.vn</c:mail><c:nhom>a</c:nhom>\
             <c:nhom>b</c:nhom><c:cccd>001090000001</c:cccd></c:attributes>",
        );
    });
    let cas = provider(&stub, "[claims]\nidentity_number = 'cccd'\norganisation = 'nhom'");
    let url = cas.begin(&start()).await.unwrap();
    let service = format!("{BACK}?state={STATE}");
    assert!(url.starts_with(&format!("{}/cas/login?service=", stub.base())), "{url}");
    assert_eq!(parameter(url.split_once('?').unwrap().1, "service").as_deref(), Some(service.as_str()));
    let fresh = cas.begin(&LoginStart { fresh: true, ..start() }).await.unwrap();
    assert!(fresh.ends_with("&renew=true"), "{fresh}");

    let came = finish(&cas, &[("state", STATE), ("ticket", TICKET)]).await.unwrap();
    let [call] = stub.calls("/cas/p3/serviceValidate").try_into().unwrap();
    assert_eq!(parameter(&call.query, "ticket").as_deref(), Some(TICKET), "nothing in a ticket ends it");
    assert_eq!(parameter(&call.query, "service").as_deref(), Some(service.as_str()), "the very one of the beginning");
    assert_eq!(call.query.matches("service=").count(), 1);

    assert_eq!((came.person.subject.as_str(), came.person.kind), ("canbo.thu", PersonKind::Officer));
    assert_eq!(came.person.name.as_deref(), Some("Cán Bộ & Thử"));
    assert_eq!(came.person.identity_number.as_deref(), Some("001090000001"));
    assert_eq!(came.person.organisation, None, "of several values none is the one");
    assert_eq!(came.auth_time, Some(Timestamp(1_699_999_800_000)));
    let raw: Value = serde_json::from_slice(&came.raw).unwrap();
    assert_eq!(raw["cas"]["attributes"]["nhom"], json!(["a", "b"]));
    assert_eq!(cas.logout_url(None, BACK).unwrap().split_once('?').unwrap().0, format!("{}/cas/logout", stub.base()));
}

#[tokio::test]
async fn a_user_without_attributes_is_a_user() {
    let came = answered(success(""), "kind_default = 'organisation'").await.unwrap();
    assert_eq!((came.person.kind, came.person.name), (PersonKind::Organisation, None));
}

#[tokio::test]
async fn what_is_no_success_is_none() {
    let failure = |code: &str| xml(&format!("<c:authenticationFailure code='{code}'>ST-1</c:authenticationFailure>"));
    let bomb = "<!DOCTYPE x [<!ENTITY a 'aaaa'>]>";
    let other = |text: String| text.replace("http://www.yale.edu/tp/cas", "urn:other");
    for (cas, kind, code) in [
        (failure("INVALID_TICKET"), Refused, "ticket_invalid_ticket"),
        (failure("INVALID_SERVICE"), Refused, "ticket_invalid_service"),
        (failure("Nguyễn"), Refused, "ticket_error"),
        (format!("{}{}", failure("INVALID_TICKET"), success("")), Malformed, "ticket"),
        (
            xml("<c:authenticationFailure/><c:authenticationSuccess><c:user>a</c:user></c:authenticationSuccess>"),
            Refused,
            "ticket_error",
        ),
        (format!("{bomb}{}", success("").split_once("?>").unwrap().1), Malformed, "ticket"),
        (success("<c:proxies><c:proxy>https://evil.example</c:proxy></c:proxies>"), Untrusted, "proxied"),
        (xml("<c:authenticationSuccess><c:user> </c:user></c:authenticationSuccess>"), Malformed, "subject"),
        (xml("<c:authenticationSuccess/>"), Malformed, "subject"),
        (xml(""), Malformed, "ticket"),
        (other(success("")), Malformed, "ticket"),
        (success("<c:a>"), Malformed, "ticket"),
        (success(&"<c:a/>".repeat(3000)), Malformed, "ticket"),
        (success(&format!("{}{}", "<a>".repeat(5000), "</a>".repeat(5000))), Malformed, "ticket"),
        (success(&" ".repeat(70_000)), Malformed, "answer_too_large"),
        ("yes\ncanbo".to_owned(), Malformed, "ticket"),
        (String::new(), Malformed, "ticket"),
    ] {
        let shown: String = cas.chars().take(200).collect();
        assert_eq!(said(answered(cas, "").await), (kind, code.to_owned()), "{shown}");
    }
}

#[tokio::test]
async fn only_a_ticket_of_this_login_is_shown() {
    for (pairs, kind, code) in [
        (&[("ticket", TICKET)][..], Untrusted, "state"),
        (&[("ticket", TICKET), ("state", "other")], Untrusted, "state"),
        (&[("state", STATE), ("ticket", "")], Malformed, "code"),
        // CAS has no word for a person who gave up: the browser comes back without a ticket.
        (&[("state", STATE)], Denied, "no_ticket"),
    ] {
        let stub = Stub::start().await;
        stub.play(|play| play.cas = success(""));
        assert_eq!(said(finish(&provider(&stub, ""), pairs).await), (kind, code.to_owned()), "{pairs:?}");
        assert!(stub.calls("/serviceValidate").is_empty());
    }
}

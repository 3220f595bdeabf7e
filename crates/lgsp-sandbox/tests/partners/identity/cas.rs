//! CAS: tickets, their validation, and answers that break its rules.

use lgsp_sandbox::{CasFault, Sandbox};
use reqwest::{StatusCode, Url};
use roxmltree::{Document, ParsingOptions};

use super::super::sandbox;
use super::http;

const SERVICE: &str = "https://lgsp.example/callback?state=s1";
const NAMESPACE: &str = "http://www.yale.edu/tp/cas";

fn at(sandbox: &Sandbox, path: &str, pairs: &[(&str, &str)]) -> Url {
    Url::parse_with_params(&sandbox.url(&format!("/identity/cas{path}")), pairs)
        .expect("a sandbox that answers in form")
}

/// Where a browser is sent after a choice.
async fn chosen(sandbox: &Sandbox, choice: (&str, &str)) -> Url {
    let url = at(sandbox, "/login", &[("service", SERVICE)]);
    let answer = http().post(url).form(&[choice]).send().await.expect("a sandbox that answers in form");
    assert_eq!(answer.status(), StatusCode::FOUND);
    Url::parse(answer.headers()["location"].to_str().expect("a sandbox that answers in form"))
        .expect("a sandbox that answers in form")
}

async fn ticket(sandbox: &Sandbox, person: &str) -> String {
    let back = chosen(sandbox, ("person", person)).await;
    assert!(back.as_str().starts_with(SERVICE), "{back}");
    back.query_pairs().find(|(name, _)| name == "ticket").expect("a sandbox that answers in form").1.into_owned()
}

async fn validated(sandbox: &Sandbox, path: &str, ticket: &str, service: &str) -> String {
    let url = at(sandbox, path, &[("service", service), ("ticket", ticket)]);
    http()
        .get(url)
        .send()
        .await
        .expect("a sandbox that answers in form")
        .text()
        .await
        .expect("a sandbox that answers in form")
}

/// The text of an element, or the code of a failure.
fn found(xml: &str, name: &str) -> Option<String> {
    let document = Document::parse_with_options(xml, ParsingOptions { allow_dtd: true, ..Default::default() })
        .expect("a sandbox that answers in form");
    let node = document.descendants().find(|node| node.has_tag_name((NAMESPACE, name)))?;
    Some(node.attribute("code").or(node.text()).unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_ticket_is_validated_once_for_its_service() {
    let sandbox = sandbox();
    let page = http().get(at(&sandbox, "/login", &[("service", SERVICE)])).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("<button name=\"person\" value=\"lan\">"), "{page}");
    let first = ticket(&sandbox, "lan").await;
    let xml = validated(&sandbox, "/p3/serviceValidate", &first, SERVICE).await;
    assert_eq!(found(&xml, "user").as_deref(), Some("lan"));
    assert_eq!(found(&xml, "displayName").as_deref(), Some("Ngô Thị Lan"));
    assert_eq!(found(&xml, "SoDinhDanh"), sandbox.cas().people()[0].identity_number);
    assert_eq!(found(&xml, "authenticationFailure"), None);
    let again = validated(&sandbox, "/p3/serviceValidate", &first, SERVICE).await;
    assert_eq!(found(&again, "authenticationFailure").as_deref(), Some("INVALID_TICKET"));

    let plain = ticket(&sandbox, "phuc").await;
    let xml = validated(&sandbox, "/serviceValidate", &plain, SERVICE).await;
    assert_eq!((found(&xml, "user").as_deref(), found(&xml, "attributes")), (Some("phuc"), None), "CAS 2 has none");

    let stolen = ticket(&sandbox, "lan").await;
    let elsewhere = validated(&sandbox, "/p3/serviceValidate", &stolen, "https://evil.example/").await;
    assert_eq!(found(&elsewhere, "authenticationFailure").as_deref(), Some("INVALID_SERVICE"));
    let burnt = validated(&sandbox, "/p3/serviceValidate", &stolen, SERVICE).await;
    assert_eq!(found(&burnt, "authenticationFailure").as_deref(), Some("INVALID_TICKET"));
    let unasked = http().get(at(&sandbox, "/p3/serviceValidate", &[])).send().await.unwrap().text().await.unwrap();
    assert_eq!(found(&unasked, "authenticationFailure").as_deref(), Some("INVALID_REQUEST"));
    sandbox.cas().change_settings(|settings| settings.ticket_lifetime_ms = 0);
    let late = ticket(&sandbox, "lan").await;
    let late = validated(&sandbox, "/p3/serviceValidate", &late, SERVICE).await;
    assert_eq!(found(&late, "authenticationFailure").as_deref(), Some("INVALID_TICKET"));
    let accepted: Vec<_> = sandbox.cas().sign_ins().iter().map(|sign_in| sign_in.accepted).collect();
    assert_eq!(accepted, [true, true, false, false]);
}

#[tokio::test]
async fn cas_sends_nobody_where_it_may_not() {
    let sandbox = sandbox();
    assert_eq!(chosen(&sandbox, ("cancel", "1")).await.as_str(), SERVICE, "no ticket");
    let silent = http().get(at(&sandbox, "/login", &[("service", SERVICE), ("gateway", "true")])).send().await.unwrap();
    assert_eq!(silent.headers()["location"], SERVICE);
    let out = http().get(at(&sandbox, "/logout", &[("service", SERVICE)])).send().await.unwrap();
    assert_eq!((out.status(), &out.headers()["location"]), (StatusCode::FOUND, &SERVICE.parse().unwrap()));
    let services = vec!["https://lgsp.example/callback".to_owned()];
    sandbox.cas().change_settings(|settings| settings.services = services);
    ticket(&sandbox, "lan").await;
    for path in ["/login", "/logout"] {
        let evil = http().get(at(&sandbox, path, &[("service", "https://evil.example/?x")])).send().await.unwrap();
        assert_eq!((evil.status(), evil.headers().get("location")), (StatusCode::BAD_REQUEST, None), "{path}");
    }
    assert_eq!(http().get(at(&sandbox, "/token", &[])).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn answers_break_the_rule_that_is_set() {
    let sandbox = sandbox();
    let spoilt = async |fault: CasFault| {
        sandbox.cas().change_settings(|settings| settings.spoil = Some(fault));
        let ticket = ticket(&sandbox, "lan").await;
        validated(&sandbox, "/p3/serviceValidate", &ticket, SERVICE).await
    };
    assert_eq!(found(&spoilt(CasFault::EmptyUser).await, "user").as_deref(), Some(""));
    assert_eq!(found(&spoilt(CasFault::MissingUser).await, "user"), None);
    let bare = spoilt(CasFault::NoNamespace).await;
    assert!(found(&bare, "user").is_none() && bare.contains("<user>lan</user>"), "{bare}");
    let entities = spoilt(CasFault::Entities).await;
    assert!(entities.starts_with("<!DOCTYPE") && Document::parse(&entities).is_err());
    assert_eq!(found(&entities, "user").as_deref(), Some("lan"), "for a reader that expands entities");
    let both = spoilt(CasFault::Both).await;
    assert!(found(&both, "user").is_some() && found(&both, "authenticationFailure").is_some());
}

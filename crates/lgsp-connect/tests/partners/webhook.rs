//! Receivers of Standard Webhooks.

use lgsp_connect::{CheckError, Known, Standing, check};
use lgsp_model::{EventKind, Outcome};

use crate::server::{Answer, Partner};
use crate::{build, event};

/// `whsec_` and the base64 of `0123456789abcdef0123456789abcdef`, and of the same text backwards.
const OLD: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const NEW: &str = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

fn settings(address: &str, more: &str) -> String {
    format!("url = 'http://{address}/hook'\nallow_private = true\ntimeout = '300ms'\n{more}")
}

#[tokio::test]
async fn a_change_is_signed_with_both_secrets_and_keeps_its_id() {
    let partner = Partner::start(|_| Answer::Status(204, &[])).await;
    let settings = settings(&partner.address.to_string(), &format!("secret = ['{OLD}', '{NEW}']"));
    let connector = build("webhook", &settings);
    let change = event(42, EventKind::Dossier, r#"{"MaHoSo":"x", "n":1.0}"#, Known::Unsure);
    for _ in 0..2 {
        let delivered = connector.deliver(EventKind::Dossier, std::slice::from_ref(&change)).await;
        assert_eq!((delivered.outcomes, delivered.standing), (vec![Outcome::Settled], Standing::Open));
    }
    let calls = partner.calls();
    let body = concat!(
        r#"{"type":"dossier.accepted","timestamp":"2023-11-15T05:13:20.123+07:00","data":{"cursor":"c42","seq":42,"#,
        r#""kind":"dossier","MaHoSo":"H56.14-240315-0007","agency":"H56.14","sender":"one-stop","#,
        r#""received_at":"2023-11-15T05:13:20.123+07:00","record":{"MaHoSo":"x", "n":1.0}}}"#
    );
    for call in &calls {
        assert_eq!(call.body, body);
        assert_eq!(call.headers["webhook-id"], "evt_42");
        assert_eq!(call.headers["webhook-timestamp"], "1700000000");
        assert_eq!(call.headers["traceparent"], "00-07070707070707070707070707070707-000000000000002a-01");
        // Worked out with Python's hmac and base64 over "evt_42.1700000000." and the body.
        assert_eq!(
            call.headers["webhook-signature"],
            "v1,GLTjr+RU0YsgUOImc9CAjyY9SuPAofKv+HeFxTCsBaM= v1,DQnsn/BZlidZKcs6l8yodSyPB8VTIYyuISHNKQtXGmk="
        );
    }
    assert_eq!(calls.len(), 2);
}

#[tokio::test]
async fn answers_other_than_success_are_failures_and_gone_means_stop() {
    for (status, gone) in [(410, true), (400, false), (301, false), (500, false)] {
        let partner = Partner::start(move |_| Answer::Status(status, &[("retry-after", "9")])).await;
        let connector = build("webhook", &settings(&partner.address.to_string(), &format!("secret = '{OLD}'")));
        let change = [event(1, EventKind::Progress, "{}", Known::Unsure)];
        let delivered = connector.deliver(EventKind::Progress, &change).await;
        let [Outcome::Deferred { cause, after }] = delivered.outcomes.as_slice() else { panic!("{delivered:?}") };
        assert_eq!((cause.code.clone(), after.map(|after| after.as_secs())), (format!("http_{status}"), Some(9)));
        assert_eq!(delivered.standing == Standing::Gone, gone);
    }
    let partner = Partner::start(|_| Answer::Silence).await;
    let connector = build("webhook", &settings(&partner.address.to_string(), &format!("secret = '{OLD}'")));
    let delivered = connector.deliver(EventKind::Status, &[event(1, EventKind::Status, "{}", Known::Unsure)]).await;
    assert!(matches!(delivered.outcomes.as_slice(), [Outcome::Unknown(_)]));
}

#[tokio::test]
async fn addresses_inside_are_refused_unless_allowed_as_number_and_as_name() {
    for host in ["127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254"] {
        let table = format!("url = 'http://{host}/x'\nsecret = '{OLD}'");
        let Err(CheckError::Settings(errors)) = check("webhook", &table.parse().unwrap()) else { panic!("{host}") };
        assert_eq!(errors[0].key, "url");
    }
    let partner = Partner::start(|_| Answer::Status(200, &[])).await;
    let port = partner.address.port();
    let connector = build("webhook", &format!("url = 'http://localhost:{port}/x'\nsecret = '{OLD}'"));
    let delivered = connector.deliver(EventKind::Status, &[event(1, EventKind::Status, "{}", Known::Unsure)]).await;
    assert!(matches!(delivered.outcomes.as_slice(), [Outcome::Deferred { cause, .. }] if cause.code == "connect"));
    assert!(partner.calls().is_empty());
}

#[test]
fn secrets_of_another_form_are_refused_without_being_repeated() {
    for secret in ["'geheim'", "'whsec_geheim'", "'whsec_c2hvcnQ='", "[]", "['a', 'b', 'c']", "7"] {
        let table = format!("url = 'https://example.org/x'\nsecret = {secret}");
        let Err(CheckError::Settings(errors)) = check("webhook", &table.parse().unwrap()) else { panic!("{secret}") };
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].key, "secret");
        assert!(!errors[0].to_string().contains("geheim"));
    }
}

#[tokio::test]
async fn a_reply_is_told_as_the_end_of_its_message_under_an_id_of_the_message() {
    let partner = Partner::start(|_| Answer::Status(204, &[])).await;
    let settings = settings(&partner.address.to_string(), &format!("secret = '{OLD}'"));
    let connector = build("webhook", &settings);
    let reply = r#"{"message_id":"42","outcome":"settled","body":{"n":1.0}}"#;
    // Written twice around a crash, and once more when it ended in another way.
    for (seq, payload) in [(50, reply), (51, reply), (52, &reply.replace("settled", "refused"))] {
        let event = event(seq, EventKind::Reply, payload, Known::Unsure);
        let delivered = connector.deliver(EventKind::Reply, &[event]).await;
        assert_eq!(delivered.outcomes, [Outcome::Settled]);
    }
    let calls = partner.calls();
    let ids: Vec<_> = calls.iter().map(|call| call.headers["webhook-id"].to_str().unwrap()).collect();
    assert_eq!(ids, ["msg_42_settled", "msg_42_settled", "msg_42_refused"]);
    let body = format!(r#"{{"type":"message.settled","timestamp":"2023-11-15T05:13:20.123+07:00","data":{reply}}}"#);
    assert_eq!(calls[0].body, body);
    assert!(calls[2].body.starts_with(r#"{"type":"message.refused""#));
}

#[tokio::test]
async fn a_reply_that_says_nothing_of_its_message_is_not_sent() {
    let partner = Partner::start(|_| Answer::Status(204, &[])).await;
    let settings = settings(&partner.address.to_string(), &format!("secret = '{OLD}'"));
    let connector = build("webhook", &settings);
    for payload in ["{}", "x", r#"{"message_id":"1","outcome":"lost"}"#, r#"{"message_id":"1\n2","outcome":"settled"}"#]
    {
        let event = event(1, EventKind::Reply, payload, Known::Unsure);
        let delivered = connector.deliver(EventKind::Reply, &[event]).await;
        assert!(matches!(delivered.outcomes.as_slice(), [Outcome::Refused(_)]), "{payload}: {delivered:?}");
    }
    assert!(partner.calls().is_empty());
}

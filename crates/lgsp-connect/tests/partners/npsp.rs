//! The national portal, as its clients have seen it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lgsp_connect::{Asked, CheckError, Connector, Known, Outgoing, QueryFailure, check};
use lgsp_model::{EventKind, Outcome};
use serde_json::{Value, json};

use crate::server::{Answer, Call, Partner};
use crate::{CODE, build, event};

const DONE: &str = r#"{"error_code":"0","message":"Đồng bộ hồ sơ thành công","result":[]}"#;
const RECORD: &str = r#"{ "MaHoSo" : "H56.14-240315-0007", "Tuỳ ý": [1.0, 1e2] }"#;
const STEP: &str =
    r#"{"MaHoSo":"H56.14-240315-0007","ThoiDiemXuLy":"20240315083000","TrangThai":"4","NoiDungXuLy":"Thẩm định"}"#;

fn settings(address: &str, more: &str) -> String {
    format!(
        "adapter_url = 'http://{address}/XrdAdapter/RestService/forward/'\nusername = 'lgsp'\npassword = 'geheim-1'\n\
         madonvi = 'H56'\n{more}"
    )
}

fn json_of(call: &Call) -> Value {
    serde_json::from_str(&call.body).unwrap()
}

fn service(call: &Call) -> String {
    json_of(call)["service"].as_str().unwrap_or("login").to_owned()
}

fn log_in() -> Answer {
    Answer::Reply(r#"{"error_code":0,"session":"phien-77","message":"ok"}"#.into())
}

/// A portal that answers every login well and everything else as the test says.
async fn portal(answer: impl Fn(&Call, usize) -> Answer + Send + Sync + 'static) -> (Partner, Arc<dyn Connector>) {
    let count = AtomicUsize::new(0);
    let partner = Partner::start(move |call| {
        if call.path.ends_with("mapi/login") {
            return log_in();
        }
        answer(call, count.fetch_add(1, Ordering::SeqCst))
    })
    .await;
    let connector = build("npsp", &settings(&partner.address.to_string(), "timeout = '300ms'"));
    (partner, connector)
}

fn dossier(known: Known) -> Outgoing {
    event(1, EventKind::Dossier, RECORD, known)
}

async fn deliver(connector: &Arc<dyn Connector>, event: Outgoing) -> Outcome {
    let kind = event.kind;
    connector.deliver(kind, &[event]).await.outcomes.remove(0)
}

fn code(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Settled => "settled",
        Outcome::Refused(cause) | Outcome::Unknown(cause) | Outcome::Deferred { cause, .. } => &cause.code,
    }
}

#[tokio::test]
async fn a_record_goes_out_byte_for_byte_in_the_envelope_that_portals_know() {
    let (partner, connector) = portal(|_, _| Answer::Reply(DONE.into())).await;
    assert_eq!(deliver(&connector, dossier(Known::No)).await, Outcome::Settled);
    let calls = partner.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].path, "/XrdAdapter/RestService/forward/mapi/login");
    assert_eq!(json_of(&calls[0]), json!({"username": "lgsp", "password": "geheim-1"}));
    let push = &calls[1];
    assert_eq!(push.query, "dstcode=VN:GOV:000.00.00.G22:vpcpdvcprovider");
    assert_eq!(push.headers["dstcode"], "VN:GOV:000.00.00.G22:vpcpdvcprovider");
    let expected = format!(
        r#"{{"session":"phien-77","madonvi":"H56","service":"DongBoHoSoMC","isUpdating":"False","data":[{RECORD}]}}"#
    );
    assert_eq!(push.body, expected);
}

#[tokio::test]
async fn what_exists_is_updated_and_what_is_missing_is_created() {
    for (known, first, text) in [
        (Known::No, "False", "Hồ sơ H56.14-240315-0007 đã tồn tại"),
        (Known::Yes, "True", "Hồ sơ không tồn tại trên hệ thống"),
    ] {
        let (partner, connector) = portal(move |_, n| match n {
            0 => Answer::Reply(json!({"error_code": "-1", "message": text}).to_string()),
            _ => Answer::Reply(DONE.into()),
        })
        .await;
        assert_eq!(deliver(&connector, dossier(known)).await, Outcome::Settled);
        let modes: Vec<_> =
            partner.calls().iter().filter_map(|call| json_of(call)["isUpdating"].as_str().map(String::from)).collect();
        let second = if first == "True" { "False" } else { "True" };
        assert_eq!(modes, [first, second]);
    }
}

#[tokio::test]
async fn a_batch_of_which_some_exist_is_sent_as_creates_and_updates() {
    let (partner, connector) = portal(|call, _| {
        let body = json_of(call);
        let there = call.body.contains(r#""MaHoSo":"b""#);
        match (body["isUpdating"].as_str(), there) {
            (Some("False"), true) => Answer::Reply(r#"{"error_code":3,"message":"đã tồn tại"}"#.into()),
            _ => Answer::Reply(DONE.into()),
        }
    })
    .await;
    let events = [
        event(1, EventKind::Dossier, r#"{"MaHoSo":"a"}"#, Known::No),
        event(2, EventKind::Dossier, r#"{"MaHoSo":"b"}"#, Known::No),
        event(3, EventKind::Dossier, r#"{"MaHoSo":"c"}"#, Known::Yes),
    ];
    let delivered = connector.deliver(EventKind::Dossier, &events).await;
    assert_eq!(delivered.outcomes, vec![Outcome::Settled; 3]);
    let pushes: Vec<_> = partner.calls().iter().map(json_of).filter(|body| body["data"].is_array()).collect();
    let shape: Vec<_> =
        pushes.iter().map(|body| (body["isUpdating"].clone(), body["data"].as_array().unwrap().len())).collect();
    let expected = [("False", 2), ("False", 1), ("False", 1), ("True", 1), ("True", 1)];
    assert_eq!(shape, expected.map(|(mode, n)| (json!(mode), n)));
}

#[tokio::test]
async fn when_nobody_knows_the_portal_is_asked_whether_it_has_the_dossier() {
    for (rows, mode) in [(json!([{"MAHOSO": CODE, "TRANGTHAIHOSO": "4"}]), "True"), (json!([]), "False")] {
        let (partner, connector) = portal(move |call, _| match service(call).as_str() {
            "TraCuuHoSo" => {
                Answer::Reply(json!({"error_code": "0", "message": "thành công", "result": rows}).to_string())
            }
            _ => Answer::Reply(DONE.into()),
        })
        .await;
        assert_eq!(deliver(&connector, dossier(Known::Unsure)).await, Outcome::Settled);
        let calls = partner.calls();
        assert_eq!(json_of(&calls[1])["mahoso"], CODE);
        assert_eq!(json_of(&calls[2])["isUpdating"], mode);
    }
}

#[tokio::test]
async fn each_status_and_each_way_to_fail_says_whether_the_call_may_have_worked() {
    for (status, expected) in [
        (502, "unknown http_502"),
        (504, "unknown http_504"),
        (500, "unknown http_500"),
        (408, "unknown http_408"),
        (400, "refused http_400"),
        (413, "refused http_413"),
        (404, "deferred http_404"),
        (403, "deferred http_403"),
        (401, "deferred session"),
    ] {
        let (_partner, connector) = portal(move |_, _| Answer::Status(status, &[])).await;
        let outcome = deliver(&connector, dossier(Known::No)).await;
        let name = match outcome {
            Outcome::Unknown(_) => "unknown",
            Outcome::Refused(_) => "refused",
            Outcome::Deferred { .. } => "deferred",
            Outcome::Settled => "settled",
        };
        assert_eq!(format!("{name} {}", code(&outcome)), expected);
    }
    let (_partner, connector) = portal(|_, _| Answer::Status(503, &[("retry-after", "17")])).await;
    let outcome = deliver(&connector, dossier(Known::No)).await;
    assert!(matches!(outcome, Outcome::Deferred { after: Some(after), .. } if after.as_secs() == 17));
    let (_partner, connector) = portal(|_, _| Answer::Reset).await;
    assert!(matches!(deliver(&connector, dossier(Known::No)).await, Outcome::Unknown(cause) if cause.code == "reset"));
}

#[tokio::test]
async fn a_portal_that_cannot_be_reached_has_certainly_taken_nothing() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let connector = build("npsp", &settings(&address, ""));
    let outcome = deliver(&connector, dossier(Known::No)).await;
    assert!(matches!(&outcome, Outcome::Deferred { cause, .. } if cause.code == "connect"), "{outcome:?}");
}

#[tokio::test]
async fn a_call_without_an_answer_is_unknown_and_the_portal_can_be_asked() {
    let (partner, connector) = portal(|call, _| match service(call).as_str() {
        "TraCuuHoSo" => Answer::Reply(
            json!({"error_code": 0, "message": {"d": "Tra cứu thành công"}, "result": [{"MAHOSO": CODE, "TIENDO": [
                {"THOIDIEMXULY": "20240315083000", "TRANGTHAI": 4, "NOIDUNGXULY": "Thẩm định"}]}]})
            .to_string(),
        ),
        _ => Answer::Silence,
    })
    .await;
    let step = event(5, EventKind::Progress, STEP, Known::Unsure);
    let outcome = deliver(&connector, step.clone()).await;
    assert!(matches!(&outcome, Outcome::Unknown(cause) if cause.code == "timeout"), "{outcome:?}");
    assert_eq!(connector.ask(&step).await, Asked::Same);
    let other = event(6, EventKind::Progress, &STEP.replace("0830", "0930"), Known::Unsure);
    assert_eq!(connector.ask(&other).await, Asked::Missing);
    assert_eq!(connector.ask(&dossier(Known::Unsure)).await, Asked::Differs);
    assert_eq!(connector.ask(&event(7, EventKind::Status, "{}", Known::Unsure)).await, Asked::CannotTell);
    let pushes = partner.calls().iter().filter(|call| service(call) == "CapNhatTienDoHoSoMC").count();
    assert_eq!(pushes, 1, "it is never repeated blindly");
}

#[tokio::test]
async fn a_portal_without_a_list_of_steps_cannot_tell_about_one() {
    let reply = json!({"error_code": "0", "message": "thành công", "result": [{"MAHOSO": CODE}]}).to_string();
    let (_partner, connector) = portal(move |_, _| Answer::Reply(reply.clone())).await;
    assert_eq!(connector.ask(&event(5, EventKind::Progress, STEP, Known::Unsure)).await, Asked::CannotTell);
    let refused = r#"{"error_code":"-3","message":"Lỗi hệ thống"}"#;
    let (_partner, connector) = portal(move |_, _| Answer::Reply(refused.into())).await;
    assert!(matches!(connector.ask(&dossier(Known::Unsure)).await, Asked::Deferred { .. }));
}

#[tokio::test]
async fn an_expired_session_is_renewed_once() {
    let expired = r#"{"error_code":"-1","message":"Session không hợp lệ hoặc đã hết hạn"}"#;
    let (partner, connector) = portal(move |_, n| match n {
        0 => Answer::Reply(expired.into()),
        _ => Answer::Reply(DONE.into()),
    })
    .await;
    assert_eq!(deliver(&connector, dossier(Known::No)).await, Outcome::Settled);
    assert_eq!(
        partner.calls().iter().map(service).collect::<Vec<_>>(),
        ["login", "DongBoHoSoMC", "login", "DongBoHoSoMC"]
    );

    let (partner, connector) = portal(move |_, _| Answer::Reply(expired.into())).await;
    let outcome = deliver(&connector, dossier(Known::No)).await;
    assert!(matches!(&outcome, Outcome::Deferred { cause, .. } if cause.code == "session"), "{outcome:?}");
    assert_eq!(partner.calls().len(), 4, "once, not for ever");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_share_one_login_and_one_failed_login() {
    let (partner, connector) = portal(|_, _| Answer::Reply(DONE.into())).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let connector = Arc::clone(&connector);
        tasks.spawn(async move { deliver(&connector, dossier(Known::No)).await });
    }
    assert!(tasks.join_all().await.iter().all(|outcome| *outcome == Outcome::Settled));
    assert_eq!(partner.calls().iter().filter(|call| service(call) == "login").count(), 1);

    let refused = r#"{"error_code":"-1","message":"Sai mật khẩu geheim-1 của 038012345678"}"#;
    let partner = Partner::start(move |_| Answer::Reply(refused.into())).await;
    let connector = build("npsp", &settings(&partner.address.to_string(), ""));
    let outcome = deliver(&connector, dossier(Known::No)).await;
    let Outcome::Deferred { cause, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!((cause.code.as_str(), cause.detail.as_str()), ("login_refused", "Sai mật khẩu *** của ***"));
}

#[tokio::test]
async fn catalogue_services_pass_through_and_their_name_is_ours() {
    let reply = r#"{"error_code":"0","message":"ok","result":[{"MATTHC":"1.003560"}]}"#;
    let (partner, connector) = portal(move |_, _| Answer::Reply(reply.into())).await;
    let parameters = json!({"maTTHC": "1.003560", "session": "mine", "service": "other"});
    let body = connector.query("LayThuTuc", parameters.as_object().unwrap()).await.unwrap();
    assert_eq!(body, reply);
    let expected = json!({"session": "phien-77", "madonvi": "H56", "service": "LayThuTuc", "maTTHC": "1.003560"});
    assert_eq!(json_of(&partner.calls()[1]), expected);

    let (_partner, connector) = portal(|_, _| Answer::Silence).await;
    let failure = connector.query("LayThuTuc", &serde_json::Map::new()).await.unwrap_err();
    assert!(matches!(failure, QueryFailure::Timeout(_)), "{failure:?}");
}

#[tokio::test]
async fn steps_go_as_a_list_and_notices_as_an_object() {
    let (partner, connector) = portal(|_, _| Answer::Reply("Cập nhật thành công".into())).await;
    let steps =
        [event(1, EventKind::Progress, STEP, Known::Unsure), event(2, EventKind::Progress, STEP, Known::Unsure)];
    assert_eq!(connector.deliver(EventKind::Progress, &steps).await.outcomes, vec![Outcome::Settled; 2]);
    assert_eq!(
        deliver(&connector, event(3, EventKind::Status, r#"{"MaHoSo":"x"}"#, Known::Unsure)).await,
        Outcome::Settled
    );
    let calls = partner.calls();
    assert_eq!(json_of(&calls[1])["data"].as_array().unwrap().len(), 2);
    let notice = json_of(&calls[2]);
    assert_eq!((&notice["type"], &notice["data"]), (&json!("2"), &json!({"MaHoSo": "x"})));
}

#[test]
fn settings_are_read_strictly_and_every_error_is_told() {
    let table =
        "adapter_url = 'portal'\nusername = ''\ntimeout = 6\nsession_ttl = '10 years'\ndossier_batch = 0\nsurprise = 1";
    let Err(CheckError::Settings(errors)) = check("npsp", &table.parse().unwrap()) else { panic!("accepted") };
    let keys: Vec<_> = errors.iter().map(|error| error.key.as_str()).collect();
    let expected =
        ["adapter_url", "username", "password", "madonvi", "dossier_batch", "timeout", "session_ttl", "surprise"];
    assert_eq!(keys, expected);
}

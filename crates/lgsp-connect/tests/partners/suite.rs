//! What every connector promises, whatever its partner speaks: one suite, run on each of them.
//!
//! What only one protocol has stands in the files of the families. A difference between families that the suite needs
//! to know is data of a [`Family`]; no case asks which one it runs on.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lgsp_connect::{Asked, Connector, FAMILIES, Known, Outgoing, QueryFailure, Standing};
use lgsp_model::{Cause, EventKind, Outcome};

use crate::server::{Answer, Call, Partner};
use crate::{CODE, build, event};

/// More than one, so that a batch is a batch where the family has any.
const BATCH: usize = 3;

/// The name, the identity number and the words in every record.
const VALUES: [&str; 3] = ["Nguyễn Thị Thử Nghiệm", "038012345678", "Xin cấp lại giấy tờ đã mất"];

/// Long enough for a busy machine: a case that does not wait for it never meets it.
const PATIENT: &str = "60s";

/// Short, because the case waits for it; long enough for the calls before the one that is not answered.
const SHORT: &str = "700ms";

/// A call that is not back by then has no deadline.
const LIMIT: Duration = Duration::from_secs(50);

/// The kinds that go to a partner.
const KINDS: [EventKind; 3] = [EventKind::Dossier, EventKind::Progress, EventKind::Status];

/// The clock of these tests stands 17 seconds before this date.
const PAUSES: [&[(&str, &str)]; 2] = [&[("retry-after", "17")], &[("retry-after", "Tue, 14 Nov 2023 22:13:37 GMT")]];

/// What the suite needs to know of a family.
trait Family {
    /// Its word in the configuration.
    const NAME: &'static str;
    /// What no cause may hold.
    const SECRETS: &'static [&'static str];

    fn settings(address: SocketAddr, timeout: &str) -> String;

    /// The answer to a call that carries no event and must succeed before one can be sent.
    fn before(call: &Call) -> Option<Answer>;

    /// The answer of a partner that takes what it is sent and has what it is asked for.
    fn good(call: &Call) -> String;

    /// What [`good`](Self::good) means for an event that is asked for.
    const HAS_IT: fn(EventKind) -> Asked;
}

struct Npsp;

impl Family for Npsp {
    const NAME: &'static str = "npsp";
    const SECRETS: &'static [&'static str] = &["geheim-1", "phien-77"];
    const HAS_IT: fn(EventKind) -> Asked = |kind| match kind {
        EventKind::Dossier => Asked::Differs,
        _ => Asked::CannotTell,
    };

    fn settings(address: SocketAddr, timeout: &str) -> String {
        format!(
            "adapter_url = 'http://{address}/'\nusername = 'lgsp'\npassword = 'geheim-1'\nmadonvi = 'H56'\n\
             timeout = '{timeout}'"
        )
    }

    fn before(call: &Call) -> Option<Answer> {
        let login = call.path.ends_with("mapi/login");
        login.then(|| Answer::Reply(r#"{"error_code":0,"session":"phien-77","message":"ok"}"#.into()))
    }

    fn good(_: &Call) -> String {
        format!(r#"{{"error_code":"0","message":"Đồng bộ hồ sơ thành công","result":[{{"MAHOSO":"{CODE}"}}]}}"#)
    }
}

struct Webhook;

impl Family for Webhook {
    const NAME: &'static str = "webhook";
    const SECRETS: &'static [&'static str] = &["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"];
    const HAS_IT: fn(EventKind) -> Asked = |_| Asked::CannotTell;

    fn settings(address: SocketAddr, timeout: &str) -> String {
        format!(
            "url = 'http://{address}/hook'\nallow_private = true\ntimeout = '{timeout}'\n\
             secret = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='"
        )
    }

    fn before(_: &Call) -> Option<Answer> {
        None
    }

    fn good(_: &Call) -> String {
        "ok".into()
    }
}

macro_rules! suite {
    ($($case:ident),+ $(,)?) => {
        mod npsp {
            $(#[tokio::test] async fn $case() { super::$case::<super::Npsp>().await; })+
        }
        mod webhook {
            $(#[tokio::test] async fn $case() { super::$case::<super::Webhook>().await; })+
        }
    };
}

suite![
    a_good_answer_settles_every_event_of_a_batch,
    a_partner_that_is_not_there_has_certainly_taken_nothing,
    a_partner_that_asks_for_a_pause_gets_it,
    a_pause_that_is_asked_for_before_any_event_is_kept_too,
    an_answer_that_never_comes_leaves_the_outcome_unknown,
    a_connection_that_breaks_leaves_the_outcome_unknown,
    an_answer_without_end_is_cut_and_settles_nothing,
    what_a_partner_repeats_does_not_get_into_a_cause,
    every_kind_may_send_at_least_one_event_and_one_byte,
    an_ask_tells_what_the_partner_said_and_never_more,
];

#[test]
fn every_family_runs_the_suite() {
    let names: Vec<_> = FAMILIES.iter().map(|family| family.name).collect();
    assert_eq!(names, [Npsp::NAME, Webhook::NAME]);
}

/// A partner that lets every event come as far as the call that carries it, and answers that one as the test says.
async fn partner<F: Family>(
    timeout: &str,
    answer: impl Fn(&Call) -> Answer + Send + Sync + 'static,
) -> (Partner, Arc<dyn Connector>) {
    let partner = Partner::start(move |call| F::before(call).unwrap_or_else(|| answer(call))).await;
    let connector = build(F::NAME, &F::settings(partner.address, timeout));
    (partner, connector)
}

fn mark(seq: usize) -> String {
    format!("dau-{seq}-het")
}

fn batch(connector: &Arc<dyn Connector>, kind: EventKind, known: Known) -> Vec<Outgoing> {
    let size = connector.limits(kind).events.min(BATCH);
    let [name, number, words] = VALUES;
    let record = |seq| {
        let mark = mark(seq);
        format!(r#"{{"MaHoSo":"{CODE}","ChuHoSo":"{name}","CCCD":"{number}","NoiDungXuLy":"{words}","Dau":"{mark}"}}"#)
    };
    (1..=size).map(|seq| event(seq as u64, kind, &record(seq), known)).collect()
}

async fn in_time<T>(call: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, call).await.expect("the call has outlived its deadline")
}

/// Delivers a batch of new events; there must be one outcome for each.
async fn deliver(connector: &Arc<dyn Connector>, kind: EventKind, known: Known) -> Vec<Outcome> {
    let events = batch(connector, kind, known);
    let delivered = in_time(connector.deliver(kind, &events)).await;
    assert_eq!(delivered.outcomes.len(), events.len(), "one outcome for each event");
    assert_eq!(delivered.standing, Standing::Open);
    delivered.outcomes
}

/// How often the partner was sent the event with this number.
fn sent(partner: &Partner, seq: usize) -> usize {
    partner.calls().iter().filter(|call| call.body.contains(&mark(seq))).count()
}

async fn a_good_answer_settles_every_event_of_a_batch<F: Family>() {
    for kind in KINDS {
        for known in [Known::No, Known::Yes, Known::Unsure] {
            let (partner, connector) = partner::<F>(PATIENT, |call| Answer::Reply(F::good(call))).await;
            let outcomes = deliver(&connector, kind, known).await;
            assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Settled), "{kind} {known:?}: {outcomes:?}");
            for seq in 1..=outcomes.len() {
                assert_eq!(sent(&partner, seq), 1, "{kind} {known:?}: settled, so it was sent, and once");
            }
        }
    }
}

async fn a_partner_that_is_not_there_has_certainly_taken_nothing<F: Family>() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let connector = build(F::NAME, &F::settings(address, PATIENT));
    for kind in KINDS {
        for outcome in deliver(&connector, kind, Known::No).await {
            assert!(matches!(&outcome, Outcome::Deferred { cause, .. } if cause.code == "connect"), "{outcome:?}");
        }
    }
}

async fn a_partner_that_asks_for_a_pause_gets_it<F: Family>() {
    for kind in KINDS {
        for status in [503, 429] {
            for pause in PAUSES {
                let (_partner, connector) = partner::<F>(PATIENT, move |_| Answer::Status(status, pause)).await;
                for outcome in deliver(&connector, kind, Known::No).await {
                    let Outcome::Deferred { cause, after } = outcome else { panic!("{kind} {status}: {outcome:?}") };
                    assert_eq!((cause.code, after), (format!("http_{status}"), Some(Duration::from_secs(17))));
                }
            }
        }
    }
}

/// Whatever call meets the pause first, that of an event or one before it.
async fn a_pause_that_is_asked_for_before_any_event_is_kept_too<F: Family>() {
    for status in [503, 429] {
        let partner = Partner::start(move |_| Answer::Status(status, PAUSES[0])).await;
        let connector = build(F::NAME, &F::settings(partner.address, PATIENT));
        for outcome in deliver(&connector, EventKind::Dossier, Known::No).await {
            assert!(
                matches!(&outcome, Outcome::Deferred { after, .. } if *after == Some(Duration::from_secs(17))),
                "{status}: {outcome:?}"
            );
        }
    }
}

/// The outcome of every event is unknown, and the partner was not sent any of them a second time.
async fn unknown<F: Family>(kind: EventKind, timeout: &str, code: &str, answer: fn(String) -> Answer) {
    let (partner, connector) = partner::<F>(timeout, move |call| answer(F::good(call))).await;
    let outcomes = deliver(&connector, kind, Known::No).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        assert!(matches!(outcome, Outcome::Unknown(cause) if cause.code == code), "{kind}: {outcome:?}");
        assert_eq!(sent(&partner, n + 1), 1, "{kind}: nobody knows, so it is not sent blindly again");
    }
}

async fn an_answer_that_never_comes_leaves_the_outcome_unknown<F: Family>() {
    for kind in KINDS {
        unknown::<F>(kind, SHORT, "timeout", |_| Answer::Silence).await;
        unknown::<F>(kind, SHORT, "timeout", Answer::Stalled).await;
    }
}

async fn a_connection_that_breaks_leaves_the_outcome_unknown<F: Family>() {
    for kind in KINDS {
        unknown::<F>(kind, PATIENT, "reset", |_| Answer::Reset).await;
        unknown::<F>(kind, PATIENT, "reset", Answer::Torn).await;
    }
}

async fn an_answer_without_end_is_cut_and_settles_nothing<F: Family>() {
    for kind in KINDS {
        unknown::<F>(kind, PATIENT, "answer_too_large", |_| Answer::Endless).await;
    }
}

/// Everything that the partner was sent and knows, in its own words.
fn repeated(secrets: &[&str]) -> String {
    format!("Sai: {} | {}", secrets.join(" "), VALUES.join(" "))
}

fn clean<F: Family>(cause: &Cause) {
    for hidden in F::SECRETS.iter().chain(&VALUES) {
        assert!(!cause.code.contains(hidden) && !cause.detail.contains(hidden), "{hidden} got into {cause:?}");
    }
}

async fn what_a_partner_repeats_does_not_get_into_a_cause<F: Family>() {
    let parameters = VALUES.iter().map(|value| ((*value).to_owned(), (*value).into())).collect();
    for status in [200, 400, 401, 403, 404, 410, 413, 422, 429, 500, 503] {
        let words = repeated(F::SECRETS);
        let plain = words.clone();
        let refused = format!(r#"{{"error_code":"-3","message":"{words}"}}"#);
        let busy = format!(r#"{{"error_code":"-99","message":"Hệ thống quá tải. {words}"}}"#);
        let session = format!(r#"{{"error_code":"-1","message":"Session hết hạn. {words}"}}"#);
        let unclear = format!(r#"{{"error_code":"0","message":{{"d":"{words}"}}}}"#);
        for body in [plain, refused, busy, session, unclear] {
            let (_partner, connector) = partner::<F>(PATIENT, move |_| Answer::Words(status, body.clone())).await;
            for kind in KINDS {
                let events = batch(&connector, kind, Known::No);
                for outcome in in_time(connector.deliver(kind, &events)).await.outcomes {
                    match outcome {
                        Outcome::Settled => {}
                        Outcome::Refused(cause) | Outcome::Unknown(cause) | Outcome::Deferred { cause, .. } => {
                            clean::<F>(&cause);
                        }
                    }
                }
                if let Asked::Deferred { cause, .. } = in_time(connector.ask(&events[0])).await {
                    clean::<F>(&cause);
                }
            }
            match in_time(connector.query("LayThuTuc", &parameters)).await {
                Ok(_) | Err(QueryFailure::Unsupported) => {}
                Err(QueryFailure::Unreachable(cause) | QueryFailure::Timeout(cause) | QueryFailure::Refused(cause)) => {
                    clean::<F>(&cause);
                }
            }
        }
    }
}

async fn every_kind_may_send_at_least_one_event_and_one_byte<F: Family>() {
    let connector = build(F::NAME, &F::settings(([127, 0, 0, 1], 1).into(), PATIENT));
    for kind in EventKind::ALL.iter().copied() {
        let limit = connector.limits(kind);
        assert!(limit.events >= 1 && limit.bytes >= 1, "{kind}: {limit:?}");
    }
}

async fn an_ask_tells_what_the_partner_said_and_never_more<F: Family>() {
    for kind in KINDS {
        let (_partner, connector) = partner::<F>(PATIENT, |call| Answer::Reply(F::good(call))).await;
        let asked = batch(&connector, kind, Known::Unsure).remove(0);
        assert_eq!(in_time(connector.ask(&asked)).await, F::HAS_IT(kind), "{kind}");

        let nonsense = ["", "null", "[]", "0", "\"", "<html>thành công</html>", r#"{"error_code":{},"message":7}"#];
        let deep = ["[".repeat(10_000), format!("{}1", r#"{"message":"#.repeat(10_000))];
        for body in nonsense.map(String::from).into_iter().chain(deep) {
            let (_partner, connector) = partner::<F>(PATIENT, move |_| Answer::Reply(body.clone())).await;
            told_nothing(in_time(connector.ask(&asked)).await);
        }
        for answer in [|| Answer::Reset, || Answer::Status(500, &[]), || Answer::Endless] {
            let (_partner, connector) = partner::<F>(PATIENT, move |_| answer()).await;
            told_nothing(in_time(connector.ask(&asked)).await);
        }
    }
}

/// Nobody may conclude from this that the event is there, or that it is not.
fn told_nothing(asked: Asked) {
    assert!(matches!(asked, Asked::CannotTell | Asked::Deferred { .. }), "{asked:?}");
}

//! What was acknowledged, compared with what stands in the feed and in the portal: once, the same, in order.

use std::collections::{BTreeMap, HashSet};

use lgsp_model::Digest;
use lgsp_sandbox::{Portal, StoredDossier};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::load::{Ack, Load};
use crate::program::{ADMIN_TOKEN, Program, until};

/// One change as the feed gives it, its record as the bytes that came.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) seq: u64,
    pub(crate) code: String,
    pub(crate) record: String,
    pub(crate) received_at: String,
}

type Raw = BTreeMap<String, Box<RawValue>>;

/// The whole feed, page by page.
pub(crate) async fn feed(http: &reqwest::Client, program: &Program, token: &str) -> Vec<Change> {
    let (mut changes, mut after) = (Vec::new(), String::new());
    loop {
        let url = format!("http://{}/v1/changes?limit=1000{after}", program.public);
        let answer = http.get(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let page: Raw = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let rows: Vec<Raw> = serde_json::from_str(page["changes"].get()).unwrap();
        changes.extend(rows.iter().map(|row| Change {
            seq: row["seq"].get().parse().unwrap(),
            code: row["MaHoSo"].get().trim_matches('"').to_owned(),
            record: row["record"].get().to_owned(),
            received_at: row["received_at"].get().trim_matches('"').to_owned(),
        }));
        if page["more"].get() == "false" {
            return changes;
        }
        after = format!("&after={}", page["next"].get().trim_matches('"'));
    }
}

/// Every acknowledged record stands once in the feed, as it was sent, where the acknowledgement said.
pub(crate) fn each_acknowledged_once(changes: &[Change], acks: &[Ack]) {
    let mut seen = HashSet::new();
    for (change, seq) in changes.iter().zip(1..) {
        assert_eq!(change.seq, seq, "the feed has no holes");
        assert!(seen.insert(&change.record), "stored twice: {change:?}");
    }
    for ack in acks {
        let index = usize::try_from(ack.seq).unwrap() - 1;
        let change = changes.get(index).unwrap_or_else(|| panic!("lost: {ack:?}; the feed ends at {}", changes.len()));
        assert_eq!((&change.code, &change.record), (&ack.code, &ack.text), "another record at {}", ack.seq);
    }
}

/// What may stand twice in the portal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Repeats {
    /// Nothing.
    None,
    /// A record of a dossier, sent again as an update: a process that was killed cannot know that its last call was
    /// taken, and the portal's look-up does not tell one record of a dossier from another. A progress step can be
    /// looked up, so it must not stand twice.
    OfUpdates,
}

/// What the portal was found to have.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    pub(crate) dossiers: usize,
    pub(crate) records: usize,
    /// Updates that were sent again, as [`Repeats::OfUpdates`] allows.
    pub(crate) repeated: usize,
    /// Those of them that stood over a newer record until that one came again too.
    pub(crate) went_back: usize,
}

/// Waits until the portal was told everything, then compares each dossier: every record and step once and in order, no
/// dossier made twice, and the newest record stands.
pub(crate) async fn each_delivered_once(
    load: &Load,
    program: &Program,
    portal: &Portal,
    repeats: Repeats,
) -> Delivered {
    in_sync(load.http(), program).await;
    let mut sent: BTreeMap<String, Vec<Ack>> = BTreeMap::new();
    let mut acks = load.acks();
    acks.sort_by_key(|ack| ack.seq);
    let mut delivered = Delivered { records: acks.len(), ..Delivered::default() };
    for ack in acks {
        sent.entry(ack.code.clone()).or_default().push(ack);
    }
    assert_eq!(portal.dossier_count(), sent.len(), "dossiers in the portal");
    for (code, acks) in &sent {
        let stored = portal.dossier(code).unwrap_or_else(|| panic!("{code} was not delivered"));
        compare(&stored, acks, repeats, &mut delivered);
    }
    delivered.dossiers = sent.len();
    delivered
}

/// Compares one dossier and counts what came again.
fn compare(stored: &StoredDossier, acks: &[Ack], repeats: Repeats, delivered: &mut Delivered) {
    let versions = stored.versions.iter().map(|version| (version.arrival, version.digest));
    let steps = stored.steps.iter().map(|step| (step.arrival, step.digest));
    let mut arrived: Vec<_> = versions.chain(steps).collect();
    arrived.sort_by_key(|(arrival, _)| *arrival);
    let (mut firsts, mut stands): (Vec<Digest>, Option<Digest>) = (Vec::new(), None);
    for (_, digest) in arrived {
        let is_step = stored.times_step_stored(&digest) > 0;
        if !is_step && firsts.contains(&digest) && repeats == Repeats::OfUpdates {
            delivered.repeated += 1;
            delivered.went_back += usize::from(stands != Some(digest));
        } else {
            firsts.push(digest);
        }
        stands = if is_step { stands } else { Some(digest) };
    }
    let expected: Vec<Digest> = acks.iter().map(|ack| digest(&ack.text)).collect();
    assert_eq!(firsts, expected, "each record once and in order: {stored:?}");
    assert_eq!(stored.creates(), 1, "made once: {stored:?}");
    let newest = acks.iter().rfind(|ack| ack.text.contains("\"TrangThaiHoSo\"")).expect("a dossier has a record");
    assert_eq!(stored.record.as_deref(), Some(newest.text.as_str()), "the newest record stands");
}

fn digest(text: &str) -> Digest {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    Digest(digest.as_ref().try_into().unwrap())
}

/// Waits until the target has everything that was pushed.
pub(crate) async fn in_sync(http: &reqwest::Client, program: &Program) {
    let mut last = Value::Null;
    until("the portal gets everything", async || {
        last = admin(http, program, "GET", "targets").await["targets"][0].clone();
        assert_eq!(last["parked"]["dead"], 0, "given up: {last}");
        let nothing = json!({"retry": 0, "unknown": 0, "dead": 0});
        (last["lag_events"] == 0 && last["parked"] == nothing).then_some(())
    })
    .await;
}

/// The chain of a running gateway verifies.
pub(crate) async fn chain_is_intact(http: &reqwest::Client, program: &Program) {
    let report = admin(http, program, "POST", "verify").await;
    assert_eq!(report["intact"], true, "{report}");
}

async fn admin(http: &reqwest::Client, program: &Program, method: &str, path: &str) -> Value {
    let url = format!("http://{}/admin/v1/{path}", program.admin);
    let answer = http.request(method.parse().unwrap(), url).bearer_auth(ADMIN_TOKEN).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{}", program.said());
    answer.json().await.unwrap()
}

/// Status and body of a path of the operators' listener.
pub(crate) async fn operators_see(http: &reqwest::Client, program: &Program, path: &str) -> (u16, String) {
    let answer = http.get(format!("http://{}{path}", program.admin)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

//! A wall clock that is set back while the gateway runs: records are taken, deliveries and retries go on, tokens keep
//! working, and the feed keeps its order. The program sees another time through `libfaketime`; nothing else does.

use std::path::Path;
use std::process::Command;

use lgsp_sandbox::{Fault, FaultRule, Sandbox};

use crate::compare::{Change, each_acknowledged_once, feed, in_sync};
use crate::load::{Ack, client, token};
use crate::program::{Place, Program, without};
use crate::records::{code, dossier};

/// Records that are pushed at each time.
const RECORDS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_stops_nothing() {
    if without("faketime") {
        return;
    }
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).unwrap();
    let place = Place::new(Some(&sandbox.adapter_url()));
    let shown = place.path().join("time");
    set(&shown, "+0");
    let place = under(place, &shown);
    let program = place.start().await;
    let http = client();
    let old_token = token(&http, program.public, "one-stop").await;
    let mut acks = Vec::new();
    // Each step: the clock, and records that are pushed with a token from before it.
    for (step, time) in ["+0", "-1h", "-25h", "+0"].into_iter().enumerate() {
        set(&shown, time);
        let calls_that_fail = FaultRule::times(Fault::BadGateway, 2);
        sandbox.portal().add_fault(calls_that_fail).unwrap();
        push(&http, &program, &old_token, step * RECORDS, &mut acks).await;
        let new_token = token(&http, program.public, "one-stop").await;
        push(&http, &program, &new_token, (100 + step) * RECORDS, &mut acks).await;
        in_sync(&http, &program).await;
        assert_eq!(sandbox.portal().dossier_count(), acks.len(), "with the clock at {time}");
    }
    let changes = feed(&http, &program, &old_token).await;
    each_acknowledged_once(&changes, &acks);
    let jumps = changes.windows(2).filter(|two| hour_of(&two[1]) < hour_of(&two[0])).count();
    assert_eq!(jumps, 2, "the program saw the clock go back twice");
    println!("{} records over {jumps} jumps back, delivered and in order", changes.len());
}

/// A place whose program sees the time that stands in a file.
pub(crate) fn under(place: Place, shown: &Path) -> Place {
    place
        .with("LD_PRELOAD", library())
        .with("FAKETIME_TIMESTAMP_FILE", shown)
        .with("FAKETIME_NO_CACHE", "1")
        // Only the wall's clock jumps; and only what is asked of the clock, not what files say.
        .with("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .with("NO_FAKE_STAT", "1")
}

async fn push(http: &reqwest::Client, program: &Program, token: &str, from: usize, acks: &mut Vec<Ack>) {
    for n in from..from + RECORDS {
        let text = dossier(&code(n), "2").to_string();
        let request = http.post(format!("http://{}/v1/dossiers", program.public)).bearer_auth(token);
        let answer = request.header("content-type", "application/json").body(text.clone()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 202, "{}", program.said());
        let result: serde_json::Value = answer.json().await.unwrap();
        acks.push(Ack { seq: result["seq"].as_u64().unwrap(), code: code(n), text });
    }
}

/// What the time shows, without minutes: jumps are of hours, the test takes seconds. RFC 3339 in UTC sorts as text.
fn hour_of(change: &Change) -> &str {
    change.received_at.get(..15).unwrap_or_else(|| panic!("{change:?}"))
}

/// Shows a time, such as `-1h` or `+75`.
pub(crate) fn set(file: &Path, time: &str) {
    // Replaced as a whole: the program reads it at any moment.
    let new = file.with_extension("new");
    std::fs::write(&new, format!("{time}\n")).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// Where the distribution keeps the library; its own command knows.
fn library() -> String {
    let output = Command::new("faketime").args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"]).output();
    let output = output.expect("install faketime; tests/run does it");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

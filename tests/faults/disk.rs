//! A disk that is full: what cannot be stored is refused and said, everything else goes on, and writing resumes by
//! itself when there is room. Nothing that was acknowledged is lost.

use std::process::Command;

use serde_json::Value;

use crate::chance::Chance;
use crate::compare::{chain_is_intact, each_acknowledged_once, feed, operators_see};
use crate::load::{Ack, client, token};
use crate::program::{Place, Program, until};
use crate::records::{code, dossier, with};

/// The file system of the store, and what fills most of it.
const DISK: &str = "12m";
const FILLER: &str = "8m";
/// The largest file that the program may write, in KiB.
const FILE_KIB: &str = "3000";
/// Records that cannot be compressed, so that a small disk is full soon.
const NOISE: usize = 24_000;
/// More of them than fit.
const MANY: usize = 1_500;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_writing_resumes_when_there_is_room() {
    let root = Command::new("sh").args(["-c", "test $(id -u) = 0"]).status().unwrap().success();
    // Without root a namespace of one's own may allow it.
    let own = if root { "-m" } else { "-rm" };
    if !Command::new("unshare").args([own, "mount", "-t", "tmpfs", "none", "/mnt"]).status().is_ok_and(|s| s.success())
    {
        // The same property is proven by the next test, which needs no rights.
        println!("left out: this user may not mount a file system");
        return;
    }
    let place = Place::new(None);
    std::fs::create_dir(place.data()).unwrap();
    let data = place.data().to_str().unwrap().to_owned();
    let script = format!(
        "mount -t tmpfs -o size={DISK} none \"$0\" && head -c {FILLER} /dev/zero >\"$0/filler\" && exec \"$@\""
    );
    let place = place.through(["unshare", own, "sh", "-c", script.as_str(), data.as_str()]);
    full_and_free_again(&place, |program| {
        let filler = format!("/proc/{}/root{data}/filler", program.id());
        std::fs::remove_file(filler).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_may_not_grow_is_said_and_writing_resumes_when_it_may() {
    // A write beyond the limit has to fail like one on a full disk, not end the program.
    let script = format!("trap '' XFSZ; ulimit -S -f {FILE_KIB}; exec \"$0\" \"$@\"");
    let place = Place::new(None).through(["bash", "-c", script.as_str()]);
    full_and_free_again(&place, |program| {
        let process = program.id().to_string();
        let raised = Command::new("prlimit").args(["--pid", &process, "--fsize=unlimited"]).status().unwrap();
        assert!(raised.success());
    })
    .await;
}

/// What one push was answered with.
struct Answer {
    status: u16,
    retry_after: Option<u64>,
    body: Value,
}

struct Caller {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Caller {
    async fn on(program: &Program) -> Self {
        let http = client();
        let token = token(&http, program.public, "one-stop").await;
        Self { http, url: format!("http://{}", program.public), token }
    }

    async fn push(&self, media_type: &str, body: String) -> Answer {
        let request = self.http.post(format!("{}/v1/dossiers", self.url)).bearer_auth(&self.token);
        let answer = request.header("content-type", media_type).body(body).send().await.unwrap();
        let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
        let status = answer.status().as_u16();
        Answer { status, retry_after, body: serde_json::from_str(&answer.text().await.unwrap()).unwrap() }
    }

    async fn status_of(&self, path: &str) -> u16 {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        request.send().await.unwrap().status().as_u16()
    }
}

fn noisy(chance: &mut Chance, n: usize) -> String {
    let noise: String = (0..NOISE).map(|_| char::from(b'0' + (chance.below(74)) as u8)).collect();
    with(dossier(&code(n), "2"), "GhiChuThem", noise).to_string()
}

async fn full_and_free_again(place: &Place, make_room: impl FnOnce(&Program)) {
    let mut chance = Chance::printed("full disk");
    let program = place.start().await;
    let caller = Caller::on(&program).await;
    let mut acks = Vec::new();
    let refused = fill(&caller, &mut chance, &mut acks).await;
    let known = &acks[acks.len() / 2].code;
    let ready = until("readiness turns red", async || {
        let (status, body) = operators_see(&caller.http, &program, "/readyz").await;
        (status == 503).then_some(body)
    })
    .await;
    assert!(ready.contains("GW1603") && ready.contains("cannot commit"), "{ready}");
    assert_eq!(operators_see(&caller.http, &program, "/livez").await.0, 200);
    assert_eq!(operators_see(&caller.http, &program, "/metrics").await.0, 200);
    assert_eq!(caller.status_of(&format!("/v1/dossiers/{known}")).await, 200, "reads go on");
    each_acknowledged_once(&feed(&caller.http, &program, &caller.token).await, &acks);
    refused_in_every_form(&caller, &refused.1).await;

    make_room(&program);
    push_until_taken(&caller, refused, &mut acks).await;
    until("readiness turns green", async || {
        (operators_see(&caller.http, &program, "/readyz").await.0 == 200).then_some(())
    })
    .await;
    for n in MANY..MANY + 10 {
        push_until_taken(&caller, (code(n), noisy(&mut chance, n)), &mut acks).await;
    }
    let changes = feed(&caller.http, &program, &caller.token).await;
    each_acknowledged_once(&changes, &acks);
    assert_eq!(changes.len(), acks.len(), "what was refused was not stored");
    chain_is_intact(&caller.http, &program).await;
    println!("full after {} records; all {} acknowledged ones are there", acks.len() - 11, acks.len());
}

/// Pushes until the store refuses; the record that it refused.
async fn fill(caller: &Caller, chance: &mut Chance, acks: &mut Vec<Ack>) -> (String, String) {
    for n in 0..MANY {
        let text = noisy(chance, n);
        let answer = caller.push("application/json", text.clone()).await;
        if answer.status != 202 {
            refused(&answer);
            return (code(n), text);
        }
        acks.push(Ack { seq: answer.body["seq"].as_u64().unwrap(), code: code(n), text });
    }
    panic!("the disk took {MANY} records");
}

#[track_caller]
fn refused(answer: &Answer) {
    assert_eq!((answer.status, &answer.body["code"]), (503, &"GW1603".into()), "{}", answer.body);
    assert!(answer.retry_after.is_some_and(|seconds| seconds >= 1), "{:?}", answer.retry_after);
}

async fn refused_in_every_form(caller: &Caller, text: &str) {
    refused(&caller.push("application/json", text.to_owned()).await);
    refused(&caller.push("application/json", format!("[{text}]")).await);
    let stream = caller.push("application/x-ndjson", format!("{text}\n")).await;
    let summary = &stream.body["summary"];
    assert_eq!((&summary["accepted"], &summary["stopped"]["code"]), (&0.into(), &"GW1603".into()), "{}", stream.body);
}

async fn push_until_taken(caller: &Caller, (code, text): (String, String), acks: &mut Vec<Ack>) {
    let seq = until("pushes succeed by themselves", async || {
        let answer = caller.push("application/json", text.clone()).await;
        if answer.status != 202 {
            refused(&answer);
            return None;
        }
        answer.body["seq"].as_u64()
    })
    .await;
    acks.push(Ack { seq, code, text });
}

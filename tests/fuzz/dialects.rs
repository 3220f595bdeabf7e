//! Mutated bodies against a running gateway: in each dialect every request gets an answer of that dialect with a known
//! code, never a failure of the gateway's own, and what was accepted comes back byte for byte.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use lgsp_model::ErrorCode;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::checks::{examples, shown};
use crate::gateway::{Answer, World, password_of, send};
use crate::mutate::{end, mutated, one_of};

/// The longest request of some MiB, in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(15);

/// Gives the dossier of a record another number, so that runs do not only meet duplicates.
fn renumbered(chance: &mut Chance, text: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(text) else { return text.to_vec() };
    let Some(at) = text.find("-240315-").or_else(|| text.find("-2403")) else { return text.as_bytes().to_vec() };
    let number: String = text[at + 8..].chars().take_while(char::is_ascii_digit).collect();
    if number.is_empty() {
        return text.as_bytes().to_vec();
    }
    let width = number.len();
    let fresh = format!("{:0width$}", chance.below(10usize.pow(u32::try_from(width.min(9)).unwrap())));
    text.replacen(&format!("{}{number}", &text[at..at + 8]), &format!("{}{fresh}", &text[at..at + 8]), 1).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_body_gets_a_json_answer_and_what_is_accepted_comes_back_as_it_was() {
    let mut chance = Chance::printed("JSON intake");
    let world = World::start().await;
    let token = world.token("province").await;
    let seeds = examples();
    let (end, mut cases, mut accepted) = (end(), 0, BTreeMap::new());
    while Instant::now() < end {
        let seed = one_of(&mut chance, &seeds).clone();
        let seed = renumbered(&mut chance, &seed);
        let text = if chance.below(8) == 0 { seed } else { mutated(&mut chance, &[seed, seeds[0].clone()]) };
        let path = if chance.below(2) == 0 { "/v1/dossiers" } else { "/v1/progress" };
        let (media_type, body) = match chance.below(4) {
            0 => ("application/x-ndjson", [&text[..], b"\n", &seeds[0][..]].concat()),
            1 => ("application/json", [b"[", &text[..], b"]"].concat()),
            _ => ("application/json", text.clone()),
        };
        let begun = Instant::now();
        let answer = world.post_as(media_type, &token, path, body.clone()).await;
        assert!(begun.elapsed() < LONGEST, "{:?} for {}", begun.elapsed(), shown(&body));
        let single = media_type == "application/json" && body == text;
        if let Some(seq) = right_in_json(&answer, &body)
            && single
        {
            accepted.insert(seq, text);
        }
        cases += 1;
    }
    comes_back(&world, &token, &accepted).await;
    assert!(cases > 20 && !accepted.is_empty(), "{cases} requests, {} accepted", accepted.len());
    println!("{cases} requests, {} single records accepted and given back byte for byte", accepted.len());
}

/// Checks one answer; the position of a record that was accepted alone.
fn right_in_json(answer: &Answer, body: &[u8]) -> Option<u64> {
    let status = answer.status;
    assert!(status < 500, "{status} {} for {}", answer.text(), shown(body));
    if status >= 400 {
        let problem = answer.json();
        let code = ErrorCode::ALL.iter().find(|code| problem["code"] == code.code());
        assert_eq!(code.map(|code| code.status()), Some(status), "{problem} for {}", shown(body));
        return None;
    }
    if answer.header("content-type") == "application/x-ndjson" {
        let lines = answer.lines();
        let (last, results) = lines.split_last().expect("a last line");
        let summary = &last["summary"];
        let told = ["accepted", "duplicate", "held", "rejected"].map(|sum| summary[sum].as_u64().expect("a sum"));
        assert_eq!(told.iter().sum::<u64>(), results.len() as u64, "{last}");
        assert!(results.iter().zip(0..).all(|(result, index)| result["index"] == index), "{}", answer.text());
        let stopped = &summary["stopped"]["code"];
        assert!(stopped.is_null() || known(stopped, ErrorCode::code), "{last}");
        return None;
    }
    let result = answer.json();
    (result["outcome"] == "accepted").then(|| result["seq"].as_u64().expect("a position"))
}

fn known(code: &Value, of: impl Fn(ErrorCode) -> &'static str) -> bool {
    ErrorCode::ALL.iter().any(|known| *code == of(*known))
}

/// The records of the feed are those that were accepted, in both of its forms.
async fn comes_back(world: &World, token: &str, accepted: &BTreeMap<u64, Vec<u8>>) {
    let mut after = String::new();
    let mut found = HashSet::new();
    loop {
        let path = format!("/v1/changes?limit=200{after}");
        let page = world.get(token, &path).await.expect(200);
        let page: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(&page.body).unwrap();
        let rows: Vec<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(page["changes"].get()).unwrap();
        for row in &rows {
            let seq: u64 = row["seq"].get().parse().unwrap();
            if let Some(text) = accepted.get(&seq) {
                assert_eq!(row["record"].get().as_bytes(), text.trim_ascii(), "changed: {}", shown(text));
                found.insert(seq);
            }
        }
        let request = world.http.get(world.url(&path)).bearer_auth(token).header("accept", "application/x-ndjson");
        assert_eq!(send(request).await.expect(200).lines().len(), rows.len() + 1, "one line for each change");
        if page["more"].get() == "false" {
            break;
        }
        after = format!("&after={}", page["next"].get().trim_matches('"'));
    }
    assert_eq!(found.len(), accepted.len(), "accepted, but not in the feed");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_body_gets_an_answer_of_the_national_dialect() {
    let mut chance = Chance::printed("national dialect");
    let world = World::start().await;
    let login = json!({"username": "province", "password": password_of("province")}).to_string();
    let url = |service: &str| world.url(&format!("/XrdAdapter/RestService/forward/mapi/{service}"));
    let post = async |service: &str, body: Vec<u8>| send(world.http.post(url(service)).body(body)).await;
    let session = post("login", login.clone().into()).await.json()["session"].as_str().unwrap().to_owned();
    let seeds = envelopes(&session);
    let (end, mut cases, mut stored) = (end(), 0, 0);
    while Instant::now() < end {
        let seed = one_of(&mut chance, &seeds).clone();
        let seed = renumbered(&mut chance, &seed);
        let body = if chance.below(8) == 0 { seed } else { mutated(&mut chance, &[seed, seeds[0].clone()]) };
        let begun = Instant::now();
        let answer = post("g", body.clone()).await;
        assert!(begun.elapsed() < LONGEST, "{:?} for {}", begun.elapsed(), shown(&body));
        stored += usize::from(right_in_national(&answer, &body));
        cases += 1;
    }
    // A login that is bent stays a login that is refused; wrong passwords are slowed down, so only its form is bent.
    for body in ["", "{}", "[]", "{\"username\":1,\"password\":2}", "{\"username\":\"a\"", "\u{feff}{}"] {
        let answer = post("login", body.into()).await;
        assert!(!right_in_national(&answer, body.as_bytes()), "{}", answer.text());
    }
    assert!(cases > 20 && stored > 0, "{cases} requests, {stored} stored");
    println!("{cases} calls, {stored} of them stored everything");
}

/// Checks one answer; whether it says success.
fn right_in_national(answer: &Answer, body: &[u8]) -> bool {
    assert_eq!(answer.status, 200, "{} for {}", answer.text(), shown(body));
    let said = answer.json();
    let message = said["message"].as_str().unwrap_or_else(|| panic!("{said}"));
    assert!(!message.is_empty(), "{said}");
    let done = said["error_code"] == "0";
    assert_eq!(message.contains("thành công"), done, "{said} for {}", shown(body));
    let internal = said["error_code"] == ErrorCode::Internal.number();
    assert!(done || (known(&said["error_code"], ErrorCode::number) && !internal), "{said} for {}", shown(body));
    done
}

/// Every service with its records, and the questions.
fn envelopes(session: &str) -> Vec<Vec<u8>> {
    let call = |service: &str, more: Value| {
        let mut body = json!({"session": session, "madonvi": "H56", "service": service});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body.to_string().into_bytes()
    };
    let mut all = vec![
        call("TraCuuHoSo", json!({"mahoso": "H56.14-240315-000001"})),
        call("TraCuuHoSo", json!({})),
        call("KhongCoDichVu", json!({})),
    ];
    for example in examples() {
        let record: Value = serde_json::from_slice(&example).unwrap();
        let service = match (record.get("TrangThaiHoSo"), record.get("ThoiDiemXuLy")) {
            (Some(_), _) => "DongBoHoSoMC",
            (None, Some(_)) => "CapNhatTienDoHoSoMC",
            (None, None) => "DongBoTrangThaiHoSo",
        };
        all.push(call(service, json!({"isUpdating": "False", "data": [record]})));
        all.push(call(service, json!({"isUpdating": true, "data": record})));
    }
    all
}

//! How fast payments change and a ledger is read: `cargo run --release -p lgsp-store --example payment_rate -- [PAYMENTS] [PER SECOND] [SECONDS] [DIR]`.
//! Makes so many payments of one day, unless DIR has them from an earlier run, settles some at a steady rate beside posts of dossiers, reads the day's ledger in
//! pages, and verifies the store.

#[path = "../tests/samples.rs"]
mod samples;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lgsp_model::{ContentDigest, Dong, Incoming, PaymentId, Seq, Status, Timestamp};
use lgsp_store::{
    DossierEvent, DurableStore, EmbeddedOptions, EmbeddedStore, LedgerKind, LedgerLine, LedgerState, NewEvent,
    PaymentChange, PaymentChanged, PaymentName, Subject,
};

const DAY: u32 = 20_261_122;
const NOW: Timestamp = Timestamp(1_790_000_000_000);
/// Callers that make payments at once before the measurement.
const MAKERS: u64 = 256;

fn id(n: u64) -> PaymentId {
    let mut random = samples::Random(n);
    PaymentId::of_random(std::array::from_fn(|_| random.bits() as u8))
}

fn line(n: u64, state: LedgerState, transaction: Option<String>) -> LedgerLine {
    LedgerLine {
        provider: "vnpay".into(),
        day: DAY,
        reference: id(n).to_string(),
        kind: LedgerKind::Payment,
        amount: Dong::new(50_000).expect("an amount"),
        state,
        transaction,
        payment: id(n),
    }
}

fn name(kind: &str, n: u64) -> PaymentName {
    PaymentName::new(kind, &["vnpay", &format!("{:08}", 14_000_000 + n)]).expect("a name")
}

fn record(n: u64, state: &str) -> Bytes {
    let sample = samples::record(n, 2);
    format!(
        "{{\"id\":\"{}\",\"reference\":\"PT-{n:08}\",\"state\":\"{state}\",\"MaHoSo\":\"{}\",\"SoTien\":50000,\
         \"PhiLePhi\":[{{\"LoaiPhiLePhi\":\"2\",\"MaPhiLePhi\":\"1\",\"TenPhiLePhi\":\"Lệ phí\",\"SoTien\":50000}}],\
         \"payee\":\"kho-bac-h11\",\"providers\":[\"vnpay\"],\"provider\":\"vnpay\",\"flags\":[],\"refunds\":[]}}",
        id(n),
        sample.code
    )
    .into()
}

fn made(n: u64) -> PaymentChange {
    let sample = samples::record(n, 2);
    PaymentChange {
        id: id(n),
        after: None,
        record: record(n, "pending"),
        evidence: Vec::new(),
        names: vec![name("reference", n)],
        ledger: vec![line(n, LedgerState::Open, None)],
        due: Some(NOW.plus_millis(n as i64 * 10)),
        dossier: sample.code.parse().expect("a dossier code"),
        agency: sample.agency.parse().expect("an agency"),
        sender: "one-stop-h11".parse().expect("a member"),
        at: NOW,
        trace: [0; 16],
    }
}

/// What a callback leads to.
fn paid(n: u64, after: Seq) -> PaymentChange {
    let evidence = format!("vnp_Amount=5000000&vnp_TxnRef={}&vnp_ResponseCode=00&vnp_SecureHash={n:0128x}", id(n));
    PaymentChange {
        after: Some(after),
        record: record(n, "paid"),
        evidence: vec![evidence.into()],
        names: vec![name("transaction", n)],
        ledger: vec![line(n, LedgerState::Settled, Some(format!("{:08}", 14_000_000 + n)))],
        due: None,
        ..made(n)
    }
}

fn post(n: u64) -> NewEvent {
    let sample = samples::record(n, 2);
    let (code, agency) = (sample.code.parse().expect("a code"), sample.agency.parse().expect("an agency"));
    let (incoming, content) = (Incoming::Record(Status::Received), ContentDigest([n as u8; 16]));
    NewEvent {
        subject: Subject::Dossier(DossierEvent { code, agency, incoming, content }),
        sender: "one-stop-h11".parse().expect("a member"),
        at: NOW,
        payload: sample.json.into(),
        trace: [0; 16],
        idempotency: None,
    }
}

async fn change(store: &EmbeddedStore, change: PaymentChange) -> Seq {
    match store.change_payment(change).await.expect("it is stored") {
        PaymentChanged::Stored(seq) => seq,
        other => panic!("{other:?}"),
    }
}

async fn make(store: &Arc<EmbeddedStore>, payments: u64) {
    let began = Instant::now();
    let makers: Vec<_> = (0..MAKERS)
        .map(|maker| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in (maker..payments).step_by(MAKERS as usize) {
                    change(&store, made(n)).await;
                }
            })
        })
        .collect();
    for maker in makers {
        maker.await.expect("no panic");
    }
    let took = began.elapsed();
    println!("{payments} payments made by {MAKERS} callers: {:.0}/s", payments as f64 / took.as_secs_f64());
}

/// Settles payments at a steady rate, whatever the store does; says how long each took, the reading of its row included.
async fn settle(store: &Arc<EmbeddedStore>, payments: u64, rate: u64, seconds: u64) {
    let (began, before) = (Instant::now(), cpu());
    let mut calls = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1) / rate as u32);
    for n in 0..(rate * seconds).min(payments) {
        tick.tick().await;
        // Spread over the whole table.
        let n = n * (payments / (rate * seconds).min(payments)).max(1);
        let (writer, other) = (store.clone(), store.clone());
        calls.push(tokio::spawn(async move {
            let began = Instant::now();
            let entry = writer.payment(id(n)).await.expect("readable").expect("it was made");
            change(&writer, paid(n, entry.seq)).await;
            began.elapsed()
        }));
        tokio::spawn(async move { other.append(vec![post(n)]).await.expect("it is stored") });
    }
    let mut times = Vec::new();
    for call in calls {
        times.push(call.await.expect("no panic"));
    }
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!(
        "{} settled in {:?} beside as many posts: p50 {:?}, p99 {:?}, longest {:?}; {:?} CPU for one of each",
        times.len(),
        began.elapsed(),
        at(0.5),
        at(0.99),
        at(1.0),
        (cpu() - before) / times.len() as u32
    );
}

async fn read_ledger(store: &EmbeddedStore, page: usize) {
    let (began, before, mut lines, mut after) = (Instant::now(), cpu(), 0, String::new());
    loop {
        let read = store.ledger("vnpay".into(), DAY, after, page).await.expect("readable");
        let Some(last) = read.last() else { break };
        after = last.reference.clone();
        lines += read.len();
    }
    println!("{lines} lines of a day read in pages of {page}: {:?}, {:?} CPU", began.elapsed(), cpu() - before);
}

/// CPU time of the process so far.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

fn rss_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (payments, rate, seconds) = (number(0, 1_000_000), number(1, 500), number(2, 20));
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = arguments.get(3).map_or_else(|| temporary.path().to_owned(), Into::into);
    let store = Arc::new(EmbeddedStore::open(&dir, EmbeddedOptions::default()).expect("the store opens"));
    if store.payment(id(payments - 1)).await.expect("readable").is_none() {
        make(&store, payments).await;
    }
    println!("{} MiB resident", rss_mib());
    settle(&store, payments, rate, seconds).await;
    for page in [1_000, 10_000, 20_000] {
        read_ledger(&store, page).await;
    }
    let began = Instant::now();
    let due = store.payments_due(Timestamp(0)..=NOW.plus_millis(100_000_000), 1_000).await.expect("readable");
    println!("{} due found in {:?}; {} MiB resident", due.len(), began.elapsed(), rss_mib());
    let began = Instant::now();
    let report = store.verify().await.expect("readable");
    println!(
        "{} events verified in {:?}: {:?}; {} MiB resident",
        report.events,
        began.elapsed(),
        report.broken,
        rss_mib()
    );
    drop(store);
    let files = std::fs::read_dir(&dir).expect("the directory").flatten();
    let bytes: u64 = files.map(|file| file.metadata().map_or(0, |meta| meta.len())).sum();
    println!("{} bytes on disk for each payment", bytes / payments);
}

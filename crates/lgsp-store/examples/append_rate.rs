//! How fast messages become durable: `cargo run --release -p lgsp-store --example append_rate -- [EVENTS] [CALLERS] [BATCH] [DIR]`.
//! Prints events per second, CPU per event, bytes per record on disk, and what reading them back costs.

#[path = "../tests/samples.rs"]
mod samples;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lgsp_model::{AgencyGrant, ContentDigest, Incoming, Seq, Status, Timestamp};
use lgsp_store::{
    CommitObserver, DossierEvent, DurableStore, EmbeddedOptions, EmbeddedStore, NewEvent, PageLimit, ReadFilter,
    StoreError, Subject,
};

#[derive(Default)]
struct Commits(std::sync::Mutex<(usize, Duration)>);

impl CommitObserver for Commits {
    fn committed(&self, _: usize, took: Duration) {
        let mut sum = self.0.lock().expect("no panic in here");
        sum.0 += 1;
        sum.1 += took;
    }
    fn failed(&self) {
        eprintln!("a commit failed");
    }
}

fn event(n: u64) -> NewEvent {
    let sample = samples::record(n, 2);
    let mut content = [0; 16];
    content[..8].copy_from_slice(&samples::Random(n).bits().to_le_bytes());
    content[8..].copy_from_slice(&samples::Random(!n).bits().to_le_bytes());
    NewEvent {
        subject: Subject::Dossier(DossierEvent {
            code: sample.code.parse().expect("a dossier code"),
            agency: sample.agency.parse().expect("an agency"),
            incoming: Incoming::Record(Status::Received),
            content: ContentDigest(content),
        }),
        sender: "one-stop-h11".parse().expect("a member"),
        at: Timestamp(1_790_000_000_000 + n as i64),
        payload: Bytes::from(sample.json),
        trace: [0; 16],
        idempotency: None,
    }
}

/// CPU seconds of the process and of its writer thread.
fn cpu() -> (f64, f64) {
    let seconds = |path: &Path| {
        let stat = std::fs::read_to_string(path).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
        let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) / 100.0
    };
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let writer = tasks
        .filter(|task| std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "lgsp-write"))
        .map(|task| seconds(&task.path().join("stat")))
        .sum();
    (seconds(Path::new("/proc/self/stat")), writer)
}

fn rss_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

async fn push(store: &EmbeddedStore, events: Vec<NewEvent>) {
    loop {
        match store.append(events.clone()).await {
            Ok(_) => return,
            Err(StoreError::Busy) => tokio::time::sleep(Duration::from_millis(2)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Events made at a time, before the clock starts, so that making them costs neither time nor much memory.
const PART: u64 = 40_000;

/// Pushes some events and returns how long that took, and the CPU used before it.
async fn push_part(
    store: &Arc<EmbeddedStore>,
    numbers: Range<u64>,
    callers: u64,
    batch: u64,
) -> (Duration, (f64, f64)) {
    let mut queues: Vec<Vec<Vec<NewEvent>>> = (0..callers).map(|_| Vec::new()).collect();
    let numbers: Vec<u64> = numbers.collect();
    for (at, chunk) in numbers.chunks(batch as usize).enumerate() {
        queues[at % callers as usize].push(chunk.iter().map(|n| event(*n)).collect());
    }
    let (before, began) = (cpu(), Instant::now());
    let mut tasks = Vec::new();
    for queue in queues {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            for events in queue {
                push(&store, events).await;
            }
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    (began.elapsed(), before)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (total, callers, batch) = (number(0, 300_000), number(1, 64), number(2, 1));
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = arguments.get(3).map_or_else(|| temporary.path().to_owned(), Into::into);
    println!("start: {} MiB resident", rss_mib());
    let commits = Arc::new(Commits::default());
    let opened = Instant::now();
    let options = EmbeddedOptions { observer: Some(commits.clone()), ..EmbeddedOptions::default() };
    let store = Arc::new(EmbeddedStore::open(&dir, options).expect("the store opens"));
    let first = store.head().borrow().0;
    println!("opened with {first} events in {:?}, {} MiB resident", opened.elapsed(), rss_mib());
    let (mut done, mut wall, mut used) = (first, 0.0, (0.0, 0.0));
    while done < first + total {
        let part = PART.min(first + total - done);
        let (took, before) = push_part(&store, done..done + part, callers, batch).await;
        wall += took.as_secs_f64();
        let after = cpu();
        used = (used.0 + after.0 - before.0, used.1 + after.1 - before.1);
        done += part;
    }
    let each = 1e6 / total as f64;
    let (count, took) = *commits.0.lock().expect("no panic in there");
    println!(
        "{total} events by {callers} callers in batches of {batch}: {:.0} events/s, {:.1} us CPU each, of it writer {:.1} us; \
         {} commits, {:?} each; {} MiB resident",
        total as f64 / wall,
        used.0 * each,
        used.1 * each,
        count,
        took / count.max(1) as u32,
        rss_mib()
    );
    read_back(&store, done).await;
    drop(store);
    let bytes: u64 = std::fs::read_dir(&dir)
        .expect("the directory")
        .flatten()
        .map(|file| file.metadata().map_or(0, |meta| meta.len()))
        .sum();
    println!("{:.0} bytes on disk per event", bytes as f64 / done as f64);
}

async fn read_back(store: &EmbeddedStore, head: u64) {
    let filter = ReadFilter::new(Vec::new(), AgencyGrant::All);
    let limit = PageLimit { events: 1_000, bytes: 16 * 1024 * 1024 };
    let mut after = Seq(head.saturating_sub(50_000));
    let (began, before, mut count) = (Instant::now(), cpu().0, 0);
    loop {
        let page = store.read(after, limit, filter.clone()).await.expect("a page");
        count += page.events.len();
        after = page.through;
        if !page.more {
            break;
        }
    }
    let each = 1e6 / count.max(1) as f64;
    println!(
        "read {count}: {:.2} us each, {:.2} us CPU",
        began.elapsed().as_secs_f64() * each,
        (cpu().0 - before) * each
    );
}

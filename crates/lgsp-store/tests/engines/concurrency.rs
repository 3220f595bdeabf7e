//! Invariant 3: many write, many read, every reader sees every event once, in one order, without gaps.

use std::sync::Arc;

use lgsp_model::{Seq, Status};
use lgsp_store::{DurableStore, EmbeddedStore, PageLimit};

use super::embedded::open;
use super::messages::{everything, record};

const WRITERS: u64 = 6;
const CALLS: u64 = 60;
const EACH: u64 = 7;
const TOTAL: u64 = WRITERS * CALLS * EACH;

async fn write(store: Arc<EmbeddedStore>, writer: u64) {
    for call in 0..CALLS {
        let first = (writer * CALLS + call) * EACH;
        let events = (first..first + EACH).map(|n| record(n, Status::New, n)).collect();
        let answers = store.append(events).await.unwrap();
        assert_eq!(answers.len() as u64, EACH);
        assert!(*store.head().borrow() >= Seq(1), "the head moves before the answer");
    }
}

/// Follows the log by its head; checks that nothing is missing, doubled or out of order.
async fn follow(store: Arc<EmbeddedStore>, events: usize) -> Vec<String> {
    let (mut head, mut after, mut keys) = (store.head(), Seq(0), Vec::new());
    while after < Seq(TOTAL) {
        let published = *head.borrow_and_update();
        let limit = PageLimit { events, bytes: 1 << 20 };
        let page = store.read(after, limit, everything()).await.unwrap();
        for event in page.events {
            assert_eq!(event.seq, after.next());
            after = event.seq;
            keys.push(event.key);
        }
        assert_eq!(page.through, after);
        assert!(page.more || after >= published, "a page stops at {after} before {published}");
        if !page.more && after < Seq(TOTAL) {
            head.wait_for(|head| *head > after).await.unwrap();
        }
    }
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_readers_see_every_event_once_and_in_one_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()));
    let readers: Vec<_> = [1, 10, 1_000].map(|events| tokio::spawn(follow(store.clone(), events))).into();
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(store.clone(), writer))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut orders = Vec::new();
    for reader in readers {
        orders.push(reader.await.unwrap());
    }
    assert!(orders.iter().all(|order| *order == orders[0]));
    let mut keys = orders.swap_remove(0);
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len() as u64, TOTAL);
    assert_eq!(store.verify().await.unwrap().events, TOTAL);
}

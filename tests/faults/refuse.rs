//! Stores that must not be opened: one of a newer version, and one that another process has open.

use rusqlite::Connection;

use crate::load::{client, token};
use crate::program::Place;

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_a_newer_version_is_refused_with_a_sentence_and_left_alone() {
    let place = Place::new(None);
    place.start().await.kill();
    let file = place.data().join("lgsp.db");
    let ours = set_version(&file, 9_999);
    let (code, said) = place.refused();
    assert_eq!(code, Some(1), "{said}");
    for word in ["9999", "newer", &ours.to_string(), place.data().to_str().unwrap()] {
        assert!(said.contains(word), "it says {word}: {said}");
    }
    assert_eq!(set_version(&file, ours), 9_999, "the store was left as it was");
    place.start().await;
}

/// Changes the version of the format; the one that stood there.
fn set_version(file: &std::path::Path, to: i32) -> i32 {
    let store = Connection::open(file).unwrap();
    let was = store.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    store.pragma_update(None, "user_version", to).unwrap();
    was
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_store_is_refused_and_the_first_goes_on() {
    let place = Place::new(None);
    let program = place.start().await;
    let (code, said) = place.refused();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("another process"), "{said}");
    token(&client(), program.public, "one-stop").await;
}

//! Reconciliations in the registry: a summary for each, and its rows in pieces beside it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lgsp_core::reconcile::Class;
use lgsp_model::{ErrorCode, Timestamp};
use lgsp_store::{AuditEntry, DurableStore, RegistryChange, RegistryEntry, RegistryKind, StoreError};

use super::{Day, Found, Outcome, Row, Source};
use crate::app::App;
use crate::failure::Failure;

/// Between the parts of a name: no provider's id has it, and it stands in addresses as it is.
const BETWEEN: char = '~';
/// Bytes of rows in one commit, so that others do not wait for it.
const COMMIT_BYTES: usize = 2 * 1024 * 1024;
/// Entries that are read at once.
const PAGE: usize = 200;
/// Days whose results an alarm looks at: what differs is cleared up within a month, or somebody knows.
const LOOKED_AT_MILLIS: i64 = 31 * 24 * 3600 * 1000;

/// Stores a result with its rows. Rows come first: those of a result that never came are seen nowhere.
pub(super) async fn store(app: &App, outcome: &mut Outcome, found: Found, by: AuditEntry) -> Result<(), Failure> {
    let day: Day = outcome.day.parse().expect("it was written from a day");
    outcome.id = format!("{}{BETWEEN}{}{BETWEEN}{:013}", outcome.provider, day.number(), by.at.0);
    outcome.at = by.at.to_string();
    outcome.by.clone_from(&by.actor);
    outcome.rows = found.kept();
    let mut create = Vec::new();
    let mut bytes = 0;
    for (number, piece) in found.into_pieces().into_iter().enumerate() {
        if bytes > 0 && bytes + piece.len() > COMMIT_BYTES {
            let audit = AuditEntry { action: format!("{}.rows", by.action), ..by.clone() };
            commit(app, std::mem::take(&mut create), audit).await?;
            bytes = 0;
        }
        bytes += piece.len();
        let id = format!("{}{BETWEEN}{number:04}", outcome.id);
        create.push(RegistryEntry { kind: RegistryKind::ReconciliationRows, id, value: piece, ends: None });
    }
    let value = Bytes::from(serde_json::to_vec(outcome).expect("plain data writes into memory"));
    create.push(RegistryEntry { kind: RegistryKind::Reconciliation, id: outcome.id.clone(), value, ends: None });
    commit(app, create, by).await
}

async fn commit(app: &App, create: Vec<RegistryEntry>, audit: AuditEntry) -> Result<(), Failure> {
    let change = RegistryChange { create, put: Vec::new(), remove: Vec::new(), audit };
    app.store.change_registry(change).await.map(drop).map_err(Failure::from)
}

/// One result.
pub(crate) async fn read(store: &dyn DurableStore, id: &str) -> Result<Outcome, Failure> {
    let entry = store.registry_entry(RegistryKind::Reconciliation, id.to_owned()).await?;
    let outcome = entry.and_then(|entry| outcome(&entry));
    outcome.ok_or_else(|| Failure::new(ErrorCode::NotFound, "there is no such reconciliation"))
}

fn outcome(entry: &RegistryEntry) -> Option<Outcome> {
    serde_json::from_slice(&entry.value).ok()
}

/// Results in the order of providers, of days, of when they were made; of one provider only, behind a name.
pub(crate) async fn list(
    store: &dyn DurableStore,
    provider: Option<&str>,
    after: &str,
    limit: usize,
) -> Result<Vec<Outcome>, StoreError> {
    let first = provider.map(|provider| format!("{provider}{BETWEEN}")).unwrap_or_default();
    let after = if after > first.as_str() { after.to_owned() } else { first.clone() };
    let entries = store.registry(RegistryKind::Reconciliation, after, limit).await?;
    let of_it = entries.iter().take_while(|entry| entry.id.starts_with(&first));
    Ok(of_it.filter_map(outcome).collect())
}

/// The rows of a result, piece by piece.
pub(crate) struct Rows<'a> {
    store: &'a dyn DurableStore,
    first: String,
    after: Option<String>,
}

impl<'a> Rows<'a> {
    pub(crate) fn of(store: &'a dyn DurableStore, outcome: &Outcome) -> Self {
        let first = format!("{}{BETWEEN}", outcome.id);
        Self { store, after: Some(first.clone()), first }
    }

    /// The next rows.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Row>>, Failure> {
        let Some(after) = self.after.take() else { return Ok(None) };
        let entries = self.store.registry(RegistryKind::ReconciliationRows, after, 1).await?;
        let Some(entry) = entries.first().filter(|entry| entry.id.starts_with(&self.first)) else { return Ok(None) };
        self.after = Some(entry.id.clone());
        let rows = serde_json::from_slice(&entry.value);
        rows.map(Some).map_err(|_| Failure::new(ErrorCode::Internal, "a piece of the rows cannot be read"))
    }
}

/// The newest result of a day's file.
async fn newest_file(store: &dyn DurableStore, provider: &str, day: Day) -> Result<Option<Outcome>, StoreError> {
    let first = format!("{provider}{BETWEEN}{}{BETWEEN}", day.number());
    let (mut after, mut newest) = (first.clone(), None);
    loop {
        let mut page = list(store, Some(provider), &after, PAGE).await?;
        let full = page.len() == PAGE;
        page.retain(|outcome| outcome.id.starts_with(&first));
        let goes_on = full && page.len() == PAGE;
        after = page.last().map_or(after, |outcome| outcome.id.clone());
        newest = page.into_iter().rfind(|outcome| outcome.source == Source::File).or(newest);
        if !goes_on {
            return Ok(newest);
        }
    }
}

/// Our lines of a day that the files of the days beside it have, with their transactions there; `except` for one of those days.
pub(super) async fn elsewhere(
    store: &dyn DurableStore,
    provider: &str,
    day: Day,
    except: Option<Day>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut known = BTreeMap::new();
    for beside in day.beside().into_iter().filter(|beside| Some(*beside) != except) {
        let outcome = newest_file(store, provider, beside).await?;
        let near = |outcome: &Outcome| lines_of(outcome, Class::NearMidnight) > 0;
        let Some(outcome) = outcome.filter(near) else { continue };
        let mut rows = Rows::of(store, &outcome);
        while let Some(piece) = rows.next().await? {
            let of_day = piece.into_iter().filter(|row| row.day == day.number());
            known.extend(of_day.filter_map(|row| Some((row.reference, row.theirs?.transaction))));
        }
    }
    Ok(known)
}

fn lines_of(outcome: &Outcome, class: Class) -> u64 {
    outcome.classes.get(class.as_str()).map_or(0, |sums| sums.lines)
}

/// How many lines of other days, found in the file of this one, their newest results call missing there. A line that is found in two
/// files is counted once.
pub(super) async fn clears(
    store: &dyn DurableStore,
    outcome: &Outcome,
    found: BTreeMap<Day, BTreeSet<String>>,
) -> Result<BTreeMap<String, u64>, Failure> {
    let this: Day = outcome.day.parse().expect("it was written from a day");
    let mut clears = BTreeMap::new();
    for (day, mut references) in found {
        let Some(there) = newest_file(store, &outcome.provider, day).await? else { continue };
        for known in elsewhere(store, &outcome.provider, day, Some(this)).await?.keys() {
            references.remove(known);
        }
        let (mut rows, mut count) = (Rows::of(store, &there), 0);
        while let Some(piece) = rows.next().await? {
            let missing = piece.iter().filter(|row| row.class == Class::MissingThere.as_str());
            count += missing.filter(|row| references.contains(&row.reference)).count() as u64;
        }
        if count > 0 {
            clears.insert(day.to_string(), count);
        }
    }
    Ok(clears)
}

/// How a provider's reconciliations stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Lines that differ, of the newest result of each of the last days together, by file where there is one: a day that was not cleared up is not forgotten
    /// because the next one is in order. What the file of a day beside it was found to have since does not count.
    pub(super) differing: u64,
    /// When the newest was made; `None`: there was none in that time.
    pub(super) last: Option<Timestamp>,
}

pub(super) async fn standing(store: &dyn DurableStore, provider: &str, now: Timestamp) -> Result<Standing, StoreError> {
    let from = Day::of(now.plus_millis(-LOOKED_AT_MILLIS));
    let mut after = format!("{provider}{BETWEEN}{}", from.number());
    let (mut newest, mut last) = (BTreeMap::<String, Outcome>::new(), None);
    loop {
        let page = list(store, Some(provider), &after, PAGE).await?;
        let full = page.len() == PAGE;
        for outcome in page {
            after.clone_from(&outcome.id);
            last = last.max(made_at(&outcome.id));
            match newest.entry(outcome.day.clone()) {
                // Asking cannot find what only the provider has: it takes nothing back that a file has shown.
                Entry::Occupied(known) if outcome.source == Source::Query && known.get().source == Source::File => {}
                entry => drop(entry.insert_entry(outcome)),
            }
        }
        if !full {
            let differing = newest.values().map(|outcome| outcome.differing - cleared(outcome, &newest)).sum();
            return Ok(Standing { differing, last });
        }
    }
}

/// How many differences of a result were cleared up by results of other days that were made after it.
fn cleared(outcome: &Outcome, newest: &BTreeMap<String, Outcome>) -> u64 {
    let later = newest.values().filter(|other| made_at(&other.id) > made_at(&outcome.id));
    let cleared: u64 = later.filter_map(|other| other.clears.get(&outcome.day)).sum();
    cleared.min(outcome.differing)
}

/// When a result was made, by its name.
fn made_at(id: &str) -> Option<Timestamp> {
    id.rsplit(BETWEEN).next()?.parse().ok().map(Timestamp)
}

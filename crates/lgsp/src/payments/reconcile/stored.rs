//! Reconciliations in the registry: a summary for each, and its rows in pieces beside it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bytes::Bytes;
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

/// How a provider's reconciliations stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Lines that differ, of the newest result of each of the last days together, by file where there is one: a day that was not cleared up is not forgotten
    /// because the next one is in order.
    pub(super) differing: u64,
    /// When the newest was made; `None`: there was none in that time.
    pub(super) last: Option<Timestamp>,
}

pub(super) async fn standing(store: &dyn DurableStore, provider: &str, now: Timestamp) -> Result<Standing, StoreError> {
    let from = Day::of(now.plus_millis(-LOOKED_AT_MILLIS));
    let mut after = format!("{provider}{BETWEEN}{}", from.number());
    let (mut newest, mut last) = (BTreeMap::<String, (u64, bool)>::new(), None);
    loop {
        let page = list(store, Some(provider), &after, PAGE).await?;
        let full = page.len() == PAGE;
        for outcome in page {
            after.clone_from(&outcome.id);
            last = last.max(made_at(&outcome.id));
            let sees_less = outcome.source == Source::Query;
            match newest.entry(outcome.day) {
                // Asking cannot find what only the provider has: it takes nothing back that a file has shown.
                Entry::Occupied(known) if sees_less && !known.get().1 => {}
                entry => drop(entry.insert_entry((outcome.differing, sees_less))),
            }
        }
        if !full {
            return Ok(Standing { differing: newest.values().map(|(differing, _)| differing).sum(), last });
        }
    }
}

/// When a result was made, by its name.
fn made_at(id: &str) -> Option<Timestamp> {
    id.rsplit(BETWEEN).next()?.parse().ok().map(Timestamp)
}

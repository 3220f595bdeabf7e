//! The account of somebody who signed in. Names that lead to accounts are stored as keyed digests, so that nobody can look a
//! person up without the key. Every sign-in leaves an event in the log, with a digest of what the provider said.

use lgsp_connect::Authenticated;
use lgsp_core::accounts::{Linking, Name, NameKind, link};
use lgsp_model::{Level, PersonKind};
use lgsp_store::{AuditEntry, DurableStore, RegistryChange, RegistryEntry, RegistryKind, StoreError};
use serde::{Deserialize, Serialize};

use super::providers::Provider;
use crate::app::App;
use crate::failure::Failure;
use crate::identity::random_id;
use crate::trace::Trace;

/// What is kept of an account: nothing that says who it is.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) kind: String,
    /// How it came to be known by each of its names.
    pub(crate) names: Vec<KnownName>,
}

/// A name of an account.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KnownName {
    pub(crate) kind: String,
    /// The keyed digest under which it is found.
    pub(crate) id: String,
    pub(crate) provider: String,
    pub(crate) at: String,
    /// Why it was linked.
    pub(crate) because: String,
}

/// Accounts that may be one person's, or whose names contradict each other; the one that was signed in to comes last.
#[derive(Serialize, Deserialize)]
pub(crate) struct Conflict {
    pub(crate) accounts: Vec<String>,
    pub(crate) provider: String,
    pub(crate) at: String,
    /// What an operator said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) decided: Option<Decided>,
}

/// What an operator said of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decided {
    /// The accounts are one person's.
    Same,
    /// They are several persons'.
    Different,
}

impl Decided {
    /// The word in answers and in the log.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Different => "different",
        }
    }
}

impl Account {
    /// The account of this id.
    pub(crate) async fn read(store: &dyn DurableStore, id: &str) -> Result<Option<Self>, StoreError> {
        let entry = store.registry_entry(RegistryKind::Account, id.to_owned()).await?;
        Ok(entry.and_then(|entry| serde_json::from_slice(&entry.value).ok()))
    }

    /// It, to be kept.
    pub(crate) fn entry(&self) -> RegistryEntry {
        entry(RegistryKind::Account, &self.id, json(self))
    }

    /// What makes one of its names lead to it.
    pub(crate) fn lead(&self, name: &str) -> RegistryEntry {
        entry(RegistryKind::AccountKey, name, self.id.clone().into_bytes())
    }
}

impl Conflict {
    /// It, to be kept under the name that was signed in with.
    pub(crate) fn entry(&self, name: &str) -> RegistryEntry {
        entry(RegistryKind::Conflict, name, json(self))
    }
}

fn entry(kind: RegistryKind, id: &str, value: Vec<u8>) -> RegistryEntry {
    RegistryEntry { kind, id: id.to_owned(), value: value.into(), ends: None }
}

/// A number that somebody wrote himself proves nothing: below this level it leads to no account.
const VOUCHED: u8 = 2;

/// Two people may sign in for the first time at once, and find each other's names.
const TRIES: usize = 5;

/// The account of who signed in; made when there is none.
pub(crate) async fn of(app: &App, provider: &Provider, came: &Authenticated, trace: Trace) -> Result<String, Failure> {
    let names = names(app, provider, came);
    let visit = Visit { app, provider: provider.id(), kind: came.person.kind, names, came, trace };
    for _ in 0..TRIES {
        match visit.settle().await {
            Err(StoreError::Taken) => {}
            Err(error) => return Err(error.into()),
            Ok(account) => return Ok(account),
        }
    }
    Err(StoreError::Busy.into())
}

/// The names that somebody comes with, each as the id under which it is found.
fn names(app: &App, provider: &Provider, came: &Authenticated) -> Vec<(NameKind, String)> {
    let person = &came.person;
    let legal = matches!(person.kind, PersonKind::Enterprise | PersonKind::Organisation);
    // An officer is not the citizen that he is at home: what he may do hangs on his office.
    let class = match person.kind {
        PersonKind::Citizen => "natural",
        PersonKind::Enterprise | PersonKind::Organisation => "legal",
        PersonKind::Officer => "officer",
    };
    let key =
        |kind: NameKind, value: &str| (kind, app.keyed_digest(&format!("account {class} {} {value}", kind.as_str())));
    let mut names = vec![key(NameKind::Provider, &format!("{} {}", provider.id(), person.subject))];
    if !provider.vouches() {
        return names;
    }
    let sure = person.level.is_some_and(|level| Some(level) >= Level::new(VOUCHED));
    names.extend(person.tech_id.iter().map(|id| key(NameKind::TechId, id)));
    let number = person.identity_number.iter().filter(|_| sure && !legal);
    names.extend(number.map(|number| key(NameKind::IdentityNumber, number)));
    names.extend(person.tax_code.iter().filter(|_| sure && legal).map(|code| key(NameKind::TaxCode, code)));
    names
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("records of accounts are plain JSON")
}

struct Visit<'a> {
    app: &'a App,
    provider: &'a str,
    kind: PersonKind,
    names: Vec<(NameKind, String)>,
    came: &'a Authenticated,
    trace: Trace,
}

impl Visit<'_> {
    async fn settle(&self) -> Result<String, StoreError> {
        let mut known = Vec::with_capacity(self.names.len());
        for (kind, id) in &self.names {
            let entry = self.app.store.registry_entry(RegistryKind::AccountKey, id.clone()).await?;
            let leads_to = entry.and_then(|entry| String::from_utf8(entry.value.to_vec()).ok());
            known.push(Name { kind: *kind, leads_to });
        }
        let mut records: Vec<Account> = Vec::new();
        for account in known.iter().filter_map(|name| name.leads_to.as_ref()) {
            if records.iter().all(|record| record.id != *account) {
                records.push(Account::read(&*self.app.store, account).await?.unwrap_or_else(|| self.fresh(account)));
            }
        }
        let has_other = |account: &String, kind: NameKind| {
            let given = self.names.iter().find(|(known, _)| *known == kind).map(|(_, id)| id);
            let record = records.iter().find(|record| record.id == *account);
            record.is_some_and(|record| {
                record.names.iter().any(|name| name.kind == kind.as_str() && Some(&name.id) != given)
            })
        };
        let mut linking = link(&known, has_other);
        // A conflict is told once; what was decided about it stays decided.
        if !linking.conflict.is_empty() {
            let told = self.app.store.registry_entry(RegistryKind::Conflict, self.own_name().to_owned()).await?;
            linking.conflict.retain(|_| told.is_none());
        }
        let account = linking.account.clone().unwrap_or_else(random_id);
        if linking.learnt.is_empty() && linking.conflict.is_empty() {
            self.app.store.audit(self.audit("sign-in", &account, "known")).await?;
            return Ok(account);
        }
        let record = records.into_iter().find(|record| record.id == account);
        let change = self.change(&linking, record.unwrap_or_else(|| self.fresh(&account)));
        self.app.store.change_registry(change).await?;
        if !linking.conflict.is_empty() {
            self.app.metrics.sign_in(self.provider, "conflict");
            tracing::warn!(provider = self.provider, account, "a sign-in fits several accounts; nothing was merged");
        }
        Ok(account)
    }

    /// What is learnt of an account, and what is in doubt.
    fn change(&self, linking: &Linking<String>, mut record: Account) -> RegistryChange {
        let because = match linking.by {
            None => "first sign-in",
            Some(NameKind::Provider) => "said by the same provider",
            Some(NameKind::TechId) => "same tech_id",
            Some(NameKind::IdentityNumber) => "same identity number",
            Some(NameKind::TaxCode) => "same tax code",
        };
        let at = self.app.clock.wall().to_string();
        let learnt: Vec<_> = self.names.iter().filter(|(kind, _)| linking.learnt.contains(kind)).collect();
        let create = learnt.iter().map(|(_, id)| record.lead(id)).collect();
        for (kind, id) in learnt {
            let (kind, provider) = (kind.as_str().to_owned(), self.provider.to_owned());
            record.names.push(KnownName {
                kind,
                id: id.clone(),
                provider,
                at: at.clone(),
                because: because.to_owned(),
            });
        }
        let mut put = vec![record.entry()];
        if !linking.conflict.is_empty() {
            let mut accounts = linking.conflict.clone();
            if linking.account.is_none() {
                accounts.push(record.id.clone());
            }
            let conflict = Conflict { accounts, provider: self.provider.to_owned(), at, decided: None };
            put.push(conflict.entry(self.own_name()));
        }
        let action = if linking.account.is_some() { "account.link" } else { "account.make" };
        let audit = self.audit(action, &record.id, because);
        RegistryChange { create, put, remove: Vec::new(), audit }
    }

    /// The provider's own name for him.
    fn own_name(&self) -> &str {
        let (_, id) = self.names.first().expect("the provider's own name is always there");
        id
    }

    fn fresh(&self, account: &str) -> Account {
        Account { id: account.to_owned(), kind: self.kind.as_str().to_owned(), names: Vec::new() }
    }

    fn audit(&self, action: &str, account: &str, because: &str) -> AuditEntry {
        let said = self.app.keyed_digest_of(&self.came.raw);
        AuditEntry {
            at: self.app.clock.wall(),
            actor: self.provider.to_owned(),
            action: action.to_owned(),
            object: format!("account/{account}"),
            reason: format!("{because}; claims {said}"),
            address: String::new(),
            trace: self.trace.id(),
        }
    }
}

//! The settings that a profile asks for, beside those that every provider has.
//!
//! A secret is handed out only to what goes to the provider; see [`Topic::Secret`].

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use super::super::keys::Secrets;
use super::reader::Part;
use super::values::Topic;
use crate::place::Place;
use crate::settings::{Fields, Problem};

/// Settings that every provider has: a profile cannot take their names.
const OWN: &[&str] = &["url", "allow_private", "timeout", "profile", "least", "most"];

/// Settings of one profile: more is no way to tell who one is.
const MOST_SETTINGS: usize = 32;

/// What a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// One secret.
    Secret,
    /// A secret, or the new and the old one while it is replaced.
    Keys,
    /// The base of some addresses; the provider's own where it is not set.
    Address,
}

const KINDS: &[(&str, Kind)] =
    &[("text", Kind::Text), ("secret", Kind::Secret), ("keys", Kind::Keys), ("address", Kind::Address)];

/// The settings that a profile declares.
#[derive(Clone, Debug, Default)]
pub(super) struct Declared(Vec<Declaration>);

#[derive(Clone, Debug)]
struct Declaration {
    key: String,
    kind: Kind,
    default: Option<String>,
}

impl Declared {
    /// The table `settings` of a profile.
    pub(super) fn read(profile: &Part<'_>) -> Self {
        let Some(settings) = profile.part("settings") else { return Self::default() };
        let mut declared = Vec::new();
        for (key, _) in settings.entries() {
            let Some(part) = settings.part(key) else { continue };
            let expected = "one of text, secret, keys, address";
            let kind = part.word("kind", KINDS, Some(Kind::Text), expected);
            let default = part.text("default").map(str::to_owned);
            part.finish();
            if OWN.contains(&key) || key.contains(['.', '|', '{', '}']) || declared.len() == MOST_SETTINGS {
                settings.fail(key, Problem::Expected("at most 32 settings with names of their own"));
            }
            declared.extend(kind.map(|kind| Declaration { key: key.to_owned(), kind, default }));
        }
        Self(declared)
    }

    fn kind(&self, key: &str) -> Option<Kind> {
        self.0.iter().find(|declaration| declaration.key == key).map(|declaration| declaration.kind)
    }

    /// What it needs to be spoken of; `None`: it is not declared.
    pub(super) fn topic(&self, key: &str) -> Option<Topic> {
        self.kind(key).map(|kind| match kind {
            Kind::Text | Kind::Address => Topic::Setting,
            Kind::Secret | Kind::Keys => Topic::Secret,
        })
    }

    /// Whether it holds what signatures are made with.
    pub(super) fn is_keys(&self, key: &str) -> bool {
        self.kind(key) == Some(Kind::Keys)
    }

    /// Whether it is the base of some addresses.
    pub(super) fn is_address(&self, key: &str) -> bool {
        self.kind(key) == Some(Kind::Address)
    }

    /// Their values in the table of a provider, whose place is known already.
    pub(super) fn fill(&self, fields: &mut Fields<'_>, place: Option<&Place>) -> Settings {
        let mut settings = BTreeMap::new();
        for Declaration { key, kind, default } in &self.0 {
            let absent = fields.get(key).is_none();
            let setting = match (kind, default) {
                (Kind::Address, _) if absent => place.map(|place| Setting::Text(place.base.clone())),
                (Kind::Address, _) => address(fields, key, place).map(Setting::Text),
                (Kind::Secret, Some(default)) if absent => Some(Setting::Secret(default.as_str().into())),
                (Kind::Secret, _) => Some(Setting::Secret(fields.secret(key))),
                (Kind::Keys, _) => Secrets::read(fields, key).map(Setting::Keys),
                (Kind::Text, Some(default)) if absent => Some(Setting::Text(default.clone())),
                (Kind::Text, default) => Some(Setting::Text(fields.text(key, default.as_deref()))),
            };
            settings.extend(setting.map(|setting| (key.clone(), setting)));
        }
        Settings(settings)
    }
}

fn address(fields: &mut Fields<'_>, key: &str, place: Option<&Place>) -> Option<String> {
    let text = fields.text(key, None);
    let rule = place?.rule;
    let good = rule.read(&text).is_some_and(|uri| uri.query().is_none());
    if !good && !text.is_empty() {
        fields.fail(key, Problem::Expected("an address by the rules of the provider's own"));
    }
    good.then(|| text.trim_end_matches('/').to_owned())
}

/// Their values.
pub(super) struct Settings(BTreeMap<String, Setting>);

enum Setting {
    Text(String),
    Secret(SecretString),
    Keys(Secrets),
}

impl Settings {
    /// The value; of keys the one that signs. Empty when there is none.
    pub(super) fn text(&self, key: &str) -> &str {
        match self.0.get(key) {
            Some(Setting::Text(text)) => text,
            Some(Setting::Secret(secret)) => secret.expose_secret(),
            Some(Setting::Keys(secrets)) => secrets.first(),
            None => "",
        }
    }

    /// Every key in one place, the one that signs first.
    pub(super) fn keys(&self, key: &str) -> Option<&Secrets> {
        match self.0.get(key)? {
            Setting::Keys(secrets) => Some(secrets),
            Setting::Text(_) | Setting::Secret(_) => None,
        }
    }

    /// Everything that must not be told.
    pub(super) fn secrets(&self) -> Vec<&str> {
        let each = self.0.values().flat_map(|setting| match setting {
            Setting::Text(_) => Vec::new(),
            Setting::Secret(secret) => vec![secret.expose_secret()],
            Setting::Keys(secrets) => secrets.all().collect(),
        });
        each.filter(|secret| !secret.is_empty()).collect()
    }
}

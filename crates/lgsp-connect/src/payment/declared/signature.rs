//! What a message is signed with: which values in which order, what stands between them, a digest or an HMAC, and which key.
//!
//! It makes and checks signatures; where the values come from is the message's.

use aws_lc_rs::{constant_time, digest, hmac};
use serde_json::{Map, Value as Json};
use toml::Value;

use super::super::keys::{Secrets, hex, unhex};
use super::field::{Fields, flat};
use super::message::{Message, Place};
use super::reader::Part;
use super::template::{Scope, Template};
use super::values::{Facts, Topic};
use crate::settings::Problem;

/// Values under one signature: the longest of the field has fourteen.
const MOST_COVERED: usize = 64;

/// How the values and the key become one number.
#[derive(Clone, Copy, Debug)]
enum Algorithm {
    Hmac(hmac::Algorithm),
    Digest(&'static digest::Algorithm),
}

const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("hmac-sha256", Algorithm::Hmac(hmac::HMAC_SHA256)),
    ("hmac-sha512", Algorithm::Hmac(hmac::HMAC_SHA512)),
    ("hmac-sha1", Algorithm::Hmac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY)),
    ("sha256", Algorithm::Digest(&digest::SHA256)),
    ("sha512", Algorithm::Digest(&digest::SHA512)),
];

/// Where the secret goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Secret {
    /// It is the key of the HMAC.
    Key,
    /// It is the first value under the digest.
    Before,
    /// It is the last one.
    After,
}

const SECRETS: &[(&str, Secret)] = &[("before", Secret::Before), ("after", Secret::After)];

/// One covered value.
#[derive(Clone, Debug)]
enum Covered {
    /// It stands in the message.
    Field(String, Place),
    /// It does not: both sides know it.
    Known(Template),
}

/// A way to sign.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    /// Where it stands.
    field: Place,
    /// The name of that field.
    pub name: String,
    over: Vec<Covered>,
    separator: String,
    /// `name=value` in place of the value alone.
    named: bool,
    /// Values that are empty are passed over.
    skip_empty: bool,
    algorithm: Algorithm,
    secret: Secret,
    /// The setting with the key.
    key: String,
    upper: bool,
}

impl Signature {
    /// The table `signature` of a message. `sent` are the fields of one that goes out: what is covered must be among them.
    pub(super) fn read(message: &Part<'_>, scope: Scope<'_>, sent: Option<&Fields>) -> Option<Self> {
        let part = message.part("signature")?;
        let name = part.needed("field");
        let expected = "one of hmac-sha256, hmac-sha512, hmac-sha1, sha256, sha512";
        let algorithm = part.word("algorithm", ALGORITHMS, None, expected);
        let secret = match algorithm {
            Some(Algorithm::Digest(_)) => part.word("secret", SECRETS, None, "before or after"),
            _ => Some(Secret::Key),
        };
        let key = part.needed("key");
        if key.is_some_and(|key| !scope.settings.is_keys(key)) {
            part.fail("key", Problem::Expected("the name of a setting of the kind keys"));
        }
        let over = over(&part, scope, sent);
        let expected = "lower or upper";
        let upper = part.word("digits", &[("lower", false), ("upper", true)], Some(false), expected);
        let (named, skip_empty) = (part.flag("named"), part.flag("skip_empty"));
        if !part.has("separator") {
            part.fail("separator", Problem::Missing);
        }
        let separator = part.text("separator").unwrap_or_default().to_owned();
        let field = name.and_then(|name| {
            let place = Place::of(name);
            if place.is_none() {
                part.fail("field", Problem::Expected("where in the message it stands"));
            }
            place
        });
        part.finish();
        Some(Self {
            field: field?,
            name: name?.to_owned(),
            over: over?,
            separator,
            named,
            skip_empty,
            algorithm: algorithm?,
            secret: secret?,
            key: key?.to_owned(),
            upper: upper?,
        })
    }

    /// Whether what stands at `place` cannot be changed without the key. Values that run into each other can be, and so can a digest
    /// whose secret comes first: it can be made longer.
    pub(super) fn proves(&self, place: &Place) -> bool {
        let fields: Vec<&Place> = self.over.iter().filter_map(|covered| covered.place()).collect();
        let apart = self.over.len() == 1 || !self.separator.is_empty();
        apart && self.secret != Secret::Before && place.within(&fields)
    }

    /// Whether the values that came can be told apart: none of them holds what stands between them.
    pub(super) fn apart(&self, came: &Message<'_>) -> bool {
        let holds = |covered: &Covered| match covered.place().and_then(|place| came.text(place)) {
            Some(text) => !self.separator.is_empty() && text.contains(&self.separator),
            None => false,
        };
        !self.over.iter().any(holds)
    }

    /// The signature of a message that goes out.
    pub(super) fn sign(&self, sent: &Map<String, Json>, facts: &Facts<'_>) -> Option<String> {
        let secrets = facts.settings.keys(&self.key)?;
        let text = self.text(facts, |name, _| sent.get(name).map(flat).unwrap_or_default())?;
        let signature = hex(&self.raw(&text, secrets.first()));
        Some(if self.upper { signature.to_uppercase() } else { signature })
    }

    /// Whether a message that came is signed with one of the keys, in a time that does not depend on where it differs.
    pub(super) fn verified(&self, came: &Message<'_>, facts: &Facts<'_>) -> bool {
        let Some(given) = came.text(&self.field).and_then(|text| unhex(&text)) else { return false };
        let Some(secrets) = facts.settings.keys(&self.key) else { return false };
        let Some(text) = self.text(facts, |_, place| came.text(place).unwrap_or_default().into_owned()) else {
            return false;
        };
        self.matches(&text, secrets, &given)
    }

    fn matches(&self, text: &str, secrets: &Secrets, given: &[u8]) -> bool {
        // Every key is tried: which one it was does not show either.
        secrets.all().fold(false, |found, secret| {
            constant_time::verify_slices_are_equal(&self.raw(text, secret), given).is_ok() | found
        })
    }

    fn text(&self, facts: &Facts<'_>, field: impl Fn(&str, &Place) -> String) -> Option<String> {
        let mut values = Vec::with_capacity(self.over.len());
        for covered in &self.over {
            let (name, value) = match covered {
                Covered::Field(name, place) => (name.as_str(), field(name, place)),
                Covered::Known(template) => ("", template.write(facts).ok()?.to_string()),
            };
            if self.skip_empty && value.is_empty() {
                continue;
            }
            values.push(if self.named { format!("{name}={value}") } else { value });
        }
        Some(values.join(&self.separator))
    }

    fn raw(&self, text: &str, secret: &str) -> Vec<u8> {
        let separator = &self.separator;
        match (self.algorithm, self.secret) {
            (Algorithm::Hmac(algorithm), _) => {
                hmac::sign(&hmac::Key::new(algorithm, secret.as_bytes()), text.as_bytes()).as_ref().to_vec()
            }
            (Algorithm::Digest(algorithm), Secret::Before) => {
                digest::digest(algorithm, format!("{secret}{separator}{text}").as_bytes()).as_ref().to_vec()
            }
            (Algorithm::Digest(algorithm), Secret::After | Secret::Key) => {
                digest::digest(algorithm, format!("{text}{separator}{secret}").as_bytes()).as_ref().to_vec()
            }
        }
    }
}

impl Covered {
    fn place(&self) -> Option<&Place> {
        match self {
            Self::Field(_, place) => Some(place),
            Self::Known(_) => None,
        }
    }
}

fn over(part: &Part<'_>, scope: Scope<'_>, sent: Option<&Fields>) -> Option<Vec<Covered>> {
    let expected = Problem::Expected("a list of fields of this message, or of settings such as {setting.access_code}");
    if !part.has("over") {
        part.fail("over", Problem::Missing);
    }
    let items = part.get("over")?.as_array().filter(|items| (1..=MOST_COVERED).contains(&items.len()));
    let Some(items) = items else {
        part.fail("over", expected);
        return None;
    };
    let mut covered = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let key = format!("{}[{at}]", part.path("over"));
        let one = match item {
            Value::String(text) if text.contains('{') => {
                let both: &[Topic] = &[Topic::Setting, Topic::Secret];
                Template::parse(text, &key, Scope { topics: both, ..scope }).map(Covered::Known)
            }
            Value::String(name) if sent.is_none_or(|sent| sent.is_scalar(name)) => {
                Place::of(name).map(|place| Covered::Field(name.clone(), place))
            }
            _ => {
                scope.errors.fail(&key, expected);
                None
            }
        };
        covered.push(one?);
    }
    Some(covered)
}

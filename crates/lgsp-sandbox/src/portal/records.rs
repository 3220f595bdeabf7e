//! What the portal stored, with the order and the number of times, so that a test can prove "exactly once".
//!
//! Bounded: texts are kept up to a budget and as digests beyond it; when the rows run out, pushes are answered "full".

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use lgsp_model::Digest;
use serde::Serialize;

use super::unix_micros;

/// Stored rows of all kinds; at about 100 bytes each they take 400 MB at most.
const MAX_ROWS: u64 = 4_000_000;
/// Bytes of record texts that are kept; beyond them only digests.
const MAX_TEXT_BYTES: usize = 512 << 20;

/// One dossier as the portal has it.
#[derive(Clone, Debug, Serialize)]
pub struct StoredDossier {
    /// `MaHoSo`.
    pub code: Arc<str>,
    /// `TrangThaiHoSo` of the record that stands.
    pub status: String,
    /// The record that stands, exactly as it came; absent beyond the sandbox's memory budget.
    pub record: Option<Arc<str>>,
    /// Every storing of a record, in order of arrival. The last one stands.
    pub versions: Vec<StoredVersion>,
    /// Every storing of a step, in order of arrival; a step sent twice stands twice.
    pub steps: Vec<StoredStep>,
}

/// One storing of a dossier record.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StoredVersion {
    /// SHA-256 of the record's bytes as they came.
    #[serde(serialize_with = "hex")]
    pub digest: Digest,
    /// Place in the order of everything stored, from 1.
    pub arrival: u64,
    /// When, in microseconds since 1970 UTC.
    pub at_micros: u64,
    /// Whether it came with `isUpdating` "False".
    pub created: bool,
}

/// One storing of a progress step.
#[derive(Clone, Debug, Serialize)]
pub struct StoredStep {
    /// SHA-256 of the step's bytes as they came.
    #[serde(serialize_with = "hex")]
    pub digest: Digest,
    /// Place in the order of everything stored, from 1.
    pub arrival: u64,
    /// When, in microseconds since 1970 UTC.
    pub at_micros: u64,
    /// `ThoiDiemXuLy`.
    pub time: Box<str>,
    /// `TrangThai`.
    pub status: Box<str>,
    /// `NoiDungXuLy`.
    pub content: Box<str>,
    /// The step exactly as it came; absent beyond the sandbox's memory budget.
    pub record: Option<Arc<str>>,
}

/// A status notice (`DongBoTrangThaiHoSo`).
#[derive(Clone, Debug, Serialize)]
pub struct Notice {
    /// `MaHoSo`: the portal's own code.
    pub code: Arc<str>,
    /// Place in the order of everything stored, from 1.
    pub arrival: u64,
    /// The notice exactly as it came; absent beyond the sandbox's memory budget.
    pub record: Option<Arc<str>>,
}

impl StoredDossier {
    /// How often a record with this digest was stored.
    pub fn times_stored(&self, digest: &Digest) -> usize {
        self.versions.iter().filter(|version| version.digest == *digest).count()
    }

    /// How often a step with this digest was stored.
    pub fn times_step_stored(&self, digest: &Digest) -> usize {
        self.steps.iter().filter(|step| step.digest == *digest).count()
    }

    /// How often a record was stored as new; more than 1 would be a second dossier.
    pub fn creates(&self) -> usize {
        self.versions.iter().filter(|version| version.created).count()
    }
}

fn hex<S: serde::Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}

/// SHA-256 of record bytes.
pub(crate) fn digest_of(text: &str) -> Digest {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    Digest(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// The store of the portal.
#[derive(Default)]
pub(crate) struct Records {
    dossiers: BTreeMap<Arc<str>, StoredDossier>,
    notices: Vec<Notice>,
    arrivals: u64,
    text_bytes: usize,
}

/// A step's fields that a look-up answers with.
pub(crate) struct StepFields<'a> {
    pub(crate) code: &'a str,
    pub(crate) time: &'a str,
    pub(crate) status: &'a str,
    pub(crate) content: &'a str,
}

impl Records {
    pub(crate) fn get(&self, code: &str) -> Option<&StoredDossier> {
        self.dossiers.get(code)
    }

    pub(crate) fn contains(&self, code: &str) -> bool {
        self.dossiers.contains_key(code)
    }

    pub(crate) fn len(&self) -> usize {
        self.dossiers.len()
    }

    pub(crate) fn notices(&self) -> &[Notice] {
        &self.notices
    }

    pub(crate) fn arrivals(&self) -> u64 {
        self.arrivals
    }

    pub(crate) fn has_room_for(&self, rows: usize) -> bool {
        self.arrivals + rows as u64 <= MAX_ROWS
    }

    pub(crate) fn page(&self, after: Option<&str>, limit: usize) -> Vec<StoredDossier> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.dossiers
            .range::<str, _>((from, Bound::Unbounded))
            .take(limit)
            .map(|(_, dossier)| dossier.clone())
            .collect()
    }

    pub(crate) fn put_dossier(&mut self, code: &str, status: &str, text: &str, created: bool) {
        let version =
            StoredVersion { digest: digest_of(text), arrival: self.arrive(), at_micros: unix_micros(), created };
        let record = self.keep(text);
        if !self.dossiers.contains_key(code) {
            let code: Arc<str> = code.into();
            let empty = StoredDossier {
                code: Arc::clone(&code),
                status: String::new(),
                record: None,
                versions: Vec::new(),
                steps: Vec::new(),
            };
            self.dossiers.insert(code, empty);
        }
        let dossier = self.dossiers.get_mut(code).expect("inserted above");
        self.text_bytes -= dossier.record.as_ref().map_or(0, |old| old.len());
        status.clone_into(&mut dossier.status);
        dossier.record = record;
        dossier.versions.push(version);
    }

    /// Stores a step of a dossier that exists; the caller has checked.
    pub(crate) fn put_step(&mut self, fields: &StepFields<'_>, text: &str) {
        let step = StoredStep {
            digest: digest_of(text),
            arrival: self.arrive(),
            at_micros: unix_micros(),
            time: fields.time.into(),
            status: fields.status.into(),
            content: fields.content.into(),
            record: self.keep(text),
        };
        self.dossiers.get_mut(fields.code).expect("the caller has checked that the dossier exists").steps.push(step);
    }

    pub(crate) fn put_notice(&mut self, code: &str, text: &str) {
        let notice = Notice { code: code.into(), arrival: self.arrive(), record: self.keep(text) };
        self.notices.push(notice);
    }

    fn arrive(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals
    }

    fn keep(&mut self, text: &str) -> Option<Arc<str>> {
        if self.text_bytes + text.len() > MAX_TEXT_BYTES {
            return None;
        }
        self.text_bytes += text.len();
        Some(text.into())
    }
}

//! Payloads on disk: zstd with a trained dictionary, or raw where that does not shrink them. Digests are taken of the
//! original bytes. It knows nothing of what the bytes say.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest;
use bytes::Bytes;
use lgsp_model::Digest;
use rusqlite::{Connection, OptionalExtension as _};
use zstd::bulk::{Compressor, Decompressor};

use super::failure::{damaged, unavailable};
use crate::StoreError;

/// The dictionary that new stores start with; `examples/train_dictionary.rs` made it.
pub(super) const BUILT_IN: &[u8] = include_bytes!("../../dictionaries/1.zdict");
/// How hard zstd tries: with a good dictionary the next levels cost more time for no fewer bytes.
const LEVEL: i32 = 1;
/// Compression contexts kept for the next caller, a few hundred KiB each; more callers at once make their own.
const KEPT_CONTEXTS: usize = 4;
/// The largest payload that is read back, 64 MiB: far above what intake admits, small enough not to exhaust memory.
const LARGEST_PAYLOAD: usize = 64 * 1024 * 1024;
/// `dictionary` of a payload that is stored as it came.
pub(super) const RAW: i64 = 0;

/// A payload as it is stored.
pub(super) struct Packed {
    pub(super) bytes: Bytes,
    /// [`RAW`] or the dictionary's number.
    pub(super) dictionary: i64,
    /// SHA-256 of the original.
    pub(super) digest: Digest,
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> Digest {
    let mut value = [0; 32];
    value.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    Digest(value)
}

/// Packs payloads on the callers' threads.
pub(super) struct Packer {
    id: i64,
    dictionary: Vec<u8>,
    idle: Mutex<Vec<Compressor<'static>>>,
}

impl Packer {
    /// Uses the newest dictionary in the store; stores `wanted` as a new one when it differs.
    pub(super) fn open(conn: &Connection, wanted: &[u8]) -> Result<Self, StoreError> {
        let newest: Option<(i64, Vec<u8>)> = conn
            .query_row("SELECT id, bytes FROM dictionary ORDER BY id DESC LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(damaged)?;
        let id = match newest {
            Some((id, bytes)) if bytes == wanted => id,
            newest => {
                let id = newest.map_or(RAW, |(id, _)| id) + 1;
                conn.execute("INSERT INTO dictionary VALUES (?1, ?2)", (id, wanted)).map_err(unavailable)?;
                id
            }
        };
        Ok(Self { id, dictionary: wanted.to_vec(), idle: Mutex::default() })
    }

    /// Packs some payloads with one context.
    pub(super) fn pack<'a>(&self, payloads: impl Iterator<Item = &'a Bytes>) -> Vec<Packed> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut context = kept.or_else(|| self.context().ok());
        let mut space = Vec::new();
        let packed = payloads.map(|payload| self.pack_one(context.as_mut(), &mut space, payload)).collect();
        if let Some(context) = context {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < KEPT_CONTEXTS {
                idle.push(context);
            }
        }
        packed
    }

    fn context(&self) -> std::io::Result<Compressor<'static>> {
        let mut context = Compressor::with_dictionary(LEVEL, &self.dictionary)?;
        // The row names the dictionary; four bytes less in each frame.
        context.set_parameter(zstd::zstd_safe::CParameter::DictIdFlag(false))?;
        Ok(context)
    }

    fn pack_one(&self, context: Option<&mut Compressor<'static>>, space: &mut Vec<u8>, payload: &Bytes) -> Packed {
        let digest = sha256(payload);
        space.clear();
        space.reserve(payload.len());
        // A target of the payload's own size: what does not shrink does not fit and stays raw.
        match context.map(|context| context.compress_to_buffer(payload, space)) {
            Some(Ok(size)) if size < payload.len() => {
                Packed { bytes: Bytes::copy_from_slice(&space[..size]), dictionary: self.id, digest }
            }
            _ => Packed { bytes: payload.clone(), dictionary: RAW, digest },
        }
    }
}

/// Unpacks payloads for one reader; keeps a context for each dictionary that it met.
#[derive(Default)]
pub(super) struct Unpacker {
    contexts: HashMap<i64, Decompressor<'static>>,
}

impl Unpacker {
    /// The original bytes.
    pub(super) fn unpack(&mut self, conn: &Connection, stored: &[u8], dictionary: i64) -> Result<Bytes, StoreError> {
        if dictionary == RAW {
            return Ok(Bytes::copy_from_slice(stored));
        }
        let size = zstd::zstd_safe::get_frame_content_size(stored).ok().flatten().unwrap_or(u64::MAX);
        let size = usize::try_from(size).ok().filter(|size| *size <= LARGEST_PAYLOAD);
        let size = size.ok_or_else(|| unreadable("its length is impossible"))?;
        let context = match self.contexts.entry(dictionary) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(load(conn, dictionary)?),
        };
        context.decompress(stored, size).map(Bytes::from).map_err(|_| unreadable("it does not decompress"))
    }
}

fn load(conn: &Connection, id: i64) -> Result<Decompressor<'static>, StoreError> {
    let bytes: Option<Vec<u8>> = conn
        .query_row("SELECT bytes FROM dictionary WHERE id = ?1", [id], |row| row.get(0))
        .optional()
        .map_err(damaged)?;
    let bytes = bytes.ok_or_else(|| unreadable("its dictionary is missing"))?;
    Decompressor::with_dictionary(&bytes).map_err(|_| unreadable("its dictionary is damaged"))
}

fn unreadable(why: &str) -> StoreError {
    StoreError::Damaged(format!("a payload cannot be read: {why}"))
}

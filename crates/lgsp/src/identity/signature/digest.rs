//! `Content-Digest` (RFC 9530) as an expectation: what the body must be, once it has been read.

use aws_lc_rs::digest::{Context, SHA256, SHA512};
use hyper::HeaderMap;
use sfv::{Dictionary, ListEntry, Parser};

use super::{BadSignature, MAX_HEADER, base};
use crate::failure::Failure;
use crate::identity::Authentication;

/// The digests that a body must have: those of the bytes as they were sent, before any decompression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExpectedDigest {
    sha256: Option<Vec<u8>>,
    sha512: Option<Vec<u8>>,
}

/// The digest of a body that comes in pieces.
pub(crate) struct RunningDigest<'a> {
    expected: &'a ExpectedDigest,
    sha256: Context,
    sha512: Context,
}

impl ExpectedDigest {
    /// Reads the header. Other algorithms than sha-256 and sha-512 are passed over; one of the two has to be there.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, BadSignature> {
        let text = base::field(headers, "content-digest").filter(|text| text.len() <= MAX_HEADER);
        let text = text.ok_or(BadSignature::NoDigest)?;
        let dictionary: Dictionary = Parser::new(text.as_ref()).parse().map_err(|_| BadSignature::NoDigest)?;
        let read = |name: &str, length: usize| match dictionary.get(name) {
            None => Ok(None),
            Some(ListEntry::Item(item)) => {
                let bytes = item.bare_item.as_byte_sequence().filter(|bytes| bytes.len() == length);
                bytes.map(|bytes| Some(bytes.to_vec())).ok_or(BadSignature::NoDigest)
            }
            Some(ListEntry::InnerList(_)) => Err(BadSignature::NoDigest),
        };
        let this = Self { sha256: read("sha-256", 32)?, sha512: read("sha-512", 64)? };
        if this.sha256.is_none() && this.sha512.is_none() { Err(BadSignature::NoDigest) } else { Ok(this) }
    }

    /// Whether this is the body that was signed: every digest that is there fits.
    pub(crate) fn holds(&self, body: &[u8]) -> bool {
        let mut running = self.running();
        running.update(body);
        running.holds()
    }

    /// Refuses another body.
    pub(crate) fn check(&self, body: &[u8]) -> Result<(), Failure> {
        if self.holds(body) { Ok(()) } else { Err(Self::broken()) }
    }

    /// The refusal of another body than the signed one.
    pub(crate) fn broken() -> Failure {
        Failure::unproven("the body is not the one of Content-Digest", &[Authentication::Signature])
    }

    /// Begins the digest of a body that comes in pieces.
    pub(crate) fn running(&self) -> RunningDigest<'_> {
        RunningDigest { expected: self, sha256: Context::new(&SHA256), sha512: Context::new(&SHA512) }
    }
}

impl RunningDigest<'_> {
    /// Takes the next piece.
    pub(crate) fn update(&mut self, piece: &[u8]) {
        if self.expected.sha256.is_some() {
            self.sha256.update(piece);
        }
        if self.expected.sha512.is_some() {
            self.sha512.update(piece);
        }
    }

    /// Whether the pieces were the body that was signed.
    pub(crate) fn holds(self) -> bool {
        let fits = |expected: &Option<Vec<u8>>, context: Context| {
            expected.as_ref().is_none_or(|expected| context.finish().as_ref() == expected.as_slice())
        };
        fits(&self.expected.sha256, self.sha256) && fits(&self.expected.sha512, self.sha512)
    }
}

//! Signed requests (RFC 9421): which of a request's signatures counts, whether it covers what it has to, whether it is
//! fresh, right and new. The body is not read here: its digest is handed on as an expectation.

mod base;
mod digest;
mod key;
mod replays;

use std::fmt;

use lgsp_model::{MemberId, Timestamp};
use sfv::{BareItem, Dictionary, InnerList, ListEntry, Parser};

pub(crate) use digest::ExpectedDigest;
pub(super) use key::BadKey;
pub(crate) use key::VerifyingKey;
pub(crate) use replays::Replays;

use super::authenticate::{Caller, Head};
use super::members::{KnownKey, Members};
use base::Covered;

/// How old a signature may be: a caller that queued for longer signs anew.
const MAX_AGE_SECONDS: i64 = 300;
/// How far a caller's clock may be ahead of ours.
const SKEW_SECONDS: i64 = 60;
/// Signatures of one request: its own and those of some proxies.
const MOST_SIGNATURES: usize = 4;
/// The longest header of signatures in bytes.
const MAX_HEADER: usize = 8192;

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadSignature {
    /// `Signature` or `Signature-Input` is missing or not what it has to be.
    Malformed,
    /// None of the signatures is by a key that we know.
    UnknownKey,
    /// Several are.
    SeveralKeys,
    /// The key is known and has ended.
    EndedKey,
    /// The parameter `alg` is not the key's algorithm.
    OtherAlgorithm,
    /// It does not cover this component, which it must.
    NotCovered(&'static str),
    /// It covers a component that is absent, twice there, or of a kind that we do not compute.
    BadComponent,
    /// `created` is missing.
    NoTime,
    /// `created` is too long ago.
    TooOld,
    /// `created` is in the future.
    TooNew,
    /// `expires` has passed.
    Expired,
    /// `Content-Digest` has no sha-256 and no sha-512, or is malformed.
    NoDigest,
    /// It is not the signature of this request by this key.
    Wrong,
    /// It was used before.
    Replayed,
    /// The member signs more than can be remembered.
    TooMany,
    /// All members sign more than can be remembered.
    Full,
}

impl BadSignature {
    /// Whether it is a rule that every caller may know, rather than something about a key.
    pub(super) fn is_public(self) -> bool {
        !matches!(self, Self::UnknownKey | Self::EndedKey | Self::OtherAlgorithm | Self::Wrong)
    }
}

impl fmt::Display for BadSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "Signature or Signature-Input is missing or malformed",
            Self::UnknownKey => "no signature by a known key",
            Self::SeveralKeys => "signatures by several known keys; send one",
            Self::EndedKey => "the key has ended",
            Self::OtherAlgorithm => "alg is not the algorithm of the key",
            Self::NotCovered(component) => return write!(f, "the signature does not cover {component}"),
            Self::BadComponent => "the signature covers a component that is absent, repeated or not supported",
            Self::NoTime => "the signature has no created",
            Self::TooOld => "the signature is older than 300 s",
            Self::TooNew => "the signature is from the future; check the clock",
            Self::Expired => "the signature has expired",
            Self::NoDigest => "Content-Digest has neither sha-256 nor sha-512",
            Self::Wrong => "the signature does not fit",
            Self::Replayed => "the signature was used before; sign every request anew, with a nonce",
            Self::TooMany => "too many signed requests of this member within the last minutes",
            Self::Full => "too many signed requests within the last minutes",
        })
    }
}

/// When it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// The wall's time, which `created` is compared with.
    pub(super) wall: Timestamp,
    /// The steady time, by which used signatures are forgotten.
    pub(super) steady: Timestamp,
}

/// Whom a request's signature proves, and the digest that its body must have; `None` when it is not signed.
pub(super) fn verify(
    head: &Head<'_>,
    members: &Members,
    replays: &Replays,
    now: Now,
) -> Result<Option<Caller>, BadSignature> {
    if !head.headers.contains_key("signature") && !head.headers.contains_key("signature-input") {
        return Ok(None);
    }
    let (inputs, signatures) = (dictionary(head, "signature-input")?, dictionary(head, "signature")?);
    let (label, input, known) = chosen(&inputs, members)?;
    let KnownKey { key, caller } = known;
    let times = Times::read(input)?;
    times.check(now.wall)?;
    if caller.ends <= now.wall {
        return Err(BadSignature::EndedKey);
    }
    if text_parameter(input, "alg")?.is_some_and(|alg| alg != key.algorithm().as_str()) {
        return Err(BadSignature::OtherAlgorithm);
    }
    let covered = Covered::read(input)?;
    covered.check(head)?;
    let expected = covered.has("content-digest").then(|| ExpectedDigest::read(head.headers)).transpose()?;
    let signature = match signatures.get(label.as_str()) {
        Some(ListEntry::Item(item)) => item.bare_item.as_byte_sequence().ok_or(BadSignature::Malformed)?,
        _ => return Err(BadSignature::Malformed),
    };
    if !key.fits(covered.base(head, input)?.as_bytes(), signature) {
        return Err(BadSignature::Wrong);
    }
    let once = text_parameter(input, "nonce")?.map_or(signature, str::as_bytes);
    remember(replays, &caller.member.id, key, once, now.steady)?;
    Ok(Some(Caller { identified: caller.clone(), digest: expected }))
}

fn remember(
    replays: &Replays,
    member: &MemberId,
    key: &VerifyingKey,
    once: &[u8],
    now: Timestamp,
) -> Result<(), BadSignature> {
    // Until then it could be accepted again, by a clock that drifts a little from the steady one.
    let until = now.plus_millis((MAX_AGE_SECONDS + 2 * SKEW_SECONDS) * 1000);
    replays.note(member, key.id(), once, now, until)
}

/// A header that is a dictionary (RFC 9651), all its lines together.
fn dictionary(head: &Head<'_>, name: &str) -> Result<Dictionary, BadSignature> {
    let text = base::field(head.headers, name).ok_or(BadSignature::Malformed)?;
    if text.len() > MAX_HEADER {
        return Err(BadSignature::Malformed);
    }
    let dictionary: Dictionary = Parser::new(text.as_ref()).parse().map_err(|_| BadSignature::Malformed)?;
    if dictionary.len() > MOST_SIGNATURES {
        return Err(BadSignature::Malformed);
    }
    Ok(dictionary)
}

/// The one signature by a key that we know. Others may be there: proxies sign too.
fn chosen<'a>(
    inputs: &'a Dictionary,
    members: &'a Members,
) -> Result<(&'a sfv::Key, &'a InnerList, &'a KnownKey<VerifyingKey>), BadSignature> {
    let mut chosen = None;
    for (label, entry) in inputs {
        let ListEntry::InnerList(input) = entry else { return Err(BadSignature::Malformed) };
        let Some(known) = text_parameter(input, "keyid")?.and_then(|id| members.signature_key(id)) else { continue };
        if chosen.replace((label, input, known)).is_some() {
            return Err(BadSignature::SeveralKeys);
        }
    }
    chosen.ok_or(BadSignature::UnknownKey)
}

/// A parameter that has to be a string when it is there.
fn text_parameter<'a>(input: &'a InnerList, name: &str) -> Result<Option<&'a str>, BadSignature> {
    let text = |value: &'a BareItem| value.as_string().map(sfv::StringRef::as_str).ok_or(BadSignature::Malformed);
    input.params.get(name).map(text).transpose()
}

/// The times of a signature in seconds since 1970.
struct Times {
    created: i64,
    expires: Option<i64>,
}

impl Times {
    fn read(input: &InnerList) -> Result<Self, BadSignature> {
        let time = |name: &str| {
            let time = |value: &BareItem| value.as_integer().map(i64::from).ok_or(BadSignature::Malformed);
            input.params.get(name).map(time).transpose()
        };
        Ok(Self { created: time("created")?.ok_or(BadSignature::NoTime)?, expires: time("expires")? })
    }

    fn check(&self, now: Timestamp) -> Result<(), BadSignature> {
        let now = now.0.div_euclid(1000);
        if self.created > now.saturating_add(SKEW_SECONDS) {
            return Err(BadSignature::TooNew);
        }
        if self.created < now.saturating_sub(MAX_AGE_SECONDS) {
            return Err(BadSignature::TooOld);
        }
        if self.expires.is_some_and(|expires| expires <= now) { Err(BadSignature::Expired) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;

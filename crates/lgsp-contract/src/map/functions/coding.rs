//! Functions that encode: code maps, digests, base64, JSON in texts. No secret leaves them, and no chance is in them.

use std::borrow::Cow;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use aws_lc_rs::{digest as hash, hmac};

use crate::map::functions::text::fixed;
use crate::map::plan::{Call, Expr};
use crate::map::reach::{Frame, Got};
use crate::map::run::{Result, Run};
use crate::tree::{Member, Members, Tree};
use crate::xml::{self, Element, Lists, Names, XmlLimits};

/// What a value takes in memory beside its text, in steps of 64 bytes, is charged when JSON is read: a list of digits
/// has a value in every two bytes.
const PARSE_FACTOR: usize = 16;

pub(super) fn code<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    let Expr::Codes(map) = &call.args[1] else { return Ok(Got::Absent) };
    map.forward(&text).map(Got::some_text).ok_or_else(|| unknown(run, call, frame))
}

pub(super) fn code_back<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    let Expr::Codes(map) = &call.args[1] else { return Ok(Got::Absent) };
    map.back(&text).map(Got::some_text).ok_or_else(|| unknown(run, call, frame))
}

fn unknown<'a>(run: &Run<'a>, call: &'a Call, frame: &Frame<'_, 'a>) -> crate::map::run::Stop {
    run.finding(&call.args[0], frame, "unknown-code", "must be a code that the contract's code map has".to_owned())
}

pub(super) fn sha256<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    run.work(text.len().saturating_mul(4))?;
    Ok(Got::some_text(hex(hash::digest(&hash::SHA256, text.as_bytes()).as_ref())))
}

pub(super) fn digest<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    run.work(text.len().saturating_mul(4))?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, run.context.digest_key);
    let mut signing = hmac::Context::with_key(&key);
    let label = fixed(&call.args[1]);
    signing.update(&(label.len() as u64).to_be_bytes());
    signing.update(label.as_bytes());
    signing.update(text.as_bytes());
    Ok(Got::some_text(hex(signing.sign().as_ref())))
}

pub(super) fn uuid_from<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let mut hashing = hash::Context::new(&hash::SHA256);
    for arg in &call.args {
        let Some(text) = run.text(arg, frame)? else { return Ok(Got::Absent) };
        run.work(text.len().saturating_mul(4))?;
        // With the length in front, "a", "bc" and "ab", "c" are different.
        hashing.update(&(text.len() as u64).to_be_bytes());
        hashing.update(text.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hashing.finish().as_ref()[..16]);
    // RFC 9562: version 8 is for what applications compute themselves, the variant is 10.
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = hex(&bytes);
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Ok(Got::some_text(parts.join("-")))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

pub(super) fn base64<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    run.made(text.len() / 3 * 4 + 4)?;
    Ok(Got::some_text(STANDARD.encode(text.as_bytes())))
}

pub(super) fn base64_decode<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    let decoded = STANDARD.decode(text.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let message = || "must be base64 of a text in UTF-8, with padding and without line breaks".to_owned();
    decoded.map(Got::some_text).ok_or_else(|| run.finding(&call.args[0], frame, "base64", message()))
}

pub(super) fn json<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let got = run.eval(&call.args[0], frame)?;
    let Some(tree) = got.tree() else { return Ok(Got::Absent) };
    let mut out = Vec::new();
    crate::json::write(tree, &mut out);
    run.made(out.len())?;
    Ok(Got::some_text(String::from_utf8(out).expect("JSON is written from texts")))
}

pub(super) fn parse_json<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    run.step((text.len().saturating_mul(PARSE_FACTOR) / 64) as u64)?;
    let parsed = match &text {
        Cow::Borrowed(text) => crate::json::parse(text.as_bytes()),
        Cow::Owned(text) => crate::json::parse(text.as_bytes()).map(|tree| tree.detached()),
    };
    parsed.map(Got::Own).map_err(|error| {
        let message = format!("must be a text that is strict JSON: {error}");
        run.finding(&call.args[0], frame, "json", message)
    })
}

pub(super) fn parse_xml<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    run.step((text.len().saturating_mul(PARSE_FACTOR) / 64) as u64)?;
    let none = Names::default();
    let names = match call.args.get(1) {
        Some(Expr::Names(names)) => names,
        _ => &none,
    };
    let (lists, limits) = (Lists::default(), XmlLimits::default());
    let as_member = |root: Element<'_>| {
        let member = Member::new(root.key.into_owned(), root.value.detached());
        Tree::Object(Members::sorted(vec![member]).expect("one key stands there once"))
    };
    let parsed = match &text {
        Cow::Borrowed(text) => xml::read(text, names, &lists, &limits).map(|root| {
            Tree::Object(Members::sorted(vec![Member::new(root.key, root.value)]).expect("one key stands there once"))
        }),
        Cow::Owned(text) => xml::read(text, names, &lists, &limits).map(as_member),
    };
    parsed.map(Got::Own).map_err(|error| {
        let message = format!("must be a text that is an XML document: {error}");
        run.finding(&call.args[0], frame, "xml", message)
    })
}

//! Bends texts: bits, cuts, splices, and what JSON readers are known to trip over. It does not know what is right.

use std::time::{Duration, Instant};

use crate::chance::Chance;

/// How long one target runs when `LGSP_FUZZ_SECONDS` does not say.
const SECONDS: u64 = 3;

/// The most changes to one text.
const CHANGES: usize = 4;

/// Texts that replace a piece: forms that a reader may take for another.
const ODD: [&str; 30] = [
    "null",
    "true",
    "\"\"",
    "[]",
    "{}",
    "0",
    "-0",
    "1e999",
    "-1E-999",
    "01",
    "1.",
    ".5",
    "+1",
    "NaN",
    "Infinity",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\\u00e9\"",
    "\"\\/\"",
    "//",
    "/*",
    ",",
    ":",
    "}",
    "]",
    "\u{feff}",
    "\"10\"",
    "\"20240230000000\"",
    "\r\n",
];

/// Bytes that are no UTF-8, or only look like it.
const NOT_UTF8: [&[u8]; 6] = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe1\xbb", b"\x80"];

/// When a target's run is over.
pub(crate) fn end() -> Instant {
    let seconds = std::env::var("LGSP_FUZZ_SECONDS").map_or(SECONDS, |text| text.parse().expect("a number of seconds"));
    Instant::now() + Duration::from_secs(seconds)
}

/// One of several.
pub(crate) fn one_of<'a, T>(chance: &mut Chance, all: &'a [T]) -> &'a T {
    &all[chance.below(all.len())]
}

/// A changed copy of one of the seeds.
pub(crate) fn mutated(chance: &mut Chance, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut text = one_of(chance, seeds).clone();
    for _ in 0..=chance.below(CHANGES) {
        change(chance, &mut text, seeds);
    }
    text
}

fn change(chance: &mut Chance, text: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let at = chance.below(text.len() + 1);
    match chance.below(14) {
        0 | 1 if at < text.len() => text[at] ^= 1 << chance.below(8),
        2 => text.truncate(at),
        3 => splice(chance, text, seeds),
        4 => drop(text.drain(at..(at + chance.below(40)).min(text.len()))),
        5 => insert(text, at, one_of(chance, &ODD).as_bytes()),
        6 => insert(text, at, one_of::<&[u8]>(chance, &NOT_UTF8)),
        7 => repeat_key(chance, text),
        8 => replace_value(chance, text, nested),
        9 => replace_value(chance, text, |chance| vec![b'0' + chance.below(10) as u8; 1 + chance.below(600)]),
        10 => replace_value(chance, text, huge),
        11 | 12 => replace_value(chance, text, |chance| one_of(chance, &ODD).as_bytes().to_vec()),
        _ => one_digit(chance, text),
    }
}

fn insert(text: &mut Vec<u8>, at: usize, what: &[u8]) {
    text.splice(at..at, what.iter().copied());
}

/// The front of one text and the back of another.
fn splice(chance: &mut Chance, text: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let other = one_of(chance, seeds);
    text.truncate(chance.below(text.len() + 1));
    text.extend_from_slice(&other[chance.below(other.len() + 1)..]);
}

/// Puts a member that is there already once more at the front of its object.
fn repeat_key(chance: &mut Chance, text: &mut Vec<u8>) {
    let objects: Vec<usize> = places(text, b'{');
    if objects.is_empty() {
        return;
    }
    let at = *one_of(chance, &objects) + 1;
    let key: Vec<u8> = match text[at..].iter().position(|byte| *byte == b':') {
        Some(end) => text[at..=at + end].to_vec(),
        None => return,
    };
    insert(text, at, &[&key[..], b"\"x\","].concat());
}

/// Puts something else in the place of a member's text.
fn replace_value(chance: &mut Chance, text: &mut Vec<u8>, other: impl Fn(&mut Chance) -> Vec<u8>) {
    let colons = places(text, b':');
    if colons.is_empty() {
        return;
    }
    let start = *one_of(chance, &colons) + 1;
    let end = text[start..].iter().position(|byte| matches!(byte, b',' | b'}')).map_or(text.len(), |at| start + at);
    text.splice(start..end, other(chance));
}

fn nested(chance: &mut Chance) -> Vec<u8> {
    // Around the bound, and far beyond what a stack would hold.
    let depth = *one_of(chance, &[3, 60, 62, 63, 64, 65, 127, 128, 1000, 100_000]);
    let (open, close): (&[u8], &[u8]) = if chance.below(2) == 0 { (b"[", b"]") } else { (b"{\"a\":", b"}") };
    let closed = if chance.below(4) == 0 { 0 } else { depth };
    [&open.repeat(depth)[..], b"1", &close.repeat(closed)].concat()
}

fn huge(chance: &mut Chance) -> Vec<u8> {
    let length = *one_of(chance, &[256, 2_001, 65_536, 1 << 20]);
    let piece = *one_of(chance, &["a", "ế", "\\u1ebf", "\\\"", " "]);
    format!("\"{}\"", piece.repeat(length / piece.len())).into_bytes()
}

fn one_digit(chance: &mut Chance, text: &mut [u8]) {
    let digits: Vec<usize> =
        text.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).map(|(at, _)| at).collect();
    if !digits.is_empty() {
        text[*one_of(chance, &digits)] = b'0' + chance.below(10) as u8;
    }
}

fn places(text: &[u8], wanted: u8) -> Vec<usize> {
    text.iter().enumerate().filter(|(_, byte)| **byte == wanted).map(|(at, _)| at).collect()
}

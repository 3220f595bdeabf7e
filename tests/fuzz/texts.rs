//! Bends texts of any language: bits, cuts, splices, repetitions, and words of that language in wrong places.

use crate::chance::Chance;
use crate::mutate::one_of;

/// The most changes to one text.
const CHANGES: usize = 5;

/// The most bytes of a piece that is taken out or doubled.
const PIECE: usize = 60;

/// A text that grew beyond this is cut: sizes are tested elsewhere, here they only take time.
const LONGEST: usize = 64 * 1024;

/// A language: texts to begin with, and words of it.
pub(crate) struct Language<'a> {
    pub(crate) seeds: &'a [Vec<u8>],
    pub(crate) words: &'a [&'a str],
}

impl Language<'_> {
    /// A changed copy of one of the seeds.
    pub(crate) fn bent(&self, chance: &mut Chance) -> Vec<u8> {
        let mut text = one_of(chance, self.seeds).clone();
        for _ in 0..=chance.below(CHANGES) {
            self.change(chance, &mut text);
        }
        text.truncate(LONGEST);
        text
    }

    /// The same as text.
    pub(crate) fn bent_text(&self, chance: &mut Chance) -> String {
        String::from_utf8_lossy(&self.bent(chance)).into_owned()
    }

    fn change(&self, chance: &mut Chance, text: &mut Vec<u8>) {
        let at = chance.below(text.len() + 1);
        let end = (at + chance.below(PIECE)).min(text.len());
        match chance.below(12) {
            0 if at < text.len() => text[at] ^= 1 << chance.below(8),
            1 => text.truncate(at),
            2 => drop(text.drain(at..end)),
            3 => {
                let piece = text[at..end].to_vec();
                let times = *one_of(chance, &[1, 2, 3, 70, 300]);
                put(text, at, at, &piece.repeat(times));
            }
            4 => {
                let other = one_of(chance, self.seeds);
                text.truncate(at);
                text.extend_from_slice(&other[chance.below(other.len() + 1)..]);
            }
            5 => put(text, at, at, &[chance.next() as u8]),
            6 => put(text, at, at, one_of(chance, &["ế", "\u{feff}", "\0", "\u{202e}", "😀", "\r\n", "\t"]).as_bytes()),
            7 | 8 => self.replace_word(chance, text),
            9 => put(text, at, end, one_of(chance, self.words).as_bytes()),
            _ => put(text, at, at, one_of(chance, self.words).as_bytes()),
        }
    }

    /// A word that stands there becomes another one.
    fn replace_word(&self, chance: &mut Chance, text: &mut Vec<u8>) {
        let old = one_of(chance, self.words).as_bytes();
        let new = one_of(chance, self.words).as_bytes();
        let start = chance.below(text.len() + 1);
        if let Some(at) = text[start..].windows(old.len().max(1)).position(|window| window == old) {
            put(text, start + at, start + at + old.len(), new);
        }
    }
}

fn put(text: &mut Vec<u8>, from: usize, to: usize, what: &[u8]) {
    text.splice(from..to, what.iter().copied());
}

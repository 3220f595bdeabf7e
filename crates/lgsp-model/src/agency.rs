//! Agency identification codes in their old and new form, and what a grant of one covers.
//!
//! It knows the shape of codes, not which agencies exist.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// An agency code: old four-block form `000.00.16.H11` (most specific first, QCVN 102:2016) or new form `H56.14`
/// (top first, QĐ 20/2020).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgencyCode(Arc<str>);

/// The text is not an agency code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAgencyCode;

impl fmt::Display for BadAgencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an agency code such as H56.14 or 000.00.16.H11")
    }
}

impl std::error::Error for BadAgencyCode {}

impl AgencyCode {
    /// The code as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` has the shape `^[A-Z0-9]{1,4}(\.[A-Z0-9]{1,4}){0,3}$`.
    pub(crate) fn is_well_formed(text: &str) -> bool {
        let mut blocks = 0;
        text.split('.').all(|block| {
            blocks += 1;
            (1..=4).contains(&block.len()) && block.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        }) && blocks <= 4
    }

    pub(crate) fn from_checked(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether this code names the same agency as `other` or one above it, whatever form either has:
    /// `H11` covers `H11.16` and `000.00.16.H11`.
    pub fn covers(&self, other: &AgencyCode) -> bool {
        let mut theirs = Levels::of(other.as_str());
        Levels::of(self.as_str()).all(|level| theirs.next() == Some(level))
    }
}

impl FromStr for AgencyCode {
    type Err = BadAgencyCode;
    fn from_str(text: &str) -> Result<Self, BadAgencyCode> {
        if Self::is_well_formed(text) { Ok(Self::from_checked(text)) } else { Err(BadAgencyCode) }
    }
}

impl fmt::Display for AgencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The blocks of a code from the top of the hierarchy down, without the zero blocks of the old form.
struct Levels<'a> {
    blocks: [&'a str; 4],
    next: usize,
    len: usize,
}

impl<'a> Levels<'a> {
    fn of(code: &'a str) -> Self {
        let mut blocks = [""; 4];
        let mut len = 0;
        for block in code.split('.').take(4) {
            blocks[len] = block;
            len += 1;
        }
        let old_form = len == 4 && blocks[0].bytes().all(|b| b.is_ascii_digit());
        if old_form {
            blocks.reverse();
            while len > 1 && blocks[len - 1].bytes().all(|b| b == b'0') {
                len -= 1;
            }
        }
        Levels { blocks, next: 0, len }
    }
}

impl<'a> Iterator for Levels<'a> {
    type Item = &'a str;
    fn next(&mut self) -> Option<&'a str> {
        let block = (self.next < self.len).then(|| self.blocks[self.next]);
        self.next += 1;
        block
    }
}

/// The agencies that a member or a target was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgencyGrant {
    /// Every agency (`"*"`).
    All,
    /// These codes and everything below them.
    Codes(Vec<AgencyCode>),
}

impl AgencyGrant {
    /// Reads a list such as `["000.00.16.H11", "H11"]`; `"*"` anywhere means all.
    pub fn parse<S: AsRef<str>>(codes: &[S]) -> Result<Self, BadAgencyCode> {
        if codes.iter().any(|code| code.as_ref() == "*") {
            return Ok(Self::All);
        }
        codes.iter().map(|code| code.as_ref().parse()).collect::<Result<_, _>>().map(Self::Codes)
    }

    /// The code, if the grant is for exactly one.
    pub fn only(&self) -> Option<&AgencyCode> {
        match self {
            Self::Codes(codes) if codes.len() == 1 => codes.first(),
            Self::All | Self::Codes(_) => None,
        }
    }

    /// Whether records of `agency` are within the grant.
    pub fn covers(&self, agency: &AgencyCode) -> bool {
        match self {
            Self::All => true,
            Self::Codes(codes) => codes.iter().any(|code| code.covers(agency)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> AgencyCode {
        text.parse().unwrap()
    }

    #[test]
    fn a_code_covers_itself_and_what_is_below_in_either_form() {
        for (above, below, expected) in [
            ("H11", "000.00.16.H11", true),
            ("000.00.00.H11", "H11.16", true),
            ("H11.16", "000.00.16.H11", true),
            ("000.00.16.H11", "H11.16.02", true),
            ("000.00.16.H11", "000.00.17.H11", false),
            ("H11.16", "H11", false),
            ("H1", "H11", false),
            ("G22", "000.00.00.G22", true),
        ] {
            assert_eq!(code(above).covers(&code(below)), expected, "{above} over {below}");
        }
    }

    #[test]
    fn malformed_codes_are_refused() {
        for text in ["", "h11", "H11.", "H11..2", "ABCDE", "1.2.3.4.5", "H11 "] {
            assert_eq!(text.parse::<AgencyCode>(), Err(BadAgencyCode), "{text}");
        }
    }

    #[test]
    fn a_star_grants_everything_and_an_empty_list_nothing() {
        assert!(AgencyGrant::parse(&["H11", "*"]).unwrap().covers(&code("G22")));
        assert!(!AgencyGrant::parse::<&str>(&[]).unwrap().covers(&code("G22")));
    }
}

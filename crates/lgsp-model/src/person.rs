//! People and organisations that sign in: what kind they are and how surely they are known. It holds no personal data.

use std::fmt;
use std::str::FromStr;

/// Who signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonKind {
    /// A citizen; `LoaiTaiKhoan` 1.
    Citizen,
    /// An enterprise; `LoaiTaiKhoan` 2.
    Enterprise,
    /// An organisation; `LoaiTaiKhoan` 3.
    Organisation,
    /// An officer of an agency, known by the province's own sign-in.
    Officer,
}

/// The text is no kind of person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPersonKind;

impl fmt::Display for BadPersonKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected citizen, enterprise, organisation or officer")
    }
}

impl std::error::Error for BadPersonKind {}

impl PersonKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Citizen, Self::Enterprise, Self::Organisation, Self::Officer];

    /// The word in tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Citizen => "citizen",
            Self::Enterprise => "enterprise",
            Self::Organisation => "organisation",
            Self::Officer => "officer",
        }
    }

    /// What `LoaiTaiKhoan` of the national providers says.
    pub fn of_account_type(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Citizen),
            2 => Some(Self::Enterprise),
            3 => Some(Self::Organisation),
            _ => None,
        }
    }
}

impl FromStr for PersonKind {
    type Err = BadPersonKind;
    fn from_str(text: &str) -> Result<Self, BadPersonKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(BadPersonKind)
    }
}

/// How surely somebody is known, 1 (by an address alone) to 3 (seen in person); `acr` in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// The least.
    pub const LEAST: Self = Self(1);

    /// A level by its number; none outside of 1 to 3.
    pub fn new(number: u8) -> Option<Self> {
        (1..=3).contains(&number).then_some(Self(number))
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// The text is no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLevel;

impl fmt::Display for BadLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected LoA1, LoA2 or LoA3")
    }
}

impl std::error::Error for BadLevel {}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoA{}", self.0)
    }
}

/// Reads `LoA2`, `loa2` or `2`: providers write all of them.
impl FromStr for Level {
    type Err = BadLevel;
    fn from_str(text: &str) -> Result<Self, BadLevel> {
        let lower = text.trim().to_ascii_lowercase();
        let number = lower.strip_prefix("loa").unwrap_or(&lower);
        number.parse().ok().and_then(Self::new).ok_or(BadLevel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_they_are_written_and_by_their_numbers() {
        for kind in PersonKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("robot".parse::<PersonKind>(), Err(BadPersonKind));
        assert_eq!(PersonKind::of_account_type(2), Some(PersonKind::Enterprise));
        assert_eq!(PersonKind::of_account_type(4), None);
    }

    #[test]
    fn levels_are_read_in_every_form_and_compare() {
        for text in ["LoA2", "loa2", "2", " LoA2 "] {
            assert_eq!(text.parse(), Ok(Level(2)), "{text}");
        }
        for text in ["", "LoA", "0", "4", "LoA-1", "high"] {
            assert_eq!(text.parse::<Level>(), Err(BadLevel), "{text}");
        }
        assert!(Level::new(2) > Some(Level::LEAST));
        assert_eq!(Level(3).to_string(), "LoA3");
    }
}

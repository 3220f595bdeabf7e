//! Identifiers: one newtype for each, parsed once at the edge. They say what is well formed, not what exists.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::AgencyCode;

/// Why an identifier was refused. The value itself is never part of the message: it may be personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadId {
    /// What the identifier should have looked like.
    pub expected: &'static str,
}

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl std::error::Error for BadId {}

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident, $check:path, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                if $check(text) { Ok(Self(text.into())) } else { Err(BadId { expected: $expected }) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

string_id!(
    /// A dossier's code (`MaHoSo`): agency, date of six or eight digits, running number of four to ten digits.
    DossierCode,
    is_dossier_code,
    "<agency>-<yyMMdd or yyyyMMdd>-<4 to 10 digits>, for example H56.14-240315-0007"
);
string_id!(
    /// A system that may call the gateway.
    MemberId,
    is_name,
    "1 to 64 of a-z 0-9 . _ -"
);
string_id!(
    /// A place that events are delivered to.
    TargetId,
    is_name,
    "1 to 64 of a-z 0-9 . _ -"
);

impl DossierCode {
    /// The agency that the code names: everything before the first `-`.
    pub fn agency(&self) -> AgencyCode {
        let end = self.0.find('-').expect("a dossier code has a dash");
        AgencyCode::from_checked(&self.0[..end])
    }
}

fn is_dossier_code(text: &str) -> bool {
    let mut parts = text.split('-');
    let (Some(agency), Some(date), Some(number), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    AgencyCode::is_well_formed(agency)
        && matches!(date.len(), 6 | 8)
        && digits(date)
        && (4..=10).contains(&number.len())
        && digits(number)
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dossier_codes_of_both_forms_are_read_and_name_their_agency() {
        for (code, agency) in [
            ("000.00.16.H11-231005-0001", "000.00.16.H11"),
            ("H56.14-240315-0007", "H56.14"),
            ("G09.20-20260609-0092637", "G09.20"),
        ] {
            assert_eq!(code.parse::<DossierCode>().unwrap().agency().as_str(), agency);
        }
    }

    #[test]
    fn other_texts_are_refused_as_dossier_codes() {
        for code in
            ["", "H56.14", "H56-240315-7", "h56-240315-0007", "H56-2403-0007", "H56-240315-0007-1", "H56-240315-00a7"]
        {
            assert!(code.parse::<DossierCode>().is_err(), "{code}");
        }
    }
}

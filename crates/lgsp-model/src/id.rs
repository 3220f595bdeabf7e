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
    /// What a generic event is about: `<service>/<operation>`, and for messages `/<declared key>` after it.
    EventKey,
    is_event_key,
    "<service>/<operation>, optionally /<key>: at most 255 bytes without control characters"
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

impl EventKey {
    /// The most bytes of a key.
    pub const MOST_BYTES: usize = 255;

    /// The key of an event of a service's operation; `declared` is what the contract declares as the message's key.
    pub fn of(service: &str, operation: &str, declared: Option<&str>) -> Result<Self, BadId> {
        let key = declared.map_or_else(String::new, |declared| format!("/{declared}"));
        format!("{service}/{operation}{key}").parse()
    }

    /// The service's part.
    pub fn service(&self) -> &str {
        self.0.split('/').next().expect("a text has a first part")
    }
}

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

/// A service's name is one of `a-z 0-9 . _ -`, so that no prefix `<service>/` covers another service.
fn is_event_key(text: &str) -> bool {
    let Some((service, rest)) = text.split_once('/') else { return false };
    let mut parts = rest.splitn(2, '/');
    text.len() <= EventKey::MOST_BYTES
        && is_name(service)
        && parts.all(|part| !part.is_empty())
        && !rest.chars().any(char::is_control)
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

    #[test]
    fn event_keys_name_their_service_and_hold_any_visible_text() {
        for (declared, text) in
            [(None, "post/create"), (Some("Đơn 7/2026"), "post/create/Đơn 7/2026"), (Some("/"), "post/create//")]
        {
            let key = EventKey::of("post", "create", declared).unwrap();
            assert_eq!((key.as_str(), key.service()), (text, "post"));
            assert!(text.parse::<DossierCode>().is_err(), "no event key is taken for a dossier");
        }
        let longest = "k".repeat(EventKey::MOST_BYTES - "post/create/".len());
        assert!(EventKey::of("post", "create", Some(&longest)).is_ok());
    }

    #[test]
    fn other_texts_are_refused_as_event_keys() {
        let long = format!("post/create/{}", "đ".repeat(122));
        for key in ["", "post", "post/", "/create", "Post/create", "post/create/", "post//k", "post/create/a\nb", &long]
        {
            assert!(key.parse::<EventKey>().is_err(), "{key}");
        }
        assert!(EventKey::of("po/st", "", None).is_err());
    }
}

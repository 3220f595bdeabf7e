//! What may be allowed to a caller.

use std::fmt;
use std::str::FromStr;

/// Something that a member may be allowed to do: the closed list of scopes of a token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Send dossiers, progress and status notices.
    DossierPush,
    /// Read a dossier, its history and where its copies stand.
    DossierRead,
    /// Read the change feed.
    ChangesRead,
    /// Call one shared service.
    Service(ServiceId),
    /// Start payments.
    PaymentCreate,
    /// Read payments.
    PaymentRead,
    /// Read reports.
    ReportRead,
}

/// The id of a shared service: 1 to 64 of `a-z 0-9 . _ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(String);

impl ServiceId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServiceId {
    type Err = BadScope;
    fn from_str(id: &str) -> Result<Self, BadScope> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
        let good = (1..=MAX_SERVICE_ID).contains(&id.len()) && id.bytes().all(allowed);
        if good { Ok(Self(id.to_owned())) } else { Err(BadScope) }
    }
}

/// The text is not a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadScope;

impl fmt::Display for BadScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "expected dossier:push, dossier:read, changes:read, service:<id>, payment:create, payment:read or report:read",
        )
    }
}

impl std::error::Error for BadScope {}

/// The longest service id in bytes: it becomes a metric label and a path segment.
const MAX_SERVICE_ID: usize = 64;

impl FromStr for Scope {
    type Err = BadScope;
    fn from_str(text: &str) -> Result<Self, BadScope> {
        Ok(match text {
            "dossier:push" => Self::DossierPush,
            "dossier:read" => Self::DossierRead,
            "changes:read" => Self::ChangesRead,
            "payment:create" => Self::PaymentCreate,
            "payment:read" => Self::PaymentRead,
            "report:read" => Self::ReportRead,
            other => Self::Service(other.strip_prefix("service:").ok_or(BadScope)?.parse()?),
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DossierPush => "dossier:push",
            Self::DossierRead => "dossier:read",
            Self::ChangesRead => "changes:read",
            Self::Service(id) => return write!(f, "service:{}", id.0),
            Self::PaymentCreate => "payment:create",
            Self::PaymentRead => "payment:read",
            Self::ReportRead => "report:read",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_prints_as_it_is_written() {
        for text in [
            "dossier:push",
            "dossier:read",
            "changes:read",
            "service:land.parcel-2",
            "payment:create",
            "payment:read",
            "report:read",
        ] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn scopes_outside_the_list_are_refused() {
        for text in ["", "dossier", "dossier:*", "service:", "service:A", "service:a/b", "admin", "dossier:push "] {
            assert_eq!(text.parse::<Scope>(), Err(BadScope), "{text}");
        }
    }
}

//! What the log holds: kinds of events, their position, and whether they took effect.

use std::fmt;
use std::str::FromStr;

use crate::BadId;

/// A position in the log. The first event is 1; 0 is "before the first". Gapless, in commit order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

impl Seq {
    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! coded_enum {
    ($(#[$doc:meta])* $name:ident, $expected:literal { $($(#[$vdoc:meta])* $variant:ident = $code:literal => $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $code),+ }

        impl $name {
            /// Every value, in the order of its stored code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used on the wire and in metric labels.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The number that the store keeps.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The value of a stored number.
            pub fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err(BadId { expected: $expected }) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

coded_enum!(
    /// What an event is about.
    EventKind, "dossier, progress, status, audit, message, reply, access, payment or evidence" {
        /// A dossier record (`DongBoHoSoMC`).
        Dossier = 1 => "dossier",
        /// A progress step (`CapNhatTienDoHoSoMC`).
        Progress = 2 => "progress",
        /// A status notice of a dossier born on the portal (`DongBoTrangThaiHoSo`).
        Status = 3 => "status",
        /// A change made by an operator. Never leaves the gateway.
        Audit = 4 => "audit",
        /// A message to a service in queue mode.
        Message = 5 => "message",
        /// What became of a message.
        Reply = 6 => "reply",
        /// Who looked up what, and why; digests only. Never leaves the gateway.
        Access = 7 => "access",
        /// A change of a payment: the whole payment as it is then. Leaves the gateway for those who may read payments and ask
        /// for this kind.
        Payment = 8 => "payment",
        /// What a payment provider sent or answered, byte for byte. Never leaves the gateway.
        Evidence = 9 => "evidence",
    }
);

impl EventKind {
    /// What is about a dossier and may leave the gateway: what feeds and configured targets get.
    pub const OF_DOSSIERS: [Self; 3] = [Self::Dossier, Self::Progress, Self::Status];

    /// Whether it is one of [`Self::OF_DOSSIERS`].
    #[must_use]
    pub const fn is_of_dossiers(self) -> bool {
        match self {
            Self::Dossier | Self::Progress | Self::Status => true,
            Self::Audit | Self::Message | Self::Reply | Self::Access | Self::Payment | Self::Evidence => false,
        }
    }
}

coded_enum!(
    /// Whether a stored event took effect.
    Disposition, "applied, history or held" {
        /// It stands, and goes to feeds and targets.
        Applied = 1 => "applied",
        /// A progress step older than the newest applied one: it stands, goes out, and moved nothing.
        History = 2 => "history",
        /// It would move the dossier backwards: it waits for a person and does not leave the gateway.
        Held = 3 => "held",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_codes_of_kinds_lead_back_to_them() {
        for kind in EventKind::ALL {
            assert_eq!((kind.as_str().parse(), EventKind::from_code(kind.code())), (Ok(*kind), Some(*kind)));
            assert_eq!(kind.is_of_dossiers(), EventKind::OF_DOSSIERS.contains(kind));
        }
        assert_eq!((EventKind::from_code(0), EventKind::from_code(10)), (None, None));
        assert!("messages".parse::<EventKind>().is_err());
    }
}

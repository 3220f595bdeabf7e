//! A person as every provider's claims are normalised to. What the claims are called is [`super::claims`]' matter.

use std::fmt;

use lgsp_model::{Level, PersonKind};

/// Who signed in, in the same words whatever the provider calls them. Absent is what the provider did not say, or said
/// in a form that cannot be read.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The provider's own, never empty: stable for a person at one provider, meaningless at another.
    pub subject: String,
    /// What kind of account it is.
    pub kind: PersonKind,
    /// How surely the provider knows him.
    pub level: Option<Level>,
    /// `TechID`, which VNConnect and VNeID share.
    pub tech_id: Option<String>,
    /// The personal identity number (`SoDinhDanh`), else the older one (`SoCMND`), without spaces.
    pub identity_number: Option<String>,
    /// The tax code (`MaSoThue`), without spaces.
    pub tax_code: Option<String>,
    /// The full name, Unicode NFC.
    pub name: Option<String>,
    /// The date of birth as `yyyy-MM-dd`.
    pub birth_date: Option<String>,
    /// An e-mail address, as it came.
    pub email: Option<String>,
    /// A telephone number, as it came.
    pub phone: Option<String>,
    /// The name of the enterprise or organisation.
    pub organisation: Option<String>,
}

/// Only what does not tell who it is.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("kind", &self.kind).field("level", &self.level).finish_non_exhaustive()
    }
}

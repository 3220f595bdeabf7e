//! What is known of a person who signed in, and what of it a client may learn.

use std::fmt;

use lgsp_config::ClaimScope;
use lgsp_connect::Person;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A person as the provider described him. It holds personal data and prints none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    kind: String,
    name: Option<String>,
    birth_date: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    organisation: Option<String>,
    identity_number: Option<String>,
    tax_code: Option<String>,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Profile {
    pub(crate) fn of(person: &Person) -> Self {
        Self {
            kind: person.kind.as_str().to_owned(),
            name: person.name.clone(),
            birth_date: person.birth_date.clone(),
            email: person.email.clone(),
            phone: person.phone.clone(),
            organisation: person.organisation.clone(),
            identity_number: person.identity_number.clone(),
            tax_code: person.tax_code.clone(),
        }
    }

    /// What kind of person he is, as tokens say it.
    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    /// The name to greet him with.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What a client with these scopes learns; the names are those of OpenID Connect where it has one.
    pub(crate) fn claims(&self, granted: &[String]) -> Map<String, Value> {
        let mut told = Map::new();
        let mut tell = |scope: ClaimScope, name: &str, value: Option<&String>| {
            if let Some(value) = value.filter(|_| granted.iter().any(|granted| granted == scope.as_str())) {
                told.insert(name.to_owned(), value.as_str().into());
            }
        };
        tell(ClaimScope::Profile, "name", self.name.as_ref());
        tell(ClaimScope::Profile, "kind", Some(&self.kind));
        tell(ClaimScope::Profile, "birthdate", self.birth_date.as_ref());
        tell(ClaimScope::Profile, "organisation", self.organisation.as_ref());
        tell(ClaimScope::Email, "email", self.email.as_ref());
        tell(ClaimScope::Phone, "phone_number", self.phone.as_ref());
        tell(ClaimScope::Identity, "identity_number", self.identity_number.as_ref());
        tell(ClaimScope::Identity, "tax_code", self.tax_code.as_ref());
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_learns_what_it_was_granted_and_nothing_is_printed() {
        let profile = Profile {
            kind: "citizen".into(),
            name: Some("Lê Thử".into()),
            birth_date: None,
            email: Some("thu@example.vn".into()),
            phone: None,
            organisation: None,
            identity_number: Some("001099000001".into()),
            tax_code: None,
        };
        let keys = |granted: &[&str]| {
            let granted: Vec<_> = granted.iter().map(|text| (*text).to_owned()).collect();
            profile.claims(&granted).keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(keys(&["openid"]), Vec::<String>::new());
        assert_eq!(keys(&["openid", "profile", "email"]), ["email", "kind", "name"]);
        assert_eq!(keys(&["identity"]), ["identity_number"]);
        assert!(!format!("{profile:?}").contains("001099000001") && !format!("{profile:?}").contains("Thử"));
    }
}

//! Whose account a sign-in belongs to: several providers know the same person under several names. It decides from what each
//! name leads to; it never merges two accounts.

/// A name by which a provider knows somebody, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// The provider's own name for him.
    Provider,
    /// The technical identifier that the national providers share.
    TechId,
    /// The identity number of a natural person.
    IdentityNumber,
    /// The tax code of an enterprise or organisation.
    TaxCode,
}

impl NameKind {
    /// The word in the account's record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::TechId => "tech_id",
            Self::IdentityNumber => "identity_number",
            Self::TaxCode => "tax_code",
        }
    }
}

/// A name, and the account that it leads to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<A> {
    /// What kind of name it is.
    pub kind: NameKind,
    /// The account, if one has it.
    pub leads_to: Option<A>,
}

/// What a sign-in does to accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linking<A> {
    /// The account that it belongs to; none: a new one.
    pub account: Option<A>,
    /// The name by which the account was found.
    pub by: Option<NameKind>,
    /// Names that lead to the account from now on.
    pub learnt: Vec<NameKind>,
    /// Every account that a name led to or that a name contradicts, for an operator to look at; none when all agree.
    pub conflict: Vec<A>,
}

/// Decides. `names` holds each kind at most once, the provider's own name among them; `has_other` says whether an account has
/// another name of a kind already, which one person has once.
pub fn link<A: Clone + PartialEq>(names: &[Name<A>], has_other: impl Fn(&A, NameKind) -> bool) -> Linking<A> {
    let mut ordered: Vec<&Name<A>> = names.iter().collect();
    ordered.sort_by_key(|name| name.kind);
    let mut found: Vec<(A, NameKind)> = Vec::new();
    for name in &ordered {
        if let Some(account) = name.leads_to.as_ref().filter(|account| found.iter().all(|(known, _)| known != *account))
        {
            found.push((account.clone(), name.kind));
        }
    }
    let free = || ordered.iter().filter(|name| name.leads_to.is_none()).map(|name| name.kind);
    let agreeing = |account: &A| -> Vec<NameKind> {
        free().filter(|kind| *kind == NameKind::Provider || !has_other(account, *kind)).collect()
    };
    let conflict = || found.iter().map(|(account, _)| account.clone()).collect();
    match found.as_slice() {
        [] => Linking { account: None, by: None, learnt: free().collect(), conflict: Vec::new() },
        [(only, by)] if agreeing(only).len() == free().count() => {
            Linking { account: Some(only.clone()), by: Some(*by), learnt: free().collect(), conflict: Vec::new() }
        }
        // The provider knows whom it vouched for before; what else it says of him now is not believed.
        [(first, NameKind::Provider), ..] => Linking {
            account: Some(first.clone()),
            by: Some(NameKind::Provider),
            learnt: if found.len() == 1 { agreeing(first) } else { Vec::new() },
            conflict: conflict(),
        },
        // Somebody new who might be one of them, and might not: an account of his own until a person has looked.
        _ => Linking { account: None, by: None, learnt: vec![NameKind::Provider], conflict: conflict() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use NameKind::{IdentityNumber, Provider, TaxCode, TechId};
    use proptest::prelude::*;

    fn name(kind: NameKind, leads_to: Option<u8>) -> Name<u8> {
        Name { kind, leads_to }
    }

    fn plain(names: &[Name<u8>]) -> Linking<u8> {
        link(names, |_, _| false)
    }

    #[test]
    fn a_first_sign_in_makes_an_account_with_all_its_names() {
        let linking = plain(&[name(IdentityNumber, None), name(Provider, None), name(TechId, None)]);
        let learnt = vec![Provider, TechId, IdentityNumber];
        assert_eq!(linking, Linking { account: None, by: None, learnt, conflict: vec![] });
    }

    #[test]
    fn another_provider_is_linked_by_the_strongest_name() {
        let linking = plain(&[name(Provider, None), name(TechId, Some(7)), name(IdentityNumber, None)]);
        assert_eq!((linking.account, linking.by), (Some(7), Some(TechId)));
        assert_eq!(linking.learnt, [Provider, IdentityNumber]);
        assert_eq!(plain(&[name(Provider, None), name(TaxCode, Some(3))]).by, Some(TaxCode));
    }

    #[test]
    fn names_of_two_accounts_are_a_conflict_and_nothing_is_merged() {
        let unsure = plain(&[name(Provider, None), name(TechId, Some(1)), name(IdentityNumber, Some(2))]);
        assert_eq!(unsure, Linking { account: None, by: None, learnt: vec![Provider], conflict: vec![1, 2] });
        let known = plain(&[name(Provider, Some(1)), name(TechId, None), name(IdentityNumber, Some(2))]);
        assert_eq!(known, Linking { account: Some(1), by: Some(Provider), learnt: vec![], conflict: vec![1, 2] });
    }

    #[test]
    fn a_name_that_contradicts_the_account_keeps_it_from_being_linked() {
        let other_number = |_: &u8, kind: NameKind| kind == IdentityNumber;
        let new = link(&[name(Provider, None), name(TechId, Some(1)), name(IdentityNumber, None)], other_number);
        assert_eq!(new, Linking { account: None, by: None, learnt: vec![Provider], conflict: vec![1] });
        let known = link(&[name(Provider, Some(1)), name(TechId, None), name(IdentityNumber, None)], other_number);
        assert_eq!(known, Linking { account: Some(1), by: Some(Provider), learnt: vec![TechId], conflict: vec![1] });
    }

    proptest! {
        #[test]
        fn no_name_that_leads_somewhere_is_ever_led_elsewhere(
            leads in proptest::array::uniform4(proptest::option::of(0u8..3)),
            others in proptest::array::uniform4(proptest::bool::ANY),
        ) {
            let kinds = [Provider, TechId, IdentityNumber, TaxCode];
            let names: Vec<_> = kinds.into_iter().zip(leads).map(|(kind, leads_to)| name(kind, leads_to)).collect();
            let linking = link(&names, |_, kind| others[kind as usize]);
            for learnt in &linking.learnt {
                prop_assert!(names.iter().any(|name| name.kind == *learnt && name.leads_to.is_none()));
                prop_assert!(linking.account.is_none() || *learnt == Provider || !others[*learnt as usize]);
            }
            if let Some(account) = linking.account {
                prop_assert!(names.iter().any(|name| name.leads_to == Some(account)));
            }
            let mut distinct: Vec<_> = leads.into_iter().flatten().collect();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert!(distinct.len() < 2 || linking.conflict.len() == distinct.len());
        }
    }
}

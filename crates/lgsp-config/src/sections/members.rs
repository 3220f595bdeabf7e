//! `[[member]]`.

use std::collections::BTreeMap;

use lgsp_model::{AgencyGrant, MemberId, Scope};

use super::{DAY, MINUTE, payments, proofs, sign_in};
use crate::PasswordHash;
use crate::document::{Leaf, Section};
use crate::error::Problem;
use crate::identity::{Credential, Member, NationalLogin};
use crate::read::{secret, settings, text, time};
use crate::sign_in::IdentityProvider;

/// The longest name or user name in characters: both are shown in lists.
const MAX_NAME: usize = 200;

/// Every member; `None` when one of them is bad. `providers` are where people sign in, unless one of them is bad.
pub(super) fn read(root: &mut Section<'_>, providers: Option<&[IdentityProvider]>) -> Option<Vec<Member>> {
    let mut ids = Seen::default();
    let mut usernames = Seen::default();
    let mut proven = proofs::Taken::default();
    let members = root.sections("member", |s| {
        let member = member(s, providers)?;
        ids.note(s, "id", member.id.as_str());
        if let Some(login) = &member.national {
            usernames.note(s, "national", &login.username);
        }
        proven.note(s, &member);
        Some(member)
    });
    members.into_iter().collect()
}

/// Values that have to be unique, each with the table that has it.
#[derive(Default)]
pub(super) struct Seen(BTreeMap<String, String>);

impl Seen {
    /// Reports a value that another table has already.
    pub(super) fn note(&mut self, s: &Section<'_>, key: &'static str, value: &str) {
        if let Some(first) = self.0.get(value) {
            s.report(key, Problem::Duplicate { first: first.clone() });
        } else {
            self.0.insert(value.to_owned(), s.path().to_owned());
        }
    }
}

/// The target of a call-back address is called `callback-` and the member's id, and names have at most 64 characters.
const MOST_CALLED_BACK: usize = 64 - "callback-".len();

fn member(s: &mut Section<'_>, providers: Option<&[IdentityProvider]>) -> Option<Member> {
    let id = s.required("id", "id = \"one-stop-h11\"", |leaf| text(leaf)?.parse().map_err(Problem::Id));
    let name = s.required("name", "name = \"Một cửa điện tử\"", name);
    let agencies = agencies(s);
    if agencies.is_none() && !s.has("agencies") {
        s.report("agencies", Problem::Missing { example: "agencies = [\"H11\"], or [\"*\"] for all" });
    }
    let scopes = scopes(s);
    let proofs = proofs::read(s);
    let wants_credential = s.has("secret") || s.has("secret_hash") || !proofs.written;
    let credential = if wants_credential {
        credential(s, "secret", "secret_hash").map(Some)
    } else {
        ["secret", "secret_hash"].iter().for_each(|key| drop(s.optional(key, text)));
        Some(None)
    };
    let callback = s.optional("callback", settings);
    if callback.is_some() && id.as_ref().is_some_and(|id: &MemberId| id.as_str().len() > MOST_CALLED_BACK) {
        s.report("callback", Problem::Expected("a member whose id has at most 55 characters"));
        return None;
    }
    let sign_in = s.optional_section("sign_in", |s| sign_in::client(s, providers));
    let payments = s.optional_section("payments", payments::member);
    let wants_national = s.has("national");
    let national = s.optional_section("national", national).flatten();
    let usual_push_interval = s.optional("usual_push_interval", time(MINUTE..=30 * DAY));
    if wants_national && national.is_none() || matches!(sign_in, Some(None)) || matches!(payments, Some(None)) {
        return None;
    }
    let (proofs, callback) = (proofs.read?, if s.has("callback") { Some(callback?) } else { None });
    let credential = credential?;
    proofs.check(s, credential.is_some());
    Some(Member {
        id: id?,
        name: name?,
        agencies: agencies?,
        scopes: scopes?,
        credential,
        certificates: proofs.certificates,
        certificate_required: proofs.certificate_required,
        api_keys: proofs.api_keys,
        signature_keys: proofs.signature_keys,
        lgsp_access: proofs.lgsp_access,
        callback,
        sign_in: sign_in.flatten(),
        payments: payments.flatten().unwrap_or_default(),
        national,
        usual_push_interval,
    })
}

pub(super) fn name(leaf: &Leaf<'_>) -> Result<String, Problem> {
    let name = text(leaf)?;
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Problem::Expected("one line of at most 200 characters"));
    }
    Ok(name)
}

/// The agencies of a member or a target, if the key is there.
pub(super) fn agencies(s: &mut Section<'_>) -> Option<AgencyGrant> {
    let grants = s.list("agencies", |leaf| AgencyGrant::parse(&[text(leaf)?]).map_err(Problem::Agency))?;
    if grants.is_empty() {
        s.report("agencies", Problem::Expected("at least one agency code, or \"*\" for all"));
        return None;
    }
    let mut codes = Vec::with_capacity(grants.len());
    for grant in grants {
        match grant {
            AgencyGrant::All => return Some(AgencyGrant::All),
            AgencyGrant::Codes(more) => codes.extend(more),
        }
    }
    Some(AgencyGrant::Codes(codes))
}

fn scopes(s: &mut Section<'_>) -> Option<Vec<Scope>> {
    if !s.has("scopes") {
        s.report("scopes", Problem::Missing { example: "scopes = [\"dossier:push\", \"dossier:read\"]" });
    }
    let mut scopes = s.list("scopes", |leaf| text(leaf)?.parse().map_err(Problem::Scope))?;
    if scopes.is_empty() {
        s.report("scopes", Problem::Expected("at least one scope"));
        return None;
    }
    scopes.sort();
    scopes.dedup();
    Some(scopes)
}

/// Exactly one of a secret and its hash.
pub(super) fn credential(s: &mut Section<'_>, plain: &'static str, hash: &'static str) -> Option<Credential> {
    let both = s.has(plain) && s.has(hash);
    let neither = !s.has(plain) && !s.has(hash);
    let secret = s.optional(plain, secret(1));
    let hashed = s.optional(hash, |leaf| PasswordHash::parse(leaf.text()?));
    if both {
        s.report(hash, Problem::Conflict("given beside the clear one; keep one of the two"));
        return None;
    }
    if neither {
        s.report(plain, Problem::Missing { example: "a variable \"${…}\", a file \"file:…\", or its argon2id hash" });
    }
    secret.map(Credential::Plain).or(hashed.map(Credential::Hash))
}

fn national(s: &mut Section<'_>) -> Option<NationalLogin> {
    let username = s.required("username", "username = \"h11\"", name);
    let credential = credential(s, "password", "password_hash");
    Some(NationalLogin { username: username?, credential: credential? })
}

//! `[sign_in]`, `[[identity_provider]]` and `member.sign_in`.

use std::time::Duration;

use lgsp_model::PersonKind;

use super::members::{Seen, name};
use super::{DAY, HOUR, MINUTE, SECOND};
use crate::document::{Leaf, Section};
use crate::error::Problem;
use crate::read::{self, flag, text, time};
use crate::sign_in::{ClaimScope, Client, IdentityProvider, ProviderId, SignIn, SubjectType, TokenAlgorithm};

/// Defaults of `[sign_in]`; the sessions are those that the field's security requirements allow for people.
pub(super) const DEFAULT: SignIn = SignIn {
    login_ttl: Duration::from_secs(10 * 60),
    code_ttl: Duration::from_secs(60),
    session_ttl: Duration::from_secs(15 * 60),
    refresh_ttl: Duration::from_secs(8 * 3600),
    longest: Duration::from_secs(12 * 3600),
};

/// The providers of the state, which have seen who they vouch for.
const NATIONAL: [&str; 2] = ["vneid", "vnconnect"];

/// Addresses of one kind that a client may have.
const MOST_URIS: usize = 50;

pub(super) fn sign_in(s: &mut Section<'_>) -> SignIn {
    let d = DEFAULT;
    let sign_in = SignIn {
        login_ttl: s.or("login_ttl", d.login_ttl, time(MINUTE..=HOUR)),
        code_ttl: s.or("code_ttl", d.code_ttl, time(SECOND..=10 * MINUTE)),
        session_ttl: s.or("session_ttl", d.session_ttl, time(MINUTE..=DAY)),
        refresh_ttl: s.or("refresh_ttl", d.refresh_ttl, time(MINUTE..=30 * DAY)),
        longest: s.or("longest", d.longest, time(MINUTE..=90 * DAY)),
    };
    if sign_in.longest < sign_in.session_ttl {
        s.report("longest", Problem::Conflict("less than session_ttl; make it at least as long"));
    }
    sign_in
}

/// Every provider; `None` when one of them is bad.
pub(super) fn providers(root: &mut Section<'_>) -> Option<Vec<IdentityProvider>> {
    let mut ids = Seen::default();
    let providers = root.sections("identity_provider", |s| {
        let provider = provider(s)?;
        ids.note(s, "id", provider.id.as_str());
        Some(provider)
    });
    providers.into_iter().collect()
}

fn provider(s: &mut Section<'_>) -> Option<IdentityProvider> {
    let id = s.required("id", "id = \"vneid\"", provider_id);
    let kind = s.required("kind", "kind = \"vneid\"", text);
    let vi = s.required("name", "name = \"Tài khoản VNeID\"", name);
    let en = s.optional("name_en", name).or_else(|| (!s.has("name_en")).then(|| vi.clone()).flatten());
    let persons = persons(s);
    let links = s.or("links", kind.as_deref().is_some_and(|kind| NATIONAL.contains(&kind)), flag);
    let settings = s.optional("settings", read::settings);
    let settings = if s.has("settings") { settings } else { Some(Default::default()) };
    Some(IdentityProvider {
        id: id?,
        kind: kind?,
        name: vi?,
        name_en: en?,
        persons: persons?,
        links,
        settings: settings?,
    })
}

pub(super) fn provider_id(leaf: &Leaf<'_>) -> Result<ProviderId, Problem> {
    text(leaf)?.parse().map_err(Problem::Id)
}

fn persons(s: &mut Section<'_>) -> Option<Vec<PersonKind>> {
    if !s.has("persons") {
        return Some(PersonKind::ALL.to_vec());
    }
    let mut kinds = s.list("persons", |leaf| {
        text(leaf)?.parse().map_err(|_| Problem::Expected("citizen, enterprise, organisation or officer"))
    })?;
    if kinds.is_empty() {
        s.report("persons", Problem::Expected("at least one kind; leave it out for all"));
        return None;
    }
    kinds.sort();
    kinds.dedup();
    Some(kinds)
}

/// `member.sign_in`; `known` are the providers, unless one of them is bad.
pub(super) fn client(s: &mut Section<'_>, known: Option<&[IdentityProvider]>) -> Option<Client> {
    let redirect_uris = uris(s, "redirect_uris");
    if !s.has("redirect_uris") {
        s.report("redirect_uris", Problem::Missing { example: "redirect_uris = [\"https://mot-cua.h11.gov.vn/sso\"]" });
    }
    if redirect_uris.as_ref().is_some_and(Vec::is_empty) {
        s.report("redirect_uris", Problem::Expected("at least one address"));
    }
    let post_logout = uris(s, "post_logout_redirect_uris");
    let post_logout = post_logout.or_else(|| (!s.has("post_logout_redirect_uris")).then(Vec::new));
    let backchannel_logout = s.optional("backchannel_logout", uri);
    let claims = claims(s);
    let is_known = |id: &ProviderId| known.is_none_or(|known| known.iter().any(|provider| provider.id == *id));
    let providers = s.list("providers", |leaf| {
        let expected = Problem::Expected("the id of an [[identity_provider]] of this file");
        provider_id(leaf).and_then(|id| if is_known(&id) { Ok(id) } else { Err(expected) })
    });
    let id_token_alg = s.or("id_token_alg", TokenAlgorithm::Es256, |leaf| {
        TokenAlgorithm::of(&text(leaf)?).ok_or(Problem::Expected("ES256, EdDSA or RS256"))
    });
    let subject = s.or("subject", SubjectType::Public, |leaf| match text(leaf)?.as_str() {
        "public" => Ok(SubjectType::Public),
        "pairwise" => Ok(SubjectType::Pairwise),
        _ => Err(Problem::Expected("public or pairwise")),
    });
    let trusted = s.or("trusted", false, flag);
    let bad = s.has("providers") && providers.is_none() || s.has("backchannel_logout") && backchannel_logout.is_none();
    if bad {
        return None;
    }
    Some(Client {
        redirect_uris: redirect_uris.filter(|uris| !uris.is_empty())?,
        post_logout_redirect_uris: post_logout?,
        backchannel_logout,
        claims: claims?,
        providers,
        id_token_alg,
        subject,
        trusted,
    })
}

pub(super) fn uris(s: &mut Section<'_>, key: &'static str) -> Option<Vec<String>> {
    let uris = s.list(key, uri)?;
    if uris.len() > MOST_URIS {
        s.report(key, Problem::Expected("at most 50 addresses"));
        return None;
    }
    Some(uris)
}

/// An address that a browser or we may be sent to: https, or http on this machine, without a fragment.
fn uri(leaf: &Leaf<'_>) -> Result<String, Problem> {
    let expected =
        Problem::Expected("an https address without a fragment (http on 127.0.0.1, [::1] or localhost only)");
    let uri = text(leaf)?;
    let plain = |b: u8| {
        b.is_ascii_graphic() && !matches!(b, b'#' | b'"' | b'<' | b'>' | b'\\' | b'`' | b'{' | b'}' | b'|' | b'^')
    };
    let local = |rest: &str| {
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        let host = host
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
            .map_or(host, |(host, _)| host);
        matches!(host, "127.0.0.1" | "[::1]" | "localhost")
    };
    let rest = match (uri.strip_prefix("https://"), uri.strip_prefix("http://")) {
        (Some(rest), _) => Some(rest),
        (None, Some(rest)) => Some(rest).filter(|rest| local(rest)),
        (None, None) => None,
    };
    let authority = rest.map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
    let good = authority
        .is_some_and(|authority| !authority.is_empty() && !authority.contains('@') && !authority.starts_with(':'));
    if good && uri.bytes().all(plain) { Ok(uri) } else { Err(expected) }
}

fn claims(s: &mut Section<'_>) -> Option<Vec<ClaimScope>> {
    if !s.has("claims") {
        return Some(vec![ClaimScope::OpenId, ClaimScope::Profile]);
    }
    let mut claims = s.list("claims", |leaf| {
        ClaimScope::of(&text(leaf)?)
            .ok_or(Problem::Expected("openid, profile, email, phone, identity or offline_access"))
    })?;
    claims.push(ClaimScope::OpenId);
    claims.sort();
    claims.dedup();
    Some(claims)
}

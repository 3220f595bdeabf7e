//! What a client asks of a person who signs in: the parameters of an authorization request, read and held against what the
//! client was granted. It looks at nothing but the parameters and the client.

use std::collections::HashMap;

use lgsp_config::{ClaimScope, Client, Member, ProviderId};
use lgsp_model::{Level, Scope, ServiceId};
use serde::{Deserialize, Serialize};

use super::error::OAuthError;
use crate::failure::Failure;

/// An authorization request that was found good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    /// What the client may learn, by name.
    pub(crate) claims: Vec<String>,
    /// What the client may do as the member that it is, by name.
    pub(crate) scopes: Vec<String>,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    /// BASE64URL(SHA256(verifier)) (RFC 7636).
    pub(crate) challenge: String,
    pub(crate) mode: ResponseMode,
    pub(crate) prompt: Prompt,
    pub(crate) max_age: Option<i64>,
    /// The least level that is asked for.
    pub(crate) level: Option<u8>,
    /// A provider that the client has chosen already.
    pub(crate) provider: Option<String>,
    /// The services that tokens are for (RFC 8707); empty: the gateway as a whole.
    pub(crate) services: Vec<String>,
    /// The thumbprint of the key that the code is bound to (RFC 9449 §10).
    pub(crate) dpop: Option<String>,
    pub(crate) english: bool,
}

/// How the answer comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ResponseMode {
    Query,
    FormPost,
}

/// Whether people are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Prompt {
    /// Nobody must be asked.
    pub(crate) none: bool,
    /// They must sign in again.
    pub(crate) login: bool,
    /// They must choose again who they are.
    pub(crate) choose: bool,
    /// They must agree again.
    pub(crate) consent: bool,
}

/// Where an error of a request may be told: to the client, or only to the person.
pub(crate) enum Wrong {
    /// The client or its address is not certain: nothing may be sent there.
    Page(Failure),
    /// The client may learn it.
    Client(Box<ReturnTo>, Failure),
}

/// Where an answer goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReturnTo {
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) mode: ResponseMode,
}

/// The longest `state`, `nonce` and the like in bytes.
const MAX_VALUE: usize = 2048;

/// A SHA-256 in base64url.
const DIGEST_CHARACTERS: usize = 43;

/// Each parameter once: two readers of the same request must not see two.
pub(crate) fn single(pairs: &[(String, String)]) -> Result<HashMap<&str, &str>, Failure> {
    let mut found = HashMap::new();
    for (name, value) in pairs {
        // RFC 8707 alone lets one be repeated.
        if found.insert(name.as_str(), value.as_str()).is_some() && name != "resource" {
            return Err(OAuthError::InvalidRequest.because("a parameter is there twice"));
        }
    }
    found.retain(|_, value| !value.is_empty());
    Ok(found)
}

impl Asked {
    /// Reads the parameters of a request of this client.
    pub(crate) fn read(
        member: &Member,
        client: &Client,
        pairs: &[(String, String)],
        service_of: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Wrong> {
        let given = single(pairs).map_err(Wrong::Page)?;
        let redirect_uri = redirect_uri(client, given.get("redirect_uri").copied()).map_err(Wrong::Page)?;
        let state = given.get("state").map(|state| (*state).to_owned());
        let mode = match given.get("response_mode") {
            None | Some(&"query") => ResponseMode::Query,
            Some(&"form_post") => ResponseMode::FormPost,
            Some(_) => {
                let back = ReturnTo { redirect_uri, state, mode: ResponseMode::Query };
                let failure = OAuthError::InvalidRequest.because("response_mode must be query or form_post");
                return Err(Wrong::Client(Box::new(back), failure));
            }
        };
        let back = ReturnTo { redirect_uri, state, mode };
        let reader = Reader { member, client, given: &given, pairs, service_of };
        reader.read(&back).map_err(|failure| Wrong::Client(Box::new(back), failure))
    }

    /// Where the answer goes.
    pub(crate) fn back(&self) -> ReturnTo {
        ReturnTo { redirect_uri: self.redirect_uri.clone(), state: self.state.clone(), mode: self.mode }
    }

    /// The level that is asked for.
    pub(crate) fn level(&self) -> Option<Level> {
        self.level.and_then(Level::new)
    }
}

/// The address must be one of the client's to the letter (RFC 9700 §2.1); a client with one may leave it out.
fn redirect_uri(client: &Client, given: Option<&str>) -> Result<String, Failure> {
    match given {
        Some(given) if client.redirect_uris.iter().any(|known| known == given) => Ok(given.to_owned()),
        Some(_) => Err(OAuthError::InvalidRequest
            .because("redirect_uri is not one of the client's; it must be the same to the letter")),
        None => match client.redirect_uris.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(OAuthError::InvalidRequest.because("redirect_uri is missing")),
        },
    }
}

struct Reader<'a> {
    member: &'a Member,
    client: &'a Client,
    given: &'a HashMap<&'a str, &'a str>,
    pairs: &'a [(String, String)],
    service_of: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    fn read(&self, back: &ReturnTo) -> Result<Asked, Failure> {
        if self.given.values().any(|value| value.len() > MAX_VALUE) {
            return Err(OAuthError::InvalidRequest.because(format!("a parameter is longer than {MAX_VALUE} bytes")));
        }
        if self.given.contains_key("request") {
            return Err(OAuthError::RequestNotSupported.because("send plain parameters, or push them first"));
        }
        if self.given.get("response_type") != Some(&"code") {
            return Err(OAuthError::UnsupportedResponseType.because("response_type must be code"));
        }
        let (claims, scopes) = self.scopes()?;
        Ok(Asked {
            client: self.member.id.to_string(),
            redirect_uri: back.redirect_uri.clone(),
            claims,
            scopes,
            state: back.state.clone(),
            nonce: self.text("nonce"),
            challenge: self.challenge()?,
            mode: back.mode,
            prompt: self.prompt()?,
            max_age: self.max_age()?,
            level: self.level()?,
            provider: self.provider()?,
            services: self.services()?,
            dpop: self.text("dpop_jkt"),
            english: self.given.get("ui_locales").is_some_and(|locales| locales.starts_with("en")),
        })
    }

    fn text(&self, name: &str) -> Option<String> {
        self.given.get(name).map(|value| (*value).to_owned())
    }

    /// What the client may learn and do, as far as it was granted.
    fn scopes(&self) -> Result<(Vec<String>, Vec<String>), Failure> {
        let (mut claims, mut scopes) = (Vec::new(), Vec::new());
        for word in self.given.get("scope").copied().unwrap_or_default().split_ascii_whitespace() {
            let list = match (ClaimScope::of(word), word.parse::<Scope>()) {
                (Some(claim), _) if self.client.claims.contains(&claim) => &mut claims,
                (None, Ok(scope)) if self.member.may(&scope) => &mut scopes,
                _ => {
                    return Err(
                        OAuthError::InvalidScope.because("a scope that was asked for is not granted to this client")
                    );
                }
            };
            if !list.iter().any(|known| known == word) {
                list.push(word.to_owned());
            }
        }
        if !claims.iter().any(|claim| claim == ClaimScope::OpenId.as_str()) {
            return Err(OAuthError::InvalidScope.because("scope must hold openid"));
        }
        Ok((claims, scopes))
    }

    /// Every client proves that it is the one who asked (RFC 7636), and not by sending what it asked with.
    fn challenge(&self) -> Result<String, Failure> {
        let wrong = |detail| Err(OAuthError::InvalidRequest.because(detail));
        let Some(challenge) = self.given.get("code_challenge") else {
            return wrong("code_challenge is missing: PKCE is required of every client");
        };
        if self.given.get("code_challenge_method") != Some(&"S256") {
            return wrong("code_challenge_method must be S256");
        }
        let base64url = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if challenge.len() != DIGEST_CHARACTERS || !challenge.bytes().all(base64url) {
            return wrong("code_challenge must be a SHA-256 in base64url, without padding");
        }
        Ok((*challenge).to_owned())
    }

    fn prompt(&self) -> Result<Prompt, Failure> {
        let mut prompt = Prompt::default();
        for word in self.given.get("prompt").copied().unwrap_or_default().split_ascii_whitespace() {
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "select_account" => prompt.choose = true,
                "consent" => prompt.consent = true,
                _ => {
                    return Err(
                        OAuthError::InvalidRequest.because("prompt must be of none, login, consent, select_account")
                    );
                }
            }
        }
        if prompt.none && (prompt.login || prompt.choose || prompt.consent) {
            return Err(OAuthError::InvalidRequest.because("prompt=none stands alone"));
        }
        Ok(prompt)
    }

    fn max_age(&self) -> Result<Option<i64>, Failure> {
        let Some(text) = self.given.get("max_age") else { return Ok(None) };
        let seconds = text.parse::<u32>().ok();
        seconds
            .map(|seconds| Some(seconds.into()))
            .ok_or_else(|| OAuthError::InvalidRequest.because("max_age must be a number of seconds"))
    }

    /// The least of the levels that would do.
    fn level(&self) -> Result<Option<u8>, Failure> {
        let Some(values) = self.given.get("acr_values") else { return Ok(None) };
        let levels = values.split_ascii_whitespace().map(str::parse::<Level>).collect::<Result<Vec<_>, _>>();
        let levels =
            levels.map_err(|_| OAuthError::InvalidRequest.because("acr_values must be of LoA1, LoA2, LoA3"))?;
        Ok(levels.into_iter().min().map(Level::number))
    }

    fn provider(&self) -> Result<Option<String>, Failure> {
        let Some(id) = self.given.get("provider") else { return Ok(None) };
        let may = |id: &ProviderId| self.client.providers.as_ref().is_none_or(|allowed| allowed.contains(id));
        match id.parse::<ProviderId>() {
            Ok(id) if may(&id) => Ok(Some(id.to_string())),
            _ => Err(OAuthError::InvalidRequest.because("provider is not one that this client may use")),
        }
    }

    fn services(&self) -> Result<Vec<String>, Failure> {
        let mut services = Vec::new();
        for (_, place) in self.pairs.iter().filter(|(name, _)| name == "resource") {
            let id = (self.service_of)(place)
                .filter(|id| id.parse::<ServiceId>().is_ok_and(|id| self.member.may(&Scope::Service(id))));
            match id {
                Some(id) => services.push(id),
                None => {
                    return Err(
                        OAuthError::InvalidTarget.because("resource is not a service that this client may call")
                    );
                }
            }
        }
        Ok(services)
    }
}

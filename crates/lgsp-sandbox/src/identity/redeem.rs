//! The token endpoint: a code becomes an access token and an id token, once.
//!
//! There is no refresh token: whoever wants to know more asks the person again.

use hyper::header::{CACHE_CONTROL, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::keys::{challenge_of, half_hash};
use super::openid::{OpenId, Provider, SignIn, now_s};
use super::settings::PkceRule;
use super::spoil::TokenFault;
use crate::answer::Answer;
use crate::call::{Call, Query};
use crate::partner::Inside;

/// A refusal with the standard's word (RFC 6749 §5.2).
fn refused<T>(status: StatusCode, error: &str, description: &str) -> Result<T, Answer> {
    let body = json!({"error": error, "error_description": description});
    Err(Answer::json(status, &body).with(CACHE_CONTROL, HeaderValue::from_static("no-store")))
}

fn bad_grant<T>(description: &str) -> Result<T, Answer> {
    refused(StatusCode::BAD_REQUEST, "invalid_grant", description)
}

/// `POST …/token`. `wrong` refuses right credentials.
pub(super) fn token<K: Provider>(inside: &mut Inside<OpenId<K>>, call: &Call, wrong: bool) -> Result<Answer, Answer> {
    if call.method != Method::POST {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "POST only");
    }
    if call.media_type() != "application/x-www-form-urlencoded" {
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", "Content-Type must be a form");
    }
    let form = Query::parse(&String::from_utf8_lossy(&call.body));
    if wrong || !inside.settings.access.is_client(call, &form) {
        let description = "A valid OAuth client could not be found for client_id";
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", description);
    }
    if form.get("grant_type") != Some("authorization_code") {
        return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Unsupported grant_type value");
    }
    let sign_in = take_code(inside, call, &form)?;
    let (access_token, life) = inside.tokens.give_new(&inside.settings.access, call.now);
    inside.own.bearers.put(access_token.clone(), sign_in.sid.clone());
    let mut body = json!({
        "access_token": access_token, "token_type": "Bearer", "expires_in": life.as_secs(), "scope": sign_in.scope,
    });
    let asks_who = sign_in.scope.split(' ').any(|scope| scope == "openid");
    if asks_who && !inside.spoils(TokenFault::MissingIdToken) {
        body["id_token"] = json!(id_token(inside, &sign_in, &access_token));
    }
    Ok(Answer::ok(&body).with(CACHE_CONTROL, HeaderValue::from_static("no-store")))
}

/// The sign-in behind a code that is good for this call and no other.
fn take_code<K: Provider>(inside: &mut Inside<OpenId<K>>, call: &Call, form: &Query) -> Result<SignIn, Answer> {
    let (pkce, issuer) = (inside.pkce(), inside.issuer(call));
    let code = form.get("code").and_then(|code| inside.own.codes.get_mut(code));
    let Some(code) = code.filter(|code| code.ends > call.now) else {
        return bad_grant("Inactive authorization code received from token request");
    };
    // Whatever comes of it, the code was shown.
    let again = std::mem::replace(&mut code.used, true);
    let Some(sign_in) = inside.own.sign_ins.get_mut(&code.sid) else { return bad_grant("the sign-in is forgotten") };
    if again {
        // Two have the code, and who the second is nobody knows: what the first got ends (RFC 6749 §4.1.2).
        sign_in.ended = true;
        return bad_grant("the code was used already");
    }
    if form.get("redirect_uri") != Some(&sign_in.redirect_uri) {
        return bad_grant("redirect_uri is not that of the authorization request");
    }
    if !proves(pkce, sign_in, form.get("code_verifier")) {
        return bad_grant("PKCE verification failed");
    }
    sign_in.redeemed = true;
    sign_in.issuer = issuer;
    Ok(sign_in.clone())
}

/// Whether the verifier fits the challenge (RFC 7636 §4.6).
fn proves(pkce: PkceRule, sign_in: &SignIn, verifier: Option<&str>) -> bool {
    match (pkce, &sign_in.code_challenge, verifier) {
        (PkceRule::Ignored, _, _) | (_, None, None) => true,
        (_, None, Some(_)) | (_, Some(_), None) => false,
        (_, Some(challenge), Some(verifier)) => match sign_in.code_challenge_method.as_deref() {
            Some("S256") => *challenge == challenge_of(verifier),
            _ => challenge == verifier,
        },
    }
}

fn id_token<K: Provider>(inside: &mut Inside<OpenId<K>>, sign_in: &SignIn, access_token: &str) -> String {
    let now = now_s();
    let level = inside.own.person(&sign_in.person).map_or(1, |account| account.level);
    let client = json!(sign_in.client_id);
    let claims = json!({
        "iss": sign_in.issuer, "sub": sign_in.subject, "aud": if K::AUDIENCE_LIST { json!([client]) } else { client },
        "azp": sign_in.client_id, "iat": now, "nbf": now, "exp": now + inside.settings.id_token_lifetime_s,
        "auth_time": sign_in.auth_time, "nonce": sign_in.nonce, "sid": sign_in.sid, "acr": K::acr(level),
        "amr": ["user"], "at_hash": half_hash(access_token),
    });
    let mut claims: Map<String, Value> = claims.as_object().cloned().unwrap_or_default();
    claims.retain(|_, value| !value.is_null());
    inside.sign("JWT", claims, now)
}

impl<K: Provider> Inside<OpenId<K>> {
    /// A token of this provider, with the rule broken that is set.
    pub(super) fn sign(&mut self, kind: &str, mut claims: Map<String, Value>, now_s: u64) -> String {
        let (algorithm, spoil) = (self.algorithm(), self.settings.spoil);
        if let Some(spoil) = spoil {
            spoil.spoil_claims(&mut claims, now_s);
        }
        self.own.keys.sign(algorithm, kind, &claims, spoil)
    }
}

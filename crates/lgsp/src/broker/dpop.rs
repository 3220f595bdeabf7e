//! Proofs that a caller holds a key (RFC 9449): read and verified, each counts once.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use lgsp_store::SoftKind;
use serde::Deserialize;

use super::error::OAuthError;
use crate::app::App;
use crate::failure::Failure;
use crate::identity::signed_claims;
use crate::request::Accepted;

/// The header.
const HEADER: &str = "dpop";
/// RFC 9449 §4.2.
const TYPE: &str = "dpop+jwt";
/// The longest proof in bytes.
const MAX_PROOF: usize = 8192;
/// How old a proof may be, and how far its maker's clock may be off, in seconds.
const WINDOW_SECONDS: i64 = 60;
/// So long a proof is remembered: over its whole window.
const REMEMBERED: std::time::Duration = std::time::Duration::from_secs(130);
/// The algorithms of proofs.
pub(crate) const ALGORITHMS: [&str; 2] = ["ES256", "EdDSA"];

/// A proof that came with a request, not yet believed.
pub(crate) struct Proof {
    text: String,
    method: String,
    /// What the request was sent to, without query and fragment.
    target: String,
}

#[derive(Deserialize, Clone)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    ath: Option<String>,
}

fn wrong(detail: &'static str) -> Failure {
    OAuthError::InvalidDpopProof.because(detail)
}

impl Proof {
    /// The proof of a request, if it has one.
    pub(crate) fn of_request(request: &Accepted, app: &App) -> Result<Option<Self>, Failure> {
        let mut values = request.parts.headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() || value.len() > MAX_PROOF {
            return Err(wrong("send one proof"));
        }
        let text = value.to_str().map_err(|_| wrong("the proof is not a JWT"))?.to_owned();
        let target = format!("{}{}", app.issuer.url(), request.parts.uri.path());
        Ok(Some(Self { text, method: request.parts.method.to_string(), target }))
    }

    /// Verifies it: the thumbprint of its key. `token` is the access token that it was sent with.
    pub(crate) async fn check(&self, app: &App, token: Option<&str>) -> Result<String, Failure> {
        let (claims, thumbprint) = self.verified().ok_or_else(|| wrong("the proof is not signed by the key in it"))?;
        let now = app.clock.steady().0 / 1000;
        if claims.htm != self.method || !same_target(&self.target, &claims.htu) {
            return Err(wrong("htm and htu must be the method and the address of this request"));
        }
        if (now - claims.iat).abs() > WINDOW_SECONDS {
            return Err(wrong("iat must be now"));
        }
        if claims.jti.is_empty() || claims.jti.len() > 256 {
            return Err(wrong("jti must be 1 to 256 bytes"));
        }
        let expected = token.map(|token| URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())));
        if claims.ath != expected {
            return Err(wrong("ath must be the digest of the access token"));
        }
        let name = format!("dpop {thumbprint} {}", claims.jti);
        if !app.memory().note(SoftKind::Replay, &name, "", REMEMBERED).await? {
            return Err(wrong("the proof was used before"));
        }
        Ok(thumbprint)
    }

    fn verified(&self) -> Option<(Claims, String)> {
        let header = jsonwebtoken::decode_header(&self.text).ok()?;
        let jwk = header.jwk.as_ref().filter(|_| header.typ.as_deref() == Some(TYPE))?;
        let raw = self.text.split('.').next()?;
        let raw: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(raw).ok()?).ok()?;
        // A private half in it would be everybody's by now; what is critical we do not know.
        let private = ["d", "p", "q", "k"].iter().any(|name| raw["jwk"].get(name).is_some());
        if private || raw.get("crit").is_some() {
            return None;
        }
        let (algorithm, thumbprint) = key_of(jwk)?;
        if header.alg != algorithm {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        Some((signed_claims(&self.text, &key, algorithm)?, thumbprint))
    }
}

/// The algorithm that a key has, and its thumbprint (RFC 7638).
fn key_of(jwk: &Jwk) -> Option<(Algorithm, String)> {
    if jwk.common.public_key_use.as_ref().is_some_and(|is| *is != PublicKeyUse::Signature) {
        return None;
    }
    let (algorithm, members) = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(ec) if matches!(ec.curve, jsonwebtoken::jwk::EllipticCurve::P256) => {
            (Algorithm::ES256, format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, ec.x, ec.y))
        }
        AlgorithmParameters::OctetKeyPair(okp) => {
            (Algorithm::EdDSA, format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, okp.x))
        }
        _ => return None,
    };
    Some((algorithm, URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))))
}

/// Whether two addresses are the same without query and fragment, as far as proofs go (RFC 9449 §4.3).
fn same_target(ours: &str, theirs: &str) -> bool {
    let plain = |text: &str| {
        let text = text.split(['?', '#']).next().unwrap_or_default();
        let (scheme, rest) = text.split_once("://")?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
        let default = if scheme == "https" { ":443" } else { ":80" };
        let host = host.strip_suffix(default).unwrap_or(&host).to_owned();
        Some((scheme, host, if path.is_empty() { "/".to_owned() } else { path.to_owned() }))
    };
    plain(ours).is_some() && plain(ours) == plain(theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_without_query_default_port_and_case_of_the_host() {
        let ours = "https://lgsp.example/oauth2/token";
        for same in ["https://LGSP.example:443/oauth2/token?x#y", ours] {
            assert!(same_target(ours, same), "{same}");
        }
        for other in ["http://lgsp.example/oauth2/token", "https://lgsp.example/oauth2/Token", "/oauth2/token", ""] {
            assert!(!same_target(ours, other), "{other}");
        }
    }

    #[test]
    fn a_thumbprint_is_that_of_rfc_9449() {
        // The key of RFC 9449 §4.1, whose thumbprint is given in §6.1.
        let jwk: Jwk = serde_json::from_str(
            r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#,
        )
        .unwrap();
        assert_eq!(key_of(&jwk).unwrap().1, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn a_thumbprint_is_that_of_rfc_8037() {
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let jwk: Jwk = serde_json::from_str(jwk).unwrap();
        assert_eq!(key_of(&jwk).unwrap().1, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    /// RFC 9449 §4.1.
    const PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUk\
        RZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlA\
        tMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2V\
        uIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

    #[test]
    fn the_proof_of_rfc_9449_is_read_and_a_changed_one_is_not() {
        let proof = |text: &str| Proof { text: text.to_owned(), method: "POST".to_owned(), target: String::new() };
        let (claims, thumbprint) = proof(PROOF).verified().unwrap();
        assert_eq!((claims.htm.as_str(), claims.htu.as_str()), ("POST", "https://server.example.com/token"));
        assert_eq!((claims.jti.as_str(), claims.iat), ("-BwC3ESc6acc2lTc", 1_562_262_616));
        assert_eq!(thumbprint, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert!(proof(&PROOF.replacen("NjE2fQ", "NjE3fQ", 1)).verified().is_none());
        assert!(proof(&PROOF.replacen("2-GxA6T8", "2-GxA6T9", 1)).verified().is_none());
        assert!(proof(PROOF.rsplit_once('.').unwrap().0).verified().is_none());
    }
}

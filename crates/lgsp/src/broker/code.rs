//! The exchange of a code for tokens: once, by the client that asked, with the secret that it began with (RFC 6749 §4.1.3,
//! RFC 7636 §4.6). A code that comes twice ends all that came of it.

use lgsp_store::SoftKind;
use serde_json::Value;

use super::client::Proven;
use super::error::OAuthError;
use super::grant::{self, Tokens};
use super::memory::{Code, SignedIn, digest_of};
use super::token::Bound;
use crate::app::App;
use crate::failure::Failure;
use crate::form;
use crate::identity::Confirmation;

pub(crate) async fn exchange(
    app: &App,
    client: &Proven,
    form: &[(String, String)],
    bound: Bound,
) -> Result<Value, Failure> {
    let given = |name| form::value(form, name).unwrap_or_default();
    let memory = app.memory();
    let Some(code) = memory.take::<Code>(SoftKind::Code, given("code")).await? else {
        if let Some(stolen) = memory.noted(SoftKind::UsedCode, given("code")).await? {
            tracing::warn!(client = client.member.id.as_str(), grant = grant::shown(&stolen), "code came twice");
            grant::end(app, &stolen).await?;
        }
        return Err(wrong());
    };
    // So long a thief may try the code that its owner has used.
    let keep = app.snapshot().config.sign_in.code_ttl * USED_CODES_KEPT;
    memory.note(SoftKind::UsedCode, given("code"), &code.grant, keep).await?;
    let verifier = given("code_verifier");
    let fits = code.client == client.member.id.as_str()
        && redirect_fits(client, given("redirect_uri"), &code.redirect_uri)
        && (43..=128).contains(&verifier.len())
        && digest_of(verifier) == code.challenge;
    if !fits {
        // Whoever holds it is not who asked for it: nobody gets anything.
        grant::end(app, &code.grant).await?;
        return Err(wrong());
    }
    if code.dpop.is_some() && bound.confirmation != code.dpop.clone().map(Confirmation::Key) {
        return Err(OAuthError::InvalidDpopProof.because("the code is bound to another key"));
    }
    let grant = memory.get::<SignedIn>(SoftKind::RefreshFamily, &code.grant).await?.ok_or_else(wrong)?;
    let grant = SignedIn { bound: bound.confirmation.clone(), ..grant };
    let nonce = code.nonce.as_deref();
    Tokens { app, member: &client.member, grant: &grant, kept: &grant, nonce, bound: bound.confirmation }.answer().await
}

/// Codes leak at once or never: so many of their lives they are remembered.
const USED_CODES_KEPT: u32 = 10;

/// The address must be the one that the code was sent to; a client that has one only may leave it out.
fn redirect_fits(client: &Proven, given: &str, used: &str) -> bool {
    let only_one = client.member.sign_in.as_ref().is_some_and(|client| client.redirect_uris.len() == 1);
    given == used || (given.is_empty() && only_one)
}

/// All that is told: which part was wrong would help to guess.
fn wrong() -> Failure {
    OAuthError::InvalidGrant
        .because("the code is unknown, has ended or was used, or the verifier or redirect_uri is not its own")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_fits_the_challenge_of_rfc_7636() {
        // Appendix B.
        let digest = digest_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(digest, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}

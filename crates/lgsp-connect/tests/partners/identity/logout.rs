//! Logout tokens, which anybody may send.

use lgsp_connect::ProviderFailureKind::{Malformed, Refused, Untrusted};
use lgsp_model::Timestamp;
use serde_json::json;

use super::stub::{Family, Signing, Stub};
use super::{no_secrets, provider};

#[tokio::test]
async fn a_logout_token_says_whose_session_ends() {
    for family in Family::ALL {
        let stub = Stub::start().await;
        let provider = provider(family, &stub, "");
        super::log_in(&provider).await.unwrap();
        let told = provider.logout_token(&stub.logout_token(family, &json!({}))).await.unwrap();
        assert_eq!((told.sid.as_deref(), told.subject.as_deref()), (Some("sid-1"), Some("sub-1")));
        assert_eq!((told.token_id.as_str(), told.ends), ("jti-1", Timestamp(1_700_000_150_000)));
        assert!(!format!("{told:?}").contains("-1"));
        let told = provider.logout_token(&stub.logout_token(family, &json!({"sub": null}))).await.unwrap();
        assert_eq!(told.subject, None);
    }
}

#[tokio::test]
async fn nobody_is_logged_out_by_anything_else() {
    let event = "http://schemas.openid.net/event/backchannel-logout";
    for (patch, kind, code) in [
        (json!({"events": null}), Untrusted, "event"),
        (json!({"events": {}}), Untrusted, "event"),
        (json!({"events": [event]}), Untrusted, "event"),
        (json!({"events": {event: true}}), Untrusted, "event"),
        (json!({"nonce": "n"}), Untrusted, "nonce"),
        (json!({"sub": null, "sid": null}), Malformed, "subject"),
        (json!({"jti": null}), Malformed, "token_id"),
        (json!({"iss": "https://evil.example"}), Untrusted, "issuer"),
        (json!({"aud": "other"}), Untrusted, "audience"),
        (json!({"exp": 1_699_999_970}), Untrusted, "expired"),
        (json!({"iat": 1_699_999_300}), Untrusted, "too_old"),
        (json!({"exp": null}), Malformed, "times"),
    ] {
        let stub = Stub::start().await;
        let provider = provider(Family::VnEid, &stub, "");
        let failure = provider.logout_token(&stub.logout_token(Family::VnEid, &patch)).await.unwrap_err();
        assert_eq!((failure.kind, failure.cause.code.as_str()), (kind, code), "{patch}");
        no_secrets(&failure);
    }
    let stub = Stub::start().await;
    let vneid = provider(Family::VnEid, &stub, "");
    stub.play(|play| play.signing = Signing::Not);
    let failure = vneid.logout_token(&stub.logout_token(Family::VnEid, &json!({}))).await.unwrap_err();
    assert_eq!((failure.kind, failure.cause.code.as_str()), (Untrusted, "algorithm"));
    for text in ["", ".", "a.b", "a.b.c", &"a".repeat(100_000), "eyJhbGciOiJSUzI1NiJ9.e30"] {
        assert_eq!(vneid.logout_token(text).await.unwrap_err().kind, Malformed);
    }
    let cas = super::cas::provider(&stub, "");
    assert_eq!(cas.logout_token("a.b.c").await.unwrap_err().kind, Refused);
}

//! What every identity provider promises, whatever it speaks: one suite, run on each kind.
//!
//! What only one protocol has stands in the other files. A difference between kinds is data of a [`Member`]; no case
//! asks which one it runs on.

use std::sync::Arc;

use lgsp_connect::ProviderFailureKind::{self, Denied, Malformed, Refused, TimedOut, Unreachable, Untrusted};
use lgsp_connect::{IdentityProvider, LoginStart, PROVIDERS, check_provider};

use super::stub::{Family, Stub, parameter};
use super::{BACK, CODE, STATE, VERIFIER, finish, said, start};
use crate::server::Answer;

/// A kind of provider.
struct Member {
    kind: &'static str,
    /// The type that does it.
    implementation: &'static str,
    settings: fn(&str) -> String,
    /// What the browser brings back is called so.
    code: &'static str,
    /// What says where the browser comes back to.
    back: &'static str,
    /// Where the code is shown: the end of the path.
    redeemed: &'static str,
    /// The call that this is, in the codes of failures.
    call: &'static str,
    /// What comes of coming back with nothing.
    nothing: (ProviderFailureKind, &'static str),
}

const fn openid(kind: &'static str, settings: fn(&str) -> String) -> Member {
    Member {
        kind,
        implementation: "RelyingParty",
        settings,
        code: "code",
        back: "redirect_uri",
        redeemed: "/token",
        call: "token",
        nothing: (Malformed, "code"),
    }
}

const MEMBERS: [Member; 4] = [
    openid("vnconnect", |base| Family::VnConnect.settings(base)),
    openid("vneid", |base| Family::VnEid.settings(base)),
    openid("oidc", |base| Family::Province.settings(base)),
    Member {
        kind: "cas",
        implementation: "Cas",
        settings: |base| format!("url = '{base}/cas'"),
        code: "ticket",
        back: "service",
        redeemed: "/serviceValidate",
        call: "ticket",
        nothing: (Denied, "no_ticket"),
    },
];

impl Member {
    fn build(&self, stub: &Stub, base: &str, more: &str) -> Arc<dyn IdentityProvider> {
        let settings = format!("{}\nallow_private = true\n{more}", (self.settings)(base));
        check_provider(self.kind, &settings.parse().unwrap()).unwrap().build(stub.clock()).unwrap()
    }

    async fn log_in(&self, provider: &Arc<dyn IdentityProvider>) -> (Option<ProviderFailureKind>, String) {
        match finish(provider, &[("state", STATE), (self.code, CODE)]).await {
            Ok(_) => (None, String::new()),
            Err(failure) => (Some(failure.kind), failure.cause.code),
        }
    }
}

#[test]
fn the_suite_runs_on_every_kind_of_provider() {
    let kinds: Vec<_> = PROVIDERS.iter().map(|family| family.name).collect();
    assert_eq!(MEMBERS.map(|member| member.kind).to_vec(), kinds);
    assert!(MEMBERS.iter().all(|member| !member.implementation.is_empty()));
}

#[tokio::test]
async fn the_browser_takes_the_state_along_and_no_secret() {
    for member in &MEMBERS {
        let stub = Stub::start().await;
        let provider = member.build(&stub, &stub.base(), "");
        let tricky = "https://gateway.example/back?next=a&b=c";
        let url = provider.begin(&LoginStart { redirect_uri: tricky, ..start() }).await.unwrap();
        assert!(url.starts_with(&stub.base()), "{url}");
        let query = url.split_once('?').unwrap().1;
        let back = parameter(query, member.back).unwrap();
        assert!(back.starts_with(tricky), "{}: {back}", member.kind);
        let states = [parameter(query, "state"), parameter(back.split_once('?').unwrap().1, "state")];
        assert_eq!(states.iter().flatten().collect::<Vec<_>>(), [STATE], "{}", member.kind);
        assert!(!url.contains(VERIFIER) && !url.contains("geheim"));
        assert!(url.is_ascii() && !url.contains(' '));
    }
}

#[tokio::test]
async fn who_signed_in_is_told_and_not_shown() {
    for member in &MEMBERS {
        let stub = Stub::start().await;
        let provider = member.build(&stub, &stub.base(), "");
        let came = finish(&provider, &[("state", STATE), (member.code, CODE)]).await.unwrap();
        assert_eq!(came.person.subject, "sub-1", "{}", member.kind);
        assert_eq!(came.person.name.as_deref(), Some("Nguyễn Văn Thử"), "{}", member.kind);
        let raw: serde_json::Value = serde_json::from_slice(&came.raw).unwrap();
        assert!(raw.as_object().is_some_and(|raw| !raw.is_empty()));
        assert!(!format!("{came:?}").contains("sub-1"));
        let page = provider.logout_url(came.id_token.as_deref(), BACK).unwrap();
        assert!(page.starts_with(&stub.base()) && page.contains("gateway.example"), "{page}");
    }
}

#[tokio::test]
async fn only_the_own_answer_is_taken_back_and_nothing_else_is_shown_to_the_provider() {
    for member in &MEMBERS {
        let code = member.code;
        for (pairs, kind, expected) in [
            (vec![(code, CODE)], Untrusted, "state"),
            (vec![(code, CODE), ("state", "other")], Untrusted, "state"),
            (vec![(code, CODE), ("state", "")], Untrusted, "state"),
            (vec![(code, CODE), ("state", "state-7f3A")], Untrusted, "state"),
            (vec![(code, CODE), ("state", "state-7f3a ")], Untrusted, "state"),
            (vec![(code, CODE), ("state", STATE), ("state", STATE)], Malformed, "answer_twice"),
            (vec![(code, CODE), (code, "x"), ("state", STATE)], Malformed, "answer_twice"),
            (vec![(code, ""), ("state", STATE)], Malformed, "code"),
            (vec![("state", STATE)], member.nothing.0, member.nothing.1),
            (vec![("error", "access_denied"), ("state", STATE)], Denied, "access_denied"),
            (vec![("error", "login_required"), ("state", STATE), (code, CODE)], Denied, "login_required"),
            (vec![("error", "server_error"), ("state", STATE)], Refused, "answer_server_error"),
            (vec![("error", "<script>Nguyễn"), ("state", STATE)], Refused, "answer_error"),
            (vec![("error", "access_denied"), ("state", "other")], Untrusted, "state"),
            (vec![("error", "access_denied")], Untrusted, "state"),
        ] {
            let stub = Stub::start().await;
            let provider = member.build(&stub, &stub.base(), "");
            let what = said(finish(&provider, &pairs).await);
            assert_eq!(what, (kind, expected.to_owned()), "{} {pairs:?}", member.kind);
            assert!(stub.calls(member.redeemed).is_empty(), "{} {pairs:?}", member.kind);
        }
        let long = "x".repeat(5000);
        let stub = Stub::start().await;
        let provider = member.build(&stub, &stub.base(), "");
        assert_eq!(said(finish(&provider, &[("state", STATE), (code, &long)]).await), (Malformed, "code".to_owned()));
    }
}

#[tokio::test]
async fn a_code_is_shown_once_whatever_comes_of_it() {
    for member in &MEMBERS {
        for (instead, kind, code) in [
            ((|| Answer::Status(500, &[])) as fn() -> Answer, Refused, "http_500"),
            (|| Answer::Status(404, &[]), Refused, "http_404"),
            (|| Answer::Status(204, &[]), Refused, "http_204"),
            (|| Answer::Status(302, &[("location", "/stolen")]), Refused, "http_302"),
            (|| Answer::Reset, Unreachable, "reset"),
            (|| Answer::Torn("{".into()), Unreachable, "reset"),
            (|| Answer::Endless, Malformed, "answer_too_large"),
            (|| Answer::Reply("\u{0}".into()), Malformed, ""),
        ] {
            let stub = Stub::start().await;
            stub.play(|play| play.instead.push((member.redeemed, instead)));
            let provider = member.build(&stub, &stub.base(), "timeout = '20s'");
            let expected = match code.strip_prefix("http") {
                Some(_) => format!("{}_{code}", member.call),
                None if code.is_empty() => member.call.to_owned(),
                None => code.to_owned(),
            };
            assert_eq!(member.log_in(&provider).await, (Some(kind), expected), "{}", member.kind);
            assert_eq!(stub.calls(member.redeemed).len(), 1, "{} {code}", member.kind);
            assert!(stub.calls("/stolen").is_empty(), "a redirect is not followed");
        }
    }
}

#[tokio::test]
async fn a_provider_that_says_nothing_is_given_up() {
    for member in &MEMBERS {
        for silence in [(|| Answer::Silence) as fn() -> Answer, || Answer::Stalled("{".into())] {
            let stub = Stub::start().await;
            stub.play(|play| play.instead.push((member.redeemed, silence)));
            let provider = member.build(&stub, &stub.base(), "timeout = '200ms'");
            assert_eq!(member.log_in(&provider).await, (Some(TimedOut), "timeout".to_owned()), "{}", member.kind);
        }
    }
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_alone_and_tried_again_later() {
    for member in &MEMBERS {
        let stub = Stub::start().await;
        let provider = member.build(&stub, &stub.base(), "");
        stub.play(|play| play.instead.push((member.redeemed, || Answer::Status(503, &[]))));
        let failed = (Some(Refused), format!("{}_http_503", member.call));
        for _ in 0..5 {
            assert_eq!(member.log_in(&provider).await, failed, "{}", member.kind);
        }
        let left_alone = (Some(Unreachable), "failing".to_owned());
        assert_eq!(member.log_in(&provider).await, left_alone, "{}", member.kind);
        assert_eq!(stub.calls(member.redeemed).len(), 5);
        stub.pass(5);
        assert_eq!(member.log_in(&provider).await, failed, "one may try");
        assert_eq!(member.log_in(&provider).await, left_alone);
        stub.pass(5);
        stub.play(|play| play.instead.clear());
        assert_eq!(member.log_in(&provider).await.0, None, "{}", member.kind);
        assert_eq!(member.log_in(&provider).await.0, None);
    }
}

#[tokio::test]
async fn a_refused_code_does_not_count_against_the_provider() {
    for member in &MEMBERS {
        let stub = Stub::start().await;
        let provider = member.build(&stub, &stub.base(), "");
        stub.play(|play| play.instead.push((member.redeemed, || Answer::Status(400, &[]))));
        for _ in 0..12 {
            assert_eq!(member.log_in(&provider).await, (Some(Refused), format!("{}_http_400", member.call)));
        }
        stub.play(|play| play.instead.clear());
        assert_eq!(member.log_in(&provider).await.0, None, "{}", member.kind);
    }
}

#[tokio::test]
async fn a_provider_that_is_gone_cannot_be_reached() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let stub = Stub::start().await;
    for member in &MEMBERS {
        let provider = member.build(&stub, &base, "");
        assert_eq!(member.log_in(&provider).await, (Some(Unreachable), "connect".to_owned()), "{}", member.kind);
    }
}

//! The word to a client that somebody signed out (OpenID Connect Back-Channel Logout 1.0): one try in the background. A client
//! that does not hear it learns the same when it next shows a token.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request};
use lgsp_connect::{CallOptions, Repeatable, ServerAddress, ServerSettings, Upstream, UpstreamBody, UpstreamSettings};
use lgsp_model::{MemberId, Timestamp};
use serde_json::json;

use super::super::memory::Session;
use crate::app::{App, Snapshot};
use crate::form;
use crate::identity::random_id;

/// How long a client may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A logout token opens nothing; it must only arrive.
const TOKEN_SECONDS: i64 = 120;
/// The event that it tells of.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Tells a client, if it wants to be told.
pub(super) fn send(app: &Arc<App>, snapshot: &Snapshot, client: &str, session: &Session) {
    let Some(member) = snapshot.members.by_id(client) else { return };
    let Some((settings, url)) = member.sign_in.as_ref().and_then(|all| Some((all, all.backchannel_logout.clone()?)))
    else {
        return;
    };
    let now = app.clock.steady();
    let iat = now.0 / 1000;
    let claims = json!({
        "iss": app.issuer.url(),
        "aud": client,
        "iat": iat,
        "exp": iat + TOKEN_SECONDS,
        "jti": random_id(),
        "sid": session.sid,
        "events": { (EVENT): {} },
    });
    let token = app.issuer.sign(settings.id_token_alg, "logout+jwt", &claims, now);
    let clock = app.clock.clone();
    let (member, body) = (member.id.clone(), form::encode(&[("logout_token", token)]));
    tokio::spawn(async move {
        let told = post(&url, body, Arc::new(move || clock.steady())).await;
        match told {
            Ok(status) if (200..300).contains(&status) => {}
            Ok(status) => warn(&member, &format!("it answered {status}")),
            Err(cause) => warn(&member, &cause),
        }
    });
}

fn warn(member: &MemberId, cause: &str) {
    tracing::warn!(member = member.as_str(), cause, "client not told that somebody signed out");
}

async fn post(url: &str, body: String, clock: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Result<u16, String> {
    let (place, query) = url.split_once('?').map_or((url, None), |(place, query)| (place, Some(query)));
    let address: ServerAddress = place.parse().map_err(|error| format!("{error}"))?;
    let mut settings = UpstreamSettings::new(vec![ServerSettings { address, weight: 1 }]);
    settings.timeout = TIMEOUT;
    let upstream = Upstream::build(settings, clock).map_err(|error| error.to_string())?;
    let target = query.map_or_else(|| "/".to_owned(), |query| format!("/?{query}"));
    let request = Request::builder().method(Method::POST).uri(target);
    let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(());
    let (parts, ()) = request.map_err(|error| error.to_string())?.into_parts();
    let deadline = (Instant::now() + TIMEOUT).into();
    let how = CallOptions { deadline, repeatable: Repeatable::IfUnsent, upgrade: false, end: Some(deadline) };
    let answer = upstream.call(parts, UpstreamBody::Whole(Bytes::from(body)), how).await;
    answer.map(|answer| answer.status().as_u16()).map_err(|failure| failure.to_string())
}

//! Tokens that partners want to see: asked for once, kept until shortly before their end, asked for anew when a partner
//! refuses one. It knows no service.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request};
use lgsp_connect::{CallOptions, Repeatable, ServerSettings, Upstream, UpstreamBody, UpstreamError, UpstreamSettings};
use lgsp_model::ErrorCode;
use secrecy::ExposeSecret;

use super::settings::{Credentials, TokenSource};
use crate::failure::Failure;

/// How this gateway proves to one upstream who it is.
pub(crate) enum Pass {
    None,
    Fixed(HeaderName, HeaderValue),
    Token(Box<TokenKeeper>),
}

/// One partner's token.
pub(crate) struct TokenKeeper {
    source: TokenSource,
    upstream: Arc<Upstream>,
    held: Mutex<Option<Held>>,
    /// One asks; the others wait for what it gets.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Held {
    value: HeaderValue,
    ends: Instant,
}

/// A token endpoint that takes longer is of no use to a waiting caller.
const ASK_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest answer of a token endpoint.
const ANSWER_BYTES: usize = 64 * 1024;

/// A token is not used in the last part of its life: clocks differ, and calls take time.
const SPARE: Duration = Duration::from_secs(10);

impl Pass {
    pub(crate) fn new(
        credentials: Credentials,
        of_service: &UpstreamSettings,
        clock: lgsp_connect::Clock,
    ) -> Result<Self, UpstreamError> {
        Ok(match credentials {
            Credentials::None => Self::None,
            Credentials::Fixed(name, value) => Self::Fixed(name, value),
            Credentials::Token(source) => {
                let server = ServerSettings { address: source.address.clone(), weight: 1 };
                let mut settings = UpstreamSettings::new(vec![server]);
                settings.tls = of_service.tls.clone();
                settings.tls.server_name = None;
                settings.timeout = ASK_TIMEOUT;
                let upstream = Upstream::build(settings, clock)?;
                let (held, asking) = (Mutex::default(), tokio::sync::Mutex::default());
                Self::Token(Box::new(TokenKeeper { source: *source, upstream, held, asking }))
            }
        })
    }

    /// Adds the proof to a call; `refused` is a proof that the partner did not take.
    pub(crate) async fn add(&self, headers: &mut HeaderMap, refused: Option<&HeaderValue>) -> Result<(), Failure> {
        match self {
            Self::None => {}
            Self::Fixed(name, value) => {
                headers.insert(name, value.clone());
            }
            Self::Token(keeper) => {
                // Boxed: it is there already for nearly every call, and asking for one is a whole call of its own.
                let value = Box::pin(keeper.token(refused)).await?;
                headers.insert(&keeper.source.header, value);
            }
        }
        Ok(())
    }

    /// Whether another proof could be asked for.
    pub(crate) fn is_renewable(&self) -> bool {
        matches!(self, Self::Token(_))
    }

    /// The proof in a call's headers, if another one could be asked for.
    pub(crate) fn renewable(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        match self {
            Self::Token(keeper) => headers.get(&keeper.source.header).cloned(),
            Self::None | Self::Fixed(..) => None,
        }
    }
}

impl TokenKeeper {
    async fn token(&self, refused: Option<&HeaderValue>) -> Result<HeaderValue, Failure> {
        if let Some(value) = self.good(refused) {
            return Ok(value);
        }
        let _alone = self.asking.lock().await;
        // Somebody else may have asked while this one waited.
        if let Some(value) = self.good(refused) {
            return Ok(value);
        }
        let held = self.ask().await?;
        let value = held.value.clone();
        *self.held.lock().expect("no panic while held") = Some(held);
        Ok(value)
    }

    fn good(&self, refused: Option<&HeaderValue>) -> Option<HeaderValue> {
        let held = self.held.lock().expect("no panic while held").clone()?;
        (held.ends > Instant::now() && Some(&held.value) != refused).then_some(held.value)
    }

    async fn ask(&self) -> Result<Held, Failure> {
        let asked_at = Instant::now();
        let mut request = Request::builder().method(Method::POST).uri(self.source.path.clone());
        request = request.header(CONTENT_TYPE, self.source.request.content_type).header("accept", "application/json");
        if let Some(value) = &self.source.request.authorization {
            request = request.header(AUTHORIZATION, value.expose_secret());
        }
        let (parts, ()) = request.body(()).map_err(|_| failed("its request cannot be written"))?.into_parts();
        let body = UpstreamBody::Whole(Bytes::from(self.source.request.body.expose_secret().to_owned()));
        let deadline = (asked_at + ASK_TIMEOUT).into();
        let how = CallOptions { deadline, repeatable: Repeatable::Always, upgrade: false, end: Some(deadline) };
        let answer = self.upstream.call(parts, body, how).await.map_err(|failure| {
            tracing::warn!(cause = %failure, "no token from the partner");
            failed("its token endpoint cannot be reached")
        })?;
        let status = answer.status();
        let read = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
        let body = read.map_err(|_| failed("its token endpoint's answer cannot be read"))?.to_bytes();
        if !status.is_success() {
            tracing::warn!(status = status.as_u16(), "the partner gave no token");
            return Err(failed("its token endpoint refused this gateway's credentials"));
        }
        self.held_of(&body, asked_at)
    }

    fn held_of(&self, body: &[u8], asked_at: Instant) -> Result<Held, Failure> {
        let answer: serde_json::Value =
            serde_json::from_slice(body).map_err(|_| failed("its token endpoint did not answer in JSON"))?;
        let at = |pointers: &[String]| pointers.iter().find_map(|pointer| answer.pointer(pointer).cloned());
        let token = at(&self.source.token).and_then(|value| value.as_str().map(str::to_owned));
        let token = token.ok_or_else(|| failed("its token endpoint's answer holds no token"))?;
        let mut value = HeaderValue::from_str(&format!("{}{token}", self.source.prefix))
            .map_err(|_| failed("its token cannot stand in a header"))?;
        value.set_sensitive(true);
        let seconds = at(&self.source.expires_in).and_then(|value| match value {
            serde_json::Value::Number(number) => number.as_u64(),
            serde_json::Value::String(text) => text.parse().ok(),
            _ => None,
        });
        let life = seconds.map_or(self.source.life, Duration::from_secs);
        // Of a life shorter than that half is used.
        let usable = life.checked_sub(SPARE).filter(|usable| !usable.is_zero()).unwrap_or(life / 2);
        Ok(Held { value, ends: asked_at + usable.min(LONGEST_LIFE) })
    }
}

/// Tokens are asked for at least so often, whatever they say.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

fn failed(why: &str) -> Failure {
    Failure::retry(ErrorCode::UpstreamUnreachable, format!("the partner gave no token: {why}"), Duration::from_secs(5))
}

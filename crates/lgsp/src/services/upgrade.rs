//! Another protocol over the caller's connection (WebSocket): after an answer 101 bytes flow both ways until one side
//! ends. Nobody reads them here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use lgsp_connect::{CallOptions, Repeatable, UpstreamBody};

use super::admission::Place;
use super::call::Call;
use super::forward;
use super::headers;
use crate::answer::{Answer, AnswerBody};
use crate::failure::Failure;
use crate::server::Peer;

/// The longest that such a connection lives; clients of these protocols connect again.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn pass(
    call: &Call<'_>,
    mut parts: Box<Parts>,
    from: &Peer,
    place: Arc<Place>,
) -> Result<Answer, Failure> {
    let on_upgrade = parts.extensions.remove::<hyper::upgrade::OnUpgrade>();
    let parts = forward::outgoing(call, parts, from.address, from.tls.is_some(), true)?;
    let timeout = call.operation.timeout().unwrap_or(call.running.timeout);
    let how = CallOptions {
        deadline: (Instant::now() + timeout).into(),
        repeatable: Repeatable::Never,
        upgrade: true,
        end: None,
    };
    let answer = forward::try_once(call, parts, UpstreamBody::Whole(Bytes::new()), how).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(forward::pass_back(answer, Some(place)));
    }
    let (mut head, body) = answer.into_parts();
    let (Some(mut switched), Some(on_upgrade)) = (body.into_switched(), on_upgrade) else {
        return Err(Failure::new(lgsp_model::ErrorCode::UpstreamBroken, "the partner switched protocols unasked"));
    };
    headers::strip_connection(&mut head.headers, true);
    let trace = call.trace.id_hex();
    let stop = call.app.draining();
    tokio::spawn(async move {
        let _place = place;
        let Ok(upgraded) = on_upgrade.await else { return };
        let mut caller = TokioIo::new(upgraded);
        let both = tokio::io::copy_bidirectional(&mut caller, &mut *switched);
        tokio::select! {
            ended = both => {
                if let Err(cause) = ended {
                    tracing::debug!(trace_id = %trace, %cause, "upgraded connection ended");
                }
            }
            () = tokio::time::sleep(LONGEST) => {}
            () = stop.cancelled_owned() => {}
        }
    });
    Ok(Response::from_parts(head, AnswerBody::Full(None)))
}

//! What a provider or its partner sent, read whole: the callback or the pull, as the provider's connector takes it.

use bytes::Bytes;
use hyper::http::request::Parts;
use lgsp_connect::CallbackRequest;
use lgsp_model::{ByteCount, Timestamp};

use crate::failure::Failure;
use crate::request::Accepted;

/// The largest message: those documented have 2 KiB.
const MOST_BYTES: ByteCount = ByteCount(64 * 1024);

/// A message, and when it came.
pub(crate) struct Word {
    parts: Box<Parts>,
    body: Bytes,
    path: &'static str,
    at: Timestamp,
}

impl Word {
    /// Reads the body of a request that came at `path` below the provider's own.
    pub(crate) async fn read(request: Accepted, path: &'static str, at: Timestamp) -> Result<Self, Failure> {
        let (parts, body) = request.split_within(MOST_BYTES)?;
        Ok(Self { parts, body: body.read_whole().await?, path, at })
    }

    pub(crate) fn came(&self) -> CallbackRequest<'_> {
        let Self { parts, body, path, at } = self;
        let query = parts.uri.query().unwrap_or_default();
        CallbackRequest { method: &parts.method, path, query, headers: &parts.headers, body, at: *at }
    }
}

//! Bodies as they arrive: counted and digested, never held.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::HeaderMap;
use hyper::body::Incoming;
use lgsp_model::Digest;

/// What came of a body.
pub(super) struct Arrived {
    pub(super) bytes: u64,
    pub(super) digest: Digest,
    pub(super) trailers: HeaderMap,
    /// Whether it came to its end.
    pub(super) complete: bool,
}

impl Arrived {
    pub(super) async fn read(mut body: Incoming) -> Self {
        let mut bytes = 0;
        let mut digest = Context::new(&SHA256);
        let mut trailers = HeaderMap::new();
        let complete = loop {
            match body.frame().await {
                None => break true,
                Some(Err(_)) => break false,
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        bytes += data.len() as u64;
                        digest.update(&data);
                    }
                    Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
                },
            }
        };
        let digest = digest.finish();
        let digest = Digest(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"));
        Self { bytes, digest, trailers, complete }
    }
}

/// A small body as a whole; `None` when it is larger or breaks off.
pub(super) async fn whole(body: Incoming, limit: u64) -> Option<Bytes> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Limited::new(body, limit).collect().await.ok().map(|body| body.to_bytes())
}

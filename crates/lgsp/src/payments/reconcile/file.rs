//! A day file on its way in: read as it comes, a piece at a time, under a bound of its own.

use axum::body::Body;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use lgsp_config::{Limits, PaymentProvider};
use lgsp_connect::{DayFileError, DayFileLayout, DayFileReader};
use lgsp_core::reconcile::Statement;
use lgsp_model::ErrorCode;

use super::{Day, refused};
use crate::failure::Failure;

/// The largest file: the lines of the busiest day that is planned for have some hundred bytes each.
pub(crate) const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// A file that is coming.
pub(crate) struct Upload {
    body: Body,
}

impl Upload {
    /// The file of a request; `None` when it has none.
    pub(crate) fn of(body: Body) -> Option<Self> {
        (!body.is_end_stream()).then_some(Self { body })
    }

    /// Reads all of it.
    pub(crate) async fn read(
        mut self,
        provider: &PaymentProvider,
        day: Day,
        limits: &Limits,
    ) -> Result<Statement, Failure> {
        let layout = DayFileLayout::of(&provider.kind, provider.day_file.table());
        // Whoever starts a gateway is told of a wrong layout; this is one that came by a reload.
        let layout = layout.map_err(|_| refused("the provider's day_file is not a layout: run `lgsp check`"))?;
        let mut reader = DayFileReader::new(layout, day.number());
        let (mut taken, too_large) = (0, || Failure::new(ErrorCode::TooLarge, "a day file may have 256 MiB"));
        if self.body.size_hint().lower() > MOST_BYTES {
            return Err(too_large());
        }
        loop {
            let frame = tokio::time::timeout(limits.body_timeout, self.body.frame()).await;
            let late = |_| Failure::new(ErrorCode::RequestTimeout, "the file stopped coming; nothing was stored");
            let Some(frame) = frame.map_err(late)? else { break };
            let broken = |_| Failure::new(ErrorCode::MalformedRequest, "the file ended too early; nothing was stored");
            let Ok(piece) = frame.map_err(broken)?.into_data() else { continue };
            taken += piece.len() as u64;
            if taken > MOST_BYTES {
                return Err(too_large());
            }
            reader.feed(&piece).map_err(unreadable)?;
        }
        reader.end().map_err(unreadable)
    }
}

fn unreadable(error: DayFileError) -> Failure {
    refused(error.to_string())
}

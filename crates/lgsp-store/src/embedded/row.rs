//! A log row's fields as numbers and bytes, and their way there and back. It decides nothing and touches no database.

use lgsp_model::{Digest, Incoming, MemberId, PortalTime, Status, Timestamp};

use super::codec::Packed;
use crate::{DossierEvent, IdempotencyKey, NewEvent, Subject, TraceId};

/// A [`NewEvent`] whose costly part is done.
pub(super) struct Prepared {
    pub(super) subject: Subject,
    pub(super) sender: MemberId,
    pub(super) carried: Carried,
    pub(super) idempotency: Option<IdempotencyKey>,
}

/// What an event carries, whatever it is about and whoever sent it.
pub(super) struct Carried {
    pub(super) at: Timestamp,
    pub(super) payload: Packed,
    pub(super) trace: TraceId,
}

impl Prepared {
    pub(super) fn new(event: NewEvent, payload: Packed) -> Self {
        let NewEvent { subject, sender, at, payload: _, trace, idempotency } = event;
        Self { subject, sender, carried: Carried { at, payload, trace }, idempotency }
    }

    /// The dossier that it is about, if it is about one.
    pub(super) fn dossier(&self) -> Option<&DossierEvent> {
        match &self.subject {
            Subject::Dossier(about) => Some(about),
            Subject::Message { .. } | Subject::Access { .. } | Subject::Evidence { .. } => None,
        }
    }

    /// What this event weighs in the queue.
    pub(super) fn weight(&self) -> usize {
        self.carried.payload.bytes.len() + ROW_BYTES
    }
}

/// A guess of what a row takes besides its payload.
const ROW_BYTES: usize = 256;

/// `incoming` of an event that no status machine judges.
pub(super) const NO_INCOMING: u8 = 0;
const RECORD: u8 = 0x10;
const PROGRESS: u8 = 0x20;
const NOTICE: u8 = 0x30;
const RELEASED_RECORD: u8 = 0x40;
const RELEASED_PROGRESS: u8 = 0x50;

/// What the status machine saw, as the columns `incoming` and `step`.
pub(super) fn encode_incoming(incoming: Incoming) -> (u8, Option<PortalTime>) {
    match incoming {
        Incoming::Record(status) => (RECORD | status.code(), None),
        Incoming::Progress(status, at) => (PROGRESS | status.code(), Some(at)),
        Incoming::Notice => (NOTICE, None),
        Incoming::ReleasedRecord(status) => (RELEASED_RECORD | status.code(), None),
        Incoming::ReleasedProgress(status, at) => (RELEASED_PROGRESS | status.code(), Some(at)),
    }
}

/// The way back; `None` for anything that [`encode_incoming`] does not make.
pub(super) fn decode_incoming(code: u8, step: Option<u64>) -> Option<Incoming> {
    let status = Status::from_code(code & 0x0f);
    let at = step.and_then(PortalTime::from_number);
    match code & 0xf0 {
        RECORD => Some(Incoming::Record(status?)),
        PROGRESS => Some(Incoming::Progress(status?, at?)),
        NOTICE => Some(Incoming::Notice),
        RELEASED_RECORD => Some(Incoming::ReleasedRecord(status?)),
        RELEASED_PROGRESS => Some(Incoming::ReleasedProgress(status?, at?)),
        _ => None,
    }
}

/// A row about to be written, and what the chain covers: everything but how the payload is packed.
pub(super) struct Row<'a> {
    pub(super) seq: u64,
    pub(super) at: i64,
    pub(super) kind: u8,
    pub(super) disposition: u8,
    pub(super) key: &'a str,
    pub(super) previous: Option<u64>,
    pub(super) sender: &'a str,
    pub(super) agency: &'a str,
    pub(super) incoming: u8,
    pub(super) step: Option<u64>,
    pub(super) content: Option<&'a [u8]>,
    pub(super) trace: &'a TraceId,
    pub(super) digest: &'a Digest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_incoming_survives_the_way_there_and_back() {
        let at = PortalTime::from_number(20_260_315_083_000).unwrap();
        let mut all = vec![Incoming::Notice];
        for status in Status::ALL {
            all.extend([Incoming::Record(status), Incoming::ReleasedRecord(status)]);
            all.extend([Incoming::Progress(status, at), Incoming::ReleasedProgress(status, at)]);
        }
        for incoming in all {
            let (code, step) = encode_incoming(incoming);
            assert_eq!(decode_incoming(code, step.map(PortalTime::number)), Some(incoming));
        }
    }

    #[test]
    fn impossible_codes_are_refused() {
        for (code, step) in [(0, None), (0x10, None), (0x1b, None), (0x22, None), (0x22, Some(7)), (0x61, None)] {
            assert_eq!(decode_incoming(code, step), None);
        }
    }
}

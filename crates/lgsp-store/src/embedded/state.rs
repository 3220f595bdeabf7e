//! A dossier's state as one compact blob. It knows the layout, not the rules.

use lgsp_model::{ContentDigest, DossierState, PortalTime, Seq, Status};

/// Bytes of a content digest.
const CONTENT_BYTES: usize = 16;
/// Written first, so that another layout can follow.
const LAYOUT: u8 = 1;

/// The blob of `state`: layout, status, newest step, last event, then the distances back to the record's event and to
/// each known content's first event.
pub(super) fn encode(state: &DossierState, into: &mut Vec<u8>) {
    let last = state.last.map_or(0, |seq| seq.0);
    into.clear();
    into.push(LAYOUT);
    into.push(state.status.map_or(0, Status::code));
    put(into, state.newest_step.map_or(0, PortalTime::number));
    put(into, last);
    put(into, state.record.map_or(0, |seq| last - seq.0 + 1));
    for (content, seq) in &state.known {
        put(into, last - seq.0);
        into.extend_from_slice(&content.0);
    }
}

/// The state of a blob; `None` when it is not one.
pub(super) fn decode(mut blob: &[u8]) -> Option<DossierState> {
    let (layout, status) = (take(&mut blob)?, take(&mut blob)?);
    if layout != u64::from(LAYOUT) {
        return None;
    }
    let step = take(&mut blob)?;
    let last = take(&mut blob)?;
    let record = take(&mut blob)?;
    let mut state = DossierState {
        status: if status == 0 { None } else { Some(Status::from_code(u8::try_from(status).ok()?)?) },
        newest_step: if step == 0 { None } else { Some(PortalTime::from_number(step)?) },
        last: (last > 0).then_some(Seq(last)),
        record: if record == 0 { None } else { Some(Seq(last.checked_sub(record - 1)?)) },
        known: Vec::with_capacity(blob.len() / CONTENT_BYTES),
    };
    while !blob.is_empty() {
        let seq = last.checked_sub(take(&mut blob)?)?;
        let (content, rest) = blob.split_first_chunk()?;
        state.known.push((ContentDigest(*content), Seq(seq)));
        blob = rest;
    }
    Some(state)
}

fn put(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

fn take(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use lgsp_model::Incoming;
    use proptest::prelude::*;

    use super::*;

    fn incoming() -> impl Strategy<Value = Incoming> {
        (1u8..=10, 0u64..60, 0u8..3).prop_map(|(status, second, form)| {
            let status = Status::from_code(status).unwrap();
            match form {
                0 => Incoming::Notice,
                1 => Incoming::Record(status),
                _ => Incoming::Progress(status, PortalTime::from_number(20_260_315_083_000 + second).unwrap()),
            }
        })
    }

    proptest! {
        #[test]
        fn every_state_survives_the_way_there_and_back(
            events in prop::collection::vec((incoming(), any::<[u8; 16]>(), 1u64..5_000_000), 0..80),
        ) {
            let (mut state, mut seq, mut blob) = (DossierState::default(), 0, Vec::new());
            for (incoming, content, gap) in events {
                seq += gap;
                let content = ContentDigest(content);
                let verdict = state.judge(incoming, &content);
                state.absorb(incoming, content, verdict, Seq(seq));
            }
            encode(&state, &mut blob);
            prop_assert_eq!(decode(&blob), Some(state));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(state) = decode(&bytes) {
                prop_assert!(state.known.len() <= bytes.len());
            }
        }
    }
}

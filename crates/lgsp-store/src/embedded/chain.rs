//! The hash chain over the log: each value covers the one before, the row's fields and the payload's digest. It reads
//! and writes nothing; `verify` walks the log.

use aws_lc_rs::digest::{self, Context};
use lgsp_model::Digest;

use super::row::Row;

/// The value before the first event.
pub(super) const GENESIS: Digest = Digest([0; 32]);

/// The value after `row`. Texts carry their length, so that no two rows have the same bytes.
pub(super) fn extend(before: &Digest, row: &Row<'_>) -> Digest {
    let mut fixed = [0u8; 32 + 8 * 4 + 5 + 16];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        fixed[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(&before.0);
    put(&row.seq.to_le_bytes());
    put(&row.at.to_le_bytes());
    put(&row.previous.unwrap_or(0).to_le_bytes());
    put(&row.step.unwrap_or(0).to_le_bytes());
    let presence = u8::from(row.previous.is_some()) | u8::from(row.step.is_some()) << 1;
    put(&[row.kind, row.disposition, row.incoming, presence, row.content.map_or(0, |content| content.len() as u8)]);
    put(row.trace);
    let mut hash = Context::new(&digest::SHA256);
    hash.update(&fixed);
    hash.update(row.content.unwrap_or_default());
    for text in [row.key, row.sender, row.agency] {
        hash.update(&(text.len() as u32).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.update(&row.digest.0);
    let mut value = [0; 32];
    value.copy_from_slice(hash.finish().as_ref());
    Digest(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_changes_the_value() {
        let (trace, other) = ([3; 16], [4; 16]);
        let (digest, other_digest) = (Digest([5; 32]), Digest([6; 32]));
        let row = || Row {
            seq: 7,
            at: 8,
            kind: 1,
            disposition: 1,
            key: "k",
            previous: Some(0),
            sender: "ab",
            agency: "c",
            incoming: 0x12,
            step: None,
            content: Some(&[1; 8]),
            trace: &trace,
            digest: &digest,
        };
        let changed = [
            Row { seq: 6, ..row() },
            Row { at: 9, ..row() },
            Row { kind: 2, ..row() },
            Row { disposition: 2, ..row() },
            Row { key: "l", ..row() },
            Row { previous: None, ..row() },
            Row { previous: Some(1), ..row() },
            Row { sender: "a", agency: "bc", ..row() },
            Row { incoming: 0x13, ..row() },
            Row { step: Some(0), ..row() },
            Row { content: None, ..row() },
            Row { content: Some(&[2; 8]), ..row() },
            Row { trace: &other, ..row() },
            Row { digest: &other_digest, ..row() },
        ];
        let mut values: Vec<_> = changed.iter().map(|row| extend(&GENESIS, row).0).collect();
        values.push(extend(&GENESIS, &row()).0);
        values.push(extend(&Digest([9; 32]), &row()).0);
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), changed.len() + 2);
    }
}

//! A provider's ledger and its day file: one row for each payment and each refund, in Vietnamese time.
//!
//! The layout is VNPAY's for all of them. Rows of benches are made up from a seed.

use std::io::{self, Write};

use serde::Serialize;

use super::book::{Book, OrderState, RefundState};
use super::clock;
use crate::faults::Chance;

/// The head of a day file.
pub const DAY_FILE_HEAD: &str =
    "STT,Mã giao dịch VNPAY,Mã tham chiếu,Loại giao dịch,Số tiền,Thời gian thanh toán,Ngân hàng,Trạng thái";
/// The bank of every payment; the code under which VNPAY's own sandbox has its test bank.
pub(super) const BANK: &str = "NCB";

/// What moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DayRowKind {
    /// `Thanh toán`
    Payment,
    /// `Hoàn tiền`
    Refund,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayRow {
    /// The provider's name of the payment or refund.
    pub transaction: String,
    /// The merchant's name of the payment, also in rows of refunds.
    pub reference: String,
    /// The merchant's name of the refund.
    pub refund: Option<String>,
    /// What moved.
    pub kind: DayRowKind,
    /// Whole đồng.
    pub amount: i64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Whether the money moved for good; otherwise it is on its way.
    pub settled: bool,
}

/// The rows of a day such as 20261122, or of all days: payments in the order in which they were opened, refunds after theirs.
pub(super) fn rows(book: &Book, day: Option<u32>) -> Vec<DayRow> {
    let mut rows = Vec::new();
    for order in book.orders() {
        if order.state == OrderState::Paid {
            rows.push(DayRow {
                transaction: order.transaction.clone().unwrap_or_default(),
                reference: order.reference.clone(),
                refund: None,
                kind: DayRowKind::Payment,
                amount: order.amount,
                at_ms: order.paid_ms.unwrap_or(order.created_ms),
                settled: true,
            });
        }
        for refund in order.refunds.iter().filter(|refund| refund.state != RefundState::Refused) {
            rows.push(DayRow {
                transaction: refund.transaction.clone(),
                reference: order.reference.clone(),
                refund: Some(refund.name.clone()),
                kind: DayRowKind::Refund,
                amount: refund.amount,
                at_ms: refund.at_ms,
                settled: refund.state == RefundState::Done,
            });
        }
    }
    rows.retain(|row| day.is_none_or(|day| clock::day(row.at_ms) == day));
    rows
}

pub(super) fn file(rows: &[DayRow]) -> String {
    let mut out = Vec::new();
    write_rows(&mut out, rows.iter().cloned()).expect("memory takes everything");
    String::from_utf8(out).expect("rows are text")
}

fn write_rows(out: &mut impl Write, rows: impl Iterator<Item = DayRow>) -> io::Result<()> {
    writeln!(out, "{DAY_FILE_HEAD}")?;
    for (place, row) in rows.enumerate() {
        let DayRow { transaction, reference, refund, kind, amount, at_ms, settled } = row;
        let (reference, kind) = match kind {
            DayRowKind::Payment => (reference, "Thanh toán"),
            DayRowKind::Refund => (refund.unwrap_or(reference), "Hoàn tiền"),
        };
        let (at, status) = (clock::written(at_ms), if settled { "00" } else { "05" });
        let reference = quoted(&reference);
        writeln!(out, "{},{transaction},{reference},{kind},{amount},{at},{BANK},{status}", place + 1)?;
    }
    Ok(())
}

/// A cell (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// A day of made-up payments for benches, always the same for a seed: rows in the order of time, one in fifty a refund.
#[derive(Clone, Copy, Debug)]
pub struct SyntheticDay {
    /// Such as 20261122.
    pub day: u32,
    /// Rows without the head.
    pub rows: u64,
    /// Where chance starts.
    pub seed: u64,
}

/// The letters of references: those of the gateway's own names of payments.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The length of a reference.
const LENGTH: usize = 20;
/// One row in so many is a refund.
const REFUNDS: u64 = 50;
const DAY_MS: u64 = 86_400_000;
/// Amounts are up to so many times a thousand đồng.
const THOUSANDS: u64 = 2_000;

impl SyntheticDay {
    /// The rows. None when there is no such day.
    pub fn iter(self) -> impl Iterator<Item = DayRow> {
        let start = clock::start_of(self.day);
        let mut chance = Chance::seeded(self.seed);
        let count = if start.is_some() { self.rows } else { 0 };
        (0..count).map(move |place| {
            let mut name =
                || (0..LENGTH).map(|_| char::from(LETTERS[(chance.next() % 32) as usize])).collect::<String>();
            let (reference, refund) = (name(), name());
            let kind = if place % REFUNDS == REFUNDS - 1 { DayRowKind::Refund } else { DayRowKind::Payment };
            let at_ms = start.unwrap_or_default() + DAY_MS / count * place;
            DayRow {
                transaction: (1_000_000_000 + place).to_string(),
                refund: (kind == DayRowKind::Refund).then_some(refund),
                reference,
                kind,
                amount: ((chance.next() % THOUSANDS + 1) * 1_000) as i64,
                at_ms,
                settled: true,
            }
        })
    }

    /// Writes the day file, a row at a time.
    pub fn write(self, out: &mut impl Write) -> io::Result<()> {
        write_rows(out, self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_day_is_the_same_for_its_seed_and_stays_within_the_day() {
        let day = SyntheticDay { day: 20_261_122, rows: 1_000, seed: 7 };
        let (first, again): (Vec<_>, Vec<_>) = (day.iter().collect(), day.iter().collect());
        assert_eq!(first, again);
        assert!(first.iter().all(|row| clock::day(row.at_ms) == 20_261_122 && row.amount > 0));
        assert_eq!(first.iter().filter(|row| row.kind == DayRowKind::Refund).count(), 20);
        let mut names: Vec<_> = first.iter().map(|row| row.reference.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 1_000);
        assert_ne!(first, SyntheticDay { seed: 8, ..day }.iter().collect::<Vec<_>>());
        assert_eq!(SyntheticDay { day: 20_261_331, ..day }.iter().count(), 0, "no such day");
    }

    #[test]
    fn a_file_has_a_head_and_quotes_what_needs_it() {
        let row = DayRow {
            transaction: "17".into(),
            reference: "a,\"b\"".into(),
            refund: None,
            kind: DayRowKind::Payment,
            amount: 50_000,
            at_ms: 1_767_238_200_000,
            settled: true,
        };
        let refund = DayRow { kind: DayRowKind::Refund, refund: Some("r1".into()), settled: false, ..row.clone() };
        let expected = format!(
            "{DAY_FILE_HEAD}\n1,17,\"a,\"\"b\"\"\",Thanh toán,50000,01/01/2026 10:30:00,NCB,00\n\
             2,17,r1,Hoàn tiền,50000,01/01/2026 10:30:00,NCB,05\n"
        );
        assert_eq!(file(&[row, refund]), expected);
    }
}

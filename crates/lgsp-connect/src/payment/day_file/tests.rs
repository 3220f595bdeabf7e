//! Files of VNPAY's layout and of others: what is read, and what is refused on which line.

use lgsp_core::reconcile::{Class, LineKind, Merge, Money, Pair};
use proptest::prelude::*;
use toml::Table;

use super::*;

const HEADER: &str =
    "STT,Mã giao dịch VNPAY,Mã tham chiếu,Loại giao dịch,Số tiền,Thời gian thanh toán,Ngân hàng,Trạng thái";
const DAY: u32 = 20_261_121;

fn layout(kind: &str, changes: &str) -> DayFileLayout {
    DayFileLayout::of(kind, &changes.parse().unwrap()).unwrap()
}

/// What a file holds: kind, reference, transaction, amount, state, line.
type Held = Vec<(LineKind, String, String, i64, Money, u32)>;

fn read_in_pieces(layout: DayFileLayout, text: &[u8], piece: usize) -> Result<Held, DayFileError> {
    let mut reader = DayFileReader::new(layout, DAY);
    text.chunks(piece).try_for_each(|piece| reader.feed(piece))?;
    let mut held = Vec::new();
    let merge = Merge::new(reader.end()?).map_err(DayFileError::Rows)?;
    merge.end(&mut |pair: &Pair<'_>| {
        let line = pair.theirs.unwrap();
        let (reference, transaction) = (line.reference.to_owned(), line.transaction.to_owned());
        held.push((line.kind, reference, transaction, line.amount.get(), line.money, line.line));
    });
    Ok(held)
}

fn read(layout: DayFileLayout, text: &str) -> Result<Held, DayFileError> {
    let whole = read_in_pieces(layout.clone(), text.as_bytes(), text.len().max(1));
    for piece in [1, 7] {
        assert_eq!(read_in_pieces(layout.clone(), text.as_bytes(), piece), whole, "in pieces of {piece}");
    }
    whole
}

fn row(reference: &str, kind: &str, amount: &str, time: &str, status: &str) -> String {
    format!("1,14000001,{reference},{kind},{amount},{time},NCB,{status}")
}

fn paid(reference: &str, amount: &str) -> String {
    row(reference, "Thanh toán", amount, "21/11/2026 08:30:00", "00")
}

#[test]
fn a_file_of_vnpay_is_read() {
    let refund = row("b", "Hoàn tiền", "20000", "21/11/2026 09:00:00", "Thành công");
    let failed = row("c", "Thanh toán", "70000", "21/11/2026 09:00:00", "24");
    let rows = [
        HEADER.to_owned(),
        paid("b", "50000"),
        "\"2\",,\"a\",Thanh toán,1,21/11/2026 00:00:00,\"A \"\"B\"\"\",00".into(),
        refund,
        failed,
    ];
    let moved = |kind, name: &str, transaction: &str, amount, line| {
        (kind, name.to_owned(), transaction.to_owned(), amount, Money::Moved, line)
    };
    let wanted = vec![
        moved(LineKind::Payment, "a", "", 1, 3),
        moved(LineKind::Payment, "b", "14000001", 50_000, 2),
        (LineKind::Payment, "c".into(), "14000001".into(), 70_000, Money::Still, 5),
        moved(LineKind::Refund, "b", "14000001", 20_000, 4),
    ];
    for end in ["\n", "\r\n"] {
        for (before, after) in [("", ""), ("\u{feff}", end)] {
            let text = format!("{before}{}{after}", rows.join(end));
            assert_eq!(read(layout("vnpay", ""), &text), Ok(wanted.clone()), "{end:?} {before:?}");
        }
    }
    // Accents as letters of their own, as some systems write them.
    let apart = rows.join("\n").replace("ề", "e\u{302}\u{300}").replace("ã", "a\u{303}");
    assert_eq!(read(layout("vnpay", ""), &apart), Ok(wanted));
    assert_eq!(read(layout("vnpay", ""), HEADER), Ok(Vec::new()));
}

#[test]
fn settings_make_another_layout_of_it() {
    let own_names = "reference = 'order'\namount = 'hundredths'\nkind = 'what'\npayment_words = ['pay']\nstatus = 'state'\n\
         settled_words = ['done']\ntransaction = 'number'\ntime = 'when'\ntime_format = 'yyyy-MM-dd'\nseparator = ';'\n\
         amount_scale = 100";
    let file = "order;number;hundredths;what;state;when\n261121_553_x;t;5000;pay;done;2026-11-21\n";
    let wanted = (LineKind::Payment, "x".to_owned(), "t".to_owned(), 50, Money::Moved, 2);
    assert_eq!(read(layout("zalopay", own_names), file), Ok(vec![wanted.clone()]));
    let own = "reference = 'Ref'\namount = 'VND'\ntransaction = ''\nkind = ''\nstatus = ''\ntime = ''\nseparator = '|'";
    let wanted = (wanted.0, wanted.1, String::new(), 50, Money::Moved, 2);
    assert_eq!(read(layout("paygov", own), "VND|extra|Ref\n50|y|x"), Ok(vec![wanted]));
}

#[test]
fn what_cannot_be_read_is_refused_by_line_and_column() {
    let cell = |column: &str, expected| DayFileError::Cell { line: 3, column: column.to_owned(), expected };
    let (kind, time) = ("one of the layout's payment_words or refund_words", "a time in the layout's time_format");
    let (name, digits) = ("a name of 1 to 100 visible characters", "digits that are whole đồng");
    let good = "21/11/2026 08:30:00";
    for (row, error) in [
        (row("b", "Thu hộ", "1", good, "00"), cell("Loại giao dịch", kind)),
        (row("", "Thanh toán", "1", good, "00"), cell("Mã tham chiếu", name)),
        (row(&"x".repeat(101), "Thanh toán", "1", good, "00"), cell("Mã tham chiếu", name)),
        (row("a\u{7}", "Thanh toán", "1", good, "00"), cell("Mã tham chiếu", name)),
        (row("b", "Thanh toán", "1.5", good, "00"), cell("Số tiền", digits)),
        (row("b", "Thanh toán", "-1", good, "00"), cell("Số tiền", digits)),
        (row("b", "Thanh toán", "10000000000", good, "00"), cell("Số tiền", digits)),
        (row("b", "Thanh toán", "99999999999999999999", good, "00"), cell("Số tiền", digits)),
        (row("b", "Thanh toán", "", good, "00"), cell("Số tiền", digits)),
        (row("b", "Thanh toán", "1", "2026-11-21", "00"), cell("Thời gian thanh toán", time)),
        ("1,2,3".into(), DayFileError::Cells { line: 3, found: 3, wanted: 8 }),
        (format!("\"{}", "x".repeat(20_000)), DayFileError::RowTooLong { line: 3 }),
        (",".repeat(200), DayFileError::RowTooLong { line: 3 }),
    ] {
        let text = format!("{HEADER}\n{}\n{row}\n{}", paid("a", "1"), paid("z", "1"));
        assert_eq!(read(layout("vnpay", ""), &text), Err(error), "{row}");
    }
    let uneven = format!("{HEADER}\n{}", paid("a", "1"));
    let scaled = layout("vnpay", "amount_scale = 100");
    assert!(matches!(read(scaled, &uneven), Err(DayFileError::Cell { line: 2, .. })));
    let mut bytes = uneven.into_bytes();
    let at = bytes.iter().rposition(|byte| *byte == b'a').unwrap();
    bytes[at] = 0xff;
    assert!(matches!(read_in_pieces(layout("vnpay", ""), &bytes, 9), Err(DayFileError::Cell { line: 2, .. })));
}

#[test]
fn another_providers_file_is_refused_by_its_header() {
    for (header, column) in [
        ("orderId,transId,amount,resultCode", "Mã tham chiếu"),
        ("STT,Mã tham chiếu,Số tiền,Mã tham chiếu", "Mã tham chiếu"),
        ("Mã tham chiếu,Số tiền,Mã giao dịch VNPAY,Trạng thái,Thời gian thanh toán", "Loại giao dịch"),
    ] {
        let refused = read(layout("vnpay", ""), &format!("{header}\n1,2,3,4\n"));
        assert_eq!(refused, Err(DayFileError::Header(column.to_owned())), "{header}");
    }
    for nothing in ["", "\n\r\n\n"] {
        assert_eq!(read(layout("vnpay", ""), nothing), Err(DayFileError::Empty));
    }
}

#[test]
fn a_file_of_another_day_is_refused_and_a_row_of_another_day_is_told_apart() {
    let late = |name| row(name, "Thanh toán", "5", "22/11/2026 00:00:01", "00");
    let file = format!("{HEADER}\n{}\n{}\n", late("a"), late("b"));
    let refused = read(layout("vnpay", ""), &file).unwrap_err();
    assert_eq!(refused, DayFileError::WrongDay { line: 2, found: 20_261_122 });
    assert_eq!(refused.to_string(), "no row is of the day that was asked for; line 2 is of 2026-11-22");
    let mut reader = DayFileReader::new(layout("vnpay", ""), DAY);
    reader.feed(format!("{file}{}", paid("c", "7")).as_bytes()).unwrap();
    let (summary, _) = Merge::new(reader.end().unwrap()).unwrap().end(&mut |_| ());
    assert_eq!((summary.of(Class::OtherDay).theirs, summary.of(Class::MissingHere).theirs), (10, 7));
}

#[test]
fn a_row_that_comes_twice_is_refused_with_both_lines_and_a_second_transaction_of_a_reference_is_read() {
    let again = paid("a", "1").replace("14000001", "14000002");
    let text = |last: &str| [HEADER, &paid("a", "1"), &paid("b", "1"), last].join("\n");
    let refused = read(layout("vnpay", ""), &text(&paid("a", "1"))).unwrap_err();
    assert_eq!(refused.to_string(), "line 4 has the reference and the transaction of line 2");
    let held = read(layout("vnpay", ""), &text(&again)).unwrap();
    assert_eq!(held.iter().map(|row| (row.1.as_str(), row.5)).collect::<Vec<_>>(), [("a", 2), ("a", 4), ("b", 3)]);
}

#[test]
fn wrong_layouts_are_told_by_key() {
    let table = "separator = '::'\nreference = ''\namount_scale = 0\ntime_format = 'd/m'\nrefund_reference = 'both'\n\
                 settled_words = '00'\nkind = 1\nsurprise = 2";
    let errors = DayFileLayout::of("vnpay", &table.parse().unwrap()).unwrap_err();
    let mut keys: Vec<_> = errors.iter().map(|error| error.key.strip_prefix("day_file.").unwrap()).collect();
    keys.sort_unstable();
    let wanted = [
        "amount_scale",
        "kind",
        "reference",
        "refund_reference",
        "separator",
        "settled_words",
        "surprise",
        "time_format",
    ];
    assert_eq!(keys, wanted);
}

#[test]
fn every_kind_of_provider_has_a_layout() {
    for family in super::super::PAYMENT_PROVIDERS {
        assert!(DayFileLayout::of(family.name, &Table::new()).is_ok(), "{}", family.name);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), piece in 1usize..64) {
        let _ = read_in_pieces(layout("vnpay", ""), &bytes, piece);
        let mut text = format!("{HEADER}\n").into_bytes();
        text.extend(bytes);
        let _ = read_in_pieces(layout("vnpay", ""), &text, piece);
    }

    #[test]
    fn what_is_written_is_read_back(amounts in proptest::collection::vec(0..=9_999_999_999i64, 0..40)) {
        let rows = amounts.iter().enumerate().map(|(n, amount)| format!("{}\n", paid(&format!("{n:04}"), &amount.to_string())));
        let text = format!("{HEADER}\n{}", rows.collect::<String>());
        let read: Vec<_> = read(layout("vnpay", ""), &text).unwrap().into_iter().map(|line| (line.3, line.5)).collect();
        prop_assert_eq!(read, amounts.into_iter().zip(2..).collect::<Vec<_>>());
    }
}

//! The rows of a reconciliation as tables for people: CSV and XLSX. Texts are never formulas, whoever wrote them.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::outcome::Outcome;
use super::{Row, Source};

/// What spreadsheet programs know UTF-8 by.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// The columns.
const HEADING: [&str; 12] = [
    "Phân loại",
    "Mã phân loại",
    "Loại giao dịch",
    "Mã tham chiếu",
    "Mã thanh toán",
    "Số tiền tại LGSP",
    "Trạng thái tại LGSP",
    "Mã giao dịch tại LGSP",
    "Số tiền tại đối tác",
    "Trạng thái tại đối tác",
    "Mã giao dịch tại đối tác",
    "Dòng trong tệp",
];
/// Widths of the columns, in digits.
const WIDTHS: [f64; 12] = [24.0, 18.0, 14.0, 26.0, 26.0, 18.0, 20.0, 24.0, 18.0, 22.0, 24.0, 14.0];
/// How đồng are shown.
const DONG: &str = "#,##0";

/// One cell.
enum Cell<'a> {
    Text(&'a str),
    Number(i64),
    Nothing,
}

/// A class in words.
fn class_in_words(class: &str) -> &'static str {
    match class {
        "matched" => "Khớp",
        "not_moved" => "Không phát sinh tiền",
        "missing_here" => "Thiếu tại LGSP",
        "missing_there" => "Thiếu tại đối tác",
        "different_amount" => "Lệch số tiền",
        "different_state" => "Lệch trạng thái",
        "other_day" => "Thuộc ngày khác",
        "near_midnight" => "Khớp ở ngày liền kề",
        "unanswered" => "Đối tác không trả lời",
        _ => "",
    }
}

/// A state in words.
fn state_in_words(state: &str) -> &'static str {
    match state {
        "open" => "Chưa rõ",
        "settled" => "Thành công",
        "void" => "Không thành công",
        _ => "",
    }
}

fn kind_in_words(kind: &str) -> &'static str {
    if kind == "refund" { "Hoàn tiền" } else { "Thanh toán" }
}

fn cells(row: &Row) -> [Cell<'_>; HEADING.len()] {
    let (ours, theirs) = (row.ours.as_ref(), row.theirs.as_ref());
    let amount = |side: Option<&super::found::Side>| side.map_or(Cell::Nothing, |side| Cell::Number(side.amount));
    [
        Cell::Text(class_in_words(&row.class)),
        Cell::Text(&row.class),
        Cell::Text(kind_in_words(&row.kind)),
        Cell::Text(&row.reference),
        row.payment.as_deref().map_or(Cell::Nothing, Cell::Text),
        amount(ours),
        ours.map_or(Cell::Nothing, |side| Cell::Text(state_in_words(&side.state))),
        ours.map_or(Cell::Nothing, |side| Cell::Text(&side.transaction)),
        amount(theirs),
        theirs.map_or(Cell::Nothing, |side| Cell::Text(state_in_words(&side.state))),
        theirs.map_or(Cell::Nothing, |side| Cell::Text(&side.transaction)),
        if row.line == 0 { Cell::Nothing } else { Cell::Number(i64::from(row.line)) },
    ]
}

/// A table in CSV that grows row by row.
pub(crate) struct Csv(String);

/// An empty table with its heading.
pub(crate) fn csv() -> Csv {
    let mut text = BYTE_ORDER_MARK.to_owned();
    text.push_str(&HEADING.join(","));
    text.push_str("\r\n");
    Csv(text)
}

impl Csv {
    pub(crate) fn add(&mut self, rows: &[Row]) {
        for row in rows {
            for (at, cell) in cells(row).iter().enumerate() {
                if at > 0 {
                    self.0.push(',');
                }
                match cell {
                    Cell::Text(text) => push_text(&mut self.0, text),
                    Cell::Number(number) => self.0.push_str(&number.to_string()),
                    Cell::Nothing => {}
                }
            }
            self.0.push_str("\r\n");
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// A text that no program takes for a formula or for two cells.
fn push_text(out: &mut String, text: &str) {
    let formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    if !formula && !text.contains(['"', ',', ';', '\r', '\n', '\t']) {
        return out.push_str(text);
    }
    out.push('"');
    if formula {
        out.push('\'');
    }
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

/// A workbook: the sums on one sheet, the rows on the other, written away row by row.
pub(crate) struct Xlsx {
    workbook: Workbook,
    next: u32,
}

/// The place of the sheet of rows.
const ROWS_SHEET: usize = 1;

/// A workbook without rows yet.
pub(crate) fn xlsx(outcome: &Outcome) -> Result<Xlsx, XlsxError> {
    let mut workbook = Workbook::new();
    let made = ExcelDateTime::parse_from_str(outcome.at.get(..19).unwrap_or_default())?;
    workbook.set_properties(&DocProperties::new().set_title(&outcome.id).set_creation_datetime(&made));
    sums(workbook.add_worksheet(), outcome)?;
    let rows = workbook.add_worksheet_with_constant_memory()?;
    rows.set_name("Chênh lệch")?;
    rows.set_freeze_panes(1, 0)?;
    for (column, (name, width)) in (0u16..).zip(HEADING.iter().zip(WIDTHS)) {
        rows.set_column_width(column, width)?;
        rows.write_string_with_format(0, column, *name, &Format::new().set_bold())?;
    }
    Ok(Xlsx { workbook, next: 1 })
}

impl Xlsx {
    pub(crate) fn add(&mut self, rows: &[Row]) -> Result<(), XlsxError> {
        let sheet = self.workbook.worksheet_from_index(ROWS_SHEET)?;
        let dong = Format::new().set_num_format(DONG);
        for row in rows {
            for (column, cell) in (0u16..).zip(cells(row)) {
                match cell {
                    Cell::Text(text) => {
                        sheet.write_string(self.next, column, text)?;
                    }
                    Cell::Number(number) => {
                        sheet.write_number_with_format(self.next, column, number as f64, &dong)?;
                    }
                    Cell::Nothing => {}
                }
            }
            self.next += 1;
        }
        Ok(())
    }

    pub(crate) fn into_bytes(mut self) -> Result<Vec<u8>, XlsxError> {
        let last = u16::try_from(HEADING.len() - 1).unwrap_or_default();
        self.workbook.worksheet_from_index(ROWS_SHEET)?.autofilter(0, 0, self.next - 1, last)?;
        self.workbook.save_to_buffer()
    }
}

fn sums(sheet: &mut Worksheet, outcome: &Outcome) -> Result<(), XlsxError> {
    let (bold, dong) = (Format::new().set_bold(), Format::new().set_num_format(DONG));
    sheet.set_name("Tổng hợp")?;
    sheet.set_column_width(0, 28.0)?;
    sheet.set_column_range_width(1, 4, 22.0)?;
    let source = match outcome.source {
        Source::File => "Tệp đối soát của đối tác",
        Source::Query => "Hỏi đối tác từng giao dịch",
    };
    let head = [
        ("Đối soát", outcome.id.as_str()),
        ("Đối tác", &outcome.provider),
        ("Ngày", &outcome.day),
        ("Lập lúc", &outcome.at),
        ("Người lập", &outcome.by),
        ("Nguồn", source),
    ];
    let mut at = 0;
    for (name, value) in head {
        sheet.write_string_with_format(at, 0, name, &bold)?.write_string(at, 1, value)?;
        at += 1;
    }
    at += 1;
    for (column, name) in (0u16..).zip(["Phân loại", "Số dòng", "Tiền tại LGSP", "Tiền tại đối tác", "Chênh lệch"])
    {
        sheet.write_string_with_format(at, column, name, &bold)?;
    }
    let classes =
        outcome.classes.iter().map(|(class, sums)| (class_in_words(class), sums.lines, sums.ours, sums.theirs));
    let lines = outcome.classes.values().map(|sums| sums.lines).sum();
    for (name, lines, ours, theirs) in classes.chain([("Tổng", lines, outcome.ours, outcome.theirs)]) {
        at += 1;
        sheet.write_string(at, 0, name)?;
        for (column, number) in (1u16..).zip([lines as f64, ours as f64, theirs as f64, (theirs - ours) as f64]) {
            sheet.write_number_with_format(at, column, number, &dong)?;
        }
    }
    at += 2;
    sheet.write_string_with_format(at, 0, "Số dòng chênh lệch", &bold)?;
    sheet.write_number_with_format(at, 1, outcome.differing as f64, &dong)?;
    sheet.write_string_with_format(at + 1, 0, "Số dòng được lưu", &bold)?;
    sheet.write_number_with_format(at + 1, 1, outcome.rows as f64, &dong)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader as _, Xlsx as Book};
    use lgsp_core::reconcile::{Class, Summary};
    use lgsp_model::Timestamp;

    use super::*;
    use crate::payments::reconcile::Day;
    use crate::payments::reconcile::found::Side;

    fn side(amount: i64, state: &str, transaction: &str) -> Option<Side> {
        Some(Side { amount, state: state.to_owned(), transaction: transaction.to_owned() })
    }

    fn rows() -> Vec<Row> {
        let row = |class: &str, reference: &str| Row {
            class: class.to_owned(),
            kind: "payment".to_owned(),
            reference: reference.to_owned(),
            ..Row::default()
        };
        vec![
            Row {
                payment: Some("0123".to_owned()),
                ours: side(50_000, "open", ""),
                theirs: side(9_999_999_999, "settled", "+84"),
                line: 7,
                ..row("different_state", "0123")
            },
            Row { theirs: side(1, "settled", "a,\"b\"\n"), kind: "refund".to_owned(), ..row("missing_here", "=1+1") },
        ]
    }

    fn outcome() -> Outcome {
        let mut outcome =
            Outcome::new("vnpay", "2026-11-21".parse::<Day>().unwrap(), Source::File, [1, 2], Summary::default());
        outcome.id = "vnpay~20261121~1".to_owned();
        outcome.at = Timestamp(1_795_200_000_000).to_string();
        outcome.by = "=cmd()".to_owned();
        outcome
    }

    #[test]
    fn csv_is_known_as_utf_8_and_no_text_in_it_is_a_formula() {
        let mut table = csv();
        table.add(&rows());
        let text = String::from_utf8(table.into_bytes()).unwrap();
        let lines: Vec<_> = text.strip_prefix(BYTE_ORDER_MARK).unwrap().split("\r\n").collect();
        assert_eq!(lines[0], HEADING.join(","));
        let first =
            "Lệch trạng thái,different_state,Thanh toán,0123,0123,50000,Chưa rõ,,9999999999,Thành công,\"'+84\",7";
        assert_eq!(lines[1], first);
        let second = "Thiếu tại LGSP,missing_here,Hoàn tiền,\"'=1+1\",,,,,1,Thành công,\"a,\"\"b\"\"\n\",";
        assert_eq!(lines[2..], [second, ""]);
        for text in ["=1", "+1", "-1", "@x", "\tx", "\rx", "＝1"] {
            let mut cell = String::new();
            push_text(&mut cell, text);
            assert_eq!(cell, format!("\"'{text}\""));
        }
    }

    #[test]
    fn a_workbook_reads_back_with_texts_as_texts_and_amounts_as_numbers() {
        let mut book = xlsx(&outcome()).unwrap();
        rows().chunks(1).for_each(|piece| book.add(piece).unwrap());
        let mut book: Book<_> = Book::new(Cursor::new(book.into_bytes().unwrap())).unwrap();
        assert_eq!(book.sheet_names(), ["Tổng hợp", "Chênh lệch"]);
        let sheet = book.worksheet_range("Chênh lệch").unwrap();
        let sheet = &sheet;
        let cells = |row: u32| (0..12).map(move |column| sheet.get_value((row, column)).cloned().unwrap_or_default());
        let text = |text: &str| if text.is_empty() { Data::Empty } else { Data::String(text.to_owned()) };
        assert_eq!(cells(0).collect::<Vec<_>>(), HEADING.map(text));
        let number = Data::Float;
        let wanted = [
            text("Lệch trạng thái"),
            text("different_state"),
            text("Thanh toán"),
            text("0123"),
            text("0123"),
            number(50_000.0),
            text("Chưa rõ"),
            text(""),
            number(9_999_999_999.0),
            text("Thành công"),
            text("+84"),
            number(7.0),
        ];
        assert_eq!(cells(1).collect::<Vec<_>>(), wanted);
        assert_eq!(cells(2).nth(3), Some(text("=1+1")));
        assert!(book.worksheet_formula("Chênh lệch").unwrap().is_empty());
        let sums = book.worksheet_range("Tổng hợp").unwrap();
        assert_eq!(sums.get_value((4, 1)), Some(&text("=cmd()")));
        let shown: Vec<_> = (0..sums.height() as u32).filter_map(|row| sums.get_value((row, 0)).cloned()).collect();
        for class in Class::ALL {
            assert!(shown.contains(&text(class_in_words(class.as_str()))), "{}", class.as_str());
        }
    }

    #[test]
    fn every_class_and_state_has_words() {
        for class in Class::ALL {
            assert!(!class_in_words(class.as_str()).is_empty(), "{}", class.as_str());
        }
        for state in ["open", "settled", "void"] {
            assert!(!state_in_words(state).is_empty(), "{state}");
        }
    }
}

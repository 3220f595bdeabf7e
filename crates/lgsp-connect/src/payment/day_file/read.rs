//! Reads a day file piece by piece: its header by the layout's names, then every row, or the first thing that is wrong with it.

use std::fmt;

use lgsp_core::reconcile::{Dated, LineKind, Money, Statement, StatementError, TheirLine};
use lgsp_model::Dong;
use unicode_normalization::UnicodeNormalization as _;

use super::layout::DayFileLayout;
use super::records::{Record, Records, RowTooLong};

/// The longest name of a payment or a transaction in bytes; the longest that a provider's rules allow is 100.
const MOST_NAME: usize = 100;
/// Programs that write tables begin a file of UTF-8 with it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads one file.
pub struct DayFileReader {
    layout: DayFileLayout,
    day: u32,
    records: Records,
    columns: Option<Columns>,
    statement: Statement,
    /// A row of another day, if there was one: its line and its day.
    other: Option<(u32, u32)>,
    /// Whether a row was of the day, or had no date.
    asked: bool,
}

/// Where the columns stand.
struct Columns {
    /// How many there are.
    count: usize,
    reference: usize,
    amount: usize,
    transaction: Option<usize>,
    kind: Option<usize>,
    status: Option<usize>,
    time: Option<usize>,
}

/// Why a file was not taken. Lines are those of the file, the header being 1. No cell is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DayFileError {
    /// There is nothing in it.
    Empty,
    /// The header has no column of this name, or two: it is another provider's file, or the layout is wrong.
    Header(String),
    /// A row has not as many cells as the header.
    Cells {
        /// Where.
        line: u32,
        /// Cells of the row.
        found: usize,
        /// Cells of the header.
        wanted: usize,
    },
    /// A cell cannot be read.
    Cell {
        /// Where.
        line: u32,
        /// The column's name.
        column: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// A row of more than 16 KiB or 128 cells, or a quote that is never closed.
    RowTooLong {
        /// Where it begins.
        line: u32,
    },
    /// No row is of the day that was asked for.
    WrongDay {
        /// A row of another day.
        line: u32,
        /// Its day, `yyyyMMdd`.
        found: u32,
    },
    /// The rows are no account of a day.
    Rows(StatementError),
}

impl fmt::Display for DayFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty: a day without payments has its header all the same"),
            Self::Header(column) => write!(
                f,
                "line 1: the header must have one column \"{column}\"; is it another provider's file? The layout is the \
                 provider's setting day_file"
            ),
            Self::Cells { line, found, wanted } => write!(f, "line {line}: {found} cells, and the header has {wanted}"),
            Self::Cell { line, column, expected } => write!(f, "line {line}, \"{column}\": expected {expected}"),
            Self::RowTooLong { line } => {
                write!(f, "line {line}: a row begins that is too long; is a quote not closed?")
            }
            Self::WrongDay { line, found } => {
                let (year, month, day) = (found / 10_000, found / 100 % 100, found % 100);
                write!(f, "no row is of the day that was asked for; line {line} is of {year:04}-{month:02}-{day:02}")
            }
            Self::Rows(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DayFileError {}

impl From<RowTooLong> for DayFileError {
    fn from(RowTooLong(line): RowTooLong) -> Self {
        Self::RowTooLong { line }
    }
}

impl DayFileReader {
    /// A reader of a file of a day, `yyyyMMdd` in Vietnam's time.
    #[must_use]
    pub fn new(layout: DayFileLayout, day: u32) -> Self {
        let (records, statement) = (Records::new(layout.separator), Statement::new(layout.refund_names));
        Self { layout, day, records, columns: None, statement, other: None, asked: false }
    }

    /// Takes the file's next bytes.
    ///
    /// # Errors
    /// At the first row that cannot be read.
    pub fn feed(&mut self, mut piece: &[u8]) -> Result<(), DayFileError> {
        while !piece.is_empty() {
            self.row(&mut piece)?;
        }
        Ok(())
    }

    /// All rows.
    ///
    /// # Errors
    /// When the last row cannot be read, when there is no header, or when no row is of the day.
    pub fn end(mut self) -> Result<Statement, DayFileError> {
        while self.row(&mut &b""[..])? {}
        if self.columns.is_none() {
            return Err(DayFileError::Empty);
        }
        match self.other {
            Some((line, found)) if !self.asked => Err(DayFileError::WrongDay { line, found }),
            _ => Ok(self.statement),
        }
    }

    /// One row, if one ends within `input`.
    fn row(&mut self, input: &mut &[u8]) -> Result<bool, DayFileError> {
        let Some(record) = self.records.next(input)? else { return Ok(false) };
        let Some(columns) = &self.columns else {
            self.columns = Some(Columns::find(&self.layout, &record)?);
            return Ok(true);
        };
        let day = columns.day(&self.layout, &record)?;
        let line = columns.line(&self.layout, &record, day.is_none_or(|day| day == self.day))?;
        match day.filter(|_| line.dated == Dated::Other) {
            Some(found) if self.other.is_none() => self.other = Some((line.line, found)),
            Some(_) => {}
            None => self.asked = true,
        }
        self.statement.push(&line).map_err(DayFileError::Rows)?;
        Ok(true)
    }
}

impl Columns {
    fn find(layout: &DayFileLayout, header: &Record<'_>) -> Result<Self, DayFileError> {
        let find = |name: &str| {
            let cell = |at| header.cell(at).unwrap_or_default().trim_start_matches(BYTE_ORDER_MARK).trim();
            let mut places = (0..header.len()).filter(|at| is_same(cell(*at), name));
            match (places.next(), places.next()) {
                (Some(at), None) => Ok(at),
                _ => Err(DayFileError::Header(name.to_owned())),
            }
        };
        let maybe = |name: &Option<String>| name.as_deref().map(find).transpose();
        Ok(Self {
            count: header.len(),
            reference: find(&layout.reference)?,
            amount: find(&layout.amount)?,
            transaction: maybe(&layout.transaction)?,
            kind: maybe(&layout.kind)?,
            status: maybe(&layout.status)?,
            time: maybe(&layout.time)?,
        })
    }

    /// The day of a row, if rows have one.
    fn day(&self, layout: &DayFileLayout, record: &Record<'_>) -> Result<Option<u32>, DayFileError> {
        if record.len() != self.count {
            return Err(DayFileError::Cells { line: record.line, found: record.len(), wanted: self.count });
        }
        let (Some(at), Some(name)) = (self.time, &layout.time) else { return Ok(None) };
        let day = record.cell(at).and_then(|cell| layout.time_pattern.day(cell));
        day.map(Some).ok_or_else(|| bad(record, name, "a time in the layout's time_format"))
    }

    fn line<'a>(
        &self,
        layout: &DayFileLayout,
        record: &Record<'a>,
        asked: bool,
    ) -> Result<TheirLine<'a>, DayFileError> {
        let kind = match (self.kind, &layout.kind) {
            (Some(at), Some(name)) => {
                let cell = record.cell(at).unwrap_or_default();
                let kind = word_in(&layout.payment_words, cell).then_some(LineKind::Payment);
                let kind = kind.or_else(|| word_in(&layout.refund_words, cell).then_some(LineKind::Refund));
                kind.ok_or_else(|| bad(record, name, "one of the layout's payment_words or refund_words"))?
            }
            _ => LineKind::Payment,
        };
        let reference = record.cell(self.reference).and_then(|cell| self.reference_of(layout, cell));
        let reference =
            reference.ok_or_else(|| bad(record, &layout.reference, "a name of 1 to 100 visible characters"))?;
        let transaction = self.transaction.map_or(Some(""), |at| record.cell(at)).filter(|name| is_name(name));
        let column = layout.transaction.as_deref().unwrap_or_default();
        let transaction = transaction.ok_or_else(|| bad(record, column, "a name of at most 100 visible characters"))?;
        let amount = record.cell(self.amount).and_then(|cell| amount(cell, layout.amount_scale));
        let amount = amount.ok_or_else(|| bad(record, &layout.amount, "digits that are whole đồng"))?;
        let settled = match self.status {
            Some(at) => word_in(&layout.settled_words, record.cell(at).unwrap_or_default()),
            None => true,
        };
        let money = if settled { Money::Moved } else { Money::Still };
        let dated = if asked { Dated::Asked } else { Dated::Other };
        Ok(TheirLine { kind, reference, transaction, amount, money, dated, line: record.line })
    }

    fn reference_of<'a>(&self, layout: &DayFileLayout, cell: &'a str) -> Option<&'a str> {
        let parts = layout.reference_after.as_deref().and_then(|before| cell.rsplit_once(before));
        let name = parts.map_or(cell, |(_, name)| name);
        Some(name).filter(|name| !name.is_empty() && is_name(name))
    }
}

fn bad(record: &Record<'_>, column: &str, expected: &'static str) -> DayFileError {
    DayFileError::Cell { line: record.line, column: column.to_owned(), expected }
}

fn is_name(text: &str) -> bool {
    text.len() <= MOST_NAME && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Digits alone; a file in hundredths, say, must have whole đồng all the same.
fn amount(cell: &str, scale: u64) -> Option<Dong> {
    let digits = (1..=18).contains(&cell.len()) && cell.bytes().all(|byte| byte.is_ascii_digit());
    let amount = if digits { cell.parse::<u64>().ok()? } else { return None };
    (amount % scale == 0).then(|| i64::try_from(amount / scale).ok().and_then(Dong::new))?
}

fn word_in(words: &[String], cell: &str) -> bool {
    words.iter().any(|word| is_same(cell, word))
}

/// Equal as people read: accents may be written as letters of their own.
fn is_same(cell: &str, word: &str) -> bool {
    cell == word || !cell.is_ascii() && cell.nfc().eq(word.nfc())
}

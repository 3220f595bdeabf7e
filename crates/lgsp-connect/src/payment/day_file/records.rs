//! Rows of CSV from pieces of a file: cells, and the line where each row begins. Memory is that of the longest row that is taken.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// The longest row in bytes, so that a quote that is never closed does not swallow the file.
const ROW_BYTES: usize = 16 * 1024;
/// The most cells of a row.
const MOST_CELLS: usize = 128;

/// The rows of a file.
pub(super) struct Records {
    csv: Reader,
    cells: Vec<u8>,
    filled: usize,
    ends: [usize; MOST_CELLS],
    count: usize,
    /// Ends of lines before the next byte.
    passed: u32,
    /// Where the row that is being read begins.
    line: Option<u32>,
}

/// A row.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    cells: &'a [u8],
    ends: &'a [usize],
    /// The line where it begins, the first one being 1.
    pub(super) line: u32,
}

/// A row is longer than any that is taken; the line where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowTooLong(pub(super) u32);

impl Records {
    pub(super) fn new(separator: u8) -> Self {
        let csv = ReaderBuilder::new().delimiter(separator).build();
        Self { csv, cells: vec![0; ROW_BYTES], filled: 0, ends: [0; MOST_CELLS], count: 0, passed: 0, line: None }
    }

    /// The next row that ends within `input`, which is moved past it; an empty `input` is the end of the file.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Record<'_>>, RowTooLong> {
        let at_end = input.is_empty();
        if self.line.is_none() {
            let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.pass(input, blank);
            if input.is_empty() && !at_end {
                return Ok(None);
            }
            (self.filled, self.count) = (0, 0);
        }
        let line = *self.line.get_or_insert(self.passed + 1);
        let (cells, ends) = (&mut self.cells[self.filled..], &mut self.ends[self.count..]);
        let (result, taken, filled, count) = self.csv.read_record(input, cells, ends);
        self.pass(input, taken);
        self.filled += filled;
        self.count += count;
        match result {
            ReadRecordResult::InputEmpty | ReadRecordResult::End => Ok(None),
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => Err(RowTooLong(line)),
            ReadRecordResult::Record => {
                self.line = None;
                Ok(Some(Record { cells: &self.cells[..self.filled], ends: &self.ends[..self.count], line }))
            }
        }
    }

    fn pass(&mut self, input: &mut &[u8], taken: usize) {
        let (passed, rest) = input.split_at(taken);
        self.passed += passed.iter().filter(|byte| **byte == b'\n').count() as u32;
        *input = rest;
    }
}

impl<'a> Record<'a> {
    /// How many cells it has.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell without the blanks around it; `None` when it is not UTF-8. An index behind the last cell is an empty one.
    pub(super) fn cell(&self, at: usize) -> Option<&'a str> {
        let Some(end) = self.ends.get(at) else { return Some("") };
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        std::str::from_utf8(&self.cells[start..*end]).ok().map(str::trim)
    }
}

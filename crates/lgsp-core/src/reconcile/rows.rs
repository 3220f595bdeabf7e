//! Lines kept small: their texts lie one behind the other in blocks, beside an index that sorts mostly by the first eight bytes
//! of a name. A million lines of a provider take some seventy megabytes.

use std::fmt;
use std::ops::Range;

use lgsp_model::Dong;

use super::{Dated, LineKind, Money, OurLine, TheirLine};

/// The most lines of one side: three times the busiest day that is planned for, some two hundred megabytes.
pub const MOST_LINES: usize = 3_000_000;
/// Bytes of a block of texts: large enough that the rest of one is nothing, small enough to be had in one piece.
const BLOCK: usize = 1 << 20;

/// A line's texts: what it is matched by, our own name of it where that is another one, and the provider's of the transaction.
type Texts<'a> = [&'a str; 3];

/// One line without its texts.
#[derive(Clone, Copy)]
struct Row {
    /// The first bytes of what it is matched by, the first one highest.
    prefix: u64,
    amount: Dong,
    /// Block and place within it.
    at: u32,
    line: u32,
    lengths: [u8; 3],
    kind: LineKind,
    money: Money,
    dated: Dated,
}

/// Many lines.
#[derive(Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    blocks: Vec<Vec<u8>>,
}

impl Rows {
    pub(super) fn push_theirs(&mut self, line: &TheirLine<'_>) -> Result<(), StatementError> {
        let TheirLine { kind, reference, transaction, amount, money, dated, line } = *line;
        self.push([reference, "", transaction], |row| Row { kind, amount, money, dated, line, ..row })
    }

    /// Keeps a line of ours that is matched by its payment.
    pub(super) fn push_ours(&mut self, line: &OurLine<'_>) -> Result<(), StatementError> {
        let OurLine { kind, reference, payment, transaction, amount, money } = *line;
        self.push([payment, reference, transaction], |row| Row { kind, amount, money, ..row })
    }

    fn push(&mut self, texts: Texts<'_>, fill: impl FnOnce(Row) -> Row) -> Result<(), StatementError> {
        if self.rows.len() == MOST_LINES {
            return Err(StatementError::TooMany);
        }
        let mut lengths = [0; 3];
        for (length, text) in lengths.iter_mut().zip(texts) {
            *length = u8::try_from(text.len()).map_err(|_| StatementError::TooLong)?;
        }
        let needed = texts.iter().map(|text| text.len()).sum::<usize>();
        if self.blocks.last().is_none_or(|block| block.len() + needed > BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        let at = (self.blocks.len() - 1) * BLOCK + self.blocks.last().map_or(0, Vec::len);
        let at = u32::try_from(at).map_err(|_| StatementError::TooMany)?;
        if let Some(block) = self.blocks.last_mut() {
            texts.iter().for_each(|text| block.extend_from_slice(text.as_bytes()));
        }
        let row = Row {
            prefix: prefix(texts[0]),
            amount: Dong::ZERO,
            at,
            line: 0,
            lengths,
            kind: LineKind::Payment,
            money: Money::Open,
            dated: Dated::Asked,
        };
        self.rows.push(fill(row));
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// In the order of kinds, of names byte by byte, of amounts, what moved before what did not, of the file.
    pub(super) fn sort(&mut self) {
        let blocks = &self.blocks;
        self.rows.sort_unstable_by(|a, b| {
            let by_name =
                (a.kind, a.prefix).cmp(&(b.kind, b.prefix)).then_with(|| name(blocks, a).cmp(name(blocks, b)));
            let rest = |row: &Row| (row.amount, row.money != Money::Moved, row.line);
            by_name.then_with(|| rest(a).cmp(&rest(b)))
        });
    }

    /// What the line at a place is matched by.
    pub(super) fn key(&self, at: usize) -> (LineKind, &str) {
        (self.rows[at].kind, self.texts(&self.rows[at])[0])
    }

    /// Whether two lines are matched by the same.
    fn same(&self, first: usize, second: usize) -> bool {
        let (first, second) = (&self.rows[first], &self.rows[second]);
        (first.kind, first.prefix) == (second.kind, second.prefix)
            && name(&self.blocks, first) == name(&self.blocks, second)
    }

    /// The lines at the beginning of `range` that are matched by the same; in sorted rows.
    pub(super) fn group(&self, range: Range<usize>) -> Range<usize> {
        let end = range.clone().find(|at| !self.same(range.start, *at)).unwrap_or(range.end);
        range.start..end
    }

    /// The first place of a kind in sorted rows.
    pub(super) fn start(&self, kind: LineKind) -> usize {
        self.rows.partition_point(|row| row.kind < kind)
    }

    /// The lines of a name; in sorted rows.
    pub(super) fn named(&self, kind: LineKind, name: &str) -> Range<usize> {
        let prefix = prefix(name);
        let before = |row: &Row| {
            (row.kind, row.prefix).cmp(&(kind, prefix)).then_with(|| self.texts(row)[0].as_bytes().cmp(name.as_bytes()))
        };
        let start = self.rows.partition_point(|row| before(row).is_lt());
        let found = self.rows.get(start).is_some_and(|row| before(row).is_eq());
        if found { self.group(start..self.rows.len()) } else { start..start }
    }

    pub(super) fn theirs(&self, at: usize) -> TheirLine<'_> {
        let row = &self.rows[at];
        let ([reference, _, transaction], Row { kind, amount, money, dated, line, .. }) = (self.texts(row), *row);
        TheirLine { kind, reference, transaction, amount, money, dated, line }
    }

    pub(super) fn ours(&self, at: usize) -> OurLine<'_> {
        let row = &self.rows[at];
        let ([payment, reference, transaction], Row { kind, amount, money, .. }) = (self.texts(row), *row);
        OurLine { kind, reference, payment, transaction, amount, money }
    }

    fn texts(&self, row: &Row) -> Texts<'_> {
        let mut rest = text(&self.blocks, row, 0, row.lengths.iter().map(|length| usize::from(*length)).sum());
        row.lengths.map(|length| {
            let (first, others) = rest.split_at(usize::from(length));
            rest = others;
            first
        })
    }
}

/// The first bytes of a name, the first one highest.
fn prefix(name: &str) -> u64 {
    let mut prefix = [0; 8];
    prefix.iter_mut().zip(name.bytes()).for_each(|(to, byte)| *to = byte);
    u64::from_be_bytes(prefix)
}

fn name<'a>(blocks: &'a [Vec<u8>], row: &Row) -> &'a str {
    text(blocks, row, 0, usize::from(row.lengths[0]))
}

fn text<'a>(blocks: &'a [Vec<u8>], row: &Row, from: usize, length: usize) -> &'a str {
    let (block, start) = (row.at as usize / BLOCK, row.at as usize % BLOCK + from);
    std::str::from_utf8(&blocks[block][start..start + length]).expect("whole texts were put in")
}

/// By which of our names a provider knows a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundNames {
    /// By the refund's own.
    Own,
    /// By that of the payment, whose refunds are then told apart by their amounts.
    OfPayment,
}

/// A provider's account of a day, complete once it is closed.
pub struct Statement {
    rows: Rows,
    names: RefundNames,
}

/// Why lines are no account of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementError {
    /// More than [`MOST_LINES`].
    TooMany,
    /// A name of more than 255 bytes.
    TooLong,
    /// A line stands there twice: the same name and the same transaction.
    Twice {
        /// Where it stands first.
        first: u32,
        /// Where it stands again.
        again: u32,
    },
}

impl fmt::Display for StatementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(f, "there are more than {MOST_LINES} lines"),
            Self::TooLong => f.write_str("a name has more than 255 bytes"),
            Self::Twice { first, again } => {
                write!(f, "line {again} has the reference and the transaction of line {first}")
            }
        }
    }
}

impl std::error::Error for StatementError {}

impl Statement {
    /// An empty one.
    #[must_use]
    pub fn new(names: RefundNames) -> Self {
        Self { rows: Rows::default(), names }
    }

    /// Takes a line.
    ///
    /// # Errors
    /// When it is one too many, or too long.
    pub fn push(&mut self, line: &TheirLine<'_>) -> Result<(), StatementError> {
        self.rows.push_theirs(line)
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts the lines in order.
    ///
    /// # Errors
    /// When a line stands there again. Several lines of one name are several transactions: a citizen paid twice, or a refund is known by
    /// its payment's name. One transaction is one thing, and so is what has no transaction, refunds of one payment apart.
    pub(super) fn close(mut self) -> Result<(Rows, RefundNames), StatementError> {
        self.rows.sort();
        let mut start = 0;
        while start < self.rows.len() {
            let group = self.rows.group(start..self.rows.len());
            start = group.end;
            if let Some((a, b)) = self.twice(group) {
                return Err(StatementError::Twice { first: a.min(b), again: a.max(b) });
            }
        }
        Ok((self.rows, self.names))
    }

    /// Two lines of a group that are the same thing, and that say that money moved.
    fn twice(&self, group: Range<usize>) -> Option<(u32, u32)> {
        if group.len() < 2 {
            return None;
        }
        let several = (self.rows.key(group.start).0, self.names) == (LineKind::Refund, RefundNames::OfPayment);
        // Places and not lines: one name may be that of the whole file.
        let mut places: Vec<_> = group.collect();
        let line = |at: &usize| self.rows.theirs(*at);
        let order = |line: TheirLine<'_>| (line.money != Money::Moved, line.line);
        places.sort_unstable_by(|a, b| {
            let (a, b) = (line(a), line(b));
            a.transaction.cmp(b.transaction).then_with(|| order(a).cmp(&order(b)))
        });
        places.windows(2).map(|pair| (line(&pair[0]), line(&pair[1]))).find_map(|(a, b)| {
            let counted = match (a.transaction.is_empty(), several) {
                (false, _) => a.money == Money::Moved,
                // Attempts that brought nothing have no transaction, and one that did may follow them.
                (true, false) => (a.money, b.money) == (Money::Moved, Money::Moved),
                (true, true) => false,
            };
            (counted && a.transaction == b.transaction).then_some((a.line, b.line))
        })
    }
}

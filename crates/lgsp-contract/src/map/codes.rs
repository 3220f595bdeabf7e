//! Code maps: tables from the codes of one system to those of another.
//!
//! A table says every code once. It is only turned round when that is unambiguous. Values of messages are looked up,
//! never repeated in an error; what stands in the table itself may be shown.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

/// The most rows of one table: the list of all wards and communes has 3,321 since July 2025, of all old ones 10,600.
pub const MAX_CODES: usize = 50_000;

/// The longest code, in bytes. Codes are short; a longer one is a text in the wrong column.
pub const MAX_CODE_BYTES: usize = 200;

/// The code that stands for every other, in the last row only.
const ANY: &str = "*";

/// The tables of one contract, by name.
#[derive(Clone, Default)]
pub struct CodeMaps(BTreeMap<String, Arc<CodeMap>>);

/// One table.
pub struct CodeMap {
    forward: HashMap<Box<str>, Box<str>>,
    back: HashMap<Box<str>, Box<str>>,
    /// What every code means that is not in the table.
    otherwise: Option<Box<str>>,
    /// The first `to` that stands twice, which makes the way back ambiguous.
    ambiguous: Option<CodeMapError>,
}

/// What is wrong with a table, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeMapError {
    /// The table's name.
    pub map: String,
    /// The line of the file, from 1.
    pub line: u64,
    /// What is wrong.
    pub problem: CodeMapProblem,
}

/// The kinds of mistakes in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeMapProblem {
    /// The first line is not `from,to`.
    Header,
    /// A line is no CSV of two columns.
    Columns,
    /// A code is empty.
    Empty,
    /// A code is longer than [`MAX_CODE_BYTES`].
    TooLong,
    /// A code stands in the first column twice.
    FromTwice {
        /// The code.
        code: String,
        /// The line where it stands first.
        first: u64,
    },
    /// A code stands in the second column twice, and the table is used backwards.
    ToTwice {
        /// The code.
        code: String,
        /// The line where it stands first.
        first: u64,
    },
    /// A line follows the one that is for every other code.
    AfterDefault,
    /// More than [`MAX_CODES`] lines.
    TooMany,
    /// There is no line besides the header.
    NoCodes,
}

impl fmt::Display for CodeMapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "codes/{}.csv line {}: ", self.map, self.line)?;
        match &self.problem {
            CodeMapProblem::Header => f.write_str("the first line must be `from,to`"),
            CodeMapProblem::Columns => {
                f.write_str("a line must have two columns in UTF-8; quote a code that has a comma")
            }
            CodeMapProblem::Empty => f.write_str("a code is empty; write it or remove the line"),
            CodeMapProblem::TooLong => write!(f, "a code is longer than {MAX_CODE_BYTES} bytes; shorten it"),
            CodeMapProblem::FromTwice { code, first } => {
                write!(f, "`{code}` stands in the column `from` on line {first} already; keep one of the two")
            }
            CodeMapProblem::ToTwice { code, first } => write!(
                f,
                "`{code}` stands in the column `to` on line {first} already, so code_back cannot choose; keep one of the \
                 two or make a table of its own for the way back"
            ),
            CodeMapProblem::AfterDefault => f.write_str("the line for every other code, `*`, must be the last"),
            CodeMapProblem::TooMany => write!(f, "more than {MAX_CODES} lines; split the table"),
            CodeMapProblem::NoCodes => f.write_str("the table is empty; add a line"),
        }
    }
}

impl std::error::Error for CodeMapError {}

impl CodeMaps {
    /// Reads a table and adds it under `name`, in place of one of that name. All errors are given at once, up to 100.
    pub fn read(&mut self, name: &str, csv: &str) -> Result<(), Vec<CodeMapError>> {
        let map = CodeMap::read(name, csv)?;
        self.0.insert(name.to_owned(), Arc::new(map));
        Ok(())
    }

    /// The table of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<CodeMap>> {
        self.0.get(name)
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl CodeMap {
    /// Reads the table `name` from CSV with the header `from,to`.
    pub fn read(name: &str, csv: &str) -> Result<Self, Vec<CodeMapError>> {
        Reading { name, errors: Vec::new(), from: HashMap::new(), to: HashMap::new() }.read(csv)
    }

    /// What `code` means; `None` when the table does not say.
    pub fn forward(&self, code: &str) -> Option<&str> {
        self.forward.get(code).or(self.otherwise.as_ref()).map(|to| &**to)
    }

    /// Which code means `code`. A line for every other code is not used backwards.
    pub fn back(&self, code: &str) -> Option<&str> {
        self.back.get(code).map(|from| &**from)
    }

    /// Those of `codes` that the table does not say: it covers an enumeration when there are none.
    pub fn missing<'c>(&self, codes: impl IntoIterator<Item = &'c str>) -> Vec<&'c str> {
        codes.into_iter().filter(|code| self.forward(code).is_none()).collect()
    }

    /// Whether the way back is unambiguous.
    pub fn reversible(&self) -> Result<(), CodeMapError> {
        self.ambiguous.clone().map_or(Ok(()), Err)
    }
}

/// The most errors of one table that are told at once.
const MAX_ERRORS: usize = 100;

/// A table while it is read; the lines are kept for the errors.
struct Reading<'a> {
    name: &'a str,
    errors: Vec<CodeMapError>,
    from: HashMap<Box<str>, (Box<str>, u64)>,
    to: HashMap<Box<str>, (Box<str>, u64)>,
}

impl Reading<'_> {
    fn error(&self, line: u64, problem: CodeMapProblem) -> CodeMapError {
        CodeMapError { map: self.name.to_owned(), line, problem }
    }

    fn read(mut self, csv: &str) -> Result<CodeMap, Vec<CodeMapError>> {
        let text = csv.strip_prefix('\u{feff}').unwrap_or(csv);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let (mut otherwise, mut ambiguous) = (None::<Box<str>>, None);
        let mut rows = 0;
        for row in reader.records() {
            let Ok(row) = row else {
                self.errors.push(self.error(rows as u64 + 1, CodeMapProblem::Columns));
                break;
            };
            let line = row.position().map_or(0, csv::Position::line);
            rows += 1;
            let problem = match (row.len(), row.get(0), row.get(1)) {
                (2, Some("from"), Some("to")) if rows == 1 => None,
                _ if rows == 1 => Some(CodeMapProblem::Header),
                _ if rows > MAX_CODES + 1 => Some(CodeMapProblem::TooMany),
                _ if otherwise.is_some() => Some(CodeMapProblem::AfterDefault),
                (2, Some(ANY), Some(to)) if !to.is_empty() && to.len() <= MAX_CODE_BYTES => {
                    otherwise = Some(to.into());
                    None
                }
                (2, Some(from), Some(to)) => self.add(from, to, line, &mut ambiguous),
                _ => Some(CodeMapProblem::Columns),
            };
            let Some(problem) = problem else { continue };
            let last = matches!(problem, CodeMapProblem::Header | CodeMapProblem::TooMany);
            self.errors.push(self.error(line, problem));
            if last || self.errors.len() >= MAX_ERRORS {
                break;
            }
        }
        if rows < 2 && self.errors.is_empty() {
            let problem = if rows == 0 { CodeMapProblem::Header } else { CodeMapProblem::NoCodes };
            self.errors.push(self.error(1, problem));
        }
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let plain =
            |map: HashMap<Box<str>, (Box<str>, u64)>| map.into_iter().map(|(key, (code, _))| (key, code)).collect();
        Ok(CodeMap { forward: plain(self.from), back: plain(self.to), otherwise, ambiguous })
    }

    fn add(&mut self, from: &str, to: &str, line: u64, ambiguous: &mut Option<CodeMapError>) -> Option<CodeMapProblem> {
        if from.is_empty() || to.is_empty() {
            return Some(CodeMapProblem::Empty);
        }
        if from.len().max(to.len()) > MAX_CODE_BYTES {
            return Some(CodeMapProblem::TooLong);
        }
        if let Some((_, first)) = self.from.get(from) {
            return Some(CodeMapProblem::FromTwice { code: from.to_owned(), first: *first });
        }
        self.from.insert(from.into(), (to.into(), line));
        match self.to.get(to) {
            None => {
                self.to.insert(to.into(), (from.into(), line));
            }
            Some((_, first)) if ambiguous.is_none() => {
                let problem = CodeMapProblem::ToTwice { code: to.to_owned(), first: *first };
                *ambiguous = Some(self.error(line, problem));
            }
            Some(_) => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn problems(csv: &str) -> Vec<(u64, CodeMapProblem)> {
        let errors = CodeMap::read("fee-type", csv).err().unwrap_or_default();
        errors.into_iter().map(|error| (error.line, error.problem)).collect()
    }

    #[test]
    fn codes_are_found_in_both_directions() {
        let map = CodeMap::read("fee-type", "\u{feff}from,to\r\n1,PHI\r\n\"2,a\",LEPHI\r\n").ok().unwrap();
        assert_eq!((map.forward("1"), map.forward("2,a"), map.forward("3")), (Some("PHI"), Some("LEPHI"), None));
        assert_eq!((map.back("LEPHI"), map.back("1")), (Some("2,a"), None));
        assert_eq!(map.reversible(), Ok(()));
        assert_eq!(map.missing(["1", "3", "2,a", "4"]), ["3", "4"]);
    }

    #[test]
    fn a_last_row_for_every_other_code_makes_it_total_but_is_not_used_backwards() {
        let map = CodeMap::read("m", "from,to\n1,A\n*,Z\n").ok().unwrap();
        assert_eq!((map.forward("9"), map.forward("*"), map.back("Z")), (Some("Z"), Some("Z"), None));
        assert_eq!(map.missing(["7"]), [""; 0]);
        assert_eq!(problems("from,to\n*,Z\n1,A\n"), [(3, CodeMapProblem::AfterDefault)]);
    }

    #[test]
    fn mistakes_are_told_all_at_once_with_their_lines() {
        let twice = |code: &str, first| CodeMapProblem::FromTwice { code: code.into(), first };
        assert_eq!(
            problems("from,to\n1,A\n1,B\n,C\n2,\n3,C,D\n"),
            [(3, twice("1", 2)), (4, CodeMapProblem::Empty), (5, CodeMapProblem::Empty), (6, CodeMapProblem::Columns)]
        );
        assert_eq!(problems("a,b\n1,A\n"), [(1, CodeMapProblem::Header)]);
        assert_eq!(problems(""), [(1, CodeMapProblem::Header)]);
        assert_eq!(problems("from,to\n"), [(1, CodeMapProblem::NoCodes)]);
        assert_eq!(problems("from,to,more\n1,A,x\n"), [(1, CodeMapProblem::Header)]);
        assert_eq!(problems(&format!("from,to\n{},A\n", "1".repeat(201))), [(2, CodeMapProblem::TooLong)]);
        let many: String = (0..=MAX_CODES).map(|n| format!("{n},{n}\n")).collect();
        assert_eq!(problems(&format!("from,to\n{many}"))[0].1, CodeMapProblem::TooMany);
    }

    #[test]
    fn a_table_that_loses_a_difference_is_not_turned_round() {
        let map = CodeMap::read("m", "from,to\n1,A\n2,B\n3,A\n").ok().unwrap();
        let error = map.reversible().unwrap_err();
        assert_eq!((error.line, error.problem.clone()), (4, CodeMapProblem::ToTwice { code: "A".into(), first: 2 }));
        assert!(error.to_string().starts_with("codes/m.csv line 4: `A`"), "{error}");
    }

    proptest! {
        #[test]
        fn a_table_that_was_read_says_what_its_lines_say(rows in prop::collection::btree_map("[a-z]{1,4}", "[0-9]{1,2}", 1..40)) {
            let csv: String = rows.iter().map(|(from, to)| format!("{from},{to}\n")).collect();
            let map = CodeMap::read("m", &format!("from,to\n{csv}")).ok().unwrap();
            for (from, to) in &rows {
                prop_assert_eq!(map.forward(from), Some(to.as_str()));
            }
            let distinct: std::collections::BTreeSet<_> = rows.values().collect();
            prop_assert_eq!(map.reversible().is_ok(), distinct.len() == rows.len());
        }

        #[test]
        fn no_text_makes_reading_panic(text in "(from,to\n)?[a,\"\n\r*é]{0,60}") {
            drop(CodeMap::read("m", &text));
        }
    }
}

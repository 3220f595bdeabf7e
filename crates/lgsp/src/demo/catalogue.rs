//! The procedures that the demo's dossiers are about: some sixty that every clerk knows, or a list that it is given.
//!
//! Nothing is invented: a procedure that a list gives without a field code is shared as it is, but no dossier is made
//! of it, because a dossier has to name its field.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

/// Rows of one list; the whole national catalogue has some 6,000.
const MAX_ROWS: usize = 100_000;
/// Bytes of one list.
const MAX_BYTES: u64 = 64 << 20;
/// Characters of a name, as many as a dossier's `TenTTHC` may have.
const MAX_NAME: usize = 2000;
/// Characters of a field's name, as many as `TenLinhVuc` may have.
const MAX_FIELD_NAME: usize = 500;
/// Characters of a field's code, as many as `MaLinhVuc` may have.
const MAX_FIELD_CODE: usize = 50;

const BUILT_IN: &str = include_str!("data/procedures.csv");

/// The columns that a list must have, in any order and among any others.
const COLUMNS: [&str; 5] = ["code", "name", "field_code", "field_name", "level"];

/// Who carries out a procedure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Level {
    /// A department of the province (`tỉnh`).
    Province,
    /// A commune, ward or special zone (`xã`).
    Commune,
}

impl Level {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Province => "tỉnh",
            Self::Commune => "xã",
        }
    }
}

/// One administrative procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoProcedure {
    /// The national code, such as `1.001193`.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The code of its field; `None` where the list leaves it blank.
    pub field_code: Option<String>,
    /// The name of its field.
    pub field_name: String,
    /// Who carries it out: `bộ`, `tỉnh`, `xã`, `khác`, several joined by `;`, or blank.
    pub level: String,
}

impl DemoProcedure {
    pub(crate) fn is_done_by(&self, level: Level) -> bool {
        self.level.split(';').any(|part| part.trim() == level.word())
    }
}

/// A list of procedures, checked.
#[derive(Clone, Debug)]
pub struct ProcedureList(Vec<DemoProcedure>);

/// What is wrong with a list, and where. Lines count from 1, as an editor shows them.
#[derive(Debug)]
pub enum CatalogueError {
    /// The file cannot be read.
    Read(std::io::Error),
    /// The file is larger than 64 MiB.
    TooLarge,
    /// The text cannot be split into rows: a quote is open, a row has too few or too many columns, or it is not UTF-8.
    Rows(csv::Error),
    /// The header lacks a column.
    NoColumn {
        /// The column.
        column: &'static str,
    },
    /// A value is not acceptable.
    Value {
        /// The line on which its row starts.
        line: u64,
        /// The column.
        column: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A code stands twice.
    Twice {
        /// The line of the second.
        line: u64,
        /// The line of the first.
        first: u64,
    },
    /// More than 100,000 rows.
    TooMany,
    /// No row has a field code and the level, so no dossier can be made for it.
    NothingFor {
        /// `tỉnh` or `xã`.
        level: &'static str,
    },
}

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "the catalogue cannot be read: {error}"),
            Self::TooLarge => write!(f, "the catalogue is larger than 64 MiB"),
            Self::Rows(error) => write!(f, "the catalogue is not a well-formed CSV: {error}"),
            Self::NoColumn { column } => {
                write!(f, "line 1: the header has no column {column}; needed are {}", COLUMNS.join(", "))
            }
            Self::Value { line, column, expected } => write!(f, "line {line}, column {column}: expected {expected}"),
            Self::Twice { line, first } => {
                write!(f, "line {line}, column code: this code stands on line {first} already")
            }
            Self::TooMany => write!(f, "the catalogue has more than {MAX_ROWS} rows"),
            Self::NothingFor { level } => {
                write!(f, "no row of the catalogue has a field_code and the level {level}, so no dossier can be made")
            }
        }
    }
}

impl std::error::Error for CatalogueError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Rows(error) => Some(error),
            Self::TooLarge
            | Self::NoColumn { .. }
            | Self::Value { .. }
            | Self::Twice { .. }
            | Self::TooMany
            | Self::NothingFor { .. } => None,
        }
    }
}

impl ProcedureList {
    /// The procedures that come with the demo.
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN.as_bytes()).expect("a test reads the list that is compiled in")
    }

    /// Reads a CSV file with the columns code, name, field_code, field_name and level.
    pub fn load(path: &Path) -> Result<Self, CatalogueError> {
        if std::fs::metadata(path).map_err(CatalogueError::Read)?.len() > MAX_BYTES {
            return Err(CatalogueError::TooLarge);
        }
        Self::parse(&std::fs::read(path).map_err(CatalogueError::Read)?)
    }

    /// Reads CSV text: with or without byte order mark, either line end, quoted values, lines that start with `#`
    /// left out.
    pub fn parse(text: &[u8]) -> Result<Self, CatalogueError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text);
        let header = reader.headers().map_err(CatalogueError::Rows)?.clone();
        let place = |column: &'static str| {
            let found = header.iter().position(|name| name.trim() == column);
            found.ok_or(CatalogueError::NoColumn { column })
        };
        let [code, name, field_code, field_name, level] = COLUMNS.map(place);
        let places = [code?, name?, field_code?, field_name?, level?];
        let mut procedures = Vec::new();
        let mut seen: HashMap<String, u64> = HashMap::new();
        for row in reader.records() {
            let row = row.map_err(CatalogueError::Rows)?;
            let line = row.position().map_or(0, csv::Position::line);
            if procedures.len() == MAX_ROWS {
                return Err(CatalogueError::TooMany);
            }
            let procedure = read_row(&places.map(|place| row[place].trim()), line)?;
            if let Some(first) = seen.insert(procedure.code.clone(), line) {
                return Err(CatalogueError::Twice { line, first });
            }
            procedures.push(procedure);
        }
        Ok(Self(procedures))
    }

    /// All of them, in the order of the list.
    pub fn procedures(&self) -> &[DemoProcedure] {
        &self.0
    }

    /// How many a dossier can be about: those with a field code, done by a province or a commune.
    pub fn usable(&self) -> usize {
        let local = |p: &&DemoProcedure| p.is_done_by(Level::Province) || p.is_done_by(Level::Commune);
        self.0.iter().filter(|p| p.field_code.is_some()).filter(local).count()
    }

    /// Those that a dossier at `level` can be about: done there, and with a field code.
    pub(crate) fn for_level(&self, level: Level) -> Result<Vec<&DemoProcedure>, CatalogueError> {
        let found: Vec<_> = self.0.iter().filter(|p| p.field_code.is_some() && p.is_done_by(level)).collect();
        if found.is_empty() { Err(CatalogueError::NothingFor { level: level.word() }) } else { Ok(found) }
    }
}

fn read_row(values: &[&str; 5], line: u64) -> Result<DemoProcedure, CatalogueError> {
    let [code, name, field_code, field_name, level] = *values;
    let bad = |column, expected| Err(CatalogueError::Value { line, column, expected });
    if !is_procedure_code(code) {
        return bad("code", "a procedure code such as 1.001193, 2.002621.H56 or 1.003560.000.00.00.H56");
    }
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return bad("name", "a name of 1 to 2000 characters");
    }
    if field_name.is_empty() || field_name.chars().count() > MAX_FIELD_NAME {
        return bad("field_name", "a name of 1 to 500 characters");
    }
    let word = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '_' | '/' | '-');
    if field_code.chars().count() > MAX_FIELD_CODE || !field_code.chars().all(word) {
        return bad("field_code", "a field code such as G15-TP07, or nothing");
    }
    if !level.split(';').all(|part| matches!(part.trim(), "" | "bộ" | "tỉnh" | "xã" | "khác")) {
        return bad("level", "bộ, tỉnh, xã or khác, several joined by ;, or nothing");
    }
    Ok(DemoProcedure {
        code: code.to_owned(),
        name: name.to_owned(),
        field_code: (!field_code.is_empty()).then(|| field_code.to_owned()),
        field_name: field_name.to_owned(),
        level: level.to_owned(),
    })
}

/// One digit, a dot, six digits, then up to four blocks of a local suffix.
fn is_procedure_code(text: &str) -> bool {
    let mut blocks = text.split('.');
    let digits = |block: Option<&str>, count| {
        block.is_some_and(|block| block.len() == count && block.bytes().all(|b| b.is_ascii_digit()))
    };
    let suffix = |block: &str| {
        (1..=4).contains(&block.len()) && block.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    digits(blocks.next(), 1) && digits(blocks.next(), 6) && blocks.clone().count() <= 4 && blocks.all(suffix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const HEADER: &str = "code,name,field_code,field_name,level\n";

    #[test]
    fn the_built_in_list_has_sixty_procedures_of_ten_fields_at_both_levels() {
        let list = ProcedureList::built_in();
        let fields: HashSet<_> = list.0.iter().map(|p| &p.field_name).collect();
        assert!(list.0.len() >= 60 && fields.len() >= 10, "{} of {} fields", list.0.len(), fields.len());
        assert_eq!(list.usable(), list.0.len());
        assert!(list.for_level(Level::Province).unwrap().len() > 10);
        assert!(list.for_level(Level::Commune).unwrap().len() > 10);
    }

    #[test]
    fn other_columns_marks_line_ends_quotes_and_blank_field_codes_are_taken() {
        let text = "\u{feff}issuer,level,code,name,field_code,field_name\r\n\
                    G15,tỉnh;xã,1.001193.H56,\"Đăng ký \"\"khai sinh\"\",\r\nlần hai\",,Hộ tịch\r\n";
        let list = ProcedureList::parse(text.as_bytes()).unwrap();
        let only = &list.0[0];
        assert_eq!((only.name.as_str(), &only.field_code), ("Đăng ký \"khai sinh\",\r\nlần hai", &None));
        assert!(only.is_done_by(Level::Commune) && only.is_done_by(Level::Province));
        assert_eq!(list.usable(), 0);
        assert!(matches!(list.for_level(Level::Commune), Err(CatalogueError::NothingFor { level: "xã" })));
    }

    #[test]
    fn errors_name_line_and_column() {
        let long = format!("{HEADER}1.001193,{},A,B,xã\n", "a".repeat(2001));
        for (text, expected) in [
            ("code,name\n".to_owned(), "line 1: the header has no column field_code"),
            (format!("{HEADER}1.001193,a,A,B,xã\n1.193,a,A,B,xã\n"), "line 3, column code"),
            (format!("{HEADER}1.001193,,A,B,xã\n"), "line 2, column name"),
            (long, "line 2, column name"),
            (format!("{HEADER}1.001193,a,A<,B,xã\n"), "line 2, column field_code"),
            (format!("{HEADER}1.001193,a,A,,xã\n"), "line 2, column field_name"),
            (format!("{HEADER}1.001193,a,A,B,huyện\n"), "line 2, column level"),
            (
                format!("{HEADER}1.001193,a,A,B,xã\n1.001193,b,A,B,xã\n"),
                "line 3, column code: this code stands on line 2",
            ),
            (format!("{HEADER}1.001193,a,A\n"), "line: 2"),
        ] {
            let error = ProcedureList::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(ProcedureList::load(Path::new("/does/not/exist")).unwrap_err().to_string().contains("cannot be read"));
    }

    #[test]
    fn local_and_national_codes_are_told_from_other_texts() {
        for good in ["1.001193", "2.002621.H56", "1.003560.000.00.00.H56"] {
            assert!(is_procedure_code(good), "{good}");
        }
        for bad in ["", "1", "1.00119", "a.001193", "1.001193.", "1.001193.h56", "1.001193.1.2.3.4.5"] {
            assert!(!is_procedure_code(bad), "{bad}");
        }
    }
}

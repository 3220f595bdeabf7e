//! The demo's small tables: units of two provinces, communes, parts of names, days off. Compiled in; each file says
//! where it is from.

use jiff::civil::Date;

use super::catalogue::Level;

const AGENCIES: &str = include_str!("data/agencies.csv");
const COMMUNES: &str = include_str!("data/communes.csv");
const NAMES: &str = include_str!("data/names.csv");
const HOLIDAYS: &str = include_str!("data/holidays.csv");

/// A unit that receives dossiers.
#[derive(Clone, Debug)]
pub(crate) struct Agency {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) province: String,
    pub(crate) level: Level,
    /// The ministries whose fields it works in, such as `G15`.
    pub(crate) branches: Vec<String>,
}

/// Parts of names with their weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameParts {
    pub(crate) family: Vec<(String, u64)>,
    pub(crate) middle: [Vec<(String, u64)>; 2],
    pub(crate) given: [Vec<(String, u64)>; 2],
}

fn rows(text: &'static str) -> impl Iterator<Item = csv::StringRecord> {
    let reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    reader.into_records().map(|row| row.expect("a test reads every table that is compiled in"))
}

pub(crate) fn agencies() -> Vec<Agency> {
    let read = |row: csv::StringRecord| Agency {
        code: row[0].to_owned(),
        name: row[1].to_owned(),
        province: row[2].to_owned(),
        level: if &row[3] == "xã" { Level::Commune } else { Level::Province },
        branches: row[4].split_whitespace().map(str::to_owned).collect(),
    };
    rows(AGENCIES).map(read).collect()
}

/// Names of communes with the code of their province.
pub(crate) fn communes() -> Vec<(String, String)> {
    rows(COMMUNES).map(|row| (row[1].to_owned(), row[2].to_owned())).collect()
}

pub(crate) fn names() -> NameParts {
    let mut parts = NameParts::default();
    for row in rows(NAMES) {
        let value = (row[1].to_owned(), row[3].parse().expect("weights are numbers"));
        let gender = usize::from(&row[2] == "f");
        match &row[0] {
            "family" => parts.family.push(value),
            "middle" => parts.middle[gender].push(value),
            _ => parts.given[gender].push(value),
        }
    }
    parts
}

/// Days off besides weekends, and weekend days that are worked.
pub(crate) fn holidays() -> (Vec<Date>, Vec<Date>) {
    let mut days = (Vec::new(), Vec::new());
    for row in rows(HOLIDAYS) {
        let date = row[0].parse().expect("dates are ISO dates");
        if &row[1] == "1" { days.0.push(date) } else { days.1.push(date) }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;
    use lgsp_model::AgencyCode;

    #[test]
    fn every_table_is_read_and_filled() {
        let agencies = agencies();
        assert!(agencies.iter().filter(|agency| agency.code.ends_with(".H11")).count() >= 12);
        assert!(agencies.iter().filter(|agency| agency.code.starts_with("H56.")).count() >= 12);
        for agency in &agencies {
            assert!(agency.code.parse::<AgencyCode>().is_ok(), "{}", agency.code);
            assert!(communes().iter().any(|(_, province)| *province == agency.province));
        }
        let names = names();
        assert!(names.family.len() > 20 && names.middle.iter().chain(&names.given).all(|part| part.len() > 10));
        let (off, worked) = holidays();
        assert!(off.len() > 20 && !worked.is_empty());
    }
}

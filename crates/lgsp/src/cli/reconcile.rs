//! `lgsp reconcile` and `lgsp reconciliations`: a payment provider's account of a day beside ours, as operators see it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::FAILED;
use super::api::Api;
use super::arguments::ApiArguments;
use super::failure::CommandError;
use super::operate::print;
use super::table::Table;

/// Arguments of `lgsp reconcile`.
#[derive(Debug, Args)]
pub(super) struct ReconcileArguments {
    #[command(flatten)]
    api: ApiArguments,
    /// The payment provider's id in the configuration
    #[arg(long, value_name = "ID")]
    provider: String,
    /// The day in Vietnam's time, for example 2026-11-21
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: String,
    /// The provider's file; without one it is asked about each of our lines, and what only it has is not found
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Where to write the lines that differ: a file that ends with .xlsx or .csv
    #[arg(long, value_name = "FILE", value_parser = table_file)]
    out: Option<PathBuf>,
    /// Why, in one line; it is kept in the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Arguments of `lgsp reconciliations`.
#[derive(Debug, Args)]
pub(super) struct ReconciliationsArguments {
    #[command(flatten)]
    api: ApiArguments,
    /// Of one payment provider only
    #[arg(long, value_name = "ID")]
    provider: Option<String>,
    /// At most so many rows
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Go on where an earlier list ended
    #[arg(long, value_name = "NEXT")]
    after: Option<String>,
}

fn table_file(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    if ending(&path).is_some() { Ok(path) } else { Err("expected a name that ends with .xlsx or .csv") }
}

fn ending(path: &Path) -> Option<&'static str> {
    let ending = path.extension()?;
    ["xlsx", "csv"].into_iter().find(|known| ending.eq_ignore_ascii_case(known))
}

/// Compares, shows, and fails when the two differ.
pub(super) async fn reconcile(arguments: ReconcileArguments) -> Result<(), CommandError> {
    let api = Api::new(&arguments.api)?;
    let mut query = vec![("provider", arguments.provider), ("day", arguments.day)];
    query.extend(arguments.reason.map(|reason| ("reason", reason)));
    let file = match &arguments.file {
        Some(path) => Some(open(path).await?),
        None => None,
    };
    let answer = api.send("reconciliations", &query, file).await?;
    if let Some(path) = arguments.out {
        let id = answer["id"].as_str().unwrap_or_default();
        let rows = api.download(&format!("reconciliations/{id}/rows.{}", ending(&path).unwrap_or("csv"))).await?;
        std::fs::write(&path, rows).map_err(|error| CommandError::File(path, error))?;
    }
    print(&api, &answer, picture);
    if answer["differing"] == 0 { Ok(()) } else { Err(CommandError::Told(FAILED)) }
}

async fn open(path: &Path) -> Result<tokio::fs::File, CommandError> {
    tokio::fs::File::open(path).await.map_err(|error| CommandError::File(path.to_owned(), error))
}

pub(super) async fn list(arguments: ReconciliationsArguments) -> Result<(), CommandError> {
    let api = Api::new(&arguments.api)?;
    let mut query = vec![("limit", arguments.limit.to_string())];
    query.extend(arguments.provider.map(|provider| ("provider", provider)));
    query.extend(arguments.after.map(|after| ("after", after)));
    let answer = api.get("reconciliations", &query).await?;
    print(&api, &answer, pictures);
    Ok(())
}

/// The classes in the order in which they are shown, and what people read of each.
const CLASSES: [(&str, &str); 9] = [
    ("matched", "matched"),
    ("not_moved", "no money on either side"),
    ("missing_here", "missing here"),
    ("missing_there", "missing there"),
    ("different_amount", "different amount"),
    ("different_state", "different state"),
    ("other_day", "of another day"),
    ("near_midnight", "near midnight"),
    ("unanswered", "not answered"),
];

fn picture(answer: &Value) -> String {
    let text = |key: &str| answer[key].as_str().unwrap_or_default();
    let number = |value: &Value| grouped(value.as_i64().unwrap_or_default());
    let mut table = Table::new(&["CLASS", "LINES", "OURS", "THEIRS"]);
    for (class, words) in CLASSES {
        let sums = &answer["classes"][class];
        if sums["lines"].as_u64().is_some_and(|lines| lines > 0) {
            table.row(vec![words.to_owned(), number(&sums["lines"]), number(&sums["ours"]), number(&sums["theirs"])]);
        }
    }
    let lines = format!("{} / {}", number(&answer["our_lines"]), number(&answer["their_lines"]));
    table.row(vec!["total".to_owned(), lines, number(&answer["ours"]), number(&answer["theirs"])]);
    let mut end = format!(
        "{} line(s) differ; the provider has {} đồng more than we.\n",
        number(&answer["differing"]),
        number(&answer["difference"])
    );
    if answer["made_due"].as_u64().is_some_and(|payments| payments > 0) {
        end.push_str(&format!("{} payment(s) are being asked about because of it.\n", number(&answer["made_due"])));
    }
    let beside = answer["classes"]["near_midnight"]["lines"].as_u64().unwrap_or_default();
    if answer["differing"].as_u64().map(|differing| differing + beside) > answer["rows"].as_u64() {
        end.push_str(&format!("The first {} lines were kept.\n", number(&answer["rows"])));
    }
    format!("{} on {}: {}\n{}{end}", text("provider"), text("day"), text("id"), table.text())
}

fn pictures(answer: &Value) -> String {
    let none = Vec::new();
    let rows = answer["reconciliations"].as_array().unwrap_or(&none);
    if rows.is_empty() {
        return "There are no reconciliations.\n".to_owned();
    }
    let mut table = Table::new(&["ID", "DAY", "AT", "BY", "SOURCE", "DIFFER", "DIFFERENCE"]);
    for row in rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| grouped(row[key].as_i64().unwrap_or_default());
        let [id, day, at, by, source] = ["id", "day", "at", "by", "source"].map(text);
        table.row(vec![id, day, at, by, source, number("differing"), number("difference")]);
    }
    let more = answer["next"].as_str().map(|next| format!("More: --after {next}\n")).unwrap_or_default();
    format!("{}{more}", table.text())
}

/// A number in groups of three digits, as money is written.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_grouped_as_money_is_written() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1.000"), (-1_234_567, "-1.234.567"), (100, "100")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_result_shows_what_there_is_and_both_totals() {
        let sums = |lines: i64, ours: i64, theirs: i64| json!({"lines": lines, "ours": ours, "theirs": theirs});
        let shown = picture(&json!({
            "id": "vnpay~20261121~1", "provider": "vnpay", "day": "2026-11-21",
            "classes": {"matched": sums(2, 70_000, 70_000), "missing_here": sums(3, 0, 5_000), "missing_there": sums(0, 0, 0)},
            "our_lines": 2, "their_lines": 5, "ours": 70_000, "theirs": 75_000, "difference": 5_000, "differing": 3, "rows": 2,
            "made_due": 1,
        }));
        assert_eq!(
            shown,
            "vnpay on 2026-11-21: vnpay~20261121~1\n\
             CLASS         LINES  OURS    THEIRS\n\
             matched       2      70.000  70.000\n\
             missing here  3      0       5.000\n\
             total         2 / 5  70.000  75.000\n\
             3 line(s) differ; the provider has 5.000 đồng more than we.\n\
             1 payment(s) are being asked about because of it.\n\
             The first 2 lines were kept.\n"
        );
    }
}

//! What the columns of a day file are called and how its cells are written.

use lgsp_core::reconcile::RefundNames;
use toml::{Table, Value};

use super::time::TimePattern;
use crate::settings::{Fields, Problem, SettingError};

/// The most words of one meaning.
const MOST_WORDS: usize = 20;
/// The largest factor between a file's amounts and đồng.
const MOST_SCALE: usize = 10_000;

/// VNPAY's file: a row for each payment and each refund. It is also what is taken of a provider that publishes no layout: settings
/// say where its own differs.
const VNPAY: &str = r#"
separator = ","
reference = "Mã tham chiếu"
transaction = "Mã giao dịch VNPAY"
amount = "Số tiền"
kind = "Loại giao dịch"
payment_words = ["Thanh toán"]
refund_words = ["Hoàn tiền"]
refund_reference = "own"
status = "Trạng thái"
settled_words = ["00", "Thành công"]
time = "Thời gian thanh toán"
time_format = "dd/MM/yyyy HH:mm:ss"
"#;

/// ZaloPay knows an order as `yyMMdd_<our name>`, and a refund as `yyMMdd_<who we are>_<our name>`.
const ZALOPAY: &str = r#"reference_after = "_""#;

/// The layout of a provider's day file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayFileLayout {
    pub(super) separator: u8,
    pub(super) reference: String,
    pub(super) reference_after: Option<String>,
    pub(super) transaction: Option<String>,
    pub(super) amount: String,
    pub(super) amount_scale: u64,
    pub(super) kind: Option<String>,
    pub(super) payment_words: Vec<String>,
    pub(super) refund_words: Vec<String>,
    pub(super) refund_names: RefundNames,
    pub(super) status: Option<String>,
    pub(super) settled_words: Vec<String>,
    pub(super) time: Option<String>,
    pub(super) time_pattern: TimePattern,
}

impl DayFileLayout {
    /// The layout of a provider of this kind, where `changes`, the table `day_file` of its configuration, do not say otherwise.
    ///
    /// # Errors
    /// All that is wrong in the table, as `day_file.<key>`.
    pub fn of(kind: &str, changes: &Table) -> Result<Self, Vec<SettingError>> {
        let built_in = |text: &str| text.parse::<Table>().expect("the built-in layouts are TOML");
        let mut table = built_in(VNPAY);
        if kind == "zalopay" {
            table.extend(built_in(ZALOPAY));
        }
        table.extend(changes.clone());
        let within = |error: SettingError| SettingError { key: format!("day_file.{}", error.key), ..error };
        Self::read(&table).map_err(|errors| errors.into_iter().map(within).collect())
    }

    fn read(table: &Table) -> Result<Self, Vec<SettingError>> {
        let mut fields = Fields::new(table);
        let fields = &mut fields;
        let separator = fields.text("separator", None);
        if !(separator.len() == 1 && matches!(separator.as_bytes()[0], b',' | b';' | b'\t' | b'|')) {
            fields.fail("separator", Problem::Expected("one of , ; | and a tab"));
        }
        let refund_names = match fields.text("refund_reference", None).as_str() {
            "payment" => RefundNames::OfPayment,
            "own" => RefundNames::Own,
            _ => {
                fields.fail("refund_reference", Problem::Expected("own or payment"));
                RefundNames::Own
            }
        };
        let time_pattern = TimePattern::read(&fields.text("time_format", None)).unwrap_or_else(|| {
            fields.fail(
                "time_format",
                Problem::Expected("yyyy, MM and dd, perhaps HH, mm and ss, such as dd/MM/yyyy HH:mm:ss"),
            );
            TimePattern::default()
        });
        let layout = Self {
            separator: separator.bytes().next().unwrap_or(b','),
            reference: fields.text("reference", None),
            reference_after: optional(fields, "reference_after"),
            transaction: optional(fields, "transaction"),
            amount: fields.text("amount", None),
            amount_scale: fields.count("amount_scale", 1, 1..=MOST_SCALE) as u64,
            kind: optional(fields, "kind"),
            payment_words: words(fields, "payment_words"),
            refund_words: words(fields, "refund_words"),
            refund_names,
            status: optional(fields, "status"),
            settled_words: words(fields, "settled_words"),
            time: optional(fields, "time"),
            time_pattern,
        };
        let errors = std::mem::replace(fields, Fields::new(table)).finish();
        if errors.is_empty() { Ok(layout) } else { Err(errors) }
    }
}

/// A column that a file need not have: an empty text says that it has none.
fn optional(fields: &mut Fields<'_>, key: &'static str) -> Option<String> {
    match fields.get(key) {
        None => None,
        Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
        Some(_) => {
            fields.fail(key, Problem::Expected("a text; an empty one when there is no such column"));
            None
        }
    }
}

/// Words of one meaning.
fn words(fields: &mut Fields<'_>, key: &'static str) -> Vec<String> {
    let list = fields.get(key).and_then(Value::as_array).filter(|list| list.len() <= MOST_WORDS);
    let words = list.and_then(|list| list.iter().map(|word| word.as_str().map(str::to_owned)).collect());
    words.unwrap_or_else(|| {
        fields.fail(key, Problem::Expected("a list of at most twenty texts"));
        Vec::new()
    })
}

//! The functions of the mapping language: one row each, with its arguments, what it gives and what it does.
//!
//! Every function looks at its arguments alone, and takes steps in proportion to what it reads and makes. There are no
//! functions that users define, and none that asks a clock, a file or chance.

mod choose;
mod coding;
mod lists;
mod text;
mod typed;

use regex::RegexBuilder;

use super::MAX_ARGUMENTS;
use super::codes::CodeMaps;
use super::date::{self, Pattern};
use super::error::{MapProblem, nearest};
use super::plan::{Call, Expr, Type};
use super::reach::{Frame, Got};
use super::run::{Result, Run};
use crate::xml::Names;

/// The longest regular expression, in bytes.
const MAX_REGEX: usize = 500;

/// Memory of one compiled regular expression, in bytes; also of what it keeps while it searches.
const REGEX_MEMORY: usize = 1 << 20;

/// One function.
pub(super) struct Function {
    pub(super) name: &'static str,
    parameters: &'static [Parameter],
    /// How many of the last parameters may be left out.
    optional: usize,
    /// Whether the last parameter may be given many times.
    repeats: bool,
    pub(super) gives: Type,
    /// One line of the reference.
    does: &'static str,
    pub(super) apply: Apply,
}

pub(super) type Apply = for<'r, 'a> fn(&mut Run<'a>, &'a Call, &Frame<'r, 'a>) -> Result<Got<'r, 'a>>;

type Parameter = (&'static str, Wants);

/// What an argument must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wants {
    Any,
    /// A text, number or boolean; taken as text.
    Scalar,
    /// A list; a single value is one.
    List,
    Condition,
    /// A whole number in the map, 0 to 10,000.
    Count,
    /// A number of digits in the map, 0 to 18.
    Places,
    /// A text in the map.
    Fixed,
    ReadDates,
    WriteDate,
    Regex,
    Codes,
    CodesBack,
    /// The namespace whose names have no prefix.
    Namespace,
}

impl Wants {
    const fn words(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::Scalar => "a single value: a text, a number, true or false",
            Self::List => "a list",
            Self::Condition => "a condition: a comparison, present(…), boolean(…)",
            Self::Count => "a whole number from 0 to 10000, written here",
            Self::Places => "a whole number from 0 to 18, written here",
            Self::Fixed => "a text in quotation marks",
            Self::ReadDates | Self::WriteDate => "a date pattern in quotation marks, such as \"yyyy-MM-dd\"",
            Self::Regex => "a regular expression in quotation marks",
            Self::Namespace => "a namespace in quotation marks",
            Self::Codes | Self::CodesBack => "the name of a code map in quotation marks",
        }
    }
}

use Wants::{
    Any, Codes, CodesBack, Condition, Count, Fixed, List, Namespace, Places, ReadDates, Regex, Scalar, WriteDate,
};

const fn plain(
    name: &'static str,
    parameters: &'static [Parameter],
    gives: Type,
    apply: Apply,
    does: &'static str,
) -> Function {
    Function { name, parameters, optional: 0, repeats: false, gives, does, apply }
}

/// One whose last parameter may be given any number of times.
const fn many(
    name: &'static str,
    parameters: &'static [Parameter],
    gives: Type,
    apply: Apply,
    does: &'static str,
) -> Function {
    Function { repeats: true, ..plain(name, parameters, gives, apply, does) }
}

/// One whose last parameter may be left out.
const fn short(
    name: &'static str,
    parameters: &'static [Parameter],
    gives: Type,
    apply: Apply,
    does: &'static str,
) -> Function {
    Function { optional: 1, ..plain(name, parameters, gives, apply, does) }
}

const X: Parameter = ("x", Scalar);

/// All functions, in the order of the reference.
#[rustfmt::skip]
pub(super) static ALL: &[Function] = &[
    // Types
    plain("text", &[X], Type::Text, typed::text, "a single value as text: `7` becomes `\"7\"`"),
    plain("number", &[X], Type::Number, typed::number, "the number that a text says; finding `number`"),
    plain("integer", &[X], Type::Number, typed::integer, "the whole number that a text says, 64 bits; finding `integer`"),
    plain("decimal", &[X, ("digits", Places)], Type::Text, typed::decimal, "a text with that many digits behind the point, a half rounded away from zero; finding `decimal`"),
    plain("boolean", &[X], Type::Boolean, typed::boolean, "`true` for `true` and `1`, `false` for `false` and `0`; finding `boolean`"),
    plain("date", &[X, ("from", ReadDates), ("to", WriteDate)], Type::Text, typed::date, "a date or time in another form; finding `date`"),
    // Texts
    plain("upper", &[X], Type::Text, text::upper, "capital letters, Vietnamese too"),
    plain("lower", &[X], Type::Text, text::lower, "small letters, Vietnamese too"),
    plain("trim", &[X], Type::Text, text::trim, "without white space around"),
    plain("squeeze", &[X], Type::Text, text::squeeze, "like trim, and every run of white space inside becomes one space"),
    plain("nfc", &[X], Type::Text, text::nfc, "composed letters (Unicode NFC)"),
    plain("unaccent", &[X], Type::Text, text::unaccent, "letters without marks: `Nguyễn Đức` becomes `Nguyen Duc`"),
    many("concat", &[("x", Scalar)], Type::Text, text::concat, "one text behind the other; absent ones are left out; absent when every one that is not written in the map is absent"),
    plain("substring", &[X, ("start", Count), ("length", Count)], Type::Text, text::substring, "that many letters from `start` (0 is the first), fewer where the text ends"),
    plain("replace", &[X, ("this", Fixed), ("by", Fixed)], Type::Text, text::replace, "every `this`, taken literally, becomes `by`"),
    plain("pad_left", &[X, ("length", Count), ("fill", Fixed)], Type::Text, text::pad_left, "at least `length` letters: `fill`, one letter, is put in front"),
    plain("length", &[X], Type::Number, text::length, "how many letters"),
    // Lists
    many("list", &[("x", Any)], Type::List, lists::list, "the values as a list; absent ones are left out"),
    plain("split", &[X, ("separator", Fixed)], Type::List, lists::split, "the parts between the separators"),
    plain("join", &[("list", List), ("separator", Fixed)], Type::Text, lists::join, "the entries as one text, absent ones left out"),
    plain("first", &[("list", List)], Type::Unknown, lists::first, "the first entry"),
    plain("last", &[("list", List)], Type::Unknown, lists::last, "the last entry"),
    plain("item", &[("list", List), ("n", Count)], Type::Unknown, lists::item, "the entry number `n`, 0 is the first"),
    plain("count", &[("list", List)], Type::Number, lists::count, "how many entries; 0 when absent"),
    plain("sum", &[("list", List)], Type::Number, lists::sum, "the sum of whole numbers; finding `integer`"),
    // Choice
    plain("default", &[("x", Any), ("otherwise", Any)], Type::Unknown, choose::default, "`otherwise` when `x` is absent or null"),
    plain("required", &[("x", Any)], Type::Unknown, choose::required, "`x`; finding `required` when it is absent or null"),
    plain("filled", &[("x", Any)], Type::Unknown, choose::filled, "`x`, absent when it is empty: `\"\"`, only white space, null, a list or object without anything"),
    short("if", &[("condition", Condition), ("then", Any), ("otherwise", Any)], Type::Unknown, choose::choose, "one of the two; absent when the condition does not hold and there is no other"),
    // Conditions
    plain("present", &[("x", Any)], Type::Boolean, choose::present, "it is there and not null"),
    plain("absent", &[("x", Any)], Type::Boolean, choose::absent, "it is not there, or null"),
    plain("empty", &[("x", Any)], Type::Boolean, choose::empty, "it is absent, null, `\"\"`, only white space, or a list or object without anything"),
    many("in", &[("x", Any), ("values", Any)], Type::Boolean, choose::one_of, "it equals one of the values"),
    plain("matches", &[X, ("regex", Regex)], Type::Boolean, choose::matches, "the regular expression is found in it; `^` and `$` for the whole text; time grows in proportion to the text"),
    // Codes
    plain("code", &[X, ("map", Codes)], Type::Text, coding::code, "what the code means in `codes/<map>.csv`; finding `unknown-code`"),
    plain("code_back", &[X, ("map", CodesBack)], Type::Text, coding::code_back, "the same table from right to left; it must be unambiguous"),
    plain("sha256", &[X], Type::Text, coding::sha256, "SHA-256 of the text as UTF-8, 64 hexadecimal digits"),
    plain("digest", &[X, ("label", Fixed)], Type::Text, coding::digest, "64 hexadecimal digits that stand for a person or thing without naming it: HMAC-SHA-256 with the gateway's key; another label gives another digest"),
    many("uuid_from", &[("x", Scalar)], Type::Text, coding::uuid_from, "a UUID (version 8) that is the same for the same values; absent when one is absent"),
    plain("base64", &[X], Type::Text, coding::base64, "the text as UTF-8 in base64"),
    plain("base64_decode", &[X], Type::Text, coding::base64_decode, "the text in base64; finding `base64`"),
    plain("json", &[("x", Any)], Type::Text, coding::json, "any value as JSON text, without spaces"),
    plain("parse_json", &[X], Type::Unknown, coding::parse_json, "the value of a JSON text, read strictly; finding `json`"),
    short("parse_xml", &[X, ("namespace", Namespace)], Type::Object, coding::parse_xml, "the value of an XML text: an object whose one member is the root; names in `namespace` or in none have no prefix, others `{namespace}`; finding `xml`"),
];

impl Function {
    /// As it is called: `pad_left(x, length, fill)`.
    pub(super) fn usage(&self) -> String {
        let required = self.parameters.len() - self.optional;
        let names = self.parameters.iter().enumerate().map(|(n, (name, _))| {
            let more = if self.repeats && n + 1 == self.parameters.len() { ", …" } else { "" };
            if n < required { format!("{name}{more}") } else { format!("[{name}]") }
        });
        format!("{}({})", self.name, names.collect::<Vec<_>>().join(", "))
    }

    fn accepts(&self, given: usize) -> bool {
        let most = if self.repeats { MAX_ARGUMENTS } else { self.parameters.len() };
        (self.parameters.len() - self.optional..=most).contains(&given)
    }
}

/// One function of the mapping language as documents and tools show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionInfo {
    /// As it is called: `pad_left(x, length, fill)`; what is in brackets may be left out.
    pub usage: String,
    /// What it gives, in one line.
    pub does: &'static str,
}

/// Every function of the mapping language, in the order of the reference.
pub fn map_functions() -> impl Iterator<Item = FunctionInfo> {
    ALL.iter().map(|function| FunctionInfo { usage: function.usage(), does: function.does })
}

/// A call with its arguments checked and prepared.
pub(super) fn call(name: &str, args: Vec<Expr>, codes: &CodeMaps) -> std::result::Result<Expr, Vec<MapProblem>> {
    let Some(function) = ALL.iter().find(|function| function.name == name) else {
        let nearest = nearest(name, ALL.iter().map(|function| function.name));
        return Err(vec![MapProblem::NoFunction { name: name.to_owned(), nearest }]);
    };
    if !function.accepts(args.len()) {
        return Err(vec![MapProblem::WrongCount { usage: function.usage(), given: args.len() }]);
    }
    let (mut prepared, mut problems) = (Vec::with_capacity(args.len()), Vec::new());
    for (n, arg) in args.into_iter().enumerate() {
        let (argument, wants) = function.parameters[n.min(function.parameters.len() - 1)];
        match prepare(arg, wants, codes) {
            Ok(arg) => prepared.push(arg),
            Err(Some(problem)) => problems.push(problem),
            Err(None) => {
                let (usage, wants) = (function.usage(), wants.words());
                problems.push(MapProblem::WrongType { usage, argument, wants });
            }
        }
    }
    if problems.is_empty() { Ok(Expr::Call(Box::new(Call { function, args: prepared }))) } else { Err(problems) }
}

/// The argument as the function will use it. `None` as error: it is of the wrong type.
fn prepare(arg: Expr, wants: Wants, codes: &CodeMaps) -> std::result::Result<Expr, Option<MapProblem>> {
    let fits = match wants {
        Any => true,
        Scalar => !matches!(arg.gives(), Type::List | Type::Object),
        List => matches!(arg.gives(), Type::List | Type::Unknown),
        Condition => arg.gives() == Type::Boolean,
        Count => whole(&arg).is_some_and(|n| n <= 10_000),
        Places => whole(&arg).is_some_and(|n| n <= 18),
        Fixed | ReadDates | WriteDate | Regex | Codes | CodesBack | Namespace => arg.literal_text().is_some(),
    };
    if !fits {
        return Err(None);
    }
    let text = arg.literal_text().unwrap_or_default();
    let bad_pattern = |why| Some(MapProblem::BadPattern { pattern: text.to_owned(), why });
    match wants {
        ReadDates => date::readable(text).map(Expr::ReadDates).map_err(bad_pattern),
        WriteDate => Pattern::read(text).map(Expr::WriteDate).map_err(bad_pattern),
        Regex => regex(text).map_err(Some),
        Namespace => Names::new([("", text)]).map(Expr::Names).map_err(|_| None),
        Codes | CodesBack => {
            let Some(map) = codes.get(text) else {
                let nearest = nearest(text, codes.names()).map(str::to_owned);
                return Err(Some(MapProblem::NoCodeMap { name: text.to_owned(), nearest }));
            };
            if wants == CodesBack {
                map.reversible().map_err(|error| Some(MapProblem::Irreversible(error)))?;
            }
            Ok(Expr::Codes(map.clone()))
        }
        _ => Ok(arg),
    }
}

/// A whole number that stands in the map.
pub(super) fn whole(arg: &Expr) -> Option<usize> {
    match arg {
        Expr::Literal(crate::tree::Tree::Number(number)) => number.as_u64().and_then(|n| usize::try_from(n).ok()),
        _ => None,
    }
}

fn regex(text: &str) -> std::result::Result<Expr, MapProblem> {
    if text.len() > MAX_REGEX {
        return Err(MapProblem::BadRegex { why: format!("it has more than {MAX_REGEX} bytes") });
    }
    let built = RegexBuilder::new(text).size_limit(REGEX_MEMORY).dfa_size_limit(REGEX_MEMORY).build();
    built.map(|regex| Expr::Regex(Box::new(regex))).map_err(|error| {
        let why = match error {
            regex::Error::CompiledTooBig(_) => "it repeats too much".to_owned(),
            // The library draws the expression with an arrow below; the last line says what is wrong.
            other => other.to_string().lines().last().unwrap_or_default().trim().to_owned(),
        };
        MapProblem::BadRegex { why }
    })
}

//! Body templates: for text formats that are neither JSON nor XML of any schema, filled from a mapped message.
//!
//! A template sees the message and the context, nothing else: it cannot load, include, call or ask anything. What it
//! does is counted, what it writes is bounded, and what is not there is an error. JSON is never made so: a map makes it.

mod nesting;

use std::fmt;
use std::io::{self, Write};

use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, filters, tests};

use crate::map::{Context, Document};
use crate::tree::Tree;

/// The longest template, in bytes.
const MAX_TEMPLATE: usize = 64 * 1024;

/// The name of the one template in its environment.
const NAME: &str = "body";

/// The escaping of XML, by the engine's name for ours.
const XML: &str = "xml";

/// What filling a template may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemplateBudget {
    /// Instructions of the engine: about one for every value and every piece of text.
    pub fuel: u64,
    /// Bytes of the result.
    pub output: usize,
}

impl Default for TemplateBudget {
    /// Enough for a list of ten thousand rows of five values; as large as the result of a map may be.
    fn default() -> Self {
        Self { fuel: 500_000, output: 1 << 20 }
    }
}

/// A compiled template.
pub struct Template {
    environment: Environment<'static>,
}

/// Why a template is refused at load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The template's file, as the contract names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: TemplateProblem,
}

/// The kinds of mistakes in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateProblem {
    /// The file's name ends in neither `.xml` nor `.txt`.
    Extension,
    /// Longer than 64 KiB.
    TooLong,
    /// Blocks in blocks, brackets in brackets, or operators in a row beyond what the engine's stack holds.
    TooDeep,
    /// The engine does not understand it.
    Syntax {
        /// The engine's words.
        why: String,
    },
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: ", self.file, self.line)?;
        match &self.problem {
            TemplateProblem::Extension => f.write_str(
                "a template's name ends in .xml or .txt, which says how values are escaped; make JSON with a map",
            ),
            TemplateProblem::TooLong => write!(f, "more than {MAX_TEMPLATE} bytes; make it shorter"),
            TemplateProblem::TooDeep => {
                f.write_str("too much stands in each other here, or this tag is too long; let a map do the work")
            }
            TemplateProblem::Syntax { why } => write!(f, "this template cannot be read: {why}"),
        }
    }
}

impl std::error::Error for TemplateError {}

/// Why filling a template failed. Holds nothing of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateFailure {
    /// The template asks on this line for what is not there.
    Absent {
        /// The line, from 1; 0 when it is not known.
        line: usize,
    },
    /// The template does on this line what cannot be done with the value that is there.
    Unfit {
        /// The line, from 1; 0 when it is not known.
        line: usize,
    },
    /// It took more steps than it was given.
    Fuel,
    /// The result became larger than was allowed.
    Output,
}

impl fmt::Display for TemplateFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { line } => {
                write!(f, "the template's line {line} needs something that the message does not have")
            }
            Self::Unfit { line } => write!(f, "the template's line {line} cannot use the value that the message has"),
            Self::Fuel => f.write_str("the message needs more work than its contract allows; send fewer items"),
            Self::Output => f.write_str("the filled template would be larger than its contract allows; send less"),
        }
    }
}

impl std::error::Error for TemplateFailure {}

impl Template {
    /// Compiles the template `text` of `file`, whose extension says how values are escaped.
    pub fn compile(file: &str, text: &str) -> Result<Self, TemplateError> {
        let refuse = |line, problem| TemplateError { file: file.to_owned(), line, problem };
        let escape = match file.rsplit_once('.').map(|(_, extension)| extension) {
            Some("xml") => AutoEscape::Custom(XML.into()),
            Some("txt") => AutoEscape::None,
            _ => return Err(refuse(1, TemplateProblem::Extension)),
        };
        if text.len() > MAX_TEMPLATE {
            return Err(refuse(1, TemplateProblem::TooLong));
        }
        if let Some(line) = nesting::too_deep(text) {
            return Err(refuse(line, TemplateProblem::TooDeep));
        }
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(move |_| escape.clone());
        environment.set_formatter(print);
        environment.add_filter("upper", filters::upper);
        environment.add_filter("lower", filters::lower);
        environment.add_filter("trim", filters::trim);
        environment.add_filter("default", filters::default);
        environment.add_filter("length", filters::length);
        environment.add_filter("first", filters::first);
        environment.add_filter("last", filters::last);
        environment.add_filter("join", filters::join);
        environment.add_test("defined", tests::is_defined);
        environment.add_test("undefined", tests::is_undefined);
        environment.add_test("none", tests::is_none);
        environment.add_template_owned(NAME, text.to_owned()).map_err(|error| {
            let why = error.detail().unwrap_or("it is not in the template language").to_owned();
            refuse(error.line().unwrap_or(1), TemplateProblem::Syntax { why })
        })?;
        Ok(Self { environment })
    }

    /// Fills it: `body` is the message, `context` what maps know as `$name`, with `query`, `path` and `header` as
    /// objects.
    pub fn render(
        &self,
        input: &Document<'_>,
        context: &Context<'_>,
        budget: &TemplateBudget,
    ) -> Result<Vec<u8>, TemplateFailure> {
        self.fill(input.tree(), context, budget)
    }

    /// [`Template::render`] of a value.
    pub(crate) fn fill(
        &self,
        input: &Tree<'_>,
        context: &Context<'_>,
        budget: &TemplateBudget,
    ) -> Result<Vec<u8>, TemplateFailure> {
        let mut environment = self.environment.clone();
        environment.set_fuel(Some(budget.fuel));
        let template = environment.get_template(NAME).expect("it was added when this was made");
        let values = Value::from_pairs([("body", value(input)), ("context", context_value(context))]);
        let mut capped = Capped { out: Vec::new(), left: budget.output, full: false };
        let rendered = template.render_captured_to(values, &mut capped).map(drop);
        match rendered {
            Ok(()) => Ok(capped.out),
            Err(_) if capped.full => Err(TemplateFailure::Output),
            Err(error) => Err(failure(&error)),
        }
    }
}

fn failure(error: &Error) -> TemplateFailure {
    let line = error.line().unwrap_or_default();
    match error.kind() {
        ErrorKind::OutOfFuel => TemplateFailure::Fuel,
        ErrorKind::UndefinedError => TemplateFailure::Absent { line },
        _ => TemplateFailure::Unfit { line },
    }
}

/// The message in the engine's words.
fn value(tree: &Tree<'_>) -> Value {
    match tree {
        Tree::Null => Value::from(()),
        Tree::Bool(value) => Value::from(*value),
        Tree::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::from(number),
            (None, Some(number)) => Value::from(number),
            (None, None) => Value::from(number.as_f64().unwrap_or_default()),
        },
        Tree::Text(text) => Value::from(text.as_ref()),
        Tree::List(items) => Value::from(items.iter().map(value).collect::<Vec<_>>()),
        Tree::Object(members) => {
            let members =
                members.as_slice().iter().map(|member| (member.key.as_str().to_owned(), value(&member.value)));
            Value::from_pairs(members)
        }
    }
}

fn context_value(context: &Context<'_>) -> Value {
    let (now, status) = (context.now.map(|now| now.to_string()), context.status.map(|status| status.to_string()));
    let plain = [
        ("trace", context.trace),
        ("now", now.as_deref()),
        ("member", context.member),
        ("agency", context.agency),
        ("service", context.service),
        ("operation", context.operation),
        ("message", context.message),
        ("status", status.as_deref()),
    ];
    let plain = plain.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?))));
    let named = [("query", context.query, false), ("path", context.path, false), ("header", context.headers, true)];
    let named = named.into_iter().map(|(name, pairs, any_case)| {
        // The first of a name counts, as in maps; a later one of the same key would win here.
        let pairs = pairs.iter().rev().map(|(name, text)| {
            let name = if any_case { name.to_ascii_lowercase() } else { name.to_string() };
            (name, Value::from(text.as_ref()))
        });
        (name.to_owned(), Value::from_pairs(pairs))
    });
    Value::from_pairs(plain.chain(named))
}

/// Prints one value: null as nothing, lists and objects not at all, texts escaped for XML in templates of XML.
fn print(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    // What is missing was refused before; this is an `if` without an `else`.
    if value.is_undefined() || value.is_none() {
        return Ok(());
    }
    if value.as_str().is_none() && value.as_object().is_some() {
        return Err(Error::new(ErrorKind::InvalidOperation, "a list or an object cannot be printed"));
    }
    // The engine says True; JSON and XML Schema say true.
    let text = match value.kind() {
        ValueKind::Bool => if value.is_true() { "true" } else { "false" }.to_owned(),
        _ => value.to_string(),
    };
    if matches!(state.auto_escape(), AutoEscape::None) {
        out.write_str(&text).map_err(Error::from)
    } else {
        write_xml(out, &text)
    }
}

fn write_xml(out: &mut Output<'_>, text: &str) -> Result<(), Error> {
    let mut written = 0;
    for (at, c) in text.char_indices() {
        let escaped = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&apos;",
            '\r' => "&#13;",
            '\t' | '\n' => continue,
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                return Err(Error::new(ErrorKind::InvalidOperation, "a character that XML does not have"));
            }
            _ => continue,
        };
        out.write_str(&text[written..at])?;
        out.write_str(escaped)?;
        written = at + c.len_utf8();
    }
    out.write_str(&text[written..]).map_err(Error::from)
}

/// Takes so many bytes and no more.
struct Capped {
    out: Vec<u8>,
    left: usize,
    full: bool,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.left.checked_sub(bytes.len()) {
            Some(left) => {
                self.left = left;
                self.out.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            None => {
                self.full = true;
                Err(io::ErrorKind::FileTooLarge.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    fn fill(file: &str, text: &str, body: &Json, budget: &TemplateBudget) -> Result<String, TemplateFailure> {
        let template = Template::compile(file, text).unwrap_or_else(|error| panic!("{error}"));
        let headers = [("X-Officer".into(), "an".into())];
        let context = Context { trace: Some("t-1"), headers: &headers, ..Context::default() };
        template.fill(&Tree::from(body), &context, budget).map(|out| String::from_utf8(out).unwrap())
    }

    fn filled(file: &str, text: &str, body: &Json) -> Result<String, TemplateFailure> {
        fill(file, text, body, &TemplateBudget::default())
    }

    #[test]
    fn values_are_filled_in_and_escaped_by_the_files_extension() {
        let body = json!({"a": "<x> & \"y\"", "l": [1, 2], "n": null, "t": true});
        let text = "{{ body.a }}|{{ context.trace }}|{{ context.header['x-officer'] }}{% for n in body.l %};{{ n }}{% endfor %}|{{ body.n }}|{{ body.t }}";
        assert_eq!(filled("a.txt", text, &body).unwrap(), "<x> & \"y\"|t-1|an;1;2||true");
        assert_eq!(
            filled("a.xml", "<a b=\"{{ body.a }}\"/>", &body).unwrap(),
            "<a b=\"&lt;x&gt; &amp; &quot;y&quot;\"/>"
        );
        assert_eq!(filled("a.xml", "{{ body.x | default('-') | upper }}", &body).unwrap(), "-");
    }

    #[test]
    fn what_is_not_there_or_does_not_fit_is_refused_without_its_value() {
        let body = json!({"a": "SECRET", "l": ["SECRET"], "c": "\u{1}"});
        for (text, expected) in [
            ("\n{{ body.b }}", TemplateFailure::Absent { line: 2 }),
            ("{% if body.b %}x{% endif %}", TemplateFailure::Absent { line: 1 }),
            ("{{ body.l }}", TemplateFailure::Unfit { line: 1 }),
            ("{{ body.a * 2.5 }}", TemplateFailure::Unfit { line: 1 }),
            ("{{ body.c }}", TemplateFailure::Unfit { line: 1 }),
        ] {
            let failure = filled("a.xml", text, &body).unwrap_err();
            assert_eq!(failure, expected, "{text}");
            assert!(!failure.to_string().contains("SECRET"));
        }
    }

    #[test]
    fn templates_that_cannot_be_are_refused_with_file_and_line() {
        let problem = |file: &str, text: &str| Template::compile(file, text).err().map(|e| (e.line, e.problem));
        for file in ["a.json", "a", "a.html"] {
            assert_eq!(problem(file, ""), Some((1, TemplateProblem::Extension)));
        }
        assert_eq!(problem("a.txt", &" ".repeat(MAX_TEMPLATE + 1)), Some((1, TemplateProblem::TooLong)));
        for text in ["\n{{ body.", "\n{% include 'x' %}", "\n{% import 'x' as y %}", "\n{% macro m() %}{% endmacro %}"]
        {
            assert!(matches!(problem("a.txt", text), Some((2, TemplateProblem::Syntax { .. }))), "{text}");
        }
        for call in ["{{ range(9) }}", "{{ env('HOME') }}", "{{ body | pprint }}", "{{ debug() }}"] {
            assert!(Template::compile("a.txt", call).is_err() || filled("a.txt", call, &json!({})).is_err(), "{call}");
        }
    }

    #[test]
    fn work_and_output_are_bounded() {
        let body = json!({ "l": vec!["x".repeat(100); 300] });
        let nested = "{% for a in body.l %}{% for b in body.l %}{% for c in body.l %}{{ 1 }}{% endfor %}{% endfor %}{% endfor %}";
        assert_eq!(filled("a.txt", nested, &body), Err(TemplateFailure::Fuel));
        let budget = TemplateBudget { output: 1_000, ..TemplateBudget::default() };
        assert_eq!(
            fill("a.txt", "{% for a in body.l %}{{ a }}{% endfor %}", &body, &budget),
            Err(TemplateFailure::Output)
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_compiling_panic(text in "[{}%a-c |.'\n]{0,60}") {
            drop(Template::compile("a.txt", &text));
        }

        #[test]
        fn no_value_breaks_out_of_its_place_in_xml(value in ".{0,40}") {
            if let Ok(out) = filled("a.xml", "{{ body }}", &json!(value)) {
                prop_assert!(!out.contains(['<', '>', '"']));
            }
        }
    }
}

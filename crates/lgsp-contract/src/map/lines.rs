//! The lines of a map: rules, blocks and `let`, with every mistake of the file.
//!
//! A line that cannot be read is noted and the next is read; one that opens a block still opens one, so that one
//! mistake is told once.

use super::codes::CodeMaps;
use super::context::Name;
use super::error::{MapError, MapProblem};
use super::expression::{Cursor, Reader, Scope};
use super::plan::{Expr, Make, Part, Type};
use super::{MAX_BLOCKS, MAX_EACH, MAX_ERRORS, MAX_FILE, MAX_LINE, MAX_RULES, MAX_SEGMENTS};
use crate::map::arrange::{arrange, arrange_body};

/// One rule as it was read.
pub(super) struct Rule {
    pub(super) line: usize,
    pub(super) target: Target,
    pub(super) part: Part,
    pub(super) shown: Shown,
}

/// What a rule's line says, for errors.
#[derive(Clone, Default)]
pub(super) struct Shown {
    pub(super) target: Option<String>,
    pub(super) source: Option<String>,
}

/// What a rule sets.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) names: Vec<String>,
    pub(super) last: Last,
}

/// What stands behind the names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// The last name is the member.
    Member,
    /// The last name is a list.
    List,
    /// `*`: the other members of an object.
    Rest,
    /// `.`: the value itself.
    Itself,
}

/// All that stands in a file.
pub(super) struct File {
    pub(super) lets: Vec<Expr>,
    pub(super) rules: Vec<Rule>,
}

/// A block that is not closed yet.
struct Open {
    /// `None` when its line could not be read.
    head: Option<(Target, Option<Expr>)>,
    is_each: bool,
    line: usize,
    shown: Shown,
    rules: Vec<Rule>,
}

/// What follows the arrow.
enum Source {
    Value(Expr),
    Block,
    Each(Expr),
}

pub(super) struct Lines<'f> {
    file: &'f str,
    codes: &'f CodeMaps,
    lets: Vec<(String, usize)>,
    let_values: Vec<Expr>,
    rules: Vec<Rule>,
    open: Vec<Open>,
    count: usize,
    errors: Vec<MapError>,
}

impl<'f> Lines<'f> {
    pub(super) fn read(file: &'f str, text: &str, codes: &'f CodeMaps) -> Result<File, Vec<MapError>> {
        let mut lines = Self {
            file,
            codes,
            lets: Vec::new(),
            let_values: Vec::new(),
            rules: Vec::new(),
            open: Vec::new(),
            count: 0,
            errors: Vec::new(),
        };
        if text.len() > MAX_FILE {
            lines.error(1, Shown::default(), MapProblem::FileTooLong { limit: MAX_FILE });
            return Err(lines.errors);
        }
        lines.all(text.strip_prefix('\u{feff}').unwrap_or(text));
        if lines.errors.is_empty() {
            Ok(File { lets: lines.let_values, rules: lines.rules })
        } else {
            lines.errors.truncate(MAX_ERRORS);
            Err(lines.errors)
        }
    }

    fn error(&mut self, line: usize, shown: Shown, problem: MapProblem) {
        let Shown { target, source } = shown;
        self.errors.push(MapError { file: self.file.to_owned(), line, target, source, problem });
    }

    fn all(&mut self, text: &str) {
        let mut physical = (1..).zip(text.lines());
        while let Some((number, first)) = physical.next() {
            let mut line = without_comment(first).to_owned();
            while line.ends_with([',', '(']) && line.len() <= MAX_LINE {
                let Some((_, next)) = physical.next() else { break };
                line.push(' ');
                line.push_str(without_comment(next));
            }
            if line.len() > MAX_LINE {
                self.error(number, Shown::default(), MapProblem::LineTooLong { limit: MAX_LINE });
            } else if !line.is_empty() {
                self.line(number, &line);
            }
            if self.count > MAX_RULES {
                self.error(number, Shown::default(), MapProblem::TooManyRules { limit: MAX_RULES });
                return;
            }
            if self.errors.len() >= MAX_ERRORS {
                return;
            }
        }
        while let Some(block) = self.open.pop() {
            self.error(block.line, block.shown, MapProblem::NotClosed);
        }
    }

    fn line(&mut self, number: usize, line: &str) {
        let mut cursor = Cursor::new(line);
        cursor.skip_spaces();
        if cursor.eat("}") {
            return self.close(number, cursor);
        }
        self.count += 1;
        let mut shown = Shown::default();
        let read = if cursor.eat_word("let") && !cursor.rest().trim_start().starts_with("<-") {
            self.let_line(number, cursor, &mut shown)
        } else {
            self.rule(number, Cursor::new(line), &mut shown)
        };
        if let Err(problem) = read {
            self.error(number, shown.clone(), problem);
            if line.ends_with('{') {
                let is_each = line.contains("each");
                self.open.push(Open { head: None, is_each, line: number, shown, rules: Vec::new() });
            }
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope { codes: self.codes, lets: &self.lets, in_each: self.open.iter().any(|block| block.is_each) }
    }

    fn let_line(&mut self, number: usize, mut cursor: Cursor<'_>, shown: &mut Shown) -> Result<(), MapProblem> {
        cursor.skip_spaces();
        let name = cursor.member_name()?;
        shown.target = Some(format!("let {name}"));
        arrow(&mut cursor)?;
        shown.source = Some(cursor.rest().trim().to_owned());
        let mut reader = Reader::new(cursor, self.scope());
        let value = reader.value()?;
        reader.cursor.skip_spaces();
        if !reader.cursor.rest().is_empty() {
            return Err(reader.cursor.expected("the end of the line"));
        }
        let mut mistakes = reader.mistakes;
        if !self.open.is_empty() {
            mistakes.push(MapProblem::LetInside);
        }
        if let Some((_, first)) = self.lets.iter().find(|(known, _)| *known == name) {
            mistakes.push(MapProblem::LetTwice { first: *first });
        }
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        if !plain || Name::resolve(&name).is_ok() {
            mistakes.push(MapProblem::LetReserved);
        }
        for problem in mistakes {
            self.error(number, shown.clone(), problem);
        }
        self.lets.push((name, number));
        self.let_values.push(value);
        Ok(())
    }

    fn rule(&mut self, number: usize, mut cursor: Cursor<'_>, shown: &mut Shown) -> Result<(), MapProblem> {
        cursor.skip_spaces();
        let start = cursor.at();
        let target = target(&mut cursor)?;
        shown.target = Some(cursor.since(start).to_owned());
        arrow(&mut cursor)?;
        shown.source = Some(cursor.rest().trim().to_owned());
        let mut reader = Reader::new(cursor, self.scope());
        let source = source(&mut reader)?;
        let when = when(&mut reader, &source)?;
        for problem in reader.mistakes {
            self.error(number, shown.clone(), problem);
        }
        match source {
            Source::Value(value) => {
                if target.last == Last::Rest && !matches!(value.gives(), Type::Unknown | Type::Object) {
                    let what = "an object, whose members `*` copies";
                    return Err(MapProblem::Expected { what, found: shown.source.clone().unwrap_or_default() });
                }
                let part = Part { when, make: Make::Value(value) };
                self.add(Rule { line: number, target, part, shown: shown.clone() });
                Ok(())
            }
            Source::Block => self.begin(number, target, None, shown),
            Source::Each(list) => self.begin(number, target, Some(list), shown),
        }
    }

    fn begin(&mut self, line: usize, target: Target, each: Option<Expr>, shown: &Shown) -> Result<(), MapProblem> {
        if target.last == Last::Rest {
            let what = "the object whose members `*` copies; a block has a name";
            return Err(MapProblem::Expected { what, found: "{".to_owned() });
        }
        let is_each = each.is_some();
        if is_each && target.last == Last::Member {
            self.error(line, shown.clone(), MapProblem::EachNeedsList);
        }
        if is_each && self.open.iter().filter(|block| block.is_each).count() >= MAX_EACH {
            self.error(line, shown.clone(), MapProblem::TooDeep { what: "`each`", limit: MAX_EACH });
        }
        if self.open.len() >= MAX_BLOCKS {
            self.error(line, shown.clone(), MapProblem::TooDeep { what: "blocks", limit: MAX_BLOCKS });
        }
        let open = Open { head: Some((target, each)), is_each, line, shown: shown.clone(), rules: Vec::new() };
        self.open.push(open);
        Ok(())
    }

    fn add(&mut self, rule: Rule) {
        match self.open.last_mut() {
            Some(block) => block.rules.push(rule),
            None => self.rules.push(rule),
        }
    }

    /// The line with the brace that closes a block, and perhaps its condition.
    fn close(&mut self, number: usize, cursor: Cursor<'_>) {
        let Some(block) = self.open.pop() else {
            return self.error(number, Shown::default(), MapProblem::NothingToClose);
        };
        // The condition is asked before there is an item of this block.
        let mut reader = Reader::new(cursor, self.scope());
        let when = when(&mut reader, &Source::Block);
        for problem in reader.mistakes {
            self.error(number, block.shown.clone(), problem);
        }
        let when = when.unwrap_or_else(|problem| {
            self.error(number, block.shown.clone(), problem);
            None
        });
        let Open { head, line, shown, rules, .. } = block;
        let Some((target, each)) = head else { return };
        if rules.is_empty() && self.errors.is_empty() {
            return self.error(line, shown, MapProblem::Empty);
        }
        let mut clashes = Vec::new();
        let make = match each {
            None => arrange(rules, &mut clashes).map(Make::Block),
            Some(source) => arrange_body(rules, &mut clashes).map(|body| Make::Each { source, body }),
        };
        for clash in clashes {
            self.error(clash.line, clash.shown, clash.problem);
        }
        if let Some(make) = make {
            self.add(Rule { line, target, part: Part { when, make }, shown });
        }
    }

    /// The errors that arranging the outermost rules found, as errors of this file.
    pub(super) fn located(file: &str, clashes: Vec<Clash>) -> Vec<MapError> {
        let errors = clashes.into_iter().map(|clash| MapError {
            file: file.to_owned(),
            line: clash.line,
            target: clash.shown.target,
            source: clash.shown.source,
            problem: clash.problem,
        });
        errors.take(MAX_ERRORS).collect()
    }
}

/// Two rules that cannot both be.
pub(super) struct Clash {
    pub(super) line: usize,
    pub(super) shown: Shown,
    pub(super) problem: MapProblem,
}

/// A comment begins with `#` and a space, so that `#text` is a name.
fn without_comment(line: &str) -> &str {
    let (mut quoted, mut escaped, mut before) = (false, false, ' ');
    let mut signs = line.char_indices().peekable();
    while let Some((at, c)) = signs.next() {
        if quoted {
            quoted = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
        } else if c == '"' {
            (quoted, escaped) = (true, false);
        } else if c == '#' && before.is_whitespace() {
            let begins = signs.peek().is_none_or(|(_, next)| next.is_whitespace() || *next == '#');
            if begins {
                return line[..at].trim();
            }
        }
        before = c;
    }
    line.trim()
}

fn arrow(cursor: &mut Cursor<'_>) -> Result<(), MapProblem> {
    cursor.skip_spaces();
    if !cursor.eat("<-") {
        return Err(cursor.expected("`<-` behind the target"));
    }
    cursor.skip_spaces();
    Ok(())
}

fn target(cursor: &mut Cursor<'_>) -> Result<Target, MapProblem> {
    let mut names = Vec::new();
    loop {
        if cursor.eat("*") {
            return Ok(Target { names, last: Last::Rest });
        }
        let quoted = cursor.rest().starts_with('"');
        let name = cursor.member_name()?;
        if name == "." && !quoted && names.is_empty() {
            cursor.eat("[]");
            return Ok(Target { names, last: Last::Itself });
        }
        names.push(name);
        if names.len() > MAX_SEGMENTS {
            return Err(MapProblem::TooDeep { what: "names in a target", limit: MAX_SEGMENTS });
        }
        let last = if cursor.eat("[]") { Last::List } else { Last::Member };
        if !cursor.eat("/") {
            return Ok(Target { names, last });
        }
        if last == Last::List {
            return Err(MapProblem::ListInside);
        }
    }
}

fn source(reader: &mut Reader<'_, '_>) -> Result<Source, MapProblem> {
    if reader.cursor.rest() == "{" {
        reader.cursor.eat("{");
        return Ok(Source::Block);
    }
    if !reader.cursor.eat_word("each") {
        return Ok(Source::Value(reader.value()?));
    }
    let list = reader.value()?;
    reader.cursor.skip_spaces();
    if !reader.cursor.eat("{") {
        return Err(reader.cursor.expected("`{` at the end of the line"));
    }
    Ok(Source::Each(list))
}

/// The condition at the end of a line. That of a block stands behind its closing brace.
fn when(reader: &mut Reader<'_, '_>, source: &Source) -> Result<Option<Expr>, MapProblem> {
    reader.cursor.skip_spaces();
    let asked = !matches!(source, Source::Each(_)) && reader.cursor.eat_word("when");
    let condition = if asked { Some(reader.condition()?) } else { None };
    reader.cursor.skip_spaces();
    if !reader.cursor.rest().is_empty() {
        return Err(reader.cursor.expected("`when` or the end of the line"));
    }
    Ok(condition)
}

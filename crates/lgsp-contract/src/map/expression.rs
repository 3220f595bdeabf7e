//! Expressions of a map: from text to a resolved plan, with the mistakes that can be seen without a message.
//!
//! Depth is counted, so no text can exhaust the stack. A mistake in meaning is noted and reading goes on; a mistake in
//! form ends the line.

use serde_json::Number;

use super::codes::CodeMaps;
use super::context::Name;
use super::error::MapProblem;
use super::functions;
use super::plan::{Comparison, Expr, From, Selector, Step, Type, owned_key};
use super::{MAX_NESTING, MAX_SEGMENTS};
use crate::tree::{Members, Tree};

/// How much of a line an error shows.
const SHOWN: usize = 24;

/// A place in one line.
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

/// What expressions of a line may refer to.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) codes: &'s CodeMaps,
    /// Names given by `let`, with their lines.
    pub(super) lets: &'s [(String, usize)],
    /// Whether there is an item: the line stands in an `each`.
    pub(super) in_each: bool,
}

/// Reads the expressions of one line.
pub(super) struct Reader<'t, 's> {
    pub(super) cursor: Cursor<'t>,
    scope: Scope<'s>,
    depth: usize,
    /// Mistakes in meaning.
    pub(super) mistakes: Vec<MapProblem>,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The text from `start` to here, without spaces around.
    pub(super) fn since(&self, start: usize) -> &'t str {
        self.text[start..self.at].trim()
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn skip_spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    pub(super) fn eat(&mut self, sign: &str) -> bool {
        let there = self.rest().starts_with(sign);
        if there {
            self.at += sign.len();
        }
        there
    }

    /// Eats `word` if no other word begins with it here.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let there = self.rest().strip_prefix(word).is_some_and(|after| !after.starts_with(in_name));
        if there {
            self.at += word.len();
        }
        there
    }

    fn take_while(&mut self, is: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !is(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// A name of a member as targets and selectors write it: `HoVaTen`, `@version`, `#text`, `soap:Body`, `"any text"`.
    pub(super) fn member_name(&mut self) -> Result<String, MapProblem> {
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        let start = self.at;
        if self.rest().starts_with(['@', '#']) {
            self.at += 1;
        }
        let name = self.take_while(in_name);
        if name.is_empty() {
            self.at = start;
            return Err(self.expected("a name; put names with other signs in quotation marks"));
        }
        Ok(self.text[start..self.at].to_owned())
    }

    /// A text in quotation marks, with the escapes of JSON.
    fn quoted(&mut self) -> Result<String, MapProblem> {
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        });
        let read = end.and_then(|(end, _)| Some((end + 1, serde_json::from_str(rest.get(..=end)?).ok()?)));
        let Some((length, text)) = read else {
            return Err(self.expected("a text in quotation marks, with \\\" \\\\ \\n \\t \\u0000 for special signs"));
        };
        self.at += length;
        Ok(text)
    }

    pub(super) fn expected(&self, what: &'static str) -> MapProblem {
        MapProblem::Expected { what, found: self.rest().trim().chars().take(SHOWN).collect() }
    }
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')
}

impl<'t, 's> Reader<'t, 's> {
    pub(super) fn new(cursor: Cursor<'t>, scope: Scope<'s>) -> Self {
        Self { cursor, scope, depth: 0, mistakes: Vec::new() }
    }

    /// Something that has a value.
    pub(super) fn value(&mut self) -> Result<Expr, MapProblem> {
        self.any_of()
    }

    /// Something that is true or false.
    pub(super) fn condition(&mut self) -> Result<Expr, MapProblem> {
        let condition = self.any_of()?;
        self.must_be_condition(&condition);
        Ok(condition)
    }

    fn must_be_condition(&mut self, expr: &Expr) {
        if !matches!(expr, Expr::Nothing) && expr.gives() != Type::Boolean {
            self.mistakes.push(MapProblem::NotCondition);
        }
    }

    fn any_of(&mut self) -> Result<Expr, MapProblem> {
        self.chain("or", Self::all_of, Expr::Any)
    }

    fn all_of(&mut self) -> Result<Expr, MapProblem> {
        self.chain("and", Self::comparison, Expr::All)
    }

    fn chain(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Expr, MapProblem>,
        join: fn(Vec<Expr>) -> Expr,
    ) -> Result<Expr, MapProblem> {
        let first = part(self)?;
        let mut parts = vec![first];
        loop {
            self.cursor.skip_spaces();
            if !self.cursor.eat_word(word) {
                break;
            }
            parts.push(part(self)?);
        }
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        parts.iter().for_each(|part| self.must_be_condition(part));
        Ok(join(parts))
    }

    fn comparison(&mut self) -> Result<Expr, MapProblem> {
        self.cursor.skip_spaces();
        if self.cursor.eat_word("not") {
            let inner = self.deeper(Self::comparison)?;
            self.must_be_condition(&inner);
            return Ok(Expr::Not(Box::new(inner)));
        }
        let left = self.operand()?;
        self.cursor.skip_spaces();
        let comparisons = [
            ("==", Comparison::Equal),
            ("!=", Comparison::Unequal),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let Some((_, comparison)) = comparisons.into_iter().find(|(sign, _)| self.cursor.eat(sign)) else {
            return Ok(left);
        };
        self.cursor.skip_spaces();
        let right = self.operand()?;
        Ok(Expr::Compare(Box::new((left, comparison, right))))
    }

    fn deeper(&mut self, read: fn(&mut Self) -> Result<Expr, MapProblem>) -> Result<Expr, MapProblem> {
        if self.depth >= MAX_NESTING {
            return Err(MapProblem::TooDeep { what: "calls and parentheses", limit: MAX_NESTING });
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn operand(&mut self) -> Result<Expr, MapProblem> {
        self.cursor.skip_spaces();
        let Some(first) = self.cursor.rest().chars().next() else {
            return Err(self.cursor.expected("a value"));
        };
        match first {
            '(' => {
                self.cursor.eat("(");
                let inner = self.deeper(Self::any_of)?;
                self.close(")", "`)`")?;
                Ok(inner)
            }
            '"' => Ok(Expr::Literal(Tree::Text(self.cursor.quoted()?.into()))),
            '/' => self.selector(From::Root),
            '.' => {
                self.cursor.eat(".");
                if !self.scope.in_each {
                    self.mistakes.push(MapProblem::NoItem);
                }
                self.selector(From::Item)
            }
            '$' => self.named(),
            '[' => {
                self.cursor.eat("[");
                self.close("]", "`]`: only an empty list can be written; use list(…)")?;
                Ok(Expr::Literal(Tree::List(Vec::new())))
            }
            '{' => {
                self.cursor.eat("{");
                self.close("}", "`}`: only an empty object can be written so")?;
                Ok(Expr::Literal(Tree::Object(Members::default())))
            }
            '-' | '0'..='9' => self.number(),
            _ => self.word(),
        }
    }

    fn close(&mut self, sign: &str, what: &'static str) -> Result<(), MapProblem> {
        self.cursor.skip_spaces();
        if self.cursor.eat(sign) { Ok(()) } else { Err(self.cursor.expected(what)) }
    }

    fn number(&mut self) -> Result<Expr, MapProblem> {
        let start = self.cursor.at;
        let text = self.cursor.take_while(|c| c.is_ascii_digit() || matches!(c, '-' | '.'));
        match serde_json::from_str::<Number>(text) {
            Ok(number) => Ok(Expr::Literal(Tree::Number(number))),
            Err(_) => {
                self.cursor.at = start;
                Err(self.cursor.expected("a number such as 12 or -0.5; put codes such as 007 in quotation marks"))
            }
        }
    }

    fn named(&mut self) -> Result<Expr, MapProblem> {
        self.cursor.eat("$");
        let name = self.cursor.take_while(in_name);
        if let Some(n) = self.scope.lets.iter().position(|(known, _)| known == name) {
            return self.selector(From::Let(n));
        }
        Ok(Name::resolve(name).map(Expr::Context).unwrap_or_else(|mut problem| {
            if let (MapProblem::NoContext { nearest, .. }, true) = (&mut problem, name.is_empty()) {
                *nearest = None;
            }
            self.mistakes.push(problem);
            Expr::Nothing
        }))
    }

    fn selector(&mut self, from: From) -> Result<Expr, MapProblem> {
        let mut steps = Vec::new();
        loop {
            let rest = self.cursor.rest();
            let mut ahead = rest.chars();
            let step = match ahead.next() {
                Some('[') => self.index()?,
                Some('/') => {
                    let next = ahead.next();
                    let nameless = !next.is_some_and(|c| in_name(c) || matches!(c, '"' | '@' | '#' | '*'));
                    if nameless && matches!(from, From::Root) && steps.is_empty() {
                        self.cursor.eat("/");
                        if next == Some('[') {
                            continue;
                        }
                        break;
                    }
                    self.cursor.eat("/");
                    if self.cursor.eat("*") {
                        Step::Values
                    } else {
                        let name = self.cursor.member_name()?;
                        if name == ".." {
                            return Err(MapProblem::Expected {
                                what: "a name: there is no way up from an item; use `/` or `let`",
                                found: name,
                            });
                        }
                        Step::Member(owned_key(&name))
                    }
                }
                _ => break,
            };
            steps.push(step);
            if steps.len() > MAX_SEGMENTS {
                return Err(MapProblem::TooDeep { what: "names in a selector", limit: MAX_SEGMENTS });
            }
        }
        Ok(Expr::Select(Selector { from, steps }))
    }

    fn index(&mut self) -> Result<Step, MapProblem> {
        self.cursor.eat("[");
        let step = if self.cursor.eat("*") {
            Step::Entries
        } else {
            let digits = self.cursor.take_while(|c| c.is_ascii_digit());
            let index =
                digits.parse().map_err(|_| self.cursor.expected("an index from 0 such as [0], or [*] for all"))?;
            Step::Index(index)
        };
        self.close("]", "`]`")?;
        Ok(step)
    }

    fn word(&mut self) -> Result<Expr, MapProblem> {
        let start = self.cursor.at;
        let word = self.cursor.take_while(in_name);
        let literal = match word {
            "" => {
                return Err(self
                    .cursor
                    .expected("a value: a selector such as /HoVaTen, a literal, $name or a function"));
            }
            "true" => Some(Expr::Literal(Tree::Bool(true))),
            "false" => Some(Expr::Literal(Tree::Bool(false))),
            "null" => Some(Expr::Literal(Tree::Null)),
            "nothing" => Some(Expr::Nothing),
            _ => None,
        };
        if let Some(literal) = literal {
            return Ok(literal);
        }
        self.cursor.skip_spaces();
        if !self.cursor.eat("(") {
            self.cursor.at = start + word.len();
            return Err(MapProblem::BareName { name: word.to_owned() });
        }
        let args = self.arguments()?;
        match functions::call(word, args, self.scope.codes) {
            Ok(call) => Ok(call),
            Err(problems) => {
                self.mistakes.extend(problems);
                Ok(Expr::Nothing)
            }
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, MapProblem> {
        let mut args = Vec::new();
        self.cursor.skip_spaces();
        if self.cursor.eat(")") {
            return Ok(args);
        }
        loop {
            args.push(self.deeper(Self::any_of)?);
            self.cursor.skip_spaces();
            if self.cursor.eat(")") {
                return Ok(args);
            }
            if !self.cursor.eat(",") {
                return Err(self.cursor.expected("`,` or `)`"));
            }
        }
    }
}

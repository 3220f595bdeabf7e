//! The values of expressions and conditions. Every expression is a step, every text costs in proportion to its length.

use std::borrow::Cow;

use lgsp_model::Finding;

use super::number;
use super::plan::{Call, Comparison, Expr, From, Selector, Step};
use super::reach::{Frame, Got, Reached, Slot, write_origin};
use super::run::{Result, Run, Stop};
use crate::tree::Tree;

impl<'a> Run<'a> {
    pub(super) fn eval<'r>(&mut self, expr: &'a Expr, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
        self.step(1)?;
        match expr {
            Expr::Select(selector) => self.select(selector, frame),
            Expr::Literal(tree) => Ok(Got::At(Reached::Input(tree))),
            Expr::Context(name) => Ok(name.value(self.context).map_or(Got::Absent, Got::some_text)),
            Expr::Call(call) => {
                let Call { function, .. } = &**call;
                (function.apply)(self, call, frame)
            }
            Expr::Compare(sides) => {
                let left = self.eval(&sides.0, frame)?;
                let right = self.eval(&sides.2, frame)?;
                self.compare(&left, sides.1, &right).map(Got::bool)
            }
            Expr::All(_) | Expr::Any(_) | Expr::Not(_) => self.truth(expr, frame).map(Got::bool),
            Expr::Nothing
            | Expr::ReadDates(_)
            | Expr::WriteDate(_)
            | Expr::Regex(_)
            | Expr::Codes(_)
            | Expr::Names(_) => Ok(Got::Absent),
        }
    }

    /// A condition. What is absent does not hold.
    pub(super) fn truth<'r>(&mut self, expr: &'a Expr, frame: &Frame<'r, 'a>) -> Result<bool> {
        match expr {
            Expr::All(parts) => {
                for part in parts {
                    if !self.truth(part, frame)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Expr::Any(parts) => {
                for part in parts {
                    if self.truth(part, frame)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Expr::Not(inner) => Ok(!self.truth(inner, frame)?),
            _ => Ok(matches!(self.eval(expr, frame)?.tree(), Some(Tree::Bool(true)))),
        }
    }

    pub(super) fn compare(&mut self, left: &Got<'_, '_>, how: Comparison, right: &Got<'_, '_>) -> Result<bool> {
        let length = |got: &Got<'_, '_>| got.tree().and_then(Tree::as_str).map_or(0, str::len);
        self.work(length(left).min(length(right)))?;
        let (Some(left), Some(right)) = (left.tree(), right.tree()) else { return Ok(how == Comparison::Unequal) };
        let ordered = |is: fn(std::cmp::Ordering) -> bool| number::order(left, right).is_some_and(is);
        Ok(match how {
            Comparison::Equal => number::equal(left, right),
            Comparison::Unequal => !number::equal(left, right),
            Comparison::Less => ordered(std::cmp::Ordering::is_lt),
            Comparison::LessOrEqual => ordered(std::cmp::Ordering::is_le),
            Comparison::Greater => ordered(std::cmp::Ordering::is_gt),
            Comparison::GreaterOrEqual => ordered(std::cmp::Ordering::is_ge),
        })
    }

    /// A scalar as text; `None` when it is absent or null, a finding when it is a list or an object.
    pub(super) fn text<'r>(&mut self, expr: &'a Expr, frame: &Frame<'r, 'a>) -> Result<Option<Cow<'a, str>>> {
        let got = self.eval(expr, frame)?;
        let text = match got {
            _ if got.is_nothing() => return Ok(None),
            Got::Own(Tree::Text(text)) => Some(text),
            Got::Own(ref tree) => Reached::Made(tree).text(),
            Got::At(reached) => reached.text(),
            Got::Absent => None,
        };
        match text {
            Some(text) => {
                self.work(text.len())?;
                Ok(Some(text))
            }
            None => {
                Err(self.finding(expr, frame, "type", "must be a single value, not a list or an object".to_owned()))
            }
        }
    }

    fn select<'r>(&mut self, selector: &'a Selector, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
        let start = match selector.from {
            From::Root => Some(Reached::Input(self.input)),
            From::Item => frame.item.map(|item| item.value),
            From::Let(n) => match frame.lets.get(n) {
                Some(Slot::Input(tree)) => Some(Reached::Input(tree)),
                Some(Slot::Made(tree)) => Some(Reached::Made(tree)),
                Some(Slot::Absent) | None => None,
            },
        };
        let Some(mut here) = start else { return Ok(Got::Absent) };
        for (n, step) in selector.steps.iter().enumerate() {
            let next = match step {
                Step::Member(key) => here.member(key),
                Step::Index(index) => here.entry(*index),
                Step::Entries | Step::Values => {
                    let mut all = Vec::new();
                    self.gather(here, &selector.steps[n..], &mut all)?;
                    return Ok(Got::Own(Tree::List(all)));
                }
            };
            match next {
                Some(next) => here = next,
                None => return Ok(Got::Absent),
            }
        }
        Ok(Got::from_reached(Some(here)))
    }

    /// Copies all that `steps` reach from `here`.
    fn gather<'r>(&mut self, here: Reached<'r, 'a>, steps: &'a [Step], into: &mut Vec<Tree<'a>>) -> Result<()> {
        self.step(1)?;
        let Some((step, steps)) = steps.split_first() else {
            into.push(self.copy(here)?);
            return Ok(());
        };
        match step {
            Step::Member(key) => here.member(key).map_or(Ok(()), |next| self.gather(next, steps, into)),
            Step::Index(index) => here.entry(*index).map_or(Ok(()), |next| self.gather(next, steps, into)),
            Step::Entries => {
                let mut n = 0;
                while let Some(next) = here.entry(n) {
                    self.gather(next, steps, into)?;
                    n += 1;
                }
                Ok(())
            }
            Step::Values => match here {
                Reached::Input(Tree::Object(members)) => {
                    members.in_order().into_iter().try_for_each(|m| self.gather(Reached::Input(&m.value), steps, into))
                }
                Reached::Made(Tree::Object(members)) => {
                    members.in_order().into_iter().try_for_each(|m| self.gather(Reached::Made(&m.value), steps, into))
                }
                _ => Ok(()),
            },
        }
    }

    /// A finding about what `expr` takes its value from.
    pub(super) fn finding<'r>(&self, expr: &Expr, frame: &Frame<'r, 'a>, rule: &str, message: String) -> Stop {
        let mut path = String::new();
        write_origin(expr, frame, &mut path);
        Stop::Finding(Box::new(Finding::new(path, rule, message)))
    }
}

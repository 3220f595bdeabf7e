//! Running a map: one pass over its plan, with every step and every byte of the result counted.
//!
//! Texts of the message are borrowed. What goes wrong with a value becomes a finding with the value's place; the value
//! itself is in no finding. There is no way to go on after the budget is spent.

use std::borrow::Cow;

use lgsp_model::Finding;

use super::context::Context;
use super::error::MapFailure;
use super::plan::{Body, Expr, Field, Make, Object, Part};
use super::reach::{Frame, Got, Item, Reached, Slot};
use crate::schema::MAX_FINDINGS;
use crate::tree::{Key, Member, Members, Tree};

/// What a value weighs besides its text and its name: braces, quotation marks, commas; any number.
const VALUE_BYTES: usize = 24;

/// Work with texts is counted in pieces of this many bytes.
const STEP_BYTES: usize = 64;

/// How much larger than the whole result a text on the way may be: base64, and JSON in a text, shrink again.
const LARGEST_FACTOR: usize = 2;

/// What one run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Rules, values and functions, and pieces of 64 bytes of texts that are made or searched.
    pub steps: u64,
    /// Bytes of the result: its texts and names, and 24 for every value. As JSON without escapes it is not larger.
    pub output: usize,
}

impl Budget {
    /// Enough for a record of 256 KiB whose every value passes through a few functions; about 30 ms of work at most.
    pub const DEFAULT_STEPS: u64 = 1_000_000;
    /// Four times the largest record that the gateway takes by default (256 KiB), which leaves room for names.
    pub const DEFAULT_OUTPUT: usize = 1 << 20;
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: Self::DEFAULT_STEPS, output: Self::DEFAULT_OUTPUT }
    }
}

/// Why a rule gave nothing.
pub(super) enum Stop {
    /// A finding: the other rules are still run.
    Finding(Box<Finding>),
    /// There is nothing left to run with.
    End(End),
}

pub(super) enum End {
    Steps,
    Output,
    /// Enough is wrong.
    Findings,
}

pub(super) type Result<T> = std::result::Result<T, Stop>;

/// One run.
pub(super) struct Run<'a> {
    pub(super) input: &'a Tree<'a>,
    pub(super) context: &'a Context<'a>,
    steps: u64,
    output: usize,
    /// The largest text that may be made on the way.
    largest: usize,
    findings: Vec<Finding>,
}

impl<'a> Run<'a> {
    pub(super) fn new(input: &'a Tree<'a>, context: &'a Context<'a>, budget: &Budget) -> Self {
        let Budget { steps, output } = *budget;
        let largest = output.saturating_mul(LARGEST_FACTOR);
        Self { input, context, steps, output, largest, findings: Vec::new() }
    }

    /// Runs a whole map. Without any member set the result is an empty object.
    pub(super) fn all(mut self, lets: &'a [Expr], body: &'a Body) -> std::result::Result<Tree<'a>, MapFailure> {
        let made = self.outermost(lets, body);
        match made {
            Err(Stop::End(End::Steps)) => Err(MapFailure::Steps),
            Err(Stop::End(End::Output)) => Err(MapFailure::Output),
            Err(Stop::Finding(finding)) => {
                self.findings.push(*finding);
                Err(MapFailure::Findings(self.findings))
            }
            Err(Stop::End(End::Findings)) => Err(MapFailure::Findings(self.findings)),
            Ok(_) if !self.findings.is_empty() => Err(MapFailure::Findings(self.findings)),
            Ok(made) => Ok(made.unwrap_or_else(|| Tree::Object(Members::default()))),
        }
    }

    fn outermost(&mut self, lets: &'a [Expr], body: &'a Body) -> Result<Option<Tree<'a>>> {
        let mut slots = Vec::with_capacity(lets.len());
        for value in lets {
            let frame = Frame { lets: &slots, let_sources: lets, item: None };
            let slot = match self.eval(value, &frame) {
                Ok(Got::Absent) => Slot::Absent,
                Ok(Got::At(Reached::Input(tree))) => Slot::Input(tree),
                Ok(Got::At(Reached::Made(tree))) => Slot::Made(self.copy(Reached::Made(tree))?),
                Ok(Got::Own(tree)) => Slot::Made(tree),
                Err(stop) => {
                    self.note(stop)?;
                    Slot::Absent
                }
            };
            slots.push(slot);
        }
        let frame = Frame { lets: &slots, let_sources: lets, item: None };
        self.body(body, &frame)
    }

    fn body<'r>(&mut self, body: &'a Body, frame: &Frame<'r, 'a>) -> Result<Option<Tree<'a>>> {
        match body {
            Body::Members(object) => self.object(object, frame),
            Body::Itself(part) => self.noted_part(part, frame),
        }
    }

    /// `None` when no member is set.
    fn object<'r>(&mut self, plan: &'a Object, frame: &Frame<'r, 'a>) -> Result<Option<Tree<'a>>> {
        let mut members: Vec<Member<'a>> = Vec::with_capacity(plan.fields.len());
        for field in &plan.fields {
            let (key, value) = match field {
                Field::One { key, part } => (key, self.noted_part(part, frame)?),
                Field::List { key, parts } => (key, self.list(parts, frame)?),
                Field::Inner { key, object } => (key, self.object(object, frame)?),
                Field::Rest(part) => {
                    self.rest(plan, part, frame, &mut members)?;
                    continue;
                }
            };
            if let Some(value) = value {
                self.put(key.as_str().len())?;
                members.push(Member::with_key(key.borrowed(), value));
            }
        }
        if members.is_empty() {
            return Ok(None);
        }
        self.put(VALUE_BYTES)?;
        let members = Members::sorted(members).expect("names of one object are set once and `*` leaves them out");
        Ok(Some(Tree::Object(members)))
    }

    fn rest<'r>(
        &mut self,
        plan: &'a Object,
        part: &'a Part,
        frame: &Frame<'r, 'a>,
        into: &mut Vec<Member<'a>>,
    ) -> Result<()> {
        let Make::Value(source) = &part.make else { return Ok(()) };
        let got = match self
            .when(part, frame)
            .and_then(|holds| if holds { self.eval(source, frame) } else { Ok(Got::Absent) })
        {
            Ok(got) => got,
            Err(stop) => return self.note(stop),
        };
        let named = |member: &&Member<'_>| plan.named.binary_search_by(|key| key.cmp(&member.key)).is_ok();
        match got {
            Got::At(Reached::Input(Tree::Object(members))) => {
                for member in members.in_order().into_iter().filter(|member| !named(member)) {
                    let value = self.copy(Reached::Input(&member.value))?;
                    self.put_member(member.key.borrowed(), value, into)?;
                }
            }
            Got::At(Reached::Made(Tree::Object(members))) => {
                for member in members.in_order().into_iter().filter(|member| !named(member)) {
                    let value = self.copy(Reached::Made(&member.value))?;
                    self.put_member(member.key.clone(), value, into)?;
                }
            }
            Got::Own(Tree::Object(members)) => {
                for member in members.into_order().into_iter().filter(|member| !named(&member)) {
                    self.step(1)?;
                    self.put_member(member.key, member.value, into)?;
                }
            }
            _ if got.is_nothing() => {}
            _ => {
                let stop = self.finding(source, frame, "type", "must be an object".to_owned());
                return self.note(stop);
            }
        }
        Ok(())
    }

    fn put_member(&mut self, key: Key<'a>, value: Tree<'a>, into: &mut Vec<Member<'a>>) -> Result<()> {
        self.put(key.as_str().len())?;
        self.weigh(&value)?;
        into.push(Member::with_key(key, value));
        Ok(())
    }

    fn list<'r>(&mut self, parts: &'a [Part], frame: &Frame<'r, 'a>) -> Result<Option<Tree<'a>>> {
        let mut all: Option<Vec<Tree<'a>>> = None;
        for part in parts {
            let items = match self.noted_part(part, frame)? {
                None => continue,
                Some(Tree::List(items)) => items,
                Some(single) => vec![single],
            };
            match &mut all {
                None => all = Some(items),
                Some(all) => all.extend(items),
            }
        }
        if all.is_some() {
            self.put(VALUE_BYTES)?;
        }
        Ok(all.map(Tree::List))
    }

    /// What a part gives; a finding is noted and gives nothing.
    fn noted_part<'r>(&mut self, part: &'a Part, frame: &Frame<'r, 'a>) -> Result<Option<Tree<'a>>> {
        match self.part(part, frame) {
            Ok(made) => Ok(made),
            Err(stop) => self.note(stop).map(|()| None),
        }
    }

    fn note(&mut self, stop: Stop) -> Result<()> {
        match stop {
            Stop::Finding(finding) => {
                self.findings.push(*finding);
                if self.findings.len() >= MAX_FINDINGS { Err(Stop::End(End::Findings)) } else { Ok(()) }
            }
            end => Err(end),
        }
    }

    fn when<'r>(&mut self, part: &'a Part, frame: &Frame<'r, 'a>) -> Result<bool> {
        match &part.when {
            None => Ok(true),
            Some(condition) => self.truth(condition, frame),
        }
    }

    fn part<'r>(&mut self, part: &'a Part, frame: &Frame<'r, 'a>) -> Result<Option<Tree<'a>>> {
        if !self.when(part, frame)? {
            return Ok(None);
        }
        match &part.make {
            Make::Value(value) => {
                let got = self.eval(value, frame)?;
                self.place(got)
            }
            Make::Block(object) => self.object(object, frame),
            Make::Each { source, body } => self.each(source, body, frame),
        }
    }

    fn each<'r>(&mut self, source: &'a Expr, body: &'a Body, frame: &Frame<'r, 'a>) -> Result<Option<Tree<'a>>> {
        let got = self.eval(source, frame)?;
        let whole = match &got {
            Got::Absent => return Ok(None),
            Got::At(reached) => *reached,
            Got::Own(tree) => Reached::Made(tree),
        };
        let (count, single) = match whole.tree() {
            Tree::Null => return Ok(None),
            Tree::List(items) => (items.len(), false),
            _ => (1, true),
        };
        let mut made = Vec::new();
        for n in 0..count {
            self.step(1)?;
            let Some(value) = whole.entry(n) else { break };
            let item = Item { value, source, index: (!single).then_some(n), outer: *frame };
            let inner = Frame { item: Some(&item), ..*frame };
            if let Some(value) = self.body(body, &inner)? {
                made.push(value);
            }
        }
        Ok(Some(Tree::List(made)))
    }

    /// The value as a part of the result.
    fn place<'r>(&mut self, got: Got<'r, 'a>) -> Result<Option<Tree<'a>>> {
        let tree = match got {
            Got::Absent => return Ok(None),
            Got::At(reached) => self.copy(reached)?,
            Got::Own(tree) => tree,
        };
        self.weigh(&tree)?;
        Ok(Some(tree))
    }

    /// Counts a value into the result, the names in it included.
    fn weigh(&mut self, tree: &Tree<'_>) -> Result<()> {
        match tree {
            Tree::Text(text) => self.put(VALUE_BYTES + text.len()),
            Tree::Null | Tree::Bool(_) | Tree::Number(_) => self.put(VALUE_BYTES),
            Tree::List(items) => {
                self.put(VALUE_BYTES)?;
                items.iter().try_for_each(|item| self.weigh(item))
            }
            Tree::Object(members) => {
                self.put(VALUE_BYTES)?;
                members.as_slice().iter().try_for_each(|member| {
                    self.put(member.key.as_str().len())?;
                    self.weigh(&member.value)
                })
            }
        }
    }

    /// The same value, texts of the message borrowed.
    pub(super) fn copy<'r>(&mut self, reached: Reached<'r, 'a>) -> Result<Tree<'a>> {
        self.step(1)?;
        match reached {
            Reached::Input(tree) => Ok(match tree {
                Tree::Null => Tree::Null,
                Tree::Bool(value) => Tree::Bool(*value),
                Tree::Number(number) => Tree::Number(number.clone()),
                Tree::Text(text) => Tree::Text(Cow::Borrowed(text)),
                Tree::List(items) => {
                    Tree::List(items.iter().map(|item| self.copy(Reached::Input(item))).collect::<Result<_>>()?)
                }
                Tree::Object(members) => Tree::Object(
                    members.try_map(|key, value| Ok::<_, Stop>((key.borrowed(), self.copy(Reached::Input(value))?)))?,
                ),
            }),
            Reached::Made(tree) => Ok(match tree {
                Tree::Null => Tree::Null,
                Tree::Bool(value) => Tree::Bool(*value),
                Tree::Number(number) => Tree::Number(number.clone()),
                Tree::Text(text) => {
                    self.made(text.len())?;
                    Tree::Text(text.clone())
                }
                Tree::List(items) => {
                    Tree::List(items.iter().map(|item| self.copy(Reached::Made(item))).collect::<Result<_>>()?)
                }
                Tree::Object(members) => Tree::Object(
                    members.try_map(|key, value| Ok::<_, Stop>((key.clone(), self.copy(Reached::Made(value))?)))?,
                ),
            }),
        }
    }

    pub(super) fn step(&mut self, steps: u64) -> Result<()> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(Stop::End(End::Steps)),
        }
    }

    fn put(&mut self, bytes: usize) -> Result<()> {
        match self.output.checked_sub(bytes) {
            Some(left) => {
                self.output = left;
                Ok(())
            }
            None => Err(Stop::End(End::Output)),
        }
    }

    /// Counts work with `bytes` of a text: searching it, or making it.
    pub(super) fn work(&mut self, bytes: usize) -> Result<()> {
        self.step((bytes / STEP_BYTES) as u64)
    }

    /// Counts a text of `bytes` that is made, and refuses one that is too large; asked before, where it can grow.
    pub(super) fn made(&mut self, bytes: usize) -> Result<()> {
        if bytes > self.largest { Err(Stop::End(End::Output)) } else { self.work(bytes) }
    }
}

//! Rules in the order of their lines become objects in the order of their members; what is set twice is found.
//!
//! It does not read text and does not run anything.

use std::collections::HashMap;

use super::error::MapProblem;
use super::lines::{Clash, Last, Rule, Shown};
use super::plan::{Body, Field, Object, Part, owned_key};

/// An object while rules are added.
#[derive(Default)]
struct Draft {
    members: Vec<Member>,
    by_name: HashMap<String, usize>,
    rest: Option<usize>,
}

struct Member {
    name: String,
    line: usize,
    kind: Kind,
}

enum Kind {
    One(Part),
    List(Vec<Part>),
    Inner(Draft),
    Rest(Part),
}

/// The rules of a file or of an `each`: members, or the value itself. `None` when there are clashes.
pub(super) fn arrange_body(mut rules: Vec<Rule>, clashes: &mut Vec<Clash>) -> Option<Body> {
    let Some(at) = rules.iter().position(|rule| rule.target.last == Last::Itself) else {
        return arrange(rules, clashes).map(Body::Members);
    };
    let itself = rules.remove(at);
    if let Some(other) = rules.first() {
        let problem = MapProblem::ItselfAndMembers { first: other.line };
        clashes.push(Clash { line: itself.line, shown: itself.shown, problem });
        return None;
    }
    Some(Body::Itself(Box::new(itself.part)))
}

/// The rules of a block. `None` when there are clashes.
pub(super) fn arrange(rules: Vec<Rule>, clashes: &mut Vec<Clash>) -> Option<Object> {
    let mut draft = Draft::default();
    let before = clashes.len();
    for rule in rules {
        let Rule { line, target, part, shown } = rule;
        let clash = match target.last {
            Last::Itself => {
                let what = "the name of a member; `.` stands only in `each` or outside of all blocks";
                Some(MapProblem::Expected { what, found: ".".to_owned() })
            }
            last => draft.insert(&target.names, last, line, part).err(),
        };
        if let Some(problem) = clash {
            let Shown { target, source } = shown;
            clashes.push(Clash { line, shown: Shown { target, source }, problem });
        }
    }
    (clashes.len() == before).then(|| draft.finish())
}

impl Draft {
    fn insert(&mut self, names: &[String], last: Last, line: usize, part: Part) -> Result<(), MapProblem> {
        let (name, deeper) = match names {
            [] => return self.rest(line, part),
            [name] if last != Last::Rest => (name, None),
            [name, deeper @ ..] => (name, Some(deeper)),
        };
        let Some(at) = self.by_name.get(name) else {
            let kind = match (deeper, last) {
                (Some(deeper), _) => {
                    let mut inner = Self::default();
                    inner.insert(deeper, last, line, part)?;
                    Kind::Inner(inner)
                }
                (None, Last::List) => Kind::List(vec![part]),
                (None, _) => Kind::One(part),
            };
            self.by_name.insert(name.clone(), self.members.len());
            self.members.push(Member { name: name.clone(), line, kind });
            return Ok(());
        };
        let member = &mut self.members[*at];
        let first = member.line;
        match (&mut member.kind, deeper) {
            (Kind::Inner(inner), Some(deeper)) => inner.insert(deeper, last, line, part),
            (Kind::List(parts), None) if last == Last::List => {
                parts.push(part);
                Ok(())
            }
            (Kind::One(_), None) if last == Last::Member => Err(MapProblem::SetTwice { first }),
            _ => Err(MapProblem::ValueAndObject { first }),
        }
    }

    fn rest(&mut self, line: usize, part: Part) -> Result<(), MapProblem> {
        if let Some(first) = self.rest {
            return Err(MapProblem::RestTwice { first });
        }
        self.rest = Some(line);
        self.members.push(Member { name: String::new(), line, kind: Kind::Rest(part) });
        Ok(())
    }

    fn finish(self) -> Object {
        let mut named = Vec::new();
        if self.rest.is_some() {
            named = self.by_name.keys().map(|name| owned_key(name)).collect();
            named.sort_unstable_by(|one, other| one.cmp(other));
        }
        let fields = self.members.into_iter().map(|Member { name, kind, .. }| match kind {
            Kind::One(part) => Field::One { key: owned_key(&name), part },
            Kind::List(parts) => Field::List { key: owned_key(&name), parts },
            Kind::Inner(draft) => Field::Inner { key: owned_key(&name), object: draft.finish() },
            Kind::Rest(part) => Field::Rest(part),
        });
        Object { fields: fields.collect(), named }
    }
}

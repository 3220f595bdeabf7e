//! Which elements may follow which: the content of a type as a machine that reads names.
//!
//! Every name is read once; there is no going back.

use std::collections::HashSet;

use super::document::Name;
use super::model::{Element, ElementId, Particle, Process, Term, Wildcard};

/// States of one machine: `maxOccurs="10000"` is better written as unbounded.
const MAX_STATES: usize = 20_000;
/// What all states of a machine reach, together.
const MAX_REACH: usize = 1_000_000;
/// Elements of one `all`.
const MAX_ALL: usize = 64;

/// What a step reads.
#[derive(Clone)]
enum Label {
    Element(ElementId),
    Any(Wildcard),
}

#[derive(Clone, Default)]
struct State {
    steps: Vec<(Label, usize)>,
    /// Reached without reading anything.
    free: Vec<usize>,
    /// Where one may be after getting here: here, and all that is reached without reading, as far as it matters.
    reach: Vec<usize>,
}

/// The content of one type.
#[derive(Clone, Default)]
pub(super) struct Automaton {
    states: Vec<State>,
    last: usize,
    /// The elements of an `all`, and whether each must be there; the machine above is not used then.
    all: Option<All>,
}

#[derive(Clone)]
struct All {
    elements: Vec<(ElementId, bool)>,
    optional: bool,
}

/// Where a reading stands.
pub(super) enum Position {
    /// The states that are possible, as a sorted set.
    States(Vec<usize>),
    /// One bit for every element of an `all` that was there.
    Seen(u64),
}

/// What a name was read as.
pub(super) enum Read {
    Element(ElementId),
    Any(Process),
}

/// Why there is no machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsuitable {
    TooLarge,
    All,
}

/// For every element those that may stand in its place, transitively.
pub(super) type Family = [Vec<ElementId>];

impl Automaton {
    pub(super) fn new(particle: &Particle, family: &Family) -> Result<Self, Unsuitable> {
        if let Term::All(inside) = &particle.term {
            return Self::all(particle, inside, family);
        }
        let mut automaton = Self { states: vec![State::default()], last: 0, all: None };
        automaton.last = automaton.add(particle, 0, family)?;
        automaton.close()?;
        Ok(automaton)
    }

    fn all(particle: &Particle, inside: &[Particle], family: &Family) -> Result<Self, Unsuitable> {
        let mut elements = Vec::new();
        for one in inside {
            match one.term {
                Term::Element(id) if one.max == Some(1) && family[id].is_empty() => {
                    elements.push((id, one.min > 0));
                }
                Term::Element(_) if one.max == Some(0) => {}
                _ => return Err(Unsuitable::All),
            }
        }
        if elements.len() > MAX_ALL || particle.max != Some(1) {
            return Err(Unsuitable::All);
        }
        let all = Some(All { elements, optional: particle.min == 0 });
        Ok(Self { all, ..Self::default() })
    }

    fn state(&mut self) -> Result<usize, Unsuitable> {
        if self.states.len() >= MAX_STATES {
            return Err(Unsuitable::TooLarge);
        }
        self.states.push(State::default());
        Ok(self.states.len() - 1)
    }

    /// Adds what a particle reads after `from`; where it ends.
    fn add(&mut self, particle: &Particle, from: usize, family: &Family) -> Result<usize, Unsuitable> {
        let most = particle.max.unwrap_or(particle.min).max(particle.min);
        if most as usize > MAX_STATES {
            return Err(Unsuitable::TooLarge);
        }
        let mut at = from;
        for _ in 0..particle.min {
            at = self.once(&particle.term, at, family)?;
        }
        let end = self.state()?;
        match particle.max {
            // A loop of its own, so that what comes before cannot be entered again.
            None => {
                let start = self.state()?;
                self.states[at].free.push(start);
                let again = self.once(&particle.term, start, family)?;
                self.states[again].free.push(start);
                self.states[start].free.push(end);
            }
            Some(max) => {
                for _ in particle.min..max {
                    self.states[at].free.push(end);
                    at = self.once(&particle.term, at, family)?;
                }
                self.states[at].free.push(end);
            }
        }
        Ok(end)
    }

    fn once(&mut self, term: &Term, from: usize, family: &Family) -> Result<usize, Unsuitable> {
        let end = match term {
            Term::Element(id) => {
                let end = self.state()?;
                for id in std::iter::once(id).chain(&family[*id]) {
                    self.states[from].steps.push((Label::Element(*id), end));
                }
                end
            }
            Term::Any(wildcard) => {
                let end = self.state()?;
                self.states[from].steps.push((Label::Any(wildcard.clone()), end));
                end
            }
            Term::Sequence(parts) => {
                let mut at = from;
                for part in parts {
                    at = self.add(part, at, family)?;
                }
                at
            }
            Term::Choice(parts) => {
                let end = self.state()?;
                for part in parts {
                    // Each begins in a state of its own: what repeats there must not open the others again.
                    let start = self.state()?;
                    self.states[from].free.push(start);
                    let last = self.add(part, start, family)?;
                    self.states[last].free.push(end);
                }
                end
            }
            Term::All(_) => return Err(Unsuitable::All),
        };
        Ok(end)
    }

    pub(super) fn start(&self) -> Position {
        if self.all.is_some() { Position::Seen(0) } else { Position::States(self.states[0].reach.clone()) }
    }

    fn close(&mut self) -> Result<(), Unsuitable> {
        let mut total = 0;
        for state in 0..self.states.len() {
            let (mut reach, mut at) = (vec![state], 0);
            let mut seen = HashSet::from([state]);
            while at < reach.len() {
                reach.extend(self.states[reach[at]].free.iter().filter(|next| seen.insert(**next)));
                at += 1;
            }
            reach.retain(|at| *at == self.last || !self.states[*at].steps.is_empty());
            total += reach.len();
            if total > MAX_REACH {
                return Err(Unsuitable::TooLarge);
            }
            self.states[state].reach = reach;
        }
        Ok(())
    }

    /// Reads the name of the next element; `None` when it may not stand here.
    pub(super) fn read(&self, position: &mut Position, uri: &str, local: &str, elements: &[Element]) -> Option<Read> {
        let is = |name: &Name| name.local == local && name.uri == uri;
        match position {
            Position::Seen(seen) => {
                let all = self.all.as_ref().expect("only these have such a position");
                let n = all.elements.iter().position(|(id, _)| is(&elements[*id].name))?;
                if *seen & (1 << n) != 0 {
                    return None;
                }
                *seen |= 1 << n;
                Some(Read::Element(all.elements[n].0))
            }
            Position::States(states) => {
                let (mut next, mut found) = (Vec::new(), None);
                for (label, target) in states.iter().flat_map(|state| &self.states[*state].steps) {
                    let read = match label {
                        Label::Element(id) if is(&elements[*id].name) => Read::Element(*id),
                        Label::Any(wildcard) if wildcard.allows(uri) => Read::Any(wildcard.process),
                        _ => continue,
                    };
                    // A declaration says more than a wildcard.
                    if !matches!((&found, &read), (Some(Read::Element(_)), Read::Any(_))) {
                        found = Some(read);
                    }
                    if !next.contains(target) {
                        next.push(*target);
                    }
                }
                if found.is_some() {
                    *states = match next[..] {
                        [only] => self.states[only].reach.clone(),
                        _ => next.iter().flat_map(|target| self.states[*target].reach.iter().copied()).collect(),
                    };
                }
                found
            }
        }
    }

    /// Whether the content may end here.
    pub(super) fn is_complete(&self, position: &Position) -> bool {
        match (position, &self.all) {
            (Position::Seen(seen), Some(all)) => {
                let missing = all.elements.iter().enumerate().any(|(n, (_, must))| *must && seen & (1 << n) == 0);
                !missing || all.optional && *seen == 0
            }
            (Position::States(states), _) => states.contains(&self.last),
            (Position::Seen(_), None) => false,
        }
    }

    /// The names of elements that may come next, for people.
    pub(super) fn expected<'s>(&self, position: &Position, elements: &'s [Element]) -> Vec<&'s str> {
        let ids: Vec<ElementId> = match (position, &self.all) {
            (Position::Seen(seen), Some(all)) => {
                let left = all.elements.iter().enumerate().filter(|(n, _)| seen & (1 << n) == 0);
                left.map(|(_, (id, _))| *id).collect()
            }
            (Position::States(states), _) => {
                let steps = states.iter().flat_map(|state| &self.states[*state].steps);
                steps.filter_map(|(label, _)| if let Label::Element(id) = label { Some(*id) } else { None }).collect()
            }
            (Position::Seen(_), None) => Vec::new(),
        };
        let mut names: Vec<&str> = ids.iter().map(|id| elements[*id].name.local.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Any element of this name that the content knows: what to make of one that stands in the wrong place.
    pub(super) fn known(&self, uri: &str, local: &str, elements: &[Element]) -> Option<ElementId> {
        let all = self.all.iter().flat_map(|all| all.elements.iter().map(|(id, _)| *id));
        let steps = self.states.iter().flat_map(|state| &state.steps);
        let others = steps.filter_map(|(label, _)| if let Label::Element(id) = label { Some(*id) } else { None });
        all.chain(others).find(|id| elements[*id].name.local == local && elements[*id].name.uri == uri)
    }
}

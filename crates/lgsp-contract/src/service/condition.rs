//! A condition of the mapping language over one message: whether a partner's answer means that it took effect.

use lgsp_model::Timestamp;

use crate::map::{Budget, Context, Map};
use crate::tree::Tree;

pub(crate) struct Condition(Map);

impl Condition {
    /// The rule of a map that says whether `condition` holds.
    pub(crate) fn rule(condition: &str) -> String {
        format!("holds <- true when {condition}")
    }

    /// `map` is compiled from [`Condition::rule`].
    pub(crate) fn new(map: Map) -> Self {
        Self(map)
    }

    /// Whether it holds; a message on which it cannot be evaluated does not fulfil it.
    pub(crate) fn holds(&self, tree: &Tree<'_>, now: Timestamp) -> bool {
        let context = Context { now: Some(now), ..Context::default() };
        self.0.run(tree, &context, &Budget::default()).is_ok_and(|result| result.get("holds").is_some())
    }
}

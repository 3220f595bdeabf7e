//! Things by their names up to a bound: the oldest go first.
//!
//! It knows no time: who keeps something that ends writes the end into it.

use std::collections::{HashMap, VecDeque};

/// Entries of one map unless it was made with another bound; a script without end pushes out what came first.
const MAX_ENTRIES: usize = 10_000;

pub(crate) struct Recent<V> {
    rows: HashMap<String, V>,
    order: VecDeque<String>,
    limit: usize,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self::with_limit(MAX_ENTRIES)
    }
}

impl<V> Recent<V> {
    pub(crate) fn with_limit(limit: usize) -> Self {
        Self { rows: HashMap::new(), order: VecDeque::new(), limit }
    }

    /// Keeps a value under a name that is new.
    pub(crate) fn put(&mut self, name: String, value: V) {
        if self.order.len() == self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.rows.remove(&oldest);
        }
        self.order.push_back(name.clone());
        self.rows.insert(name, value);
    }

    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        self.rows.get(name)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        self.rows.get_mut(name)
    }

    /// In the order in which they came.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.order.iter().filter_map(|name| self.rows.get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let mut recent = Recent::default();
        for number in 0..MAX_ENTRIES + 2 {
            recent.put(number.to_string(), number);
        }
        assert_eq!((recent.get("1"), recent.get("2")), (None, Some(&2)));
        assert_eq!((recent.values().count(), recent.values().next_back()), (MAX_ENTRIES, Some(&(MAX_ENTRIES + 1))));
    }
}

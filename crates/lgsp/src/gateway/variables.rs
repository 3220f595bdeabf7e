//! Where the values of `${NAME}` in contracts come from: the environment, or a table that whoever starts a gateway gives.

use std::collections::HashMap;
use std::sync::Arc;

/// Values by name. They are secrets as often as not: nothing shows them.
#[derive(Clone)]
pub struct Variables(Option<Arc<HashMap<String, String>>>);

impl Variables {
    /// Those of the process, looked up anew at every reload.
    pub fn of_environment() -> Self {
        Self(None)
    }

    /// These and no others.
    pub fn of(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(Some(Arc::new(values.into_iter().collect())))
    }

    pub(super) fn value(&self, name: &str) -> Option<String> {
        match &self.0 {
            None => std::env::var(name).ok(),
            Some(values) => values.get(name).cloned(),
        }
    }
}

//! Senders and agencies as small numbers. The chain hashes the texts, so a changed table shows.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};

/// Texts remembered in memory; there are some thousands of agencies and members. Beyond this the table is asked.
const REMEMBERED: usize = 65_536;

/// The writer's side: gives numbers out.
#[derive(Default)]
pub(super) struct Names {
    ids: HashMap<Arc<str>, i64>,
    uncommitted: Vec<Arc<str>>,
}

impl Names {
    /// The number of `text`, made now when it has none.
    pub(super) fn id(&mut self, conn: &Connection, text: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.ids.get(text) {
            return Ok(*id);
        }
        let known: Option<i64> = conn
            .prepare_cached("SELECT id FROM name WHERE text = ?1")?
            .query_row([text], |row| row.get(0))
            .optional()?;
        let text: Arc<str> = text.into();
        let id = match known {
            Some(id) => id,
            None => {
                conn.prepare_cached("INSERT INTO name(text) VALUES (?1)")?.execute([&*text])?;
                self.uncommitted.push(text.clone());
                conn.last_insert_rowid()
            }
        };
        if self.ids.len() == REMEMBERED {
            self.ids.clear();
        }
        self.ids.insert(text, id);
        Ok(id)
    }

    /// The numbers given out since the last commit are on disk.
    pub(super) fn committed(&mut self) {
        self.uncommitted.clear();
    }

    /// They are not.
    pub(super) fn rolled_back(&mut self) {
        for text in self.uncommitted.drain(..) {
            self.ids.remove(&text);
        }
    }
}

/// A reader's side: from numbers to texts.
#[derive(Default)]
pub(super) struct NameTexts {
    texts: HashMap<i64, Arc<str>>,
}

impl NameTexts {
    /// The text of a number.
    pub(super) fn text(&mut self, conn: &Connection, id: i64) -> rusqlite::Result<Arc<str>> {
        if let Some(text) = self.texts.get(&id) {
            return Ok(text.clone());
        }
        let text: String =
            conn.prepare_cached("SELECT text FROM name WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
        let text: Arc<str> = text.into();
        if self.texts.len() == REMEMBERED {
            self.texts.clear();
        }
        self.texts.insert(id, text.clone());
        Ok(text)
    }
}

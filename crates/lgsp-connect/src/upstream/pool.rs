//! The idle HTTP/1.1 connections to one server: the one that was used last goes out first, so that those that are not
//! needed grow old and are closed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::line::Line;

#[expect(clippy::vec_box, reason = "lines come in boxes and leave in them: moving one is moving a pointer")]
pub(super) struct Pool {
    idle: Mutex<Vec<Box<Line>>>,
    most: usize,
    idle_timeout: Duration,
}

impl Pool {
    pub(super) fn new(most: usize, idle_timeout: Duration) -> Self {
        Self { idle: Mutex::new(Vec::new()), most, idle_timeout }
    }

    /// A connection that was not idle for too long. Its server may have closed it: using it tells.
    pub(super) fn take(&self) -> Option<Box<Line>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let line = idle.pop()?;
        if line.idle_since.elapsed() < self.idle_timeout {
            return Some(line);
        }
        // All the others were idle for longer.
        let old = std::mem::take(&mut *idle);
        drop(idle);
        drop(old);
        None
    }

    /// Keeps a connection for the next call, if it can take one.
    pub(super) fn put(&self, mut line: Box<Line>) {
        if !line.is_free() {
            return;
        }
        line.rest();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.most {
            idle.push(line);
        }
    }

    /// Closes those that were idle for too long.
    pub(super) fn sweep(&self, now: Instant) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let young = idle.partition_point(|line| now.duration_since(line.idle_since) >= self.idle_timeout);
        let old: Vec<_> = idle.drain(..young).collect();
        drop(idle);
        drop(old);
    }

    pub(super) fn len(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

//! What no notification reports: lines that have waited long enough, and files that have been quiet
//! long enough.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::tail::Pumped;
use super::watch::Key;
use super::{ENDED, Follow, Notice};
use crate::files::splitter::Ahead;
use crate::files::{Block, FileError, Position};
use crate::paths::escaped;

impl<F: Send + Sync> Follow<F> {
    /// When the next file has something to do that no notification will report.
    pub(super) fn next_due(&mut self) -> Option<Instant> {
        let (hold, grace) = (self.hold, self.grace);
        let tails = &mut self.tails;
        self.timed.iter().filter_map(|key| tails.get_mut(key)?.due(hold, grace)).min()
    }

    /// Hands on lines that have waited long enough and closes files that have been quiet long
    /// enough.
    pub(super) fn run_due(
        &mut self,
        now: Instant,
        out: &mut VecDeque<Block<F>>,
    ) -> Result<(), FileError> {
        for key in std::mem::take(&mut self.timed) {
            let Some(tail) = self.tails.get_mut(&key) else { continue };
            tail.timed = false;
            let due = tail.due(self.hold, self.grace);
            if due.is_some_and(|at| at <= now) && !tail.queued {
                // Read once more: a line may have come that was not notified yet.
                let read_to = tail.read_to();
                let done = match tail.pump(&mut self.recognize, out, usize::MAX, now) {
                    Ok(pumped) => self.finish(key, pumped, read_to, now, out),
                    Err(error) => Err(error),
                };
                if let Err(error) = done {
                    self.drop_tail(key, error)?;
                }
            }
            let again =
                self.tails.get_mut(&key).is_some_and(|t| t.due(self.hold, self.grace).is_some());
            if again {
                self.look_later(key);
            }
        }
        Ok(())
    }

    /// Does what is due for a file that was just read again from `read_to`.
    fn finish(
        &mut self,
        key: Key,
        pumped: Pumped,
        read_to: u64,
        now: Instant,
        out: &mut VecDeque<Block<F>>,
    ) -> Result<(), FileError> {
        let Some(tail) = self.tails.get_mut(&key) else { return Ok(()) };
        if pumped != Pumped::Dry || tail.read_to() != read_to {
            self.enqueue(key, true);
            return Ok(());
        }
        if tail.closing_due(self.grace).is_none_or(|at| at > now) {
            // It may be due only because lines need no surer answer any more.
            let quiet = tail.lines_due(self.hold).is_some_and(|at| at <= now);
            let ahead = if quiet { Ahead::Idle } else { Ahead::More };
            return tail.hand_on(ahead, &mut self.recognize, out, usize::MAX);
        }
        tail.hand_on(Ahead::End, &mut self.recognize, out, usize::MAX)?;
        let Some(tail) = self.tails.remove(&key) else { return Ok(()) };
        let read_to = tail.read_to();
        if let Some(data) = tail.data() {
            self.known.insert(tail.path.clone(), Arc::clone(data));
        }
        if !tail.is_deleted() {
            if self.ended.len() == ENDED {
                self.ended.pop_front();
            }
            let path = escaped(&tail.path).into_owned();
            self.ended.push_back(Position { identity: tail.identity(), path, offset: read_to });
        }
        if let Some(wd) = tail.watch {
            self.watcher.unwatch(wd);
        }
        self.report(Notice::Ended { path: tail.path, read_to });
        Ok(())
    }
}

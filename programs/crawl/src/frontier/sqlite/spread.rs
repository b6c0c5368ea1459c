//! A shorter way to a URL goes on to what that one led to, within the transaction that is open.

use std::borrow::Cow;

use rusqlite::Connection;

use super::memory::{Memory, Number};
use super::nearer::Links;
use super::write::Batch;
use crate::frontier::way::Way;
use crate::frontier::{FrontierError, Step};

impl Batch<'_> {
    /// A URL that is known is reached this way as well.
    pub(super) fn shorten(&mut self, memory: &mut Memory, url: Number, way: Way) {
        let before = self.way(memory, url);
        let Some(now) = before.or(way) else { return };
        match (url as usize).checked_sub(memory.urls() + 1) {
            Some(at) => self.new[at].way = now,
            None => {
                memory.set_way(url, now);
                self.nearer.before.push((url, before));
                self.nearer.todo.insert((now.rank(), now.redirects, url));
            }
        }
    }

    /// Brings all that can be reached from what has become nearer to its new place.
    ///
    /// # Errors
    /// The database fails. Whether there was a number for everything that came into reach, is the
    /// answer.
    pub(super) fn spread(
        &mut self,
        memory: &mut Memory,
        connection: &Connection,
        name: &str,
    ) -> Result<bool, FrontierError> {
        while let Some((rank, redirects, url)) = self.nearer.todo.pop_first() {
            let way = memory.way(url);
            if (way.rank(), way.redirects) != (rank, redirects) {
                continue;
            }
            let (links, is_here) = match self.links.remove(&url) {
                Some(links) => (Some(links), true),
                None => (Links::read(connection, name, url)?, false),
            };
            let links = match links {
                Some(Links::Within(step, numbers)) => {
                    if let Some(child) = way.step(step) {
                        numbers.iter().for_each(|number| self.shorten(memory, *number, child));
                    }
                    is_here.then_some(Links::Within(step, numbers))
                }
                Some(Links::Beyond(step, found)) => {
                    match way.step(step).filter(|way| self.reach.admits(*way)) {
                        Some(child) => {
                            let found = found.into_iter().map(Cow::Owned);
                            let numbers = found
                                .map(|one| self.reached(memory, one, child, Some(url)))
                                .collect();
                            let Some(numbers) = numbers else { return Ok(false) };
                            if step == Step::Redirect {
                                self.nearer.follows(url);
                                self.mended += u64::from(!is_here);
                            }
                            Some(Links::Within(step, numbers))
                        }
                        None => is_here.then_some(Links::Beyond(step, found)),
                    }
                }
                None => None,
            };
            if let Some(links) = links {
                self.links.insert(url, links);
            }
        }
        Ok(true)
    }
}

//! What a shorter way to a URL changes: that URL, and what can be reached from it if it is done
//! already.
//!
//! Nothing is asked for again: what a page leads to was kept with it.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::memory::{Memory, Number};
use super::schema::{damaged, problem};
use crate::frontier::way::Way;
use crate::frontier::{Found, FrontierError, Step, links};

/// What a page leads to that could still turn out to be nearer; all by the same step.
pub(super) enum Links {
    /// URLs that are known to the frontier.
    Within(Step, Vec<Number>),
    /// URLs that are out of its reach.
    Beyond(Step, Vec<Found>),
}

impl Links {
    /// The columns of `crawl_links`.
    pub(super) fn packed(&self) -> rusqlite::Result<(Step, Option<Vec<u8>>, Option<Vec<u8>>)> {
        let fail = |error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
        Ok(match self {
            Self::Within(step, numbers) => (*step, Some(links::pack_numbers(numbers)), None),
            Self::Beyond(step, found) => {
                (*step, None, Some(links::pack_found(found).map_err(fail)?))
            }
        })
    }

    pub(super) fn read(
        connection: &Connection,
        name: &str,
        url: Number,
    ) -> Result<Option<Self>, FrontierError> {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let sql = "SELECT step, numbers, beyond FROM crawl_links WHERE id = ?1";
        let row = connection
            .prepare_cached(sql)
            .and_then(|mut select| select.query_row([url], read).optional());
        let row: Option<(i64, Option<Vec<u8>>, Option<Vec<u8>>)> =
            row.map_err(|error| problem(name, "crawl_links", &error))?;
        let Some((step, numbers, beyond)) = row else { return Ok(None) };
        let step = links::step_of(step);
        let links = match (numbers, beyond) {
            (Some(numbers), _) => {
                links::unpack_numbers(&numbers).map(|numbers| Self::Within(step, numbers))
            }
            (None, Some(beyond)) => {
                links::unpack_found(&beyond, step).map(|found| Self::Beyond(step, found))
            }
            (None, None) => None,
        };
        links
            .map(Some)
            .ok_or_else(|| damaged(name, &format!("what its URL {url} leads to cannot be read")))
    }
}

/// URLs whose way has become shorter.
#[derive(Default)]
pub(super) struct Nearer {
    /// What they were, in the order of the changes.
    pub(super) before: Vec<(Number, Way)>,
    /// What they lead to is still to be looked at, the nearest first: so each is seldom looked at
    /// twice.
    pub(super) todo: BTreeSet<(u64, u32, Number)>,
    /// URLs whose redirect is followed, whatever their rows say.
    followed: BTreeSet<Number>,
}

impl Nearer {
    pub(super) fn is_empty(&self) -> bool {
        self.before.is_empty()
    }

    pub(super) fn follows(&mut self, url: Number) {
        self.followed.insert(url);
    }

    pub(super) fn is_followed(&self, url: Number) -> bool {
        self.followed.contains(&url)
    }

    pub(super) fn undo(&self, memory: &mut Memory) {
        for (url, way) in self.before.iter().rev() {
            memory.set_way(*url, *way);
        }
    }

    /// Stores the new ways, and notes the rows of those that were done before.
    pub(super) fn store(
        &self,
        transaction: &Transaction<'_>,
        memory: &Memory,
        are_rows_kept: bool,
    ) -> rusqlite::Result<()> {
        let urls: BTreeSet<Number> = self.before.iter().map(|(url, _)| *url).collect();
        let mut update = transaction
            .prepare_cached("UPDATE crawl_urls SET depth = ?2, redirects = ?3 WHERE id = ?1")?;
        let mut note = transaction.prepare_cached(
            "INSERT INTO crawl_nearer SELECT url, ?2, ?3, ?4 FROM crawl_urls JOIN crawl_done USING (id) WHERE id = ?1
            ON CONFLICT (url) DO UPDATE SET depth = excluded.depth, redirects = excluded.redirects,
                followed = max(followed, excluded.followed)",
        )?;
        for url in urls {
            let way = memory.way(url);
            update.execute(params![url, way.depth, way.redirects])?;
            if are_rows_kept {
                note.execute(params![
                    url,
                    way.row_depth(),
                    way.redirects,
                    self.followed.contains(&url)
                ])?;
            }
        }
        Ok(())
    }
}

/// Brings rows up to date whose pages turned out to be nearer after they were stored.
pub(super) fn mend_rows(connection: &mut Connection, name: &str) -> Result<(), FrontierError> {
    let fail = |error: rusqlite::Error| problem(name, "pages", &error);
    let transaction = connection.transaction().map_err(fail)?;
    let any: bool = transaction
        .query_row("SELECT EXISTS (SELECT 1 FROM crawl_nearer)", [], |row| row.get(0))
        .map_err(fail)?;
    if !any {
        return Ok(());
    }
    transaction
        .execute_batch(
            "UPDATE pages SET depth = n.depth, redirects = n.redirects,
                message = CASE WHEN n.followed AND error = 'redirect' THEN NULL ELSE message END,
                error = CASE WHEN n.followed AND error = 'redirect' THEN NULL ELSE error END
            FROM crawl_nearer AS n WHERE pages.url = n.url;
            DELETE FROM crawl_nearer;",
        )
        .map_err(fail)?;
    transaction.commit().map_err(fail)
}

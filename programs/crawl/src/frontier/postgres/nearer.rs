//! What pages lead to, and what a shorter way to a URL changes: that URL, and what can be reached
//! from it if it is done already.
//!
//! One crawler at a time does this, by a lock that its transaction holds to its end. Without it,
//! one could shorten the way to a page while another one stores what the page leads to, and neither
//! would see what the other does.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use ::postgres::Row;

use super::candidates::{self, Candidate};
use super::session::Session;
use crate::frontier::seen::Recent;
use crate::frontier::way::{Reach, Way};
use crate::frontier::{Done, End, Found, FrontierError, Step, links};
use crate::page::{ErrorKind, Page};

const LOCK: &str = "SELECT pg_advisory_xact_lock(1668440439, hashtext(current_schema()))";

const WAYS: &str = "SELECT id, depth, redirects FROM crawl_urls WHERE id = ANY ($1)";

/// Lower is nearer: sitemaps, whose depths begin with 2^30, come before pages.
const SHORTEN: &str = "UPDATE crawl_urls AS u
    SET depth = CASE WHEN w.rank < CASE WHEN u.depth >= 1073741824 THEN u.depth - 1073741824 ELSE u.depth + 8589934592 END
            THEN w.depth ELSE u.depth END,
        redirects = least(u.redirects, w.redirects)
    FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[]) AS w (key, depth, rank, redirects)
    WHERE u.key = w.key AND (w.redirects < u.redirects
        OR w.rank < CASE WHEN u.depth >= 1073741824 THEN u.depth - 1073741824 ELSE u.depth + 8589934592 END)
    RETURNING u.id";

const LINKS: &str = "SELECT l.id, u.depth, u.redirects, l.step, l.keys, l.beyond
    FROM crawl_links AS l JOIN crawl_urls AS u USING (id) WHERE l.id = ANY ($1)";

const KEEP_LINKS: &str = "INSERT INTO crawl_links (id, step, keys, beyond)
    SELECT id, step, keys, beyond FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[]) AS l (id, step, keys, beyond)
    ON CONFLICT (id) DO UPDATE SET keys = excluded.keys, beyond = excluded.beyond";

/// Rows of pages that are stored already. What is pending gets its row with the way as it is then.
const NOTE: &str = "INSERT INTO crawl_nearer (url, depth, redirects, followed)
    SELECT u.url, CASE WHEN u.depth >= 1073741824 THEN 0 ELSE u.depth END, u.redirects, u.id = ANY ($2)
    FROM crawl_urls AS u WHERE u.id = ANY ($1)
        AND NOT EXISTS (SELECT FROM crawl_queue AS q WHERE q.host = u.host AND q.id = u.id)
    ON CONFLICT (url) DO UPDATE SET depth = excluded.depth, redirects = excluded.redirects,
        followed = crawl_nearer.followed OR excluded.followed";

const MEND_ROWS: &str =
    "WITH n AS (DELETE FROM crawl_nearer RETURNING url, depth, redirects, followed)
    UPDATE pages AS p SET depth = n.depth, redirects = n.redirects,
        message = CASE WHEN n.followed AND p.error = 'redirect' THEN NULL ELSE p.message END,
        error = CASE WHEN n.followed AND p.error = 'redirect' THEN NULL ELSE p.error END
    FROM n WHERE p.url = n.url";

/// Brings rows up to date whose pages turned out to be nearer after they were stored.
pub(super) fn mend_rows(session: &mut Session) -> Result<(), FrontierError> {
    session.query(MEND_ROWS, &[]).map(drop)
}

/// What a transaction learns of ways.
pub(super) struct Nearer {
    reach: Reach,
    /// How the pages are reached that are done in it.
    ways: HashMap<i64, Way>,
    /// URLs that are new, by host.
    pub(super) new: BTreeMap<i64, u64>,
    pub(super) new_hosts: u64,
    /// Rows that are failures no longer.
    pub(super) mended: u64,
}

/// Rows for `crawl_links`, column by column.
#[derive(Default)]
struct LinkRows {
    ids: Vec<i64>,
    steps: Vec<i64>,
    keys: Vec<Option<Vec<u8>>>,
    beyond: Vec<Option<Vec<u8>>>,
}

impl LinkRows {
    fn within<'a>(&mut self, id: i64, step: Step, found: impl IntoIterator<Item = &'a Found>) {
        let keys = found.into_iter().flat_map(|one| one.key.to_be_bytes()).collect();
        self.push(id, step, Some(keys), None);
    }

    fn push(&mut self, id: i64, step: Step, keys: Option<Vec<u8>>, beyond: Option<Vec<u8>>) {
        self.ids.push(id);
        self.steps.push(links::step_number(step));
        self.keys.push(keys);
        self.beyond.push(beyond);
    }

    fn store(&self, session: &mut Session) -> Result<(), FrontierError> {
        if !self.ids.is_empty() {
            session.query(KEEP_LINKS, &[&self.ids, &self.steps, &self.keys, &self.beyond])?;
        }
        Ok(())
    }
}

impl Nearer {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach, ways: HashMap::new(), new: BTreeMap::new(), new_hosts: 0, mended: 0 }
    }

    /// From here on nobody else adds URLs or changes ways until the transaction ends.
    pub(super) fn begin(
        &mut self,
        session: &mut Session,
        stored: &[&Done],
    ) -> Result<(), FrontierError> {
        session.query(LOCK, &[])?;
        if stored.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = stored.iter().map(|done| candidates::id(done.visit)).collect();
        for row in session.query(WAYS, &[&ids])? {
            let (id, way) = way(&row, 0).map_err(|error| session.error(error))?;
            self.ways.insert(id, way);
        }
        Ok(())
    }

    /// A row as it is to be stored: with the way as it is now.
    pub(super) fn page<'a>(&self, id: i64, page: &'a Page, found: &[Found]) -> Cow<'a, Page> {
        let Some(way) = self.ways.get(&id).copied() else { return Cow::Borrowed(page) };
        let is_mended = self.is_mended(id, page, found);
        if !is_mended && (page.depth, page.redirects) == (way.row_depth(), way.redirects) {
            return Cow::Borrowed(page);
        }
        let mut page = Page { depth: way.row_depth(), redirects: way.redirects, ..page.clone() };
        if is_mended {
            (page.error, page.message) = (None, None);
        }
        Cow::Owned(page)
    }

    /// Whether a row says that too many redirects led to it, though its redirect is followed.
    fn is_mended(&self, id: i64, page: &Page, found: &[Found]) -> bool {
        let child = self.ways.get(&id).and_then(|way| way.step(Step::Redirect));
        page.error == Some(ErrorKind::Redirect)
            && child.is_some_and(|child| self.reach.admits(child))
            && found.iter().any(|one| one.step == Step::Redirect)
    }

    /// What was found beside any page or on those that are stored, as far as it is in reach and not
    /// known to be seen. What could still turn out to be nearer is kept with its page.
    pub(super) fn candidates<'a>(
        &mut self,
        session: &mut Session,
        recent: &Recent,
        found: &'a [Found],
        stored: &[&'a Done],
    ) -> Result<Vec<Candidate<'a>>, FrontierError> {
        let (mut all, mut rows) = (Vec::new(), LinkRows::default());
        let candidate =
            |found: &'a Found, way, via| Candidate { found: Cow::Borrowed(found), way, via };
        all.extend(found.iter().map(|one| candidate(one, Way::of(one), None)));
        for done in stored {
            let End::Stored { page, found } = &done.end else { continue };
            let id = candidates::id(done.visit);
            let Some(way) = self.ways.get(&id).copied() else { continue };
            self.mended += u64::from(self.is_mended(id, page, found));
            for step in [Step::Start, Step::Link, Step::Redirect] {
                let mut by_step = found.iter().filter(|one| one.step == step).peekable();
                if by_step.peek().is_none() {
                    continue;
                }
                let child = way.step(step);
                if child.is_none_or(|child| self.reach.admits(child)) {
                    let to = |one| candidate(one, child.unwrap_or_else(|| Way::of(one)), Some(id));
                    all.extend(by_step.clone().map(to));
                    if child.is_some() && !way.is_shortest() {
                        rows.within(id, step, by_step);
                    }
                } else if !way.is_shortest() {
                    rows.push(id, step, None, Some(packed(by_step)?));
                }
            }
        }
        rows.store(session)?;
        all.retain(|one| !recent.has(one.found.key, one.way));
        Ok(all)
    }

    /// Adds what is new, and brings all that can be reached from what has become nearer to its new
    /// place.
    pub(super) fn spread(
        &mut self,
        session: &mut Session,
        known: &mut HashMap<String, i64>,
        mut candidates: Vec<Candidate<'_>>,
    ) -> Result<(), FrontierError> {
        let mut ways: HashMap<u128, Way> = HashMap::new();
        loop {
            candidates.iter().for_each(|one| note(&mut ways, one.found.key, one.way));
            // The first page that led to a URL is the one that it was found on.
            let mut here = std::collections::HashSet::new();
            candidates.retain(|one| here.insert(one.found.key));
            candidates.iter_mut().for_each(|one| one.way = ways[&one.found.key]);
            let (hosts, new_hosts) = candidates::add(session, known, &candidates)?;
            hosts.into_iter().for_each(|host| *self.new.entry(host).or_default() += 1);
            self.new_hosts += new_hosts;
            let nearer = shorten(session, &std::mem::take(&mut ways))?;
            if nearer.is_empty() {
                return Ok(());
            }
            let links = session.query(LINKS, &[&nearer])?;
            let (mut rows, mut followed) = (LinkRows::default(), Vec::new());
            candidates = Vec::new();
            for row in &links {
                let (id, way) = way(row, 0).map_err(|error| session.error(error))?;
                let (step, keys, beyond) = columns(row).map_err(|error| session.error(error))?;
                let Some(child) = way.step(step) else { continue };
                let keys = keys.as_deref().unwrap_or_default().as_chunks().0;
                keys.iter().for_each(|key| note(&mut ways, u128::from_be_bytes(*key), child));
                if let Some(beyond) = beyond.filter(|_| self.reach.admits(child)) {
                    let found = links::unpack_found(&beyond, step).ok_or_else(|| damaged(id))?;
                    rows.within(id, step, &found);
                    followed.extend((step == Step::Redirect).then_some(id));
                    let via = Some(id);
                    let to = |one| Candidate { found: Cow::Owned(one), way: child, via };
                    candidates.extend(found.into_iter().map(to));
                }
            }
            rows.store(session)?;
            self.mended += followed.len() as u64;
            session.query(NOTE, &[&nearer, &followed])?;
        }
    }
}

fn note(ways: &mut HashMap<u128, Way>, key: u128, way: Way) {
    let known = ways.entry(key).or_insert(way);
    *known = known.or(way).unwrap_or(*known);
}

/// Shortens the ways to URLs that are there; gives those to which they are shorter now.
fn shorten(session: &mut Session, ways: &HashMap<u128, Way>) -> Result<Vec<i64>, FrontierError> {
    if ways.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<[u8; 16]> = ways.keys().map(|key| key.to_be_bytes()).collect();
    let keys: Vec<&[u8]> = keys.iter().map(|key| key.as_slice()).collect();
    let depths: Vec<i64> = ways.values().map(|way| way.depth.into()).collect();
    let ranks: Vec<i64> = ways.values().map(|way| way.rank().cast_signed()).collect();
    let redirects: Vec<i64> = ways.values().map(|way| way.redirects.into()).collect();
    let rows = session.query(SHORTEN, &[&keys, &depths, &ranks, &redirects])?;
    super::hosts::numbers(session, &rows)
}

fn packed<'a>(found: impl IntoIterator<Item = &'a Found>) -> Result<Vec<u8>, FrontierError> {
    links::pack_found(found)
        .map_err(|error| FrontierError::other(format!("links cannot be packed: {error}")))
}

fn damaged(id: i64) -> FrontierError {
    FrontierError::other(format!(
        "what URL {id} of crawl_links leads to cannot be read: the crawl is damaged"
    ))
}

/// A number and a way, from this column on.
fn way(row: &Row, column: usize) -> Result<(i64, Way), ::postgres::Error> {
    let (depth, redirects): (i64, i64) = (row.try_get(column + 1)?, row.try_get(column + 2)?);
    let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok((row.try_get(column)?, Way { depth: small(depth), redirects: small(redirects) }))
}

type Columns = (Step, Option<Vec<u8>>, Option<Vec<u8>>);

fn columns(row: &Row) -> Result<Columns, ::postgres::Error> {
    Ok((links::step_of(row.try_get(3)?), row.try_get(4)?, row.try_get(5)?))
}

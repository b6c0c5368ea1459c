//! One visit: a request, what it says of its host, and the row and the links that come of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderName, LINK, REFRESH};
use millstream::channel::Sender;

use super::aim::Aim;
use super::event::Event;
use super::failed::Failed;
use super::follow::Listed;
use super::follow::MAX_REDIRECTS;
use super::robots_rules::RobotsRules;
use super::shared::Shared;
use super::words;
use crate::address::Address;
use crate::fetch::{Ask, Capture, Failure, Response, may_pass};
use crate::frontier::{Done, End, Found, Visit};
use crate::links::{Document, Extracted, extract};
use crate::page::{ErrorKind, Page};
use crate::polite::{Answer, Exchange, Ticket};
use crate::sitemap::Limits;

/// When no descriptor was left for a connection, the URL is asked for again after this. It is no
/// attempt, for the host knows nothing of it.
const OUR_PROBLEM: Duration = Duration::from_secs(1);

/// What a visit found, as its row shows it.
#[derive(Default)]
struct Seen {
    status: Option<u16>,
    content_type: Option<String>,
    bytes: u64,
    elapsed: Duration,
    retry_after: Option<Duration>,
    is_connected: bool,
    /// What went wrong may pass.
    retryable: bool,
    error: Option<ErrorKind>,
    message: Option<String>,
    redirect: Option<String>,
    title: Option<String>,
    links: u32,
    found: Vec<Found>,
    capture: Option<Box<Capture>>,
}

impl Seen {
    /// Adds to the message.
    fn add(&mut self, more: &str) {
        let message = self.message.get_or_insert_default();
        message.push_str(if message.is_empty() { "" } else { "; " });
        message.push_str(more);
    }

    fn failed(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { error: Some(kind), message: Some(message.into()), ..Self::default() }
    }
}

/// Visits a URL within the rules of its host, and reports to the coordinator and the schedule.
pub(super) async fn visit(
    shared: &Shared,
    mut visit: Visit,
    rules: Option<Arc<RobotsRules>>,
    ticket: Ticket,
    reported: &Sender<Event>,
) {
    let address = match Address::parse(&visit.url, &shared.follow.canonical) {
        Ok(address) => address,
        Err(error) => {
            shared.hosts().unasked(ticket);
            let seen =
                Seen::failed(ErrorKind::Protocol, format!("the frontier holds no URL: {error}"));
            return report(shared, visit, seen, reported).await;
        }
    };
    if let Some(rules) = rules.filter(|rules| !rules.access.allows(address.path_and_query())) {
        shared.hosts().unasked(ticket);
        shared.notify();
        let seen = match &rules.unavailable {
            Some(why) => {
                Seen::failed(why.kind, format!("robots.txt could not be had: {}", why.message))
            }
            None => Seen::failed(ErrorKind::Robots, "robots.txt forbids it"),
        };
        return report(shared, visit, seen, reported).await;
    }
    let aim = Aim::of(visit.depth);
    let got = match shared.client.get(&shared.ctx, &address.url(), &ask(shared, aim)).await {
        Ok(got) => got,
        // The run was stopped: the URL is pending still.
        Err(_) => return shared.ended(ticket, Answer::Unknown),
    };
    if matches!(&got, Err(failure) if failure.is_ours) {
        shared.hosts().retry(shared.ctx.clock().now(), ticket, Answer::Unknown, visit, OUR_PROBLEM);
        return shared.notify();
    }
    visit.attempts += 1;
    let mut seen = match &got {
        Ok(response) => of_response(response),
        Err(failure) => of_failure(failure),
    };
    let answer = answer(&seen, visit.attempts > 1);
    shared.note(visit.host, answer, || seen.message.clone().unwrap_or_default());
    if seen.retryable {
        if let Some(wait) = shared.attempts.again(visit.attempts, seen.retry_after, visit.id.0) {
            shared.remember(visit.id, seen.into());
            shared.hosts().retry(shared.ctx.clock().now(), ticket, answer, visit, wait);
            return shared.notify();
        }
        if shared.attempts.is_too_long(seen.retry_after) {
            seen.add("that is more than an hour, so it is not tried again");
        }
    }
    shared.recall(visit.id);
    if aim == Aim::Guess && matches!(seen.status, Some(400..=499)) && !is_patience(seen.status) {
        (seen.error, seen.message) =
            (None, Some("no sitemap is where most sites have theirs".to_owned()));
    }
    // Before the page is read: its host's next request need not wait for that.
    shared.ended(ticket, answer);
    if let Ok(response) = got {
        read(shared, &visit, &address, &response, &mut seen);
        seen.capture = response.capture;
    }
    report(shared, visit, seen, reported).await;
}

/// What the end of a request says of its host.
fn answer(seen: &Seen, again: bool) -> Answer {
    let Seen { status, error, elapsed: latency, retry_after, is_connected, .. } = *seen;
    Answer::of(Exchange { status, error, latency, retry_after, is_connected, again })
}

impl From<Seen> for Option<Failed> {
    fn from(seen: Seen) -> Self {
        let Seen { status, error, message, .. } = seen;
        error.map(|kind| Failed { status, kind, message: message.unwrap_or_default() })
    }
}

/// The host was given up: its URLs get their rows without being asked for. One that failed before
/// keeps what was seen then.
pub(super) async fn give_up(shared: &Shared, visit: Visit, reported: &Sender<Event>) {
    let mut seen = match shared.recall(visit.id) {
        Some(Failed { status: Some(status), kind, message }) => {
            Seen { status: Some(status), ..Seen::failed(kind, message) }
        }
        _ => Seen { error: Some(ErrorKind::HostDown), ..Seen::default() },
    };
    seen.add("its host was given up after failures");
    if let (Some(message), Some(last)) = (&mut seen.message, shared.last_failure(visit.host)) {
        message.push_str(", of which the last was: ");
        message.push_str(&last);
    }
    report(shared, visit, seen, reported).await;
}

fn of_response(response: &Response) -> Seen {
    let error = response.error_kind();
    let message = error.map(|kind| match kind {
        ErrorKind::Redirect => "it redirects to no URL".to_owned(),
        _ => words::status(response),
    });
    Seen {
        status: Some(response.status),
        content_type: response.content_type().map(str::to_owned),
        bytes: response.body.len() as u64,
        elapsed: response.elapsed,
        retry_after: response.retry_after,
        is_connected: true,
        retryable: error.is_some_and(|kind| may_pass(Some(response.status), kind, false)),
        error,
        message,
        ..Seen::default()
    }
}

fn of_failure(failure: &Failure) -> Seen {
    Seen {
        status: failure.status,
        elapsed: failure.elapsed,
        retry_after: failure.retry_after,
        is_connected: failure.remote.is_some(),
        retryable: failure.retryable,
        ..Seen::failed(failure.kind, words::failure(failure))
    }
}

/// A sitemap may be as long as sitemaps.org allows.
fn ask(shared: &Shared, aim: Aim) -> Ask {
    if !aim.is_sitemap() {
        return Ask::default();
    }
    let most = usize::try_from(Limits::default().max_bytes).unwrap_or(usize::MAX);
    Ask { max_body: Some(most.max(shared.client.settings().max_body)), ..Ask::default() }
}

/// Whether a status from 400 to 499 says only that it is not the time to ask.
fn is_patience(status: Option<u16>) -> bool {
    matches!(status, Some(408 | 425 | 429))
}

/// What a response leads to.
fn read(shared: &Shared, visit: &Visit, address: &Address, response: &Response, seen: &mut Seen) {
    if let Some(location) = &response.location {
        return redirect(shared, visit, address, location.as_str(), seen);
    }
    if !(200..300).contains(&response.status) {
        return;
    }
    let aim = Aim::of(visit.depth);
    if aim.is_sitemap() {
        match shared.follow.in_sitemap(aim, address, &response.body) {
            Ok(listed) => return list(listed, seen),
            // It is there all the same, and may be a page or a feed.
            Err(error) => {
                seen.message = Some(format!("it was asked for as a sitemap, but {error}"))
            }
        }
    }
    let Some(extracted) = extracted(shared, address, response) else {
        *seen = Seen {
            status: seen.status,
            elapsed: seen.elapsed,
            ..Seen::failed(
                ErrorKind::Protocol,
                "its text could not be read: a defect of millstream's, please report it",
            )
        };
        return;
    };
    // A start may be a sitemap, and says so by what it is.
    let is_start = aim == Aim::Page(0) && visit.via.is_none();
    if is_start
        && shared.reads_sitemaps()
        && (extracted.links.is_empty() || is_xml(&response.body))
        && let Ok(listed) = shared.follow.in_sitemap(aim, address, &response.body)
    {
        return list(listed, seen);
    }
    seen.links = u32::try_from(extracted.links.len()).unwrap_or(u32::MAX);
    seen.found = shared.follow.links(aim, &extracted);
    seen.title = extracted.title;
    if !extracted.is_complete {
        seen.add("it has more links, or elements deeper inside of each other, than are read: some links were left out");
    }
}

fn list(listed: Listed, seen: &mut Seen) {
    (seen.found, seen.links, seen.message) = (listed.found, listed.links, listed.message);
}

/// XML, or what may be so when it is decompressed.
fn is_xml(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start();
    body.starts_with(b"<") || body.starts_with(&[0x1F, 0x8B])
}

/// What a document says; none if it brought the parser down.
fn extracted(shared: &Shared, address: &Address, response: &Response) -> Option<Extracted> {
    // A defect of a parser costs one page, not the crawl.
    let extracted = catch_unwind(AssertUnwindSafe(|| {
        let values = |name: &HeaderName| -> Vec<&str> {
            response.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
        };
        let (link, robots) = (values(&LINK), values(&HeaderName::from_static("x-robots-tag")));
        extract(
            &Document {
                address,
                content_type: response.header(&CONTENT_TYPE),
                link: &link,
                refresh: response.header(&REFRESH),
                robots: &robots,
                agent: &shared.agent,
                body: &response.body,
            },
            &shared.follow.canonical,
        )
    }));
    extracted.ok()
}

fn redirect(shared: &Shared, visit: &Visit, address: &Address, location: &str, seen: &mut Seen) {
    let fail = |seen: &mut Seen, message: &str| {
        (seen.error, seen.message) = (Some(ErrorKind::Redirect), Some(message.to_owned()));
    };
    seen.redirect = Some(location.to_owned());
    seen.links = 1;
    let Ok(target) = Address::parse(location, &shared.follow.canonical) else {
        return fail(seen, "it redirects to no URL of http or https");
    };
    seen.redirect = Some(target.as_str().to_owned());
    if shared.is_circle(address.key(), target.key()) {
        return fail(seen, "redirects lead in a circle");
    }
    match shared.follow.redirect(visit, address, &target) {
        Some(found) => {
            // The frontier knows whether that is still so, and lifts the failure when a shorter way
            // to this page is found.
            if visit.redirects >= MAX_REDIRECTS {
                fail(seen, "more redirects led here than are followed");
            }
            seen.found.push(found);
        }
        None if Aim::of(visit.depth).is_sitemap() => {
            seen.message =
                Some("it redirects to another site, where no sitemaps are read".to_owned());
        }
        None => {}
    }
}

async fn report(shared: &Shared, visit: Visit, seen: Seen, reported: &Sender<Event>) {
    let Seen {
        status,
        content_type,
        bytes,
        elapsed,
        error,
        message,
        redirect,
        title,
        links,
        found,
        capture,
        ..
    } = seen;
    let page = Page {
        url: visit.url,
        depth: Aim::of(visit.depth).depth(),
        status,
        redirect,
        redirects: visit.redirects,
        content_type,
        bytes,
        elapsed,
        title,
        links,
        error,
        message,
        attempts: visit.attempts,
        fetched_at: shared.now_us(),
    };
    let done = Done { visit: visit.id, host: visit.host, end: End::Stored { page, found } };
    let mut item = Some(Event::Done(Box::new(done), capture));
    // A coordinator that takes nothing any more has reported why; the URL is pending still.
    let _reported = reported.send_async(&shared.finished, &mut item).await;
}

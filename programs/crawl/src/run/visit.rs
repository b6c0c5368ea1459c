//! One visit: a request, what it says of its host, and the row and the links that come of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderName, LINK, REFRESH};
use millstream::channel::Sender;

use super::greet::Rules;
use super::keeper::Told;
use super::shared::Shared;
use crate::address::Address;
use crate::fetch::{Ask, Capture, Failure, Response};
use crate::frontier::{Done, End, Found, Visit};
use crate::links::{Document, extract};
use crate::page::{ErrorKind, Page};
use crate::polite::{Answer, Ticket};

/// A chain of more redirects is given up.
pub(super) const MAX_REDIRECTS: u32 = 10;

/// What a visit found, as its row tells it.
#[derive(Default)]
struct Seen {
    status: Option<u16>,
    content_type: Option<String>,
    bytes: u64,
    elapsed: Duration,
    retry_after: Option<Duration>,
    error: Option<ErrorKind>,
    message: Option<String>,
    redirect: Option<String>,
    title: Option<String>,
    links: u32,
    found: Vec<Found>,
    capture: Option<Box<Capture>>,
}

impl Seen {
    fn failed(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { error: Some(kind), message: Some(message.into()), ..Self::default() }
    }
}

/// Visits a URL within the rules of its host, and tells the keeper and the schedule.
pub(super) async fn visit(
    shared: &Shared,
    mut visit: Visit,
    rules: Option<Arc<Rules>>,
    ticket: Ticket,
    told: &Sender<Told>,
) {
    let address = match Address::parse(&visit.url, &shared.follow.canonical) {
        Ok(address) => address,
        Err(error) => {
            shared.hosts().unasked(ticket);
            let seen = Seen::failed(ErrorKind::Protocol, format!("the frontier holds no URL: {error}"));
            return tell(shared, visit, seen, told).await;
        }
    };
    if let Some(rules) = rules.filter(|rules| !rules.access.allows(address.path_and_query())) {
        shared.hosts().unasked(ticket);
        shared.ring();
        let seen = match &rules.unheard {
            Some(why) => Seen::failed(why.kind, format!("robots.txt could not be had: {}", why.message)),
            None => Seen::failed(ErrorKind::Robots, "robots.txt forbids it"),
        };
        return tell(shared, visit, seen, told).await;
    }
    let got = match shared.client.get(&shared.ctx, &address.url(), &Ask::default()).await {
        Ok(got) => got,
        // The run was stopped: the URL is pending still.
        Err(_) => return shared.ended(ticket, Answer::Untold),
    };
    visit.attempts += 1;
    let mut seen = match &got {
        Ok(response) => of_response(response),
        Err(failure) => of_failure(failure),
    };
    let answer = Answer::of(seen.status, seen.error, seen.elapsed, seen.retry_after);
    shared.note(visit.host, answer, || seen.message.clone().unwrap_or_default());
    let again = seen.error.and_then(|kind| {
        let most = shared.attempts.again(visit.attempts, seen.status, kind, visit.id.0);
        most.map(|wait| wait.max(seen.retry_after.unwrap_or_default()))
    });
    if let Some(wait) = again {
        shared.hosts().retry(shared.ctx.clock().now(), ticket, answer, visit, wait);
        return shared.ring();
    }
    // Before the page is read: its host's next request need not wait for that.
    shared.ended(ticket, answer);
    if let Ok(response) = got {
        read(shared, &visit, &address, &response, &mut seen);
        seen.capture = response.capture;
    }
    tell(shared, visit, seen, told).await;
}

/// The host was given up: its URLs are told without being asked for.
pub(super) async fn give_up(shared: &Shared, visit: Visit, told: &Sender<Told>) {
    let mut message = "its host is left alone after failures".to_owned();
    if let Some(last) = shared.last_failure(visit.host) {
        message.push_str(", of which the last was: ");
        message.push_str(&last);
    }
    let seen = Seen::failed(ErrorKind::HostDown, message);
    tell(shared, visit, seen, told).await;
}

fn of_response(response: &Response) -> Seen {
    let error = response.error_kind();
    let message = error.map(|kind| match kind {
        ErrorKind::Redirect => "it redirects to no URL".to_owned(),
        _ => status(response),
    });
    Seen {
        status: Some(response.status),
        content_type: response.content_type().map(str::to_owned),
        bytes: response.body.len() as u64,
        elapsed: response.elapsed,
        retry_after: response.retry_after,
        error,
        message,
        ..Seen::default()
    }
}

/// What the server answered, in words.
pub(super) fn status(response: &Response) -> String {
    let status = format!("the server answered with status {}", response.status);
    match response.retry_after {
        Some(wait) => format!("{status} and wants to be left alone for {} s", wait.as_secs()),
        None => status,
    }
}

fn of_failure(failure: &Failure) -> Seen {
    Seen {
        status: failure.status,
        elapsed: failure.elapsed,
        retry_after: failure.retry_after,
        ..Seen::failed(failure.kind, words(failure))
    }
}

/// What went wrong, and what helps against it where something does.
pub(super) fn words(failure: &Failure) -> String {
    match failure.kind {
        ErrorKind::Address => format!("{failure}; --allow-private allows it"),
        _ => failure.to_string(),
    }
}

/// What a response leads to.
fn read(shared: &Shared, visit: &Visit, address: &Address, response: &Response, seen: &mut Seen) {
    if let Some(location) = &response.location {
        return redirect(shared, visit, address, location.as_str(), seen);
    }
    if !(200..300).contains(&response.status) {
        return;
    }
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
    let Ok(extracted) = extracted else {
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
    seen.links = u32::try_from(extracted.links.len()).unwrap_or(u32::MAX);
    seen.found = shared.follow.links(visit, &extracted);
    if !shared.sitemaps.is_empty() && visit.depth == 0 && seen.links == 0 {
        seen.found = shared.follow.in_sitemap(&response.body);
        seen.links = u32::try_from(seen.found.len()).unwrap_or(u32::MAX);
    }
    seen.title = extracted.title;
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
    if visit.redirects >= MAX_REDIRECTS {
        return fail(seen, "more redirects led here than are followed");
    }
    if shared.is_circle(address.key(), target.key()) {
        return fail(seen, "redirects lead in a circle");
    }
    seen.found.extend(shared.follow.redirect(visit, &target));
}

async fn tell(shared: &Shared, visit: Visit, seen: Seen, told: &Sender<Told>) {
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
        depth: visit.depth,
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
    let mut item = Some(Told::Done(Box::new(done), capture));
    // A keeper that takes nothing any more has told why; the URL is pending still.
    let _told = told.send_from(&shared.over, &mut item).await;
}

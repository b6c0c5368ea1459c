//! A host's robots.txt is read before anything else of it, and says where its sitemaps are, if they
//! are wanted.

use std::sync::Arc;

use millstream::Cause;
use millstream::channel::Sender;
use url::Url;

use super::event::Event;
use super::robots_rules::{RobotsRules, RobotsUnavailable};
use super::shared::Shared;
use super::words;
use crate::fetch::{Ask, Failure, Response, may_pass};
use crate::frontier::{Found, HostId};
use crate::page::ErrorKind;
use crate::polite::{Answer, Exchange, Ticket};
use crate::robots::{Access, Outcome, Robots};

/// RFC 9309: at least five.
const REDIRECTS: usize = 5;
/// A robots.txt that cannot be had is asked for so often.
const TRIES: u32 = 3;

/// What came of a fetch of robots.txt.
struct RobotsOutcome {
    rules: RobotsRules,
    answer: Answer,
    /// It may be another one the next time.
    retryable: bool,
}

/// Reads the host's rules, and reports them to the schedule.
pub(super) async fn fetch_robots(
    shared: &Shared,
    host: HostId,
    ticket: Ticket,
    reported: &Sender<Event>,
) {
    let Some(origin) = shared.origin(host) else { return shared.ended(ticket, Answer::Unknown) };
    let outcome = match robots(shared, &origin, ticket.robots_failed() > 0).await {
        Ok(Some(outcome)) => outcome,
        // No descriptor was left, or the run was stopped: nothing is known.
        Ok(None) | Err(_) => return shared.ended(ticket, Answer::Unknown),
    };
    if let Some(why) = &outcome.rules.unavailable {
        shared
            .note(host, outcome.answer, || format!("robots.txt could not be had: {}", why.message));
    }
    if outcome.retryable && ticket.robots_failed() + 1 < TRIES {
        return shared.ended(ticket, outcome.answer);
    }
    if shared.sitemaps.contains(&*origin) {
        let found = sitemaps(shared, &origin, &outcome.rules.access);
        // A coordinator that takes nothing any more has reported why.
        let _reported = reported.send_async(&shared.ctx, &mut Some(Event::Found(found))).await;
    }
    let delay = outcome.rules.access.crawl_delay();
    let now = shared.ctx.clock().now();
    shared.hosts().robots_fetched(now, ticket, outcome.answer, Arc::new(outcome.rules), delay);
    shared.notify();
}

/// None if it says nothing of the host.
async fn robots(
    shared: &Shared,
    origin: &str,
    again: bool,
) -> Result<Option<RobotsOutcome>, Cause> {
    let most = Robots::MAX_BYTES + 1;
    let ask = Ask {
        accept: Some("text/plain,*/*;q=0.5".to_owned()),
        max_body: Some(most),
        cut: true,
        ..Ask::default()
    };
    let Ok(mut url) = Url::parse(&format!("{origin}/robots.txt")) else {
        let why = RobotsUnavailable {
            kind: ErrorKind::Robots,
            message: format!("{origin} has no place for it"),
        };
        return Ok(Some(unavailable(shared, why, Answer::Unknown, false)));
    };
    for hop in 0..=REDIRECTS {
        match shared.client.get(&shared.ctx, &url, &ask).await? {
            Ok(response) => match &response.location {
                Some(location) if hop < REDIRECTS => url = location.clone(),
                _ => return Ok(Some(answered(shared, &response))),
            },
            Err(failure) if failure.is_ours => return Ok(None),
            Err(failure) => {
                let answer = Answer::of(Exchange {
                    status: failure.status,
                    error: Some(failure.kind),
                    latency: failure.elapsed,
                    retry_after: failure.retry_after,
                    is_connected: failure.remote.is_some(),
                    again,
                });
                let retryable =
                    failure.retryable && !shared.attempts.is_too_long(failure.retry_after);
                return Ok(Some(unavailable(
                    shared,
                    RobotsUnavailable::of(&failure),
                    answer,
                    retryable,
                )));
            }
        }
    }
    // The last hop returns.
    Ok(None)
}

impl RobotsUnavailable {
    /// A host to which there is no way is reported as such; what it answered instead of its rules
    /// counts as `robots`.
    fn of(failure: &Failure) -> Self {
        let kind = match (failure.status, failure.kind) {
            (Some(429 | 500..), _) => ErrorKind::Robots,
            (
                _,
                kind @ (ErrorKind::Dns
                | ErrorKind::Address
                | ErrorKind::Connect
                | ErrorKind::Tls
                | ErrorKind::Timeout),
            ) => kind,
            _ => ErrorKind::Robots,
        };
        Self { kind, message: words::failure(failure) }
    }
}

fn answered(shared: &Shared, response: &Response) -> RobotsOutcome {
    let (status, retry_after) = (Some(response.status), response.retry_after);
    let latency = response.elapsed;
    let exchange =
        Exchange { status, latency, retry_after, is_connected: true, ..Exchange::default() };
    let retryable = response.error_kind().is_some_and(|kind| may_pass(status, kind, false))
        && !shared.attempts.is_too_long(retry_after);
    let outcome = Outcome::Response { status: response.status, body: &response.body };
    let access = Access::decide(outcome, &shared.agent);
    let unavailable = matches!(access, Access::DisallowAll)
        .then(|| RobotsUnavailable { kind: ErrorKind::Robots, message: words::status(response) });
    RobotsOutcome {
        rules: RobotsRules { access, unavailable },
        answer: Answer::of(exchange),
        retryable,
    }
}

fn unavailable(
    shared: &Shared,
    why: RobotsUnavailable,
    answer: Answer,
    retryable: bool,
) -> RobotsOutcome {
    let access = Access::decide(Outcome::Unreachable, &shared.agent);
    RobotsOutcome { rules: RobotsRules { access, unavailable: Some(why) }, answer, retryable }
}

/// Those that robots.txt names; or the one that is where most sites have it. They are visited in
/// their turn, as all is.
fn sitemaps(shared: &Shared, origin: &str, access: &Access) -> Vec<Found> {
    let named: Vec<Found> = match access {
        Access::Rules(rules) => {
            rules.sitemaps().filter_map(|text| shared.follow.sitemap(origin, text)).collect()
        }
        Access::AllowAll | Access::DisallowAll => Vec::new(),
    };
    if named.is_empty() && access.allows("/sitemap.xml") {
        return shared.follow.guess(origin).into_iter().collect();
    }
    named
}

/// Where robots.txt is not read, the sitemaps of hosts are guessed at.
pub(super) async fn guess(shared: &Shared, reported: &Sender<Event>) {
    if shared.obeys_robots || !shared.reads_sitemaps() {
        return;
    }
    let found = shared.sitemaps.iter().filter_map(|origin| shared.follow.guess(origin)).collect();
    // A coordinator that takes nothing any more has reported why.
    let _reported = reported.send_async(&shared.ctx, &mut Some(Event::Found(found))).await;
}

//! One request, one response, within bounds of time and memory, to addresses that are allowed.
//!
//! What it does not do: it follows no redirect (its target is a URL of its own, with its own
//! robots.txt and its own turn), keeps no cookies, sends no credentials of a URL, speaks HTTP/1.1
//! only, and uses no proxy, whatever the environment names.
//!
//! How it is built: `connect` makes a connection of a URL, `wire` counts and limits its bytes,
//! `exchange` lets hyper speak HTTP on it, `pool` keeps it for the next request, `watch` ends what
//! takes too long, `decode` undoes compression, and this file is the way of a fetch through them.

mod connect;
mod decode;
mod descriptors;
mod exchange;
mod failure;
mod pool;
mod refused;
mod resolve;
mod response;
mod retry;
mod settings;
mod watch;
mod wire;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, HOST, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    USER_AGENT,
};
use hyper::http::uri::PathAndQuery;
use hyper::{HeaderMap, Request, Uri};
use millstream::{Cause, Context};
use url::{Position, Url};

use crate::page::ErrorKind;
use connect::Dialer;
use exchange::{Link, Received};
use failure::Broken;
use pool::IdlePool;
use resolve::Names;
use watch::{Stage, Stop, Watch};

pub use failure::Failure;
pub use resolve::{Resolve, Resolving, System};
pub use response::{Capture, Response};
pub use settings::{Ask, Settings};

pub(crate) use retry::may_pass;

/// What is wanted if nothing else is said.
const ACCEPT_PAGES: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// How long a fetch takes at least that found no descriptor.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Fetches URLs; clones are the same client, with the same connections and names.
///
/// A client belongs to the runtime in which it is first used, for its connections do. Dropping the
/// last clone closes them.
///
/// **Safety.** A name is resolved, each of its addresses is looked at, and the connection is made
/// to an address that was looked at: a name that resolves to something else a moment later gains
/// nothing. Addresses that are not public are refused with [`ErrorKind::Address`] unless
/// [`Settings::allow_private`] is set. Certificates are verified.
///
/// **Bounds.** Every fetch ends within [`Settings::timeout`], and holds at most the head, the body
/// as it came and the body decompressed, each within its limit.
///
/// # Cost
/// On a kept connection a fetch is one write, one or two reads, about twenty allocations and a
/// timer. A new connection costs what its handshakes cost.
///
/// # Examples
/// ```
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use crawl::fetch::{Ask, Client, Settings};
/// use crawl::testing::bad_web::BadWeb;
/// use millstream::Context;
///
/// let web = BadWeb::start().await.unwrap();
/// let client = Client::new(Settings { allow_private: true, ..Settings::default() }).unwrap();
/// let url = format!("{}/page", web.origin()).parse().unwrap();
///
/// let response = client.get(&Context::new(), &url, &Ask::default()).await.unwrap().unwrap();
/// assert_eq!((response.status, response.content_type()), (200, Some("text/html; charset=utf-8")));
/// assert!(response.body.starts_with(b"<!doctype html>"));
/// # });
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    dialer: Dialer,
    idle: IdlePool<Box<Link>>,
    /// The fields that every request has.
    common: HeaderMap,
}

/// A response's head and body, before anything is made of it.
struct Exchanged {
    link: Box<Link>,
    head: hyper::http::response::Parts,
    body: Received,
}

/// Why the way ended early, and what the head said if there was one.
enum Ended {
    Stopped(Stop),
    Broken(Broken),
}

/// What is known of a fetch on its way, for its failure.
#[derive(Default)]
struct Known {
    status: Option<u16>,
    retry_after: Option<Duration>,
    remote: Option<std::net::SocketAddr>,
    wire_bytes: u64,
}

impl From<Stop> for Ended {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl From<Broken> for Ended {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl Client {
    /// A client that resolves names as the system does.
    ///
    /// # Errors
    /// A failure of the kind [`ErrorKind::Protocol`] if the user agent cannot be the value of a
    /// header.
    pub fn new(settings: Settings) -> Result<Self, Failure> {
        Self::with_resolver(settings, Arc::new(System))
    }

    /// A client that resolves names in this way; the addresses are looked at all the same.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_resolver(settings: Settings, resolver: Arc<dyn Resolve>) -> Result<Self, Failure> {
        let agent = HeaderValue::from_str(&settings.user_agent).map_err(|_| {
            let message =
                format!("expected a user agent that can be sent: {:?}", settings.user_agent);
            failed(Broken::new(ErrorKind::Protocol, message), &Known::default(), Duration::ZERO)
        })?;
        let mut common = HeaderMap::with_capacity(8);
        common.insert(USER_AGENT, agent);
        common.insert(ACCEPT, HeaderValue::from_static(ACCEPT_PAGES));
        common.insert(ACCEPT_ENCODING, HeaderValue::from_static(decode::ACCEPTED));
        let names =
            Names::new(resolver, settings.name_ttl, settings.missing_name_ttl, settings.max_names);
        let dialer = Dialer {
            names,
            allow_private: settings.allow_private,
            roots: settings.roots.clone(),
            tls: OnceLock::new(),
        };
        let idle = IdlePool::new(settings.idle_per_origin, settings.idle_total, settings.keep_idle);
        Ok(Self { inner: Arc::new(Inner { settings, dialer, idle, common }) })
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Asks for a URL once and returns what came back, of whatever status.
    ///
    /// A kept connection that the server has closed meanwhile is replaced by a new one, once; that
    /// counts as the same request. The fragment and the credentials of the URL are not sent.
    ///
    /// # Errors
    /// The cause, if `ctx` is cancelled before the end: then nothing is known of the URL. Within: a
    /// [`Failure`] of one of the kinds `Dns`, `Address`, `Connect`, `Tls`, `Timeout`, `Protocol`,
    /// `TooLarge`, `Encoding`.
    ///
    /// # Panics
    /// Outside of a tokio runtime with input and output.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; nothing else is lost.
    pub async fn get(
        &self,
        ctx: &Context,
        url: &Url,
        ask: &Ask,
    ) -> Result<Result<Response, Failure>, Cause> {
        ctx.check()?;
        let mut watch = Watch::new(ctx, &self.inner.settings);
        let mut known = Known::default();
        let broken = match self.inner.fetch(&mut watch, &mut known, url, ask).await {
            Ok(response) => return Ok(Ok(response)),
            Err(Ended::Stopped(Stop::Cancelled(cause))) => return Err(cause),
            Err(Ended::Stopped(Stop::Late(message))) => Broken::new(ErrorKind::Timeout, message),
            Err(Ended::Broken(broken)) => broken,
        };
        Ok(Err(failed(broken, &known, watch.elapsed())))
    }
}

fn failed(broken: Broken, known: &Known, elapsed: Duration) -> Failure {
    let Broken { kind, message, broke_off, is_ours } = broken;
    let Known { status, retry_after, remote, wire_bytes } = *known;
    let retryable = may_pass(status, kind, broke_off);
    Failure { kind, message, retryable, is_ours, status, retry_after, remote, wire_bytes, elapsed }
}

impl Inner {
    async fn fetch(
        &self,
        watch: &mut Watch<'_>,
        known: &mut Known,
        url: &Url,
        ask: &Ask,
    ) -> Result<Response, Ended> {
        let at = watch.ctx().clock().wall();
        let most = ask.max_body.unwrap_or(self.settings.max_body);
        let Exchanged { mut link, head, body } =
            self.exchange(watch, known, url, ask, most).await?;
        let wire_bytes = link.meter.received();
        let remote = link.remote;
        let kept = link.meter.take_kept();
        if !body.truncated && link.is_ready().await {
            self.idle.park(origin(url), link, watch.ctx().clock().now());
        }
        let codings = decode::codings(&head.headers)?;
        let bounds = decode::Bounds { most, cut: ask.cut, partial: body.truncated };
        let (plain, truncated) = decode::decode(body.bytes, &codings, bounds)?;
        let capture = kept.map(|kept| {
            let response = response::without_interim(kept.received.into());
            let (url, request) = (url.to_string(), kept.sent.into());
            let truncated = body.truncated;
            Box::new(Capture { url, at, remote, request, response, truncated })
        });
        let status = head.status.as_u16();
        Ok(Response {
            status,
            version: head.version,
            location: response::location(url, status, &head.headers),
            headers: head.headers,
            body: plain,
            truncated,
            wire_bytes,
            remote,
            retry_after: known.retry_after,
            elapsed: watch.elapsed(),
            capture,
        })
    }

    /// Sends the request on a kept connection if there is one, and reads the response to its end.
    async fn exchange(
        &self,
        watch: &mut Watch<'_>,
        known: &mut Known,
        url: &Url,
        ask: &Ask,
        most: usize,
    ) -> Result<Exchanged, Ended> {
        let mut kept = self.kept(watch, url).await;
        loop {
            let is_kept = kept.is_some();
            let mut link = match kept.take() {
                Some(link) => link,
                None => self.dial(watch, url).await?,
            };
            known.remote = Some(link.remote);
            let request = self.request(&link, url, ask)?;
            match self.head(watch, &mut link, request).await {
                Ok(response) => {
                    let (head, incoming) = response.into_parts();
                    known.status = Some(head.status.as_u16());
                    known.retry_after =
                        response::retry_after(&head.headers, watch.ctx().clock().wall());
                    let body = self.body(watch, &mut link, incoming, most, ask.cut).await;
                    known.wire_bytes = link.meter.received();
                    return Ok(Exchanged { body: body?, link, head });
                }
                // The server closed it while it had no work: the request was not answered, and may
                // be sent again.
                Err(Ended::Broken(broken))
                    if is_kept
                        && broken.kind == ErrorKind::Connect
                        && link.meter.received() == 0 => {}
                Err(ended) => {
                    known.wire_bytes = link.meter.received();
                    return Err(ended);
                }
            }
        }
    }

    /// A kept connection that can still be used.
    async fn kept(&self, watch: &Watch<'_>, url: &Url) -> Option<Box<Link>> {
        while let Some(mut link) = self.idle.take(origin(url), watch.started) {
            if link.is_ready().await {
                return Some(link);
            }
        }
        None
    }

    async fn dial(&self, watch: &mut Watch<'_>, url: &Url) -> Result<Box<Link>, Ended> {
        let ctx = watch.ctx();
        loop {
            let limit = self.settings.connect_timeout;
            let stage = Stage { expected: "connection", limit, progress: None };
            let broken = match watch.during(stage, self.dialer.dial(ctx, url)).await? {
                Ok((stream, remote)) => {
                    return Ok(Link::new(stream, remote, url, &self.settings).await?);
                }
                Err(broken) => broken,
            };
            // A connection without work makes place for one with.
            if !broken.is_ours || !self.idle.close_oldest() {
                if broken.is_ours {
                    // Asking again at once would only find the same; cancellation is noticed
                    // with the next step.
                    drop(ctx.sleep_async(EXHAUSTED_PAUSE).await);
                }
                return Err(broken.into());
            }
        }
    }

    fn request(&self, link: &Link, url: &Url, ask: &Ask) -> Result<Request<Empty<Bytes>>, Broken> {
        let target = &url[Position::BeforePath..Position::AfterQuery];
        let target = PathAndQuery::try_from(target).map_err(|error| {
            Broken::new(ErrorKind::Protocol, format!("expected a path that can be sent: {error}"))
        })?;
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = Uri::from(target);
        let headers = request.headers_mut();
        headers.clone_from(&self.common);
        headers.insert(HOST, link.host.clone());
        let mut extra = |name: HeaderName, value: &Option<String>| {
            if let Some(value) =
                value.as_deref().and_then(|value| HeaderValue::from_str(value).ok())
            {
                headers.insert(name, value);
            }
        };
        extra(ACCEPT, &ask.accept);
        extra(IF_NONE_MATCH, &ask.if_none_match);
        extra(IF_MODIFIED_SINCE, &ask.if_modified_since);
        Ok(request)
    }

    async fn head(
        &self,
        watch: &mut Watch<'_>,
        link: &mut Link,
        request: Request<Empty<Bytes>>,
    ) -> Result<hyper::Response<Incoming>, Ended> {
        let most = self.settings.max_head;
        link.meter.begin(most as u64);
        let stage =
            Stage { expected: "whole head", limit: self.settings.head_timeout, progress: None };
        let answered = watch.during(stage, link.send(request)).await?;
        Ok(answered.map_err(|error| Broken::of_head(&error, link.meter.received(), most))?)
    }

    async fn body(
        &self,
        watch: &mut Watch<'_>,
        link: &mut Link,
        incoming: Incoming,
        most: usize,
        cut: bool,
    ) -> Result<Received, Ended> {
        // Chunks may take as much as the body itself; who sends each byte in a chunk of its own is
        // not read to the end.
        let limit = self.settings.max_head as u64 + 2 * most as u64;
        link.meter.set_limit(limit);
        let meter = Arc::clone(&link.meter);
        let stage = Stage {
            expected: "byte of the body",
            limit: self.settings.idle_timeout,
            progress: Some(&meter),
        };
        Ok(watch.during(stage, link.receive(incoming, most, cut)).await??)
    }
}

/// The part of the URL that a connection belongs to.
fn origin(url: &Url) -> &str {
    &url[..Position::AfterPort]
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

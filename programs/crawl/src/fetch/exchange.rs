//! One request and its response on one connection, which hyper drives inside of the fetch that uses
//! it: there is no task beside it that could outlive it.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http_body_util::Empty;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::header::HeaderValue;
use hyper_util::rt::TokioIo;
use url::{Position, Url};

use super::failure::Broken;
use super::settings::{MAX_HEADERS, Settings};
use super::wire::{Meter, Stream, Wire};
use crate::page::ErrorKind;

/// What is set aside at once for a body on the word of its announced length.
const TRUSTED_LENGTH: usize = 1 << 20;

type Driver = Connection<TokioIo<Wire>, Empty<Bytes>>;

/// A connection on which no request is under way, or just one.
#[derive(Debug)]
pub(super) struct Link {
    sender: SendRequest<Empty<Bytes>>,
    /// None once the connection has finished.
    driver: Option<Driver>,
    pub(super) meter: Arc<Meter>,
    pub(super) remote: SocketAddr,
    /// The value of the field Host.
    pub(super) host: HeaderValue,
}

/// A body as it came.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Bytes,
    pub(super) truncated: bool,
}

impl Link {
    pub(super) async fn new(
        stream: Stream,
        remote: SocketAddr,
        url: &Url,
        settings: &Settings,
    ) -> Result<Box<Self>, Broken> {
        let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).map_err(
            |_| {
                Broken::new(ErrorKind::Protocol, format!("expected a host that can be sent: {url}"))
            },
        )?;
        let meter = Arc::new(Meter::new(settings.keep_wire));
        let wire = Wire::new(stream, Arc::clone(&meter));
        let mut builder = Builder::new();
        // One write a request; the wire keeps what is written as one piece.
        builder.writev(false).max_header_size(settings.max_head);
        // What every browser reads: a folded line (RFC 9112, section 5.2, has user agents replace
        // the fold by blanks), white space before the colon, and lines that are no field, which are
        // skipped.
        builder
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .ignore_invalid_headers_in_responses(true);
        if settings.max_headers != MAX_HEADERS {
            builder.max_headers(settings.max_headers);
        }
        let (sender, driver) = builder.handshake(TokioIo::new(wire)).await.map_err(|error| {
            Broken::new(ErrorKind::Connect, format!("the connection ended at once: {error}"))
        })?;
        Ok(Box::new(Self { sender, driver: Some(driver), meter, remote, host }))
    }

    /// Whether a request can be sent; notices what has happened to the connection while nobody
    /// drove it.
    pub(super) async fn is_ready(&mut self) -> bool {
        poll_fn(|task| {
            if let Some(driver) = &mut self.driver
                && Pin::new(driver).poll(task).is_ready()
            {
                self.driver = None;
            }
            Poll::Ready(
                self.driver.is_some()
                    && matches!(self.sender.poll_ready(task), Poll::Ready(Ok(()))),
            )
        })
        .await
    }

    /// Sends a request and waits for the head of its response.
    pub(super) async fn send(
        &mut self,
        request: Request<Empty<Bytes>>,
    ) -> Result<hyper::Response<Incoming>, hyper::Error> {
        let Self { sender, driver, .. } = self;
        beside(driver, sender.send_request(request)).await
    }

    /// Reads the body up to `most` bytes; longer ones are cut, or an error.
    pub(super) async fn receive(
        &mut self,
        mut body: Incoming,
        most: usize,
        cut: bool,
    ) -> Result<Received, Broken> {
        let announced = body
            .size_hint()
            .exact()
            .map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
        if announced > most && !cut {
            return Err(Broken::too_large(most));
        }
        let (mut first, mut all) = (Bytes::new(), BytesMut::new());
        while !body.is_end_stream() {
            let frame =
                beside(&mut self.driver, poll_fn(|task| Pin::new(&mut body).poll_frame(task)))
                    .await;
            let Some(frame) = frame.transpose().map_err(|error| Broken::of_body(&error, most))?
            else {
                break;
            };
            let Ok(data) = frame.into_data() else { continue };
            let before = first.len() + all.len();
            let room = most - before;
            if data.len() > room && !cut {
                return Err(Broken::too_large(most));
            }
            // A body of one piece, as most are, is not copied.
            if before == 0 {
                first = data.slice(..data.len().min(room));
            } else {
                if all.is_empty() {
                    all.reserve(announced.min(most).min(TRUSTED_LENGTH).max(2 * before));
                    all.extend_from_slice(&std::mem::take(&mut first));
                }
                all.extend_from_slice(&data[..data.len().min(room)]);
            }
            if data.len() > room {
                return Ok(Received { bytes: joined(first, all), truncated: true });
            }
        }
        Ok(Received { bytes: joined(first, all), truncated: false })
    }
}

fn joined(first: Bytes, all: BytesMut) -> Bytes {
    if all.is_empty() { first } else { all.freeze() }
}

/// Drives the connection while `f` is awaited. When the connection ends it is dropped, so that `f`
/// learns of it.
async fn beside<T>(driver: &mut Option<Driver>, f: impl Future<Output = T>) -> T {
    let mut f = pin!(f);
    poll_fn(|task| {
        if let Some(running) = driver
            && Pin::new(running).poll(task).is_ready()
        {
            *driver = None;
        }
        f.as_mut().poll(task)
    })
    .await
}

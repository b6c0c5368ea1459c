//! Why a fetch gave no response: one kind for the report, one sentence for people, and what is
//! known all the same.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio_rustls::rustls;

use super::wire::BeyondLimit;
use crate::page::ErrorKind;

/// A fetch that gave no response.
///
/// # Examples
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use crawl::fetch::{Ask, Client, Settings};
/// use crawl::page::ErrorKind;
/// use millstream::Context;
///
/// let client = Client::new(Settings::default()).unwrap();
/// let url = "http://0x7f.1/".parse().unwrap();
/// let failure = client.get(&Context::new(), &url, &Ask::default()).await.unwrap().unwrap_err();
/// assert_eq!(failure.kind, ErrorKind::Address);
/// assert_eq!(failure.to_string(), "127.0.0.1 is loopback: expected a public address");
/// assert!(!failure.retryable);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Failure {
    /// What it counts as.
    pub kind: ErrorKind,
    /// What happened, and what was expected.
    pub message: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// Whether it says nothing of the host: this machine had no descriptor left for a connection.
    pub is_ours: bool,
    /// The status, if the head of a response came.
    pub status: Option<u16>,
    /// How long the server asks clients to wait, if the head of a response said so.
    pub retry_after: Option<Duration>,
    /// Who was asked, if a connection came about.
    pub remote: Option<SocketAddr>,
    /// Bytes that were received.
    pub wire_bytes: u64,
    /// From the call to the failure.
    pub elapsed: Duration,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

/// A failure as it is known where it happens, without the circumstances.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
    /// The response ended early, so another one may be whole.
    pub(super) broke_off: bool,
    pub(super) is_ours: bool,
}

impl Broken {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), broke_off: false, is_ours: false }
    }

    /// A response that began and did not come to its end: in the head, the body, between chunks or
    /// within what was compressed, by an orderly end of the connection or by a reset.
    pub(super) fn cut_short(message: impl Into<String>) -> Self {
        Self { broke_off: true, ..Self::new(ErrorKind::Protocol, message) }
    }

    /// What failed between the connection and the first request.
    pub(super) fn of_tls(error: &io::Error) -> Self {
        match rustls_error(error) {
            Some(error) => {
                Self::new(ErrorKind::Tls, format!("expected a valid TLS session: {error}"))
            }
            None => Self::new(
                ErrorKind::Connect,
                format!("the connection ended while TLS began: {error}"),
            ),
        }
    }

    /// What failed before the head of the response was complete, after this many bytes of it.
    pub(super) fn of_head(error: &hyper::Error, received: u64, most: usize) -> Self {
        let io = io_error(error);
        if io.is_some_and(is_beyond_limit) {
            Self::new(
                ErrorKind::Protocol,
                format!("the response's head is longer than {most} bytes"),
            )
        } else if error.is_parse() {
            Self::new(
                ErrorKind::Protocol,
                format!("expected a response of HTTP/1.1: {}", words(error)),
            )
        } else if let Some(tls) = io.and_then(rustls_error) {
            Self::new(ErrorKind::Tls, format!("TLS failed before the response: {tls}"))
        } else if received > 0 {
            Self::cut_short("the connection ended in the middle of the response's head")
        } else {
            let message = format!("the connection ended before the response: {}", words(error));
            Self::new(ErrorKind::Connect, message)
        }
    }

    /// What failed after the head.
    pub(super) fn of_body(error: &hyper::Error, most: usize) -> Self {
        let Some(io) = io_error(error) else {
            return Self::cut_short(format!(
                "the connection ended within the body: {}",
                words(error)
            ));
        };
        if is_beyond_limit(io) {
            return Self::too_large(most);
        }
        if let Some(tls) = rustls_error(io) {
            return Self::new(ErrorKind::Tls, format!("TLS failed within the body: {tls}"));
        }
        match io.kind() {
            io::ErrorKind::UnexpectedEof => {
                Self::cut_short(format!("the body ended before its announced end: {io}"))
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
                Self::new(ErrorKind::Protocol, format!("expected a body in chunks: {io}"))
            }
            _ => Self::cut_short(format!("the connection was cut within the body: {io}")),
        }
    }

    pub(super) fn too_large(most: usize) -> Self {
        Self::new(ErrorKind::TooLarge, format!("the body is longer than {most} bytes"))
    }
}

/// The error and what caused it, as one sentence.
fn words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

fn io_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref() {
            return Some(io);
        }
        cause = error.source();
    }
    None
}

fn is_beyond_limit(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<BeyondLimit>())
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

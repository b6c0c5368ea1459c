//! A connection's bytes on their way to and from the HTTP parser: counted, limited, and kept if
//! that is wanted.
//!
//! The parser asks for more only while it needs more, so a limit on what it has been given is a
//! limit on what it can hold.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Plain or not.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What has gone over a connection since the last request began; shared by the parser's end and
/// ours.
///
/// All in it is touched by one task at a time, which moves between threads only as a whole; so the
/// atomics publish nothing and are relaxed.
#[derive(Debug, Default)]
pub(super) struct Meter {
    received: AtomicU64,
    /// No more is read once so much has been received.
    limit: AtomicU64,
    kept: Option<Mutex<Kept>>,
}

/// Bytes as they were sent and received.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) sent: Vec<u8>,
    pub(super) received: Vec<u8>,
}

/// The error of a read beyond the limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct BeyondLimit;

impl fmt::Display for BeyondLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more bytes came than are allowed")
    }
}

impl std::error::Error for BeyondLimit {}

impl Meter {
    pub(super) fn new(keep: bool) -> Self {
        Self { kept: keep.then(Mutex::default), ..Self::default() }
    }

    /// A new request begins: counts from zero, allows this many bytes.
    pub(super) fn begin(&self, limit: u64) {
        self.received.store(0, Relaxed);
        self.limit.store(limit, Relaxed);
        drop(self.take_kept());
    }

    pub(super) fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    pub(super) fn set_limit(&self, limit: u64) {
        self.limit.store(limit, Relaxed);
    }

    /// What was kept since the request began, if anything is kept.
    pub(super) fn take_kept(&self) -> Option<Kept> {
        let kept = self.kept.as_ref()?;
        Some(std::mem::take(&mut kept.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn keep(&self, keep: impl FnOnce(&mut Kept)) {
        if let Some(kept) = &self.kept {
            keep(&mut kept.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// A stream with its meter.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    meter: Arc<Meter>,
}

impl Wire {
    pub(super) fn new(stream: Stream, meter: Arc<Meter>) -> Self {
        Self { stream, meter }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.meter.received() >= self.meter.limit.load(Relaxed) {
            return Poll::Ready(Err(io::Error::other(BeyondLimit)));
        }
        let before = buf.filled().len();
        ready!(match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(task, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(task, buf),
        })?;
        let came = &buf.filled()[before..];
        self.meter.received.fetch_add(came.len() as u64, Relaxed);
        self.meter.keep(|kept| kept.received.extend_from_slice(came));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = ready!(match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(task, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(task, buf),
        })?;
        self.meter.keep(|kept| kept.sent.extend_from_slice(&buf[..sent]));
        Poll::Ready(Ok(sent))
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(task),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(task),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(task),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(task),
        }
    }
}

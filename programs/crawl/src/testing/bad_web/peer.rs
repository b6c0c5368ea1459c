//! The server's end of a connection: reads requests, writes what it is asked to, and counts it.

use std::io;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::shared::Shared;

/// A client's request is no longer than this.
const LONGEST_REQUEST: usize = 64 * 1024;

/// The first bytes of a client's side of TLS.
const TLS_HANDSHAKE: &[u8] = &[0x16, 0x03];

/// A connection, plain or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// What happens on the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum After {
    Next,
    Close,
    Reset,
}

/// The parts of a request that answers depend on.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) query: String,
    head: String,
    /// How often the same path and query were asked for before.
    pub(super) before: u64,
}

impl Request {
    fn parse(head: &str) -> Option<Self> {
        let target = head.split(' ').nth(1)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Some(Self {
            path: path.to_owned(),
            query: query.to_owned(),
            head: head.to_owned(),
            before: 0,
        })
    }

    /// The number of `name=number` in the query.
    pub(super) fn number(&self, name: &str, default: u64) -> u64 {
        let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(default)
    }

    /// The value of a field of the head.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

#[derive(Debug)]
pub(super) struct Peer<S> {
    pub(super) stream: S,
    shared: Arc<Shared>,
    unread: Vec<u8>,
}

impl<S: Stream> Peer<S> {
    pub(super) fn new(stream: S, shared: Arc<Shared>) -> Self {
        Self { stream, shared, unread: Vec::new() }
    }

    /// The next request; none when the client has closed, or sends none.
    pub(super) async fn request(&mut self) -> io::Result<Option<Request>> {
        let end = loop {
            if let Some(end) = memchr::memmem::find(&self.unread, b"\r\n\r\n") {
                break end;
            }
            if self.unread.len() > LONGEST_REQUEST
                || self.stream.read_buf(&mut self.unread).await? == 0
            {
                return Ok(None);
            }
            // A client that begins TLS here gets an answer that says so, as from real servers.
            if self.unread.starts_with(TLS_HANDSHAKE) {
                self.respond("400 Bad Request", "Connection: close\r\n", "this is HTTP, not HTTPS")
                    .await?;
                return Ok(None);
            }
        };
        let head = String::from_utf8_lossy(&self.unread[..end]).into_owned();
        self.unread.drain(..end + 4);
        let Some(mut request) = Request::parse(&head) else { return Ok(None) };
        let mut hits = self.shared.hits.lock().unwrap_or_else(PoisonError::into_inner);
        *hits.entry(request.path.clone()).or_default() += 1;
        drop(hits);
        let mut visits = self.shared.visits.lock().unwrap_or_else(PoisonError::into_inner);
        let visits = visits.entry(format!("{}?{}", request.path, request.query)).or_default();
        request.before = *visits;
        *visits += 1;
        Ok(Some(request))
    }

    /// Writes bytes as they are.
    pub(super) async fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let mut bytes = bytes.as_ref();
        while !bytes.is_empty() {
            let count = self.stream.write(bytes).await?;
            self.shared.sent.fetch_add(count as u64, Ordering::Relaxed);
            bytes = &bytes[count..];
        }
        self.stream.flush().await
    }

    /// The same piece again and again, until the client has enough.
    pub(super) async fn write_forever(&mut self, piece: &[u8]) -> io::Result<After> {
        loop {
            self.write(piece).await?;
        }
    }

    /// The same piece again and again, with a pause before each.
    pub(super) async fn trickle(&mut self, piece: &[u8], pause: Duration) -> io::Result<After> {
        loop {
            self.pause(pause).await?;
            self.write(piece).await?;
        }
    }

    pub(super) async fn pause(&mut self, pause: Duration) -> io::Result<()> {
        self.shared.ctx.sleep_async(pause).await.map_err(io::Error::other)
    }

    /// The time of day.
    pub(super) fn wall(&self) -> SystemTime {
        self.shared.ctx.clock().wall()
    }

    /// Requests for this path so far.
    pub(super) fn requests(&self, path: &str) -> u64 {
        let hits = self.shared.hits.lock().unwrap_or_else(PoisonError::into_inner);
        hits.get(path).copied().unwrap_or(0)
    }

    /// Says nothing until the client closes.
    pub(super) async fn fall_silent(&mut self) -> io::Result<After> {
        while self.stream.read_buf(&mut self.unread).await? > 0 {
            self.unread.clear();
        }
        Ok(After::Close)
    }

    /// A response as it should be. The fields end with a line break each.
    pub(super) async fn respond(
        &mut self,
        status: &str,
        fields: &str,
        body: impl AsRef<[u8]>,
    ) -> io::Result<After> {
        let body = body.as_ref();
        let mut response =
            format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n", body.len())
                .into_bytes();
        response.extend_from_slice(body);
        self.write(response).await?;
        Ok(After::Next)
    }

    /// An HTML page with these links.
    pub(super) async fn page(&mut self, title: &str, links: &[String]) -> io::Result<After> {
        use std::fmt::Write;
        let mut body = format!("<!doctype html><title>{title}</title><h1>{title}</h1>");
        for link in links {
            let _ = writeln!(body, "<a href=\"{link}\">{link}</a>");
        }
        self.respond("200 OK", "Content-Type: text/html; charset=utf-8\r\n", body).await
    }
}

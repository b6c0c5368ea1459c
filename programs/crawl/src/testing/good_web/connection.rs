//! One connection: reads requests and answers them in order, also when they come several at a time.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use memchr::memmem::Finder;
use millstream::Context;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::request::{LONGEST_HEAD, Request, parse};
use super::site::Site;
use super::{Naming, paths};

/// Serves a connection until its peer leaves. `port` is the number of the listener.
pub(super) async fn serve(
    site: Arc<Site>,
    ctx: Context,
    mut stream: TcpStream,
    port: u64,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let end = Finder::new(b"\r\n\r\n");
    let mut answers = Answers {
        site: &site,
        ctx: &ctx,
        port,
        out: Vec::new(),
        body: Vec::new(),
        links: Vec::new(),
    };
    let (mut input, mut filled) = (vec![0; LONGEST_HEAD], 0);
    loop {
        let mut done = 0;
        let mut keeps = true;
        while keeps && let Some(request) = parse(&input[done..filled], &end) {
            answers.add(&request).await;
            (done, keeps) = (done + request.length, request.keeps);
        }
        write_all(&mut stream, &answers.out).await?;
        answers.out.clear();
        input.copy_within(done..filled, 0);
        filled -= done;
        if !keeps || filled == input.len() {
            return Ok(());
        }
        let read = read(&mut stream, &mut input[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
    }
}

/// Reads what there is. Unlike `TcpStream::try_read`, this one knows that after a part nothing more
/// is there, and asks the system once a request, not twice.
async fn read(stream: &mut TcpStream, into: &mut [u8]) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut buffer = ReadBuf::new(into);
        Pin::new(&mut *stream).poll_read(cx, &mut buffer).map_ok(|()| buffer.filled().len())
    })
    .await
}

async fn write_all(stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, bytes)).await?;
        bytes = &bytes[written..];
    }
    Ok(())
}

/// Makes answers, into memory that is used again.
struct Answers<'a> {
    site: &'a Site,
    ctx: &'a Context,
    port: u64,
    out: Vec<u8>,
    body: Vec<u8>,
    links: Vec<u64>,
}

impl Answers<'_> {
    async fn add(&mut self, request: &Request<'_>) {
        let Some(host) = self.host(request) else { return self.not_found(request) };
        let waiting = self.site.counts.waits(host);
        let latency = self.site.plan.latency;
        if !latency.is_zero() {
            // Cancelled: the connection ends with its scope.
            drop(self.ctx.sleep_async(latency).await);
        }
        drop(waiting);
        self.body.clear();
        match self.fill(host, request) {
            Some(kind) => self.answer("200 OK", kind, request),
            None => self.not_found(request),
        }
    }

    /// Makes the body; its type, or none if there is nothing at the path.
    fn fill(&mut self, host: u64, request: &Request<'_>) -> Option<&'static str> {
        let Self { site, body, links, .. } = self;
        if !matches!(request.method, b"GET" | b"HEAD") {
            return None;
        }
        if let Some(index) = paths::index(request.path) {
            let page = site.plan.graph.page(host, index)?;
            site.counts.add_page(page);
            site.write_page(page, links, body);
            return Some("text/html; charset=utf-8");
        }
        match request.path {
            b"/robots.txt" => {
                site.counts.add_robots(host);
                site.write_robots(host, site.plan.robots.as_deref()?, body);
                Some("text/plain; charset=utf-8")
            }
            b"/sitemap.xml" => {
                site.write_sitemap(host, body);
                Some("application/xml")
            }
            path => {
                let part =
                    std::str::from_utf8(path.strip_prefix(b"/sitemap/")?).ok()?.parse().ok()?;
                site.write_part_of_sitemap(host, part, body);
                Some("application/xml")
            }
        }
    }

    fn not_found(&mut self, request: &Request<'_>) {
        self.site.counts.add_not_found();
        self.body.clear();
        self.body.extend_from_slice(b"There is nothing here.\n");
        self.answer("404 Not Found", "text/plain; charset=utf-8", request);
    }

    fn answer(&mut self, status: &str, kind: &str, request: &Request<'_>) {
        let out = &mut self.out;
        for part in ["HTTP/1.1 ", status, "\r\nContent-Type: ", kind, "\r\nContent-Length: "] {
            out.extend_from_slice(part.as_bytes());
        }
        paths::number(self.body.len() as u64, out);
        out.extend_from_slice(if request.keeps {
            b"\r\n\r\n"
        } else {
            b"\r\nConnection: close\r\n\r\n"
        });
        if request.method != b"HEAD" {
            out.extend_from_slice(&self.body);
        }
    }

    /// Which host is meant.
    fn host(&self, request: &Request<'_>) -> Option<u64> {
        let domain = match &self.site.plan.naming {
            Naming::Ports => return Some(self.port),
            Naming::Names(domain) => domain,
        };
        let name = request.host.strip_suffix(domain.as_bytes())?.strip_suffix(b".")?;
        let number = std::str::from_utf8(name.strip_prefix(b"h")?).ok()?.parse().ok()?;
        (number < self.site.plan.graph.hosts()).then_some(number)
    }
}

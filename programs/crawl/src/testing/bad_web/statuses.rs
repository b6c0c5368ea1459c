//! Redirects that lead nowhere, servers that ask clients to wait, and pages without end.

use std::io;
use std::time::Duration;

use super::peer::{After, Peer, Request, Stream};

pub(super) const PATHS: &[&str] = &[
    "/redirect-loop",
    "/redirect-chain",
    "/redirect-nowhere",
    "/redirect-private",
    "/busy-seconds",
    "/busy-date",
    "/flaky",
    "/down",
    "/calendar",
    "/session",
    "/deep",
    "/sitemap-huge.xml",
    "/latin1-header",
    "/latin1-meta",
    "/cookies",
    "/not-modified",
];

/// The huge sitemap: 600,000 places of 71 bytes, 42.6 MB.
const PLACES: u32 = 600_000;

pub(super) async fn answer<S: Stream>(peer: &mut Peer<S>, request: &Request) -> io::Result<After> {
    let first = request.before == 0;
    match request.path.as_str() {
        "/redirect-loop" => redirect(peer, "/redirect-loop?again").await,
        "/redirect-chain" => match request.number("left", 10) {
            0 => peer.page("the end of a chain", &[]).await,
            left => redirect(peer, &format!("/redirect-chain?left={}", left - 1)).await,
        },
        "/redirect-nowhere" => redirect(peer, "http://[nowhere").await,
        "/redirect-private" => redirect(peer, "http://169.254.169.254/latest/meta-data/").await,
        "/busy-seconds" if first => {
            peer.respond("429 Too Many Requests", "Retry-After: 1\r\n", "too many").await
        }
        "/busy-date" if first => {
            let moment = httpdate::fmt_http_date(peer.wall() + Duration::from_secs(2));
            peer.respond("429 Too Many Requests", &format!("Retry-After: {moment}\r\n"), "too many")
                .await
        }
        "/flaky" if first => peer.respond("503 Service Unavailable", "", "not now").await,
        "/down" => peer.respond("503 Service Unavailable", "", "not now").await,
        "/calendar" => {
            let month = request.number("month", 0);
            let next = [
                format!("/calendar?month={}", month + 1),
                format!("/calendar?month={}", month + 12),
            ];
            peer.page(&format!("month {month}"), &next).await
        }
        "/session" => {
            let visit = peer.requests("/session");
            let links = [
                format!("/session?sid={visit:016x}"),
                format!("/session?sid={:016x}", visit + 1_000_000),
            ];
            peer.page("a session", &links).await
        }
        path if path.starts_with("/deep") => peer.page("deeper", &[format!("{path}/deep")]).await,
        "/sitemap-huge.xml" => sitemap(peer).await,
        "/latin1-header" => {
            let fields = "Content-Type: text/html; charset=iso-8859-1\r\n";
            peer.respond("200 OK", fields, b"<!doctype html><title>Stra\xdfe</title>").await
        }
        "/latin1-meta" => {
            let body = b"<!doctype html><meta charset=\"iso-8859-1\"><title>Stra\xdfe</title>";
            peer.respond("200 OK", "Content-Type: text/html\r\n", body).await
        }
        "/cookies" => {
            let title = if request.field("cookie").is_some() {
                "a cookie came back"
            } else {
                "no cookie came"
            };
            let body = format!("<!doctype html><title>{title}</title>");
            let fields = "Content-Type: text/html\r\nSet-Cookie: id=1; Path=/\r\nSet-Cookie: b=2; Secure\r\n";
            peer.respond("200 OK", fields, body).await
        }
        "/not-modified" if request.field("if-none-match") == Some("\"one\"") => {
            peer.write("HTTP/1.1 304 Not Modified\r\nETag: \"one\"\r\n\r\n").await?;
            Ok(After::Next)
        }
        "/not-modified" => {
            let fields = "Content-Type: text/html\r\nETag: \"one\"\r\n";
            peer.respond("200 OK", fields, "<title>one</title>").await
        }
        _ => peer.page("the second time", &[]).await,
    }
}

async fn redirect<S: Stream>(peer: &mut Peer<S>, to: &str) -> io::Result<After> {
    peer.respond("302 Found", &format!("Location: {to}\r\n"), "").await
}

async fn sitemap<S: Stream>(peer: &mut Peer<S>) -> io::Result<After> {
    peer.write(
        "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n",
    )
    .await?;
    let head = "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n";
    peer.write(format!("{:x}\r\n{head}\r\n", head.len())).await?;
    for block in 0..PLACES / 1000 {
        let places: String = (block * 1000..(block + 1) * 1000)
            .map(|place| format!("<url><loc>http://bad.example/place/{place:010}</loc></url>\n"))
            .collect();
        peer.write(format!("{:x}\r\n{places}\r\n", places.len())).await?;
    }
    let tail = "</urlset>\n";
    peer.write(format!("{:x}\r\n{tail}\r\n0\r\n\r\n", tail.len())).await?;
    Ok(After::Next)
}

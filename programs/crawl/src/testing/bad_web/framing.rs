//! Bodies that are longer or shorter than announced, have no end, or come too slowly.

use std::io;

use super::heads::SLOW;
use super::peer::{After, Peer, Request, Stream};

pub(super) const PATHS: &[&str] = &[
    "/short-body",
    "/long-body",
    "/two-lengths",
    "/bad-length",
    "/bad-chunks",
    "/cut-chunks",
    "/cut-between-chunks",
    "/cut-last-chunk",
    "/cut-chunk-size",
    "/cut-trailers",
    "/reset-chunks",
    "/cut-gzip-chunks",
    "/chunk-extensions",
    "/tiny-chunks",
    "/chunks",
    "/endless-trailers",
    "/endless-body",
    "/endless-until-closed",
    "/slow-body",
    "/stalled-body",
    "/reset-body",
    "/large",
];

const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n";

pub(super) async fn answer<S: Stream>(peer: &mut Peer<S>, request: &Request) -> io::Result<After> {
    match request.path.as_str() {
        path if path.starts_with("/cut-") || path == "/reset-chunks" => {
            chunks_cut(peer, path).await
        }
        "/short-body" => closed(peer, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort").await,
        "/long-body" => {
            let smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled";
            peer.write(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more{smuggled}"
            ))
            .await?;
            Ok(After::Next)
        }
        "/two-lengths" => {
            closed(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhello")
                .await
        }
        "/bad-length" => closed(peer, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello").await,
        "/bad-chunks" => {
            closed(peer, &format!("{CHUNKED}5\r\nhello\r\nzz\r\nworld\r\n0\r\n\r\n")).await
        }
        "/chunk-extensions" => {
            peer.write(format!("{CHUNKED}5;")).await?;
            peer.write_forever(&[b'e'; 16 * 1024]).await
        }
        "/tiny-chunks" => {
            peer.write(CHUNKED).await?;
            peer.write_forever(&b"1\r\nt\r\n".repeat(1000)).await
        }
        "/chunks" => {
            peer.write(format!("{CHUNKED}6\r\nhello \r\n5\r\nworld\r\n0\r\nX-Trailer: t\r\n\r\n"))
                .await?;
            Ok(After::Next)
        }
        "/endless-trailers" => {
            peer.write(format!("{CHUNKED}5\r\nhello\r\n0\r\n")).await?;
            peer.write_forever(&b"X-Trailer: and more\r\n".repeat(500)).await
        }
        "/endless-body" => {
            peer.write(CHUNKED).await?;
            let piece = format!("4000\r\n{}\r\n", "e".repeat(0x4000));
            peer.write_forever(piece.as_bytes()).await
        }
        "/endless-until-closed" => {
            peer.write("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n").await?;
            peer.write_forever(&[b'e'; 16 * 1024]).await
        }
        "/slow-body" => {
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await?;
            peer.trickle(b"s", SLOW).await
        }
        "/stalled-body" => {
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome of it").await?;
            peer.fall_silent().await
        }
        "/reset-body" => {
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome of it").await?;
            // Time for the client to read it: a reset overtakes what was sent before.
            peer.pause(SLOW).await?;
            Ok(After::Reset)
        }
        _ => {
            let bytes = request.number("bytes", 20_000_000);
            large(peer, usize::try_from(bytes).unwrap_or(usize::MAX)).await
        }
    }
}

/// A body of the length that was asked for.
async fn large<S: Stream>(peer: &mut Peer<S>, length: usize) -> io::Result<After> {
    peer.write(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")).await?;
    let piece = [b'l'; 16 * 1024];
    let mut left = length;
    while left > 0 {
        let count = left.min(piece.len());
        peer.write(&piece[..count]).await?;
        left -= count;
    }
    Ok(After::Next)
}

/// Chunks that end early.
async fn chunks_cut<S: Stream>(peer: &mut Peer<S>, path: &str) -> io::Result<After> {
    match path {
        "/cut-chunks" => closed(peer, &format!("{CHUNKED}5\r\nhello\r\n5\r\nwo")).await,
        "/cut-between-chunks" => closed(peer, &format!("{CHUNKED}5\r\nhello\r\n")).await,
        "/cut-last-chunk" => closed(peer, &format!("{CHUNKED}5\r\nhello\r\n0\r\n")).await,
        "/cut-chunk-size" => closed(peer, &format!("{CHUNKED}5\r\nhello\r\n1")).await,
        "/cut-trailers" => closed(peer, &format!("{CHUNKED}5\r\nhello\r\n0\r\nX-Trailer: t")).await,
        "/cut-gzip-chunks" => {
            let head = CHUNKED.replace("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n");
            peer.write(format!("{head}5\r\n")).await?;
            peer.write(b"\x1f\x8b\x08\x00\x00\r\n").await?;
            Ok(After::Close)
        }
        _ => {
            peer.write(format!("{CHUNKED}5\r\nhello\r\n")).await?;
            peer.pause(SLOW).await?;
            Ok(After::Reset)
        }
    }
}

async fn closed<S: Stream>(peer: &mut Peer<S>, response: &str) -> io::Result<After> {
    peer.write(response).await?;
    Ok(After::Close)
}

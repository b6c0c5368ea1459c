//! Heads of responses that are none, do not end, or come too slowly.

use std::io;
use std::time::Duration;

use super::peer::{After, Peer, Request, Stream};

/// Between two bytes of what comes slowly.
pub(super) const SLOW: Duration = Duration::from_millis(20);

pub(super) const PATHS: &[&str] = &[
    "/garbage",
    "/http09",
    "/wrong-version",
    "/header-bomb",
    "/too-many-headers",
    "/long-status-line",
    "/endless-head",
    "/slow-head",
    "/silent",
    "/interim",
    "/interim-flood",
    "/close",
    "/cut-head",
    "/cut-status-line",
    "/cut-after-interim",
    "/reset-head",
    "/reset",
    "/close-after",
];

pub(super) async fn answer<S: Stream>(peer: &mut Peer<S>, request: &Request) -> io::Result<After> {
    match request.path.as_str() {
        "/garbage" => {
            peer.write(b"\x16\x03\x01\x00\xff\x00 nothing that is HTTP \xfe\xff\r\n\r\n").await?;
            Ok(After::Close)
        }
        "/http09" => {
            peer.write("<html>a body without a head</html>").await?;
            Ok(After::Close)
        }
        "/wrong-version" => {
            peer.write("HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nhi").await?;
            Ok(After::Close)
        }
        "/header-bomb" => {
            peer.write("HTTP/1.1 200 OK\r\nX-Bomb: ").await?;
            peer.write_forever(&[b'b'; 16 * 1024]).await
        }
        "/too-many-headers" => {
            let fields: String = (0..2_000).map(|number| format!("X-{number}: y\r\n")).collect();
            peer.respond("200 OK", &fields, "hi").await
        }
        "/long-status-line" => {
            peer.write("HTTP/1.1 200 ").await?;
            peer.write_forever(&[b'O'; 16 * 1024]).await
        }
        "/endless-head" => {
            peer.write("HTTP/1.1 200 OK\r\n").await?;
            peer.write_forever(&b"X-More: and more\r\n".repeat(500)).await
        }
        "/slow-head" => {
            peer.write("HTTP/1.1 200 OK\r\nX-Slow: ").await?;
            peer.trickle(b"s", SLOW).await
        }
        "/silent" => peer.fall_silent().await,
        "/interim" => {
            peer.write("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n").await?;
            peer.page("after an interim response", &[]).await
        }
        "/interim-flood" => {
            peer.write_forever(&b"HTTP/1.1 102 Processing\r\n\r\n".repeat(500)).await
        }
        "/close" => Ok(After::Close),
        "/cut-head" => {
            peer.write("HTTP/1.1 200 OK\r\nContent-Type: text/h").await?;
            Ok(After::Close)
        }
        "/cut-status-line" => {
            peer.write("HTTP/1.1 20").await?;
            Ok(After::Close)
        }
        "/cut-after-interim" => {
            peer.write("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n").await?;
            Ok(After::Close)
        }
        "/reset-head" => {
            peer.write("HTTP/1.1 200 OK\r\nContent-Type: text/h").await?;
            // Time for the client to read it: a reset overtakes what was sent before.
            peer.pause(SLOW).await?;
            Ok(After::Reset)
        }
        "/reset" => Ok(After::Reset),
        // Says nothing of it, and closes a connection that was to be kept.
        _ => {
            peer.page("and closed", &[]).await?;
            Ok(After::Close)
        }
    }
}

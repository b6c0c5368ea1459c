//! What a server may say: well, badly, and in ways that no HTTP library sends.
//!
//! It writes to no socket; the same seed and path give the same bytes.

use super::bodies;
use crate::fuzz::pack;
use crate::fuzz::random::Random;

/// Bytes, and what follows them.
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
    pub(super) then: Then,
}

/// What a server does after its answer.
pub(super) enum Then {
    /// Waits for the next request.
    KeepOpen,
    Close,
    /// Says nothing more, and keeps the connection.
    Hold,
    /// Sends this again and again.
    Repeat(Vec<u8>),
    /// The same, slowly.
    Drip(Vec<u8>),
}

/// A page of a host that answers well.
pub(super) fn good(pages: usize, path: &str) -> Answer {
    let number = path[1..].parse::<usize>().unwrap_or(0);
    let found = path == "/" || (1..pages).contains(&number);
    let links: String = (1..pages).map(|page| format!("<a href=/{page}>{page}</a>")).collect();
    let body =
        if found { format!("<!doctype html><title>{path}</title>{links}") } else { String::new() };
    let status = if found { "200 OK" } else { "404 Not Found" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Answer { bytes: (head + &body).into_bytes(), then: Then::KeepOpen }
}

/// Any answer.
pub(super) fn hostile(seed: u64, path: &str) -> Answer {
    let random = &mut Random::of_case(seed, path, 0);
    let special = path.ends_with(".txt") || path.ends_with(".xml");
    let body = match path {
        "/robots.txt" => bodies::robots(random),
        _ if special || random.one_in(12) => bodies::sitemap(random),
        _ => bodies::html(random),
    };
    // Most of robots.txt and half of the pages are sent as one should, or little would be asked
    // for.
    if random.one_in(2) || path == "/robots.txt" && !random.one_in(3) {
        let kind = if special { "text/plain" } else { "text/html" };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        return Answer { bytes: [head.as_bytes(), &body].concat(), then: Then::KeepOpen };
    }
    match random.below(8) {
        0 => odd_head(random, &body),
        1 => retry(random, &body),
        2 | 3 => redirect(random),
        4 => coded(random, &body),
        5 | 6 => framed(random, &body),
        _ => silent(random),
    }
}

fn closing(bytes: impl Into<Vec<u8>>) -> Answer {
    Answer { bytes: bytes.into(), then: Then::Close }
}

/// Status lines.
const LINES: [&str; 23] = [
    "HTTP/1.1 200",
    "HTTP/1.1 099 X",
    "HTTP/9.9 200 OK",
    "HTTP/1.1 1000 OK",
    "ICY 200 OK",
    "200 OK",
    "HTTP/1.0 200 OK",
    "HTTP/1.1 204 No Content",
    "HTTP/1.1 304 Not Modified",
    "HTTP/1.1 206 Partial Content",
    "HTTP/1.1 101 Switching Protocols",
    "HTTP/1.1 999 \u{1b}[31mX",
    "HTTP/1.1 -1 X",
    "HTTP/1.1 200 \u{9b}\u{202e}",
    "",
    "HTTP/1.1\t200\tOK",
    "<html>",
    "HTTP/1.1 418 x",
    "HTTP/1.1 401 x",
    "HTTP/1.1 407 x",
    "HTTP/1.1 451 x",
    "HTTP/1.1 600 x",
    "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK",
];

/// Fields of a head, with their ends.
const FIELDS: [&str; 30] = [
    "A: b\r\n folded\r\n",
    " first: folded\r\n",
    "no colon\r\n",
    "A\0B: c\r\n",
    "A: \0\r\n",
    "A : b\r\n",
    ": empty\r\n",
    "Content-Length: 5\r\nContent-Length: 6\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: 5, 5\r\n",
    "Content-Length: 18446744073709551616\r\n",
    "Content-Length: 9223372036854775807\r\n",
    "Content-Type: \u{1b}[31m\r\n",
    "Content-Type: text/html; charset=\"\r\n",
    "Content-Type: text/html; charset=utf-7\r\n",
    "Content-Type: text/html; charset=utf-16\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "Link: <<>>; rel=\"\r\n",
    "Link: </a>; rel=next, </b\r\n",
    "Refresh: 0; url=\r\n",
    "Refresh: 99999999999999999999;url=/r\r\n",
    "X-Robots-Tag: none\r\n",
    "Date: never\r\n",
    "\u{e9}: \u{e9}\r\n",
    "Set-Cookie: a=b\r\n",
    "Connection: close, keep-alive\r\n",
    "Trailer: x\r\n",
    "Upgrade: h2c\r\n",
];

fn odd_head(random: &mut Random, body: &[u8]) -> Answer {
    let mut head = String::new();
    if random.one_in(6) {
        head = "HTTP/1.1 100 Continue\r\n\r\n".repeat(random.pick(&[1, 2, 100, 10_000]));
    }
    head +=
        &format!("{}\r\n", if random.one_in(2) { "HTTP/1.1 200 OK" } else { random.pick(&LINES) });
    for _ in 0..random.below(4) {
        head += random.pick(&FIELDS);
    }
    match random.below(8) {
        0 => head += &"X-Many: y\r\n".repeat(random.within(90..=2_000)),
        1 => head += &format!("X-Long: {}\r\n", "y".repeat(random.within(60_000..=200_000))),
        _ => {}
    }
    closing([head.as_bytes(), b"\r\n", body].concat())
}

fn retry(random: &mut Random, body: &[u8]) -> Answer {
    let status = random.pick(&["429", "503", "500", "502", "200", "301", "404", "408", "413"]);
    let after = random.pick(&[
        "0",
        "1",
        "7200",
        "3600",
        "3601",
        "-1",
        "1.5",
        "99999999999999999999",
        "18446744073709551615",
        "9223372036854775807",
        "Wed, 21 Oct 2999 07:28:00 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Wed, 99 Oct 2026 99:99:99 GMT",
        "soon",
        "",
        "1e9",
        "0x10",
        "1, 2",
    ]);
    let length = if random.one_in(3) { body.len() + 100 } else { body.len() };
    let head =
        format!("HTTP/1.1 {status} X\r\nRetry-After: {after}\r\nContent-Length: {length}\r\n\r\n");
    let then = if random.one_in(3) { Then::Hold } else { Then::KeepOpen };
    Answer { bytes: [head.as_bytes(), body].concat(), then }
}

fn redirect(random: &mut Random) -> Answer {
    let status =
        random.pick(&["300", "301", "302", "303", "304", "305", "307", "308", "201", "399"]);
    let mut places: Vec<Vec<u8>> = [
        "/",
        "/0",
        "/1",
        "/2",
        "",
        " ",
        "?",
        "#",
        "//",
        "///",
        "http://",
        "http:///",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:1/",
        "http://127.1:1/",
        "http://2130706433:1/",
        "HTTP://127.0.0.1:1/\u{e9}",
        "http://u:p@127.0.0.1:1/",
        "javascript:alert(1)",
        "data:,x",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "/a b",
        "/%",
        "/%zz%00",
        "\\\\x",
        "/\t\u{1b}[31m",
        "/../../..",
        "http://127.0.0.1:1:1/",
    ]
    .map(|place| place.as_bytes().to_vec())
    .to_vec();
    places.push(b"/\xFF\xFE\x80".to_vec());
    places.push([b"/".to_vec(), vec![b'a'; random.within(1..=70_000)]].concat());
    places.push(format!("/{}", random.below(30)).into_bytes());
    places.push(b"/x\r\nLocation: /y".to_vec());
    let place = random.pick(&places);
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nLocation: ");
    let location =
        if random.one_in(12) { Vec::new() } else { [head.as_bytes(), &place, b"\r\n"].concat() };
    Answer { bytes: [&location[..], b"\r\n"].concat(), then: Then::KeepOpen }
}

/// With a content coding, right or wrong.
fn coded(random: &mut Random, body: &[u8]) -> Answer {
    let gzip = pack::gzip(body);
    let (coding, bytes) = match random.below(10) {
        0 => ("gzip", gzip[..random.below(gzip.len())].to_vec()),
        1 => ("gzip", pack::gzip_bomb(b'x', 5_000_000)),
        2 => ("gzip", [&gzip[..], &random.bytes(20)].concat()),
        3 => ("gzip, gzip", pack::gzip(&gzip)),
        4 => ("gzip", body.to_vec()),
        5 => (random.pick(&["br", "zstd", "deflate", "compress"]), random.bytes(300)),
        6 => (random.pick(&["identity", "", "zz", "gzip;q=1", "x-gzip", "GZIP", ",,,"]), gzip),
        7 => ("gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip", gzip),
        8 => ("deflate", pack::zlib(body)),
        _ => ("gzip", [gzip.clone(), pack::gzip(b"second"), gzip].concat()),
    };
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Type: text/html\r\n");
    let length = format!("Content-Length: {}\r\n\r\n", bytes.len());
    Answer { bytes: [head.as_bytes(), length.as_bytes(), &bytes].concat(), then: Then::KeepOpen }
}

/// A body whose end is not where it is said to be.
fn framed(random: &mut Random, body: &[u8]) -> Answer {
    let ok = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
    if random.one_in(2) {
        let length = random.pick(&[
            0,
            1,
            body.len() / 2,
            body.len() + 1,
            1 << 20,
            99_999_999_999,
            usize::MAX / 2,
        ]);
        let bytes = [format!("{ok}Content-Length: {length}\r\n\r\n").as_bytes(), body].concat();
        return Answer { bytes, then: then(random) };
    }
    let size = random.pick(&[
        "8000000000000000",
        "7fffffffffffffff",
        "ffffffffffffffff",
        "fffffffffffffffff",
        "-1",
        " 5",
        "0x5",
        "5;a=\"b",
        "5 ",
        "",
        "g",
        "+5",
        "00000000000000000000000000000005",
        "0",
        "5;\u{1b}[31m",
    ]);
    let real = format!("{:x}\r\n", body.len());
    let bad = format!("{size}\r\n");
    let ends: [&[u8]; 7] = [
        b"0\r\n\r\n",
        b"0\r\nA: b\r\n\r\n",
        b"",
        b"\r\n",
        b"0\n\n",
        b"0\r\n",
        b"0;x\r\nbad trailer\r\n\r\n",
    ];
    let end = random.pick(&ends);
    let chunked = format!("{ok}Transfer-Encoding: chunked\r\n\r\n");
    let with_length = format!("{ok}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n");
    let head = if random.one_in(4) { with_length } else { chunked };
    let first: Vec<u8> = [real.as_bytes(), body, b"\r\n"].concat();
    let bytes = if random.one_in(2) {
        [head.as_bytes(), &first, end].concat()
    } else {
        [head.as_bytes(), &first, bad.as_bytes(), b"hello\r\n", end].concat()
    };
    Answer { bytes, then: then(random) }
}

fn then(random: &mut Random) -> Then {
    match random.below(8) {
        0 => Then::Hold,
        1 => Then::Repeat(b"1\r\nx\r\n".repeat(100)),
        2 => Then::Repeat(b"X: y\r\n".repeat(100)),
        3 => Then::Drip(b"1\r\nx\r\n".to_vec()),
        4 => Then::KeepOpen,
        _ => Then::Close,
    }
}

/// Too little to be an answer, or an endless head.
fn silent(random: &mut Random) -> Answer {
    let starts: [&[u8]; 6] = [
        b"",
        b"H",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01",
    ];
    let bytes = random.pick(&starts);
    Answer { bytes: bytes.to_vec(), then: then(random) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_gets_the_same_answer_each_time() {
        for page in 0..300 {
            let path = format!("/{page}");
            assert_eq!(hostile(1, &path).bytes, hostile(1, &path).bytes);
        }
        assert!(good(3, "/2").bytes.starts_with(b"HTTP/1.1 200 OK"));
        assert!(good(3, "/3").bytes.starts_with(b"HTTP/1.1 404"));
    }
}

//! Compressed bodies: as they should be, too long when decompressed, and broken.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::GzEncoder as ReadGzEncoder;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::peer::{After, Peer, Request, Stream};

pub(super) const PATHS: &[&str] = &[
    "/gzip",
    "/deflate",
    "/raw-deflate",
    "/brotli",
    "/zstd",
    "/gzip-bomb",
    "/deflate-bomb",
    "/zstd-bomb",
    "/gzip-cut",
    "/not-gzip",
    "/unknown-coding",
];

/// The page that is behind every coding.
const PAGE: &[u8] = b"<!doctype html><title>compressed</title>";

/// A bomb's length when it is decompressed.
const BOMB: u64 = 50_000_000;

pub(super) async fn answer<S: Stream>(peer: &mut Peer<S>, request: &Request) -> io::Result<After> {
    let (coding, body) = match request.path.as_str() {
        "/gzip" => ("gzip", gzip(PAGE)?),
        "/deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(PAGE)?;
            ("deflate", encoder.finish()?)
        }
        "/raw-deflate" => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(PAGE)?;
            ("deflate", encoder.finish()?)
        }
        "/brotli" => ("br", brotli(PAGE)),
        "/zstd" => ("zstd", zstd::encode_all(PAGE, 1)?),
        "/gzip-bomb" => {
            let mut bomb = Vec::new();
            ReadGzEncoder::new(io::repeat(0).take(BOMB), Compression::default()).read_to_end(&mut bomb)?;
            ("gzip", bomb)
        }
        "/deflate-bomb" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            io::copy(&mut io::repeat(0).take(BOMB), &mut encoder)?;
            ("deflate", encoder.finish()?)
        }
        "/zstd-bomb" => ("zstd", zstd::encode_all(io::repeat(0).take(BOMB), 1)?),
        "/gzip-cut" => {
            let mut body = gzip(PAGE)?;
            body.truncate(body.len() - 12);
            ("gzip", body)
        }
        "/not-gzip" => ("gzip", PAGE.to_vec()),
        _ => ("x-unknown", PAGE.to_vec()),
    };
    let fields = format!("Content-Type: text/html; charset=utf-8\r\nContent-Encoding: {coding}\r\n");
    peer.respond("200 OK", &fields, body).await
}

fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain)?;
    encoder.finish()
}

/// One uncompressed block (RFC 7932, section 9.2), for at most 65,536 bytes.
fn brotli(plain: &[u8]) -> Vec<u8> {
    // From the lowest bit: a window of 16 bits (0), not the last (0), 4 nibbles (00), length less one, uncompressed (1).
    let length = plain.len() as u32 - 1;
    let head = length << 4 | 1 << 20;
    let mut stream = head.to_le_bytes()[..3].to_vec();
    stream.extend_from_slice(plain);
    // The last one, and empty.
    stream.push(0b11);
    stream
}

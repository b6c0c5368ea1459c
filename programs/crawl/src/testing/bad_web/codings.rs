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
    "/brotli-bomb",
    "/zstd-bomb",
    "/gzip-cut",
    "/not-gzip",
    "/unknown-coding",
];

/// The page that is behind every coding.
const PAGE: &[u8] = b"<!doctype html><title>compressed</title>";

/// A bomb's length when it is decompressed.
const BOMB: u64 = 50_000_000;

/// As many zeros, as Google's encoder makes them at quality 11 with a window of 24 bits: forty
/// bytes.
const BROTLI_BOMB: [u8; 40] =
    *b"\xcf\xff\xff\x7f\xf8\x27\x00\xe2\xb1\x40\x20\xf7\xfe\x9f\xff\xff\xff\xf0\x4f\x00\
    \xc4\x61\x01\x80\xee\xfd\x7f\xfe\xc1\xeb\xe3\x9f\x00\x88\xc3\x22\x00\x1d\x74\x7d";

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
            ReadGzEncoder::new(io::repeat(0).take(BOMB), Compression::default())
                .read_to_end(&mut bomb)?;
            ("gzip", bomb)
        }
        "/deflate-bomb" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            io::copy(&mut io::repeat(0).take(BOMB), &mut encoder)?;
            ("deflate", encoder.finish()?)
        }
        "/brotli-bomb" => ("br", BROTLI_BOMB.to_vec()),
        "/zstd-bomb" => ("zstd", zstd::encode_all(io::repeat(0).take(BOMB), 1)?),
        "/gzip-cut" => {
            let mut body = gzip(PAGE)?;
            body.truncate(body.len() - 12);
            ("gzip", body)
        }
        "/not-gzip" => ("gzip", PAGE.to_vec()),
        _ => ("compress", PAGE.to_vec()),
    };
    let fields =
        format!("Content-Type: text/html; charset=utf-8\r\nContent-Encoding: {coding}\r\n");
    peer.respond("200 OK", &fields, body).await
}

fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain)?;
    encoder.finish()
}

/// One uncompressed block (RFC 7932, section 9.2), for at most 65,536 bytes.
fn brotli(plain: &[u8]) -> Vec<u8> {
    // From the lowest bit: a window of 16 bits (0), not the last (0), 4 nibbles (00), length less
    // one, uncompressed (1).
    let length = plain.len() as u32 - 1;
    let head = length << 4 | 1 << 20;
    let mut stream = head.to_le_bytes()[..3].to_vec();
    stream.extend_from_slice(plain);
    // The last one, and empty.
    stream.push(0b11);
    stream
}

//! Content codings undone, within a limit: what would become longer is never made.
//!
//! It works on a body that is complete, and that is itself within the limit; so a fetch holds at
//! most both.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use hyper::HeaderMap;
use hyper::header::CONTENT_ENCODING;

use super::failure::Broken;
use crate::page::ErrorKind;

/// What is asked for, and can be undone.
pub(super) const ACCEPTED: &str = "gzip, deflate, br, zstd";

/// Codings of the IANA registry that are not undone here; what is not in it is no coding.
const KNOWN: [&str; 7] =
    ["aes128gcm", "compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip"];

/// More codings on top of each other than anybody uses are refused.
const MOST_CODINGS: usize = 3;

/// The largest window that a decompressor of zstd must have (RFC 8878): 8 MiB.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a member of gzip begins.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// How long the result may be, and what becomes of one that is not whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) most: usize,
    /// Longer results are cut.
    pub(super) cut: bool,
    /// The input was cut, so that its end is missing.
    pub(super) partial: bool,
}

/// The codings of a response, in the order in which they were applied.
pub(super) fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, Broken> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        let value = String::from_utf8_lossy(value.as_bytes());
        for name in value.split(',').map(|name| name.trim().to_ascii_lowercase()) {
            codings.push(match name.as_str() {
                "" | "identity" => continue,
                "gzip" | "x-gzip" => Coding::Gzip,
                "deflate" => Coding::Deflate,
                "br" => Coding::Brotli,
                "zstd" => Coding::Zstd,
                // A charset, a media type, "none": servers write anything here, and browsers take
                // the body as it is.
                other if !KNOWN.contains(&other) => continue,
                _ => {
                    let message =
                        format!("expected one of the codings {ACCEPTED}: the body has {name:?}");
                    return Err(Broken::new(ErrorKind::Encoding, message));
                }
            });
        }
    }
    if codings.len() > MOST_CODINGS {
        let message =
            format!("expected at most {MOST_CODINGS} codings: the body has {}", codings.len());
        return Err(Broken::new(ErrorKind::Encoding, message));
    }
    Ok(codings)
}

/// Undoes the codings; true if the result was cut.
pub(super) fn decode(
    body: Bytes,
    codings: &[Coding],
    bounds: Bounds,
) -> Result<(Bytes, bool), Broken> {
    let (mut body, mut cut) = (body, bounds.partial);
    for coding in codings.iter().rev() {
        if body.is_empty() {
            break;
        }
        let mut plain = Vec::new();
        let ended = undo(*coding, &body, bounds.most, &mut plain);
        if plain.len() > bounds.most {
            if !bounds.cut {
                let message =
                    format!("the body is longer than {} bytes after decompression", bounds.most);
                return Err(Broken::new(ErrorKind::TooLarge, message));
            }
            plain.truncate(bounds.most);
            cut = true;
        } else if let Err(error) = ended
            && !cut
        {
            let message = format!("expected a body that is {coding:?} throughout: {error}");
            // What is damaged would be the same again; what ends early is a response that broke
            // off, though its length fits.
            return Err(match error.kind() {
                io::ErrorKind::UnexpectedEof => Broken::cut_short(message),
                _ => Broken::new(ErrorKind::Encoding, message),
            });
        }
        body = plain.into();
    }
    Ok((body, cut))
}

/// Writes at most one byte more than `most`, so that it shows whether there is more.
fn undo(coding: Coding, body: &[u8], most: usize, plain: &mut Vec<u8>) -> io::Result<()> {
    let limit = most as u64 + 1;
    match coding {
        Coding::Gzip => return gunzip(body, limit, plain),
        // Some servers send the stream without the wrapper that the name stands for.
        Coding::Deflate if is_zlib(body) => {
            ZlibDecoder::new(body).take(limit).read_to_end(plain)?
        }
        Coding::Deflate => DeflateDecoder::new(body).take(limit).read_to_end(plain)?,
        Coding::Brotli => return unbrotli(body, limit, plain),
        Coding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(body)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            decoder.take(limit).read_to_end(plain)?
        }
    };
    Ok(())
}

/// The decompressor calls an early end what it calls damage; but only of an early end it asks for
/// more than there is.
fn unbrotli(body: &[u8], limit: u64, plain: &mut Vec<u8>) -> io::Result<()> {
    struct Input<'a>(&'a [u8], bool);

    impl Read for Input<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.1 |= self.0.is_empty();
            self.0.read(buf)
        }
    }

    let mut decoder = Decompressor::new(Input(body, false), 4096);
    match decoder.by_ref().take(limit).read_to_end(plain) {
        Ok(_) => Ok(()),
        Err(_) if decoder.get_ref().1 => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(error) => Err(error),
    }
}

/// Any number of members; what follows the last one and is none is ignored, as browsers do.
fn gunzip(mut body: &[u8], limit: u64, plain: &mut Vec<u8>) -> io::Result<()> {
    // What is something else is no gzip that ended early, however short it is.
    if !body.iter().zip(GZIP_MAGIC).all(|(is, expected)| *is == expected) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it does not begin as gzip does"));
    }
    loop {
        let mut member = GzDecoder::new(body);
        let left = limit - plain.len() as u64;
        member.by_ref().take(left).read_to_end(plain)?;
        body = member.into_inner();
        if plain.len() as u64 >= limit || !body.starts_with(&GZIP_MAGIC) {
            return Ok(());
        }
    }
}

/// Whether it starts like RFC 1950: method 8, a window that exists, a header that is divisible by
/// 31.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [first, second, ..]
        if first & 0x0f == 8 && first >> 4 <= 7 && u16::from_be_bytes([*first, *second]).is_multiple_of(31))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    const WHOLE: Bounds = Bounds { most: 1000, cut: false, partial: false };

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(plain: &[u8]) -> Vec<u8> {
        zstd::encode_all(plain, 1).unwrap()
    }

    fn text(
        body: Vec<u8>,
        codings: &[Coding],
        bounds: Bounds,
    ) -> Result<(String, bool), ErrorKind> {
        let (plain, cut) = decode(body.into(), codings, bounds).map_err(|broken| broken.kind)?;
        Ok((String::from_utf8(plain.to_vec()).unwrap(), cut))
    }

    fn whole(text: &str) -> Result<(String, bool), ErrorKind> {
        Ok((text.to_owned(), false))
    }

    #[test]
    fn each_coding_is_undone_and_deflate_in_both_forms() {
        assert_eq!(text(gzip(b"hello"), &[Coding::Gzip], WHOLE), whole("hello"));
        assert_eq!(text(zlib(b"hello"), &[Coding::Deflate], WHOLE), whole("hello"));
        assert_eq!(text(deflate(b"hello"), &[Coding::Deflate], WHOLE), whole("hello"));
        assert_eq!(text(zstd(b"hello"), &[Coding::Zstd], WHOLE), whole("hello"));
        // "hello" as one uncompressed block, RFC 7932 section 9.2.
        let brotli = b"\x21\x10\x00\x04hello\x03".to_vec();
        assert_eq!(text(brotli, &[Coding::Brotli], WHOLE), whole("hello"));
    }

    #[test]
    fn codings_are_undone_from_the_last_to_the_first() {
        assert_eq!(
            text(zstd(&gzip(b"hello")), &[Coding::Gzip, Coding::Zstd], WHOLE),
            whole("hello")
        );
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let zeros = vec![b'0'; 1_000_000];
        // As many, as Google's encoder makes them.
        let brotli = b"\x5f\x3f\x42\x8f\x5f\x02\x26\x1e\x0b\x04\xf2\x73\x1e\x00".to_vec();
        for (body, coding) in [
            (gzip(&zeros), Coding::Gzip),
            (zlib(&zeros), Coding::Deflate),
            (brotli, Coding::Brotli),
            (zstd(&zeros), Coding::Zstd),
        ] {
            assert_eq!(text(body.clone(), &[coding], WHOLE), Err(ErrorKind::TooLarge));
            let (plain, cut) = text(body, &[coding], Bounds { cut: true, ..WHOLE }).unwrap();
            assert_eq!((plain.len(), cut), (1000, true));
        }
        let twice = gzip(&gzip(&zeros));
        assert_eq!(text(twice, &[Coding::Gzip, Coding::Gzip], WHOLE), Err(ErrorKind::TooLarge));
    }

    #[test]
    fn a_body_of_just_the_limit_is_whole() {
        let (plain, cut) = text(gzip(&[b'0'; 1000]), &[Coding::Gzip], WHOLE).unwrap();
        assert_eq!((plain.len(), cut), (1000, false));
    }

    #[test]
    fn members_are_joined_and_what_follows_them_is_ignored() {
        let mut body = gzip(b"hel");
        body.extend(gzip(b"lo"));
        body.extend(b"\0\0\0");
        assert_eq!(text(body, &[Coding::Gzip], WHOLE), whole("hello"));
    }

    #[test]
    fn what_is_broken_or_cut_is_an_error_unless_it_was_cut_by_us() {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            assert_eq!(
                text(b"<html>no".to_vec(), &[coding], WHOLE),
                Err(ErrorKind::Encoding),
                "{coding:?}"
            );
        }
        let mut body = gzip(&b"hello ".repeat(100));
        body.truncate(body.len() - 9);
        let partial = Bounds { cut: true, partial: true, ..WHOLE };
        let (plain, cut) = text(body, &[Coding::Gzip], partial).unwrap();
        assert!(cut && plain.starts_with("hello hello"));
    }

    #[test]
    fn a_compressed_body_that_ends_early_broke_off_and_is_not_damaged() {
        let mut seed = 1u32;
        let plain: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'a' + (seed >> 28) as u8
        })
        .take(900)
        .collect();
        // Uncompressed blocks, RFC 7932 section 9.2.
        let brotli = b"\x21\x10\x00\x04hello\x03".to_vec();
        for (whole, coding) in [
            (gzip(&plain), Coding::Gzip),
            (zlib(&plain), Coding::Deflate),
            (deflate(&plain), Coding::Deflate),
            (zstd(&plain), Coding::Zstd),
            (brotli, Coding::Brotli),
        ] {
            for length in [whole.len() - 1, whole.len() / 2, whole.len() / 4, 5] {
                let cut = Bytes::copy_from_slice(&whole[..length]);
                let broken = decode(cut, &[coding], WHOLE).expect_err("it is not whole");
                let what =
                    format!("{length} of {} bytes of {coding:?}: {}", whole.len(), broken.message);
                assert_eq!((broken.kind, broken.broke_off), (ErrorKind::Protocol, true), "{what}");
            }
        }
    }

    #[test]
    fn names_are_read_in_any_case_codings_that_are_not_undone_are_errors_and_others_are_none() {
        let headers = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, value.parse().unwrap());
            }
            codings(&headers).map_err(|broken| broken.kind)
        };
        assert_eq!(headers(&["X-GZIP, identity", "BR"]), Ok(vec![Coding::Gzip, Coding::Brotli]));
        assert_eq!(headers(&["compress"]), Err(ErrorKind::Encoding));
        for none in ["none", "UTF-8", "binary", "8bit", "aws-chunked", "iso-8859-1", "text/html"] {
            assert_eq!(headers(&[none]), Ok(vec![]), "{none} is no coding");
        }
        assert_eq!(headers(&["utf-8, gzip"]), Ok(vec![Coding::Gzip]));
        assert_eq!(headers(&["gzip,gzip,gzip,gzip"]), Err(ErrorKind::Encoding));
    }
}

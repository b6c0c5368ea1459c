//! Records as bytes: header, block, and the gzip member around them.

use std::fmt;
use std::fmt::Write as _;
use std::time::SystemTime;

use data_encoding::BASE32;
use flate2::{Compress, Compression, Crc, FlushCompress};
use jiff::Timestamp;
use memchr::memmem;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use uuid::Uuid;

use crate::fetch::Capture;

/// Makes records; its compressor is used again for each.
pub(super) struct Encoder {
    compress: Compress,
    header: String,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self { compress: Compress::new(Compression::default(), false), header: String::new() }
    }

    /// The first record of a file.
    pub(super) fn info(&mut self, name: &str, software: &str, at: SystemTime, out: &mut Vec<u8>) {
        let block = format!(
            "software: {software}\r\nformat: WARC File Format 1.1\r\nconformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n"
        );
        self.begin("warcinfo", &new_id(), at);
        self.field("WARC-Filename", name);
        self.end("application/warc-fields", block.as_bytes(), out);
    }

    /// A response and the request for it.
    pub(super) fn exchange(&mut self, capture: &Capture, out: &mut Vec<u8>) {
        let (response, request) = (new_id(), new_id());
        let remote = capture.remote.ip();
        self.begin("response", &response, capture.at);
        self.field("WARC-Target-URI", &capture.url);
        self.field("WARC-IP-Address", remote);
        // Of the body as it stands here, chunks and all: this is what readers check.
        let head = memmem::find(&capture.response, b"\r\n\r\n")
            .map_or(capture.response.len(), |end| end + 4);
        self.field("WARC-Payload-Digest", Sha1(&capture.response[head..]));
        if capture.truncated {
            self.field("WARC-Truncated", "length");
        }
        self.end("application/http;msgtype=response", &capture.response, out);
        self.begin("request", &request, capture.at);
        self.field("WARC-Target-URI", &capture.url);
        self.field("WARC-IP-Address", remote);
        self.field("WARC-Concurrent-To", format_args!("<urn:uuid:{response}>"));
        self.end("application/http;msgtype=request", &capture.request, out);
    }

    fn begin(&mut self, kind: &str, id: &Uuid, at: SystemTime) {
        self.header.clear();
        self.header.push_str("WARC/1.1\r\n");
        self.field("WARC-Type", kind);
        self.field("WARC-Record-ID", format_args!("<urn:uuid:{id}>"));
        // A clock before the year -9999 is no clock.
        let at = Timestamp::try_from(at).unwrap_or_default();
        self.field("WARC-Date", at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"));
    }

    /// A value comes from us, or from a URL, which has no line breaks.
    fn field(&mut self, name: &str, value: impl fmt::Display) {
        let _ = write!(self.header, "{name}: {value}\r\n");
    }

    fn end(&mut self, content_type: &str, block: &[u8], out: &mut Vec<u8>) {
        self.field("WARC-Block-Digest", Sha1(block));
        self.field("Content-Type", content_type);
        self.field("Content-Length", block.len());
        self.header.push_str("\r\n");
        self.member(&[block, b"\r\n\r\n"], out);
    }

    /// Header and parts as one gzip member (RFC 1952).
    fn member(&mut self, parts: &[&[u8]], out: &mut Vec<u8>) {
        // Deflate, no flags, no time, no hint of effort, system unknown.
        out.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
        let mut crc = Crc::new();
        self.compress.reset();
        crc.update(self.header.as_bytes());
        deflate(&mut self.compress, self.header.as_bytes(), FlushCompress::None, out);
        for part in parts {
            crc.update(part);
            deflate(&mut self.compress, part, FlushCompress::None, out);
        }
        deflate(&mut self.compress, b"", FlushCompress::Finish, out);
        out.extend_from_slice(&crc.sum().to_le_bytes());
        out.extend_from_slice(&crc.amount().to_le_bytes());
    }
}

/// Takes all of the input, and with `Finish` ends the stream.
fn deflate(compress: &mut Compress, mut input: &[u8], flush: FlushCompress, out: &mut Vec<u8>) {
    loop {
        out.reserve(4096.max(input.len() / 2));
        let before = compress.total_in();
        let status = compress
            .compress_vec(input, out, flush)
            .expect("compression into memory has no way to fail");
        let taken = usize::try_from(compress.total_in() - before).expect("it is within a slice");
        input = &input[taken..];
        let is_done = match flush {
            FlushCompress::Finish => status == flate2::Status::StreamEnd,
            _ => input.is_empty(),
        };
        if is_done {
            return;
        }
    }
}

fn new_id() -> Uuid {
    Uuid::new_v4()
}

/// The digest that all readers of WARC know; it finds copies and damage, and protects from nobody.
struct Sha1<'a>(&'a [u8]);

impl fmt::Display for Sha1<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, self.0);
        write!(f, "sha1:{}", BASE32.encode(digest.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_sha1_in_base32() {
        assert_eq!(Sha1(b"").to_string(), "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ");
    }
}

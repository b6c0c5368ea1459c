//! The bytes of a sitemap: decompressed if need be, and no more than allowed.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use super::SitemapError;

/// Bytes, of which the ones beyond the limit are not given.
#[derive(Debug)]
pub(super) struct Input<'a> {
    reader: BufReader<Source<'a>>,
    left: u64,
    is_cut: bool,
}

#[derive(Debug)]
enum Source<'a> {
    Plain(&'a [u8]),
    Gzip(Box<MultiGzDecoder<&'a [u8]>>),
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8], max_bytes: u64) -> Self {
        let source = if bytes.starts_with(&[0x1F, 0x8B]) {
            Source::Gzip(Box::new(MultiGzDecoder::new(bytes)))
        } else {
            Source::Plain(bytes)
        };
        Self { reader: BufReader::new(source), left: max_bytes, is_cut: false }
    }

    /// There is more than what is allowed, and what is allowed was read.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Of an error that this input gave. The bytes are in memory, so that only the decompression
    /// can fail.
    pub(super) fn error_of(error: &io::Error) -> SitemapError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => SitemapError::Truncated,
            _ => SitemapError::Gzip,
        }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(bytes) => bytes.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
        }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let length = bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&bytes[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.reader.fill_buf()?;
        if self.left == 0 && !bytes.is_empty() {
            self.is_cut = true;
        }
        let allowed = usize::try_from(self.left).unwrap_or(usize::MAX);
        Ok(&bytes[..bytes.len().min(allowed)])
    }

    fn consume(&mut self, length: usize) {
        self.left -= (length as u64).min(self.left);
        self.reader.consume(length);
    }
}

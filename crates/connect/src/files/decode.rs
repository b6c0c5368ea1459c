//! Compressed files, recognised by their first bytes and never by their names.
//!
//! gzip may have several members and zstd several frames, as `cat a.gz b.gz` and parallel
//! compressors write them.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Compressed bytes are read in steps of this size.
const STEP: usize = 64 * 1024;

/// A reader of what is in a file, whether it is compressed or not.
///
/// An error of the file below (`WouldBlock` among them) loses nothing: the next read goes on where
/// it was.
pub(crate) enum Decoder<R: Read> {
    /// Not enough was read to decide; empty only while it becomes one of the others.
    Unknown(Option<Counted<R>>),
    Plain(Counted<R>),
    Gzip(Box<MultiGzDecoder<Counted<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Counted<R>>>),
}

impl<R: Read> Decoder<R> {
    pub(crate) fn new(stored: R) -> Self {
        Self::Unknown(Some(Counted::new(stored)))
    }

    /// Reads on until what it is can be known, and becomes that.
    fn recognize(&mut self) -> io::Result<()> {
        let Self::Unknown(unknown) = self else { return Ok(()) };
        if let Some(stored) = unknown {
            stored.peek()?;
        }
        if let Some(stored) = unknown.take() {
            *self = match stored.buffer() {
                head if head.starts_with(GZIP) => Self::Gzip(Box::new(MultiGzDecoder::new(stored))),
                head if head.starts_with(ZSTD) => {
                    Self::Zstd(Box::new(zstd::stream::read::Decoder::with_buffer(stored)?))
                }
                _ => Self::Plain(stored),
            };
        }
        Ok(())
    }

    /// The name of the compression.
    pub(crate) fn format(&self) -> Option<&'static str> {
        match self {
            Self::Unknown(_) | Self::Plain(_) => None,
            Self::Gzip(_) => Some("gzip"),
            Self::Zstd(_) => Some("zstd"),
        }
    }

    /// Bytes taken so far, as they are stored.
    pub(crate) fn taken(&self) -> u64 {
        match self {
            Self::Unknown(_) => 0,
            Self::Plain(r) => r.taken,
            Self::Gzip(r) => r.get_ref().taken,
            Self::Zstd(r) => r.get_ref().taken,
        }
    }

    /// What the bytes come from.
    pub(crate) fn stored_mut(&mut self) -> Option<&mut R> {
        Some(match self {
            Self::Unknown(r) => &mut r.as_mut()?.inner,
            Self::Plain(r) => &mut r.inner,
            Self::Gzip(r) => &mut r.get_mut().inner,
            Self::Zstd(r) => &mut r.get_mut().inner,
        })
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.recognize()?;
        match self {
            Self::Unknown(_) => Ok(0),
            Self::Plain(r) => r.read(buf),
            Self::Gzip(r) => r.read(buf),
            Self::Zstd(r) => r.read(buf),
        }
    }
}

/// The kind of compression that `head`, the beginning of a file, shows.
pub(crate) fn compression(head: &[u8]) -> Option<&'static str> {
    [(GZIP, "gzip"), (ZSTD, "zstd")]
        .into_iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, name)| name)
}

/// A buffered reader that knows how many bytes were taken from it, for error messages.
///
/// Plain files pass through without a copy: only what was peeked is buffered.
pub(crate) struct Counted<R> {
    inner: R,
    buf: Vec<u8>,
    at: usize,
    taken: u64,
}

impl<R: Read> Counted<R> {
    fn new(inner: R) -> Self {
        Self { inner, buf: Vec::new(), at: 0, taken: 0 }
    }

    /// Reads ahead until it is certain whether the data is compressed; no more than that is waited
    /// for.
    fn peek(&mut self) -> io::Result<()> {
        let undecided =
            |head: &[u8]| [GZIP, ZSTD].iter().any(|m| head.len() < m.len() && m.starts_with(head));
        while undecided(&self.buf) {
            let mut byte = [0; ZSTD.len()];
            let want = ZSTD.len() - self.buf.len();
            match self.inner.read(&mut byte[..want]) {
                Ok(0) => break,
                Ok(n) => self.buf.extend_from_slice(&byte[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn buffer(&self) -> &[u8] {
        &self.buf[self.at..]
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = match self.buffer() {
            [] => self.inner.read(out)?,
            mut ready => {
                let n = ready.read(out)?;
                self.at += n;
                n
            }
        };
        self.taken += n as u64;
        Ok(n)
    }
}

impl<R: Read> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.buf.len() {
            self.buf.resize(STEP, 0);
            // Nothing is buffered while reading, so that an error leaves nothing to be taken for
            // data.
            self.at = STEP;
            let read = self.inner.read(&mut self.buf);
            let n = read?;
            self.buf.truncate(n);
            self.at = 0;
        }
        Ok(&self.buf[self.at..])
    }

    fn consume(&mut self, n: usize) {
        self.at += n;
        self.taken += n as u64;
    }
}

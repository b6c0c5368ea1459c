//! Compressed files, recognised by their first bytes and never by their names.
//!
//! gzip may have several members and zstd several frames, as `cat a.gz b.gz` and parallel compressors write them.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Compressed bytes are read in steps of this size.
const STEP: usize = 64 * 1024;

/// A reader of what is in a file, whether it is compressed or not.
pub(crate) enum Decoder<R: Read> {
    Plain(Counted<R>),
    Gzip(Box<MultiGzDecoder<Counted<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Counted<R>>>),
}

impl<R: Read> Decoder<R> {
    /// Decides by `counted`'s peeked bytes; see [`Counted::peek`].
    pub(crate) fn new(counted: Counted<R>) -> io::Result<Self> {
        match counted.buffer() {
            head if head.starts_with(GZIP) => Ok(Self::Gzip(Box::new(MultiGzDecoder::new(counted)))),
            head if head.starts_with(ZSTD) => {
                Ok(Self::Zstd(Box::new(zstd::stream::read::Decoder::with_buffer(counted)?)))
            }
            _ => Ok(Self::Plain(counted)),
        }
    }

    /// The name of the compression.
    pub(crate) fn format(&self) -> Option<&'static str> {
        match self {
            Self::Plain(_) => None,
            Self::Gzip(_) => Some("gzip"),
            Self::Zstd(_) => Some("zstd"),
        }
    }

    pub(crate) fn stored(&self) -> &Counted<R> {
        match self {
            Self::Plain(r) => r,
            Self::Gzip(r) => r.get_ref(),
            Self::Zstd(r) => r.get_ref(),
        }
    }

    pub(crate) fn stored_mut(&mut self) -> &mut Counted<R> {
        match self {
            Self::Plain(r) => r,
            Self::Gzip(r) => r.get_mut(),
            Self::Zstd(r) => r.get_mut(),
        }
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(r) => r.read(buf),
            Self::Gzip(r) => r.read(buf),
            Self::Zstd(r) => r.read(buf),
        }
    }
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
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, buf: Vec::new(), at: 0, taken: 0 }
    }

    /// Reads ahead until it is certain whether the data is compressed; no more than that is waited for.
    pub(crate) fn peek(&mut self) -> io::Result<()> {
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

    /// Bytes taken so far, as they are stored.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    pub(crate) fn inner_mut(&mut self) -> &mut R {
        &mut self.inner
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
            // Nothing is buffered while reading, so that an error leaves nothing to be taken for data.
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

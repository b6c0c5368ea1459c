//! Where records end, and what a file is: the two questions that only the program can answer.

use std::path::Path;

/// Tells where the last whole record ends.
///
/// Records are made of lines, so a `Cut` is only ever shown whole lines; the end of a file closes its last record
/// whatever the `Cut` says. For records of several lines (a message with its stack trace) the answer is the start of
/// the last line that begins a record: what follows that line is not known yet.
pub trait Cut: Send {
    /// How many of `lines` belong to records that are known to be whole; at most `lines.len()`, and at a line end.
    ///
    /// `lines` is everything that was not handed on yet, up to the last line end; it begins where a record begins,
    /// unless the block before was handed on because nothing came for a while ([`Block::continues`] says so).
    ///
    /// [`Block::continues`]: super::Block::continues
    fn cut(&mut self, lines: &[u8]) -> usize;
}

/// One record a line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines;

impl Cut for Lines {
    fn cut(&mut self, lines: &[u8]) -> usize {
        lines.len()
    }
}

/// A file's first bytes, for [`Recognize`].
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The file; `-` for standard input.
    pub path: &'a Path,
    /// Its first bytes, decompressed: at most 64 KiB, and at least one whole line unless the file or the limit ends
    /// before that. Never empty. When a followed file is resumed these are still its first bytes.
    pub bytes: &'a [u8],
}

/// What a program makes of a file.
pub struct Accepted<F> {
    /// Where its records end.
    pub cut: Box<dyn Cut>,
    /// What travels with each of its blocks, for example the detected format.
    pub data: F,
}

impl<F> std::fmt::Debug for Accepted<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accepted")
    }
}

/// Called once a file with its first bytes; an `Err` refuses the file and says why.
///
/// A file without a byte is never shown to it.
pub type Recognize<F> = Box<dyn FnMut(Sample<'_>) -> Result<Accepted<F>, String> + Send>;

/// Takes every file, one record a line.
pub fn lines() -> Recognize<()> {
    Box::new(|_| Ok(Accepted { cut: Box::new(Lines), data: () }))
}

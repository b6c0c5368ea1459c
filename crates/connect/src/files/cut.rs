//! Where records end, and what a file is: the two questions that only the program can answer.

use std::path::Path;

/// Finds where the last whole record ends.
///
/// Records are made of lines, so a `Cut` is only ever shown whole lines; the end of a file closes
/// its last record whatever the `Cut` says. For records of several lines (a message with its stack
/// trace) the answer is the start of the last line that begins a record: what follows that line is
/// not known yet.
pub trait Cut: Send {
    /// How many of `lines` belong to records that are known to be whole; at most `lines.len()`, and
    /// at a line end.
    ///
    /// `lines` is everything that was not handed on yet, up to the last line end; it begins where a
    /// record begins, unless the block before was handed on because nothing came for a while
    /// ([`Block::continues`] says so).
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
///
/// A file that arrives bit by bit is shown again, each time with more, until the answer is
/// [`Certainty::Final`].
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a, F> {
    /// The file; `-` for standard input.
    pub path: &'a Path,
    /// Its first bytes, decompressed: at most 64 KiB (behind a first line of more than half of that
    /// as many again), and whole lines unless the sample is full. Never empty.
    /// When a followed file is resumed these are still its first bytes. Behind a record too long to
    /// be held, or where the first sample led to no final answer, they are those of a later
    /// stretch.
    pub bytes: &'a [u8],
    /// How many of these bytes were shown before.
    pub shown: usize,
    /// Whether the file was shown before, also if it was another stretch of it.
    pub again: bool,
    /// What was made of the file when it was shown before; the first time, what was made of the
    /// file that had its name, or that was truncated, if there was one.
    pub known: Option<&'a F>,
    /// Whether no more of this stretch will be shown. The bytes are then the same however they
    /// arrived.
    pub full: bool,
    /// Whether lines wait no more: they are handed on as this answer says, unless it is a refusal.
    pub waited: bool,
}

/// How sure a program is of what it makes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Whatever follows, the answer stays: the program is not asked again.
    Final,
    /// Lines need not wait, but the program wants to be asked again when more is there.
    SoFar,
    /// Lines wait for a better answer: until the sample is full, nothing came for the hold time, or
    /// a second has passed. The program is then asked once more, with [`Sample::waited`], and may
    /// still refuse the file before any of it was handed on.
    Guess,
}

/// What a program makes of a file.
pub struct Accepted<F> {
    /// Where its records end.
    pub cut: Box<dyn Cut>,
    /// What travels with each of its blocks, for example the detected format.
    pub data: F,
    /// Whether it may be something else after all.
    pub certainty: Certainty,
}

impl<F> std::fmt::Debug for Accepted<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accepted").field("certainty", &self.certainty).finish_non_exhaustive()
    }
}

/// Called with a file's first bytes, and again as [`Certainty`] says; an `Err` refuses the file and
/// says why.
///
/// A file without a byte is never shown to it. What was handed on stays as it was; what was not is
/// cut as the last answer says.
pub type Recognize<F> = Box<dyn FnMut(Sample<'_, F>) -> Result<Accepted<F>, String> + Send>;

/// Takes every file, one record a line.
pub fn lines() -> Recognize<()> {
    Box::new(|_| Ok(Accepted { cut: Box::new(Lines), data: (), certainty: Certainty::Final }))
}

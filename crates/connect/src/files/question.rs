//! What is still open about one file: which bytes the program has been shown, and how sure it was.
//!
//! A file that arrives bit by bit must come to the answer that its first bytes would give at rest.
//! So the beginning is kept until the answer is final, and shown again, longer, with every line
//! that arrives; what was not handed on yet is then cut by the new answer. It does not know what
//! the answers mean.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Certainty;

/// How much of a file's beginning is shown to the program.
pub(crate) const SAMPLE: usize = 64 * 1024;
/// How long lines wait for a surer answer while further ones arrive.
pub(crate) const DECIDE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Question<F> {
    /// What the file was that had this file's name before.
    pub(crate) predecessor: Option<Arc<F>>,
    certainty: Certainty,
    /// What was handed on since the beginning of the sample.
    head: Vec<u8>,
    /// How many bytes of the sample were shown.
    shown: usize,
    /// The sample was as long as it gets: only a later stretch of the file, from here on, can
    /// change the answer.
    not_before: u64,
    /// Lines have waited for a surer answer since then.
    since: Option<Instant>,
    /// They have waited long enough.
    decided: bool,
    /// The program was not asked since, and may still refuse them.
    last_call: bool,
}

/// How long a sample is at most: [`SAMPLE`] bytes, but a longer first line whole, and as much
/// behind it. Of a line that is too long to be held, or whose end is not in sight, no more than
/// that is shown, also where a large block has all of it: a small one never would.
pub(crate) fn sample_len(first_line: Option<usize>, max_record: usize) -> usize {
    match first_line {
        Some(len) if len > SAMPLE / 2 && len <= max_record => len + SAMPLE,
        _ => SAMPLE,
    }
}

impl<F> Question<F> {
    pub(crate) fn new() -> Self {
        Self {
            predecessor: None,
            certainty: Certainty::Guess,
            head: Vec::new(),
            shown: 0,
            not_before: 0,
            since: None,
            decided: false,
            last_call: false,
        }
    }

    /// The bytes of the sample that were handed on already.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    pub(crate) fn shown(&self) -> usize {
        self.shown
    }

    /// Whether the program should be asked about `lines` more bytes of whole lines that end at
    /// `end` in the file.
    pub(crate) fn is_due(&self, lines: usize, end: u64) -> bool {
        let is_more = self.head.len() + lines > self.shown
            // Behind the first sample one odd line must not change the answer.
            && (self.not_before == 0 || self.head.len() + lines >= SAMPLE);
        self.certainty != Certainty::Final
            && end >= self.not_before
            && (is_more || (self.last_call && lines > 0))
    }

    pub(crate) fn is_final(&self) -> bool {
        self.certainty == Certainty::Final
    }

    /// Whether the answer may still change by what is shown of the first sample.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_final() && self.not_before == 0
    }

    /// Whether lines wait no more.
    pub(crate) fn waited(&self) -> bool {
        self.decided
    }

    /// The program was asked about `shown` bytes, which end at `end` in the file; `full` if no more
    /// can be shown.
    pub(crate) fn answered(&mut self, certainty: Certainty, shown: usize, end: u64, full: bool) {
        self.certainty = certainty;
        self.shown = shown;
        self.last_call = false;
        if certainty == Certainty::Final {
            self.head = Vec::new();
        } else if full {
            (self.head, self.shown) = (Vec::new(), 0);
            // Twice as far each time, so that it costs little however long the file is.
            self.not_before = (end * 2).max(1);
            self.decided = true;
        }
    }

    /// The sample begins with these bytes, which are not read again.
    pub(crate) fn begin_with(&mut self, head: &[u8]) {
        if self.certainty != Certainty::Final && self.not_before == 0 {
            self.head = head.to_vec();
        }
    }

    /// A record too long to be shown is complete: if it was the first of the sample, what follows
    /// it is looked at as if the file began there.
    pub(crate) fn begin_again(&mut self) {
        // Behind other lines it was part of a sample that is full by now.
        let is_first = self.head.is_empty() || self.not_before == 0;
        if self.certainty != Certainty::Final && is_first {
            (self.head, self.shown, self.not_before) = (Vec::new(), 0, 0);
            (self.decided, self.last_call, self.since) = (false, false, None);
            self.certainty = Certainty::Guess;
        }
    }

    /// Bytes are handed on, of a sample that will have `most`.
    pub(crate) fn handed_on(&mut self, bytes: &[u8], most: usize) {
        if self.certainty != Certainty::Final {
            let room = most.saturating_sub(self.head.len());
            self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// Whether lines wait for a surer answer.
    pub(crate) fn waits(&self) -> bool {
        self.certainty == Certainty::Guess && !self.decided
    }

    /// Lines wait no more; if some did, the program has a last word on them.
    pub(crate) fn decide(&mut self) {
        self.last_call |= self.waits();
        self.decided = true;
    }

    /// Lines that wait do so from `now` on, and no longer than [`DECIDE`].
    pub(crate) fn note_time(&mut self, now: Instant) {
        if self.waits() && *self.since.get_or_insert(now) + DECIDE <= now {
            self.decide();
        }
    }

    /// When lines that wait have waited long enough.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.since.filter(|_| self.waits()).map(|since| since + DECIDE)
    }
}

//! One file's bytes become blocks: the only place that decides where a block ends.
//!
//! The reader asks for room, reads into it, and takes blocks until there is none. What was read and
//! not handed on yet stays here: the beginning of a record whose end has not come.
//!
//! 1. `bytes handed on ++ pending == bytes read`, in order and without a gap.
//! 2. `lines <= scanned <= buf.len()`: there is no line end in `lines..scanned`.
//! 3. After `next` returned `None`, at most `max_record` bytes are pending, or as many as the
//!    program is shown before lines are handed on, and there is room to read after `space`.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use memchr::{memchr, memrchr};

use super::block::{Block, Piece};
use super::identity::Identity;
use super::question::{Question, SAMPLE, sample_len};
use super::{Accepted, Buffer, Cut, FileId, Pool, Recognize, Sample};

/// The least room worth a read.
const ROOM: usize = 4 * 1024;

/// What is known about what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ahead {
    /// More bytes may come at once.
    More,
    /// Nothing came for the hold time: whole lines need not wait for what follows them.
    Idle,
    /// Nothing will come: the last line needs no line end.
    End,
}

pub(crate) struct Splitter<F> {
    pool: Pool,
    max_record: usize,
    file: FileId,
    format: Option<(Box<dyn Cut>, Arc<F>)>,
    question: Question<F>,
    /// Attached to each block.
    pub(crate) identity: Option<Identity>,
    buf: Buffer,
    /// End of the last whole line in `buf`.
    lines: usize,
    /// How far `buf` was searched for line ends.
    scanned: usize,
    /// Where `buf` begins in the file.
    offset: u64,
    seq: u64,
    /// In a record that is handed on in pieces.
    inside: bool,
    /// The next block may go on with the last record of the one before.
    continues: bool,
}

impl<F> Splitter<F> {
    pub(crate) fn new(pool: Pool, max_record: usize, file: FileId, offset: u64) -> Self {
        Self {
            pool,
            max_record,
            file,
            format: None,
            question: Question::new(),
            identity: None,
            buf: Buffer::default(),
            lines: 0,
            scanned: 0,
            offset,
            seq: 0,
            inside: false,
            continues: false,
        }
    }

    /// What the program made of the file, if it has said so.
    pub(crate) fn data(&self) -> Option<&Arc<F>> {
        self.format.as_ref().map(|(_, data)| data)
    }

    /// The file has the name that one of this kind had before.
    pub(crate) fn succeeds(&mut self, predecessor: Option<Arc<F>>) {
        self.question.predecessor = predecessor;
    }

    /// Whether the program has something to say about what is pending: the first time, or once
    /// there is more.
    pub(crate) fn is_to_ask(&mut self, ahead: Ahead) -> bool {
        self.scan();
        if self.inside {
            return false;
        }
        match &self.format {
            None => {
                let enough =
                    self.lines > 0 || ahead == Ahead::End || self.buf.len() > self.max_record;
                enough && !self.buf.is_empty()
            }
            Some(_) => {
                self.question.is_due(self.lines, self.offset + self.lines as u64)
                    || self.fills_sample()
            }
        }
    }

    /// How many bytes the sample has once it is full.
    fn sample_len(&self) -> usize {
        let head = self.question.head();
        let in_buf = || memchr(b'\n', &self.buf).map(|at| head.len() + at);
        sample_len(memchr(b'\n', head).or_else(in_buf), self.max_record)
    }

    /// Whether there is all that will be shown of the first sample.
    ///
    /// The end of its last line is not waited for: where the sample ends would depend on how much
    /// arrives at once.
    fn fills_sample(&self) -> bool {
        self.question.is_open() && self.question.head().len() + self.buf.len() >= self.sample_len()
    }

    /// Asks the program what the file is, as often as there is more to decide by; an `Err` is its
    /// refusal.
    pub(crate) fn ask(
        &mut self,
        ahead: Ahead,
        path: &Path,
        recognize: &mut Recognize<F>,
    ) -> Result<(), String> {
        if ahead != Ahead::More && self.format.is_some() {
            self.question.decide();
        }
        if !self.is_to_ask(ahead) {
            return Ok(());
        }
        let only_lines = self.lines > 0 && ahead != Ahead::End && !self.fills_sample();
        let pending = &self.buf[..if only_lines { self.lines } else { self.buf.len() }];
        let head = self.question.head();
        let joined;
        let bytes = if head.is_empty() {
            pending
        } else {
            joined = [head, pending].concat();
            &joined
        };
        let most = self.sample_len();
        let shown = most.min(bytes.len());
        let full = ahead == Ahead::End || bytes.len() >= most;
        let accepted = recognize(self.sample(path, &bytes[..shown], full))?;
        self.accept(accepted, shown, full);
        Ok(())
    }

    /// Asks the program what the file is by its first bytes, although reading began behind some of
    /// them.
    pub(crate) fn ask_by(
        &mut self,
        first: &[u8],
        path: &Path,
        recognize: &mut Recognize<F>,
    ) -> Result<(), String> {
        let full = first.len() >= SAMPLE;
        let accepted = recognize(self.sample(path, first, full))?;
        self.accept(accepted, first.len(), full);
        let before = usize::try_from(self.offset).unwrap_or(usize::MAX);
        self.question.begin_with(&first[..first.len().min(before)]);
        Ok(())
    }

    fn sample<'a>(&'a self, path: &'a Path, bytes: &'a [u8], full: bool) -> Sample<'a, F> {
        let known = self.data().or(self.question.predecessor.as_ref());
        Sample {
            path,
            bytes,
            shown: self.question.shown(),
            again: self.format.is_some(),
            known: known.map(Arc::as_ref),
            full,
            waited: self.question.waited(),
        }
    }

    fn accept(&mut self, accepted: Accepted<F>, shown: usize, full: bool) {
        let Accepted { cut, data, certainty } = accepted;
        self.format = Some((cut, Arc::new(data)));
        self.question.answered(certainty, shown, self.offset + self.buf.len() as u64, full);
    }

    /// Lines that wait for a surer answer have waited until `now`.
    pub(crate) fn note_time(&mut self, now: Instant) {
        if self.format.is_some() {
            self.question.note_time(now);
        }
    }

    /// When lines that wait for a surer answer have waited long enough.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.question.due()
    }

    /// Where the next byte to be read belongs.
    pub(crate) fn read_to(&self) -> u64 {
        self.offset + self.buf.len() as u64
    }

    /// Whether there are whole lines that only wait for what follows them.
    pub(crate) fn holds_lines(&mut self) -> bool {
        self.scan();
        self.lines > 0 && !self.inside
    }

    /// Room to read into, at least one byte; what was read is reported with
    /// [`filled`](Self::filled).
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.buf.capacity() < self.pool.size() && self.buf.len() < self.pool.size() {
            let mut buf = self.pool.take();
            buf.push(&self.buf);
            self.buf = buf;
        }
        if self.buf.room() < ROOM.min(self.pool.size() / 2).max(1) {
            self.buf.grow(self.buf.capacity() * 2);
        }
        self.buf.free_mut()
    }

    pub(crate) fn filled(&mut self, n: usize) {
        self.buf.advance(n);
    }

    /// Passes over the `n` next bytes of the file, which are part of no record; nothing may be
    /// pending.
    pub(crate) fn skip(&mut self, n: usize) {
        self.offset += n as u64;
    }

    /// Begins again at `offset` with nothing pending; the program is asked again what the file is,
    /// and reminded of what it was.
    pub(crate) fn restart(&mut self, offset: u64) {
        self.buf = Buffer::default();
        let known = self.format.take().map(|(_, data)| data);
        self.question = Question::new();
        self.succeeds(known);
        (self.lines, self.scanned, self.offset, self.seq) = (0, 0, offset, 0);
        (self.inside, self.continues) = (false, false);
    }

    /// Keeps no more memory than what is pending needs, until there is more to read.
    pub(crate) fn rest(&mut self) {
        if self.buf.is_empty() {
            self.buf = Buffer::default();
        } else if self.buf.len() < self.buf.capacity() / 4 {
            self.buf = Buffer::from_vec(self.buf.to_vec());
        }
    }

    /// The next block that can leave, given what is known about what follows; none before
    /// [`accept`](Self::accept).
    pub(crate) fn next(&mut self, ahead: Ahead) -> Option<Block<F>> {
        self.scan();
        self.format.as_ref()?;
        if self.inside {
            return self.next_piece(ahead);
        }
        match ahead {
            // A sample that is full has an answer for which nothing waits.
            Ahead::More if self.question.waits() => return None,
            Ahead::More => {}
            Ahead::Idle | Ahead::End => self.question.decide(),
        }
        if let Some(len) = self.long_first_line() {
            self.inside = true;
            return Some(self.emit(len, Piece::First, ahead, false));
        }
        let (cut, _) = self.format.as_mut()?;
        let lines = &self.buf[..self.lines];
        let whole = if lines.is_empty() { 0 } else { cut.cut(lines).min(lines.len()) };
        let n = match ahead {
            Ahead::More => whole,
            Ahead::Idle => self.lines,
            Ahead::End => self.buf.len(),
        };
        if n > 0 {
            let open_end = ahead == Ahead::Idle && whole < n;
            return Some(self.emit(n, Piece::Whole, ahead, open_end));
        }
        if self.buf.len() <= self.max_record {
            return None;
        }
        if self.lines > 0 {
            return Some(self.emit(self.lines, Piece::Whole, ahead, true));
        }
        self.inside = true;
        Some(self.emit(self.buf.len(), Piece::First, ahead, false))
    }

    /// The length of a line that is too long to be held, although it came whole, if the sample
    /// begins with it and what it is is open: behind it the file is looked at again, as behind one
    /// that came in pieces.
    fn long_first_line(&self) -> Option<usize> {
        if self.question.is_final() || !self.question.head().is_empty() {
            return None;
        }
        memchr(b'\n', &self.buf[..self.lines]).filter(|len| *len > self.max_record)
    }

    /// A piece of the record that is too long: up to its line end, or a good deal of it.
    fn next_piece(&mut self, ahead: Ahead) -> Option<Block<F>> {
        if self.lines > 0 {
            let end = memchr(b'\n', &self.buf[..self.lines]).map_or(self.lines, |at| at + 1);
            self.inside = false;
            let last = self.emit(end, Piece::Last, ahead, false);
            self.question.begin_again();
            return Some(last);
        }
        let len = self.buf.len();
        match ahead {
            Ahead::End if len > 0 => {
                self.inside = false;
                Some(self.emit(len, Piece::Last, ahead, false))
            }
            _ if len > 0 && len >= self.pool.size() / 2 => {
                Some(self.emit(len, Piece::Middle, ahead, false))
            }
            _ => None,
        }
    }

    fn scan(&mut self) {
        if let Some(at) = memrchr(b'\n', &self.buf[self.scanned..]) {
            self.lines = self.scanned + at + 1;
        }
        self.scanned = self.buf.len();
    }

    fn emit(&mut self, n: usize, piece: Piece, ahead: Ahead, open_end: bool) -> Block<F> {
        if piece == Piece::Whole {
            let most = if self.question.is_final() { 0 } else { self.sample_len() };
            self.question.handed_on(&self.buf[..n], most);
        }
        let bytes = self.take(n);
        let data = self.format.as_ref().map(|(_, data)| Arc::clone(data));
        let block = Block {
            file: self.file,
            offset: self.offset,
            seq: self.seq,
            bytes,
            piece,
            continues: self.continues,
            last: ahead == Ahead::End && self.buf.is_empty(),
            identity: self.identity,
            data: data.expect("a block is only made of an accepted file"),
        };
        self.offset += n as u64;
        self.seq += 1;
        self.continues = open_end;
        self.lines = self.lines.saturating_sub(n);
        self.scanned = self.scanned.saturating_sub(n);
        block
    }

    /// Removes the first `n` bytes: as a copy of their size when they are few, else as the buffer
    /// itself.
    fn take(&mut self, n: usize) -> Buffer {
        if n < self.buf.capacity() / 4 {
            let bytes = Buffer::from_vec(self.buf[..n].to_vec());
            self.buf.consume(n);
            return bytes;
        }
        let rest = Buffer::from_vec(self.buf[n..].to_vec());
        let mut bytes = std::mem::replace(&mut self.buf, rest);
        bytes.truncate(n);
        bytes
    }
}

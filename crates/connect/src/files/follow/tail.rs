//! One file that grows: reads what is new, and notices when it is not the same content any more.
//!
//! What was read counts only once the head of the file, read after it, is still what it was; a file
//! that was truncated and written again beyond the place read to is noticed by that, not only one
//! that became shorter.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use inotify::WatchDescriptor;

use super::watch::Key;
use crate::files::decode::compression;
use crate::files::identity::{HEAD, Identity, head_of};
use crate::files::question::SAMPLE;
use crate::files::splitter::{Ahead, Splitter};
use crate::files::{Block, FileError, Recognize};

/// What reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pumped {
    /// All there is was read.
    Dry,
    /// There may be more.
    More,
    /// There may be more, which begins at the first byte again; this far the old content had been
    /// read.
    Truncated(u64),
}

pub(crate) struct Tail<F> {
    pub(crate) path: PathBuf,
    pub(crate) watch: Option<WatchDescriptor>,
    /// When something was last read.
    pub(crate) last_data: Instant,
    /// Since when its name belongs to another file, or it has none.
    pub(crate) closing: Option<Instant>,
    /// It is in the queue of files to read.
    pub(crate) queued: bool,
    /// It is in the list of files with something to do later.
    pub(crate) timed: bool,
    key: Key,
    file: File,
    /// A hole at its beginning, if there is one, has not been passed over yet.
    leading: bool,
    /// Reading did not begin at its beginning.
    resumed: bool,
    head: Vec<u8>,
    splitter: Splitter<F>,
}

impl<F> Tail<F> {
    /// Takes over an open file from where `splitter` begins.
    pub(crate) fn new(
        file: File,
        path: PathBuf,
        head: Vec<u8>,
        splitter: Splitter<F>,
        now: Instant,
    ) -> io::Result<Self> {
        let meta = file.metadata()?;
        let mut tail = Self {
            path,
            watch: None,
            last_data: now,
            closing: None,
            queued: false,
            timed: false,
            key: (meta.dev(), meta.ino()),
            file,
            leading: splitter.read_to() == 0 && head.len() == HEAD && head.iter().all(|b| *b == 0),
            resumed: splitter.read_to() > 0,
            head,
            splitter,
        };
        tail.identify();
        Ok(tail)
    }

    /// What the program made of it.
    pub(crate) fn data(&self) -> Option<&Arc<F>> {
        self.splitter.data()
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn read_to(&self) -> u64 {
        self.splitter.read_to()
    }

    /// Which file it is, as far as its head has been read.
    pub(crate) fn identity(&self) -> Identity {
        Identity::new(self.key.0, self.key.1, &self.head)
    }

    /// When it has something to do that no notification will report.
    pub(crate) fn due(&mut self, hold: Duration, grace: Duration) -> Option<Instant> {
        [self.lines_due(hold), self.splitter.due(), self.closing_due(grace)]
            .into_iter()
            .flatten()
            .min()
    }

    /// When lines have waited long enough for what follows them.
    pub(crate) fn lines_due(&mut self, hold: Duration) -> Option<Instant> {
        if self.splitter.holds_lines() { self.last_data.checked_add(hold) } else { None }
    }

    /// When it will have been quiet long enough to be closed, if it is on its way out.
    pub(crate) fn closing_due(&self, grace: Duration) -> Option<Instant> {
        self.closing.map(|since| since.max(self.last_data) + grace)
    }

    /// Whether it has no name left.
    pub(crate) fn is_deleted(&self) -> bool {
        self.file.metadata().is_ok_and(|m| m.nlink() == 0)
    }

    /// Whether whole lines wait for what follows them.
    pub(crate) fn holds_lines(&mut self) -> bool {
        self.splitter.holds_lines()
    }

    /// Reads on and appends blocks until there is nothing new, a buffer was filled, or `out` has
    /// `max` blocks.
    pub(crate) fn pump(
        &mut self,
        recognize: &mut Recognize<F>,
        out: &mut VecDeque<Block<F>>,
        max: usize,
        now: Instant,
    ) -> Result<Pumped, FileError> {
        loop {
            self.hand_on(Ahead::More, recognize, out, max)?;
            if out.len() >= max {
                self.splitter.rest();
                return Ok(Pumped::More);
            }
            let at = self.splitter.read_to();
            let room = self.splitter.space();
            let wanted = room.len();
            let n = match self.file.read_at(room, at) {
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(self.read_error(e)),
            };
            if self.was_replaced(n, at).map_err(|e| self.read_error(e))? {
                self.hand_on(Ahead::End, recognize, out, usize::MAX)?;
                self.splitter.restart(0);
                self.leading = true;
                self.resumed = false;
                self.head.clear();
                self.identify();
                return Ok(Pumped::Truncated(at));
            }
            if n > 0 {
                self.last_data = now;
            }
            self.splitter.note_time(now);
            if self.leading {
                self.skip_hole(n);
            } else {
                self.splitter.filled(n);
            }
            self.hand_on(Ahead::More, recognize, out, max)?;
            self.splitter.rest();
            return Ok(if n < wanted && out.len() < max { Pumped::Dry } else { Pumped::More });
        }
    }

    /// Passes over NUL bytes at the beginning of the file, `n` bytes of which were just read.
    ///
    /// A writer that does not append goes on at its old place after the file was truncated, and
    /// leaves a hole before.
    fn skip_hole(&mut self, n: usize) {
        let read = &mut self.splitter.space()[..n];
        let hole = read.iter().position(|b| *b != 0).unwrap_or(n);
        read.copy_within(hole.., 0);
        self.splitter.skip(hole);
        self.splitter.filled(n - hole);
        self.leading = hole == n;
    }

    fn read_error(&self, source: io::Error) -> FileError {
        FileError::Read { path: self.path.clone(), offset: self.splitter.read_to(), source }
    }

    /// Hands on whole lines that wait for what follows them, or, at the end, everything.
    pub(crate) fn hand_on(
        &mut self,
        ahead: Ahead,
        recognize: &mut Recognize<F>,
        out: &mut VecDeque<Block<F>>,
        max: usize,
    ) -> Result<(), FileError> {
        self.ask(ahead, recognize)?;
        while out.len() < max
            && let Some(block) = self.splitter.next(ahead)
        {
            out.push_back(block);
        }
        Ok(())
    }

    /// Asks the program what the file is, by its first bytes also when it is read from somewhere
    /// else.
    fn ask(&mut self, ahead: Ahead, recognize: &mut Recognize<F>) -> Result<(), FileError> {
        let refused = |path: &PathBuf, why: String| FileError::Refused { path: path.clone(), why };
        if self.data().is_none()
            && let Some(format) = compression(&self.head)
        {
            let why = format!(
                "it is {format} data, which does not grow by lines; read it without following"
            );
            return Err(refused(&self.path, why));
        }
        if !self.splitter.is_to_ask(ahead) {
            return Ok(());
        }
        let first = self.first_bytes().map_err(|e| self.read_error(e))?;
        let answer = match first {
            Some(first) => self.splitter.ask_by(&first, &self.path, recognize),
            None => self.splitter.ask(ahead, &self.path, recognize),
        };
        answer.map_err(|why| refused(&self.path, why))
    }

    /// The file's first bytes if reading began somewhere else and the program has not seen them.
    fn first_bytes(&self) -> io::Result<Option<Vec<u8>>> {
        if !self.resumed || self.data().is_some() {
            return Ok(None);
        }
        let mut first = vec![0; SAMPLE];
        let n = self.file.read_at(&mut first, 0)?;
        let hole = first[..n].iter().position(|b| *b != 0).unwrap_or(n);
        Ok((hole < n).then(|| first[hole..n].to_vec()))
    }

    /// Whether the content is not what it was when it was read, after `n` bytes were read at `at`.
    fn was_replaced(&mut self, n: usize, at: u64) -> io::Result<bool> {
        if n == 0 && self.file.metadata()?.len() < at {
            return Ok(true);
        }
        let mut head = [0; HEAD];
        let len = read_head(&self.file, &mut head)?;
        if !head[..len].starts_with(&self.head) {
            return Ok(true);
        }
        if len > self.head.len() {
            self.head = head[..len].to_vec();
            self.identify();
        }
        Ok(false)
    }

    fn identify(&mut self) {
        self.splitter.identity = Some(self.identity());
    }
}

fn read_head(file: &File, head: &mut [u8; HEAD]) -> io::Result<usize> {
    match file.read_at(head, 0) {
        Ok(n) => Ok(n),
        Err(e) if e.kind() == io::ErrorKind::Interrupted => {
            let again = head_of(file)?;
            head[..again.len()].copy_from_slice(&again);
            Ok(again.len())
        }
        Err(e) => Err(e),
    }
}

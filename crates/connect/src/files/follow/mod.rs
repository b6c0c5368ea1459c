//! Files that grow: every line once, through rotation, truncation and restarts.
//!
//! | file | what it does |
//! |---|---|
//! | `mod.rs` | the source: what is notified, and what is read next |
//! | `due.rs` | what is due: lines that waited long enough, files that were quiet long enough |
//! | `look.rs` | what the names stand for now: which files to open, which are on their way out |
//! | `scan.rs` | names to paths and directories |
//! | `watch.rs` | the system's notifications |
//! | `tail.rs` | one file |
//!
//! A file is followed by what it is, not by its name: a renamed file stays open and is read on, in
//! front of the one that took its name, until it has been quiet for the grace time.

mod due;
mod look;
mod notice;
mod scan;
mod tail;
mod watch;

use std::collections::{HashMap, VecDeque};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millstream::{Context, Filled, Source};

pub use self::notice::Notice;
use self::scan::Name;
use self::tail::{Pumped, Tail};
use self::watch::{Changes, Key, Watcher};
use super::blocks::{BLOCK, HOLD, KEEP, MAX_RECORD};
use super::wait::WakeFd;
use super::{Block, FileError, Files, Pool, Position, Recognize};

/// How long a file without a name of its own must be quiet before it is closed.
const GRACE: Duration = Duration::from_secs(30);
/// How many closed files are remembered, should their names come up again.
const ENDED: usize = 256;

/// Files and patterns whose new lines come as [`Block`]s, as they are written; it ends only with
/// its context.
///
/// A file is read from its first byte, or from its [`Position`] if one was given to
/// [`resume`](Self::resume), and then as it grows: a line is handed on as soon as its line end is
/// there. Names that stand for nothing yet are waited for; directories that patterns reach may
/// appear later too.
///
/// What happens to files:
/// - *renamed* (with or without a successor): it is read on. Once another file has its name and it
///   has been quiet for the [`grace`](Self::grace) time it is closed, and a last line without line
///   end is handed on. The successor is read from its first byte as soon as it is there, after what
///   the old file had by then. Renamed before it could be opened: it is found by its new name in a
///   watched directory.
/// - *deleted*: as if replaced.
/// - *truncated* (`copytruncate`): read again from its first byte. What was written after the copy
///   was made and before the truncation is in no file any more, and lines that were not read before
///   the truncation are lost; a file that is written again with the same first 1,024 bytes and is
///   at least as long is not noticed.
/// - *a symbolic link that leads elsewhere*: as if renamed, when the link itself or a link it leads
///   through changes.
/// - *compressed*: refused; a rotated file that is compressed has been read already.
///
/// Writes through a memory map and writes by other machines to network file systems are not
/// notified by the system, so they are not seen until something else is.
///
/// # Errors
/// A file that cannot be opened or read or is refused ends the source, unless
/// [`on_notice`](Self::on_notice) listens: then it is reported, and the others are followed on.
///
/// # Cost
/// While nothing happens: nothing. Each wake-up: one look at the notifications, one read and one
/// check of its head a file with news. Memory: about 2 KiB a file, and what is pending of a line.
/// Each file takes a descriptor and a watch.
///
/// # Examples
/// ```
/// use std::collections::VecDeque;
/// use millstream::{Context, Source};
/// use millstream_connect::files::{Files, Follow, lines};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("app.log");
/// std::fs::write(&path, "one\ntwo, whose line end is not ther")?;
///
/// let (ctx, files, mut out) = (Context::new(), Files::new(), VecDeque::new());
/// let mut follow = Follow::new([&path], lines())?.names(&files);
/// while out.is_empty() {
///     follow.fill(&ctx, &mut out, 1)?;
/// }
/// assert_eq!(out[0].bytes(), b"one\n");
///
/// // Save this with what became of the lines, and give it to `resume` the next time.
/// let position = out[0].position(&files, out[0].end()).expect("a followed file has an identity");
/// assert_eq!(position.offset, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Follow<F> {
    names: Vec<Name>,
    files: Files,
    pool: Pool,
    max_record: usize,
    hold: Duration,
    grace: Duration,
    recognize: Recognize<F>,
    on_notice: Option<Box<dyn FnMut(Notice) + Send>>,
    /// Where to begin, given at the start.
    resume: HashMap<Key, Position>,
    /// Where files that were closed while they still existed ended.
    ended: VecDeque<Position>,
    started: bool,
    watcher: Watcher,
    wake_fd: WakeFd,
    changes: Changes,
    tails: HashMap<Key, Tail<F>>,
    /// What the files were that had these names and are closed.
    known: HashMap<PathBuf, Arc<F>>,
    /// Files that may have something to read, in the order in which they are read.
    queue: VecDeque<Key>,
    /// Files with something to do when time has passed.
    timed: Vec<Key>,
    /// Files that are not followed although a name stands for them.
    ignored: HashMap<Key, Ignored>,
}

/// Whether a file that is not followed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ignored {
    ForNow,
    ForGood,
}

impl<F: Send + Sync> Follow<F> {
    /// Follows what `names` stand for: paths and patterns, as in
    /// [`Inputs::expand`](super::Inputs::expand).
    ///
    /// # Errors
    /// A pattern that is not valid, a directory, `-`; or the system has no room for another
    /// watcher.
    pub fn new<S: AsRef<OsStr>>(
        names: impl IntoIterator<Item = S>,
        recognize: Recognize<F>,
    ) -> Result<Self, FileError> {
        let names =
            names.into_iter().map(|name| Name::parse(name.as_ref())).collect::<Result<_, _>>()?;
        let wake_fd = WakeFd::new()
            .map_err(|source| FileError::Watch { what: "cannot make a pipe".into(), source })?;
        Ok(Self {
            names,
            files: Files::new(),
            pool: Pool::new(BLOCK, KEEP),
            max_record: MAX_RECORD,
            hold: HOLD,
            grace: GRACE,
            recognize,
            on_notice: None,
            resume: HashMap::new(),
            ended: VecDeque::new(),
            started: false,
            watcher: Watcher::new()?,
            wake_fd,
            changes: Changes::default(),
            tails: HashMap::new(),
            known: HashMap::new(),
            queue: VecDeque::new(),
            timed: Vec::new(),
            ignored: HashMap::new(),
        })
    }

    /// Goes on where an earlier run stopped: each file whose identity matches begins at the
    /// position's offset.
    ///
    /// A file that was renamed meanwhile within its directory is found by its inode and read to its
    /// end first. A position whose file is not found is reported as [`Notice::Lost`]; a file that
    /// matches no position begins at its first byte. A file that was made *and* renamed while
    /// nobody followed has neither a name nor a position that leads to it; a pattern that covers
    /// the names of rotated files finds it. Of several positions with one
    /// [`Identity::key`](super::Identity::key) the last counts.
    #[must_use]
    pub fn resume(mut self, positions: impl IntoIterator<Item = Position>) -> Self {
        self.resume.extend(positions.into_iter().map(|p| (p.identity.key(), p)));
        self
    }

    /// How long whole lines wait for what follows them, if the `Cut` holds them back (default 1 s).
    #[must_use]
    pub fn hold(mut self, time: Duration) -> Self {
        self.hold = time;
        self
    }

    /// How long a file that was replaced or deleted must be quiet before it is closed (default 30
    /// s).
    #[must_use]
    pub fn grace(mut self, time: Duration) -> Self {
        self.grace = time;
        self
    }

    /// The size of a block when there is enough to read, in bytes (default 256 KiB).
    #[must_use]
    pub fn block_size(mut self, bytes: usize) -> Self {
        self.pool = Pool::new(bytes.max(1), KEEP);
        self
    }

    /// The longest record that is certain to be handed on whole, in bytes (default 1 MiB and 64
    /// KiB); as in [`Blocks::max_record`](super::Blocks::max_record).
    #[must_use]
    pub fn max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes.max(1);
        self
    }

    /// Uses a table of names that others share.
    #[must_use]
    pub fn names(mut self, files: &Files) -> Self {
        self.files = files.clone();
        self
    }

    /// Reports what happens to files, and goes on without a file that fails.
    #[must_use]
    pub fn on_notice(mut self, notify: impl FnMut(Notice) + Send + 'static) -> Self {
        self.on_notice = Some(Box::new(notify));
        self
    }

    /// The table of names.
    pub fn files(&self) -> &Files {
        &self.files
    }

    fn report(&mut self, notice: Notice) {
        if let Some(notify) = &mut self.on_notice {
            notify(notice);
        }
    }

    /// Ends the run with `error`, or reports it and goes on.
    fn fail(&mut self, error: FileError) -> Result<(), FileError> {
        if self.on_notice.is_none() {
            return Err(error);
        }
        self.report(Notice::Failed(error));
        Ok(())
    }

    /// Takes what has been notified, and looks at the names again if they may stand for something
    /// else.
    fn take_changes(&mut self, now: Instant) -> Result<(), FileError> {
        self.watcher.take(&mut self.changes).map_err(|source| FileError::Watch {
            what: "cannot read notifications".into(),
            source,
        })?;
        let mut changes = std::mem::take(&mut self.changes);
        if changes.everything {
            changes.files.extend(self.tails.keys());
        }
        for key in changes.files.drain(..) {
            self.enqueue(key, false);
        }
        if changes.names || changes.everything || !self.started {
            self.look(now)?;
        }
        changes.names = false;
        changes.everything = false;
        self.changes = changes;
        Ok(())
    }

    /// Puts a file into the queue, in front if it is on its way out: its lines are older.
    fn enqueue(&mut self, key: Key, front: bool) {
        let Some(tail) = self.tails.get_mut(&key) else { return };
        if std::mem::replace(&mut tail.queued, true) {
            return;
        }
        if front || tail.closing.is_some() {
            self.queue.push_front(key);
        } else {
            self.queue.push_back(key);
        }
    }

    /// Reads what is in the queue until there is nothing more, or until `out` has `max` blocks or a
    /// block's worth of new bytes: a backlog of many files must not come all at once.
    fn read_queue(
        &mut self,
        now: Instant,
        out: &mut VecDeque<Block<F>>,
        max: usize,
    ) -> Result<(), FileError> {
        let mut bytes = 0;
        while out.len() < max
            && bytes < self.pool.size()
            && let Some(key) = self.queue.pop_front()
        {
            let before = out.len();
            let Some(tail) = self.tails.get_mut(&key) else { continue };
            tail.queued = false;
            match tail.pump(&mut self.recognize, out, max, now) {
                Ok(Pumped::Dry) => {
                    if tail.holds_lines() {
                        self.look_later(key);
                    }
                }
                Ok(Pumped::More) => self.enqueue(key, false),
                Ok(Pumped::Truncated(read_to)) => {
                    let path = tail.path.clone();
                    self.enqueue(key, true);
                    self.report(Notice::Truncated { path, read_to });
                }
                Err(error) => self.drop_tail(key, error)?,
            }
            bytes += out.range(before..).map(|b| b.bytes().len()).sum::<usize>();
        }
        Ok(())
    }

    fn look_later(&mut self, key: Key) {
        if let Some(tail) = self.tails.get_mut(&key)
            && !std::mem::replace(&mut tail.timed, true)
        {
            self.timed.push(key);
        }
    }

    /// Gives up a file that cannot be followed.
    fn drop_tail(&mut self, key: Key, error: FileError) -> Result<(), FileError> {
        if let Some(wd) = self.tails.remove(&key).and_then(|t| t.watch) {
            self.watcher.unwatch(wd);
        }
        self.ignored.insert(key, Ignored::ForGood);
        self.fail(error)
    }
}

impl<F: Send + Sync> Source for Follow<F> {
    type Item = Block<F>;
    type Error = FileError;

    fn fill(
        &mut self,
        ctx: &Context,
        out: &mut VecDeque<Block<F>>,
        max: usize,
    ) -> Result<Filled, FileError> {
        let before = out.len();
        let max = before.saturating_add(max);
        loop {
            if ctx.is_cancelled() || max == before {
                return Ok(Filled::More);
            }
            let now = ctx.clock().now();
            self.take_changes(now)?;
            let open = self.tails.len();
            self.read_queue(now, out, max)?;
            if out.len() == before && !self.timed.is_empty() {
                self.run_due(now, out)?;
            }
            if out.len() > before || self.tails.len() < open {
                return Ok(Filled::More);
            }
            if self.queue.is_empty() {
                let until = self.next_due();
                self.wake_fd.wait(ctx, self.watcher.fd(), until).map_err(|source| {
                    FileError::Watch { what: "cannot wait for files".into(), source }
                })?;
            }
        }
    }
}

impl<F> std::fmt::Debug for Follow<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.names.iter().map(Name::text).collect();
        f.debug_struct("Follow").field("names", &names).field("open", &self.tails.len()).finish()
    }
}

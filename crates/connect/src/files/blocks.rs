//! Reads a list of inputs to its end, one after the other, as a source of blocks.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use millstream::{Context, Filled, Source};

use super::decode::Decoder;
use super::splitter::{Ahead, Splitter};
use super::stored::Stored;
use super::{Block, FileError, Files, Input, Inputs, Pool, Recognize};

/// The size of a block when there is enough to read.
pub(crate) const BLOCK: usize = 256 * 1024;
/// The longest record that is handed on whole.
pub(crate) const MAX_RECORD: usize = 1024 * 1024 + 64 * 1024;
/// How many buffers wait for their next use.
pub(crate) const KEEP: usize = 32;
/// How long whole lines wait for what follows them: longer than a busy program pauses within a
/// stack trace.
pub(crate) const HOLD: Duration = Duration::from_secs(1);

/// The files of a list, one after the other, as [`Block`]s.
///
/// Each file is shown to [`Recognize`] first; gzip and zstd are recognised by content and
/// decompressed. Blocks of one file come in order and without a gap, and a file's last line needs
/// no line end.
///
/// Standard input, pipes and terminals are handed on as they arrive: a block leaves whenever a read
/// brought less than was asked for, and whole lines that a [`Cut`](super::Cut) holds back leave
/// after the hold time.
///
/// # Errors
/// The first file that cannot be opened or read, is damaged or refused ends the source, after
/// everything that was read before it was handed on; with [`on_error`](Self::on_error) such a file
/// is reported and the next one is read.
///
/// # Cost
/// One read of the system a block into a recycled buffer; the beginning of the record that a block
/// breaks off is copied once. Memory: the buffers that are out, at most 32 that wait, and up to
/// `max_record` for the record in hand; a zstd file takes its window besides (8 MiB at most unless
/// made with `--ultra` or `--long`, then up to 128 MiB).
///
/// # Examples
/// ```
/// use std::collections::VecDeque;
/// use millstream::{Context, Source};
/// use millstream_connect::files::{Blocks, Inputs, lines};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("app.log");
/// std::fs::write(&path, "one\ntwo\nno line end")?;
///
/// let mut blocks = Blocks::new(&Inputs::expand([&path])?, lines());
/// let (ctx, mut out) = (Context::default(), VecDeque::new());
/// while blocks.fill(&ctx, &mut out, 1)? == millstream::Filled::More {}
/// assert_eq!(out[0].bytes(), b"one\ntwo\nno line end");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Blocks<F> {
    inputs: VecDeque<Input>,
    files: Files,
    pool: Pool,
    max_record: usize,
    recognize: Recognize<F>,
    on_error: Option<OnError>,
    current: Option<Open<F>>,
    read: Arc<AtomicU64>,
    hold: Duration,
}

/// What came of asking the open file.
enum Step<F> {
    Block(Block<F>),
    /// The context was cancelled first.
    Cancelled,
    /// There is no more of it, for the reason in `failed` or because it ended.
    Done,
}

type OnError = Box<dyn FnMut(FileError) + Send>;

/// The file that is being read.
struct Open<F> {
    path: PathBuf,
    decoder: Decoder<Stored>,
    splitter: Splitter<F>,
    hold: Duration,
    streams: bool,
    ended: bool,
    failed: Option<FileError>,
}

impl<F: Send + Sync> Blocks<F> {
    /// A source of the blocks of `inputs`.
    pub fn new(inputs: &Inputs, recognize: Recognize<F>) -> Self {
        Self {
            inputs: inputs.iter().cloned().collect(),
            files: Files::new(),
            pool: Pool::new(BLOCK, KEEP),
            max_record: MAX_RECORD,
            recognize,
            on_error: None,
            current: None,
            read: Arc::default(),
            hold: HOLD,
        }
    }

    /// The size of a block when there is enough to read, in bytes (default 256 KiB).
    #[must_use]
    pub fn block_size(mut self, bytes: usize) -> Self {
        self.pool = Pool::new(bytes.max(1), KEEP);
        self
    }

    /// The longest record, in bytes, that is certain to be handed on whole (default 1 MiB and 64
    /// KiB).
    ///
    /// A longer one may be whole too; one longer than this and a block together never is. See
    /// [`Piece`](super::Piece).
    #[must_use]
    pub fn max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes.max(1);
        self
    }

    /// How long whole lines wait for what follows them when the input is not a file, if the `Cut`
    /// holds them back (default 1 s).
    #[must_use]
    pub fn hold(mut self, time: Duration) -> Self {
        self.hold = time;
        self
    }

    /// Uses a table of names that others share.
    #[must_use]
    pub fn names(mut self, files: &Files) -> Self {
        self.files = files.clone();
        self
    }

    /// Goes on with the next file after one that failed, once `notify` has been called with the
    /// reason.
    #[must_use]
    pub fn on_error(mut self, notify: impl FnMut(FileError) + Send + 'static) -> Self {
        self.on_error = Some(Box::new(notify));
        self
    }

    /// The table of names.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Bytes read so far, as they are stored; together with [`Inputs::bytes`] a progress bar.
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    fn open(&mut self, input: &Input) -> Result<Open<F>, FileError> {
        let stored = Stored::open(input)?;
        let path = match input {
            Input::Stdin => PathBuf::from("-"),
            Input::Path(path) => path.clone(),
        };
        let splitter = Splitter::new(self.pool.clone(), self.max_record, self.files.id(&path), 0);
        let streams = stored.streams();
        let (decoder, hold) = (Decoder::new(stored), self.hold);
        Ok(Open { path, decoder, splitter, hold, streams, ended: false, failed: None })
    }

    /// Ends the run with `error`, or reports it and goes on.
    fn fail(&mut self, error: FileError) -> Result<(), FileError> {
        match &mut self.on_error {
            Some(notify) => {
                notify(error);
                Ok(())
            }
            None => Err(error),
        }
    }
}

impl<F: Send + Sync> Source for Blocks<F> {
    type Item = Block<F>;
    type Error = FileError;

    fn fill(
        &mut self,
        ctx: &Context,
        out: &mut VecDeque<Block<F>>,
        max: usize,
    ) -> Result<Filled, FileError> {
        loop {
            if max == 0 || ctx.is_cancelled() {
                return Ok(Filled::More);
            }
            let Some(open) = &mut self.current else {
                let Some(input) = self.inputs.pop_front() else { return Ok(Filled::End) };
                match self.open(&input) {
                    Ok(open) => self.current = Some(open),
                    Err(error) => self.fail(error)?,
                }
                continue;
            };
            let before = open.decoder.taken();
            let step = open.next(ctx, &mut self.recognize);
            self.read.fetch_add(open.decoder.taken() - before, Ordering::Relaxed);
            match step {
                Step::Block(block) => {
                    out.push_back(block);
                    return Ok(Filled::More);
                }
                Step::Cancelled => return Ok(Filled::More),
                Step::Done => {
                    let failed = open.failed.take();
                    self.current = None;
                    if let Some(error) = failed {
                        self.fail(error)?;
                    }
                }
            }
        }
    }
}

impl<F> Open<F> {
    fn next(&mut self, ctx: &Context, recognize: &mut Recognize<F>) -> Step<F> {
        let mut ahead = Ahead::More;
        let mut quiet_since = ctx.clock().now();
        loop {
            if self.ended {
                ahead = Ahead::End;
            }
            if let Some(refused) = self.ask(ahead, recognize) {
                return refused;
            }
            if let Some(block) = self.splitter.next(ahead) {
                return Step::Block(block);
            }
            if self.ended {
                return Step::Done;
            }
            // A hold without end, in numbers, is one.
            let held =
                if self.splitter.holds_lines() { quiet_since.checked_add(self.hold) } else { None };
            if self.streams
                && let Some(stored) = self.decoder.stored_mut()
            {
                self.splitter.note_time(ctx.clock().now());
                stored.wait_with(ctx, [held, self.splitter.due()].into_iter().flatten().min());
            }
            let came = self.read();
            if !came && ctx.is_cancelled() {
                // Whole lines that only wait for what follows them were read, and what was read is
                // not lost.
                if !self.streams {
                    return Step::Cancelled;
                }
                if let Some(refused) = self.ask(Ahead::Idle, recognize) {
                    return refused;
                }
                return self.splitter.next(Ahead::Idle).map_or(Step::Cancelled, Step::Block);
            }
            let now = ctx.clock().now();
            if came {
                quiet_since = now;
            }
            // A wait that ended only because lines need no surer answer any more is not a long one.
            self.splitter.note_time(now);
            ahead = if !came && held.is_some_and(|until| until <= now) {
                Ahead::Idle
            } else {
                Ahead::More
            };
        }
    }

    /// Asks what the file is, as far as that is open; nothing unless it is refused.
    fn ask(&mut self, ahead: Ahead, recognize: &mut Recognize<F>) -> Option<Step<F>> {
        let why = self.splitter.ask(ahead, &self.path, recognize).err()?;
        self.failed = Some(FileError::Refused { path: self.path.clone(), why });
        Some(Step::Done)
    }

    /// Reads once from what streams, and until the room is full from what does not; false if
    /// nothing came in time.
    fn read(&mut self) -> bool {
        let room = self.splitter.space();
        let mut n = 0;
        let mut came = true;
        while n < room.len() {
            match self.decoder.read(&mut room[n..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(more) => {
                    n += more;
                    if self.streams {
                        break;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    came = false;
                    break;
                }
                Err(source) => {
                    self.ended = true;
                    self.failed = Some(read_error(&self.path, &self.decoder, source));
                    break;
                }
            }
        }
        self.splitter.filled(n);
        if let Some(FileError::Damaged { decoded, .. }) = &mut self.failed {
            *decoded = self.splitter.read_to();
        }
        came
    }
}

fn read_error(path: &Path, decoder: &Decoder<Stored>, source: io::Error) -> FileError {
    let (path, offset) = (path.to_path_buf(), decoder.taken());
    match decoder.format() {
        Some(format) if source.raw_os_error().is_none() => {
            FileError::Damaged { path, format, offset, decoded: 0, source }
        }
        _ => FileError::Read { path, offset, source },
    }
}

impl<F> std::fmt::Debug for Blocks<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let current = self.current.as_ref().map(|open| &open.path);
        f.debug_struct("Blocks")
            .field("current", &current)
            .field("waiting", &self.inputs.len())
            .finish()
    }
}

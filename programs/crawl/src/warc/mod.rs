//! WARC 1.1 (ISO 28500:2017): responses as they came, one gzip member a record.
//!
//! A record can be read without those before it, and a file that was cut off by a kill is good up
//! to its last whole record. What it does not do: it keeps no index, and writes no `metadata` and
//! no `revisit` records.

mod file;
mod record;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::PathBuf;

use millstream::Clock;

use crate::fetch::Capture;
use file::{Output, named};
use record::Encoder;

/// The beginning of the files' names of a crawl.
const PREFIX: &str = "crawl";

/// Where a WARC goes, and how long its files become.
#[derive(Clone, Debug)]
pub struct Warc {
    /// The directory; it is made if it is missing.
    pub dir: PathBuf,
    /// The beginning of the files' names: `crawl` gives `crawl-00000.warc.gz`.
    pub prefix: String,
    /// A file that has reached this many bytes is followed by another one. 1 GB, as archives have
    /// it.
    pub max_file: u64,
    /// What the first record of each file says of the program that wrote it.
    pub software: String,
}

impl Warc {
    /// The usual lengths and names in this directory.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(crawl::warc::Warc::new("archive").max_file, 1_000_000_000);
    /// ```
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            prefix: PREFIX.to_owned(),
            max_file: 1_000_000_000,
            software: concat!("millstream/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A place between two records: everything before it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The number in the file's name.
    pub file: u32,
    /// Bytes of it.
    pub offset: u64,
}

/// Writes exchanges to files.
///
/// The file that is written has the ending `.warc.gz.open`; once it is full, or with
/// [`finish`](Self::finish), it loses `.open`. Each exchange is one write of two records, response
/// and request, and [`position`](Self::position) is behind them.
///
/// A file has one writer: several processes that write to one directory each have a file of their
/// own. One that a killed process left behind is gone on with by the next that opens the directory;
/// if there are more of them, the others are completed as they are.
///
/// Who keeps the position together with what else is known of the page (in one transaction) can
/// take up the work after a kill with [`truncate_to`](Self::truncate_to), and has each page once.
/// Who does not gets all that is whole: opening cuts the file in progress back to its last whole
/// record.
///
/// # Cost
/// About 1 KB an exchange beside what is written; compression takes most of the time. A file in
/// progress is read once when it is opened again.
///
/// # Examples
/// ```
/// use std::time::SystemTime;
/// use crawl::fetch::Capture;
/// use crawl::warc::{Warc, WarcWriter};
///
/// let dir = tempfile::tempdir()?;
/// let capture = Capture {
///     url: "http://example.com/".to_owned(),
///     at: SystemTime::UNIX_EPOCH,
///     remote: "192.0.2.1:80".parse()?,
///     request: "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".into(),
///     response: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".into(),
///     truncated: false,
/// };
/// let mut warc = WarcWriter::open(Warc::new(dir.path()), &millstream::Clock::real())?;
/// warc.write(&capture)?;
/// warc.finish()?;
/// assert!(dir.path().join("crawl-00000.warc.gz").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WarcWriter {
    settings: Warc,
    clock: Clock,
    encoder: Encoder,
    output: Output,
    /// The bytes of one write.
    buffer: Vec<u8>,
}

impl WarcWriter {
    /// Goes on with a file in progress that nobody writes to, or begins one with a number above all
    /// others.
    ///
    /// A file in progress is cut back to its last whole record. Files that are complete, or that
    /// others write to, stay as they are.
    ///
    /// # Errors
    /// When the directory cannot be made or read, or a file not opened, locked, read or cut; the
    /// message names it.
    pub fn open(settings: Warc, clock: &Clock) -> io::Result<Self> {
        fs::create_dir_all(&settings.dir).map_err(|error| named(&settings.dir, error))?;
        let output = match take_over(&settings)? {
            Some(output) => output,
            None => create(&settings)?,
        };
        let mut writer = Self {
            settings,
            clock: clock.clone(),
            encoder: Encoder::new(),
            output,
            buffer: Vec::new(),
        };
        writer.begin_file()?;
        Ok(writer)
    }

    /// Appends an exchange.
    ///
    /// The body stands there as it came, in its chunks and its compression, with the head that says
    /// so.
    ///
    /// # Errors
    /// When the file cannot be written; then it is cut back to where it was, and the exchange may
    /// be written again.
    pub fn write(&mut self, capture: &Capture) -> io::Result<Position> {
        if self.output.offset() >= self.settings.max_file {
            self.next_file()?;
        }
        self.buffer.clear();
        self.encoder.exchange(capture, &mut self.buffer);
        self.output.append(&self.buffer)?;
        Ok(self.position())
    }

    /// Behind the last record.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { file: self.output.number(), offset: self.output.offset() }
    }

    /// Waits until the system has everything on the disk.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn sync(&mut self) -> io::Result<()> {
        self.output.sync()
    }

    /// Takes back everything behind a position: cuts its file there, and removes the files after
    /// it. That is for a directory with one writer.
    ///
    /// # Errors
    /// When there is no such file, when it is shorter than that, when somebody else writes to the
    /// directory, or when a file cannot be changed.
    pub fn truncate_to(&mut self, position: Position) -> io::Result<()> {
        let files = Files::of(&self.settings)?;
        for number in files.open.iter().filter(|number| **number != self.output.number()) {
            let path = files.path(*number, true);
            if file::is_taken(&path)? {
                return Err(named(&path, io::Error::other("another process writes to it")));
            }
        }
        let (open, full) = (files.path(position.file, true), files.path(position.file, false));
        let is_full = !open.exists();
        let path = if is_full { &full } else { &open };
        let length = fs::metadata(path).map_err(|error| named(path, error))?.len();
        if length < position.offset {
            let message = format!("expected at least {} bytes: it has {length}", position.offset);
            return Err(named(path, io::Error::new(io::ErrorKind::InvalidInput, message)));
        }
        for number in position.file + 1..files.next {
            for path in [files.path(number, true), files.path(number, false)] {
                if path.exists() {
                    fs::remove_file(&path).map_err(|error| named(&path, error))?;
                }
            }
        }
        if is_full {
            fs::rename(&full, &open).map_err(|error| named(&full, error))?;
        }
        if position.file == self.output.number() {
            self.output.cut(position.offset)?;
        } else {
            self.output = Output::at(&open, position.file, position.offset)?;
        }
        self.begin_file()
    }

    /// Completes the file in progress: on the disk, and with its last name.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn finish(mut self) -> io::Result<()> {
        self.complete()
    }

    fn next_file(&mut self) -> io::Result<()> {
        self.complete()?;
        self.output = create(&self.settings)?;
        self.begin_file()
    }

    /// The record that every file begins with.
    fn begin_file(&mut self) -> io::Result<()> {
        if self.output.offset() > 0 {
            return Ok(());
        }
        let name = file_name(&self.settings.prefix, self.output.number());
        self.buffer.clear();
        self.encoder.info(&name, &self.settings.software, self.clock.wall(), &mut self.buffer);
        self.output.append(&self.buffer)
    }

    fn complete(&mut self) -> io::Result<()> {
        complete(&self.settings, &mut self.output)
    }
}

/// A file in progress that somebody left behind, if there is one. If there are others, they are
/// completed.
fn take_over(settings: &Warc) -> io::Result<Option<Output>> {
    let files = Files::of(settings)?;
    let mut first = None;
    for number in files.open.iter().rev() {
        let path = files.path(*number, true);
        let Some(mut output) = Output::reopen(&path, *number)? else { continue };
        if first.is_none() {
            first = Some(output);
        } else if output.offset() > 0 {
            complete(settings, &mut output)?;
        } else {
            fs::remove_file(&path).map_err(|error| named(&path, error))?;
        }
    }
    Ok(first)
}

/// A file with a number above all others.
fn create(settings: &Warc) -> io::Result<Output> {
    loop {
        let files = Files::of(settings)?;
        let (open, full) = (files.path(files.next, true), files.path(files.next, false));
        let Some(output) = Output::create(&open, files.next)? else { continue };
        if !full.exists() {
            return Ok(output);
        }
        // Somebody has made and completed one of this number since the directory was read.
        fs::remove_file(&open).map_err(|error| named(&open, error))?;
    }
}

fn complete(settings: &Warc, output: &mut Output) -> io::Result<()> {
    output.sync()?;
    output.rename(settings.dir.join(file_name(&settings.prefix, output.number())))
}

/// The files of a prefix in a directory.
struct Files<'a> {
    settings: &'a Warc,
    /// Files in progress.
    open: BTreeSet<u32>,
    /// A number above all others.
    next: u32,
}

impl<'a> Files<'a> {
    fn of(settings: &'a Warc) -> io::Result<Self> {
        let mut files = Self { settings, open: BTreeSet::new(), next: 0 };
        for entry in fs::read_dir(&settings.dir).map_err(|error| named(&settings.dir, error))? {
            let Some((number, is_open)) = number(&settings.prefix, &entry?.file_name()) else {
                continue;
            };
            files.next = files.next.max(number + 1);
            if is_open {
                files.open.insert(number);
            }
        }
        Ok(files)
    }

    fn path(&self, number: u32, open: bool) -> PathBuf {
        let mut name = file_name(&self.settings.prefix, number);
        if open {
            name.push_str(".open");
        }
        self.settings.dir.join(name)
    }
}

/// The number in the name of a file of this prefix, and whether it is in progress.
fn number(prefix: &str, name: &OsStr) -> Option<(u32, bool)> {
    let name = name.to_str()?.strip_prefix(prefix)?.strip_prefix('-')?;
    let is_open = name.ends_with(".open");
    let number = name.strip_suffix(".open").unwrap_or(name).strip_suffix(".warc.gz")?;
    Some((number.parse().ok()?, is_open))
}

/// Whether a file of this name in the directory of a crawl's WARC is one of its files.
pub(crate) fn is_own(name: &OsStr) -> bool {
    number(PREFIX, name).is_some()
}

fn file_name(prefix: &str, number: u32) -> String {
    format!("{prefix}-{number:05}.warc.gz")
}

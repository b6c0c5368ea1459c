//! One file of a WARC: whole records appended, or nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;

#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    number: u32,
    file: File,
    /// Where the next record begins; nothing behind it counts.
    offset: u64,
}

impl Output {
    /// A file that does not exist yet; none if somebody else was faster.
    pub(super) fn create(path: &Path, number: u32) -> io::Result<Option<Self>> {
        match OpenOptions::new().create_new(true).read(true).write(true).open(path) {
            Ok(file) => Self::locked(file, path, number),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(named(path, error)),
        }
    }

    /// A file in progress that nobody writes to any more, cut back to its last whole record; none
    /// if somebody does.
    pub(super) fn reopen(path: &Path, number: u32) -> io::Result<Option<Self>> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            // Its writer has completed it since it was seen.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(named(path, error)),
        };
        let Some(mut output) = Self::locked(file, path, number)? else { return Ok(None) };
        // The same between opening and locking: a completed file has another name, and no other
        // gets its number.
        if !path.exists() {
            return Ok(None);
        }
        let offset = whole_members(&output.file).map_err(|error| named(path, error))?;
        output.cut(offset)?;
        Ok(Some(output))
    }

    /// A file in progress, cut off here.
    pub(super) fn at(path: &Path, number: u32, offset: u64) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|error| named(path, error))?;
        let taken = || named(path, io::Error::other("another process writes to it"));
        let mut output = Self::locked(file, path, number)?.ok_or_else(taken)?;
        output.cut(offset)?;
        Ok(output)
    }

    /// Who writes to a file has a lock on it, which the system drops when the process ends: so
    /// nobody else takes it for one that was left behind. None if somebody has it.
    fn locked(file: File, path: &Path, number: u32) -> io::Result<Option<Self>> {
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { path: path.to_owned(), number, file, offset: 0 })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(named(path, error)),
        }
    }

    /// Takes back everything behind an offset.
    pub(super) fn cut(&mut self, offset: u64) -> io::Result<()> {
        let cut = self.file.set_len(offset).and_then(|()| self.file.seek(SeekFrom::Start(offset)));
        cut.map_err(|error| named(&self.path, error))?;
        self.offset = offset;
        Ok(())
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Writes all of it; if that fails, none of it stays.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        // After a failure the end may be anywhere, so the place is said each time it could have
        // moved.
        if let Err(error) = self.file.write_all(bytes) {
            let back = self
                .file
                .set_len(self.offset)
                .and_then(|()| self.file.seek(SeekFrom::Start(self.offset)));
            let error = match back {
                Ok(_) => error,
                Err(second) => io::Error::new(
                    error.kind(),
                    format!("{error}; and it could not be cut back: {second}"),
                ),
            };
            return Err(named(&self.path, error));
        }
        self.offset += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data().map_err(|error| named(&self.path, error))
    }

    pub(super) fn rename(&mut self, to: PathBuf) -> io::Result<()> {
        std::fs::rename(&self.path, &to).map_err(|error| named(&self.path, error))?;
        self.path = to;
        Ok(())
    }
}

impl Drop for Output {
    /// Not left to the closing of the file: a process that was just forked off another thread, and
    /// has not started its own program yet, has the file open as well and would keep the lock for
    /// that moment.
    fn drop(&mut self) {
        // Nothing is to be done about an error, and closing the file comes next.
        drop(self.file.unlock());
    }
}

/// Whether somebody writes to a file in progress.
pub(super) fn is_taken(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(named(path, error)),
    };
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map(|()| false).map_err(|error| named(path, error)),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(named(path, error)),
    }
}

/// Where the last member ends that is whole, its checksum too.
fn whole_members(file: &File) -> io::Result<u64> {
    let mut source = Counted { inner: BufReader::with_capacity(1 << 18, file), taken: 0 };
    let mut end = 0;
    let mut sink = [0; 1 << 16];
    while !source.fill_buf()?.is_empty() {
        let mut member = GzDecoder::new(source);
        let ended = loop {
            match member.read(&mut sink) {
                Ok(0) => break Ok(()),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        source = member.into_inner();
        match ended {
            Ok(()) => end = source.taken,
            // Cut off, or something that is no record: this is what is to be found.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput
                ) =>
            {
                break;
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => break,
            Err(error) => return Err(error),
        }
    }
    Ok(end)
}

/// A reader that knows how much was taken from it.
struct Counted<'a> {
    inner: BufReader<&'a File>,
    taken: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.taken += count as u64;
        Ok(count)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount as u64;
        self.inner.consume(amount);
    }
}

/// The error, with the file in its message.
pub(super) fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

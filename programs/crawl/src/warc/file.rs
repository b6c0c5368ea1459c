//! One file of a WARC: whole records appended, or nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use flate2::bufread::GzDecoder;

use super::named;

#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    number: u32,
    file: File,
    /// Where the next record begins; nothing behind it counts.
    offset: u64,
}

impl Output {
    /// A file that does not exist yet.
    pub(super) fn create(path: PathBuf, number: u32) -> io::Result<Self> {
        let file = OpenOptions::new().create_new(true).write(true).open(&path);
        let file = file.map_err(|error| named(&path, error))?;
        Ok(Self { path, number, file, offset: 0 })
    }

    /// A file in progress, cut back to its last whole record.
    pub(super) fn reopen(path: PathBuf, number: u32) -> io::Result<Self> {
        let file = File::open(&path).map_err(|error| named(&path, error))?;
        let offset = whole_members(file).map_err(|error| named(&path, error))?;
        Self::at(path, number, offset)
    }

    /// A file in progress, cut off here.
    pub(super) fn at(path: PathBuf, number: u32, offset: u64) -> io::Result<Self> {
        let cut = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(offset)?;
            file.seek(SeekFrom::Start(offset))?;
            Ok(file)
        };
        let file = cut().map_err(|error| named(&path, error))?;
        Ok(Self { path, number, file, offset })
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Writes all of it; if that fails, none of it stays.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        // After a failure the end may be anywhere, so the place is said each time it could have moved.
        if let Err(error) = self.file.write_all(bytes) {
            let back =
                self.file.set_len(self.offset).and_then(|()| self.file.seek(SeekFrom::Start(self.offset)));
            let error = match back {
                Ok(_) => error,
                Err(second) => {
                    io::Error::new(error.kind(), format!("{error}; and it could not be cut back: {second}"))
                }
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

/// Where the last member ends that is whole, its checksum too.
fn whole_members(file: File) -> io::Result<u64> {
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
                if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput) =>
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
struct Counted {
    inner: BufReader<File>,
    taken: u64,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.taken += count as u64;
        Ok(count)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount as u64;
        self.inner.consume(amount);
    }
}

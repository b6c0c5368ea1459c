//! Lines that are ready as they are, to a file or to standard output, in large writes.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use millstream::Sink;

use crate::line_writer::LineWriter;
use crate::{SinkCounts, SinkError};

/// Writes lines that were made where there are many threads; each brings its own line end.
///
/// The same promises as [`JsonLines`](crate::JsonLines): large writes, whole lines also when the
/// disk is full, a reader that went away distinguished from a failure.
///
/// # Examples
/// ```
/// use millstream::Sink;
/// use millstream_connect::Lines;
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("out.txt");
/// let mut sink = Lines::create(&path)?;
/// sink.write(vec![b"one\n".to_vec(), b"two\n".to_vec()])?;
/// sink.close()?;
/// assert_eq!(std::fs::read_to_string(path)?, "one\ntwo\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Lines {
    writer: LineWriter,
}

impl Lines {
    /// Writes to a new file; what was in it before is gone.
    ///
    /// # Errors
    /// The file cannot be created or written.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, SinkError> {
        let options = OpenOptions::new().write(true).create(true).truncate(true).clone();
        Ok(Self { writer: LineWriter::open(path.as_ref(), &options)? })
    }

    /// Writes to the end of a file, which is created when it is missing.
    ///
    /// # Errors
    /// The file cannot be created or written.
    pub fn append(path: impl AsRef<Path>) -> Result<Self, SinkError> {
        let options = OpenOptions::new().append(true).create(true).clone();
        Ok(Self { writer: LineWriter::open(path.as_ref(), &options)? })
    }

    /// Writes to standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::to_writer(io::stdout(), "standard output")
    }

    /// Writes to any writer, which messages call `name`. It needs no buffer of its own.
    #[must_use]
    pub fn to_writer(writer: impl Write + Send + 'static, name: &str) -> Self {
        Self { writer: LineWriter::stream(writer, name) }
    }

    /// A handle on this sink's counters, to be kept when the sink goes into a pipeline.
    #[must_use]
    pub fn counts(&self) -> SinkCounts {
        self.writer.counts.clone()
    }
}

impl Sink<Vec<Vec<u8>>> for Lines {
    type Error = SinkError;

    fn write(&mut self, lines: Vec<Vec<u8>>) -> Result<(), SinkError> {
        self.writer.check_usable()?;
        for line in &lines {
            self.writer.buffer.extend_from_slice(line);
        }
        self.writer.added(lines.len() as u64)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.writer.check_usable()?;
        self.writer.write_out()
    }
}

//! Rows as JSON lines, to a file or to standard output, in large writes.
//!
//! It keeps no positions: a file has no transactions that a position could be part of.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::Path;

use millstream::Sink;

use crate::line_writer::LineWriter;
use crate::rows::{JsonRow, Layout, Row, Slots, Style, TimeText};
use crate::{SinkCounts, SinkError};

/// Writes each row as one JSON object on a line of its own.
///
/// Times are text of RFC 3339 in UTC, JSON is nested as it is, nulls are left out, and so are
/// numbers that are not finite. Lines are gathered and written about 128 KiB at a time, and at each
/// flush.
///
/// When a write to a file fails (the disk is full), the file is cut back to its last whole line if
/// it can be, and the error names file and cause; nothing more is taken after that. When the reader
/// of standard output goes away, the error says so by [`SinkError::is_broken_pipe`]: the end of the
/// run, but no failure.
///
/// # Order
/// Rows are written in the order of the batches and of the rows in them.
///
/// # Examples
/// ```
/// use millstream::Sink;
/// use millstream_connect::{Cells, ColumnType, JsonLines, Layout, Row};
///
/// struct Word(&'static str, Option<i64>);
/// impl Row for Word {
///     fn write<C: Cells + ?Sized>(&self, cells: &mut C) {
///         cells.text(self.0);
///         match self.1 { Some(count) => cells.integer(count), None => cells.null() }
///     }
/// }
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("out.jsonl");
/// let layout = Layout::new("words")?.column("word", ColumnType::Text)?.column("count", ColumnType::Integer)?;
/// let mut sink = JsonLines::create(&path, layout)?;
/// sink.write(vec![Word("mill", Some(2)), Word("a \"stream\"", None)])?;
/// sink.close()?;
/// assert_eq!(std::fs::read_to_string(path)?, "{\"word\":\"mill\",\"count\":2}\n{\"word\":\"a \\\"stream\\\"\"}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JsonLines<R> {
    writer: LineWriter,
    layout: Layout,
    time: TimeText,
    row: PhantomData<fn(R)>,
}

impl<R: Row> JsonLines<R> {
    /// Writes to a new file; what was in it before is gone.
    ///
    /// # Errors
    /// The file cannot be created or written.
    pub fn create(path: impl AsRef<Path>, layout: Layout) -> Result<Self, SinkError> {
        Ok(Self::over(
            LineWriter::open(
                path.as_ref(),
                OpenOptions::new().write(true).create(true).truncate(true),
            )?,
            layout,
        ))
    }

    /// Writes to the end of a file, which is created when it is missing.
    ///
    /// # Errors
    /// The file cannot be created or written.
    pub fn append(path: impl AsRef<Path>, layout: Layout) -> Result<Self, SinkError> {
        Ok(Self::over(
            LineWriter::open(path.as_ref(), OpenOptions::new().append(true).create(true))?,
            layout,
        ))
    }

    /// Goes on behind the first `bytes` bytes of a file, which is cut there; it is created when
    /// `bytes` is 0.
    ///
    /// For a program that notes elsewhere, in a transaction, how long the file was
    /// ([`sync`](Self::sync)).
    ///
    /// # Errors
    /// The file is missing or shorter than `bytes`, is no regular file, or cannot be written.
    pub fn continue_at(
        path: impl AsRef<Path>,
        layout: Layout,
        bytes: u64,
    ) -> Result<Self, SinkError> {
        let path = path.as_ref();
        let mut writer =
            LineWriter::open(path, OpenOptions::new().append(true).create(bytes == 0))?;
        writer.cut(bytes)?;
        Ok(Self::over(writer, layout))
    }

    /// Writes what is gathered and waits until the disk has it; gives the length of the file.
    ///
    /// # Errors
    /// The file cannot be written, or is none (a pipe, standard output).
    pub fn sync(&mut self) -> Result<u64, SinkError> {
        self.writer.check_usable()?;
        self.writer.sync()
    }

    /// Takes back what was written behind the first `bytes` bytes of the file.
    ///
    /// # Errors
    /// The file is shorter, is none, or cannot be written.
    pub fn cut(&mut self, bytes: u64) -> Result<(), SinkError> {
        self.writer.cut(bytes)
    }

    /// Writes to standard output.
    #[must_use]
    pub fn stdout(layout: Layout) -> Self {
        Self::to_writer(io::stdout(), "standard output", layout)
    }

    /// Writes to any writer, which messages call `name`. It needs no buffer of its own.
    #[must_use]
    pub fn to_writer(writer: impl Write + Send + 'static, name: &str, layout: Layout) -> Self {
        Self::over(LineWriter::stream(writer, name), layout)
    }

    fn over(writer: LineWriter, layout: Layout) -> Self {
        Self { writer, layout, time: TimeText::new(Style::Rfc3339), row: PhantomData }
    }

    /// A handle on this sink's counters, to be kept when the sink goes into a pipeline.
    #[must_use]
    pub fn counts(&self) -> SinkCounts {
        self.writer.counts.clone()
    }

    /// Appends the batch to the buffer; writes when enough has gathered.
    fn add(&mut self, batch: &[R]) -> Result<(), SinkError> {
        let start = self.writer.buffer.len();
        let mut row_out = JsonRow {
            slots: Slots::new(self.layout.columns()),
            columns: self.layout.columns(),
            out: &mut self.writer.buffer,
            time: &mut self.time,
            lossy: 0,
            first: true,
        };
        for row in batch {
            row.write(&mut row_out);
            if let Err(error) = row_out.slots.finish(self.layout.table()) {
                self.writer.buffer.truncate(start);
                return Err(error);
            }
            row_out.end();
        }
        self.writer.counts.add_lossy(row_out.lossy);
        self.writer.added(batch.len() as u64)
    }
}

impl<R: Row> Sink<Vec<R>> for JsonLines<R> {
    type Error = SinkError;

    fn write(&mut self, batch: Vec<R>) -> Result<(), SinkError> {
        self.writer.check_usable()?;
        self.add(&batch)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.writer.check_usable()?;
        self.writer.write_out()
    }
}

impl<R> std::fmt::Debug for JsonLines<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonLines").field("writer", &self.writer).finish_non_exhaustive()
    }
}

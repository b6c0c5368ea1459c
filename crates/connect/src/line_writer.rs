//! Lines gathered into large writes, to a file or a stream; what the sinks of JSON lines have in
//! common.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::paths::shown;
use crate::{SinkCounts, SinkError};

/// What is gathered before it is written.
const WRITE_BYTES: usize = 128 << 10;

/// Where the lines go.
enum Output {
    /// A file of its own length, which is cut back to whole lines when a write fails in the middle.
    File {
        file: File,
        whole_bytes: u64,
    },
    Stream(Box<dyn Write + Send>),
}

/// Gathers whole lines and writes them about 128 KiB at a time.
pub(crate) struct LineWriter {
    output: Output,
    /// The output as messages name it.
    name: String,
    pub(crate) buffer: Vec<u8>,
    /// Lines in the buffer.
    waiting: u64,
    pub(crate) counts: SinkCounts,
    failed: Option<SinkError>,
}

impl LineWriter {
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Self, SinkError> {
        let name = shown(path).to_string();
        let fail = |error: io::Error| SinkError::io("open", &name, &error);
        let file = options.open(path).map_err(|error| {
            fail(error).map_message(|message| {
                format!("{message}; its directory must exist and be writable")
            })
        })?;
        let about = file.metadata().map_err(fail)?;
        // A pipe or a device has no length to be cut back to.
        let output = if about.is_file() {
            Output::File { file, whole_bytes: about.len() }
        } else {
            Output::Stream(Box::new(file))
        };
        Ok(Self::new(output, name))
    }

    pub(crate) fn stream(writer: impl Write + Send + 'static, name: &str) -> Self {
        Self::new(Output::Stream(Box::new(writer)), name.to_owned())
    }

    fn new(output: Output, name: String) -> Self {
        Self {
            output,
            name,
            buffer: Vec::with_capacity(WRITE_BYTES + WRITE_BYTES / 4),
            waiting: 0,
            counts: SinkCounts::default(),
            failed: None,
        }
    }

    /// Says that `lines` more are in the buffer; writes when enough has gathered.
    pub(crate) fn added(&mut self, lines: u64) -> Result<(), SinkError> {
        self.waiting += lines;
        if self.buffer.len() >= WRITE_BYTES { self.write_out() } else { Ok(()) }
    }

    /// Hands everything in the buffer to the operating system.
    pub(crate) fn write_out(&mut self) -> Result<(), SinkError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = match &mut self.output {
            Output::File { file, whole_bytes } => {
                let written = file.write_all(&self.buffer);
                match written {
                    Ok(()) => *whole_bytes += self.buffer.len() as u64,
                    // Best effort: the error that counts is the one of the write.
                    Err(_) => drop(file.set_len(*whole_bytes)),
                }
                written
            }
            Output::Stream(writer) => writer.write_all(&self.buffer).and_then(|()| writer.flush()),
        };
        self.buffer.clear();
        self.buffer.shrink_to(4 * WRITE_BYTES);
        let waiting = std::mem::take(&mut self.waiting);
        match written {
            Ok(()) => {
                self.counts.add_rows(waiting);
                Ok(())
            }
            Err(error) => {
                let error = SinkError::io("write to", &self.name, &error);
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Writes what is gathered and waits until the disk has it; gives the length of the file.
    pub(crate) fn sync(&mut self) -> Result<u64, SinkError> {
        self.write_out()?;
        match &self.output {
            Output::File { file, whole_bytes } => match file.sync_data() {
                Ok(()) => Ok(*whole_bytes),
                Err(error) => {
                    // What the disk has of it is not known after this, and a second call would not
                    // report.
                    let error = SinkError::io("write to", &self.name, &error);
                    self.failed = Some(error.clone());
                    Err(error)
                }
            },
            Output::Stream(_) => Err(self.no_file()),
        }
    }

    /// Makes the file `bytes` bytes long, of which it must have that many.
    pub(crate) fn cut(&mut self, bytes: u64) -> Result<(), SinkError> {
        self.buffer.clear();
        self.waiting = 0;
        match &mut self.output {
            Output::File { whole_bytes, .. } if *whole_bytes < bytes => {
                Err(SinkError::destination(format!(
                    "{} has {whole_bytes} bytes, but {bytes} had been written to it: it was changed since; bring it back, or \
                 begin again",
                    self.name
                )))
            }
            Output::File { file, whole_bytes } => {
                // What a failed write has left is gone with it, so that there may be a next one.
                self.failed =
                    file.set_len(bytes).err().map(|error| SinkError::io("cut", &self.name, &error));
                *whole_bytes = bytes;
                self.check_usable()
            }
            Output::Stream(_) => Err(self.no_file()),
        }
    }

    fn no_file(&self) -> SinkError {
        SinkError::destination(format!(
            "{} is no file that can be cut and synced; name a file",
            self.name
        ))
    }

    pub(crate) fn check_usable(&self) -> Result<(), SinkError> {
        self.failed.clone().map_or(Ok(()), Err)
    }
}

impl std::fmt::Debug for LineWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LineWriter")
            .field("name", &self.name)
            .field("buffered_bytes", &self.buffer.len())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

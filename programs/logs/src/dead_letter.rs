//! Where the bytes of records that could not be read are kept, exactly as they were.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A file that workers append to; nothing is kept when there is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeadLetters(Option<Arc<Mutex<Letters>>>);

#[derive(Debug)]
struct Letters {
    file: BufWriter<File>,
    error: Option<io::Error>,
}

impl DeadLetters {
    /// A new file, or more of the one that is there: a followed log goes on where an earlier run stopped.
    pub(crate) fn open(path: Option<&Path>, append: bool) -> io::Result<Self> {
        let open = |path| {
            let file = if append {
                File::options().append(true).create(true).open(path)?
            } else {
                File::create(path)?
            };
            let file = BufWriter::new(file);
            Ok(Arc::new(Mutex::new(Letters { file, error: None })))
        };
        path.map(open).transpose().map(Self)
    }

    /// Appends the bytes; the first error is kept for [`close`](Self::close), so that no worker stops for it.
    pub(crate) fn keep(&self, bytes: &[u8]) {
        let Some(letters) = &self.0 else { return };
        let mut letters = letters.lock().unwrap_or_else(PoisonError::into_inner);
        let written = letters
            .file
            .write_all(bytes)
            .and_then(|()| if bytes.ends_with(b"\n") { Ok(()) } else { letters.file.write_all(b"\n") });
        if let Err(error) = written {
            letters.error.get_or_insert(error);
        }
    }

    /// Writes out what is buffered, before a position says that it is kept; an error is for [`close`](Self::close).
    pub(crate) fn write_out(&self) {
        let Some(letters) = &self.0 else { return };
        let mut letters = letters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = letters.file.flush() {
            letters.error.get_or_insert(error);
        }
    }

    /// Writes out what is buffered; the first error of all.
    pub(crate) fn close(&self) -> io::Result<()> {
        let Some(letters) = &self.0 else { return Ok(()) };
        let mut letters = letters.lock().unwrap_or_else(PoisonError::into_inner);
        let flushed = letters.file.flush();
        letters.error.take().map_or(flushed, Err)
    }
}

//! One process has the frontier: a lock on a file beside the database, which the system drops when
//! the process ends.
//!
//! The database itself cannot carry the lock: SQLite locks that file by record, and to close any
//! other handle of it in this process would drop those.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::frontier::FrontierError;

/// Holds the lock while it lives. The file stays: to remove it would let two processes lock two
/// files of one name.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    pub(super) fn take(database: &Path) -> Result<Self, FrontierError> {
        let path = beside(database);
        let fail = |error: std::io::Error| {
            FrontierError::other(format!(
                "cannot lock {}: {error}; its directory must exist, be writable, and allow locks",
                path.display()
            ))
        };
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(database, &mut file)),
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        file.set_len(0)
            .and_then(|()| file.write_all(format!("process {}", std::process::id()).as_bytes()))
            .map_err(fail)?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    /// Not left to the closing of the file: a process that was just forked off another thread, and
    /// has not started its own program yet, has the file open as well and would keep the lock for
    /// that moment.
    fn drop(&mut self) {
        // Nothing is to be done about an error, and closing the file comes next.
        drop(self.file.unlock());
    }
}

fn taken(database: &Path, file: &mut File) -> FrontierError {
    let mut owner = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut owner));
    let owner = if read.is_ok() && !owner.is_empty() { owner.as_str() } else { "another process" };
    FrontierError::taken(format!(
        "the crawl in {} is being run by {owner}; wait for its end or stop it; for several crawlers at once there is \
         --frontier postgres://...",
        database.display()
    ))
}

/// The file `out.db-crawl` for the database `out.db`.
fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-crawl");
    name.into()
}

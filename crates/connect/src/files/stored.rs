//! A file as it is stored, opened so that reading it never waits in the system where a cancelled
//! context cannot reach.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use millstream::Context;

use super::{FileError, Input};

/// A file, or something that data arrives through.
pub(crate) struct Stored {
    file: File,
    #[cfg(unix)]
    arrival: Option<Arrival>,
}

/// How to wait for data that arrives when its writer likes.
#[cfg(unix)]
struct Arrival {
    wake_fd: super::wait::WakeFd,
    ctx: Context,
    until: Option<Instant>,
}

impl Stored {
    pub(crate) fn open(input: &Input) -> Result<Self, FileError> {
        let path = match input {
            Input::Stdin => Path::new("-"),
            Input::Path(path) => path,
        };
        let file = match input {
            Input::Stdin => stdin(),
            Input::Path(path) => open(path),
        };
        let failed = |e| FileError::opening(path, e);
        let file = file.map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        if meta.is_dir() {
            return Err(FileError::IsDirectory { path: path.to_path_buf() });
        }
        #[cfg(unix)]
        let arrival = match meta.is_file() {
            true => None,
            false => Some(Arrival {
                wake_fd: super::wait::WakeFd::new().map_err(failed)?,
                ctx: Context::default(),
                until: None,
            }),
        };
        Ok(Self {
            file,
            #[cfg(unix)]
            arrival,
        })
    }

    /// Whether data arrives when its writer likes, so that a short read says nothing about the end.
    pub(crate) fn streams(&self) -> bool {
        #[cfg(unix)]
        return self.arrival.is_some();
        #[cfg(not(unix))]
        return !self.file.metadata().is_ok_and(|m| m.is_file());
    }

    /// Reads end with `WouldBlock` when `ctx` is cancelled or `until` has come before there was
    /// data.
    pub(crate) fn wait_with(&mut self, ctx: &Context, until: Option<Instant>) {
        #[cfg(unix)]
        if let Some(arrival) = &mut self.arrival {
            arrival.ctx = ctx.clone();
            arrival.until = until;
        }
        #[cfg(not(unix))]
        let _ = (ctx, until);
    }
}

impl Read for Stored {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        if let Some(Arrival { wake_fd, ctx, until }) = &self.arrival {
            use std::os::fd::AsFd;
            if wake_fd.wait(ctx, self.file.as_fd(), *until)? != super::wait::Woken::Ready {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
        self.file.read(buf)
    }
}

/// A named pipe is opened without waiting for its writer: the wait is in [`Stored::read`], where it
/// can be ended.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    let mut options = File::options();
    if std::fs::metadata(path)?.file_type().is_fifo() {
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options.read(true).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Standard input without the standard library's buffer, which would hold lines back.
#[cfg(unix)]
fn stdin() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
fn stdin() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

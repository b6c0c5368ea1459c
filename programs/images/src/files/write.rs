//! A file is either what it was or whole: written beside its place, brought to the disk, then
//! renamed.
//!
//! A temporary file is locked while its process lives. One that can be locked by somebody else was
//! left by a run that was killed, and the next run deletes it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::OWN;

const ENDING: &str = ".tmp";

/// What a written file takes over from its original.
#[derive(Debug)]
pub(crate) struct Like<'a> {
    pub(crate) metadata: &'a fs::Metadata,
    pub(crate) dates: bool,
}

/// Puts `bytes` at `target`. `before` runs when they are on the disk and not yet in their place; if
/// it fails, nothing changes.
pub(crate) fn replace(
    target: &Path,
    bytes: &[u8],
    like: &Like<'_>,
    before: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let directory = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let (temporary, file) = create(directory)?;
    let done = fill(&file, bytes, like)
        .and_then(|()| before())
        .and_then(|()| fs::rename(&temporary, target));
    if done.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    done
}

fn fill(mut file: &File, bytes: &[u8], like: &Like<'_>) -> io::Result<()> {
    file.write_all(bytes)?;
    file.set_permissions(like.metadata.permissions())?;
    if like.dates {
        let mut times = fs::FileTimes::new().set_modified(like.metadata.modified()?);
        if let Ok(accessed) = like.metadata.accessed() {
            times = times.set_accessed(accessed);
        }
        file.set_times(times)?;
    }
    file.sync_all()
}

/// A new file that only this process holds. Only a number distinguishes it from others of the same
/// run.
fn create(directory: &Path) -> io::Result<(PathBuf, File)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    loop {
        // Relaxed: that each call gets another number is all that is asked.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{OWN}{}-{number}{ENDING}", std::process::id()));
        let file = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            opened => opened?,
        };
        match file.try_lock() {
            // Not every file system has locks; there, nothing left behind is ever deleted either.
            Ok(()) | Err(TryLockError::Error(_)) if path.exists() => return Ok((path, file)),
            // Another run took it for left behind, in the moment before it was locked.
            _ => {}
        }
    }
}

/// Deletes what runs that were killed left in this directory; returns how many.
pub(crate) fn clean(directory: &Path) -> usize {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let left = entries.flatten().filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with(OWN) && name.ends_with(ENDING)
    });
    left.filter(|entry| {
        let path = entry.path();
        let file = OpenOptions::new().write(true).open(&path);
        file.is_ok_and(|file| file.try_lock().is_ok() && fs::remove_file(&path).is_ok())
    })
    .count()
}

/// Brings the names in this directory to the disk.
pub(crate) fn sync_directory(directory: &Path) {
    // Directories cannot be opened everywhere; where not, the system does this by itself.
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_before_the_end_changes_nothing_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("a.jpg");
        fs::write(&target, "old").unwrap();
        let metadata = fs::metadata(&target).unwrap();
        let like = Like { metadata: &metadata, dates: true };
        replace(&target, b"new", &like, || Err(io::Error::other("no"))).unwrap_err();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        replace(&target, b"new", &like, || Ok(())).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(
            fs::metadata(&target).unwrap().modified().unwrap(),
            metadata.modified().unwrap()
        );
    }

    #[test]
    fn what_was_left_behind_is_deleted_and_what_is_being_written_is_not() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(".millstream-1-1.tmp"), "half an image").unwrap();
        fs::write(directory.path().join("b.tmp"), "somebody's").unwrap();
        let (path, held) = create(directory.path()).unwrap();
        assert_eq!(clean(directory.path()), 1);
        assert!(path.exists() && directory.path().join("b.tmp").exists());
        drop(held);
        assert_eq!(clean(directory.path()), 1);
    }
}

//! The system's notifications about files and directories, turned into what to look at again.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

use inotify::{Event, EventMask, Inotify, WatchDescriptor, WatchMask};

use super::scan::Interest;
use crate::files::FileError;
use crate::paths::shown;

/// A followed file, by device and inode.
pub(crate) type Key = (u64, u64);

/// How many names that followed files were renamed to are remembered.
const MOVED: usize = 64;

/// What to look at again.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Files with something new.
    pub(crate) files: Vec<Key>,
    /// What the names stand for may have changed.
    pub(crate) names: bool,
    /// Notifications were lost: anything may have changed.
    pub(crate) everything: bool,
}

enum Target {
    File(Key),
    /// One directory, by all the paths that name it.
    Directory(Vec<PathBuf>),
}

pub(crate) struct Watcher {
    inotify: Inotify,
    buf: Vec<u8>,
    targets: HashMap<WatchDescriptor, Target>,
    directories: HashMap<PathBuf, (WatchDescriptor, Vec<Interest>)>,
    /// Cookies of renames away from a followed name, whose new name has not been seen.
    leaving: VecDeque<u32>,
    /// Where files went that had a followed name: one that was renamed before it was ever opened is
    /// found here.
    moved: VecDeque<PathBuf>,
}

impl Watcher {
    pub(crate) fn new() -> Result<Self, FileError> {
        let inotify = Inotify::init().map_err(|source| {
            let what = "cannot watch files; the limit may be reached (sysctl fs.inotify.max_user_instances)";
            FileError::Watch { what: what.into(), source }
        })?;
        Ok(Self {
            inotify,
            buf: vec![0; 16 * 1024],
            targets: HashMap::new(),
            directories: HashMap::new(),
            leaving: VecDeque::new(),
            moved: VecDeque::new(),
        })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    /// Watches exactly these directories; true if one of them was not watched before.
    ///
    /// A directory that cannot be watched is reported and left out.
    pub(crate) fn watch_directories(
        &mut self,
        directories: HashMap<PathBuf, Vec<Interest>>,
        mut notify: impl FnMut(FileError),
    ) -> bool {
        let mut added = false;
        let gone: Vec<_> =
            self.directories.keys().filter(|f| !directories.contains_key(*f)).cloned().collect();
        gone.iter().for_each(|directory| self.unwatch_directory(directory));
        for (directory, interests) in directories {
            if let Some((_, known)) = self.directories.get_mut(&directory) {
                *known = interests;
                continue;
            }
            // Attributes too: a file that may not be opened yet shows in no other way that now it
            // may.
            let mask = WatchMask::CREATE
                | WatchMask::ATTRIB
                | WatchMask::MOVE
                | WatchMask::DELETE
                | WatchMask::DELETE_SELF
                | WatchMask::MOVE_SELF
                | WatchMask::ONLYDIR;
            match self.inotify.watches().add(&directory, mask) {
                Ok(wd) => {
                    added = true;
                    match self.targets.get_mut(&wd) {
                        Some(Target::Directory(paths)) => paths.push(directory.clone()),
                        _ => drop(
                            self.targets
                                .insert(wd.clone(), Target::Directory(vec![directory.clone()])),
                        ),
                    }
                    self.directories.insert(directory, (wd, interests));
                }
                Err(source) if source.kind() == io::ErrorKind::NotFound => added = true,
                Err(source) => notify(watch_error(&directory, source)),
            }
        }
        added
    }

    /// Watches the open file itself, whatever its name is or becomes.
    pub(crate) fn watch_file(
        &mut self,
        file: &File,
        path: &Path,
        key: Key,
    ) -> Result<WatchDescriptor, FileError> {
        let mask = WatchMask::MODIFY | WatchMask::ATTRIB | WatchMask::MOVE_SELF;
        let open = format!("/proc/self/fd/{}", file.as_raw_fd());
        let mut watches = self.inotify.watches();
        let wd = match watches.add(&open, mask) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => watches.add(path, mask),
            other => other,
        };
        let wd = wd.map_err(|source| watch_error(path, source))?;
        self.targets.insert(wd.clone(), Target::File(key));
        Ok(wd)
    }

    fn unwatch_directory(&mut self, directory: &Path) {
        let Some((wd, _)) = self.directories.remove(directory) else { return };
        if let Some(Target::Directory(paths)) = self.targets.get_mut(&wd) {
            paths.retain(|p| p != directory);
            if !paths.is_empty() {
                return;
            }
        }
        self.unwatch(wd);
    }

    pub(crate) fn unwatch(&mut self, wd: WatchDescriptor) {
        self.targets.remove(&wd);
        // It is gone already when what it watched is gone.
        let _ = self.inotify.watches().remove(wd);
    }

    /// The names that files with a followed name were renamed to, oldest first.
    pub(crate) fn moved(&self) -> impl Iterator<Item = &PathBuf> {
        self.moved.iter()
    }

    /// Takes what has been notified; does not wait.
    pub(crate) fn take(&mut self, changes: &mut Changes) -> io::Result<()> {
        let Self { inotify, buf, targets, directories, leaving, moved } = self;
        let events = match inotify.read_events(buf) {
            Ok(events) => events,
            Err(e)
                if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) =>
            {
                return Ok(());
            }
            Err(e) => return Err(e),
        };
        let mut renames = Renames { leaving, moved };
        for event in events {
            if event.mask.contains(EventMask::Q_OVERFLOW) {
                changes.everything = true;
                continue;
            }
            match targets.get(&event.wd) {
                Some(Target::File(key)) => {
                    if changes.files.last() != Some(key) {
                        changes.files.push(*key);
                    }
                    changes.names |=
                        event.mask.intersects(EventMask::ATTRIB | EventMask::MOVE_SELF);
                }
                Some(Target::Directory(paths)) => {
                    for directory in paths {
                        let interests = directories.get(directory).map_or(&[][..], |(_, i)| i);
                        changes.names |= renames.directory_event(directory, interests, &event);
                    }
                    if event.mask.intersects(EventMask::IGNORED | EventMask::MOVE_SELF) {
                        paths.iter().for_each(|directory| drop(directories.remove(directory)));
                        targets.remove(&event.wd);
                        // One that moved is still watched; one that is gone is not, which is no
                        // error here.
                        let _ = inotify.watches().remove(event.wd);
                        changes.names = true;
                    }
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// Follows files through renames.
struct Renames<'a> {
    leaving: &'a mut VecDeque<u32>,
    moved: &'a mut VecDeque<PathBuf>,
}

impl Renames<'_> {
    /// Whether the event changes what the followed names stand for.
    fn directory_event(
        &mut self,
        directory: &Path,
        interests: &[Interest],
        event: &Event<&OsStr>,
    ) -> bool {
        let Some(name) = event.name else { return false };
        let path = directory.join(name);
        let covered = interests.iter().any(|i| i.covers(name));
        if event.mask.contains(EventMask::MOVED_FROM) && (covered || self.moved.contains(&path)) {
            remember(self.leaving, event.cookie);
        }
        if event.mask.contains(EventMask::MOVED_TO) && self.leaving.contains(&event.cookie) {
            self.leaving.retain(|c| *c != event.cookie);
            self.moved.retain(|p| *p != path);
            remember(self.moved, path);
            return true;
        }
        covered
    }
}

fn remember<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() == MOVED {
        list.pop_front();
    }
    list.push_back(item);
}

fn watch_error(path: &Path, source: io::Error) -> FileError {
    match source.kind() {
        io::ErrorKind::StorageFull => {
            let what = format!(
                "cannot watch '{}': the limit is reached (sysctl fs.inotify.max_user_watches)",
                shown(path)
            );
            FileError::Watch { what, source }
        }
        _ => FileError::opening(path, source),
    }
}

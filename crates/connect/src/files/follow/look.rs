//! What the names stand for now: opens files that are new, and marks files whose name belongs to
//! another one.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::scan::{Found, Name, parent};
use super::watch::Key;
use super::{Follow, Ignored, Notice, Tail};
use crate::files::identity::head_of;
use crate::files::splitter::Splitter;
use crate::files::{FileError, Position};
use crate::paths::unescaped;

/// Directories that appear while their contents are looked at are looked at again, this often in
/// one go.
const LOOKS: usize = 8;

/// Where a file is to be read from.
enum Start {
    At(u64),
    /// It was read to its end before, and nothing was added.
    Nothing,
}

impl<F: Send + Sync> Follow<F> {
    pub(super) fn look(&mut self, now: Instant) -> Result<(), FileError> {
        let found = self.watch_names()?;
        let mut here = HashMap::new();
        let mut present = HashSet::new();
        for path in found.files {
            let Ok(meta) = fs::metadata(&path) else { continue };
            let key = key_of(&meta);
            here.insert(path.clone(), key);
            if present.insert(key) {
                self.meet(&path, &meta, now)?;
            }
        }
        if !self.started {
            self.started = true;
            self.report_waiting();
            self.find_renamed(now)?;
        }
        let moved: Vec<_> = self.watcher.moved().cloned().collect();
        for path in moved {
            if fs::metadata(&path).is_ok_and(|m| m.is_file() && !self.knows(&m)) {
                self.open(&path, Some(now), now)?;
            }
        }
        self.ignored.retain(|key, _| present.contains(key));
        self.mark_closing(&here, &present, now);
        Ok(())
    }

    /// Watches the directories that matter before what is in them is looked at for the last time.
    fn watch_names(&mut self) -> Result<Found, FileError> {
        let mut failed = Vec::new();
        let mut found = Found::default();
        for _ in 0..LOOKS {
            found = Found::look(&self.names);
            failed.clear();
            if !self.watcher.watch_directories(found.directories.clone(), |e| failed.push(e)) {
                break;
            }
        }
        failed.into_iter().try_for_each(|error| self.fail(error))?;
        Ok(found)
    }

    /// A name stands for this file.
    fn meet(&mut self, path: &Path, meta: &Metadata, now: Instant) -> Result<(), FileError> {
        let key = key_of(meta);
        if let Some(tail) = self.tails.get_mut(&key) {
            tail.closing = None;
            if tail.path != path && fs::metadata(&tail.path).map_or(true, |m| key_of(&m) != key) {
                tail.path = path.to_path_buf();
            }
            return Ok(());
        }
        if meta.is_dir() || self.ignored.get(&key) == Some(&Ignored::ForGood) {
            return Ok(());
        }
        if !meta.is_file() {
            self.ignored.insert(key, Ignored::ForGood);
            let why = "it is not a file; what arrives through it is read without following".into();
            return self.fail(FileError::Refused { path: path.to_path_buf(), why });
        }
        self.open(path, None, now)
    }

    fn knows(&self, meta: &Metadata) -> bool {
        let key = key_of(meta);
        self.tails.contains_key(&key) || self.ignored.get(&key) == Some(&Ignored::ForGood)
    }

    /// Begins to follow a file; one that is gone again is none of our business.
    fn open(
        &mut self,
        path: &Path,
        closing: Option<Instant>,
        now: Instant,
    ) -> Result<(), FileError> {
        match self.try_open(path, closing, now) {
            Ok(()) => Ok(()),
            Err(FileError::NotFound { .. }) => Ok(()),
            Err(error) => {
                // It may be opened some time later, which a change of its attributes reports; it is
                // reported once.
                let Ok(meta) = fs::metadata(path) else { return Ok(()) };
                match self.ignored.insert(key_of(&meta), Ignored::ForNow) {
                    Some(_) => Ok(()),
                    None => self.fail(error),
                }
            }
        }
    }

    fn try_open(
        &mut self,
        path: &Path,
        closing: Option<Instant>,
        now: Instant,
    ) -> Result<(), FileError> {
        let failed = |e: io::Error| FileError::opening(path, e);
        let file = File::open(path).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        let key = key_of(&meta);
        if self.knows(&meta) {
            return Ok(());
        }
        let head = head_of(&file).map_err(failed)?;
        let offset = match self.start(&meta, &head) {
            Start::At(offset) => offset,
            Start::Nothing if closing.is_none() => meta.len(),
            Start::Nothing => return Ok(()),
        };
        let mut splitter =
            Splitter::new(self.pool.clone(), self.max_record, self.files.id(path), offset);
        splitter.succeeds(self.predecessor(path));
        let mut tail = Tail::new(file, path.to_path_buf(), head, splitter, now).map_err(failed)?;
        tail.closing = closing;
        tail.watch = Some(self.watcher.watch_file(tail.file(), path, key)?);
        self.tails.insert(key, tail);
        self.ignored.remove(&key);
        self.enqueue(key, closing.is_some());
        if closing.is_some() {
            self.look_later(key);
        }
        self.report(Notice::Opened { path: path.to_path_buf(), offset });
        Ok(())
    }

    /// What the file was that had this name before, which its successor mostly is as well.
    fn predecessor(&self, path: &Path) -> Option<Arc<F>> {
        let tails = self.tails.values().filter(|tail| tail.path == path);
        tails.filter_map(Tail::data).next().or(self.known.get(path)).cloned()
    }

    /// Where to begin: at what is known of exactly this file, else at its first byte.
    fn start(&mut self, meta: &Metadata, head: &[u8]) -> Start {
        let same = |p: &Position| {
            p.identity.matches(meta.dev(), meta.ino(), head) && p.offset <= meta.len()
        };
        if let Some(at) = self.ended.iter().position(same)
            && let Some(position) = self.ended.get(at)
        {
            if position.offset == meta.len() {
                return Start::Nothing;
            }
            return Start::At(self.ended.remove(at).map_or(0, |p| p.offset));
        }
        match self.resume.get(&key_of(meta)) {
            Some(position) if same(position) => {
                let offset = position.offset;
                self.resume.remove(&key_of(meta));
                Start::At(offset)
            }
            _ => Start::At(0),
        }
    }

    fn report_waiting(&mut self) {
        let waiting = self.names.iter().filter(|name| match name {
            Name::Path(path) => !path.exists(),
            Name::Pattern { text, .. } => {
                glob::glob(text).is_ok_and(|mut paths| paths.next().is_none())
            }
        });
        let waiting: Vec<_> = waiting.map(Name::text).collect();
        waiting.into_iter().for_each(|name| self.report(Notice::Waiting { name }));
    }

    /// Looks for files that were renamed while nobody followed them: by inode, in the directory
    /// they were in.
    fn find_renamed(&mut self, now: Instant) -> Result<(), FileError> {
        let mut wanted: Vec<Position> = self.resume.values().cloned().collect();
        wanted.sort_by(|a, b| a.path.cmp(&b.path));
        for position in wanted {
            let key = position.identity.key();
            let path = unescaped(&position.path);
            let entries = fs::read_dir(parent(&path)).into_iter().flatten().flatten();
            let mut same_inode = entries.filter(|e| e.ino() == key.1).map(|e| e.path());
            let renamed = same_inode.find(|path| is_file_of(path, &position));
            match renamed {
                Some(path) => self.open(&path, Some(now), now)?,
                None => {
                    self.resume.remove(&key);
                    self.report(Notice::Lost { position });
                }
            }
        }
        Ok(())
    }

    /// Files whose name belongs to another one, or that have none left, are on their way out.
    fn mark_closing(&mut self, here: &HashMap<PathBuf, Key>, present: &HashSet<Key>, now: Instant) {
        let mut closing = Vec::new();
        for (key, tail) in self.tails.iter_mut().filter(|(key, _)| !present.contains(*key)) {
            let replaced = here.get(&tail.path).is_some_and(|k| k != key);
            if tail.closing.is_none() && (replaced || tail.is_deleted()) {
                tail.closing = Some(now);
                closing.push(*key);
            }
        }
        for key in closing {
            self.bring_forward(key);
            self.look_later(key);
        }
    }

    /// A file on its way out is read before the one that took its name.
    fn bring_forward(&mut self, key: Key) {
        self.queue.retain(|k| *k != key);
        if let Some(tail) = self.tails.get_mut(&key) {
            tail.queued = false;
        }
        self.enqueue(key, true);
    }
}

fn key_of(meta: &Metadata) -> Key {
    (meta.dev(), meta.ino())
}

fn is_file_of(path: &Path, position: &Position) -> bool {
    let same = |file: File| -> io::Result<bool> {
        let meta = file.metadata()?;
        let head = head_of(&file)?;
        Ok(meta.is_file() && position.identity.matches(meta.dev(), meta.ino(), &head))
    };
    File::open(path).and_then(same).unwrap_or(false)
}

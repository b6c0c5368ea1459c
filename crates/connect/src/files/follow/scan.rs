//! What the followed names stand for at this moment, and which directories to watch for that to
//! change.
//!
//! A name is a path or a pattern. Watching is by directory: the directory of a file, the
//! directories that a pattern's files may be in, the directories that a symbolic link leads
//! through, or, while those do not exist, the nearest one that does.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::files::FileError;
use crate::files::inputs::is_pattern;
use crate::paths::escaped;

/// Longest chain of symbolic links that is watched.
const MAX_LINKS: usize = 8;

/// One followed name.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    Path(PathBuf),
    Pattern { text: String, parts: Vec<Part> },
}

/// One component of a pattern.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    text: String,
    pattern: glob::Pattern,
}

/// Which entries of a watched directory matter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Interest {
    Exactly(OsString),
    Matching(glob::Pattern),
    Any,
}

impl Interest {
    pub(crate) fn covers(&self, name: &OsStr) -> bool {
        match self {
            Self::Exactly(exactly) => exactly == name,
            Self::Matching(pattern) => name.to_str().is_some_and(|name| pattern.matches(name)),
            Self::Any => true,
        }
    }
}

/// What there is now.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Files, in the order of the names and alphabetical within a pattern.
    pub(crate) files: Vec<PathBuf>,
    /// Directories, each with what to look for in it.
    pub(crate) directories: HashMap<PathBuf, Vec<Interest>>,
    seen: HashSet<PathBuf>,
}

impl Name {
    pub(crate) fn parse(name: &OsStr) -> Result<Self, FileError> {
        if name == "-" {
            let why = "cannot be followed: it is read as it arrives anyway; leave out following";
            return Err(FileError::StandardInput { why });
        }
        let path = Path::new(name);
        let is_path = !is_pattern(name) || path.symlink_metadata().is_ok();
        if is_path {
            return match path.is_dir() {
                true => Err(FileError::IsDirectory { path: path.to_path_buf() }),
                false => Ok(Self::Path(path.to_path_buf())),
            };
        }
        let bad = |why: String| FileError::Pattern { pattern: escaped(name).into_owned(), why };
        let Some(text) = name.to_str() else { return Err(bad("it is not UTF-8".into())) };
        glob::Pattern::new(text).map_err(|e| bad(e.to_string()))?;
        let parts = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
        let parts = parts.map(|text| Ok(Part { pattern: glob::Pattern::new(&text)?, text }));
        let parts =
            parts.collect::<Result<_, glob::PatternError>>().map_err(|e| bad(e.to_string()))?;
        Ok(Self::Pattern { text: text.to_owned(), parts })
    }

    /// The name as it was given.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Path(path) => escaped(path).into_owned(),
            Self::Pattern { text, .. } => text.clone(),
        }
    }
}

impl Found {
    /// Looks at the file system.
    pub(crate) fn look(names: &[Name]) -> Self {
        let mut found = Self::default();
        for name in names {
            match name {
                Name::Path(path) => found.add_path(path),
                Name::Pattern { text, parts } => {
                    found.add_directories_of(parts);
                    // Directories that may not be listed hold no files for us; they are reported
                    // once when they are watched.
                    for path in glob::glob(text).into_iter().flatten().flatten() {
                        found.add_path(&path);
                    }
                }
            }
        }
        found
    }

    fn add_path(&mut self, path: &Path) {
        self.watch_entry(path);
        let mut link = path.to_path_buf();
        for _ in 0..MAX_LINKS {
            let Ok(target) = fs::read_link(&link) else { break };
            link = parent(&link).join(target);
            self.watch_entry(&link);
        }
        if path.exists() && self.seen.insert(path.to_path_buf()) {
            self.files.push(path.to_path_buf());
        }
    }

    /// Watches for `path` to appear, to be replaced or to go.
    fn watch_entry(&mut self, path: &Path) {
        let (mut directory, mut entry) = (parent(path), path.file_name());
        while !directory.is_dir() {
            entry = directory.file_name();
            match directory.parent() {
                Some(up) if !up.as_os_str().is_empty() => directory = up,
                _ => {
                    directory = Path::new(".");
                    break;
                }
            }
        }
        let interest = entry.map_or(Interest::Any, |e| Interest::Exactly(e.to_owned()));
        self.watch(directory, interest);
    }

    /// Watches every directory in which the next component of the pattern may appear.
    fn add_directories_of(&mut self, parts: &[Part]) {
        let first = parts.iter().position(|p| is_pattern(OsStr::new(&p.text))).unwrap_or(0);
        let base: PathBuf = parts[..first].iter().map(|p| p.text.as_str()).collect();
        let base = if first == 0 { PathBuf::from(".") } else { base };
        if !base.is_dir() {
            self.watch_entry(&base);
            return;
        }
        let mut directories = vec![base];
        for (depth, part) in parts.iter().enumerate().skip(first) {
            let recursive = part.text == "**";
            let interest =
                if recursive { Interest::Any } else { Interest::Matching(part.pattern.clone()) };
            let mut next = Vec::new();
            while let Some(directory) = directories.pop() {
                self.watch(&directory, interest.clone());
                let deeper = subdirectories(&directory, &interest, depth + 1 < parts.len());
                if recursive {
                    directories.extend(deeper.iter().cloned());
                    next.push(directory);
                } else {
                    next.extend(deeper);
                }
            }
            directories = next;
        }
    }

    fn watch(&mut self, directory: &Path, interest: Interest) {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let interests = self.directories.entry(directory.to_path_buf()).or_default();
        if !interests.contains(&interest) {
            interests.push(interest);
        }
    }
}

/// The directory that an entry is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None if path.components().next() == Some(Component::RootDir) => path,
        None => Path::new("."),
    }
}

/// The directories in `directory` that matter, if a pattern has more components after this one.
fn subdirectories(directory: &Path, interest: &Interest, wanted: bool) -> Vec<PathBuf> {
    if !wanted {
        return Vec::new();
    }
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let directories = entries.filter(|e| interest.covers(&e.file_name()) && e.path().is_dir());
    directories
        .map(|e| if directory == Path::new(".") { e.file_name().into() } else { e.path() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directories(names: &[&Path]) -> Vec<(PathBuf, Vec<Interest>)> {
        let names: Vec<_> = names.iter().map(|n| Name::parse(n.as_os_str()).unwrap()).collect();
        let mut directories: Vec<_> = Found::look(&names).directories.into_iter().collect();
        directories.sort_by(|a, b| a.0.cmp(&b.0));
        directories
    }

    fn exactly(name: &str) -> Vec<Interest> {
        vec![Interest::Exactly(name.into())]
    }

    #[test]
    fn the_nearest_directory_that_exists_is_watched_for_what_comes_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/app.log");
        assert_eq!(directories(&[&path]), [(dir.path().into(), exactly("a"))]);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        assert_eq!(directories(&[&path]), [(dir.path().join("a/b"), exactly("app.log"))]);
    }

    #[test]
    fn every_directory_that_a_pattern_can_reach_is_watched() {
        let dir = tempfile::tempdir().unwrap();
        for sub in ["x/logs", "y/logs", "y/other"] {
            fs::create_dir_all(dir.path().join(sub)).unwrap();
        }
        let got = directories(&[&dir.path().join("*/logs/*.log")]);
        let names: Vec<_> = got.iter().map(|(f, _)| f.strip_prefix(dir.path()).unwrap()).collect();
        assert_eq!(names, ["", "x", "x/logs", "y", "y/logs"].map(Path::new));
        let got = directories(&[&dir.path().join("**/*.log")]);
        assert_eq!(got.len(), 6, "every directory below: {got:?}");
    }

    #[test]
    fn the_directories_that_a_link_leads_through_are_watched_too() {
        let dir = tempfile::tempdir().unwrap();
        for sub in ["containers", "pods"] {
            fs::create_dir(dir.path().join(sub)).unwrap();
        }
        let link = dir.path().join("containers/app.log");
        std::os::unix::fs::symlink("../pods/0.log", &link).unwrap();
        let got = directories(&[&link]);
        assert!(got.contains(&(dir.path().join("containers"), exactly("app.log"))), "{got:?}");
        assert!(got.iter().any(|(f, i)| f.ends_with("pods") && *i == exactly("0.log")), "{got:?}");
    }
}

//! What a path leads to, whether it is there already or is still to be made.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// More links than this one after the other are a circle.
const MAX_LINKS: usize = 40;

/// Equal for two paths exactly if they lead to the same file, now or once it has been made.
///
/// What is there is known by its device and inode, so links of both kinds, `.` and `..`, and names
/// that the file system does not distinguish (`A.jpg` and `a.jpg`) do not matter. What is still to
/// be made is known by the nearest directory that is there, and the names below it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathIdentity {
    root: Root,
    /// Empty for what is there.
    rest: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Root {
    #[cfg(unix)]
    Node { device: u64, inode: u64 },
    /// Where the system does not say which file it is: the path itself.
    Path(PathBuf),
}

impl PathIdentity {
    /// What `path` leads to. One that cannot be looked at is known by its absolute path.
    pub fn of(path: &Path) -> Self {
        Resolver::default().identity(path)
    }

    /// The identity of an open file or of one that was just looked at.
    pub fn of_metadata(path: &Path, metadata: &fs::Metadata) -> Self {
        Self { root: root_of(path, metadata), rest: PathBuf::new() }
    }

    /// Whether `other` would be in a directory where this one is a file.
    pub(crate) fn is_above(&self, other: &Self) -> bool {
        self.root == other.root && self.rest != other.rest && other.rest.starts_with(&self.rest)
    }

    fn join(&self, name: &OsStr) -> Self {
        Self { root: self.root.clone(), rest: self.rest.join(name) }
    }
}

#[cfg(unix)]
fn root_of(_: &Path, metadata: &fs::Metadata) -> Root {
    use std::os::unix::fs::MetadataExt;
    Root::Node { device: metadata.dev(), inode: metadata.ino() }
}

#[cfg(not(unix))]
fn root_of(path: &Path, _: &fs::Metadata) -> Root {
    Root::Path(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
}

/// Finds the identities of many paths; each directory is looked at once.
#[derive(Debug, Default)]
pub struct Resolver {
    directories: HashMap<PathBuf, Directory>,
}

#[derive(Clone, Debug)]
struct Directory {
    identity: PathIdentity,
    /// Names in it that differ only in case are the same.
    ignores_case: bool,
}

impl Resolver {
    /// What `path` leads to; see [`PathIdentity::of`].
    pub fn identity(&mut self, path: &Path) -> PathIdentity {
        let found = self.follow(path, MAX_LINKS);
        found.unwrap_or_else(|_| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            PathIdentity { root: Root::Path(path), rest: PathBuf::new() }
        })
    }

    fn follow(&mut self, path: &Path, links: usize) -> io::Result<PathIdentity> {
        match fs::metadata(path) {
            Ok(metadata) => return Ok(PathIdentity::of_metadata(path, &metadata)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            Err(error) => return Err(error),
        }
        let parent = parent(path);
        if let Ok(target) = fs::read_link(path) {
            // A write to a link that leads to nothing makes what it leads to.
            return match links.checked_sub(1) {
                Some(left) => self.follow(&parent.join(target), left),
                None => Err(io::ErrorKind::NotFound.into()),
            };
        }
        let Some(name) = path.file_name() else {
            // `new/..`, where `new` is still to be made.
            let mut identity = self.directory(parent, links)?.identity;
            identity.rest.pop();
            return Ok(identity);
        };
        let directory = self.directory(parent, links)?;
        Ok(match directory.ignores_case {
            true => directory.identity.join(name.to_string_lossy().to_lowercase().as_ref()),
            false => directory.identity.join(name),
        })
    }

    fn directory(&mut self, path: &Path, links: usize) -> io::Result<Directory> {
        if let Some(known) = self.directories.get(path) {
            return Ok(known.clone());
        }
        let identity = self.follow(path, links)?;
        let ignores_case = match identity.rest.as_os_str().is_empty() {
            true => ignores_case(path),
            // A directory that is made has the habits of the one that it is made in.
            false => self.directory(parent(path), links)?.ignores_case,
        };
        let directory = Directory { identity, ignores_case };
        self.directories.insert(path.to_owned(), directory.clone());
        Ok(directory)
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// Whether names in this directory that differ only in case are the same. Nothing is made to find
/// that out: a name that is there is looked up in the other case, and where there is none, that of
/// the directory itself.
fn ignores_case(directory: &Path) -> bool {
    let Ok(directory) = fs::canonicalize(directory) else { return false };
    let names =
        fs::read_dir(&directory).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut names = names.filter_map(|name| Some((swapped(&name)?, name)));
    let Some((other, name)) = names.next() else {
        return match (directory.parent(), directory.file_name()) {
            (Some(parent), Some(name)) => {
                swapped(name).is_some_and(|other| same(parent, name, &other))
            }
            _ => false,
        };
    };
    same(&directory, &name, &other)
}

/// The name in the other case, if there is one.
fn swapped(name: &OsStr) -> Option<String> {
    let name = name.to_str()?;
    let swap = |c: char| {
        if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
    };
    let other: String = name.chars().map(swap).collect();
    (other != name).then_some(other)
}

fn same(directory: &Path, name: &OsStr, other: &str) -> bool {
    let looked = |name: &OsStr| {
        let path = directory.join(name);
        fs::symlink_metadata(&path).ok().map(|metadata| PathIdentity::of_metadata(&path, &metadata))
    };
    let is_same = looked(other.as_ref()).is_some_and(|found| Some(found) == looked(name));
    // Two names of one file are no proof if both of them are there.
    is_same
        && !fs::read_dir(directory)
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| entry.file_name().as_os_str() == OsStr::new(other))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn two_paths_are_the_same_if_they_lead_to_the_same_file() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("d")).unwrap();
        fs::write(at("a"), "x").unwrap();
        fs::write(at("b"), "x").unwrap();
        fs::hard_link(at("a"), at("d/hard")).unwrap();
        symlink("a", at("soft")).unwrap();
        symlink("d", at("e")).unwrap();
        symlink("new", at("dangling")).unwrap();
        symlink("round", at("round")).unwrap();
        let identity = |name: &str| PathIdentity::of(&at(name));
        for (one, other) in [
            ("a", "d/../a"),
            ("a", "d/hard"),
            ("a", "soft"),
            ("d", "e/."),
            ("new", "d/../new"),
            ("new", "dangling"),
            ("d/new", "e/new"),
            ("d/new", "e/./missing/../new"),
            ("d/x/new", "e/x/new"),
        ] {
            assert_eq!(identity(one), identity(other), "{one} and {other}");
        }
        for (one, other) in
            [("a", "b"), ("new", "d/new"), ("new", "New"), ("d/x", "d/x/y"), ("round", "a")]
        {
            assert_ne!(identity(one), identity(other), "{one} and {other}");
        }
        assert!(
            identity("new").is_above(&identity("new/x"))
                && identity("a").is_above(&identity("a/x"))
        );
        assert!(
            !identity("new").is_above(&identity("new"))
                && !identity("new").is_above(&identity("newer"))
        );
    }
}

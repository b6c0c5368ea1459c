//! Which files there are to look at, and where below the directory of results each belongs. Opens
//! none of them.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use connect::StartError;
use connect::paths::{PathIdentity, shown};

use super::OWN;
use crate::config::Place;
use crate::kind::Kind;

/// A file to look at.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) source: PathBuf,
    pub(crate) bytes: u64,
    /// Where it belongs below the directory of results.
    pub(crate) relative: PathBuf,
    pub(crate) origin: Origin,
    /// Which file it is, or why that cannot be said.
    pub(crate) identity: Result<PathIdentity, String>,
}

/// How a file was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An argument.
    Argument,
    /// A line of standard input.
    Line,
    /// Below a directory.
    Directory,
}

/// Finds all files of the inputs, in the order of the inputs and, below a directory, of their
/// names; and the first input that cannot be used.
pub(crate) fn list(
    inputs: &[PathBuf],
    place: &Place,
) -> Result<(Vec<Found>, Option<StartError>), StartError> {
    let out = match place {
        Place::Directory(out) => fs::canonicalize(out).ok(),
        Place::InPlace => None,
    };
    let mut lister = Lister { out, found: Vec::new(), unusable: None };
    let base = shared_directory(inputs);
    let mut has_read = false;
    for input in inputs {
        if input.as_os_str() != "-" {
            let above = base
                .as_ref()
                .and_then(|base| Some(directory(input)?.strip_prefix(base).ok()?.to_owned()));
            lister.input(input, &above.unwrap_or_default(), Origin::Argument)?;
            continue;
        }
        if std::mem::replace(&mut has_read, true) {
            return Err(StartError::Usage(
                "IN: '-' was named twice; standard input can be read once".to_owned(),
            ));
        }
        for name in names().unwrap_or_else(|error| lister.failed(error)) {
            let above = if name.is_dir() { &name } else { name.parent().unwrap_or(Path::new("")) };
            lister.input(&name, &inside(above), Origin::Line)?;
        }
    }
    Ok((lister.found, lister.unusable))
}

/// The deepest directory that all arguments are in, so that results keep the way from there on: two
/// directories that have files of the same name stay two. One directory alone is that directory.
fn shared_directory(inputs: &[PathBuf]) -> Option<PathBuf> {
    let mut directories =
        inputs.iter().filter(|input| input.as_os_str() != "-").map(|input| directory(input));
    let mut shared = directories.next()??;
    for other in directories {
        let other = other?;
        while !other.starts_with(&shared) {
            shared.pop();
        }
    }
    Some(shared)
}

/// A directory itself, or the one that a file is in; absolute.
fn directory(input: &Path) -> Option<PathBuf> {
    let goes_up = input.components().any(|part| part == Component::ParentDir);
    let path = if goes_up { fs::canonicalize(input) } else { std::path::absolute(input) }.ok()?;
    if path.is_dir() { Some(path) } else { path.parent().map(Path::to_owned) }
}

/// Names on standard input: one a line, or between NUL bytes as `find -print0` writes them.
fn names() -> Result<Vec<PathBuf>, String> {
    let mut text = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut text);
    read.map_err(|error| format!("names on standard input: {error}"))?;
    Ok(split_names(&text))
}

fn split_names(text: &[u8]) -> Vec<PathBuf> {
    let end = if text.contains(&0) { 0 } else { b'\n' };
    let names = text.split(|byte| *byte == end);
    // A line may end as on Windows; between NUL bytes every byte belongs to the name.
    let names =
        names.map(|name| if end == 0 { name } else { name.strip_suffix(b"\r").unwrap_or(name) });
    names.filter(|name| !name.is_empty()).map(path).collect()
}

#[cfg(unix)]
fn path(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(name).into()
}

#[cfg(not(unix))]
fn path(name: &[u8]) -> PathBuf {
    String::from_utf8_lossy(name).into_owned().into()
}

struct Lister {
    /// The directory of results, which is never an input.
    out: Option<PathBuf>,
    found: Vec<Found>,
    unusable: Option<StartError>,
}

impl Lister {
    fn failed<T: Default>(&mut self, error: String) -> T {
        self.unusable.get_or_insert(StartError::Input(error));
        T::default()
    }

    /// A file, or everything below a directory; `above` is the way to it below the directory of
    /// results.
    fn input(&mut self, input: &Path, above: &Path, origin: Origin) -> Result<(), StartError> {
        let metadata = match fs::metadata(input) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.failed::<()>(format!("cannot read '{}': {error}", shown(input)));
                return Ok(());
            }
        };
        if !metadata.is_dir() {
            let name = input.file_name().map(PathBuf::from).unwrap_or_default();
            self.add(input.to_owned(), above.join(name), &metadata, origin);
            return Ok(());
        }
        if self.out.is_some() && fs::canonicalize(input).ok() == self.out {
            return Err(StartError::Usage(format!(
                "--out is the directory '{}' itself; --in-place replaces its images",
                shown(input)
            )));
        }
        self.directory(input, above);
        Ok(())
    }

    /// Everything below a directory. Links to directories are not followed, so that there are no
    /// circles.
    fn directory(&mut self, root: &Path, above: &Path) {
        let mut waiting = vec![root.to_owned()];
        while let Some(directory) = waiting.pop() {
            let entries = match sorted(&directory) {
                Ok(entries) => entries,
                Err(error) => {
                    self.unreadable(directory, &error);
                    continue;
                }
            };
            let mut below = Vec::new();
            for (path, kind) in entries {
                if kind.is_dir() {
                    let is_out = self.out.is_some() && fs::canonicalize(&path).ok() == self.out;
                    below.extend((!is_out).then_some(path));
                    continue;
                }
                if is_own(&path) {
                    continue;
                }
                match fs::metadata(&path) {
                    Ok(metadata) if metadata.is_file() => {
                        let relative = above.join(path.strip_prefix(root).unwrap_or(&path));
                        self.add(path, relative, &metadata, Origin::Directory);
                    }
                    Ok(_) => {}
                    Err(error) => self.unreadable(path, &error),
                }
            }
            waiting.extend(below.into_iter().rev());
        }
    }

    fn unreadable(&mut self, source: PathBuf, error: &io::Error) {
        let (relative, identity) = (PathBuf::new(), Err(error.to_string()));
        self.found.push(Found { source, bytes: 0, relative, origin: Origin::Directory, identity });
    }

    fn add(&mut self, source: PathBuf, relative: PathBuf, metadata: &fs::Metadata, origin: Origin) {
        let identity = Ok(PathIdentity::of_metadata(&source, metadata));
        self.found.push(Found {
            source,
            bytes: metadata.len(),
            relative: inside(&relative),
            origin,
            identity,
        });
    }
}

/// A path that leads nowhere but down.
fn inside(relative: &Path) -> PathBuf {
    relative.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// The format that a name promises.
pub(crate) fn kind_by_name(path: &Path) -> Option<Kind> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    Kind::ALL.into_iter().find(|kind| kind.endings().contains(&ending.as_str()))
}

fn is_own(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(OWN.as_bytes()))
}

fn sorted(directory: &Path) -> io::Result<Vec<(PathBuf, fs::FileType)>> {
    let mut entries = fs::read_dir(directory)?
        .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            let path = directory.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        directory
    }

    /// Where each file belongs.
    fn found(directory: &Path, inputs: &[&str], out: &str) -> Vec<String> {
        let inputs: Vec<PathBuf> = inputs.iter().map(|name| directory.join(name)).collect();
        let (found, unusable) = list(&inputs, &Place::Directory(directory.join(out))).unwrap();
        assert_eq!(unusable, None);
        found.iter().map(|found| found.relative.display().to_string()).collect()
    }

    #[test]
    fn a_tree_is_kept_in_order_and_its_results_and_our_own_files_are_no_inputs() {
        let directory =
            tree(&["b/2.jpg", "b/1.jpg", "a.PNG", "out/old.jpg", ".millstream-1-2.tmp", "z.txt"]);
        assert_eq!(found(directory.path(), &[""], "out"), ["a.PNG", "z.txt", "b/1.jpg", "b/2.jpg"]);
    }

    #[test]
    fn several_inputs_keep_the_way_from_the_directory_that_they_share() {
        let directory = tree(&["p/one/a.jpg", "p/two/a.jpg", "p/two/deep/a.jpg", "p/b.jpg"]);
        let found = |inputs: &[&str]| found(directory.path(), inputs, "out");
        assert_eq!(found(&["p/one", "p/two"]), ["one/a.jpg", "two/a.jpg", "two/deep/a.jpg"]);
        assert_eq!(found(&["p/one/a.jpg", "p/two/a.jpg"]), ["one/a.jpg", "two/a.jpg"]);
        assert_eq!(found(&["p/b.jpg", "p/one"]), ["b.jpg", "one/a.jpg"]);
        assert_eq!(found(&["p/one/../two", "p/two/deep"]), ["a.jpg", "deep/a.jpg", "deep/a.jpg"]);
        assert_eq!(found(&["p/two"]), ["a.jpg", "deep/a.jpg"]);
        assert_eq!(found(&["p/two/deep/a.jpg"]), ["a.jpg"]);
    }

    #[test]
    fn names_come_in_lines_or_between_nul_bytes() {
        let names = |text: &str| split_names(text.as_bytes());
        assert_eq!(names("a b\r\nc\n"), [Path::new("a b"), Path::new("c")]);
        assert_eq!(names("a\nb\0c\r\0"), [Path::new("a\nb"), Path::new("c\r")]);
        assert!(names("").is_empty());
    }
}

//! `FILES|GLOBS|-` to a checked list of inputs, before anything is read.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::FileError;
use crate::paths::escaped;

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// A file, or a named pipe.
    Path(PathBuf),
}

/// What to read, in the order in which it was named.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    list: Vec<Input>,
    bytes: u64,
}

impl Inputs {
    /// Checks and expands what a user named.
    ///
    /// `-` is standard input. A name that exists is that file, whatever characters it has; any
    /// other name with one of `*?[` is a pattern, whose matches come in alphabetical order,
    /// directories among them left out. A file that was already named (by device and inode, so also
    /// under another name) is not read a second time.
    ///
    /// # Errors
    /// The first name that cannot be used: one that does not exist or cannot be opened, a
    /// directory, a pattern that is not valid or that no file matches, a second `-`.
    pub fn expand<S: AsRef<OsStr>>(names: impl IntoIterator<Item = S>) -> Result<Self, FileError> {
        let mut inputs = Self::default();
        let mut seen = HashSet::new();
        for name in names {
            let name = name.as_ref();
            if name == "-" {
                inputs.add_stdin()?;
                continue;
            }
            let path = Path::new(name);
            match fs::metadata(path) {
                Ok(_) => inputs.add_path(path.to_path_buf(), &mut seen)?,
                Err(_) if is_pattern(name) => {
                    for path in matches(name)? {
                        inputs.add_path(path, &mut seen)?;
                    }
                }
                Err(e) => return Err(FileError::opening(path, e)),
            }
        }
        Ok(inputs)
    }

    /// What there is, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Input> {
        self.list.iter()
    }

    /// How many inputs there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether nothing was named.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Sum of the sizes of the files as they are stored, for a progress bar; pipes count as 0.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn add_stdin(&mut self) -> Result<(), FileError> {
        if self.list.contains(&Input::Stdin) {
            return Err(FileError::StandardInput { why: "was named twice; it can be read once" });
        }
        self.list.push(Input::Stdin);
        Ok(())
    }

    fn add_path(&mut self, path: PathBuf, seen: &mut HashSet<FileKey>) -> Result<(), FileError> {
        let meta = fs::metadata(&path).map_err(|e| FileError::opening(&path, e))?;
        if meta.is_dir() {
            return Err(FileError::IsDirectory { path });
        }
        if !seen.insert(file_key(&path, &meta)) {
            return Ok(());
        }
        if meta.is_file() {
            // Opened now so that a file that may not be read is reported before anything was done.
            // A pipe is not: its writer would see a reader come and go.
            File::open(&path).map_err(|e| FileError::opening(&path, e))?;
            self.bytes += meta.len();
        }
        self.list.push(Input::Path(path));
        Ok(())
    }
}

impl<'a> IntoIterator for &'a Inputs {
    type Item = &'a Input;
    type IntoIter = std::slice::Iter<'a, Input>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(unix)]
type FileKey = (u64, u64);

#[cfg(unix)]
fn file_key(_: &Path, meta: &fs::Metadata) -> FileKey {
    use std::os::unix::fs::MetadataExt;
    (meta.dev(), meta.ino())
}

#[cfg(not(unix))]
type FileKey = PathBuf;

#[cfg(not(unix))]
fn file_key(path: &Path, _: &fs::Metadata) -> FileKey {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Whether a name has a character that means something in a pattern.
pub(crate) fn is_pattern(name: &OsStr) -> bool {
    name.as_encoded_bytes().iter().any(|b| b"*?[".contains(b))
}

fn matches(name: &OsStr) -> Result<Vec<PathBuf>, FileError> {
    let pattern = escaped(name).into_owned();
    let bad = |why: String| FileError::Pattern { pattern: pattern.clone(), why };
    if name.to_str().is_none() {
        return Err(bad("it is not UTF-8".into()));
    }
    let paths = glob::glob(&pattern).map_err(|e| bad(e.to_string()))?;
    let mut files = Vec::new();
    for path in paths {
        let path = path.map_err(|e| {
            let path = e.path().to_path_buf();
            FileError::Open { path, source: e.into() }
        })?;
        if !path.is_dir() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(FileError::NoMatch { pattern });
    }
    Ok(files)
}

//! Which files there are to look at, and where the result of each would go. Opens none of them.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::OWN;
use crate::config::Place;
use crate::kind::Kind;
use crate::outcome::StartError;

/// A file to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) source: PathBuf,
    pub(crate) bytes: u64,
    /// Where the result goes, and where a copy of the original goes if there is no better one.
    pub(crate) target: PathBuf,
    pub(crate) copy: PathBuf,
    /// Somebody named it, or its name says that it is a picture; then it has to be one.
    pub(crate) expected: bool,
    /// Why it cannot be taken, if it cannot.
    pub(crate) refused: Option<Refusal>,
}

/// Why a file is not even looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unreadable(String),
    Collision(PathBuf),
}

/// Finds all files of the inputs, in the order of the inputs and, below a folder, of their names.
pub(crate) fn list(inputs: &[String], place: &Place, format: Option<Kind>) -> Result<Vec<Item>, StartError> {
    let mut lister = Lister { place, format, out: None, items: Vec::new(), targets: HashSet::new() };
    if let Place::Folder(out) = place {
        lister.out = fs::canonicalize(out).ok();
    }
    for input in inputs {
        if input == "-" {
            for name in names()? {
                lister.input(&name)?;
            }
        } else {
            lister.input(Path::new(input))?;
        }
    }
    Ok(lister.items)
}

/// Names on standard input: one a line, or between NUL bytes as `find -print0` writes them.
fn names() -> Result<Vec<PathBuf>, StartError> {
    let mut text = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut text);
    read.map_err(|error| StartError::Input(format!("names on standard input: {error}")))?;
    Ok(split_names(&text))
}

fn split_names(text: &[u8]) -> Vec<PathBuf> {
    let end = if text.contains(&0) { 0 } else { b'\n' };
    let names = text.split(|byte| *byte == end).map(|name| name.strip_suffix(b"\r").unwrap_or(name));
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

struct Lister<'a> {
    place: &'a Place,
    format: Option<Kind>,
    /// The folder of results, which is never an input.
    out: Option<PathBuf>,
    items: Vec<Item>,
    targets: HashSet<PathBuf>,
}

impl Lister<'_> {
    fn input(&mut self, input: &Path) -> Result<(), StartError> {
        let metadata = fs::metadata(input)
            .map_err(|error| StartError::Input(format!("cannot read '{}': {error}", input.display())))?;
        if metadata.is_dir() {
            let real = fs::canonicalize(input).unwrap_or_else(|_| input.to_owned());
            if self.out.as_ref() == Some(&real) {
                return Err(StartError::Usage(format!(
                    "--out is the folder '{}' itself; --in-place replaces its pictures",
                    input.display()
                )));
            }
            self.folder(input);
            return Ok(());
        }
        let real = fs::canonicalize(input).unwrap_or_else(|_| input.to_owned());
        if real.parent().is_some_and(|parent| self.out.as_deref() == Some(parent)) {
            return Err(StartError::Usage(format!(
                "--out is the folder of '{}'; --in-place replaces the picture",
                input.display()
            )));
        }
        let name = input.file_name().map(PathBuf::from).unwrap_or_default();
        self.add(input.to_owned(), &name, metadata.len(), true);
        Ok(())
    }

    /// Everything below a folder. Links to folders are not followed, so that there are no circles.
    fn folder(&mut self, root: &Path) {
        let mut waiting = vec![root.to_owned()];
        while let Some(folder) = waiting.pop() {
            let entries = match sorted(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    self.unreadable(folder, &error);
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
                        let relative = path.strip_prefix(root).unwrap_or(&path).to_owned();
                        let expected = kind_by_name(&path).is_some();
                        self.add(path, &relative, metadata.len(), expected);
                    }
                    Ok(_) => {}
                    Err(error) => self.unreadable(path, &error),
                }
            }
            waiting.extend(below.into_iter().rev());
        }
    }

    fn unreadable(&mut self, path: PathBuf, error: &io::Error) {
        self.items.push(Item {
            target: PathBuf::new(),
            copy: PathBuf::new(),
            bytes: 0,
            expected: true,
            refused: Some(Refusal::Unreadable(error.to_string())),
            source: path,
        });
    }

    fn add(&mut self, source: PathBuf, relative: &Path, bytes: u64, expected: bool) {
        let (target, copy) = match self.place {
            Place::Folder(out) => {
                let copy = out.join(inside(relative));
                (renamed(&copy, self.format), copy)
            }
            Place::InPlace => {
                let real = fs::canonicalize(&source).unwrap_or_else(|_| source.clone());
                (real.clone(), real)
            }
        };
        let refused = (!self.targets.insert(target.clone())).then(|| Refusal::Collision(target.clone()));
        self.items.push(Item { source, bytes, target, copy, expected, refused });
    }
}

/// A path that leads nowhere but down.
fn inside(relative: &Path) -> PathBuf {
    relative.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// The name for the format, unless it is such a name already.
fn renamed(path: &Path, format: Option<Kind>) -> PathBuf {
    match format {
        Some(kind) if kind_by_name(path) != Some(kind) => path.with_extension(kind.endings()[0]),
        _ => path.to_owned(),
    }
}

fn kind_by_name(path: &Path) -> Option<Kind> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    Kind::ALL.into_iter().find(|kind| kind.endings().contains(&ending.as_str()))
}

fn is_own(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(OWN))
}

fn sorted(folder: &Path) -> io::Result<Vec<(PathBuf, fs::FileType)>> {
    let mut entries = fs::read_dir(folder)?
        .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    fn found(folder: &Path, out: &Path, format: Option<Kind>) -> Vec<(String, String, bool)> {
        let inputs = [folder.display().to_string()];
        let items = list(&inputs, &Place::Folder(out.to_owned()), format).unwrap();
        let name = |path: &Path, root: &Path| path.strip_prefix(root).unwrap().display().to_string();
        items
            .iter()
            .map(|item| (name(&item.source, folder), name(&item.target, out), item.refused.is_some()))
            .collect()
    }

    #[test]
    fn a_tree_is_kept_in_order_and_its_results_and_our_own_files_are_no_inputs() {
        let folder = tree(&["b/2.jpg", "b/1.jpg", "a.PNG", "out/old.jpg", ".millstream-1-2.tmp", "z.txt"]);
        let found = found(folder.path(), &folder.path().join("out"), None);
        let names: Vec<&str> = found.iter().map(|(source, ..)| source.as_str()).collect();
        assert_eq!(names, ["a.PNG", "z.txt", "b/1.jpg", "b/2.jpg"]);
        assert!(found.iter().all(|(source, target, refused)| source == target && !refused));
    }

    #[test]
    fn names_follow_the_format_and_two_of_the_same_are_told() {
        let folder = tree(&["a.jpg", "a.png", "b.JPEG", "c"]);
        let out = tempfile::tempdir().unwrap();
        let jpegs = found(folder.path(), out.path(), Some(Kind::Jpeg));
        let targets: Vec<(&str, bool)> = jpegs.iter().map(|(_, target, no)| (target.as_str(), *no)).collect();
        assert_eq!(targets, [("a.jpg", false), ("a.jpg", true), ("b.JPEG", false), ("c.jpg", false)]);
    }

    #[test]
    fn results_do_not_go_where_the_pictures_are() {
        let folder = tree(&["a.jpg"]);
        for input in [folder.path().to_owned(), folder.path().join("a.jpg")] {
            let inputs = [input.display().to_string()];
            let error = list(&inputs, &Place::Folder(folder.path().to_owned()), None).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("--in-place"), "{error}");
        }
    }

    #[test]
    fn names_come_in_lines_or_between_nul_bytes() {
        let names = |text: &str| split_names(text.as_bytes());
        assert_eq!(names("a b\r\nc\n"), [Path::new("a b"), Path::new("c")]);
        assert_eq!(names("a\nb\0c\0"), [Path::new("a\nb"), Path::new("c")]);
        assert!(names("").is_empty());
    }
}

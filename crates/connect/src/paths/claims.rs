//! All paths of a run, checked against each other before anything is opened.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::{PathIdentity, Resolver, shown};

/// What a run wants to read and to write, each path with the option that named it.
///
/// A run that would write to a file that it reads, or write twice to one file, would destroy what
/// is in it. Paths are compared by [what they lead to](PathIdentity). Devices such as `/dev/null`
/// keep nothing and may be named twice; so may what is only read.
///
/// # Examples
/// ```
/// use std::path::Path;
/// use millstream_connect::paths::Claims;
///
/// let mut claims = Claims::default();
/// claims.reads("FILES", Path::new("app.log"));
/// claims.writes("--report", Path::new("./app.log"));
/// let clash = claims.check().unwrap_err().to_string();
/// assert!(clash.contains("--report './app.log'") && clash.contains("FILES 'app.log'"), "{clash}");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Claims {
    list: Vec<Claim>,
    patterns: Vec<(&'static str, glob::Pattern)>,
}

#[derive(Clone, Debug)]
struct Claim {
    option: &'static str,
    path: PathBuf,
    purpose: Purpose,
    identity: PathIdentity,
}

#[derive(Clone, Copy, Debug)]
enum Purpose {
    Read,
    Write,
    /// With the names that the run gives to files in it, if it takes some whatever is there.
    Directory(Option<fn(&OsStr) -> bool>),
}

/// Two options of a run that want the same file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash(String);

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Clash {}

impl Claims {
    /// A file that is read. `option` is how the user named it: `FILES`, `--urls`.
    pub fn reads(&mut self, option: &'static str, path: &Path) {
        self.add(option, path, Purpose::Read);
    }

    /// Files that may come while the run goes on and be read then: those whose path matches the
    /// pattern.
    pub fn reads_matching(&mut self, option: &'static str, pattern: &OsStr) {
        let Some(text) = pattern.to_str() else { return };
        let absolute =
            std::path::absolute(text).ok().and_then(|path| path.to_str().map(glob::Pattern::new));
        if let Some(Ok(pattern)) = absolute {
            self.patterns.push((option, pattern));
        }
    }

    /// A file that is written or made.
    pub fn writes(&mut self, option: &'static str, path: &Path) {
        self.add(option, path, Purpose::Write);
    }

    /// A directory that is made, and may be there; other files of the run may be in it.
    pub fn makes(&mut self, option: &'static str, path: &Path) {
        self.add(option, path, Purpose::Directory(None));
    }

    /// The same for a directory in which the names that `is_own` knows belong to the run.
    pub fn makes_files(&mut self, option: &'static str, path: &Path, is_own: fn(&OsStr) -> bool) {
        self.add(option, path, Purpose::Directory(Some(is_own)));
    }

    /// An SQLite database, with the files that SQLite makes beside it.
    pub fn writes_sqlite(&mut self, option: &'static str, path: &Path) {
        self.writes(option, path);
        // They are beside the file itself, not beside a link to it.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        for ending in ["-wal", "-shm", "-journal"] {
            self.writes(option, &beside(&real, ending));
        }
    }

    fn add(&mut self, option: &'static str, path: &Path, purpose: Purpose) {
        if !is_device(path) {
            let identity = Resolver::default().identity(path);
            self.list.push(Claim { option, path: path.to_owned(), purpose, identity });
        }
    }

    /// Whether the run can be made.
    ///
    /// # Errors
    /// The first two options that want the same file, with what to do.
    pub fn check(&self) -> Result<(), Clash> {
        // There may be thousands of files that are read, but few that are written.
        let is_written = |claim: &&Claim| !matches!(claim.purpose, Purpose::Read);
        for one in self.list.iter().filter(is_written) {
            self.check_patterns(one)?;
            for other in self.list.iter().filter(|other| !std::ptr::eq(*other, one)) {
                if let Some(clash) = clash(one, other) {
                    return Err(Clash(clash));
                }
            }
        }
        Ok(())
    }

    fn check_patterns(&self, claim: &Claim) -> Result<(), Clash> {
        let path = std::path::absolute(&claim.path).unwrap_or_default();
        let options = glob::MatchOptions { require_literal_separator: true, ..Default::default() };
        let mut patterns = self.patterns.iter().filter(|_| matches!(claim.purpose, Purpose::Write));
        match patterns.find(|(_, pattern)| pattern.matches_path_with(&path, options)) {
            Some((option, pattern)) => Err(Clash(format!(
                "{} '{}' matches {option} '{}' and would be read and written; give {0} another file",
                claim.option,
                shown(&claim.path),
                shown(pattern.as_str())
            ))),
            None => Ok(()),
        }
    }
}

/// `out.db-wal` for `out.db`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// What keeps nothing of what is written to it.
#[cfg(unix)]
fn is_device(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|metadata| {
        let kind = metadata.file_type();
        kind.is_char_device() || kind.is_socket()
    })
}

#[cfg(not(unix))]
fn is_device(_: &Path) -> bool {
    false
}

fn clash(one: &Claim, other: &Claim) -> Option<String> {
    let named = |claim: &Claim| format!("{} '{}'", claim.option, shown(&claim.path));
    if one.identity == other.identity {
        return match (one.purpose, other.purpose) {
            (Purpose::Write | Purpose::Directory(_), Purpose::Read) => Some(format!(
                "{} and {} are the same file, which would be read and written; give {} another one",
                named(one),
                named(other),
                one.option
            )),
            (Purpose::Write, Purpose::Write | Purpose::Directory(_)) => Some(format!(
                "{} and {} are the same place; each needs one of its own",
                named(one),
                named(other)
            )),
            _ => None,
        };
    }
    match (one.purpose, other.purpose) {
        (Purpose::Write, _) if one.identity.is_above(&other.identity) => {
            let (above, below) = (named(one), named(other));
            Some(format!(
                "{below} is below {above}, which is to be a file; give {} another one",
                one.option
            ))
        }
        (Purpose::Directory(Some(is_own)), Purpose::Read | Purpose::Write)
            if is_in(one, other, is_own) =>
        {
            let (file, directory) = (named(other), named(one));
            Some(format!(
                "{file} has the name of a file that {directory} writes; give {} another one",
                other.option
            ))
        }
        _ => None,
    }
}

/// Whether a file is in this directory, under one of these names.
fn is_in(directory: &Claim, file: &Claim, is_own: fn(&OsStr) -> bool) -> bool {
    let path = fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone());
    let parent =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    path.file_name().is_some_and(is_own) && PathIdentity::of(parent) == directory.identity
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_and_not_also_read() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let check = |claim: &dyn Fn(&mut Claims)| {
            let mut claims = Claims::default();
            claim(&mut claims);
            claims.check()
        };
        for claim in [
            &(|claims: &mut Claims| {
                claims.writes("--report", &at("a"));
                claims.reads("FILES", &at("a"));
            }) as &dyn Fn(&mut Claims),
            &|claims| {
                claims.writes("--to", &at("a"));
                claims.writes("--report", &at("a"));
            },
            &|claims| {
                claims.writes_sqlite("--to", &at("a.db"));
                claims.writes("--report", &at("a.db-wal"));
            },
            &|claims| {
                claims.makes("--warc", &at("a"));
                claims.writes("--to", &at("a"));
            },
            &|claims| {
                claims.makes_files("--warc", &at("w"), |name| name == "own");
                claims.writes("--report", &at("w/../w/own"));
            },
            &|claims| {
                claims.makes("--out", &at("a/b"));
                claims.writes("--report", &at("a"));
            },
        ] {
            let clash = check(claim).unwrap_err().to_string();
            assert!(clash.contains("--report '") || clash.contains("--warc '"), "{clash}");
            assert!(
                clash.contains(" and ")
                    || clash.contains(" is below ")
                    || clash.contains(" has the name "),
                "{clash}"
            );
        }
        let devices = check(&|claims| {
            claims.writes("--to", Path::new("/dev/null"));
            claims.writes("--report", Path::new("/dev/null"));
            claims.reads("FILES", &at("a"));
            claims.reads("FILES", &at("a"));
            claims.makes("--out", &at("o"));
            claims.makes("--warc", &at("o"));
            claims.writes("--report", &at("o/report.json"));
        });
        assert_eq!(devices, Ok(()));
    }
}

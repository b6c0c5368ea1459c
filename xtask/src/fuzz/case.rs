//! One case: a directory with inputs of its own, the runs in it, and what was found.
//!
//! What is wrong with a run is decided in `judge.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::judge;
use super::process::{self, End, Limits};
use super::random::Random;
use super::run::{Ran, Run};
use crate::shell::{Result, context};

/// How long a run may take that has no deadline of its own: the most that an expression may cost,
/// in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much later than `--deadline` and `--grace` together a run may end.
const LATE: Duration = Duration::from_secs(2);

/// When a run is ended that may go on forever.
const ENDLESS: Duration = Duration::from_secs(4);
/// What a run may take, whatever its input.
const MEMORY_MB: u64 = 1_000;
const OUTPUT_MB: u64 = 64;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) what: String,
    /// It may be the fault of a busy machine.
    pub(super) of_time: bool,
}

/// One case of a part.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) random: Random,
    pub(super) findings: Vec<Finding>,
    binary: PathBuf,
    home: PathBuf,
    inputs: BTreeMap<PathBuf, Vec<u8>>,
    commands: String,
    runs: usize,
}

impl Case {
    /// A case with an empty directory at `home`.
    pub(super) fn new(random: Random, binary: &Path, home: PathBuf) -> Result<Self> {
        // Missing is what we want; that it can be made is what matters.
        let _ = fs::remove_dir_all(&home);
        let (binary, inputs) = (binary.to_owned(), BTreeMap::new());
        let case = Self {
            random,
            findings: Vec::new(),
            binary,
            home,
            inputs,
            commands: String::new(),
            runs: 0,
        };
        context(fs::create_dir_all(case.work()), case.work().display())?;
        Ok(case)
    }

    pub(super) fn binary(&self) -> &Path {
        &self.binary
    }

    /// The working directory of every run.
    pub(super) fn work(&self) -> PathBuf {
        self.home.join("work")
    }

    /// Writes a file.
    pub(super) fn file(&self, name: impl AsRef<Path>, bytes: &[u8]) -> Result {
        let path = self.work().join(name);
        if let Some(parent) = path.parent() {
            context(fs::create_dir_all(parent), parent.display())?;
        }
        context(fs::write(&path, bytes), path.display())
    }

    /// Writes a file which must not change from now on.
    pub(super) fn input(&mut self, name: impl AsRef<Path>, bytes: &[u8]) -> Result {
        self.file(&name, bytes)?;
        self.inputs.insert(self.work().join(name), bytes.to_owned());
        Ok(())
    }

    /// A file that a run wrote; empty if there is none.
    pub(super) fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        fs::read(self.work().join(name)).unwrap_or_default()
    }

    pub(super) fn found(&mut self, what: impl Into<String>) {
        self.findings.push(Finding { what: what.into(), of_time: false });
    }

    /// The same where a busy machine may be the reason.
    pub(super) fn found_late(&mut self, what: impl Into<String>) {
        self.findings.push(Finding { what: what.into(), of_time: true });
    }

    /// Runs the binary and judges by the rules that hold for every run.
    pub(super) fn run(&mut self, run: Run) -> Result<Ran> {
        self.runs += 1;
        let name = |kind: &str| self.home.join(format!("run-{}.{kind}", self.runs));
        let (out, err) = (name("stdout"), name("stderr"));
        let mut command = Command::new(&self.binary);
        command.args(&run.args).current_dir(self.work()).env_remove("RUST_BACKTRACE");
        self.note(&run)?;
        let before = tree(&self.work());
        let time = match run.deadline {
            _ if run.endless => ENDLESS,
            Some(deadline) => PATIENCE.min(deadline + LATE),
            None => PATIENCE,
        };
        let limits =
            Limits { time, memory_mb: run.memory_mb.unwrap_or(MEMORY_MB), output_mb: OUTPUT_MB };
        let ended = process::run(&mut command, run.stdin.clone(), limits, &out, &err)?;
        let read = |path: &Path| context(fs::read(path), path.display());
        let code = if let End::Code(code) = ended.end { Some(code) } else { None };
        let mut ran = Ran { code, out: read(&out)?, err: read(&err)?, report: None };
        let nth = self.runs;
        let mut found = |what: String, of_time: bool| {
            self.findings.push(Finding { what: format!("run {nth}: {what}"), of_time });
        };
        if !(run.endless && ended.end == End::Time) {
            judge::ending(&ended, limits, &mut found);
        }
        judge::said(&ran, &mut found);
        judge::report(&self.home.join("work"), &run, &mut ran, &mut found);
        let after = tree(&self.home.join("work"));
        for path in after.difference(&before).filter(|_| ran.code == Some(2)) {
            found(format!("exit 2, but '{}' was made", path.display()), false);
        }
        for (path, bytes) in self.inputs.iter().filter(|_| !run.in_place) {
            if fs::read(path).ok().as_ref() != Some(bytes) {
                found(format!("the input '{}' is no longer what it was", path.display()), false);
            }
        }
        Ok(ran)
    }

    /// Keeps what was run, and with which input, for somebody who wants to see it again.
    fn note(&mut self, run: &Run) -> Result {
        let words: Vec<String> =
            run.args.iter().map(|arg| quoted(&arg.to_string_lossy())).collect();
        let mut line = format!("millstream {}", words.join(" "));
        if let Some(pieces) = &run.stdin {
            let name = format!("run-{}.stdin", self.runs);
            let path = self.home.join(&name);
            context(fs::write(&path, pieces.concat()), path.display())?;
            write!(line, " < ../{name} # in {} pieces", pieces.len()).expect("a string takes all");
        }
        self.commands += &(line + "\n");
        Ok(())
    }

    /// Leaves the directory with what was found in it, or removes it if that is nothing.
    pub(super) fn end(self) -> Result<Vec<Finding>> {
        if self.findings.is_empty() {
            context(fs::remove_dir_all(&self.home), self.home.display())?;
            return Ok(self.findings);
        }
        let mut text = format!("cd {}\n{}\n", self.work().display(), self.commands);
        for finding in &self.findings {
            text += &format!("{}\n", finding.what);
        }
        let path = self.home.join("finding.txt");
        context(fs::write(&path, text), path.display())?;
        Ok(self.findings)
    }
}

/// Every path below a directory.
fn tree(root: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(entry.path());
            }
            found.insert(entry.path());
        }
    }
    found
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if word.chars().any(char::is_control) {
        return format!("$'{}'", word.escape_default());
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_split_or_change_it() {
        assert_eq!(quoted("--to=a.db"), "--to=a.db");
        assert_eq!((quoted("a b"), quoted("")), ("'a b'".to_owned(), "''".to_owned()));
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted("a\n"), "$'a\\n'");
    }
}

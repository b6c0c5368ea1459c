//! A directory of one's own, logs to put there, and the binary run in it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A temporary directory that is the working directory of every run.
pub(crate) struct Directory(tempfile::TempDir);

impl Directory {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A directory with an `app.log` of this many lines.
    pub(crate) fn with_app_log(lines: usize) -> Self {
        let directory = Self::new();
        directory.write("app.log", app_log(lines));
        directory
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        self.program("logs", args)
    }

    /// A run of one of the programs.
    pub(crate) fn program<S: AsRef<OsStr>>(
        &self,
        name: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
        command.arg(name).args(args).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `millstream logs` with these arguments, split at spaces.
    pub(crate) fn logs(&self, args: &str) -> Ran {
        self.run(&args.split(' ').collect::<Vec<_>>())
    }

    /// The same where an argument has spaces of its own.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    /// The same with something on standard input.
    pub(crate) fn fed(&self, args: &str, input: &[u8]) -> Ran {
        let mut child = self.command(args.split(' ')).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Ran::of(child.wait_with_output().unwrap())
    }

    /// The only cell of the only row.
    pub(crate) fn count(&self, database: &str, sql: &str) -> u64 {
        let db = rusqlite::Connection::open(self.path(database)).unwrap();
        db.query_one(sql, [], |row| row.get::<_, i64>(0)).unwrap().cast_unsigned()
    }

    /// The report that a run left in a file.
    pub(crate) fn report(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }
}

/// A run that has finished.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The run had this exit code, and did not panic on its way to it.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// Standard error has all of these.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "nothing said of {part:?}:\n{}", self.err);
        }
        self
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub(crate) fn records(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.records().iter().map(|record| record["message"].as_str().unwrap().to_owned()).collect()
    }
}

/// Sends a signal to a child of this test.
pub(crate) fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Lines with the level first, one a second from 10:00:00 on.
pub(crate) fn app_log(lines: usize) -> String {
    let mut text = String::new();
    for i in 0..lines {
        let level = match i % 20 {
            0 | 7 => "ERROR",
            1..=4 => "WARN",
            13 => "FATAL",
            19 => "DEBUG",
            _ => "INFO",
        };
        let (hour, minute, second) = (10 + i / 3600, i / 60 % 60, i % 60);
        let took = i * 37 % 900;
        writeln!(
            text,
            "{level} 2024-01-15T{hour:02}:{minute:02}:{second:02}Z request {i} took {took} ms"
        )
        .unwrap();
    }
    text
}

/// What `grep -c '^START'` says.
pub(crate) fn grep(text: &str, starts: &[&str]) -> u64 {
    text.lines().filter(|line| starts.iter().any(|start| line.starts_with(start))).count() as u64
}

/// Lines of the combined log format; every fifth is a 404.
pub(crate) fn access_log(lines: usize) -> String {
    let mut text = String::new();
    for i in 0..lines {
        let status = if i % 5 == 0 { 404 } else { 200 };
        let (minute, second) = (i / 60 % 60, i % 60);
        writeln!(
            text,
            r#"10.0.0.{} - ann [15/Jan/2024:10:{minute:02}:{second:02} +0000] "GET /item/{i} HTTP/1.1" {status} {} "-" "curl/8.5""#,
            i % 250,
            i * 3,
        )
        .unwrap();
    }
    text
}

/// Lines of JSON.
pub(crate) fn json_log(lines: usize) -> String {
    (0..lines).fold(String::new(), |mut text, i| {
        let (level, second) = (["info", "warn", "error"][i % 3], i % 60);
        writeln!(
            text,
            r#"{{"ts":"2024-01-15T10:00:{second:02}Z","level":"{level}","msg":"job {i}","n":{i}}}"#
        )
        .unwrap();
        text
    })
}

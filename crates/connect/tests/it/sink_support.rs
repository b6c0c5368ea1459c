//! What the tests of several sinks share: a row of every type, its layout, and a child process that
//! writes.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use millstream_connect::{Cells, ColumnType, Layout, PositionChange, Row, SavedPosition};

/// A row with a cell of every type, all computed from its number.
#[derive(Clone, Debug)]
pub(crate) struct Numbered {
    pub(crate) n: i64,
    pub(crate) text: String,
}

impl Numbered {
    pub(crate) fn new(n: i64) -> Self {
        Self { n, text: format!("row number {n}") }
    }

    /// The rows `from..to`.
    pub(crate) fn range(from: i64, to: i64) -> Vec<Self> {
        (from..to).map(Self::new).collect()
    }
}

impl Row for Numbered {
    fn write<C: Cells + ?Sized>(&self, cells: &mut C) {
        cells.integer(self.n);
        cells.text(&self.text);
        cells.timestamp_ns(self.n * 1_000_000);
        cells.json(format!("{{\"n\":{}}}", self.n).as_bytes());
        if self.n % 2 == 0 { cells.real(self.n as f64 / 2.0) } else { cells.null() }
    }
}

pub(crate) fn numbered_layout(table: &str) -> Layout {
    Layout::new(table)
        .and_then(|l| l.column("n", ColumnType::Integer))
        .and_then(|l| l.column("text", ColumnType::Text))
        .and_then(|l| l.column("at", ColumnType::Timestamp))
        .and_then(|l| l.column("fields", ColumnType::Json))
        .and_then(|l| l.column("half", ColumnType::Real))
        .unwrap()
}

/// The position that follows the batch's last row.
pub(crate) fn after_last(_rows: u64, batch: &[Numbered], changes: &mut Vec<PositionChange>) {
    if let Some(last) = batch.last() {
        changes.push(PositionChange {
            key: "input".to_owned(),
            value: Some((last.n + 1).to_string()),
        });
    }
}

/// Positions of two keys: `a` is forgotten and set again each time, `b` is forgotten for good from
/// the fifth row on.
pub(crate) fn of_two_keys(rows: u64, batch: &[Numbered], changes: &mut Vec<PositionChange>) {
    let value = Some(format!("{{\"rows\":{rows},\"batch\":{}}}", batch.len()));
    changes.push(PositionChange { key: "a".to_owned(), value: None });
    changes.push(PositionChange { key: "a".to_owned(), value: Some("first".to_owned()) });
    changes
        .push(PositionChange { key: "b".to_owned(), value: (rows < 5).then(|| rows.to_string()) });
    changes.push(PositionChange { key: "a".to_owned(), value });
}

/// Positions as `key value`.
pub(crate) fn shown(saved: &[SavedPosition]) -> Vec<String> {
    saved.iter().map(|position| format!("{} {}", position.key, position.value)).collect()
}

/// The number that the input goes on with.
pub(crate) fn next_of(saved: &[SavedPosition]) -> i64 {
    saved.first().map_or(0, |position| position.value.parse().unwrap())
}

/// A row made of one text.
#[derive(Clone, Debug)]
pub(crate) struct Texts(pub(crate) &'static [u8]);

impl Row for Texts {
    fn write<C: Cells + ?Sized>(&self, cells: &mut C) {
        cells.text_bytes(self.0);
    }
}

/// This test binary, run again with only the (ignored) test `name`, which finds `target` in its
/// environment.
pub(crate) struct Writer {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Writer {
    pub(crate) fn start(name: &str, target: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env("CONNECT_TEST_TARGET", target)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Waits until the child has committed `n` more batches.
    pub(crate) fn wait_for_commits(&mut self, n: usize) {
        let mut seen = 0;
        let mut line = String::new();
        while seen < n {
            line.clear();
            assert_ne!(
                self.lines.read_line(&mut line).unwrap(),
                0,
                "the writer ended before it was killed"
            );
            seen += usize::from(line.contains("committed"));
        }
    }

    /// Ends the child with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What [`Writer::start`] gave this process to write to.
pub(crate) fn writer_target() -> String {
    std::env::var("CONNECT_TEST_TARGET").expect("this test is run by other tests only")
}

/// Numbers that differ from run to run, so that children are killed at other points each time.
pub(crate) fn random(below: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(below) % below
}

/// A file system of a few hundred kilobytes, where the system lets the test mount one.
pub(crate) struct SmallDisk {
    directory: tempfile::TempDir,
}

impl SmallDisk {
    pub(crate) fn mount(kib: u32) -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|e| e.to_string())?;
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])
            .arg(directory.path())
            .output()
            .map_err(|e| format!("no small disk can be mounted: {e}"))?;
        if output.status.success() {
            return Ok(Self { directory });
        }
        Err(format!(
            "no small disk can be mounted: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since a failed test may still have a file open there.
        Command::new("umount").arg("-l").arg(self.directory.path()).status().ok();
    }
}

/// A writer whose bytes can be read while and after it is used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

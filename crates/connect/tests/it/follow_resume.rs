//! Restarts: a saved position leads to the same file, whatever its name is by then, and to no
//! other.

use std::fs;
use std::path::{Path, PathBuf};

use millstream_connect::files::{Identity, Position};
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use crate::support::{Reader, append};

fn identity(path: &Path) -> Identity {
    Identity::of(&fs::File::open(path).unwrap()).unwrap()
}

fn matches(identity: &Identity, path: &Path) -> bool {
    let now = self::identity(path);
    let head = fs::read(path).unwrap();
    identity.matches(now.device, now.inode, &head[..head.len().min(1024)])
}

#[test]
fn a_short_file_that_grows_stays_the_same_file() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "");
    let mut saved = vec![identity(&path)];
    for _ in 0..40 {
        append(&path, &"x".repeat(60));
        saved.push(identity(&path));
    }
    assert!(saved.iter().all(|id| matches(id, &path)));
    assert_eq!(saved.last().unwrap().head_len, 1024);
    fs::rename(&path, dir.path().join("other")).unwrap();
    assert!(saved.iter().all(|id| matches(id, &dir.path().join("other"))));
}

#[test]
fn a_file_that_was_written_again_or_has_another_inode_is_another_file() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "one\ntwo\n");
    let saved = identity(&path);
    fs::write(&path, "one\n").unwrap();
    assert!(!matches(&saved, &path), "shorter than what was hashed");
    fs::write(&path, "one\nTwo\nthree\n").unwrap();
    assert!(!matches(&saved, &path), "other content");
    let copy = dir.path().join("copy.log");
    fs::write(&copy, "one\ntwo\n").unwrap();
    assert!(!matches(&saved, &copy), "another inode");
}

#[test]
fn a_position_is_plain_data() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "one\n");
    let mut reader = Reader::new([&path]);
    reader.expect("one\n");
    let positions = reader.positions();
    let text = serde_json::to_string(&positions).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Position>>(&text).unwrap(), positions);
}

#[test]
fn reading_goes_on_at_the_position_and_first_in_the_file_that_was_renamed_meanwhile() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "one\ntwo\n");
    let mut reader = Reader::new([&path]);
    reader.expect("one\ntwo\n");
    let positions = reader.positions();
    drop(reader);
    append(&path, "three\n");
    fs::rename(&path, dir.path().join("app.log.1")).unwrap();
    append(&path, "four\n");
    let mut reader = Reader::resumed([&path], positions);
    reader.expect("three\nfour\n");
    assert_eq!(reader.blocks[0].range(), 8..14);
}

#[test]
fn a_position_of_a_file_that_is_gone_or_was_written_again_is_not_used() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "one\ntwo\n");
    let mut reader = Reader::new([&path]);
    reader.expect("one\ntwo\n");
    let positions = reader.positions();
    drop(reader);
    fs::write(&path, "three\nfour\nfive\n").unwrap();
    let mut reader = Reader::resumed([&path], positions.clone());
    reader.expect("three\nfour\nfive\n");
    assert!(reader.reported().iter().any(|n| n.contains("is gone")), "{:?}", reader.reported());
    drop(reader);
    fs::remove_file(&path).unwrap();
    append(&path, "six\n");
    let mut reader = Reader::resumed([&path], positions);
    reader.expect("six\n");
}

/// What happens to a log, to its reader, or to both.
#[derive(Clone, Debug)]
enum Step {
    Write(String),
    Rotate,
    /// Everything that is there must have come.
    Read,
    /// Everything that is there must have come; then nobody reads while the log is written,
    /// rotated, and written.
    Restart(String, bool, String),
}

fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![Just("\n"), Just("a"), Just("bc\n"), Just("  d\n")];
    proptest::collection::vec(part, 1..6).prop_map(|parts| parts.concat())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => text().prop_map(Step::Write),
        1 => Just(Step::Rotate),
        2 => Just(Step::Read),
        2 => (text(), any::<bool>(), text()).prop_map(|(a, rotate, b)| Step::Restart(a, rotate, b)),
    ];
    proptest::collection::vec(step, 1..30)
}

/// A log with its rotated files, and who reads it.
struct Play {
    dir: TempDir,
    log: PathBuf,
    /// A second file, whose line shows that the reader has started to watch.
    sign: PathBuf,
    /// The content of each file, oldest first.
    files: Vec<String>,
    reader: Reader,
    saved: Vec<Position>,
    got: String,
}

impl Play {
    fn new() -> Self {
        let dir = tempdir().unwrap();
        let (log, sign) = (dir.path().join("app.log"), dir.path().join("sign"));
        let reader = Reader::new([&log, &sign]);
        let mut play = Self {
            dir,
            log,
            sign,
            files: Vec::new(),
            reader,
            saved: Vec::new(),
            got: String::new(),
        };
        play.begin(0);
        play
    }

    /// Reads until the sign that was just given comes, and `more` bytes of the log.
    fn begin(&mut self, more: usize) {
        append(&self.sign, "!\n");
        self.reader.until(|r| r.byte_count() >= 2 + more);
        self.take();
    }

    fn write(&mut self, text: &str) {
        if !self.log.exists() {
            // Each file begins with its own number, so that its head is its own.
            self.files.push(format!("file {}\n", self.files.len()));
            append(&self.log, self.files.last().unwrap());
        }
        append(&self.log, text);
        self.files.last_mut().unwrap().push_str(text);
    }

    fn rotate(&self) {
        if self.log.exists() {
            fs::rename(&self.log, self.dir.path().join(format!("app.log.{}", self.files.len())))
                .unwrap();
        }
    }

    /// The whole lines of all files.
    fn whole(&self) -> String {
        self.files.iter().map(|text| &text[..text.rfind('\n').map_or(0, |at| at + 1)]).collect()
    }

    fn missing(&self) -> usize {
        self.whole().len() - self.got.len()
    }

    fn read(&mut self) {
        let missing = self.missing();
        self.reader.until(|r| r.byte_count() >= missing);
        self.take();
    }

    fn take(&mut self) {
        self.saved = self.reader.positions_after(std::mem::take(&mut self.saved));
        for block in self.reader.blocks.drain(..) {
            self.got.push_str(&String::from_utf8_lossy(block.bytes()).replace("!\n", ""));
        }
    }

    fn restart(&mut self, before: &str, rotate: bool, after: &str) {
        self.read();
        // A file that is made and renamed while nobody looks has no name that leads to it.
        let known = self.log.exists();
        self.write(before);
        if rotate && known {
            self.rotate();
        }
        self.write(after);
        self.reader = Reader::resumed([&self.log, &self.sign], self.saved.clone());
        self.begin(self.missing());
    }
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_whole_line_comes_once_whatever_rotations_and_restarts_there_are(steps in steps()) {
        let mut play = Play::new();
        for step in steps {
            match step {
                Step::Write(text) => play.write(&text),
                Step::Rotate => play.rotate(),
                Step::Read => play.read(),
                Step::Restart(before, rotate, after) => play.restart(&before, rotate, &after),
            }
        }
        play.read();
        let whole = play.whole();
        prop_assert_eq!(sorted(&play.got), sorted(&whole));
    }
}

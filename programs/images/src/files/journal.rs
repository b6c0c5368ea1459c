//! The journal: what was made of which content, with which settings. Only ever appended to.
//!
//! A line is written after the result is on the disk and before it is in its place. Whether it got
//! there is seen from the place itself: what is done is what has a line, and whose place holds the
//! content that the line names. So a kill at any moment makes at most the images that were being
//! written be made again, and never one be compressed twice in place.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use twox_hash::XxHash3_128;

/// Changes when results of the same settings would differ.
const VERSION: &str = "1";

/// The hash of a file's content.
pub(crate) type Hash = u128;

pub(crate) fn hash(bytes: &[u8]) -> Hash {
    XxHash3_128::oneshot(bytes)
}

/// The lines of these settings, and the file to add to.
#[derive(Debug)]
pub(crate) struct Journal {
    /// None if nothing is added.
    file: Option<Mutex<File>>,
    settings: Hash,
    made: HashMap<Hash, Hash>,
    results: HashSet<Hash>,
    /// Results of any settings.
    all_results: HashSet<Hash>,
    /// A line must be on the disk before its image is replaced: the original cannot be had again.
    strict: bool,
}

impl Journal {
    pub(crate) const NAME: &str = ".millstream-images.journal";

    /// Opens or makes the journal in this directory; lines that broke off, or are of other
    /// settings, do not count.
    pub(crate) fn open(directory: &Path, settings: &str, strict: bool) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(Self::path(directory))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        if text.last().is_some_and(|last| *last != b'\n') {
            // A line that a kill cut short ends here.
            file.write_all(b"\n")?;
        }
        file.seek(SeekFrom::End(0))?;
        let journal = Self::of(&text, settings);
        Ok(Self { file: Some(Mutex::new(file)), strict, ..journal })
    }

    /// What the journal in this directory says, if there is one; nothing can be added to it.
    pub(crate) fn look(directory: &Path, settings: &str) -> io::Result<Self> {
        match fs::read(Self::path(directory)) {
            Ok(text) => Ok(Self::of(&text, settings)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::of(b"", settings)),
            Err(error) => Err(error),
        }
    }

    /// The journal's file in this directory.
    pub(crate) fn path(directory: &Path) -> PathBuf {
        directory.join(Self::NAME)
    }

    fn of(text: &[u8], settings: &str) -> Self {
        let settings = hash(settings.as_bytes());
        let lines = text
            .split(|byte| *byte == b'\n')
            .filter_map(|line| read(std::str::from_utf8(line).ok()?));
        let (mut made, mut all_results) = (HashMap::new(), HashSet::new());
        for [of, source, result] in lines {
            all_results.insert(result);
            if of == settings {
                made.insert(source, result);
            }
        }
        let results = made.values().copied().collect();
        Self { file: None, settings, made, results, all_results, strict: false }
    }

    /// What was made of an image with this content.
    pub(crate) fn made_of(&self, source: Hash) -> Option<Hash> {
        self.made.get(&source).copied()
    }

    /// Whether this content was made by an earlier run, or looked at and kept.
    pub(crate) fn is_result(&self, content: Hash) -> bool {
        self.results.contains(&content)
    }

    /// The same whatever the settings were.
    pub(crate) fn is_any_result(&self, content: Hash) -> bool {
        self.all_results.contains(&content)
    }

    /// Appends a line, in one write.
    pub(crate) fn add(&self, source: Hash, result: Hash) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let line = written([self.settings, source, result]);
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes())?;
        if self.strict { file.sync_data() } else { Ok(()) }
    }
}

fn written(numbers: [Hash; 3]) -> String {
    let mut line = VERSION.to_owned();
    for number in numbers {
        let _ = write!(line, " {number:032x}");
    }
    let check = hash(line.as_bytes()) as u32;
    let _ = writeln!(line, " {check:08x}");
    line
}

fn read(line: &str) -> Option<[Hash; 3]> {
    let (content, check) = line.rsplit_once(' ')?;
    if u32::from_str_radix(check, 16).ok()? != hash(content.as_bytes()) as u32 {
        return None;
    }
    let mut words = content.strip_prefix(VERSION)?.split_ascii_whitespace();
    let mut number = || Hash::from_str_radix(words.next()?, 16).ok();
    Some([number()?, number()?, number()?])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_added_is_found_by_the_same_settings_only() {
        let directory = tempfile::tempdir().unwrap();
        let journal = Journal::open(directory.path(), "q75", false).unwrap();
        journal.add(1, 2).unwrap();
        assert_eq!(Journal::open(directory.path(), "q75", false).unwrap().made_of(1), Some(2));
        assert!(Journal::open(directory.path(), "q75", true).unwrap().is_result(2));
        assert_eq!(Journal::open(directory.path(), "q80", false).unwrap().made_of(1), None);
    }

    proptest! {
        #[test]
        fn a_journal_cut_anywhere_keeps_its_whole_lines_and_takes_new_ones(count in 1_u128..8, cut in 0_usize..2_000) {
            let directory = tempfile::tempdir().unwrap();
            let journal = Journal::open(directory.path(), "s", false).unwrap();
            for number in 0..count {
                journal.add(number, number + 100).unwrap();
            }
            let path = directory.path().join(Journal::NAME);
            let bytes = fs::read(&path).unwrap();
            let cut = cut % (bytes.len() + 1);
            fs::write(&path, &bytes[..cut]).unwrap();
            // The end of a line may be missing; what it says is there.
            let line = bytes.len() / usize::try_from(count).unwrap();
            let whole = u128::try_from((cut + 1) / line).unwrap();
            let reopened = Journal::open(directory.path(), "s", false).unwrap();
            reopened.add(500, 600).unwrap();
            let again = Journal::open(directory.path(), "s", false).unwrap();
            prop_assert_eq!(again.made_of(500), Some(600));
            for number in 0..count {
                prop_assert_eq!(again.made_of(number), (number < whole).then_some(number + 100));
            }
        }
    }
}

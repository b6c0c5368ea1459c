//! Names of files as small numbers, so that a record carries four bytes instead of a path.

use std::collections::HashMap;
use std::fmt;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A file's number in [`Files`]; equal paths have equal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

impl FileId {
    /// The number itself: 0 for the first path seen, then 1, 2, ...
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The table behind [`FileId`], shared by everything that reads and everything that prints.
///
/// It holds each distinct path once and never forgets one, so it grows with the number of distinct paths, not with
/// the number of rotations.
#[derive(Clone, Default)]
pub struct Files {
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    paths: Vec<Arc<Path>>,
    ids: HashMap<Arc<Path>, FileId>,
}

impl Files {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of `path`; the same path always gets the same one.
    pub fn id(&self, path: &Path) -> FileId {
        let mut table = self.lock();
        if let Some(id) = table.ids.get(path) {
            return *id;
        }
        let (id, path) = (FileId(table.paths.len() as u32), Arc::<Path>::from(path));
        table.paths.push(Arc::clone(&path));
        table.ids.insert(path, id);
        id
    }

    /// The path that `id` stands for; an empty path for a number of another table.
    pub fn path(&self, id: FileId) -> Arc<Path> {
        self.lock().paths.get(id.index()).cloned().unwrap_or_else(|| PathBuf::new().into())
    }

    /// The path as text, as [`shown`] gives it; `-` for standard input.
    pub fn name(&self, id: FileId) -> String {
        shown(&self.path(id))
    }

    /// How many paths there are.
    pub fn len(&self) -> usize {
        self.lock().paths.len()
    }

    /// Whether no path has been seen yet.
    pub fn is_empty(&self) -> bool {
        self.lock().paths.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lock().paths.iter()).finish()
    }
}

/// A path as text from which it can be told: bytes that are not UTF-8 and control characters are
/// written as `\xHH`, and where that happens, or where a name has `\x` in it, every backslash is
/// doubled. Other paths are shown as they are.
///
/// # Examples
/// ```
/// use std::path::Path;
/// use millstream_connect::files::shown;
/// assert_eq!(shown(Path::new("logs/\u{fc}ber\\all.log")), "logs/\u{fc}ber\\all.log");
/// assert_eq!(shown(Path::new("a\\b\u{1b}[2J")), r"a\\b\x1b[2J");
/// ```
pub fn shown(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    if let Some(name) = path.to_str()
        && !name.contains(char::is_control)
        && !name.contains(r"\x")
    {
        return name.to_owned();
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => out.push_str(r"\\"),
                control if control.is_control() => {
                    escape(&mut out, control.encode_utf8(&mut [0; 4]).as_bytes());
                }
                other => out.push(other),
            }
        }
        escape(&mut out, chunk.invalid());
    }
    out
}

fn escape(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(out, r"\x{byte:02x}").expect("a String takes everything");
    }
}

/// The path that [`shown`] gave this text for.
#[cfg(target_os = "linux")]
pub(crate) fn from_shown(text: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    if !text.contains(r"\x") {
        return PathBuf::from(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = |at: usize| behind.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        (bytes, rest) = match (first, behind.first(), hex(1), hex(2)) {
            (b'\\', Some(b'x'), Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                (bytes, &behind[3..])
            }
            (b'\\', Some(b'\\'), ..) => {
                bytes.push(b'\\');
                (bytes, &behind[1..])
            }
            (byte, ..) => {
                bytes.push(*byte);
                (bytes, behind)
            }
        };
    }
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_path_can_be_told_from_how_it_is_shown(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\\'), Just(b'x'), Just(b'0')], 0..12),
        ) {
            let path = Path::new(OsStr::from_bytes(&bytes));
            let text = shown(path);
            prop_assert!(!text.contains(char::is_control));
            prop_assert_eq!(from_shown(&text), path);
        }
    }
}

//! Names of files as small numbers, so that a record carries four bytes instead of a path.

use std::collections::HashMap;
use std::fmt;
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
/// It holds each distinct path once and never forgets one, so it grows with the number of distinct
/// paths, not with the number of rotations.
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

    /// The path as [text without a loss](crate::paths::escaped); `-` for standard input.
    pub fn name(&self, id: FileId) -> String {
        crate::paths::escaped(&*self.path(id)).into_owned()
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

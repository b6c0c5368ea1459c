//! The images that are measured, and what is known of a contender afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bench::table::Row;
use crate::shell::{Result, context};

/// Where the images are, and how many.
pub(super) struct Input {
    pub(super) directory: PathBuf,
    pub(super) count: usize,
    pub(super) bytes: u64,
}

/// A contender with what was measured.
pub(super) struct Line {
    pub(super) task: &'static str,
    pub(super) row: Row,
    pub(super) bytes: u64,
    /// SSIMULACRA2; none when it could not be measured.
    pub(super) score: Option<f64>,
}

/// The files in a directory, by name.
pub(super) fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = context(fs::read_dir(directory), directory.display())?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

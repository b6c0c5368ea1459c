//! How a run ended, for the caller that started it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use connect::paths::escaped;
use millstream::{Cause, Report};
use serde::{Serialize, Serializer};

use crate::failure::FailureKind;
use crate::made::Note;

/// A run that was started.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The account of every file.
    pub report: Report,
    /// What the table at the end shows.
    pub summary: Summary,
    /// File by file, in the order in which they were found.
    pub files: Vec<FileRecord>,
    /// Why the run ended before its input did, if it did.
    pub ended: Option<Cause>,
    /// What was wrong beside the images, such as a journal that could not be written.
    pub problems: Vec<String>,
}

/// Images and bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// Images that were compressed.
    pub compressed: u64,
    /// Images whose original is better than what would have been made of it.
    pub kept: u64,
    /// Images that an earlier run had done, or whose place was taken.
    pub skipped: u64,
    /// Files in directories that are no images and do not claim to be.
    pub ignored: u64,
    /// Images that were refused.
    pub failed: u64,
    /// Images that were given up because the run was stopped.
    pub cancelled: u64,
    /// Bytes of the images that were compressed or kept.
    pub bytes_before: u64,
    /// Bytes of what there is in their place now, or would be after a run that is not dry.
    pub bytes_after: u64,
    /// Failures by kind.
    pub failures: BTreeMap<FailureKind, u64>,
    /// What should be known of results, and of how many.
    pub notes: BTreeMap<Note, u64>,
}

/// What became of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// There is a smaller one now.
    Compressed,
    /// The original is what there is.
    Kept,
    /// Nothing was done.
    Skipped,
    /// It is no image, and nobody said so.
    Ignored,
    /// It was refused, and nothing was written for it.
    Failed,
    /// The run was stopped before it began.
    Cancelled,
}

/// One file in the report. Serialized, its names are text: `\xHH` stands for a byte that is not
/// UTF-8, and for a backslash before an `x`, so that [`unescaped`](connect::paths::unescaped) gives
/// the name again.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FileRecord {
    /// The file.
    #[serde(serialize_with = "name")]
    pub path: PathBuf,
    /// What became of it.
    pub status: Status,
    /// What was written for it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_name")]
    pub target: Option<PathBuf>,
    /// Its format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'static str>,
    /// The result's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<&'static str>,
    /// Its bytes.
    pub bytes_before: u64,
    /// The result's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_after: Option<u64>,
    /// Its pixels across and down, as stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_before: Option<(u32, u32)>,
    /// The result's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_after: Option<(u32, u32)>,
    /// The result's quality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<FailureKind>,
    /// Why it was kept, skipped or refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What should be known of the result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// How long it took.
    pub seconds: f64,
}

fn name<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&escaped(path))
}

fn optional_name<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_deref().map(escaped).serialize(serializer)
}

//! Everything that a run of the program can be asked for, as plain data: the command line fills it,
//! tests do, others may.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::kind::Kind;

/// Which images to take, what to make of them, where to put them.
#[derive(Clone, Debug)]
pub struct Config {
    /// Files, directories with everything below them, or `-` for names on standard input.
    pub inputs: Vec<PathBuf>,
    /// Where results go.
    pub place: Place,
    /// What is made of each image.
    pub settings: Settings,
    /// Threads that compress.
    pub workers: RangeInclusive<usize>,
    /// Bytes that all workers together may hold for images.
    pub memory: u64,
    /// What becomes of a file that is already where a result would go.
    pub overwrite: Overwrite,
    /// Compress and count, but write nothing.
    pub dry_run: bool,
    /// How long an image that is being compressed may take after the run was cancelled; without
    /// one, as long as it takes.
    ///
    /// A codec cannot be interrupted. An image that takes longer is given up: nothing is written
    /// for it, and its thread goes on until the process ends.
    pub grace: Option<Duration>,
    /// Keep a journal beside the results, and skip what it says is done.
    pub resume: bool,
}

impl Config {
    /// Beside the results; in place, in the first directory that is named.
    pub(crate) fn journal_directory(&self) -> PathBuf {
        match &self.place {
            Place::Directory(out) => out.clone(),
            Place::InPlace => {
                let first = self.inputs.first().map_or(Path::new("."), PathBuf::as_path);
                match first.parent() {
                    _ if first.is_dir() => first.to_owned(),
                    Some(parent) if parent != Path::new("") && first.exists() => parent.to_owned(),
                    _ => PathBuf::from("."),
                }
            }
        }
    }
}

/// Where results go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Below this directory, which is made; the tree of each input is kept.
    Directory(PathBuf),
    /// Each result replaces its image.
    InPlace,
}

/// What becomes of a file that is already where a result would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and its image is skipped.
    Never,
    /// It is replaced if it is larger than the result.
    Larger,
    /// It is replaced.
    All,
}

/// What is made of an image. Two runs with the same settings make the same of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// From 1 to 100, as JPEG, WebP and AVIF understand it.
    pub quality: u8,
    /// Fast, or small.
    pub preset: Preset,
    /// The format of results; none keeps each image's own.
    pub format: Option<Kind>,
    /// The most bytes of a result; the quality goes down until it fits.
    pub max_size: Option<u64>,
    /// A box into which larger images are fitted, as they are looked at.
    pub resize: Option<Fit>,
    /// Change no pixel.
    pub lossless: bool,
    /// What is kept beside the pixels.
    pub keep: Keep,
    /// Take what can be read of damaged images, instead of refusing them.
    pub salvage: bool,
    /// Images with more pixels are refused before anything is decoded.
    pub max_pixels: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quality: 75,
            preset: Preset::Fast,
            format: None,
            max_size: None,
            resize: None,
            lossless: false,
            keep: Keep::ALL,
            salvage: false,
            max_pixels: 1 << 28,
        }
    }
}

/// Time against bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// As fast as the format can be written.
    Fast,
    /// The smallest file for the same quality, at several times the work.
    Small,
}

/// A box that an image must fit into; its proportions stay, and small images stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// The most pixels across.
    pub width: u32,
    /// The most pixels down.
    pub height: u32,
}

/// What is kept beside the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// EXIF, XMP, IPTC and comments.
    pub exif: bool,
    /// The colour profile.
    pub icc: bool,
    /// The times of the file.
    pub dates: bool,
}

impl Keep {
    /// Everything: the default.
    pub const ALL: Self = Self { exif: true, icc: true, dates: true };
    /// Nothing but the pixels, the right way up.
    pub const NOTHING: Self = Self { exif: false, icc: false, dates: false };
}

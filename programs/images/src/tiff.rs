//! The directories of a TIFF file: which one is the image, and which files are raw photographs.
//! Decodes nothing.
//!
//! A decoder takes the first directory, which may be a thumbnail: TIFF marks it as a reduced
//! version of another one.

use std::collections::HashSet;
use std::io::{self, ErrorKind, Read, Seek};

use crate::config::Keep;
use crate::failure::Failure;

mod entries;
mod read;
pub(crate) mod strips;

use entries::{Entries, Format, entries};
use read::invalid;

/// More directories than any file has; pyramids of scans have a dozen, faxes some hundred pages.
const MOST_DIRECTORIES: usize = 10_000;
/// Entries of all of them; overlapping ones would ask for more memory than their file has bytes.
const MOST_ENTRIES: usize = 1 << 18;
/// Directories below one.
const MOST_BELOW: u64 = 64;

const SUBFILE: u16 = 254;
const OLD_SUBFILE: u16 = 255;
const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const COMPRESSION: u16 = 259;
const COLOURS: u16 = 262;
const SUB_DIRECTORIES: u16 = 330;
const EXTRA_SAMPLES: u16 = 338;
const PROFILE: u16 = 34_675;
const DNG_VERSION: u16 = 50_706;

/// What pixels are made of: samples, strips and tiles, their tables, resolution, how to turn the
/// image.
const PIXELS: [std::ops::RangeInclusive<u16>; 12] = [
    254..=266,
    273..=274,
    277..=284,
    290..=293,
    296..=297,
    301..=301,
    317..=325,
    330..=332,
    334..=336,
    338..=347,
    512..=532,
    // How a mask or a transparency is meant.
    32_995..=32_998,
];

/// Inks, in the colours tag.
const CMYK: u64 = 5;
/// Values of the colours tag that only sensors have: mosaics, and their linear form.
const SENSOR: [u64; 2] = [32_803, 34_892];
/// Compressions that only cameras write: Sony's, Nikon's, Pentax's.
const CAMERA: [u64; 3] = [32_767, 34_713, 65_535];

/// One image of the file.
#[derive(Clone, Debug)]
struct Directory {
    at: u64,
    entries: Entries,
    width: u64,
    height: u64,
    is_reduced: bool,
    is_sensor: bool,
    is_cmyk: bool,
    /// Colours are stored as they look on black.
    is_premultiplied: bool,
    /// In the chain of pages, rather than below another directory.
    is_page: bool,
}

/// All images of the file.
#[derive(Debug)]
pub(crate) struct Tiff {
    format: Format,
    directories: Vec<Directory>,
    /// Which of them is the image.
    main: usize,
}

impl Tiff {
    /// Reads all directories and refuses what is not an image but the raw data of one.
    pub(crate) fn read(reader: &mut (impl Read + Seek)) -> Result<Self, Failure> {
        let failed = |error: io::Error| match error.kind() {
            ErrorKind::UnexpectedEof => {
                Failure::damaged("it is truncated: its TIFF directories break off")
            }
            ErrorKind::InvalidData => Failure::damaged(error.to_string()),
            _ => Failure::new(crate::failure::FailureKind::Unreadable, error.to_string()),
        };
        let format = Format::read(reader).map_err(failed)?;
        let directories = directories(reader, format).map_err(failed)?;
        if format.is_canon || directories.iter().any(|directory| directory.is_sensor) {
            return Err(Failure::unsupported(
                "a raw photograph; its preview is not the photograph, so develop it with a raw converter first",
            ));
        }
        let whole = |directory: &&Directory| !directory.is_reduced;
        let main = match directories.iter().position(|directory| !directory.is_reduced) {
            // What the first page is a reduced version of, if it is one.
            Some(0) => 0,
            Some(_) => {
                let largest = directories.iter().filter(whole).map(|it| it.width * it.height).max();
                let is_largest =
                    |it: &Directory| !it.is_reduced && Some(it.width * it.height) == largest;
                directories.iter().position(is_largest).unwrap_or(0)
            }
            None => {
                return Err(Failure::unsupported(
                    "a TIFF with nothing but reduced versions of an image that is not there",
                ));
            }
        };
        Ok(Self { format, directories, main })
    }

    /// Pixels across and down, as stored.
    pub(crate) fn size(&self) -> Result<(u32, u32), Failure> {
        let Directory { width, height, .. } = self.directories[self.main];
        match (u32::try_from(width), u32::try_from(height)) {
            (Ok(width), Ok(height)) => Ok((width, height)),
            _ => Err(Failure::damaged(format!("a TIFF of {width} x {height} pixels"))),
        }
    }

    pub(crate) fn is_cmyk(&self) -> bool {
        self.directories[self.main].is_cmyk
    }

    /// Whether colours are stored as they look on black.
    pub(crate) fn is_premultiplied(&self) -> bool {
        self.directories[self.main].is_premultiplied
    }

    pub(crate) fn has_more_pages(&self) -> bool {
        let pages =
            self.directories.iter().filter(|directory| directory.is_page && !directory.is_reduced);
        pages.count() > 1
    }

    /// The same file with the image as its first directory, if it is not; decoders take that.
    pub(crate) fn with_main_first<'a>(&self, file: &'a [u8]) -> std::borrow::Cow<'a, [u8]> {
        if self.main == 0 {
            return file.into();
        }
        let mut file = file.to_vec();
        self.format.set_first(&mut file, self.directories[self.main].at);
        file.into()
    }

    /// Refuses a file with something beside the pixels that is not kept: to take it out, the file
    /// would have to be rewritten, and no TIFF is written here.
    pub(crate) fn check_bare(&self, keep: Keep) -> Result<(), Failure> {
        let mut tags = self.directories.iter().flat_map(|directory| directory.entries.tags());
        let stays = |tag: u16| match tag {
            PROFILE => keep.icc,
            tag => keep.exif || PIXELS.iter().any(|range| range.contains(&tag)),
        };
        let beside = tags.find(|tag| !stays(*tag));
        let thumbnail = !keep.exif && self.directories.iter().any(|directory| directory.is_reduced);
        let what = match beside {
            Some(PROFILE) => "a colour profile".to_owned(),
            Some(tag) => format!("metadata (tag {tag})"),
            None if thumbnail => "a reduced version".to_owned(),
            None => return Ok(()),
        };
        Err(Failure::unsupported(format!(
            "it holds {what}, which cannot be removed from a TIFF here; --format png writes its pixels alone"
        )))
    }
}

/// The chain of pages, and what is below each of them.
fn directories(reader: &mut (impl Read + Seek), format: Format) -> io::Result<Vec<Directory>> {
    let mut found: Vec<Directory> = Vec::new();
    let mut seen = HashSet::new();
    let mut waiting = vec![(format.first, true)];
    let mut in_all = 0;
    while let Some((at, is_page)) = waiting.pop() {
        // Zero ends a chain; a circle ends it too.
        if at == 0 || !seen.insert(at) {
            continue;
        }
        if found.len() == MOST_DIRECTORIES {
            return Err(invalid(format!("it has more than {MOST_DIRECTORIES} directories")));
        }
        let (entries, next) = match entries(reader, format, at) {
            // Broken links behind a whole first directory are no reason to refuse it.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof && !found.is_empty() => continue,
            read => read?,
        };
        in_all += entries.len();
        if in_all > MOST_ENTRIES {
            return Err(invalid(format!("its directories have more than {MOST_ENTRIES} entries")));
        }
        let directory = directory(reader, format, entries, at, is_page)?;
        if is_page {
            waiting.push((next, true));
        }
        let below = directory.entries.numbers(reader, format, SUB_DIRECTORIES, MOST_BELOW);
        waiting.extend(below.unwrap_or_default().into_iter().map(|at| (at, false)));
        found.push(directory);
    }
    if found.is_empty() { Err(invalid("a TIFF without a directory".to_owned())) } else { Ok(found) }
}

fn directory(
    reader: &mut (impl Read + Seek),
    format: Format,
    entries: Entries,
    at: u64,
    is_page: bool,
) -> io::Result<Directory> {
    let mut number = |tag: u16| {
        let numbers = entries.numbers(reader, format, tag, 1);
        numbers.ok().and_then(|numbers| numbers.first().copied())
    };
    let is_reduced = number(SUBFILE).map_or(number(OLD_SUBFILE) == Some(2), |bits| bits & 1 == 1);
    let is_cmyk = number(COLOURS) == Some(CMYK);
    let is_premultiplied = number(EXTRA_SAMPLES) == Some(1);
    let is_sensor = number(COLOURS).is_some_and(|colours| SENSOR.contains(&colours))
        || number(COMPRESSION).is_some_and(|compression| CAMERA.contains(&compression))
        || entries.tags().any(|tag| tag == DNG_VERSION);
    let (width, height) = (number(WIDTH).unwrap_or(0), number(HEIGHT).unwrap_or(0));
    Ok(Directory {
        at,
        entries,
        width,
        height,
        is_reduced,
        is_sensor,
        is_cmyk,
        is_premultiplied,
        is_page,
    })
}

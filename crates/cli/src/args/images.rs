//! The flags of `millstream images`, and what they mean as a [`Config`].

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use images::{Config, Fit, Keep, Kind, Overwrite, Place, Preset, Settings};

use super::common::{Common, bytes_in, number};
use super::threads::Threads;

/// Of a box; no format has longer ones.
const LONGEST_SIDE: u32 = 1_000_000;

/// The long help: what one wants to know before the flags.
const ABOUT: &str = "\
Compress and resize a tree of images; never writes a damaged or a larger file

JPEG, PNG, WebP and AVIF are compressed; GIF, TIFF and BMP are read, and written in another format with --format. What a
file is, its content says and not its name. A result that is not smaller is left out and the original taken instead;
damaged images are rejected and listed in the report. Orientation, colour profile, EXIF and dates are kept by default.";

const EXAMPLES: &str = "\
Examples:
  millstream images photos --out small
  millstream images photos --out web --resize 1600x1600 --format webp
  millstream images photos --in-place --preset small --resume
  millstream images photo.jpg --out . --max-size 200KB --dry-run
  find . -newer stamp -name '*.jpg' -print0 | millstream images - --out small";

#[derive(Debug, Args)]
#[command(long_about = ABOUT, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::HELP), after_help = crate::exit::HELP)]
pub(crate) struct Flags {
    /// Images, and directories with everything below them; `-` reads names from standard input, one
    /// a line
    #[arg(value_name = "IN", required = true)]
    pub(crate) inputs: Vec<PathBuf>,

    /// The directory for results, which is made. A directory keeps its tree in it, names from
    /// standard input keep their path, and several IN keep their paths below the directory that
    /// they share
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "in_place",
        conflicts_with = "in_place"
    )]
    out: Option<PathBuf>,

    /// Replace each image by its result
    #[arg(long)]
    in_place: bool,

    /// From 1 to 100
    #[arg(long, short = 'Q', value_name = "N", default_value = "75", value_parser = quality)]
    quality: u8,

    /// Fast, or smaller files for several times the work
    #[arg(long, value_enum, default_value = "fast")]
    preset: PresetName,

    /// The format of results
    #[arg(long, value_enum, default_value = "keep")]
    format: FormatName,

    /// Lower the quality until the result has at most this size: 200KB
    #[arg(long, value_name = "SIZE", value_parser = max_size)]
    max_size: Option<usize>,

    /// Fit images into this box, as they are looked at; none is made larger
    #[arg(long, value_name = "WxH", value_parser = fit)]
    resize: Option<Fit>,

    /// Change no pixel: only coding and what stands beside the pixels
    #[arg(long)]
    lossless: bool,

    /// What stays beside the pixels: a list of exif, icc and dates
    #[arg(long, value_name = "LIST", value_parser = keep, default_value = "exif,icc,dates")]
    keep: Keep,

    /// Keep nothing beside the pixels; they are turned the right way up
    #[arg(long, conflicts_with = "keep")]
    strip: bool,

    /// What becomes of files that stand where results go; no file that is read is ever replaced but
    /// by --in-place
    #[arg(long, value_enum, default_value = "never", conflicts_with = "in_place")]
    overwrite: OverwriteName,

    /// Take what can be read of damaged images, instead of refusing them
    #[arg(long)]
    salvage: bool,

    /// Compress and count, but write nothing
    #[arg(long)]
    dry_run: bool,

    /// Keep a journal beside the results (give it from the first run on), and skip what it says is
    /// done
    #[arg(long)]
    resume: bool,

    /// Memory for the images that are worked on at the same time
    #[arg(long, value_name = "SIZE", value_parser = memory, default_value = "2GB")]
    memory: usize,

    /// Refuse images with more pixels before they are decoded
    #[arg(long, value_name = "N", default_value = "268435456", value_parser = pixels)]
    max_pixels: u64,

    #[command(flatten)]
    pub(crate) common: Common,

    #[command(flatten)]
    threads: Threads,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PresetName {
    Fast,
    Small,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatName {
    Keep,
    Jpeg,
    Png,
    Webp,
    Avif,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OverwriteName {
    Never,
    Larger,
    All,
}

impl Flags {
    /// The configuration they stand for.
    pub(crate) fn config(&self) -> Config {
        let format = match self.format {
            FormatName::Keep => None,
            FormatName::Jpeg => Some(Kind::Jpeg),
            FormatName::Png => Some(Kind::Png),
            FormatName::Webp => Some(Kind::Webp),
            FormatName::Avif => Some(Kind::Avif),
        };
        let settings = Settings {
            quality: self.quality,
            preset: match self.preset {
                PresetName::Fast => Preset::Fast,
                PresetName::Small => Preset::Small,
            },
            format,
            max_size: self.max_size.map(|size| size as u64),
            resize: self.resize,
            lossless: self.lossless,
            keep: if self.strip { Keep::NOTHING } else { self.keep },
            salvage: self.salvage,
            max_pixels: self.max_pixels,
        };
        Config {
            inputs: self.inputs.clone(),
            place: self.out.clone().map_or(Place::InPlace, Place::Directory),
            settings,
            workers: self.threads.workers(),
            memory: self.memory as u64,
            overwrite: match self.overwrite {
                OverwriteName::Never => Overwrite::Never,
                OverwriteName::Larger => Overwrite::Larger,
                OverwriteName::All => Overwrite::All,
            },
            dry_run: self.dry_run,
            resume: self.resume,
            grace: Some(self.common.grace),
        }
    }
}

fn quality(text: &str) -> Result<u8, String> {
    number(text, 1..=100, "a quality")
}

fn max_size(text: &str) -> Result<usize, String> {
    bytes_in(text, 1..=1_000_000_000_000, "1000GB")
}

fn memory(text: &str) -> Result<usize, String> {
    bytes_in(text, 1_000_000..=1_000_000_000_000_000, "1000000GB")
}

fn pixels(text: &str) -> Result<u64, String> {
    number(text, 1..=1_000_000_000_000, "a number of pixels")
}

/// `1600x1200`, or `1600` for both.
fn fit(text: &str) -> Result<Fit, String> {
    let expected = || {
        format!(
            "\"{text}\" is not a size in pixels: expected one such as 1600x1600, of at most {LONGEST_SIDE} a side"
        )
    };
    let number = |text: &str| {
        text.trim()
            .parse::<u32>()
            .ok()
            .filter(|n| (1..=LONGEST_SIDE).contains(n))
            .ok_or_else(expected)
    };
    let (width, height) = text.split_once(['x', 'X', '×']).unwrap_or((text, text));
    Ok(Fit { width: number(width)?, height: number(height)? })
}

/// `exif,icc`.
fn keep(text: &str) -> Result<Keep, String> {
    let mut keep = Keep::NOTHING;
    for word in text.split(',') {
        match word.trim() {
            "exif" => keep.exif = true,
            "icc" => keep.icc = true,
            "dates" => keep.dates = true,
            other => {
                return Err(format!(
                    "\"{other}\" is none of exif, icc and dates; --strip keeps nothing"
                ));
            }
        }
    }
    Ok(keep)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_has_two_sides_and_what_is_kept_is_a_list() {
        assert_eq!(fit("1600x900"), Ok(Fit { width: 1600, height: 900 }));
        assert_eq!(fit("800"), Ok(Fit { width: 800, height: 800 }));
        assert!(
            ["", "0x5", "5x", "axb", "-1x5", "1000001x1"].iter().all(|wrong| fit(wrong).is_err())
        );
        assert_eq!(keep("icc, dates"), Ok(Keep { exif: false, icc: true, dates: true }));
        assert!(keep("all").is_err());
    }
}

//! PNG: always without loss. oxipng finds the filters and the coding; what is in the other chunks stays or goes.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ImageEncoder};
use oxipng::{Options, PngError, StripChunks};

use crate::config::{Preset, Settings};
use crate::failure::{Failure, FailureKind};
use crate::made::{Made, Note};
use crate::probe::Probe;
use crate::search;

/// What describes pixels, and must stay whatever is stripped.
const COLOURS: [[u8; 4]; 6] = [*b"cICP", *b"cHRM", *b"gAMA", *b"sRGB", *b"iCCP", *b"sBIT"];
const TEXTS: [[u8; 4]; 5] = [*b"eXIf", *b"tEXt", *b"zTXt", *b"iTXt", *b"tIME"];
/// More rows than these bytes are never needed beside the pixels.
const SLACK: u64 = 1 << 20;

/// Makes a smaller PNG of a PNG.
pub(crate) fn recode(
    source: &[u8],
    probe: &Probe,
    settings: &Settings,
    out: &mut Vec<u8>,
) -> Result<Made, Failure> {
    let mut made = Made::new(probe.width, probe.height);
    if !ends_whole(source) && !settings.salvage {
        return Err(Failure::damaged("it is truncated: the PNG has no end chunk"));
    }
    let mut options = options(settings);
    options.strip = strip(settings);
    options.fix_errors = settings.salvage;
    // Interlaced pictures have a filter byte for each row of each of seven passes.
    let most =
        probe.pixels().saturating_mul(8).saturating_add(u64::from(probe.height) * 14).saturating_add(SLACK);
    options.max_decompressed_size = Some(usize::try_from(most).unwrap_or(usize::MAX));
    let result = oxipng::optimize_from_memory(source, &options);
    match result {
        Ok(smaller) => {
            out.clear();
            out.extend_from_slice(&smaller);
        }
        Err(PngError::C2PAMetadataPreventsChanges | PngError::ChunkPreventsChanges(_)) => {
            made.keep("it holds a signature, or a chunk that no change would leave valid");
        }
        Err(error) => return Err(refused(&error)),
    }
    if settings.salvage {
        // oxipng does not tell whether there was anything to mend.
        let sound = Options { fix_errors: false, ..Options::from_preset(0) };
        if oxipng::optimize_from_memory(source, &sound).is_err() {
            made.note(Note::Salvaged);
        }
    }
    search::check(settings, out.len() as u64)?;
    Ok(made)
}

fn ends_whole(source: &[u8]) -> bool {
    let mut rest = source.get(8..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        if after.starts_with(b"IEND") {
            return after.len() >= 8;
        }
        let length = u32::from_be_bytes(*length) as usize;
        match after.get(length.saturating_add(8)..) {
            Some(next) => rest = next,
            None => return false,
        }
    }
    false
}

fn options(settings: &Settings) -> Options {
    Options::from_preset(if settings.preset == Preset::Small { 4 } else { 1 })
}

fn strip(settings: &Settings) -> StripChunks {
    let keep = settings.keep;
    if keep.exif && keep.icc {
        return StripChunks::None;
    }
    let colours = COLOURS.into_iter().filter(|name| keep.icc || name != b"iCCP");
    let texts = TEXTS.into_iter().filter(|_| keep.exif);
    // An animation is made of chunks of its own.
    let frames = [*b"acTL", *b"fcTL", *b"fdAT", *b"pHYs"];
    StripChunks::Keep(colours.chain(texts).chain(frames).collect())
}

fn refused(error: &PngError) -> Failure {
    match error {
        PngError::InflatedDataTooLong(most) => Failure::new(
            FailureKind::Damaged,
            format!("its data unpack to more than the {most} bytes that a picture of its size has"),
        ),
        other => Failure::damaged(other.to_string()),
    }
}

/// Writes pixels of any format as PNG.
pub(crate) fn write(
    pixels: &DynamicImage,
    exif: Option<&[u8]>,
    icc: Option<&[u8]>,
    settings: &Settings,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::unsupported(format!("it cannot be written as PNG: {error}"));
    // oxipng chooses filters and coding; here the pixels only pass through.
    let mut plain = Vec::new();
    let mut encoder =
        PngEncoder::new_with_quality(Cursor::new(&mut plain), CompressionType::Fast, FilterType::NoFilter);
    if let Some(icc) = icc {
        encoder.set_icc_profile(icc.to_vec()).map_err(|error| failed(&error))?;
    }
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif.to_vec()).map_err(|error| failed(&error))?;
    }
    encoder
        .write_image(pixels.as_bytes(), pixels.width(), pixels.height(), pixels.color().into())
        .map_err(|error| failed(&error))?;
    let smaller = oxipng::optimize_from_memory(&plain, &options(settings)).map_err(|error| failed(&error))?;
    out.clear();
    out.extend_from_slice(&smaller);
    search::check(settings, out.len() as u64)
}

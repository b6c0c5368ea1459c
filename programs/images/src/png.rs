//! PNG: always without loss. oxipng finds the filters and the coding; what stays of the other
//! chunks is decided in `chunks`.

use std::borrow::Cow;
use std::io::Cursor;

use flate2::{FlushDecompress, Status};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ImageEncoder};
use oxipng::{Options, PngError};

pub(crate) mod chunks;

use chunks::Png;

use crate::config::{Preset, Settings};
use crate::failure::{Failure, FailureKind};
use crate::made::{Made, Note};
use crate::probe::Probe;
use crate::search;

/// More rows than these bytes are never needed beside the pixels.
const SLACK: u64 = 1 << 20;

/// Makes a smaller PNG of a PNG.
pub(crate) fn recode(
    png: &Png<'_>,
    source: &[u8],
    probe: &Probe,
    settings: &Settings,
    out: &mut Vec<u8>,
) -> Result<Made, Failure> {
    let mut made = Made::new(probe.width, probe.height);
    let keep = settings.keep;
    if keep.exif && png.is_signed() {
        made.keep("it holds a signature, which no change would leave valid; --strip would drop it");
        return Ok(made);
    }
    let bare =
        if keep.exif && keep.icc { Cow::Borrowed(source) } else { Cow::Owned(png.bare(keep)) };
    let mut options = options(settings);
    options.fix_errors = settings.salvage;
    options.max_decompressed_size = Some(usize::try_from(unpacked(probe)).unwrap_or(usize::MAX));
    let smaller = oxipng::optimize_from_memory(&bare, &options).map_err(|error| refused(&error))?;
    out.clear();
    out.extend_from_slice(&smaller);
    if settings.salvage {
        // oxipng does not say whether there was anything to mend.
        let sound = Options { fix_errors: false, ..Options::from_preset(0) };
        if oxipng::optimize_from_memory(&bare, &sound).is_err() {
            made.note(Note::Salvaged);
        }
    }
    search::check(settings, out.len() as u64)?;
    Ok(made)
}

/// The most bytes that the rows of an image have.
fn unpacked(probe: &Probe) -> u64 {
    // Interlaced images have a filter byte for each row of each of seven passes.
    probe
        .pixels()
        .saturating_mul(8)
        .saturating_add(u64::from(probe.height) * 14)
        .saturating_add(SLACK)
}

/// Unpacks the rows for nothing but their checksum, which the decoder of pixels does not look at.
pub(crate) fn check_data(png: &Png<'_>, probe: &Probe) -> Result<(), Failure> {
    let mut unpack = flate2::Decompress::new(true);
    let mut rows = vec![0; 1 << 16];
    for mut piece in png.data() {
        // An empty piece ends nothing; a full buffer asks for another round.
        loop {
            let (taken, made) = (unpack.total_in(), unpack.total_out());
            let status = unpack.decompress(piece, &mut rows, FlushDecompress::None);
            let status = status
                .map_err(|error| Failure::damaged(format!("its data do not unpack: {error}")))?;
            if unpack.total_out() > unpacked(probe) {
                return Err(refused(&PngError::InflatedDataTooLong(
                    usize::try_from(unpacked(probe)).unwrap_or(usize::MAX),
                )));
            }
            let taken = usize::try_from(unpack.total_in() - taken).unwrap_or(usize::MAX);
            piece = piece.get(taken..).unwrap_or_default();
            match status {
                Status::StreamEnd => return Ok(()),
                _ if taken == 0 && unpack.total_out() == made => break,
                _ => {}
            }
        }
    }
    Err(Failure::damaged("it is truncated: its data end before their checksum"))
}

fn options(settings: &Settings) -> Options {
    Options::from_preset(if settings.preset == Preset::Small { 4 } else { 1 })
}

fn refused(error: &PngError) -> Failure {
    match error {
        PngError::InflatedDataTooLong(most) => Failure::new(
            FailureKind::Damaged,
            format!("its data unpack to more than the {most} bytes that an image of its size has"),
        ),
        other => Failure::damaged(other.to_string()),
    }
}

/// Writes pixels of any format as PNG, with the chunks `beside` that a PNG had before.
pub(crate) fn write(
    pixels: &DynamicImage,
    exif: Option<&[u8]>,
    icc: Option<&[u8]>,
    beside: &[u8],
    settings: &Settings,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::unsupported(format!("it cannot be written as PNG: {error}"))
    };
    // oxipng chooses filters and coding; here the pixels only pass through.
    let mut plain = Vec::new();
    let mut encoder = PngEncoder::new_with_quality(
        Cursor::new(&mut plain),
        CompressionType::Fast,
        FilterType::NoFilter,
    );
    if let Some(icc) = icc {
        encoder.set_icc_profile(icc.to_vec()).map_err(|error| failed(&error))?;
    }
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif.to_vec()).map_err(|error| failed(&error))?;
    }
    encoder
        .write_image(pixels.as_bytes(), pixels.width(), pixels.height(), pixels.color().into())
        .map_err(|error| failed(&error))?;
    plain.splice(chunks::HEADER_END..chunks::HEADER_END, beside.iter().copied());
    let smaller =
        oxipng::optimize_from_memory(&plain, &options(settings)).map_err(|error| failed(&error))?;
    out.clear();
    out.extend_from_slice(&smaller);
    search::check(settings, out.len() as u64)
}

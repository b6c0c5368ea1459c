//! AVIF: pixels through re_rav1d and ravif, both Rust.

use image::DynamicImage;
use image::metadata::Orientation;
use ravif::{BitDepth, Encoder, Img};
use rgb::FromSlice;

mod bare;
mod boxes;
mod frame;
mod tracks;

use boxes::Boxes;
use tracks::Tracks;

use crate::config::{Keep, Preset, Settings};
use crate::exif;
use crate::failure::Failure;
use crate::icc;
use crate::made::{Made, Note};
use crate::raster::Raster;
use crate::search;

/// The longest side that current decoders take.
const LONGEST: usize = 32_768;
/// Transfer functions of H.273 for more light than a screen of old shows.
const HDR: [u16; 2] = [16, 18];
/// Transfer functions that are shown as that of sRGB is, or were not given.
const LIKE_SRGB: [u16; 7] = [1, 2, 4, 6, 13, 14, 15];
/// Primaries that are those of sRGB, or are not given.
const SRGB: [u16; 4] = [1, 2, 5, 6];

/// The size that the boxes have: of the still image, or of the frames of a sequence without one.
pub(crate) fn size(head: &[u8]) -> Result<(u32, u32), Failure> {
    let size = Boxes::read(head).and_then(|boxes| boxes.size).or_else(|| Tracks::read(head).size);
    size.ok_or_else(|| Failure::damaged("its boxes are wrong or break off; no size is given"))
}

/// Whether it is a sequence of frames, whatever else is in the file.
pub(crate) fn is_animated(source: &[u8]) -> bool {
    Tracks::read(source).is_animated()
}

/// The file without what is not kept.
pub(crate) fn bare(source: &[u8], keep: Keep) -> Result<Vec<u8>, Failure> {
    bare::bare(source, keep)
}

/// The still image of the file; of a sequence, the one that stands for it.
pub(crate) fn decode(source: &[u8], most_pixels: u64) -> Result<Raster, Failure> {
    let mut boxes = match Boxes::read(source) {
        Some(boxes) => boxes,
        None if is_animated(source) => {
            return Err(Failure::unsupported("an AVIF sequence without a still image"));
        }
        None => return Err(Failure::damaged("its boxes are wrong or break off")),
    };
    if let Some(name) = boxes.unknown {
        let name = String::from_utf8_lossy(&name).into_owned();
        return Err(Failure::unsupported(format!(
            "an AVIF with a '{name}' property, which is not applied here"
        )));
    }
    if let Some(colours) = boxes.colours {
        if HDR.contains(&colours.transfer) {
            return Err(Failure::unsupported("HDR; it would need tone mapping"));
        }
        if boxes.icc.is_none() && !LIKE_SRGB.contains(&colours.transfer) {
            return Err(Failure::unsupported(format!(
                "transfer function {} without a profile",
                colours.transfer
            )));
        }
        if boxes.icc.is_none() && !SRGB.contains(&colours.primaries) {
            return Err(Failure::unsupported(format!(
                "colour primaries {} without a profile",
                colours.primaries
            )));
        }
    }
    if boxes.derived {
        return Err(Failure::unsupported("an AVIF put together from several coded images"));
    }
    if boxes.premultiplied {
        return Err(Failure::unsupported("an AVIF with premultiplied transparency"));
    }
    let truncated = || Failure::damaged("it is truncated: the AVIF ends before its data do");
    let coded = boxes.coded.take().ok_or_else(truncated)?;
    let alpha = boxes.alpha.take().map(|alpha| frame::decode(alpha, most_pixels)).transpose()?;
    let colour = frame::decode(coded, most_pixels)?;
    if boxes.size.is_some_and(|size| size != (colour.width(), colour.height())) {
        return Err(Failure::damaged("its boxes give another size than its AV1 data"));
    }
    let mut raster = Raster::new(frame::pixels(&colour, alpha.as_ref(), boxes.colours)?);
    raster.orientation = boxes.orientation();
    (raster.icc, raster.exif) = (boxes.icc, boxes.exif);
    if is_animated(source) {
        raster.notes.push(Note::FirstFrameOnly);
    }
    // In AVIF the boxes alone say how to turn it.
    if let Some(exif) = &mut raster.exif {
        exif::set_upright(exif);
    }
    debug_assert!(
        raster
            .exif
            .as_deref()
            .is_none_or(|exif| exif::orientation(exif) == Orientation::NoTransforms)
    );
    Ok(raster)
}

pub(crate) fn write(
    pixels: &DynamicImage,
    exif: Option<&[u8]>,
    icc: Option<&[u8]>,
    settings: &Settings,
    made: &mut Made,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    if icc.is_some_and(|icc| !icc::is_srgb(icc)) {
        return Err(Failure::unsupported(
            "its colour profile is not sRGB, and the AVIF encoder stores no profiles; leave icc out of --keep, or take another format",
        ));
    }
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    if width.max(height) > LONGEST {
        return Err(Failure::unsupported(format!(
            "{width} x {height} pixels; decoders of AVIF take at most {LONGEST} a side"
        )));
    }
    // A file with another block in its place is refused as a whole by current decoders.
    let exif = exif.filter(|exif| {
        let has_header = exif::has_header(exif);
        if !has_header {
            made.note(Note::ExifMalformed);
        }
        has_header
    });
    let speed = if settings.preset == Preset::Small { 5 } else { 9 };
    let rgb = (!pixels.color().has_alpha()).then(|| pixels.to_rgb8());
    let rgba = pixels.color().has_alpha().then(|| pixels.to_rgba8());
    made.quality = Some(search::quality(settings, |quality| {
        let mut encoder = Encoder::new()
            .with_quality(f32::from(quality))
            .with_alpha_quality(f32::from(quality))
            .with_speed(speed)
            .with_bit_depth(BitDepth::Eight)
            // The pool has a worker for each core already.
            .with_num_threads(Some(1));
        if let Some(exif) = exif {
            encoder = encoder.with_exif(exif);
        }
        let encoded = match (&rgb, &rgba) {
            (Some(rgb), _) => encoder.encode_rgb(Img::new(rgb.as_raw().as_rgb(), width, height)),
            (None, Some(rgba)) => {
                encoder.encode_rgba(Img::new(rgba.as_raw().as_rgba(), width, height))
            }
            (None, None) => return Err(Failure::unsupported("no pixels")),
        };
        let encoded = encoded
            .map_err(|error| Failure::unsupported(format!("rav1e cannot encode it: {error}")))?;
        out.clear();
        out.extend_from_slice(&encoded.avif_file);
        Ok(out.len() as u64)
    })?);
    Ok(())
}

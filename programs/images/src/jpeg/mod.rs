//! JPEG: from bytes to bytes without a detour over RGB where none is needed, and to pixels for everything else.

use std::borrow::Cow;

use image::metadata::Orientation;
use image::{DynamicImage, RgbaImage};
use turbojpeg::{Colorspace, DecompressHeader, Subsamp};

mod codec;
mod planes;
pub(crate) use planes::Plane;
pub(crate) mod segments;

pub(crate) use codec::Codec;
use segments::Jpeg;

use crate::config::{Preset, Settings};
use crate::exif;
use crate::failure::Failure;
use crate::made::{Made, Note};
use crate::resize;
use crate::search;

/// Makes a smaller JPEG of a JPEG.
pub(crate) fn recode(
    codec: &mut Codec,
    source: &[u8],
    settings: &Settings,
    out: &mut Vec<u8>,
) -> Result<Made, Failure> {
    let jpeg = Jpeg::parse(source, settings.salvage)?;
    let Settings { keep, .. } = *settings;
    let (width, height) = (jpeg.frame.width, jpeg.frame.height);
    let mut made = Made::new(width, height);
    // Their places in the file are told in it, and would be wrong.
    if jpeg.has_further_pictures() && keep.exif {
        if settings.resize.is_none_or(|fit| !resize::is_needed(fit, width, height)) {
            made.keep("it holds further pictures, such as a gain map; --strip would drop them");
            return Ok(made);
        }
        made.note(Note::FurtherPicturesDropped);
    }
    let trailer = if keep.exif && !jpeg.has_further_pictures() { jpeg.trailer() } else { &[] };
    let orientation = jpeg.orientation();
    if settings.lossless {
        return lossless(codec, source, &jpeg, settings, trailer, made, out);
    }
    let header = codec.header(source)?;
    let turned = !keep.exif && orientation != Orientation::NoTransforms;
    let target = settings.resize.map_or((width, height), |fit| {
        resize::fitted(fit, width, height, exif::is_sideways(orientation) && !turned)
    });
    let plain = matches!(header.colorspace, Colorspace::YCbCr | Colorspace::Gray);
    let task = Recoding { source, jpeg: &jpeg, header, settings, trailer, target };
    if plain && !turned && header.subsamp != Subsamp::Unknown && !header.is_lossless {
        task.by_planes(codec, made, out)
    } else {
        task.by_pixels(codec, turned.then_some(orientation), made, out)
    }
}

/// A JPEG that is to be decoded and encoded again.
struct Recoding<'a> {
    source: &'a [u8],
    jpeg: &'a Jpeg<'a>,
    header: DecompressHeader,
    settings: &'a Settings,
    trailer: &'a [u8],
    target: (u32, u32),
}

impl Recoding<'_> {
    /// From plane to plane: no colour is converted and none sampled again.
    fn by_planes(&self, codec: &mut Codec, mut made: Made, out: &mut Vec<u8>) -> Result<Made, Failure> {
        let Self { source, jpeg, header, settings, trailer, target } = self;
        let damaged = codec.decode_planes(source, header, *target, settings.salvage)?;
        made.salvaged(damaged);
        made.resized(codec.planes.width, codec.planes.height);
        if settings.preset == Preset::Small {
            codec.planes.smooth_colour();
        }
        let kept = jpeg.kept(settings.keep, made.new_size());
        let quality = search::quality(settings, |quality| {
            codec.encode_planes(quality, settings.preset)?;
            segments::assemble(&codec.encoded, &kept, trailer, out);
            Ok(out.len() as u64)
        })?;
        made.quality = Some(quality);
        if !damaged && made.new_size().is_none() && is_spent(jpeg, &codec.encoded) {
            made.quality = None;
            return lossless(codec, source, jpeg, settings, trailer, made, out);
        }
        Ok(made)
    }

    /// By way of pixels: inks, unusual sampling, and pictures that are turned.
    fn by_pixels(
        &self,
        codec: &mut Codec,
        turn: Option<Orientation>,
        mut made: Made,
        out: &mut Vec<u8>,
    ) -> Result<Made, Failure> {
        let Self { source, jpeg, header, settings, trailer, target } = self;
        let (mut pixels, damaged) = pixels(codec, source, jpeg, *target, settings.salvage)?;
        made.salvaged(damaged);
        if let Some(orientation) = turn {
            pixels.apply_orientation(orientation);
        }
        let target = settings.resize.map_or((pixels.width(), pixels.height()), |fit| {
            resize::fitted(fit, pixels.width(), pixels.height(), false)
        });
        let pixels = codec.resizer.image(pixels, target)?;
        made.resized(pixels.width(), pixels.height());
        let kept = jpeg.kept(settings.keep, made.new_size());
        let chroma = match header.subsamp {
            Subsamp::Unknown => Subsamp::Sub2x2,
            other => turned_chroma(other, turn.is_some_and(exif::is_sideways)),
        };
        let cmyk = is_cmyk(header.colorspace);
        let quality = search::quality(settings, |quality| {
            codec.encode_pixels(&pixels, cmyk, quality, chroma, settings.preset)?;
            segments::assemble(&codec.encoded, &kept, trailer, out);
            Ok(out.len() as u64)
        })?;
        made.quality = Some(quality);
        Ok(made)
    }
}

/// Whether the original has this quality, or less, already. Coding it again would take from it, run after run.
fn is_spent(original: &Jpeg<'_>, encoded: &[u8]) -> bool {
    Jpeg::parse(encoded, false).is_ok_and(|encoded| original.is_as_coarse_as(&encoded))
}

/// The pixels of a JPEG, decoded at a fraction of their size if `target` allows. Of CMYK the four inks, as they are.
pub(crate) fn pixels(
    codec: &mut Codec,
    source: &[u8],
    jpeg: &Jpeg<'_>,
    target: (u32, u32),
    salvage: bool,
) -> Result<(DynamicImage, bool), Failure> {
    let header = codec.header(source)?;
    if is_cmyk(header.colorspace) && !jpeg.is_adobe() {
        return Err(Failure::unsupported(
            "CMYK without a marker that says whether its inks are inverted; nobody could tell what it looks like",
        ));
    }
    codec.decode_pixels(source, &header, target, salvage)
}

pub(crate) fn is_cmyk(colours: Colorspace) -> bool {
    matches!(colours, Colorspace::CMYK | Colorspace::YCCK)
}

/// Turning a picture by a quarter turns its chroma sampling too.
fn turned_chroma(chroma: Subsamp, sideways: bool) -> Subsamp {
    match chroma {
        Subsamp::Sub2x1 if sideways => Subsamp::Sub1x2,
        Subsamp::Sub1x2 if sideways => Subsamp::Sub2x1,
        Subsamp::Sub4x1 if sideways => Subsamp::Sub1x4,
        Subsamp::Sub1x4 if sideways => Subsamp::Sub4x1,
        other => other,
    }
}

/// The same coefficients with better code tables.
fn lossless(
    codec: &mut Codec,
    source: &[u8],
    jpeg: &Jpeg<'_>,
    settings: &Settings,
    trailer: &[u8],
    mut made: Made,
    out: &mut Vec<u8>,
) -> Result<Made, Failure> {
    let orientation = jpeg.orientation();
    let turned = if settings.keep.exif { Orientation::NoTransforms } else { orientation };
    let (upright, damaged) =
        codec.transform(source, turned, settings.preset == Preset::Small, settings.salvage)?;
    made.salvaged(damaged);
    let mut kept = jpeg.kept(settings.keep, None);
    if upright && exif::is_sideways(turned) {
        made.resized(jpeg.frame.height, jpeg.frame.width);
    } else if !upright {
        // Blocks at an edge cannot be turned without loss; then at least it is said how to turn the picture.
        let (carried, _) = segments::carry(Some(&exif::only_orientation(orientation)), None);
        kept.splice(0..0, carried);
    }
    segments::assemble(&codec.encoded, &kept, trailer, out);
    search::check(settings, out.len() as u64)?;
    Ok(made)
}

/// Writes pixels of any format as JPEG.
pub(crate) fn write(
    codec: &mut Codec,
    pixels: &DynamicImage,
    exif: Option<&[u8]>,
    icc: Option<&[u8]>,
    settings: &Settings,
    made: &mut Made,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let flat = flattened(pixels);
    if matches!(flat, Cow::Owned(_)) {
        made.note(Note::AlphaOnWhite);
    }
    let (kept, whole) = segments::carry(exif, icc);
    if !whole {
        made.note(Note::MetadataTooLarge);
    }
    let quality = search::quality(settings, |quality| {
        codec.encode_pixels(&flat, false, quality, Subsamp::Sub2x2, settings.preset)?;
        segments::assemble(&codec.encoded, &kept, &[], out);
        Ok(out.len() as u64)
    })?;
    made.quality = Some(quality);
    Ok(())
}

/// JPEG knows no transparency: what was transparent becomes white.
fn flattened(pixels: &DynamicImage) -> Cow<'_, DynamicImage> {
    if !pixels.color().has_alpha() {
        return Cow::Borrowed(pixels);
    }
    let rgba: RgbaImage = pixels.to_rgba8();
    let mut flat = image::RgbImage::new(rgba.width(), rgba.height());
    for (to, from) in flat.pixels_mut().zip(rgba.pixels()) {
        let alpha = u16::from(from.0[3]);
        for channel in 0..3 {
            let mixed = u16::from(from.0[channel]) * alpha + 255 * (255 - alpha);
            to.0[channel] = u8::try_from((mixed + 127) / 255).unwrap_or(255);
        }
    }
    Cow::Owned(DynamicImage::ImageRgb8(flat))
}

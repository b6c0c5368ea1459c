//! JPEG: from bytes to bytes without a detour over RGB where none is needed, and to pixels for
//! everything else.

use std::borrow::Cow;

use image::metadata::Orientation;
use image::{DynamicImage, RgbaImage};
use turbojpeg::{Colorspace, DecompressHeader, Subsamp};

mod bare;
mod codec;
mod codes;
mod planes;
pub(crate) use bare::bare;
pub(crate) mod segments;
mod shorten;

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
    let resized = settings.resize.is_some_and(|fit| resize::is_needed(fit, width, height));
    if jpeg.is_signed() && keep.exif {
        if !resized {
            made.keep(
                "it holds a signature, which no change would leave valid; --strip would drop it",
            );
            return Ok(made);
        }
        made.note(Note::SignatureDropped);
    }
    // Their places in the file are written in it, and would be wrong.
    if jpeg.has_further_images() && keep.exif {
        if !resized {
            made.keep("it holds further images, such as a gain map; --strip would drop them");
            return Ok(made);
        }
        made.note(Note::FurtherImagesDropped);
    }
    let trailer = if keep.exif && !jpeg.has_further_images() { jpeg.trailer() } else { &[] };
    let job = Job { source, jpeg, settings, trailer, made };
    if settings.lossless {
        return job.lossless(codec, out);
    }
    let header = codec.header(source)?;
    let plain = matches!(header.colorspace, Colorspace::YCbCr | Colorspace::Gray);
    if plain && !job.is_turned() && header.subsamp != Subsamp::Unknown && !header.is_lossless {
        job.by_planes(codec, &header, out)
    } else {
        job.by_pixels(codec, &header, out)
    }
}

/// One image on its way.
struct Job<'a> {
    source: &'a [u8],
    jpeg: Jpeg<'a>,
    settings: &'a Settings,
    trailer: &'a [u8],
    made: Made,
}

impl Job<'_> {
    /// Whether the pixels must be turned, because nothing will say how to turn them.
    fn is_turned(&self) -> bool {
        !self.settings.keep.exif && self.jpeg.orientation() != Orientation::NoTransforms
    }

    /// The size to decode to, as the image is stored.
    fn target(&self) -> (u32, u32) {
        let (width, height) = (self.jpeg.frame.width, self.jpeg.frame.height);
        let sideways = exif::is_sideways(self.jpeg.orientation());
        self.settings
            .resize
            .map_or((width, height), |fit| resize::fitted(fit, width, height, sideways))
    }

    /// Whether its coefficients are as good as any: it has the quality of what was encoded last, or
    /// less, already.
    fn may_stay(&self, codec: &Codec, changed: bool) -> bool {
        let fits = self.settings.max_size.is_none_or(|most| self.source.len() as u64 <= most);
        fits && !changed && is_spent(&self.jpeg, &codec.encoded)
    }

    /// From plane to plane: no colour is converted.
    fn by_planes(
        mut self,
        codec: &mut Codec,
        header: &DecompressHeader,
        out: &mut Vec<u8>,
    ) -> Result<Made, Failure> {
        let Settings { salvage, preset, keep, .. } = *self.settings;
        let damaged = codec.decode_planes(self.source, header, self.target(), salvage)?;
        self.made.salvaged(damaged);
        self.made.resized(codec.planes.width, codec.planes.height);
        if preset == Preset::Small {
            codec.planes.smooth_colour();
        }
        let kept = self.jpeg.kept(keep, self.made.new_size());
        let quality = search::quality(self.settings, |quality| {
            codec.encode_planes(quality, preset)?;
            segments::assemble(&codec.encoded, &kept, self.trailer, out);
            Ok(out.len() as u64)
        })?;
        if self.may_stay(codec, damaged || self.made.new_size().is_some()) {
            return self.lossless(codec, out);
        }
        self.made.quality = Some(quality);
        Ok(self.made)
    }

    /// By way of pixels: turned, CMYK, RGB, and samplings that have no name.
    fn by_pixels(
        mut self,
        codec: &mut Codec,
        header: &DecompressHeader,
        out: &mut Vec<u8>,
    ) -> Result<Made, Failure> {
        let Settings { salvage, preset, keep, resize, .. } = *self.settings;
        let turned = self.is_turned();
        let orientation = self.jpeg.orientation();
        let (mut pixels, damaged) = pixels(codec, self.source, &self.jpeg, self.target(), salvage)?;
        self.made.salvaged(damaged);
        let mut target = resize.map_or((pixels.width(), pixels.height()), |_| self.target());
        if turned {
            pixels.apply_orientation(orientation);
            if exif::is_sideways(orientation) {
                target = (target.1, target.0);
            }
        }
        let pixels = codec.resizer.image(pixels, target)?;
        self.made.resized(pixels.width(), pixels.height());
        let kept = self.jpeg.kept(keep, self.made.new_size());
        let chroma = match header.subsamp {
            Subsamp::Unknown => Subsamp::Sub2x2,
            other => turned_chroma(other, turned && exif::is_sideways(orientation)),
        };
        let cmyk = is_cmyk(header.colorspace);
        let quality = search::quality(self.settings, |quality| {
            codec.encode_pixels(&pixels, cmyk, quality, chroma, preset)?;
            segments::assemble(&codec.encoded, &kept, self.trailer, out);
            Ok(out.len() as u64)
        })?;
        // The size that a turned image was given is undone: it is turned again, without loss.
        let was_resized =
            target != turned_size(&self.jpeg, turned && exif::is_sideways(orientation));
        if turned && self.may_stay(codec, damaged || was_resized) {
            self.made.size = self.made.old_size;
            return self.lossless(codec, out);
        }
        self.made.quality = Some(quality);
        Ok(self.made)
    }

    /// The same coefficients with better code tables.
    fn lossless(mut self, codec: &mut Codec, out: &mut Vec<u8>) -> Result<Made, Failure> {
        let Settings { salvage, preset, keep, .. } = *self.settings;
        let orientation = self.jpeg.orientation();
        let turned = if keep.exif { Orientation::NoTransforms } else { orientation };
        let (upright, damaged) =
            codec.transform(self.source, turned, preset == Preset::Small, salvage)?;
        self.made.salvaged(damaged);
        let mut kept = self.jpeg.kept(keep, None);
        if upright && exif::is_sideways(turned) {
            self.made.resized(self.jpeg.frame.height, self.jpeg.frame.width);
        } else if !upright {
            // Blocks at an edge cannot be turned without loss; then at least it is said how to turn
            // the image.
            let (carried, _) = segments::carry(Some(&exif::only_orientation(orientation)), None);
            kept.splice(0..0, carried);
        }
        segments::assemble(&codec.encoded, &kept, self.trailer, out);
        search::check(self.settings, out.len() as u64)?;
        Ok(self.made)
    }
}

/// Pixels across and down, with the sides in each other's place if it is turned by a quarter.
fn turned_size(jpeg: &Jpeg<'_>, sideways: bool) -> (u32, u32) {
    let (width, height) = (jpeg.frame.width, jpeg.frame.height);
    if sideways { (height, width) } else { (width, height) }
}

/// Whether the original has this quality, or less, already. Coding it again would take from it, run
/// after run.
fn is_spent(original: &Jpeg<'_>, encoded: &[u8]) -> bool {
    Jpeg::parse(encoded, false).is_ok_and(|encoded| original.is_as_coarse_as(&encoded))
}

/// The pixels of a JPEG, decoded at a fraction of their size if `target` allows. Of CMYK the four
/// inks, as they are.
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
            "CMYK without a marker that says whether its inks are inverted; nobody could say what it looks like",
        ));
    }
    codec.decode_pixels(source, &header, target, salvage)
}

/// Decodes a JPEG of any kind, strictly, for nothing but its errors.
pub(crate) fn check(codec: &mut Codec, source: &[u8]) -> Result<(), Failure> {
    let header = codec.header(source)?;
    let size = (header.width, header.height);
    let whole =
        (u32::try_from(size.0).unwrap_or(u32::MAX), u32::try_from(size.1).unwrap_or(u32::MAX));
    codec.decode_pixels(source, &header, whole, false).map(drop)
}

pub(crate) fn is_cmyk(colours: Colorspace) -> bool {
    matches!(colours, Colorspace::CMYK | Colorspace::YCCK)
}

/// Turning an image by a quarter turns its chroma sampling too.
fn turned_chroma(chroma: Subsamp, sideways: bool) -> Subsamp {
    match chroma {
        Subsamp::Sub2x1 if sideways => Subsamp::Sub1x2,
        Subsamp::Sub1x2 if sideways => Subsamp::Sub2x1,
        Subsamp::Sub4x1 if sideways => Subsamp::Sub1x4,
        Subsamp::Sub1x4 if sideways => Subsamp::Sub4x1,
        other => other,
    }
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

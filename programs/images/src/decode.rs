//! Decodes an image of any format.

use std::borrow::Cow;
use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::config::Settings;
use crate::exif;
use crate::failure::Failure;
use crate::gif::Gif;
use crate::jpeg::{self, Codec};
use crate::kind::Kind;
use crate::made::Note;
use crate::png::chunks::Png;
use crate::probe::Probe;
use crate::raster::{Raster, refused};
use crate::tiff::Tiff;
use crate::{avif, webp};

/// Decodes the whole image; of a JPEG, no more than `settings.resize` needs.
pub(crate) fn decode(
    codec: &mut Option<Codec>,
    source: &[u8],
    probe: &Probe,
    settings: &Settings,
) -> Result<Raster, Failure> {
    match probe.kind {
        Kind::Jpeg => from_jpeg(Codec::ready(codec)?, source, settings),
        Kind::Webp => webp::decode(source),
        Kind::Avif => avif::decode(source, settings.max_pixels),
        Kind::Png => from_png(source, probe, settings),
        Kind::Gif => from_gif(source, probe, settings),
        Kind::Tiff => from_tiff(Codec::ready(codec)?, source, probe, settings),
        Kind::Bmp => with_image(source, probe, ImageFormat::Bmp),
    }
}

fn from_jpeg(codec: &mut Codec, source: &[u8], settings: &Settings) -> Result<Raster, Failure> {
    let jpeg = jpeg::segments::Jpeg::parse(source, settings.salvage)?;
    if jpeg::is_cmyk(codec.header(source)?.colorspace) {
        return Err(Failure::unsupported(
            "CMYK: what it looks like in another format depends on its profile; JPEG to JPEG keeps the inks",
        ));
    }
    let orientation = jpeg.orientation();
    let (width, height) = (jpeg.frame.width, jpeg.frame.height);
    let target = settings.resize.map_or((width, height), |fit| {
        crate::resize::fitted(fit, width, height, exif::is_sideways(orientation))
    });
    let (pixels, damaged) = jpeg::pixels(codec, source, &jpeg, target, settings.salvage)?;
    let mut raster = Raster::new(pixels);
    raster.orientation = orientation;
    raster.exif = jpeg.exif().map(<[u8]>::to_vec);
    raster.icc = jpeg.icc();
    if damaged {
        raster.notes.push(Note::Salvaged);
    }
    if jpeg.has_further_images() {
        raster.notes.push(Note::FurtherImagesDropped);
    }
    Ok(raster)
}

fn from_png(source: &[u8], probe: &Probe, settings: &Settings) -> Result<Raster, Failure> {
    let png = Png::parse(source, settings.salvage)?;
    png.check_frames(settings.max_pixels)?;
    if becomes_another(settings, Kind::Png) && !png.is_srgb() {
        return Err(Failure::unsupported(
            "its cICP, gAMA or cHRM chunk says that its colours are not sRGB; PNG to PNG keeps them",
        ));
    }
    if !settings.salvage {
        crate::png::check_data(&png, probe)?;
    }
    let mut raster = with_image(source, probe, ImageFormat::Png)?;
    raster.png = png.carried(settings.keep);
    if png.is_animated() {
        raster.notes.push(Note::FirstFrameOnly);
    }
    Ok(raster)
}

fn from_gif(source: &[u8], probe: &Probe, settings: &Settings) -> Result<Raster, Failure> {
    let gif = Gif::parse(source)?;
    gif.check(settings.max_pixels)?;
    let enlarged = gif.enlarged();
    let mut raster = with_image(&enlarged, probe, ImageFormat::Gif)?;
    if matches!(enlarged, Cow::Owned(_)) {
        raster.notes.push(Note::ScreenEnlarged);
    }
    if gif.is_animated() {
        raster.notes.push(Note::FirstFrameOnly);
    }
    Ok(raster)
}

fn from_tiff(
    codec: &mut Codec,
    source: &[u8],
    probe: &Probe,
    settings: &Settings,
) -> Result<Raster, Failure> {
    let tiff = Tiff::read(&mut Cursor::new(source))?;
    if becomes_another(settings, Kind::Tiff) && tiff.is_cmyk() {
        return Err(Failure::unsupported(
            "CMYK: what it looks like in another format depends on its profile",
        ));
    }
    tiff.check_jpegs(source, codec)?;
    let mut raster = with_image(&tiff.with_main_first(source), probe, ImageFormat::Tiff)?;
    if tiff.is_premultiplied() {
        divide_by_alpha(&mut raster.pixels);
    }
    if tiff.has_more_pages() {
        raster.notes.push(Note::FirstPageOnly);
    }
    Ok(raster)
}

/// Whether the pixels are for another format than the one that they have.
fn becomes_another(settings: &Settings, from: Kind) -> bool {
    settings.format.is_some_and(|to| to != from)
}

/// Makes colours that were stored as they look on black what they are without it.
fn divide_by_alpha(pixels: &mut DynamicImage) {
    fn divided(colour: u32, alpha: u32, most: u32) -> u32 {
        // Nothing is known of what is not seen at all.
        let divided =
            (u64::from(colour) * u64::from(most) + u64::from(alpha / 2)).checked_div(alpha.into());
        u32::try_from(divided.unwrap_or(0)).unwrap_or(most).min(most)
    }
    match pixels {
        DynamicImage::ImageRgba8(pixels) => {
            pixels.pixels_mut().for_each(|image::Rgba([colours @ .., alpha])| {
                for colour in colours {
                    let divided = divided((*colour).into(), (*alpha).into(), 0xFF);
                    *colour = u8::try_from(divided).unwrap_or(u8::MAX);
                }
            })
        }
        DynamicImage::ImageRgba16(pixels) => {
            pixels.pixels_mut().for_each(|image::Rgba([colours @ .., alpha])| {
                for colour in colours {
                    let divided = divided((*colour).into(), (*alpha).into(), 0xFFFF);
                    *colour = u16::try_from(divided).unwrap_or(u16::MAX);
                }
            })
        }
        _ => {}
    }
}

/// Formats that the `image` crate reads.
fn with_image(source: &[u8], probe: &Probe, format: ImageFormat) -> Result<Raster, Failure> {
    let failed = |error| refused(probe.kind, error);
    let mut reader = ImageReader::with_format(Cursor::new(source), format);
    let mut limits = Limits::default();
    // Eight bytes a pixel is the most that is decoded to; a tenth more is for rows and tables.
    limits.max_alloc = Some(probe.pixels().saturating_mul(9).saturating_add(1 << 24));
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let icc = decoder.icc_profile().unwrap_or_default();
    let exif = decoder.exif_metadata().unwrap_or_default();
    let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut raster = Raster::new(DynamicImage::from_decoder(decoder).map_err(failed)?);
    raster.orientation = exif.as_deref().map_or(turned, exif::orientation);
    (raster.icc, raster.exif) = (icc, exif);
    Ok(raster)
}

/// Whether there is more than one frame.
///
/// # Errors
/// When the file is damaged; of a GIF, whose frames nothing else would read, any of them.
pub(crate) fn is_animated(source: &[u8], kind: Kind, settings: &Settings) -> Result<bool, Failure> {
    Ok(match kind {
        Kind::Webp => webp::is_animated(source)?,
        Kind::Png => Png::parse(source, settings.salvage)?.is_animated(),
        Kind::Gif => {
            let gif = Gif::parse(source)?;
            gif.check(settings.max_pixels)?;
            gif.is_animated()
        }
        Kind::Avif => avif::is_animated(source),
        Kind::Jpeg | Kind::Tiff | Kind::Bmp => false,
    })
}

//! Pictures of any format as pixels, with what belongs to them: profile, EXIF, how to turn them.

use std::io::Cursor;

use image::error::{ImageError, LimitErrorKind};
use image::metadata::Orientation;
use image::{AnimationDecoder, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::config::Settings;
use crate::exif;
use crate::failure::{Failure, FailureKind};
use crate::jpeg::{self, Codec};
use crate::kind::Kind;
use crate::made::Note;
use crate::probe::Probe;
use crate::{avif, webp};

/// Pixels and what belongs to them.
#[derive(Debug)]
pub(crate) struct Raster {
    pub(crate) pixels: DynamicImage,
    /// A TIFF header and what follows it.
    pub(crate) exif: Option<Vec<u8>>,
    pub(crate) icc: Option<Vec<u8>>,
    pub(crate) orientation: Orientation,
    pub(crate) notes: Vec<Note>,
}

impl Raster {
    pub(crate) fn new(pixels: DynamicImage) -> Self {
        Self { pixels, exif: None, icc: None, orientation: Orientation::NoTransforms, notes: Vec::new() }
    }

    /// Decodes the whole picture; of a JPEG, no more than `settings.resize` needs.
    pub(crate) fn decode(
        codec: &mut Option<Codec>,
        source: &[u8],
        probe: &Probe,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        match probe.kind {
            Kind::Jpeg => from_jpeg(Codec::ready(codec)?, source, settings),
            Kind::Webp => webp::decode(source),
            Kind::Avif => avif::decode(source, settings.max_pixels),
            Kind::Png => with_image(source, probe, ImageFormat::Png),
            Kind::Gif => with_image(source, probe, ImageFormat::Gif),
            Kind::Tiff => with_image(source, probe, ImageFormat::Tiff),
            Kind::Bmp => with_image(source, probe, ImageFormat::Bmp),
        }
    }

    /// Turns the pixels the way they are to be looked at, and says so in the EXIF.
    pub(crate) fn stand_upright(&mut self) {
        self.pixels.apply_orientation(self.orientation);
        self.orientation = Orientation::NoTransforms;
        if let Some(exif) = &mut self.exif {
            exif::set_upright(exif);
        }
    }

    /// Leaves 8 bits a colour, for formats that have no more.
    pub(crate) fn reduce(&mut self) {
        let reduced = match &self.pixels {
            DynamicImage::ImageLuma16(_) => DynamicImage::ImageLuma8(self.pixels.to_luma8()),
            DynamicImage::ImageLumaA16(_) | DynamicImage::ImageRgba16(_) | DynamicImage::ImageRgba32F(_) => {
                DynamicImage::ImageRgba8(self.pixels.to_rgba8())
            }
            DynamicImage::ImageRgb16(_) | DynamicImage::ImageRgb32F(_) => {
                DynamicImage::ImageRgb8(self.pixels.to_rgb8())
            }
            _ => return,
        };
        self.pixels = reduced;
        self.notes.push(Note::ReducedTo8Bits);
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
    if jpeg.has_further_pictures() {
        raster.notes.push(Note::FurtherPicturesDropped);
    }
    Ok(raster)
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
    if is_animated(source, probe.kind)? {
        raster.notes.push(Note::FirstFrameOnly);
    }
    if probe.kind == Kind::Tiff && has_more_pages(source) {
        raster.notes.push(Note::FirstPageOnly);
    }
    Ok(raster)
}

/// Whether there is more than one frame.
///
/// # Errors
/// When a frame is damaged.
pub(crate) fn is_animated(source: &[u8], kind: Kind) -> Result<bool, Failure> {
    Ok(match kind {
        Kind::Webp => webp::is_animated(source)?,
        Kind::Png => source.windows(4).take(1 << 12).any(|chunk| chunk == b"acTL"),
        Kind::Gif => {
            let decoder = image::codecs::gif::GifDecoder::new(Cursor::new(source));
            let mut frames = decoder.map_err(|error| refused(kind, error))?.into_frames();
            // All are read, so that damage in the last one is found too.
            let count = frames.try_fold(0, |count: usize, frame| frame.map(|_| count + 1));
            count.map_err(|error| refused(kind, error))? > 1
        }
        _ => false,
    })
}

/// Whether the first folder of a TIFF names a second one.
fn has_more_pages(source: &[u8]) -> bool {
    let big = source.starts_with(b"MM");
    let short = |at: usize| {
        let bytes = *source.get(at..)?.first_chunk()?;
        Some(usize::from(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }))
    };
    let long = |at: usize| {
        let bytes = *source.get(at..)?.first_chunk()?;
        Some((if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }) as usize)
    };
    // BigTIFF has other folders; few have pages.
    let classic = short(2) == Some(42);
    let next = || {
        let first = long(4)?;
        long(first + 2 + 12 * short(first)?)
    };
    classic && next().is_some_and(|next| next != 0)
}

/// Why a decoder refused a picture, in this program's terms.
pub(crate) fn refused(kind: Kind, error: ImageError) -> Failure {
    match error {
        ImageError::Unsupported(error) => Failure::unsupported(error.to_string()),
        ImageError::Limits(error) => {
            let kind = match error.kind() {
                LimitErrorKind::Unsupported { .. } => FailureKind::Unsupported,
                _ => FailureKind::TooLarge,
            };
            Failure::new(kind, error.to_string())
        }
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Failure::damaged(format!("it is truncated: the {kind} ends before the picture does"))
        }
        other => Failure::damaged(other.to_string()),
    }
}

//! From the bytes of one image to the bytes of a smaller one, or to the reason why not. Knows no
//! files.

use image::DynamicImage;
use image::metadata::Orientation;

use crate::config::Settings;
use crate::decode;
use crate::failure::{Failure, FailureKind};
use crate::guard::guarded;
use crate::jpeg::segments::Jpeg;
use crate::jpeg::{self, Codec};
use crate::kind::Kind;
use crate::made::{Made, Note};
use crate::png::chunks::Png;
use crate::probe::{self, Probe};
use crate::raster::Raster;
use crate::{avif, png, resize, search, strip, webp};

/// Compresses image after image; its decoders and buffers are used again. For one thread at a
/// time.
///
/// # Examples
/// ```
/// use images::{Compressor, FailureKind, Settings};
/// let mut out = Vec::new();
/// let refused = Compressor::new().compress(b"a text", &Settings::default(), &mut out).unwrap_err();
/// assert_eq!(refused.kind, FailureKind::NotAnImage);
/// ```
#[derive(Debug, Default)]
pub struct Compressor {
    jpeg: Option<Codec>,
}

/// Decides between the result and the original, and takes out of the latter what is not to be kept.
fn keep_the_better(
    source: &[u8],
    probe: &Probe,
    settings: &Settings,
    made: &mut Made,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let bare = strip::bare(source, probe.kind, settings);
    let turned = is_turned(source, probe.kind, settings)?;
    let resized = made.size != made.old_size;
    // Not only turned.
    let area = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
    let is_boxed = settings.resize.is_some() && area(made.size) < area(made.old_size);
    let most = match &bare {
        // Few programs look for an orientation in a PNG, so that one is turned whatever it costs.
        _ if turned && (probe.kind, made.to) == (Kind::Png, Kind::Png) => usize::MAX,
        // A box is a promise about pixels, whatever that costs in bytes.
        _ if is_boxed => usize::MAX,
        Ok(Some(bare)) if probe.kind == made.to && !turned && !resized => bare.len(),
        _ => source.len(),
    };
    if made.kept.is_none() && is_boxed && out.len() > source.len() {
        made.note(Note::LargerFile);
    }
    if made.kept.is_none() && out.len() >= most {
        made.keep("no smaller");
    }
    if made.kept.is_none() {
        return Ok(());
    }
    made.notes.retain(|note| *note == Note::Salvaged);
    (made.to, made.size, made.quality) = (probe.kind, made.old_size, None);
    let mut length = source.len();
    if let Some(bare) = bare? {
        *out = bare;
        length = out.len();
        made.kept = None;
        made.note(Note::OnlyStripped);
    }
    search::check(settings, length as u64)
}

/// A profile for grey pixels is wrong for those of three colours, which grey ones become in some
/// formats.
fn check_profile(pixels: &DynamicImage, icc: Option<&[u8]>, to: Kind) -> Result<(), Failure> {
    let is_grey = icc.and_then(|icc| icc.get(16..20)).is_some_and(|colours| colours == b"GRAY");
    let becomes_rgb = match to {
        Kind::Webp => true,
        Kind::Jpeg => pixels.color().has_alpha() || pixels.color().has_color(),
        _ => pixels.color().has_color(),
    };
    if !(is_grey && becomes_rgb) {
        return Ok(());
    }
    Err(Failure::unsupported(format!(
        "its colour profile is for grey pixels, and in {to} they would have three colours; \
         leave icc out of --keep, or take png"
    )))
}

/// Whether pixels are turned because nothing will say how to turn them.
fn is_turned(source: &[u8], kind: Kind, settings: &Settings) -> Result<bool, Failure> {
    if settings.keep.exif {
        return Ok(false);
    }
    let orientation = match kind {
        Kind::Jpeg => Jpeg::parse(source, settings.salvage)?.orientation(),
        Kind::Png => Png::parse(source, settings.salvage)?.orientation(),
        Kind::Webp => webp::orientation(source)?,
        // Theirs is no metadata, and stays with them.
        Kind::Avif | Kind::Tiff | Kind::Gif | Kind::Bmp => Orientation::NoTransforms,
    };
    Ok(orientation != Orientation::NoTransforms)
}

impl Codec {
    /// The worker's codec, made when the first JPEG comes.
    pub(crate) fn ready(slot: &mut Option<Self>) -> Result<&mut Self, Failure> {
        if slot.is_none() {
            *slot = Some(Self::new()?);
        }
        Ok(slot.as_mut().expect("it was just made"))
    }
}

impl Compressor {
    /// One without buffers; they come with the first image.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes into `out` what `settings` make of the image `source`.
    ///
    /// When [`Made::kept`] says why, the original is to be used and `out` means nothing: the result
    /// was not smaller, or the image could not be changed without losing a part of it.
    ///
    /// # Errors
    /// [`Failure`] when there is no image, or one that is damaged, too large, or cannot be kept
    /// as asked.
    pub fn compress(
        &mut self,
        source: &[u8],
        settings: &Settings,
        out: &mut Vec<u8>,
    ) -> Result<Made, Failure> {
        let made = guarded(|| self.alone(source, settings, out));
        if made.as_ref().is_err_and(|failure| failure.kind == FailureKind::Panic) {
            // Nobody knows what a codec left behind that panicked.
            *self = Self::default();
        }
        made
    }

    /// Compresses an image as if it were the only one.
    fn alone(
        &mut self,
        source: &[u8],
        settings: &Settings,
        out: &mut Vec<u8>,
    ) -> Result<Made, Failure> {
        let probe = probe::of(source)?;
        probe.check(settings.max_pixels)?;
        out.clear();
        if let Some(codec) = &mut self.jpeg {
            codec.renew()?;
        }
        let to = settings.format.unwrap_or(probe.kind);
        let resized =
            settings.resize.is_some_and(|fit| resize::is_needed(fit, probe.width, probe.height));
        let mut made = match (probe.kind, to) {
            (Kind::Jpeg, Kind::Jpeg) => {
                jpeg::recode(Codec::ready(&mut self.jpeg)?, source, settings, out)?
            }
            (Kind::Png, Kind::Png) if !resized && !is_turned(source, probe.kind, settings)? => {
                let png = Png::parse(source, settings.salvage)?;
                png.check_frames(settings.max_pixels)?;
                png::recode(&png, source, &probe, settings, out)?
            }
            _ => self.convert(source, &probe, to, resized, settings, out)?,
        };
        (made.from, made.to) = (probe.kind, to);
        keep_the_better(source, &probe, settings, &mut made, out)?;
        Ok(made)
    }

    /// By way of pixels.
    fn convert(
        &mut self,
        source: &[u8],
        probe: &Probe,
        to: Kind,
        resized: bool,
        settings: &Settings,
        out: &mut Vec<u8>,
    ) -> Result<Made, Failure> {
        let mut made = Made::new(probe.width, probe.height);
        let same = probe.kind == to;
        if same && decode::is_animated(source, probe.kind, settings)? {
            if resized {
                return Err(Failure::unsupported(format!("an animated {to} cannot be resized")));
            }
            made.keep("it is animated, and its frames are not recompressed");
            return Ok(made);
        }
        if same && matches!(to, Kind::Gif | Kind::Tiff | Kind::Bmp) {
            if resized {
                return Err(Failure::unsupported(format!(
                    "a {to} cannot be resized; --format would help"
                )));
            }
            made.keep("no smaller file of its format is made; --format would help");
            // Never success for what could not be read.
            decode::decode(&mut self.jpeg, source, probe, settings)?;
            return Ok(made);
        }
        if settings.lossless && (to == Kind::Jpeg || to == Kind::Avif) {
            if same {
                made.keep("no encoder here writes it without loss");
                return Ok(made);
            }
            return Err(Failure::unsupported(format!("{to} cannot be written without loss")));
        }
        let mut raster = decode::decode(&mut self.jpeg, source, probe, settings)?;
        self.write(&mut raster, to, resized, settings, &mut made, out)?;
        made.notes.append(&mut raster.notes);
        Ok(made)
    }

    fn write(
        &mut self,
        raster: &mut Raster,
        to: Kind,
        resized: bool,
        settings: &Settings,
        made: &mut Made,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        raster.stand_upright();
        if to != Kind::Png {
            raster.reduce();
        }
        if !settings.keep.exif {
            raster.exif = None;
        }
        if !settings.keep.icc {
            raster.icc = None;
        }
        if let Some(fit) = settings.resize.filter(|_| resized) {
            let target = resize::fitted(fit, raster.pixels.width(), raster.pixels.height(), false);
            let pixels = std::mem::take(&mut raster.pixels);
            raster.pixels = Codec::ready(&mut self.jpeg)?.resizer.image(pixels, target)?;
        }
        made.resized(raster.pixels.width(), raster.pixels.height());
        if let (Some(exif), Some((width, height))) = (&mut raster.exif, made.new_size()) {
            crate::exif::set_size(exif, width, height);
        }
        check_profile(&raster.pixels, raster.icc.as_deref(), to)?;
        let (pixels, exif, icc) = (&raster.pixels, raster.exif.as_deref(), raster.icc.as_deref());
        match to {
            Kind::Jpeg => {
                let codec = Codec::ready(&mut self.jpeg)?;
                jpeg::write(codec, pixels, exif, icc, settings, made, out)
            }
            Kind::Png => png::write(pixels, exif, icc, &raster.png, settings, out),
            Kind::Webp => webp::write(pixels, exif, icc, settings, made, out),
            Kind::Avif => avif::write(pixels, exif, icc, settings, made, out),
            Kind::Gif | Kind::Tiff | Kind::Bmp => Err(Failure::unsupported(format!(
                "no {to} is written; take jpeg, png, webp or avif"
            ))),
        }
    }
}

//! WebP: pixels through libwebp, and the chunks around them.

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage, RgbaImage};
use webp::{BitstreamFeatures, Decoder, Encoder, WebPConfig};

use crate::config::{Keep, Preset, Settings};
use crate::exif;
use crate::failure::Failure;
use crate::made::Made;
use crate::raster::Raster;
use crate::search;

/// The longest side that the format knows.
const LONGEST: u32 = 16_383;

const HAS_ICC: u8 = 0x20;
const HAS_ALPHA: u8 = 0x10;
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;

/// Whether it has frames; if so, its chunks are whole, though what is in them was not decoded.
pub(crate) fn is_animated(source: &[u8]) -> Result<bool, Failure> {
    chunks(source)?;
    Ok(BitstreamFeatures::new(source).is_some_and(|features| features.has_animation()))
}

pub(crate) fn decode(source: &[u8]) -> Result<Raster, Failure> {
    if is_animated(source)? {
        return Err(Failure::unsupported("an animated WebP; its frames are not taken apart"));
    }
    let chunks = chunks(source)?;
    let decoded = Decoder::new(source).decode();
    let decoded =
        decoded.ok_or_else(|| Failure::damaged("its WebP data are corrupt or truncated"))?;
    let (width, height, bytes) = (decoded.width(), decoded.height(), decoded.to_vec());
    let pixels = if decoded.is_alpha() {
        RgbaImage::from_raw(width, height, bytes).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, bytes).map(DynamicImage::from)
    };
    let mut raster = Raster::new(pixels.expect("libwebp returns as many bytes as the image has"));
    let chunk =
        |name: &[u8; 4]| chunks.iter().find(|(found, _)| found == name).map(|(_, data)| *data);
    raster.icc = chunk(b"ICCP").map(<[u8]>::to_vec);
    // Some writers put the JPEG segment's prefix before it.
    raster.exif =
        chunk(b"EXIF").map(|exif| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif).to_vec());
    raster.orientation = raster.exif.as_deref().map_or(raster.orientation, exif::orientation);
    Ok(raster)
}

/// The chunks of a file; one that ends before its last chunk does is damaged.
fn chunks(source: &[u8]) -> Result<Vec<([u8; 4], &[u8])>, Failure> {
    let length = source.get(4..).and_then(|rest| rest.first_chunk()).ok_or_else(truncated)?;
    let end = (u32::from_le_bytes(*length) as usize).saturating_add(8);
    each(source.get(12..end).or_else(|| source.get(12..end - 1)).ok_or_else(truncated)?)
}

fn each(mut rest: &[u8]) -> Result<Vec<([u8; 4], &[u8])>, Failure> {
    let mut chunks = Vec::new();
    while rest.len() >= 8 {
        let (name, after) = rest.split_first_chunk::<4>().ok_or_else(truncated)?;
        let (length, after) = after.split_first_chunk::<4>().ok_or_else(truncated)?;
        let length = u32::from_le_bytes(*length) as usize;
        chunks.push((*name, after.get(..length).ok_or_else(truncated)?));
        rest = after.get(length + length % 2..).unwrap_or_default();
    }
    Ok(chunks)
}

fn truncated() -> Failure {
    Failure::damaged("it is truncated: the WebP ends before its last chunk does")
}

pub(crate) fn write(
    pixels: &DynamicImage,
    exif: Option<&[u8]>,
    icc: Option<&[u8]>,
    settings: &Settings,
    made: &mut Made,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let (width, height) = (pixels.width(), pixels.height());
    if width.max(height) > LONGEST {
        return Err(Failure::unsupported(format!(
            "{width} x {height} pixels; WebP has at most {LONGEST} a side"
        )));
    }
    let converted;
    let (encoder, has_alpha) = match pixels {
        DynamicImage::ImageRgba8(rgba) => (Encoder::from_rgba(rgba, width, height), true),
        DynamicImage::ImageRgb8(rgb) => (Encoder::from_rgb(rgb, width, height), false),
        other if other.color().has_alpha() => {
            converted = DynamicImage::ImageRgba8(other.to_rgba8());
            (Encoder::from_rgba(converted.as_bytes(), width, height), true)
        }
        other => {
            converted = DynamicImage::ImageRgb8(other.to_rgb8());
            (Encoder::from_rgb(converted.as_bytes(), width, height), false)
        }
    };
    let mut run = |quality: u8| {
        let config = config(quality, settings)?;
        let encoded = encoder.encode_advanced(&config);
        let encoded = encoded.map_err(|error| {
            Failure::unsupported(format!("libwebp cannot encode it: {error:?}"))
        })?;
        wrap(&encoded, (width, height), has_alpha, exif, icc, out)?;
        Ok(out.len() as u64)
    };
    if settings.lossless {
        let length = run(settings.quality)?;
        return search::check(settings, length);
    }
    made.quality = Some(search::quality(settings, run)?);
    Ok(())
}

fn config(quality: u8, settings: &Settings) -> Result<WebPConfig, Failure> {
    let mut config =
        WebPConfig::new().map_err(|()| Failure::unsupported("libwebp has no default settings"))?;
    config.quality = quality.into();
    config.lossless = settings.lossless.into();
    // Also what cannot be seen stays as it was.
    config.exact = settings.lossless.into();
    let small = settings.preset == Preset::Small;
    if settings.lossless {
        // Without loss, quality is effort.
        config.quality = if small { 100.0 } else { 50.0 };
    }
    config.method = if small { 6 } else { 2 };
    Ok(config)
}

/// Puts profile and EXIF around what libwebp wrote.
fn wrap(
    encoded: &[u8],
    (width, height): (u32, u32),
    has_alpha: bool,
    exif: Option<&[u8]>,
    icc: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    out.clear();
    if exif.is_none() && icc.is_none() {
        out.extend_from_slice(encoded);
        return Ok(());
    }
    let mut flags = [0; 4];
    flags[0] = [(HAS_ICC, icc.is_some()), (HAS_ALPHA, has_alpha), (HAS_EXIF, exif.is_some())]
        .iter()
        .filter(|(_, there)| *there)
        .fold(0, |flags, (flag, _)| flags | flag);
    let mut header = flags.to_vec();
    header.extend(&(width - 1).to_le_bytes()[..3]);
    header.extend(&(height - 1).to_le_bytes()[..3]);
    out.extend(b"RIFF\0\0\0\0WEBP");
    chunk(out, *b"VP8X", &header)?;
    if let Some(icc) = icc {
        chunk(out, *b"ICCP", icc)?;
    }
    for (name, data) in chunks(encoded)? {
        if name != *b"VP8X" {
            chunk(out, name, data)?;
        }
    }
    if let Some(exif) = exif {
        chunk(out, *b"EXIF", exif)?;
    }
    let length = length(out.len() - 8)?;
    out[4..8].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// The file without what is not kept. How it is to be turned is still in it, and nothing else of
/// the EXIF.
pub(crate) fn bare(source: &[u8], keep: Keep) -> Result<Vec<u8>, Failure> {
    let orientation = orientation(source)?;
    let mut bare = source[..12].to_vec();
    for (name, data) in chunks(source)? {
        match &name {
            b"VP8X" => {
                let mut header = data.to_vec();
                let dropped = if keep.icc { 0 } else { HAS_ICC };
                let dropped = dropped | if keep.exif { 0 } else { HAS_EXIF | HAS_XMP };
                if let Some(flags) = header.first_mut() {
                    *flags &= !dropped;
                    if !keep.exif && orientation != Orientation::NoTransforms {
                        *flags |= HAS_EXIF;
                    }
                }
                chunk(&mut bare, name, &header)?;
            }
            b"ANMF" if !keep.exif => chunk(&mut bare, name, &bare_frame(data)?)?,
            b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ANMF" => chunk(&mut bare, name, data)?,
            b"ICCP" if keep.icc => chunk(&mut bare, name, data)?,
            b"ICCP" => {}
            b"EXIF" if !keep.exif && orientation != Orientation::NoTransforms => {
                chunk(&mut bare, name, &exif::only_orientation(orientation))?;
            }
            _ if keep.exif => chunk(&mut bare, name, data)?,
            _ => {}
        }
    }
    let length = length(bare.len() - 8)?;
    bare[4..8].copy_from_slice(&length.to_le_bytes());
    Ok(bare)
}

/// A frame of an animation without chunks that are not its pixels.
fn bare_frame(frame: &[u8]) -> Result<Vec<u8>, Failure> {
    let (head, rest) = frame.split_at_checked(16).ok_or_else(truncated)?;
    let mut bare = head.to_vec();
    for (name, data) in each(rest)? {
        if matches!(&name, b"VP8 " | b"VP8L" | b"ALPH") {
            chunk(&mut bare, name, data)?;
        }
    }
    Ok(bare)
}

/// How it is to be turned.
pub(crate) fn orientation(source: &[u8]) -> Result<Orientation, Failure> {
    let chunks = chunks(source)?;
    let exif = chunks.iter().find(|(name, _)| name == b"EXIF").map(|(_, data)| *data);
    let exif = exif.map(|exif| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif));
    Ok(exif.map_or(Orientation::NoTransforms, exif::orientation))
}

fn length(bytes: usize) -> Result<u32, Failure> {
    u32::try_from(bytes).map_err(|_| Failure::unsupported("it would have more than 4 GiB"))
}

fn chunk(out: &mut Vec<u8>, name: [u8; 4], data: &[u8]) -> Result<(), Failure> {
    out.extend(name);
    out.extend(length(data.len())?.to_le_bytes());
    out.extend_from_slice(data);
    if !data.len().is_multiple_of(2) {
        out.push(0);
    }
    Ok(())
}

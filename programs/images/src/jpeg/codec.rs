//! turbojpeg and mozjpeg-rs behind one small face, with buffers that live as long as the worker.
//!
//! turbojpeg turns libjpeg's warnings into errors, which is why it was chosen: a damaged file does
//! not decode.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage, RgbaImage};
use mozjpeg_rs::{Encoder, Preset as Moz, Subsampling, TrellisConfig};
use turbojpeg::{
    Compressor, DecompressHeader, Decompressor, Error, Image, OutputBuf, PixelFormat,
    ScalingFactor, Subsamp, Transform, TransformOp, Transformer, YuvImage,
};

use super::planes::Planes;
use super::shorten;
use crate::config::Preset;
use crate::failure::Failure;
use crate::jpeg::is_cmyk;
use crate::resize::Resizer;

/// Decoding at these fractions is as quick as their size; at others it is slower than decoding the
/// whole.
const FRACTIONS: [ScalingFactor; 3] =
    [ScalingFactor::ONE_EIGHTH, ScalingFactor::ONE_QUARTER, ScalingFactor::ONE_HALF];

/// A decoder, an encoder and their buffers, for one thread.
#[derive(Debug)]
pub(crate) struct Codec {
    decoder: Decompressor,
    encoder: Compressor,
    /// The planes decoded last.
    pub(crate) planes: Planes,
    spare: Planes,
    pub(crate) resizer: Resizer,
    /// What was encoded last: a whole JPEG file.
    pub(crate) encoded: Vec<u8>,
    /// The same before its codes were shortened.
    coded: Vec<u8>,
}

impl Codec {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self {
            decoder: decoder()?,
            encoder: Compressor::new().map_err(refused)?,
            planes: Planes::new(),
            spare: Planes::new(),
            resizer: Resizer::default(),
            encoded: Vec::new(),
            coded: Vec::new(),
        })
    }

    /// Forgets all tables, as between two images: libjpeg keeps those of the last one and decodes
    /// an image that lacks its own with them.
    pub(crate) fn renew(&mut self) -> Result<(), Failure> {
        self.decoder = decoder()?;
        self.encoder = Compressor::new().map_err(refused)?;
        Ok(())
    }

    pub(crate) fn header(&mut self, source: &[u8]) -> Result<DecompressHeader, Failure> {
        self.decoder.read_header(source).map_err(refused)
    }

    /// Decodes into [`planes`](Self::planes), resized to `target`. Returns whether damage was
    /// passed over.
    pub(crate) fn decode_planes(
        &mut self,
        source: &[u8],
        header: &DecompressHeader,
        target: (u32, u32),
        salvage: bool,
    ) -> Result<bool, Failure> {
        let scale = fraction(header, target);
        self.decoder.set_scaling_factor(scale).map_err(refused)?;
        let scaled = header.scaled(scale);
        let size = (side(scaled.width), side(scaled.height));
        self.planes.set(size.0, size.1, header.subsamp);
        let to = YuvImage {
            pixels: self.planes.bytes.as_mut_slice(),
            width: scaled.width,
            align: 1,
            height: scaled.height,
            subsamp: header.subsamp,
        };
        let damaged = tolerate(self.decoder.decompress_to_yuv(source, to), salvage)?;
        if size != target {
            self.planes.resize(&mut self.spare, target, &mut self.resizer)?;
            std::mem::swap(&mut self.planes, &mut self.spare);
        }
        Ok(damaged)
    }

    /// Encodes [`planes`](Self::planes) into [`encoded`](Self::encoded).
    pub(crate) fn encode_planes(&mut self, quality: u8, preset: Preset) -> Result<(), Failure> {
        let planes = &self.planes;
        if preset == Preset::Small
            && let Some(chroma) = small_chroma(planes.chroma)
        {
            let (encoder, layout) = (small(quality, chroma), planes.layout());
            let plane = |index: usize| {
                layout
                    .get(index)
                    .map_or(&[][..], |plane| &planes.bytes[plane.start..plane.start + plane.len()])
            };
            let stride = |index: usize| layout.get(index).map_or(0, |plane| plane.stride);
            self.encoded.clear();
            if chroma == Subsampling::Gray {
                encoder.encode_gray_to_writer(
                    plane(0),
                    planes.width,
                    planes.height,
                    &mut self.encoded,
                )
            } else {
                encoder.encode_ycbcr_planar_strided_to_writer(
                    plane(0),
                    stride(0),
                    plane(1),
                    stride(1),
                    plane(2),
                    stride(2),
                    planes.width,
                    planes.height,
                    &mut self.encoded,
                )
            }
            .map_err(not_encoded)?;
            return self.shorten();
        }
        self.encoder.set_quality(quality.into()).map_err(refused)?;
        self.encoder.set_optimize(preset == Preset::Small).map_err(refused)?;
        let from = YuvImage {
            pixels: planes.bytes.as_slice(),
            width: planes.width as usize,
            align: 1,
            height: planes.height as usize,
            subsamp: planes.chroma,
        };
        let mut buffer = OutputBuf::new_owned();
        self.encoder.compress_yuv(from, &mut buffer).map_err(refused)?;
        self.encoded.clear();
        self.encoded.extend_from_slice(&buffer);
        Ok(())
    }

    /// Decodes to grey, RGB or (as RGBA) the four inks of CMYK, at a fraction that is not below
    /// `target`.
    pub(crate) fn decode_pixels(
        &mut self,
        source: &[u8],
        header: &DecompressHeader,
        target: (u32, u32),
        salvage: bool,
    ) -> Result<(DynamicImage, bool), Failure> {
        let scale = if header.is_lossless { ScalingFactor::ONE } else { fraction(header, target) };
        self.decoder.set_scaling_factor(scale).map_err(refused)?;
        let scaled = header.scaled(scale);
        let format = match header.colorspace {
            turbojpeg::Colorspace::Gray => PixelFormat::GRAY,
            colours if is_cmyk(colours) => PixelFormat::CMYK,
            _ => PixelFormat::RGB,
        };
        let pitch = scaled.width * format.size();
        let mut pixels = vec![0; pitch * scaled.height];
        let to = Image {
            pixels: pixels.as_mut_slice(),
            width: scaled.width,
            pitch,
            height: scaled.height,
            format,
        };
        let damaged = tolerate(self.decoder.decompress(source, to), salvage)?;
        let (width, height) = (side(scaled.width), side(scaled.height));
        let image = match format {
            PixelFormat::GRAY => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
            PixelFormat::CMYK => RgbaImage::from_raw(width, height, pixels).map(DynamicImage::from),
            _ => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        };
        Ok((image.expect("the buffer was made for these sides"), damaged))
    }

    /// Encodes pixels without transparency into [`encoded`](Self::encoded).
    pub(crate) fn encode_pixels(
        &mut self,
        pixels: &DynamicImage,
        cmyk: bool,
        quality: u8,
        chroma: Subsamp,
        preset: Preset,
    ) -> Result<(), Failure> {
        let converted;
        let (bytes, format) = match pixels {
            DynamicImage::ImageLuma8(grey) => (grey.as_raw(), PixelFormat::GRAY),
            DynamicImage::ImageRgb8(rgb) => (rgb.as_raw(), PixelFormat::RGB),
            DynamicImage::ImageRgba8(inks) if cmyk => (inks.as_raw(), PixelFormat::CMYK),
            other => {
                converted = other.to_rgb8();
                (converted.as_raw(), PixelFormat::RGB)
            }
        };
        let (width, height) = (pixels.width(), pixels.height());
        let chroma = if format == PixelFormat::GRAY { Subsamp::Gray } else { chroma };
        self.encoded.clear();
        if preset == Preset::Small
            && !cmyk
            && let Some(small_chroma) = small_chroma(chroma)
        {
            let encoder = small(quality, small_chroma);
            match format {
                PixelFormat::GRAY => {
                    encoder.encode_gray_to_writer(bytes, width, height, &mut self.encoded)
                }
                _ => encoder.encode_rgb_to_writer(bytes, width, height, &mut self.encoded),
            }
            .map_err(not_encoded)?;
            return self.shorten();
        }
        self.encoder.set_quality(quality.into()).map_err(refused)?;
        self.encoder.set_optimize(preset == Preset::Small).map_err(refused)?;
        self.encoder.set_subsamp(chroma).map_err(refused)?;
        let from = Image {
            pixels: bytes.as_slice(),
            width: width as usize,
            pitch: width as usize * format.size(),
            height: height as usize,
            format,
        };
        let mut buffer = OutputBuf::new_owned();
        self.encoder.compress(from, &mut buffer).map_err(refused)?;
        self.encoded.extend_from_slice(&buffer);
        Ok(())
    }

    /// Gives what mozjpeg-rs wrote with everybody's code tables its own.
    fn shorten(&mut self) -> Result<(), Failure> {
        std::mem::swap(&mut self.encoded, &mut self.coded);
        shorten::shorten(&self.coded, &mut self.encoded)
    }

    /// Turns the coefficients and writes them with better tables into [`encoded`](Self::encoded).
    /// Returns whether the image stands upright now, and whether damage was passed over.
    pub(crate) fn transform(
        &mut self,
        source: &[u8],
        orientation: Orientation,
        small: bool,
        salvage: bool,
    ) -> Result<(bool, bool), Failure> {
        let mut transformer = Transformer::new().map_err(refused)?;
        let mut run = |op: TransformOp| {
            let mut transform = Transform::op(op);
            transform.perfect = true;
            transform.copy_none = true;
            transform.optimize = !small;
            transform.progressive = small;
            let mut buffer = OutputBuf::new_owned();
            let damaged =
                tolerate(transformer.transform(&transform, source, &mut buffer), salvage)?;
            self.encoded.clear();
            self.encoded.extend_from_slice(&buffer);
            Ok::<_, Failure>(damaged)
        };
        let upright = operation(orientation);
        match run(upright) {
            Ok(damaged) => Ok((true, damaged)),
            Err(failure) if upright == TransformOp::None => Err(failure),
            Err(_) => Ok((false, run(TransformOp::None)?)),
        }
    }
}

fn decoder() -> Result<Decompressor, Failure> {
    let mut decoder = Decompressor::new().map_err(refused)?;
    decoder.set_scan_limit(200).map_err(refused)?;
    Ok(decoder)
}

/// The smallest fraction that is not below the size that is wanted.
fn fraction(header: &DecompressHeader, (width, height): (u32, u32)) -> ScalingFactor {
    let is_enough = |scale: &ScalingFactor| {
        let scaled = header.scaled(*scale);
        scaled.width >= width as usize && scaled.height >= height as usize
    };
    FRACTIONS.into_iter().find(is_enough).unwrap_or(ScalingFactor::ONE)
}

fn operation(orientation: Orientation) -> TransformOp {
    match orientation {
        Orientation::NoTransforms => TransformOp::None,
        Orientation::FlipHorizontal => TransformOp::Hflip,
        Orientation::Rotate180 => TransformOp::Rot180,
        Orientation::FlipVertical => TransformOp::Vflip,
        Orientation::Rotate90FlipH => TransformOp::Transpose,
        Orientation::Rotate90 => TransformOp::Rot90,
        Orientation::Rotate270FlipH => TransformOp::Transverse,
        Orientation::Rotate270 => TransformOp::Rot270,
    }
}

/// The trellis finds, for each block, the coefficients that cost the fewest bits for what they
/// show. For the averages of blocks it would take a fourth of the time and save a thousandth of the
/// bytes.
fn small(quality: u8, chroma: Subsampling) -> Encoder {
    let trellis = TrellisConfig::default().dc_trellis(false);
    let encoder =
        Encoder::new(Moz::BaselineBalanced).quality(quality).subsampling(chroma).trellis(trellis);
    // It would hold all coefficients to count them; its codes are shortened afterwards.
    encoder.optimize_huffman(false)
}

fn small_chroma(chroma: Subsamp) -> Option<Subsampling> {
    match chroma {
        Subsamp::None => Some(Subsampling::S444),
        Subsamp::Sub2x1 => Some(Subsampling::S422),
        Subsamp::Sub2x2 => Some(Subsampling::S420),
        Subsamp::Sub1x2 => Some(Subsampling::S440),
        Subsamp::Gray => Some(Subsampling::Gray),
        _ => None,
    }
}

fn not_encoded(error: mozjpeg_rs::Error) -> Failure {
    Failure::unsupported(format!("mozjpeg-rs cannot encode it: {error}"))
}

fn side(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// What libjpeg calls a warning: it went on, and the image has a hole.
fn is_warning(text: &str) -> bool {
    ["Corrupt JPEG data", "Premature end", "Inconsistent progression", "Unexpected marker"]
        .iter()
        .any(|warning| text.starts_with(warning))
}

fn tolerate(result: turbojpeg::Result<()>, salvage: bool) -> Result<bool, Failure> {
    match result {
        Ok(()) => Ok(false),
        Err(Error::TurboJpegError(text)) if salvage && is_warning(&text) => Ok(true),
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: Error) -> Failure {
    let text = match error {
        Error::TurboJpegError(text) => text,
        other => other.to_string(),
    };
    let lower = text.to_ascii_lowercase();
    if lower.contains("unsupported")
        || lower.contains("precision")
        || lower.contains("not implemented")
    {
        Failure::unsupported(text)
    } else {
        Failure::damaged(text)
    }
}

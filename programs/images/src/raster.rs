//! Pixels with what belongs to them: profile, EXIF, how to turn them. `decode.rs` makes them of any
//! format.

use image::DynamicImage;
use image::error::{ImageError, LimitErrorKind};
use image::metadata::Orientation;

use crate::exif;
use crate::failure::{Failure, FailureKind};
use crate::kind::Kind;
use crate::made::Note;

/// Pixels and what belongs to them.
#[derive(Debug)]
pub(crate) struct Raster {
    pub(crate) pixels: DynamicImage,
    /// A TIFF header and what follows it.
    pub(crate) exif: Option<Vec<u8>>,
    pub(crate) icc: Option<Vec<u8>>,
    /// Chunks of a PNG that stay with its pixels in another PNG.
    pub(crate) png: Vec<u8>,
    pub(crate) orientation: Orientation,
    pub(crate) notes: Vec<Note>,
}

impl Raster {
    pub(crate) fn new(pixels: DynamicImage) -> Self {
        Self {
            pixels,
            exif: None,
            icc: None,
            png: Vec::new(),
            orientation: Orientation::NoTransforms,
            notes: Vec::new(),
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
            DynamicImage::ImageLumaA16(_)
            | DynamicImage::ImageRgba16(_)
            | DynamicImage::ImageRgba32F(_) => DynamicImage::ImageRgba8(self.pixels.to_rgba8()),
            DynamicImage::ImageRgb16(_) | DynamicImage::ImageRgb32F(_) => {
                DynamicImage::ImageRgb8(self.pixels.to_rgb8())
            }
            _ => return,
        };
        self.pixels = reduced;
        self.notes.push(Note::ReducedTo8Bits);
    }
}

/// Why a decoder refused an image, in this program's terms.
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
            Failure::damaged(format!("it is truncated: the {kind} ends before the image does"))
        }
        other => Failure::damaged(other.to_string()),
    }
}

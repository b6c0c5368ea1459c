//! Settings, images and ways to compare them.

use image::{DynamicImage, RgbImage};
use images::{Compressor, Failure, Made, Settings};

/// What settings make of an image: the result, or the original where that is to be used.
pub(crate) fn compress(source: &[u8], settings: &Settings) -> Result<(Made, Vec<u8>), Failure> {
    let mut out = Vec::new();
    let made = Compressor::new().compress(source, settings, &mut out)?;
    let bytes = if made.kept.is_some() { source.to_vec() } else { out };
    Ok((made, bytes))
}

pub(crate) fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
}

/// A drawing in which each corner looks different, so that turning it shows.
pub(crate) fn drawing(width: u32, height: u32) -> DynamicImage {
    let mut image = RgbImage::from_fn(width, height, |x, y| {
        let part = |at: u32, all: u32| (at * 160 / all) as u8 + 40;
        image::Rgb([part(x, width), part(y, height), part(x + y, width + height)])
    });
    let (third, fifth) = (width / 3, height / 5);
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        if x < third && y < fifth {
            pixel.0 = [250, 20, 20];
        } else if x >= width - third && y < 2 * fifth {
            pixel.0 = [20, 200, 30];
        } else if x < third && y >= height - fifth {
            pixel.0 = [20, 30, 220];
        }
    }
    image.into()
}

/// The mean difference of two images of the same size, in steps of 255.
#[track_caller]
pub(crate) fn difference(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let sum: u64 = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.as_raw().len() as f64
}

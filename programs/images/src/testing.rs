//! Images to try the program with; made, not stored, and the same each time. For tests, the demo
//! and benchmarks.

use image::metadata::Orientation;
use image::{DynamicImage, Rgb, RgbImage};
use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use crate::exif;

/// An image that compresses like a photograph: clouds of several sizes, a hill, and the grain of a
/// sensor.
///
/// `grain` is the amplitude of the noise: 0 for a drawing, 0.1 for a photograph that is kept at a
/// high quality.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it draws"
)]
pub fn photo(width: u32, height: u32, seed: u32, grain: f32) -> RgbImage {
    let mut noise = 0x9E37_79B9_7F4A_7C15 ^ u64::from(seed).wrapping_mul(0xD134_2543_DE82_EF95);
    RgbImage::from_fn(width, height, |x, y| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        let grains = [0, 8, 16].map(|shift| (noise >> shift & 0xFF) as f32 / 255.0 - 0.5);
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let clouds = cloud(u, v, 5.0, seed) * 0.5
            + cloud(u, v, 31.0, seed + 1) * 0.25
            + cloud(u, v, 173.0, seed + 2) * 0.15;
        let sky = [0.35 + 0.5 * clouds, 0.5 + 0.4 * clouds, 0.75 + 0.25 * clouds];
        let ground = [0.2 + 0.4 * clouds, 0.35 + 0.35 * clouds, 0.15 + 0.2 * clouds];
        let is_hill = v > 0.6 + 0.1 * (u * 9.0 + seed as f32).sin();
        let colours = if is_hill { ground } else { sky };
        Rgb([0, 1, 2].map(|c| ((colours[c] + grain * grains[c]).clamp(0.0, 1.0) * 255.0) as u8))
    })
}

/// Value noise between 0 and 1: random numbers at the corners of a grid, smoothly joined.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it draws"
)]
fn cloud(u: f32, v: f32, cells: f32, seed: u32) -> f32 {
    let (x, y) = (u * cells, v * cells);
    let (left, top) = (x.floor(), y.floor());
    let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
    let (across, down) = (smooth(x - left), smooth(y - top));
    let corner = |dx: f32, dy: f32| {
        let mut hash = (left + dx) as u32;
        hash = hash.wrapping_mul(0x85EB_CA6B);
        hash ^= ((top + dy) as u32).wrapping_mul(0xC2B2_AE35) ^ seed.wrapping_mul(0x27D4_EB2F);
        hash = (hash ^ hash >> 15).wrapping_mul(0x2C1B_3C6D);
        ((hash ^ hash >> 12) & 0xFFFF) as f32 / 65_535.0
    };
    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
    let top = mix(corner(0.0, 0.0), corner(1.0, 0.0), across);
    mix(top, mix(corner(0.0, 1.0), corner(1.0, 1.0), across), down)
}

/// The image as JPEG; `chroma` is what 4:2:0 and its like are called, such as `"420"`, or
/// `"cmyk"`.
///
/// # Panics
/// When turbojpeg does not encode it.
#[must_use]
pub fn jpeg(image: &DynamicImage, quality: u8, chroma: &str) -> Vec<u8> {
    let mut compressor = Compressor::new().expect("turbojpeg has memory");
    compressor.set_quality(quality.into()).expect("a quality from 1 to 100");
    let subsamp = match chroma {
        "444" | "cmyk" => Subsamp::None,
        "422" => Subsamp::Sub2x1,
        "440" => Subsamp::Sub1x2,
        "411" => Subsamp::Sub4x1,
        "gray" => Subsamp::Gray,
        _ => Subsamp::Sub2x2,
    };
    compressor.set_subsamp(subsamp).expect("one of turbojpeg's");
    let (pixels, format) = match chroma {
        "cmyk" => (image.to_rgba8().into_raw(), PixelFormat::CMYK),
        "gray" => (image.to_luma8().into_raw(), PixelFormat::GRAY),
        _ => (image.to_rgb8().into_raw(), PixelFormat::RGB),
    };
    let (width, height) = (image.width() as usize, image.height() as usize);
    let image =
        Image { pixels: pixels.as_slice(), width, pitch: width * format.size(), height, format };
    compressor.compress_to_vec(image).expect("a whole image")
}

/// The same JPEG with an EXIF block in front that has nothing but this orientation, from 1 to 8.
///
/// # Panics
/// When there is no such orientation.
#[must_use]
pub fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let orientation = Orientation::from_exif(orientation).expect("1 to 8");
    with_segment(
        jpeg,
        0xE1,
        &[b"Exif\0\0".as_slice(), &exif::only_orientation(orientation)].concat(),
    )
}

/// The same JPEG with a segment in front.
///
/// # Panics
/// When the content is longer than a segment.
#[must_use]
pub fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).expect("a segment has less than 64 KiB");
    [&[0xFF, 0xD8, 0xFF, marker], length.to_be_bytes().as_slice(), content, &jpeg[2..]].concat()
}

/// How an image looks: its pixels, turned as it says. JPEG through turbojpeg, the rest through
/// this crate.
///
/// # Panics
/// When it does not decode.
#[must_use]
pub fn look(image: &[u8]) -> RgbImage {
    let mut codec = None;
    let probe = crate::probe::of(image).expect("an image");
    let settings = crate::Settings::default();
    let raster = crate::decode::decode(&mut codec, image, &probe, &settings);
    let mut raster = raster.expect("a sound image");
    raster.stand_upright();
    raster.pixels.to_rgb8()
}

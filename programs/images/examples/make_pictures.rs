//! Makes pictures that compress like photographs, for the demo and the benchmarks:
//! `make_pictures DIR COUNT [WIDTHxHEIGHT] [QUALITY]`.
//!
//! Clouds of several sizes, edges of shapes, and the noise of a sensor. The same arguments make the same pictures. Each has
//! an EXIF block; their orientations differ.
#![expect(clippy::print_stderr, reason = "a tool for the command line")]

use std::error::Error;
use std::fs;
use std::path::Path;

use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count, rest @ ..] = args.as_slice() else {
        eprintln!("make_pictures DIR COUNT [WIDTHxHEIGHT] [QUALITY]");
        return Err("two arguments at least".into());
    };
    let size = rest.first().map_or("4000x3000", String::as_str);
    let (width, height) = size.split_once('x').ok_or("the size is WIDTHxHEIGHT")?;
    let (width, height) = (width.parse()?, height.parse()?);
    let quality = rest.get(1).map_or(Ok(92), |quality| quality.parse())?;
    let mut compressor = Compressor::new()?;
    compressor.set_quality(quality)?;
    compressor.set_subsamp(Subsamp::Sub2x2)?;
    for number in 0..count.parse()? {
        let path = Path::new(folder).join(format!("roll{}/photo{number:03}.jpg", number / 50));
        fs::create_dir_all(path.parent().unwrap_or(Path::new(folder)))?;
        let pixels = photo(width, height, number);
        let image = Image { pixels: pixels.as_slice(), width, pitch: width * 3, height, format: PixelFormat::RGB };
        let encoded = compressor.compress_to_vec(image)?;
        fs::write(path, with_exif(&encoded, u8::try_from(1 + number % 8)?))?;
    }
    Ok(())
}

/// RGB, three bytes a pixel.
fn photo(width: usize, height: usize, seed: u32) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(width * height * 3);
    let mut noise = 0x9E37_79B9_7F4A_7C15 ^ u64::from(seed).wrapping_mul(0xD134_2543_DE82_EF95);
    for y in 0..height {
        for x in 0..width {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            let grain = [noise & 0xFF, noise >> 8 & 0xFF, noise >> 16 & 0xFF].map(|bits| bits as f32 / 255.0 - 0.5);
            let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
            let clouds = cloud(u, v, 5.0, seed) * 0.5 + cloud(u, v, 31.0, seed + 1) * 0.25 + cloud(u, v, 173.0, seed + 2) * 0.15;
            let hill = v > 0.6 + 0.1 * (u * 9.0 + seed as f32).sin();
            let sky = [0.35 + 0.5 * clouds, 0.5 + 0.4 * clouds, 0.75 + 0.25 * clouds];
            let ground = [0.2 + 0.4 * clouds, 0.35 + 0.35 * clouds, 0.15 + 0.2 * clouds];
            let colours = if hill { ground } else { sky };
            pixels.extend((0..3).map(|c| ((colours[c] + 0.045 * grain[c]).clamp(0.0, 1.0) * 255.0) as u8));
        }
    }
    pixels
}

/// Value noise between 0 and 1: random numbers at the corners of a grid, smoothly joined.
fn cloud(u: f32, v: f32, cells: f32, seed: u32) -> f32 {
    let (x, y) = (u * cells, v * cells);
    let (left, top) = (x.floor(), y.floor());
    let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
    let (across, down) = (smooth(x - left), smooth(y - top));
    let corner = |dx: f32, dy: f32| {
        let mut hash = (left + dx) as u32;
        hash = hash.wrapping_mul(0x85EB_CA6B) ^ ((top + dy) as u32).wrapping_mul(0xC2B2_AE35) ^ seed.wrapping_mul(0x27D4_EB2F);
        hash ^= hash >> 15;
        hash = hash.wrapping_mul(0x2C1B_3C6D);
        hash ^= hash >> 12;
        (hash & 0xFFFF) as f32 / 65_535.0
    };
    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
    mix(mix(corner(0.0, 0.0), corner(1.0, 0.0), across), mix(corner(0.0, 1.0), corner(1.0, 1.0), across), down)
}

/// Puts an EXIF block with nothing but the orientation behind the start marker.
fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut bytes = b"\xFF\xD8\xFF\xE1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    bytes.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(&jpeg[2..]);
    bytes
}

//! C mozjpeg with its defaults (progressive, trellis, optimised scans):
//! `engine-mozjpeg OUT QUALITY FILE...`.
//!
//! A binary of its own, because it and the program's libjpeg-turbo define the same symbols. One
//! process works on one file after the other; run as many as there are cores.

use std::error::Error;
use std::path::Path;

use mozjpeg::{ColorSpace, Compress, Decompress};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [out, quality, files @ ..] = args.as_slice() else {
        return Err("usage: engine-mozjpeg OUT QUALITY FILE...".into());
    };
    let quality = quality.parse()?;
    for file in files {
        let name = Path::new(file).file_name().ok_or("a file has a name")?;
        std::fs::write(Path::new(out).join(name), recode(&std::fs::read(file)?, quality)?)?;
    }
    Ok(())
}

fn recode(source: &[u8], quality: f32) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut decoder = Decompress::new_mem(source)?.rgb()?;
    let (width, height) = (decoder.width(), decoder.height());
    let pixels: Vec<u8> = decoder.read_scanlines()?;
    decoder.finish()?;
    let mut encoder = Compress::new(ColorSpace::JCS_RGB);
    encoder.set_size(width, height);
    encoder.set_quality(quality);
    let mut encoder = encoder.start_compress(Vec::new())?;
    encoder.write_scanlines(&pixels)?;
    Ok(encoder.finish()?)
}

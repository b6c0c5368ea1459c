//! How alike images look: `engine-quality ORIGINALS RESULTS` prints the mean SSIMULACRA2 of files
//! of the same name.
//!
//! 100 is identical, 90 looks the same side by side, 70 is high quality, 50 is medium. Both
//! directories are decoded by the same decoder, which none of the programs measured uses.

use std::error::Error;
use std::fs;
use std::path::Path;

use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [originals, results] = args.as_slice() else {
        return Err("usage: engine-quality ORIGINALS RESULTS".into());
    };
    let (mut sum, mut count) = (0.0, 0_u32);
    for entry in fs::read_dir(originals)? {
        let entry = entry?;
        let result = Path::new(results).join(entry.file_name());
        if result.is_file() {
            sum += compute_frame_ssimulacra2(decode(&entry.path())?, decode(&result)?)?;
            count += 1;
        }
    }
    println!("{:.2} of {count} images", sum / f64::from(count.max(1)));
    Ok(())
}

fn decode(path: &Path) -> Result<Rgb, Box<dyn Error>> {
    let mut decoder = JpegDecoder::new(ZCursor::new(fs::read(path)?));
    let pixels = decoder.decode()?;
    let (width, height) = decoder.dimensions().ok_or("a decoded image has a size")?;
    let data = pixels
        .chunks_exact(3)
        .map(|rgb| [0, 1, 2].map(|channel| f32::from(rgb[channel]) / 255.0))
        .collect();
    Ok(Rgb::new(data, width, height, TransferCharacteristic::SRGB, ColorPrimaries::BT709)?)
}

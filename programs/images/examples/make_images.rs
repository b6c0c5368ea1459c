//! Makes images that compress like photographs, for the demo and the benchmarks:
//! `make_images DIR COUNT [WIDTHxHEIGHT] [QUALITY]`.
//!
//! The same arguments make the same images. Each has an EXIF block; their orientations differ.
#![expect(clippy::print_stderr, reason = "a tool for the command line")]

use std::error::Error;
use std::fs;
use std::path::Path;

use images::testing;

/// With it, 12 megapixels at quality 92 have about 4.8 MB.
const GRAIN: f32 = 0.15;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [directory, count, rest @ ..] = args.as_slice() else {
        eprintln!("make_images DIR COUNT [WIDTHxHEIGHT] [QUALITY]");
        return Err("two arguments at least".into());
    };
    let size = rest.first().map_or("4000x3000", String::as_str);
    let (width, height) = size.split_once('x').ok_or("the size is WIDTHxHEIGHT")?;
    let (width, height) = (width.parse()?, height.parse()?);
    let quality = rest.get(1).map_or(Ok(92), |quality| quality.parse())?;
    for number in 0..count.parse()? {
        let path = Path::new(directory).join(format!("roll{}/photo{number:03}.jpg", number / 50));
        fs::create_dir_all(path.parent().unwrap_or(Path::new(directory)))?;
        let image = testing::photo(width, height, number, GRAIN).into();
        let jpeg = testing::jpeg(&image, quality, "420");
        fs::write(path, testing::with_orientation(&jpeg, u8::try_from(1 + number % 8)?))?;
    }
    Ok(())
}

//! Images look the same before and after, however they are stored and whatever is kept.

use images::{Fit, Keep, Kind, Preset, testing};

use crate::files::{after_header, chunk, exif, has, written};
use crate::support::{compress, difference, drawing, settings};

#[test]
fn all_eight_orientations_look_the_same_after_every_way_of_compressing() {
    for orientation in 1..=8 {
        for (chroma, size) in
            [("420", (160, 96)), ("422", (150, 90)), ("444", (97, 61)), ("gray", (64, 40))]
        {
            let jpeg = testing::jpeg(&drawing(size.0, size.1), 95, chroma);
            let source = testing::with_orientation(&jpeg, orientation);
            let before = testing::look(&source);
            for (name, way) in [
                ("fast", settings(|it| it.quality = 85)),
                ("small", settings(|it| (it.quality, it.preset) = (85, Preset::Small))),
                ("strip", settings(|it| (it.quality, it.keep) = (85, Keep::NOTHING))),
                ("lossless", settings(|it| it.lossless = true)),
                ("lossless strip", settings(|it| (it.lossless, it.keep) = (true, Keep::NOTHING))),
                ("webp", settings(|it| (it.quality, it.format) = (90, Some(Kind::Webp)))),
                ("png", settings(|it| it.format = Some(Kind::Png))),
                ("avif", settings(|it| (it.quality, it.format) = (90, Some(Kind::Avif)))),
            ] {
                if name == "avif" && chroma != "420" {
                    continue;
                }
                let (made, after) = compress(&source, &way).unwrap();
                let apart = difference(&before, &testing::look(&after));
                assert!(apart < 4.0, "{orientation} {chroma} {name}: {apart} {made:?}");
            }
        }
    }
}

#[test]
fn a_resized_image_fits_as_it_is_looked_at() {
    for orientation in 1..=8 {
        let jpeg = testing::jpeg(&drawing(400, 240), 95, "420");
        let source = testing::with_orientation(&jpeg, orientation);
        let sideways = orientation >= 5;
        let (wide, high) = (Fit { width: 100, height: 50 }, Fit { width: 50, height: 100 });
        let ways = [(false, None), (true, None), (false, Some(Kind::Webp))];
        for ((strip, format), fit) in ways.into_iter().flat_map(|way| [(way, wide), (way, high)]) {
            let way = settings(|it| {
                it.resize = Some(fit);
                it.keep = if strip { Keep::NOTHING } else { Keep::ALL };
                it.format = format;
            });
            let (_, after) = compress(&source, &way).unwrap();
            let wanted = match (sideways, fit == wide) {
                (false, true) => (83, 50),
                (false, false) => (50, 30),
                (true, true) => (30, 50),
                (true, false) => (50, 83),
            };
            let small = testing::look(&after);
            assert_eq!(small.dimensions(), wanted, "orientation {orientation}, strip {strip}");
            let before = testing::look(&source);
            let resized =
                image::imageops::resize(&before, wanted.0, wanted.1, image::imageops::Lanczos3);
            let apart = difference(&resized, &small);
            assert!(apart < 6.0, "orientation {orientation}, strip {strip}: {apart}");
        }
    }
}

#[test]
fn a_png_whose_orientation_is_not_kept_is_turned_itself() {
    use image::{DynamicImage, ImageFormat};
    let drawing = drawing(96, 64);
    let palette = DynamicImage::ImageRgb8(image::imageops::resize(
        &drawing.to_rgb8(),
        96,
        64,
        image::imageops::FilterType::Nearest,
    ));
    for image in [
        drawing.clone(),
        palette,
        DynamicImage::ImageLuma8(drawing.to_luma8()),
        DynamicImage::ImageRgba8(drawing.to_rgba8()),
        DynamicImage::ImageRgb16(drawing.to_rgb16()),
    ] {
        let plain = written(&image, ImageFormat::Png);
        let gamma = chunk(b"gAMA", &45_455_u32.to_be_bytes());
        for orientation in 2..=8 {
            let source =
                after_header(&plain, &[gamma.clone(), chunk(b"eXIf", &exif(orientation))].concat());
            for keep in [Keep::NOTHING, Keep { exif: false, ..Keep::ALL }] {
                for lossless in [false, true] {
                    let way = settings(|it| (it.keep, it.lossless) = (keep, lossless));
                    let (made, after) = compress(&source, &way).unwrap();
                    assert_eq!(made.kept, None);
                    assert!(!has(&after, b"eXIf") && has(&after, &gamma), "{orientation}");
                    let mut upright = image.clone();
                    upright.apply_orientation(
                        image::metadata::Orientation::from_exif(orientation).unwrap(),
                    );
                    let after = image::load_from_memory(&after).unwrap();
                    assert_eq!(upright.to_rgba16(), after.to_rgba16());
                }
            }
            let (_, after) = compress(&source, &settings(|_| {})).unwrap();
            assert!(has(&after, &exif(orientation)), "kept, it still says how to turn the pixels");
        }
    }
}

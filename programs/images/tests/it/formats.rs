//! Formats: what each becomes, which bits and inks are kept, sizes and qualities.

use image::{DynamicImage, ImageBuffer, ImageFormat};
use images::{FailureKind, Fit, Kind, Note, Preset, testing};

use crate::support::{compress, difference, drawing, settings};

fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[test]
fn every_format_that_is_read_becomes_every_format_that_is_written() {
    let image = drawing(200, 120);
    let before = image.to_rgb8();
    for format in [ImageFormat::Png, ImageFormat::Gif, ImageFormat::Tiff, ImageFormat::Bmp] {
        let source = written(&image, format);
        for to in [Kind::Jpeg, Kind::Png, Kind::Webp, Kind::Avif] {
            let way = settings(|it| (it.format, it.quality) = (Some(to), 85));
            let (made, after) = compress(&source, &way).unwrap();
            let is = Kind::of(&after).unwrap();
            assert_eq!(is, if made.kept.is_some() { made.from } else { to });
            // A GIF has 256 colours.
            let apart = difference(&before, &testing::look(&after));
            assert!(
                apart < if format == ImageFormat::Gif { 12.0 } else { 4.0 },
                "{format:?} to {to}: {apart}"
            );
        }
    }
}

#[test]
fn no_result_is_larger_than_its_original() {
    for (width, height) in [(1, 1), (7, 3), (300, 200)] {
        let image = drawing(width, height);
        for source in [
            testing::jpeg(&image, 20, "420"),
            written(&image, ImageFormat::Png),
            written(&image, ImageFormat::Gif),
        ] {
            for to in [None, Some(Kind::Jpeg), Some(Kind::Png), Some(Kind::Webp)] {
                let way = settings(|it| (it.format, it.quality) = (to, 95));
                let (made, after) = compress(&source, &way).unwrap();
                assert!(
                    after.len() < source.len() || (made.kept.is_some() && after == source),
                    "{made:?}"
                );
            }
        }
    }
}

#[test]
fn what_is_made_once_is_not_made_smaller_forever() {
    let source = testing::jpeg(&testing::photo(300, 200, 1, 0.1).into(), 92, "420");
    let (_, once) = compress(&source, &settings(|_| {})).unwrap();
    let (made, twice) = compress(&once, &settings(|_| {})).unwrap();
    assert_eq!(
        (made.quality, testing::look(&once)),
        (None, testing::look(&twice)),
        "only its coding may change"
    );
    assert!(compress(&twice, &settings(|_| {})).unwrap().0.kept.is_some());
}

#[test]
fn sixteen_bits_stay_in_png_and_are_reduced_elsewhere_with_a_note() {
    let deep: ImageBuffer<image::Rgb<u16>, Vec<u16>> = ImageBuffer::from_fn(64, 64, |x, y| {
        image::Rgb([(x * 1021 + y) as u16, (y * 997) as u16, (x * y * 17) as u16])
    });
    let source = written(&DynamicImage::ImageRgb16(deep.clone()), ImageFormat::Png);
    let (_, after) = compress(&source, &settings(|_| {})).unwrap();
    let same = image::load_from_memory(&after).unwrap().to_rgb16();
    assert_eq!(same, deep);
    let half = settings(|it| it.resize = Some(Fit { width: 32, height: 32 }));
    let resized = compress(&source, &half).unwrap().1;
    assert_eq!(image::load_from_memory(&resized).unwrap().color(), image::ColorType::Rgb16);
    let (made, _) = compress(&source, &settings(|it| it.format = Some(Kind::Webp))).unwrap();
    assert_eq!(made.notes, [Note::ReducedTo8Bits]);
}

#[test]
fn cmyk_keeps_its_inks_or_is_refused() {
    let inks = DynamicImage::ImageRgba8(ImageBuffer::from_fn(160, 120, |x, y| {
        image::Rgba([x as u8, y as u8, (x + y) as u8, 255 - x as u8])
    }));
    let source = testing::jpeg(&inks, 98, "cmyk");
    let (made, after) = compress(&source, &settings(|_| {})).unwrap();
    assert_eq!((made.kept, made.size), (None, (160, 120)));
    let decoded = turbojpeg::decompress(&after, turbojpeg::PixelFormat::CMYK).unwrap().pixels;
    let apart: u64 =
        decoded.iter().zip(inks.as_bytes()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>()
            / decoded.len() as u64;
    assert!(apart < 4, "{apart}");
    let webp = settings(|it| it.format = Some(Kind::Webp));
    let failure = compress(&source, &webp).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.reason.contains("CMYK"), "{failure}");
    // Without Adobe's marker nobody knows whether it is a negative.
    let adobe = source.windows(5).position(|name| name == b"Adobe").unwrap();
    let unknown = [&source[..adobe - 4], &source[adobe + 12..]].concat();
    assert_eq!(compress(&unknown, &settings(|_| {})).unwrap_err().kind, FailureKind::Unsupported);
}

#[test]
fn a_size_is_kept_by_lowering_the_quality_or_the_image_fails() {
    let source = testing::jpeg(&testing::photo(600, 400, 1, 0.1).into(), 95, "420");
    for format in [None, Some(Kind::Webp)] {
        for preset in [Preset::Fast, Preset::Small] {
            let way = |limit| {
                settings(|it| (it.max_size, it.preset, it.format) = (Some(limit), preset, format))
            };
            let (made, after) = compress(&source, &way(9_000)).unwrap();
            assert!(after.len() <= 9_000 && made.quality.unwrap() < 75, "{made:?}");
            assert_eq!(compress(&source, &way(300)).unwrap_err().kind, FailureKind::MaxSize);
            assert_eq!(compress(&source, &way(10_000_000)).unwrap().0.quality, Some(75));
        }
    }
}

#[test]
fn a_size_is_kept_also_where_the_quality_is_low_already() {
    let source = testing::jpeg(&testing::photo(600, 400, 1, 0.1).into(), 40, "420");
    let limit = source.len() as u64 * 9 / 10;
    let (made, after) = compress(&source, &settings(|it| it.max_size = Some(limit))).unwrap();
    assert!(after.len() as u64 <= limit, "{made:?}");
}

#[test]
fn a_lossless_run_changes_no_pixel() {
    let image = drawing(250, 130);
    let jpeg = testing::jpeg(&image, 90, "420");
    let webp = compress(
        &written(&image, ImageFormat::Bmp),
        &settings(|it| {
            (it.format, it.lossless) = (Some(Kind::Webp), true);
        }),
    );
    for source in [jpeg, written(&image, ImageFormat::Png), webp.unwrap().1] {
        for preset in [Preset::Fast, Preset::Small] {
            let way = settings(|it| (it.lossless, it.preset) = (true, preset));
            let (_, after) = compress(&source, &way).unwrap();
            assert_eq!(testing::look(&source), testing::look(&after));
        }
    }
    let to_jpeg = settings(|it| (it.lossless, it.format) = (true, Some(Kind::Jpeg)));
    let failure = compress(&written(&image, ImageFormat::Png), &to_jpeg).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
}

#[test]
fn of_an_animation_the_first_frame_is_taken_only_for_another_format() {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    for _ in 0..3 {
        encoder.encode_frame(image::Frame::new(drawing(120, 80).to_rgba8())).unwrap();
    }
    drop(encoder);
    let (made, after) = compress(&bytes, &settings(|_| {})).unwrap();
    assert!(made.kept.is_some() && after == bytes);
    let (made, _) = compress(&bytes, &settings(|it| it.format = Some(Kind::Webp))).unwrap();
    assert_eq!(made.notes, [Note::FirstFrameOnly]);
    let resize = settings(|it| it.resize = Some(Fit { width: 50, height: 50 }));
    assert_eq!(compress(&bytes, &resize).unwrap_err().kind, FailureKind::Unsupported);
}

#[test]
fn transparency_stays_or_becomes_white() {
    let mut image = drawing(100, 100).to_rgba8();
    image.enumerate_pixels_mut().filter(|(x, ..)| *x < 50).for_each(|(.., pixel)| pixel.0[3] = 0);
    let source = written(&DynamicImage::ImageRgba8(image), ImageFormat::Png);
    let (made, after) = compress(&source, &settings(|it| it.format = Some(Kind::Jpeg))).unwrap();
    assert_eq!(made.notes, [Note::AlphaOnWhite]);
    assert!(testing::look(&after).get_pixel(10, 50).0.iter().all(|channel| *channel > 245));
    let (made, _) = compress(&source, &settings(|it| it.format = Some(Kind::Webp))).unwrap();
    assert!(made.notes.is_empty());
}

//! Damaged images: no false success, no panic, no memory for what a header promises.

use std::io::Write;

use images::{FailureKind, Kind, Note, Settings, testing};

use crate::support::{compress, drawing, settings};

fn photo() -> Vec<u8> {
    testing::jpeg(&testing::photo(640, 480, 3, 0.1).into(), 92, "420")
}

fn progressive() -> Vec<u8> {
    let small = settings(|it| (it.lossless, it.preset) = (true, images::Preset::Small));
    let (made, bytes) = compress(&photo(), &small).unwrap();
    assert_eq!(made.kept, None, "a progressive one is smaller");
    bytes
}

#[track_caller]
fn refused(bytes: &[u8], settings: &Settings) -> FailureKind {
    match compress(bytes, settings) {
        Ok((made, _)) => panic!("a false success: {made:?}"),
        Err(failure) => {
            assert!(failure.reason.len() > 5, "{failure}");
            failure.kind
        }
    }
}

/// Ways to make something of an image, each of which reads it by another path.
fn ways() -> Vec<Settings> {
    vec![
        Settings::default(),
        settings(|it| it.preset = images::Preset::Small),
        settings(|it| it.lossless = true),
        settings(|it| it.resize = Some(images::Fit { width: 100, height: 100 })),
        settings(|it| it.format = Some(Kind::Webp)),
        settings(|it| it.keep = images::Keep::NOTHING),
    ]
}

#[test]
fn a_jpeg_truncated_anywhere_is_refused() {
    for whole in [photo(), progressive()] {
        for tenth in 0..10 {
            let cut = whole.len() * tenth / 10 + 1;
            for way in ways() {
                assert_ne!(refused(&whole[..cut], &way), FailureKind::Panic);
            }
        }
        // Also when nothing but the end marker is missing.
        assert_eq!(refused(&whole[..whole.len() - 2], &Settings::default()), FailureKind::Damaged);
    }
}

#[test]
fn a_jpeg_with_two_hundred_flipped_bytes_is_refused() {
    let whole = photo();
    for seed in 0..8_u64 {
        let mut damaged = whole.clone();
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        for _ in 0..200 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let at = 700 + usize::try_from(random % (whole.len() as u64 - 702)).unwrap();
            damaged[at] ^= 0xFF;
        }
        for way in ways() {
            assert_eq!(refused(&damaged, &way), FailureKind::Damaged, "seed {seed}");
        }
    }
}

#[test]
fn two_start_markers_are_refused() {
    let whole = photo();
    let twice = [&whole[..2], &whole].concat();
    assert_eq!(refused(&twice, &Settings::default()), FailureKind::Damaged);
    // A file that broke off and was started again.
    let again = [&whole[..whole.len() / 2], &whole].concat();
    assert_eq!(refused(&again, &Settings::default()), FailureKind::Damaged);
}

#[test]
fn a_header_that_promises_gigapixels_is_refused_before_anything_is_decoded() {
    let mut huge = photo();
    let frame = huge.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    huge[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xDC, 0xFF, 0xDC]);
    assert_eq!(refused(&huge, &Settings::default()), FailureKind::TooLarge);
}

#[test]
fn what_is_no_image_is_refused_whatever_its_name() {
    assert_eq!(refused(b"", &Settings::default()), FailureKind::Empty);
    assert_eq!(refused(b"My diary, today I", &Settings::default()), FailureKind::NotAnImage);
    assert_eq!(refused(&[0xFF], &Settings::default()), FailureKind::NotAnImage);
}

#[test]
fn salvaging_takes_what_can_be_read_and_says_so() {
    let whole = photo();
    let salvage = settings(|it| it.salvage = true);
    let (made, bytes) = compress(&whole[..whole.len() * 7 / 10], &salvage).unwrap();
    assert_eq!(made.notes, [Note::Salvaged]);
    assert_eq!(testing::look(&bytes).dimensions(), (640, 480));
    let (made, _) = compress(&whole, &salvage).unwrap();
    assert!(made.notes.is_empty(), "a sound image needs no salvage");
    refused(b"", &salvage);
    refused(&whole[..20], &salvage);
}

fn png(image: &image::DynamicImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn other_formats_truncated_or_flipped_are_refused() {
    let image = drawing(320, 200);
    for kind in [Kind::Png, Kind::Webp, Kind::Avif, Kind::Gif, Kind::Tiff, Kind::Bmp] {
        let whole = match kind {
            Kind::Webp | Kind::Avif => {
                compress(&png(&image), &settings(|it| it.format = Some(kind))).unwrap().1
            }
            _ => {
                let format = image::ImageFormat::from_extension(kind.endings()[0]).unwrap();
                let mut bytes = std::io::Cursor::new(Vec::new());
                image.to_rgb8().write_to(&mut bytes, format).unwrap();
                bytes.into_inner()
            }
        };
        assert_eq!(Kind::of(&whole), Some(kind));
        for tenth in 0..10 {
            let cut = whole.len() * tenth / 10 + 1;
            for way in [Settings::default(), settings(|it| it.format = Some(Kind::Jpeg))] {
                assert_ne!(refused(&whole[..cut], &way), FailureKind::Panic, "{kind} to {cut}");
            }
        }
    }
    let mut flipped = png(&image);
    for at in (200..flipped.len() - 20).step_by(37) {
        flipped[at] ^= 0x55;
    }
    assert_eq!(refused(&flipped, &Settings::default()), FailureKind::Damaged);
    let as_jpeg = settings(|it| it.format = Some(Kind::Jpeg));
    assert_eq!(refused(&flipped, &as_jpeg), FailureKind::Damaged);
}

/// A small PNG that says it is 100 x 100 and unpacks to 200 MB.
fn bomb() -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..200 {
        packed.write_all(&zeros).unwrap();
    }
    let mut bytes = b"\x89PNG\r\n\x1A\n".to_vec();
    let mut chunk = |name: &[u8; 4], data: &[u8]| {
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        let checked = [name.as_slice(), data].concat();
        bytes.extend_from_slice(&checked);
        let mut crc = flate2::Crc::new();
        crc.update(&checked);
        bytes.extend(crc.sum().to_be_bytes());
    };
    chunk(b"IHDR", &[0, 0, 0, 100, 0, 0, 0, 100, 8, 2, 0, 0, 0]);
    chunk(b"IDAT", &packed.finish().unwrap());
    chunk(b"IEND", &[]);
    bytes
}

#[test]
fn a_png_that_unpacks_to_more_than_its_pixels_is_refused() {
    assert_eq!(refused(&bomb(), &Settings::default()), FailureKind::Damaged);
    let mut huge = bomb();
    huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    assert_eq!(refused(&huge, &Settings::default()), FailureKind::TooLarge);
}

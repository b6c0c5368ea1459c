//! Colours that mean something else than their numbers: what cannot be converted is rejected, never
//! passed on.

use image::ImageFormat;
use images::{FailureKind, Fit, Kind, Note, Settings, testing};

use crate::files::{
    ADOBE, SRGB, Tiff, after_header, chunk, gamma, has, profile, srgb_curve, srgb_samples, written,
};
use crate::support::{compress, drawing, settings};

fn to(kind: Kind) -> Settings {
    settings(|it| it.format = Some(kind))
}

#[test]
fn a_png_whose_chunks_say_other_colours_than_srgb_stays_a_png() {
    let image = written(&drawing(90, 60), ImageFormat::Png);
    let numbers =
        |numbers: &[u32]| numbers.iter().flat_map(|it| it.to_be_bytes()).collect::<Vec<u8>>();
    let srgb = numbers(&[31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000]);
    let p3 = numbers(&[31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000]);
    let gamma = |gamma: u32| chunk(b"gAMA", &numbers(&[gamma]));
    for (chunks, is_srgb) in [
        ([gamma(45_455), chunk(b"cHRM", &srgb)].concat(), true),
        (chunk(b"cICP", &[1, 13, 0, 1]), true),
        ([chunk(b"sRGB", &[0]), gamma(45_455)].concat(), true),
        (gamma(100_000), false),
        (gamma(55_556), false),
        ([gamma(45_455), chunk(b"cHRM", &p3)].concat(), false),
        (chunk(b"cICP", &[9, 16, 0, 1]), false),
        ([chunk(b"cICP", &[12, 13, 0, 1]), chunk(b"sRGB", &[0])].concat(), false),
    ] {
        let source = after_header(&image, &chunks);
        for kind in [Kind::Jpeg, Kind::Webp, Kind::Avif] {
            let made = compress(&source, &to(kind));
            assert_eq!(
                made.as_ref().err().map(|failure| failure.kind),
                (!is_srgb).then_some(FailureKind::Unsupported)
            );
        }
        let half = settings(|it| it.resize = Some(Fit { width: 45, height: 45 }));
        assert!(has(&compress(&source, &half).unwrap().1, &chunks), "the chunks say so still");
    }
}

#[test]
fn texts_and_resolution_of_a_png_survive_a_resize_and_go_when_asked() {
    let text = chunk(b"tEXt", b"Copyright\0example press");
    let packet = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta/>");
    let resolution = chunk(b"pHYs", &[0, 0, 0x2E, 0x23, 0, 0, 0x2E, 0x23, 1]);
    let beside = [text.clone(), packet.clone(), resolution.clone()].concat();
    let source = after_header(&written(&drawing(90, 60), ImageFormat::Png), &beside);
    let half = settings(|it| it.resize = Some(Fit { width: 45, height: 45 }));
    let (_, after) = compress(&source, &half).unwrap();
    assert!([&text, &packet, &resolution].iter().all(|chunk| has(&after, chunk)));
    let (_, after) = compress(&source, &Settings { keep: images::Keep::NOTHING, ..half }).unwrap();
    assert!(!has(&after, &text) && !has(&after, &packet) && has(&after, &resolution));
}

#[test]
fn a_profile_for_grey_pixels_is_not_put_beside_coloured_ones() {
    let mut profile = vec![0; 200];
    profile[16..20].copy_from_slice(b"GRAY");
    let jpeg = testing::jpeg(&drawing(90, 60), 95, "gray");
    let segment = [b"ICC_PROFILE\0\x01\x01".as_slice(), &profile].concat();
    let source = testing::with_segment(&jpeg, 0xE2, &segment);
    assert_eq!(compress(&source, &to(Kind::Webp)).unwrap_err().kind, FailureKind::Unsupported);
    let without = settings(|it| {
        (it.format, it.keep) = (Some(Kind::Webp), images::Keep { icc: false, ..images::Keep::ALL });
    });
    assert!(compress(&source, &without).is_ok());
    assert!(has(&compress(&source, &settings(|it| it.quality = 50)).unwrap().1, &profile));
}

#[test]
fn a_profile_is_that_of_srgb_by_its_numbers_and_not_by_its_name() {
    let jpeg = testing::jpeg(&drawing(90, 60), 95, "444");
    let mut linear = b"sRGB, linear".to_vec();
    linear.extend("sRGB".encode_utf16().flat_map(u16::to_be_bytes));
    for (icc, is_srgb) in [
        (profile(SRGB, &srgb_curve(), b"another name"), true),
        (profile(SRGB, &srgb_samples(), b""), true),
        (profile(SRGB, &gamma(2.2), b""), true),
        (profile(SRGB, &gamma(1.0), &linear), false),
        (profile(SRGB, &gamma(1.8), &linear), false),
        (profile(ADOBE, &gamma(2.2), &linear), false),
        (linear, false),
    ] {
        let source = testing::with_segment(
            &jpeg,
            0xE2,
            &[b"ICC_PROFILE\0\x01\x01", icc.as_slice()].concat(),
        );
        let failure = compress(&source, &to(Kind::Avif)).err();
        assert_eq!(
            failure.map(|failure| failure.kind),
            (!is_srgb).then_some(FailureKind::Unsupported)
        );
    }
}

#[test]
fn a_signed_jpeg_is_kept_or_loses_its_signature() {
    let jpeg = testing::jpeg(&testing::photo(160, 120, 1, 0.1).into(), 95, "420");
    let label = b"\0\0\0\x26jumb\0\0\0\x1ejumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03c2pa\0";
    let first = [b"JP\0\x01\0\0\0\x01".as_slice(), label].concat();
    let second = [b"JP\0\x01\0\0\0\x02".as_slice(), b"the rest of it"].concat();
    let source = testing::with_segment(&testing::with_segment(&jpeg, 0xEB, &second), 0xEB, &first);
    for way in [Settings::default(), settings(|it| it.lossless = true)] {
        let (made, after) = compress(&source, &way).unwrap();
        assert!(made.kept.is_some() && after == source);
    }
    let half = settings(|it| it.resize = Some(Fit { width: 80, height: 80 }));
    let (made, after) = compress(&source, &half).unwrap();
    assert_eq!(made.notes, [Note::SignatureDropped]);
    assert!(!has(&after, b"c2pa") && !has(&after, b"the rest of it"));
    let (_, after) = compress(&source, &settings(|it| it.keep = images::Keep::NOTHING)).unwrap();
    assert!(!has(&after, b"c2pa"));
}

/// A TIFF of four samples a pixel.
fn four_samples(pixel: [u8; 4], further: &[(u16, Vec<u32>)]) -> Vec<u8> {
    let mut tiff = Tiff::new();
    let pixels = pixel.repeat(60 * 40);
    let at = tiff.put(&pixels);
    let tags = [(258, vec![8; 4]), (277, vec![4])];
    let length = u32::try_from(pixels.len()).unwrap();
    let page = tiff.directory_of([60, 40], (at, length), &[&tags, further].concat());
    tiff.pages(&[page])
}

#[test]
fn inks_of_a_tiff_are_refused_in_another_format_and_kept_in_their_own() {
    let source = four_samples([9, 90, 200, 30], &[(262, vec![5])]);
    for kind in [Kind::Png, Kind::Webp, Kind::Jpeg] {
        let failure = compress(&source, &to(kind)).unwrap_err();
        assert!(
            failure.kind == FailureKind::Unsupported && failure.reason.contains("CMYK"),
            "{failure}"
        );
    }
    assert!(compress(&source, &Settings::default()).unwrap().0.kept.is_some());
}

#[test]
fn colours_that_were_multiplied_by_their_transparency_are_divided_by_it() {
    for (extra, stored, wanted) in [
        (1, [100, 10, 128, 128], [199, 20, 255, 128]),
        (1, [7, 7, 7, 0], [0, 0, 0, 0]),
        (2, [100, 10, 128, 128], [100, 10, 128, 128]),
    ] {
        let source = four_samples(stored, &[(262, vec![2]), (338, vec![extra])]);
        let (_, after) = compress(&source, &to(Kind::Png)).unwrap();
        let after = image::load_from_memory(&after).unwrap().to_rgba8();
        assert_eq!(after.get_pixel(3, 3).0, wanted);
    }
}

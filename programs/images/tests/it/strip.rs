//! `--strip`: nothing is left beside the pixels, also where the pixels stay as they are coded.

use image::{DynamicImage, ImageFormat};
use images::{FailureKind, Keep, Kind, Note, Settings, testing};

use crate::files::{
    SECRET, Tiff, after_header, animated_png, boxed, chunk, exif, extended, extension, gif, has,
    movie, riff, webp, written,
};
use crate::support::{compress, difference, drawing, settings};

const WITHOUT_EXIF: Keep = Keep { exif: false, ..Keep::ALL };

fn stripped(keep: Keep) -> Settings {
    settings(|it| it.keep = keep)
}

fn photo() -> DynamicImage {
    testing::photo(160, 120, 1, 0.1).into()
}

/// A JPEG with something private in every place that the format has for it.
fn with_everything(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let thumbnail = [b"JFIF\0\x01\x01\0\0\x01\0\x01\x02\x02".as_slice(), SECRET].concat();
    let jpeg = testing::with_segment(jpeg, 0xFE, SECRET);
    let jpeg =
        testing::with_segment(&jpeg, 0xED, &[b"Photoshop 3.0\0".as_slice(), SECRET].concat());
    let jpeg = testing::with_segment(&jpeg, 0xEB, &[b"JP\0\x01".as_slice(), SECRET].concat());
    let jpeg = testing::with_segment(
        &jpeg,
        0xE1,
        &[b"http://ns.adobe.com/xap/1.0/\0".as_slice(), SECRET].concat(),
    );
    let jpeg =
        testing::with_segment(&jpeg, 0xE1, &[b"Exif\0\0".as_slice(), &exif(orientation)].concat());
    let jpeg = testing::with_segment(&jpeg, 0xE0, &[b"JFXX\0\x13".as_slice(), SECRET].concat());
    [testing::with_segment(&jpeg, 0xE0, &thumbnail), SECRET.to_vec()].concat()
}

fn arithmetic(image: &DynamicImage) -> Vec<u8> {
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_quality(30).unwrap();
    compressor.set_arithmetic(true).unwrap();
    let rgb = image.to_rgb8();
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    let format = turbojpeg::PixelFormat::RGB;
    let image = turbojpeg::Image {
        pixels: rgb.as_raw().as_slice(),
        width,
        pitch: width * 3,
        height,
        format,
    };
    compressor.compress_to_vec(image).unwrap()
}

fn progressive(jpeg: &[u8]) -> Vec<u8> {
    let small = settings(|it| (it.lossless, it.preset) = (true, images::Preset::Small));
    compress(jpeg, &small).unwrap().1
}

#[test]
fn a_jpeg_whose_coding_stays_keeps_nothing_beside_its_pixels() {
    let coarse = testing::jpeg(&photo(), 20, "420");
    for jpeg in [progressive(&coarse), coarse, arithmetic(&photo())] {
        for keep in [Keep::NOTHING, WITHOUT_EXIF] {
            for to in [None, Some(Kind::Png)] {
                let way = settings(|it| (it.keep, it.format) = (keep, to));
                let (_, after) = compress(&with_everything(&jpeg, 1), &way).unwrap();
                assert!(!has(&after, SECRET));
                assert_eq!(testing::look(&jpeg), testing::look(&after));
                // A second run finds nothing more.
                assert!(compress(&after, &way).unwrap().0.kept.is_some() || to.is_none());
            }
        }
    }
}

#[test]
fn a_jpeg_whose_coding_stays_is_still_shown_the_right_way_up() {
    let jpeg = testing::jpeg(&drawing(160, 96), 20, "420");
    for orientation in 1..=8 {
        for source in
            [with_everything(&jpeg, orientation), with_everything(&progressive(&jpeg), orientation)]
        {
            let (_, after) = compress(&source, &stripped(Keep::NOTHING)).unwrap();
            assert!(!has(&after, SECRET) && after.len() < source.len());
            let apart = difference(&testing::look(&source), &testing::look(&after));
            assert!(apart < 1.0, "{orientation}: {apart}");
        }
    }
}

#[test]
fn a_profile_goes_or_stays_as_asked_where_the_coding_stays() {
    let profile = [b"ICC_PROFILE\0\x01\x01".as_slice(), &[7; 300]].concat();
    let jpeg = progressive(&testing::jpeg(&photo(), 20, "420"));
    let source = testing::with_segment(&with_everything(&jpeg, 1), 0xE2, &profile);
    let with = compress(&source, &stripped(WITHOUT_EXIF)).unwrap().1;
    assert!(has(&with, &profile) && !has(&with, SECRET));
    let without = compress(&source, &stripped(Keep { icc: false, ..Keep::ALL })).unwrap().1;
    assert!(!has(&without, &profile) && has(&without, SECRET));
}

fn low_webp() -> Vec<u8> {
    let way = settings(|it| (it.format, it.quality) = (Some(Kind::Webp), 10));
    compress(&written(&photo(), ImageFormat::Png), &way).unwrap().1
}

#[test]
fn a_webp_whose_coding_stays_keeps_nothing_beside_its_pixels() {
    let low = low_webp();
    let beside = [riff(b"EXIF", &exif(1)), riff(b"XMP ", SECRET), riff(b"mine", SECRET)].concat();
    let source =
        webp(&[riff(b"VP8X", &extended(0x0C, 160, 120)), low[12..].to_vec(), beside.clone()]);
    let (made, after) = compress(&source, &stripped(Keep::NOTHING)).unwrap();
    assert!(!has(&after, SECRET) && !has(&after, b"EXIF"), "{made:?}");
    assert_eq!(testing::look(&low), testing::look(&after));
    let frame = |inner: &[u8]| {
        let head = [[0; 6].as_slice(), &[159, 0, 0, 119, 0, 0, 100, 0, 0, 0]].concat();
        riff(b"ANMF", &[&head, inner].concat())
    };
    let moving = |further: Vec<u8>, flags: u8, beside: Vec<u8>| {
        let inner = [low[12..].to_vec(), further].concat();
        let (first, second) = (frame(&inner), frame(&low[12..]));
        let head = riff(b"VP8X", &extended(flags, 160, 120));
        webp(&[head, riff(b"ANIM", &[0; 6]), first, second, beside])
    };
    let source = moving(riff(b"mine", SECRET), 0x0E, beside);
    let (made, after) = compress(&source, &stripped(Keep::NOTHING)).unwrap();
    assert_eq!(made.notes, [Note::OnlyStripped]);
    assert_eq!(after, moving(Vec::new(), 0x02, Vec::new()), "frames stay as they were");
}

#[test]
fn a_gif_keeps_its_frames_and_loops_and_nothing_else() {
    let loops = extension(0xFF, &[b"NETSCAPE2.0", &[1, 0, 0]]);
    let control = extension(0xF9, &[&[4, 1, 0, 0]]);
    let text = [control.clone(), extension(0x01, &[&[0; 12], SECRET])].concat();
    let secrets =
        [extension(0xFE, &[SECRET]), extension(0xFF, &[b"XMP DataXMP", SECRET]), text].concat();
    let frames = [[20, 10], [20, 10]];
    let extensions = [loops.clone(), secrets, control.clone()].concat();
    let source = [gif([20, 10], &extensions, &frames), SECRET.to_vec()].concat();
    let (made, after) = compress(&source, &stripped(Keep::NOTHING)).unwrap();
    assert_eq!((made.kept, made.notes), (None, vec![Note::OnlyStripped]));
    assert_eq!(after, gif([20, 10], &[loops, control].concat(), &frames));
    let (made, all) = compress(&source, &Settings::default()).unwrap();
    assert!(made.kept.is_some() && all == source);
}

#[test]
fn a_png_keeps_nothing_beside_its_pixels_also_animated() {
    let secrets = [
        chunk(b"tEXt", &[b"Comment\0", SECRET].concat()),
        chunk(b"eXIf", &exif(1)),
        chunk(b"caBX", SECRET),
        chunk(b"prIV", SECRET),
    ]
    .concat();
    let small = compress(&written(&photo(), ImageFormat::Png), &Settings::default()).unwrap().1;
    for (png, frames) in [(small, 0), (animated_png(40, [20, 20, 0, 0], b""), 2)] {
        let source = [after_header(&png, &secrets), SECRET.to_vec()].concat();
        for keep in [Keep::NOTHING, WITHOUT_EXIF] {
            let (_, after) = compress(&source, &stripped(keep)).unwrap();
            assert!(!has(&after, SECRET));
            assert_eq!(testing::look(&png), testing::look(&after));
            assert_eq!(after.windows(4).filter(|name| name == b"fcTL").count(), frames);
        }
    }
}

#[test]
fn an_avif_whose_coding_stays_has_its_metadata_overwritten() {
    let way = settings(|it| (it.format, it.quality) = (Some(Kind::Avif), 15));
    let jpeg = testing::with_segment(
        &testing::jpeg(&photo(), 90, "420"),
        0xE1,
        &[b"Exif\0\0".as_slice(), &exif(1)].concat(),
    );
    let low = compress(&jpeg, &way).unwrap().1;
    assert!(has(&low, SECRET));
    let source = [low.clone(), boxed(b"uuid", SECRET), SECRET.to_vec()].concat();
    let (_, after) =
        compress(&source, &settings(|it| (it.keep, it.lossless) = (Keep::NOTHING, true))).unwrap();
    assert!(!has(&after, SECRET) && !has(&after, b"Exif"));
    assert_eq!(testing::look(&low), testing::look(&after));
    // In a sequence the places are too many to be sure of.
    let mut sequence = movie(3);
    sequence.extend(boxed(b"udta", SECRET));
    let length = u32::try_from(sequence.len()).unwrap().to_be_bytes();
    sequence[..4].copy_from_slice(&length);
    let failure = compress(&[low, sequence].concat(), &stripped(Keep::NOTHING)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
}

#[test]
fn a_tiff_that_holds_more_than_pixels_is_refused_and_becomes_another_format() {
    let plain = |further: &[(u16, Vec<u32>)]| {
        let mut tiff = Tiff::new();
        let page = tiff.directory([60, 40], 90, further);
        tiff.pages(&[page])
    };
    let (made, after) = compress(&plain(&[]), &stripped(Keep::NOTHING)).unwrap();
    assert!(made.kept.is_some() && after == plain(&[]));
    for tag in [270, 305, 315, 700, 33_432, 33_723, 34_377, 34_665, 34_853, 50_341] {
        let source = plain(&[(tag, vec![8])]);
        let failure = compress(&source, &stripped(WITHOUT_EXIF)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unsupported, "{tag}");
        assert!(failure.reason.contains("--format"), "{failure}");
        let png = settings(|it| (it.keep, it.format) = (Keep::NOTHING, Some(Kind::Png)));
        assert_eq!(Kind::of(&compress(&source, &png).unwrap().1), Some(Kind::Png));
        assert!(compress(&source, &Settings::default()).unwrap().0.kept.is_some());
    }
}

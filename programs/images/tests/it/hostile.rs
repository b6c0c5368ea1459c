//! Files made to mislead: sizes that lie, chunks that are too short, work that never ends, tables
//! of somebody else.

use image::{DynamicImage, ImageFormat};
use images::{Compressor, Failure, FailureKind, Fit, Kind, Note, Settings, testing};

use crate::files::{Tiff, after_header, animated_png, chunk, exif, frame, gif, has, written};
use crate::support::{compress, drawing, settings};

#[track_caller]
fn refused(source: &[u8], settings: &Settings) -> Failure {
    match compress(source, settings) {
        Ok((made, _)) => panic!("a false success: {made:?}"),
        Err(failure) => failure,
    }
}

/// Ways to make something of an image, each of which reads it by another path.
fn ways() -> Vec<Settings> {
    vec![
        Settings::default(),
        settings(|it| it.format = Some(Kind::Webp)),
        settings(|it| it.format = Some(Kind::Png)),
        settings(|it| it.keep = images::Keep::NOTHING),
        settings(|it| it.salvage = true),
    ]
}

/// The same JPEG without segments of this kind.
fn without(jpeg: &[u8], marker: u8) -> Vec<u8> {
    let (mut out, mut at) = (jpeg[..2].to_vec(), 2);
    while jpeg[at + 1] != 0xDA {
        let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if jpeg[at + 1] != marker {
            out.extend_from_slice(&jpeg[at..end]);
        }
        at = end;
    }
    [out.as_slice(), &jpeg[at..]].concat()
}

/// What a worker makes of one image after another.
fn one_after_another(sources: &[&[u8]], settings: &Settings) -> Vec<Result<Vec<u8>, FailureKind>> {
    let mut compressor = Compressor::new();
    let each = sources.iter().map(|source| {
        let mut out = Vec::new();
        let made =
            compressor.compress(source, settings, &mut out).map_err(|failure| failure.kind)?;
        Ok(if made.kept.is_some() { source.to_vec() } else { out })
    });
    each.collect()
}

#[test]
fn each_jpeg_is_compressed_as_if_it_were_the_only_one() {
    let photo = testing::photo(200, 150, 1, 0.1).into();
    let (coarse, fine) = (testing::jpeg(&photo, 20, "420"), testing::jpeg(&photo, 96, "420"));
    let optimised = {
        let lossless = settings(|it| it.lossless = true);
        compress(&fine, &lossless).unwrap().1
    };
    let (no_tables, no_codes) = (without(&fine, 0xDB), without(&fine, 0xC4));
    for way in
        ways().into_iter().chain([settings(|it| it.resize = Some(Fit { width: 50, height: 50 }))])
    {
        let alone = |source: &[u8]| one_after_another(&[source], &way).remove(0);
        assert_eq!(alone(&no_tables), Err(FailureKind::Damaged));
        // A frame of motion JPEG has everybody's codes.
        assert!(alone(&no_codes).is_ok());
        for before in [&coarse, &optimised, &fine, &no_codes] {
            for source in [&no_tables, &no_codes, &coarse] {
                let second = one_after_another(&[before, source], &way).remove(1);
                assert_eq!(second, alone(source));
            }
        }
    }
}

#[test]
fn a_frame_outside_of_its_canvas_is_refused_before_a_codec_sees_it() {
    for second in [
        [0x7FFF_FFFF, 4, 0, 0],
        [4, 0xFFFF_FFFF, 0, 0],
        [10, 10, 35, 0],
        [10, 10, 0, 0xFFFF_FFFF],
        [0, 4, 0, 0],
        [30_000, 30_000, 0, 0],
    ] {
        let png = animated_png(40, second, b"");
        for way in ways() {
            let failure = refused(&png, &way);
            assert_eq!(failure.kind, FailureKind::Damaged, "{second:?}: {failure}");
        }
    }
    assert!(compress(&animated_png(40, [40, 40, 0, 0], b""), &Settings::default()).is_ok());
}

#[test]
fn a_chunk_of_the_wrong_length_is_refused_with_the_reason() {
    let image = written(&drawing(40, 30), ImageFormat::Png);
    let before_data = |chunks: Vec<u8>| after_header(&image, &chunks);
    let behind_data = |chunks: Vec<u8>| {
        let end = image.len() - 12;
        [&image[..end], &chunks, &image[end..]].concat()
    };
    let control = chunk(b"fcTL", &frame(0, [40, 30, 0, 0]));
    for (source, word) in [
        (before_data(chunk(b"fcTL", b"")), "fcTL"),
        (before_data(chunk(b"fcTL", &[0; 25])), "fcTL"),
        (behind_data(chunk(b"fcTL", &[0; 3])), "fcTL"),
        (behind_data([control.clone(), chunk(b"fdAT", &[0; 3])].concat()), "fdAT"),
        (behind_data(chunk(b"fdAT", &[0; 30])), "frame header"),
        (behind_data(control), "no data"),
        (before_data(chunk(b"acTL", &[0; 7])), "acTL"),
        (before_data(chunk(b"PLTE", &[0; 7])), "PLTE"),
        (before_data(chunk(b"PLTE", &[0; 771])), "PLTE"),
        (before_data(chunk(b"IHDR", &image[16..29])), "IHDR"),
    ] {
        for way in ways() {
            let failure = refused(&source, &way);
            assert_eq!(failure.kind, FailureKind::Damaged, "{failure}");
            assert!(failure.reason.contains(word), "{failure}");
        }
    }
}

#[test]
fn a_png_that_does_not_begin_with_its_header_is_refused() {
    let image = written(&drawing(40, 30), ImageFormat::Png);
    for first in [
        chunk(b"tEXt", b"Comment\0no"),
        chunk(b"tEXt", &[b'x'; 500]),
        chunk(b"gAMA", &[0, 0, 1, 0]),
    ] {
        let source = [&image[..8], &first, &image[8..]].concat();
        for way in ways() {
            let failure = refused(&source, &way);
            assert!(failure.reason.contains("IHDR"), "{failure}");
        }
    }
    let apple = [&image[..8], &chunk(b"CgBI", &[0x50, 0, 0x20, 2]), &image[8..]].concat();
    let failure = refused(&apple, &Settings::default());
    assert!(
        failure.kind == FailureKind::Unsupported && failure.reason.contains("CgBI"),
        "{failure}"
    );
}

#[test]
fn frames_with_more_pixels_than_their_file_justifies_are_refused() {
    let many = vec![[2_000, 2_000]; 80];
    let mut source = gif([2_000, 2_000], b"", &many[..1]);
    // The same frame again and again.
    let frame = source[19..source.len() - 1].to_vec();
    source.pop();
    (1..80).for_each(|_| source.extend_from_slice(&frame));
    source.push(0x3B);
    let small = |way: Settings| Settings { max_pixels: 5_000_000, ..way };
    for way in ways() {
        assert_eq!(refused(&source, &small(way)).kind, FailureKind::TooLarge);
    }
    // A large screen costs nothing where frames are small.
    let sparse = gif([8_000, 8_000], b"", &[[1, 1]; 100]);
    assert!(compress(&sparse, &Settings::default()).unwrap().0.kept.is_some());
}

#[test]
fn a_screen_that_is_smaller_than_its_first_frame_is_enlarged_and_noted() {
    let source = gif([10, 0], b"", &[[60, 40]]);
    let (made, after) = compress(&source, &settings(|it| it.format = Some(Kind::Png))).unwrap();
    assert_eq!(testing::look(&after).dimensions(), (60, 40));
    if made.kept.is_none() {
        assert_eq!(made.notes, [Note::ScreenEnlarged]);
    }
    assert_eq!(made.old_size, (60, 40));
    let (made, after) = compress(&source, &Settings::default()).unwrap();
    assert!(made.kept.is_some() && after == source);
}

#[test]
fn a_wrong_checksum_of_pixels_is_damage_on_every_way() {
    let image = written(&drawing(80, 60), ImageFormat::Png);
    let data = image.windows(4).position(|name| name == b"IDAT").unwrap();
    let length = u32::from_be_bytes(*image[data - 4..].first_chunk().unwrap()) as usize;
    let mut content = image[data + 4..data + 4 + length].to_vec();
    *content.last_mut().unwrap() ^= 1;
    let end = data + 8 + length;
    let source = [&image[..data - 4], &chunk(b"IDAT", &content), &image[end..]].concat();
    for way in ways().into_iter().filter(|way| !way.salvage) {
        assert_eq!(refused(&source, &way).kind, FailureKind::Damaged, "{way:?}");
    }
    // In several pieces the data are the same.
    let (first, second) = image[data + 4..data + 4 + length].split_at(length / 2);
    let pieces = [chunk(b"IDAT", first), chunk(b"IDAT", b""), chunk(b"IDAT", second)].concat();
    let source = [&image[..data - 4], &pieces, &image[end..]].concat();
    for way in ways() {
        assert!(compress(&source, &way).is_ok());
    }
}

/// A TIFF of one JPEG strip.
fn jpeg_tiff(jpeg: &[u8], size: [u32; 2]) -> Vec<u8> {
    let mut tiff = Tiff::new();
    let at = tiff.put(jpeg);
    let further = [(259, vec![7])];
    let page = tiff.directory_of(size, (at, u32::try_from(jpeg.len()).unwrap()), &further);
    tiff.pages(&[page])
}

#[test]
fn a_damaged_jpeg_inside_of_a_tiff_is_damage() {
    let jpeg = testing::jpeg(&testing::photo(160, 120, 1, 0.1).into(), 90, "gray");
    let ways = [Settings::default(), settings(|it| it.format = Some(Kind::Png))];
    for way in &ways {
        assert!(compress(&jpeg_tiff(&jpeg, [160, 120]), way).is_ok());
        for tenth in 3..10 {
            let cut = &jpeg[..jpeg.len() * tenth / 10];
            assert_eq!(refused(&jpeg_tiff(cut, [160, 120]), way).kind, FailureKind::Damaged);
            let mut flipped = jpeg.clone();
            let at = jpeg.len() * tenth / 11;
            flipped[at..at + 8].fill(0xA5);
            flipped[at + 3] = 0xFF;
            flipped[at + 4] = 0xD4;
            assert_eq!(refused(&jpeg_tiff(&flipped, [160, 120]), way).kind, FailureKind::Damaged);
        }
        // A stream that is larger than its strip.
        assert_eq!(refused(&jpeg_tiff(&jpeg, [16, 12]), way).kind, FailureKind::Damaged);
    }
}

#[test]
fn no_avif_is_written_that_others_refuse() {
    let avif = settings(|it| it.format = Some(Kind::Avif));
    let long = written(&DynamicImage::new_rgb8(32_769, 2), ImageFormat::Png);
    let failure = refused(&long, &avif);
    assert!(
        failure.kind == FailureKind::Unsupported && failure.reason.contains("32768"),
        "{failure}"
    );
    let jpeg = testing::jpeg(&testing::photo(160, 120, 1, 0.1).into(), 95, "420");
    for malformed in [b"no header at all".as_slice(), b"II*\0\xFF\xFF\0\0", b"MM"] {
        let source = testing::with_segment(&jpeg, 0xE1, &[b"Exif\0\0", malformed].concat());
        let (made, after) = compress(&source, &avif).unwrap();
        assert_eq!((made.kept, made.notes), (None, vec![Note::ExifMalformed]));
        assert!(!has(&after, malformed));
    }
    let source = testing::with_segment(&jpeg, 0xE1, &[b"Exif\0\0".as_slice(), &exif(1)].concat());
    assert!(has(&compress(&source, &avif).unwrap().1, &exif(1)));
}

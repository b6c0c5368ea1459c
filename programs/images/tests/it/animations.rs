//! Animations are found wherever the sign of them stands, and keep all their frames.

use image::ImageFormat;
use images::{FailureKind, Fit, Kind, Note, Settings, testing};

use crate::files::{animated_png, boxed, chunk, movie, written};
use crate::support::{compress, drawing, settings};

fn avif() -> Vec<u8> {
    let way = settings(|it| (it.format, it.quality) = (Some(Kind::Avif), 95));
    compress(&written(&drawing(120, 80), ImageFormat::Png), &way).unwrap().1
}

/// The frames of a sequence, with a still image in front that stands for it.
fn sequences() -> Vec<Vec<u8>> {
    let still = avif();
    let far = boxed(b"free", &[0; 100_000]);
    let fragments = [movie(0), boxed(b"moof", &[0; 30])].concat();
    let mut renamed = still.clone();
    renamed[8..12].copy_from_slice(b"msf1");
    renamed[16..20].copy_from_slice(b"avis");
    vec![
        [still.clone(), movie(3)].concat(),
        [still.clone(), far, movie(2)].concat(),
        [still, fragments].concat(),
        [renamed, movie(900)].concat(),
    ]
}

#[test]
fn an_animated_avif_keeps_its_frames_whatever_its_brand_and_order() {
    let resize = settings(|it| it.resize = Some(Fit { width: 40, height: 40 }));
    for source in sequences() {
        let (made, after) = compress(&source, &Settings::default()).unwrap();
        assert!(made.kept.is_some() && after == source, "{made:?}");
        assert_eq!(compress(&source, &resize).unwrap_err().kind, FailureKind::Unsupported);
        let jpeg = settings(|it| (it.format, it.quality) = (Some(Kind::Jpeg), 20));
        let (made, _) = compress(&source, &jpeg).unwrap();
        assert_eq!((made.kept, made.notes), (None, vec![Note::FirstFrameOnly]));
    }
    // One frame is no animation.
    let one = [avif(), movie(1)].concat();
    assert!(compress(&one, &settings(|it| it.quality = 20)).unwrap().0.kept.is_none());
}

#[test]
fn an_animated_png_keeps_its_frames_however_far_into_the_file_its_sign_stands() {
    let resize = settings(|it| it.resize = Some(Fit { width: 20, height: 20 }));
    for length in [0, 3_000, 5_000, 100_000] {
        let before = chunk(b"tEXt", &vec![b'x'; length]);
        let source = animated_png(40, [20, 20, 0, 0], &before);
        assert_eq!(compress(&source, &resize).unwrap_err().kind, FailureKind::Unsupported);
        let (_, after) = compress(&source, &Settings::default()).unwrap();
        assert_eq!(after.windows(4).filter(|name| name == b"fcTL").count(), 2);
        let jpeg = settings(|it| (it.format, it.quality) = (Some(Kind::Jpeg), 20));
        let (made, _) = compress(&source, &jpeg).unwrap();
        assert!(made.kept.is_some() || made.notes == [Note::FirstFrameOnly]);
    }
}

#[test]
fn the_name_of_the_sign_in_a_text_is_no_animation() {
    let image = written(&drawing(120, 80), ImageFormat::Png);
    let source = crate::files::after_header(&image, &chunk(b"tEXt", b"Comment\0acTL fcTL"));
    let resize = settings(|it| it.resize = Some(Fit { width: 40, height: 40 }));
    let (made, after) = compress(&source, &resize).unwrap();
    assert!(made.notes.is_empty());
    assert_eq!(testing::look(&after).dimensions(), (40, 27));
}

//! What stands beside the pixels: kept as bytes, patched where the image changed, left out when
//! asked.

use images::{Fit, Keep, Kind, testing};

use crate::files::{SRGB, profile, srgb_curve};
use crate::support::{compress, drawing, settings};

/// An EXIF block with a maker, an orientation and the pixel sizes.
fn exif() -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08\0\x03".to_vec();
    tiff.extend(b"\x01\x0F\0\x02\0\0\0\x04Box\0");
    tiff.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x01\0\0");
    tiff.extend(b"\x87\x69\0\x04\0\0\0\x01\0\0\0\x32");
    tiff.extend(b"\0\0\0\0\0\x02");
    tiff.extend(b"\xA0\x02\0\x04\0\0\0\x01\0\0\x01\x90");
    tiff.extend(b"\xA0\x03\0\x03\0\0\0\x01\0\xF0\0\0");
    tiff.extend(b"\0\0\0\0");
    tiff
}

/// The profile of sRGB, with a text that makes it long enough for two segments.
fn icc() -> Vec<u8> {
    let text: Vec<u8> = (0..100_000_u32).map(|n| n.to_be_bytes()[3]).collect();
    profile(SRGB, &srgb_curve(), &text)
}

fn source() -> Vec<u8> {
    let jpeg = testing::jpeg(&testing::photo(400, 240, 1, 0.2).into(), 95, "420");
    let icc = icc();
    let (first, second) = icc.split_at(60_000);
    let jpeg = testing::with_segment(&jpeg, 0xFE, b"a comment");
    let jpeg = testing::with_segment(&jpeg, 0xE2, &[b"ICC_PROFILE\0\x02\x02", second].concat());
    let jpeg = testing::with_segment(&jpeg, 0xE2, &[b"ICC_PROFILE\0\x01\x02", first].concat());
    testing::with_segment(&jpeg, 0xE1, &[b"Exif\0\0", exif().as_slice()].concat())
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn everything_is_kept_byte_for_byte() {
    let (made, after) = compress(&source(), &settings(|_| {})).unwrap();
    assert_eq!(made.kept, None);
    assert!(has(&after, &exif()) && has(&after, b"a comment"));
    assert!(has(&after, &icc()[..60_000]) && has(&after, &icc()[60_000..]));
}

#[test]
fn a_resized_image_states_its_new_size_and_nothing_else_changes() {
    let way = settings(|it| it.resize = Some(Fit { width: 200, height: 200 }));
    let (made, after) = compress(&source(), &way).unwrap();
    assert_eq!(made.size, (200, 120));
    let mut wanted = exif();
    let x = wanted.windows(2).position(|tag| tag == [0xA0, 0x02]).unwrap();
    wanted[x + 8..x + 12].copy_from_slice(&200_u32.to_be_bytes());
    wanted[x + 20..x + 22].copy_from_slice(&120_u16.to_be_bytes());
    assert!(has(&after, &wanted));
}

#[test]
fn each_kind_can_be_left_out() {
    let without = |keep: Keep| compress(&source(), &settings(|it| it.keep = keep)).unwrap().1;
    let no_exif = without(Keep { exif: false, ..Keep::ALL });
    assert!(
        !has(&no_exif, b"Exif\0\0")
            && !has(&no_exif, b"a comment")
            && has(&no_exif, &icc()[..60_000])
    );
    let no_icc = without(Keep { icc: false, ..Keep::ALL });
    assert!(has(&no_icc, &exif()) && !has(&no_icc, b"ICC_PROFILE"));
    let nothing = without(Keep::NOTHING);
    assert!(
        !has(&nothing, b"Exif") && !has(&nothing, b"ICC_PROFILE") && !has(&nothing, b"a comment")
    );
}

#[test]
fn profile_and_exif_go_along_into_other_formats_and_back() {
    for kind in [Kind::Webp, Kind::Png, Kind::Avif] {
        let way = settings(|it| (it.format, it.quality) = (Some(kind), 60));
        let mut out = Vec::new();
        images::Compressor::new().compress(&source(), &way, &mut out).unwrap();
        assert_eq!(Kind::of(&out), Some(kind));
        assert!(has(&out, &exif()), "{kind} has the EXIF");
        if kind == Kind::Webp {
            assert!(has(&out, &icc()), "{kind} has the profile");
        }
        let back = settings(|it| (it.format, it.quality) = (Some(Kind::Jpeg), 50));
        let mut again = Vec::new();
        images::Compressor::new().compress(&out, &back, &mut again).unwrap();
        assert!(has(&again, &exif()), "from {kind} the EXIF comes back");
        if kind != Kind::Avif {
            let icc = icc();
            assert!(has(&again, &icc[..60_000]), "from {kind} the profile comes back");
        }
    }
}

#[test]
fn what_follows_the_image_stays_and_further_images_are_not_cut_off() {
    let film = b"the film of the moment, as phones append it";
    let followed = [source().as_slice(), film].concat();
    let (made, after) = compress(&followed, &settings(|_| {})).unwrap();
    assert!(made.kept.is_none() && after.ends_with(film));
    let gain_map = testing::with_segment(&followed, 0xE2, b"MPF\0MM\0*\0\0\0\x08\0\0\0\0\0\0");
    let (made, after) = compress(&gain_map, &settings(|_| {})).unwrap();
    assert!(made.kept.is_some() && after == gain_map);
    let (made, after) = compress(&gain_map, &settings(|it| it.keep = Keep::NOTHING)).unwrap();
    assert!(made.kept.is_none() && !has(&after, film) && !has(&after, b"MPF"));
}

#[test]
fn a_drawing_without_anything_beside_it_gets_nothing() {
    let jpeg = testing::jpeg(&drawing(300, 200), 95, "444");
    let (_, after) = compress(&jpeg, &settings(|_| {})).unwrap();
    assert!(!has(&after, b"Exif"));
}

//! TIFF files of several directories: which one is the image, and which files are raw photographs.

use images::{FailureKind, Kind, Note, Settings, testing};

use crate::files::{Tag, Tiff};
use crate::support::{compress, settings};

/// A directory that is a reduced version of another one.
fn reduced() -> Tag {
    (254, vec![1])
}

fn png() -> Settings {
    settings(|it| it.format = Some(Kind::Png))
}

/// A preview, and below it a directory with these tags.
fn below_a_preview(of_preview: &[Tag], of_sensor: &[Tag]) -> Vec<u8> {
    let mut tiff = Tiff::new();
    let sensor = tiff.directory([96, 64], 120, of_sensor);
    let preview =
        tiff.directory([24, 16], 60, &[of_preview, &[reduced(), (330, vec![sensor])]].concat());
    tiff.pages(&[preview])
}

#[test]
fn a_raw_photograph_is_refused_and_never_taken_for_its_preview() {
    let mosaic = [(262, vec![32_803])];
    let mut canon = below_a_preview(&[], &[]);
    canon[8..10].copy_from_slice(b"CR");
    let mut dng = Tiff::new();
    let image = dng.directory([96, 64], 120, &[(50_706, vec![0x0401])]);
    for raw in [
        below_a_preview(&[(50_706, vec![0x0401])], &mosaic),
        below_a_preview(&[], &mosaic),
        below_a_preview(&[], &[(262, vec![34_892])]),
        below_a_preview(&[], &[(259, vec![34_713])]),
        below_a_preview(&[], &[(259, vec![32_767])]),
        below_a_preview(&[], &[(259, vec![65_535])]),
        canon,
        dng.pages(&[image]),
    ] {
        for way in [Settings::default(), png()] {
            let failure = compress(&raw, &way).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Unsupported);
            assert!(failure.reason.contains("raw"), "{failure}");
        }
    }
}

#[test]
fn a_reduced_version_in_front_gives_way_to_the_image() {
    let mut chained = Tiff::new();
    let pages = [
        chained.directory([24, 16], 60, &[reduced()]),
        chained.directory([96, 64], 120, &[]),
        chained.directory([48, 32], 60, &[reduced()]),
    ];
    let mut old = Tiff::new();
    let old_pages =
        [old.directory([24, 16], 60, &[(255, vec![2])]), old.directory([96, 64], 120, &[])];
    for source in [chained.pages(&pages), below_a_preview(&[], &[]), old.pages(&old_pages)] {
        let (made, after) = compress(&source, &png()).unwrap();
        assert_eq!((made.kept, made.old_size, made.notes), (None, (96, 64), vec![]));
        let image = testing::look(&after);
        assert_eq!((image.dimensions(), image.get_pixel(50, 50).0), ((96, 64), [120; 3]));
        assert!(compress(&source, &Settings::default()).unwrap().0.kept.is_some());
    }
}

#[test]
fn nothing_but_reduced_versions_is_refused_and_further_pages_are_noted() {
    let mut tiff = Tiff::new();
    let only = tiff.directory([24, 16], 60, &[reduced()]);
    assert_eq!(compress(&tiff.pages(&[only]), &png()).unwrap_err().kind, FailureKind::Unsupported);
    let mut fax = Tiff::new();
    let pages = [fax.directory([96, 64], 120, &[]), fax.directory([96, 64], 10, &[])];
    let (made, after) = compress(&fax.pages(&pages), &png()).unwrap();
    assert_eq!(made.notes, [Note::FirstPageOnly]);
    assert_eq!(testing::look(&after).get_pixel(5, 5).0, [120; 3]);
}

#[test]
fn directories_that_lead_in_a_circle_or_nowhere_end() {
    let mut tiff = Tiff::new();
    let first = tiff.directory([96, 64], 120, &[]);
    let second = tiff.directory([96, 64], 120, &[]);
    let mut circle = tiff.pages(&[first, second]);
    let link = second as usize + 2 + 12 * 9;
    circle[link..link + 4].copy_from_slice(&first.to_le_bytes());
    assert!(compress(&circle, &png()).is_ok());
    circle[link..link + 4].copy_from_slice(&0xFFFF_FF00_u32.to_le_bytes());
    assert!(compress(&circle, &png()).is_ok());
    let mut nowhere = circle;
    nowhere[4..8].copy_from_slice(&0x00FF_FFFF_u32.to_le_bytes());
    assert_eq!(compress(&nowhere, &png()).unwrap_err().kind, FailureKind::Damaged);
}

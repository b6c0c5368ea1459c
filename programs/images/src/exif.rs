//! EXIF as bytes: finds the orientation and the pixel sizes, and changes them in place. Everything
//! else stays as it was.
//!
//! It reads as much of the TIFF structure as that takes and writes nothing that was not there. What
//! is malformed is left alone: a wrong orientation is better than a damaged block.

use image::metadata::Orientation;

const ORIENTATION: u16 = 0x0112;
const IMAGE_WIDTH: u16 = 0x0100;
const IMAGE_HEIGHT: u16 = 0x0101;
const EXIF_DIRECTORY: u16 = 0x8769;
const PIXEL_X: u16 = 0xA002;
const PIXEL_Y: u16 = 0xA003;

const SHORT: u16 = 3;
const LONG: u16 = 4;

/// How the image in these bytes (a TIFF header and what follows it) is to be turned; 1 where
/// nothing says so.
pub(crate) fn orientation(tiff: &[u8]) -> Orientation {
    let found = Tiff::open(tiff).and_then(|tiff| tiff.number(tiff.first, ORIENTATION));
    found
        .and_then(|number| Orientation::from_exif(u8::try_from(number).ok()?))
        .unwrap_or(Orientation::NoTransforms)
}

/// Whether it begins as EXIF does, and holds a first directory.
pub(crate) fn has_header(tiff: &[u8]) -> bool {
    Tiff::open(tiff).is_some_and(|tiff| tiff.short(tiff.first).is_some())
}

/// Says that nothing is to be turned.
pub(crate) fn set_upright(tiff: &mut [u8]) {
    set(tiff, Directory::First, ORIENTATION, 1);
}

/// Writes the new size where the old one stood.
pub(crate) fn set_size(tiff: &mut [u8], width: u32, height: u32) {
    set(tiff, Directory::Exif, PIXEL_X, width);
    set(tiff, Directory::Exif, PIXEL_Y, height);
    set(tiff, Directory::First, IMAGE_WIDTH, width);
    set(tiff, Directory::First, IMAGE_HEIGHT, height);
}

/// The smallest EXIF that says how to turn an image.
pub(crate) fn only_orientation(orientation: Orientation) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    tiff.extend([orientation.to_exif(), 0, 0, 0, 0, 0, 0, 0]);
    tiff
}

/// Whether the sides change places when the image is turned as it says.
pub(crate) fn is_sideways(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

enum Directory {
    First,
    Exif,
}

fn set(tiff: &mut [u8], directory: Directory, tag: u16, value: u32) {
    let place = Tiff::open(tiff).and_then(|tiff| {
        let directory = match directory {
            Directory::First => tiff.first,
            Directory::Exif => tiff.number(tiff.first, EXIF_DIRECTORY)? as usize,
        };
        let (at, kind) = tiff.entry(directory, tag)?;
        Some((at, kind, tiff.big))
    });
    let Some((at, kind, big)) = place else { return };
    let short = u16::try_from(value).unwrap_or(u16::MAX);
    match (kind, big) {
        (SHORT, true) => tiff[at..at + 2].copy_from_slice(&short.to_be_bytes()),
        (SHORT, false) => tiff[at..at + 2].copy_from_slice(&short.to_le_bytes()),
        (_, true) => tiff[at..at + 4].copy_from_slice(&value.to_be_bytes()),
        (_, false) => tiff[at..at + 4].copy_from_slice(&value.to_le_bytes()),
    }
}

struct Tiff<'a> {
    bytes: &'a [u8],
    big: bool,
    /// Where the first directory begins.
    first: usize,
}

impl<'a> Tiff<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let big = match bytes.first_chunk()? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        let mut tiff = Self { bytes, big, first: 0 };
        tiff.first = tiff.long(4)? as usize;
        Some(tiff)
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn long(&self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// Where the value of a tag stands, and its type, if it is one number.
    fn entry(&self, directory: usize, tag: u16) -> Option<(usize, u16)> {
        let count = usize::from(self.short(directory)?);
        let mut entries = (0..count).map(|index| directory + 2 + index * 12);
        let at = entries.find(|at| self.short(*at) == Some(tag))?;
        let kind = self.short(at + 2)?;
        let one = self.long(at + 4)? == 1 && matches!(kind, SHORT | LONG);
        // The value's four bytes are there, whichever type it has.
        self.long(at + 8)?;
        one.then_some((at + 8, kind))
    }

    fn number(&self, directory: usize, tag: u16) -> Option<u32> {
        match self.entry(directory, tag)? {
            (at, SHORT) => self.short(at).map(u32::from),
            (at, _) => self.long(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A header, one directory with orientation and width, an EXIF directory with both sizes.
    fn sample(big: bool) -> Vec<u8> {
        let short = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        let long = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        let mut bytes = if big { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
        let entry = |bytes: &mut Vec<u8>, tag: u16, kind: u16, value: u32| {
            bytes.extend(short(tag));
            bytes.extend(short(kind));
            bytes.extend(long(1));
            if kind == SHORT {
                bytes.extend(short(u16::try_from(value).unwrap()));
                bytes.extend([0, 0]);
            } else {
                bytes.extend(long(value));
            }
        };
        bytes.extend(long(8));
        bytes.extend(short(3));
        entry(&mut bytes, IMAGE_WIDTH, LONG, 4_000);
        entry(&mut bytes, ORIENTATION, SHORT, 6);
        entry(&mut bytes, EXIF_DIRECTORY, LONG, 50);
        bytes.extend(long(0));
        bytes.extend(short(2));
        entry(&mut bytes, PIXEL_X, SHORT, 4_000);
        entry(&mut bytes, PIXEL_Y, LONG, 3_000);
        bytes.extend(long(0));
        bytes
    }

    #[test]
    fn the_orientation_is_found_and_set_in_both_byte_orders() {
        for big in [false, true] {
            let mut bytes = sample(big);
            assert_eq!(orientation(&bytes).to_exif(), 6);
            let before = bytes.clone();
            set_upright(&mut bytes);
            assert_eq!(orientation(&bytes).to_exif(), 1);
            let changed = bytes.iter().zip(&before).filter(|(a, b)| a != b).count();
            assert_eq!(changed, 1, "nothing but the number changes");
        }
    }

    #[test]
    fn sizes_are_set_where_they_stood_and_nowhere_else() {
        for big in [false, true] {
            let mut bytes = sample(big);
            set_size(&mut bytes, 1_600, 1_200);
            let tiff = Tiff::open(&bytes).unwrap();
            assert_eq!(tiff.number(8, IMAGE_WIDTH), Some(1_600));
            assert_eq!(tiff.number(8, IMAGE_HEIGHT), None);
            assert_eq!(
                (tiff.number(50, PIXEL_X), tiff.number(50, PIXEL_Y)),
                (Some(1_600), Some(1_200))
            );
            assert_eq!(orientation(&bytes).to_exif(), 6);
        }
    }

    #[test]
    fn the_smallest_exif_says_what_it_was_made_for() {
        for number in 1..=8 {
            let wanted = Orientation::from_exif(number).unwrap();
            assert_eq!(orientation(&only_orientation(wanted)), wanted);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_change_their_length(mut bytes in prop::collection::vec(any::<u8>(), 0..200), big: bool) {
            let mut damaged = sample(big);
            for (at, byte) in bytes.iter().enumerate() {
                let length = damaged.len();
                damaged[(at * 7 + usize::from(*byte)) % length] = *byte;
            }
            for tiff in [&mut bytes, &mut damaged] {
                let length = tiff.len();
                let _ = orientation(tiff);
                set_upright(tiff);
                set_size(tiff, 70_000, 2);
                prop_assert_eq!(tiff.len(), length);
            }
        }
    }
}

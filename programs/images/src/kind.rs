//! Detects the format of a file from its first bytes, never from its name.

use std::fmt;

/// Formats of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// JPEG, with all that turbojpeg decodes.
    Jpeg,
    /// PNG.
    Png,
    /// WebP, lossy or lossless.
    Webp,
    /// AVIF.
    Avif,
    /// GIF; only read.
    Gif,
    /// TIFF; only read.
    Tiff,
    /// Windows bitmap; only read.
    Bmp,
}

impl Kind {
    /// The format of these bytes, of which the first 32 are enough.
    ///
    /// # Examples
    /// ```
    /// use images::Kind;
    /// assert_eq!(Kind::of(b"\xFF\xD8\xFF\xE0..."), Some(Kind::Jpeg));
    /// assert_eq!(Kind::of(b"some text"), None);
    /// ```
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Self::Png,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::Webp,
            [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => Self::Avif,
            [_, _, _, _, b'f', b't', b'y', b'p', ..]
                if brands(bytes).any(|brand| matches!(brand, b"avif" | b"avis")) =>
            {
                Self::Avif
            }
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Self::Tiff,
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Self::Bmp,
            _ => return None,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
            Self::Avif => "AVIF",
            Self::Gif => "GIF",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
        }
    }

    /// Endings that files of this format have; the first is the one to give.
    #[must_use]
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
            Self::Png => &["png"],
            Self::Webp => &["webp"],
            Self::Avif => &["avif"],
            Self::Gif => &["gif"],
            Self::Tiff => &["tiff", "tif"],
            Self::Bmp => &["bmp", "dib"],
        }
    }

    /// All formats.
    pub const ALL: [Self; 7] =
        [Self::Jpeg, Self::Png, Self::Webp, Self::Avif, Self::Gif, Self::Tiff, Self::Bmp];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The compatible brands of an ISO media file, as far as these bytes go.
fn brands(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let length = bytes.first_chunk().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    let box_end = length.min(bytes.len()).max(16.min(bytes.len()));
    bytes.get(16..box_end).unwrap_or_default().chunks_exact(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_avif_that_names_itself_otherwise_first_is_found_by_its_brands() {
        assert_eq!(Kind::of(b"\0\0\0\x1Cftypmif1\0\0\0\0mif1avifmiaf"), Some(Kind::Avif));
        assert_eq!(Kind::of(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), None);
        assert_eq!(Kind::of(b"\0\0\0\0ftyp"), None);
    }

    #[test]
    fn short_input_is_no_image() {
        for kind in [&b""[..], b"\xFF", b"BM", b"GIF8", b"RIFF", b"\x89PNG"] {
            assert_eq!(Kind::of(kind), None, "{kind:?}");
        }
    }
}

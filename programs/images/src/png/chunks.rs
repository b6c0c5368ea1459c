//! The structure of a PNG file: its chunks, the frames of an animation, what stands beside the
//! pixels. Decodes nothing.
//!
//! Decoders allocate what a chunk says before they look at the data, and some index into chunks
//! that are too short. So sizes are checked here, before one of them sees the file.

use std::ops::Range;

use image::metadata::Orientation;

use crate::config::Keep;
use crate::exif;
use crate::failure::Failure;
use crate::frames;

const SIGNATURE: usize = 8;
/// Length, name and checksum of a chunk.
const AROUND: usize = 12;
/// Where the header ends, and chunks may stand that come before the pixels.
pub(super) const HEADER_END: usize = SIGNATURE + AROUND + 13;
/// What describes pixels, and stays whatever is stripped.
const COLOURS: [[u8; 4]; 7] =
    [*b"cICP", *b"cHRM", *b"gAMA", *b"sRGB", *b"sBIT", *b"mDCV", *b"cLLI"];
/// What an image is made of, its resolution included.
const PIXELS: [[u8; 4]; 9] =
    [*b"IHDR", *b"PLTE", *b"tRNS", *b"IDAT", *b"IEND", *b"acTL", *b"fcTL", *b"fdAT", *b"pHYs"];
/// Depends on every byte of the file: a signature (C2PA).
const SIGNED: [u8; 4] = *b"caBX";

/// Primaries and transfer of sRGB, as H.273 numbers them.
const SRGB_CODES: [u8; 2] = [1, 13];
/// Hundred-thousandths: the exponent, then white point, red, green and blue.
const SRGB_GAMMA: u32 = 45_455;
const SRGB_PRIMARIES: [u32; 8] = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];

/// A PNG file, taken apart.
#[derive(Debug)]
pub(crate) struct Png<'a> {
    bytes: &'a [u8],
    chunks: Vec<Chunk>,
    frames: Vec<Frame>,
    /// Just after the end chunk, or after the last whole chunk of a file that breaks off.
    end: usize,
    is_whole: bool,
    /// Whether the data of the image itself have been met.
    has_data: bool,
}

#[derive(Clone, Debug)]
struct Chunk {
    name: [u8; 4],
    /// The content alone.
    content: Range<usize>,
}

/// A frame of an animation.
#[derive(Clone, Copy, Debug)]
struct Frame {
    pixels: u64,
    /// Its data are the image that stands there for programs without animations.
    is_default: bool,
    has_data: bool,
}

impl<'a> Png<'a> {
    /// Takes it apart. With `salvage` a file that breaks off is taken as far as it goes.
    pub(crate) fn parse(bytes: &'a [u8], salvage: bool) -> Result<Self, Failure> {
        match bytes.get(SIGNATURE + 4..SIGNATURE + 8) {
            None => return Err(Failure::damaged("it is truncated: the PNG has no header")),
            Some(b"IHDR") => {}
            Some(b"CgBI") => {
                return Err(Failure::unsupported(
                    "a PNG as iOS stores it (CgBI), which no decoder here reads",
                ));
            }
            Some(_) => return Err(Failure::damaged("its first chunk is not IHDR")),
        }
        let (chunks, frames) = (Vec::new(), Vec::new());
        let mut it =
            Self { bytes, chunks, frames, end: SIGNATURE, is_whole: false, has_data: false };
        while let Some(chunk) = it.next_chunk() {
            it.end = chunk.content.end + 4;
            it.check(&chunk)?;
            let is_end = chunk.name == *b"IEND";
            it.chunks.push(chunk);
            if is_end {
                it.is_whole = true;
                break;
            }
        }
        if it.chunks.is_empty() {
            return Err(Failure::damaged("it is truncated: the PNG has no header"));
        }
        if !it.is_whole && !salvage {
            return Err(Failure::damaged("it is truncated: the PNG has no end chunk"));
        }
        let mut animated = it.frames.iter().filter(|frame| !frame.is_default);
        if it.is_whole && animated.any(|frame| !frame.has_data) {
            return Err(Failure::damaged("a frame of its animation has no data"));
        }
        Ok(it)
    }

    fn next_chunk(&self) -> Option<Chunk> {
        let (length, rest) = self.bytes.get(self.end..)?.split_first_chunk()?;
        let length = u32::from_be_bytes(*length) as usize;
        let name = *rest.first_chunk()?;
        let start = self.end + 8;
        let content = start..start.checked_add(length)?;
        // The checksum is there too.
        (content.end.checked_add(4)? <= self.bytes.len()).then_some(Chunk { name, content })
    }

    fn check(&mut self, chunk: &Chunk) -> Result<(), Failure> {
        let content = self.content(chunk);
        let length = content.len();
        let wrong = |wanted: &str| {
            let name = String::from_utf8_lossy(&chunk.name).into_owned();
            Failure::damaged(format!("its {name} chunk has {length} bytes; {wanted}"))
        };
        match &chunk.name {
            b"IHDR" if length != 13 => return Err(wrong("a header has 13")),
            b"IHDR" if !self.chunks.is_empty() => {
                return Err(Failure::damaged("a second IHDR chunk"));
            }
            b"PLTE" if !length.is_multiple_of(3) || !(3..=768).contains(&length) => {
                return Err(wrong("a palette has 3 bytes for each of 1 to 256 colours"));
            }
            b"acTL" if length != 8 => return Err(wrong("an animation header has 8")),
            b"fcTL" if length != 26 => return Err(wrong("a frame header has 26")),
            b"fcTL" => {
                let frame = self.frame(content)?;
                self.frames.push(frame);
            }
            b"IDAT" => self.has_data = true,
            b"fdAT" if length < 4 => return Err(wrong("it begins with a number of 4")),
            b"fdAT" => match self.frames.last_mut() {
                Some(frame) => frame.has_data |= length > 4,
                None => return Err(Failure::damaged("data of a frame before any frame header")),
            },
            _ => {}
        }
        Ok(())
    }

    /// A frame lies within the canvas: the rule of the format for fcTL.
    fn frame(&self, content: &[u8]) -> Result<Frame, Failure> {
        let number = |at: usize| u64::from(be(content, at));
        let (width, height, left, top) = (number(4), number(8), number(12), number(16));
        let (across, down) = self.size();
        if width == 0 || height == 0 || left + width > across.into() || top + height > down.into() {
            return Err(Failure::damaged(format!(
                "a frame of {width} x {height} pixels at {left}, {top} lies outside its canvas of {across} x {down}"
            )));
        }
        Ok(Frame { pixels: width * height, is_default: !self.has_data, has_data: false })
    }

    fn content(&self, chunk: &Chunk) -> &'a [u8] {
        &self.bytes[chunk.content.clone()]
    }

    fn has(&self, name: [u8; 4]) -> bool {
        self.chunks.iter().any(|chunk| chunk.name == name)
    }

    fn size(&self) -> (u32, u32) {
        self.chunks.first().map_or((0, 0), |header| {
            let content = self.content(header);
            (be(content, 0), be(content, 4))
        })
    }

    /// Whether programs that know animations show more than the image itself.
    pub(crate) fn is_animated(&self) -> bool {
        self.has(*b"acTL") && self.frames.iter().any(|frame| !frame.is_default)
    }

    pub(crate) fn is_signed(&self) -> bool {
        self.has(SIGNED)
    }

    /// Whether its chunks say what other formats take for granted, that colours are those of sRGB;
    /// of several chunks, the one that browsers follow. A profile speaks for itself.
    pub(crate) fn is_srgb(&self) -> bool {
        let find = |name: &[u8; 4]| self.chunks.iter().find(|chunk| chunk.name == *name);
        if let Some(chunk) = find(b"cICP") {
            return self.content(chunk).starts_with(&SRGB_CODES);
        }
        if find(b"iCCP").or(find(b"sRGB")).is_some() {
            return true;
        }
        let near = |chunk: &Chunk, wanted: &[u32], apart: u32| {
            let numbers = (0..wanted.len()).map(|index| be(self.content(chunk), 4 * index));
            numbers.zip(wanted).all(|(number, wanted)| number.abs_diff(*wanted) <= apart)
        };
        find(b"gAMA").is_none_or(|chunk| near(chunk, &[SRGB_GAMMA], 500))
            && find(b"cHRM").is_none_or(|chunk| near(chunk, &SRGB_PRIMARIES, 1_000))
    }

    /// Refuses an animation with more pixels in all than its file or `most_pixels` justify.
    pub(crate) fn check_frames(&self, most_pixels: u64) -> Result<(), Failure> {
        let pixels = self.frames.iter().map(|frame| frame.pixels).sum();
        frames::check(self.frames.len(), pixels, self.bytes.len(), most_pixels)
    }

    /// How it is to be turned.
    pub(crate) fn orientation(&self) -> Orientation {
        let exif = self.chunks.iter().find(|chunk| chunk.name == *b"eXIf");
        exif.map_or(Orientation::NoTransforms, |chunk| exif::orientation(self.content(chunk)))
    }

    /// The compressed rows, piece by piece.
    pub(super) fn data(&self) -> impl Iterator<Item = &'a [u8]> {
        self.chunks.iter().filter(|chunk| chunk.name == *b"IDAT").map(|chunk| self.content(chunk))
    }

    /// Chunks that stay when the pixels are written again: colours, resolution, and texts if they
    /// are kept.
    ///
    /// Neither the profile nor the EXIF, which other formats have too; and not sBIT, which depends
    /// on how samples are stored.
    pub(crate) fn carried(&self, keep: Keep) -> Vec<u8> {
        let stays = |name: &[u8; 4]| match name {
            b"sBIT" => false,
            b"pHYs" => true,
            b"tEXt" | b"zTXt" | b"iTXt" => keep.exif,
            name => COLOURS.contains(name),
        };
        let chunks = self.chunks.iter().filter(|chunk| stays(&chunk.name));
        chunks.flat_map(|chunk| &self.bytes[self.whole(chunk)]).copied().collect()
    }

    /// With length, name and checksum.
    fn whole(&self, chunk: &Chunk) -> Range<usize> {
        chunk.content.start - 8..chunk.content.end + 4
    }

    /// The file without what is not kept. How it is to be turned is still in it, and nothing else
    /// of the EXIF.
    pub(crate) fn bare(&self, keep: Keep) -> Vec<u8> {
        let mut bare = self.bytes[..SIGNATURE].to_vec();
        let orientation = self.orientation();
        for chunk in &self.chunks {
            let stays = match &chunk.name {
                b"iCCP" => keep.icc,
                name => keep.exif || COLOURS.contains(name) || PIXELS.contains(name),
            };
            if stays {
                bare.extend_from_slice(&self.bytes[self.whole(chunk)]);
            } else if chunk.name == *b"eXIf" && orientation != Orientation::NoTransforms {
                push(&mut bare, *b"eXIf", &exif::only_orientation(orientation));
            }
        }
        if keep.exif {
            bare.extend_from_slice(&self.bytes[self.end..]);
        }
        bare
    }
}

/// A number of a chunk whose length was checked.
fn be(content: &[u8], at: usize) -> u32 {
    content
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn push(out: &mut Vec<u8>, name: [u8; 4], content: &[u8]) {
    out.reserve(content.len() + AROUND);
    out.extend(u32::try_from(content.len()).expect("only short chunks are made").to_be_bytes());
    let start = out.len();
    out.extend(name);
    out.extend_from_slice(content);
    let mut checksum = flate2::Crc::new();
    checksum.update(&out[start..]);
    out.extend(checksum.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut file = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x09\0\0\0\x09\x08\x02\0\0\0\0\0\0\0".to_vec();
            push(&mut file, *b"fcTL", &[&[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1], [0; 14].as_slice()].concat());
            file.extend_from_slice(&bytes);
            for salvage in [false, true] {
                if let Ok(png) = Png::parse(&file, salvage) {
                    let _ = png.bare(Keep::NOTHING);
                    let _ = png.check_frames(1);
                }
                let _ = Png::parse(&bytes, salvage);
            }
        }
    }
}

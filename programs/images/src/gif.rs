//! The blocks of a GIF: its size as it is shown, its frames, what stands beside them. Pixels are
//! decoded by the `gif` crate, frame by frame and never composed.

use std::borrow::Cow;
use std::io::{BufRead, Cursor, Seek, SeekFrom};
use std::ops::Range;

use crate::config::Keep;
use crate::failure::Failure;
use crate::frames;
use crate::kind::Kind;

const COMMENT: u8 = 0xFE;
const TEXT: u8 = 0x01;
const CONTROL: u8 = 0xF9;
const APPLICATION: u8 = 0xFF;
/// Header and screen descriptor.
const HEAD: usize = 13;
/// How often the animation is repeated.
const LOOPS: [&[u8]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];
const PROFILE: &[u8] = b"ICCRGBG1012";

/// A GIF file, taken apart.
#[derive(Debug)]
pub(crate) struct Gif<'a> {
    bytes: &'a [u8],
    blocks: Vec<Block>,
    frames: usize,
    /// Of all frames together.
    pixels: u64,
    /// As the screen descriptor has it.
    screen: (u16, u16),
    /// Enlarged to hold the first frame.
    shown: (u16, u16),
    /// Just after the trailer.
    end: usize,
}

#[derive(Clone, Debug)]
struct Block {
    part: Part,
    whole: Range<usize>,
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Belongs to the block after it.
    Control,
    Image,
    Loops,
    Profile,
    /// Comments, texts, XMP, and whatever else is not shown.
    Beside,
}

impl<'a> Gif<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Failure> {
        let head: &[u8; HEAD] = bytes.first_chunk().ok_or_else(truncated)?;
        let screen =
            (u16::from_le_bytes([head[6], head[7]]), u16::from_le_bytes([head[8], head[9]]));
        let start = HEAD + table(head[10]);
        let mut it = Self {
            bytes,
            blocks: Vec::new(),
            frames: 0,
            pixels: 0,
            screen,
            shown: screen,
            end: start,
        };
        loop {
            let start = it.end;
            match *bytes.get(start).ok_or_else(truncated)? {
                0x3B => {
                    it.end += 1;
                    break;
                }
                0x2C => it.image(start)?,
                0x21 => it.extension(start)?,
                // Padding, as some programs leave it between blocks; the crate passes over it too.
                0 => it.end += 1,
                other => {
                    return Err(Failure::damaged(format!(
                        "a block of type {other:#04X} at byte {start}"
                    )));
                }
            }
        }
        if it.frames == 0 { Err(Failure::damaged("a GIF without a frame")) } else { Ok(it) }
    }

    fn image(&mut self, start: usize) -> Result<(), Failure> {
        let head: &[u8; 10] =
            self.bytes.get(start..).and_then(|rest| rest.first_chunk()).ok_or_else(truncated)?;
        let frame = Frame::of(head);
        if self.frames == 0 {
            self.shown = frame.enlarged(self.screen);
        }
        self.frames += 1;
        self.pixels += u64::from(frame.width) * u64::from(frame.height);
        // One byte before the data says how long codes are.
        let end = self.sub_blocks(start + 10 + table(head[9]) + 1)?;
        self.push(Part::Image, start..end);
        Ok(())
    }

    fn extension(&mut self, start: usize) -> Result<(), Failure> {
        let label = *self.bytes.get(start + 1).ok_or_else(truncated)?;
        let end = self.sub_blocks(start + 2)?;
        let name = self.bytes.get(start + 3..start + 14).unwrap_or_default();
        let part = match label {
            CONTROL => Part::Control,
            APPLICATION if LOOPS.contains(&name) => Part::Loops,
            APPLICATION if name == PROFILE => Part::Profile,
            _ => Part::Beside,
        };
        debug_assert!(!matches!(label, COMMENT | TEXT) || part == Part::Beside);
        self.push(part, start..end);
        Ok(())
    }

    fn push(&mut self, part: Part, whole: Range<usize>) {
        self.end = whole.end;
        self.blocks.push(Block { part, whole });
    }

    /// Where the sub-blocks end that begin at `at`.
    fn sub_blocks(&self, mut at: usize) -> Result<usize, Failure> {
        loop {
            let length = usize::from(*self.bytes.get(at).ok_or_else(truncated)?);
            at += 1 + length;
            if length == 0 {
                return Ok(at);
            }
        }
    }

    pub(crate) fn is_animated(&self) -> bool {
        self.frames > 1
    }

    /// Decodes all frames, one after another, so that damage in the last one is found too.
    pub(crate) fn check(&self, most_pixels: u64) -> Result<(), Failure> {
        frames::check(self.frames, self.pixels, self.bytes.len(), most_pixels)?;
        let damaged = |error: gif::DecodingError| {
            crate::raster::refused(Kind::Gif, image::ImageError::from(as_io(error)))
        };
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::Indexed);
        // Frames are no larger together than was checked above.
        options.set_memory_limit(gif::MemoryLimit::Unlimited);
        let mut decoder = options.read_info(Cursor::new(self.bytes)).map_err(damaged)?;
        while decoder.read_next_frame().map_err(damaged)?.is_some() {}
        Ok(())
    }

    /// The file with a screen that holds its first frame, as browsers show it.
    pub(crate) fn enlarged(&self) -> Cow<'a, [u8]> {
        if self.shown == self.screen {
            return Cow::Borrowed(self.bytes);
        }
        let mut bytes = self.bytes.to_vec();
        bytes[6..8].copy_from_slice(&self.shown.0.to_le_bytes());
        bytes[8..10].copy_from_slice(&self.shown.1.to_le_bytes());
        Cow::Owned(bytes)
    }

    /// The file without what is not kept.
    pub(crate) fn bare(&self, keep: Keep) -> Vec<u8> {
        let start = self.blocks.first().map_or(self.end, |block| block.whole.start);
        let mut bare = self.bytes[..start].to_vec();
        for (index, block) in self.blocks.iter().enumerate() {
            let stays = |block: &Block| match block.part {
                Part::Image | Part::Loops | Part::Control => true,
                Part::Profile => keep.icc,
                Part::Beside => keep.exif,
            };
            // A control block goes with the text that it belongs to.
            let follows = |block: &&Block| block.part == Part::Control || stays(block);
            let next = self.blocks.get(index + 1);
            if stays(block) && (block.part != Part::Control || next.as_ref().is_none_or(follows)) {
                bare.extend_from_slice(&self.bytes[block.whole.clone()]);
            }
        }
        bare.push(0x3B);
        if keep.exif {
            bare.extend_from_slice(&self.bytes[self.end..]);
        }
        bare
    }
}

struct Frame {
    left: u16,
    top: u16,
    width: u16,
    height: u16,
}

impl Frame {
    /// From an image descriptor.
    fn of(head: &[u8; 10]) -> Self {
        let number = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        Self { left: number(1), top: number(3), width: number(5), height: number(7) }
    }

    /// The screen that holds this frame too: screens of zero, or smaller than their image, are
    /// common enough.
    fn enlarged(&self, (width, height): (u16, u16)) -> (u16, u16) {
        (
            width.max(self.left.saturating_add(self.width)),
            height.max(self.top.saturating_add(self.height)),
        )
    }
}

/// The bytes of a colour table, by the flags before it.
fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn as_io(error: gif::DecodingError) -> std::io::Error {
    match error {
        gif::DecodingError::Io(error) => error,
        other => std::io::Error::other(other.to_string()),
    }
}

fn truncated() -> Failure {
    Failure::damaged("it is truncated: the GIF ends before its trailer")
}

/// The size as it is shown, from the header and from the blocks up to the first frame.
pub(crate) fn size(reader: &mut (impl BufRead + Seek)) -> std::io::Result<(u32, u32)> {
    reader.rewind()?;
    let mut head = [0; HEAD];
    reader.read_exact(&mut head)?;
    let screen = (u16::from_le_bytes([head[6], head[7]]), u16::from_le_bytes([head[8], head[9]]));
    skip(reader, table(head[10]))?;
    let mut one = [0; 1];
    let shown = loop {
        reader.read_exact(&mut one)?;
        match one[0] {
            0x2C => {
                let mut frame = [0x2C; 10];
                reader.read_exact(&mut frame[1..])?;
                break Frame::of(&frame).enlarged(screen);
            }
            0x21 => {
                reader.read_exact(&mut one)?;
                loop {
                    reader.read_exact(&mut one)?;
                    match one[0] {
                        0 => break,
                        length => skip(reader, length.into())?,
                    }
                }
            }
            0 => {}
            // No frame, or damage; what reads the whole file says which.
            _ => break screen,
        }
    };
    Ok((shown.0.into(), shown.1.into()))
}

fn skip(reader: &mut impl Seek, bytes: usize) -> std::io::Result<()> {
    reader.seek(SeekFrom::Current(i64::try_from(bytes).unwrap_or(i64::MAX))).map(drop)
}

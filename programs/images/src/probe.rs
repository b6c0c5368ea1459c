//! Format and size of an image from its header, before a byte of it is decoded or even read.
//!
//! It reads a few hundred bytes and skips the rest, so that a header that promises gigapixels costs
//! nothing.

use std::io::{BufRead, Cursor, ErrorKind, Read, Seek, SeekFrom};

use crate::config::{Preset, Settings};
use crate::failure::{Failure, FailureKind};
use crate::kind::Kind;
use crate::png::chunks::Png;
use crate::tiff::Tiff;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// The format, by content.
    pub kind: Kind,
    /// Pixels across, as stored.
    pub width: u32,
    /// Pixels down, as stored.
    pub height: u32,
    /// Whether decoding needs all coefficients at once.
    pub progressive: bool,
}

/// The number of bytes of boxes that are read of an AVIF; those of an hour of frames have less.
const AVIF_BOXES: u64 = 1 << 24;

impl Probe {
    /// Reads the header.
    ///
    /// # Errors
    /// [`FailureKind::Empty`], [`FailureKind::NotAnImage`], or [`FailureKind::Damaged`] for a
    /// header that breaks off.
    pub fn read(reader: &mut (impl BufRead + Seek)) -> Result<Self, Failure> {
        let mut head = Vec::new();
        reader.by_ref().take(64).read_to_end(&mut head).map_err(unreadable)?;
        if head.is_empty() {
            return Err(Failure::new(FailureKind::Empty, "the file has no bytes"));
        }
        let Some(kind) = Kind::of(&head) else {
            return Err(Failure::new(
                FailureKind::NotAnImage,
                format!("its content is no image: {}", begin(&head)),
            ));
        };
        let (width, height, progressive) = match kind {
            Kind::Jpeg => jpeg(reader)?,
            Kind::Png => png(&head)?,
            Kind::Webp => webp(&head)?,
            Kind::Gif => gif(reader)?,
            Kind::Bmp => bmp(&head)?,
            Kind::Tiff => tiff(reader)?,
            Kind::Avif => avif(reader)?,
        };
        if width == 0 || height == 0 {
            return Err(Failure::damaged(format!("a {kind} of {width} x {height} pixels")));
        }
        Ok(Self { kind, width, height, progressive })
    }

    /// Pixels in all.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Bytes that compressing it takes at most, its file of `length` bytes included.
    #[must_use]
    pub fn memory(&self, length: u64, settings: &Settings) -> u64 {
        let to = settings.format.unwrap_or(self.kind);
        let small = settings.preset == Preset::Small;
        let a_pixel = match (self.kind, to) {
            (Kind::Jpeg, Kind::Jpeg) if small => 12,
            (Kind::Jpeg, Kind::Jpeg) if self.progressive => 10,
            (Kind::Jpeg, Kind::Jpeg) => 4,
            (_, Kind::Avif) => 60,
            (_, Kind::Webp) | (Kind::Avif, _) => 20,
            (_, Kind::Png) => 24,
            _ => 12,
        };
        self.pixels().saturating_mul(a_pixel).saturating_add(length.saturating_mul(2))
    }

    /// Refuses what has more pixels than `most`.
    ///
    /// # Errors
    /// [`FailureKind::TooLarge`].
    pub fn check(&self, most: u64) -> Result<(), Failure> {
        if self.pixels() <= most {
            return Ok(());
        }
        let (width, height) = (self.width, self.height);
        let reason = format!("{width} x {height} pixels, more than --max-pixels {most}");
        Err(Failure::new(FailureKind::TooLarge, reason))
    }
}

fn unreadable(error: std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::UnexpectedEof => breaks_off(),
        _ => Failure::new(FailureKind::Unreadable, error.to_string()),
    }
}

fn breaks_off() -> Failure {
    Failure::damaged("it is truncated: its header breaks off")
}

/// The first bytes, for a person who wonders what the file is.
fn begin(head: &[u8]) -> String {
    let head = &head[..head.len().min(16)];
    match std::str::from_utf8(head) {
        Ok(text) if !text.chars().any(|c| c.is_control() && !c.is_whitespace()) => {
            format!("it begins {text:?}")
        }
        _ => format!("it begins {:02X?}", &head[..head.len().min(8)]),
    }
}

fn be(head: &[u8], at: usize) -> Result<u32, Failure> {
    head.get(at..)
        .and_then(|rest| rest.first_chunk())
        .map(|bytes| u32::from_be_bytes(*bytes))
        .ok_or_else(breaks_off)
}

fn le(head: &[u8], at: usize) -> Result<u32, Failure> {
    be(head, at).map(u32::swap_bytes)
}

fn le16(head: &[u8], at: usize) -> Result<u32, Failure> {
    let bytes = head.get(at..).and_then(|rest| rest.first_chunk()).ok_or_else(breaks_off)?;
    Ok(u16::from_le_bytes(*bytes).into())
}

/// Walks from segment to segment until the frame header.
fn jpeg(reader: &mut (impl BufRead + Seek)) -> Result<(u32, u32, bool), Failure> {
    reader.seek(SeekFrom::Start(2)).map_err(unreadable)?;
    loop {
        let mut two = [0; 2];
        reader.read_exact(&mut two).map_err(unreadable)?;
        while two == [0xFF, 0xFF] {
            reader.read_exact(&mut two[1..]).map_err(unreadable)?;
        }
        let [0xFF, marker] = two else {
            return Err(Failure::damaged("bytes that belong to nothing before its frame header"));
        };
        match marker {
            0x01 | 0xD0..=0xD7 => continue,
            0xD8 => return Err(Failure::damaged("a second start marker")),
            0xD9 | 0xDA => return Err(Failure::damaged("it has no frame header")),
            _ => {}
        }
        reader.read_exact(&mut two).map_err(unreadable)?;
        let length = u16::from_be_bytes(two);
        if length < 2 {
            return Err(Failure::damaged(format!("a segment of {length} bytes")));
        }
        if matches!(marker, 0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF) {
            let mut frame = [0; 5];
            reader.read_exact(&mut frame).map_err(unreadable)?;
            let [_, h1, h0, w1, w0] = frame;
            let progressive = matches!(marker, 0xC2 | 0xC6 | 0xCA | 0xCE);
            let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
            return Ok((width.into(), height.into(), progressive));
        }
        reader.seek_relative(i64::from(length) - 2).map_err(unreadable)?;
    }
}

/// Other checks wait for the whole file; a size from the wrong bytes would be a size of nothing.
fn png(head: &[u8]) -> Result<(u32, u32, bool), Failure> {
    // Without enough bytes for a header, `Png` says what is wrong.
    Png::parse(head, true)?;
    Ok((be(head, 16)?, be(head, 20)?, false))
}

fn gif(reader: &mut (impl BufRead + Seek)) -> Result<(u32, u32, bool), Failure> {
    let (width, height) = crate::gif::size(reader).map_err(unreadable)?;
    Ok((width, height, false))
}

fn webp(head: &[u8]) -> Result<(u32, u32, bool), Failure> {
    let features = webp::BitstreamFeatures::new(head);
    let features =
        features.ok_or_else(|| Failure::damaged("its WebP header is wrong or breaks off"))?;
    Ok((features.width(), features.height(), false))
}

fn bmp(head: &[u8]) -> Result<(u32, u32, bool), Failure> {
    if le(head, 14)? == 12 {
        return Ok((le16(head, 18)?, le16(head, 20)?, false));
    }
    // A negative height says that rows go down.
    Ok((
        le(head, 18)?.cast_signed().unsigned_abs(),
        le(head, 22)?.cast_signed().unsigned_abs(),
        false,
    ))
}

fn tiff(reader: &mut (impl BufRead + Seek)) -> Result<(u32, u32, bool), Failure> {
    let (width, height) = Tiff::read(reader)?.size()?;
    Ok((width, height, false))
}

/// Reads the boxes that say something of the whole, wherever they stand, and skips the data between
/// them.
fn avif(reader: &mut (impl BufRead + Seek)) -> Result<(u32, u32, bool), Failure> {
    reader.rewind().map_err(unreadable)?;
    let mut boxes = Vec::new();
    let mut head = [0; 8];
    // A file that breaks off between two boxes is judged by those that are there.
    while reader.read_exact(&mut head).is_ok() && (boxes.len() as u64) < AVIF_BOXES {
        let [l3, l2, l1, l0, name @ ..] = head;
        let (head_length, length) = match u32::from_be_bytes([l3, l2, l1, l0]) {
            1 => {
                let mut long = [0; 8];
                reader.read_exact(&mut long).map_err(unreadable)?;
                (16, u64::from_be_bytes(long))
            }
            // The last one, up to the end of the file.
            0 => (8, u64::MAX),
            length => (8, length.into()),
        };
        let content = length.checked_sub(head_length).ok_or_else(|| {
            Failure::damaged(format!("a box of {length} bytes, which is less than its own header"))
        })?;
        if matches!(&name, b"meta" | b"moov") {
            let start = boxes.len();
            boxes.extend_from_slice(&[0, 0, 0, 0]);
            boxes.extend_from_slice(&name);
            reader.take(content.min(AVIF_BOXES)).read_to_end(&mut boxes).map_err(unreadable)?;
            let length = u32::try_from(boxes.len() - start).unwrap_or(u32::MAX);
            boxes[start..start + 4].copy_from_slice(&length.to_be_bytes());
        } else {
            match i64::try_from(content) {
                Ok(content) => reader.seek_relative(content).map_err(unreadable)?,
                Err(_) => break,
            }
        }
    }
    let (width, height) = crate::avif::size(&boxes)?;
    Ok((width, height, false))
}

/// The same for bytes in memory.
pub(crate) fn of(bytes: &[u8]) -> Result<Probe, Failure> {
    Probe::read(&mut Cursor::new(bytes))
}

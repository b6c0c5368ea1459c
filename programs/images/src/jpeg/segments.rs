//! The structure of a JPEG file: its segments, its frame, where it ends. Decodes nothing.
//!
//! Every decoder forgives some damage, and each forgives something else. What stands here is
//! checked before one is asked: one start, one frame, whole segments, scans that end, and an end
//! marker.

use std::borrow::Cow;
use std::ops::Range;

use image::metadata::Orientation;

use crate::config::Keep;
use crate::exif;
use crate::failure::Failure;

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const DQT: u8 = 0xDB;
const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
const APP11: u8 = 0xEB;
const APP14: u8 = 0xEE;
const COM: u8 = 0xFE;

const JFIF: &[u8] = b"JFIF\0";
const EXIF: &[u8] = b"Exif\0\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
const MPF: &[u8] = b"MPF\0";
const JUMBF: &[u8] = b"JP";

/// More scans than any encoder writes; a file with thousands takes minutes to decode.
const MOST_SCANS: usize = 200;
/// The most bytes of a segment's content.
const MOST: usize = 65_533;

/// What the frame header says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Frame {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A JPEG file, taken apart.
#[derive(Debug)]
pub(crate) struct Jpeg<'a> {
    bytes: &'a [u8],
    /// Application and comment segments, with their markers, in the file's order.
    extra: Vec<Segment>,
    pub(crate) frame: Frame,
    /// The first table of each number, which says how coarsely coefficients were rounded.
    tables: [Option<[u16; 64]>; 4],
    /// Just after the end marker.
    end: usize,
}

#[derive(Clone, Debug)]
struct Segment {
    marker: u8,
    /// With marker and length.
    whole: Range<usize>,
}

impl<'a> Jpeg<'a> {
    /// Takes it apart. With `salvage` a file that breaks off after its first scan began is taken as
    /// it is.
    pub(crate) fn parse(bytes: &'a [u8], salvage: bool) -> Result<Self, Failure> {
        if !bytes.starts_with(&[0xFF, SOI]) {
            return Err(Failure::damaged("it does not start with a JPEG marker"));
        }
        let mut it = Self {
            bytes,
            extra: Vec::new(),
            frame: Frame::default(),
            tables: [None; 4],
            end: bytes.len(),
        };
        match it.walk() {
            Err(failure) if !salvage || it.frame.width == 0 => Err(failure),
            _ if it.frame.width == 0 => Err(Failure::damaged("it ends before any image begins")),
            _ => Ok(it),
        }
    }

    fn walk(&mut self) -> Result<(), Failure> {
        let (mut at, mut scans) = (2, 0);
        loop {
            let marker = marker(self.bytes, &mut at)?;
            match marker {
                EOI => break,
                SOI => {
                    return Err(Failure::damaged(format!(
                        "a second start marker at byte {}",
                        at - 2
                    )));
                }
                // Restart markers and 01 stand alone; between segments they mean nothing.
                0x01 | 0xD0..=0xD7 => continue,
                _ => {}
            }
            let whole = segment(self.bytes, at)?;
            let content = &self.bytes[at + 2..whole.end];
            match marker {
                0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF if self.frame.width > 0 => {
                    return Err(Failure::damaged("a second frame"));
                }
                0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    self.frame = frame(content)?
                }
                DQT => self.tables(content),
                APP0..=0xEF | COM => self.extra.push(Segment { marker, whole: whole.clone() }),
                _ => {}
            }
            at = whole.end;
            if marker == SOS {
                scans += 1;
                if self.frame.width == 0 {
                    return Err(Failure::damaged("a scan before any frame"));
                }
                if scans > MOST_SCANS {
                    return Err(Failure::damaged(format!("more than {MOST_SCANS} scans")));
                }
                at = end_of_scan(self.bytes, at)?;
            }
        }
        self.end = at;
        if scans == 0 { Err(Failure::damaged("it has no image data")) } else { Ok(()) }
    }

    /// A segment may hold several; what is malformed is the decoder's to refuse.
    fn tables(&mut self, mut content: &[u8]) {
        while let Some((head, rest)) = content.split_first() {
            let a_number = if head >> 4 == 0 { 1 } else { 2 };
            let Some((numbers, rest)) = rest.split_at_checked(64 * a_number) else { return };
            let mut table = [0; 64];
            for (to, from) in table.iter_mut().zip(numbers.chunks_exact(a_number)) {
                *to = from.iter().fold(0, |number, byte| number << 8 | u16::from(*byte));
            }
            if let Some(slot) = self.tables.get_mut(usize::from(head & 15)) {
                slot.get_or_insert(table);
            }
            content = rest;
        }
    }

    /// Whether its brightness was rounded at least as coarsely as that of the other, in every
    /// place: then coding it like the other loses more, and saves nothing but what better code
    /// tables save.
    pub(crate) fn is_as_coarse_as(&self, other: &Jpeg<'_>) -> bool {
        match (&self.tables[0], &other.tables[0]) {
            (Some(mine), Some(others)) => {
                mine.iter().zip(others).all(|(mine, others)| mine >= others)
            }
            _ => false,
        }
    }

    fn content(&self, segment: &Segment) -> &'a [u8] {
        &self.bytes[segment.whole.start + 4..segment.whole.end]
    }

    fn with_prefix(&self, marker: u8, prefix: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
        let of_kind = self.extra.iter().filter(move |segment| segment.marker == marker);
        of_kind.filter_map(move |segment| self.content(segment).strip_prefix(prefix))
    }

    /// The EXIF block: a TIFF header and what follows it.
    pub(crate) fn exif(&self) -> Option<&'a [u8]> {
        self.with_prefix(APP1, EXIF).next()
    }

    /// The colour profile, put together from its parts; none if parts are missing.
    pub(crate) fn icc(&self) -> Option<Vec<u8>> {
        let mut parts: Vec<&[u8]> =
            self.with_prefix(APP2, ICC).filter(|part| part.len() > 2).collect();
        parts.sort_by_key(|part| part[0]);
        let whole = !parts.is_empty()
            && parts.iter().zip(1_usize..).all(|(part, number)| {
                usize::from(part[0]) == number && usize::from(part[1]) == parts.len()
            });
        whole.then(|| parts.iter().flat_map(|part| &part[2..]).copied().collect())
    }

    /// How it is to be turned.
    pub(crate) fn orientation(&self) -> Orientation {
        self.exif().map_or(Orientation::NoTransforms, exif::orientation)
    }

    /// Whether a marker of Adobe's says how colours are stored. CMYK without it cannot be
    /// distinguished from its negative.
    pub(crate) fn is_adobe(&self) -> bool {
        self.with_prefix(APP14, b"Adobe").next().is_some()
    }

    /// Whether it lists further images, such as a gain map, by their places in the file.
    pub(crate) fn has_further_images(&self) -> bool {
        self.with_prefix(APP2, MPF).next().is_some()
    }

    /// Whether a signature (C2PA) stands in it, which no change would leave valid.
    pub(crate) fn is_signed(&self) -> bool {
        self.with_prefix(APP11, JUMBF).any(|boxes| memchr::memmem::find(boxes, b"c2pa").is_some())
    }

    /// What follows the image: a phone's film of the moment, an editor's notes.
    pub(crate) fn trailer(&self) -> &'a [u8] {
        &self.bytes[self.end..]
    }

    /// What stays of a segment beside the pixels: all of it, a part, or nothing.
    fn stays(&self, segment: &Segment, keep: Keep) -> Option<Cow<'a, [u8]>> {
        let content = self.content(segment);
        let stays = match segment.marker {
            APP0 if content.starts_with(JFIF) => {
                // A thumbnail in it is 3 bytes for each of its pixels; the two bytes before it are
                // its sides.
                if let ([head @ .., _, _], true) =
                    (content.get(..14)?, !keep.exif && content.len() > 14)
                {
                    return Some(made(APP0, &[head, &[0, 0]]));
                }
                true
            }
            APP14 if content.starts_with(b"Adobe") => true,
            APP2 if content.starts_with(ICC) => keep.icc,
            _ => keep.exif,
        };
        stays.then(|| Cow::Borrowed(&self.bytes[segment.whole.clone()]))
    }

    /// Every segment beside the pixels: where it stands, and what stays of it.
    pub(super) fn beside(
        &self,
        keep: Keep,
    ) -> impl Iterator<Item = (Range<usize>, Option<Cow<'a, [u8]>>)> {
        self.extra.iter().map(move |segment| (segment.whole.clone(), self.stays(segment, keep)))
    }

    /// The segments that stay beside the pixels, byte for byte but for the numbers that changed.
    pub(crate) fn kept(&self, keep: Keep, size: Option<(u32, u32)>) -> Vec<Cow<'a, [u8]>> {
        let mut kept = Vec::new();
        let is_signed = self.is_signed();
        for segment in &self.extra {
            let content = self.content(segment);
            // The encoder says itself how colours are stored.
            let is_stale = match segment.marker {
                APP14 => true,
                APP2 => content.starts_with(MPF),
                APP11 => is_signed && content.starts_with(JUMBF),
                _ => false,
            };
            let Some(mut whole) = self.stays(segment, keep).filter(|_| !is_stale) else { continue };
            if let Some((width, height)) = size
                && segment.marker == APP1
                && content.starts_with(EXIF)
            {
                exif::set_size(&mut whole.to_mut()[4 + EXIF.len()..], width, height);
            }
            kept.push(whole);
        }
        kept
    }
}

/// The marker at this place, which moves past it.
fn marker(bytes: &[u8], at: &mut usize) -> Result<u8, Failure> {
    match bytes.get(*at) {
        Some(0xFF) => {}
        Some(_) => return Err(Failure::damaged(format!("bytes that belong to nothing at {at}"))),
        None => return Err(truncated()),
    }
    // Any number of FF may come before a marker.
    let fill = bytes[*at..].iter().take_while(|byte| **byte == 0xFF).count();
    let marker = *bytes.get(*at + fill).ok_or_else(truncated)?;
    *at += fill + 1;
    Ok(marker)
}

/// From the marker to the end of the segment whose length stands at `at`.
fn segment(bytes: &[u8], at: usize) -> Result<Range<usize>, Failure> {
    let length = bytes.get(at..).and_then(|rest| rest.first_chunk()).ok_or_else(truncated)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length < 2 {
        return Err(Failure::damaged(format!("a segment of {length} bytes at {at}")));
    }
    if at + length > bytes.len() {
        return Err(truncated());
    }
    Ok(at - 2..at + length)
}

fn frame(content: &[u8]) -> Result<Frame, Failure> {
    let [_, h1, h0, w1, w0, components, ..] = *content else {
        return Err(Failure::damaged("a frame header that is too short"));
    };
    let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
    if width == 0 || components == 0 {
        return Err(Failure::damaged(format!(
            "a frame of {width} pixels across and {components} colours"
        )));
    }
    if height == 0 {
        return Err(Failure::unsupported(
            "its height is given after the image, which no decoder here reads",
        ));
    }
    Ok(Frame { width: width.into(), height: height.into() })
}

/// The marker after the scan whose data begin at `from`.
fn end_of_scan(bytes: &[u8], from: usize) -> Result<usize, Failure> {
    for at in memchr::memchr_iter(0xFF, &bytes[from..]).map(|found| from + found) {
        match bytes.get(at + 1) {
            // An FF of the data, a restart, or fill bytes.
            Some(0 | 0xD0..=0xD7 | 0xFF) => {}
            Some(_) => return Ok(at),
            None => break,
        }
    }
    Err(truncated())
}

fn truncated() -> Failure {
    Failure::damaged("it is truncated: the file ends before the image does")
}

/// What an encoder wrote, with what stays of the original around it.
///
/// The encoder's own JFIF header gives way to the original's, or to EXIF, which must come first to
/// be found.
pub(crate) fn assemble(encoded: &[u8], kept: &[Cow<'_, [u8]>], trailer: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.reserve(
        encoded.len() + trailer.len() + kept.iter().map(|segment| segment.len()).sum::<usize>(),
    );
    out.extend([0xFF, SOI]);
    for segment in kept {
        out.extend_from_slice(segment);
    }
    let mut rest = &encoded[2..];
    let has_header = kept.iter().any(|segment| matches!(segment[1], APP0 | APP1));
    if has_header
        && let [0xFF, APP0, high, low, ..] = *rest
        && let Some(after) = rest.get(2 + usize::from(u16::from_be_bytes([high, low]))..)
    {
        rest = after;
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(trailer);
}

/// Segments that carry these blocks; blocks that fit into no segment are left out, and reported so.
pub(crate) fn carry(exif: Option<&[u8]>, icc: Option<&[u8]>) -> (Vec<Cow<'static, [u8]>>, bool) {
    let mut segments = Vec::new();
    let mut whole = true;
    match exif {
        Some(exif) if exif.len() + EXIF.len() <= MOST => segments.push(made(APP1, &[EXIF, exif])),
        Some(_) => whole = false,
        None => {}
    }
    let parts: Vec<&[u8]> = icc.unwrap_or_default().chunks(MOST - ICC.len() - 2).collect();
    match u8::try_from(parts.len()) {
        Ok(count) => {
            let numbered = parts.iter().zip(1..);
            segments
                .extend(numbered.map(|(part, number)| made(APP2, &[ICC, &[number, count], part])));
        }
        Err(_) => whole = false,
    }
    (segments, whole)
}

/// A segment of this content.
fn made(marker: u8, parts: &[&[u8]]) -> Cow<'static, [u8]> {
    let length: usize = parts.iter().map(|part| part.len()).sum::<usize>() + 2;
    let length = u16::try_from(length).expect("callers cut their content to what a segment takes");
    let mut segment = vec![0xFF, marker];
    segment.extend(length.to_be_bytes());
    segment.extend(parts.iter().flat_map(|part| part.iter()));
    Cow::Owned(segment)
}

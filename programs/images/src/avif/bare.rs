//! An AVIF without its metadata. Places in the file are named in it, so nothing is moved: what goes
//! is overwritten with zeros, and its name says that it is free space.

use super::boxes::{Extents, each, find, references, types};
use crate::config::Keep;
use crate::failure::Failure;

/// Items of pixels, and what they are put together from.
const PIXELS: [&[u8; 4]; 5] = [b"av01", b"grid", b"iden", b"iovl", b"tmap"];
/// Boxes of a file that say where its pixels are, and those in the box of items.
const OUTER: [&[u8; 4]; 4] = [b"ftyp", b"meta", b"mdat", b"moov"];
const INNER: [&[u8; 4]; 9] =
    [b"hdlr", b"pitm", b"iloc", b"iinf", b"iprp", b"iref", b"idat", b"dinf", b"grpl"];
const FREE: &[u8; 4] = b"free";

/// The file without what is not kept.
///
/// # Errors
/// When something that is not kept is in a place where it cannot be overwritten.
pub(super) fn bare(file: &[u8], keep: Keep) -> Result<Vec<u8>, Failure> {
    let refused = |what: &str| {
        Err(Failure::unsupported(format!(
            "it holds {what}, which cannot be removed from an AVIF here; --format png writes its pixels alone"
        )))
    };
    let damaged = || Failure::damaged("its boxes are wrong or break off");
    let meta = find(file, *b"meta").and_then(|meta| meta.get(4..));
    let properties =
        meta.and_then(|meta| find(find(meta, *b"iprp")?, *b"ipco")).unwrap_or_default();
    let is_profile = |content: &[u8]| content.starts_with(b"prof") || content.starts_with(b"rICC");
    if !keep.icc && each(properties).any(|(name, content)| &name == b"colr" && is_profile(content))
    {
        return refused("a colour profile");
    }
    if keep.exif {
        return Ok(file.to_vec());
    }
    if has_metadata(find(file, *b"moov").unwrap_or_default()) {
        return refused("metadata beside the frames of its sequence");
    }
    if each(properties).any(|(name, _)| &name == b"udes") {
        return refused("a description");
    }
    let mut bare = Bare { file, bytes: file.to_vec() };
    if let Some(meta) = meta {
        if references(meta).any(|(name, ..)| &name == b"thmb") {
            return refused("a thumbnail");
        }
        bare.items(meta).ok_or_else(damaged)?;
        bare.boxes(meta, &INNER);
    }
    let end = bare.boxes(file, &OUTER);
    bare.bytes.truncate(end);
    Ok(bare.bytes)
}

/// Whether a movie, or one of its tracks, has more than frames.
fn has_metadata(movie: &[u8]) -> bool {
    let beside = |boxes| each(boxes).any(|(name, _)| matches!(&name, b"meta" | b"udta" | b"uuid"));
    beside(movie) || each(movie).any(|(name, track)| &name == b"trak" && beside(track))
}

struct Bare<'a> {
    file: &'a [u8],
    bytes: Vec<u8>,
}

impl Bare<'_> {
    /// Where a part of the file begins in it.
    fn place(&self, part: &[u8]) -> usize {
        part.as_ptr().addr() - self.file.as_ptr().addr()
    }

    /// Overwrites EXIF, XMP and everything else that is no pixels.
    fn items(&mut self, meta: &[u8]) -> Option<()> {
        let locations = find(meta, *b"iloc");
        let data = find(meta, *b"idat");
        for (id, name) in types(meta)? {
            if PIXELS.contains(&name) {
                continue;
            }
            let Extents { in_data, ranges } = Extents::read(locations?, id)?;
            let start = if in_data { self.place(data?) } else { 0 };
            let name = self.place(name);
            for range in ranges {
                let (from, to) = (start.checked_add(range.start)?, start.checked_add(range.end)?);
                self.bytes.get_mut(from..to)?.fill(0);
            }
            self.bytes[name..name + 4].copy_from_slice(FREE);
        }
        Some(())
    }

    /// Overwrites boxes that are none of the known ones; where the last box ends.
    fn boxes(&mut self, part: &[u8], known: &[&[u8; 4]]) -> usize {
        let mut end = self.place(part);
        for (name, content) in each(part) {
            let start = self.place(content);
            end = start + content.len();
            if !known.contains(&&name) {
                self.bytes[start..end].fill(0);
                // Before the content stands its name, or the name and a length of eight bytes.
                let places = [start - 4, start.saturating_sub(12)];
                if let Some(at) = places.into_iter().find(|at| self.bytes[*at..*at + 4] == name) {
                    self.bytes[at..at + 4].copy_from_slice(FREE);
                }
            }
        }
        end
    }
}

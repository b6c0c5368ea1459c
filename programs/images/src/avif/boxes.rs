//! The boxes around an AVIF's images: size, how to turn it, its colours, where its data stand.
//! Decodes nothing.

use image::metadata::Orientation;

/// What the boxes say of the primary image.
#[derive(Debug, Default)]
pub(crate) struct Boxes {
    pub(crate) size: Option<(u32, u32)>,
    quarter_turns: u8,
    mirror: Option<u8>,
    pub(crate) icc: Option<Vec<u8>>,
    pub(crate) colours: Option<Colours>,
    /// Something that changes how it is shown and that is not understood here.
    pub(crate) unknown: Option<[u8; 4]>,
    pub(crate) exif: Option<Vec<u8>>,
    /// The coded image, and the one of its transparency.
    pub(crate) coded: Option<Vec<u8>>,
    pub(crate) alpha: Option<Vec<u8>>,
    /// Colours are stored as they look on black.
    pub(crate) premultiplied: bool,
    /// Something that the image is made from, other than one coded image.
    pub(crate) derived: bool,
}

/// Numbers of the table in ITU-T H.273.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Colours {
    pub(crate) primaries: u16,
    pub(crate) transfer: u16,
    pub(crate) matrix: u16,
    pub(crate) full_range: bool,
}

impl Boxes {
    /// Reads them; of a file's beginning only, data may be missing. None if there is no AVIF to
    /// speak of.
    pub(crate) fn read(file: &[u8]) -> Option<Self> {
        let meta = find(file, *b"meta")?.get(4..)?;
        let primary = Reader(find(meta, *b"pitm")?).versioned(|it, version| it.id(version > 0))?;
        let iprp = find(meta, *b"iprp")?;
        let properties: Vec<([u8; 4], &[u8])> = each(find(iprp, *b"ipco")?).collect();
        let mut boxes = Self::default();
        for index in Reader(find(iprp, *b"ipma")?).associations(primary)? {
            if let Some((name, content)) =
                index.checked_sub(1).and_then(|index| properties.get(index))
            {
                boxes.property(*name, content)?;
            }
        }
        boxes.items(file, meta, primary, &properties);
        Some(boxes)
    }

    /// Finds the data of the image and of what belongs to it.
    fn items(
        &mut self,
        file: &[u8],
        meta: &[u8],
        primary: u32,
        properties: &[([u8; 4], &[u8])],
    ) -> Option<()> {
        let types = types(meta)?;
        let of_type =
            |name: &[u8; 4]| types.iter().find(|(_, found)| *found == name).map(|(id, _)| *id);
        let data =
            |id: u32| Extents::read(find(meta, *b"iloc")?, id)?.data(file, find(meta, *b"idat"));
        self.derived = types.iter().any(|(id, name)| *id == primary && *name != b"av01");
        self.coded = data(primary);
        // The first number says how far the TIFF header is.
        self.exif = of_type(b"Exif").and_then(data).and_then(|item| {
            let skipped = u32::from_be_bytes(*item.first_chunk()?) as usize;
            item.get(4 + skipped..).map(<[u8]>::to_vec)
        });
        for (name, from, to) in references(meta) {
            self.premultiplied |= &name == b"prem" && from == primary;
            if &name == b"auxl" && to.contains(&primary) {
                let ipma = find(find(meta, *b"iprp")?, *b"ipma")?;
                let of_alpha = Reader(ipma).associations(from).unwrap_or_default();
                let mut own =
                    of_alpha.iter().filter_map(|index| properties.get(index.checked_sub(1)?));
                if own.any(|(name, content)| name == b"auxC" && is_alpha(content)) {
                    // Data that are not there are damage, and no image without transparency.
                    self.alpha = Some(data(from).unwrap_or_default());
                }
            }
        }
        Some(())
    }

    fn property(&mut self, name: [u8; 4], content: &[u8]) -> Option<()> {
        let it = Reader(content);
        match &name {
            b"ispe" => {
                self.size = Some(it.versioned(|it, _| Some((it.number(4)?, it.number(4)?)))?)
            }
            b"irot" => self.quarter_turns = content.first()? & 3,
            b"imir" => self.mirror = Some(content.first()? & 1),
            b"colr" if content.starts_with(b"nclx") => {
                let [_, _, _, _, p1, p0, t1, t0, m1, m0, range, ..] = *content else { return None };
                self.colours = Some(Colours {
                    primaries: u16::from_be_bytes([p1, p0]),
                    transfer: u16::from_be_bytes([t1, t0]),
                    matrix: u16::from_be_bytes([m1, m0]),
                    full_range: range & 0x80 != 0,
                });
            }
            b"colr" => self.icc = content.get(4..).map(<[u8]>::to_vec),
            b"clap" => self.unknown = Some(name),
            _ => {}
        }
        Some(())
    }

    /// First turned, counted against the clock, then mirrored: by its left and right, or its top
    /// and bottom.
    pub(crate) fn orientation(&self) -> Orientation {
        let exif = match (self.quarter_turns, self.mirror) {
            (0, None) => 1,
            (1, None) => 8,
            (2, None) => 3,
            (_, None) => 6,
            (0, Some(0)) | (2, Some(1)) => 4,
            (0, Some(_)) | (2, Some(_)) => 2,
            (1, Some(0)) | (3, Some(1)) => 5,
            (_, Some(_)) => 7,
        };
        Orientation::from_exif(exif).unwrap_or(Orientation::NoTransforms)
    }
}

fn is_alpha(content: &[u8]) -> bool {
    let urn = content.get(4..).unwrap_or_default();
    urn.starts_with(b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")
        || urn.starts_with(b"urn:mpeg:hevc:2015:auxid:1")
}

/// References between items: of which kind, from which, to which.
pub(super) fn references(meta: &[u8]) -> impl Iterator<Item = ([u8; 4], u32, Vec<u32>)> {
    let (version, boxes) = find(meta, *b"iref")
        .and_then(|all| Some((*all.first()?, all.get(4..)?)))
        .unwrap_or_default();
    each(boxes).map_while(move |(name, content)| {
        let (from, to) = Reader(content).reference(version > 0)?;
        Some((name, from, to))
    })
}

/// Items and their types.
pub(super) fn types(meta: &[u8]) -> Option<Vec<(u32, &[u8; 4])>> {
    let items = Reader(find(meta, *b"iinf")?).versioned(|it, version| {
        it.number(if version == 0 { 2 } else { 4 })?;
        Some(it.0)
    })?;
    let entries = each(items).filter(|(name, _)| name == b"infe");
    let read = |content| {
        Reader(content).versioned(|it, version| {
            let id = it.id(version > 2)?;
            it.number(2)?;
            Some((id, it.take(4)?.first_chunk()?))
        })
    };
    Some(entries.filter_map(|(_, content)| read(content)).collect())
}

/// The content of the first box with this name.
pub(super) fn find(boxes: &[u8], name: [u8; 4]) -> Option<&[u8]> {
    each(boxes).find(|(found, _)| *found == name).map(|(_, content)| content)
}

/// Boxes and their content, as far as they go.
pub(super) fn each(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let mut it = Reader(rest);
        let length = it.number(4)? as usize;
        let name = *it.take(4)?.first_chunk()?;
        let (head, length) = match length {
            0 => (8, rest.len()),
            1 => {
                it.number(4)?;
                (16, it.number(4)? as usize)
            }
            length => (8, length),
        };
        // A box that goes on beyond what was read is taken as far as it goes.
        let content = rest.get(head..length.min(rest.len()))?;
        rest = rest.get(length.max(head)..).unwrap_or_default();
        Some((name, content))
    })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of up to four bytes; of eight, the lower half.
    fn number(&mut self, length: usize) -> Option<u32> {
        Some(self.take(length)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn id(&mut self, long: bool) -> Option<u32> {
        self.number(if long { 4 } else { 2 })
    }

    /// Reads version and flags, then the rest.
    fn versioned<T>(mut self, read: impl FnOnce(&mut Self, u8) -> Option<T>) -> Option<T> {
        let version = *self.take(4)?.first()?;
        read(&mut self, version)
    }

    /// Which properties an item has, counted from one.
    fn associations(mut self, wanted: u32) -> Option<Vec<usize>> {
        let head = self.take(4)?;
        let (version, long) = (head[0], head[3] & 1 == 1);
        for _ in 0..self.number(4)? {
            let id = self.id(version > 0)?;
            let count = self.number(1)?;
            let mut found = Vec::new();
            for _ in 0..count {
                let entry = self.number(if long { 2 } else { 1 })?;
                found.push((entry & if long { 0x7FFF } else { 0x7F }) as usize);
            }
            if id == wanted {
                return Some(found);
            }
        }
        None
    }

    /// From which item to which ones.
    fn reference(mut self, long: bool) -> Option<(u32, Vec<u32>)> {
        let from = self.id(long)?;
        let count = self.number(2)?;
        Some((from, (0..count).map_while(|_| self.id(long)).collect()))
    }
}

/// Where the pieces of an item stand.
pub(super) struct Extents {
    /// In the box of small data rather than in the file.
    pub(super) in_data: bool,
    pub(super) ranges: Vec<std::ops::Range<usize>>,
}

impl Extents {
    /// The pieces of an item, from the box of locations. A length of nothing, which means all of
    /// it, ends at `usize::MAX`.
    pub(super) fn read(locations: &[u8], wanted: u32) -> Option<Self> {
        let mut it = Reader(locations);
        let version = *it.take(4)?.first()?;
        let (sizes, bases) = (it.number(1)?, it.number(1)?);
        let [offset, length, base, index] =
            [sizes >> 4, sizes & 15, bases >> 4, bases & 15].map(|size| size as usize);
        for _ in 0..it.id(version > 1)? {
            let id = it.id(version > 1)?;
            let method = if version == 0 { 0 } else { it.number(2)? & 15 };
            it.number(2)?;
            let base = it.number(base)? as usize;
            let mut ranges = Vec::new();
            for _ in 0..it.number(2)? {
                if version > 0 {
                    it.number(index)?;
                }
                let start = base.checked_add(it.number(offset)? as usize)?;
                let length = it.number(length)? as usize;
                let end = if length == 0 { usize::MAX } else { start.checked_add(length)? };
                ranges.push(start..end);
            }
            if id == wanted {
                return (method < 2).then_some(Self { in_data: method == 1, ranges });
            }
        }
        None
    }

    /// The pieces, put together; none if one of them is not there.
    fn data(self, file: &[u8], data: Option<&[u8]>) -> Option<Vec<u8>> {
        let place = if self.in_data { data? } else { file };
        let mut whole = Vec::new();
        for range in self.ranges {
            let end = if range.end == usize::MAX { place.len() } else { range.end };
            whole.extend_from_slice(place.get(range.start..end)?);
        }
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Boxes::read(&bytes);
            let mut file = b"\0\0\0\x0Cftypavif\0\0\x01\0meta\0\0\0\0\0\0\0\x0Epitm\0\0\0\0\0\x01\0\0\0\xFFiprp\0\0\0\x40ipco".to_vec();
            file.extend(bytes);
            let _ = Boxes::read(&file);
        }
    }
}

//! The bytes of TIFF directories, of either byte order and width. Knows no meaning of any tag.

use std::io::{self, Read, Seek};

use super::read::{invalid, read_at};

/// Entries of a directory; few have more than a hundred.
const MOST_ENTRIES: u64 = 1 << 12;

/// Byte order, and whether places have eight bytes (BigTIFF).
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    big_endian: bool,
    wide: bool,
    /// Where the first directory begins.
    pub(super) first: u64,
    /// Canon's raw photographs say so in the header.
    pub(super) is_canon: bool,
}

impl Format {
    pub(super) fn read(reader: &mut (impl Read + Seek)) -> io::Result<Self> {
        let head = read_at(reader, 0, 8)?;
        let big_endian = head[0] == b'M';
        let mut format = Self { big_endian, wide: false, first: 0, is_canon: false };
        format.wide = format.number(&head[2..4]) == 43;
        format.first = if format.wide {
            format.number(&read_at(reader, 8, 8)?)
        } else {
            format.number(&head[4..8])
        };
        format.is_canon = read_at(reader, 8, 2).is_ok_and(|mark| mark == b"CR");
        Ok(format)
    }

    pub(super) fn number(self, bytes: &[u8]) -> u64 {
        let shift = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        if self.big_endian {
            bytes.iter().fold(0, shift)
        } else {
            bytes.iter().rev().fold(0, shift)
        }
    }

    /// Names another directory as the first one.
    pub(super) fn set_first(self, file: &mut [u8], at: u64) {
        let place = if self.wide { 8..16 } else { 4..8 };
        let length = place.len();
        let Some(place) = file.get_mut(place) else { return };
        let bytes = at.to_le_bytes();
        place.copy_from_slice(&bytes[..length]);
        if self.big_endian {
            place.reverse();
        }
    }
}

/// A directory's entries.
#[derive(Clone, Debug)]
pub(super) struct Entries(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    tag: u16,
    kind: u64,
    count: u64,
    /// The value, or where it stands.
    value: Vec<u8>,
}

/// The entries of the directory at `at`, and the place of the next one.
pub(super) fn entries(
    reader: &mut (impl Read + Seek),
    format: Format,
    at: u64,
) -> io::Result<(Entries, u64)> {
    let (head, each, link) = if format.wide { (8, 20, 8) } else { (2, 12, 4) };
    let count = format.number(&read_at(reader, at, head)?);
    if count > MOST_ENTRIES {
        return Err(invalid(format!("a TIFF directory with {count} entries")));
    }
    let place = at.saturating_add(head as u64);
    let length = usize::try_from(count).unwrap_or(0) * each;
    let bytes = read_at(reader, place, length)?;
    let entries = bytes.chunks_exact(each).map(|entry| Entry {
        tag: u16::try_from(format.number(&entry[..2])).unwrap_or(0),
        kind: format.number(&entry[2..4]),
        count: format.number(&entry[4..each - link]),
        value: entry[each - link..].to_vec(),
    });
    let entries = Entries(entries.collect());
    // Some writers end the file with the last entry.
    let next = read_at(reader, place.saturating_add(length as u64), link);
    Ok((entries, next.map_or(0, |next| format.number(&next))))
}

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn tags(&self) -> impl Iterator<Item = u16> {
        self.0.iter().map(|entry| entry.tag)
    }

    /// The bytes of a tag; none if it is not there.
    pub(super) fn bytes(
        &self,
        reader: &mut (impl Read + Seek),
        format: Format,
        tag: u16,
    ) -> io::Result<Vec<u8>> {
        match self.0.iter().find(|entry| entry.tag == tag) {
            Some(entry) => entry.bytes(reader, format, u64::MAX),
            None => Ok(Vec::new()),
        }
    }

    /// The whole numbers of a tag, `most` of them; none if it is not there or holds something else.
    pub(super) fn numbers(
        &self,
        reader: &mut (impl Read + Seek),
        format: Format,
        tag: u16,
        most: u64,
    ) -> io::Result<Vec<u64>> {
        let whole =
            |entry: &&Entry| entry.tag == tag && matches!(entry.kind, 1 | 3 | 4 | 13 | 16 | 18);
        let Some(entry) = self.0.iter().find(whole) else { return Ok(Vec::new()) };
        let bytes = entry.bytes(reader, format, most)?;
        Ok(bytes.chunks_exact(size(entry.kind)).map(|number| format.number(number)).collect())
    }
}

impl Entry {
    /// The bytes of its values, `most` of them.
    fn bytes(
        &self,
        reader: &mut (impl Read + Seek),
        format: Format,
        most: u64,
    ) -> io::Result<Vec<u8>> {
        let length = |count: u64| {
            usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(size(self.kind))
        };
        let wanted = length(self.count.min(most));
        if length(self.count) <= self.value.len() {
            return Ok(self.value[..wanted].to_vec());
        }
        read_at(reader, format.number(&self.value), wanted)
    }
}

/// The bytes of a value of this type.
fn size(kind: u64) -> usize {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => 1,
    }
}

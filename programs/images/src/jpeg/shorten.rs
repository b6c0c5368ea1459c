//! Gives a baseline JPEG code tables of its own. Decodes no more of it than its codes.
//!
//! An encoder that counts first and codes then holds all coefficients of an image, three times the
//! memory of its planes. Reading again what it wrote with everybody's tables takes a twentieth of
//! the time of a trellis, and no memory.

use super::codes::{Codes, Counts, Reader};
use crate::failure::Failure;

const FRAME: u8 = 0xC0;
const TABLES: u8 = 0xC4;
const SCAN: u8 = 0xDA;
const RESTARTS: u8 = 0xDD;

/// Writes the JPEG `coded` to `out` with the shortest codes. It has one frame and one scan without
/// restarts, as this crate's encoder writes it.
///
/// # Errors
/// When it is another kind of file.
pub(crate) fn shorten(coded: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
    let it = Coded::parse(coded).ok_or_else(unreadable)?;
    let mut counts = [(); 4].map(|()| Counts::new());
    it.walk(|table, symbol, _, _| counts[table].add(symbol)).ok_or_else(unreadable)?;
    let codes = counts.map(|counts| Codes::shortest(&counts));
    out.clear();
    it.write_head(&codes, out);
    let shorter = codes.map(|codes| codes.to_write());
    let mut bits = Writer { out, held: 0, count: 0 };
    it.walk(|table, symbol, extra, length| {
        let (code, code_length) = shorter[table][usize::from(symbol)];
        bits.put(code << length | extra, code_length + length);
    })
    .ok_or_else(unreadable)?;
    bits.finish();
    out.extend_from_slice(&[0xFF, 0xD9]);
    Ok(())
}

fn unreadable() -> Failure {
    Failure::unsupported("the encoder wrote codes that cannot be read again")
}

/// A component's blocks in each group of them, and its tables.
#[derive(Clone, Copy, Debug)]
struct Component {
    id: u8,
    across: usize,
    down: usize,
    /// Tables of the averages are 0 and 1, of the rest 2 and 3.
    average: usize,
    rest: usize,
}

/// A file, taken apart.
struct Coded<'a> {
    bytes: &'a [u8],
    /// What stays of its head, segment by segment, without the scan's.
    head: Vec<&'a [u8]>,
    scan_head: &'a [u8],
    tables: [Option<Reader>; 4],
    components: Vec<Component>,
    /// Groups of blocks in the image.
    groups: usize,
    /// Where the codes begin.
    start: usize,
}

impl<'a> Coded<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut it = Self {
            bytes,
            head: Vec::new(),
            scan_head: &[],
            tables: [const { None }; 4],
            components: Vec::new(),
            groups: 0,
            start: 2,
        };
        while it.scan_head.is_empty() {
            let [0xFF, marker, high, low] = *bytes.get(it.start..)?.first_chunk()? else {
                return None;
            };
            let end = it.start + 2 + usize::from(u16::from_be_bytes([high, low]));
            let whole = bytes.get(it.start..end)?;
            let content = whole.get(4..)?;
            match marker {
                RESTARTS => return None,
                TABLES => it.tables(content)?,
                SCAN => {
                    it.scan(content)?;
                    it.scan_head = whole;
                }
                _ => {
                    if marker == FRAME {
                        it.frame(content)?;
                    }
                    it.head.push(whole);
                }
            }
            it.start = end;
        }
        Some(it)
    }

    fn tables(&mut self, mut content: &[u8]) -> Option<()> {
        while let Some((kind, rest)) = content.split_first() {
            let lengths = *rest.first_chunk::<16>()?;
            let count = lengths.iter().map(|count| usize::from(*count)).sum::<usize>();
            let symbols = rest.get(16..16 + count)?.to_vec();
            let table = usize::from(kind >> 4) * 2 + usize::from(kind & 0xF);
            *self.tables.get_mut(table)? = Some(Codes { lengths, symbols }.to_read());
            content = &rest[16 + count..];
        }
        Some(())
    }

    fn frame(&mut self, content: &[u8]) -> Option<()> {
        let [8, h1, h0, w1, w0, _] = *content.first_chunk()? else { return None };
        let side = |high, low| usize::from(u16::from_be_bytes([high, low]));
        let (width, height) = (side(w1, w0), side(h1, h0));
        for component in content.get(6..)?.chunks_exact(3) {
            let (across, down) = (usize::from(component[1] >> 4), usize::from(component[1] & 0xF));
            let new = Component { id: component[0], across, down, average: 0, rest: 0 };
            self.components.push(new);
        }
        if let [only] = self.components.as_mut_slice() {
            // A single component is not interleaved: its groups are blocks.
            (only.across, only.down) = (1, 1);
        }
        let across = self.components.iter().map(|component| component.across).max()?;
        let down = self.components.iter().map(|component| component.down).max()?;
        self.groups = width.div_ceil(8 * across) * height.div_ceil(8 * down);
        Some(())
    }

    fn scan(&mut self, content: &[u8]) -> Option<()> {
        let (count, rest) = content.split_first()?;
        if usize::from(*count) != self.components.len() {
            return None;
        }
        for (component, chosen) in self.components.iter_mut().zip(rest.chunks_exact(2)) {
            component.average = usize::from(chosen[1] >> 4);
            component.rest = 2 + usize::from(chosen[1] & 0xF);
            let known = |table: usize| matches!(self.tables.get(table), Some(Some(_)));
            if component.id != chosen[0] || !known(component.average) || !known(component.rest) {
                return None;
            }
        }
        Some(())
    }

    /// Calls `each` with the table, the symbol, and the bits behind it and their number, for all
    /// codes in order.
    fn walk(&self, mut each: impl FnMut(usize, u8, u32, u32)) -> Option<()> {
        let mut bits = Bits { bytes: self.bytes.get(self.start..)?, at: 0, held: 0, count: 0 };
        for _ in 0..self.groups {
            for Component { across, down, average, rest, .. } in &self.components {
                let (of_average, of_rest) =
                    (self.tables[*average].as_ref()?, self.tables[*rest].as_ref()?);
                for _ in 0..across * down {
                    let (symbol, extra, length) = bits.next(of_average)?;
                    each(*average, symbol, extra, length);
                    let mut done = 1;
                    while done < 64 {
                        let (symbol, extra, length) = bits.next(of_rest)?;
                        each(*rest, symbol, extra, length);
                        match symbol {
                            0 => break,
                            0xF0 => done += 16,
                            _ => done += 1 + usize::from(symbol >> 4),
                        }
                    }
                }
            }
        }
        Some(())
    }

    fn write_head(&self, codes: &[Codes; 4], out: &mut Vec<u8>) {
        out.extend_from_slice(&[0xFF, 0xD8]);
        self.head.iter().for_each(|segment| out.extend_from_slice(segment));
        let mut tables = Vec::new();
        for (kind, codes) in [0x00, 0x01, 0x10, 0x11].into_iter().zip(codes) {
            if !codes.symbols.is_empty() {
                tables.push(kind);
                tables.extend_from_slice(&codes.lengths);
                tables.extend_from_slice(&codes.symbols);
            }
        }
        let length = u16::try_from(tables.len() + 2).expect("four tables have at most 1,100 bytes");
        out.extend_from_slice(&[0xFF, TABLES]);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&tables);
        out.extend_from_slice(self.scan_head);
    }
}

/// Reads bits; after the last byte come zeros.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, the first one on top.
    held: u64,
    count: u32,
}

impl Bits<'_> {
    fn fill(&mut self) {
        while self.count <= 56 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xFF, 0x00, ..]) => {
                    self.at += 2;
                    0xFF
                }
                // The end marker, which stays where it is.
                Some([0xFF, ..] | []) | None => return,
                Some([byte, ..]) => {
                    self.at += 1;
                    *byte
                }
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next `length` bits, of at most 16; 0 of none.
    fn peek(&self, length: u32) -> u32 {
        u32::try_from(self.held >> 32 >> (32 - length)).unwrap_or(0)
    }

    fn pass(&mut self, length: u32) -> Option<()> {
        self.count = self.count.checked_sub(length)?;
        self.held <<= length;
        Some(())
    }

    /// The next symbol, and the bits behind it, whose number it gives.
    fn next(&mut self, table: &Reader) -> Option<(u8, u32, u32)> {
        if self.count < 32 {
            self.fill();
        }
        let (symbol, length) = table.find(self.peek(16))?;
        self.pass(length)?;
        let length = u32::from(symbol & 0xF);
        let extra = self.peek(length);
        self.pass(length)?;
        Some((symbol, extra, length))
    }
}

/// Writes bits, and a zero behind every byte of ones.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// The last bits, the last one at the bottom.
    held: u64,
    count: u32,
}

impl Writer<'_> {
    /// Appends these bits, of at most 32.
    fn put(&mut self, bits: u32, length: u32) {
        self.held = self.held << length | u64::from(bits);
        self.count += length;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.held >> self.count).to_le_bytes()[0];
            self.out.push(byte);
            if byte == 0xFF {
                self.out.push(0);
            }
        }
    }

    /// Fills the last byte with ones.
    fn finish(&mut self) {
        if self.count > 0 {
            self.put((1 << (8 - self.count)) - 1, 8 - self.count);
        }
    }
}

#[cfg(test)]
mod tests {
    use image::DynamicImage;
    use proptest::prelude::*;
    use turbojpeg::{OutputBuf, Transform, Transformer};

    use super::*;
    use crate::testing;

    fn pixels(jpeg: &[u8]) -> Vec<u8> {
        turbojpeg::decompress(jpeg, turbojpeg::PixelFormat::RGB).expect("a sound file").pixels
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_image_stays_and_its_codes_are_as_short_as_libjpegs(
            width in 1_u32..80, height in 1_u32..80, grain in 0.0_f32..0.9, quality in 1_u8..=100,
            chroma in prop_oneof![Just("420"), Just("422"), Just("440"), Just("444"), Just("411"), Just("gray")],
        ) {
            let image = DynamicImage::from(testing::photo(width, height, 7, grain));
            let coded = testing::jpeg(&image, quality, chroma);
            let mut out = Vec::new();
            shorten(&coded, &mut out).expect("a baseline file");
            prop_assert_eq!(pixels(&out), pixels(&coded));
            let mut transform = Transform::default();
            transform.optimize = true;
            let mut theirs = OutputBuf::new_owned();
            Transformer::new().unwrap().transform(&transform, &coded, &mut theirs).unwrap();
            // They write a segment a table; how many zeros stand behind bytes of ones is chance.
            let most = theirs.len() + theirs.len() / 100 + 4;
            prop_assert!(out.len() <= most, "{} bytes, they {}", out.len(), theirs.len());
        }

        #[test]
        fn no_damage_makes_it_panic_or_read_on_forever(
            cut in 0_usize..4_000, at in 0_usize..4_000, byte: u8,
        ) {
            let image = DynamicImage::from(testing::photo(64, 48, 3, 0.2));
            let mut coded = testing::jpeg(&image, 80, "420");
            let at = at % coded.len();
            coded[at] = byte;
            let _ = shorten(&coded, &mut Vec::new());
            let whole = coded.len();
            let _ = shorten(&coded[..cut % whole], &mut Vec::new());
        }
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        assert!(shorten(b"", &mut Vec::new()).is_err());
        assert!(shorten(&[0xFF, 0xD8, 0xFF, 0xD9], &mut Vec::new()).is_err());
    }
}

//! gzip and zlib without compression, with right checksums: what is damaged later is damaged on
//! purpose.
//!
//! It reads nothing.

/// The longest block that deflate stores.
const STORED: usize = 0xFFFF;

/// CRC-32 as gzip and PNG have it.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let shifted = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shifted(crc)))
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b): (u32, u32), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

/// Blocks that are stored as they are.
fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let count = bytes.chunks(STORED).len();
    for (at, block) in bytes.chunks(STORED).enumerate() {
        let length = u16::try_from(block.len()).expect("a block is at most 65,535 bytes");
        packed.push(u8::from(at + 1 == count));
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(block);
    }
    if bytes.is_empty() {
        packed.extend([1, 0, 0, 0xFF, 0xFF]);
    }
    packed
}

/// A stream of zlib's, as in PNG.
pub(super) fn zlib(bytes: &[u8]) -> Vec<u8> {
    [&[0x78, 0x01][..], &deflate(bytes), &adler32(bytes).to_be_bytes()].concat()
}

/// One member of gzip.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let head = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255];
    // The length is that of the content modulo 2^32.
    let length = (bytes.len() as u64).to_le_bytes();
    [&head[..], &deflate(bytes), &crc32(bytes).to_le_bytes(), &length[..4]].concat()
}

/// A gzip member of `repeats` equal bytes in blocks of fixed codes, about a thousandth of what it
/// becomes.
pub(super) fn gzip_bomb(byte: u8, repeats: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0b1, 1);
    bits.put(0b01, 2);
    bits.literal(byte);
    // Code 285 is a copy of 258 bytes (11000101), distance code 0 is the byte before (00000).
    for _ in 0..repeats / 258 {
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    for _ in 0..repeats % 258 {
        bits.literal(byte);
    }
    bits.code(0, 7);
    let content = vec![byte; 1 + repeats / 258 * 258 + repeats % 258];
    let head = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255];
    let length = (content.len() as u64).to_le_bytes();
    [&head[..], &bits.bytes, &crc32(&content).to_le_bytes(), &length[..4]].concat()
}

/// Bits as deflate orders them: from the lowest of a byte on, but codes from their highest.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        for at in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("one was pushed for the first bit");
            *last |= u8::from(value >> at & 1 == 1) << (self.used % 8);
            self.used += 1;
        }
    }

    fn code(&mut self, code: u32, count: u32) {
        (0..count).rev().for_each(|at| self.put(code >> at & 1, 1));
    }

    fn literal(&mut self, byte: u8) {
        match byte {
            0..=143 => self.code(0x30 + u32::from(byte), 8),
            144.. => self.code(0x190 + u32::from(byte) - 144, 9),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }

    #[test]
    fn content_beyond_one_block_is_stored_in_several() {
        let packed = gzip(&vec![7; STORED + 1]);
        assert_eq!(packed.len(), 10 + (5 + STORED) + (5 + 1) + 8);
        assert_eq!(packed[10..13], [0, 0xFF, 0xFF]);
        assert_eq!(packed[10 + 5 + STORED..][..5], [1, 1, 0, 0xFE, 0xFF]);
        assert_eq!(zlib(b"").len(), 2 + 5 + 4);
    }

    #[test]
    fn a_bomb_is_far_smaller_than_what_it_becomes() {
        assert!(gzip_bomb(b'x', 1 << 20).len() < 1 << 13);
    }
}

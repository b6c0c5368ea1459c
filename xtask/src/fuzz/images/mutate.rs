//! What can be wrong with an image: blindly, and by somebody who knows its format and corrects the
//! checksums.
//!
//! It takes anything, also what is no image.

use super::made::{self, SIGNATURE};
use crate::fuzz::random::Random;

/// Numbers that sizes, lengths and offsets had better not be.
const NUMBERS: [u32; 12] =
    [0, 1, 2, 3, 0x7F, 0xFF, 30_000, 0x7FFF, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0xFFFF_FFFF];

/// Changes an image a few times.
pub(super) fn any(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(3) {
        if bytes.is_empty() {
            return;
        }
        let knowing = !random.one_in(3);
        if knowing && bytes.starts_with(SIGNATURE) {
            png(random, bytes);
        } else if knowing && bytes.starts_with(&[0xFF, 0xD8]) {
            jpeg(random, bytes);
        } else {
            blindly(random, bytes);
        }
    }
}

fn blindly(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    // The head decides most.
    let early = at.min(random.below(64));
    match random.below(8) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[early] = random.byte(),
        2 => bytes.truncate(at),
        3 => number(random, bytes, early),
        4 => number(random, bytes, at),
        5 => bytes.splice(at..at, random.clone().bytes(random.length(20))).for_each(drop),
        6 => {
            let end = (at + random.length(64)).min(bytes.len());
            bytes.drain(at..end).for_each(drop);
        }
        _ => {
            let end = (at + random.length(200)).min(bytes.len());
            let part = bytes[at..end].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, part).for_each(drop);
        }
    }
}

/// Writes one of the numbers, in either order of bytes, of two bytes or of four.
fn number(random: &mut Random, bytes: &mut [u8], at: usize) {
    let number = random.pick(&NUMBERS);
    let mut written = if random.one_in(2) { number.to_be_bytes() } else { number.to_le_bytes() };
    let width = random.pick(&[2, 4]);
    if random.one_in(2) {
        written.rotate_right(2);
    }
    for (byte, new) in bytes[at..].iter_mut().zip(&written[..width]) {
        *byte = *new;
    }
}

/// Kind and data of the chunks of a PNG, as far as they can be recognised.
fn chunks(png: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut chunks = Vec::new();
    let mut rest = &png[SIGNATURE.len()..];
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some(end) = length.checked_add(8).filter(|end| *end <= after.len()) else { break };
        chunks.push((after[..4].to_vec(), after[4..4 + length].to_vec()));
        rest = &after[end..];
    }
    chunks
}

fn png(random: &mut Random, png: &mut Vec<u8>) {
    let mut chunks = chunks(png);
    if chunks.is_empty() {
        return blindly(random, png);
    }
    let (at, to) = (random.below(chunks.len()), random.below(chunks.len()));
    match random.below(9) {
        0 => chunks.swap(at, to),
        1 => chunks.insert(to, chunks[at].clone()),
        2 => drop(chunks.remove(at)),
        3 => chunks[at].1.truncate(random.length(30)),
        4 => chunks[at].1.extend(random.clone().bytes(random.length(30))),
        5 => {
            chunks[at].0 = random
                .pick(&[b"IDAT", b"fdAT", b"fcTL", b"PLTE", b"IHDR", b"quQx", b"tRNS"])
                .to_vec()
        }
        6 | 7 => {
            let data = &mut chunks[at].1;
            let place = random.below(data.len()) & !3;
            number(random, data, place);
        }
        _ => {
            let data = &mut chunks[at].1;
            let place = random.below(data.len());
            data.get_mut(place).into_iter().for_each(|byte| *byte ^= 1 << random.below(8));
        }
    }
    let written: Vec<u8> = chunks.iter().flat_map(|(kind, data)| made::chunk(kind, data)).collect();
    *png = [SIGNATURE, &written].concat();
}

/// The segments of a JPEG with their markers, and the scan behind them.
fn segments(jpeg: &[u8]) -> (Vec<Vec<u8>>, &[u8]) {
    let mut segments = Vec::new();
    let mut rest = &jpeg[2..];
    while let [0xFF, marker, high, low, ..] = rest {
        let length = 2 + usize::from(u16::from_be_bytes([*high, *low]));
        if *marker == 0xDA || length > rest.len() {
            break;
        }
        segments.push(rest[..length].to_vec());
        rest = &rest[length..];
    }
    (segments, rest)
}

fn jpeg(random: &mut Random, jpeg: &mut Vec<u8>) {
    let (mut segments, scan) = segments(jpeg);
    if segments.is_empty() {
        return blindly(random, jpeg);
    }
    let mut scan = scan.to_vec();
    let (at, to) = (random.below(segments.len()), random.below(segments.len()));
    match random.below(9) {
        0 => segments.swap(at, to),
        1 => segments.insert(to, segments[at].clone()),
        2 | 3 => drop(segments.remove(at)),
        4 => number(random, &mut segments[at], 2),
        5 => {
            let place = random.below(segments[at].len());
            number(random, &mut segments[at], place);
        }
        6 => {
            segments[at][1] =
                random.pick(&[0xC0, 0xC1, 0xC2, 0xC9, 0xDD, 0xE1, 0xE2, 0xEE, 0xFE, 0xD8, 0xD9])
        }
        7 => scan.truncate(random.below(scan.len() + 1)),
        _ => {
            let place = random.below(scan.len());
            scan.get_mut(place).into_iter().for_each(|byte| *byte ^= 1 << random.below(8));
        }
    }
    *jpeg = [&[0xFF, 0xD8][..], &segments.concat(), &scan].concat();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_taken_apart_and_put_together_again() {
        let mut random = Random::of_case(5, "test", 0);
        for _ in 0..200 {
            let (_, image) = made::any(&mut random);
            if image.starts_with(SIGNATURE) {
                let parts = chunks(&image);
                assert!(parts.len() >= 4 && parts[0].0 == b"IHDR", "{parts:?}");
            } else if image.starts_with(&[0xFF, 0xD8]) {
                let (segments, scan) = segments(&image);
                assert!(segments.len() >= 4 && scan.starts_with(&[0xFF, 0xDA]), "{segments:?}");
            }
        }
    }

    #[test]
    fn anything_can_be_changed() {
        let mut random = Random::of_case(6, "test", 0);
        for length in 0..300 {
            for head in [SIGNATURE, &[0xFF, 0xD8], b""] {
                let mut bytes = [head, &random.bytes(length)].concat();
                any(&mut random, &mut bytes);
            }
        }
    }
}

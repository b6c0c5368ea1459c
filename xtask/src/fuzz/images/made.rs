//! Small valid images: those that need no compression are made here, the others are files beside
//! this one.
//!
//! What is wrong with an image is added elsewhere.

use crate::fuzz::pack;
use crate::fuzz::random::Random;

/// Made with Pillow from one image of 24 x 17 pixels.
const SEEDS: [(&str, &[u8]); 13] = [
    ("jpg", include_bytes!("seeds/baseline.jpg")),
    ("jpg", include_bytes!("seeds/baseline.jpg")),
    ("jpg", include_bytes!("seeds/progressive.jpg")),
    ("jpg", include_bytes!("seeds/gray.jpg")),
    ("jpg", include_bytes!("seeds/cmyk.jpg")),
    ("jpg", include_bytes!("seeds/restarts.jpg")),
    ("webp", include_bytes!("seeds/lossy.webp")),
    ("webp", include_bytes!("seeds/lossless.webp")),
    ("webp", include_bytes!("seeds/alpha.webp")),
    ("webp", include_bytes!("seeds/animated.webp")),
    ("avif", include_bytes!("seeds/lossy.avif")),
    ("gif", include_bytes!("seeds/lzw.gif")),
    ("tif", include_bytes!("seeds/jpeg.tif")),
];

/// An image, and how its name should end.
pub(super) fn any(random: &mut Random) -> (&'static str, Vec<u8>) {
    let size = [random.within(1..=40), random.within(1..=30)]
        .map(|side| u16::try_from(side).expect("below 41"));
    match random.below(10) {
        0 | 1 => ("png", png(random, size)),
        2 => ("png", apng(random, size)),
        3 => ("gif", gif(random, size)),
        4 => ("bmp", bmp(random, size)),
        5 => ("tif", tiff(random, size)),
        _ => {
            let (ending, bytes) = random.pick(&SEEDS);
            (ending, bytes.to_vec())
        }
    }
}

/// A chunk of PNG with its checksum.
pub(super) fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let body = [kind, data].concat();
    let length = u32::try_from(data.len()).expect("chunks made here are short");
    [&length.to_be_bytes()[..], &body, &pack::crc32(&body).to_be_bytes()].concat()
}

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Bits and colour type of the pixels that are made, with samples a pixel.
const COLOURS: [(u8, u8, usize); 8] =
    [(8, 2, 3), (8, 6, 4), (8, 0, 1), (16, 2, 3), (8, 3, 1), (1, 0, 1), (4, 3, 1), (8, 4, 2)];

fn header([width, height]: [u16; 2], bits: u8, colour: u8) -> Vec<u8> {
    let sides = [u32::from(width).to_be_bytes(), u32::from(height).to_be_bytes()].concat();
    chunk(b"IHDR", &[&sides[..], &[bits, colour, 0, 0, 0]].concat())
}

/// Rows with a filter each, packed.
fn pixels(random: &mut Random, [width, height]: [u16; 2], bits: u8, samples: usize) -> Vec<u8> {
    let row = (usize::from(width) * samples * usize::from(bits)).div_ceil(8);
    let noisy = random.one_in(2);
    let mut rows = Vec::new();
    for y in 0..usize::from(height) {
        rows.push(u8::try_from(random.below(5)).expect("there are five filters"));
        for x in 0..row {
            rows.push(if noisy { random.byte() & 0x1F } else { ((x * y) % 7).to_le_bytes()[0] });
        }
    }
    pack::zlib(&rows)
}

fn png(random: &mut Random, size: [u16; 2]) -> Vec<u8> {
    let (bits, colour, samples) = random.pick(&COLOURS);
    let mut png = [SIGNATURE, &header(size, bits, colour)].concat();
    if colour == 3 || random.one_in(6) {
        png.extend(chunk(b"PLTE", &random.bytes(3 << bits.min(8))));
    }
    if random.one_in(3) {
        let extras: [(&[u8], &[u8]); 7] = [
            (b"tEXt", b"Comment\0hello \x1b[31m"),
            (b"tRNS", b"\0\x01\0\x02\0\x03"),
            (b"gAMA", b"\0\0\xb1\x8f"),
            (b"pHYs", b"\0\0\x0b\x13\0\0\x0b\x13\x01"),
            (b"eXIf", b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"),
            (b"zTXt", b"a\0\0junk"),
            (b"iCCP", b"p\0\0junk"),
        ];
        let (kind, data) = random.pick(&extras);
        png.extend(chunk(kind, data));
    }
    let data = pixels(random, size, bits, samples);
    let cut = random.below(data.len());
    png.extend(chunk(b"IDAT", &data[..cut]));
    png.extend(chunk(b"IDAT", &data[cut..]));
    png.extend(chunk(b"IEND", b""));
    png
}

/// Two frames; the second one lies anywhere within the canvas.
fn apng(random: &mut Random, size: [u16; 2]) -> Vec<u8> {
    let frame = size
        .map(|side| u16::try_from(random.within(1..=usize::from(side))).expect("within the side"));
    let control = |number: u32, [width, height]: [u16; 2], [x, y]: [u16; 2]| {
        let sides = [number, width.into(), height.into(), x.into(), y.into()]
            .map(u32::to_be_bytes)
            .concat();
        chunk(b"fcTL", &[&sides[..], &[0, 1, 0, 10, 0, 0]].concat())
    };
    let first = pixels(random, size, 8, 3);
    let second = [&2_u32.to_be_bytes()[..], &pixels(random, frame, 8, 3)].concat();
    let at = [size[0] - frame[0], size[1] - frame[1]];
    [
        SIGNATURE,
        &header(size, 8, 2),
        &chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]),
        &control(0, size, [0, 0]),
        &chunk(b"IDAT", &first),
        &control(1, frame, at),
        &chunk(b"fdAT", &second),
        &chunk(b"IEND", b""),
    ]
    .concat()
}

/// Codes of eight bits, with the table cleared before they would grow: LZW that compresses nothing.
fn gif(random: &mut Random, [width, height]: [u16; 2]) -> Vec<u8> {
    let mut gif =
        [&b"GIF89a"[..], &width.to_le_bytes(), &height.to_le_bytes(), &[0xF6, 0, 0]].concat();
    gif.extend(random.bytes(3 * 128));
    for _ in 0..random.within(1..=3) {
        if random.one_in(2) {
            gif.extend([0x21, 0xF9, 4, random.byte() & 0x1D, 5, 0, random.byte(), 0]);
        }
        gif.extend(
            [&[0x2C, 0, 0, 0, 0][..], &width.to_le_bytes(), &height.to_le_bytes(), &[0, 7]]
                .concat(),
        );
        let pixels: Vec<u8> =
            (0..usize::from(width) * usize::from(height)).map(|_| random.byte() & 0x7F).collect();
        let mut codes = Vec::new();
        for run in pixels.chunks(100) {
            codes.push(0x80);
            codes.extend(run);
        }
        codes.push(0x81);
        for block in codes.chunks(255) {
            gif.push(u8::try_from(block.len()).expect("a block is at most 255 bytes"));
            gif.extend(block);
        }
        gif.push(0);
    }
    gif.push(0x3B);
    gif
}

fn bmp(random: &mut Random, [width, height]: [u16; 2]) -> Vec<u8> {
    let pixels = random.bytes((usize::from(width) * 3).next_multiple_of(4) * usize::from(height));
    let length = u32::try_from(54 + pixels.len()).expect("it is small");
    let file = [&b"BM"[..], &length.to_le_bytes(), &[0; 4], &54_u32.to_le_bytes()].concat();
    let sides = [40, u32::from(width), u32::from(height)].map(u32::to_le_bytes).concat();
    [&file[..], &sides, &[1, 0, 24, 0], &[0; 24], &pixels].concat()
}

fn tiff(random: &mut Random, [width, height]: [u16; 2]) -> Vec<u8> {
    let pixels = random.bytes(usize::from(width) * usize::from(height) * 3);
    let (width, height, length) =
        (width.into(), height.into(), u32::try_from(pixels.len()).expect("it is small"));
    // Pixels and the three bits a sample stand behind the only directory: 8 + 2 + 9 * 12 + 4 = 122.
    let tags: [(u16, u16, u32, u32); 9] = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, 122),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 128),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, length),
    ];
    let mut tiff = b"II\x2a\0\x08\0\0\0\x09\0".to_vec();
    for (tag, kind, count, value) in tags {
        tiff.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        tiff.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    tiff.extend([0, 0, 0, 0, 8, 0, 8, 0, 8, 0]);
    tiff.extend(pixels);
    tiff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_in_a_tiff_lead_to_its_pixels() {
        let tiff = tiff(&mut Random::of_case(1, "test", 0), [2, 3]);
        assert_eq!(tiff.len(), 128 + 18);
        assert_eq!(tiff[122..128], [8, 0, 8, 0, 8, 0]);
    }

    #[test]
    fn a_png_begins_with_its_header_and_ends_with_its_end() {
        let png = png(&mut Random::of_case(1, "test", 0), [5, 7]);
        assert!(png.starts_with(&[SIGNATURE, &[0, 0, 0, 13], b"IHDR"].concat()));
        assert!(png.ends_with(&chunk(b"IEND", b"")));
    }
}

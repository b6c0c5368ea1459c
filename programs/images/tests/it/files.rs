//! Files put together by hand: chunks, blocks, boxes and directories that no encoder here writes.

use image::{DynamicImage, ImageFormat};

pub(crate) fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(crate) fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// An EXIF block with a place in it, and an orientation.
pub(crate) fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
    tiff.extend([0x0E, 0x01, 2, 0, 16, 0, 0, 0, 38, 0, 0, 0]);
    tiff.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    tiff.extend(b"\0\0\0\0made at home 10\0");
    tiff
}

/// What the metadata of these tests have in common, and no image may be left with.
pub(crate) const SECRET: &[u8] = b"made at home";

/// A PNG chunk.
pub(crate) fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut checksum = flate2::Crc::new();
    checksum.update(name);
    checksum.update(content);
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length, name, content, &checksum.sum().to_be_bytes()].concat()
}

/// A PNG with further chunks just after its header.
pub(crate) fn after_header(png: &[u8], chunks: &[u8]) -> Vec<u8> {
    [&png[..33], chunks, &png[33..]].concat()
}

/// The content of an fcTL chunk.
pub(crate) fn frame(number: u32, [width, height, left, top]: [u32; 4]) -> Vec<u8> {
    let mut content: Vec<u8> =
        [number, width, height, left, top].into_iter().flat_map(u32::to_be_bytes).collect();
    content.extend([0, 1, 0, 10, 0, 0]);
    content
}

/// A PNG of grey rows, animated: the image itself and a second frame, with `before` in front of the
/// sign of it.
pub(crate) fn animated_png(side: u32, second: [u32; 4], before: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let rows = |width: u32, height: u32| {
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        let row = vec![0; width as usize + 1];
        (0..height.min(4_000)).for_each(|_| packed.write_all(&row).unwrap());
        packed.finish().unwrap()
    };
    let header = [&side.to_be_bytes(), &side.to_be_bytes(), [8, 0, 0, 0, 0].as_slice()].concat();
    [
        b"\x89PNG\r\n\x1A\n".to_vec(),
        chunk(b"IHDR", &header),
        before.to_vec(),
        chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]),
        chunk(b"fcTL", &frame(0, [side, side, 0, 0])),
        chunk(b"IDAT", &rows(side, side)),
        chunk(b"fcTL", &frame(1, second)),
        chunk(
            b"fdAT",
            &[&2_u32.to_be_bytes(), rows(second[0].min(4_000), second[1]).as_slice()].concat(),
        ),
        chunk(b"IEND", b""),
    ]
    .concat()
}

/// A RIFF chunk.
pub(crate) fn riff(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    let padding = vec![0; content.len() % 2];
    [name.as_slice(), &length, content, &padding].concat()
}

/// A WebP of these chunks.
pub(crate) fn webp(chunks: &[Vec<u8>]) -> Vec<u8> {
    let content = [b"WEBP".to_vec(), chunks.concat()].concat();
    riff(b"RIFF", &content)
}

/// The content of a VP8X chunk.
pub(crate) fn extended(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let mut header = vec![flags, 0, 0, 0];
    header.extend(&(width - 1).to_le_bytes()[..3]);
    header.extend(&(height - 1).to_le_bytes()[..3]);
    header
}

/// A box of an ISO media file.
pub(crate) fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
    [length.as_slice(), name, content].concat()
}

/// The boxes of a sequence with this many frames, as far as this program reads them.
pub(crate) fn movie(frames: u32) -> Vec<u8> {
    let sizes = [[0; 8].as_slice(), &frames.to_be_bytes()].concat();
    let table = boxed(b"stbl", &[boxed(b"stsd", &[0; 8]), boxed(b"stsz", &sizes)].concat());
    boxed(b"moov", &boxed(b"trak", &boxed(b"mdia", &boxed(b"minf", &table))))
}

/// A GIF: its screen, extensions, and frames of one colour at the left top.
pub(crate) fn gif(screen: [u16; 2], extensions: &[u8], frames: &[[u16; 2]]) -> Vec<u8> {
    let mut bytes = b"GIF89a".to_vec();
    bytes.extend(screen.into_iter().flat_map(u16::to_le_bytes));
    bytes.extend([0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
    bytes.extend_from_slice(extensions);
    for [width, height] in frames {
        let mut frame = gif::Frame::from_indexed_pixels(
            *width,
            *height,
            vec![1; usize::from(*width) * usize::from(*height)],
            None,
        );
        frame.make_lzw_pre_encoded();
        bytes.extend([0x2C, 0, 0, 0, 0]);
        bytes.extend([*width, *height].into_iter().flat_map(u16::to_le_bytes));
        bytes.push(0);
        // The length of codes comes first; then blocks of at most 255 bytes.
        bytes.push(frame.buffer[0]);
        for block in frame.buffer[1..].chunks(255) {
            bytes.push(u8::try_from(block.len()).unwrap());
            bytes.extend_from_slice(block);
        }
        bytes.push(0);
    }
    bytes.push(0x3B);
    bytes
}

/// A GIF extension of one block.
pub(crate) fn extension(label: u8, blocks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![0x21, label];
    for block in blocks {
        bytes.push(u8::try_from(block.len()).unwrap());
        bytes.extend_from_slice(block);
    }
    bytes.push(0);
    bytes
}

/// A tag of a TIFF directory: its number and its values.
pub(crate) type Tag = (u16, Vec<u32>);

/// A TIFF of grey images, one a directory: first the pages, each with its own sub-directories
/// behind it.
#[derive(Default)]
pub(crate) struct Tiff(Vec<u8>);

impl Tiff {
    pub(crate) fn new() -> Self {
        Self(b"II*\0\0\0\0\0".to_vec())
    }

    /// Adds a directory with a grey image of this size and further tags; where it stands.
    pub(crate) fn directory(
        &mut self,
        [width, height]: [u32; 2],
        grey: u8,
        further: &[Tag],
    ) -> u32 {
        let pixels = self.put(&vec![grey; (width * height) as usize]);
        self.directory_of([width, height], (pixels, width * height), further)
    }

    /// The same for pixels that stand there already: where, and how many bytes.
    pub(crate) fn directory_of(
        &mut self,
        [width, height]: [u32; 2],
        (at, length): (u32, u32),
        further: &[Tag],
    ) -> u32 {
        let mut tags: Vec<Tag> = [
            (256, width),
            (257, height),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, at),
            (277, 1),
            (278, height),
            (279, length),
        ]
        .into_iter()
        .map(|(tag, value)| (tag, vec![value]))
        .filter(|(tag, _)| further.iter().all(|(other, _)| other != tag))
        .collect();
        tags.extend_from_slice(further);
        tags.sort();
        let entries: Vec<u8> = tags
            .iter()
            .flat_map(|(tag, values)| {
                let count = u32::try_from(values.len()).unwrap();
                // Some readers want these as short numbers, and all take them so.
                let is_short = matches!(tag, 258 | 259 | 262 | 277 | 338);
                let bytes: Vec<u8> = if is_short {
                    values.iter().flat_map(|value| (*value as u16).to_le_bytes()).collect()
                } else {
                    values.iter().flat_map(|value| value.to_le_bytes()).collect()
                };
                let mut place =
                    if bytes.len() > 4 { self.put(&bytes).to_le_bytes().to_vec() } else { bytes };
                place.resize(4, 0);
                let kind = [if is_short { 3 } else { 4 }, 0];
                [&tag.to_le_bytes(), kind.as_slice(), &count.to_le_bytes(), &place].concat()
            })
            .collect();
        let count = u16::try_from(tags.len()).unwrap().to_le_bytes();
        self.put(&[&count, entries.as_slice(), &[0; 4]].concat())
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> u32 {
        let at = u32::try_from(self.0.len()).unwrap();
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(2), 0);
        at
    }

    /// The file, with these directories as its pages.
    pub(crate) fn pages(mut self, pages: &[u32]) -> Vec<u8> {
        let mut link = 4;
        for page in pages {
            self.0[link..link + 4].copy_from_slice(&page.to_le_bytes());
            let at = *page as usize;
            link = at + 2 + 12 * usize::from(u16::from_le_bytes([self.0[at], self.0[at + 1]]));
        }
        self.0
    }
}

/// Red, green and blue as profiles have them: those of sRGB, and of Adobe RGB.
pub(crate) const SRGB: [[f64; 3]; 3] =
    [[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]];
pub(crate) const ADOBE: [[f64; 3]; 3] =
    [[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]];

/// A curve of a profile: its exponent.
pub(crate) fn gamma(exponent: f64) -> Vec<u8> {
    let exponent = ((exponent * 256.0).round() as u16).to_be_bytes();
    [b"curv\0\0\0\0\0\0\0\x01".as_slice(), &exponent, &[0, 0]].concat()
}

/// The curve of sRGB, by its formula.
pub(crate) fn srgb_curve() -> Vec<u8> {
    let numbers = [2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045];
    [b"para\0\0\0\0\0\x03\0\0".to_vec(), numbers.into_iter().flat_map(fixed).collect()].concat()
}

/// The same in 1024 samples.
pub(crate) fn srgb_samples() -> Vec<u8> {
    let samples = (0..1_024).flat_map(|index| {
        let stored = f64::from(index) / 1_023.0;
        let light =
            if stored <= 0.04045 { stored / 12.92 } else { ((stored + 0.055) / 1.055).powf(2.4) };
        ((light * 65_535.0).round() as u16).to_be_bytes()
    });
    [b"curv\0\0\0\0\0\0\x04\0".to_vec(), samples.collect()].concat()
}

fn fixed(number: f64) -> [u8; 4] {
    ((number * 65_536.0).round() as i32).to_be_bytes()
}

/// An ICC profile of these primaries and this curve, with a text that may say anything.
pub(crate) fn profile(primaries: [[f64; 3]; 3], curve: &[u8], text: &[u8]) -> Vec<u8> {
    let point = |point: [f64; 3]| {
        [b"XYZ \0\0\0\0".to_vec(), point.into_iter().flat_map(fixed).collect()].concat()
    };
    let [red, green, blue] = primaries.map(point);
    let tags = [
        (b"desc", text.to_vec()),
        (b"rXYZ", red),
        (b"gXYZ", green),
        (b"bXYZ", blue),
        (b"rTRC", curve.to_vec()),
        (b"gTRC", curve.to_vec()),
        (b"bTRC", curve.to_vec()),
    ];
    let mut icc = vec![0; 128];
    icc[12..24].copy_from_slice(b"mntrRGB XYZ ");
    icc[36..40].copy_from_slice(b"acsp");
    icc.extend((tags.len() as u32).to_be_bytes());
    let mut content = Vec::new();
    let start = icc.len() + 12 * tags.len();
    for (name, tag) in &tags {
        icc.extend_from_slice(*name);
        icc.extend(((start + content.len()) as u32).to_be_bytes());
        icc.extend((tag.len() as u32).to_be_bytes());
        content.extend_from_slice(tag);
        content.resize(content.len().next_multiple_of(4), 0);
    }
    [icc, content].concat()
}

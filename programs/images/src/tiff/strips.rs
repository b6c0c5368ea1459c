//! JPEG streams inside of a TIFF, put together so that the JPEG decoder can check them: the one
//! that TIFF's reader uses passes over damage.

use std::io::Cursor;

use super::{COMPRESSION, Tiff};
use crate::failure::Failure;
use crate::jpeg::segments::Jpeg;
use crate::jpeg::{self, Codec};

const JPEG: u64 = 7;
const ROWS_A_STRIP: u16 = 278;
const TABLES: u16 = 347;
/// Places, lengths: of strips, of tiles.
const PIECES: [[u16; 2]; 2] = [[273, 279], [324, 325]];
const TILE: [u16; 2] = [322, 323];
/// Streams are padded to whole blocks of this side at most.
const BLOCK: u64 = 32;

impl Tiff {
    /// Decodes all JPEG streams of the image, strictly; does nothing for other compressions.
    pub(crate) fn check_jpegs(&self, file: &[u8], codec: &mut Codec) -> Result<(), Failure> {
        let main = &self.directories[self.main];
        let numbers = |tag: u16| {
            main.entries
                .numbers(&mut Cursor::new(file), self.format, tag, u64::MAX)
                .unwrap_or_default()
        };
        if numbers(COMPRESSION).first() != Some(&JPEG) {
            return Ok(());
        }
        let tables =
            main.entries.bytes(&mut Cursor::new(file), self.format, TABLES).unwrap_or_default();
        let first = |tag: u16, other: u64| numbers(tag).first().copied().unwrap_or(other);
        let most = (
            first(TILE[0], main.width).max(1).next_multiple_of(BLOCK),
            first(TILE[1], first(ROWS_A_STRIP, main.height).min(main.height))
                .max(1)
                .next_multiple_of(BLOCK),
        );
        for [places, lengths] in PIECES {
            for (at, length) in numbers(places).into_iter().zip(numbers(lengths)) {
                check(&joined(&tables, piece(file, at, length)?), most, codec)?;
            }
        }
        Ok(())
    }
}

fn piece(file: &[u8], at: u64, length: u64) -> Result<&[u8], Failure> {
    let range = usize::try_from(at).ok().zip(usize::try_from(at.saturating_add(length)).ok());
    let piece = range.and_then(|(from, to)| file.get(from..to));
    piece.ok_or_else(|| Failure::damaged("it is truncated: a strip or tile lies outside the file"))
}

/// A whole JPEG of shared tables without their end marker, and a stream without its start marker.
fn joined(tables: &[u8], stream: &[u8]) -> Vec<u8> {
    match (tables, stream) {
        ([tables @ .., 0xFF, 0xD9], [0xFF, 0xD8, stream @ ..]) => [tables, stream].concat(),
        _ => stream.to_vec(),
    }
}

fn check(
    stream: &[u8],
    (most_wide, most_high): (u64, u64),
    codec: &mut Codec,
) -> Result<(), Failure> {
    let jpeg = Jpeg::parse(stream, false)?;
    let (width, height) = (jpeg.frame.width, jpeg.frame.height);
    if u64::from(width) > most_wide || u64::from(height) > most_high {
        return Err(Failure::damaged(format!(
            "a JPEG of {width} x {height} pixels in a strip or tile of less"
        )));
    }
    codec.renew()?;
    jpeg::check(codec, stream)
}

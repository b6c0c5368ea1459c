//! Reads bytes of a TIFF, wherever they stand.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

pub(super) fn invalid(text: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, text)
}

/// Reads as many bytes as there are between here and there.
pub(super) fn read_at(
    reader: &mut (impl Read + Seek),
    at: u64,
    length: usize,
) -> io::Result<Vec<u8>> {
    reader.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    // Not more than is there, whatever a count promises.
    reader.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() == length { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

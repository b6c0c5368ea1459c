//! What travels from a file to the program's parser.

use std::ops::Range;
use std::sync::Arc;

use super::identity::{Identity, Position};
use super::{Buffer, FileId, Files};

/// Whether a block holds whole records or a part of one that is too long.
///
/// A record longer than `max_record` is handed on in pieces, so that memory stays bounded: one
/// `First`, any number of `Middle`, one `Last`. A program counts it as failed once, at `First`, and
/// skips or saves the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Whole records.
    Whole,
    /// The beginning of a record that is too long.
    First,
    /// More of it.
    Middle,
    /// The end of it, through its line end (or the end of the file).
    Last,
}

/// A stretch of a file that ends where a record ends, and what is known about the file.
#[derive(Debug)]
pub struct Block<F> {
    pub(crate) file: FileId,
    pub(crate) offset: u64,
    pub(crate) seq: u64,
    pub(crate) bytes: Buffer,
    pub(crate) piece: Piece,
    pub(crate) continues: bool,
    pub(crate) last: bool,
    pub(crate) identity: Option<Identity>,
    pub(crate) data: Arc<F>,
}

impl<F> Block<F> {
    /// A block that no reader made, for tests and other sources: the whole of `bytes`, which begin
    /// at `offset`.
    pub fn new(file: FileId, offset: u64, bytes: Vec<u8>, data: Arc<F>) -> Self {
        Self {
            file,
            offset,
            seq: 0,
            bytes: Buffer::from_vec(bytes),
            piece: Piece::Whole,
            continues: false,
            last: false,
            identity: None,
            data,
        }
    }

    /// The file it is from.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// Where its first byte is in the (decompressed) file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the byte after its last one is.
    pub fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    /// [`offset`](Self::offset) to [`end`](Self::end).
    pub fn range(&self) -> Range<u64> {
        self.offset..self.end()
    }

    /// Its number within the file as read by this run, from 0, without gaps; from 0 again when the
    /// file was truncated and shown to [`Recognize`](super::Recognize) again.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The bytes; never empty.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whole records, or which part of a record that is too long.
    pub fn piece(&self) -> Piece {
        self.piece
    }

    /// Whether its first lines may belong to the last record of the block before.
    ///
    /// That block was handed on before its last record was known to be whole: nothing came for the
    /// hold time, or the record's lines together were longer than `max_record`. Never set for one
    /// record a line.
    pub fn continues(&self) -> bool {
        self.continues
    }

    /// Whether the file ends here; a file that ends when its last block is out already gets no such
    /// block.
    pub fn is_last(&self) -> bool {
        self.last
    }

    /// What [`Recognize`](super::Recognize) attached to the file.
    pub fn data(&self) -> &Arc<F> {
        &self.data
    }

    /// Which file this is, whatever its name becomes; only known for followed files.
    pub fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// Where to go on once everything up to `offset` of this file is stored; only known for
    /// followed files.
    ///
    /// `offset` is a place in this block at the end of a record, for example [`end`](Self::end).
    pub fn position(&self, files: &Files, offset: u64) -> Option<Position> {
        Some(Position { identity: self.identity?, path: files.name(self.file), offset })
    }
}

//! Where the bytes of records that could not be read are kept, exactly as they were.
//!
//! A record that is too long arrives in pieces, and workers bring them in any order. Its pieces are
//! put in order here, and nothing else comes between them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use connect::files::{Block, Piece};

use crate::recognize::FileFormat;

/// At most this many bytes wait for a missing piece; then order is given up, so that memory stays
/// bounded.
const WAITING: usize = 16 << 20;

/// A file that workers append to; nothing is kept when there is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeadLetters(Option<Arc<Mutex<Letters>>>);

/// A piece's place: the file as it was started, and the number of its block.
type Place = (u64, u64);

#[derive(Debug)]
struct Letters<W = BufWriter<File>> {
    file: W,
    error: Option<io::Error>,
    /// The piece that comes next of the record that is being written.
    next: Option<Place>,
    /// Pieces that came before their turn.
    early: BTreeMap<Place, (Piece, Vec<u8>)>,
    /// Whole letters that came in between.
    aside: Vec<u8>,
    waiting: usize,
}

impl DeadLetters {
    /// A new file, or more of the one that is there: a followed log goes on where an earlier run
    /// stopped.
    pub(crate) fn open(path: Option<&Path>, append: bool) -> io::Result<Self> {
        let open = |path: &Path| {
            let file = if append {
                File::options().append(true).create(true).open(path)?
            } else {
                File::create(path)?
            };
            Ok(Arc::new(Mutex::new(Letters::to(BufWriter::new(file)))))
        };
        path.map(open).transpose().map(Self)
    }

    /// Appends a record; the first error is kept for [`close`](Self::close), so that no worker
    /// stops for it.
    pub(crate) fn keep(&self, bytes: &[u8]) {
        self.with(|letters| letters.whole(bytes));
    }

    /// Appends a part of a record that is too long.
    pub(crate) fn keep_piece(&self, block: &Block<FileFormat>) {
        let place = (block.data().generation, block.seq());
        self.with(|letters| letters.piece(place, block.piece(), block.bytes()));
    }

    /// Writes out what is buffered, before a position says that it is kept; an error is for
    /// [`close`](Self::close).
    pub(crate) fn write_out(&self) {
        self.with(|letters| {
            if let Err(error) = letters.file.flush() {
                letters.error.get_or_insert(error);
            }
        });
    }

    /// Writes out what is buffered; the first error of all.
    pub(crate) fn close(&self) -> io::Result<()> {
        let Some(letters) = &self.0 else { return Ok(()) };
        let mut letters = letters.lock().unwrap_or_else(PoisonError::into_inner);
        letters.give_up_order();
        let flushed = letters.file.flush();
        letters.error.take().map_or(flushed, Err)
    }

    fn with(&self, keep: impl FnOnce(&mut Letters)) {
        if let Some(letters) = &self.0 {
            keep(&mut letters.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl<W: Write> Letters<W> {
    fn to(file: W) -> Self {
        Self {
            file,
            error: None,
            next: None,
            early: BTreeMap::new(),
            aside: Vec::new(),
            waiting: 0,
        }
    }

    fn whole(&mut self, bytes: &[u8]) {
        if self.next.is_none() {
            return self.write(bytes, true);
        }
        let before = self.aside.len();
        self.aside.extend_from_slice(bytes);
        if !bytes.ends_with(b"\n") {
            self.aside.push(b'\n');
        }
        self.wait_for(self.aside.len() - before);
    }

    fn piece(&mut self, place: Place, piece: Piece, bytes: &[u8]) {
        self.early.insert(place, (piece, bytes.to_vec()));
        self.wait_for(bytes.len());
        self.write_in_order();
    }

    /// Writes every piece whose turn has come.
    fn write_in_order(&mut self) {
        loop {
            let first = || self.early.iter().find(|(_, (piece, _))| *piece == Piece::First);
            let Some(place) = self.next.or_else(|| first().map(|(place, _)| *place)) else {
                return;
            };
            let Some((piece, bytes)) = self.early.remove(&place) else { return };
            self.waiting -= bytes.len();
            let last = piece == Piece::Last;
            self.write(&bytes, last);
            self.next = (!last).then_some((place.0, place.1 + 1));
            if last {
                self.write_aside();
            }
        }
    }

    fn wait_for(&mut self, bytes: usize) {
        self.waiting += bytes;
        if self.waiting > WAITING {
            self.give_up_order();
        }
    }

    /// Writes all there is: a piece that is missing will not come, or too late.
    fn give_up_order(&mut self) {
        let mut before = self.next.take();
        for (place, (piece, bytes)) in std::mem::take(&mut self.early) {
            if before.is_some_and(|before| before != place) {
                self.write(b"\n", true);
            }
            self.write(&bytes, piece == Piece::Last);
            before = (piece != Piece::Last).then_some((place.0, place.1 + 1));
        }
        if before.is_some() {
            self.write(b"\n", true);
        }
        self.waiting = self.aside.len();
        self.write_aside();
    }

    fn write_aside(&mut self) {
        let aside = std::mem::take(&mut self.aside);
        self.waiting -= aside.len();
        self.write(&aside, true);
    }

    fn write(&mut self, bytes: &[u8], ends: bool) {
        let end: &[u8] =
            if ends && !bytes.is_empty() && !bytes.ends_with(b"\n") { b"\n" } else { b"" };
        let written = self.file.write_all(bytes).and_then(|()| self.file.write_all(end));
        if let Err(error) = written {
            self.error.get_or_insert(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_are_put_together_whatever_order_they_come_in(
            order in Just((0..9_usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            // Two long records of a file and one of another, in pieces, with three short ones
            // between them.
            let all: [(Place, Piece, &[u8]); 9] = [
                ((1, 0), Piece::First, b"a0"),
                ((1, 1), Piece::Middle, b"a1"),
                ((1, 2), Piece::Last, b"a2\n"),
                ((1, 3), Piece::Whole, b"short"),
                ((1, 4), Piece::First, b"b0"),
                ((1, 5), Piece::Last, b"b1"),
                ((2, 0), Piece::First, b"c0"),
                ((2, 1), Piece::Last, b"c1\n"),
                ((2, 2), Piece::Whole, b"more\n"),
            ];
            let mut letters = Letters::to(Vec::new());
            for (place, piece, bytes) in order.into_iter().map(|i| all[i]) {
                match piece {
                    Piece::Whole => letters.whole(bytes),
                    _ => letters.piece(place, piece, bytes),
                }
            }
            prop_assert_eq!(letters.waiting, 0);
            let text = String::from_utf8(letters.file).unwrap();
            for whole in ["a0a1a2\n", "short\n", "b0b1\n", "c0c1\n", "more\n"] {
                prop_assert!(text.contains(whole), "{:?} lacks {:?}", text, whole);
            }
            prop_assert_eq!(text.len(), 7 + 6 + 5 + 5 + 5);
        }
    }

    #[test]
    fn a_piece_that_never_comes_holds_up_nothing_forever() {
        let mut letters = Letters::to(Vec::new());
        letters.piece((1, 0), Piece::First, b"started");
        letters.piece((1, 2), Piece::Last, b"end\n");
        letters.whole(b"short\n");
        assert_eq!(letters.file, b"started");
        letters.give_up_order();
        assert_eq!(letters.file, b"started\nend\nshort\n");
        letters.whole(b"xxxxxxxxxx");
        assert_eq!(letters.file, b"started\nend\nshort\nxxxxxxxxxx\n");
    }
}

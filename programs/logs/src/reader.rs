//! The parallel stage: a block of lines becomes the records that the filter keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use connect::files::{Block, Files, Piece};
use millstream::{Clock, Emit};

use crate::dead_letter::DeadLetters;
use crate::filter::Filter;
use crate::format::{FailKind, Format};
use crate::ledger::Ledger;
use crate::recognize::FileFormat;
use crate::record::Parsed;
use crate::rows::Origin;
use crate::scan::{Failure, Scanner, Visit};
use crate::time::Timestamp;

/// What all readers of a run share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) files: Files,
    pub(crate) filter: Filter,
    pub(crate) max_line: usize,
    pub(crate) clock: Clock,
    pub(crate) ledger: Ledger,
    pub(crate) dead: DeadLetters,
    pub(crate) not_utf8: NotUtf8,
}

/// Counts kept records of which an output has to replace bytes, because they are not UTF-8. It
/// orders nothing else, so it is relaxed. Where no text goes out nothing is counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct NotUtf8(Option<Arc<AtomicU64>>);

impl NotUtf8 {
    pub(crate) fn counting() -> Self {
        Self(Some(Arc::default()))
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

/// One worker's reader: it keeps the scanner of the file it is in.
pub(crate) struct Reader {
    shared: Shared,
    scanner: Option<Scanner>,
}

impl Reader {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared, scanner: None }
    }

    /// Takes the block apart; `make` builds what is handed on of each record that is kept.
    pub(crate) fn read<T>(
        &mut self,
        block: &Block<FileFormat>,
        out: &mut Emit<'_, T>,
        make: &impl Fn(&Parsed<'_>, &Arc<Origin>, u64) -> T,
    ) {
        let Shared { files, filter, max_line, clock, ledger, dead, not_utf8 } = &self.shared;
        let data = block.data();
        let origin = Arc::new(Origin {
            name: Arc::from(files.name(block.file())),
            identity: block.identity(),
            generation: data.generation,
        });
        if block.piece() != Piece::Whole {
            oversized(block, &origin, *max_line, dead, out);
            ledger.note(&origin, block.seq(), 0, block.end());
            return;
        }
        // A log may be followed for years: what its times lack comes from the day on which they are
        // read.
        let now = Timestamp::now(clock);
        let scanner = match &mut self.scanner {
            Some(scanner) if *scanner.format() == data.format => {
                scanner.set_now(now);
                scanner
            }
            other => {
                other.insert(Scanner::new(data.format.clone(), filter.clone(), *max_line, now))
            }
        };
        // A line of JSON that is not UTF-8 has failed.
        let not_utf8 = not_utf8.0.as_deref().filter(|_| !matches!(data.format, Format::Json(_)));
        let mut visit = Records { out, block, origin: &origin, dead, not_utf8, make, kept: 0 };
        let counts = scanner.scan(block.bytes(), &mut visit);
        let kept = visit.kept;
        out.filtered(counts.filtered);
        if !scanner.was_stopped() {
            ledger.note(&origin, block.seq(), kept, block.end());
        }
    }
}

/// A record too long to hold counts once, with its first piece; all its bytes are kept with the
/// dead letters.
fn oversized<T>(
    block: &Block<FileFormat>,
    origin: &Origin,
    max_line: usize,
    dead: &DeadLetters,
    out: &mut Emit<'_, T>,
) {
    if block.piece() == Piece::First {
        let offset = block.offset();
        out.failed(FailKind::TooLong.name(), || {
            format!("{}: longer than {max_line} bytes at byte {offset}", origin.name)
        });
    }
    dead.keep_piece(block);
}

struct Records<'a, 'b, T, M> {
    out: &'a mut Emit<'b, T>,
    block: &'a Block<FileFormat>,
    origin: &'a Arc<Origin>,
    dead: &'a DeadLetters,
    not_utf8: Option<&'a AtomicU64>,
    make: &'a M,
    kept: u64,
}

impl<T, M: Fn(&Parsed<'_>, &Arc<Origin>, u64) -> T> Visit for Records<'_, '_, T, M> {
    #[inline]
    fn record(&mut self, record: &Parsed<'_>) {
        let offset = self.block.offset() + record.offset as u64;
        self.kept += 1;
        let taken = self.out.item((self.make)(record, self.origin, offset));
        if let (true, Some(count)) = (taken, self.not_utf8)
            && !record.is_utf8()
        {
            count.fetch_add(1, Ordering::Relaxed);
            self.dead.keep(&self.block.bytes()[record.offset..record.offset + record.len]);
        }
    }

    fn failed(&mut self, failure: Failure) {
        let Failure { kind, offset, len } = failure;
        let bytes = &self.block.bytes()[offset..offset + len];
        self.dead.keep(bytes);
        let place = self.block.offset() + offset as u64;
        self.out.failed(kind.name(), || {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]);
            format!("{} at byte {place}: {}", self.origin.name, text.trim_end())
        });
    }
}

//! Where each followed file may be resumed once a number of its records is stored.
//!
//! A stored row has the position behind it. Records that were left out have no row, so the workers
//! note for every block how many of its records were kept and where it ends: once all rows of all
//! blocks up to one are stored, the file may be resumed behind that block. Without this a filter
//! that keeps nothing would make a restart read everything again.
//!
//! Invariants
//! 1. A position never lies behind a kept record that is not stored: that would lose it.
//! 2. A position never lies before a stored record: that would store it twice.
//! 3. Blocks are noted in any order and counted in the order of their numbers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use connect::files::{Identity, Position};
use connect::{PositionChange, Positions};

use crate::rows::{Origin, Stored};

/// The key of a file's position: it stays when the file grows or is renamed.
type Key = (u64, u64);

/// Shared by the workers, who note blocks, and the sink, which asks for positions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Accounts>>);

#[derive(Debug, Default)]
struct Accounts {
    files: HashMap<Key, Entry>,
    /// Files of an earlier run that are no more.
    gone: Vec<Key>,
}

#[derive(Debug)]
struct Entry {
    generation: u64,
    identity: Identity,
    name: String,
    /// Everything before this is stored or left out.
    offset: u64,
    /// What was last reported to the sink.
    reported: Option<u64>,
    /// Rows stored that belong to blocks from `next` on.
    stored: u64,
    /// The number of the first block that is not settled.
    next: u64,
    /// Blocks from `next` on: rows kept, and where each ends.
    noted: BTreeMap<u64, (u64, u64)>,
}

impl Ledger {
    /// Notes a block that was looked through.
    pub(crate) fn note(&self, origin: &Origin, seq: u64, kept: u64, end: u64) {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entry(&mut accounts.files, origin) {
            entry.noted.insert(seq, (kept, end));
            entry.settle();
        }
    }

    fn stored(&self, batch: &[Stored], changes: &mut Vec<PositionChange>) {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Accounts { files, gone } = &mut *accounts;
        // In front: a file that has the number of one that is gone stands behind it, and the last
        // change counts.
        changes.extend(gone.drain(..).map(|key| PositionChange { key: name(key), value: None }));
        for Stored { record, origin } in batch {
            if let Some(entry) = entry(files, origin) {
                entry.stored += 1;
                entry.offset = entry.offset.max(record.offset + record.len);
            }
        }
        for (key, entry) in files {
            entry.settle();
            if entry.reported != Some(entry.offset) && entry.offset > 0 {
                entry.reported = Some(entry.offset);
                changes.push(entry.change(*key));
            }
        }
    }

    /// A position of an earlier run stands for no file any more.
    pub(crate) fn forget(&self, identity: Identity) {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that took its number has reported its own position already.
        if accounts.files.get(&identity.key()).is_none_or(|entry| entry.reported.is_none()) {
            accounts.gone.push(identity.key());
        }
    }

    /// The same as the sinks ask for it.
    pub(crate) fn positions(&self) -> impl Positions<Stored> + 'static {
        let ledger = self.clone();
        move |_rows: u64, batch: &[Stored], changes: &mut Vec<PositionChange>| {
            ledger.stored(batch, changes)
        }
    }
}

/// A file's key as it is stored.
fn name(key: Key) -> String {
    format!("{:x}:{:x}", key.0, key.1)
}

/// The account of a followed file; none for other inputs, and none for a file as it was before it
/// was truncated.
fn entry<'a>(files: &'a mut HashMap<Key, Entry>, origin: &Origin) -> Option<&'a mut Entry> {
    let identity = origin.identity?;
    let fresh = || Entry {
        generation: origin.generation,
        identity,
        name: origin.name.to_string(),
        offset: 0,
        reported: None,
        stored: 0,
        next: 0,
        noted: BTreeMap::new(),
    };
    let entry = files.entry(identity.key()).or_insert_with(fresh);
    if entry.generation > origin.generation {
        return None;
    }
    if entry.generation < origin.generation {
        *entry = fresh();
    }
    // A growing file's head, and so its identity, becomes more exact.
    entry.identity = identity;
    Some(entry)
}

impl Entry {
    /// Moves behind every block whose kept rows are all stored.
    fn settle(&mut self) {
        while let Some(&(kept, end)) = self.noted.get(&self.next)
            && kept <= self.stored
        {
            self.noted.remove(&self.next);
            self.stored -= kept;
            self.offset = self.offset.max(end);
            self.next += 1;
        }
    }

    fn change(&self, key: Key) -> PositionChange {
        let position =
            Position { identity: self.identity, path: self.name.clone(), offset: self.offset };
        PositionChange { key: name(key), value: serde_json::to_string(&position).ok() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::filter::Filter;
    use crate::format::{Format, Keys};
    use crate::record::{Parsed, Record};
    use crate::scan::{Failure, Scanner, Visit};
    use crate::time::Timestamp;

    const LEN: u64 = 10;

    struct First(Option<Record>);

    impl Visit for First {
        fn record(&mut self, record: &Parsed<'_>) {
            self.0.get_or_insert(record.to_record());
        }

        fn failed(&mut self, _: Failure) {}
    }

    fn record(offset: u64) -> Record {
        let text = b"some text\n";
        let format = Format::detect(text, &Keys::default()).format;
        let mut first = First(None);
        Scanner::new(format, Filter::new(), 100, Timestamp::from_nanos(0)).scan(text, &mut first);
        let mut record = first.0.unwrap();
        (record.offset, record.len) = (offset, LEN);
        record
    }

    fn origin(generation: u64) -> Origin {
        Origin { name: "app.log".into(), identity: Some(Identity::new(1, 2, b"head")), generation }
    }

    fn reported(changes: &[PositionChange]) -> Option<u64> {
        let value = changes.last()?.value.as_ref()?;
        Some(serde_json::from_str::<Position>(value).unwrap().offset)
    }

    proptest! {
        #[test]
        fn a_position_is_never_behind_an_unstored_kept_record_nor_before_a_stored_one(
            blocks in prop::collection::vec(prop::collection::vec(any::<bool>(), 1..6), 1..12),
            order in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle(),
            steps in prop::collection::vec((any::<bool>(), 0..5_usize), 0..60),
        ) {
            let (ledger, origin) = (Ledger::default(), Arc::new(origin(1)));
            let mut kept = Vec::new();
            let mut notes = Vec::new();
            let mut end = 0;
            for (seq, block) in blocks.iter().enumerate() {
                for keep in block {
                    if *keep {
                        kept.push(end);
                    }
                    end += LEN;
                }
                notes.push((seq as u64, block.iter().filter(|keep| **keep).count() as u64, end));
            }
            let mut notes: Vec<_> = order.iter().filter_map(|at| notes.get(*at).copied()).collect();
            let (mut stored, mut position) = (0, None);
            let last = [(true, 0); 12].into_iter().chain([(false, 99)]);
            for (number, (note, count)) in steps.into_iter().chain(last).enumerate() {
                if note {
                    if let Some((seq, count, end)) = notes.pop() {
                        ledger.note(&origin, seq, count, end);
                    }
                } else {
                    let until = (stored + count).min(kept.len());
                    let batch: Vec<Stored> = kept[stored..until]
                        .iter()
                        .map(|offset| Stored { record: record(*offset), origin: Arc::clone(&origin) })
                        .collect();
                    stored = until;
                    let mut changes = Vec::new();
                    ledger.stored(&batch, &mut changes);
                    position = reported(&changes).or(position);
                }
                let at = position.unwrap_or(0);
                // What was stored since the last look may not be reported yet: only after a
                // look is it exact.
                if !note {
                    let before = stored.checked_sub(1).map_or(0, |last| kept[last] + LEN);
                    prop_assert!(at >= before, "step {}: {} is before a stored record that ends at {}", number, at, before);
                }
                let unstored = kept.get(stored).copied().unwrap_or(end);
                prop_assert!(at <= unstored, "step {}: {} is behind an unstored record at {}", number, at, unstored);
            }
            prop_assert_eq!(position, Some(end));
        }
    }

    #[test]
    fn a_file_that_was_truncated_begins_again_and_what_is_left_of_before_moves_nothing() {
        let ledger = Ledger::default();
        let (before, after) = (Arc::new(origin(1)), Arc::new(origin(2)));
        let mut changes = Vec::new();
        ledger.note(&before, 0, 2, 2 * LEN);
        ledger.note(&after, 0, 0, 5);
        ledger.stored(&[Stored { record: record(0), origin: before }], &mut changes);
        assert_eq!(reported(&changes), Some(5));
    }

    #[test]
    fn a_position_that_is_forgotten_stands_before_the_one_of_a_file_with_its_number() {
        let (ledger, now) = (Ledger::default(), Arc::new(origin(1)));
        let mut changes = Vec::new();
        ledger.note(&now, 0, 0, 7);
        ledger.forget(Identity::new(1, 2, b"another"));
        ledger.stored(&[], &mut changes);
        assert_eq!(
            (changes.len(), changes[0].value.as_ref(), reported(&changes)),
            (2, None, Some(7))
        );
        ledger.forget(Identity::new(1, 2, b"another"));
        changes.clear();
        ledger.stored(&[], &mut changes);
        assert!(changes.is_empty(), "{changes:?}");
    }
}

//! Where each followed file may be resumed once a number of its records is stored.
//!
//! A stored row tells the place behind it. Records that were left out have no row, so the workers note for every block
//! how many of its records were kept and where it ends: once all rows of all blocks up to one are stored, the file may be
//! resumed behind that block. Without this a filter that keeps nothing would make a restart read everything again.
//!
//! Invariants
//! 1. A position never lies behind a kept record that is not stored: that would lose it.
//! 2. A position never lies before a stored record: that would store it twice.
//! 3. Blocks are noted in any order and counted in the order of their numbers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use connect::files::{Identity, Position};
use connect::{PositionChange, Positions};

use crate::rows::Stored;

/// The block that a record came from, as far as its rows need to know.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) name: Arc<str>,
    /// Only known for followed files.
    pub(crate) identity: Option<Identity>,
    /// Counts how often files were begun: a truncated file keeps its place on the disk, but is begun anew.
    pub(crate) generation: u64,
}

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
    /// What was last told to the sink.
    told: Option<u64>,
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
        // In front: a file that has the number of one that is gone stands behind it, and the last change counts.
        changes.extend(gone.drain(..).map(|key| PositionChange { key: name(key), value: None }));
        for Stored { record, origin } in batch {
            if let Some(entry) = entry(files, origin) {
                entry.stored += 1;
                entry.offset = entry.offset.max(record.offset + record.len);
            }
        }
        for (key, entry) in files {
            entry.settle();
            if entry.told != Some(entry.offset) && entry.offset > 0 {
                entry.told = Some(entry.offset);
                changes.push(entry.change(*key));
            }
        }
    }

    /// A position of an earlier run stands for no file any more.
    pub(crate) fn forget(&self, identity: Identity) {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that took its number has told its own position already.
        if accounts.files.get(&identity.key()).is_none_or(|entry| entry.told.is_none()) {
            accounts.gone.push(identity.key());
        }
    }

    /// The same as the sinks ask for it.
    pub(crate) fn positions(&self) -> impl Positions<Stored> + 'static {
        let ledger = self.clone();
        move |_rows: u64, batch: &[Stored], changes: &mut Vec<PositionChange>| ledger.stored(batch, changes)
    }
}

/// A file's key as it is stored.
fn name(key: Key) -> String {
    format!("{:x}:{:x}", key.0, key.1)
}

/// The account of a followed file; none for other inputs, and none for a file as it was before it was truncated.
fn entry<'a>(files: &'a mut HashMap<Key, Entry>, origin: &Origin) -> Option<&'a mut Entry> {
    let identity = origin.identity?;
    let fresh = || Entry {
        generation: origin.generation,
        identity,
        name: origin.name.to_string(),
        offset: 0,
        told: None,
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
        let position = Position { identity: self.identity, path: self.name.clone(), offset: self.offset };
        PositionChange { key: name(key), value: serde_json::to_string(&position).ok() }
    }
}

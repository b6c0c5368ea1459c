//! Which URLs were seen, by their 128-bit keys, in memory.
//!
//! [`Seen`] holds all of them and is exact; [`Recent`] holds some and can only say yes.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// Keys are hashes already: what is left to do is to use both halves and to spread small numbers.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = mixed(key);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
fn mixed(key: u128) -> u64 {
    (key as u64 ^ (key >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

type Keys = HashSet<u128, BuildHasherDefault<KeyHasher>>;

/// A table grows by having a second one beside it for a moment: of many small tables only one does so at a time.
const SHARDS: usize = 64;

/// An exact set of keys: 17 bytes a place, and at most eight ninths of the places are used.
#[derive(Debug)]
pub(super) struct Seen {
    shards: Vec<Keys>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Keys::default()).collect() }
    }
}

impl Seen {
    /// Whether the key is new; it is in the set afterwards.
    pub(super) fn insert(&mut self, key: u128) -> bool {
        self.shard(key).insert(key)
    }

    /// Takes back an [`insert`](Self::insert).
    pub(super) fn remove(&mut self, key: u128) {
        self.shard(key).remove(&key);
    }

    /// The tables use the lowest and the highest bits of the hash, so the shard goes by bits of the middle.
    fn shard(&mut self, key: u128) -> &mut Keys {
        let at = (mixed(key) >> 40) as usize % SHARDS;
        &mut self.shards[at]
    }
}

/// Keys that are known to be seen: at least the last `most`, at most twice as many.
#[derive(Debug)]
pub(super) struct Recent {
    young: Keys,
    old: Keys,
    most: usize,
}

impl Recent {
    pub(super) fn new(most: usize) -> Self {
        Self { young: Keys::default(), old: Keys::default(), most }
    }

    /// Whether the key is certainly seen.
    pub(super) fn has(&self, key: u128) -> bool {
        self.young.contains(&key) || self.old.contains(&key)
    }

    pub(super) fn note(&mut self, key: u128) {
        if self.young.len() >= self.most {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_is_new_once_until_it_is_taken_back(keys in proptest::collection::vec(0u128..64, 0..200)) {
            let (mut seen, mut model) = (Seen::default(), HashSet::new());
            for key in keys {
                // Alike in their low halves, so that only both halves tell them apart.
                let key = key << 64 | 7;
                prop_assert_eq!(seen.insert(key), model.insert(key));
                if key >> 64 & 1 == 1 {
                    seen.remove(key);
                    model.remove(&key);
                }
            }
        }
    }

    #[test]
    fn what_is_recent_is_bounded_and_never_wrong() {
        let mut recent = Recent::new(100);
        for key in 0..1_000u128 {
            recent.note(key);
            assert!(recent.has(key) && recent.has(key.saturating_sub(99)) && !recent.has(key + 1));
            assert!(recent.young.len() + recent.old.len() <= 200);
        }
        assert!(!recent.has(500));
    }
}

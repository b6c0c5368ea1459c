//! Which URLs were seen, by their 128-bit keys, in memory.
//!
//! [`Seen`] holds all of them, with their numbers, and is exact; [`Recent`] holds some, with the
//! way that is known to each, and can only say yes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use super::way::Way;

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

/// A key in parts of four bytes: beside a number of four bytes it takes 20, where a `u128` would
/// take 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parts([u32; 4]);

impl From<u128> for Parts {
    #[expect(clippy::cast_possible_truncation, reason = "each part is cut out")]
    fn from(key: u128) -> Self {
        Self([key as u32, (key >> 32) as u32, (key >> 64) as u32, (key >> 96) as u32])
    }
}

impl Hash for Parts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d] = self.0.map(u128::from);
        state.write_u128(a | b << 32 | c << 64 | d << 96);
    }
}

type Numbers = HashMap<Parts, u32, BuildHasherDefault<KeyHasher>>;
type Ways = HashMap<u128, Way, BuildHasherDefault<KeyHasher>>;

/// A table grows by having a second one beside it for a moment: of many small tables only one does
/// so at a time.
const SHARDS: usize = 64;

/// An exact map of keys to numbers: 21 bytes a place, and at most eight ninths of the places are
/// used.
#[derive(Debug)]
pub(super) struct Seen {
    shards: Vec<Numbers>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Numbers::default()).collect() }
    }
}

impl Seen {
    /// Adds a key with its number, unless it is there: then its number.
    pub(super) fn insert(&mut self, key: u128, number: u32) -> Option<u32> {
        use std::collections::hash_map::Entry;
        match self.shard(key).entry(key.into()) {
            Entry::Occupied(known) => Some(*known.get()),
            Entry::Vacant(new) => {
                new.insert(number);
                None
            }
        }
    }

    /// Takes back an [`insert`](Self::insert).
    pub(super) fn remove(&mut self, key: u128) {
        self.shard(key).remove(&key.into());
    }

    /// The tables use the lowest and the highest bits of the hash, so the shard goes by bits of the
    /// middle.
    fn shard(&mut self, key: u128) -> &mut Numbers {
        let at = (mixed(key) >> 40) as usize % SHARDS;
        &mut self.shards[at]
    }
}

/// Keys that are known to be seen: at least the last `most`, at most twice as many.
#[derive(Debug)]
pub(super) struct Recent {
    young: Ways,
    old: Ways,
    most: usize,
}

impl Recent {
    pub(super) fn new(most: usize) -> Self {
        Self { young: Ways::default(), old: Ways::default(), most }
    }

    /// Whether the key is certainly seen, and by a way that is as short in everything.
    pub(super) fn has(&self, key: u128, way: Way) -> bool {
        let known = self.young.get(&key).or_else(|| self.old.get(&key));
        known.is_some_and(|known| known.or(way).is_none())
    }

    pub(super) fn note(&mut self, key: u128, way: Way) {
        if self.young.len() >= self.most {
            self.old = std::mem::take(&mut self.young);
        }
        let known = self.young.get(&key).or_else(|| self.old.get(&key));
        let way = known.map_or(way, |known| known.or(way).unwrap_or(*known));
        self.young.insert(key, way);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_is_new_once_until_it_is_taken_back(keys in proptest::collection::vec(0u128..64, 0..200)) {
            let (mut seen, mut model) = (Seen::default(), HashMap::new());
            for (number, key) in (0..).zip(keys) {
                // Alike in their low halves, so that only both halves distinguish them.
                let key = key << 64 | 7;
                prop_assert_eq!(seen.insert(key, number), model.get(&key).copied());
                model.entry(key).or_insert(number);
                if key >> 64 & 1 == 1 {
                    seen.remove(key);
                    model.remove(&key);
                }
            }
        }
    }

    const NEAR: Way = Way { depth: 1, redirects: 0 };
    const FAR: Way = Way { depth: 3, redirects: 2 };

    #[test]
    fn what_is_recent_is_bounded_and_never_wrong() {
        let mut recent = Recent::new(100);
        for key in 0..1_000u128 {
            recent.note(key, FAR);
            assert!(
                recent.has(key, FAR)
                    && recent.has(key.saturating_sub(99), FAR)
                    && !recent.has(key + 1, FAR)
            );
            assert!(recent.young.len() + recent.old.len() <= 200);
        }
        assert!(!recent.has(500, FAR));
    }

    #[test]
    fn a_shorter_way_is_news_once() {
        let mut recent = Recent::new(100);
        recent.note(1, FAR);
        assert!(!recent.has(1, NEAR));
        recent.note(1, NEAR);
        recent.note(1, FAR);
        assert!(recent.has(1, NEAR) && recent.has(1, FAR));
    }

    #[test]
    fn a_number_beside_its_key_takes_twenty_bytes() {
        assert_eq!(size_of::<(Parts, u32)>(), 20);
    }
}

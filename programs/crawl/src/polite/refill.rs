//! What of each host is in memory and what waits on disk: bounded, and so that no host takes the
//! place of the others.

use std::hash::Hash;
use std::time::{Duration, Instant};

use super::host::Host;
use super::schedule::Schedule;

/// The number of hosts that want more and are looked at in one call; those without room keep their
/// turn in the next.
const LOOKED_AT: usize = 64;

impl<K: Clone + Eq + Hash, T, R: Clone> Schedule<K, T, R> {
    /// Takes an item in, as a refill of one would, unless there is no room for it or its host has
    /// others on disk that come before it.
    ///
    /// # Errors
    /// The item: it must be on disk, and is fetched from there when its host [wants](Self::want)
    /// more.
    #[cfg(test)]
    pub(crate) fn push(&mut self, key: &K, item: T) -> Result<(), T> {
        let slot = self.slot(key);
        if self.hosts[slot as usize].is_behind || self.room(slot) == 0 {
            self.fall_behind(slot);
            return Err(item);
        }
        self.hold(slot, [item]);
        Ok(())
    }

    /// Notes that there is something of this host on disk.
    pub(crate) fn behind(&mut self, key: &K) {
        let slot = self.slot(key);
        self.fall_behind(slot);
    }

    /// A host that wants more from disk, and how many items it may get. It is to be answered by
    /// [`refill`](Self::refill).
    ///
    /// Hosts that want come out in turn, each once until it is answered. None if no host wants, or
    /// there is no room.
    pub(crate) fn want(&mut self) -> Option<(K, usize)> {
        for _ in 0..self.wanting.len().min(LOOKED_AT) {
            let slot = self.wanting.pop_front()?;
            let room = self.room(slot);
            let host = &mut self.hosts[slot as usize];
            if room > 0 {
                host.was_refused = false;
                return Some((host.key.clone(), room));
            }
            self.wanting.push_back(slot);
        }
        None
    }

    /// What was on disk, in answer to [`want`](Self::want), and whether there is more. It is taken
    /// in, room or not.
    pub(crate) fn refill(&mut self, key: &K, items: impl IntoIterator<Item = T>, more: bool) {
        let slot = self.slot(key);
        let host = &mut self.hosts[slot as usize];
        host.is_asking = false;
        // What was refused meanwhile came to the disk after it was read.
        let is_behind = more || host.was_refused;
        let was_behind = std::mem::replace(&mut host.is_behind, is_behind);
        self.behind += usize::from(is_behind);
        self.behind -= usize::from(was_behind);
        self.hold(slot, items);
        self.ask(slot);
    }

    /// Up to `most` hosts that have nothing to do, and how long each is still in cooldown.
    pub(crate) fn idle(&self, now: Instant, most: usize) -> Vec<(K, Duration)> {
        let cooldown = |host: &Host<K, T, R>| {
            let next = self.start + host.pace.next_start().since_start();
            (host.key.clone(), next.saturating_duration_since(now))
        };
        self.hosts.iter().filter(|host| host.is_idle()).take(most).map(cooldown).collect()
    }

    /// Another crawler has the host: nothing of it is visited from here. How many items were held
    /// for it.
    pub(crate) fn forget(&mut self, key: &K) -> usize {
        let Some(slot) = self.known(key) else { return 0 };
        let host = &mut self.hosts[slot as usize];
        self.behind -= usize::from(std::mem::take(&mut host.is_behind));
        host.was_refused = false;
        let dropped = self.change(slot, |host| std::mem::take(&mut host.queue).len());
        self.counts.held -= dropped;
        dropped
    }

    fn fall_behind(&mut self, slot: u32) {
        let host = &mut self.hosts[slot as usize];
        host.was_refused = true;
        if !std::mem::replace(&mut host.is_behind, true) {
            self.behind += 1;
        }
        self.ask(slot);
    }

    /// Puts a host into the line of those that want more, if it does.
    pub(super) fn ask(&mut self, slot: u32) {
        let host = &mut self.hosts[slot as usize];
        // A host that was given up has nothing to wait for.
        let wants = host.queue.len() <= self.limits.low || host.breaker.is_down();
        if host.is_behind && wants && !host.is_asking {
            host.is_asking = true;
            self.wanting.push_back(slot);
        }
    }

    /// How many more items of a host fit.
    fn room(&self, slot: u32) -> usize {
        let host = &self.hosts[slot as usize];
        let of_host = self.limits.held_per_host.saturating_sub(host.queue.len());
        let shared = (self.limits.held / 2).saturating_sub(self.counts.held);
        // The second half of the memory has place for one item of each host that has none.
        let first = usize::from(host.queue.is_empty() && self.counts.held < self.limits.held);
        of_host.min(shared.max(first))
    }

    fn hold(&mut self, slot: u32, items: impl IntoIterator<Item = T>) {
        let held = self.change(slot, |host| {
            let before = host.queue.len();
            host.queue.extend(items);
            host.queue.len() - before
        });
        self.counts.held += held;
        self.enter(slot);
    }
}

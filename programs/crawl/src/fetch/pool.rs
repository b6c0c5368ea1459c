//! Connections without work, kept for their origins, within bounds.
//!
//! Nobody drives them meanwhile: what a server sends or closes is noticed when the connection is
//! taken again. They are closed with the client.
//!
//! Invariants, under the one lock
//! 1. `order` has one entry for each connection in `idle`, by the number it was given when it came;
//!    no queue in `idle` is empty.
//! 2. The queue of an origin is in the order of these numbers.
//! 3. No connection is dropped under the lock: to close a socket is a call of the system.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct IdlePool<C> {
    per_origin: usize,
    total: usize,
    keep: Duration,
    state: Mutex<State<C>>,
}

#[derive(Debug)]
struct State<C> {
    idle: HashMap<Arc<str>, VecDeque<Parked<C>>>,
    order: BTreeMap<u64, Arc<str>>,
    next: u64,
}

#[derive(Debug)]
struct Parked<C> {
    number: u64,
    since: Instant,
    connection: C,
}

impl<C> IdlePool<C> {
    pub(super) fn new(per_origin: usize, total: usize, keep: Duration) -> Self {
        let state = State { idle: HashMap::new(), order: BTreeMap::new(), next: 0 };
        Self { per_origin, total, keep, state: Mutex::new(state) }
    }

    /// The connection of this origin that came last, for it is the least likely to have been
    /// closed.
    pub(super) fn take(&self, origin: &str, now: Instant) -> Option<C> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = state.idle.get_mut(origin)?;
        let parked = queue.pop_back()?;
        if queue.is_empty() {
            state.idle.remove(origin);
        }
        state.order.remove(&parked.number);
        drop(state);
        // If the youngest is stale, so are the others: they go when there is need of room.
        (now.saturating_duration_since(parked.since) < self.keep).then_some(parked.connection)
    }

    /// Keeps a connection, and closes what is too old or too many.
    pub(super) fn park(&self, origin: &str, connection: C, now: Instant) {
        let mut closed = Vec::new();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(oldest) = state.oldest()
            && (state.order.len() >= self.total.max(1)
                || now.saturating_duration_since(oldest.since) >= self.keep)
        {
            closed.extend(state.pop_oldest());
        }
        let parked = state.idle.get(origin).map_or(0, VecDeque::len);
        if parked >= self.per_origin || self.total == 0 {
            drop(state);
            return;
        }
        let number = state.next;
        state.next += 1;
        let key = match state.idle.get_key_value(origin) {
            Some((key, _)) => Arc::clone(key),
            None => Arc::from(origin),
        };
        state.order.insert(number, Arc::clone(&key));
        state.idle.entry(key).or_default().push_back(Parked { number, since: now, connection });
        drop(state);
    }

    /// Closes the connection that has waited longest; whether there was one.
    pub(super) fn close_oldest(&self) -> bool {
        let closed = self.state.lock().unwrap_or_else(PoisonError::into_inner).pop_oldest();
        closed.is_some()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.state.lock().unwrap().order.len()
    }
}

impl<C> State<C> {
    fn oldest(&self) -> Option<&Parked<C>> {
        let (_, origin) = self.order.first_key_value()?;
        self.idle.get(origin)?.front()
    }

    fn pop_oldest(&mut self) -> Option<C> {
        let (_, origin) = self.order.pop_first()?;
        let queue = self.idle.get_mut(&origin)?;
        let parked = queue.pop_front()?;
        if queue.is_empty() {
            self.idle.remove(&origin);
        }
        Some(parked.connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream::Clock;

    const KEEP: Duration = Duration::from_secs(15);

    #[test]
    fn the_youngest_connection_of_an_origin_is_taken() {
        let (pool, now) = (IdlePool::new(8, 8, KEEP), Clock::manual().now());
        pool.park("a", 1, now);
        pool.park("b", 2, now);
        pool.park("a", 3, now);
        assert_eq!(
            [pool.take("a", now), pool.take("a", now), pool.take("a", now)],
            [Some(3), Some(1), None]
        );
        assert_eq!((pool.take("b", now), pool.len()), (Some(2), 0));
    }

    #[test]
    fn bounds_hold_for_each_origin_and_in_all() {
        let (pool, now) = (IdlePool::new(2, 3, KEEP), Clock::manual().now());
        for number in 0..5 {
            pool.park("a", number, now);
        }
        assert_eq!(pool.len(), 2);
        pool.park("b", 10, now);
        pool.park("c", 11, now);
        assert_eq!(pool.len(), 3);
        assert_eq!((pool.take("a", now), pool.take("a", now)), (Some(1), None));
        assert_eq!((pool.take("b", now), pool.take("c", now)), (Some(10), Some(11)));
        assert_eq!((pool.close_oldest(), pool.len()), (false, 0));
        pool.park("b", 12, now);
        pool.park("a", 13, now);
        assert!(pool.close_oldest());
        assert_eq!((pool.take("a", now), pool.take("b", now)), (Some(13), None));
        let none = IdlePool::new(2, 0, KEEP);
        none.park("a", 1, now);
        assert_eq!(none.take("a", now), None);
    }

    #[test]
    fn what_has_waited_too_long_is_not_given_out_and_does_not_stay() {
        let (pool, clock) = (IdlePool::new(8, 8, KEEP), Clock::manual());
        pool.park("a", 1, clock.now());
        pool.park("b", 2, clock.now());
        clock.advance(KEEP);
        assert_eq!(pool.take("a", clock.now()), None);
        pool.park("c", 3, clock.now());
        assert_eq!(pool.len(), 1);
    }
}

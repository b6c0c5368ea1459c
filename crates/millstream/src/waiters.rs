//! The line of those who wait for an item, or for a place: first come, first woken.
//!
//! It knows no items and no lock, and it runs no code of others: wakers are handed out, to be woken
//! and dropped by the caller after the lock of the line's owner (a channel, a pool) is released.
//!
//! A waiter is *waiting* (in the line) or *notified* (out of the line, on its way). It keeps its
//! key in both states, and exactly one `remove` ends it, so a notified waiter that gives up is seen
//! here and its notification passes on.

use std::task::Waker;

use slab::Slab;

/// Names one waiter in its line from `register` to `remove`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(usize);

const NONE: usize = usize::MAX;

#[derive(Debug)]
struct Slot {
    /// `Some` while it stands in the line, `None` once it is notified.
    waker: Option<Waker>,
    /// How many items or places it could use; what a notification to it covers.
    want: u32,
    /// Its number in order of arrival, which it keeps if others overtake it on its way.
    ticket: u64,
    prev: usize,
    next: usize,
}

/// A doubly linked list inside a slab, so that every step is O(1) and nothing is allocated per
/// wait.
///
/// The slab is as long as the largest number of waiters at one time, and is reused.
#[derive(Debug)]
pub(crate) struct Waiters {
    slots: Slab<Slot>,
    head: usize,
    tail: usize,
    waiting: usize,
    /// Sum of `want` over the notified.
    promised: u64,
    tickets: u64,
}

impl Waiters {
    pub(crate) fn new() -> Self {
        Self { slots: Slab::new(), head: NONE, tail: NONE, waiting: 0, promised: 0, tickets: 0 }
    }

    /// How many stand in the line and are not on their way.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many stand in the line or are on their way.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether this waiter is notified, and so on its way.
    pub(crate) fn is_notified(&self, key: Key) -> bool {
        self.slots[key.0].waker.is_none()
    }

    /// Whether nobody stands in the line or is on the way.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Puts a new waiter at the end of the line.
    pub(crate) fn register(&mut self, want: usize, waker: Waker) -> Key {
        let ticket = self.tickets;
        self.tickets += 1;
        let slot = Slot { waker: Some(waker), want: clamp(want), ticket, prev: NONE, next: NONE };
        let at = self.slots.insert(slot);
        self.link(at, self.tail);
        Key(at)
    }

    /// Whether this waiter stands in the line with what wakes `waker`, so that it can go on waiting
    /// as it is.
    pub(crate) fn is_armed(&self, key: Key, waker: &Waker) -> bool {
        self.slots[key.0].waker.as_ref().is_some_and(|w| w.will_wake(waker))
    }

    /// Has a registered waiter wait (again): a notified one returns to its place in order of
    /// arrival.
    ///
    /// Gives back the waker that it replaced, to be dropped outside of the lock.
    pub(crate) fn rearm(&mut self, key: Key, want: usize, waker: Waker) -> Option<Waker> {
        let slot = &mut self.slots[key.0];
        let promised = u64::from(slot.want);
        let ticket = slot.ticket;
        slot.want = clamp(want);
        let old = slot.waker.replace(waker);
        if old.is_none() {
            self.promised -= promised;
            // Only those who were overtaken with it can be ahead of it, so this walk is short.
            let (mut before, mut next) = (NONE, self.head);
            while next != NONE && self.slots[next].ticket < ticket {
                before = next;
                next = self.slots[next].next;
            }
            self.link(key.0, before);
        }
        old
    }

    /// Stands in line for one thing, from the first call on until [`remove`](Self::remove). Gives
    /// back a waker that it replaced, to be dropped outside of the lock.
    pub(crate) fn wait(&mut self, key: &mut Option<Key>, waker: &Waker) -> Option<Waker> {
        match *key {
            Some(key) if self.is_armed(key, waker) => None,
            Some(key) => self.rearm(key, 1, waker.clone()),
            None => {
                *key = Some(self.register(1, waker.clone()));
                None
            }
        }
    }

    /// Ends a waiter in whichever state it is, and gives back its waker, to be dropped outside of
    /// the lock.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Waker> {
        match self.slots[key.0].waker {
            Some(_) => self.unlink(key.0),
            None => self.promised -= u64::from(self.slots[key.0].want),
        }
        self.slots.remove(key.0).waker
    }

    /// Notifies the first in line, unless those already on their way can use all of `available`.
    #[inline]
    pub(crate) fn notify(&mut self, available: usize) -> Option<Waker> {
        if self.head == NONE || self.promised >= available as u64 {
            None
        } else {
            self.notify_first()
        }
    }

    /// Notifies the first in line, whatever is available; for the end of the channel.
    pub(crate) fn notify_first(&mut self) -> Option<Waker> {
        if self.head == NONE {
            return None;
        }
        let at = self.head;
        self.unlink(at);
        let slot = &mut self.slots[at];
        self.promised += u64::from(slot.want);
        slot.waker.take()
    }

    /// Puts a slot into the line behind `prev`.
    fn link(&mut self, at: usize, prev: usize) {
        let next = if prev == NONE { self.head } else { self.slots[prev].next };
        let slot = &mut self.slots[at];
        slot.prev = prev;
        slot.next = next;
        match prev {
            NONE => self.head = at,
            prev => self.slots[prev].next = at,
        }
        match next {
            NONE => self.tail = at,
            next => self.slots[next].prev = at,
        }
        self.waiting += 1;
    }

    fn unlink(&mut self, at: usize) {
        let Slot { prev, next, .. } = self.slots[at];
        match prev {
            NONE => self.head = next,
            prev => self.slots[prev].next = next,
        }
        match next {
            NONE => self.tail = prev,
            next => self.slots[next].prev = prev,
        }
        self.waiting -= 1;
    }
}

fn clamp(want: usize) -> u32 {
    u32::try_from(want).unwrap_or(u32::MAX)
}

/// Wakers collected under the lock, to be woken after it; usually none or one, so they rarely
/// allocate.
#[derive(Debug)]
pub(crate) struct Wakes {
    first: Option<Waker>,
    more: Vec<Waker>,
}

impl Wakes {
    #[inline]
    pub(crate) fn new() -> Self {
        Self { first: None, more: Vec::new() }
    }

    pub(crate) fn push(&mut self, waker: Waker) {
        match self.first {
            None => self.first = Some(waker),
            Some(_) => self.more.push(waker),
        }
    }

    /// Wakes all, in the order of their lines.
    #[inline]
    pub(crate) fn wake(self) {
        if let Some(first) = self.first {
            first.wake();
        }
        for waker in self.more {
            waker.wake();
        }
    }
}

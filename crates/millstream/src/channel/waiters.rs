//! The line of those who wait for an item, or for a place: first come, first woken.
//!
//! It knows no items and no lock, and it runs no code of others: wakers are handed out, to be woken and dropped by the
//! caller after the channel's lock is released.
//!
//! A waiter is *waiting* (in the line) or *notified* (out of the line, on its way). It keeps its key in both states,
//! and exactly one `remove` ends it, so a notified waiter that gives up is seen here and its notification passes on.

use std::task::Waker;

/// Names one waiter in its line from `register` to `remove`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u32);

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Free,
    Waiting,
    Notified,
}

#[derive(Debug)]
struct Slot {
    standing: Standing,
    waker: Option<Waker>,
    /// How many items or places it could use; what a notification to it covers.
    want: u32,
    /// Its number in order of arrival, which it keeps if others overtake it on its way.
    ticket: u64,
    prev: u32,
    next: u32,
}

/// A doubly linked list inside a slab, so that every step is O(1) and nothing is allocated per wait.
///
/// The slab is as long as the largest number of waiters at one time, and is reused.
#[derive(Debug)]
pub(super) struct Waiters {
    slots: Vec<Slot>,
    free: u32,
    head: u32,
    tail: u32,
    waiting: usize,
    /// Sum of `want` over the notified.
    promised: u64,
    tickets: u64,
}

impl Waiters {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), free: NONE, head: NONE, tail: NONE, waiting: 0, promised: 0, tickets: 0 }
    }

    /// How many stand in the line and are not on their way.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Puts a new waiter at the end of the line.
    pub(super) fn register(&mut self, want: usize, waker: Waker) -> Key {
        let ticket = self.tickets;
        self.tickets += 1;
        let slot = Slot {
            standing: Standing::Notified,
            waker: Some(waker),
            want: clamp(want),
            ticket,
            prev: NONE,
            next: NONE,
        };
        let at = if self.free == NONE {
            let at = u32::try_from(self.slots.len()).unwrap_or(NONE);
            assert!(at != NONE, "more than four billion waiters on one channel");
            self.slots.push(slot);
            at
        } else {
            let at = self.free;
            self.free = self.slots[at as usize].next;
            self.slots[at as usize] = slot;
            at
        };
        self.link(at, self.tail);
        Key(at)
    }

    /// Whether this waiter still has what wakes `waker`, so that it can go on waiting without a new one.
    pub(super) fn is_armed(&self, key: Key, waker: &Waker) -> bool {
        let slot = &self.slots[key.0 as usize];
        slot.standing == Standing::Waiting && slot.waker.as_ref().is_some_and(|w| w.will_wake(waker))
    }

    /// Has a registered waiter wait (again): a notified one returns to its place in order of arrival.
    ///
    /// Gives back the waker that it replaced, to be dropped outside of the lock.
    pub(super) fn rearm(&mut self, key: Key, want: usize, waker: Waker) -> Option<Waker> {
        let at = key.0;
        let slot = &mut self.slots[at as usize];
        let was = slot.standing;
        let promised = u64::from(slot.want);
        slot.want = clamp(want);
        let old = slot.waker.replace(waker);
        if was == Standing::Notified {
            self.promised -= promised;
            let ticket = self.slots[at as usize].ticket;
            // Only those who were overtaken with it can be ahead of it, so this walk is short.
            let (mut before, mut next) = (NONE, self.head);
            while next != NONE && self.slots[next as usize].ticket < ticket {
                before = next;
                next = self.slots[next as usize].next;
            }
            self.link(at, before);
        }
        old
    }

    /// Ends a waiter in whichever state it is, and gives back its waker, to be dropped outside of the lock.
    pub(super) fn remove(&mut self, key: Key) -> Option<Waker> {
        let at = key.0;
        match self.slots[at as usize].standing {
            Standing::Waiting => self.unlink(at),
            Standing::Notified => self.promised -= u64::from(self.slots[at as usize].want),
            Standing::Free => return None,
        }
        let slot = &mut self.slots[at as usize];
        slot.standing = Standing::Free;
        slot.next = self.free;
        self.free = at;
        slot.waker.take()
    }

    /// Notifies the first in line, unless those already on their way can use all of `available`.
    #[inline]
    pub(super) fn notify(&mut self, available: usize) -> Option<Waker> {
        if self.head == NONE || self.promised >= available as u64 {
            return None;
        }
        self.notify_first()
    }

    /// Notifies the first in line, whatever is available; for the end of the channel.
    pub(super) fn notify_first(&mut self) -> Option<Waker> {
        // A waiter in the line always has a waker; the loop only keeps that an invariant instead of a panic.
        while self.head != NONE {
            let at = self.head;
            self.unlink(at);
            let slot = &mut self.slots[at as usize];
            slot.standing = Standing::Notified;
            self.promised += u64::from(slot.want);
            if let Some(waker) = slot.waker.take() {
                return Some(waker);
            }
        }
        None
    }

    fn link(&mut self, at: u32, prev: u32) {
        let next = if prev == NONE { self.head } else { self.slots[prev as usize].next };
        let slot = &mut self.slots[at as usize];
        slot.standing = Standing::Waiting;
        slot.prev = prev;
        slot.next = next;
        match prev {
            NONE => self.head = at,
            prev => self.slots[prev as usize].next = at,
        }
        match next {
            NONE => self.tail = at,
            next => self.slots[next as usize].prev = at,
        }
        self.waiting += 1;
    }

    fn unlink(&mut self, at: u32) {
        let Slot { prev, next, .. } = self.slots[at as usize];
        match prev {
            NONE => self.head = next,
            prev => self.slots[prev as usize].next = next,
        }
        match next {
            NONE => self.tail = prev,
            next => self.slots[next as usize].prev = prev,
        }
        self.waiting -= 1;
    }
}

fn clamp(want: usize) -> u32 {
    u32::try_from(want).unwrap_or(u32::MAX)
}

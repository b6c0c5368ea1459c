//! What the channel's lock guards: a plain state machine without waiting, waking or code of others.
//!
//! Invariants, true whenever the lock is free:
//! 1. `items.len() + reserved <= capacity`.
//! 2. If items are ready and receivers stand in line, those already notified can use all of the
//!    items; likewise free places and senders. [`State::settle`] restores this at the end of each
//!    locked section.
//! 3. Once `closed` is set it never changes, and nothing is added to `items`.
//! 4. `accepted == received + dropped + items.len()`, as the callers see these counts.

use std::collections::VecDeque;

use super::overflow::Overflow;
use crate::context::Cause;
use crate::waiters::{Waiters, Wakes};

/// Why a channel took nothing; the item is still with the caller.
#[derive(Debug)]
pub(super) enum Refusal {
    Closed(Cause),
    Full,
}

/// The two lines of waiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Sender,
    Receiver,
}

impl Side {
    /// The hint that an attempt in this line may succeed.
    pub(super) fn hint(self) -> u8 {
        match self {
            Self::Sender => ROOM,
            Self::Receiver => READY,
        }
    }
}

/// Hint: an item is ready, or none will be.
const READY: u8 = 1;
/// Hint: a place is free, or none will be.
const ROOM: u8 = 2;
/// Hint: a receiver stands in line without an item on its way to it.
pub(super) const RECEIVER_WAITS: u8 = 4;
/// The hints of a new channel.
pub(super) const NEW: u8 = ROOM;

#[derive(Debug)]
pub(super) struct State<T> {
    items: VecDeque<T>,
    reserved: usize,
    capacity: usize,
    overflow: Overflow,
    closed: Option<Cause>,
    dropped: u64,
    waiting_senders: Waiters,
    waiting_receivers: Waiters,
    /// Handles that are alive.
    pub(super) senders: usize,
    pub(super) receivers: usize,
    /// The hints as they were last published.
    notified: u8,
}

impl<T> State<T> {
    pub(super) fn new(capacity: usize, overflow: Overflow) -> Self {
        Self {
            items: VecDeque::new(),
            reserved: 0,
            capacity: capacity.max(1),
            overflow,
            closed: None,
            dropped: 0,
            waiting_senders: Waiters::new(),
            waiting_receivers: Waiters::new(),
            senders: 1,
            receivers: 1,
            notified: NEW,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn closed(&self) -> Option<&Cause> {
        self.closed.as_ref()
    }

    pub(super) fn line(&mut self, side: Side) -> &mut Waiters {
        match side {
            Side::Sender => &mut self.waiting_senders,
            Side::Receiver => &mut self.waiting_receivers,
        }
    }

    fn free(&self) -> usize {
        self.capacity - self.reserved - self.items.len()
    }

    /// Moves the item out of `item` into the queue; `None` if a sender has to wait.
    ///
    /// What the overflow policy drops is left in `item`, for the caller to drop outside of the
    /// lock.
    #[inline]
    pub(super) fn push(&mut self, item: &mut Option<T>) -> Option<Result<(), Refusal>> {
        if let Some(cause) = &self.closed {
            return Some(Err(Refusal::Closed(cause.clone())));
        }
        if self.free() == 0 {
            match self.overflow {
                Overflow::Block => return None,
                Overflow::Reject => return Some(Err(Refusal::Full)),
                Overflow::DropNewest => {
                    self.dropped += 1;
                    return Some(Ok(()));
                }
                Overflow::DropOldest => {
                    self.dropped += 1;
                    // With every place reserved there is no older item, so the new one is the
                    // oldest.
                    if let Some(oldest) = self.items.pop_front() {
                        self.items.extend(item.replace(oldest));
                    }
                    return Some(Ok(()));
                }
            }
        }
        if let Some(item) = item.take() {
            self.items.push_back(item);
        }
        Some(Ok(()))
    }

    /// Moves as much of `chunk` as there is room for; `None` if a sender has to wait for the rest.
    ///
    /// What the overflow policy drops is moved to `evicted`.
    pub(super) fn push_many(
        &mut self,
        chunk: &mut VecDeque<T>,
        evicted: &mut VecDeque<T>,
    ) -> Option<Result<(), Refusal>> {
        if chunk.is_empty() {
            return Some(Ok(()));
        }
        if let Some(cause) = &self.closed {
            return Some(Err(Refusal::Closed(cause.clone())));
        }
        if self.overflow == Overflow::DropOldest {
            self.make_room(chunk, evicted);
        }
        let free = self.free();
        if chunk.len() <= free {
            append(&mut self.items, chunk);
            return Some(Ok(()));
        }
        self.items.extend(chunk.drain(..free));
        match self.overflow {
            Overflow::Block => None,
            Overflow::Reject => Some(Err(Refusal::Full)),
            Overflow::DropNewest | Overflow::DropOldest => {
                self.dropped += chunk.len() as u64;
                append(evicted, chunk);
                Some(Ok(()))
            }
        }
    }

    /// Evicts the oldest items, those of the queue before those of the chunk, until the rest of the
    /// chunk fits.
    fn make_room(&mut self, chunk: &mut VecDeque<T>, evicted: &mut VecDeque<T>) {
        let places = self.capacity - self.reserved;
        let surplus = (self.items.len() + chunk.len()).saturating_sub(places);
        let from_queue = surplus.min(self.items.len());
        evicted.extend(self.items.drain(..from_queue));
        evicted.extend(chunk.drain(..surplus - from_queue));
        self.dropped += surplus as u64;
    }

    /// Takes the oldest item; `None` if a receiver has to wait, an error once the channel is closed
    /// and drained.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Result<T, Cause>> {
        match self.items.pop_front() {
            Some(item) => Some(Ok(item)),
            None => self.closed.as_ref().map(|cause| Err(cause.clone())),
        }
    }

    /// Moves up to `max` of the oldest items to the end of `buffer`, and counts them.
    pub(super) fn pop_many(
        &mut self,
        buffer: &mut VecDeque<T>,
        max: usize,
    ) -> Option<Result<usize, Cause>> {
        if self.items.is_empty() {
            return self.closed.as_ref().map(|cause| Err(cause.clone()));
        }
        let count = self.items.len().min(max);
        if count == self.items.len() {
            append(buffer, &mut self.items);
        } else {
            buffer.extend(self.items.drain(..count));
        }
        Some(Ok(count))
    }

    /// Sets a place aside; `None` if a sender has to wait for it.
    pub(super) fn reserve(&mut self) -> Option<Result<(), Refusal>> {
        if let Some(cause) = &self.closed {
            return Some(Err(Refusal::Closed(cause.clone())));
        }
        if self.free() == 0 {
            return (self.overflow == Overflow::Reject).then_some(Err(Refusal::Full));
        }
        self.reserved += 1;
        Some(Ok(()))
    }

    /// Gives a reserved place back, unused.
    pub(super) fn release(&mut self) {
        self.reserved -= 1;
    }

    /// Uses a reserved place; the item stays in `item` if the channel was closed since.
    pub(super) fn redeem(&mut self, item: &mut Option<T>) -> Result<(), Cause> {
        self.reserved -= 1;
        match &self.closed {
            Some(cause) => Err(cause.clone()),
            None => {
                self.items.extend(item.take());
                Ok(())
            }
        }
    }

    /// Closes the channel and wakes everybody; false if it was closed before.
    pub(super) fn close(&mut self, cause: Cause, wakes: &mut Wakes) -> bool {
        if self.closed.is_some() {
            return false;
        }
        self.closed = Some(cause);
        for line in [&mut self.waiting_senders, &mut self.waiting_receivers] {
            while let Some(waker) = line.notify_first() {
                wakes.push(waker);
            }
        }
        true
    }

    /// Takes everything that is queued, for a receiver.
    pub(super) fn take_all(&mut self) -> VecDeque<T> {
        std::mem::take(&mut self.items)
    }

    /// Takes everything that is queued because nobody is left to receive it, and counts it as
    /// dropped.
    pub(super) fn discard_all(&mut self) -> VecDeque<T> {
        self.dropped += self.items.len() as u64;
        std::mem::take(&mut self.items)
    }

    /// Notifies the waiters that can continue (invariant 2).
    #[inline]
    pub(super) fn settle(&mut self, wakes: &mut Wakes) {
        while let Some(waker) = self.waiting_receivers.notify(self.items.len()) {
            wakes.push(waker);
        }
        let free = self.free();
        while let Some(waker) = self.waiting_senders.notify(free) {
            wakes.push(waker);
        }
    }

    /// The hints, if they changed since the last call.
    #[inline]
    pub(super) fn news(&mut self) -> Option<u8> {
        let (open, free) = (self.closed.is_none(), self.free());
        let hints = if self.items.is_empty() && open { 0 } else { READY }
            | if free == 0 && open { 0 } else { ROOM }
            | if self.waiting_receivers.waiting() > 0 { RECEIVER_WAITS } else { 0 };
        (std::mem::replace(&mut self.notified, hints) != hints).then_some(hints)
    }
}

/// Appends in O(1) by swapping when `to` is empty, which also recycles both buffers between the two
/// ends.
fn append<T>(to: &mut VecDeque<T>, from: &mut VecDeque<T>) {
    if to.is_empty() {
        std::mem::swap(to, from);
    } else {
        to.append(from);
    }
}

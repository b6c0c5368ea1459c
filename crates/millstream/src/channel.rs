//! Bounded channels between threads and tasks in any mix: many senders, many receivers, single
//! items or whole chunks.
//!
//! * Every wait takes a [`Context`](crate::Context) and ends when that is cancelled.
//! * No item is lost. A send that fails gives its item back, a receive that is cancelled or dropped
//!   takes nothing, and what an [`Overflow`] policy drops is counted.
//! * A channel closes for a [`Cause`](crate::context::Cause), which both ends can read. Receivers
//!   get what is queued first.
//!
//! | from a thread | from a task | without waiting |
//! |---|---|---|
//! | [`send`](Sender::send), [`send_timeout`](Sender::send_timeout) | [`send_async`](Sender::send_async) | [`try_send`](Sender::try_send) |
//! | [`send_all`](Sender::send_all) | [`send_all_async`](Sender::send_all_async) | [`try_send_all`](Sender::try_send_all) |
//! | [`reserve`](Sender::reserve) | [`reserve_async`](Sender::reserve_async) | |
//! | [`recv`](Receiver::recv), [`recv_timeout`](Receiver::recv_timeout) | [`recv_async`](Receiver::recv_async), [`recv_timeout_async`](Receiver::recv_timeout_async) | [`try_recv`](Receiver::try_recv) |
//! | [`recv_many`](Receiver::recv_many) | [`recv_many_async`](Receiver::recv_many_async) | [`try_recv_many`](Receiver::try_recv_many), [`drain`](Receiver::drain) |
//! | [`iter`](Receiver::iter) | [`stream`](Receiver::stream) | |
//!
//! There is no send for tasks that owns its item: a future may be dropped while it waits, and the
//! item with it. [`Sender::send_async`] leaves the item with the caller until it is queued;
//! [`Sender::reserve_async`] waits for the place first.
//!
//! It does not select over several channels, has no unbounded form, and no broadcast: each item
//! goes to one receiver.
//!
//! # Cost
//! One mutex around a deque. Per item that is a lock at each end; in chunks, by
//! [`Sender::send_all`] and [`Receiver::recv_many`], it is a lock and a swap of two deques per
//! chunk.

mod ends;
mod iter;
mod operation;
mod overflow;
mod permit;
mod receiver;
mod recv_error;
mod send_error;
mod sender;
mod shared;
mod state;

pub use iter::{Iter, RecvStream};
pub use overflow::Overflow;
pub use permit::Permit;
pub use receiver::Receiver;
pub use recv_error::{RecvError, RecvTimeoutError, TryRecvError};
pub use send_error::{ReserveError, SendError, SendTimeoutError, TrySendError};
pub use sender::Sender;

use crate::sync::Arc;
use shared::Shared;

/// Makes a channel that holds at most `capacity` items and blocks senders while it is full.
///
/// A capacity of 0 is treated as 1: the smallest channel holds one item, there is no rendezvous.
/// The memory grows with what is queued, not with the capacity.
///
/// # Examples
/// ```
/// use millstream::{Context, channel::channel};
///
/// let ctx = Context::new();
/// let (tx, rx) = channel(100);
/// tx.send(&ctx, "a letter")?;
/// assert_eq!(rx.recv(&ctx)?, "a letter");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a channel without its ends is closed"]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    ChannelBuilder::new(capacity).build()
}

/// Makes a channel with an [`Overflow`] policy.
///
/// # Examples
/// ```
/// use millstream::channel::{ChannelBuilder, Overflow, TrySendError};
///
/// let (tx, _rx) = ChannelBuilder::new(1).overflow(Overflow::Reject).build();
/// tx.try_send(1).unwrap();
/// assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ChannelBuilder {
    capacity: usize,
    overflow: Overflow,
}

impl ChannelBuilder {
    /// A channel for at most `capacity` items, or 1 if that is 0, which blocks senders while it is
    /// full.
    ///
    /// # Examples
    /// ```
    /// let (tx, _rx) = millstream::channel::ChannelBuilder::new(7).build::<u8>();
    /// assert_eq!(tx.capacity(), 7);
    /// ```
    pub fn new(capacity: usize) -> Self {
        Self { capacity, overflow: Overflow::Block }
    }

    /// What a send does when the channel is full.
    ///
    /// # Examples
    /// ```
    /// use millstream::channel::{ChannelBuilder, Overflow};
    ///
    /// let (tx, _rx) = ChannelBuilder::new(1).overflow(Overflow::DropNewest).build();
    /// tx.try_send(1).unwrap();
    /// tx.try_send(2).unwrap();
    /// assert_eq!(tx.dropped(), 1);
    /// ```
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Makes the channel.
    ///
    /// # Examples
    /// ```
    /// let (tx, rx) = millstream::channel::ChannelBuilder::new(1).build();
    /// tx.try_send("x").unwrap();
    /// assert_eq!(rx.try_recv(), Ok("x"));
    /// ```
    pub fn build<T>(self) -> (Sender<T>, Receiver<T>) {
        let shared = Arc::new(Shared::new(self.capacity, self.overflow));
        (Sender { shared: Arc::clone(&shared) }, Receiver { shared })
    }
}

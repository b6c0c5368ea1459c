//! Receiving item by item in a `for` loop or as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use futures_core::Stream;

use super::Receiver;
use super::operation::Pop;
use super::shared::WaiterSlot;
use super::state::Side;
use crate::context::Context;

impl<T> Receiver<T> {
    /// The items one by one, each as by [`recv`](Self::recv), until the channel is closed and
    /// drained or the context is cancelled.
    ///
    /// [`closed`](Self::closed) and [`Context::cause`] say which of the two ended it.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, channel::channel};
    ///
    /// let (tx, rx) = channel(3);
    /// for n in 1..=3 {
    ///     tx.try_send(n).unwrap();
    /// }
    /// drop(tx);
    /// assert_eq!(rx.iter(&Context::new()).sum::<i32>(), 6);
    /// ```
    pub fn iter<'a>(&'a self, ctx: &'a Context) -> Iter<'a, T> {
        Iter::new(self, ctx)
    }

    /// The items one by one as a [`Stream`](futures_core::Stream), until the channel is closed and
    /// drained or the context is cancelled.
    ///
    /// The stream is a receiver of its own: it keeps the channel open for receiving, borrows
    /// nothing, and is `Unpin`. As with every future, one that was woken for an item should be
    /// polled or dropped: meanwhile no other receiver is woken for that item, though one that asks
    /// gets it.
    ///
    /// # Cancel safety
    /// Dropping the stream, or a future that waits for its next item, loses no item.
    ///
    /// # Examples
    /// ```
    /// use std::{pin::pin, task::{Context as Task, Poll, Waker}};
    /// use futures_core::Stream;
    /// use millstream::{Context, channel::channel};
    ///
    /// let (tx, rx) = channel(1);
    /// tx.try_send(1).unwrap();
    /// let mut items = pin!(rx.stream(&Context::new()));
    /// let mut task = Task::from_waker(Waker::noop());
    /// assert_eq!(items.as_mut().poll_next(&mut task), Poll::Ready(Some(1)));
    /// assert_eq!(items.as_mut().poll_next(&mut task), Poll::Pending);
    /// drop(tx);
    /// assert_eq!(items.as_mut().poll_next(&mut task), Poll::Ready(None));
    /// ```
    pub fn stream(&self, ctx: &Context) -> RecvStream<T> {
        RecvStream::new(self.clone(), ctx.clone())
    }
}

/// The items of a channel one by one, waiting on the thread; made by [`Receiver::iter`].
///
/// # Examples
/// ```
/// use millstream::{Context, channel::channel};
///
/// let ctx = Context::new();
/// let (tx, rx) = channel(2);
/// tx.send(&ctx, "a").unwrap();
/// drop(tx);
/// let mut items = rx.iter(&ctx);
/// assert_eq!((items.next(), items.next()), (Some("a"), None));
/// ```
#[derive(Debug)]
pub struct Iter<'a, T> {
    receiver: &'a Receiver<T>,
    ctx: &'a Context,
}

impl<'a, T> Iter<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>, ctx: &'a Context) -> Self {
        Self { receiver, ctx }
    }
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.recv(self.ctx).ok()
    }
}

/// The items of a channel one by one, as a stream; made by [`Receiver::stream`].
///
/// # Examples
/// ```
/// use millstream::{Context, channel::channel};
///
/// let (tx, rx) = channel::<u8>(2);
/// let items = rx.stream(&Context::new());
/// drop(rx);
/// assert!(tx.try_send(1).is_ok()); // the stream receives
/// drop(items);
/// assert!(tx.try_send(2).is_err());
/// ```
pub struct RecvStream<T> {
    receiver: Receiver<T>,
    ctx: Context,
    slot: WaiterSlot,
}

impl<T> RecvStream<T> {
    pub(super) fn new(receiver: Receiver<T>, ctx: Context) -> Self {
        Self { receiver, ctx, slot: WaiterSlot::new(None) }
    }
}

impl<T> Stream for RecvStream<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<T>> {
        let Self { receiver, ctx, slot } = self.get_mut();
        slot.poll(&receiver.shared, task, ctx, &mut Pop).map(|taken| taken.ok()?.ok())
    }
}

impl<T> Drop for RecvStream<T> {
    fn drop(&mut self) {
        self.slot.leave(&self.receiver.shared, Side::Receiver);
    }
}

impl<T> fmt::Debug for RecvStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.receiver.shared.describe("RecvStream", f)
    }
}

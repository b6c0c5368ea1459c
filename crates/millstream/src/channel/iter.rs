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

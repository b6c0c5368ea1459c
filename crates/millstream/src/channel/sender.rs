//! The sending end of a channel.

use std::collections::VecDeque;
use std::time::Duration;

use super::operation::{Push, PushMany, Reserve};
use super::permit::Permit;
use super::send_error::{ReserveError, SendError, SendTimeoutError, TrySendError};
use super::shared::{Interrupt, Shared};
use super::state::Refusal;
use crate::context::Context;
use crate::sync::Arc;

/// The sending end; clones send into the same channel.
///
/// Items of one sender arrive in the order in which it sent them. Waiting senders are served in the
/// order in which they began to wait; a call that finds a free place does not wait for those who
/// are just being woken for it.
///
/// When the last sender is dropped the channel closes with
/// [`Cause::finished`](crate::Cause::finished).
///
/// # Examples
/// ```
/// use millstream::{Context, channel::channel};
///
/// let ctx = Context::new();
/// let (tx, rx) = channel(10);
/// let other = tx.clone();
/// tx.send(&ctx, 1)?;
/// other.send(&ctx, 2)?;
/// drop((tx, other));
/// assert_eq!(rx.iter(&ctx).collect::<Vec<_>>(), [1, 2]);
/// # Ok::<(), millstream::channel::SendError<i32>>(())
/// ```
pub struct Sender<T> {
    pub(super) shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Sends one item; blocks the thread while the channel is full.
    ///
    /// A cancelled context is looked at first, so nothing is sent under it even if there is room.
    /// Under a policy other than [`Overflow::Block`](super::Overflow::Block) this never waits. From
    /// a task use [`send_async`](Self::send_async) or [`reserve_async`](Self::reserve_async).
    ///
    /// # Errors
    /// The channel is closed, the context is cancelled, or the channel rejects what does not fit.
    /// The error holds the item.
    ///
    /// # Cost
    /// One lock; a wake-up if a receiver waits.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, channel::{SendError, channel}};
    ///
    /// let ctx = Context::new();
    /// let (tx, rx) = channel(1);
    /// tx.send(&ctx, "first").unwrap();
    /// ctx.cancel("enough");
    /// let refused = tx.send(&ctx, "second").unwrap_err();
    /// assert!(matches!(refused, SendError::Cancelled("second", _)));
    /// assert_eq!(rx.try_recv(), Ok("first"));
    /// ```
    #[inline]
    pub fn send(&self, ctx: &Context, item: T) -> Result<(), SendError<T>> {
        let mut item = Some(item);
        let sent = self.shared.run(ctx, None, &mut Push(&mut item));
        flat(sent).or_else(|why| give_back(item, why))
    }

    /// Like [`send`](Self::send), but waits at most `limit` for a place, on the context's clock.
    ///
    /// With a `limit` of zero it does not wait.
    ///
    /// # Errors
    /// As for [`send`](Self::send), or the time limit has passed. The error holds the item.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Context, channel::{SendTimeoutError, channel}};
    ///
    /// let ctx = Context::new();
    /// let (tx, _rx) = channel(1);
    /// tx.send_timeout(&ctx, 1, Duration::from_millis(1)).unwrap();
    /// let late = tx.send_timeout(&ctx, 2, Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(late, SendTimeoutError::Timeout(2));
    /// ```
    pub fn send_timeout(
        &self,
        ctx: &Context,
        item: T,
        limit: Duration,
    ) -> Result<(), SendTimeoutError<T>> {
        let mut item = Some(item);
        match self.shared.run(ctx, Some(limit), &mut Push(&mut item)) {
            Err(Interrupt::Timeout) => match item.take() {
                Some(item) => Err(SendTimeoutError::Timeout(item)),
                None => Ok(()),
            },
            sent => Ok(flat(sent).or_else(|why| give_back(item, why))?),
        }
    }

    /// Sends one item if that is possible without waiting.
    ///
    /// # Errors
    /// No place is free and the policy is to block or to reject, or the channel is closed. The
    /// error holds the item.
    ///
    /// # Examples
    /// ```
    /// use millstream::channel::{TrySendError, channel};
    ///
    /// let (tx, _rx) = channel(1);
    /// assert_eq!(tx.try_send(1), Ok(()));
    /// assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    /// ```
    #[inline]
    pub fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        let mut item = Some(item);
        let refusal = match self.shared.attempt(&mut Push(&mut item)) {
            Some(Ok(())) => return Ok(()),
            Some(Err(refusal)) => refusal,
            None => Refusal::Full,
        };
        match (item, refusal) {
            (Some(item), Refusal::Full) => Err(TrySendError::Full(item)),
            (Some(item), Refusal::Closed(cause)) => Err(TrySendError::Closed(item, cause)),
            (None, _) => Ok(()),
        }
    }

    /// Sends one item from a task; the item leaves `item` at the moment in which it is queued, not
    /// before.
    ///
    /// With `None` there is nothing to send, and nothing is waited for.
    ///
    /// # Errors
    /// The channel is closed, the context is cancelled, or the channel rejects what does not fit.
    /// The item is still in `item`.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: either the item was sent and `item` is `None`, or it is
    /// still there. The future's place in line goes to the next.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use millstream::{Context, channel::channel};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (tx, rx) = channel(1);
    /// let mut item = Some(5);
    /// tx.send_async(&Context::new(), &mut item).await.unwrap();
    /// assert_eq!((item, rx.try_recv()), (None, Ok(5)));
    /// # });
    /// # }
    /// ```
    pub async fn send_async(
        &self,
        ctx: &Context,
        item: &mut Option<T>,
    ) -> Result<(), ReserveError> {
        if item.is_none() {
            return Ok(());
        }
        flat(self.shared.wait(ctx, None, &mut Push(item)).await)?;
        // Under `DropOldest` the option now holds what had to go.
        *item = None;
        Ok(())
    }

    /// Sends all items of `chunk`, oldest first; blocks the thread while there is no room.
    ///
    /// The items keep their order. If it has to wait for room, it sends what fits meanwhile, so
    /// items of other senders may come in between. A chunk may be longer than the channel's
    /// capacity. An empty one is sent at once, whatever the state of the channel.
    ///
    /// Under [`Overflow::DropOldest`](super::Overflow::DropOldest) the newest items of queue and
    /// chunk remain, under [`Overflow::DropNewest`](super::Overflow::DropNewest) the oldest.
    ///
    /// # Errors
    /// The channel is closed, the context is cancelled, or the channel rejects what does not fit.
    /// What was not sent is still in `chunk`.
    ///
    /// # Cost
    /// One lock for all. If nothing is queued the deque is swapped into the channel in O(1), and
    /// `chunk` gets the buffer that was there: two deques circulate and nothing is allocated.
    ///
    /// # Examples
    /// ```
    /// use std::collections::VecDeque;
    /// use millstream::{Context, channel::channel};
    ///
    /// let ctx = Context::new();
    /// let (tx, rx) = channel(100);
    /// let mut chunk = VecDeque::from([1, 2, 3]);
    /// tx.send_all(&ctx, &mut chunk).unwrap();
    /// assert!(chunk.is_empty());
    /// assert_eq!(rx.drain(), [1, 2, 3]);
    /// ```
    pub fn send_all(&self, ctx: &Context, chunk: &mut VecDeque<T>) -> Result<(), ReserveError> {
        if chunk.is_empty() {
            return Ok(());
        }
        flat(self.shared.run(ctx, None, &mut PushMany::new(chunk)))
    }

    /// Like [`send_all`](Self::send_all), from a task.
    ///
    /// # Errors
    /// As for [`send_all`](Self::send_all).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: what was not sent is still in `chunk`.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use std::collections::VecDeque;
    /// use millstream::{Context, channel::channel};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (tx, rx) = channel(100);
    /// let mut chunk = VecDeque::from([1, 2, 3]);
    /// tx.send_all_async(&Context::new(), &mut chunk).await.unwrap();
    /// assert_eq!(rx.len(), 3);
    /// # });
    /// # }
    /// ```
    pub async fn send_all_async(
        &self,
        ctx: &Context,
        chunk: &mut VecDeque<T>,
    ) -> Result<(), ReserveError> {
        if chunk.is_empty() {
            return Ok(());
        }
        flat(self.shared.wait(ctx, None, &mut PushMany::new(chunk)).await)
    }

    /// Sends what of `chunk` fits without waiting, and returns how many items left it.
    ///
    /// Items that the overflow policy dropped count as sent here, and are in
    /// [`dropped`](Self::dropped).
    ///
    /// # Errors
    /// The channel is closed; nothing was sent.
    ///
    /// # Examples
    /// ```
    /// use std::collections::VecDeque;
    /// use millstream::channel::channel;
    ///
    /// let (tx, _rx) = channel(2);
    /// let mut chunk = VecDeque::from([1, 2, 3]);
    /// assert_eq!(tx.try_send_all(&mut chunk), Ok(2));
    /// assert_eq!(chunk, [3]);
    /// ```
    pub fn try_send_all(&self, chunk: &mut VecDeque<T>) -> Result<usize, ReserveError> {
        let before = chunk.len();
        match self.shared.attempt(&mut PushMany::new(chunk)) {
            Some(Err(Refusal::Closed(cause))) => Err(ReserveError::Closed(cause)),
            Some(Ok(()) | Err(Refusal::Full)) | None => Ok(before - chunk.len()),
        }
    }

    /// Sets a place aside, so that the send that follows cannot wait; blocks the thread while the
    /// channel is full.
    ///
    /// A reserved place counts as occupied until the [`Permit`] is used or dropped. Nothing is
    /// dropped to get a place: under [`Overflow::DropOldest`](super::Overflow::DropOldest) and
    /// [`Overflow::DropNewest`](super::Overflow::DropNewest) this waits as under
    /// [`Overflow::Block`](super::Overflow::Block).
    ///
    /// # Errors
    /// The channel is closed, the context is cancelled, or the channel rejects what does not fit.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, channel::channel};
    ///
    /// let (tx, rx) = channel(1);
    /// let place = tx.reserve(&Context::new()).unwrap();
    /// assert!(tx.try_send("no room").is_err());
    /// place.send("made after there was a place for it").unwrap();
    /// assert_eq!(rx.len(), 1);
    /// ```
    pub fn reserve(&self, ctx: &Context) -> Result<Permit<'_, T>, ReserveError> {
        flat(self.shared.run(ctx, None, &mut Reserve))?;
        Ok(Permit::new(&self.shared))
    }

    /// Like [`reserve`](Self::reserve), from a task.
    ///
    /// # Errors
    /// As for [`reserve`](Self::reserve).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing; a place that was on its way to it goes to the next in
    /// line.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use millstream::{Context, channel::channel};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (tx, rx) = channel(1);
    /// tx.reserve_async(&Context::new()).await.unwrap().send(1).unwrap();
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// # });
    /// # }
    /// ```
    pub async fn reserve_async(&self, ctx: &Context) -> Result<Permit<'_, T>, ReserveError> {
        flat(self.shared.wait(ctx, None, &mut Reserve).await)?;
        Ok(Permit::new(&self.shared))
    }

    /// Whether a receiver waits and nothing is on its way to it: the moment to hand over a chunk
    /// that is not full.
    ///
    /// It is a hint. It is set before a receiver that found nothing goes to sleep, and is seen here
    /// soon after; a producer that is about to wait for its own input hands over what it has in any
    /// case.
    ///
    /// # Cost
    /// One relaxed load from a cache line of its own, so it may be asked for every item.
    ///
    /// # Examples
    /// ```
    /// let (tx, _rx) = millstream::channel::channel::<u8>(1);
    /// assert!(!tx.receiver_waits());
    /// ```
    #[inline]
    pub fn receiver_waits(&self) -> bool {
        self.shared.receiver_waits()
    }
}

/// One result for both ways of not getting a place.
fn flat(result: Result<Result<(), Refusal>, Interrupt>) -> Result<(), ReserveError> {
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(refusal)) => Err(refusal.into()),
        Err(interrupt) => Err(ReserveError::Cancelled(interrupt.into_cause())),
    }
}

fn give_back<T>(item: Option<T>, why: ReserveError) -> Result<(), SendError<T>> {
    match item {
        Some(item) => Err(SendError::new(item, why)),
        // Unreachable, because a push that is refused leaves the item; an item that is gone was
        // sent.
        None => Ok(()),
    }
}

//! The receiving end of a channel.

use std::collections::VecDeque;
use std::time::Duration;

use super::operation::{Pop, PopMany};
use super::recv_error::{RecvError, RecvTimeoutError, TryRecvError};
use super::shared::{Interrupt, Shared};
use crate::context::{Cause, Context};
use crate::sync::Arc;

/// The receiving end; each item goes to one of its clones.
///
/// Items come in the order in which they were queued. Waiting receivers are served in the order in
/// which they began to wait; a call that finds an item does not wait for those who are just being
/// woken for it.
///
/// When the last receiver is dropped the channel closes with [`Cause::dropped`], and what is queued
/// is dropped and counted.
///
/// # Examples
/// ```
/// use millstream::{Context, channel::channel};
///
/// let ctx = Context::new();
/// let (tx, rx) = channel(10);
/// tx.send(&ctx, 'a').unwrap();
/// assert_eq!(rx.recv(&ctx), Ok('a'));
/// ```
pub struct Receiver<T> {
    pub(super) shared: Arc<Shared<T>>,
}

impl<T> Receiver<T> {
    /// Receives the oldest item; blocks the thread while there is none.
    ///
    /// A cancelled context is looked at first: under it nothing is received, even if items are
    /// ready. A closed channel gives its items first, then the cause of its end. From a task use
    /// [`recv_async`](Self::recv_async).
    ///
    /// # Errors
    /// The channel is closed and drained, or the context is cancelled.
    ///
    /// # Cost
    /// One lock; a wake-up if a sender waits. [`recv_many`](Self::recv_many) spreads both over many
    /// items.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, channel::{RecvError, channel}};
    ///
    /// let ctx = Context::new();
    /// let (tx, rx) = channel(2);
    /// tx.send(&ctx, 1).unwrap();
    /// tx.send(&ctx, 2).unwrap();
    /// assert_eq!(rx.recv(&ctx), Ok(1));
    /// ctx.cancel("enough");
    /// assert!(matches!(rx.recv(&ctx), Err(RecvError::Cancelled(_))));
    /// assert_eq!(rx.try_recv(), Ok(2)); // still there
    /// ```
    #[inline]
    pub fn recv(&self, ctx: &Context) -> Result<T, RecvError> {
        flat(self.shared.run(ctx, None, &mut Pop))
    }

    /// Like [`recv`](Self::recv), from a task.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: it takes an item only in the poll that returns it. An
    /// item that was on its way to it goes to the next receiver in line.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use millstream::{Context, channel::channel};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (tx, rx) = channel(1);
    /// tx.try_send(1).unwrap();
    /// assert_eq!(rx.recv_async(&Context::new()).await, Ok(1));
    /// # });
    /// # }
    /// ```
    pub async fn recv_async(&self, ctx: &Context) -> Result<T, RecvError> {
        flat(self.shared.wait(ctx, None, &mut Pop).await)
    }

    /// Like [`recv`](Self::recv), but waits at most `limit` for an item, on the context's clock.
    ///
    /// With a `limit` of zero it does not wait.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv), or the time limit has passed.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Context, channel::{RecvTimeoutError, channel}};
    ///
    /// let (tx, rx) = channel(1);
    /// let (ctx, limit) = (Context::new(), Duration::from_millis(1));
    /// assert_eq!(rx.recv_timeout(&ctx, limit), Err(RecvTimeoutError::Timeout));
    /// tx.try_send(1).unwrap();
    /// assert_eq!(rx.recv_timeout(&ctx, limit), Ok(1));
    /// ```
    pub fn recv_timeout(&self, ctx: &Context, limit: Duration) -> Result<T, RecvTimeoutError> {
        timed(self.shared.run(ctx, Some(limit), &mut Pop))
    }

    /// Like [`recv_timeout`](Self::recv_timeout), from a task.
    ///
    /// # Errors
    /// As for [`recv_timeout`](Self::recv_timeout).
    ///
    /// # Cancel safety
    /// As for [`recv_async`](Self::recv_async).
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use std::time::Duration;
    /// use millstream::{Context, channel::{RecvTimeoutError, channel}};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (_tx, rx) = channel::<u8>(1);
    /// let late = rx.recv_timeout_async(&Context::new(), Duration::from_millis(1)).await;
    /// assert_eq!(late, Err(RecvTimeoutError::Timeout));
    /// # });
    /// # }
    /// ```
    pub async fn recv_timeout_async(
        &self,
        ctx: &Context,
        limit: Duration,
    ) -> Result<T, RecvTimeoutError> {
        timed(self.shared.wait(ctx, Some(limit), &mut Pop).await)
    }

    /// Receives the oldest item if one is ready.
    ///
    /// # Errors
    /// Nothing is queued, or the channel is closed and drained.
    ///
    /// # Examples
    /// ```
    /// use millstream::channel::{TryRecvError, channel};
    ///
    /// let (tx, rx) = channel(1);
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    /// tx.try_send(1).unwrap();
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// ```
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.shared.attempt(&mut Pop).ok_or(TryRecvError::Empty)?.map_err(TryRecvError::Closed)
    }

    /// Appends what is ready, at most `max` items, to `buffer`, and returns how many; blocks the
    /// thread while there is nothing.
    ///
    /// It returns with 1 item at least, and does not wait for more. With a `max` of zero it returns
    /// zero at once, whatever the state of the channel. Use `usize::MAX` for everything that is
    /// queued.
    ///
    /// # Errors
    /// The channel is closed and drained, or the context is cancelled; `buffer` is as it was.
    ///
    /// # Cost
    /// One lock for all. If `buffer` is empty and everything may be taken, queue and buffer are
    /// swapped in O(1).
    ///
    /// # Examples
    /// ```
    /// use std::collections::VecDeque;
    /// use millstream::{Context, channel::channel};
    ///
    /// let ctx = Context::new();
    /// let (tx, rx) = channel(100);
    /// tx.send_all(&ctx, &mut VecDeque::from([1, 2, 3])).unwrap();
    /// let mut buffer = VecDeque::new();
    /// assert_eq!(rx.recv_many(&ctx, &mut buffer, 2), Ok(2));
    /// assert_eq!(rx.recv_many(&ctx, &mut buffer, 2), Ok(1));
    /// assert_eq!(buffer, [1, 2, 3]);
    /// ```
    pub fn recv_many(
        &self,
        ctx: &Context,
        buffer: &mut VecDeque<T>,
        max: usize,
    ) -> Result<usize, RecvError> {
        if max == 0 {
            return Ok(0);
        }
        flat(self.shared.run(ctx, None, &mut PopMany { buffer, max }))
    }

    /// Like [`recv_many`](Self::recv_many), from a task.
    ///
    /// # Errors
    /// As for [`recv_many`](Self::recv_many).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: items move to `buffer` only in the poll that returns
    /// their number.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use std::collections::VecDeque;
    /// use millstream::{Context, channel::channel};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (tx, rx) = channel(100);
    /// tx.try_send_all(&mut VecDeque::from([1, 2, 3])).unwrap();
    /// let mut buffer = VecDeque::new();
    /// assert_eq!(rx.recv_many_async(&Context::new(), &mut buffer, usize::MAX).await, Ok(3));
    /// # });
    /// # }
    /// ```
    pub async fn recv_many_async(
        &self,
        ctx: &Context,
        buffer: &mut VecDeque<T>,
        max: usize,
    ) -> Result<usize, RecvError> {
        if max == 0 {
            return Ok(0);
        }
        flat(self.shared.wait(ctx, None, &mut PopMany { buffer, max }).await)
    }

    /// Appends what is ready, at most `max` items, to `buffer` without waiting, and returns how
    /// many.
    ///
    /// # Errors
    /// Nothing is queued, or the channel is closed and drained.
    ///
    /// # Examples
    /// ```
    /// use std::collections::VecDeque;
    /// use millstream::channel::{TryRecvError, channel};
    ///
    /// let (tx, rx) = channel(2);
    /// let mut buffer = VecDeque::new();
    /// assert_eq!(rx.try_recv_many(&mut buffer, 9), Err(TryRecvError::Empty));
    /// tx.try_send('a').unwrap();
    /// assert_eq!(rx.try_recv_many(&mut buffer, 9), Ok(1));
    /// ```
    pub fn try_recv_many(
        &self,
        buffer: &mut VecDeque<T>,
        max: usize,
    ) -> Result<usize, TryRecvError> {
        if max == 0 {
            return Ok(0);
        }
        let taken = self.shared.attempt(&mut PopMany { buffer, max });
        taken.ok_or(TryRecvError::Empty)?.map_err(TryRecvError::Closed)
    }

    /// Takes everything that is queued now, without waiting; nothing if nothing is.
    ///
    /// # Cost
    /// One lock, O(1).
    ///
    /// # Examples
    /// ```
    /// let (tx, rx) = millstream::channel::channel(2);
    /// tx.try_send(1).unwrap();
    /// tx.try_send(2).unwrap();
    /// assert_eq!(rx.drain(), [1, 2]);
    /// assert!(rx.drain().is_empty());
    /// ```
    pub fn drain(&self) -> VecDeque<T> {
        self.shared.change(|state, _| state.take_all())
    }
}

/// One result for both ways of not getting an item.
#[inline]
fn flat<R>(result: Result<Result<R, Cause>, Interrupt>) -> Result<R, RecvError> {
    match result {
        Ok(taken) => taken.map_err(RecvError::Closed),
        Err(interrupt) => Err(RecvError::Cancelled(interrupt.into_cause())),
    }
}

fn timed<R>(result: Result<Result<R, Cause>, Interrupt>) -> Result<R, RecvTimeoutError> {
    match result {
        Ok(taken) => taken.map_err(RecvTimeoutError::Closed),
        Err(Interrupt::Cancelled(cause)) => Err(RecvTimeoutError::Cancelled(cause)),
        Err(Interrupt::Timeout) => Err(RecvTimeoutError::Timeout),
    }
}

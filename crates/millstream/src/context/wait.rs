//! The futures and guards that wait for a context's end.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use super::node::{Node, Waiter};
use super::{Cause, Context};
use crate::clock::Sleep;

/// A future that ends when its context is cancelled, with the cause; made by
/// [`Context::cancelled`].
///
/// # Cancel safety
/// Dropping it takes its registration away; nothing is lost. It may be polled again by another
/// task.
///
/// # Cost
/// Making one counts a reference. It takes a lock only when polled on a context that is not
/// cancelled, and when it is dropped after that.
///
/// # Examples
/// ```
/// # #[cfg(feature = "tokio")] {
/// let ctx = millstream::Context::new();
/// let cancelled = ctx.cancelled();
/// ctx.cancel("enough");
/// let cause = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(cancelled);
/// assert_eq!(cause.reason(), "enough");
/// # }
/// ```
#[must_use = "a future does nothing until it is polled"]
pub struct Cancelled {
    node: Arc<Node>,
    place: Option<usize>,
}

impl Cancelled {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self { node, place: None }
    }
}

impl Future for Cancelled {
    type Output = Cause;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Cause> {
        if let Some(cause) = self.node.cause() {
            return Poll::Ready(cause.clone());
        }
        let registered = match self.place {
            Some(place) => self.node.update_waiter(place, task.waker()),
            None => {
                self.place = self.node.add_waiter(Waiter::Task(task.waker().clone())).ok();
                self.place.is_some()
            }
        };
        match self.node.cause() {
            Some(cause) if !registered => Poll::Ready(cause.clone()),
            _ => Poll::Pending,
        }
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.node.remove_waiter(place);
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancelled").field("cause", &self.node.cause()).finish_non_exhaustive()
    }
}

/// Keeps what was given to [`Context::on_cancel`] registered; dropping it takes that back.
///
/// When the drop comes while the context is being cancelled on another thread, the callback may
/// still run, or be running.
///
/// # Examples
/// ```
/// let ctx = millstream::Context::new();
/// let guard = ctx.on_cancel(|_| unreachable!("taken back before the end"));
/// drop(guard);
/// ctx.cancel("enough");
/// ```
#[must_use = "dropping the guard takes the callback back: hold it, or call keep()"]
pub struct OnCancel {
    node: Arc<Node>,
    place: Option<usize>,
}

impl OnCancel {
    pub(super) fn register(node: &Arc<Node>, call: Box<dyn FnOnce(&Cause) + Send>) -> Self {
        let place = match node.add_waiter(Waiter::Call(call)) {
            Ok(place) => Some(place),
            Err(waiter) => {
                if let (Waiter::Call(call), Some(cause)) = (waiter, node.cause()) {
                    call(cause);
                }
                None
            }
        };
        Self { node: Arc::clone(node), place }
    }

    /// Leaves the callback registered for as long as the context lives.
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// static CALLED: AtomicBool = AtomicBool::new(false);
    ///
    /// let ctx = millstream::Context::new();
    /// ctx.on_cancel(|_| CALLED.store(true, Ordering::Relaxed)).keep();
    /// ctx.cancel("enough");
    /// assert!(CALLED.load(Ordering::Relaxed));
    /// ```
    pub fn keep(mut self) {
        self.place = None;
    }
}

impl Drop for OnCancel {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.node.remove_waiter(place);
        }
    }
}

impl fmt::Debug for OnCancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnCancel")
            .field("registered", &self.place.is_some())
            .finish_non_exhaustive()
    }
}

/// Cancels its context when it is dropped; made by [`Context::cancel_on_drop`].
///
/// # Examples
/// ```
/// let ctx = millstream::Context::new();
/// drop(ctx.cancel_on_drop());
/// assert_eq!(ctx.cause(), Some(millstream::Cause::dropped()));
/// ```
#[derive(Debug)]
#[must_use = "dropping the guard cancels the context: hold it, or call disarm()"]
pub struct DropGuard {
    /// `None` once it is disarmed.
    ctx: Option<Context>,
}

impl DropGuard {
    pub(super) fn new(ctx: &Context) -> Self {
        Self { ctx: Some(ctx.clone()) }
    }

    /// Cancels nothing any more, and gives the context back.
    ///
    /// # Examples
    /// ```
    /// let ctx = millstream::Context::new();
    /// let same = ctx.cancel_on_drop().disarm();
    /// assert!(!same.is_cancelled());
    /// ```
    pub fn disarm(mut self) -> Context {
        self.ctx.take().expect("only this method takes it, and it takes the guard")
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if let Some(ctx) = self.ctx.take() {
            ctx.cancel(Cause::dropped());
        }
    }
}

/// A sleep that a cancellation ends; made by [`Context::sleep_async`].
///
/// # Cancel safety
/// Dropping it takes its timer and its registration away; nothing is lost.
///
/// # Examples
/// ```
/// # #[cfg(feature = "tokio")] {
/// let ctx = millstream::Context::new();
/// let sleep = ctx.sleep_async(std::time::Duration::from_secs(3600));
/// ctx.cancel("no time");
/// let slept = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(sleep);
/// assert_eq!(slept.unwrap_err().reason(), "no time");
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a sleep does nothing until it is polled"]
pub struct ContextSleep {
    cancelled: Cancelled,
    sleep: Sleep,
}

impl ContextSleep {
    pub(super) fn new(ctx: &Context, sleep: Sleep) -> Self {
        Self { cancelled: ctx.cancelled(), sleep }
    }
}

impl Future for ContextSleep {
    type Output = Result<(), Cause>;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(cause) = Pin::new(&mut self.cancelled).poll(task) {
            return Poll::Ready(Err(cause));
        }
        Pin::new(&mut self.sleep).poll(task).map(Ok)
    }
}

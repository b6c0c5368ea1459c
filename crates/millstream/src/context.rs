//! A tree of cancellation: cause, deadline and typed values, for threads and tasks alike.
//!
//! The tree itself, with its invariants, is in `context/node.rs`. A context does not run or own
//! anything: see [`scope`](crate::scope()).

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::park;

mod cause;
pub(crate) mod node;
mod ticker;
mod values;
mod wait;

pub use cause::{Cause, CauseKind};
pub use ticker::Ticker;
pub use wait::{Cancelled, ContextSleep, DropGuard, OnCancel};

use node::{Node, WeakNode};
use values::Values;

/// One node of a tree of cancellation; clones are the same node.
///
/// Cancelling a context cancels everything below it, at one instant: a thread that sees a context
/// cancelled sees all its descendants cancelled too. Dropping a context cancels nothing. A child
/// that is dropped is forgotten by its parent, so a parent may have any number of children over
/// time.
///
/// # Cost
/// [`is_cancelled`](Self::is_cancelled) is one atomic load. A new context is one allocation, a
/// child in addition one short lock of its parent. Cancelling takes two short locks a descendant,
/// and no stack for depth.
///
/// # Examples
/// ```
/// use millstream::{CauseKind, Context};
///
/// let ctx = Context::new();
/// let request = ctx.child();
/// ctx.cancel("the server is going down");
///
/// let cause = request.cause().unwrap();
/// assert_eq!(cause.kind(), CauseKind::Cancelled);
/// assert_eq!(cause.reason(), "the server is going down");
/// assert!(cause.is_inherited());
/// ```
#[derive(Clone)]
pub struct Context {
    node: Arc<Node>,
}

/// A context that is held by others or gone.
#[derive(Clone)]
pub(crate) struct WeakContext(WeakNode);

impl WeakContext {
    pub(crate) fn upgrade(&self) -> Option<Context> {
        self.0.upgrade().map(|node| Context { node })
    }
}

impl Context {
    /// A root: no deadline, no values, the real clock.
    ///
    /// # Examples
    /// ```
    /// let ctx = millstream::Context::new();
    /// assert!(!ctx.is_cancelled());
    /// assert_eq!(ctx.deadline(), None);
    /// ```
    pub fn new() -> Self {
        Self::with_clock(Clock::real())
    }

    /// A root on this clock, which everything below it inherits.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Clock, Context};
    ///
    /// let clock = Clock::manual();
    /// let ctx = Context::with_clock(clock.clone());
    /// assert_eq!(ctx.clock().now(), clock.now());
    /// ```
    pub fn with_clock(clock: Clock) -> Self {
        Self { node: Node::root(clock, Values::default()) }
    }

    /// A context below this one: cancelled with it, or alone.
    ///
    /// Below a context that is cancelled it is cancelled from its birth.
    ///
    /// # Examples
    /// ```
    /// let ctx = millstream::Context::new();
    /// let child = ctx.child();
    /// child.cancel("only this one");
    /// assert!(child.is_cancelled() && !ctx.is_cancelled());
    /// ```
    #[must_use = "it is a new context; this one is as it was"]
    pub fn child(&self) -> Self {
        Self { node: Node::child(&self.node, self.deadline(), self.node.values().clone()) }
    }

    /// A child that is cancelled with [`Cause::deadline`] when `at` comes.
    ///
    /// A deadline that has passed cancels at once. The earlier of this one and the parent's counts;
    /// when that is the parent's, the cause is inherited.
    ///
    /// Deadlines are fired by a thread of the process. A child made by `fork` has no other threads
    /// than the one that forked, so no deadline comes there, and no timer: let such a child start
    /// another program, or use no contexts.
    ///
    /// # Cost
    /// A child, and a place in the clock's list of timers until the child is dropped.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{CauseKind, Context};
    ///
    /// let ctx = Context::new();
    /// let late = ctx.with_deadline(ctx.clock().now());
    /// assert_eq!(late.cause().unwrap().kind(), CauseKind::Deadline);
    /// ```
    #[must_use = "it is a new context; this one has no other deadline than before"]
    pub fn with_deadline(&self, at: Instant) -> Self {
        match self.deadline() {
            Some(sooner) if sooner <= at => self.child(),
            _ => {
                let node = Node::child(&self.node, Some(at), self.node.values().clone());
                Node::arm(&node, at);
                Self { node }
            }
        }
    }

    /// A child that is cancelled with [`Cause::deadline`] when `timeout` has passed.
    ///
    /// See [`with_deadline`](Self::with_deadline). A timeout too long to represent is a century.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Clock, Context};
    ///
    /// let clock = Clock::manual();
    /// let ctx = Context::with_clock(clock.clone()).with_timeout(Duration::from_secs(5));
    /// clock.advance(Duration::from_secs(5));
    /// assert_eq!(ctx.check().unwrap_err().to_string(), "the deadline has passed");
    /// ```
    #[must_use = "it is a new context; this one has no other deadline than before"]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        self.with_deadline(self.clock().after(timeout))
    }

    /// A child that knows this value, as does everything below it; found by its type.
    ///
    /// A value of the same type given further up is hidden by it. Make a type of your own for each
    /// meaning.
    ///
    /// # Examples
    /// ```
    /// #[derive(Debug, PartialEq)]
    /// struct RequestId(u64);
    ///
    /// let ctx = millstream::Context::new().with_value(RequestId(7));
    /// assert_eq!(*ctx.child().value::<RequestId>().unwrap(), RequestId(7));
    /// ```
    #[must_use = "it is a new context; this one does not know the value"]
    pub fn with_value<T: Send + Sync + 'static>(&self, value: T) -> Self {
        Self { node: Node::child(&self.node, self.deadline(), self.node.values().with(value)) }
    }

    /// A new root with this one's values and clock, but neither its cancellation nor its deadline.
    ///
    /// For what must be done although the work has finished: to write a last line, to notify
    /// another machine.
    ///
    /// # Examples
    /// ```
    /// let ctx = millstream::Context::new().with_value("tenant");
    /// let clean_up = ctx.detached();
    /// ctx.cancel("over");
    /// assert!(!clean_up.is_cancelled());
    /// assert_eq!(*clean_up.value::<&str>().unwrap(), "tenant");
    /// ```
    #[must_use = "it is a new context; this one is as it was"]
    pub fn detached(&self) -> Self {
        Self { node: Node::root(self.clock().clone(), self.node.values().clone()) }
    }

    /// Cancels this context and everything below it; true if this call was the one that did.
    ///
    /// When it returns, `is_cancelled` is true here and below. Only the first cause counts. Tasks
    /// and threads that wait are woken, and callbacks run, on this thread, after that and with no
    /// lock held; when several calls meet, each callback is run by one of them, maybe not yet when
    /// the others return. The order among callbacks is not promised. A callback or a waker that
    /// panics does not reach the caller and does not keep the others from running: the panic hook
    /// reports it.
    ///
    /// # Cost
    /// Two short locks a descendant, and a list of the descendants.
    ///
    /// # Examples
    /// ```
    /// let ctx = millstream::Context::new();
    /// assert!(ctx.cancel("first"));
    /// assert!(!ctx.cancel("second"));
    /// assert_eq!(ctx.cause().unwrap().reason(), "first");
    /// ```
    pub fn cancel(&self, cause: impl Into<Cause>) -> bool {
        Node::cancel(&self.node, cause.into())
    }

    /// Whether it has been cancelled, from whatever cause. Once true, it stays so.
    ///
    /// # Cost
    /// One atomic load.
    ///
    /// # Examples
    /// ```
    /// let ctx = millstream::Context::new();
    /// ctx.cancel("enough");
    /// assert!(ctx.is_cancelled());
    /// ```
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.node.is_cancelled()
    }

    /// Why it was cancelled; `None` while it is not.
    ///
    /// # Examples
    /// ```
    /// let ctx = millstream::Context::new();
    /// assert_eq!(ctx.cause(), None);
    /// ctx.cancel("enough");
    /// assert_eq!(ctx.cause(), Some("enough".into()));
    /// ```
    pub fn cause(&self) -> Option<Cause> {
        self.node.cause().cloned()
    }

    /// `Ok` while it is not cancelled, made for `?` in a loop.
    ///
    /// # Errors
    /// The cause, once it is cancelled.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Cause, Context};
    ///
    /// fn sum(ctx: &Context, numbers: &[u64]) -> Result<u64, Cause> {
    ///     let mut sum = 0;
    ///     for number in numbers {
    ///         ctx.check()?;
    ///         sum += number;
    ///     }
    ///     Ok(sum)
    /// }
    /// assert_eq!(sum(&Context::new(), &[1, 2, 3]), Ok(6));
    /// ```
    #[inline]
    pub fn check(&self) -> Result<(), Cause> {
        match self.node.cause() {
            None => Ok(()),
            Some(cause) => Err(cause.clone()),
        }
    }

    /// When it will be cancelled at the latest: the earliest deadline from here up to the root.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let ctx = millstream::Context::new().with_timeout(Duration::from_secs(1));
    /// let child = ctx.with_timeout(Duration::from_secs(3600));
    /// assert_eq!(child.deadline(), ctx.deadline());
    /// ```
    pub fn deadline(&self) -> Option<Instant> {
        self.node.deadline()
    }

    /// The value of this type that was given here or nearest above.
    ///
    /// # Cost
    /// A step for each value that was given below it; no lock.
    ///
    /// # Examples
    /// ```
    /// let ctx = millstream::Context::new().with_value(1_u8).with_value(2_u8);
    /// assert_eq!(ctx.value::<u8>().as_deref(), Some(&2));
    /// assert_eq!(ctx.value::<u16>(), None);
    /// ```
    pub fn value<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.node.values().get()
    }

    /// The clock that its sleeps and deadlines follow.
    ///
    /// # Examples
    /// ```
    /// let ctx = millstream::Context::new();
    /// assert!(ctx.clock().now() <= ctx.clock().now());
    /// ```
    pub fn clock(&self) -> &Clock {
        self.node.clock()
    }

    /// Blocks this thread until the context is cancelled, and returns why.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let ctx = millstream::Context::new().with_timeout(Duration::from_millis(1));
    /// assert_eq!(ctx.wait(), millstream::Cause::deadline());
    /// ```
    pub fn wait(&self) -> Cause {
        park::block_on(self.cancelled())
    }

    /// A future that ends when the context is cancelled.
    ///
    /// It holds the context. See [`Cancelled`] for what it costs.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let ctx = millstream::Context::new();
    /// let (cause, ()) = tokio::join!(ctx.cancelled(), async { ctx.cancel("enough"); });
    /// assert_eq!(cause.reason(), "enough");
    /// # });
    /// ```
    pub fn cancelled(&self) -> Cancelled {
        Cancelled::new(Arc::clone(&self.node))
    }

    /// Blocks this thread for `duration`, or until the context is cancelled.
    ///
    /// # Errors
    /// The cause, when it is cancelled before the time has passed, or was before the call.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::Context;
    ///
    /// let ctx = Context::new();
    /// assert_eq!(ctx.sleep(Duration::from_millis(1)), Ok(()));
    /// ctx.cancel("wake up");
    /// assert_eq!(ctx.sleep(Duration::from_secs(3600)).unwrap_err().reason(), "wake up");
    /// ```
    pub fn sleep(&self, duration: Duration) -> Result<(), Cause> {
        park::block_on(self.sleep_async(duration))
    }

    /// A future that ends when `duration` has passed from this call on, or the context is
    /// cancelled.
    ///
    /// # Errors
    /// The cause, when it is cancelled before.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use std::time::Duration;
    ///
    /// let ctx = millstream::Context::new();
    /// assert_eq!(ctx.sleep_async(Duration::from_millis(1)).await, Ok(()));
    /// # });
    /// ```
    pub fn sleep_async(&self, duration: Duration) -> ContextSleep {
        ContextSleep::new(self, self.clock().sleep(duration))
    }

    /// Ticks once each `period`, the first time after one; a period of zero is a nanosecond.
    ///
    /// Its waits end when this context is cancelled.
    pub fn ticker(&self, period: Duration) -> Ticker {
        Ticker::new(self, period)
    }

    /// A guard that cancels this context with [`Cause::dropped`] when it is dropped, also by a
    /// panic or `?`.
    ///
    /// For work that nobody owns any more when a function returns early. A
    /// [`scope`](crate::scope()) needs none.
    ///
    /// # Examples
    /// ```
    /// use millstream::{CauseKind, Context};
    ///
    /// fn serve(ctx: &Context, port: &str) -> Result<u16, std::num::ParseIntError> {
    ///     let guard = ctx.cancel_on_drop();
    ///     let port = port.parse()?;
    ///     guard.disarm();
    ///     Ok(port)
    /// }
    ///
    /// let ctx = Context::new();
    /// assert!(serve(&ctx, "80").is_ok() && !ctx.is_cancelled());
    /// assert!(serve(&ctx, "http").is_err());
    /// assert_eq!(ctx.cause().unwrap().kind(), CauseKind::Dropped);
    /// ```
    pub fn cancel_on_drop(&self) -> DropGuard {
        DropGuard::new(self)
    }

    /// Calls `f` with the cause when the context is cancelled: at once, on this thread, if it is
    /// already.
    ///
    /// Otherwise it runs on the thread that cancels, with no lock held, so it should be short. It
    /// runs at most once, and not at all if the guard is dropped before. A panic in it is printed
    /// by the panic hook and goes no further, except when it runs at once: then it is the caller's.
    ///
    /// # Examples
    /// ```
    /// use std::sync::mpsc;
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// let ctx = millstream::Context::new();
    /// let _guard = ctx.on_cancel(move |cause| sender.send(cause.clone()).unwrap());
    /// ctx.cancel("enough");
    /// assert_eq!(receiver.recv().unwrap().reason(), "enough");
    /// ```
    pub fn on_cancel(&self, f: impl FnOnce(&Cause) + Send + 'static) -> OnCancel {
        OnCancel::register(&self.node, Box::new(f))
    }

    /// Waits for `end` and cancels this context with what comes of it; ends early if it is
    /// cancelled otherwise.
    ///
    /// It returns the cause that the context has in the end. It joins a context to what knows
    /// nothing of it, such as tokio's token; in the other direction [`on_cancel`](Self::on_cancel)
    /// does.
    ///
    /// # Cancel safety
    /// Dropping the future ends the wait and cancels nothing.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use millstream::Context;
    /// use tokio_util::sync::CancellationToken;
    ///
    /// let (theirs, ctx) = (CancellationToken::new(), Context::new());
    /// let ends = async {
    ///     theirs.cancelled().await;
    ///     "their token was cancelled"
    /// };
    /// let (cause, ()) = tokio::join!(ctx.cancel_when(ends), async { theirs.cancel() });
    /// assert_eq!(cause.reason(), "their token was cancelled");
    ///
    /// let (ours, token) = (Context::new(), CancellationToken::new());
    /// let child = token.clone();
    /// let _joined = ours.on_cancel(move |_| child.cancel());
    /// ours.cancel("enough");
    /// assert!(token.is_cancelled());
    /// # });
    /// ```
    pub async fn cancel_when<C: Into<Cause>>(&self, end: impl Future<Output = C>) -> Cause {
        let mut end = pin!(end);
        let mut cancelled = self.cancelled();
        poll_fn(|task| {
            if let Poll::Ready(cause) = Pin::new(&mut cancelled).poll(task) {
                return Poll::Ready(cause);
            }
            let Poll::Ready(cause) = end.as_mut().poll(task) else { return Poll::Pending };
            let cause = cause.into();
            self.cancel(cause.clone());
            Poll::Ready(self.cause().unwrap_or(cause))
        })
        .await
    }

    pub(crate) fn downgrade(&self) -> WeakContext {
        WeakContext(Node::downgrade(&self.node))
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("cause", &self.node.cause())
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}

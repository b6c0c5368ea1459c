//! Ends for async code: the pipeline runs on a thread of its own, and the task only awaits what
//! comes of it.
//!
//! They need no runtime. Each is the blocking end of the same name behind [`on_thread`]; only the
//! stream hands items over.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use super::Pipeline;
use super::flow::Stream;
use super::units::Units;
use crate::channel::{RecvStream, ReserveError, Sender, channel};
use crate::context::Context;
use crate::error::Kind;
use crate::scope::{OnThread, ScopeError, on_thread};
use crate::{Error, Report, Sink};

/// Items on their way to a stream's task, at most, beside one chunk in the hands of the pipeline.
const ROOM: usize = 256;
/// Items that the pipeline hands over at once while the task is busy.
const CHUNK: usize = 64;

/// Ends for async code: the pipeline runs on a thread of its own while the task that awaits it lets
/// others run.
///
/// The thread starts when the future is first polled. Async stages and sources find the runtime
/// that polls it, also one that has one thread only. What the pipeline holds must be `'static`,
/// because a task cannot wait when it is dropped: for borrowed data take the blocking ends.
impl<F, U> Pipeline<F, U>
where
    F: Stream<Item: 'static> + Send + 'static,
    U: Units<F::Item> + Send + 'static,
{
    /// All items as a vector, in order; [`collect`](Self::collect) for tasks.
    ///
    /// # Errors
    /// As for [`collect`](Self::collect), or the system refused the thread.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the run with [`Cause::dropped`](crate::Cause::dropped) and does
    /// not wait for it; what it collected is dropped.
    ///
    /// # Cost
    /// A thread. So it is with all ends here.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use millstream::{Context, Pipeline};
    ///
    /// let squares = Pipeline::from_iter(1..=3).map_async(2, async |n| n * n).collect_async(&Context::new()).await?;
    /// assert_eq!(squares, [1, 4, 9]);
    /// # Ok::<(), millstream::Error>(()) }).unwrap();
    /// ```
    pub async fn collect_async(self, ctx: &Context) -> Result<Vec<F::Item>, Error> {
        ended(on_thread(ctx, move |ctx| self.collect(ctx)).named("collect_async").await)
    }

    /// Calls `f` on every item, on the run's thread, in order; [`for_each`](Self::for_each) for
    /// tasks.
    ///
    /// # Errors
    /// As for [`for_each`](Self::for_each), or the system refused the thread.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the run and does not wait for it: `f` may be called for the
    /// items in hand.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use millstream::{Context, Pipeline, channel};
    ///
    /// let (tx, rx) = channel(8);
    /// let ctx = Context::new();
    /// let own = ctx.clone();
    /// let report = Pipeline::from_iter(1..=3).for_each_async(&ctx, move |n| tx.send(&own, n).unwrap()).await?;
    /// assert_eq!((report.totals().left, rx.drain()), (3, [1, 2, 3].into()));
    /// # Ok::<(), millstream::Error>(()) }).unwrap();
    /// ```
    pub async fn for_each_async(
        self,
        ctx: &Context,
        f: impl FnMut(F::Item) + Send + 'static,
    ) -> Result<Report, Error> {
        ended(on_thread(ctx, move |ctx| self.for_each(ctx, f)).named("for_each_async").await)
    }

    /// One value of all items; [`fold`](Self::fold) for tasks.
    ///
    /// # Errors
    /// As for [`fold`](Self::fold), or the system refused the thread.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the run and does not wait for it; the value is dropped.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use millstream::{Context, Pipeline};
    ///
    /// let sum = Pipeline::from_iter(1..=100).fold_async(&Context::new(), 0, |sum, n| sum + n).await?;
    /// assert_eq!(sum, 5050);
    /// # Ok::<(), millstream::Error>(()) }).unwrap();
    /// ```
    pub async fn fold_async<A: Send + 'static>(
        self,
        ctx: &Context,
        init: A,
        f: impl FnMut(A, F::Item) -> A + Send + 'static,
    ) -> Result<A, Error> {
        ended(on_thread(ctx, move |ctx| self.fold(ctx, init, f)).named("fold_async").await)
    }

    /// All items into a sink, on the run's thread; [`run`](Self::run) for tasks.
    ///
    /// # Errors
    /// As for [`run`](Self::run), or the system refused the thread.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the run and does not wait for it: the sink is closed on its
    /// thread when the item in hand is done.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use millstream::{Context, Pipeline, Sink};
    ///
    /// struct Even;
    ///
    /// impl Sink<u32> for Even {
    ///     type Error = String;
    ///
    ///     fn write(&mut self, n: u32) -> Result<(), String> {
    ///         if n % 2 == 0 { Ok(()) } else { Err(format!("{n} is odd")) }
    ///     }
    /// }
    ///
    /// let error = Pipeline::from_iter([2, 4, 5]).run_async(&Context::new(), Even).await.unwrap_err();
    /// assert_eq!(error.to_string(), "stage \"sink\" failed: 5 is odd");
    /// # });
    /// ```
    pub async fn run_async<S>(self, ctx: &Context, sink: S) -> Result<Report, Error>
    where
        S: Sink<F::Item> + Send + 'static,
    {
        ended(on_thread(ctx, move |ctx| self.run(ctx, sink)).named("run_async").await)
    }

    /// The items one by one, as a [`Stream`](futures_core::Stream) for tasks, in order.
    ///
    /// The run starts when the stream is first polled, and goes ahead of the task by up to 384
    /// items; then it waits. If it fails, its error comes behind the items that it had handed on,
    /// and is the last thing that the stream yields.
    ///
    /// # Cancel safety
    /// Dropping a future that waits for the next item loses nothing. Dropping the stream cancels
    /// the run, and with it what is on its way.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use std::{future::poll_fn, pin::Pin};
    /// use futures_core::Stream;
    /// use millstream::{Context, Pipeline};
    ///
    /// let words = Pipeline::from_iter(["1", "2", "x"]).try_map(str::parse::<u32>);
    /// let mut numbers = words.into_stream(&Context::new());
    /// let mut sum = 0;
    /// let error = loop {
    ///     // With the crate `futures`: numbers.next().await
    ///     match poll_fn(|task| Pin::new(&mut numbers).poll_next(task)).await.unwrap() {
    ///         Ok(n) => sum += n,
    ///         Err(error) => break error,
    ///     }
    /// };
    /// assert_eq!((sum, error.stage()), (3, Some("try_map")));
    /// # });
    /// ```
    pub fn into_stream(self, ctx: &Context) -> PipelineStream<F::Item> {
        let (tx, rx) = channel(ROOM);
        // What was handed on comes out also when the run is cancelled; the error behind it says why
        // it ended.
        let items = rx.stream(&ctx.detached());
        let run = on_thread(ctx, move |ctx: &Context| {
            let chunk = VecDeque::with_capacity(CHUNK);
            self.run(ctx, HandOver { tx, ctx: ctx.clone(), chunk })
        });
        PipelineStream {
            items,
            run: Some(run.named("into_stream")),
            started: false,
            error: None,
            report: None,
        }
    }
}

/// What came of a run on another thread.
fn ended<R>(result: Result<R, ScopeError<Error>>) -> Result<R, Error> {
    let kind = match result {
        Ok(value) => return Ok(value),
        Err(ScopeError::Failed { error, .. }) => return Err(error),
        Err(ScopeError::Panicked(panic)) => Kind::Panicked { stage: None, panic },
        Err(ScopeError::Cancelled(cause)) => Kind::Cancelled(cause),
        Err(ScopeError::NotStarted(refused)) => {
            Kind::Stage { stage: "pipeline".into(), error: refused.into() }
        }
    };
    // The run had not started, or its own end failed: there is no account of items.
    Err(Error::new(kind, Report::default()))
}

/// The end of a run whose items a task takes.
struct HandOver<T> {
    tx: Sender<T>,
    ctx: Context,
    chunk: VecDeque<T>,
}

impl<T: Send> Sink<T> for HandOver<T> {
    type Error = ReserveError;

    fn write(&mut self, item: T) -> Result<(), ReserveError> {
        self.chunk.push_back(item);
        if self.chunk.len() >= CHUNK || self.tx.receiver_waits() { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ReserveError> {
        match self.tx.send_all(&self.ctx, &mut self.chunk) {
            // The run knows why it is cancelled, and says it itself.
            Err(ReserveError::Cancelled(_)) => Ok(()),
            sent => sent,
        }
    }
}

/// The items of a pipeline as a stream of results; made by
/// [`Pipeline::into_stream`](crate::Pipeline::into_stream).
///
/// It borrows nothing and is `Unpin`.
#[must_use = "a stream does nothing until it is polled"]
pub struct PipelineStream<T> {
    items: RecvStream<T>,
    /// `None` once it has finished.
    run: Option<OnThread<Report, Error>>,
    started: bool,
    /// How it ended, until all items before that were taken.
    error: Option<Error>,
    report: Option<Report>,
}

impl<T> PipelineStream<T> {
    /// What became of every item: there once the stream has finished well.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// assert!(Pipeline::from_iter(0..3).into_stream(&Context::new()).report().is_none());
    /// ```
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }
}

impl<T> PipelineStream<T> {
    /// Waits for the run's end and keeps what came of it.
    fn poll_run(&mut self, task: &mut TaskContext<'_>) -> Poll<()> {
        let Some(run) = &mut self.run else { return Poll::Ready(()) };
        match ended(ready!(Pin::new(run).poll(task))) {
            Ok(report) => self.report = Some(report),
            Err(error) => self.error = Some(error),
        }
        self.run = None;
        Poll::Ready(())
    }
}

impl<T> fmt::Debug for PipelineStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelineStream").field("run", &self.run).finish_non_exhaustive()
    }
}

impl<T> futures_core::Stream for PipelineStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        // The first poll starts the thread; later ones would only cost a lock for each item.
        if !std::mem::replace(&mut this.started, true) {
            let _finished_or_not = this.poll_run(task);
        }
        if let Some(item) = ready!(Pin::new(&mut this.items).poll_next(task)) {
            return Poll::Ready(Some(Ok(item)));
        }
        // The sink is gone, and behind it the run ends.
        ready!(this.poll_run(task));
        Poll::Ready(this.error.take().map(Err))
    }
}

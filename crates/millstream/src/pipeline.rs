//! `Pipeline`: source, stages, boundaries, end; a builder on typed items.
//!
//! How an item flows is described in `pipeline/README.md`, beside the code.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

mod account;
mod async_ends;
mod chunk_drain;
mod cost;
mod counters;
pub(crate) mod drive;
mod fallible;
pub mod fan;
mod flow;
mod gather;
mod helper;
mod histogram;
mod input;
mod local;
mod map_async;
#[cfg(all(test, loom))]
mod models;
mod monitor;
mod parallel;
mod probe;
pub(crate) mod run;
mod sleeper;
mod source;
mod staff;
mod step;
mod stream_source;
mod take;
mod team;
mod terminal;
mod thread;
mod timed_batch;
mod units;
mod verbs;
mod waits;
mod window;

pub(crate) use account::percentiles;
pub(crate) use histogram::Recent;

pub use async_ends::PipelineStream;
pub use fallible::Fallible;
pub use flow::{Pull, Pulled, RunScope, Stepped, Stepping, Stream};
pub use input::IntoPipeline;
pub use map_async::{ByKey, InOrder, MapAsync, MapAsyncPull, Order, Plan, Unordered};
pub use monitor::Monitor;
pub use parallel::{Parallel, ParallelPull, Workers};
pub use source::{IterPull, IterStream, SourcePull, SourceStream};
pub use step::{
    BatchStep, Chain, DeadLetter, Emit, ErrorPolicy, Fail, Filter, FilterMap, FlatMap, Flow,
    Inspect, Leaf, Map, MapWith, Nothing, RateStep, Skip, Split, Step, TryMap, Verdict,
};
pub use stream_source::StreamSource;
pub use take::{TakePull, Taken};
pub use thread::{ThreadPull, Threaded};
pub use timed_batch::{TimedBatch, TimedBatchPull};
pub use units::{Each, One, Units};
pub use verbs::Batching;

use crate::Source;

/// Stages that were given another name than their verb.
pub(crate) type Names = Vec<(usize, Cow<'static, str>)>;

/// A source and what happens to its items; it runs when an end is asked of it.
///
/// Stages that stand side by side run as one loop on the thread that calls the end: no queue, no
/// thread, no lock, about what the hand-written loop costs. Threads exist only where a boundary
/// asks for them: [`parallel`](Self::parallel), [`thread`](Self::thread), [`batch`](Self::batch)
/// with a time limit.
///
/// **Order** is the order of the source, also through parallel stages, unless
/// [`unordered`](Self::unordered) is asked for.
///
/// **Errors**: a stage made by [`try_map`](Self::try_map) has a policy (fail, skip, dead letter,
/// retry). A panic in any stage ends the run as an error that names the stage, the message and the
/// place; nothing hangs, every thread is joined.
///
/// **Cancellation**: every end takes a [`Context`](crate::Context). When it is cancelled the run
/// ends within about 50 microseconds, or when the items in hand are done, whichever is later.
///
/// **Nothing is lost silently**: every end reports, by its [`Report`](crate::Report), its error,
/// or a [`Monitor`], what became of every item.
///
/// # Examples
/// ```
/// use millstream::{Context, Pipeline};
///
/// let ctx = Context::new();
/// let even: Vec<u64> = Pipeline::from_iter(1..=5).map(|n| n * n).filter(|n| n % 2 == 0).collect(&ctx)?;
/// assert_eq!(even, [4, 16]);
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// In the signature of a function, a pipeline of `T` is `Pipeline<impl Stream<Item = T>>`; all
/// verbs work on it:
/// ```
/// use millstream::pipeline::Stream;
/// use millstream::{Context, Pipeline};
///
/// fn numbers(text: &str) -> Pipeline<impl Stream<Item = u32>> {
///     Pipeline::from_iter(text.split(' ')).filter_map(|word| word.parse().ok())
/// }
///
/// fn squares(numbers: Pipeline<impl Stream<Item = u32>>) -> Pipeline<impl Stream<Item = u32>> {
///     numbers.parallel(..=4).map(|n| n * n)
/// }
///
/// let squares = squares(numbers("1 x 3")).map(u64::from).collect(&Context::new())?;
/// assert_eq!(squares, [1, 9]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[must_use = "a pipeline does nothing until an end such as `collect` or `run` is called"]
pub struct Pipeline<F, U = One> {
    stream: F,
    names: Names,
    monitor: Option<Monitor>,
    units: PhantomData<U>,
}

impl<F, U> fmt::Debug for Pipeline<F, U>
where
    F: Stream,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = Vec::new();
        self.stream.names(&mut names);
        f.debug_struct("Pipeline").field("stages", &names).finish_non_exhaustive()
    }
}

impl<I> Pipeline<IterStream<I>>
where
    I: Iterator<Item: Send> + Send,
{
    /// The items of an iterator that computes them: a range, a vector, a chain of adaptors.
    ///
    /// Items are taken in bursts of about 50 microseconds of work, beginning with one. If the
    /// iterator may keep the caller waiting between two items (lines of a terminal, messages of a
    /// socket), take [`from_waiting_iter`](Self::from_waiting_iter), so that no item waits for the
    /// next one to come.
    ///
    /// # Cost
    /// Without boundaries well under a microsecond a run, and the count of items: see the README's
    /// table.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let sum = Pipeline::from_iter(1..=100).fold(&Context::new(), 0, |sum, n| sum + n)?;
    /// assert_eq!(sum, 5050);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[expect(
        clippy::should_implement_trait,
        reason = "the trait's method returns Self, which here depends on the iterator"
    )]
    pub fn from_iter(items: impl IntoIterator<IntoIter = I>) -> Self {
        Self::new(IterStream { iter: items.into_iter(), waits: false })
    }

    /// The items of an iterator that may wait for them; each is handed on before the next one is
    /// asked for.
    ///
    /// # Cost
    /// A lock, and often a wake-up, for each item when a boundary follows, instead of one for each
    /// chunk.
    ///
    /// # Examples
    /// ```
    /// use std::io::BufRead;
    /// use millstream::{Context, Pipeline};
    /// let typed = std::io::Cursor::new("one\ntwo\n");
    /// let lines = Pipeline::from_waiting_iter(typed.lines().map_while(Result::ok)).thread().collect(&Context::new())?;
    /// assert_eq!(lines, ["one", "two"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn from_waiting_iter(items: impl IntoIterator<IntoIter = I>) -> Self {
        Self::new(IterStream { iter: items.into_iter(), waits: true })
    }
}

impl<F: Stream> Pipeline<F> {
    /// The items of a [`Source`] (a channel's receiver, blocks of a reader, or your own), or of a
    /// vector, deque or array.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline, channel};
    /// let (sender, receiver) = channel(8);
    /// let ctx = Context::new();
    /// sender.send(&ctx, 1).unwrap();
    /// sender.send(&ctx, 2).unwrap();
    /// drop(sender);
    /// assert_eq!(Pipeline::from(receiver).collect(&ctx)?, [1, 2]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn from(input: impl IntoPipeline<Stream = F>) -> Self {
        Self::new(input.into_beginning())
    }
}

impl<S: Source> Pipeline<SourceStream<S>> {
    /// Ends the input when `drain` is cancelled; what was read still flows to the end. The gentle
    /// way to stop.
    ///
    /// Cancelling the context of the run itself gives up what is on its way. What the source has
    /// not handed over stays with it: with a channel, behind a second receiver. If `drain` is
    /// cancelled already, nothing is read.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline, channel};
    ///
    /// let (ctx, drain) = (Context::new(), Context::new());
    /// let (sender, receiver) = channel(8);
    /// sender.send(&ctx, 1).unwrap();
    /// // The sender lives, so only the drain ends this.
    /// let report = Pipeline::from(receiver).until(&drain).thread().for_each(&ctx, |_| {
    ///     drain.cancel("enough");
    /// })?;
    /// assert_eq!(report.totals().left, 1);
    /// drop(sender);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn until(mut self, drain: &crate::Context) -> Self {
        self.stream.until = Some(drain.clone());
        self
    }
}

impl<F: Stream> Pipeline<F> {
    pub(crate) fn new(stream: F) -> Self {
        Self { stream, names: Vec::new(), monitor: None, units: PhantomData }
    }
}

//! What can be said of a pipeline: its stages, its boundaries, its ends.

use std::fmt::Display;
use std::marker::PhantomData;

use super::fallible::{Fallible, Kind};
use super::flow::{Stepped, Stream};
use super::parallel::{Parallel, Workers};
use super::step::{
    BatchStep, Emit, Fail, Filter, FilterMap, FlatMap, Inspect, Map, MapWith, Nothing, RateStep,
    Split, Step, TryMap, classify_by_type,
};
use super::take::Taken;
use super::terminal::{self, Collect, Fold, execute};
use super::thread::Threaded;
use super::timed_batch::TimedBatch;
use super::units::{Each, Units};
use super::{Monitor, Pipeline};
use crate::batch::{Batch, BatchWithin, Weigh};
use crate::{BoxError, Context, Error, RateLimit, Report, Sink};

impl<F: Stream, U> Pipeline<F, U> {
    pub(super) fn with<N, V>(self, stream: impl FnOnce(F) -> N) -> Pipeline<N, V> {
        Pipeline {
            stream: stream(self.stream),
            names: self.names,
            monitor: self.monitor,
            units: PhantomData,
        }
    }

    /// Names the stage before, for reports and errors; of several names the last one counts.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let square = Pipeline::from_iter(1..=3).map(|n| n * n).named("square");
    /// let report = square.for_each(&Context::new(), |_| ())?;
    /// assert_eq!(report.stages[1].name, "square");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn named(mut self, name: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        self.names.push((F::NAMED, name.into()));
        self
    }

    /// Lets `monitor` look at the run while it is on its way. A second monitor takes the place of
    /// the first.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Monitor, Pipeline};
    /// let monitor = Monitor::new();
    /// let looks = || monitor.snapshot().map(|now| now.stages.len());
    /// let seen = Pipeline::from_iter(0..1).map(|_| looks()).monitor(&monitor).collect(&Context::new())?;
    /// assert_eq!(seen, [Some(3)]);
    /// assert_eq!(looks(), None, "the run has finished");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn monitor(mut self, monitor: &Monitor) -> Self {
        self.monitor = Some(monitor.clone());
        self
    }
}

/// Stages.
impl<F: Stream> Pipeline<F> {
    /// One item in, one item out.
    ///
    /// The closure may run on several threads at once (after [`parallel`](Self::parallel)), so it
    /// is `Fn`; what it must change goes into [`map_with`](Self::map_with).
    ///
    /// # Panics
    /// A panic of the closure ends the run with an error; the item in hand counts as failed. So it
    /// is with every stage.
    ///
    /// # Cost
    /// That of the closure: it is inlined into the loop.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let lengths = Pipeline::from_iter(["a", "bcd"]).map(str::len).collect(&Context::new())?;
    /// assert_eq!(lengths, [1, 3]);
    ///
    /// let failed = Pipeline::from_iter([4, 0]).map(|n| 8 / n).collect(&Context::new()).unwrap_err();
    /// assert_eq!(failed.stage(), Some("map"));
    /// assert_eq!(failed.panic().unwrap().message(), "attempt to divide by zero");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    ///
    /// A stage cannot change what it captured, because several workers may run it:
    /// ```compile_fail,E0594
    /// use millstream::{Context, Pipeline};
    /// let mut sum = 0;
    /// Pipeline::from_iter(0..9).map(|n| { sum += n; n }).collect(&Context::new());
    /// ```
    pub fn map<Out: Send, G>(self, f: G) -> Pipeline<F::With<Map<G>>>
    where
        G: Fn(F::Item) -> Out + Send + Sync,
    {
        self.with(|stream| stream.then(Map(f)))
    }

    /// Like [`map`](Self::map), with a state that each worker makes for itself: a parser, a buffer,
    /// a connection.
    ///
    /// `init` runs once for the calling thread when the run begins, and once for each worker that
    /// is started; a state is never shared, and dropped when its worker ends. With one worker the
    /// state sees every item in order; with several, each sees some chunks.
    ///
    /// # Panics
    /// A panic of `init` ends the run with an error that names this stage; no item fails.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let numbered = Pipeline::from_iter(["a", "b"])
    ///     .map_with(|| 0, |count, word| { *count += 1; format!("{count}: {word}") })
    ///     .collect(&Context::new())?;
    /// assert_eq!(numbered, ["1: a", "2: b"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn map_with<S: Send, Out: Send, I, G>(
        self,
        init: I,
        f: G,
    ) -> Pipeline<F::With<MapWith<I, G>>>
    where
        I: Fn() -> S + Send + Sync,
        G: Fn(&mut S, F::Item) -> Out + Send + Sync,
    {
        self.with(|stream| stream.then(MapWith(init, f)))
    }

    /// Keeps the items for which `f` is true; the others count as filtered.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let report = Pipeline::from_iter(0..10).filter(|n| n % 5 == 0).for_each(&Context::new(), |_| ())?;
    /// assert_eq!((report.totals().left, report.totals().filtered), (2, 8));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn filter<G>(self, f: G) -> Pipeline<F::With<Filter<G>>>
    where
        G: Fn(&F::Item) -> bool + Send + Sync,
    {
        self.with(|stream| stream.then(Filter(f)))
    }

    /// `map` and `filter` in one; items that become `None` count as filtered.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let numbers = Pipeline::from_iter(["1", "x", "3"]).filter_map(|word| word.parse::<u32>().ok());
    /// assert_eq!(numbers.collect(&Context::new())?, [1, 3]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn filter_map<Out: Send, G>(self, f: G) -> Pipeline<F::With<FilterMap<G>>>
    where
        G: Fn(F::Item) -> Option<Out> + Send + Sync,
    {
        self.with(|stream| stream.then(FilterMap(f)))
    }

    /// One item becomes any number of items, in order. An item that becomes none counts as
    /// filtered.
    ///
    /// The iterator is asked for one item at a time, and each flows on before the next is asked
    /// for: an endless one is fine if something behind it ends the run.
    ///
    /// # Panics
    /// A panic of the iterator fails the item that it came from; what it gave before has flowed on.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let mut words = Vec::new();
    /// let lines = Pipeline::from_iter(["a b", "", "c"]).flat_map(str::split_whitespace);
    /// let report = lines.for_each(&Context::new(), |word| words.push(word))?;
    /// assert_eq!(words, ["a", "b", "c"]);
    /// assert_eq!((report.totals().entered, report.totals().filtered), (4, 1));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn flat_map<Many, G>(self, f: G) -> Pipeline<F::With<FlatMap<G>>>
    where
        Many: IntoIterator<Item: Send>,
        G: Fn(F::Item) -> Many + Send + Sync,
    {
        self.with(|stream| stream.then(FlatMap(f)))
    }

    /// One item becomes many, and the closure accounts for each part: handed on, filtered, skipped
    /// or failed.
    ///
    /// For items that contain others: a block of lines, a page of links. `init` makes each worker's
    /// own state.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let mut sum = 0;
    /// let report = Pipeline::from_iter(["1 2 x", "3"])
    ///     .split(|| (), |(), line: &str, out| {
    ///         for word in line.split(' ') {
    ///             match word.parse::<u32>() {
    ///                 Ok(n) => { out.item(n); }
    ///                 Err(error) => out.failed("not a number", || format!("{word}: {error}")),
    ///             }
    ///         }
    ///     })
    ///     .for_each(&Context::new(), |n| sum += n)?;
    /// assert_eq!(sum, 6);
    /// assert_eq!((report.totals().entered, report.totals().failed), (4, 1));
    /// assert!(report.balances());
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn split<S: Send, Out: Send, I, G>(
        self,
        init: I,
        f: G,
    ) -> Pipeline<F::With<Split<I, G, Out>>>
    where
        I: Fn() -> S + Send + Sync,
        G: Fn(&mut S, F::Item, &mut Emit<'_, Out>) + Send + Sync,
    {
        self.with(|stream| stream.then(Split(init, f, PhantomData)))
    }

    /// Looks at every item and changes nothing.
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use millstream::{Context, Pipeline};
    /// let bytes = AtomicU64::new(0);
    /// let words = Pipeline::from_iter(["a", "bcd"]).inspect(|word| {
    ///     bytes.fetch_add(word.len() as u64, Ordering::Relaxed);
    /// });
    /// words.collect(&Context::new())?;
    /// assert_eq!(bytes.into_inner(), 4);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn inspect<G>(self, f: G) -> Pipeline<F::With<Inspect<G>>>
    where
        G: Fn(&F::Item) + Send + Sync,
    {
        self.with(|stream| stream.then(Inspect(f)))
    }

    /// Work that can fail. The first error ends the run, unless [`on_error`](Pipeline::on_error)
    /// says otherwise.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline, Skip};
    /// let words = ["1", "two", "3"];
    /// let failed = Pipeline::from_iter(words).try_map(str::parse::<u32>).collect(&Context::new());
    /// assert_eq!(failed.unwrap_err().to_string(), "stage \"try_map\" failed: invalid digit found in string");
    ///
    /// let numbers = Pipeline::from_iter(words).try_map(str::parse::<u32>).on_error(Skip).collect(&Context::new())?;
    /// assert_eq!(numbers, [1, 3]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn try_map<Out: Send, E, G>(self, f: G) -> Pipeline<F::With<TryMap<G, Fail, Kind<E>>>>
    where
        E: Display + Into<BoxError>,
        G: Fn(F::Item) -> Result<Out, E> + Send + Sync,
    {
        self.with(|stream| {
            stream.then(TryMap { work: f, policy: Fail, kind: classify_by_type::<E> as Kind<E> })
        })
    }

    /// Lets items pass no faster than `limit`. All workers of a parallel stage share the one limit.
    ///
    /// # Cancel safety
    /// A wait ends when the run does; the item that waited counts as cancelled.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Context, Pipeline, RateLimit};
    /// let ctx = Context::new();
    /// let calm = RateLimit::per(Duration::from_millis(10), 1).burst(2);
    /// let begin = ctx.clock().now();
    /// Pipeline::from_iter(0..4).rate_limit(calm).for_each(&ctx, |_| ())?;
    /// assert!(ctx.clock().now() - begin >= Duration::from_millis(20), "two at once, two later");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn rate_limit(self, limit: RateLimit) -> Pipeline<F::With<RateStep>> {
        self.with(|stream| stream.then(RateStep(limit)))
    }
}

/// The policy of the `try_map` before, in a loop.
/// The policy of the `try_map` before.
impl<F, U> Pipeline<F, U> {
    /// Says what an error of the [`try_map`](Self::try_map) before does: [`Fail`],
    /// [`Skip`](crate::Skip), [`DeadLetter`](crate::DeadLetter), [`Retry`](crate::Retry), or a
    /// policy of your own.
    ///
    /// It stands right behind the `try_map`, or behind its [`kinds`](Self::kinds); elsewhere it
    /// does not compile:
    /// ```compile_fail,E0277
    /// use millstream::{Pipeline, Skip};
    /// let lengths = Pipeline::from_iter(["a"]).map(str::len).on_error(Skip);
    /// ```
    ///
    /// # Examples
    /// ```
    /// use std::sync::Mutex;
    /// use millstream::{Context, DeadLetter, Pipeline};
    /// let letters = Mutex::new(Vec::new());
    /// let keep = |error: std::num::ParseIntError| letters.lock().unwrap().push(error.to_string());
    /// let parsed = Pipeline::from_iter(["1", "two"]).try_map(str::parse::<u32>).on_error(DeadLetter(keep));
    /// assert_eq!(parsed.collect(&Context::new())?, [1]);
    /// assert_eq!(letters.into_inner().unwrap(), ["invalid digit found in string"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn on_error<Q>(self, policy: Q) -> Pipeline<F::WithPolicy<Q>, U>
    where
        F: Fallible,
    {
        self.replace(|stream| stream.with_policy(policy))
    }

    /// Names an error's kind for the counts of the [`try_map`](Self::try_map) before; without it,
    /// the error's type does.
    ///
    /// # Examples
    /// ```
    /// use std::num::{IntErrorKind, ParseIntError};
    /// use millstream::{Context, Pipeline, Skip};
    /// let report = Pipeline::from_iter(["", "x", "3"])
    ///     .try_map(str::parse::<u32>)
    ///     .on_error(Skip)
    ///     .kinds(|error: &ParseIntError| match error.kind() {
    ///         IntErrorKind::Empty => "empty",
    ///         _ => "not a number",
    ///     })
    ///     .for_each(&Context::new(), |_| ())?;
    /// let kinds: Vec<_> = report.errors.iter().map(|error| (error.kind.as_str(), error.count)).collect();
    /// assert_eq!(kinds, [("empty", 1), ("not a number", 1)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn kinds<E>(self, kind: fn(&E) -> &'static str) -> Pipeline<F::WithKinds<E>, U>
    where
        F: Fallible,
    {
        self.replace(|stream| stream.with_kinds(kind))
    }
}

impl<F, U> Pipeline<F, U> {
    pub(super) fn replace<N>(self, stream: impl FnOnce(F) -> N) -> Pipeline<N, U> {
        Pipeline {
            stream: stream(self.stream),
            names: self.names,
            monitor: self.monitor,
            units: PhantomData,
        }
    }
}

/// Boundaries.
impl<F: Stream> Pipeline<F> {
    /// What follows runs on one to n threads, until the next boundary or the end; order is kept.
    ///
    /// | workers | what happens |
    /// |---|---|
    /// | `8` | eight threads from the start; the calling thread hands their results on |
    /// | `1..=8` | starts on the calling thread, and adds threads when measured times show that they pay |
    /// | `2..=8` | two threads from the start, more as above |
    ///
    /// **Slow items.** Eight items of 100 ms on `parallel(8)` take 100 ms: a worker takes one item
    /// at a time until the cost of an item is known in this run, then as many as make about 100
    /// microseconds of work, and what a worker has taken and not started is taken over by a worker
    /// that has nothing else. No option tunes this. A range that starts at 1 has only the calling
    /// thread until the first item is done, so there eight such items take 200 ms, and items that
    /// wait for each other would wait forever: say `8` or `2..=8` where items are known to be slow.
    ///
    /// **Growth.** In a range, workers that compute never exceed the cores of the machine; beyond
    /// that there are more only while those that exist wait (for a disk, a network, a lock), as in
    /// a [`Pool`](crate::Pool). Workers that turn out too many leave again. `1..=usize::MAX` is a
    /// valid range.
    ///
    /// **Order** is kept, unless [`unordered`](Pipeline::unordered) follows. A count of 0 is 1; in
    /// a range whose end lies before its start, the start counts.
    ///
    /// **Bounds.** Counted are items that workers took from the source and whose results were not
    /// handed on. For each worker there are at most 256, or as many as it works on in two
    /// milliseconds where that is more, up to 4,096, and two chunks of up to 4,096 items of
    /// nanoseconds; [`buffer`](Pipeline::buffer) sets another number. What one item of the source
    /// became in a `flat_map` before this stage comes in whole. So a slow end holds the source
    /// back, and one slow item does not hold up the others.
    ///
    /// **Results** leave the workers one by one if items take 5 microseconds or more, else about
    /// every 50 microseconds, and are handed on as soon as the order allows. Only where results
    /// follow each other within a millisecond and all workers go on may the thread of the end be
    /// woken up to a millisecond late: to wake it for each would cost a tenth of the time. Items of
    /// less than a microsecond are started in groups of about two microseconds.
    ///
    /// # Errors
    /// The run fails with a [`SpawnError`](crate::SpawnError) as its source when the system refuses
    /// a thread of a fixed number, or the first one of a range. A refusal of a further one only
    /// ends the growth for a second.
    ///
    /// # Cancel safety
    /// Every worker looks for the end of the run before it starts an item. Items that were taken
    /// and not started, and results that were not handed on, count as cancelled; all workers are
    /// joined before the end returns. A [`take`](Self::take) right behind this stage lets it start
    /// no more items than it wants and workers are (and one for each that gave no result).
    ///
    /// # Cost
    /// On the calling thread alone: what stages without [`thread`](Self::thread) cost. With
    /// workers: items move twice, and each chunk takes a few locks.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let lengths = Pipeline::from_iter(1..=1_000u64)
    ///     .parallel(1..=4)
    ///     .map(|n| n.pow(2).to_string().len())
    ///     .collect(&Context::new())?;
    /// assert_eq!(lengths[999], 7);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    ///
    /// What only one thread may touch cannot be shared by workers:
    /// ```compile_fail,E0277
    /// use std::{cell::Cell, rc::Rc};
    /// use millstream::{Context, Pipeline};
    /// let count = Rc::new(Cell::new(0));
    /// Pipeline::from_iter(0..9).parallel(2).map(move |n| { count.set(n); n }).collect(&Context::new());
    /// ```
    pub fn parallel(self, workers: impl Into<Workers>) -> Pipeline<Parallel<F>> {
        let workers = workers.into();
        self.with(|stream| Parallel { stream, step: Nothing, workers, ordered: true, buffer: None })
    }

    /// What came before runs on a thread of its own; what follows on the thread of the end, or of
    /// the next boundary.
    ///
    /// Items travel in chunks. A chunk leaves when it is full, when the source has nothing ready,
    /// or after a few milliseconds, so an item under light load travels alone. A slow end holds the
    /// source back.
    ///
    /// **Bounds.** Counted are items, whatever memory they refer to: at most as many as make 16
    /// chunks of 32 KiB by `size_of`, a chunk being 16 to 8,192 items. For large items
    /// [`buffer`](Pipeline::buffer) sets a number.
    ///
    /// **Order** is kept.
    ///
    /// # Errors
    /// The run fails with a [`SpawnError`](crate::SpawnError) as its source when the system refuses
    /// the thread.
    ///
    /// # Cancel safety
    /// Chunks on their way when the run is cancelled count as cancelled, in this stage's line of
    /// the report.
    ///
    /// # Cost
    /// A thread a run, some ten microseconds; then a few nanoseconds an item: see the README's
    /// table.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let here = std::thread::current().id();
    /// let elsewhere = Pipeline::from_iter(0..3)
    ///     .map(|_| std::thread::current().id() != here)
    ///     .thread()
    ///     .filter(|elsewhere| *elsewhere && std::thread::current().id() == here)
    ///     .collect(&Context::new())?;
    /// assert_eq!(elsewhere, [true, true, true]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    ///
    /// What cannot be sent to another thread cannot be an item:
    /// ```compile_fail,E0277
    /// use std::rc::Rc;
    /// use millstream::{Context, Pipeline};
    /// Pipeline::from_iter(0..9).map(Rc::new).thread().collect(&Context::new());
    /// ```
    pub fn thread(self) -> Pipeline<Threaded<F>> {
        self.with(|stream| Threaded { stream, buffer: None })
    }

    /// Ends the input after `count` items; what was read beyond them counts as cancelled. 0 reads
    /// nothing.
    ///
    /// What follows runs on one thread again.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let first = Pipeline::from_iter(1..).filter(|n| n % 7 == 0).take(3).collect(&Context::new())?;
    /// assert_eq!(first, [7, 14, 21]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn take(self, count: u64) -> Pipeline<Taken<F>> {
        self.with(|stream| Taken { stream, count })
    }

    /// Gathers items into vectors: by count or weight, and with
    /// [`Batch::within`](crate::Batch::within) by time, which makes this a boundary.
    ///
    /// Stages before it may be parallel; batches come out on one thread, in order. No batch is
    /// empty. In a report a batch counts as its items.
    ///
    /// # Panics
    /// A panic of the weight closure fails the item that was weighed, and ends the run.
    ///
    /// # Cancel safety
    /// What a batch holds when the run is cancelled counts as cancelled, in the line "batch".
    ///
    /// # Examples
    /// ```
    /// use millstream::{Batch, Context, Pipeline};
    /// let sums = Pipeline::from_iter(1..=5).batch(Batch::of(2)).fold(&Context::new(), Vec::new(), |mut all, batch| {
    ///     all.push(batch.iter().sum::<i32>());
    ///     all
    /// })?;
    /// assert_eq!(sums, [3, 7, 5]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn batch<B: Batching<F>>(self, policy: B) -> Pipeline<B::Stream, Each> {
        self.with(|stream| policy.gather(stream))
    }
}

impl<F: Stream, S: Step<F::Item>> Pipeline<Parallel<F, S>> {
    /// Hands items on as workers finish them instead of in the order of the source.
    ///
    /// Nothing waits behind a slow item then. Items that a worker took together are handed on in
    /// their order, unless another worker took some of them over.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let mut all = Pipeline::from_iter(0..1_000).parallel(2).unordered().map(|n| n * 2).collect(&Context::new())?;
    /// all.sort_unstable();
    /// assert!(all.into_iter().eq((0..2_000).step_by(2)));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn unordered(mut self) -> Self {
        self.stream.ordered = false;
        self
    }

    /// Sets how many items may be taken from the source whose results are not handed on yet.
    ///
    /// For items or results that are large: what is counted is items, not bytes. With fewer than
    /// workers, some of these are idle. 0 is taken as 1.
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use millstream::{Context, Pipeline};
    ///
    /// let (read, handed) = (AtomicU64::new(0), AtomicU64::new(0));
    /// let items = (0..1_000_u64).inspect(|_| { read.fetch_add(1, Ordering::SeqCst); });
    /// Pipeline::from_iter(items)
    ///     .parallel(2)
    ///     .buffer(10)
    ///     .map(|n| n)
    ///     .for_each(&Context::new(), |_| {
    ///         let before = handed.fetch_add(1, Ordering::SeqCst);
    ///         // Ten, and those that were handed over together with this one.
    ///         assert!(read.load(Ordering::SeqCst) <= before + 20);
    ///     })?;
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn buffer(mut self, items: usize) -> Self {
        self.stream.buffer = Some(items);
        self
    }
}

impl<F: Stream> Pipeline<Threaded<F>> {
    /// Sets how many items may be between the two threads, those that are gathered for the next
    /// chunk included.
    ///
    /// A chunk that was handed over counts no more. 0 is taken as 1.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// // Pages are large: no more than eight wait.
    /// let pages = Pipeline::from_iter(0..100).map(|n| vec![n; 16 * 1024]).thread().buffer(8);
    /// assert_eq!(pages.for_each(&Context::new(), |page| assert!(page[0] < 100))?.totals().left, 100);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn buffer(mut self, items: usize) -> Self {
        self.stream.buffer = Some(items.max(1));
        self
    }
}

/// Ends: they run the pipeline on the calling thread (and those that its boundaries ask for) until
/// the input ends.
impl<F: Stream, U: Units<F::Item>> Pipeline<F, U> {
    /// All items as a vector, in order.
    ///
    /// # Errors
    /// A stage's error or panic, or the context's cause; with the report up to there. What was
    /// collected is dropped then; an end that keeps it is [`for_each`](Self::for_each).
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let ctx = Context::new();
    /// assert_eq!(Pipeline::from_iter(1..=3).map(|n| n * n).collect(&ctx)?, [1, 4, 9]);
    ///
    /// ctx.cancel("too late");
    /// let error = Pipeline::from_iter(1..=3).collect(&ctx).unwrap_err();
    /// assert_eq!(error.cancelled().unwrap().reason(), "too late");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    ///
    /// A pipeline runs once:
    /// ```compile_fail,E0382
    /// use millstream::{Context, Pipeline};
    /// let numbers = Pipeline::from_iter(0..9);
    /// numbers.collect(&Context::new());
    /// numbers.collect(&Context::new());
    /// ```
    pub fn collect(self, ctx: &Context) -> Result<Vec<F::Item>, Error> {
        let mut end = Collect::<_, U>::new();
        execute(self.stream, self.names, self.monitor.as_ref(), ctx, &mut end)?;
        Ok(end.items)
    }

    /// Calls `f` on every item, on the calling thread, in order. `f` may change what it captured.
    ///
    /// # Errors
    /// A stage's error or panic (also of `f`), or the context's cause; with the report up to there.
    ///
    /// # Cancel safety
    /// What `f` was given it has seen; nothing is given to it twice or after the return.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let mut longest = 0;
    /// let report = Pipeline::from_iter(["a", "bcd"]).for_each(&Context::new(), |word| longest = longest.max(word.len()))?;
    /// assert_eq!(longest, 3);
    /// assert_eq!(report.totals().left, 2);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn for_each(self, ctx: &Context, f: impl FnMut(F::Item)) -> Result<Report, Error> {
        let mut end = Fold::<_, U>::new(f);
        execute(self.stream, self.names, self.monitor.as_ref(), ctx, &mut end)
            .map(|run| terminal::report(&run))
    }

    /// One value of all items, on the calling thread, in order. Of no items it is `init`.
    ///
    /// # Errors
    /// A stage's error or panic (also of `f`), or the context's cause; with the report up to there.
    /// The value is dropped then.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let longest = Pipeline::from_iter(["a", "bcd"]).fold(&Context::new(), 0, |most, word| most.max(word.len()))?;
    /// assert_eq!(longest, 3);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn fold<A>(
        self,
        ctx: &Context,
        init: A,
        mut f: impl FnMut(A, F::Item) -> A,
    ) -> Result<A, Error> {
        let mut folded = Some(init);
        let mut end =
            Fold::<_, U>::new(|item| folded = folded.take().map(|before| f(before, item)));
        let run = execute(self.stream, self.names, self.monitor.as_ref(), ctx, &mut end);
        drop(end);
        run?;
        let Some(folded) = folded else {
            unreachable!("only a panic of `f` leaves it empty, and that was returned")
        };
        Ok(folded)
    }

    /// Writes every item to a [`Sink`] on the calling thread, in order, and closes the sink, also
    /// after an early stop.
    ///
    /// The sink is flushed when nothing is ready to be written, and moved in; what is to outlive
    /// the run goes in as a reference of its own.
    ///
    /// # Errors
    /// A stage's or the sink's error or panic (also of its `flush` and `close`), or the context's
    /// cause; with the report up to there.
    ///
    /// # Cancel safety
    /// What the sink took counts as out, and the sink was closed behind it: nothing is half
    /// written.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline, Sink};
    ///
    /// struct Lines<'a>(&'a mut String);
    ///
    /// impl Sink<u32> for Lines<'_> {
    ///     type Error = std::fmt::Error;
    ///
    ///     fn write(&mut self, n: u32) -> Result<(), std::fmt::Error> {
    ///         use std::fmt::Write;
    ///         writeln!(self.0, "{n}")
    ///     }
    /// }
    ///
    /// let mut text = String::new();
    /// let report = Pipeline::from_iter(1..=3).run(&Context::new(), Lines(&mut text))?;
    /// assert_eq!(text, "1\n2\n3\n");
    /// assert!(report.balances());
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn run<S: Sink<F::Item>>(self, ctx: &Context, sink: S) -> Result<Report, Error> {
        let mut end = terminal::Into::<_, U>::new(sink);
        execute(self.stream, self.names, self.monitor.as_ref(), ctx, &mut end)
            .map(|run| terminal::report(&run))
    }
}

/// How [`Pipeline::batch`] gathers: [`Batch`] in the loop itself, [`BatchWithin`] on a thread that
/// watches the time.
pub trait Batching<F: Stream> {
    /// What it makes of the stream.
    type Stream: Stream<Item = Vec<F::Item>>;

    /// Puts itself behind the stream.
    fn gather(self, stream: F) -> Self::Stream;
}

impl<F: Stream, W: Weigh<F::Item>> Batching<F> for Batch<W> {
    type Stream = Stepped<F, BatchStep<W>>;

    fn gather(self, stream: F) -> Self::Stream {
        Stepped(stream, BatchStep(self))
    }
}

impl<F: Stream, W: Weigh<F::Item>> Batching<F> for BatchWithin<W> {
    type Stream = TimedBatch<F, W>;

    fn gather(self, stream: F) -> Self::Stream {
        TimedBatch {
            stream: Threaded { stream, buffer: None },
            policy: self.batch,
            within: self.time,
        }
    }
}

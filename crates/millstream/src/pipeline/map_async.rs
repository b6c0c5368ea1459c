//! The async verbs: a future for each item, many in flight at a time, driven by one thread of the
//! stage's own.
//!
//! What came before runs on a thread of its own too, as with [`thread`](Pipeline::thread): a future
//! must not wait because the source does. Which futures begin next and in which order results leave
//! is in `order`, how the thread waits in `driver`, the futures themselves in the crate's
//! `in_flight`.

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::Ordering;

mod driver;
mod order;

pub use order::{ByKey, InOrder, Order, Plan, Unordered};

use self::driver::Driver;
use super::Pipeline;
use super::flow::{Pull, Pulled, RunScope, Stepped, Stream};
use super::run::Run;
use super::step::{Flow, Leaf};
use super::thread::{Link, ThreadPull, Threaded};
use super::waits::Side;
use super::window::{Next, Window};
use crate::context::{Cause, Context};
use crate::runtime::Ambient;

/// Stages that wait: a future for each item.
///
/// With the feature `tokio` (on by default) futures find a runtime. A run that begins inside of a
/// runtime of many threads, or by [`on_thread`](crate::on_thread), uses that one. Any other run,
/// also one that blocks the only thread of a runtime, has a private one for as long as the stage
/// works: what futures spawn on it ends with the stage. Without the feature, futures must bring
/// their own wake-ups, as this library's do.
impl<F: Stream> Pipeline<F> {
    /// Async work on each item, at most `limit` at a time; results in the order of the input.
    ///
    /// `f` is called on the stage's thread, which also polls the futures: they need not be `Send`,
    /// may borrow what outlives the run, and go on while the consumer is busy. They should not
    /// block. A limit of 0 is taken as 1. For futures that can fail, let [`try_map`](Self::try_map)
    /// and its policy follow.
    ///
    /// In the report this is two lines, "thread" and "map_async"; the workers of the second are the
    /// highest number in flight.
    ///
    /// **Order**: that of the input. Results behind a slow one wait; when `limit` of them do, no
    /// new future begins.
    ///
    /// # Panics
    /// A panic of `f` or of a future ends the run with an error that names the stage, the message
    /// and the place.
    ///
    /// # Cancel safety
    /// When the run is stopped, or a [`take`](Self::take) behind has all it wants, futures in
    /// flight are dropped where they wait, and their items count as cancelled.
    ///
    /// # Cost
    /// Two threads; a few hundred nanoseconds an item. Memory for the futures in flight, and for
    /// fewer than six times `limit` results.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline, Skip};
    ///
    /// async fn size(page: &str) -> Result<usize, String> {
    ///     if page.is_empty() { Err("no page".to_owned()) } else { Ok(page.len()) }
    /// }
    ///
    /// let pages = ["one", "", "three"];
    /// let sizes = Pipeline::from_iter(pages)
    ///     .map_async(100, size)
    ///     .try_map(|size| size)
    ///     .on_error(Skip)
    ///     .collect(&Context::new())?;
    /// assert_eq!(sizes, [3, 5]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn map_async<Fut, G>(self, limit: usize, f: G) -> Pipeline<MapAsync<F, G, InOrder>>
    where
        G: FnMut(F::Item) -> Fut + Send,
        Fut: Future<Output: Send>,
    {
        self.async_stage(limit, f, InOrder)
    }

    /// [`map_async`](Self::map_async) that hands results on as they come: none waits for a slower
    /// one.
    ///
    /// **Order**: none.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    ///
    /// let door = Context::new();
    /// let order = Pipeline::from_iter(["waiter", "opener"])
    ///     .map_async_unordered(2, async |name| {
    ///         if name == "waiter" { door.cancelled().await; } else { door.cancel("open"); }
    ///         name
    ///     })
    ///     .collect(&Context::new())?;
    /// assert_eq!(order, ["opener", "waiter"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn map_async_unordered<Fut, G>(
        self,
        limit: usize,
        f: G,
    ) -> Pipeline<MapAsync<F, G, Unordered>>
    where
        G: FnMut(F::Item) -> Fut + Send,
        Fut: Future<Output: Send>,
    {
        self.async_stage(limit, f, Unordered)
    }

    /// [`map_async`](Self::map_async) with one item of a key at a time; different keys overlap.
    ///
    /// For work that must not meet itself: updates of one account, requests to one host. While an
    /// item waits behind another of its key, later items of other keys begin; `limit` items may
    /// wait so, then the input waits for them.
    ///
    /// **Order**: items of one key keep theirs, in their work and in the results. Between keys
    /// there is none.
    ///
    /// # Panics
    /// As with [`map_async`](Self::map_async); a panic of `key` too ends the run.
    ///
    /// # Cost
    /// In addition to that of [`map_async`](Self::map_async), a place in a hash map for each key in
    /// flight. Keys that have nothing in flight are forgotten.
    ///
    /// # Examples
    /// ```
    /// use std::collections::HashMap;
    /// use std::sync::Mutex;
    /// use millstream::{Context, Pipeline};
    ///
    /// let accounts = Mutex::new(HashMap::from([("ann", 10), ("bob", 20)]));
    /// let book = async |(name, amount)| {
    ///     let before = accounts.lock().unwrap()[name];
    ///     std::future::ready(()).await; // the ledger is asked here: nobody else changes this account meanwhile
    ///     accounts.lock().unwrap().insert(name, before + amount);
    /// };
    /// Pipeline::from_iter([("ann", 5), ("ann", -7), ("bob", 1)])
    ///     .map_async_by_key(8, |(name, _)| *name, book)
    ///     .for_each(&Context::new(), |()| ())?;
    /// assert_eq!(accounts.into_inner().unwrap(), HashMap::from([("ann", 8), ("bob", 21)]));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn map_async_by_key<K, Fut, KeyOf, G>(
        self,
        limit: usize,
        key: KeyOf,
        f: G,
    ) -> Pipeline<MapAsync<F, G, ByKey<KeyOf>>>
    where
        K: Hash + Eq,
        KeyOf: FnMut(&F::Item) -> K + Send,
        G: FnMut(F::Item) -> Fut + Send,
        Fut: Future<Output: Send>,
    {
        self.async_stage(limit, f, ByKey(key))
    }

    fn async_stage<G, O>(self, limit: usize, f: G, order: O) -> Pipeline<MapAsync<F, G, O>> {
        let Self { stream, names, monitor, units } = self;
        let stream = MapAsync {
            stream: Threaded { stream, buffer: None },
            make: f,
            limit: limit.max(1),
            order,
        };
        Pipeline { stream, names, monitor, units }
    }
}

/// See [`Pipeline::map_async`](crate::Pipeline::map_async).
pub struct MapAsync<F, G, O> {
    stream: Threaded<F>,
    make: G,
    limit: usize,
    order: O,
}

impl<F, G, O: fmt::Debug> fmt::Debug for MapAsync<F, G, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapAsync")
            .field("limit", &self.limit)
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

impl<F, Fut, G, O> Stream for MapAsync<F, G, O>
where
    F: Stream,
    Fut: Future<Output: Send>,
    G: FnMut(F::Item) -> Fut + Send,
    O: Order<F::Item, Fut::Output>,
{
    type Item = Fut::Output;
    type Running = MapAsyncPull<F::Running, G, O, Fut::Output>;
    type With<S: Leaf<Fut::Output>> = Stepped<Self, S>;
    const STAGES: usize = Threaded::<F>::STAGES + 1;
    const THREADS: bool = true;
    const BOUNDARY: bool = true;

    fn then<S: Leaf<Fut::Output>>(self, step: S) -> Stepped<Self, S> {
        Stepped(self, step)
    }

    fn names(&self, names: &mut Vec<&'static str>) {
        self.stream.names(names);
        names.push(O::NAME);
    }

    fn open(self, run: &Arc<Run>) -> Self::Running {
        let Self { stream, make, limit, order } = self;
        let at = Threaded::<F>::STAGES;
        let counters = &run.stages.all[at];
        counters.counts_in.store(true, Ordering::Relaxed);
        counters.counts_out.store(true, Ordering::Relaxed);
        let output = Link { window: Window::new(true), run: Arc::clone(run), at };
        MapAsyncPull {
            input: stream.open(run),
            idle: Some(Idle { make, limit, order, ambient: Ambient::capture() }),
            output: Arc::new(output),
            came: 0,
            stop: run.ctx_at(at).child(),
            name: O::NAME,
        }
    }
}

/// The consumer's side of a running async stage; holds the rest until threads are there for it.
pub struct MapAsyncPull<P: Pull, G, O, R> {
    input: ThreadPull<P>,
    idle: Option<Idle<G, O>>,
    output: Arc<Link<R>>,
    /// Ends the stage's wait: cancelled with the run, or when the consumer wants no more.
    stop: Context,
    /// Items of the last pull.
    came: usize,
    name: &'static str,
}

/// What the stage's thread will work with.
struct Idle<G, O> {
    make: G,
    limit: usize,
    order: O,
    ambient: Ambient,
}

impl<P: Pull, G, O, R> fmt::Debug for MapAsyncPull<P, G, O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapAsyncPull")
            .field("started", &self.idle.is_none())
            .finish_non_exhaustive()
    }
}

impl<P, Fut, G, O> Pull for MapAsyncPull<P, G, O, Fut::Output>
where
    P: Pull,
    Fut: Future<Output: Send>,
    G: FnMut(P::Item) -> Fut + Send,
    O: Order<P::Item, Fut::Output>,
{
    type Item = Fut::Output;

    fn pull<const TIMED: bool>(
        &mut self,
        max: usize,
        emit: &mut impl FnMut(Fut::Output) -> Flow,
    ) -> Pulled {
        if self.idle.is_some() {
            return Pulled::NeedThreads;
        }
        match self.output.run.wait(self.output.at, Side::In, |cx| self.output.window.poll_next(cx))
        {
            Some(Next::End) => Pulled::End,
            Some(Next::Closed) | None => Pulled::Stopped,
            Some(Next::Results(chunk)) => self.output.hand_on(chunk, max, &mut self.came, emit),
        }
    }

    fn chunk(&self) -> Option<usize> {
        Some(self.came)
    }

    fn ready(&self) -> bool {
        self.output.window.has_next()
    }

    fn abandon(&mut self) {
        self.output.abandon();
        self.input.abandon();
        // Futures in flight may have long to go, and nobody wants what comes of them.
        self.stop.cancel(Cause::dropped());
    }

    fn publish(&mut self) {}

    fn spawn_workers<'scope, 'env: 'scope>(&mut self, scope: &RunScope<'scope, 'env>)
    where
        Self: 'scope,
    {
        let Some(idle) = self.idle.take() else { return };
        self.input.spawn_workers(scope);
        let (input, output) = (Arc::clone(self.input.shared()), Arc::clone(&self.output));
        let (run, stop) = (Arc::clone(&output.run), self.stop.clone());
        let started = scope.try_spawn(self.name, move |_| {
            let Idle { make, limit, order, ambient } = idle;
            match ambient.reactor() {
                Ok(reactor) => {
                    let plan = order.plan();
                    Driver::<_, Fut, _, _>::new(make, plan, limit, input, output)
                        .run(&reactor, &stop);
                }
                Err(error) => output.run.fail(output.at, error.into()),
            }
            Ok(())
        });
        if let Err(error) = started {
            run.fail(self.output.at, error.into());
        }
    }
}

//! A worker as its jobs see it. The loop that its thread is in is in `work_loop.rs`.

use std::fmt;
use std::rc::Rc;

use super::about::About;
use super::counters::Counters;
use super::here::{self, Frame, Framed, Frames};
use super::outcome::Ended;
use crate::context::Context;
use crate::sync::Arc;

/// Makes the state of the worker with this number.
pub(crate) type Init<S> = Arc<dyn Fn(usize) -> S + Send + Sync>;

/// What the jobs on one thread have in common.
pub(crate) struct Home<S> {
    pub(crate) about: Arc<About>,
    pub(crate) init: Init<S>,
    pub(crate) number: usize,
    pub(crate) counters: Arc<Counters>,
    pub(crate) frames: Frames,
}

/// The worker that runs a job, as the job sees it.
///
/// # Examples
/// ```
/// use millstream::{Context, Pool};
///
/// // Each worker keeps a buffer for all its jobs.
/// let ctx = Context::new();
/// let pool = Pool::builder().workers(1).state(|_| Vec::with_capacity(1024)).build(&ctx)?;
/// let job = pool.submit_with(&ctx, |worker| {
///     let buffer: &mut Vec<u8> = worker.state();
///     buffer.clear();
///     buffer.extend(b"abc");
///     Ok::<_, std::io::Error>(buffer.len())
/// })?;
/// assert_eq!(job.join()?, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Worker<'a, S> {
    pub(crate) home: &'a Home<S>,
    pub(crate) ctx: &'a Context,
    pub(crate) state: &'a mut Option<S>,
}

impl<'a, S> Worker<'a, S> {
    pub(crate) fn home(&self) -> &'a Home<S> {
        self.home
    }

    /// What this worker keeps between its jobs, made by the pool's [`state`](super::Builder::state)
    /// when first asked for.
    ///
    /// A job that runs inside of another one, because that waits for it, has a state of its own for
    /// its length.
    ///
    /// # Panics
    /// When making it panics: the job then ends as panicked, and the next one tries again.
    pub fn state(&mut self) -> &mut S {
        let home = self.home;
        self.state.get_or_insert_with(|| (home.init)(home.number))
    }

    /// Cancelled when the job's group is, or the pool is aborted. A long job looks at it now and
    /// then.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// let group = pool.group(&ctx);
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// let job = group.submit_with(&ctx, move |worker| {
    ///     sender.send("started").ok();
    ///     Err::<(), _>(worker.context().wait())
    /// })?;
    /// receiver.recv()?;
    /// group.cancel("not needed any more");
    /// assert_eq!(job.join().unwrap_err().to_string(), "cancelled: not needed any more");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn context(&self) -> &Context {
        self.ctx
    }

    /// Which worker it is: 1 for the first, none twice at the same time.
    ///
    /// # Examples
    /// ```
    /// use std::convert::Infallible;
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// let job = pool.submit_with(&ctx, |worker| Ok::<_, Infallible>(worker.number()))?;
    /// assert_eq!(job.join()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn number(&self) -> usize {
        self.home.number
    }

    pub(crate) fn count(&self, ended: Ended) {
        self.home.counters.count(ended);
    }
}

impl<S> fmt::Debug for Worker<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("number", &self.home.number).finish_non_exhaustive()
    }
}

/// Runs `f`, the job at this address, inside of the one that this thread runs, if it is a worker of
/// this pool. Its context is that of its group, if it has one.
pub(crate) fn nested<S: 'static>(
    pool: u32,
    job: usize,
    group: Option<&Context>,
    f: impl FnOnce(&mut Worker<'_, S>),
) {
    let Some(home) = home::<S>(pool) else { return };
    let _framed = Framed::enter(&home.frames, Frame { job, group: 0 });
    let mut state = None;
    f(&mut Worker { home: &home, ctx: group.unwrap_or(&home.about.ctx), state: &mut state });
}

pub(crate) fn home<S: 'static>(pool: u32) -> Option<Rc<Home<S>>> {
    let here = here::get().filter(|here| here.pool == pool)?;
    here.home.downcast::<Home<S>>().ok()
}

//! A worker: what a job sees of it, and the loop that its thread is in.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::core::{Core, Shared};
use super::counters::Counters;
use super::group_state::GroupState;
use super::idle::Idle;
use super::job::Ended;
use super::job_queue::{Entry, Occupied};
use super::local_queue::LocalQueue;
use super::state::Turn;
use super::waits::{Frame, Seen, Working};
use crate::clock::stopwatch;
use crate::context::Context;
use crate::panics;
use crate::park::block_on;
use crate::sync::Arc;

/// What the jobs on one thread have in common.
pub(crate) struct Home<S> {
    pub(crate) core: Arc<Core<S>>,
    pub(crate) number: usize,
    pub(crate) counters: Arc<Counters>,
    local: Arc<LocalQueue<Shared<S>>>,
    /// The jobs that run on this thread, each inside of the one before.
    frames: Rc<RefCell<Vec<Frame>>>,
}

/// A job's frame, for as long as it runs.
struct Framed<'a>(&'a RefCell<Vec<Frame>>);

impl<'a> Framed<'a> {
    #[inline]
    fn enter(frames: &'a RefCell<Vec<Frame>>, frame: Frame) -> Self {
        frames.borrow_mut().push(frame);
        Self(frames)
    }
}

impl Drop for Framed<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.borrow_mut().pop();
    }
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
    home: &'a Home<S>,
    ctx: &'a Context,
    state: &'a mut Option<S>,
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
        self.state.get_or_insert_with(|| (home.core.init)(home.number))
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

/// The thread's life: job after job, until the pool lets it go.
pub(crate) fn live<S: 'static>(core: Arc<Core<S>>, number: usize) {
    let counters = core.counter_set.of(number);
    let _registered = core.os_threads.register();
    let local = Arc::new(LocalQueue::new());
    core.change(|state, _| state.slot(number, Arc::clone(&local)));
    let frames = Rc::new(RefCell::new(Vec::new()));
    let home = Rc::new(Home { core, number, counters, local, frames });
    here::set(Some(Here {
        pool: home.core.id,
        working: Arc::clone(&home.core) as Arc<dyn Working>,
        frames: Rc::clone(&home.frames),
        home: Rc::clone(&home) as Rc<dyn Any>,
    }));
    let (mut state, mut ended) = (None, None);
    // Only a destructor of a user panics here, of a job or of a result that nobody took. The hook
    // has reported it.
    while panics::catch(&home.core.name, || work(&home, &mut state, &mut ended)).is_err() {}
    // A worker's state is the user's, too.
    drop(panics::catch(&home.core.name, || drop(state)));
    here::set(None);
    home.core.counter_set.leave(home.number);
}

fn work<S: 'static>(
    home: &Home<S>,
    state: &mut Option<S>,
    ended: &mut Option<Occupied<Shared<S>>>,
) {
    loop {
        if let Some(entry) = home.local.pop() {
            // It is busy already: its local queue occupies nothing else.
            run(home, state, entry);
            continue;
        }
        let last = ended.take();
        let turn = match home.core.next(home.number, last.as_ref()) {
            Turn::Wait | Turn::Search => block_on(Idle::new(&home.core, home.number)),
            turn => turn,
        };
        drop(last);
        let Turn::Run(entry) = turn else { return };
        *ended = Some(Occupied { group: entry.group.clone(), weight: entry.weight });
        run(home, state, entry);
    }
}

fn run<S: 'static>(home: &Home<S>, state: &mut Option<S>, entry: Entry<Shared<S>>) {
    let Entry { job, group, since, .. } = entry;
    let started = since.map(|_| stopwatch());
    let ctx = group.as_ref().map_or(&home.core.ctx, |group| &group.ctx);
    let group = group.as_ref().map_or(0, |group| Arc::as_ptr(group).addr());
    let framed = Framed::enter(&home.frames, Frame { job: Arc::as_ptr(&job).addr(), group });
    match ctx.cause() {
        Some(cause) if job.cancel(&cause) => home.counters.count(Ended::Cancelled),
        _ => {
            if job.run(&mut Worker { home, ctx, state }) == Ended::Cancelled {
                home.counters.count(Ended::Cancelled);
            }
        }
    }
    drop(framed);
    // The result of a job whose handle is gone is dropped here.
    drop(job);
    if let (Some(since), Some(started)) = (since, started) {
        home.core.time(&home.counters, started.saturating_duration_since(since), started.elapsed());
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
    f(&mut Worker { home: &home, ctx: group.unwrap_or(&home.core.ctx), state: &mut state });
}

fn home<S: 'static>(pool: u32) -> Option<Rc<Home<S>>> {
    let here = here::get().filter(|here| here.pool == pool)?;
    here.home.downcast::<Home<S>>().ok()
}

/// Runs what waits of this group, if this thread is a worker of its pool: it is about to wait for
/// the group's end.
pub(crate) fn help<S: 'static>(core: &Arc<Core<S>>, group: &Arc<GroupState<Shared<S>>>) {
    let Some(home) = home::<S>(core.id) else { return };
    while let Some(entry) = core.change(|state, _| state.take_of(group)) {
        let ended = Occupied { group: Some(Arc::clone(group)), weight: entry.weight };
        // What panics here is a destructor of the user's, which the hook has reported.
        drop(panics::catch(&core.name, || run(&home, &mut None, entry)));
        core.finish(&ended);
    }
}

/// Whether this thread is a worker of any pool.
pub(crate) fn is_here() -> bool {
    here::is_set()
}

/// Whether this thread is a worker of this pool.
pub(crate) fn is_of(pool: u32) -> bool {
    here::get().is_some_and(|here| here.pool == pool)
}

/// This thread as others see it that wait as well, if it is a worker.
pub(crate) fn seen() -> Option<Seen> {
    let Here { pool, working, frames, .. } = here::get()?;
    let frames = frames.borrow().clone();
    Some(Seen { pool, working, frames })
}

#[derive(Clone)]
struct Here {
    pool: u32,
    working: Arc<dyn Working>,
    frames: Rc<RefCell<Vec<Frame>>>,
    home: Rc<dyn Any>,
}

/// Whose worker this thread is.
#[cfg(not(loom))]
mod here {
    use std::cell::RefCell;

    use super::Here;

    thread_local! {
        static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
    }

    pub(super) fn set(here: Option<Here>) {
        let before = HERE.try_with(|place| place.replace(here));
        drop(before);
    }

    pub(super) fn is_set() -> bool {
        HERE.try_with(|place| place.borrow().is_some()).unwrap_or(false)
    }

    pub(super) fn get() -> Option<Here> {
        HERE.try_with(|place| place.borrow().clone()).ok().flatten()
    }
}

/// The threads of a model share their locals; models have no nested jobs.
#[cfg(loom)]
mod here {
    use super::Here;

    pub(super) fn set(here: Option<Here>) {
        drop(here);
    }

    pub(super) fn is_set() -> bool {
        false
    }

    pub(super) fn get() -> Option<Here> {
        None
    }
}

/// Gives every pool of the process a number of its own, as long as it makes fewer than four
/// billions.
pub(crate) fn pool_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    // Only that no number comes twice counts.
    NEXT.fetch_add(1, Ordering::Relaxed)
}

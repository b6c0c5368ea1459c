//! Workers that wait for jobs, and waits that could never end: jobs of two pools that wait for each
//! other.
//!
//! A worker that waits runs no other job meanwhile. If the workers of pool A wait for jobs of pool
//! B, whose workers wait for a job in A's queue, nobody is left who would start that. So each
//! worker that begins to wait is entered in a table of the process, together with the jobs that it
//! runs; a worker that finds that it closes such a circle has a worker of the right pool run the
//! job that nobody starts, inside of the job that waits there: each job runs on its own pool's
//! threads, beside no other job that could go on. Where there is no such job, the wait ends with an
//! error.
//!
//! It sees waits of jobs of pools of threads: `join` and `wait` of a handle, `wait` of a group or a
//! pool, `submit`. It does not see those for channels, locks, other threads, or futures.
//!
//! The table's lock is taken before those of pools and jobs, and never under one.

use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex as StdMutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::here::{self, Frame, Seen};
use crate::context::Cause;
use crate::park::block_on;
use crate::sync::{Arc, Mutex};

/// What a worker can wait for, and whether somebody must start it.
pub(crate) trait Target: Send + Sync {
    /// The pool in whose queue it waits, or a part of it; `None` if all of it has started.
    fn waits_in(&self) -> Option<u32>;
    /// Runs on this thread, a worker of that pool, what waits.
    fn run_here(&self);
}

#[derive(Clone)]
pub(crate) enum Wait {
    /// For the end of the job at this address.
    Job(usize, Arc<dyn Target>),
    /// For the end of all jobs of the group at this address.
    Group(usize, Arc<dyn Target>),
    /// For the end of all jobs of this pool.
    Pool(u32),
    /// For room in the queue of this pool.
    Acquire(u32),
}

/// The wait would never end.
#[derive(Debug)]
pub(crate) struct Deadlock;

impl Deadlock {
    pub(crate) fn cause() -> Cause {
        Cause::failed("deadlock: jobs of pools wait for each other, and none of them can go on")
    }
}

/// Waits, in a way that other waits are not stuck behind this one.
pub(crate) fn wait<T>(
    what: impl FnOnce() -> Wait,
    future: impl Future<Output = T>,
) -> Result<T, Deadlock> {
    if !here::is_here() {
        return Ok(block_on(future));
    }
    let what = what();
    let mut future = pin!(future);
    loop {
        let Some(seen) = here::seen() else { return Ok(block_on(future)) };
        let mail = Arc::new(Mail::default());
        let entered = Entered::new(seen, what.clone(), &mail);
        let letter = block_on(std::future::poll_fn(|task| match future.as_mut().poll(task) {
            Poll::Ready(value) => Poll::Ready(Ok(value)),
            Poll::Pending => mail.poll(task.waker()).map(Err),
        }));
        drop(entered);
        match letter {
            Ok(value) => return Ok(value),
            Err(Letter::Run(target)) => target.run_here(),
            // It may have finished in this moment.
            Err(Letter::Deadlock) => {
                let mut last = std::task::Context::from_waker(Waker::noop());
                return match future.as_mut().poll(&mut last) {
                    Poll::Ready(value) => Ok(value),
                    Poll::Pending => Err(Deadlock),
                };
            }
        }
    }
}

enum Letter {
    Run(Arc<dyn Target>),
    Deadlock,
}

/// How a worker that waits is asked to do something.
#[derive(Default)]
struct Mail(Mutex<(Option<Letter>, Option<Waker>)>);

impl Mail {
    fn poll(&self, waker: &Waker) -> Poll<Letter> {
        let mut inner = self.0.lock();
        if let Some(letter) = inner.0.take() {
            return Poll::Ready(letter);
        }
        let before = inner.1.replace(waker.clone());
        drop(inner);
        drop(before);
        Poll::Pending
    }

    fn is_empty(&self) -> bool {
        self.0.lock().0.is_none()
    }

    /// Puts a letter in; the thread that waits for it is to be woken when the table is free.
    fn put(&self, letter: Letter) -> Option<Waker> {
        let mut inner = self.0.lock();
        inner.0 = Some(letter);
        inner.1.take()
    }
}

struct Waiting {
    seen: Seen,
    what: Wait,
    mail: Arc<Mail>,
}

/// All workers of the process that wait.
static TABLE: StdMutex<Vec<Waiting>> = StdMutex::new(Vec::new());

fn table() -> MutexGuard<'static, Vec<Waiting>> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A worker's entry in the table, for as long as it waits.
struct Entered<'a>(&'a Arc<Mail>);

impl<'a> Entered<'a> {
    fn new(seen: Seen, what: Wait, mail: &'a Arc<Mail>) -> Self {
        let mut table = table();
        table.push(Waiting { seen, what, mail: Arc::clone(mail) });
        // A letter is there before the table is free again: another worker that looks in between
        // would take this circle for one that is still closed, and its own for one that is not.
        let wakers = open_circles(&table);
        drop(table);
        wakers.into_iter().for_each(Waker::wake);
        Self(mail)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut table = table();
        let at = table.iter().position(|waiting| Arc::ptr_eq(&waiting.mail, self.0));
        let left = at.map(|at| table.remove(at));
        drop(table);
        // It may be the last one that knows of a job, whose destructor is its user's.
        drop(left);
    }
}

/// Has some of the workers that cannot go on do something, until all others can.
fn open_circles(table: &[Waiting]) -> Vec<Waker> {
    let mut wakers = Vec::new();
    loop {
        let stuck = stuck(table);
        let Some((mail, letter)) = remedy(table, &stuck) else { return wakers };
        wakers.extend(mail.put(letter));
    }
}

/// Which of the workers cannot go on unless another one of them does: all, less those that can,
/// until none is left that can.
fn stuck(table: &[Waiting]) -> Vec<bool> {
    let mut stuck: Vec<bool> = table.iter().map(|waiting| waiting.mail.is_empty()).collect();
    loop {
        let free: Vec<usize> = (0..table.len())
            .filter(|&at| stuck[at] && !is_stuck(&table[at].what, table, &stuck))
            .collect();
        if free.is_empty() {
            return stuck;
        }
        free.into_iter().for_each(|at| stuck[at] = false);
    }
}

fn is_stuck(what: &Wait, table: &[Waiting], stuck: &[bool]) -> bool {
    let those =
        || table.iter().zip(stuck).filter(|(_, stuck)| **stuck).map(|(waiting, _)| &waiting.seen);
    let runs = |is_it: &dyn Fn(&Frame) -> bool| those().any(|seen| seen.frames.iter().any(is_it));
    let none_works = |pool: u32| {
        let mut of_pool = those().filter(|seen| seen.pool == pool);
        let Some(first) = of_pool.next() else { return false };
        1 + of_pool.count() >= first.working.working()
    };
    match what {
        Wait::Job(job, target) => match target.waits_in() {
            Some(pool) => none_works(pool),
            None => runs(&|frame| frame.job == *job),
        },
        Wait::Group(group, target) => {
            runs(&|frame| frame.group == *group) || target.waits_in().is_some_and(none_works)
        }
        Wait::Pool(pool) => those().any(|seen| seen.pool == *pool),
        Wait::Acquire(pool) => none_works(*pool),
    }
}

/// What gets one of those that are stuck out of its circle, and who has to do it.
fn remedy<'a>(table: &'a [Waiting], stuck: &[bool]) -> Option<(&'a Mail, Letter)> {
    // The last one first: it is here, and need not be woken.
    let those =
        || table.iter().zip(stuck).rev().filter(|(_, stuck)| **stuck).map(|(waiting, _)| waiting);
    for waiting in those() {
        let (Wait::Job(_, target) | Wait::Group(_, target)) = &waiting.what else { continue };
        let Some(pool) = target.waits_in() else { continue };
        if let Some(runs) = those().find(|other| other.seen.pool == pool) {
            return Some((&runs.mail, Letter::Run(Arc::clone(target))));
        }
    }
    let submits = those().find(|waiting| matches!(waiting.what, Wait::Acquire(_)));
    submits.or_else(|| those().next()).map(|waiting| (&*waiting.mail, Letter::Deadlock))
}

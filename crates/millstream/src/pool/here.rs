//! Which pool's worker this thread is, and the jobs that it runs, each inside of the one before.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use crate::sync::Arc;

/// The jobs that run on a thread.
pub(crate) type Frames = Rc<RefCell<Vec<Frame>>>;

/// How many workers of a pool do not sleep.
pub(crate) trait Working: Send + Sync {
    fn working(&self) -> usize;
}

/// A job that a worker runs, by the addresses of the job and of its group. They name it as long as
/// it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) job: usize,
    pub(crate) group: usize,
}

/// A worker's thread as the table knows it.
pub(crate) struct Seen {
    pub(crate) pool: u32,
    pub(crate) working: Arc<dyn Working>,
    pub(crate) frames: Vec<Frame>,
}

/// A job's frame, for as long as it runs.
pub(crate) struct Framed<'a>(&'a RefCell<Vec<Frame>>);

impl<'a> Framed<'a> {
    #[inline]
    pub(crate) fn enter(frames: &'a RefCell<Vec<Frame>>, frame: Frame) -> Self {
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

/// Whether this thread is a worker of any pool.
pub(crate) fn is_here() -> bool {
    local::is_set()
}

/// Whether this thread is a worker of this pool.
pub(crate) fn is_of(pool: u32) -> bool {
    local::get().is_some_and(|here| here.pool == pool)
}

/// This thread as others see it that wait as well, if it is a worker.
pub(crate) fn seen() -> Option<Seen> {
    let Here { pool, working, frames, .. } = local::get()?;
    let frames = frames.borrow().clone();
    Some(Seen { pool, working, frames })
}

/// What other code on the thread of a worker finds.
#[derive(Clone)]
pub(crate) struct Here {
    pub(crate) pool: u32,
    pub(crate) working: Arc<dyn Working>,
    pub(crate) frames: Frames,
    pub(crate) home: Rc<dyn Any>,
}

/// Notes whose worker this thread is, or that it is none any more.
pub(crate) fn set(here: Option<Here>) {
    local::set(here);
}

/// Whose worker this thread is.
pub(crate) fn get() -> Option<Here> {
    local::get()
}

#[cfg(not(loom))]
mod local {
    use std::cell::RefCell;

    use crate::pool::here::Here;

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
mod local {
    use crate::pool::here::Here;

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

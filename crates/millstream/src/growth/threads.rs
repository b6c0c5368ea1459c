//! What the system knows of a thread that the library does not: whether it runs, or waits for
//! something.
//!
//! Only Linux is asked. Elsewhere all threads count as waiting, so that a pool or a stage grows to
//! its maximum even if its workers compute.

use slab::Slab;

use crate::sync::{Arc, Mutex};

/// The threads of one pool or stage.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    ids: Mutex<Slab<ThreadId>>,
}

impl Threads {
    /// Registers the calling thread until the guard is dropped.
    pub(crate) fn register(self: &Arc<Self>) -> Registered {
        let key = ThreadId::current().map(|id| self.ids.lock().insert(id));
        Registered { threads: Arc::clone(self), key }
    }

    /// How many of them have a core or would take one; not counted further than to `enough`.
    pub(crate) fn running(&self, enough: usize) -> usize {
        // Copied first: the system is not asked under the lock.
        let ids: Vec<ThreadId> = self.ids.lock().iter().map(|(_, id)| *id).collect();
        ids.into_iter().filter(|id| id.wants_to_run()).take(enough).count()
    }
}

/// A thread's entry among its pool's or stage's threads.
#[derive(Debug)]
#[must_use = "the thread is registered for as long as the guard lives"]
pub(crate) struct Registered {
    threads: Arc<Threads>,
    key: Option<usize>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.threads.ids.lock().remove(key);
        }
    }
}

/// A thread, as the system numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ThreadId(u32);

#[cfg(all(target_os = "linux", not(loom)))]
impl ThreadId {
    /// The thread that asks; `None` where the system does not answer.
    fn current() -> Option<Self> {
        // The link reads `1234/task/1240`.
        let link = std::fs::read_link("/proc/thread-self").ok()?;
        link.file_name()?.to_str()?.parse().ok().map(Self)
    }

    /// Whether it has a core or would take one. False when it waits, has finished, or cannot be
    /// asked.
    fn wants_to_run(self) -> bool {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/self/task/{}/stat", self.0)) else {
            return false;
        };
        // `1240 (name) R ...`, where the name may hold anything.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
    }
}

#[cfg(not(all(target_os = "linux", not(loom))))]
impl ThreadId {
    fn current() -> Option<Self> {
        None
    }

    fn wants_to_run(self) -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux", not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_asks_for_itself_runs_until_it_is_no_longer_registered() {
        let threads = Arc::new(Threads::default());
        let here = threads.register();
        assert_eq!(threads.running(8), 1);
        assert_eq!(threads.running(0), 0);
        drop(here);
        assert_eq!(threads.running(8), 0);
        assert!(!ThreadId(u32::MAX).wants_to_run());
    }
}

//! How many threads the library starts in this process at most.
//!
//! A thread that the system cannot start is an error, and the caller lives with it. But Linux also
//! bounds the memory maps of a process, and a new thread that finds none left for its signal stack
//! aborts the process, where nobody can catch it. So the library stops well before that.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Maps of a thread's stack, of its signal stack and of a guard page below each.
const MAPS: usize = 4;
/// Threads in this process that have a permit.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// The right to have one more thread; to be held by the thread for its life.
#[derive(Debug)]
#[must_use = "the permit ends when it is dropped"]
pub(crate) struct Permit(());

impl Permit {
    /// # Errors
    /// When the process has as many threads as its memory maps allow.
    pub(crate) fn new() -> io::Result<Self> {
        let permit = Self(());
        // Only the number counts; nothing is published by it.
        let before = THREADS.fetch_add(1, Ordering::Relaxed);
        if before < most_threads() { Ok(permit) } else { Err(refused(before.saturating_add(1))) }
    }

    /// Checks a number of threads before the first of them is started.
    ///
    /// # Errors
    /// The pool can never have that number of permits.
    pub(crate) fn check(threads: usize) -> io::Result<()> {
        if threads <= most_threads() { Ok(()) } else { Err(refused(threads)) }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

fn refused(threads: usize) -> io::Error {
    let most = most_threads();
    io::Error::new(
        io::ErrorKind::OutOfMemory,
        format!("{threads} threads, and the memory maps of a process are enough for {most}"),
    )
}

/// How many threads with a permit there may be: half of what the memory maps allow, the other half
/// is for the rest of the process. No bound where the system names none.
pub(crate) fn most_threads() -> usize {
    use std::sync::OnceLock;
    static MOST: OnceLock<usize> = OnceLock::new();
    *MOST.get_or_init(|| {
        let maps = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok();
        let maps: Option<usize> = maps.and_then(|text| text.trim().parse().ok());
        maps.map_or(usize::MAX, |maps| (maps / MAPS / 2).max(1))
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_process_can_have_any_number_of_threads_and_one_more_is_fine() {
        let _one = Permit::new().expect("there are few");
        assert!(Permit::check(1).is_ok());
        if cfg!(target_os = "linux") {
            let error = Permit::check(usize::MAX).unwrap_err();
            assert!(error.to_string().ends_with(&most_threads().to_string()), "{error}");
        }
    }
}

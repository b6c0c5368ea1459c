//! What the system knows of a thread that the library does not: whether it runs, or waits for something.

/// A thread, as the system numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThreadId(u32);

#[cfg(all(target_os = "linux", not(loom)))]
impl ThreadId {
    /// The thread that asks; `None` where the system does not tell.
    pub(crate) fn current() -> Option<Self> {
        // The link reads `1234/task/1240`.
        let link = std::fs::read_link("/proc/thread-self").ok()?;
        link.file_name()?.to_str()?.parse().ok().map(Self)
    }

    /// Whether it has a core or would take one. False when it waits, has ended, or cannot be asked.
    pub(crate) fn wants_to_run(self) -> bool {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/self/task/{}/stat", self.0)) else {
            return false;
        };
        // `1240 (name) R ...`, where the name may hold anything.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
    }
}

#[cfg(not(all(target_os = "linux", not(loom))))]
impl ThreadId {
    pub(crate) fn current() -> Option<Self> {
        None
    }

    pub(crate) fn wants_to_run(self) -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux", not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_asks_for_itself_runs() {
        let id = ThreadId::current().expect("Linux tells");
        assert!(id.wants_to_run());
        assert!(!ThreadId(u32::MAX).wants_to_run());
    }
}

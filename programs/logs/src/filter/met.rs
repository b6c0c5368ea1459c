//! Whether any record had what a filter asks for at all: a level, a time.
//!
//! It counts nothing, and costs an update for each block.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by all clones of a filter. The flags only ever become true, and order nothing else, so
/// they are relaxed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Met(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    level_asked: AtomicBool,
    level: AtomicBool,
    time_asked: AtomicBool,
    time: AtomicBool,
}

/// What one scanner met.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MetHere {
    pub(crate) level_asked: bool,
    pub(crate) level: bool,
    pub(crate) time_asked: bool,
    pub(crate) time: bool,
}

impl Met {
    pub(crate) fn add(&self, here: MetHere) {
        let Flags { level_asked, level, time_asked, time } = &*self.0;
        let pairs = [
            (level_asked, here.level_asked),
            (level, here.level),
            (time_asked, here.time_asked),
            (time, here.time),
        ];
        // Not written when it is so already: scanners share the cache line.
        for (flag, _) in
            pairs.into_iter().filter(|(flag, met)| *met && !flag.load(Ordering::Relaxed))
        {
            flag.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn none_had_level(&self) -> bool {
        self.0.level_asked.load(Ordering::Relaxed) && !self.0.level.load(Ordering::Relaxed)
    }

    pub(crate) fn none_had_time(&self) -> bool {
        self.0.time_asked.load(Ordering::Relaxed) && !self.0.time.load(Ordering::Relaxed)
    }
}

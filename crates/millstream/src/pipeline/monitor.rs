//! `Monitor`: looks at a run from outside while it is on its way.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::run::Run;
use crate::{Report, Snapshot};

/// A view of a run for progress bars and dashboards: cheap to clone, it holds nothing up.
///
/// # Examples
/// ```
/// use millstream::{Context, Monitor, Pipeline};
/// let monitor = Monitor::new();
/// let (mut seen, looks) = (None, monitor.clone());
/// Pipeline::from_iter(1..=3).monitor(&monitor).for_each(&Context::new(), |_| seen = looks.snapshot())?;
/// let stages = seen.expect("the run was on its way").stages;
/// assert_eq!(stages.last().expect("the sink is the last").account.name, "sink");
/// assert!(monitor.snapshot().is_none(), "the run has finished");
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Monitor {
    run: Arc<Mutex<Weak<Run>>>,
}

impl Monitor {
    /// A monitor of nothing yet; give it to [`Pipeline::monitor`](crate::Pipeline::monitor). Given
    /// to a second run, it shows that one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn watch(&self, run: &Arc<Run>) {
        *self.run.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(run);
    }

    /// What goes on now; none before the run began and after it ended.
    ///
    /// Each thread adds its counts about once a millisecond, so the stages are not of one instant.
    /// What has reached the end is counted within a burst of 50 microseconds, and an open wait at
    /// once.
    ///
    /// # Cost
    /// A lock that runs take only when they begin, and a few loads a stage.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        Some(self.run()?.snapshot())
    }

    /// The same as the account alone: what the run's report would say if it ended now.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        Some(self.run()?.report())
    }

    fn run(&self) -> Option<Arc<Run>> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }
}

//! The wiring: URLs go out from the frontier to workers, and what came of them comes back to it,
//! with new URLs.
//!
//! ```text
//!   coordinator (a thread: the frontier, the only one who writes)
//!     │ takes URLs of hosts that want some           ▲ one transaction: pages, "done", new URLs "seen"
//!     ▼                                              │
//!   schedule (in memory, under a lock: politeness) ──┤
//!     │ what may be asked now                        │
//!     ▼                                              │
//!   workers (tasks): fetch robots.txt, or visit a URL ───┘ by a channel, which holds them back
//! ```
//!
//! A URL is in flight from the moment the coordinator takes it until the coordinator has committed
//! what came of it; the links that it led to are pending in that same commit. So the crawl has
//! finished exactly when nothing is in flight and nothing is pending, and only the coordinator has
//! to know.

mod account;
mod aim;
mod coordinator;
mod dispatch;
mod event;
mod failed;
mod fetch_robots;
mod follow;
mod leases;
mod open;
mod progress;
mod robots_rules;
mod shared;
mod starts;
mod visit;
mod words;

use std::convert::Infallible;
use std::sync::Arc;

use millstream::{Cause, channel, scope, task_scope};

use crate::config::{Config, Place};
use crate::outcome::{Ended, Outcome, StartError};
use coordinator::Coordinator;
use shared::Shared;

pub use progress::{Now, Progress};

/// Results that may wait for the coordinator. Beyond it, workers wait.
const RESULTS: usize = 1_024;

/// When to stop a run, and how far it is.
pub type Control = connect::Control<Progress>;

/// Crawls what `config` names, and returns what became of it. It blocks, and is not called inside
/// of a tokio runtime.
///
/// # Errors
/// Only what keeps the run from beginning. A URL that gives no page is a row like the others, and
/// counted.
pub fn run(config: &Config, control: &Control) -> Result<Outcome, StartError> {
    open::check(config)?;
    let starts = starts::read(config)?;
    // Cancelled with the caller's, and when the frontier can keep nothing more.
    let ctx = control.ctx.child();
    let accepting = ctx.child();
    let stop = accepting.clone();
    let _drained = control.drain.on_cancel(move |cause| {
        stop.cancel(cause.clone());
    });
    let opened = open::open(config, &ctx, &starts)?;
    let runtime = open::runtime()?;
    let (notify, notified) = channel(1);
    let (reported, results) = channel(RESULTS);
    let shared = Arc::new(Shared::new(config, &ctx, accepting, opened.client, notify, &starts));
    let sharing = matches!(config.frontier, Place::Postgres(_)).then_some(config.workers);
    let coordinator = Coordinator::new(
        Arc::clone(&shared),
        opened.frontier,
        opened.warc,
        control.progress.clone(),
        sharing,
    );
    let mut state = None;
    // What goes wrong in a thread is reported by the coordinator or by the panic's own error; the
    // scope only joins.
    let joined = scope::<_, Infallible, _>(&ctx.detached(), |s| {
        let place = &mut state;
        let last = Last(Arc::clone(&shared));
        s.spawn("coordinator", move |_| {
            let _ends_the_others = last;
            *place = Some(coordinator.run(&results, &starts));
            Ok(())
        });
        if let Some(checkpointer) = opened.checkpointer {
            let until = shared.finished.clone();
            s.spawn("checkpointer", move |_| {
                // Without it the frontier empties its log itself.
                let _emptied_elsewhere = checkpointer.run(&until);
                Ok(())
            });
        }
        // The coordinator ends when nobody is left to report anything to it.
        Ok(runtime.block_on(work(&shared, config.workers, notified, reported)))
    });
    let panicked = match joined {
        Ok(Ok(())) => None,
        Ok(Err(panic)) => Some(panic),
        Err(error) => Some(error.to_string()),
    };
    drop(runtime);
    let mut state = state.unwrap_or_default();
    state.problems.splice(0..0, opened.problems);
    if let Some(panic) = panicked {
        state.failed.get_or_insert(panic);
    }
    let ended = match (state.failed.take(), control.ctx.cause().or_else(|| control.drain.cause())) {
        (Some(failed), _) => Some(Ended::Failed(failed)),
        (None, _) if state.reader_left => Some(Ended::ReaderLeft),
        (None, Some(cause)) if !state.is_finished => Some(Ended::Cancelled(cause)),
        _ => state.spent.then_some(Ended::Enough),
    };
    Ok(account::close(config, state, &shared, ended))
}

/// When the coordinator has finished, well or by a panic, the others have nothing more to do.
struct Last(Arc<Shared>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.accepting.cancel(Cause::finished());
        self.0.finished.cancel(Cause::finished());
    }
}

/// The dispatcher and the workers, until there is nothing more to do.
async fn work(
    shared: &Arc<Shared>,
    workers: usize,
    notified: millstream::channel::Receiver<()>,
    reported: millstream::channel::Sender<event::Event>,
) -> Result<(), String> {
    // Before anything is asked for, so that the coordinator knows of it before it can think that
    // nothing is left.
    fetch_robots::guess(shared, &reported).await;
    // The tasks end by themselves when the run's contexts are cancelled, and report what they know
    // before.
    let ctx = shared.ctx.detached();
    let ended = task_scope::<_, Infallible, _>(&ctx, async move |tasks| {
        let (steps, jobs) = channel(1);
        let dispatcher = Arc::clone(shared);
        tasks.spawn("dispatcher", async move {
            dispatch::dispatch(&dispatcher, &notified, &steps).await;
            Ok(())
        });
        for number in 1..=workers.max(1) {
            let (shared, jobs, reported) = (Arc::clone(shared), jobs.clone(), reported.clone());
            tasks.spawn(format!("worker {number}"), async move {
                dispatch::work(&shared, &jobs, &reported).await;
                Ok(())
            });
        }
        Ok(())
    });
    ended.await.map_err(|error| error.to_string())
}

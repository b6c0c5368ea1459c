//! The loop that a worker's thread is in, and what a thread does that waits for its own pool.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use super::core::{Core, Shared};
use super::group_state::GroupState;
use super::here::{self, Frame, Framed, Here, Working};
use super::idle::Idle;
use super::job_queue::{Entry, Occupied};
use super::local_queue::LocalQueue;
use super::outcome::Ended;
use super::state::Turn;
use super::worker::{self, Home, Worker};
use crate::clock::stopwatch;
use crate::panics;
use crate::park::block_on;
use crate::sync::Arc;

/// A worker's thread.
struct Thread<S> {
    core: Arc<Core<S>>,
    home: Rc<Home<S>>,
    local: Arc<LocalQueue<Shared<S>>>,
}

/// The thread's life: job after job, until the pool lets it go.
pub(crate) fn live<S: 'static>(core: Arc<Core<S>>, number: usize) {
    let counters = core.counter_set.of(number);
    let _registered = core.os_threads.register();
    let local = Arc::new(LocalQueue::new());
    core.change(|state, _| state.slot(number, Arc::clone(&local)));
    let frames = Rc::new(RefCell::new(Vec::new()));
    let (about, init) = (Arc::clone(&core.about), Arc::clone(&core.init));
    let home = Rc::new(Home { about, init, number, counters, frames });
    let thread = Thread { core, home, local };
    here::set(Some(Here {
        pool: thread.core.about.id,
        working: Arc::clone(&thread.core) as Arc<dyn Working>,
        frames: Rc::clone(&thread.home.frames),
        home: Rc::clone(&thread.home) as Rc<dyn Any>,
    }));
    let name = &thread.core.about.name;
    let (mut state, mut ended) = (None, None);
    // Only a destructor of a user panics here, of a job or of a result that nobody took. The hook
    // has reported it.
    while panics::catch(name, || work(&thread, &mut state, &mut ended)).is_err() {}
    // A worker's state is the user's, too.
    drop(panics::catch(name, || drop(state)));
    here::set(None);
    thread.core.counter_set.leave(thread.home.number);
}

fn work<S: 'static>(
    thread: &Thread<S>,
    state: &mut Option<S>,
    ended: &mut Option<Occupied<Shared<S>>>,
) {
    loop {
        if let Some(entry) = thread.local.pop() {
            // It is busy already: its local queue occupies nothing else.
            run(&thread.core, &thread.home, state, entry);
            continue;
        }
        let last = ended.take();
        let turn = match thread.core.next(thread.home.number, last.as_ref()) {
            Turn::Wait | Turn::Search => block_on(Idle::new(&thread.core, thread.home.number)),
            turn => turn,
        };
        drop(last);
        let Turn::Run(entry) = turn else { return };
        *ended = Some(Occupied { group: entry.group.clone(), weight: entry.weight });
        run(&thread.core, &thread.home, state, entry);
    }
}

fn run<S: 'static>(core: &Core<S>, home: &Home<S>, state: &mut Option<S>, entry: Entry<Shared<S>>) {
    let Entry { job, group, since, .. } = entry;
    let started = since.map(|_| stopwatch());
    let ctx = group.as_ref().map_or(&home.about.ctx, |group| &group.ctx);
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
        core.time(&home.counters, started.saturating_duration_since(since), started.elapsed());
    }
}

/// Runs what waits of this group, if this thread is a worker of its pool: it is about to wait for
/// the group's end.
pub(crate) fn help<S: 'static>(core: &Arc<Core<S>>, group: &Arc<GroupState<Shared<S>>>) {
    let Some(home) = worker::home::<S>(core.about.id) else { return };
    while let Some(entry) = core.change(|state, _| state.take_of(group)) {
        let ended = Occupied { group: Some(Arc::clone(group)), weight: entry.weight };
        // What panics here is a destructor of the user's, which the hook has reported.
        drop(panics::catch(&core.about.name, || run(core, &home, &mut None, entry)));
        core.finish(&ended);
    }
}

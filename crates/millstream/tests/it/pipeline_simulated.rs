//! Work whose cost is simulated: an item is at work until the simulated time has come to its end,
//! and that goes on only when nobody is idle beside an item that might start. It does not know what
//! the pipeline looks like.
//!
//! No thread of its own drives the time: whichever call changes something looks whether it may go
//! on. A worker that stays idle beside an item so is a time that stands still, which the watchdog
//! reports together with all that happened.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use millstream::{Clock, Context};

use crate::pipeline_support::spin;

/// A real time in which nothing that works lets the simulated time stand still.
const STANDS: Duration = Duration::from_secs(10);
/// A first item of this length is taken for a slow one: longer than the system lets a thread wait.
const SLOW: Duration = Duration::from_millis(25);
/// How long one tick of the simulated time is on the clock.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// What ends a run early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Never,
    /// The run is cancelled at that time, in ticks.
    Cancel(u64),
    Deadline(u64),
    /// This item fails.
    Failure(u64),
}

/// What is simulated, and what is asked of the pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// For each item of the stage: what it costs, in ticks, and how many results it gives.
    pub(crate) items: Vec<(u64, u64)>,
    /// As many items run at the same time as may start.
    pub(crate) workers: usize,
    /// The first item is at work alone, and is really slow.
    pub(crate) first_alone: bool,
    /// One worker is the thread of the end.
    pub(crate) is_fused: bool,
    /// Items that may be ahead of the end, if that has a bound.
    pub(crate) buffer: Option<u64>,
    pub(crate) ordered: bool,
    /// Results that are wanted, if their number is limited.
    pub(crate) wants: Option<u64>,
    /// Whether results reach the end while other items are at work.
    pub(crate) results_leave: bool,
    /// The number of ticks that the end spends on a result.
    pub(crate) end_costs: u64,
    /// Whether the end takes results from the stage itself, with no buffer between them.
    pub(crate) end_is_next: bool,
    pub(crate) ending: Ending,
    /// What an item really costs, in rounds of [`spin`].
    pub(crate) rounds: u64,
}

#[derive(Debug, Default)]
struct State {
    now: u64,
    /// Items at work, and when they end.
    running: BTreeMap<u64, u64>,
    started: Vec<bool>,
    finished: Vec<bool>,
    seen: u64,
    /// Until when the end is at work.
    end_until: Option<u64>,
    /// What ends the run early has happened, so nothing may start.
    is_finished: bool,
    /// Nobody is kept any longer.
    is_free: bool,
    is_moving: bool,
    broken: Option<String>,
    log: Vec<String>,
}

/// The simulated time and what is at work in it.
#[derive(Debug)]
pub(crate) struct Simulated {
    pub(crate) rules: Rules,
    ctx: Context,
    clock: Clock,
    state: Mutex<State>,
    moves: Condvar,
}

/// What happened.
#[derive(Debug)]
pub(crate) struct Happened {
    pub(crate) started: u64,
    /// Of those: give no result.
    pub(crate) without: u64,
    pub(crate) is_finished: bool,
    /// A promise that was broken, and the log.
    pub(crate) broken: Option<String>,
}

impl Simulated {
    /// `ctx` is cancelled where the rules say so; its clock is a manual one.
    pub(crate) fn new(rules: Rules, ctx: &Context) -> Self {
        let none = vec![false; rules.items.len()];
        let state = State { started: none.clone(), finished: none, ..State::default() };
        let (ctx, clock) = (ctx.clone(), ctx.clock().clone());
        Self { rules, ctx, clock, state: Mutex::new(state), moves: Condvar::new() }
    }

    /// Works on an item: returns when its time has come. `ctx` is that of the part of the run that
    /// works on it.
    pub(crate) fn work(&self, ctx: &Context, item: u64) {
        if item == 0 && self.rules.first_alone {
            let real = Clock::real();
            let until = real.now() + SLOW;
            while real.now() < until {}
        }
        spin(self.rules.rounds);
        let mut state = self.state.lock().unwrap();
        let at = item as usize;
        state.log(format!("{item} starts on {:?}", std::thread::current().id()));
        self.check_start(&mut state, item);
        state.started[at] = true;
        let until = state.now + self.rules.items[at].0;
        let ends_the_run = self.rules.ending == Ending::Failure(item);
        if state.is_finished || state.is_free || (until == state.now && !ends_the_run) {
            state.finish(item);
            drop(self.go_on(state));
            return;
        }
        state.running.insert(item, until);
        state = self.go_on(state);
        while state.running.contains_key(&item) {
            if state.is_finished && ctx.is_cancelled() {
                state.finish(item);
                break;
            }
            state = self.wait(state);
        }
        // The end may have had to wait for this one.
        drop(self.go_on(state));
    }

    fn check_start(&self, state: &mut State, item: u64) {
        let Rules { buffer, ordered, end_is_next, ending, .. } = self.rules;
        if state.started[item as usize] {
            state.breaks("it was started before");
        }
        // One thread alone looks for the end between two bursts, not between two items.
        let looks =
            self.rules.workers > 1 || !self.rules.is_fused || matches!(ending, Ending::Failure(_));
        if state.is_finished && looks {
            state.breaks("it was started after the end of the run was seen");
        }
        if let Some(buffer) = buffer
            && (item >= state.taken(ordered) + buffer
                || (end_is_next && item >= state.seen + 2 * buffer))
        {
            let (taken, seen) = (state.taken(ordered), state.seen);
            state.breaks(&format!(
                "it was started too far ahead of the end: {taken} were done, {seen} seen"
            ));
        }
    }

    /// The end of the pipeline takes a result.
    pub(crate) fn see(&self, result: u64) {
        let mut state = self.state.lock().unwrap();
        state.log(format!("the end sees {result}"));
        state.seen += 1;
        if self.rules.wants == Some(state.seen) {
            self.free(&mut state);
        }
        if self.rules.end_costs > 0 && !state.is_free {
            state.end_until = Some(state.now + self.rules.end_costs);
        }
        state = self.go_on(state);
        while state.end_until.is_some() {
            state = self.wait(state);
        }
    }

    pub(crate) fn happened(&self) -> Happened {
        let state = self.state.lock().unwrap();
        let items = || state.started.iter().zip(&self.rules.items).filter(|(started, _)| **started);
        Happened {
            started: items().count() as u64,
            without: items().filter(|(_, (_, results))| *results == 0).count() as u64,
            is_finished: state.is_finished,
            broken: state
                .broken
                .as_ref()
                .map(|broken| format!("{broken}\n{}", state.log.join("\n"))),
        }
    }

    /// Waits until the time goes on, or a while if the run has finished: then it may be the context
    /// that ends the wait.
    fn wait<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let polls = state.is_finished;
        let limit = if polls { TICK } else { STANDS };
        let (mut state, waited) = self.moves.wait_timeout(state, limit).unwrap();
        if waited.timed_out() && !polls && !state.is_finished {
            let asked = self.rules.startable(&state).min(self.rules.workers as u64);
            let (at_work, seen, ready) =
                (state.running.len(), state.seen, self.rules.ready(&state));
            state.breaks(&format!(
                "the time stands still: {at_work} at work, {asked} might start, the end has seen {seen} of {ready}"
            ));
            self.free(&mut state);
        }
        state
    }

    /// Keeps nobody any longer.
    fn free(&self, state: &mut State) {
        state.is_free = true;
        state.end_until = None;
        let running: Vec<u64> = state.running.keys().copied().collect();
        running.into_iter().for_each(|item| state.finish(item));
        self.moves.notify_all();
    }

    /// Lets the time go on for as long as nobody is idle who might work.
    fn go_on<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        while !state.is_moving
            && self.rules.may_go_on(&state)
            && let Some(to) = state.next()
        {
            state.is_moving = true;
            let ends = match self.rules.ending {
                Ending::Cancel(at) | Ending::Deadline(at) => to >= at,
                Ending::Failure(item) => state.running.get(&item).is_some_and(|end| *end <= to),
                Ending::Never => false,
            };
            state.is_finished = ends;
            let by = to - state.now;
            state.log(format!("at {to}{}", if ends { " the run ends" } else { "" }));
            // What waits for the clock or for the context runs in these calls.
            drop(state);
            self.clock.advance(TICK * u32::try_from(by).unwrap());
            if ends && matches!(self.rules.ending, Ending::Cancel(_)) {
                self.ctx.cancel("planned");
            }
            state = self.state.lock().unwrap();
            state.now = to;
            state.is_moving = false;
            self.release(&mut state);
            self.moves.notify_all();
        }
        state
    }

    /// Ends what ends now. When one item fails, the others go on until their part of the run is
    /// cancelled by that.
    fn release(&self, state: &mut State) {
        let now = state.now;
        let due = |item: &u64, end: u64| match (state.is_finished, self.rules.ending) {
            (true, Ending::Failure(failing)) => *item == failing,
            (over, _) => over || end <= now,
        };
        let due: Vec<u64> = state
            .running
            .iter()
            .filter(|(item, end)| due(item, **end))
            .map(|(item, _)| *item)
            .collect();
        due.into_iter().for_each(|item| state.finish(item));
        if state.is_finished || state.end_until.is_some_and(|until| until <= now) {
            state.end_until = None;
        }
    }
}

impl Rules {
    /// Whether nothing that could happen now has not.
    fn may_go_on(&self, state: &State) -> bool {
        if state.is_finished || state.is_free {
            return false;
        }
        let end_waits = state.end_until.is_none();
        if end_waits && self.results_leave && state.seen < self.ready(state) {
            return false;
        }
        let is_alone = self.first_alone && !state.finished.contains(&true)
            || self.is_fused && self.workers == 1;
        let workers = if is_alone { u64::from(end_waits) } else { self.workers as u64 };
        let at_work = state.running.len() as u64;
        at_work >= workers.min(at_work + self.startable(state))
    }

    /// How many results the end could have by now.
    fn ready(&self, state: &State) -> u64 {
        let done = state.finished.iter().zip(&self.items);
        let in_order = done.clone().take_while(|(finished, _)| **finished);
        match self.ordered {
            true => in_order.map(|(_, (_, results))| results).sum(),
            false => done.filter(|(finished, _)| **finished).map(|(_, (_, results))| results).sum(),
        }
    }

    /// How many items that are not started may be, at least.
    fn startable(&self, state: &State) -> u64 {
        let made: u64 = state
            .finished
            .iter()
            .zip(&self.items)
            .filter(|(done, _)| **done)
            .map(|(_, (_, n))| n)
            .sum();
        let wanted = match self.wants {
            Some(wants) if made >= wants => return 0,
            Some(wants) => wants + self.workers as u64,
            None => u64::MAX,
        };
        // An end that is at work has taken what it has seen, and maybe more.
        let taken = if state.end_until.is_some() { state.seen } else { state.taken(self.ordered) };
        let limit = self.buffer.map_or(u64::MAX, |buffer| taken + buffer).min(wanted);
        (0..).zip(&state.started).filter(|(item, started)| *item < limit && !**started).count()
            as u64
    }
}

impl State {
    fn log(&mut self, what: String) {
        self.log.push(format!("{:>6} {what}", self.now));
    }

    fn breaks(&mut self, promise: &str) {
        self.log(format!("BROKEN: {promise}"));
        let last = self.log.last().cloned();
        self.broken = self.broken.take().or(last);
    }

    fn finish(&mut self, item: u64) {
        self.running.remove(&item);
        self.finished[item as usize] = true;
    }

    /// When something happens next.
    fn next(&self) -> Option<u64> {
        self.running.values().copied().chain(self.end_until).min()
    }

    /// How many items the end can have taken the results of, at most.
    fn taken(&self, ordered: bool) -> u64 {
        let finished = self.finished.iter();
        match ordered {
            true => finished.take_while(|done| **done).count() as u64,
            false => finished.filter(|done| **done).count() as u64,
        }
    }
}

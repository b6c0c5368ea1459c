//! The thread that drives a stage's futures: it takes items in, polls what was woken, hands results
//! on.
//!
//! It waits for four things at once: a woken future, the next chunk of the input (only while there
//! is room), room for results, and the end of the stage. With nothing of these it sleeps. What
//! follows the stage has a thread of its own, so futures go on while the consumer is busy.
//!
//! Bounds, with `limit` L: at most L futures in flight; a new one begins only while fewer than L
//! results wait here; fewer than L items, all of them behind an earlier one of the same key, wait
//! for their turn.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::super::counters::Counters;
use super::super::run::Run;
use super::super::thread::Link;
use super::super::window::{Ahead, Next, Piece};
use super::order::Plan;
use crate::clock::stopwatch;
use crate::in_flight::InFlight;
use crate::panics;
use crate::runtime::Reactor;

/// Polls, and new futures, between two looks at the input and the output: each look may wake a
/// thread.
const POLLS: usize = 1_024;
/// Polls between two looks at the clock.
const LOOK_EVERY: usize = 32;
/// How long the reactor waits for its turn while there is work: its timers are no finer, and asking
/// it is expensive.
const TURN: Duration = Duration::from_millis(1);
/// The first `SAMPLES` items are timed, then one in `SAMPLE_EVERY`.
const SAMPLES: u64 = 64;
const SAMPLE_EVERY: u64 = 16;

/// What a stage's thread works with.
pub(super) struct Driver<T, Fut: Future, G, P: Plan<T, Fut::Output>> {
    pub(super) make: G,
    pub(super) plan: P,
    pub(super) limit: usize,
    pub(super) input: Arc<Link<T>>,
    pub(super) output: Arc<Link<Fut::Output>>,
    held: Held<T, Fut, P::Tag>,
    meter: Meter,
}

struct Held<T, Fut: Future, Tag> {
    chunk: VecDeque<T>,
    ended: bool,
    flight: InFlight<Fut, (Tag, Option<Instant>)>,
    out: Vec<Fut::Output>,
    sent: u64,
    started: u64,
    /// Whether one item is in the hands of the user's code, and counted nowhere else.
    in_hand: bool,
}

/// How the stage ended, or why it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Waits,
    GoesOn,
    Complete,
    Stopped,
}

impl<T, Fut, G, P> Driver<T, Fut, G, P>
where
    Fut: Future,
    G: FnMut(T) -> Fut,
    P: Plan<T, Fut::Output>,
{
    pub(super) fn new(
        make: G,
        plan: P,
        limit: usize,
        input: Arc<Link<T>>,
        output: Arc<Link<Fut::Output>>,
    ) -> Self {
        let held = Held {
            chunk: VecDeque::new(),
            ended: false,
            flight: InFlight::new(),
            out: Vec::new(),
            sent: 0,
            started: 0,
            in_hand: false,
        };
        Self { make, plan, limit, input, output, held, meter: Meter::new() }
    }

    /// Runs the stage to its end, and counts what is left then.
    pub(super) fn run(mut self, reactor: &Reactor, stop: &crate::Context) {
        let run = Arc::clone(&self.output.run);
        let mut stopped = stop.cancelled();
        let complete = reactor.block_on(poll_fn(|cx| {
            match self.guarded(&run, |driver| driver.turn(cx, stop)) {
                Some(Step::Complete) => return Poll::Ready(true),
                Some(Step::Stopped) | None => return Poll::Ready(false),
                Some(Step::GoesOn) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Waits) => {}
            }
            Pin::new(&mut stopped).poll(cx).map(|_| false)
        }));
        if !complete {
            self.abandon();
        }
        // Futures and items are user code as well, and may want the reactor when they go.
        if let Err(panic) = panics::catch("pipeline", || reactor.within(|| drop(self))) {
            run.panicked(panic);
        }
    }

    /// A panic in the user's code ends the run; the item in hand counts as failed.
    fn guarded<R>(&mut self, run: &Run, f: impl FnOnce(&mut Self) -> R) -> Option<R> {
        match panics::catch("pipeline", || f(self)) {
            Ok(result) => Some(result),
            Err(panic) => {
                self.counters().failed.fetch_add(u64::from(self.held.in_hand), Ordering::Relaxed);
                Run::panicked_at(self.output.at);
                run.panicked(panic);
                None
            }
        }
    }

    fn counters(&self) -> &Counters {
        self.output.counters()
    }

    /// One round: begins what there is room for, polls what was woken, hands results on.
    fn turn(&mut self, cx: &mut Context<'_>, stop: &crate::Context) -> Step {
        self.meter.turn(self.output.counters(), self.held.flight.len());
        loop {
            if stop.is_cancelled() {
                return Step::Stopped;
            }
            let step = self.begin(cx);
            if step == Step::Stopped {
                return step;
            }
            self.meter.peak(self.output.counters(), self.held.flight.len());
            let polled = self.poll_woken(cx, stop);
            let sent = match self.send(cx) {
                Poll::Ready(Ok(sent)) => sent,
                Poll::Ready(Err(())) => return Step::Stopped,
                Poll::Pending => false,
            };
            if self.is_complete() {
                self.output.window.end(self.held.sent);
                return Step::Complete;
            }
            // Everything that may happen next has this thread's waker now, unless this round has
            // made room.
            if !polled && !sent && step == Step::Waits {
                self.meter.waits(self.held.flight.len() == 0, !self.held.out.is_empty());
                return Step::Waits;
            }
            if self.meter.is_finished() {
                return Step::GoesOn;
            }
        }
    }

    /// Begins futures while there is room, a limited number at a time.
    fn begin(&mut self, cx: &mut Context<'_>) -> Step {
        for _ in 0..POLLS {
            if self.held.flight.len() >= self.limit
                || self.plan.results() + self.held.out.len() >= self.limit
            {
                return Step::Waits;
            }
            if let Some((tag, item)) = self.plan.next() {
                self.held.in_hand = true;
                let future = (self.make)(item);
                self.held.in_hand = false;
                let timed =
                    self.held.started < SAMPLES || self.held.started.is_multiple_of(SAMPLE_EVERY);
                self.held.started += 1;
                self.held.flight.begin((tag, timed.then(stopwatch)), future);
                continue;
            }
            if self.plan.items() >= self.limit {
                return Step::Waits;
            }
            let step = self.take_in(cx);
            if step != Step::GoesOn {
                return step;
            }
        }
        Step::GoesOn
    }

    /// Gives the plan one more item; waits if there is none now, or none any more.
    fn take_in(&mut self, cx: &mut Context<'_>) -> Step {
        if self.held.chunk.is_empty() && !self.held.ended {
            match self.input.window.poll_next(cx) {
                Poll::Pending => return Step::Waits,
                Poll::Ready(Next::Closed) => return Step::Stopped,
                Poll::Ready(Next::End) => self.held.ended = true,
                Poll::Ready(Next::Results(chunk)) => {
                    let items = chunk.len() as u64;
                    self.input.counters().left.fetch_add(items, Ordering::Relaxed);
                    self.counters().entered.fetch_add(items, Ordering::Relaxed);
                    let empty = std::mem::replace(&mut self.held.chunk, chunk);
                    let _nothing_is_left = self.input.window.put_back(empty);
                }
            }
        }
        let Some(item) = self.held.chunk.pop_front() else { return Step::Waits };
        self.held.in_hand = true;
        self.plan.admit(item);
        self.held.in_hand = false;
        Step::GoesOn
    }

    /// Polls what was woken, a limited number of them; whether any was.
    fn poll_woken(&mut self, cx: &mut Context<'_>, stop: &crate::Context) -> bool {
        for polls in 0..POLLS {
            if stop.is_cancelled()
                || (polls % LOOK_EVERY == LOOK_EVERY - 1 && self.meter.is_finished())
            {
                return true;
            }
            self.held.in_hand = true;
            let polled = self.held.flight.poll_one(cx);
            self.held.in_hand = false;
            let Poll::Ready(ended) = polled else { return polls > 0 };
            if let Some(((tag, timed), result)) = ended {
                if let Some(since) = timed {
                    self.counters().sample(since.elapsed());
                }
                self.plan.done(tag, result, &mut self.held.out);
            }
        }
        true
    }

    /// Hands results on if there are any; whether it did. Pending while there is no room for them.
    fn send(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, ()>> {
        if self.held.out.is_empty() {
            return Poll::Ready(Ok(false));
        }
        let window = &self.output.window;
        // One chunk of results is between this thread and the consumer; a second one is gathered
        // here meanwhile.
        let ahead = Ahead { next: self.held.sent, count: 1, room: 1 };
        match window.poll_room(ahead, cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => return Poll::Ready(Err(())),
            Poll::Ready(Some(_)) => {}
        }
        let results = std::mem::replace(&mut self.held.out, window.blank());
        let covers = results.len() as u64;
        match window.put(Piece { start: self.held.sent, covers, results }) {
            Ok(()) => {
                self.held.sent += covers;
                Poll::Ready(Ok(true))
            }
            Err(back) => {
                self.held.out = back.results;
                Poll::Ready(Err(()))
            }
        }
    }

    fn is_complete(&self) -> bool {
        let Held { chunk, ended, flight, out, .. } = &self.held;
        *ended
            && chunk.is_empty()
            && flight.len() == 0
            && out.is_empty()
            && self.plan.items() == 0
            && self.plan.results() == 0
    }

    /// Counts everything that is held as cancelled.
    fn abandon(&self) {
        let Held { chunk, flight, out, .. } = &self.held;
        let held = chunk.len() + flight.len() + out.len() + self.plan.items() + self.plan.results();
        self.counters().cancelled.fetch_add(held as u64, Ordering::Relaxed);
        self.input.abandon();
    }
}

/// Where the stage's time goes. Work is the time of all futures in flight together, so that work by
/// the highest number in flight shows how busy the stage was.
struct Meter {
    since: Instant,
    starved: bool,
    stalled: bool,
    peak: usize,
}

impl Meter {
    fn new() -> Self {
        Self { since: stopwatch(), starved: true, stalled: false, peak: 0 }
    }

    /// Adds the time since the last turn, by what the stage was doing.
    fn turn(&mut self, counters: &Counters, in_flight: usize) {
        let now = stopwatch();
        let took = now.duration_since(self.since);
        self.since = now;
        let add = |cell: &std::sync::atomic::AtomicU64, time: Duration| {
            cell.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        };
        if in_flight > 0 {
            add(
                &counters.busy_ns,
                took.saturating_mul(u32::try_from(in_flight).unwrap_or(u32::MAX)),
            );
        } else if self.stalled {
            add(&counters.wait_out_ns, took);
        } else if self.starved {
            add(&counters.wait_in_ns, took);
        }
        (self.starved, self.stalled) = (false, false);
    }

    /// Whether this turn has taken long enough.
    fn is_finished(&self) -> bool {
        self.since.elapsed() > TURN
    }

    fn waits(&mut self, starved: bool, stalled: bool) {
        (self.starved, self.stalled) = (starved, stalled);
    }

    fn peak(&mut self, counters: &Counters, in_flight: usize) {
        if in_flight > self.peak {
            self.peak = in_flight;
            counters.workers.store(in_flight, Ordering::Relaxed);
        }
    }
}

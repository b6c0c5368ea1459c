//! When more workers would help, and when there are too many: one judgement for
//! [`Pool`](crate::Pool) and for the `parallel` stage of a pipeline, which both grow between a
//! minimum and a maximum.
//!
//! It only judges. Its owner counts what waits, starts and stops the workers, and arranges the next
//! look. Below the minimum no question is asked.
//!
//! Two rules hold whatever the range is:
//! - Workers that compute never exceed the cores: more of them would only take turns.
//! - Beyond the cores there are more workers only while those that exist wait for something else
//!   (a disk, a network, a lock), which the system reports thread by thread (see [`Threads`]).
//!
//! It looks a moment after the first work waits and not at once: most of it has been taken by then,
//! and a thread costs as much as many small jobs.

use std::time::{Duration, Instant};

mod permit;
mod threads;

pub(crate) use permit::Permit;
pub(crate) use threads::{Registered, Threads};

/// From the first work that waits to the first look, and from a look that started workers to the
/// next.
pub(crate) const FIRST_LOOK: Duration = Duration::from_micros(200);
/// Between two looks of which the first changed nothing.
const NEXT_LOOK: Duration = Duration::from_millis(1);
/// The same when there are as many workers as cores: what they do is expensive to find out.
const BUSY_LOOK: Duration = Duration::from_millis(4);
/// To ask the system for one thread takes about 10 microseconds. Looks that grow may cost half of
/// the time of the thread that looks, for a moment; looks that change nothing a fiftieth.
const GROWING: Duration = Duration::from_micros(20);
const STEADY: Duration = Duration::from_micros(500);
/// Work that will be taken within this needs no other worker.
const SOON: Duration = Duration::from_millis(1);
/// A core must be found free in this many looks in a row before workers beyond the cores are
/// started. A single look may meet a computing thread in the microsecond in which it waits for a
/// lock, or in the milliseconds if the system has interrupted who holds it.
const FREE_LOOKS: u32 = 3;
/// How long the computing workers must exceed the cores before some of them are surplus. Workers
/// that wait part of their time exceed the cores now and then, but not in all looks of such a time.
const SURPLUS_AFTER: Duration = Duration::from_millis(50);
/// How long no thread is started after the system has refused one.
const REFUSED: Duration = Duration::from_secs(1);

/// What a look sees of a pool or of a stage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// Jobs, items or chunks that wait for a worker.
    pub(crate) waiting: usize,
    /// Workers that do not sleep for want of work.
    pub(crate) working: usize,
    /// Of those: have nothing in hand, because they were just started or woken. Each will take
    /// something of what waits, and may compute, though the system does not know it as running yet.
    pub(crate) coming: usize,
    /// Workers that stay whatever they do.
    pub(crate) least: usize,
    /// Workers that there may be; it may be `usize::MAX`.
    pub(crate) most: usize,
    /// How much of what waited was taken since the look before, or since the first one was asked
    /// for.
    pub(crate) served: u64,
}

/// What a look concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Workers to start, or to wake.
    pub(crate) start: usize,
    /// Surplus workers: this many are to leave when they have done what they have in hand. A total:
    /// one that is still on its way out counts again in the next verdict that has some.
    pub(crate) leave: usize,
    /// When to look again; `None`: not until work finds nobody free the next time.
    pub(crate) again: Option<Duration>,
}

impl Verdict {
    const QUIET: Self = Self { start: 0, leave: 0, again: None };

    fn wait(again: Duration) -> Self {
        Self { again: Some(again), ..Self::QUIET }
    }
}

/// What is remembered from look to look: one for each pool or stage.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    /// When the look before was.
    at: Option<Instant>,
    /// Looks in a row that found a core free beside all workers.
    free_looks: u32,
    /// Since when all looks have found more computing workers than cores.
    crowded_since: Option<Instant>,
    /// Until when no thread is started, because the system has refused one.
    refused_until: Option<Instant>,
}

impl Growth {
    /// Judges by how much waits and how fast it is taken.
    ///
    /// `running` returns how many of the workers have a core or want one, counted up to its
    /// argument; it is called last and only where the answer matters, because it asks the system.
    pub(crate) fn judge(
        &mut self,
        view: &View,
        now: Instant,
        running: impl FnOnce(usize) -> usize,
    ) -> Verdict {
        self.judge_on(cores(), view, now, running)
    }

    /// The system has refused a thread: for a second no other one is started.
    pub(crate) fn refused(&mut self, now: Instant) {
        self.refused_until = Some(now + REFUSED);
    }

    fn judge_on(
        &mut self,
        cores: usize,
        view: &View,
        now: Instant,
        running: impl FnOnce(usize) -> usize,
    ) -> Verdict {
        let View { waiting, working, coming, least, most, served } = *view;
        let may_be_surplus = working > cores.max(least);
        if waiting == 0 || (working >= most && !may_be_surplus) {
            *self = Self { refused_until: self.refused_until, ..Self::default() };
            return Verdict::QUIET;
        }
        let before = self.at.replace(now).map(|at| now.saturating_duration_since(at));
        let soon = will_soon_be_taken(waiting, served, before.unwrap_or(FIRST_LOOK));
        if (soon || waiting <= coming) && !may_be_surplus {
            return Verdict::wait(NEXT_LOOK);
        }
        if working < cores {
            return self.grow(view, working, now);
        }
        let computing = running(cores.saturating_mul(2)) + coming;
        if computing >= cores {
            self.free_looks = 0;
            let leave = self.surplus(computing - cores, view, now);
            return Verdict { leave, ..Verdict::wait(apart(BUSY_LOOK, STEADY, working)) };
        }
        self.crowded_since = None;
        self.free_looks += 1;
        if soon || waiting <= coming || working >= most {
            return Verdict::wait(apart(BUSY_LOOK, STEADY, working));
        }
        if self.free_looks < FREE_LOOKS {
            return Verdict::wait(apart(NEXT_LOOK, GROWING, working));
        }
        let free = cores - computing;
        let step = match computing {
            0 => working,
            // Half as many as would use the free cores if they compute as often as the others do;
            // and no fewer than there are cores free, even if those should only compute.
            _ => free.max(working.saturating_mul(free) / (2 * computing)),
        };
        self.grow(view, step, now)
    }

    /// Twice as many at each look: a burst has the most after a few, and a short one starts few.
    fn grow(&self, view: &View, step: usize, now: Instant) -> Verdict {
        if let Some(until) = self.refused_until
            && now < until
        {
            return Verdict::wait(until - now);
        }
        let missing = view.most - view.working;
        let start = step.min(view.waiting - view.coming).min(missing).max(1);
        let again = (start < missing).then(|| apart(FIRST_LOOK, GROWING, view.working));
        Verdict { start, leave: 0, again }
    }

    /// How many workers are surplus, when `more` of them compute than there are cores.
    fn surplus(&mut self, over: usize, view: &View, now: Instant) -> usize {
        let surplus = over.min(view.working.saturating_sub(view.least));
        if surplus == 0 {
            self.crowded_since = None;
            return 0;
        }
        let since = *self.crowded_since.get_or_insert(now);
        if now.saturating_duration_since(since) < SURPLUS_AFTER {
            return 0;
        }
        self.crowded_since = None;
        surplus
    }
}

/// The time between two looks that ask the system for this number of threads.
fn apart(least: Duration, each: Duration, threads: usize) -> Duration {
    least.max(each.saturating_mul(u32::try_from(threads).unwrap_or(u32::MAX)))
}

/// Whether the workers, as fast as they were since the look before, will have taken all within a
/// moment.
fn will_soon_be_taken(waiting: usize, served: u64, since: Duration) -> bool {
    if served == 0 {
        return false;
    }
    let left = since.as_nanos().saturating_mul(waiting as u128) / u128::from(served);
    left <= SOON.as_nanos()
}

/// How many threads the machine runs at a time.
pub(crate) fn cores() -> usize {
    use std::sync::OnceLock;
    static CORES: OnceLock<usize> = OnceLock::new();
    // Asking reads files of the system.
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const CORES: usize = 4;

    /// A growth and its clock.
    struct Looks(Growth, Instant);

    impl Looks {
        fn new() -> Self {
            Self(Growth::default(), crate::clock::stopwatch())
        }

        /// Looks `ms` after the look before.
        fn after(&mut self, ms: u64, view: View, running: usize) -> Verdict {
            self.1 += Duration::from_millis(ms);
            self.0.judge_on(CORES, &view, self.1, |enough| running.min(enough))
        }
    }

    fn view(waiting: usize, working: usize, most: usize) -> View {
        View { waiting, working, coming: 0, least: 1, most, served: 0 }
    }

    #[test]
    fn work_that_is_taken_fast_needs_nobody_and_work_that_stands_does() {
        let mut looks = Looks::new();
        let fast = View { served: 10_000, ..view(1_000, 1, 64) };
        assert_eq!(looks.after(0, fast, 0).start, 0);
        assert_eq!(looks.after(1, view(1_000, 1, 64), 0).start, 1);
        assert_eq!(looks.after(1, view(1_000, 2, 64), 0).start, 2);
    }

    #[test]
    fn computing_workers_never_exceed_the_cores_whatever_the_range_is() {
        for most in [CORES + 1, 64, usize::MAX] {
            let (mut looks, mut working) = (Looks::new(), 1);
            for _ in 0..1_000 {
                let verdict = looks.after(1, view(usize::MAX, working, most), working);
                working = working + verdict.start - verdict.leave;
                assert!(working <= CORES, "{working}");
            }
            assert_eq!(working, CORES);
        }
    }

    #[test]
    fn a_thread_that_waits_for_a_microsecond_is_no_reason_for_another_one() {
        let mut looks = Looks::new();
        for _ in 0..100 {
            assert_eq!(looks.after(1, view(9, CORES, 64), CORES - 1).start, 0);
            assert_eq!(looks.after(1, view(9, CORES, 64), CORES).start, 0);
        }
    }

    #[test]
    fn workers_that_are_on_their_way_are_not_started_twice() {
        let mut looks = Looks::new();
        for _ in 0..10 {
            let all_come = View { coming: 3, ..view(3, 4 * CORES, 64) };
            assert_eq!(looks.after(1, all_come, 0).start, 0);
        }
        let mut looks = Looks::new();
        for _ in 0..10 {
            // The system does not know the last one as running.
            let starts = View { coming: 1, ..view(99, CORES, 64) };
            assert_eq!(looks.after(1, starts, CORES - 1).start, 0);
        }
        let mut looks = Looks::new();
        let half = View { coming: 2, ..view(4, CORES - 1, 64) };
        assert_eq!(looks.after(1, half, 0).start, 2);
    }

    #[test]
    fn workers_that_wait_get_help_until_the_cores_are_in_use() {
        let mut looks = Looks::new();
        assert_eq!(looks.after(0, view(99, CORES, 64), 0).start, 0);
        assert_eq!(looks.after(1, view(99, CORES, 64), 0).start, 0);
        assert_eq!(looks.after(1, view(99, CORES, 64), 0).start, CORES);
        assert_eq!(looks.after(1, view(99, 2 * CORES, 64), CORES - 1).start, 1);
        assert_eq!(looks.after(1, view(99, 2 * CORES + 1, 64), CORES).start, 0);
    }

    #[test]
    fn never_more_than_wait_or_may_be_and_nothing_waiting_ends_the_looking() {
        let mut looks = Looks::new();
        looks.after(0, view(1, 8, usize::MAX), 0);
        looks.after(1, view(1, 8, usize::MAX), 0);
        assert_eq!(looks.after(1, view(1, 8, usize::MAX), 0).start, 1);
        let last = Verdict { start: 2, leave: 0, again: None };
        assert_eq!(looks.after(1, view(9, 8, 10), 0), last);
        assert_eq!(looks.after(1, view(0, 8, 10), 0), Verdict::QUIET);
        let fixed = View { least: 10, ..view(5, 10, 10) };
        assert_eq!(looks.after(1, fixed, 10), Verdict::QUIET);
    }

    #[test]
    fn computing_workers_above_the_cores_become_surplus_after_a_while_and_those_that_wait_do_not() {
        let mut looks = Looks::new();
        let mut working = 3 * CORES;
        for _ in 0..100 {
            let verdict = looks.after(4, view(99, working, 64), working);
            assert_eq!(verdict.start, 0);
            working -= verdict.leave;
        }
        assert_eq!(working, CORES);
        let mut looks = Looks::new();
        for n in 0..100 {
            // Now and then more of them compute than there are cores.
            let computing = if n % 8 == 7 { CORES - 2 } else { 2 * CORES };
            assert_eq!(looks.after(4, view(99, 3 * CORES, 3 * CORES), computing).leave, 0);
        }
        // Those below the minimum stay.
        let mut looks = Looks::new();
        for _ in 0..100 {
            let fixed = View { least: 3 * CORES, ..view(99, 3 * CORES, 64) };
            assert_eq!(looks.after(4, fixed, 3 * CORES).leave, 0);
        }
    }

    #[test]
    fn a_refusal_of_the_system_ends_the_growth_for_a_second() {
        let mut looks = Looks::new();
        looks.0.refused(looks.1);
        assert_eq!(
            looks.after(1, view(9, 1, 64), 0),
            Verdict::wait(REFUSED - Duration::from_millis(1))
        );
        assert_eq!(looks.after(999, view(9, 1, 64), 0).start, 1);
    }
}

//! `take`: the first items, what is beyond them is accounted for, and nothing keeps the run
//! after the last one.

use std::time::Duration;

use millstream::{Batch, Clock, Context, Pipeline, RateLimit, Retry, Sink, Skip, channel};

use crate::pipeline_support::{adds_up, clean, clean_on};

/// One comparison with the iterator for each place of the boundary.
macro_rules! takes_as_the_iterator {
    ($($test:ident: |$source:ident, $count:ident| $run:expr;)*) => {$(
        #[test]
        fn $test() {
            for count in [0_u64, 1, 5, 999, 1_000, 30_000] {
                for items in [0_u64, 1, 1_000, 1_000_000] {
                    let (report, all) = clean(move |ctx| {
                        let mut all = Vec::new();
                        let ($source, $count) = (Pipeline::from_iter(0..items), count);
                        let report = $run.for_each(ctx, |n| all.push(n)).unwrap();
                        (report, all)
                    });
                    let twice = (0..items).filter(|n| n % 2 == 0).flat_map(|n| [n, n + 1]);
                    assert!(all.into_iter().eq(twice.take(count as usize)), "{count} of {items}");
                    adds_up(&report);
                }
            }
        }
    )*};
}

takes_as_the_iterator! {
    a_take_of_fused_stages_is_the_iterators: |p, n| p.filter(|n| n % 2 == 0).flat_map(|n| [n, n + 1]).take(n);
    a_take_behind_a_thread_is_the_iterators: |p, n| p.filter(|n| n % 2 == 0).thread().flat_map(|n| [n, n + 1]).take(n);
    a_take_before_a_thread_is_the_iterators: |p, n| p.filter(|n| n % 2 == 0).flat_map(|n| [n, n + 1]).take(n).thread();
    a_take_behind_a_team_is_the_iterators: |p, n| p.parallel(2).filter(|n| n % 2 == 0).flat_map(|n| [n, n + 1]).take(n);
    a_take_behind_an_elastic_team_is_the_iterators:
        |p, n| p.parallel(1..=3).filter(|n| n % 2 == 0).flat_map(|n| [n, n + 1]).take(n);
    a_take_before_a_team_is_the_iterators:
        |p, n| p.filter(|n| n % 2 == 0).flat_map(|n| [n, n + 1]).take(n).parallel(2).map(|n| n);
    a_take_of_a_take_is_the_smaller_one:
        |p, n| p.thread().filter(|n| n % 2 == 0).flat_map(|n| [n, n + 1]).take(n + 7).parallel(2).map(|n| n).take(n);
}

#[test]
fn a_take_ends_a_source_that_waits_for_more() {
    let report = clean(|ctx| {
        let (sender, receiver) = channel(8);
        for n in 0..3 {
            sender.send(ctx, n).unwrap();
        }
        let source = Pipeline::from(receiver).parallel(2).map(|n| n).thread();
        let report = source
            .take(3)
            .batch(Batch::of(2).within(Duration::from_secs(3600)))
            .for_each(ctx, drop)
            .unwrap();
        drop(sender);
        report
    });
    assert_eq!(report.totals().left, 3);
    adds_up(&report);
}

#[test]
fn a_take_ends_a_worker_that_waits_for_its_rate() {
    let clock = Clock::manual();
    let (all, report) = clean_on(&clock, |ctx| {
        let hourly = RateLimit::per(Duration::from_secs(3600), 1).burst(3);
        let mut all = Vec::new();
        // The worker that asks first gets the place, so in order an earlier item might wait behind
        // a later one.
        let workers = Pipeline::from_waiting_iter(0..).thread().parallel(2).unordered();
        let limited = workers.rate_limit(hourly).take(3);
        let report = limited.for_each(ctx, |n: u32| all.push(n)).unwrap();
        (all, report)
    });
    assert_eq!(all.len(), 3);
    adds_up(&report);
}

#[test]
fn a_take_ends_a_worker_that_waits_to_try_again() {
    let clock = Clock::manual();
    let (all, report) = clean_on(&clock, |ctx: &Context| {
        let mut all = Vec::new();
        let flaky = |n: u32| if n < 3 { Ok(n) } else { Err("never") };
        let retry =
            Retry::times(9).waits(Duration::from_secs(3600), Duration::from_secs(3600)).or(Skip);
        let tried =
            Pipeline::from_waiting_iter(0..).parallel(2).try_map(flaky).on_error(retry).take(3);
        let report = tried.for_each(ctx, |n| all.push(n)).unwrap();
        (all, report)
    });
    assert_eq!(all, [0, 1, 2]);
    adds_up(&report);
}

#[test]
fn a_take_ends_a_thread_that_waits_for_a_worker_that_waits_to_try_again() {
    let clock = Clock::manual();
    let (all, report) = clean_on(&clock, |ctx: &Context| {
        let mut all = Vec::new();
        let flaky = |n: u32| if n < 3 { Ok(n) } else { Err("never") };
        let retry =
            Retry::times(9).waits(Duration::from_secs(3600), Duration::from_secs(3600)).or(Skip);
        let tried = Pipeline::from_waiting_iter(0..).parallel(2).try_map(flaky).on_error(retry);
        // The thread that learns that nobody wants more is the one in the middle, not the workers
        // before it.
        let report =
            tried.thread().map(|n| n).parallel(2).take(3).for_each(ctx, |n| all.push(n)).unwrap();
        (all, report)
    });
    assert_eq!(all, [0, 1, 2]);
    adds_up(&report);
}

#[test]
fn a_take_ends_futures_that_never_end_also_behind_another_boundary() {
    let (all, report) = clean(|ctx| {
        let mut all = Vec::new();
        let door = Context::new();
        let waits = async |n: u32| {
            if n >= 3 {
                door.cancelled().await;
            }
            n
        };
        let report = Pipeline::from_iter(0..)
            .map_async(100, waits)
            .thread()
            .parallel(2)
            .take(3)
            .for_each(ctx, |n| all.push(n))
            .unwrap();
        (all, report)
    });
    assert_eq!(all, [0, 1, 2]);
    adds_up(&report);
}

#[test]
fn stages_behind_a_take_go_on_to_wait_for_their_rate() {
    let all = clean(|ctx| {
        let calm = RateLimit::per(Duration::from_micros(200), 1);
        let taken = Pipeline::from_iter(0..).thread().take(50);
        taken.parallel(2).rate_limit(calm).collect(ctx).unwrap()
    });
    assert!(all.into_iter().eq(0..50));
}

/// A sink that refuses everything and must not be asked twice.
struct Refuses(u32);

impl Sink<Vec<u32>> for Refuses {
    type Error = &'static str;

    fn write(&mut self, _: Vec<u32>) -> Result<(), &'static str> {
        self.0 += 1;
        assert_eq!(self.0, 1, "a sink that failed is not written to again");
        Err("no room")
    }
}

#[test]
fn a_failure_at_the_last_item_of_a_take_is_no_end_of_the_input() {
    for threads in [false, true] {
        let error = clean(move |ctx| {
            // The last item is too heavy for the batch before it: that leaves, fails, and the last
            // item is held.
            let batch = Batch::of(10).max_weight(3, |_: &u32| 1);
            let taken = Pipeline::from_iter(0..9).take(4);
            let ended = if threads {
                taken.thread().batch(batch).run(ctx, Refuses(0))
            } else {
                taken.batch(batch).run(ctx, Refuses(0))
            };
            ended.unwrap_err()
        });
        assert_eq!(error.to_string(), "stage \"sink\" failed: no room");
        adds_up(error.report());
        assert_eq!((error.report().totals().failed, error.report().totals().cancelled), (3, 1));
    }
}

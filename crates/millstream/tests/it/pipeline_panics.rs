//! A panic anywhere in a pipeline ends the run as an error that names stage, message and place;
//! nothing hangs, and the report still adds up.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use millstream::{Batch, Context, Error, Filled, Pipeline, Sink, Skip, Source};

use crate::pipeline_support::{Keep, adds_up, clean};

/// Panics at item 500, so that something has gone through before.
fn fuse(item: u64) -> u64 {
    assert!(item != 500, "item {item} is bad");
    item
}

/// Checks that the run ended with the planned panic of this stage, and that exactly one item failed
/// there.
#[track_caller]
fn panicked_in(stage: &str, error: &Error, failed: u64) {
    let report = error.report();
    let panic = error.panic().unwrap_or_else(|| panic!("not a panic: {error}"));
    assert!(panic.message().contains("is bad"), "{panic}");
    assert!(panic.location().is_some_and(|place| place.contains("pipeline_panics.rs")), "{panic}");
    assert_eq!(error.stage(), Some(stage), "{error}");
    assert!(error.to_string().contains(stage), "{error}");
    adds_up(report);
    assert_eq!(report.totals().failed, failed, "one item failed, once:\n{report}");
    let counted: Vec<_> =
        report.errors.iter().map(|error| (error.stage.as_str(), error.count)).collect();
    assert_eq!(counted, [(stage, 1)], "{report}");
}

/// One test for each boundary: the panicking stage stands where `$name` says.
macro_rules! in_every_position {
    ($($test:ident: $stage:literal, $failed:literal, |$source:ident, $ctx:ident| $run:expr;)*) => {$(
        #[test]
        fn $test() {
            let error = clean(|$ctx| {
                let $source = Pipeline::from_iter(0..2_000_u64);
                $run.map(drop).unwrap_err()
            });
            panicked_in($stage, &error, $failed);
        }
    )*};
}

in_every_position! {
    a_panic_in_map_ends_the_run: "map", 1, |p, ctx| p.map(fuse).collect(ctx);
    a_panic_in_filter_ends_the_run: "filter", 1, |p, ctx| p.filter(|n| fuse(*n) > 0).collect(ctx);
    a_panic_in_filter_map_ends_the_run: "filter_map", 1, |p, ctx| p.filter_map(|n| Some(fuse(n))).collect(ctx);
    a_panic_in_inspect_ends_the_run: "inspect", 1, |p, ctx| p.inspect(|n| { fuse(*n); }).collect(ctx);
    a_panic_in_flat_map_ends_the_run: "flat_map", 1, |p, ctx| p.flat_map(|n| [fuse(n)]).collect(ctx);
    a_panic_in_the_iterator_of_flat_map_ends_the_run: "flat_map", 1,
        |p, ctx| p.flat_map(|n| (0..3_u64).map(move |i| fuse(n + 300 * i))).collect(ctx);
    a_panic_in_map_with_ends_the_run: "map_with", 1, |p, ctx| p.map_with(|| 0, |_, n| fuse(n)).collect(ctx);
    a_panic_in_try_map_ends_the_run_under_any_policy: "try_map", 1,
        |p, ctx| p.try_map(|n| Ok::<_, String>(fuse(n))).on_error(Skip).collect(ctx);
    a_panic_in_split_fails_the_part_in_hand: "split", 1,
        |p, ctx| p.split(|| (), |(), n, out| { out.item(n); out.item(fuse(n)); }).collect(ctx);
    a_panic_behind_split_is_not_the_splits: "map", 1,
        |p, ctx| p.split(|| (), |(), n, out| { out.item(n); }).map(fuse).collect(ctx);
    a_panic_in_the_fold_is_the_sinks: "sink", 1, |p, ctx| p.fold(ctx, 0, |sum, n| sum + fuse(n));
    a_panic_in_for_each_is_the_sinks: "sink", 1, |p, ctx| p.for_each(ctx, |n| { fuse(n); });
    a_panic_before_parallel_ends_the_run: "map", 1, |p, ctx| p.map(fuse).parallel(2).filter(|_| true).collect(ctx);
    a_panic_in_parallel_ends_the_run: "map", 1, |p, ctx| p.parallel(2).map(fuse).collect(ctx);
    a_panic_in_elastic_parallel_ends_the_run: "map", 1, |p, ctx| p.parallel(1..=4).map(fuse).collect(ctx);
    a_panic_in_unordered_parallel_ends_the_run: "map", 1, |p, ctx| p.parallel(3).unordered().map(fuse).collect(ctx);
    a_panic_in_the_iterator_of_flat_map_in_parallel_ends_the_run: "flat_map", 1,
        |p, ctx| p.parallel(2).flat_map(|n| (0..2_u64).map(move |i| fuse(n + 5_000 * (1 - i)))).collect(ctx);
    a_panic_behind_parallel_ends_the_run: "map", 1, |p, ctx| p.parallel(2).filter(|_| true).thread().map(fuse).collect(ctx);
    a_panic_before_thread_ends_the_run: "map", 1, |p, ctx| p.map(fuse).thread().collect(ctx);
    a_panic_behind_thread_ends_the_run: "map", 1, |p, ctx| p.thread().map(fuse).collect(ctx);
    a_panic_between_threads_ends_the_run: "map", 1, |p, ctx| p.thread().map(fuse).thread().collect(ctx);
    a_panic_in_the_sink_behind_parallel_ends_the_run: "sink", 1,
        |p, ctx| p.parallel(2).map(|n| n).for_each(ctx, |n| { fuse(n); });
    a_panic_in_the_sink_behind_thread_ends_the_run: "sink", 1, |p, ctx| p.thread().for_each(ctx, |n| { fuse(n); });
    a_panic_in_the_weight_of_a_batch_fails_the_item: "batch", 1,
        |p, ctx| p.batch(Batch::of(7).max_weight(100, |n: &u64| fuse(*n) as usize)).collect(ctx);
    a_panic_in_the_weight_of_a_timed_batch_fails_the_item: "batch", 1,
        |p, ctx| p.batch(Batch::of(7).max_weight(100, |n: &u64| fuse(*n) as usize).within(std::time::Duration::from_secs(60)))
            .collect(ctx);
}

#[test]
fn a_batch_that_panics_in_the_sink_fails_with_all_its_items() {
    let error = clean(|ctx| {
        Pipeline::from_iter(0..2_000_u64)
            .batch(Batch::of(100))
            .for_each(ctx, |batch| assert!(!batch.contains(&500), "the batch is bad"))
            .unwrap_err()
    });
    panicked_in("sink", &error, 100);
}

#[test]
fn a_panic_of_the_iterator_is_the_sources_and_loses_no_item() {
    for workers in [0, 1, 3] {
        let (error, kept) = clean(move |ctx| {
            let kept = Keep::new();
            let source = Pipeline::from_iter((0..2_000_u64).map(fuse));
            let ended = if workers == 0 {
                source.run(ctx, kept.again())
            } else {
                source.parallel(workers).map(|n| n).run(ctx, kept.again())
            };
            (ended.unwrap_err(), kept)
        });
        let totals = error.report().totals();
        panicked_in("source", &error, 0);
        assert_eq!(totals.entered, 500, "what was read before counts:\n{}", error.report());
        assert_eq!(kept.taken().len() as u64, totals.left);
        assert_eq!(kept.closed(), 1);
    }
}

/// Gives ten items at a time and panics with five of them handed over.
struct Breaks(u64);

impl Source for Breaks {
    type Item = u64;
    type Error = String;

    fn fill(&mut self, _: &Context, out: &mut VecDeque<u64>, _: usize) -> Result<Filled, String> {
        for _ in 0..10 {
            out.push_back(fuse(self.0));
            self.0 += 1;
        }
        Ok(Filled::More)
    }
}

#[test]
fn items_that_a_source_handed_over_before_it_panicked_are_counted_as_cancelled() {
    for workers in [0, 2] {
        let error = clean(move |ctx| {
            let source = Pipeline::from(Breaks(495));
            let ended = if workers == 0 {
                source.collect(ctx)
            } else {
                source.parallel(workers).map(|n| n).collect(ctx)
            };
            ended.unwrap_err()
        });
        panicked_in("source", &error, 0);
        assert_eq!(error.report().totals().entered, 5);
        assert_eq!(error.report().totals().cancelled, 5);
    }
}

struct BadClose;

impl Sink<u64> for BadClose {
    type Error = String;

    fn write(&mut self, _: u64) -> Result<(), String> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        panic!("the end is bad");
    }
}

#[test]
fn a_panic_in_the_sinks_close_is_an_error_of_the_sink() {
    let error = clean(|ctx| Pipeline::from_iter(0..9).thread().run(ctx, BadClose).unwrap_err());
    panicked_in("sink", &error, 0);
    assert_eq!(error.report().totals().left, 9);
}

#[test]
fn a_panic_while_the_workers_make_their_state_never_hangs_the_run() {
    for workers in [1, 2, 4] {
        let error = clean(move |ctx| {
            let made = AtomicUsize::new(0);
            let init = || {
                // The caller makes the first one; every worker's own fails.
                assert!(made.fetch_add(1, Ordering::SeqCst) == 0, "the state is bad");
            };
            let ended = Pipeline::from_iter(0..10_000_u64)
                .parallel(workers.max(2))
                .map_with(init, |(), n| n)
                .collect(ctx);
            ended.unwrap_err()
        });
        assert!(
            error.panic().is_some_and(|panic| panic.message() == "the state is bad"),
            "{error}"
        );
        adds_up(error.report());
    }
}

#[test]
fn a_panic_while_the_caller_makes_a_state_is_an_error_too() {
    let error = clean(|ctx| {
        Pipeline::from_iter(0..9)
            .map_with(|| assert!(ctx.is_cancelled(), "the state is bad"), |(), n| n)
            .collect(ctx)
            .unwrap_err()
    });
    assert_eq!(error.panic().map(millstream::Panic::message), Some("the state is bad"));
    adds_up(error.report());
}

/// An item whose drop panics, on whatever thread that is.
struct Sour(u64);

impl Drop for Sour {
    fn drop(&mut self) {
        assert!(self.0 != 500 || std::thread::panicking(), "item {} is bad", self.0);
    }
}

#[test]
fn a_panic_in_the_drop_of_an_item_that_is_given_up_never_hangs_the_run() {
    for at in [3_u64, 400, 499] {
        let ended = clean(move |ctx| {
            Pipeline::from_iter((0..2_000).map(Sour))
                .parallel(2)
                .map(|item| item)
                .thread()
                .for_each(ctx, |item| {
                    if item.0 == at {
                        ctx.cancel("enough");
                    }
                })
        });
        assert!(ended.is_err());
    }
}

#[test]
fn two_stages_that_panic_at_once_are_each_named_rightly() {
    for _ in 0..50 {
        let error = clean(|ctx| {
            let meet = Arc::new(std::sync::Barrier::new(2));
            let (before, behind) = (Arc::clone(&meet), meet);
            Pipeline::from_waiting_iter(0..)
                .map(move |n: u64| {
                    if n == 1 {
                        before.wait();
                        panic!("the map is bad");
                    }
                    n
                })
                .thread()
                .inspect(move |_| {
                    behind.wait();
                    panic!("the inspect is bad");
                })
                .collect(ctx)
                .unwrap_err()
        });
        let message = error.panic().unwrap().message().to_owned();
        assert_eq!(message, format!("the {} is bad", error.stage().unwrap()));
        for counted in &error.report().errors {
            assert!(
                counted.sample.contains(&format!("the {} is bad", counted.stage)),
                "{counted:?}"
            );
        }
        adds_up(error.report());
    }
}

//! Cancelling: before, in the middle, while something waits, by deadline; and the gentle way,
//! `until`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use millstream::{
    Batch, Cause, CauseKind, Clock, Context, Error, Filled, Pipeline, RateLimit, Source, channel,
};

use crate::pipeline_support::{Keep, adds_up, clean, clean_on, spin};

/// Checks that the run was cancelled with this reason, and adds up.
#[track_caller]
fn cancelled_for(reason: &str, error: &Error) {
    assert_eq!(error.cancelled().map(Cause::reason), Some(reason), "{error}");
    assert!(error.to_string().contains(reason), "{error}");
    assert_eq!((error.stage(), error.panic().is_none()), (None, true));
    adds_up(error.report());
}

#[test]
fn a_context_that_was_cancelled_before_runs_nothing_but_closes_the_sink() {
    for shape in 0..4 {
        let (error, kept, ran) = clean(move |ctx| {
            let ran = Arc::new(AtomicU64::new(0));
            let kept = Keep::new();
            ctx.cancel("too late");
            let seen = Arc::clone(&ran);
            let source = Pipeline::from_iter((0..100).inspect(move |_| {
                seen.fetch_add(1, Ordering::SeqCst);
            }));
            let ended = match shape {
                0 => source.run(ctx, kept.again()),
                1 => source.parallel(3).map(|n| n).run(ctx, kept.again()),
                2 => source.thread().run(ctx, kept.again()),
                _ => source.parallel(1..=3).map(|n| n).thread().run(ctx, kept.again()),
            };
            (ended.unwrap_err(), kept, ran.load(Ordering::SeqCst))
        });
        cancelled_for("too late", &error);
        assert_eq!((ran, kept.taken().len(), kept.closed()), (0, 0, 1));
        assert_eq!(error.report().totals().entered, 0);
    }
}

#[test]
fn a_run_that_is_cancelled_from_its_middle_joins_every_worker_and_says_what_was_given_up() {
    for shape in 0..5 {
        let (error, kept) = clean(move |ctx| {
            let kept = Keep::new();
            let at = |n: u64| {
                if n == 5_000 {
                    ctx.cancel("enough");
                }
                n
            };
            let source = Pipeline::from_iter(0..u64::MAX);
            let ended = match shape {
                0 => source.map(at).run(ctx, kept.again()),
                1 => source.parallel(3).map(at).run(ctx, kept.again()),
                2 => source
                    .parallel(1..=3)
                    .inspect(|_| {
                        spin(100);
                    })
                    .map(at)
                    .unordered()
                    .run(ctx, kept.again()),
                3 => source.map(at).thread().parallel(2).map(|n| n).thread().run(ctx, kept.again()),
                _ => source.parallel(2).map(|n| n).thread().map(at).run(ctx, kept.again()),
            };
            (ended.unwrap_err(), kept)
        });
        cancelled_for("enough", &error);
        assert_eq!(kept.taken().len() as u64, error.report().totals().left);
        assert_eq!(kept.closed(), 1);
    }
}

#[test]
fn a_run_whose_channel_is_idle_is_cancelled_and_does_not_end_well() {
    for shape in 0..3 {
        let error = clean(move |ctx| {
            let (sender, receiver) = channel(8);
            sender.send(ctx, 1).unwrap();
            let kept = Keep::new();
            let seen = kept.again();
            // The stage cancels after the item, so the source is asked again or waits already.
            let at = |n: i32| {
                ctx.cancel("enough");
                n
            };
            let source = Pipeline::from(receiver);
            let ended = match shape {
                0 => source.thread().map(at).run(ctx, seen),
                1 => source.parallel(2).map(at).run(ctx, seen),
                _ => source.parallel(2).map(|n| n).thread().map(at).run(ctx, seen),
            };
            drop(sender);
            ended.unwrap_err()
        });
        cancelled_for("enough", &error);
    }
}

#[test]
fn a_deadline_that_passes_while_the_source_waits_is_an_error_of_kind_deadline() {
    let clock = Clock::manual();
    for shape in 0..3 {
        let there = clock.clone();
        let error = clean_on(&clock, move |ctx| {
            let ctx = ctx.with_timeout(Duration::from_secs(5));
            let source = Pipeline::from(Waits(there));
            let ended = match shape {
                0 => source.collect(&ctx),
                1 => source.thread().collect(&ctx),
                _ => source.parallel(2).map(|n| n).collect(&ctx),
            };
            ended.unwrap_err()
        });
        assert!(error.is_deadline(), "{error}");
        assert_eq!(error.cancelled().map(Cause::kind), Some(CauseKind::Deadline));
        adds_up(error.report());
    }
}

/// A source that lets the time pass while it waits for an item, and then reports the end, as a
/// receiver does.
struct Waits(Clock);

impl Source for Waits {
    type Item = u64;
    type Error = String;

    fn fill(&mut self, ctx: &Context, _: &mut VecDeque<u64>, _: usize) -> Result<Filled, String> {
        self.0.advance(Duration::from_secs(6));
        assert!(ctx.is_cancelled(), "the source's own context ends with the run's");
        Ok(Filled::End)
    }
}

#[test]
fn nothing_is_lost_when_a_run_is_cancelled_while_a_parallel_stage_reads() {
    // The input says "nothing yet" after the cancellation: an end by cancelling must not look like
    // the end of the input.
    for _ in 0..200 {
        let ended = clean(|ctx| {
            let ctx = ctx.clone();
            let mut given = 0_u64;
            let cancel = ctx.clone();
            let source = std::iter::from_fn(move || {
                given += 1;
                if given == 100 {
                    cancel.cancel("enough");
                }
                Some(given)
            });
            Pipeline::from_iter(source).parallel(2).map(|n| n).collect(&ctx).map(|all| all.len())
        });
        cancelled_for("enough", &ended.unwrap_err());
    }
}

#[test]
fn until_drains_everything_that_was_read_reaches_the_end() {
    for shape in 0..4 {
        let (report, kept, left) = clean(move |ctx| {
            let drain = ctx.child();
            let (sender, receiver) = channel(10_000);
            sender.send_all(ctx, &mut (0..10_000_u64).collect()).unwrap();
            let rest = receiver.clone();
            let kept = Keep::new();
            let at = |n: u64| {
                if n == 3_000 {
                    drain.cancel("enough");
                }
                n
            };
            let source = Pipeline::from(receiver).until(&drain);
            let report = match shape {
                0 => source.map(at).run(ctx, kept.again()),
                1 => source.map(at).parallel(3).map(|n| n).run(ctx, kept.again()),
                2 => source.map(at).thread().run(ctx, kept.again()),
                _ => source.parallel(1..=2).map(at).thread().run(ctx, kept.again()),
            };
            drop(sender);
            (report.unwrap(), kept, rest.drain().len() as u64)
        });
        adds_up(&report);
        let totals = report.totals();
        assert_eq!((totals.cancelled, totals.left), (0, totals.entered));
        let taken = kept.taken();
        assert!(taken.iter().copied().eq(0..totals.left), "all that was read, in order");
        assert_eq!(totals.left + left, 10_000, "what was not read is still in the channel");
    }
}

#[test]
fn until_ends_a_source_that_waits() {
    let report = clean(|ctx| {
        let drain = ctx.child();
        let (sender, receiver) = channel(8);
        sender.send(ctx, 1).unwrap();
        let source = Pipeline::from(receiver).until(&drain).thread();
        let report = source.for_each(ctx, |_| {
            drain.cancel("enough");
        });
        drop(sender);
        report.unwrap()
    });
    assert_eq!(report.totals().left, 1);
}

#[test]
fn a_channel_that_its_producer_closed_for_a_failure_fails_the_run_after_it_drained() {
    let (error, kept) = clean(|ctx| {
        let (sender, receiver) = channel(8);
        sender.send(ctx, 1).unwrap();
        sender.close(Cause::failed("the disk is gone"));
        let kept = Keep::new();
        (Pipeline::from(receiver).run(ctx, kept.again()).unwrap_err(), kept)
    });
    assert_eq!(error.stage(), Some("source"));
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    assert_eq!(kept.taken(), [1]);
    adds_up(error.report());
}

#[test]
fn a_slow_sink_sees_the_cancellation_within_a_few_items_of_a_full_chunk() {
    for shape in 0..2 {
        let after = clean(move |ctx| {
            let mut after = 0;
            let source = Pipeline::from_iter(0..100_000_u32);
            let each = |_| {
                after += u32::from(ctx.is_cancelled());
                if after == 0 {
                    ctx.cancel("enough");
                }
            };
            let ended = match shape {
                0 => source.thread().for_each(ctx, each),
                _ => source.parallel(2).map(|n| n).for_each(ctx, each),
            };
            cancelled_for("enough", &ended.unwrap_err());
            after
        });
        assert!(after <= 16, "{after} items were worked on after the cancellation");
    }
}

#[test]
fn chunks_of_a_slow_source_stay_small_in_front_of_a_fast_parallel_stage() {
    let asked = clean(|ctx| {
        let largest = Arc::new(AtomicU64::new(0));
        let source = Slow { given: 0, largest: Arc::clone(&largest) };
        Pipeline::from(source).parallel(2).map(|n| n).for_each(ctx, |_| ()).unwrap();
        largest.load(Ordering::SeqCst)
    });
    assert!(asked <= 64, "a chunk of {asked} items, of which each takes a while to read");
}

/// A source that takes long for each item and notes how many it was asked for.
struct Slow {
    given: u64,
    largest: Arc<AtomicU64>,
}

impl Source for Slow {
    type Item = u64;
    type Error = String;

    fn fill(
        &mut self,
        ctx: &Context,
        out: &mut VecDeque<u64>,
        max: usize,
    ) -> Result<Filled, String> {
        self.largest.fetch_max(max as u64, Ordering::SeqCst);
        for _ in 0..max {
            if self.given == 1_000 || ctx.is_cancelled() {
                return Ok(Filled::End);
            }
            self.given += 1;
            out.push_back(spin(100_000));
        }
        Ok(Filled::More)
    }
}

#[test]
fn an_item_that_waits_for_the_rate_is_counted_as_cancelled() {
    let clock = Clock::manual();
    let there = clock.clone();
    let error = clean_on(&clock, move |ctx| {
        let limit = RateLimit::per(Duration::from_secs(1), 1);
        let stop = ctx.clone();
        millstream::scope::<_, Error, _>(&Context::new(), |s| {
            s.spawn("stop", move |_| {
                there.wait_for_sleepers(1);
                stop.cancel("enough");
                Ok(())
            });
            Ok(Pipeline::from_iter(0..9).rate_limit(limit).collect(ctx).unwrap_err())
        })
        .unwrap()
    });
    cancelled_for("enough", &error);
    let totals = error.report().totals();
    assert_eq!((totals.entered, totals.cancelled), (2, 1));
}

#[test]
fn what_a_batch_holds_when_the_run_is_cancelled_is_counted() {
    for timed in [false, true] {
        let (error, kept) = clean(move |ctx| {
            let kept = Keep::new();
            let source = Pipeline::from_waiting_iter(0..1_000_u64).inspect(|n| {
                if *n == 250 {
                    ctx.cancel("enough");
                }
            });
            let batch = Batch::of(100);
            let ended = if timed {
                source.batch(batch.within(Duration::from_secs(60))).run(ctx, kept.again())
            } else {
                source.batch(batch).run(ctx, kept.again())
            };
            (ended.unwrap_err(), kept)
        });
        cancelled_for("enough", &error);
        let totals = error.report().totals();
        let written: usize = kept.taken().iter().map(Vec::len).sum();
        assert_eq!(totals.entered, 251);
        assert_eq!(totals.left, written as u64);
        assert_eq!(totals.cancelled, 251 - written as u64);
    }
}

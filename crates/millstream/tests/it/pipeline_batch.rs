//! Batches: by count, by weight, by time from the first item, at the end; and nothing lost.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use millstream::{Batch, Clock, Context, Filled, Pipeline, Source, channel};
use proptest::prelude::*;

use crate::pipeline_support::{Keep, adds_up, clean, clean_on};

#[test]
fn a_batch_leaves_when_it_has_its_count_and_the_rest_at_the_end() {
    clean(|ctx| {
        for (count, sizes) in [
            (0, vec![1; 7]),
            (1, vec![1; 7]),
            (3, vec![3, 3, 1]),
            (7, vec![7]),
            (usize::MAX, vec![7]),
        ] {
            let batches = Pipeline::from_iter(1..=7).batch(Batch::of(count)).collect(ctx).unwrap();
            assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), sizes, "of {count}");
            assert!(batches.into_iter().flatten().eq(1..=7));
        }
        assert!(
            Pipeline::from_iter(0..0).batch(Batch::of(3)).collect(ctx).unwrap().is_empty(),
            "no empty batch"
        );
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_batch_exceeds_count_or_weight_but_one_of_a_single_item(
        weights in proptest::collection::vec(0_usize..50, 0..200),
        count in 1_usize..20,
        most in 1_usize..60,
        timed in any::<bool>(),
    ) {
        let expected = weights.clone();
        let (report, batches) = clean(move |ctx| {
            let kept = Keep::new();
            let policy = Batch::of(count).max_weight(most, |weight: &usize| *weight);
            let source = Pipeline::from_iter(weights);
            let report = if timed {
                source.batch(policy.within(Duration::from_secs(3600))).run(ctx, kept.again())
            } else {
                source.batch(policy).run(ctx, kept.again())
            };
            (report.unwrap(), kept.taken())
        });
        adds_up(&report);
        prop_assert_eq!(batches.concat(), expected);
        for (at, batch) in batches.iter().enumerate() {
            let weight: usize = batch.iter().sum();
            prop_assert!((1..=count).contains(&batch.len()));
            prop_assert!(weight <= most || batch.len() == 1);
            if let Some(next) = batches.get(at + 1) {
                prop_assert!(batch.len() == count || weight + next[0] > most, "it left before it was full");
            }
        }
    }
}

#[test]
fn the_time_of_a_batch_begins_with_its_first_item_and_a_trickle_cannot_put_it_off() {
    let clock = Clock::manual();
    let time = clock.clone();
    let batches = clean_on(&clock, move |ctx| {
        let (sender, receiver) = channel(8);
        let (batches, got) = channel(8);
        let limit = Duration::from_secs(10);
        millstream::scope::<_, millstream::Error, _>(ctx, |s| {
            s.spawn("pipeline", move |ctx| {
                let batched = Pipeline::from(receiver).batch(Batch::of(100).within(limit));
                batched.for_each(ctx, |batch| batches.send(ctx, batch).unwrap()).map(drop)
            });
            // An hour before the first item: no timer runs, so none can be used up.
            time.advance(Duration::from_secs(3600));
            assert_eq!(time.sleepers(), 0);
            let mut all = Vec::new();
            for first in [1, 4] {
                sender.send(ctx, first).unwrap();
                time.wait_for_sleepers(1);
                time.advance(Duration::from_secs(6));
                // A later item: six seconds are gone, and four are left for the batch all the same.
                sender.send(ctx, first + 1).unwrap();
                time.advance(Duration::from_secs(3));
                sender.send(ctx, first + 2).unwrap();
                assert_eq!(got.try_recv().ok(), None, "a batch does not leave before its time");
                time.advance(Duration::from_secs(1));
                let batch = got.recv(ctx).unwrap();
                assert_eq!(batch[0], first);
                // What the source had not handed on in time is in the next batch, whose own time
                // has started.
                let mut count = batch.len();
                all.extend(batch);
                while count < 3 {
                    time.wait_for_sleepers(1);
                    time.advance(limit);
                    let rest = got.recv(ctx).unwrap();
                    count += rest.len();
                    all.extend(rest);
                }
            }
            drop(sender);
            Ok(all)
        })
        .unwrap()
    });
    assert_eq!(batches, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_batch_that_is_full_before_its_time_leaves_no_timer_behind() {
    let clock = Clock::manual();
    let time = clock.clone();
    clean_on(&clock, move |ctx| {
        let batched =
            Pipeline::from_iter(0..10).batch(Batch::of(5).within(Duration::from_secs(10)));
        let report = batched.for_each(ctx, |batch| assert_eq!(batch.len(), 5)).unwrap();
        assert_eq!(time.sleepers(), 0);
        assert_eq!(report.totals().left, 10);
    });
}

#[test]
fn an_endless_time_is_no_time_limit_and_no_panic() {
    clean(|ctx| {
        let batched = Pipeline::from_iter(0..10).batch(Batch::of(4).within(Duration::MAX));
        assert_eq!(batched.collect(ctx).unwrap().len(), 3);
        let at_once = Pipeline::from_iter(0..10)
            .batch(Batch::of(4).within(Duration::ZERO))
            .collect(ctx)
            .unwrap();
        assert_eq!(at_once.concat(), (0..10).collect::<Vec<_>>());
    });
}

/// Gives numbers forever, as many as are asked for, and counts them.
struct Endless(Arc<AtomicUsize>);

impl Source for Endless {
    type Item = usize;
    type Error = String;

    fn fill(
        &mut self,
        _: &Context,
        out: &mut VecDeque<usize>,
        max: usize,
    ) -> Result<Filled, String> {
        let from = self.0.fetch_add(max, Ordering::SeqCst);
        out.extend(from..from + max);
        Ok(Filled::More)
    }
}

#[test]
fn a_batch_with_a_time_limit_is_bounded_under_back_pressure_and_overflows_nothing() {
    // A buffer by time and count that a slow consumer makes grow is a classic; here the source is
    // held back.
    let given = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&given);
    let (error, kept) = clean(move |ctx| {
        let kept = Keep::new();
        let seen = kept.again();
        let mut batches = 0;
        let batched =
            Pipeline::from(Endless(counted)).batch(Batch::of(10).within(Duration::from_secs(3600)));
        let ended = batched.for_each(ctx, |batch| {
            assert_eq!(batch.len(), 10);
            batches += 1;
            seen.items.lock().unwrap().push(batch);
            if batches == 50 {
                ctx.cancel("enough");
            }
        });
        (ended.unwrap_err(), kept)
    });
    let totals = error.report().totals();
    adds_up(error.report());
    assert_eq!(
        totals.entered as usize,
        given.load(Ordering::SeqCst),
        "all that was given is accounted for"
    );
    let taken: usize = kept.taken().iter().map(Vec::len).sum();
    assert_eq!(totals.left as usize, taken);
    assert_eq!(totals.cancelled, totals.entered - totals.left);
}

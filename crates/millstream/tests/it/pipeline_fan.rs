//! Fan-out and fan-in: every item reaches the branches that it should, results come in the order
//! that was asked for, and whatever becomes of a branch, the account adds up and nothing hangs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, mpsc};

use millstream::pipeline::fan::{Broadcast, Deal};
use millstream::{Batch, Context, Error, FanOut, Pipeline, Report, channel};
use proptest::prelude::*;

use crate::pipeline_support::{adds_up, clean, spin};

const SIZES: [u64; 5] = [0, 1, 5, 1_000, 100_000];

/// The stages of the comparison.
fn stages(n: u64) -> impl Iterator<Item = u64> {
    [n * 3, n * 3 + 1].into_iter().filter(|n| !n.is_multiple_of(5))
}

fn sorted(mut items: Vec<u64>) -> Vec<u64> {
    items.sort_unstable();
    items
}

#[test]
fn branches_that_share_a_queue_see_each_item_once() {
    for size in SIZES {
        let (report, all) = clean(move |ctx| {
            let mut all = Vec::new();
            let fan = Pipeline::from_iter(0..size)
                .fan_out(FanOut::shared(4), |branch| branch.flat_map(stages));
            (fan.for_each(ctx, |n| all.push(n)).unwrap(), all)
        });
        adds_up(&report);
        assert!(sorted(all) == sorted((0..size).flat_map(stages).collect()), "{size} items");
        assert_eq!(report.stages[0].entered, size);
        let seen: u64 = report.branches.iter().map(|branch| branch.report.stages[0].entered).sum();
        assert_eq!(seen, size);
    }
}

#[test]
fn branches_that_share_a_queue_give_results_in_the_order_of_the_input_if_asked_to() {
    for size in SIZES {
        let (report, all) = clean(move |ctx| {
            let mut all = Vec::new();
            let fan = Pipeline::from_iter(0..size)
                .fan_out(FanOut::shared(3), |branch| {
                    branch
                        .map(|n| {
                            spin(if n % 100 == 0 { 2_000 } else { 5 });
                            n
                        })
                        .flat_map(stages)
                })
                .in_order();
            (fan.for_each(ctx, |n| all.push(n)).unwrap(), all)
        });
        adds_up(&report);
        assert!(all.into_iter().eq((0..size).flat_map(stages)), "{size} items");
    }
}

#[test]
fn a_broadcast_gives_every_item_to_every_branch_in_order() {
    let (report, all) = clean(|ctx| {
        let mut all = Vec::new();
        let fan = Pipeline::from_iter(0..10_000_u64)
            .fan_out(FanOut::broadcast(3), |branch| {
                let number = branch.number();
                branch.filter(move |n| *n as usize % 3 >= number).map(move |n| (n, number))
            })
            .in_order();
        (fan.for_each(ctx, |item| all.push(item)).unwrap(), all)
    });
    adds_up(&report);
    let expected = (0..10_000_u64).flat_map(|n| {
        (0..3).filter(move |number| n as usize % 3 >= *number).map(move |number| (n, number))
    });
    assert!(all.into_iter().eq(expected));
    assert_eq!((report.stages[1].entered, report.stages[1].made), (10_000, 20_000));
}

#[test]
fn a_broadcast_of_shared_items_copies_none_of_them() {
    let texts: Vec<Arc<String>> = (0..100).map(|n| Arc::new(n.to_string())).collect();
    let kept = texts.clone();
    let seen = clean(move |ctx| {
        let fan = Pipeline::from_iter(texts)
            .fan_out(FanOut::broadcast(2), |branch| branch.map(|text| text));
        fan.collect(ctx).unwrap()
    });
    assert_eq!(seen.len(), 200);
    for text in seen {
        assert!(kept.iter().any(|kept| Arc::ptr_eq(kept, &text)));
    }
}

#[test]
fn all_items_of_a_key_meet_in_one_branch_in_their_order() {
    let seen = clean(|ctx| {
        let mut seen: HashMap<u64, Vec<(u64, usize)>> = HashMap::new();
        let fan = Pipeline::from_iter(0..20_000_u64).fan_out(
            FanOut::by_key(4, |n: &u64| n % 17),
            |branch| {
                let number = branch.number();
                branch.map(move |n| (n, number))
            },
        );
        adds_up(
            &fan.for_each(ctx, |(n, branch)| seen.entry(n % 17).or_default().push((n, branch)))
                .unwrap(),
        );
        seen
    });
    assert_eq!(seen.len(), 17);
    for (key, items) in seen {
        assert!(
            items.iter().map(|(n, _)| *n).eq((0..20_000).filter(|n| n % 17 == key)),
            "key {key}"
        );
        assert!(items.iter().all(|(_, branch)| *branch == items[0].1), "key {key}");
    }
}

#[test]
fn keyed_results_come_in_the_order_of_the_input_if_asked_to() {
    for size in SIZES {
        let all = clean(move |ctx| {
            let fan = Pipeline::from_iter(0..size)
                .fan_out(FanOut::by_key(4, |n: &u64| n % 7), |branch| branch.flat_map(stages))
                .in_order();
            fan.collect(ctx).unwrap()
        });
        assert!(all.into_iter().eq((0..size).flat_map(stages)), "{size} items");
    }
}

#[test]
fn branches_may_have_boundaries_batches_and_names_of_their_own() {
    let (report, sum) = clean(|ctx| {
        let mut sum = 0;
        let fan = Pipeline::from_iter(0..10_000_u64).fan_out(FanOut::shared(2), |branch| {
            branch.map(|n| n + 1).named("add").parallel(2).map(|n| n * 2).batch(Batch::of(64))
        });
        (fan.for_each(ctx, |batch| sum += batch.iter().sum::<u64>()).unwrap(), sum)
    });
    adds_up(&report);
    assert_eq!(sum, (1..=10_000).map(|n| n * 2).sum::<u64>());
    assert_eq!(report.branches[0].report.stages[1].name, "add");
}

#[test]
fn batches_of_a_branch_that_stops_are_counted_by_their_items() {
    // The branch breaks off in the middle of a part, with whole batches made of its beginning.
    for at in [70, 150, 1_000, 5_000] {
        let error = clean(move |ctx| {
            let fan = Pipeline::from_iter(0..10_000_u64).fan_out(FanOut::broadcast(2), |branch| {
                branch.map(move |n| if n == at { panic!("broken") } else { n }).batch(Batch::of(16))
            });
            fan.for_each(ctx, |_| ()).unwrap_err()
        });
        adds_up(error.report());
    }
}

#[test]
fn what_batches_hold_at_the_end_comes_out_in_order_as_well() {
    let batches = clean(|ctx| {
        let fan = Pipeline::from_iter(0..10_u64)
            .fan_out(FanOut::broadcast(2), |branch| branch.batch(Batch::of(4)));
        fan.in_order().collect(ctx).unwrap()
    });
    let lengths: Vec<usize> = batches.iter().map(Vec::len).collect();
    assert_eq!(lengths, [4, 4, 4, 4, 2, 2]);
}

#[test]
fn pipelines_with_sources_of_their_own_come_together_each_in_its_order() {
    let (report, all) = clean(|ctx| {
        let input =
            |number: u64| Pipeline::from_iter((0..10_000_u64).map(move |n| (n / 2, number)));
        let mut all = Vec::new();
        let merged = Pipeline::fan_in((0..3).map(input));
        (merged.for_each(ctx, |item| all.push(item)).unwrap(), all)
    });
    adds_up(&report);
    assert_eq!(all.len(), 30_000);
    for number in 0..3 {
        assert!(all.iter().filter(|item| item.1 == number).is_sorted());
    }
    assert_eq!(report.stages[0].entered, 30_000);
}

#[test]
fn of_no_pipelines_there_are_no_results() {
    let all = clean(|ctx| {
        Pipeline::fan_in((0..0).map(|_| Pipeline::from_iter(0..9))).collect(ctx).unwrap()
    });
    assert!(all.is_empty());
}

/// A fan whose branch 1 fails at the item 500.
fn with_a_failing_branch(ctx: &Context, how: FanOut<impl Deal<u64>>) -> Result<Report, Error> {
    let fan = Pipeline::from_iter(0..1_000_u64).fan_out(how, |branch| {
        let number = branch.number();
        branch.try_map(move |n| if number == 1 && n == 500 { Err("too much") } else { Ok(n) })
    });
    fan.for_each(ctx, |_| ())
}

#[test]
fn a_branch_that_fails_ends_the_run_and_is_named() {
    let error = clean(|ctx| with_a_failing_branch(ctx, FanOut::broadcast(3)).unwrap_err());
    assert_eq!(
        error.to_string(),
        "stage \"fan_out\" failed: branch 1: stage \"try_map\" failed: too much"
    );
    adds_up(error.report());
    assert!(error.report().branches[1].dropped.is_some());
}

#[test]
fn a_branch_that_fails_may_be_dropped_and_the_others_see_everything() {
    let report =
        clean(|ctx| with_a_failing_branch(ctx, FanOut::broadcast(3).drop_failed()).unwrap());
    adds_up(&report);
    assert_eq!(report.branches[0].report.totals().left, 1_000);
    assert_eq!(report.branches[2].report.totals().left, 1_000);
    assert!(report.branches[1].dropped.as_deref().unwrap().contains("too much"));
    assert_eq!(report.branches[0].dropped, None);
}

#[test]
fn when_all_branches_have_failed_the_run_fails() {
    let error = clean(|ctx| {
        let fan = Pipeline::from_iter(0_u64..).fan_out(FanOut::shared(3).drop_failed(), |branch| {
            branch.map(|n| if n > 10_000 { panic!("enough") } else { n })
        });
        fan.for_each(ctx, |_| ()).unwrap_err()
    });
    assert!(error.to_string().ends_with("enough"), "{error}");
    adds_up(error.report());
}

#[test]
fn results_in_order_go_on_past_what_a_dropped_branch_took_along() {
    let (report, all) = clean(|ctx| {
        let mut all = Vec::new();
        let fan = Pipeline::from_iter(0..100_000_u64)
            .fan_out(FanOut::shared(3).drop_failed(), |branch| {
                let number = branch.number();
                branch.map(move |n| if number == 1 && n > 20_000 { panic!("gone") } else { n })
            })
            .in_order();
        (fan.for_each(ctx, |n| all.push(n)).unwrap(), all)
    });
    adds_up(&report);
    assert!(all.is_sorted());
    let totals = report.totals();
    assert_eq!(totals.left + totals.failed + totals.skipped + totals.cancelled, 100_000);
}

/// A broadcast to two branches, of which the second one stands still until the first one has shown
/// `until`, or the run ends. The source keeps only a little ahead of the first one.
fn with_a_slow_branch(ctx: &Context, how: FanOut<Broadcast>, until: u64) -> Result<Report, Error> {
    let (permit, permits) = mpsc::channel::<()>();
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(Some(wait));
    let wait = &wait;
    (0..10).for_each(|_| permit.send(()).unwrap());
    // The sender goes with the source: when that is dropped, the second branch goes on.
    let numbers = (0..2_000_u64).inspect(move |_| {
        let _keeps = &go_on;
        permits.recv().ok();
    });
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(Some(released));
    let released = &released;
    let fan = Pipeline::from_waiting_iter(numbers).fan_out(how.buffer(100), |branch| {
        let number = branch.number();
        branch.map(move |n| {
            if number == 1
                && let (Some(wait), Some(released)) =
                    (wait.lock().unwrap().take(), released.lock().unwrap().take())
            {
                while wait.try_recv() == Err(mpsc::TryRecvError::Empty)
                    && released.try_recv() == Err(mpsc::TryRecvError::Empty)
                {
                    std::thread::yield_now();
                }
            }
            (number, n)
        })
    });
    fan.for_each(ctx, |(number, n)| {
        if number == 0 {
            permit.send(()).ok();
            if n == until {
                release.send(()).ok();
            }
        }
    })
}

#[test]
fn a_slow_branch_holds_the_input_back() {
    let report = clean(|ctx| with_a_slow_branch(ctx, FanOut::broadcast(2), 50).unwrap());
    adds_up(&report);
    assert_eq!(report.totals().left, 4_000);
}

#[test]
fn when_every_branch_has_what_it_wants_an_endless_input_ends() {
    let (report, all) = clean(|ctx| {
        let mut all = Vec::new();
        let fan = Pipeline::from_iter(0_u64..)
            .thread()
            .fan_out(FanOut::broadcast(2), |branch| branch.take(10));
        (fan.for_each(ctx, |n| all.push(n)).unwrap(), all)
    });
    adds_up(&report);
    assert_eq!(sorted(all), (0..10).flat_map(|n| [n, n]).collect::<Vec<u64>>());
}

#[test]
fn an_end_that_has_enough_ends_the_whole_fan() {
    let all = clean(|ctx| {
        let fan =
            Pipeline::from_iter(0_u64..).fan_out(FanOut::shared(3), |branch| branch.map(|n| n));
        fan.in_order().take(1_000).collect(ctx).unwrap()
    });
    assert!(all.into_iter().eq(0..1_000));
}

#[test]
fn cancelling_ends_a_fan_that_waits_at_any_place() {
    for in_order in [false, true] {
        let error = clean(move |ctx| {
            let (sender, receiver) = channel::<u64>(4);
            let run = ctx.child();
            sender.send(ctx, 1).unwrap();
            let stop = run.clone();
            let fan =
                Pipeline::from(receiver).fan_out(FanOut::broadcast(2), |branch| branch.map(|n| n));
            let see = move |_| {
                stop.cancel("seen enough");
            };
            let ended =
                if in_order { fan.in_order().for_each(&run, see) } else { fan.for_each(&run, see) };
            drop(sender);
            ended.unwrap_err()
        });
        assert_eq!(error.cancelled().unwrap().reason(), "seen enough");
        adds_up(error.report());
    }
}

#[test]
fn a_key_that_panics_ends_the_run_as_the_fans_own_panic() {
    let error = clean(|ctx| {
        let key = |n: &u64| if *n == 77 { panic!("no key") } else { *n };
        let fan = Pipeline::from_iter(0..100_u64)
            .fan_out(FanOut::by_key(2, key), |branch| branch.map(|n| n));
        fan.for_each(ctx, |_| ()).unwrap_err()
    });
    assert_eq!(error.stage(), Some("fan_out"));
    assert_eq!(error.panic().unwrap().message(), "no key");
    adds_up(error.report());
}

#[test]
fn an_item_under_light_load_does_not_wait_for_others() {
    clean(|ctx| {
        let (sender, receiver) = channel::<u64>(1);
        let (result, results) = mpsc::channel();
        millstream::scope::<_, millstream::Cause, _>(ctx, |s| {
            s.spawn("run", move |ctx| {
                let fan = Pipeline::from(receiver)
                    .fan_out(FanOut::shared(2), |branch| branch.map(|n| n + 1));
                fan.for_each(ctx, |n| result.send(n).unwrap()).unwrap();
                Ok(())
            });
            for n in 0..100 {
                sender.send(ctx, n).unwrap();
                assert_eq!(results.recv(), Ok(n + 1), "each comes through before the next is sent");
            }
            drop(sender);
            Ok(())
        })
        .unwrap();
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever the way of dealing, the order, the problem and the end: the run ends, and adds up.
    #[test]
    fn every_fan_adds_up(
        way in 0..3_u8,
        branches in 1..5_usize,
        in_order in any::<bool>(),
        size in 0..3_000_u64,
        room in 1..200_usize,
        problem in proptest::option::of((0..3_000_u64, 0..5_usize, 0..3_u8)),
        drops in any::<bool>(),
    ) {
        let (ended, all) = clean(move |ctx| {
            let mut all = Vec::new();
            let work = move |number: usize| move |n: u64| match problem {
                Some((at, branch, 0)) if at == n && branch == number => panic!("problem"),
                Some((at, branch, 1)) if at == n && branch == number => Err("problem"),
                _ => Ok(n),
            };
            let stop = ctx.child();
            let see = |n: u64, all: &mut Vec<u64>| {
                all.push(n);
                if let Some((at, _, 2)) = problem && at == n {
                    stop.cancel("problem");
                }
            };
            macro_rules! run {
                ($how:expr) => {{
                    let how = $how.buffer(room);
                    let how = if drops { how.drop_failed() } else { how };
                    let fan = Pipeline::from_iter(0..size).fan_out(how, |branch| {
                        let work = work(branch.number());
                        branch.try_map(work).flat_map(stages)
                    });
                    if in_order {
                        fan.in_order().for_each(&stop, |n| see(n, &mut all))
                    } else {
                        fan.for_each(&stop, |n| see(n, &mut all))
                    }
                }};
            }
            let ended = match way {
                0 => run!(FanOut::shared(branches)),
                1 => run!(FanOut::broadcast(branches)),
                _ => run!(FanOut::by_key(branches, |n: &u64| n % 5)),
            };
            (ended, all)
        });
        let report = ended.as_ref().unwrap_or_else(Error::report);
        adds_up(report);
        let copies = if way == 1 { branches } else { 1 };
        if ended.is_ok() && report.branches.iter().all(|branch| branch.dropped.is_none()) {
            let each = |n| stages(n).collect::<Vec<_>>().into_iter();
            let expected: Vec<u64> = (0..size).flat_map(|n| (0..copies).flat_map(move |_| each(n))).collect();
            if in_order { prop_assert_eq!(all, expected) } else { prop_assert_eq!(sorted(all), sorted(expected)) }
        } else if in_order && copies == 1 {
            prop_assert!(all.is_sorted());
        }
    }
}

#[test]
fn what_a_branch_holds_at_the_end_is_handed_on_whenever_the_others_end() {
    for _ in 0..300 {
        let batches = clean(|ctx| {
            let fan = Pipeline::from_iter([1, 2, 3])
                .fan_out(FanOut::broadcast(1), |branch| branch.batch(Batch::of(2)));
            fan.in_order().collect(ctx).unwrap()
        });
        assert_eq!(batches, [vec![1, 2], vec![3]]);
    }
}

#[test]
fn an_item_of_which_results_come_without_end_does_not_fill_the_memory() {
    let endless = |how: FanOut<Broadcast>| {
        clean(|ctx| {
            let fan =
                Pipeline::from_iter([0_u64]).fan_out(how, |branch| branch.flat_map(|_| 0_u64..));
            fan.in_order().take(10).collect(ctx).unwrap()
        })
    };
    assert!(endless(FanOut::broadcast(2)).into_iter().eq(0..10));
    let shared = clean(|ctx| {
        let fan = Pipeline::from_iter([0_u64])
            .fan_out(FanOut::shared(2), |branch| branch.flat_map(|_| 0_u64..));
        fan.in_order().take(10).collect(ctx).unwrap()
    });
    assert!(shared.into_iter().eq(0..10));
}

#[test]
fn fans_nest_and_what_follows_them_may_have_threads() {
    let (report, mut all) = clean(|ctx| {
        let mut all = Vec::new();
        let fan = Pipeline::from_iter(0..1_000_u64).fan_out(FanOut::shared(2), |branch| {
            branch.fan_out(FanOut::by_key(2, |n: &u64| n % 7), |inner| inner.map(|n| n + 1))
        });
        let report =
            fan.thread().parallel(1..=2).map(|n| n * 2).for_each(ctx, |n| all.push(n)).unwrap();
        (report, all)
    });
    adds_up(&report);
    all.sort_unstable();
    assert!(all.into_iter().eq((1..=1_000).map(|n| n * 2)));
}

#[test]
fn a_pipeline_of_a_fan_in_that_fails_ends_the_others() {
    let error = clean(|ctx| {
        let pipelines = [0_u64, 1].map(|number| {
            Pipeline::from_iter(0_u64..).map(move |n| {
                assert!(number == 0 || n < 1_000, "enough");
                n
            })
        });
        Pipeline::fan_in(pipelines).for_each(ctx, |_| ()).unwrap_err()
    });
    assert!(
        error.to_string().contains("branch 1") && error.to_string().contains("enough"),
        "{error}"
    );
    adds_up(error.report());
}

#[test]
fn an_end_that_has_enough_ends_a_fan_in() {
    let all = clean(|ctx| {
        let fan = Pipeline::fan_in([0_u64, 1].map(|first| Pipeline::from_iter(first..)));
        fan.take(5).collect(ctx).unwrap()
    });
    assert_eq!(all.len(), 5, "{all:?}");
}

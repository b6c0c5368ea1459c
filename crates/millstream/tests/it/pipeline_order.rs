//! Order: what comes out is what the sequential iterator gives, through every boundary and while
//! workers are added.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use millstream::{Pipeline, Report};

use crate::pipeline_support::{adds_up, clean, spin};

const SIZES: [u64; 6] = [0, 1, 2, 5, 1_000, 300_000];

/// The stages of the comparison, as an iterator.
fn sequential(size: u64) -> Vec<u64> {
    (0..size).map(|n| n * 3).filter(|n| n % 5 != 0).flat_map(|n| [n, n + 1]).collect()
}

/// Uneven work: most items are quick, one in a hundred is slow.
fn uneven(n: u64) -> u64 {
    spin(if n.is_multiple_of(100) { 2_000 } else { 20 });
    n * 3
}

/// One comparison for each boundary.
macro_rules! as_the_iterator {
    ($($test:ident: |$source:ident| $boundary:expr;)*) => {$(
        #[test]
        fn $test() {
            for size in SIZES {
                let (report, all) = clean(move |ctx| {
                    let mut all = Vec::new();
                    let $source = Pipeline::from_iter(0..size);
                    let piped = $boundary.filter(|n| n % 5 != 0).flat_map(|n| [n, n + 1]);
                    (piped.for_each(ctx, |n| all.push(n)).unwrap(), all)
                });
                assert!(all == sequential(size), "{size} items");
                adds_up(&report);
            }
        }
    )*};
}

as_the_iterator! {
    fused_stages_give_what_the_iterator_gives: |p| p.map(uneven);
    a_thread_gives_what_the_iterator_gives: |p| p.map(uneven).thread();
    a_fixed_team_gives_what_the_iterator_gives: |p| p.parallel(3).map(uneven);
    an_elastic_team_gives_what_the_iterator_gives: |p| p.parallel(1..=4).map(uneven);
    work_before_the_team_gives_what_the_iterator_gives: |p| p.map(uneven).parallel(1..=4);
    a_team_behind_a_team_gives_what_the_iterator_gives: |p| p.parallel(1..=3).map(uneven).parallel(2).map(|n| n);
    a_team_on_a_thread_gives_what_the_iterator_gives: |p| p.parallel(1..=3).map(uneven).thread();
    a_team_behind_a_thread_gives_what_the_iterator_gives: |p| p.thread().parallel(1..=3).map(uneven);
}

fn workers(report: &Report) -> usize {
    report.stages.iter().map(|stage| stage.workers).max().unwrap()
}

#[test]
fn an_elastic_stage_grows_while_it_runs_and_keeps_every_item_in_its_place() {
    let (report, all) = clean(|ctx| {
        let mut all = Vec::new();
        let slow = |n: u64| {
            spin(20_000);
            n
        };
        let report = Pipeline::from_iter(0..5_000)
            .parallel(1..=4)
            .map(slow)
            .for_each(ctx, |n| all.push(n))
            .unwrap();
        (report, all)
    });
    assert!(all.into_iter().eq(0..5_000));
    assert!(
        workers(&report) > 1,
        "the stage costs far more than a thread and should have grown:\n{report}"
    );
    adds_up(&report);
}

#[test]
fn five_items_and_cheap_work_cost_no_thread() {
    let alone = clean(move |ctx| {
        let caller = std::thread::current().id();
        let run = |_: &u32| {
            let here = Pipeline::from_iter(0..5)
                .parallel(1..=8)
                .map(|_| std::thread::current().id() == caller);
            here.collect(ctx).unwrap() == [true; 5]
        };
        (0..20).filter(run).count()
    });
    // A core that is taken away in the middle of an item looks like work; that is not the rule.
    assert!(alone > 10, "{alone} of 20 runs stayed on the caller's thread");
}

#[test]
fn a_fixed_team_works_on_its_own_threads_from_the_first_item() {
    let report = clean(|ctx| {
        let caller = std::thread::current().id();
        let report = Pipeline::from_iter(0..5)
            .parallel(2)
            .inspect(|_| assert_ne!(std::thread::current().id(), caller))
            .for_each(ctx, |_| assert_eq!(std::thread::current().id(), caller));
        report.unwrap()
    });
    assert_eq!(workers(&report), 2);
}

#[test]
fn unordered_gives_the_same_items_in_some_order() {
    for workers in [1, 2, 4] {
        for size in SIZES {
            let mut all = clean(move |ctx| {
                let piped =
                    Pipeline::from_iter(0..size).parallel(1..=workers).unordered().map(uneven);
                piped.filter(|n| n % 5 != 0).flat_map(|n| [n, n + 1]).collect(ctx).unwrap()
            });
            all.sort_unstable();
            let mut expected = sequential(size);
            expected.sort_unstable();
            assert!(all == expected, "{size} items on {workers} workers");
        }
    }
}

#[test]
fn a_slow_end_holds_the_source_back() {
    // Nothing is taken until the source waits: the window is full then, and bounded.
    let (read, most) = clean(|ctx| {
        let read = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&read);
        let source = Pipeline::from_iter((0..10_000_000_u64).inspect(move |_| {
            seen.fetch_add(1, Ordering::Relaxed);
        }));
        let mut most = 0;
        let mut taken = 0;
        let ended = source.parallel(2).map(|n| n).for_each(ctx, |_| {
            taken += 1;
            if taken == 100 {
                // Long enough for the workers to run into the bound many times over, if there were
                // none.
                spin(200_000_000);
                most = read.load(Ordering::Relaxed) - taken;
                ctx.cancel("seen enough");
            }
        });
        assert!(ended.unwrap_err().cancelled().is_some());
        (read.load(Ordering::Relaxed), most)
    });
    assert!(
        most <= 8 * 4_096,
        "{most} items between source and end: more than six chunks in the window and two in work"
    );
    assert!(read < 10_000_000);
}

#[test]
fn each_worker_makes_one_state_and_no_state_serves_two_workers() {
    let made = clean(|ctx| {
        let made = AtomicUsize::new(0);
        let all = Pipeline::from_iter(0..50_000_u64)
            .parallel(3)
            .map_with(
                || (made.fetch_add(1, Ordering::SeqCst), None),
                |(_, owner), n| {
                    let me = std::thread::current().id();
                    assert_eq!(*owner.get_or_insert(me), me);
                    n
                },
            )
            .collect(ctx)
            .unwrap();
        assert!(all.into_iter().eq(0..50_000));
        made.into_inner()
    });
    // The caller's, for the time before the workers, and one for each of them.
    assert_eq!(made, 4);
}

#[test]
fn a_pipeline_inside_a_stage_of_a_pipeline_works_and_keeps_its_own_account() {
    let sums = clean(|ctx| {
        let inner = |n: u64| {
            Pipeline::from_iter(0..n).parallel(2).map(|i| i * i).fold(ctx, 0, |a, b| a + b).unwrap()
        };
        Pipeline::from_iter(0..50_u64).parallel(2).map(inner).collect(ctx).unwrap()
    });
    let expected: Vec<u64> = (0..50).map(|n| (0..n).map(|i| i * i).sum()).collect();
    assert_eq!(sums, expected);
}

#[test]
fn items_may_borrow_from_the_caller() {
    let text = String::from("to be or not to be");
    let ctx = millstream::Context::new();
    let words = Pipeline::from_iter(text.split(' '))
        .parallel(1..=2)
        .map(str::len)
        .thread()
        .collect(&ctx)
        .unwrap();
    assert_eq!(words, [2, 2, 2, 3, 2, 2]);
}

//! Feedback: a graph that produces its own input sees everything that is reachable, each once if it
//! says so, and ends exactly when nothing is in flight.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use millstream::feedback::InFlightItem;
use millstream::{FanOut, Feedback, Pipeline};
use proptest::prelude::*;

use crate::pipeline_support::{adds_up, clean};

/// A graph of `nodes` nodes with edges from a seed.
fn links(node: u32, nodes: u32, seed: u32) -> impl Iterator<Item = u32> {
    (0..3_u32).map(move |n| {
        node.wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(n + 1)).rotate_left(n * 7)
            % nodes
    })
}

fn reachable(nodes: u32, seed: u32) -> HashSet<u32> {
    let (mut seen, mut open) = (HashSet::from([0]), vec![0]);
    while let Some(node) = open.pop() {
        open.extend(links(node, nodes, seed).filter(|next| seen.insert(*next)).collect::<Vec<_>>());
    }
    seen
}

/// Feeds what was not seen before.
fn visit(node: &InFlightItem<u32>, seen: &Mutex<HashSet<u32>>, nodes: u32, seed: u32) -> u32 {
    for next in links(**node, nodes, seed) {
        if seen.lock().unwrap().insert(next) {
            node.feeder().feed(next).unwrap();
        }
    }
    **node
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn everything_reachable_is_visited_once_however_it_is_visited(nodes in 1..2_000_u32, seed: u32, way in 0..4_u8) {
        let visited = clean(move |ctx| {
            let seen = Mutex::new(HashSet::from([0]));
            let feedback = Feedback::new([0]);
            let visit = |node: InFlightItem<u32>| visit(&node, &seen, nodes, seed);
            let mut all = Vec::new();
            let report = match way {
                0 => Pipeline::from(feedback).map(visit).for_each(ctx, |n| all.push(n)),
                1 => Pipeline::from(feedback.newest_first()).map(visit).for_each(ctx, |n| all.push(n)),
                2 => Pipeline::from(feedback).parallel(3).map(visit).for_each(ctx, |n| all.push(n)),
                _ => Pipeline::from(feedback)
                    .fan_out(FanOut::shared(3), |branch| branch.map(visit))
                    .for_each(ctx, |n| all.push(n)),
            };
            adds_up(&report.unwrap());
            all
        });
        let expected = reachable(nodes, seed);
        prop_assert_eq!(visited.len(), expected.len());
        prop_assert_eq!(visited.into_iter().collect::<HashSet<_>>(), expected);
    }
}

#[test]
fn a_loop_whose_stage_fails_ends_with_the_error_and_adds_up() {
    let error = clean(|ctx| {
        let visited = AtomicUsize::new(0);
        let endless =
            Pipeline::from(Feedback::new([0_u64])).parallel(2).try_map(|n: InFlightItem<u64>| {
                n.feeder().feed(*n + 1).unwrap();
                if visited.fetch_add(1, Ordering::Relaxed) == 1_000 {
                    Err("enough")
                } else {
                    Ok(*n)
                }
            });
        endless.for_each(ctx, |_| ()).unwrap_err()
    });
    assert!(error.to_string().ends_with("enough"), "{error}");
    adds_up(error.report());
}

#[test]
fn an_endless_loop_ends_when_its_end_has_enough() {
    let all = clean(|ctx| {
        let endless = Pipeline::from(Feedback::new([0_u64])).map(|n| {
            n.feeder().feed(*n + 1).unwrap();
            *n
        });
        endless.take(1_000).collect(ctx).unwrap()
    });
    assert!(all.into_iter().eq(0..1_000));
}

#[test]
fn a_panic_in_a_stage_ends_the_loop() {
    let error = clean(|ctx| {
        let broken = Pipeline::from(Feedback::new([0_u64; 100]))
            .parallel(2)
            .map(|n| if *n == 0 { panic!("broken") } else { 1 });
        broken.collect(ctx).unwrap_err()
    });
    assert_eq!(error.panic().unwrap().message(), "broken");
    adds_up(error.report());
}

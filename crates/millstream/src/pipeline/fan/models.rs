//! Models of the two joints of a fan under every interleaving that loom finds: the queues of the branches, and the merge.

use std::future::poll_fn;

use loom::thread;

use super::dealt::{Dealt, Part, Room, Take};
use super::merge::{Made, Merge, Next, Sequence, TAIL};
use crate::park::block_on;
use crate::sync::Arc;

fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(f);
}

fn part(number: u64) -> Part<u64> {
    Part { number, items: vec![number], places: Vec::new() }
}

/// Deals so many parts, one to each branch in turn, then says that it was all.
fn deal(dealt: &Dealt<u64>, parts: u64, lanes: usize) {
    for number in 0..parts {
        let lane = number as usize % lanes;
        match block_on(poll_fn(|cx| dealt.poll_room(lane, 1, cx))) {
            Room::Free => dealt.deal(lane, part(number)).expect("nobody closes"),
            Room::Gone { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    dealt.end();
}

/// What a branch finds until the end.
fn take_all(dealt: &Dealt<u64>, lane: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    loop {
        match block_on(poll_fn(|cx| dealt.poll_take(lane, cx))) {
            Take::Part { .. } => seen.extend(dealt.local(lane).give_up()),
            Take::End => return seen,
            Take::Closed => panic!("nobody closes"),
        }
    }
}

fn next(merge: &Merge<u64>) -> Next<u64> {
    block_on(poll_fn(|cx| merge.poll_next(cx)))
}

/// Everything that the consumer gets.
fn merged(merge: &Merge<u64>) -> Vec<u64> {
    let mut all = Vec::new();
    loop {
        match next(merge) {
            Next::Made(made) => all.extend(made.items),
            Next::End => return all,
            Next::Closed => panic!("nobody closes"),
        }
    }
}

fn put(merge: &Merge<u64>, lane: usize, number: u64) -> bool {
    let made = Made { number, items: vec![number], marks: Vec::new(), covers: 1 };
    block_on(poll_fn(|cx| merge.poll_room(lane, number, cx))) && merge.put(lane, made, false).is_ok()
}

#[test]
fn two_branches_of_one_queue_take_every_part_once_and_see_the_end() {
    model(|| {
        let dealt = Arc::new(Dealt::new(2, true, 1));
        let other = {
            let dealt = Arc::clone(&dealt);
            thread::spawn(move || take_all(&dealt, 1))
        };
        let third = {
            let dealt = Arc::clone(&dealt);
            thread::spawn(move || deal(&dealt, 3, 1))
        };
        let mut all = take_all(&dealt, 0);
        all.extend(other.join().unwrap());
        third.join().unwrap();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2]);
    });
}

#[test]
fn a_branch_that_ends_passes_on_the_wake_up_for_a_part_that_it_does_not_take() {
    model(|| {
        let dealt = Arc::new(Dealt::new(2, true, 4));
        let leaver = {
            let dealt = Arc::clone(&dealt);
            thread::spawn(move || {
                // It waits once, as a branch does that is stopped meanwhile, and leaves.
                let mut polled = false;
                let taken = block_on(poll_fn(|cx| {
                    let found = dealt.poll_take(1, cx).map(Some);
                    if found.is_pending() && std::mem::replace(&mut polled, true) {
                        return std::task::Poll::Ready(None);
                    }
                    if found.is_pending() {
                        cx.waker().wake_by_ref();
                    }
                    found
                }));
                let part = dealt.local(1).give_up().len() as u64;
                dealt.drop_lane(1, false);
                assert!(
                    part == 0 || matches!(taken, Some(Take::Part { .. })),
                    "what was taken may be taken over"
                );
                part
            })
        };
        let dealer = {
            let dealt = Arc::clone(&dealt);
            thread::spawn(move || deal(&dealt, 1, 1))
        };
        let mine = take_all(&dealt, 0).len() as u64;
        dealer.join().unwrap();
        assert_eq!(mine + leaver.join().unwrap(), 1);
    });
}

#[test]
fn the_dealer_that_waits_for_room_hears_that_the_branch_is_gone() {
    model(|| {
        let dealt = Arc::new(Dealt::new(1, false, 1));
        dealt.deal(0, part(0)).unwrap();
        let branch = {
            let dealt = Arc::clone(&dealt);
            thread::spawn(move || dealt.drop_lane(0, true).left.len())
        };
        let room = block_on(poll_fn(|cx| dealt.poll_room(0, 1, cx)));
        assert_eq!(room, Room::Gone { failed: true });
        assert_eq!(branch.join().unwrap(), 1, "what was dealt to it comes back");
    });
}

#[test]
fn a_dealer_and_a_merge_that_wait_for_each_other_are_told_so_in_any_order() {
    model(|| {
        let dealt = Arc::new(Dealt::new(2, false, 1));
        dealt.compares(true);
        dealt.deal(0, part(0)).unwrap();
        let idle = {
            let dealt = Arc::clone(&dealt);
            thread::spawn(move || {
                block_on(poll_fn(|cx| match dealt.poll_take(1, cx) {
                    std::task::Poll::Ready(taken) => std::task::Poll::Ready(matches!(taken, Take::Closed)),
                    std::task::Poll::Pending => std::task::Poll::Pending,
                }))
            })
        };
        let consumer = {
            let dealt = Arc::clone(&dealt);
            thread::spawn(move || dealt.want(Some(1)))
        };
        assert_eq!(block_on(poll_fn(|cx| dealt.poll_room(0, 1, cx))), Room::Stalled(1));
        consumer.join().unwrap();
        dealt.close();
        assert!(idle.join().unwrap());
    });
}

#[test]
fn results_in_order_come_out_by_number_though_only_the_oldest_finds_room() {
    model(|| {
        let merge = Arc::new(Merge::new(2, Sequence::Input, 1));
        let branches: Vec<_> = [[1, 2], [0, 3]]
            .into_iter()
            .zip(0..)
            .map(|(numbers, lane)| {
                let merge = Arc::clone(&merge);
                thread::spawn(move || {
                    numbers.into_iter().for_each(|number| assert!(put(&merge, lane, number)));
                    merge.end_lane(lane, None);
                })
            })
            .collect();
        assert_eq!(merged(&merge), [0, 1, 2, 3]);
        branches.into_iter().for_each(|branch| branch.join().unwrap());
    });
}

#[test]
fn a_chunk_that_a_branch_took_along_is_waited_for_no_more() {
    model(|| {
        let merge = Arc::new(Merge::new(2, Sequence::Input, 2));
        let failing = {
            let merge = Arc::clone(&merge);
            thread::spawn(move || merge.end_lane(0, Some((0, 1))))
        };
        let other = {
            let merge = Arc::clone(&merge);
            thread::spawn(move || {
                assert!(put(&merge, 1, 1));
                merge.end_lane(1, None);
            })
        };
        assert_eq!(merged(&merge), [1]);
        failing.join().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn what_a_branch_held_at_the_end_comes_after_all_chunks_also_where_there_is_room_for_one_piece() {
    model(|| {
        let merge = Arc::new(Merge::new(2, Sequence::Input, 1));
        let branches: Vec<_> = [[0, TAIL], [TAIL, TAIL]]
            .into_iter()
            .zip(0..)
            .map(|(numbers, lane)| {
                let merge = Arc::clone(&merge);
                thread::spawn(move || {
                    for number in numbers {
                        let items = vec![if number == TAIL { lane as u64 + 7 } else { number }];
                        let made =
                            Made { number, items, marks: Vec::new(), covers: u64::from(number != TAIL) };
                        assert!(block_on(poll_fn(|cx| merge.poll_room(lane, number, cx))));
                        merge.put(lane, made, false).expect("nobody closes");
                    }
                    merge.end_lane(lane, None);
                })
            })
            .collect();
        assert_eq!(merged(&merge), [0, 7, 8, 8]);
        branches.into_iter().for_each(|branch| branch.join().unwrap());
    });
}

#[test]
fn a_branch_that_waits_for_room_hears_that_it_was_dropped() {
    model(|| {
        let merge = Arc::new(Merge::new(2, Sequence::Apart, 1));
        assert!(put(&merge, 0, 0));
        let dropping = {
            let merge = Arc::clone(&merge);
            thread::spawn(move || merge.end_lane(0, None))
        };
        assert!(!put(&merge, 0, 1));
        dropping.join().unwrap();
        let next = |lane| block_on(poll_fn(|cx| merge.poll_lane(lane, cx)));
        assert!(matches!(next(0), Next::Made(_)), "what it made before is taken");
        assert_eq!(next(0), Next::End);
    });
}

#[test]
fn what_is_put_while_the_merge_closes_comes_back_to_somebody() {
    model(|| {
        let merge = Arc::new(Merge::new(1, Sequence::Arrival, 1));
        let branch = {
            let merge = Arc::clone(&merge);
            thread::spawn(move || (0..2).filter(|number| put(&merge, 0, *number)).count())
        };
        let first = matches!(next(&merge), Next::Made(_));
        let left = merge.close().len();
        let accepted = branch.join().unwrap();
        assert_eq!(accepted, usize::from(first) + left);
    });
}

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

/// What two branches started, and what they make of it.
#[derive(Default)]
struct Started {
    items: loom::sync::Mutex<Vec<u64>>,
    more: loom::sync::Condvar,
}

impl Started {
    /// An item is at work; item `held` until so many are started.
    fn work(&self, item: u64, held: Option<u64>, all: usize) {
        let mut items = self.items.lock().unwrap();
        items.push(item);
        self.more.notify_all();
        while held == Some(item) && items.len() < all {
            items = self.more.wait(items).unwrap();
        }
    }

    /// Waits until so many items are started.
    fn wait_for(&self, all: usize) {
        let mut items = self.items.lock().unwrap();
        while items.len() < all {
            items = self.more.wait(items).unwrap();
        }
    }
}

/// A branch that works: it starts what it has, item by item, and takes or takes over until the end.
fn work_all(dealt: &Dealt<u64>, lane: usize, lanes: usize, work: impl Fn(u64)) {
    loop {
        loop {
            let mut claimed = Vec::new();
            dealt.local(lane).claim(1, 0, &mut Vec::new(), &mut claimed);
            if claimed.is_empty() {
                break;
            }
            claimed.into_iter().for_each(&work);
        }
        match block_on(poll_fn(|cx| dealt.poll_take(lane, cx))) {
            Take::Part { .. } => {}
            Take::End => {
                // No item comes after the end, so what was there to be taken would still be.
                let left: usize = (0..lanes).map(|lane| dealt.local(lane).len()).sum();
                assert_eq!(left, 0, "branch {lane} ended beside what nobody had started");
                return;
            }
            Take::Closed => panic!("nobody closes"),
        }
    }
}

/// So many branches that work while `deals` does something: each of the items is started once, and all see the end.
fn branches_start(
    lanes: usize,
    items: u64,
    held: Option<u64>,
    dealt: Dealt<u64>,
    deals: impl FnOnce(&Dealt<u64>, &Started),
) {
    let (dealt, started) = (Arc::new(dealt), Arc::new(Started::default()));
    let branches: Vec<_> = (0..lanes)
        .map(|lane| {
            let (dealt, started) = (Arc::clone(&dealt), Arc::clone(&started));
            let work = move |item| started.work(item, held, items as usize);
            thread::spawn(move || work_all(&dealt, lane, lanes, work))
        })
        .collect();
    deals(&dealt, &started);
    branches.into_iter().for_each(|branch| branch.join().unwrap());
    let mut started = started.items.lock().unwrap();
    started.sort_unstable();
    assert!(started.iter().copied().eq(0..items), "{started:?}");
}

/// Proves for a part of three items, of which one branch has taken all: the other one takes over what is not started, and
/// the first takes it back where it is idle itself, also at the moment in which the input ends. So one item, at whichever
/// branch, may go on until the others are started; each is started once; and both branches see the end, but not while an
/// item is not started. Loom reports a branch that waits forever.
///
/// The part is put where taking it would put it: in a model a branch takes a single item at a time (see `LARGEST`), of
/// which nothing can be left over.
#[test]
fn what_a_branch_that_is_held_up_has_not_started_the_other_one_takes_over() {
    for held in [0, 1] {
        model(move || {
            let dealt = Dealt::new(2, true, 4);
            dealt.local(0).fill(0, (0..3).collect());
            branches_start(2, 3, Some(held), dealt, |dealt, _| dealt.end());
        });
    }
}

/// Proves that of a part in the queue what one branch leaves is for the other one, who may be asleep: the first item
/// goes on until the second one is started, and only then the input ends.
#[test]
fn what_a_branch_leaves_of_a_part_is_started_by_the_other_one_meanwhile() {
    model(|| {
        branches_start(2, 2, Some(0), Dealt::new(2, true, 4), |dealt, started| {
            let both = Part { number: 0, items: vec![0, 1], places: Vec::new() };
            dealt.deal(0, both).expect("nobody closes");
            started.wait_for(2);
            dealt.end();
        });
    });
}

/// Proves for items that nothing holds up: a branch may lose what it has taken to another one before it starts it, also
/// the last item; and one that comes too late for the branch with most, while another one still has something, does not
/// take that for the end.
#[test]
fn branches_that_take_over_from_each_other_start_each_item_once_and_see_the_end_behind_the_last() {
    model(|| {
        let dealt = Dealt::new(3, true, 4);
        dealt.local(0).fill(0, vec![0]);
        dealt.local(1).fill(1, vec![1]);
        branches_start(3, 2, None, dealt, |dealt, _| dealt.end());
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

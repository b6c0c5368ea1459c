//! Models of the two links of a fan under every interleaving that loom finds: the queues of the
//! branches, and the merge.

use std::future::poll_fn;

use loom::thread;

use super::merge::{Made, Merge, Next, Sequence, TAIL};
use super::queues::{BranchQueues, Part, Room, Take};
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

/// Sends `parts` parts, one to each branch in turn, then the end.
fn deal(queues: &BranchQueues<u64>, parts: u64, branches: usize) {
    for number in 0..parts {
        let branch = number as usize % branches;
        match block_on(poll_fn(|cx| queues.poll_room(branch, 1, cx))) {
            Room::Free => queues.deal(branch, part(number)).expect("nobody closes"),
            Room::Gone { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    queues.end();
}

/// What a branch finds until the end.
fn take_all(queues: &BranchQueues<u64>, branch: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    loop {
        match block_on(poll_fn(|cx| queues.poll_take(branch, cx))) {
            Take::Part { .. } => seen.extend(queues.local(branch).give_up()),
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

fn put(merge: &Merge<u64>, branch: usize, number: u64) -> bool {
    let made = Made { number, items: vec![number], marks: Vec::new(), covers: 1 };
    block_on(poll_fn(|cx| merge.poll_room(branch, number, cx)))
        && merge.put(branch, made, false).is_ok()
}

#[test]
fn two_branches_of_one_queue_take_every_part_once_and_see_the_end() {
    model(|| {
        let queues = Arc::new(BranchQueues::new(2, true, 1));
        let other = {
            let queues = Arc::clone(&queues);
            thread::spawn(move || take_all(&queues, 1))
        };
        let third = {
            let queues = Arc::clone(&queues);
            thread::spawn(move || deal(&queues, 3, 1))
        };
        let mut all = take_all(&queues, 0);
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
    /// An item is being processed; item `held` until that number of items has started.
    fn work(&self, item: u64, held: Option<u64>, all: usize) {
        let mut items = self.items.lock().unwrap();
        items.push(item);
        self.more.notify_all();
        while held == Some(item) && items.len() < all {
            items = self.more.wait(items).unwrap();
        }
    }

    /// Waits until `items` items have started.
    fn wait_for(&self, all: usize) {
        let mut items = self.items.lock().unwrap();
        while items.len() < all {
            items = self.more.wait(items).unwrap();
        }
    }
}

/// A branch that works: it starts what it has, item by item, and takes or takes over until the end.
fn work_all(queues: &BranchQueues<u64>, branch: usize, branches: usize, work: impl Fn(u64)) {
    loop {
        loop {
            let mut claimed = Vec::new();
            queues.local(branch).claim(1, 0, &mut Vec::new(), &mut claimed);
            if claimed.is_empty() {
                break;
            }
            claimed.into_iter().for_each(&work);
        }
        match block_on(poll_fn(|cx| queues.poll_take(branch, cx))) {
            Take::Part { .. } => {}
            Take::End => {
                // No item comes after the end, so what was there to be taken would still be.
                let left: usize = (0..branches).map(|branch| queues.local(branch).len()).sum();
                assert_eq!(left, 0, "branch {branch} ended beside what nobody had started");
                return;
            }
            Take::Closed => panic!("nobody closes"),
        }
    }
}

/// `branches` branches work while `deals` does something: each of the items is started once, and
/// all see the end.
fn branches_start(
    branches: usize,
    items: u64,
    held: Option<u64>,
    queues: BranchQueues<u64>,
    deals: impl FnOnce(&BranchQueues<u64>, &Started),
) {
    let (queues, started) = (Arc::new(queues), Arc::new(Started::default()));
    let branches: Vec<_> = (0..branches)
        .map(|branch| {
            let (queues, started) = (Arc::clone(&queues), Arc::clone(&started));
            let work = move |item| started.work(item, held, items as usize);
            thread::spawn(move || work_all(&queues, branch, branches, work))
        })
        .collect();
    deals(&queues, &started);
    branches.into_iter().for_each(|branch| branch.join().unwrap());
    let mut started = started.items.lock().unwrap();
    started.sort_unstable();
    assert!(started.iter().copied().eq(0..items), "{started:?}");
}

/// Proves for a part of three items, of which one branch has taken all: the other one takes over
/// what is not started, and the first takes it back where it is idle itself, also at the moment in
/// which the input ends. So one item, at whichever branch, may go on until the others are started;
/// each is started once; and both branches see the end, but not while an item is not started. Loom
/// reports a branch that waits forever.
///
/// The part is put where taking it would put it: in a model a branch takes a single item at a time
/// (see `LARGEST`), of which nothing can be left over.
#[test]
fn what_a_branch_that_is_held_up_has_not_started_the_other_one_takes_over() {
    for held in [0, 1] {
        model(move || {
            let queues = BranchQueues::new(2, true, 4);
            queues.local(0).fill(0, (0..3).collect());
            branches_start(2, 3, Some(held), queues, |queues, _| queues.end());
        });
    }
}

/// Proves that of a part in the queue what one branch leaves is for the other one, who may be
/// asleep: the first item goes on until the second one is started, and only then the input ends.
#[test]
fn what_a_branch_leaves_of_a_part_is_started_by_the_other_one_meanwhile() {
    model(|| {
        branches_start(2, 2, Some(0), BranchQueues::new(2, true, 4), |queues, started| {
            let both = Part { number: 0, items: vec![0, 1], places: Vec::new() };
            queues.deal(0, both).expect("nobody closes");
            started.wait_for(2);
            queues.end();
        });
    });
}

/// Proves for items that nothing holds up: a branch may lose what it has taken to another one
/// before it starts it, also the last item; and one that comes too late for the branch with most,
/// while another one still has something, does not take that for the end.
#[test]
fn branches_that_take_over_from_each_other_start_each_item_once_and_see_the_end_behind_the_last() {
    model(|| {
        let queues = BranchQueues::new(3, true, 4);
        queues.local(0).fill(0, vec![0]);
        queues.local(1).fill(1, vec![1]);
        branches_start(3, 2, None, queues, |queues, _| queues.end());
    });
}

#[test]
fn a_branch_that_ends_passes_on_the_wake_up_for_a_part_that_it_does_not_take() {
    model(|| {
        let queues = Arc::new(BranchQueues::new(2, true, 4));
        let leaver = {
            let queues = Arc::clone(&queues);
            thread::spawn(move || {
                // It waits once, as a branch does that is stopped meanwhile, and leaves.
                let mut polled = false;
                let taken = block_on(poll_fn(|cx| {
                    let found = queues.poll_take(1, cx).map(Some);
                    if found.is_pending() && std::mem::replace(&mut polled, true) {
                        return std::task::Poll::Ready(None);
                    }
                    if found.is_pending() {
                        cx.waker().wake_by_ref();
                    }
                    found
                }));
                let part = queues.local(1).give_up().len() as u64;
                queues.drop_branch(1, false);
                assert!(
                    part == 0 || matches!(taken, Some(Take::Part { .. })),
                    "what was taken may be taken over"
                );
                part
            })
        };
        let dispatcher = {
            let queues = Arc::clone(&queues);
            thread::spawn(move || deal(&queues, 1, 1))
        };
        let mine = take_all(&queues, 0).len() as u64;
        dispatcher.join().unwrap();
        assert_eq!(mine + leaver.join().unwrap(), 1);
    });
}

#[test]
fn the_dispatcher_that_waits_for_room_hears_that_the_branch_is_gone() {
    model(|| {
        let queues = Arc::new(BranchQueues::new(1, false, 1));
        queues.deal(0, part(0)).unwrap();
        let branch = {
            let queues = Arc::clone(&queues);
            thread::spawn(move || queues.drop_branch(0, true).left.len())
        };
        let room = block_on(poll_fn(|cx| queues.poll_room(0, 1, cx)));
        assert_eq!(room, Room::Gone { failed: true });
        assert_eq!(branch.join().unwrap(), 1, "what was dispatched to it comes back");
    });
}

#[test]
fn results_in_order_come_out_by_number_though_only_the_oldest_finds_room() {
    model(|| {
        let merge = Arc::new(Merge::new(2, Sequence::Input, 1));
        let branches: Vec<_> = [[1, 2], [0, 3]]
            .into_iter()
            .zip(0..)
            .map(|(numbers, branch)| {
                let merge = Arc::clone(&merge);
                thread::spawn(move || {
                    numbers.into_iter().for_each(|number| assert!(put(&merge, branch, number)));
                    merge.end_branch(branch, None);
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
            thread::spawn(move || merge.end_branch(0, Some((0, 1))))
        };
        let other = {
            let merge = Arc::clone(&merge);
            thread::spawn(move || {
                assert!(put(&merge, 1, 1));
                merge.end_branch(1, None);
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
            .map(|(numbers, branch)| {
                let merge = Arc::clone(&merge);
                thread::spawn(move || {
                    for number in numbers {
                        let items = vec![if number == TAIL { branch as u64 + 7 } else { number }];
                        let made = Made {
                            number,
                            items,
                            marks: Vec::new(),
                            covers: u64::from(number != TAIL),
                        };
                        assert!(block_on(poll_fn(|cx| merge.poll_room(branch, number, cx))));
                        merge.put(branch, made, false).expect("nobody closes");
                    }
                    merge.end_branch(branch, None);
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
            thread::spawn(move || merge.end_branch(0, None))
        };
        assert!(!put(&merge, 0, 1));
        dropping.join().unwrap();
        let next = |branch| block_on(poll_fn(|cx| merge.poll_branch(branch, cx)));
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

//! Jobs of several pools that wait for each other: they go on, or learn that they cannot.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};

use millstream::pool::SubmitError;
use millstream::{Cause, Context, JobError, JobHandle, Pool};

fn single(ctx: &Context, name: &str) -> Arc<Pool> {
    Arc::new(Pool::builder().workers(1).named(name).build(ctx).unwrap())
}

#[test]
fn two_pools_of_one_worker_whose_jobs_join_each_others_jobs_both_go_on() {
    let ctx = Context::new();
    for _ in 0..200 {
        let pools = [single(&ctx, "left"), single(&ctx, "right")];
        let both_run = Arc::new(Barrier::new(2));
        let outer = |own: usize| {
            let (other, ctx) = (Arc::clone(&pools[1 - own]), ctx.clone());
            let both_run = Arc::clone(&both_run);
            let job = move || {
                both_run.wait();
                let inner =
                    other.spawn(&ctx, || std::thread::current().name().map(str::to_owned)).unwrap();
                inner.join().unwrap().unwrap()
            };
            pools[own].spawn(&Context::new(), job).unwrap()
        };
        let (left, right) = (outer(0), outer(1));
        assert_eq!(left.join().unwrap(), "right worker 1", "a job runs on its own pool's threads");
        assert_eq!(right.join().unwrap(), "left worker 1");
    }
}

/// One job of a tree: its children are in the next pool, which has a worker as busy as this one.
fn tree(pools: &Arc<[Arc<Pool>]>, at: usize, depth: u32, running: &Arc<[AtomicUsize]>) -> u64 {
    let own = at % pools.len();
    // A job that waits for its children stands still; beside those, one runs at a time.
    assert_eq!(running[own].fetch_add(1, Ordering::SeqCst), 0, "the pool has one worker");
    running[own].fetch_sub(1, Ordering::SeqCst);
    if depth == 0 {
        return 1;
    }
    let ctx = Context::new();
    let children: Vec<JobHandle<u64>> = (0..3)
        .map(|_| {
            let (next, running) = (Arc::clone(pools), Arc::clone(running));
            let child = move || tree(&next, at + 1, depth - 1, &running);
            pools[(at + 1) % pools.len()].spawn(&ctx, child).unwrap()
        })
        .collect();
    1 + children.into_iter().map(|child| child.join().unwrap()).sum::<u64>()
}

#[test]
fn a_deep_tree_of_jobs_across_pools_of_one_worker_ends() {
    let ctx = Context::new();
    for count in [1, 2, 3] {
        let pools: Arc<[Arc<Pool>]> =
            (0..count).map(|n| single(&ctx, &format!("pool {n}"))).collect();
        let running: Arc<[AtomicUsize]> = (0..count).map(|_| AtomicUsize::new(0)).collect();
        let roots: Vec<_> = (0..count)
            .map(|at| {
                let (pools, running) = (Arc::clone(&pools), Arc::clone(&running));
                let root = Arc::clone(&pools);
                root[at].spawn(&ctx, move || tree(&pools, at, 5, &running)).unwrap()
            })
            .collect();
        for root in roots {
            assert_eq!(root.join().unwrap(), (3_u64.pow(6) - 1) / 2);
        }
    }
}

#[test]
fn a_job_that_waits_for_a_group_elsewhere_runs_what_that_waits_for() {
    let ctx = Context::new();
    let (left, right) = (single(&ctx, "left"), single(&ctx, "right"));
    let both_run = Arc::new(Barrier::new(2));
    let group = right.group(&ctx);
    let (meet, there, own) = (Arc::clone(&both_run), ctx.clone(), group.clone());
    let waits = left.spawn(&ctx, move || {
        meet.wait();
        own.wait(&there)
    });
    let (there, back) = (ctx.clone(), Arc::clone(&left));
    let joins = group.spawn(&ctx, move || {
        both_run.wait();
        back.spawn(&there, || 7).unwrap().join().unwrap()
    });
    assert_eq!(joins.unwrap().join().unwrap(), 7);
    waits.unwrap().join().unwrap().unwrap();
}

#[test]
fn jobs_that_wait_for_each_others_end_learn_of_it() {
    let ctx = Context::new();
    for _ in 0..100 {
        let (left, right) = (single(&ctx, "left"), single(&ctx, "right"));
        let job = || {
            let (sender, receiver) = mpsc::channel::<JobHandle<bool>>();
            let joins = move || match receiver.recv().unwrap().join() {
                Ok(_) => true,
                Err(JobError::Cancelled(cause)) => {
                    assert!(cause.reason().starts_with("deadlock"), "{cause}");
                    false
                }
                Err(other) => panic!("{other}"),
            };
            (sender, joins)
        };
        let ((to_left, joins_right), (to_right, joins_left)) = (job(), job());
        let (of_left, of_right) = (left.spawn(&ctx, joins_right), right.spawn(&ctx, joins_left));
        to_left.send(of_right.unwrap()).unwrap();
        to_right.send(of_left.unwrap()).unwrap();
        for pool in [&left, &right] {
            pool.wait(&ctx).unwrap();
            assert_eq!(pool.stats().done, 1);
        }
    }
}

#[test]
fn pools_whose_jobs_wait_for_each_other_as_a_whole_learn_of_it() {
    let ctx = Context::new();
    let (left, right) = (single(&ctx, "left"), single(&ctx, "right"));
    let both_run = Arc::new(Barrier::new(2));
    let job = |other: &Arc<Pool>| {
        let (other, ctx, both_run) = (Arc::clone(other), ctx.clone(), Arc::clone(&both_run));
        move || -> Result<(), Cause> {
            both_run.wait();
            other.wait(&ctx)
        }
    };
    let jobs = [left.spawn(&ctx, job(&right)).unwrap(), right.spawn(&ctx, job(&left)).unwrap()];
    let ends = jobs.map(|job| job.join().unwrap());
    assert!(ends.iter().any(Result::is_err), "{ends:?}");
}

#[test]
fn jobs_that_submit_to_each_others_full_pools_do_not_wait_forever() {
    let ctx = Context::new();
    let full = || Arc::new(Pool::builder().workers(1).queue(0).build(&ctx).unwrap());
    let (left, right) = (full(), full());
    let both_run = Arc::new(Barrier::new(2));
    let job = |other: &Arc<Pool>| {
        let (other, ctx, both_run) = (Arc::clone(other), ctx.clone(), Arc::clone(&both_run));
        move || {
            both_run.wait();
            match other.spawn(&ctx, || ()) {
                Ok(job) => job.join().is_ok(),
                Err(SubmitError::Nested(_)) => false,
                Err(refused) => panic!("{refused}"),
            }
        }
    };
    let jobs = [left.spawn(&ctx, job(&right)).unwrap(), right.spawn(&ctx, job(&left)).unwrap()];
    let ran = jobs.map(|job| job.join().unwrap());
    assert!(ran.contains(&false), "one of them was refused: {ran:?}");
    for pool in [left, right] {
        pool.drain(&ctx).unwrap();
        assert!(pool.stats().balances());
    }
}

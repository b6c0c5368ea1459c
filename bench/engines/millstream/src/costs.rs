//! Items of any cost through `parallel` and a fan, and how runs end.

use std::thread::sleep;
use std::time::Instant;

use millstream::{Context, FanOut, Pipeline};
use protocol::costs::ends::{DEADLINE, FAILS, ITEM, median};
use protocol::costs::{Engine, Load};
use protocol::{Measured, Workload};

use crate::whole::WHOLE;

/// By a fixed number of workers, by as many as pay, and by a fan.
pub const ENGINES: &[(&str, Engine)] = &[("", fixed), ("elastic", elastic), ("fan", fanned)];

/// What is measured of ends.
pub const ENDS: &[Workload] = &[
    ("deadline", deadline),
    ("first-error", first_error),
    ("take-one", take_one),
    ("first-result", first_result),
];

fn fixed(load: &Load, n: u64) -> Vec<u64> {
    let items = Pipeline::from_iter(0..n).parallel(load.threads).map(|item| load.work(item, n));
    items.collect(&Context::new()).expect(WHOLE)
}

fn elastic(load: &Load, n: u64) -> Vec<u64> {
    let items = Pipeline::from_iter(0..n).parallel(1..=load.threads).map(|item| load.work(item, n));
    items.collect(&Context::new()).expect(WHOLE)
}

fn fanned(load: &Load, n: u64) -> Vec<u64> {
    let work = |item| load.work(item, n);
    let fan =
        Pipeline::from_iter(0..n).fan_out(FanOut::shared(load.threads), |branch| branch.map(work));
    fan.in_order().collect(&Context::new()).expect(WHOLE)
}

fn nap(item: u64) -> u64 {
    sleep(ITEM);
    item
}

fn deadline(n: u64) -> Measured {
    median(|| {
        let ctx = Context::new().with_timeout(DEADLINE);
        let run = Pipeline::from_iter(0..n).parallel(2).map(nap).collect(&ctx);
        (None, u64::from(run.is_ok()))
    })
}

fn first_error(n: u64) -> Measured {
    median(|| {
        let work = |item| {
            sleep(if item == 0 { FAILS } else { ITEM });
            if item == 0 { Err("failed") } else { Ok(item) }
        };
        let run = Pipeline::from_iter(0..n).parallel(2).try_map(work).collect(&Context::new());
        (None, u64::from(run.is_ok()))
    })
}

fn take_one(n: u64) -> Measured {
    median(|| {
        let run = Pipeline::from_iter(0..n).parallel(2).map(nap).take(1).collect(&Context::new());
        (None, run.expect(WHOLE).iter().sum())
    })
}

fn first_result(n: u64) -> Measured {
    median(|| {
        let (ctx, start) = (Context::new(), Instant::now());
        let mut first = None;
        let items = Pipeline::from_iter(0..n).parallel(2).map(nap);
        items.for_each(&ctx, |_| first = first.or_else(|| Some(start.elapsed()))).expect(WHOLE);
        (first, 0)
    })
}

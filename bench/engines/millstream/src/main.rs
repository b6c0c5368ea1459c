//! The library by its public items: the same work as the peers, as its users would write it.
#![forbid(unsafe_code)]

mod costs;
mod pools;
mod sleeps;
mod whole;

use millstream::pipeline::fan::Shared;
use millstream::{Context, FanOut, Pipeline, channel, scope};
use whole::WHOLE;

use protocol::{Measured, OneByOne, hundred_ns, median, microsecond, sum};

fn numbers(n: u64) -> Measured {
    let ctx = Context::new();
    median(n, |n| {
        let squares = Pipeline::from_iter(1..=n).map(|n| n.wrapping_mul(n));
        sum(&squares.filter(|n| n % 2 == 0).collect(&ctx).expect(WHOLE))
    })
}

fn numbers_parallel(n: u64) -> Measured {
    let (ctx, cores) = (Context::new(), cores());
    median(n, |n| {
        let squares = Pipeline::from_iter(1..=n).parallel(1..=cores).map(|n| n.wrapping_mul(n));
        sum(&squares.filter(|n| n % 2 == 0).collect(&ctx).expect(WHOLE))
    })
}

fn costly(n: u64) -> Measured {
    let (ctx, cores) = (Context::new(), cores());
    median(n, |n| {
        let mixed = Pipeline::from_iter(1..=n).parallel(1..=cores).map(hundred_ns);
        sum(&mixed.collect(&ctx).expect(WHOLE))
    })
}

/// Three boundaries: source, two threads that do nothing, and this one.
fn hops(n: u64) -> Measured {
    let ctx = Context::new();
    median(n, |n| {
        let hops = Pipeline::from_iter(1..=n).thread().thread().thread();
        hops.fold(&ctx, 0, u64::wrapping_add).expect(WHOLE)
    })
}

/// The guide's fan: four branches that hand on what they get, merged.
fn fan(n: u64) -> Measured {
    fanned(n, FanOut::shared(4), |n| n)
}

fn fan_by_key(n: u64) -> Measured {
    let ctx = Context::new();
    median(n, |n| {
        let fan = Pipeline::from_iter(1..=n)
            .fan_out(FanOut::by_key(4, |n: &u64| *n), |branch| branch.map(|n| n));
        fan.fold(&ctx, 0, u64::wrapping_add).expect(WHOLE)
    })
}

fn fan_by_key_in_order(n: u64) -> Measured {
    let ctx = Context::new();
    median(n, |n| {
        let fan = Pipeline::from_iter(1..=n)
            .fan_out(FanOut::by_key(4, |n: &u64| *n), |branch| branch.map(|n| n));
        fan.in_order().fold(&ctx, 0, u64::wrapping_add).expect(WHOLE)
    })
}

fn fan_in_order(n: u64) -> Measured {
    let ctx = Context::new();
    median(n, |n| {
        let fan = Pipeline::from_iter(1..=n).fan_out(FanOut::shared(4), |branch| branch.map(|n| n));
        fan.in_order().fold(&ctx, 0, u64::wrapping_add).expect(WHOLE)
    })
}

fn fan_costly(n: u64) -> Measured {
    fanned(n, FanOut::shared(cores()), microsecond)
}

fn fanned(n: u64, how: FanOut<Shared>, work: fn(u64) -> u64) -> Measured {
    let ctx = Context::new();
    median(n, |n| {
        let fan = Pipeline::from_iter(1..=n).fan_out(how.clone(), |branch| branch.map(work));
        fan.fold(&ctx, 0, u64::wrapping_add).expect(WHOLE)
    })
}

/// Item by item from `senders` threads to this one.
fn sent(n: u64, senders: u64) -> Measured {
    let ctx = Context::new();
    median(n, |n| {
        let (sender, receiver) = channel(1024);
        scope(&ctx, |s| {
            for share in 0..senders {
                let sender = sender.clone();
                s.spawn("sender", move |ctx| {
                    (share..n).step_by(senders as usize).try_for_each(|n| sender.send(ctx, n))
                });
            }
            drop(sender);
            let mut all = 0_u64;
            while let Ok(n) = receiver.recv(&ctx) {
                all = all.wrapping_add(n);
            }
            Ok(all)
        })
        .expect(WHOLE)
    })
}

fn one_to_one(n: u64) -> Measured {
    sent(n, 1)
}

fn four_to_one(n: u64) -> Measured {
    sent(n, 4)
}

/// There and back again: in by a channel, through three boundaries, back to this thread: four
/// waits.
fn there_and_back(mut items: OneByOne) -> Measured {
    let ctx = Context::new();
    let (sender, receiver) = channel(1024);
    let mut sender = Some(sender);
    let mut send = |items: &mut OneByOne| match (items.to_send(), &sender) {
        (Some(n), Some(to)) => to.send(&ctx, n).expect(WHOLE),
        _ => sender = None,
    };
    send(&mut items);
    let arrive = |n| {
        items.arrived(n);
        send(&mut items);
    };
    Pipeline::from(receiver).thread().thread().thread().for_each(&ctx, arrive).expect(WHOLE);
    items.measured()
}

fn idle(n: u64) -> Measured {
    there_and_back(OneByOne::idle(n))
}

fn busy(n: u64) -> Measured {
    there_and_back(OneByOne::busy(n))
}

/// Asked once, not once a run: the answer is read from the system's files, which takes
/// microseconds.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn main() -> std::process::ExitCode {
    let workloads: &[protocol::Workload] = &[
        ("numbers", numbers),
        ("numbers-parallel", numbers_parallel),
        ("costly", costly),
        ("hops", hops),
        ("fan", fan),
        ("fan-by-key", fan_by_key),
        ("fan-by-key-in-order", fan_by_key_in_order),
        ("fan-in-order", fan_in_order),
        ("fan-costly", fan_costly),
        ("one-to-one", one_to_one),
        ("four-to-one", four_to_one),
        ("latency", idle),
        ("latency-busy", busy),
        ("empty", pools::empty),
        ("empty-elastic", pools::empty_elastic),
        ("empty-window", pools::empty_window),
        ("detached", pools::detached),
        ("mapped", pools::mapped),
        ("mapped-elastic", pools::mapped_elastic),
        ("spin", pools::spins),
        ("burst-fixed-1", pools::burst_fixed_1),
        ("burst-fixed-16", pools::burst_fixed_16),
        ("burst-elastic", pools::burst_elastic),
        ("reaction", pools::reaction),
        ("idle-workers", pools::idle_workers),
        ("sleeps-joined", sleeps::joined),
        ("sleeps-joined-by-two", sleeps::joined_by_two),
        ("sleeps-counted", sleeps::counted),
    ];
    protocol::main_with(&[workloads, costs::ENDS].concat(), costs::ENGINES)
}

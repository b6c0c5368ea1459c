//! Models of the pipeline's own synchronisation under every interleaving that loom finds: the
//! window between threads, and the intake of a team. They are here and not in `tests/loom` because
//! what they model is private.
//!
//! Whether a team grows is decided by one thread alone, so there is nothing to interleave in the
//! decision; what is concurrent is several workers on one input that ends, is cancelled, or is
//! abandoned, and that is modelled here.

use std::future::poll_fn;

use loom::thread;

use super::flow::{Pull, Stream};
use super::helper::Helped;
use super::local::Local;
use super::probe::Probe;
use super::run::Run;
use super::source::IterStream;
use super::step::{Map, Step};
use super::team::{Bounds, Team};
use super::waits::Side;
use super::window::{Ahead, Next, Piece, Window};
use crate::park::block_on;
use crate::sync::{Arc, Mutex};
use crate::{Context, scope};

/// Runs a model with a bound on how often a thread is interrupted where it need not wait: most lost
/// wake-ups need two.
fn model(interruptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interruptions);
    builder.check(f);
}

/// Takes a number in the order of the input and leaves its chunk, as the workers of a team do.
fn produce(window: &Window<u64>, room: u64, intake: &Mutex<u64>, total: u64) -> Vec<u64> {
    let mut given_back = Vec::new();
    loop {
        let number = {
            let mut next = intake.lock();
            if *next == total {
                window.end(total);
                return given_back;
            }
            let number = *next;
            let ahead = Ahead { next: number, count: 1, room };
            if block_on(poll_fn(|cx| window.poll_room(ahead, cx))).is_none() {
                return given_back;
            }
            *next += 1;
            number
        };
        let piece = Piece { start: number, covers: 1, results: vec![number] };
        if let Err(piece) = window.put(piece) {
            given_back.extend(piece.results);
            return given_back;
        }
    }
}

fn next(window: &Window<u64>) -> Next<u64> {
    block_on(poll_fn(|cx| window.poll_next(cx)))
}

/// Two workers, one consumer, `chunks` chunks and a window of `room`; what the consumer got.
fn through_a_window(room: u64, ordered: bool, total: u64) -> Vec<u64> {
    let window = Arc::new(Window::new(ordered));
    let intake = Arc::new(Mutex::new(0));
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let (window, intake) = (Arc::clone(&window), Arc::clone(&intake));
            thread::spawn(move || produce(&window, room, &intake, total))
        })
        .collect();
    let mut taken = Vec::new();
    while let Next::Results(chunk) = next(&window) {
        taken.extend(chunk);
    }
    for worker in workers {
        assert!(worker.join().is_ok_and(|given_back| given_back.is_empty()));
    }
    taken
}

#[test]
fn a_window_with_room_for_one_chunk_loses_no_wake_up_and_keeps_the_order() {
    model(3, || assert_eq!(through_a_window(1, true, 3), [0, 1, 2]));
}

#[test]
fn a_window_with_room_for_two_hands_out_in_order_what_came_out_of_order() {
    model(3, || assert_eq!(through_a_window(2, true, 3), [0, 1, 2]));
}

#[test]
fn an_unordered_window_loses_and_doubles_nothing() {
    model(3, || {
        let mut taken = through_a_window(2, false, 3);
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2]);
    });
}

#[test]
fn an_input_without_chunks_ends_a_consumer_that_waits() {
    model(3, || assert!(through_a_window(1, true, 0).is_empty()));
}

#[test]
fn closing_ends_every_wait_and_each_chunk_is_in_exactly_one_place() {
    for ordered in [true, false] {
        model(3, move || {
            let window = Arc::new(Window::new(ordered));
            let intake = Arc::new(Mutex::new(0));
            let workers: Vec<_> = (0..2)
                .map(|_| {
                    let (window, intake) = (Arc::clone(&window), Arc::clone(&intake));
                    thread::spawn(move || produce(&window, 1, &intake, 9))
                })
                .collect();
            let Next::Results(mut all) = next(&window) else { panic!("there are nine") };
            all.extend(window.close().into_iter().flatten());
            assert_eq!(next(&window), Next::Closed);
            for worker in workers {
                all.extend(worker.join().unwrap());
            }
            let started = *intake.lock();
            all.make_contiguous().sort_unstable();
            assert!(all.into_iter().eq(0..started), "every number that was taken came out once");
        });
    }
}

#[test]
fn a_window_that_is_closed_by_another_thread_ends_the_consumers_wait() {
    model(3, || {
        let window = Arc::new(Window::<u64>::new(true));
        let there = Arc::clone(&window);
        let closer = thread::spawn(move || there.close().len());
        assert_eq!(next(&window), Next::Closed);
        assert_eq!(closer.join().unwrap(), 0);
    });
}

/// A worker's local queue while another worker takes of it and the consumer collects: each item is
/// started once, and each result is handed in once and knows its place.
#[test]
fn what_a_worker_has_not_started_is_taken_over_whole_and_what_is_done_is_handed_in_once() {
    model(3, || {
        let local = Arc::new(Local::<u64, u64>::new(2));
        local.fill(10, (10..13).collect());
        let thief = {
            let local = Arc::clone(&local);
            thread::spawn(move || local.split().unwrap_or((13, Vec::new())))
        };
        let collector = {
            let local = Arc::clone(&local);
            thread::spawn(move || local.take_done(Vec::new()))
        };
        let (mut claimed, mut results, mut covered, mut started) =
            (Vec::new(), Vec::new(), 0, Vec::new());
        loop {
            local.claim(1, covered, &mut results, &mut claimed);
            covered = claimed.len() as u64;
            if claimed.is_empty() {
                break;
            }
            started.extend(&claimed);
            results.append(&mut claimed);
        }
        let (start, taken) = thief.join().unwrap();
        let pieces = [collector.join().unwrap(), local.take_done(Vec::new())];
        assert!(
            taken.iter().copied().eq(start..start + taken.len() as u64),
            "what was taken over is consecutive"
        );
        let handed_in: Vec<u64> = pieces.iter().flat_map(|piece| piece.results.clone()).collect();
        assert_eq!(handed_in, started);
        for piece in pieces {
            assert!(piece.results.iter().copied().eq(piece.start..piece.start + piece.covers));
        }
        started.extend(taken);
        assert_eq!(started, [10, 11, 12]);
    });
}

type Numbers = std::ops::Range<u64>;
type Work = Map<fn(u64) -> u64>;

/// A team on an iterator that hands over one item of two at a time, so that nothing depends on how
/// long something took.
fn team(
    ctx: &Context,
    work: fn(u64) -> u64,
) -> (Arc<Run>, Arc<Team<<IterStream<Numbers> as Stream>::Running, Work>>) {
    team_on(ctx, work, true)
}

/// The same on an iterator that may keep its caller waiting, or not: only then the consumer helps.
fn team_on(
    ctx: &Context,
    work: fn(u64) -> u64,
    waits: bool,
) -> (Arc<Run>, Arc<Team<<IterStream<Numbers> as Stream>::Running, Work>>) {
    let run = Arc::new(Run::new(ctx, vec!["source", "parallel", "map", "merge"], Vec::new(), true));
    let source = IterStream { iter: 0..2, waits }.open(&run);
    // Loom lets a thread that only tries a lock wait for it (`post_acquire` blocks everybody at
    // it). So where the consumer tries, there is room for all: nobody waits for the consumer while
    // holding the intake.
    let buffer = Some(if waits { 2 } else { 4 });
    let bounds = Bounds { workers: 2, grows: false, buffer };
    (Arc::clone(&run), Arc::new(Team::new(source, Map(work), run, 1, bounds, true)))
}

/// Takes chunks, and works on chunks itself instead of waiting where it can.
fn consume_and_help<P: Pull<Item = u64>>(team: &Team<P, Work>, run: &Arc<Run>) -> (Vec<u64>, bool) {
    let state = team.step.open(Probe { run: Arc::clone(run), at: 2 });
    let mut helper = team.helper(state, Default::default());
    let mut all = Vec::new();
    let complete = loop {
        if !team.window.has_next() && team.help(&mut helper) == Helped::Yes {
            continue;
        }
        match run.wait(team.merge_at(), Side::In, |cx| team.window.poll_next(cx)) {
            Some(Next::Results(chunk)) => all.extend(chunk),
            Some(Next::End) => break true,
            Some(Next::Closed) | None => break false,
        }
    };
    team.dismiss(helper);
    if !complete {
        team.abandon();
    }
    (all, complete)
}

/// Runs as many workers as asked beside `consume`, each in a scope of its own, which it needs only
/// for its type.
///
/// The consumer has a thread of its own as well: loom's joins do not bear a late wake-up, which
/// parkers do.
fn with_workers<P, R>(
    team: &Arc<Team<P, Work>>,
    workers: usize,
    consume: impl FnOnce() -> R + 'static,
) -> R
where
    P: Pull<Item = u64> + 'static,
    R: 'static,
{
    let workers: Vec<_> = (0..workers)
        .map(|_| {
            let team = Arc::clone(team);
            thread::spawn(move || {
                team.staff.starts();
                let ended = scope::<_, std::convert::Infallible, _>(&Context::new(), |scope| {
                    team.work(scope);
                    Ok(())
                });
                assert!(ended.is_ok());
            })
        })
        .collect();
    let consumer = thread::spawn(consume);
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    consumer.join().unwrap()
}

/// Takes chunks until there are no more, and gives the rest up if that was not the end of the
/// input.
fn consume<P: Pull<Item = u64>>(team: &Team<P, Work>, run: &Run) -> (Vec<u64>, bool) {
    let mut all = Vec::new();
    loop {
        match run.wait(team.merge_at(), Side::In, |cx| team.window.poll_next(cx)) {
            Some(Next::Results(chunk)) => all.extend(chunk),
            Some(Next::End) => return (all, true),
            Some(Next::Closed) | None => {
                team.abandon();
                return (all, false);
            }
        }
    }
}

/// The consumer of a team, to be run on a thread.
fn consumer<P: Pull<Item = u64> + 'static>(
    team: &Arc<Team<P, Work>>,
    run: &Arc<Run>,
) -> impl FnOnce() -> (Vec<u64>, bool) + 'static {
    let (team, run) = (Arc::clone(team), Arc::clone(run));
    move || consume(&team, &run)
}

/// Checks that what the team read came out or was given up or failed.
fn adds_up(run: &Run, came_out: usize) {
    let sum = |f: fn(&super::counters::Counters) -> &std::sync::atomic::AtomicU64| -> u64 {
        (1..4).map(|at| f(&run.stages.all[at]).load(std::sync::atomic::Ordering::Relaxed)).sum()
    };
    let read = run.stages.all[1].entered.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(
        read,
        came_out as u64 + sum(|counters| &counters.cancelled) + sum(|counters| &counters.failed)
    );
}

#[test]
fn two_workers_on_an_input_that_ends_deliver_it_whole_and_in_order() {
    model(2, || {
        let (run, team) = team(&Context::new(), |n| n);
        let (all, complete) = with_workers(&team, 2, consumer(&team, &run));
        assert!(complete);
        assert_eq!(all, [0, 1]);
        adds_up(&run, 2);
    });
}

#[test]
fn a_team_that_is_cancelled_at_any_moment_ends_and_delivers_the_beginning_or_everything() {
    // The consumer cancels, which comes at any moment of the workers. From a thread of its own, the
    // cancellation would be a second wake-up of the consumer, and loom takes one that is late for
    // the lock that the thread waits for then.
    for after in [0, 1] {
        model(2, move || {
            let (run, team) = team(&Context::new(), |n| n);
            let (there, stop) = (Arc::clone(&team), Arc::clone(&run));
            let (all, complete) = with_workers(&team, 2, move || {
                let mut all = Vec::new();
                for _ in 0..after {
                    if let Some(Next::Results(chunk)) =
                        stop.wait(there.merge_at(), Side::In, |cx| there.window.poll_next(cx))
                    {
                        all.extend(chunk);
                    }
                }
                stop.ctx().cancel("enough");
                let (rest, complete) = consume(&there, &stop);
                all.extend(rest);
                (all, complete)
            });
            assert!([0, 1].starts_with(&all));
            assert!(
                !complete || all.len() == 2,
                "an end by cancelling is not the end of the input"
            );
            adds_up(&run, all.len());
        });
    }
}

#[test]
fn a_worker_that_panics_ends_the_run_for_a_consumer_that_waits() {
    model(2, || {
        let (run, team) = team(&Context::new(), |n| if n == 1 { panic!("on purpose") } else { n });
        let (all, complete) = with_workers(&team, 1, consumer(&team, &run));
        assert!(!complete && [0].starts_with(&all));
        assert!(run.ctx().is_cancelled());
        adds_up(&run, all.len());
    });
}

#[test]
fn abandoning_a_team_while_it_works_ends_its_workers() {
    model(2, || {
        let (run, team) = team(&Context::new(), |n| n);
        let (there, stop) = (Arc::clone(&team), Arc::clone(&run));
        with_workers(&team, 2, move || {
            stop.ctx().cancel("enough");
            there.abandon();
        });
        adds_up(&run, 0);
    });
}

#[test]
fn a_consumer_that_helps_gets_everything_in_order() {
    model(2, || {
        let (run, team) = team_on(&Context::new(), |n| n, false);
        let (there, of) = (Arc::clone(&team), Arc::clone(&run));
        let (all, complete) = with_workers(&team, 1, move || consume_and_help(&there, &of));
        assert!(complete);
        assert_eq!(all, [0, 1]);
        adds_up(&run, 2);
    });
}

#[test]
fn a_panic_of_either_ends_a_run_in_which_the_consumer_helps() {
    model(2, || {
        let (run, team) =
            team_on(&Context::new(), |n| if n == 1 { panic!("on purpose") } else { n }, false);
        let (there, of) = (Arc::clone(&team), Arc::clone(&run));
        let (all, complete) = with_workers(&team, 1, move || consume_and_help(&there, &of));
        assert!(!complete && [0].starts_with(&all));
        assert!(run.ctx().is_cancelled());
        adds_up(&run, all.len());
    });
}

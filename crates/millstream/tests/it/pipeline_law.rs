//! The conservation law, on random graphs: whatever goes wrong and wherever, the run ends, every
//! thread is joined, the report adds up and agrees with an account kept apart from it, and a run
//! that says it went well has lost nothing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use millstream::pipeline::Stream;
use millstream::{Batch, Cause, Clock, Context, Error, Pipeline, Report, channel, leak, scope};
use proptest::prelude::*;

use crate::pipeline_support::{adds_up, ends};
use crate::pipeline_world::{AnySource, InWorld, Place, Policy, SEGMENT, What, World, iterator};

#[derive(Clone, Copy, Debug)]
enum From {
    Iter,
    Waiting,
    Channel(usize),
    Own(u64),
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Fused,
    Thread,
    Team(usize),
    Elastic(usize),
    Unordered(usize),
    TeamThenThread(usize),
    TwoTeamsOnAThread(usize),
}

#[derive(Clone, Copy, Debug)]
enum End {
    Collect,
    Fold,
    ForEach,
    Run,
    Batch(usize),
    TimedBatch(usize),
    Take(u64),
}

#[derive(Clone, Debug)]
struct Plan {
    items: u64,
    from: From,
    shape: Shape,
    end: End,
    policy: Policy,
    steer: [u64; 2 * SEGMENT],
    problem: Option<(Place, u64, What)>,
    before: bool,
    slow: bool,
}

fn plans() -> impl Strategy<Value = Plan> {
    let from = prop_oneof![
        Just(From::Iter),
        Just(From::Waiting),
        (1_usize..40).prop_map(From::Channel),
        (1_u64..60).prop_map(From::Own),
    ];
    let shape = prop_oneof![
        Just(Shape::Fused),
        Just(Shape::Thread),
        (1_usize..4).prop_map(Shape::Team),
        (1_usize..4).prop_map(Shape::Elastic),
        (1_usize..4).prop_map(Shape::Unordered),
        (1_usize..4).prop_map(Shape::TeamThenThread),
        (1_usize..4).prop_map(Shape::TwoTeamsOnAThread),
    ];
    let end = prop_oneof![
        Just(End::Collect),
        Just(End::Fold),
        Just(End::ForEach),
        Just(End::Run),
        (1_usize..50).prop_map(End::Batch),
        (1_usize..50).prop_map(End::TimedBatch),
        (0_u64..400).prop_map(End::Take),
    ];
    let policy = prop_oneof![
        Just(Policy::Fail),
        Just(Policy::Skip),
        Just(Policy::DeadLetter),
        Just(Policy::Retry)
    ];
    let steer = proptest::array::uniform16(prop_oneof![3 => Just(0_u64), 1 => 1_u64..5]);
    let place = prop_oneof![
        1 => Just(Place::Source),
        6 => (0..2 * SEGMENT).prop_map(Place::Stage),
        1 => Just(Place::Sink),
        1 => Just(Place::Close),
    ];
    let what = prop_oneof![
        Just(What::Panic),
        Just(What::Cancel),
        Just(What::Deadline),
        Just(What::Refuse)
    ];
    let at = prop_oneof![2 => Just(0_u64), 3 => 0_u64..40, 3 => 0_u64..1_500];
    let problem = proptest::option::weighted(0.75, (place, at, what));
    let items = prop_oneof![1 => 0_u64..6, 2 => 0_u64..300, 1 => 0_u64..3_000];
    let rare = (proptest::bool::weighted(0.03), proptest::bool::weighted(0.2));
    (items, from, shape, end, policy, steer, problem, rare).prop_map(
        |(items, from, shape, end, policy, steer, problem, (before, slow))| {
            let problem = match problem {
                Some((Place::Close, _, what)) => Some((Place::Close, 0, what)),
                // An iterator and a closure cannot return an error.
                Some((Place::Source, _, What::Refuse)) if !matches!(from, From::Own(_)) => None,
                Some((Place::Sink, _, What::Refuse))
                    if matches!(end, End::Fold | End::ForEach | End::Take(_)) =>
                {
                    None
                }
                other => other,
            };
            Plan { items, from, shape, end, policy, steer, problem, before, slow }
        },
    )
}

/// Eight stages, one of each kind that works on single items.
macro_rules! segment {
    ($pipeline:expr, $w:ident, $at:expr) => {
        $pipeline
            .map(move |x| $w.map($at, x))
            .filter(move |x| $w.keeps($at + 1, *x))
            .filter_map(move |x| $w.keeps($at + 2, x).then_some(x))
            .flat_map(move |x| $w.many($at + 3, x))
            .inspect(move |_| {
                $w.visit(Place::Stage($at + 4), 1);
            })
            .split(|| (), move |(), x, out| $w.split($at + 5, x, out))
            .try_map(move |x| $w.attempt($at + 6, x))
            .on_error(InWorld($w))
            .map_with(
                || 0_u64,
                move |state, x| {
                    *state += 1;
                    $w.map($at + 7, x)
                },
            )
    };
}

const NAMES: [&str; SEGMENT] =
    ["map", "filter", "filter_map", "flat_map", "inspect", "split", "try_map", "map_with"];

/// What the run gave: its report (some ends return none when all went well) or its error.
type Outcome = Result<Option<Report>, Error>;

fn finish<F: Stream<Item = u64>>(pipeline: Pipeline<F>, w: &World, end: End) -> Outcome {
    let each = |item| w.take(&[item]).unwrap_or(());
    match end {
        End::Collect => {
            let all = pipeline.collect(&w.ctx)?;
            w.taken.lock().unwrap().extend(all);
            Ok(None)
        }
        End::Fold => pipeline.fold(&w.ctx, (), |(), item| each(item)).map(|()| None),
        End::ForEach => pipeline.for_each(&w.ctx, each).map(Some),
        End::Take(count) => pipeline.take(count).for_each(&w.ctx, each).map(Some),
        End::Run => pipeline.run(&w.ctx, w).map(Some),
        End::Batch(count) => pipeline.batch(Batch::of(count)).run(&w.ctx, w).map(Some),
        End::TimedBatch(count) => {
            let batch = Batch::of(count).within(Duration::from_secs(7_200));
            pipeline.batch(batch).run(&w.ctx, w).map(Some)
        }
    }
}

const B: usize = SEGMENT;

/// The graph of a shape, run to its end. A macro, because a policy can be set only where the
/// stages' types are known.
macro_rules! shaped {
    ($source:expr, $w:ident, $plan:ident) => {{
        let (source, w, end) = ($source, $w, $plan.end);
        match $plan.shape {
            Shape::Fused => finish(segment!(segment!(source, w, 0), w, B), w, end),
            Shape::Thread => finish(segment!(segment!(source, w, 0).thread(), w, B), w, end),
            Shape::Team(n) => finish(segment!(segment!(source, w, 0).parallel(n), w, B), w, end),
            Shape::Elastic(n) => {
                finish(segment!(segment!(source, w, 0).parallel(1..=n), w, B), w, end)
            }
            Shape::Unordered(n) => {
                finish(segment!(segment!(source, w, 0).parallel(n).unordered(), w, B), w, end)
            }
            Shape::TeamThenThread(n) => {
                finish(segment!(segment!(source.parallel(n), w, 0).thread(), w, B), w, end)
            }
            Shape::TwoTeamsOnAThread(n) => {
                let first = segment!(source.parallel(1..=n), w, 0);
                finish(segment!(first.parallel(2), w, B).thread(), w, end)
            }
        }
    }};
}

fn from_iterator(w: &World, plan: &Plan) -> Outcome {
    let items = iterator(w, plan.items);
    let source = match plan.from {
        From::Waiting => Pipeline::from_waiting_iter(items),
        _ => Pipeline::from_iter(items),
    };
    shaped!(source, w, plan)
}

fn from_source(w: &World, plan: &Plan, source: AnySource<'_>) -> Outcome {
    shaped!(Pipeline::from(source), w, plan)
}

fn run(plan: &Plan, w: &World) -> Outcome {
    let outcome = scope::<_, Cause, _>(&Context::new(), |s| {
        Ok(match plan.from {
            From::Iter | From::Waiting => from_iterator(w, plan),
            From::Own(most) => {
                from_source(w, plan, AnySource::Own { world: w, next: 0, end: plan.items, most })
            }
            From::Channel(capacity) => {
                let (sender, receiver) = channel(capacity);
                let items = plan.items;
                s.spawn("producer", move |ctx| {
                    // Ends early when the receiver goes.
                    let _ = (0..items).try_for_each(|item| sender.send(ctx, item));
                    Ok(())
                });
                from_source(w, plan, AnySource::Channel(receiver))
            }
        })
    });
    outcome.unwrap()
}

/// What the same stages give one after the other, and whether a policy ends the run on the way.
fn expected(plan: &Plan, ctx: &Context) -> (Vec<u64>, World, bool) {
    let w = World::new(ctx, plan.policy, plan.steer, None);
    let iterator =
        Plan { from: From::Iter, shape: Shape::Fused, end: End::ForEach, ..plan.clone() };
    let mut stopped = false;
    let mut items: Vec<u64> = (0..iterator.items).collect();
    for at in [0, SEGMENT] {
        let mut next = Vec::new();
        for x in items {
            let x = w.map(at, x);
            if !w.keeps(at + 1, x) || !w.keeps(at + 2, x) {
                continue;
            }
            for x in w.many(at + 3, x) {
                let m = w.steer[at + 5];
                let parts: &[u64] = match if m == 0 { 9 } else { x % (m + 3) } {
                    0 => {
                        w.filtered.fetch_add(2, Ordering::SeqCst);
                        &[]
                    }
                    1 => {
                        w.skipped.fetch_add(1, Ordering::SeqCst);
                        &[]
                    }
                    2 => {
                        w.failed.fetch_add(1, Ordering::SeqCst);
                        &[x, x.wrapping_add(1)]
                    }
                    _ => &[x],
                };
                for x in parts {
                    match w.attempt(at + 6, *x) {
                        Ok(x) => next.push(w.map(at + 7, x)),
                        Err(_) => match plan.policy {
                            Policy::Fail => stopped = true,
                            Policy::DeadLetter => {
                                w.failed.fetch_add(1, Ordering::SeqCst);
                            }
                            Policy::Skip | Policy::Retry => {
                                w.skipped.fetch_add(1, Ordering::SeqCst);
                            }
                        },
                    }
                }
            }
        }
        items = next;
    }
    (items, w, stopped)
}

/// Checks a run's outcome against the account of the world and against the sequential result.
fn check(plan: &Plan, w: &World, outcome: Outcome) {
    let clock = w.ctx.clock().clone();
    let (mut all, sequential, may_stop) = expected(plan, &Context::with_clock(clock));
    let ordered = !matches!(plan.shape, Shape::Unordered(_));
    let fired = w.fired.load(Ordering::SeqCst);
    let read = |cell: &std::sync::atomic::AtomicU64| cell.load(Ordering::SeqCst);
    let mut taken = w.taken.lock().unwrap().clone();
    let sinks = matches!(plan.end, End::Run | End::Batch(_) | End::TimedBatch(_));
    assert_eq!(read(&w.closed), u64::from(sinks), "a sink is closed once, whatever happens");
    let well = outcome.is_ok();
    // A take may have all it wants before something goes wrong, and the rest is given up.
    let took = matches!(plan.end, End::Take(_));
    let report = match &outcome {
        Ok(report) => report.as_ref(),
        Err(error) => Some(error.report()),
    };
    if let Some(report) = report {
        adds_up(report);
        let totals = report.totals();
        assert_eq!(totals.filtered, read(&w.filtered), "{report}");
        assert_eq!(totals.skipped, read(&w.skipped), "{report}");
        assert_eq!(totals.failed, read(&w.failed), "{report}");
        if !matches!(plan.from, From::Channel(_)) {
            assert_eq!(report.stages[0].entered, read(&w.given), "{report}");
        }
        if !matches!(plan.end, End::Collect) {
            assert_eq!(totals.left, taken.len() as u64, "{report}");
        }
        assert!(!well || took || totals.cancelled == 0, "{report}");
    }
    if !ordered {
        taken.sort_unstable();
        all.sort_unstable();
    }
    match outcome {
        Ok(_) => {
            let fatal =
                plan.problem.is_some_and(|(_, _, what)| matches!(what, What::Panic | What::Refuse));
            assert!(!(fired && fatal), "a failure was swallowed");
            if let End::Take(count) = plan.end {
                assert_eq!(taken.len(), all.len().min(count as usize));
                assert!(!ordered || all.starts_with(&taken));
                return;
            }
            assert!(!plan.before && !may_stop);
            assert_eq!(taken, all, "a run that went well has lost or changed something");
            for (there, here) in [
                (&sequential.filtered, &w.filtered),
                (&sequential.skipped, &w.skipped),
                (&sequential.failed, &w.failed),
            ] {
                assert_eq!(read(there), read(here));
            }
        }
        Err(error) => {
            blames_the_right_one(plan, &error, fired, may_stop);
            // A policy that ends the run does so somewhere; what came before it is the beginning of
            // the sequential result.
            if ordered {
                assert!(all.starts_with(&taken), "{taken:?} is not how {all:?} begins");
            } else {
                let mut rest = all.iter();
                assert!(
                    taken.iter().all(|item| rest.any(|other| other == item)),
                    "{taken:?} in {all:?}"
                );
            }
        }
    }
}

fn blames_the_right_one(plan: &Plan, error: &Error, fired: bool, may_stop: bool) {
    if may_stop
        && error.stage().is_some_and(|stage| stage.starts_with("try_map"))
        && error.to_string().contains("failed: policy")
    {
        return;
    }
    if plan.before && error.cancelled().is_some_and(|cause| cause.reason() == "before") {
        return;
    }
    assert!(fired, "nothing was to go wrong: {error}");
    let (place, _, what) = plan.problem.unwrap();
    let stage = match place {
        Place::Source => "source".to_owned(),
        // The second one of each verb is numbered.
        Place::Stage(at @ SEGMENT..) => format!("{} 2", NAMES[at % SEGMENT]),
        Place::Stage(at) => NAMES[at].to_owned(),
        Place::Sink | Place::Close => "sink".to_owned(),
    };
    match what {
        What::Panic => {
            assert_eq!(error.panic().map(millstream::Panic::message), Some("planned"), "{error}");
            assert_eq!(error.stage(), Some(&*stage), "{error}");
            assert!(error.panic().unwrap().location().unwrap().contains("pipeline_world.rs"));
        }
        What::Cancel => {
            assert_eq!(error.cancelled().map(Cause::reason), Some("planned"), "{error}")
        }
        What::Deadline => assert!(error.is_deadline(), "{error}"),
        What::Refuse => assert_eq!(error.to_string(), format!("stage \"{stage}\" failed: planned")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_silently_whatever_goes_wrong_and_wherever(plan in plans()) {
        ends(move || {
            let guard = leak::Guard::with_clock(Clock::manual());
            let mut w = World::new(&guard.context(), plan.policy, plan.steer, plan.problem);
            w.slow = plan.slow;
            if plan.before {
                w.ctx.cancel("before");
            }
            let outcome = run(&plan, &w);
            check(&plan, &w, outcome);
            drop(w);
            guard.finish().unwrap();
        });
    }
}

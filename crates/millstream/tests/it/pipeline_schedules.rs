//! Who may start an item starts it, what is done leaves, and what ends, ends: on random graphs,
//! with items of random costs under a simulated time. Whether all that takes long is not asked
//! here.
//!
//! The simulated time goes on only when as many items are at work as may be, so a run in which a
//! worker is idle beside an item stands still. It is what a measurement on an idle machine would
//! show, on any machine.

use millstream::channel::Receiver;
use millstream::pipeline::{Stream, Units};
use millstream::{
    Batch, Clock, Context, Error, ErrorPolicy, Fail, FanOut, Pipeline, Report, Skip, Verdict,
    channel, leak,
};
use proptest::prelude::*;

use crate::pipeline_simulated::{Ending, Happened, Rules, Simulated, TICK};
use crate::pipeline_support::{adds_up, clean, ends, spin};

/// What is before and behind the stage whose items have a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chain {
    Plain,
    /// Filters on both sides.
    Filter,
    /// Each item of the source becomes some items of the stage, and each of them any number of
    /// results.
    FlatMap,
    Thread,
    /// Batches behind, which hold results back.
    Batch,
    /// A channel before, a thread and another parallel stage behind.
    Channel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A number of workers.
    Fixed,
    /// A range that starts at 1, or at 2 or more.
    From1,
    From2,
    Fan,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Nothing,
    Skip,
    Fail(u64),
    Take(u64),
    Cancel(u64),
    Deadline(u64),
}

#[derive(Clone, Debug)]
struct Plan {
    items: u64,
    /// Of costs, and of what fails.
    seed: u64,
    /// Items cost up to this number of ticks.
    costs: u64,
    chain: Chain,
    stage: Stage,
    workers: usize,
    ordered: bool,
    buffer: Option<usize>,
    policy: Policy,
    end_costs: u64,
    cheap: bool,
}

fn plans() -> impl Strategy<Value = Plan> {
    let chain = prop_oneof![
        2 => Just(Chain::Plain),
        1 => Just(Chain::Filter),
        1 => Just(Chain::FlatMap),
        1 => Just(Chain::Thread),
        1 => Just(Chain::Batch),
        1 => Just(Chain::Channel),
    ];
    let stage = prop_oneof![
        3 => Just(Stage::Fixed),
        1 => Just(Stage::From1),
        2 => Just(Stage::From2),
        2 => Just(Stage::Fan),
    ];
    let policy = prop_oneof![
        2 => Just(Policy::Nothing),
        1 => Just(Policy::Skip),
        1 => (0..30_u64).prop_map(Policy::Fail),
        1 => (1..30_u64).prop_map(Policy::Take),
        1 => (1..60_u64).prop_map(Policy::Cancel),
        1 => (1..60_u64).prop_map(Policy::Deadline),
    ];
    let shape =
        (chain, stage, 1..=8_usize, any::<bool>(), proptest::option::weighted(0.4, 1..12_usize));
    let costs = prop_oneof![Just(1_u64), Just(4), Just(60)];
    let end_costs = prop_oneof![2 => Just(0_u64), 1 => 1..9_u64];
    (0..60_u64, any::<u64>(), costs, shape, policy, end_costs, any::<bool>()).prop_map(
        |(
            items,
            seed,
            costs,
            (chain, stage, workers, ordered, buffer),
            policy,
            end_costs,
            cheap,
        )| {
            let mut plan = Plan {
                items,
                seed,
                costs,
                chain,
                stage,
                workers,
                ordered,
                buffer,
                policy,
                end_costs,
                cheap,
            };
            plan.limit();
            plan
        },
    )
}

impl Plan {
    /// Takes out what cannot be, or what nothing is promised of.
    fn limit(&mut self) {
        if self.stage == Stage::From2 {
            self.workers = self.workers.max(2);
        }
        // What an item of the source became comes into the stage as a whole; a fan's buffer is in
        // front of it.
        if self.chain == Chain::FlatMap || self.stage == Stage::Fan {
            self.buffer = None;
        }
        // One thread alone is what is measured before there are more. What a channel gives may be
        // late, what is filtered is no first item, and what one item of the source became is worked
        // on in one go.
        if self.stage == Stage::From1 && !matches!(self.chain, Chain::Thread | Chain::Batch) {
            self.chain = Chain::Plain;
        }
        // An end that is at work is simulated where each item of the stage is one that the end
        // sees.
        let is_plain =
            matches!(self.chain, Chain::Plain | Chain::Thread) && self.policy == Policy::Nothing;
        if !is_plain || self.stage == Stage::From1 || self.workers == 1 {
            self.end_costs = 0;
        }
    }

    /// A number that depends on the item and on nothing else in the run.
    fn chance(&self, item: u64, salt: u64) -> u64 {
        let mixed = (self.seed ^ salt).wrapping_add(item.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        (mixed ^ (mixed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33
    }

    fn fails(&self, item: u64) -> bool {
        match self.policy {
            Policy::Skip => self.chance(item, 1).is_multiple_of(4),
            Policy::Fail(failing) => item == failing,
            _ => false,
        }
    }

    fn results(&self, item: u64) -> u64 {
        match self.chain {
            _ if self.fails(item) => 0,
            Chain::Filter => u64::from(keeps(&item)),
            Chain::FlatMap => item % 3,
            _ => 1,
        }
    }

    fn all_results(&self) -> Vec<u64> {
        (0..self.items)
            .flat_map(|item| {
                std::iter::repeat_n(item, usize::try_from(self.results(item)).unwrap())
            })
            .collect()
    }

    fn rules(&self) -> Rules {
        let cost = |item| 1 + self.chance(item, 0) % self.costs;
        Rules {
            items: (0..self.items).map(|item| (cost(item), self.results(item))).collect(),
            workers: self.workers,
            first_alone: self.stage == Stage::From1 && self.workers > 1,
            is_fused: self.stage != Stage::Fan,
            buffer: self.buffer.map(|buffer| buffer as u64),
            ordered: self.ordered,
            wants: if let Policy::Take(count) = self.policy { Some(count) } else { None },
            // A batch holds results back, and one thread alone hands on a burst of them to the next
            // thread. Those of a branch leave one by one where its items are slow.
            results_leave: match self.chain {
                Chain::Batch => false,
                _ if self.stage == Stage::Fan && self.cheap => false,
                Chain::Thread | Chain::Channel => self.workers > 1 || self.stage == Stage::Fan,
                _ => true,
            },
            end_costs: self.end_costs,
            end_is_next: self.end_costs > 0 && self.chain == Chain::Plain,
            ending: match self.policy {
                Policy::Cancel(at) => Ending::Cancel(at),
                Policy::Deadline(at) => Ending::Deadline(at),
                Policy::Fail(item) => Ending::Failure(item),
                _ => Ending::Never,
            },
            rounds: match self.stage {
                // The thread of the end works on items that are not known to be slow.
                Stage::From1 => 20_000,
                _ if self.cheap => 700,
                _ => 5_000,
            },
        }
    }
}

fn keeps(item: &u64) -> bool {
    !item.is_multiple_of(3)
}

/// Works on each item in simulated time, and then as the plan says.
#[derive(Debug)]
struct InTime<'a>(&'a Simulated, Policy);

impl ErrorPolicy<u64, &'static str> for InTime<'_> {
    fn attempt<Out>(
        &self,
        ctx: &Context,
        item: u64,
        work: impl FnMut(u64) -> Result<Out, &'static str>,
        note: impl FnMut(&&'static str),
    ) -> Verdict<Out, &'static str> {
        self.0.work(ctx, item);
        match self.1 {
            Policy::Skip => Skip.attempt(ctx, item, work, note),
            _ => Fail.attempt(ctx, item, work, note),
        }
    }
}

/// What the end saw, and the report or the error.
type Outcome = (Vec<u64>, Result<Report, Error>);

/// What the end takes at once.
trait Results {
    fn all(self) -> Vec<u64>;
}

impl Results for u64 {
    fn all(self) -> Vec<u64> {
        vec![self]
    }
}

impl Results for Vec<u64> {
    fn all(self) -> Vec<u64> {
        self
    }
}

fn finish<F, U>(pipeline: Pipeline<F, U>, ctx: &Context, sim: &Simulated) -> Outcome
where
    F: Stream<Item: Results>,
    U: Units<F::Item>,
{
    let mut seen = Vec::new();
    let outcome = pipeline.for_each(ctx, |items| {
        for item in items.all() {
            seen.push(item);
            sim.see(item);
        }
    });
    (seen, outcome)
}

/// The graph of a plan, run to its end: what is in the stage and what is behind it are given as
/// calls. A macro, because a policy can be set only where the stages' types are known.
macro_rules! run {
    ($source:expr, ($plan:ident, $ctx:ident, $sim:ident), [$($inside:tt)*], [$($behind:tt)*]) => {{
        let work = |item: u64| if $plan.fails(item) { Err("planned") } else { Ok(item) };
        macro_rules! end {
            ($stage:expr) => {
                match $plan.policy {
                    Policy::Take(count) => finish($stage.take(count) $($behind)*, $ctx, $sim),
                    _ => finish($stage $($behind)*, $ctx, $sim),
                }
            };
        }
        let workers = $plan.workers;
        let stage = match $plan.stage {
            Stage::Fixed => Some($source.parallel(workers)),
            Stage::From1 => Some($source.parallel(1..=workers)),
            Stage::From2 => Some($source.parallel(2..=workers)),
            Stage::Fan => None,
        };
        match stage {
            Some(team) => {
                let team = if let Some(buffer) = $plan.buffer { team.buffer(buffer) } else { team };
                let team = if $plan.ordered { team } else { team.unordered() };
                end!(team.try_map(work).on_error(InTime($sim, $plan.policy)) $($inside)*)
            }
            None => {
                let fan = $source.fan_out(FanOut::shared(workers), |branch| {
                    branch.try_map(work).on_error(InTime($sim, $plan.policy)) $($inside)*
                });
                if $plan.ordered { end!(fan.in_order()) } else { end!(fan) }
            }
        }
    }};
}

/// The items through a channel that holds them all.
fn through_a_channel(items: u64) -> Receiver<u64> {
    let (sender, receiver) = channel(items.max(1) as usize);
    (0..items).for_each(|item| sender.try_send(item).unwrap());
    receiver
}

fn run(plan: &Plan, ctx: &Context, sim: &Simulated) -> Outcome {
    let items = plan.items;
    let copies = |n: u64| std::iter::repeat_n(n, usize::try_from(n % 3).unwrap());
    let numbers = |range: std::ops::Range<u64>| Pipeline::from_iter(range);
    match plan.chain {
        Chain::Plain => run!(numbers(0..items), (plan, ctx, sim), [], []),
        Chain::Filter => {
            let odd = || numbers(0..2 * items).filter(|n| n % 2 == 1).map(|n| n / 2);
            run!(odd(), (plan, ctx, sim), [.filter(keeps)], [.map(|n| n)])
        }
        Chain::FlatMap => {
            let threes =
                || numbers(0..items.div_ceil(3)).flat_map(move |n| 3 * n..items.min(3 * n + 3));
            run!(threes(), (plan, ctx, sim), [.flat_map(copies)], [.inspect(|_| ())])
        }
        Chain::Thread => {
            let apart = || Pipeline::from_waiting_iter(0..items).thread();
            run!(apart(), (plan, ctx, sim), [.map(|n| n)], [.thread()])
        }
        Chain::Batch => run!(numbers(0..items), (plan, ctx, sim), [], [.batch(Batch::of(3))]),
        Chain::Channel => {
            let received = || Pipeline::from(through_a_channel(items));
            run!(received(), (plan, ctx, sim), [], [.thread().parallel(2).map(|n| n)])
        }
    }
}

/// Checks what came out against what should, and against what happened.
fn check(plan: &Plan, happened: &Happened, (mut seen, outcome): Outcome) {
    if let Some(broken) = &happened.broken {
        panic!("{plan:?}\n{broken}");
    }
    let mut all = plan.all_results();
    if !plan.ordered {
        seen.sort_unstable();
        all.sort_unstable();
    }
    let report = outcome.as_ref().unwrap_or_else(Error::report);
    adds_up(report);
    let totals = report.totals();
    assert_eq!(totals.left, seen.len() as u64, "{report}");
    // What came out is the beginning of all, or some of it.
    if plan.ordered {
        assert!(all.starts_with(&seen), "{seen:?} is not how {all:?} begins");
    } else {
        let mut rest = all.iter();
        assert!(seen.iter().all(|item| rest.any(|other| other == item)), "{seen:?} in {all:?}");
    }
    match (&outcome, plan.policy) {
        (Ok(_), Policy::Take(count)) => {
            assert_eq!(seen.len(), all.len().min(usize::try_from(count).unwrap()));
            let most = count + plan.workers as u64 + happened.without;
            assert!(
                happened.started <= most,
                "{} items were started for {count}",
                happened.started
            );
        }
        (Ok(_), _) => {
            // A run that is cancelled during its last item may have nothing left to give up.
            let is_done = happened.started == plan.items;
            assert!(!happened.is_finished || is_done, "the end of the run was not seen");
            assert_eq!(seen, all);
            assert_eq!(happened.started, plan.items);
            let skipped = (0..plan.items).filter(|item| plan.fails(*item)).count() as u64;
            assert_eq!(
                (totals.skipped, totals.failed, totals.cancelled),
                (skipped, 0, 0),
                "{report}"
            );
        }
        (Err(error), policy) => {
            assert!(happened.is_finished, "nothing was to go wrong: {error}");
            match policy {
                Policy::Fail(_) => assert_eq!(totals.failed, 1, "{report}"),
                Policy::Deadline(_) => assert!(error.is_deadline(), "{error}"),
                _ => assert_eq!(
                    error.cancelled().map(millstream::Cause::reason),
                    Some("planned"),
                    "{error}"
                ),
            }
        }
    }
}

/// Some graphs, or as many as the environment asks for.
fn config() -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let default = ProptestConfig::default();
    let cases = if asked { default.cases } else { 256 };
    // A run that stands still is noticed after a while, so a failure is made smaller in a few steps
    // only.
    ProptestConfig { cases, max_shrink_iters: 4, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nobody_is_idle_beside_an_item_that_may_start_and_nothing_starts_after_the_end(plan in plans()) {
        ends(move || {
            let guard = leak::Guard::with_clock(Clock::manual());
            let ctx = match plan.policy {
                Policy::Deadline(at) => guard.context().with_timeout(TICK * u32::try_from(at).unwrap()),
                _ => guard.context().child(),
            };
            let sim = Simulated::new(plan.rules(), &ctx);
            let outcome = run(&plan, &ctx, &sim);
            check(&plan, &sim.happened(), outcome);
            drop((sim, ctx));
            guard.finish().unwrap();
        });
    }
}

#[test]
fn what_an_ordered_fan_hands_on_before_it_is_cancelled_has_no_gap() {
    clean(|ctx| {
        for round in 0..400 {
            let stop = ctx.child();
            let work = |item: u64| {
                if item == 3 + round % 7 {
                    stop.cancel("enough");
                }
                spin(500 * (item % 5));
                item
            };
            let mut seen = Vec::new();
            let fan =
                Pipeline::from_iter(0..100).fan_out(FanOut::shared(4), |branch| branch.map(work));
            fan.in_order().for_each(&stop, |item| seen.push(item)).unwrap_err();
            assert!(seen.iter().copied().eq(0..seen.len() as u64), "{seen:?}");
        }
    });
}

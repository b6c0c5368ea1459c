//! The world that a random pipeline runs in: what its stages do to a number, what goes wrong where,
//! and an account of it that is kept apart from the pipeline's own.
//!
//! What a stage does depends on the number alone, so the sequential result can be computed; what
//! goes wrong depends on how often a place was visited.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use millstream::channel::Receiver;
use millstream::{
    Clock, Context, DeadLetter, Emit, ErrorPolicy, Fail, Filled, Retry, Sink, Skip, Source, Verdict,
};

use crate::pipeline_support::spin;

/// Stages in one segment, see `segment!` in the graph.
pub(crate) const SEGMENT: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Source,
    Stage(usize),
    Sink,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Panic,
    Cancel,
    Deadline,
    /// The source or the sink returns an error; elsewhere nothing happens.
    Refuse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Fail,
    Skip,
    DeadLetter,
    Retry,
}

/// What happens, and the account of what did.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) ctx: Context,
    pub(crate) clock: Clock,
    pub(crate) policy: Policy,
    /// For each stage of both segments: a modulus that steers it; 0 leaves the item as it is.
    pub(crate) steer: [u64; 2 * SEGMENT],
    pub(crate) problem: Option<(Place, u64, What)>,
    pub(crate) slow: bool,
    visits: AtomicU64,
    pub(crate) fired: AtomicBool,
    pub(crate) given: AtomicU64,
    pub(crate) filtered: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) closed: AtomicU64,
    pub(crate) taken: Mutex<Vec<u64>>,
}

fn count(cell: &AtomicU64, by: u64) {
    cell.fetch_add(by, Ordering::SeqCst);
}

impl World {
    pub(crate) fn new(
        ctx: &Context,
        policy: Policy,
        steer: [u64; 2 * SEGMENT],
        problem: Option<(Place, u64, What)>,
    ) -> Self {
        let deadline = problem.is_some_and(|(_, _, what)| what == What::Deadline);
        Self {
            ctx: if deadline { ctx.with_timeout(Duration::from_secs(3600)) } else { ctx.child() },
            clock: ctx.clock().clone(),
            policy,
            steer,
            problem,
            slow: false,
            visits: AtomicU64::new(0),
            fired: AtomicBool::new(false),
            given: AtomicU64::new(0),
            filtered: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            closed: AtomicU64::new(0),
            taken: Mutex::default(),
        }
    }

    /// Reaches a place with a number of items in hand. True: it is to refuse.
    pub(crate) fn visit(&self, here: Place, items: u64) -> bool {
        let Some((place, at, what)) = self.problem else { return false };
        if place != here || self.visits.fetch_add(1, Ordering::SeqCst) != at {
            return false;
        }
        let held = matches!(here, Place::Stage(_) | Place::Sink);
        match what {
            What::Panic => {
                self.fired.store(true, Ordering::SeqCst);
                count(&self.failed, if held { items } else { 0 });
                panic!("planned");
            }
            What::Cancel => {
                self.fired.store(true, Ordering::SeqCst);
                self.ctx.cancel("planned");
            }
            What::Deadline => {
                self.fired.store(true, Ordering::SeqCst);
                self.clock.advance(Duration::from_secs(3601));
            }
            What::Refuse if !matches!(here, Place::Stage(_)) => {
                self.fired.store(true, Ordering::SeqCst);
                count(&self.failed, if held { items } else { 0 });
                return true;
            }
            What::Refuse => {}
        }
        false
    }

    fn steered(&self, at: usize) -> u64 {
        self.visit(Place::Stage(at), 1);
        if self.slow && at == SEGMENT {
            spin(2_000);
        }
        self.steer[at]
    }

    pub(crate) fn map(&self, at: usize, x: u64) -> u64 {
        if self.steered(at) == 0 { x } else { x.wrapping_mul(3).wrapping_add(1) }
    }

    pub(crate) fn keeps(&self, at: usize, x: u64) -> bool {
        let m = self.steered(at);
        let keeps = m == 0 || !x.is_multiple_of(m + 1);
        count(&self.filtered, u64::from(!keeps));
        keeps
    }

    pub(crate) fn many(&self, at: usize, x: u64) -> impl Iterator<Item = u64> + use<> {
        let m = self.steered(at);
        let copies = if m == 0 { 1 } else { x % (m + 1) };
        count(&self.filtered, u64::from(copies == 0));
        (0..copies).map(move |copy| x.wrapping_add(copy * 7))
    }

    pub(crate) fn split(&self, at: usize, x: u64, out: &mut Emit<'_, u64>) {
        let m = self.steered(at);
        match if m == 0 { 9 } else { x % (m + 3) } {
            0 => {
                out.filtered(2);
                count(&self.filtered, 2);
            }
            1 => {
                out.skipped("split", || "planned".to_owned());
                count(&self.skipped, 1);
            }
            2 => {
                out.item(x);
                out.failed("split", || "planned".to_owned());
                count(&self.failed, 1);
                out.item(x.wrapping_add(1));
            }
            _ => {
                out.item(x);
            }
        }
    }

    pub(crate) fn attempt(&self, at: usize, x: u64) -> Result<u64, String> {
        let m = self.steered(at);
        if m != 0 && x % (m + 2) == 1 { Err(format!("policy {x}")) } else { Ok(x.wrapping_add(m)) }
    }

    /// Takes items at the end. An error: the sink refuses.
    pub(crate) fn take(&self, items: &[u64]) -> Result<(), String> {
        if self.visit(Place::Sink, items.len() as u64) {
            return Err("planned".to_owned());
        }
        self.taken.lock().unwrap().extend_from_slice(items);
        Ok(())
    }
}

/// The policy of the world, and its account.
#[derive(Debug)]
pub(crate) struct InWorld<'a>(pub(crate) &'a World);

impl ErrorPolicy<u64, String> for InWorld<'_> {
    fn attempt<Out>(
        &self,
        ctx: &Context,
        item: u64,
        work: impl FnMut(u64) -> Result<Out, String>,
        note: impl FnMut(&String),
    ) -> Verdict<Out, String> {
        let now = Retry::times(2).waits(Duration::ZERO, Duration::ZERO);
        let verdict = match self.0.policy {
            Policy::Fail => Fail.attempt(ctx, item, work, note),
            Policy::Skip => Skip.attempt(ctx, item, work, note),
            Policy::DeadLetter => DeadLetter(drop::<String>).attempt(ctx, item, work, note),
            Policy::Retry => now.or(Skip).attempt(ctx, item, work, note),
        };
        match verdict {
            Verdict::Failed | Verdict::Stopped(_) => count(&self.0.failed, 1),
            Verdict::Skipped => count(&self.0.skipped, 1),
            _ => {}
        }
        verdict
    }
}

impl Sink<u64> for &World {
    type Error = String;

    fn write(&mut self, item: u64) -> Result<(), String> {
        self.take(&[item])
    }

    fn close(&mut self) -> Result<(), String> {
        count(&self.closed, 1);
        if self.visit(Place::Close, 0) { Err("planned".to_owned()) } else { Ok(()) }
    }
}

impl Sink<Vec<u64>> for &World {
    type Error = String;

    fn write(&mut self, batch: Vec<u64>) -> Result<(), String> {
        self.take(&batch)
    }

    fn close(&mut self) -> Result<(), String> {
        <Self as Sink<u64>>::close(self)
    }
}

/// Sources that are no iterators.
#[derive(Debug)]
pub(crate) enum AnySource<'a> {
    Channel(Receiver<u64>),
    /// Hands over fewer items than asked, sometimes none; the last ones together with the end.
    Own {
        world: &'a World,
        next: u64,
        end: u64,
        most: u64,
    },
}

impl Source for AnySource<'_> {
    type Item = u64;
    type Error = String;

    fn fill(
        &mut self,
        ctx: &Context,
        out: &mut VecDeque<u64>,
        max: usize,
    ) -> Result<Filled, String> {
        match self {
            Self::Channel(receiver) => {
                receiver.fill(ctx, out, max).map_err(|cause| cause.to_string())
            }
            Self::Own { world, next, end, most } => {
                let many = (*next % *most).min(max as u64).min(*end - *next);
                for _ in 0..many.max(u64::from(*next < *end && *next % 2 == 0)) {
                    if world.visit(Place::Source, 0) {
                        return Err("planned".to_owned());
                    }
                    out.push_back(*next);
                    count(&world.given, 1);
                    *next += 1;
                }
                // A number of its own for "nothing yet": the next call brings at least one.
                *most += 1;
                Ok(if *next == *end { Filled::End } else { Filled::More })
            }
        }
    }
}

/// The items as an iterator of one type.
pub(crate) fn iterator(world: &World, items: u64) -> Box<dyn Iterator<Item = u64> + Send + '_> {
    Box::new((0..items).inspect(|_| {
        world.visit(Place::Source, 0);
        count(&world.given, 1);
    }))
}

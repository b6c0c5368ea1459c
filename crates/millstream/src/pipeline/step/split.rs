//! `split`: one item becomes many, and the stage says itself what became of each part.

use super::{Flow, Step, one_stage};
use crate::pipeline::{counters::Counts, probe::Probe};

/// Where a [`Pipeline::split`](crate::Pipeline::split) stage puts the parts of an item.
///
/// Every part is accounted for: handed on, filtered, skipped, or failed.
///
/// # Examples
/// ```
/// use millstream::{Context, Emit, Pipeline};
///
/// let words = |_: &mut (), line: &str, out: &mut Emit<'_, u32>| {
///     for word in line.split(' ') {
///         match word.parse() {
///             Ok(number) => drop(out.item(number)),
///             Err(_) if word == "-" => out.filtered(1),
///             Err(_) if word.is_empty() => out.skipped("empty", || format!("in {line:?}")),
///             Err(_) => out.failed("not a number", || word.to_owned()),
///         }
///     }
/// };
/// let numbers = Pipeline::from_iter(["1 2", "- 3 x", "4 "]).split(|| (), words);
/// let report = numbers.for_each(&Context::new(), |_| ())?;
/// let all = report.totals();
/// assert_eq!((all.left, all.filtered, all.skipped, all.failed), (4, 1, 1, 1));
/// let kinds: Vec<_> = report.errors.iter().map(|error| error.kind.as_str()).collect();
/// assert_eq!(kinds, ["empty", "not a number"]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct Emit<'a, Out> {
    next: &'a mut dyn FnMut(Out) -> Flow,
    probe: &'a Probe,
    parts: u64,
    filtered: u64,
    skipped: u64,
    failed: u64,
    flow: Flow,
    emitting: bool,
}

impl<Out> std::fmt::Debug for Emit<'_, Out> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emit").field("parts", &self.parts).finish_non_exhaustive()
    }
}

impl<Out> Emit<'_, Out> {
    /// Hands one part on. False means that the run stops: return soon, what is not handed on is not
    /// counted.
    pub fn item(&mut self, part: Out) -> bool {
        if self.flow.is_continue() {
            self.parts += 1;
            self.emitting = true;
            self.flow = (self.next)(part);
            self.emitting = false;
        }
        self.flow.is_continue()
    }

    /// Counts `count` parts that were left out on purpose.
    pub fn filtered(&mut self, count: u64) {
        self.filtered += count;
    }

    /// Counts one part that could not be used and was passed over, by kind, with the first one's
    /// text as sample.
    pub fn skipped(&mut self, kind: &str, sample: impl FnOnce() -> String) {
        self.skipped += 1;
        self.probe.counters().error(kind, 1, sample);
    }

    /// Counts one part that failed, by kind, with the first one's text as sample; the run goes on.
    pub fn failed(&mut self, kind: &str, sample: impl FnOnce() -> String) {
        self.failed += 1;
        self.probe.counters().error(kind, 1, sample);
    }
}

/// See [`Pipeline::split`](crate::Pipeline::split).
#[derive(Debug)]
pub struct Split<I, F, Out>(
    pub(crate) I,
    pub(crate) F,
    pub(crate) std::marker::PhantomData<fn() -> Out>,
);

impl<In, Out: Send, S, I, F> Step<In> for Split<I, F, Out>
where
    S: Send,
    I: Fn() -> S + Send + Sync,
    F: Fn(&mut S, In, &mut Emit<'_, Out>) + Send + Sync,
{
    type Out = Out;
    type State = (Probe, S);
    one_stage!("split");

    fn open(&self, probe: Probe) -> (Probe, S) {
        let own = probe.prepare(&self.0);
        (probe, own)
    }

    fn push<const TIMED: bool>(
        &self,
        (probe, own): &mut (Probe, S),
        counts: &mut Counts,
        item: In,
        emit: &mut impl FnMut(Out) -> Flow,
    ) -> Flow {
        let mut out = Emit {
            next: emit,
            probe,
            parts: 0,
            filtered: 0,
            skipped: 0,
            failed: 0,
            flow: Flow::Continue(()),
            emitting: false,
        };
        let parts = Parts { out: &mut out, counts, unwinding: true };
        if TIMED {
            let start = crate::clock::stopwatch();
            (self.1)(own, item, parts.out);
            probe.counters().sample(start.elapsed());
        } else {
            (self.1)(own, item, parts.out);
        }
        parts.settle();
        out.flow
    }
}

/// Moves the counts of one item's parts to the stage, also when the closure panics in the middle.
struct Parts<'a, 'b, Out> {
    out: &'a mut Emit<'b, Out>,
    counts: &'a mut Counts,
    unwinding: bool,
}

impl<Out> Parts<'_, '_, Out> {
    fn settle(mut self) {
        self.unwinding = false;
    }
}

impl<Out> Drop for Parts<'_, '_, Out> {
    fn drop(&mut self) {
        let Emit { parts, filtered, skipped, failed, probe, emitting, .. } = *self.out;
        let mut all = parts + filtered + skipped + failed;
        self.counts.filtered += filtered;
        self.counts.skipped += skipped;
        self.counts.failed += failed;
        if self.unwinding && !emitting {
            // The panic is this stage's own, not one of a later stage on its way up: one more
            // failed.
            all += 1;
            self.counts.failed += 1;
            probe.panicked();
        }
        // The item itself is counted by its parts: one that has none takes itself back.
        self.counts.made = self.counts.made.wrapping_add(all).wrapping_sub(1);
    }
}

//! `try_map`: work that can fail, and the policies that say what an error does.

use std::fmt::{self, Display};
use std::sync::atomic::Ordering;

use super::{Flow, Step, one_stage};
use crate::pipeline::{counters::Counts, probe::Probe};
use crate::{BoxError, Context};

/// What became of one item under an [`ErrorPolicy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<Out, E> {
    /// It worked.
    Passed(Out),
    /// It is passed over and counted as skipped.
    Skipped,
    /// It counts as failed; the run goes on.
    Failed,
    /// It counts as failed, and the run ends with this error.
    Stopped(E),
    /// The context ended while the policy waited: the item counts as cancelled, and the run stops.
    Cancelled,
}

/// What an error of a [`Pipeline::try_map`](crate::Pipeline::try_map) stage does.
///
/// [`Fail`], [`Skip`], [`DeadLetter`] and [`Retry`](crate::Retry) are policies; write your own for
/// anything else.
///
/// # Examples
/// Errors of one kind are passed over, all others end the run:
/// ```
/// use std::num::{IntErrorKind, ParseIntError};
/// use millstream::{Context, ErrorPolicy, Pipeline, Verdict};
///
/// struct SkipEmpty;
///
/// impl<In> ErrorPolicy<In, ParseIntError> for SkipEmpty {
///     fn attempt<Out>(
///         &self,
///         _: &Context,
///         item: In,
///         mut work: impl FnMut(In) -> Result<Out, ParseIntError>,
///         mut note: impl FnMut(&ParseIntError),
///     ) -> Verdict<Out, ParseIntError> {
///         match work(item) {
///             Ok(out) => Verdict::Passed(out),
///             Err(error) => {
///                 note(&error);
///                 if *error.kind() == IntErrorKind::Empty { Verdict::Skipped } else { Verdict::Stopped(error) }
///             }
///         }
///     }
/// }
///
/// let ctx = Context::new();
/// let parse = |lines| Pipeline::from_iter(lines).try_map(str::parse::<u32>).on_error(SkipEmpty).collect(&ctx);
/// assert_eq!(parse(["1", "", "3"])?, [1, 3]);
/// assert!(parse(["1", "x", "3"]).is_err());
/// # Ok::<(), millstream::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no policy for errors `{E}` of items `{In}`",
    label = "not an `ErrorPolicy`",
    note = "take `Fail`, `Skip`, `DeadLetter(|error| ..)` or `Retry::times(n)`; to try again, `Retry` needs items that are `Clone`"
)]
pub trait ErrorPolicy<In, E>: Send + Sync {
    /// Works on one item, once or more often. `note` counts an error that decided the item's fate.
    fn attempt<Out>(
        &self,
        ctx: &Context,
        item: In,
        work: impl FnMut(In) -> Result<Out, E>,
        note: impl FnMut(&E),
    ) -> Verdict<Out, E>;
}

/// The first error ends the run with that error; everything else is cancelled and joined. The
/// default.
///
/// # Examples
/// ```
/// use millstream::{Context, Pipeline};
/// let numbers = Pipeline::from_iter(["1", "x", "3"]).try_map(str::parse::<u32>);
/// let error = numbers.collect(&Context::new()).unwrap_err();
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fail;

impl<In, E> ErrorPolicy<In, E> for Fail {
    #[inline(always)]
    fn attempt<Out>(
        &self,
        _ctx: &Context,
        item: In,
        mut work: impl FnMut(In) -> Result<Out, E>,
        mut note: impl FnMut(&E),
    ) -> Verdict<Out, E> {
        match work(item) {
            Ok(out) => Verdict::Passed(out),
            Err(error) => {
                note(&error);
                Verdict::Stopped(error)
            }
        }
    }
}

/// An item that fails is passed over and counted as skipped, by kind, with the first error of each
/// kind as sample.
///
/// # Examples
/// ```
/// use millstream::{Context, Pipeline, Skip};
/// let numbers = Pipeline::from_iter(["1", "x", "3"]).try_map(str::parse::<u32>).on_error(Skip);
/// assert_eq!(numbers.collect(&Context::new())?, [1, 3]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skip;

impl<In, E> ErrorPolicy<In, E> for Skip {
    #[inline(always)]
    fn attempt<Out>(
        &self,
        _ctx: &Context,
        item: In,
        mut work: impl FnMut(In) -> Result<Out, E>,
        mut note: impl FnMut(&E),
    ) -> Verdict<Out, E> {
        match work(item) {
            Ok(out) => Verdict::Passed(out),
            Err(error) => {
                note(&error);
                Verdict::Skipped
            }
        }
    }
}

/// An item that fails counts as failed, and its error goes to a closure, which may keep it.
///
/// The error should carry what is worth keeping of the item. The closure runs on the worker that
/// failed.
///
/// # Examples
/// ```
/// use std::sync::Mutex;
/// use millstream::{Context, DeadLetter, Pipeline};
///
/// let dead = Mutex::new(Vec::new());
/// let parse = |text: &'static str| text.parse::<u32>().map_err(|error| format!("{text}: {error}"));
/// let keep = DeadLetter(|error| dead.lock().unwrap().push(error));
/// let report = Pipeline::from_iter(["1", "x"]).try_map(parse).on_error(keep).for_each(&Context::new(), |_| ())?;
/// assert_eq!((report.totals().left, report.totals().failed), (1, 1));
/// assert_eq!(dead.into_inner().unwrap(), ["x: invalid digit found in string"]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct DeadLetter<H>(pub H);

impl<H> fmt::Debug for DeadLetter<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeadLetter")
    }
}

impl<In, E, H: Fn(E) + Send + Sync> ErrorPolicy<In, E> for DeadLetter<H> {
    #[inline(always)]
    fn attempt<Out>(
        &self,
        _ctx: &Context,
        item: In,
        mut work: impl FnMut(In) -> Result<Out, E>,
        mut note: impl FnMut(&E),
    ) -> Verdict<Out, E> {
        match work(item) {
            Ok(out) => Verdict::Passed(out),
            Err(error) => {
                note(&error);
                (self.0)(error);
                Verdict::Failed
            }
        }
    }
}

/// Names the kind of an error after its type, without the path: the kind where none is given.
pub(crate) fn classify_by_type<E>(_: &E) -> &'static str {
    let name = std::any::type_name::<E>();
    let plain = name.split('<').next().unwrap_or(name);
    plain.rsplit("::").next().unwrap_or(plain).trim_start_matches('&')
}

/// See [`Pipeline::try_map`](crate::Pipeline::try_map).
#[derive(Clone, Copy, Debug)]
pub struct TryMap<F, P, K> {
    pub(crate) work: F,
    pub(crate) policy: P,
    pub(crate) kind: K,
}

impl<In, Out: Send, E, F, P, K> Step<In> for TryMap<F, P, K>
where
    E: Display + Into<BoxError>,
    F: Fn(In) -> Result<Out, E> + Send + Sync,
    P: ErrorPolicy<In, E>,
    K: Fn(&E) -> &'static str + Send + Sync,
{
    type Out = Out;
    type State = Probe;
    one_stage!("try_map");

    fn open(&self, probe: Probe) -> Probe {
        probe
    }

    #[inline(always)]
    fn push<const TIMED: bool>(
        &self,
        probe: &mut Probe,
        counts: &mut Counts,
        item: In,
        emit: &mut impl FnMut(Out) -> Flow,
    ) -> Flow {
        // Alternate, because that is how `anyhow` prints what was added as context, too.
        let note =
            |error: &E| probe.counters().error((self.kind)(error), 1, || format!("{error:#}"));
        let outcome = probe.call::<TIMED, _>(counts, || {
            self.policy.attempt(probe.run.ctx_at(probe.at), item, &self.work, note)
        });
        match outcome {
            Verdict::Passed(out) => emit(out),
            Verdict::Skipped => {
                counts.skipped += 1;
                Flow::Continue(())
            }
            Verdict::Failed => {
                counts.failed += 1;
                Flow::Continue(())
            }
            Verdict::Cancelled => {
                probe.counters().cancelled.fetch_add(1, Ordering::Relaxed);
                Flow::Break(())
            }
            Verdict::Stopped(error) => {
                counts.failed += 1;
                probe.fail(error.into());
                Flow::Break(())
            }
        }
    }
}

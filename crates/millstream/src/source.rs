//! Where items begin: the trait that a program's own input implements.

use std::collections::VecDeque;

use crate::BoxError;
use crate::channel::RecvError;
use crate::context::{Cause, CauseKind};

/// Whether a [`Source`] may have more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// Ask again.
    More,
    /// Nothing will follow.
    End,
}

/// An input that knows what is ready, so that nothing waits behind an item that has not come yet.
///
/// One thread at a time calls it (with a parallel stage behind it, one after the other), in
/// **order**, and not again after it said [`Filled::End`], returned an error, or panicked. An input
/// that computes its items is simpler as an iterator.
///
/// # Examples
/// ```
/// use std::collections::VecDeque;
/// use millstream::{Context, Filled, Pipeline, Source};
///
/// /// Counts down, three at a time.
/// struct Countdown(u32);
///
/// impl Source for Countdown {
///     type Item = u32;
///     type Error = String;
///
///     fn fill(&mut self, _: &Context, out: &mut VecDeque<u32>, max: usize) -> Result<Filled, String> {
///         for _ in 0..max.min(3) {
///             if self.0 == 0 {
///                 return Ok(Filled::End);
///             }
///             out.push_back(self.0);
///             self.0 -= 1;
///         }
///         Ok(Filled::More)
///     }
/// }
///
/// assert_eq!(Pipeline::from(Countdown(5)).collect(&Context::new())?, [5, 4, 3, 2, 1]);
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// Two pipelines cannot read one source:
/// ```compile_fail,E0382
/// use millstream::{Pipeline, channel};
/// let (_sender, receiver) = channel::<u32>(8);
/// let first = Pipeline::from(receiver);
/// let second = Pipeline::from(receiver);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source of items",
    label = "this is no `Source`",
    note = "for anything that can be iterated call `Pipeline::from_iter(..)`, for an async stream `Pipeline::from_stream(..)`"
)]
pub trait Source: Send {
    /// What it yields.
    type Item: Send;
    /// What can go wrong; any error type, or a `String`.
    type Error: Into<BoxError>;

    /// Waits until at least one item is there, then appends what is ready, at most `max` items, to
    /// `out`.
    ///
    /// It may append nothing and say [`Filled::More`]; then it is asked again. More than `max` are
    /// kept for the next time. Items that are appended together with [`Filled::End`] still flow to
    /// the end; with an error, they count as cancelled.
    ///
    /// # Cancel safety
    /// When `ctx` is cancelled it returns early, with either answer; what it has not appended stays
    /// its own.
    ///
    /// # Errors
    /// Whatever ends the input before its end; the run fails with it.
    fn fill(
        &mut self,
        ctx: &crate::Context,
        out: &mut VecDeque<Self::Item>,
        max: usize,
    ) -> Result<Filled, Self::Error>;
}

/// A channel's receiver is a source: it yields what was sent, and ends when the channel is closed
/// and drained.
///
/// Closed by its last sender, or with [`Cause::finished`], it ends well. Any other cause says that
/// something is missing, and fails the run, after everything that was sent has been handed on.
///
/// # Examples
/// ```
/// use millstream::{Cause, Context, Pipeline, channel};
///
/// let ctx = Context::new();
/// let (sender, receiver) = channel(8);
/// sender.send(&ctx, 1).unwrap();
/// sender.close(Cause::failed("the reader broke off"));
/// let error = Pipeline::from(receiver).collect(&ctx).unwrap_err();
/// assert_eq!(error.report().totals().left, 1);
/// assert!(error.to_string().contains("the reader broke off"));
/// ```
impl<T: Send> Source for crate::channel::Receiver<T> {
    type Item = T;
    type Error = Cause;

    fn fill(
        &mut self,
        ctx: &crate::Context,
        out: &mut VecDeque<T>,
        max: usize,
    ) -> Result<Filled, Self::Error> {
        match self.recv_many(ctx, out, max) {
            Ok(_) => Ok(Filled::More),
            Err(RecvError::Closed(cause)) if cause.kind() != CauseKind::Finished => Err(cause),
            Err(_ended_or_cancelled) => Ok(Filled::End),
        }
    }
}

//! Where items end: the trait that a program's own destination implements.

use crate::BoxError;

/// A destination for items; a destination for batches is a `Sink<Vec<R>>`.
///
/// Only the thread that called [`Pipeline::run`](crate::Pipeline::run) calls it, so it need not be
/// `Send`, in the **order** of the items. It may block: what flows in waits (back-pressure). A
/// closure that cannot fail is simpler by [`for_each`](crate::Pipeline::for_each).
///
/// # Panics
/// A panic in `write` fails the item (all items of the batch), one in `flush` or `close` fails
/// none; each ends the run with an error. `close` is called also after a panic in `write`, so a
/// sink that must not be used any more should remember that.
///
/// # Examples
/// ```
/// use millstream::{Batch, Context, Pipeline, Sink};
///
/// #[derive(Default)]
/// struct Totals { batches: usize, closed: bool }
///
/// impl Sink<Vec<u64>> for &mut Totals {
///     type Error = String;
///
///     fn write(&mut self, batch: Vec<u64>) -> Result<(), String> {
///         self.batches += 1;
///         if batch.contains(&13) { Err("13 is not welcome".into()) } else { Ok(()) }
///     }
///
///     fn close(&mut self) -> Result<(), String> {
///         self.closed = true;
///         Ok(())
///     }
/// }
///
/// let mut totals = Totals::default();
/// let error = Pipeline::from_iter(0..20).batch(Batch::of(5)).run(&Context::new(), &mut totals).unwrap_err();
/// assert_eq!(error.to_string(), "stage \"sink\" failed: 13 is not welcome");
/// assert_eq!(error.report().totals().failed, 5);
/// assert_eq!((totals.batches, totals.closed), (3, true));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes no items of the type `{T}`",
    label = "this is no `Sink<{T}>`",
    note = "for a closure that cannot fail call `for_each(&ctx, ..)`; behind `batch` a sink takes vectors: `impl Sink<Vec<..>>`"
)]
pub trait Sink<T> {
    /// What can go wrong; any error type, or a `String`.
    type Error: Into<BoxError>;

    /// Takes one item (or one batch). An error ends the run; the item counts as failed, a batch
    /// with all its items.
    ///
    /// # Errors
    /// Whatever keeps the destination from taking the item.
    fn write(&mut self, item: T) -> Result<(), Self::Error>;

    /// Makes everything written so far durable or visible; called before the run waits for items,
    /// if something was written.
    ///
    /// # Errors
    /// Whatever keeps the destination from making the items durable.
    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Ends the destination after the last item; called once, whatever ended the run. Unless it is
    /// written, it flushes.
    ///
    /// # Errors
    /// Whatever keeps the destination from ending well.
    fn close(&mut self) -> Result<(), Self::Error> {
        self.flush()
    }
}

//! Where items end: the trait that a program's own destination implements.

use crate::BoxError;

/// A destination for items; a destination for batches is a `Sink<Vec<R>>`.
///
/// One thread at a time calls it, in the order of the items. It may block: what flows in waits (back-pressure).
pub trait Sink<T> {
    /// What can go wrong; any error type, or a `String`.
    type Error: Into<BoxError>;

    /// Takes one item (or one batch). An error fails the run; the item counts as failed.
    ///
    /// # Errors
    /// Whatever keeps the destination from taking the item.
    fn write(&mut self, item: T) -> Result<(), Self::Error>;

    /// Makes everything written so far durable or visible; called when the input pauses.
    ///
    /// # Errors
    /// Whatever keeps the destination from making the items durable.
    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Ends the destination after the last item; called once, also when the run was cancelled and drains.
    ///
    /// # Errors
    /// Whatever keeps the destination from ending well.
    fn close(&mut self) -> Result<(), Self::Error> {
        self.flush()
    }
}

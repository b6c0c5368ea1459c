//! A reserved place in a channel.

use std::fmt;

use super::send_error::SendError;
use super::shared::Shared;

/// A place that [`Sender::reserve`](super::Sender::reserve) set aside: the send that uses it cannot
/// wait.
///
/// Dropping it frees the place, for the next sender in line.
///
/// # Examples
/// ```
/// use millstream::{Context, channel::channel};
///
/// let ctx = Context::new();
/// let (tx, rx) = channel(1);
/// drop(tx.reserve(&ctx).unwrap());
/// tx.reserve(&ctx).unwrap().send("here").unwrap();
/// assert_eq!(rx.try_recv(), Ok("here"));
/// ```
#[must_use = "a permit that is dropped frees its place again"]
pub struct Permit<'a, T> {
    /// `None` once the place was used.
    shared: Option<&'a Shared<T>>,
}

impl<'a, T> Permit<'a, T> {
    pub(super) fn new(shared: &'a Shared<T>) -> Self {
        Self { shared: Some(shared) }
    }

    /// Sends an item into the reserved place; never waits, and looks at no context and no overflow
    /// policy.
    ///
    /// # Errors
    /// [`SendError::Closed`] with the item, if the channel was closed since the place was reserved.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, channel::channel};
    ///
    /// let (tx, rx) = channel(1);
    /// let place = tx.reserve(&Context::new()).unwrap();
    /// rx.close("gone");
    /// assert_eq!(place.send(7).unwrap_err().into_item(), 7);
    /// ```
    pub fn send(mut self, item: T) -> Result<(), SendError<T>> {
        let Some(shared) = self.shared.take() else { return Ok(()) };
        let mut item = Some(item);
        match (shared.change(|state, _| state.redeem(&mut item)), item) {
            (Err(cause), Some(item)) => Err(SendError::Closed(item, cause)),
            _ => Ok(()),
        }
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared {
            shared.change(|state, _| state.release());
        }
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

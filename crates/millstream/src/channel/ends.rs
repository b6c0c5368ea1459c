//! What both ends of a channel can be asked, how they close it, and what happens when the last of
//! them goes.

use std::fmt;

use super::shared::Shared;
use super::{Receiver, Sender};
use crate::context::Cause;
use crate::sync::Arc;

impl<T> Sender<T> {
    /// Closes the channel for a cause; false if it was closed before, which keeps its first cause.
    ///
    /// Senders fail from now on and get their items back, also those that wait and those with a
    /// [`Permit`](super::Permit). Receivers get what is queued, then the cause.
    ///
    /// # Examples
    /// ```
    /// use millstream::channel::channel;
    ///
    /// let (tx, rx) = channel(2);
    /// tx.try_send(1).unwrap();
    /// assert!(tx.close("end of the input"));
    /// assert!(!tx.close("too late"));
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// assert_eq!(rx.try_recv().unwrap_err().cause().unwrap().reason(), "end of the input");
    /// ```
    pub fn close(&self, cause: impl Into<Cause>) -> bool {
        self.shared.close(cause.into())
    }

    /// The cause for which the channel was closed; items may still be queued.
    ///
    /// # Examples
    /// ```
    /// let (tx, rx) = millstream::channel::channel::<u8>(1);
    /// assert_eq!(tx.closed(), None);
    /// drop(rx);
    /// assert!(tx.closed().is_some());
    /// ```
    pub fn closed(&self) -> Option<Cause> {
        self.shared.read(|state| state.closed().cloned())
    }

    /// How many items are queued now, without the reserved places.
    ///
    /// # Examples
    /// ```
    /// let (tx, _rx) = millstream::channel::channel(5);
    /// tx.try_send('a').unwrap();
    /// assert_eq!(tx.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.shared.read(|state| state.len())
    }

    /// Whether nothing is queued now.
    ///
    /// # Examples
    /// ```
    /// let (tx, _rx) = millstream::channel::channel::<char>(5);
    /// assert!(tx.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items the channel holds at most; at least 1.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::channel::channel::<char>(0).0.capacity(), 1);
    /// ```
    pub fn capacity(&self) -> usize {
        self.shared.read(|state| state.capacity())
    }

    /// How many items the channel took and then dropped: by its overflow policy, or because the
    /// last receiver went.
    ///
    /// Accepted items = received items + `dropped()` + `len()`, at any time.
    ///
    /// # Examples
    /// ```
    /// use millstream::channel::{ChannelBuilder, Overflow};
    ///
    /// let (tx, rx) = ChannelBuilder::new(1).overflow(Overflow::DropOldest).build();
    /// tx.try_send("old").unwrap();
    /// tx.try_send("new").unwrap();
    /// assert_eq!((tx.dropped(), rx.try_recv()), (1, Ok("new")));
    /// ```
    pub fn dropped(&self) -> u64 {
        self.shared.read(|state| state.dropped())
    }
}

impl<T> Receiver<T> {
    /// Closes the channel for a cause; false if it was closed before, which keeps its first cause.
    ///
    /// Senders fail from now on and get their items back; what is queued can still be received.
    ///
    /// # Examples
    /// ```
    /// let (tx, rx) = millstream::channel::channel(2);
    /// tx.try_send(1).unwrap();
    /// assert!(rx.close("no more, please"));
    /// assert_eq!(tx.try_send(2).unwrap_err().into_item(), 2);
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// ```
    pub fn close(&self, cause: impl Into<Cause>) -> bool {
        self.shared.close(cause.into())
    }

    /// The cause for which the channel was closed; items may still be queued.
    ///
    /// # Examples
    /// ```
    /// use millstream::{channel::channel, context::CauseKind};
    ///
    /// let (tx, rx) = channel::<u8>(1);
    /// assert_eq!(rx.closed(), None);
    /// drop(tx);
    /// assert_eq!(rx.closed().unwrap().kind(), CauseKind::Finished);
    /// ```
    pub fn closed(&self) -> Option<Cause> {
        self.shared.read(|state| state.closed().cloned())
    }

    /// How many items are queued now, without the reserved places.
    ///
    /// # Examples
    /// ```
    /// let (tx, rx) = millstream::channel::channel(5);
    /// tx.try_send('a').unwrap();
    /// assert_eq!(rx.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.shared.read(|state| state.len())
    }

    /// Whether nothing is queued now.
    ///
    /// # Examples
    /// ```
    /// let (_tx, rx) = millstream::channel::channel::<char>(5);
    /// assert!(rx.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items the channel holds at most; at least 1.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::channel::channel::<char>(5).1.capacity(), 5);
    /// ```
    pub fn capacity(&self) -> usize {
        self.shared.read(|state| state.capacity())
    }

    /// How many items the channel took and then dropped: by its overflow policy, or because the
    /// last receiver went.
    ///
    /// Accepted items = received items + `dropped()` + `len()`, at any time.
    ///
    /// # Examples
    /// ```
    /// use millstream::channel::{ChannelBuilder, Overflow};
    ///
    /// let (tx, rx) = ChannelBuilder::new(1).overflow(Overflow::DropNewest).build();
    /// tx.try_send("old").unwrap();
    /// tx.try_send("new").unwrap();
    /// assert_eq!((rx.dropped(), rx.try_recv()), (1, Ok("old")));
    /// ```
    pub fn dropped(&self) -> u64 {
        self.shared.read(|state| state.dropped())
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.change(|state, _| state.senders += 1);
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.change(|state, wakes| {
            state.senders -= 1;
            if state.senders == 0 {
                state.close(Cause::finished(), wakes);
            }
        });
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.describe("Sender", f)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.change(|state, _| state.receivers += 1);
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let unreceived = self.shared.change(|state, wakes| {
            state.receivers -= 1;
            (state.receivers == 0).then(|| {
                state.close(Cause::dropped(), wakes);
                state.discard_all()
            })
        });
        // The items are dropped here, after the lock: their own drop may use this channel.
        drop(unreceived);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.describe("Receiver", f)
    }
}

impl<T> Shared<T> {
    fn close(&self, cause: Cause) -> bool {
        self.change(|state, wakes| state.close(cause, wakes))
    }

    /// What `Debug` of an end shows; the items stay private, as they need no `Debug`.
    pub(super) fn describe(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, capacity, closed) =
            self.read(|state| (state.len(), state.capacity(), state.closed().cloned()));
        f.debug_struct(name)
            .field("len", &len)
            .field("capacity", &capacity)
            .field("closed", &closed)
            .finish_non_exhaustive()
    }
}

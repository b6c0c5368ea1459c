//! What can keep an item from being received: one small enum an operation. Nothing was taken then.

use std::error::Error;
use std::fmt;

use crate::context::Cause;

/// Why [`Receiver::recv`](super::Receiver::recv) has no item; nothing was taken.
///
/// # Examples
/// ```
/// use millstream::{Context, channel::{RecvError, channel}, context::CauseKind};
///
/// let (tx, rx) = channel::<u8>(1);
/// drop(tx);
/// match rx.recv(&Context::new()) {
///     Err(RecvError::Closed(cause)) => assert_eq!(cause.kind(), CauseKind::Finished),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecvError {
    /// The channel was closed for this cause, and all of its items were received.
    Closed(Cause),
    /// The context was cancelled, for this cause.
    Cancelled(Cause),
}

/// Why [`Receiver::recv_timeout`](super::Receiver::recv_timeout) has no item; nothing was taken.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use millstream::{Context, channel::{RecvTimeoutError, channel}};
///
/// let (_tx, rx) = channel::<u8>(1);
/// let error = rx.recv_timeout(&Context::new(), Duration::from_millis(1)).unwrap_err();
/// assert_eq!(error, RecvTimeoutError::Timeout);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecvTimeoutError {
    /// The channel was closed for this cause, and all of its items were received.
    Closed(Cause),
    /// The context was cancelled, for this cause.
    Cancelled(Cause),
    /// No item came in time.
    Timeout,
}

/// Why [`Receiver::try_recv`](super::Receiver::try_recv) has no item.
///
/// # Examples
/// ```
/// use millstream::channel::{TryRecvError, channel};
///
/// let (_tx, rx) = channel::<u8>(1);
/// assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryRecvError {
    /// Nothing is queued now.
    Empty,
    /// The channel was closed for this cause, and all of its items were received.
    Closed(Cause),
}

impl RecvError {
    /// The cause for which the channel was closed or the context cancelled.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Cause, channel::RecvError};
    ///
    /// let error = RecvError::Closed(Cause::finished());
    /// assert_eq!(error.cause(), &Cause::finished());
    /// ```
    pub fn cause(&self) -> &Cause {
        match self {
            Self::Closed(cause) | Self::Cancelled(cause) => cause,
        }
    }

    /// Gives the cause away.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Cause, channel::RecvError};
    ///
    /// let error = RecvError::Cancelled("stop".into());
    /// assert_eq!(error.into_cause().reason(), "stop");
    /// ```
    pub fn into_cause(self) -> Cause {
        match self {
            Self::Closed(cause) | Self::Cancelled(cause) => cause,
        }
    }
}

impl RecvTimeoutError {
    /// The cause for which the channel was closed or the context cancelled.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::channel::RecvTimeoutError::Timeout.cause(), None);
    /// ```
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Closed(cause) | Self::Cancelled(cause) => Some(cause),
            Self::Timeout => None,
        }
    }
}

impl TryRecvError {
    /// The cause for which the channel was closed.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::channel::TryRecvError::Empty.cause(), None);
    /// ```
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Closed(cause) => Some(cause),
            Self::Empty => None,
        }
    }
}

const NO_ITEM: &str = "no item was received";

fn closed(f: &mut fmt::Formatter<'_>, what: &str, cause: &Cause) -> fmt::Result {
    write!(f, "{what}: the channel is closed ({cause})")
}

fn cancelled(f: &mut fmt::Formatter<'_>, what: &str, cause: &Cause) -> fmt::Result {
    write!(f, "{what}: the context was cancelled ({})", cause.why())
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(cause) => closed(f, NO_ITEM, cause),
            Self::Cancelled(cause) => cancelled(f, NO_ITEM, cause),
        }
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(cause) => closed(f, NO_ITEM, cause),
            Self::Cancelled(cause) => cancelled(f, NO_ITEM, cause),
            Self::Timeout => write!(f, "{NO_ITEM}: none came in time"),
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "{NO_ITEM}: the channel is empty"),
            Self::Closed(cause) => closed(f, NO_ITEM, cause),
        }
    }
}

impl Error for RecvError {}
impl Error for RecvTimeoutError {}
impl Error for TryRecvError {}

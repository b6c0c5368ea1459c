//! What can keep an item from being sent: one small enum an operation.
//!
//! Errors that own an item give it back, and none of them needs `T: Debug`.

use std::error::Error;
use std::fmt;

use super::state::Refusal;
use crate::context::Cause;

/// Why [`Sender::send`](super::Sender::send) did not send; the item is inside.
///
/// # Examples
/// ```
/// use millstream::{Context, channel::{SendError, channel}};
///
/// let (tx, rx) = channel(1);
/// drop(rx);
/// let error = tx.send(&Context::new(), "letter").unwrap_err();
/// assert!(matches!(error, SendError::Closed(..)));
/// assert_eq!(error.into_item(), "letter");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError<T> {
    /// The channel was closed, for this cause.
    Closed(T, Cause),
    /// The context was cancelled, for this cause.
    Cancelled(T, Cause),
    /// The channel was full and its policy is [`Overflow::Reject`](super::Overflow::Reject).
    Full(T),
}

/// Why [`Sender::send_timeout`](super::Sender::send_timeout) did not send; the item is inside.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use millstream::{Context, channel::{SendTimeoutError, channel}};
///
/// let (tx, _rx) = channel(1);
/// let ctx = Context::new();
/// tx.send(&ctx, 1).unwrap();
/// let error = tx.send_timeout(&ctx, 2, Duration::from_millis(1)).unwrap_err();
/// assert_eq!(error, SendTimeoutError::Timeout(2));
/// assert_eq!(error.into_item(), 2);
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendTimeoutError<T> {
    /// The channel was closed, for this cause.
    Closed(T, Cause),
    /// The context was cancelled, for this cause.
    Cancelled(T, Cause),
    /// The channel was full and its policy is [`Overflow::Reject`](super::Overflow::Reject).
    Full(T),
    /// No place became free in time.
    Timeout(T),
}

/// Why [`Sender::try_send`](super::Sender::try_send) did not send; the item is inside.
///
/// # Examples
/// ```
/// use millstream::channel::{TrySendError, channel};
///
/// let (tx, _rx) = channel(1);
/// tx.try_send('a').unwrap();
/// let error = tx.try_send('b').unwrap_err();
/// assert_eq!(error, TrySendError::Full('b'));
/// assert_eq!(error.into_item(), 'b');
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrySendError<T> {
    /// No place is free now.
    Full(T),
    /// The channel was closed, for this cause.
    Closed(T, Cause),
}

/// Why no place could be had; what was to be sent is still with the caller.
///
/// # Examples
/// ```
/// use millstream::{Context, channel::{ReserveError, channel}};
///
/// let (tx, rx) = channel::<u8>(1);
/// rx.close("no more letters");
/// match tx.reserve(&Context::new()) {
///     Err(ReserveError::Closed(cause)) => assert_eq!(cause.reason(), "no more letters"),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReserveError {
    /// The channel was closed, for this cause.
    Closed(Cause),
    /// The context was cancelled, for this cause.
    Cancelled(Cause),
    /// The channel was full and its policy is [`Overflow::Reject`](super::Overflow::Reject).
    Full,
}

impl<T> SendError<T> {
    pub(super) fn new(item: T, why: ReserveError) -> Self {
        match why {
            ReserveError::Closed(cause) => Self::Closed(item, cause),
            ReserveError::Cancelled(cause) => Self::Cancelled(item, cause),
            ReserveError::Full => Self::Full(item),
        }
    }

    /// Gives the item back.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Cause, channel::SendError};
    ///
    /// assert_eq!(SendError::Closed(7, Cause::finished()).into_item(), 7);
    /// ```
    pub fn into_item(self) -> T {
        match self {
            Self::Closed(item, _) | Self::Cancelled(item, _) | Self::Full(item) => item,
        }
    }

    /// The cause for which the channel was closed or the context cancelled.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Cause, channel::SendError};
    ///
    /// assert_eq!(SendError::Closed(7, Cause::finished()).cause(), Some(&Cause::finished()));
    /// assert_eq!(SendError::Full(7).cause(), None);
    /// ```
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Closed(_, cause) | Self::Cancelled(_, cause) => Some(cause),
            Self::Full(_) => None,
        }
    }
}

impl<T> SendTimeoutError<T> {
    /// Gives the item back.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::channel::SendTimeoutError::Timeout(7).into_item(), 7);
    /// ```
    pub fn into_item(self) -> T {
        match self {
            Self::Closed(item, _)
            | Self::Cancelled(item, _)
            | Self::Full(item)
            | Self::Timeout(item) => item,
        }
    }

    /// The cause for which the channel was closed or the context cancelled.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::channel::SendTimeoutError::Timeout(7).cause(), None);
    /// ```
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Closed(_, cause) | Self::Cancelled(_, cause) => Some(cause),
            Self::Full(_) | Self::Timeout(_) => None,
        }
    }
}

impl<T> From<SendError<T>> for SendTimeoutError<T> {
    fn from(error: SendError<T>) -> Self {
        match error {
            SendError::Closed(item, cause) => Self::Closed(item, cause),
            SendError::Cancelled(item, cause) => Self::Cancelled(item, cause),
            SendError::Full(item) => Self::Full(item),
        }
    }
}

impl<T> TrySendError<T> {
    /// Gives the item back.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::channel::TrySendError::Full(7).into_item(), 7);
    /// ```
    pub fn into_item(self) -> T {
        match self {
            Self::Full(item) | Self::Closed(item, _) => item,
        }
    }

    /// The cause for which the channel was closed.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::channel::TrySendError::Full(7).cause(), None);
    /// ```
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Closed(_, cause) => Some(cause),
            Self::Full(_) => None,
        }
    }
}

impl ReserveError {
    /// The cause for which the channel was closed or the context cancelled.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::channel::ReserveError::Full.cause(), None);
    /// ```
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Closed(cause) | Self::Cancelled(cause) => Some(cause),
            Self::Full => None,
        }
    }
}

impl From<Refusal> for ReserveError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed(cause) => Self::Closed(cause),
            Refusal::Full => Self::Full,
        }
    }
}

const UNSENT: &str = "the item was not sent and is given back";
const NO_PLACE: &str = "no place could be had";

fn closed(f: &mut fmt::Formatter<'_>, what: &str, cause: &Cause) -> fmt::Result {
    write!(f, "{what}: the channel is closed ({cause})")
}

fn cancelled(f: &mut fmt::Formatter<'_>, what: &str, cause: &Cause) -> fmt::Result {
    write!(f, "{what}: the context was cancelled ({})", cause.why())
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(_, cause) => closed(f, UNSENT, cause),
            Self::Cancelled(_, cause) => cancelled(f, UNSENT, cause),
            Self::Full(_) => {
                write!(f, "{UNSENT}: the channel is full and rejects what does not fit")
            }
        }
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(_, cause) => closed(f, UNSENT, cause),
            Self::Cancelled(_, cause) => cancelled(f, UNSENT, cause),
            Self::Full(_) => {
                write!(f, "{UNSENT}: the channel is full and rejects what does not fit")
            }
            Self::Timeout(_) => write!(f, "{UNSENT}: no place became free in time"),
        }
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => write!(f, "{UNSENT}: the channel is full"),
            Self::Closed(_, cause) => closed(f, UNSENT, cause),
        }
    }
}

impl fmt::Display for ReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(cause) => closed(f, NO_PLACE, cause),
            Self::Cancelled(cause) => cancelled(f, NO_PLACE, cause),
            Self::Full => {
                write!(f, "{NO_PLACE}: the channel is full and rejects what does not fit")
            }
        }
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(_, cause) => f.debug_tuple("Closed").field(cause).finish_non_exhaustive(),
            Self::Cancelled(_, cause) => {
                f.debug_tuple("Cancelled").field(cause).finish_non_exhaustive()
            }
            Self::Full(_) => f.debug_tuple("Full").finish_non_exhaustive(),
        }
    }
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(_, cause) => f.debug_tuple("Closed").field(cause).finish_non_exhaustive(),
            Self::Cancelled(_, cause) => {
                f.debug_tuple("Cancelled").field(cause).finish_non_exhaustive()
            }
            Self::Full(_) => f.debug_tuple("Full").finish_non_exhaustive(),
            Self::Timeout(_) => f.debug_tuple("Timeout").finish_non_exhaustive(),
        }
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.debug_tuple("Full").finish_non_exhaustive(),
            Self::Closed(_, cause) => f.debug_tuple("Closed").field(cause).finish_non_exhaustive(),
        }
    }
}

impl<T> Error for SendError<T> {}
impl<T> Error for SendTimeoutError<T> {}
impl<T> Error for TrySendError<T> {}
impl Error for ReserveError {}

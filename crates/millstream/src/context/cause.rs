//! Why something ended: the [`Cause`] that a cancellation, a closed channel and a failed scope
//! carry.

use std::fmt;
use std::sync::Arc;

/// Why a context was cancelled, or a channel closed.
///
/// Two causes are equal when kind, reason and inheritance are.
///
/// # Cost
/// One or two words to clone; only a reason given as a `String` is counted by reference.
///
/// # Examples
/// ```
/// use millstream::{Cause, CauseKind};
///
/// let cause = Cause::from("the disk is full");
/// assert_eq!(cause.kind(), CauseKind::Cancelled);
/// assert_eq!(cause.reason(), "the disk is full");
/// assert_eq!(cause.to_string(), "cancelled: the disk is full");
/// ```
#[derive(Clone, Debug)]
pub struct Cause {
    kind: CauseKind,
    reason: Reason,
    inherited: bool,
}

/// The kind of event that a [`Cause`] describes.
///
/// # Examples
/// ```
/// use millstream::{Cause, CauseKind};
///
/// assert_eq!(Cause::signal(2).kind(), CauseKind::Signal(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CauseKind {
    /// Somebody asked for it.
    Cancelled,
    /// A deadline passed.
    Deadline,
    /// The process was sent this signal.
    Signal(i32),
    /// A task returned an error.
    Failed,
    /// A task panicked.
    Panicked,
    /// The normal end: nothing more will come.
    Finished,
    /// The other side went away.
    Dropped,
}

#[derive(Clone, Debug)]
enum Reason {
    Fixed(&'static str),
    Text(Arc<str>),
}

impl Cause {
    fn fixed(kind: CauseKind, reason: &'static str) -> Self {
        Self { kind, reason: Reason::Fixed(reason), inherited: false }
    }

    pub(crate) fn of(kind: CauseKind, reason: impl Into<Arc<str>>) -> Self {
        Self { kind, reason: Reason::Text(reason.into()), inherited: false }
    }

    /// Somebody asked for it, and said why.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::Cause::cancelled("by the user").reason(), "by the user");
    /// ```
    pub fn cancelled(reason: impl Into<Arc<str>>) -> Self {
        Self::of(CauseKind::Cancelled, reason)
    }

    /// A deadline passed.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::Cause::deadline().to_string(), "the deadline has passed");
    /// ```
    pub fn deadline() -> Self {
        Self::fixed(CauseKind::Deadline, "")
    }

    /// The process was sent this signal.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::Cause::signal(15).to_string(), "signal 15 (SIGTERM)");
    /// ```
    pub fn signal(number: i32) -> Self {
        let name = match number {
            1 => "SIGHUP",
            2 => "SIGINT",
            3 => "SIGQUIT",
            15 => "SIGTERM",
            _ => "",
        };
        Self::fixed(CauseKind::Signal(number), name)
    }

    /// A task returned an error; the reason names both.
    ///
    /// # Examples
    /// ```
    /// let cause = millstream::Cause::failed("read: no such file");
    /// assert_eq!(cause.to_string(), "failed: read: no such file");
    /// ```
    pub fn failed(reason: impl Into<Arc<str>>) -> Self {
        Self::of(CauseKind::Failed, reason)
    }

    /// A task panicked; the reason names it and says where.
    ///
    /// # Examples
    /// ```
    /// let cause = millstream::Cause::panicked("parse, at src/parse.rs:7:3: index out of bounds");
    /// assert_eq!(cause.kind(), millstream::CauseKind::Panicked);
    /// ```
    pub fn panicked(reason: impl Into<Arc<str>>) -> Self {
        Self::of(CauseKind::Panicked, reason)
    }

    /// The normal end: nothing more will come.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::Cause::finished().to_string(), "finished");
    /// ```
    pub fn finished() -> Self {
        Self::fixed(CauseKind::Finished, "")
    }

    /// The other side went away: nobody is left to take what is sent.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::Cause::dropped().to_string(), "the other side is gone");
    /// ```
    pub fn dropped() -> Self {
        Self::fixed(CauseKind::Dropped, "")
    }

    /// What sort of event it was.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Cause, CauseKind};
    /// assert_eq!(Cause::deadline().kind(), CauseKind::Deadline);
    /// ```
    pub fn kind(&self) -> CauseKind {
        self.kind
    }

    /// The words that came with it; empty where the kind says all.
    ///
    /// # Examples
    /// ```
    /// use millstream::Cause;
    /// assert_eq!(Cause::from("no more work").reason(), "no more work");
    /// assert_eq!(Cause::deadline().reason(), "");
    /// ```
    pub fn reason(&self) -> &str {
        match &self.reason {
            Reason::Fixed(reason) => reason,
            Reason::Text(reason) => reason,
        }
    }

    /// Whether it reached this context from one above it, and not directly.
    ///
    /// # Examples
    /// ```
    /// let parent = millstream::Context::new();
    /// let child = parent.child();
    /// parent.cancel("enough");
    /// assert!(!parent.cause().unwrap().is_inherited());
    /// assert!(child.cause().unwrap().is_inherited());
    /// ```
    pub fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// The text behind a message that has said "cancelled" already: the same without that word.
    pub(crate) fn why(&self) -> Why<'_> {
        Why(self)
    }

    pub(crate) fn inherited(&self) -> Self {
        Self { inherited: true, ..self.clone() }
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.inherited == other.inherited
            && self.reason() == other.reason()
    }
}

impl Eq for Cause {}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            CauseKind::Cancelled if self.reason().is_empty() => f.write_str("cancelled"),
            CauseKind::Cancelled => write!(f, "cancelled: {}", self.reason()),
            CauseKind::Deadline => f.write_str("the deadline has passed"),
            CauseKind::Signal(number) if self.reason().is_empty() => write!(f, "signal {number}"),
            CauseKind::Signal(number) => write!(f, "signal {number} ({})", self.reason()),
            CauseKind::Failed => write!(f, "failed: {}", self.reason()),
            CauseKind::Panicked => write!(f, "panicked: {}", self.reason()),
            CauseKind::Finished => f.write_str("finished"),
            CauseKind::Dropped => f.write_str("the other side is gone"),
        }
    }
}

impl std::error::Error for Cause {}

/// A [`Cause`] as the end of a sentence about a cancellation.
pub(crate) struct Why<'a>(&'a Cause);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.reason() {
            "" => self.0.fmt(f),
            reason if self.0.kind == CauseKind::Cancelled => f.write_str(reason),
            _ => self.0.fmt(f),
        }
    }
}

/// Cancelled, for this reason.
impl From<&str> for Cause {
    fn from(reason: &str) -> Self {
        Self::cancelled(reason)
    }
}

/// Cancelled, for this reason.
impl From<String> for Cause {
    fn from(reason: String) -> Self {
        Self::cancelled(reason)
    }
}

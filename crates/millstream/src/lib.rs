//! Structured concurrency for engineers who move data.
#![forbid(unsafe_code)]

// Contexts, clocks, scopes and shutdown.
pub mod clock;
pub mod context;
pub(crate) mod park;
pub(crate) mod sync;
pub use clock::{Clock, Sleep};
pub use context::{Cancelled, Cause, CauseKind, Context, ContextSleep, OnCancel};

pub mod sink;
pub mod source;

pub use sink::Sink;
pub use source::{Filled, Source};

/// An error of any type, on its way to a report or out of a run.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

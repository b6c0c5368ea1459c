//! Structured concurrency for engineers who move data.
#![forbid(unsafe_code)]

// Contexts, clocks, scopes and shutdown.
pub mod channel;
pub mod clock;
pub mod context;
pub mod leak;
pub mod panics;
pub(crate) mod park;
pub mod scope;
pub mod shutdown;
pub(crate) mod sync;
pub use clock::{Clock, Sleep};
pub use context::{Cancelled, Cause, CauseKind, Context, ContextSleep, OnCancel};
pub use panics::Panic;
pub use scope::{Gather, Gathered, Outcome, Policy, Running, Scope, ScopeError, SpawnError, gather, scope};
#[cfg(feature = "tokio")]
pub use scope::{TaskScope, task_scope};
pub use shutdown::{Phase, Shutdown};

pub mod sink;
pub mod source;

pub use sink::Sink;
pub use source::{Filled, Source};

/// An error of any type, on its way to a report or out of a run.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

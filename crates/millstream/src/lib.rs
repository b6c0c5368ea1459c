//! Structured concurrency for engineers who move data.
#![forbid(unsafe_code)]

// Contexts, clocks, channels, scopes and shutdown.
pub mod channel;
pub mod clock;
pub mod context;
pub mod leak;
pub mod panics;
pub(crate) mod park;
pub(crate) mod runtime;
pub mod scope;
pub mod shutdown;
pub(crate) mod sync;
pub use channel::channel;
pub use clock::{Clock, Sleep};
pub use context::{Cancelled, Cause, CauseKind, Context, ContextSleep, OnCancel};
pub use panics::Panic;
pub use scope::{
    Gather, Gathered, OnThread, Outcome, Policy, Running, Scope, ScopeError, SpawnError, gather, on_thread,
    scope,
};
#[cfg(feature = "tokio")]
pub use scope::{TaskScope, task_scope};
pub use shutdown::{Phase, Shutdown};

// Pipelines, their policies, their reports.
pub mod batch;
pub mod error;
pub mod pipeline;
pub mod rate;
pub mod report;
pub mod retry;
pub mod sink;
pub mod source;
pub use batch::{Batch, BatchWithin};
pub use error::Error;
pub use pipeline::{DeadLetter, Emit, ErrorPolicy, Fail, Monitor, Pipeline, Skip, Verdict};
pub use rate::RateLimit;
pub use report::Report;
pub use retry::Retry;
pub use sink::Sink;
pub use source::{Filled, Source};

/// An error of any type, on its way to a report or out of a run.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

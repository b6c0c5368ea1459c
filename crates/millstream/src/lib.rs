//! Structured concurrency for engineers who move data: simple to read, loses nothing, costs little
//! more than the loop.
//!
//! Three ideas carry everything:
//!
//! 1. **Somebody owns every thread and task.** A [`scope()`] joins what it started before it
//!    returns; a pipeline joins its workers before its end returns. A panic is an error that names
//!    the task, and cancels the others.
//! 2. **Every wait takes a [`Context`].** Cancelling it, or its deadline, ends the wait with the
//!    cause, and what was to be sent is given back.
//! 3. **Every item is accounted for.** Each run ends with a [`Report`] in which what came in equals
//!    what went out, was filtered, skipped, failed or cancelled.
//!
//! | noun | what it is |
//! |---|---|
//! | [`Context`] | a tree of cancellation with cause, deadline and values, for threads and tasks |
//! | [`scope()`], [`gather`], [`on_thread`] | owners of threads; with the feature `tokio` also `task_scope` |
//! | [`channel()`] | a bounded queue between threads and tasks, which loses nothing when a wait is cancelled |
//! | [`select!`], [`select_async!`] | the first of several receives, sends, timers and contexts |
//! | [`Pipeline`] | source, fused stages, boundaries, end |
//! | [`Pool`] | workers for jobs, fixed or elastic: results by handle or in order, groups, weights, an orderly end; with the feature `tokio` also `TaskPool`, for futures |
//! | [`FanOut`], [`Pipeline::fan_in`], [`Feedback`] | branches of a pipeline, several pipelines as one, a graph that feeds itself |
//! | [`Batch`], [`Retry`], [`RateLimit`], [`Skip`], [`DeadLetter`] | policies as values |
//! | [`Source`], [`Sink`] | both ends of a pipeline, to implement |
//! | [`Report`], [`Monitor`] | what became of the items; live and at the end |
//! | [`Shutdown`] | signals to a context, in steps: drain, deadline, leave |
//! | [`Clock`] | real time, or a test's own |
//!
//! **Names**: a method that waits blocks its thread, and its twin for tasks has the suffix
//! `_async`: [`recv`](channel::Receiver::recv) and [`recv_async`](channel::Receiver::recv_async),
//! [`Context::sleep`] and [`Context::sleep_async`], [`Pipeline::collect`] and
//! [`Pipeline::collect_async`]. The one exception has its well-known name: the twin of
//! [`Context::wait`] is [`Context::cancelled`]. A future is cancel safe where its docs say so; all
//! waits are.
//!
//! The feature `tokio` (on by default) adds task scopes and lets async stages run inside an
//! existing runtime. A pipeline without async stages needs no runtime.
//!
//! # Examples
//! ```
//! use millstream::{Context, Pipeline};
//!
//! let even: Vec<u64> = Pipeline::from_iter(1..=5).map(|n| n * n).filter(|n| n % 2 == 0).collect(&Context::new())?;
//! assert_eq!(even, [4, 16]);
//! # Ok::<(), millstream::Error>(())
//! ```
#![forbid(unsafe_code)]

// Contexts, clocks, channels, scopes and shutdown.
pub mod channel;
pub mod clock;
pub mod context;
pub(crate) mod growth;
pub(crate) mod in_flight;
pub mod leak;
pub mod panics;
pub(crate) mod park;
pub mod pool;
pub(crate) mod runtime;
pub mod scope;
pub mod select;
pub mod shutdown;
pub(crate) mod spans;
pub(crate) mod sync;
pub(crate) mod waiters;
pub use channel::channel;
pub use clock::{Clock, Sleep};
pub use context::{
    Cancelled, Cause, CauseKind, Context, ContextSleep, DropGuard, OnCancel, Ticker,
};
pub use panics::Panic;
#[cfg(feature = "tokio")]
pub use pool::TaskPool;
pub use pool::{Builder as PoolBuilder, JobError, JobHandle, Pool};
pub use scope::{
    Gather, Gathered, OnThread, Outcome, Policy, Running, Scope, ScopeError, SpawnError, gather,
    on_thread, scope,
};
#[cfg(feature = "tokio")]
pub use scope::{TaskScope, task_scope};
pub use shutdown::{Phase, Shutdown};

// Pipelines, their policies, their reports.
pub mod batch;
pub mod error;
pub mod feedback;
pub mod pipeline;
pub mod rate;
pub mod report;
pub mod retry;
pub mod sink;
pub mod snapshot;
pub mod source;
pub use batch::{Batch, BatchWithin};
pub use error::{AnyError, Error};
pub use feedback::Feedback;
pub use pipeline::fan::FanOut;
pub use pipeline::{DeadLetter, Emit, ErrorPolicy, Fail, Monitor, Pipeline, Skip, Verdict};
pub use rate::RateLimit;
pub use report::Report;
pub use retry::Retry;
pub use sink::Sink;
pub use snapshot::Snapshot;
pub use source::{Filled, Source};

/// An error of any type, on its way to a report or out of a run.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The README's code is compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! The library's promises, one module a noun. It tests what is public; models of interleavings are
//! in `tests/loom`.
//!
//! Names of tests are sentences; no test sleeps to make things happen.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

mod channel;
mod channel_loss;
mod channel_model;
#[cfg(feature = "tokio")]
mod channel_tasks;
mod channel_threads;
mod channel_time;
mod clock;
mod context;
mod errors;
mod feedback;
mod pipeline_async;
mod pipeline_batch;
mod pipeline_cancel;
#[cfg(feature = "tokio")]
mod pipeline_ends;
mod pipeline_fan;
mod pipeline_front;
mod pipeline_law;
mod pipeline_live;
mod pipeline_order;
mod pipeline_panics;
mod pipeline_policies;
mod pipeline_report;
mod pipeline_schedules;
mod pipeline_simulated;
mod pipeline_slow;
mod pipeline_snapshot;
mod pipeline_support;
mod pipeline_take;
#[cfg(feature = "tokio")]
mod pipeline_tokio;
mod pipeline_world;
mod pool;
mod pool_limits;
mod pool_results;
mod pool_waits;
mod rate;
mod retry;
mod scope;
mod select;
mod shutdown;
mod support;
#[cfg(feature = "tokio")]
mod task_pool;
#[cfg(feature = "tokio")]
mod task_scope;

//! The library's promises, one module a noun. It tests what is public; models of interleavings are in `tests/loom`.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

mod channel;
mod channel_loss;
mod channel_model;
mod channel_threads;
mod channel_time;
mod pipeline_async;
#[cfg(feature = "tokio")]
mod pipeline_tokio;

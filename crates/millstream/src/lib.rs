//! Structured concurrency for engineers who move data.
#![forbid(unsafe_code)]

pub mod context;
pub mod sink;
pub mod source;

pub use context::Context;
pub use sink::Sink;
pub use source::{Filled, Source};

/// An error of any type, on its way to a report or out of a run.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

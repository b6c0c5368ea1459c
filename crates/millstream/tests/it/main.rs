//! What the library promises, one module a noun. Names of tests are sentences; no test sleeps to make things happen.

mod clock;
mod context;
mod scope;
mod shutdown;
mod support;
#[cfg(feature = "tokio")]
mod task_scope;

//! Fan-out and fan-in: a pipeline becomes several, and several become one.
//!
//! ```text
//!                               ┌─ branch 0 (a thread, a run of its own) ─┐
//!  source ─ stages ─ dispatcher ────┼─ branch 1 ──────────────────────────────┼─── merge ─ stages ─ end
//!           (a thread)  queues.rs└─ branch 2 ──────────────────────────────┘    merge.rs  (the thread of the end)
//! ```
//!
//! The dispatcher gathers chunks and deals them (`deal.rs` says to whom); a branch is any pipeline
//! between `branch.rs` and `worker.rs`; `merged.rs` puts results into order. The two links,
//! `queues.rs` and `merge.rs`, are plain state machines under a lock each, and nothing else is
//! shared: `models.rs` tries their interleavings.

mod branch;
mod deal;
mod dispatcher;
mod fanned;
mod heads;
mod joined;
mod merge;
mod merged;
#[cfg(all(test, loom))]
mod models;
mod order;
mod pull;
mod queues;
mod verbs;
mod worker;

pub use branch::{Branch, BranchPull};
pub use deal::{Broadcast, ByKey, Deal, FanOut, Parts, Shared};
pub use dispatcher::{Dealing, Input};
pub use fanned::Fanned;
pub use joined::{Alone, Joined};
pub use order::{Arrival, InOrder, Merging};
pub use pull::FanPull;

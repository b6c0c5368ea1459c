//! Fan-out and fan-in: a pipeline becomes several, and several become one.
//!
//! ```text
//!                               ┌─ branch 0 (a thread, a run of its own) ─┐
//!  source ─ stages ─ dealer ────┼─ branch 1 ──────────────────────────────┼─── merge ─ stages ─ end
//!           (a thread)  dealt.rs└─ branch 2 ──────────────────────────────┘    merge.rs  (the thread of the end)
//! ```
//!
//! The dealer gathers chunks and deals them (`deal.rs` says to whom); a branch is any pipeline between `branch.rs` and
//! `lane.rs`; `merged.rs` puts results into order. The two joints, `dealt.rs` and `merge.rs`, are plain state machines
//! under a lock each, and nothing else is shared: `models.rs` tries their interleavings.

mod branch;
mod deal;
mod dealer;
mod dealt;
mod fanned;
mod heads;
mod joined;
mod lane;
mod merge;
mod merged;
#[cfg(all(test, loom))]
mod models;
mod order;
mod pull;
mod verbs;

pub use branch::{Branch, BranchPull};
pub use deal::{Broadcast, ByKey, Deal, FanOut, Parts, Shared};
pub use dealer::{Dealing, Input};
pub use fanned::Fanned;
pub use joined::{Alone, Joined};
pub use order::{Arrival, InOrder, Merging, Sorted};
pub use pull::FanPull;

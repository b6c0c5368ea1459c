//! A tree of cancellation: cause, deadline and typed values, for threads and tasks alike.

/// One node of the tree.
#[derive(Clone, Debug, Default)]
pub struct Context {}

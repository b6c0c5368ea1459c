//! In which order results of branches are handed on.

/// An order of results; not for implementing.
pub trait Merging: Send {
    /// Whether results come in the order of the input.
    const IN_ORDER: bool;
}

/// As they come.
#[derive(Clone, Copy, Debug)]
pub struct Arrival;

/// In the order of the input.
#[derive(Clone, Copy, Debug)]
pub struct InOrder;

impl Merging for Arrival {
    const IN_ORDER: bool = false;
}

impl Merging for InOrder {
    const IN_ORDER: bool = true;
}

//! In which order results of branches are handed on.

use std::cmp::Ordering;

use super::merge::Sequence;

/// How results are merged.
pub trait Merging<U>: Send {
    /// Whether results are compared.
    const SORTED: bool = false;

    #[doc(hidden)]
    fn kind(&self) -> Kind;

    /// Which of two results comes first.
    fn compare(&self, _a: &U, _b: &U) -> Ordering {
        Ordering::Equal
    }
}

/// The kinds of order.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Arrival,
    Input,
    Sorted,
}

impl Kind {
    pub(super) fn sequence(self, split: bool) -> Sequence {
        match self {
            Self::Arrival => Sequence::Arrival,
            Self::Input if !split => Sequence::Input,
            Self::Input | Self::Sorted => Sequence::Apart,
        }
    }
}

/// As they come.
#[derive(Clone, Copy, Debug)]
pub struct Arrival;

/// In the order of the input.
#[derive(Clone, Copy, Debug)]
pub struct InOrder;

/// By a comparison: every branch gives its results in this order already.
#[derive(Clone, Copy, Debug)]
pub struct Sorted<C>(pub(crate) C);

impl<U> Merging<U> for Arrival {
    fn kind(&self) -> Kind {
        Kind::Arrival
    }
}

impl<U> Merging<U> for InOrder {
    fn kind(&self) -> Kind {
        Kind::Input
    }
}

impl<U, C> Merging<U> for Sorted<C>
where
    C: Fn(&U, &U) -> Ordering + Send,
{
    const SORTED: bool = true;

    fn kind(&self) -> Kind {
        Kind::Sorted
    }

    fn compare(&self, a: &U, b: &U) -> Ordering {
        (self.0)(a, b)
    }
}

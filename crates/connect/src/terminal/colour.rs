//! Colours of cells, by what they mean.

/// A colour of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// For what went wrong.
    Red,
    /// For what may go wrong.
    Yellow,
    /// For what went well.
    Green,
    /// For what is only information.
    Blue,
    /// For what matters least.
    Grey,
}

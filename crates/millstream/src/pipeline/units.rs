//! What one item counts for in a report: itself, or, for a batch, the items in it.

/// How many items of the report one value stands for.
pub trait Units<T> {
    /// The count.
    fn of(item: &T) -> u64;
}

/// Every value counts as one.
#[derive(Clone, Copy, Debug)]
pub struct One;

impl<T> Units<T> for One {
    #[inline(always)]
    fn of(_: &T) -> u64 {
        1
    }
}

/// A batch counts as the items in it.
#[derive(Clone, Copy, Debug)]
pub struct Each;

impl<T> Units<Vec<T>> for Each {
    #[inline(always)]
    fn of(batch: &Vec<T>) -> u64 {
        batch.len() as u64
    }
}

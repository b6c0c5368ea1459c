//! What [`Pipeline::from`](crate::Pipeline::from) takes: a source, or a collection of items.

use std::collections::VecDeque;

use super::flow::Stream;
use super::source::{IterStream, SourceStream};
use crate::source::Source;

/// What a pipeline can be made from by [`Pipeline::from`](crate::Pipeline::from): every [`Source`],
/// and vectors, deques and arrays.
///
/// # Examples
/// ```
/// use millstream::{Context, Pipeline};
/// let ctx = Context::new();
/// assert_eq!(Pipeline::from(vec![1, 2]).collect(&ctx)?, [1, 2]);
/// assert_eq!(Pipeline::from(["a", "b"]).collect(&ctx)?, ["a", "b"]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a pipeline cannot be made from `{Self}` by `Pipeline::from`",
    label = "neither a `Source` nor a vector, deque or array",
    note = "for a range, or anything else that can be iterated, call `Pipeline::from_iter(..)`",
    note = "for an async stream, call `Pipeline::from_stream(..)`; an input of your own implements `Source`"
)]
pub trait IntoPipeline {
    /// The beginning of the pipeline.
    type Stream: Stream;

    /// Makes the beginning of a pipeline.
    fn into_beginning(self) -> Self::Stream;
}

impl<S: Source> IntoPipeline for S {
    type Stream = SourceStream<S>;

    fn into_beginning(self) -> SourceStream<S> {
        SourceStream { source: self, until: None }
    }
}

/// The collections are iterators that compute their items.
macro_rules! collections {
    ($($collection:ty [$($size:ident)?],)+) => {$(
        impl<T: Send $(, const $size: usize)?> IntoPipeline for $collection {
            type Stream = IterStream<<Self as IntoIterator>::IntoIter>;

            fn into_beginning(self) -> Self::Stream {
                IterStream { iter: self.into_iter(), waits: false }
            }
        }
    )+};
}
collections! {
    Vec<T> [],
    VecDeque<T> [],
    [T; N] [N],
}

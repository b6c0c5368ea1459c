//! An async stream as the beginning of a pipeline.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use super::{Pipeline, SourceStream};
use crate::context::Context;
use crate::park::block_on;
use crate::runtime::Ambient;
use crate::source::{Filled, Source};

impl<S> Pipeline<SourceStream<StreamSource<S>>>
where
    S: futures_core::Stream<Item: Send> + Send + Unpin,
{
    /// The items of an async stream: messages of a socket, ticks of a timer, anything that
    /// implements [`futures_core::Stream`]. A stream that is not `Unpin` goes in as
    /// `Box::pin(stream)`.
    ///
    /// The thread that reads waits for the first item and takes with it what is ready, so no item
    /// waits for the next one to come. It waits for the end of the run too, and polls only when
    /// woken. With the feature `tokio`, the runtime in which this is called is entered while the
    /// stream is polled; see [`on_thread`](crate::on_thread) for the way to run a pipeline from a
    /// task. A stream of results is followed by [`try_map`](Pipeline::try_map).
    ///
    /// **Order**: that of the stream. After its end it is not polled again.
    ///
    /// # Panics
    /// A panic of the stream ends the run with an error that names the stage "source".
    ///
    /// # Cancel safety
    /// Items that were not asked for stay in the stream, which is dropped with the run.
    ///
    /// # Panics
    /// The run ends with a panic of the source when the stream would have to wait on the only
    /// thread of a current-thread tokio runtime: nothing there could go on meanwhile. The ends for
    /// tasks, such as [`collect_async`](Self::collect_async), do not wait on that thread.
    ///
    /// # Cost
    /// A poll an item, and a look at the context for each wait.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline, channel};
    ///
    /// let ctx = Context::new();
    /// let (sender, receiver) = channel(8);
    /// for n in 1..=3 {
    ///     sender.send(&ctx, n).unwrap();
    /// }
    /// drop(sender);
    /// let doubled = Pipeline::from_stream(receiver.stream(&ctx)).map(|n| 2 * n).collect(&ctx)?;
    /// assert_eq!(doubled, [2, 4, 6]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn from_stream(stream: S) -> Self {
        Self::from(StreamSource { stream, ambient: Ambient::capture() })
    }
}

/// A [`Source`] that yields what an async stream does; see
/// [`Pipeline::from_stream`](crate::Pipeline::from_stream).
pub struct StreamSource<S> {
    stream: S,
    ambient: Ambient,
}

/// What the context of a run knows when the run holds up the only thread of a runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuntimeHeldUp;

const HELD_UP: &str = "this stream would wait forever: the pipeline runs on the only thread of tokio's runtime, so nothing \
    that the stream waits for can happen. Take an end for tasks, such as `collect_async`, instead of `collect`";

impl<S> fmt::Debug for StreamSource<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamSource").finish_non_exhaustive()
    }
}

impl<S> Source for StreamSource<S>
where
    S: futures_core::Stream<Item: Send> + Send + Unpin,
{
    type Item = S::Item;
    type Error = Infallible;

    fn fill(
        &mut self,
        ctx: &Context,
        out: &mut VecDeque<S::Item>,
        max: usize,
    ) -> Result<Filled, Infallible> {
        let Self { stream, ambient } = self;
        let mut cancelled = None;
        Ok(ambient.within(|| {
            block_on(poll_fn(|cx| {
                if let Poll::Ready(filled) = take_ready(stream, cx, out, max) {
                    return Poll::Ready(filled);
                }
                assert!(ctx.value::<RuntimeHeldUp>().is_none(), "{HELD_UP}");
                // Only a wait that really waits registers with the context.
                let cancelled = cancelled.get_or_insert_with(|| ctx.cancelled());
                Pin::new(cancelled).poll(cx).map(|_| Filled::More)
            }))
        }))
    }
}

/// Takes what is ready, up to `max`. Pending when nothing is.
fn take_ready<S: futures_core::Stream + Unpin>(
    stream: &mut S,
    cx: &mut TaskContext<'_>,
    out: &mut VecDeque<S::Item>,
    max: usize,
) -> Poll<Filled> {
    let before = out.len();
    while out.len() - before < max.max(1) {
        match Pin::new(&mut *stream).poll_next(cx) {
            Poll::Ready(Some(item)) => out.push_back(item),
            Poll::Ready(None) => return Poll::Ready(Filled::End),
            Poll::Pending if out.len() == before => return Poll::Pending,
            Poll::Pending => break,
        }
    }
    Poll::Ready(Filled::More)
}

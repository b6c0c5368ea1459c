//! A destination that is also reached from beside the pipeline, so that positions are stored
//! although nothing is kept.
//!
//! A pipeline calls its sink only when something is written. A followed file whose records are all
//! left out would keep its old position until the run ends, and a killed run would read everything
//! again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connect::SinkError;
use millstream::{Context, Sink};

/// Between two looks whether positions have moved; each takes a microsecond when they have not.
const EVERY: Duration = Duration::from_millis(250);

/// A sink with a lock around it.
pub(crate) struct Saved<S>(Arc<Mutex<Inside<S>>>);

struct Inside<S> {
    sink: S,
    /// It was closed, or it failed: there is nothing to save any more.
    over: bool,
}

impl<S> Clone for Saved<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Saved<S> {
    pub(crate) fn new(sink: S) -> Self {
        Self(Arc::new(Mutex::new(Inside { sink, over: false })))
    }

    fn with<T>(&self, call: impl FnOnce(&mut S) -> Result<T, SinkError>) -> Result<T, SinkError> {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Also after a panic.
        let was_over = std::mem::replace(&mut inside.over, true);
        let result = call(&mut inside.sink);
        inside.over = was_over || result.is_err();
        result
    }

    /// Stores positions that move on, until `ctx` is cancelled.
    pub(crate) fn keep<T>(&self, ctx: &Context) -> Result<(), SinkError>
    where
        S: Sink<T, Error = SinkError>,
    {
        while ctx.sleep(EVERY).is_ok() {
            // One lock for the question and the answer: a sink that was closed meanwhile must not
            // be flushed.
            let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if inside.over {
                return Ok(());
            }
            if let Err(error) = inside.sink.flush() {
                inside.over = true;
                return Err(error);
            }
        }
        Ok(())
    }
}

impl<T, S: Sink<T, Error = SinkError>> Sink<T> for Saved<S> {
    type Error = SinkError;

    fn write(&mut self, item: T) -> Result<(), SinkError> {
        self.with(|sink| sink.write(item))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.with(S::flush)
    }

    fn close(&mut self) -> Result<(), SinkError> {
        let closed = self.with(S::close);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).over = true;
        closed
    }
}

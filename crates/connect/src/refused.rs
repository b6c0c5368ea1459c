//! Rows that a database refuses for what is in them, and the handler that gets them.

use std::fmt;

/// A row that the database refused, handed to the sink's handler of refused rows after the rest of
/// its batch was stored.
///
/// Without a handler one refused row fails its whole batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused<R> {
    /// The row as it was given.
    pub row: R,
    /// The database's words: which rule, which column or value.
    pub reason: String,
}

/// What a program does with refused rows.
pub(crate) struct Handler<R>(Option<Box<dyn FnMut(Refused<R>) + Send>>);

impl<R> Handler<R> {
    /// No handler: a refused row is an error.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn new(handle: impl FnMut(Refused<R>) + Send + 'static) -> Self {
        Self(Some(Box::new(handle)))
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Hands over the rows of `batch` whose numbers and reasons are in `refused`, in their order.
    pub(crate) fn hand_over(&mut self, batch: Vec<R>, refused: Vec<(usize, String)>) {
        let (Some(handle), false) = (&mut self.0, refused.is_empty()) else { return };
        let mut refused = refused.into_iter().peekable();
        for (number, row) in batch.into_iter().enumerate() {
            if let Some((_, reason)) = refused.next_if(|(at, _)| *at == number) {
                handle(Refused { row, reason });
            }
        }
    }
}

impl<R> fmt::Debug for Handler<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_set() { "Handler(set)" } else { "Handler(none)" })
    }
}

//! Rows that a database refuses for what is in them: they are kept with the dead letters and
//! counted as failed, and the run goes on.

use std::sync::{Arc, Mutex, PoisonError};

use connect::Refused;
use millstream::Report;
use millstream::report::ErrorReport;

use crate::dead_letter::DeadLetters;
use crate::rows::Stored;

/// Shared by the sink, which hands rows over, and the run, which reports them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    count: u64,
    /// Where the first one came from, and the database's words.
    first: String,
}

impl Refusals {
    /// What a sink does with a row that is refused. The bytes that it was made of are gone; what is
    /// kept is the record as a JSON line.
    pub(crate) fn handler(
        &self,
        dead: &DeadLetters,
    ) -> impl FnMut(Refused<Stored>) + Send + 'static {
        let (refusals, dead) = (self.clone(), dead.clone());
        move |Refused { row: Stored { record, origin }, reason }| {
            let mut line = Vec::new();
            record.to_json_line(&mut line, &origin.name);
            dead.keep(&line);
            dead.write_out();
            let mut counted = refusals.0.lock().unwrap_or_else(PoisonError::into_inner);
            if counted.count == 0 {
                counted.first = format!("{} at byte {}: {reason}", origin.name, record.offset);
            }
            counted.count += 1;
        }
    }

    /// Moves refused rows in the account from those that were stored to those that failed.
    pub(crate) fn settle(&self, report: &mut Report) {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sink) = report.stages.last_mut() else { return };
        let count = counted.count.min(sink.left);
        if count == 0 {
            return;
        }
        sink.left -= count;
        sink.failed += count;
        let mut error = ErrorReport::default();
        error.stage.clone_from(&sink.name);
        error.kind = "refused by the database".to_owned();
        error.count = count;
        error.sample.clone_from(&counted.first);
        report.errors.push(error);
    }
}

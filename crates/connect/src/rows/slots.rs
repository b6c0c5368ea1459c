//! Checks that a row's cells fit its layout: the one place where all sinks look at number and type
//! of cells.

use super::{Column, ColumnType};
use crate::SinkError;

/// The place of the next cell of one row, and what went wrong first.
#[derive(Debug)]
pub(crate) struct Slots<'a> {
    columns: &'a [Column],
    next: usize,
    wrong: bool,
    given: Option<ColumnType>,
}

impl<'a> Slots<'a> {
    pub(crate) fn new(columns: &'a [Column]) -> Self {
        Self { columns, next: 0, wrong: false, given: None }
    }

    /// The index of the column that a cell of this type goes to, or nothing if it does not fit.
    #[inline]
    pub(crate) fn take(&mut self, kind: ColumnType) -> Option<usize> {
        self.step(Some(kind))
    }

    /// The index of the column that a null goes to.
    #[inline]
    pub(crate) fn take_null(&mut self) -> Option<usize> {
        self.step(None)
    }

    #[inline]
    fn step(&mut self, given: Option<ColumnType>) -> Option<usize> {
        if self.wrong {
            return None;
        }
        let fits = match (self.columns.get(self.next), given) {
            (Some(column), Some(kind)) => column.kind() == kind,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if !fits {
            self.wrong = true;
            self.given = given;
            return None;
        }
        self.next += 1;
        Some(self.next - 1)
    }

    /// Says whether the row was whole; the next row starts at the first column again.
    pub(crate) fn finish(&mut self, table: &str) -> Result<(), SinkError> {
        if !self.wrong && self.next == self.columns.len() {
            self.next = 0;
            return Ok(());
        }
        Err(self.mistake(table))
    }

    #[cold]
    fn mistake(&self, table: &str) -> SinkError {
        let count = self.columns.len();
        let given = self.given.map_or("null", ColumnType::word);
        SinkError::row(match self.columns.get(self.next) {
            Some(column) if self.wrong => format!(
                "a row for the table '{table}' wrote a cell of type {given} to its column '{}' of type {}",
                column.name(),
                column.kind().word()
            ),
            Some(column) => format!(
                "a row for the table '{table}' wrote {} cells; it has {count} columns and '{}' is the first without one",
                self.next,
                column.name()
            ),
            None => {
                format!("a row for the table '{table}' wrote more cells than its {count} columns")
            }
        })
    }
}

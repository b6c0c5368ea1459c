//! Binds rows to one prepared INSERT statement, cell by cell, without a copy of its own.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, Statement, ToSql, Transaction};

use super::error::write_failed;
use crate::SinkError;
use crate::rows::{Cells, ColumnType, Layout, Row, Slots, TimeText, clean_json, clean_text};

/// The statement of one layout.
#[derive(Debug)]
pub(super) struct Insert {
    sql: String,
}

impl Insert {
    pub(super) fn new(layout: &Layout) -> Self {
        let marks = vec!["?"; layout.columns().len()].join(", ");
        Self {
            sql: format!(
                "INSERT INTO {} ({}) VALUES ({marks})",
                layout.quoted(),
                layout.quoted_columns()
            ),
        }
    }

    /// Inserts every row; one that breaks a rule of the table is an error, or is only noted when
    /// `sort_out` is set.
    pub(super) fn rows<R: Row>(
        &self,
        transaction: &Transaction<'_>,
        layout: &Layout,
        time: &mut TimeText,
        rows: &[R],
        name: &str,
        sort_out: bool,
    ) -> Result<Inserted, SinkError> {
        let mut inserted = Inserted::default();
        if rows.is_empty() {
            return Ok(inserted);
        }
        let fail = |e: rusqlite::Error| write_failed(name, layout.table(), &e);
        let mut statement = transaction.prepare_cached(&self.sql).map_err(fail)?;
        let slots = Slots::new(layout.columns());
        let bound = vec![Bound::default(); layout.columns().len()];
        let mut binder =
            Binder { statement: &mut statement, bound, slots, time, lossy: 0, error: None };
        for (number, row) in rows.iter().enumerate() {
            row.write(&mut binder);
            binder.slots.finish(layout.table())?;
            if let Some(error) = binder.error.take() {
                return Err(fail(error));
            }
            match binder.statement.raw_execute() {
                Ok(_) => {}
                // SQLite has undone this one row and keeps the transaction.
                Err(error) if sort_out && breaks_a_rule(&error) => {
                    inserted.refused.push((number, error.to_string()));
                }
                Err(error) => return Err(fail(error)),
            }
        }
        inserted.lossy = binder.lossy;
        Ok(inserted)
    }
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Inserted {
    /// Cells that were not stored as they were given.
    pub(super) lossy: u64,
    /// Rows that were not stored: their numbers and the reasons.
    pub(super) refused: Vec<(usize, String)>,
}

/// Whether what was refused is the row, and not the database's problem.
fn breaks_a_rule(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig)
    )
}

/// The longest text that is remembered.
const REMEMBERED_BYTES: usize = 128;

/// The text that a parameter has from the rows before. SQLite copies each text that it is given
/// into memory of its own, which costs more than to see that it has that text already: names,
/// levels and hosts are mostly those of the row before.
#[derive(Clone, Default)]
struct Bound {
    known: bool,
    text: Vec<u8>,
}

impl Bound {
    /// Whether `text` is bound already; if not it is taken as bound from now on.
    #[inline]
    fn is(&mut self, text: &[u8]) -> bool {
        if self.known && self.text == text {
            return true;
        }
        self.known = text.len() <= REMEMBERED_BYTES;
        if self.known {
            self.text.clear();
            self.text.extend_from_slice(text);
        }
        false
    }
}

/// Takes the cells of a row as parameters of the statement.
struct Binder<'a, 's> {
    statement: &'a mut Statement<'s>,
    /// What a parameter keeps from row to row, a column each.
    bound: Vec<Bound>,
    slots: Slots<'a>,
    time: &'a mut TimeText,
    lossy: u64,
    error: Option<rusqlite::Error>,
}

/// Text as SQLite takes it.
struct Text<'a>(&'a str);

impl ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0.as_bytes())))
    }
}

impl Binder<'_, '_> {
    #[inline]
    fn bind_text(&mut self, index: Option<usize>, text: &str) {
        let Some(column) = index else { return };
        if !self.bound[column].is(text.as_bytes()) {
            self.bind(index, Text(text));
        }
    }

    #[inline]
    fn bind(&mut self, index: Option<usize>, value: impl ToSql) {
        let Some(index) = index else { return };
        if let Err(error) = self.statement.raw_bind_parameter(index + 1, value) {
            self.error.get_or_insert(error);
        }
    }
}

impl Cells for Binder<'_, '_> {
    fn text(&mut self, text: &str) {
        let index = self.slots.take(ColumnType::Text);
        match clean_text(text) {
            None => self.bind_text(index, text),
            Some(clean) => {
                self.lossy += 1;
                self.bind_text(index, &clean);
            }
        }
    }

    fn integer(&mut self, number: i64) {
        let index = self.slots.take(ColumnType::Integer);
        self.bind(index, number);
    }

    fn real(&mut self, number: f64) {
        let index = self.slots.take(ColumnType::Real);
        self.bind(index, number);
    }

    fn timestamp_ns(&mut self, nanoseconds: i64) {
        let Some(index) = self.slots.take(ColumnType::Timestamp) else { return };
        let text = Text(self.time.format(nanoseconds));
        if let Err(error) = self.statement.raw_bind_parameter(index + 1, text) {
            self.error.get_or_insert(error);
        }
    }

    fn json(&mut self, json: &[u8]) {
        let index = self.slots.take(ColumnType::Json);
        let (text, lossy) = clean_json(json);
        self.lossy += u64::from(lossy);
        self.bind_text(index, &text);
    }

    fn null(&mut self) {
        let index = self.slots.take_null();
        if let Some(column) = index {
            self.bound[column].known = false;
        }
        self.bind(index, rusqlite::types::Null);
    }

    fn note_lossy(&mut self) {
        self.lossy += 1;
    }
}

//! Makes the table when it is missing, and says what is wrong with one that is there.

use rusqlite::Connection;

use super::error::failed;
use crate::SinkError;
use crate::rows::{ColumnType, Layout};

/// The declared type of a column.
fn declared(kind: ColumnType) -> &'static str {
    match kind {
        // A column declared as JSON or TIMESTAMP would get the affinity NUMERIC, which rewrites
        // text that looks like a number.
        ColumnType::Text | ColumnType::Timestamp | ColumnType::Json => "TEXT",
        ColumnType::Integer => "INTEGER",
        ColumnType::Real => "REAL",
    }
}

/// A column that the table has.
struct Found {
    name: String,
    declared: String,
    must_be_given: bool,
}

/// Creates the layout's table, or checks the one that is there.
pub(super) fn ensure(
    connection: &Connection,
    name: &str,
    layout: &Layout,
) -> Result<(), SinkError> {
    if layout.columns().is_empty() {
        return Err(SinkError::layout(format!(
            "the table '{}' needs at least one column",
            layout.table()
        )));
    }
    let columns: Vec<String> = layout
        .columns()
        .iter()
        .map(|c| format!("\"{}\" {}", c.name(), declared(c.kind())))
        .collect();
    let create = format!("CREATE TABLE IF NOT EXISTS {} ({})", layout.quoted(), columns.join(", "));
    connection.execute_batch(&create).map_err(|e| failed("create a table in", name, &e))?;
    let found =
        found(connection, layout.table()).map_err(|e| failed("read the tables of", name, &e))?;
    compare(name, layout, &found)
}

fn found(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Found>> {
    // Generated columns are hidden > 1: they cannot be given.
    let mut statement = connection.prepare(
        "SELECT name, type, \"notnull\" AND dflt_value IS NULL AND pk = 0 FROM pragma_table_xinfo(?1) WHERE hidden = 0",
    )?;
    let rows = statement.query_map([table], |row| {
        Ok(Found { name: row.get(0)?, declared: row.get(1)?, must_be_given: row.get(2)? })
    })?;
    rows.collect()
}

fn compare(database: &str, layout: &Layout, found: &[Found]) -> Result<(), SinkError> {
    let mut problems = Vec::new();
    for column in layout.columns() {
        let (name, want) = (column.name(), declared(column.kind()));
        match found.iter().find(|f| f.name.eq_ignore_ascii_case(name)) {
            None => problems.push(format!("it has no column '{name}' ({want})")),
            Some(f) if !f.declared.eq_ignore_ascii_case(want) => {
                problems.push(format!(
                    "its column '{name}' is {} where {want} is needed",
                    shown(&f.declared)
                ));
            }
            Some(_) => {}
        }
    }
    for f in found.iter().filter(|f| f.must_be_given) {
        if !layout.columns().iter().any(|c| c.name().eq_ignore_ascii_case(&f.name)) {
            problems.push(format!("its column '{}' must be given, but nothing writes it", f.name));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(SinkError::layout(format!(
        "the table '{}' of the SQLite database {database} has other columns: {}; choose another table name, or rename \
         that table",
        layout.table(),
        problems.join(", ")
    )))
}

fn shown(declared: &str) -> &str {
    if declared.is_empty() { "of no type" } else { declared }
}

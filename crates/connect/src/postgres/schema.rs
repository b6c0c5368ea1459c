//! Makes the table when it is missing, and says what is wrong with one that is there.

use ::postgres::Client;

use super::problem::Problem;
use crate::SinkError;
use crate::rows::{ColumnType, Layout};

/// How a column's cells are encoded; only where it depends on the table that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// As `jsonb`.
    Jsonb,
    /// As the layout's type alone says.
    Plain,
}

/// Serialises the creation of tables by several processes, which `IF NOT EXISTS` alone does not.
pub(super) const CREATION_LOCK: i64 = 0x6d69_6c6c_7374_726d;

/// The types that a column may have, the one that is created first; binary COPY converts nothing.
fn types(kind: ColumnType) -> &'static [&'static str] {
    match kind {
        ColumnType::Text => &["text", "character varying"],
        ColumnType::Integer => &["bigint"],
        ColumnType::Real => &["double precision"],
        ColumnType::Timestamp => &["timestamp with time zone", "timestamp without time zone"],
        ColumnType::Json => &["jsonb", "json"],
    }
}

/// A column that the table has.
struct Found {
    name: String,
    kind: String,
    must_be_given: bool,
}

/// Creates the layout's table, or checks the one that is there; says how its columns are stored.
pub(super) fn ensure(
    client: &mut Client,
    database: &str,
    layout: &Layout,
) -> Result<Vec<Stored>, Problem> {
    if layout.columns().is_empty() {
        let message = format!("the table '{}' needs at least one column", layout.table());
        return Err(Problem::Fatal(SinkError::layout(message)));
    }
    let columns: Vec<String> = layout
        .columns()
        .iter()
        .map(|c| format!("\"{}\" {}", c.name(), types(c.kind())[0]))
        .collect();
    let create = format!("CREATE TABLE {} ({})", layout.quoted(), columns.join(", "));
    create_missing(client, &layout.quoted(), &create)?;
    let found = found(client, &layout.quoted())?;
    compare(database, layout, &found).map_err(Problem::Fatal)
}

/// Runs `create` unless the table is there; a user who may only write then needs no right to
/// create.
pub(super) fn create_missing(
    client: &mut Client,
    quoted: &str,
    create: &str,
) -> Result<(), Problem> {
    if exists(client, quoted)? {
        return Ok(());
    }
    let mut transaction = client.transaction()?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&CREATION_LOCK])?;
    // The server remembers that the table was not there a moment ago. It looks again only when it
    // locks a relation, as FROM does: the advisory lock is none, and who had it before may have
    // made the table.
    let sql = "SELECT to_regclass($1::text) IS NOT NULL FROM pg_catalog.pg_class LIMIT 1";
    let there: bool = transaction.query_one(sql, &[&quoted])?.try_get(0)?;
    if !there {
        transaction.batch_execute(create)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Whether a table is there.
pub(super) fn exists(client: &mut Client, quoted: &str) -> Result<bool, Problem> {
    Ok(client.query_one("SELECT to_regclass($1::text) IS NOT NULL", &[&quoted])?.try_get(0)?)
}

fn found(client: &mut Client, quoted: &str) -> Result<Vec<Found>, Problem> {
    let rows = client.query(
        "SELECT attname::text, format_type(atttypid, NULL),
                attnotnull AND NOT atthasdef AND attidentity = ''
         FROM pg_attribute
         WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        &[&quoted],
    )?;
    let mut found = Vec::new();
    for row in rows {
        found.push(Found {
            name: row.try_get(0)?,
            kind: row.try_get(1)?,
            must_be_given: row.try_get(2)?,
        });
    }
    Ok(found)
}

fn compare(database: &str, layout: &Layout, found: &[Found]) -> Result<Vec<Stored>, SinkError> {
    let mut problems = Vec::new();
    let mut stored = Vec::new();
    for column in layout.columns() {
        let (name, allowed) = (column.name(), types(column.kind()));
        let there = found.iter().find(|f| f.name == name);
        match there {
            None => problems.push(format!("it has no column '{name}' ({})", allowed[0])),
            Some(f) if !allowed.contains(&f.kind.as_str()) => problems.push(format!(
                "its column '{name}' is {} where {} is needed",
                f.kind,
                allowed.join(" or ")
            )),
            Some(_) => {}
        }
        stored.push(if there.is_some_and(|f| f.kind == "jsonb") {
            Stored::Jsonb
        } else {
            Stored::Plain
        });
    }
    for f in found.iter().filter(|f| f.must_be_given) {
        if !layout.columns().iter().any(|c| c.name() == f.name) {
            problems.push(format!("its column '{}' must be given, but nothing writes it", f.name));
        }
    }
    if problems.is_empty() {
        return Ok(stored);
    }
    Err(SinkError::layout(format!(
        "the table {} of {database} has other columns: {}; choose another table name, or rename that table",
        layout.quoted(),
        problems.join(", ")
    )))
}

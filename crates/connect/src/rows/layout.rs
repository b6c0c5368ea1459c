//! The table that rows go to: its name and its columns, checked before any SQL is written with
//! them.

use crate::SinkError;

/// The longest identifier that PostgreSQL keeps whole.
const NAME_MAX_BYTES: usize = 63;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// A 64-bit whole number.
    Integer,
    /// A 64-bit floating point number.
    Real,
    /// A point in time in UTC.
    Timestamp,
    /// A JSON value.
    Json,
}

impl ColumnType {
    /// The word used in messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Timestamp => "timestamp",
            Self::Json => "json",
        }
    }
}

/// One column of a [`Layout`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    name: String,
    kind: ColumnType,
}

impl Column {
    /// The column's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the column holds.
    #[must_use]
    pub fn kind(&self) -> ColumnType {
        self.kind
    }
}

/// A table's name and columns, known when a sink opens.
///
/// Names are ASCII letters, digits and `_`, do not begin with a digit, and have at most 63 bytes;
/// they are quoted wherever they are used, so words of SQL are fine. A table may be given as
/// `schema.table` for PostgreSQL. Names that begin with `millstream_` or `sqlite_` are refused:
/// they belong to the sinks' own tables and to SQLite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    schema: Option<String>,
    table: String,
    columns: Vec<Column>,
}

impl Layout {
    /// A layout without columns for the table `name`.
    ///
    /// # Errors
    /// The name is not one that a table may have; see [`Layout`].
    pub fn new(name: &str) -> Result<Self, SinkError> {
        let (schema, table) = match name.split_once('.') {
            Some((schema, table)) => (Some(checked("schema", schema)?.to_owned()), table),
            None => (None, name),
        };
        let table = checked("table", table)?.to_owned();
        let lower = table.to_ascii_lowercase();
        if lower.starts_with("millstream_") || lower.starts_with("sqlite_") {
            return Err(SinkError::layout(format!(
                "the table name '{table}' is reserved; choose one that does not begin with millstream_ or sqlite_"
            )));
        }
        Ok(Self { schema, table, columns: Vec::new() })
    }

    /// Adds a column at the end.
    ///
    /// # Errors
    /// The name is not one that a column may have, or the layout has it already (in any case of
    /// letters).
    pub fn column(mut self, name: &str, kind: ColumnType) -> Result<Self, SinkError> {
        let name = checked("column", name)?;
        if self.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name)) {
            return Err(SinkError::layout(format!(
                "the table '{}' has the column '{name}' twice",
                self.table
            )));
        }
        self.columns.push(Column { name: name.to_owned(), kind });
        Ok(self)
    }

    /// The table's name, without its schema.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The schema that the name was given with.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The columns in their order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The name as SQL writes it, quoted and with its schema.
    pub(crate) fn quoted(&self) -> String {
        match &self.schema {
            Some(schema) => format!("\"{schema}\".\"{}\"", self.table),
            None => format!("\"{}\"", self.table),
        }
    }

    /// The quoted column names, separated by commas.
    pub(crate) fn quoted_columns(&self) -> String {
        let names: Vec<String> =
            self.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        names.join(", ")
    }
}

fn checked<'a>(what: &str, name: &'a str) -> Result<&'a str, SinkError> {
    let problem = if name.is_empty() {
        "it is empty"
    } else if name.len() > NAME_MAX_BYTES {
        "it is longer than 63 bytes"
    } else if name.starts_with(|c: char| c.is_ascii_digit()) {
        "it begins with a digit"
    } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        "only ASCII letters, digits and _ may be used"
    } else {
        return Ok(name);
    };
    Err(SinkError::layout(format!("'{}' cannot name a {what}: {problem}", name.escape_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_carry_sql_are_refused_with_the_reason() {
        for (name, reason) in [
            ("", "it is empty"),
            ("re cords", "only ASCII letters"),
            ("x\"; drop table y; --", "only ASCII letters"),
            ("1st", "begins with a digit"),
            ("a.b.c", "only ASCII letters"),
            ("sqlite_master", "is reserved"),
            ("Millstream_positions", "is reserved"),
        ] {
            let error = Layout::new(name).expect_err(name).to_string();
            assert!(error.contains(reason), "{name}: {error}");
        }
        assert!(Layout::new(&"x".repeat(64)).is_err());
        assert!(Layout::new(&"x".repeat(63)).is_ok());
    }

    #[test]
    fn words_of_sql_are_quoted_and_a_column_cannot_come_twice() {
        let layout = Layout::new("app.select").unwrap().column("order", ColumnType::Text).unwrap();
        assert_eq!(layout.quoted(), "\"app\".\"select\"");
        assert_eq!(layout.quoted_columns(), "\"order\"");
        assert!(layout.column("ORDER", ColumnType::Text).is_err());
    }
}

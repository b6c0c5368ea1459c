//! A kept record as a row of the table `records`.

use std::sync::Arc;

use connect::{Cells, ColumnType, Layout, Row, SinkError};

use crate::record::Record;
use connect::files::Identity;

/// The block that a record came from, as far as its rows need to know.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) name: Arc<str>,
    /// Only known for followed files.
    pub(crate) identity: Option<Identity>,
    /// Counts how often files were started: a truncated file keeps its place on the disk, but is
    /// started again.
    pub(crate) generation: u64,
}

/// A record, the file it came from, and where the reader stands once it is stored.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) record: Record,
    pub(crate) origin: Arc<Origin>,
}

/// The columns: time, level, message, fields, file, offset.
pub(crate) fn layout(table: &str) -> Result<Layout, SinkError> {
    Layout::new(table)?
        .column("time", ColumnType::Timestamp)?
        .column("level", ColumnType::Text)?
        .column("message", ColumnType::Text)?
        .column("fields", ColumnType::Json)?
        .column("file", ColumnType::Text)?
        .column("offset", ColumnType::Integer)
}

impl Row for Stored {
    fn write<C: Cells + ?Sized>(&self, cells: &mut C) {
        let Self { record, origin } = self;
        match record.time {
            Some(time) => cells.timestamp_ns(time.as_nanos()),
            None => cells.null(),
        }
        match record.level {
            Some(level) => cells.text(level.name()),
            None => cells.null(),
        }
        cells.text_bytes(record.message());
        cells.json(record.fields_json().as_bytes());
        cells.text(&origin.name);
        cells.integer(i64::try_from(record.offset).unwrap_or(i64::MAX));
    }
}

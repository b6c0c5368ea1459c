//! Sources and sinks that the programs share, each behind the library's source and sink traits.
//!
//! # Sinks
//!
//! A program describes its table once ([`Layout`]) and writes its cells once ([`Row`]); every sink
//! takes batches of such rows (`Sink<Vec<R>>`). [`Destination`] reads what a user writes after
//! `--to` and opens the sink that it names.
//!
//! | sink | what a batch is | a kill at any moment | time | JSON | NUL in text |
//! |---|---|---|---|---|---|
//! | [`SqliteSink`] | one transaction | rows and positions agree | text, UTC, as SQLite's functions write it | text | `␀`, counted |
//! | [`PostgresSink`] | one transaction, by binary COPY | rows and positions agree | `timestamptz`, microseconds | `jsonb` | `␀`, counted |
//! | [`JsonLines`] | lines, gathered to 128 KiB | the last lines may be missing or cut | RFC 3339, UTC | nested | `\u0000` |
//! | [`TerminalTable`] | lines, shown at once | - | text, UTC | text | `\x00` |
//!
//! Bytes that are not UTF-8 become `U+FFFD` everywhere, and so do, in JSON, escapes of half a
//! surrogate pair; each cell in which something was replaced counts in [`SinkCounts::lossy`].
//!
//! # Exactly once
//!
//! [`Positions`] gives a sink, with each batch, the place in the input that follows it. SQLite and
//! PostgreSQL store it in the table `millstream_positions (job, key, value, updated_at)` in the
//! same transaction as the rows, so after a kill the job goes on from exactly the rows that are
//! stored. The job's row in `millstream_jobs` is the fence: a claim raises its epoch, every
//! transaction goes through only for the epoch that its sink has claimed, and so a process that was
//! replaced can store nothing more. A living owner is named, and the second process is refused.
//!
//! After a failed batch a job's sink takes nothing more, since a later position would stand for the
//! missing rows: start the job again, and it goes on from the last good one.
//!
//! ```
//! use millstream::Sink;
//! use millstream_connect::{Cells, ColumnType, Layout, PositionChange, Row, SqliteSink};
//!
//! struct Line { text: String, end: u64 }
//! impl Row for Line {
//!     fn write<C: Cells + ?Sized>(&self, cells: &mut C) { cells.text(&self.text) }
//! }
//!
//! // The place behind the batch's last row; it is exact, because every row carries its own.
//! let positions = |_rows: u64, batch: &[Line], changes: &mut Vec<PositionChange>| {
//!     if let Some(last) = batch.last() {
//!         changes.push(PositionChange { key: "app.log".to_owned(), value: Some(last.end.to_string()) });
//!     }
//! };
//!
//! let directory = tempfile::tempdir()?;
//! let open = || -> Result<SqliteSink<Line>, millstream_connect::SinkError> {
//!     let layout = Layout::new("lines")?.column("text", ColumnType::Text)?;
//!     SqliteSink::open(directory.path().join("out.db"), layout)?.with_positions("app", positions)
//! };
//! let mut sink = open()?;
//! assert!(sink.saved_positions().is_empty());
//! sink.write(vec![Line { text: "one".to_owned(), end: 4 }, Line { text: "two".to_owned(), end: 8 }])?;
//! drop(sink);
//! assert_eq!(open()?.saved_positions()[0].value, "8");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Tests
//!
//! The feature `testing` adds the module `testing`: a private PostgreSQL cluster from the system's
//! own programs. Without them the tests that need one say on standard error that they were skipped,
//! and why; with `MILLSTREAM_REQUIRE_SERVICES=1` in the environment they fail.
#![forbid(unsafe_code)]

#[cfg(feature = "records")]
mod any_sink;
#[cfg(feature = "records")]
mod counts;
#[cfg(feature = "records")]
mod destination;
#[cfg(feature = "records")]
pub mod files;
#[cfg(feature = "records")]
mod jsonl;
#[cfg(feature = "records")]
mod line_writer;
#[cfg(feature = "records")]
mod lines;
pub mod paths;
#[cfg(feature = "records")]
mod positions;
#[cfg(feature = "records")]
mod postgres;
#[cfg(feature = "records")]
mod refused;
#[cfg(feature = "records")]
mod rows;
#[cfg(feature = "records")]
mod sink_error;
#[cfg(feature = "records")]
mod sqlite;
mod start;
#[cfg(feature = "records")]
mod terminal;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "records")]
mod wait;

#[cfg(feature = "records")]
pub use any_sink::AnySink;
#[cfg(feature = "records")]
pub use counts::SinkCounts;
#[cfg(feature = "records")]
pub use destination::Destination;
#[cfg(feature = "records")]
pub use jsonl::JsonLines;
#[cfg(feature = "records")]
pub use lines::Lines;
#[cfg(feature = "records")]
pub use positions::{PositionChange, Positions, SavedPosition};
#[cfg(feature = "records")]
pub use postgres::{PostgresSink, PostgresTable};
#[cfg(feature = "records")]
pub use refused::Refused;
#[cfg(feature = "records")]
pub use rows::{Cells, Column, ColumnType, Layout, Row, strict_json};
#[cfg(feature = "records")]
pub use sink_error::SinkError;
#[cfg(feature = "records")]
pub use sqlite::{Checkpointer, SqliteSink, SqliteTable};
pub use start::{Control, StartError};
#[cfg(feature = "records")]
pub use terminal::{Colour, TerminalTable};

/// The code of the README at the root is compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

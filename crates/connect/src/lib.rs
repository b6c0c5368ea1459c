//! Sources and sinks that the programs share, each behind the library's source and sink traits.
#![forbid(unsafe_code)]

mod counts;
mod destination;
pub mod files;
mod jsonl;
mod line_writer;
mod lines;
mod positions;
mod postgres;
mod refused;
mod rows;
mod sink_error;
mod sqlite;
mod terminal;
#[cfg(feature = "testing")]
pub mod testing;
mod wait;

pub use counts::SinkCounts;
pub use destination::Destination;
pub use jsonl::JsonLines;
pub use lines::Lines;
pub use positions::{PositionChange, Positions, SavedPosition};
pub use postgres::PostgresSink;
pub use refused::Refused;
pub use rows::{Cells, Column, ColumnType, Layout, Row};
pub use sink_error::SinkError;
pub use sqlite::SqliteSink;
pub use terminal::{Colour, TerminalTable};

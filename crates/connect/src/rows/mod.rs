//! What every destination stores: rows, which write their cells through one visitor.
//!
//! A program describes its table once ([`Layout`]) and writes its cells once ([`Row`]); binding to
//! SQLite, binary COPY to PostgreSQL, JSON lines and the table on a terminal all come from that. It
//! knows no program's record.

mod json;
mod layout;
mod slots;
mod text;
mod time;

pub(crate) use json::JsonRow;
pub use layout::{Column, ColumnType, Layout};
pub(crate) use slots::Slots;
pub use text::strict_json;
pub(crate) use text::{clean_json, clean_text};
pub(crate) use time::{Style, TimeText};

/// Something that can be stored as one row of a [`Layout`].
///
/// # Examples
/// ```
/// use millstream_connect::{Cells, ColumnType, Layout, Row};
///
/// struct Visit { at_ns: i64, path: String, bytes: Option<i64> }
///
/// impl Row for Visit {
///     fn write<C: Cells + ?Sized>(&self, cells: &mut C) {
///         cells.timestamp_ns(self.at_ns);
///         cells.text(&self.path);
///         match self.bytes { Some(bytes) => cells.integer(bytes), None => cells.null() }
///     }
/// }
///
/// let layout = Layout::new("visits")?
///     .column("at", ColumnType::Timestamp)?
///     .column("path", ColumnType::Text)?
///     .column("bytes", ColumnType::Integer)?;
/// assert_eq!(layout.columns().len(), 3);
/// # Ok::<(), millstream_connect::SinkError>(())
/// ```
pub trait Row {
    /// Writes one cell for each column of the layout, in the layout's order.
    ///
    /// A row that writes too many or too few cells, or a cell of another type than its column's, is
    /// refused by every sink with a message that names the column, and its batch is not stored.
    fn write<C: Cells + ?Sized>(&self, cells: &mut C);
}

impl<R: Row + ?Sized> Row for &R {
    fn write<C: Cells + ?Sized>(&self, cells: &mut C) {
        (**self).write(cells);
    }
}

/// Takes the cells of one row; implemented by the sinks, called by [`Row::write`].
pub trait Cells {
    /// Text. A NUL, which databases cannot hold or cut off, is stored as the visible `␀` and
    /// counted as lossy.
    fn text(&mut self, text: &str);

    /// A whole number.
    fn integer(&mut self, number: i64);

    /// A number with a fraction.
    fn real(&mut self, number: f64);

    /// A point in time, in nanoseconds since 1970 in UTC.
    fn timestamp_ns(&mut self, nanoseconds: i64);

    /// One JSON value in its text form. It must be valid JSON: only its encoding is checked here.
    fn json(&mut self, json: &[u8]);

    /// No value.
    fn null(&mut self);

    /// Called before the text that stands in for bytes that were not UTF-8, so that the sink can
    /// count it.
    fn note_lossy(&mut self);

    /// Text that may not be UTF-8: what is not becomes `U+FFFD` and is counted as lossy.
    fn text_bytes(&mut self, text: &[u8]) {
        match std::str::from_utf8(text) {
            Ok(text) => self.text(text),
            Err(_) => {
                self.note_lossy();
                self.text(&String::from_utf8_lossy(text));
            }
        }
    }
}

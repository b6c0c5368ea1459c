//! Rows as tuples of PostgreSQL's binary COPY format, all in one buffer that is used again for
//! every batch.

use super::schema::Stored;
use crate::SinkError;
use crate::rows::{Cells, ColumnType, Layout, Row, Slots, clean_json, clean_text};

/// What opens a binary COPY: the signature, no flags, no extension.
pub(super) const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What ends a binary COPY: a tuple of -1 fields.
pub(super) const TRAILER: &[u8; 2] = b"\xff\xff";
/// Microseconds from 1970 to 2000, where PostgreSQL counts from.
const EPOCH_2000_US: i64 = 946_684_800_000_000;
/// What is kept of the buffer between batches.
const KEPT_BYTES: usize = 4 << 20;

/// The encoded rows of one batch.
#[derive(Debug, Default)]
pub(super) struct Tuples {
    bytes: Vec<u8>,
    /// Where each row ends.
    ends: Vec<usize>,
    pub(super) lossy: u64,
}

impl Tuples {
    /// Encodes a batch in place of the one before.
    pub(super) fn encode<R: Row>(
        &mut self,
        layout: &Layout,
        stored: &[Stored],
        rows: &[R],
    ) -> Result<(), SinkError> {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.ends.clear();
        let count = i16::try_from(layout.columns().len()).unwrap_or(i16::MAX);
        let slots = Slots::new(layout.columns());
        let mut encoder = Encoder { out: &mut self.bytes, slots, stored, lossy: 0, too_long: None };
        for row in rows {
            encoder.out.extend_from_slice(&count.to_be_bytes());
            row.write(&mut encoder);
            encoder.slots.finish(layout.table())?;
            if let Some(index) = encoder.too_long {
                let column = layout.columns()[index].name();
                return Err(SinkError::row(format!(
                    "a row for the table '{}' has more than 2 GiB in its column '{column}'",
                    layout.table()
                )));
            }
            self.ends.push(encoder.out.len());
        }
        self.lossy = encoder.lossy;
        Ok(())
    }

    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The tuples of the rows `from..to`.
    pub(super) fn bytes(&self, from: usize, to: usize) -> &[u8] {
        let start = if from == 0 { 0 } else { self.ends[from - 1] };
        let end = if to == 0 { 0 } else { self.ends[to - 1] };
        &self.bytes[start..end]
    }
}

struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    slots: Slots<'a>,
    stored: &'a [Stored],
    lossy: u64,
    too_long: Option<usize>,
}

impl Encoder<'_> {
    fn field(&mut self, index: usize, prefix: &[u8], value: &[u8]) {
        match i32::try_from(prefix.len() + value.len()) {
            Ok(len) => {
                self.out.extend_from_slice(&len.to_be_bytes());
                self.out.extend_from_slice(prefix);
                self.out.extend_from_slice(value);
            }
            Err(_) => self.too_long = Some(index),
        }
    }
}

impl Cells for Encoder<'_> {
    fn text(&mut self, text: &str) {
        let Some(index) = self.slots.take(ColumnType::Text) else { return };
        match clean_text(text) {
            None => self.field(index, b"", text.as_bytes()),
            Some(clean) => {
                self.lossy += 1;
                self.field(index, b"", clean.as_bytes());
            }
        }
    }

    fn integer(&mut self, number: i64) {
        if let Some(index) = self.slots.take(ColumnType::Integer) {
            self.field(index, b"", &number.to_be_bytes());
        }
    }

    fn real(&mut self, number: f64) {
        if let Some(index) = self.slots.take(ColumnType::Real) {
            self.field(index, b"", &number.to_be_bytes());
        }
    }

    fn timestamp_ns(&mut self, nanoseconds: i64) {
        if let Some(index) = self.slots.take(ColumnType::Timestamp) {
            let since_2000 = nanoseconds.div_euclid(1_000) - EPOCH_2000_US;
            self.field(index, b"", &since_2000.to_be_bytes());
        }
    }

    fn json(&mut self, json: &[u8]) {
        let Some(index) = self.slots.take(ColumnType::Json) else { return };
        let (text, lossy) = clean_json(json);
        self.lossy += u64::from(lossy);
        // jsonb's binary form is its version, 1, and the text.
        let version: &[u8] = if self.stored[index] == Stored::Jsonb { &[1] } else { &[] };
        self.field(index, version, text.as_bytes());
    }

    fn null(&mut self) {
        if self.slots.take_null().is_some() {
            self.out.extend_from_slice(&(-1i32).to_be_bytes());
        }
    }

    fn note_lossy(&mut self) {
        self.lossy += 1;
    }
}

//! The cells of a batch as text that is safe to show.

use std::fmt::Write;

use crate::rows::{Cells, ColumnType, Slots, TimeText};

/// The visible cells of a batch, row by row, in one string.
#[derive(Debug, Default)]
pub(super) struct CellTexts {
    text: String,
    ends: Vec<usize>,
}

impl CellTexts {
    /// The cells in order: as many as rows times visible columns.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.text[start..end])
    }
}

/// Takes the cells of rows and keeps those of visible columns.
pub(super) struct Shown<'a> {
    pub(super) slots: Slots<'a>,
    pub(super) lossy: u64,
    visible: &'a [bool],
    time: &'a mut TimeText,
    cells: CellTexts,
}

impl<'a> Shown<'a> {
    pub(super) fn new(slots: Slots<'a>, visible: &'a [bool], time: &'a mut TimeText) -> Self {
        Self { slots, lossy: 0, visible, time, cells: CellTexts::default() }
    }

    pub(super) fn into_cells(self) -> CellTexts {
        self.cells
    }

    fn cell(&mut self, index: Option<usize>, text: &str) {
        if index.is_some_and(|index| self.visible[index]) {
            escape(&mut self.cells.text, text);
            self.cells.ends.push(self.cells.text.len());
        }
    }
}

impl Cells for Shown<'_> {
    fn text(&mut self, text: &str) {
        let index = self.slots.take(ColumnType::Text);
        self.cell(index, text);
    }

    fn integer(&mut self, number: i64) {
        let index = self.slots.take(ColumnType::Integer);
        self.cell(index, &number.to_string());
    }

    fn real(&mut self, number: f64) {
        let index = self.slots.take(ColumnType::Real);
        self.cell(index, &number.to_string());
    }

    fn timestamp_ns(&mut self, nanoseconds: i64) {
        let index = self.slots.take(ColumnType::Timestamp);
        if index.is_some_and(|index| self.visible[index]) {
            self.cells.text.push_str(self.time.format(nanoseconds));
            self.cells.ends.push(self.cells.text.len());
        }
    }

    fn json(&mut self, json: &[u8]) {
        let index = self.slots.take(ColumnType::Json);
        let text = String::from_utf8_lossy(json);
        // Fields of a record that has none would fill a column with braces.
        let text = if text == "{}" { "" } else { &text };
        self.cell(index, text);
    }

    fn null(&mut self) {
        let index = self.slots.take_null();
        self.cell(index, "");
    }

    fn note_lossy(&mut self) {
        self.lossy += 1;
    }
}

/// Appends `text` with everything that could act on a terminal made visible.
fn escape(out: &mut String, text: &str) {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Marks and overrides of direction, which could show text in another order than it has,
            // and the invisible.
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => {
                push_escape(out, c);
            }
            c if c.is_control() => push_escape(out, c),
            c => out.push(c),
        }
    }
}

fn push_escape(out: &mut String, c: char) {
    let code = u32::from(c);
    // Writing to a string cannot fail.
    let _ =
        if code < 0x100 { write!(out, "\\x{code:02x}") } else { write!(out, "\\u{{{code:x}}}") };
}

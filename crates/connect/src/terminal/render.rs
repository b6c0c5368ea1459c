//! Lines from cells: widths, padding, cutting and colours.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::cells::CellTexts;
use super::colour::Colour;
use crate::rows::Column;

/// The widest that a column is padded to where nothing limits the line.
const PAD_MAX: usize = 60;
/// The narrowest that a column is cut to.
const CUT_MIN: usize = 8;
/// Spaces between two columns.
const GAP: usize = 2;

/// The colour of a cell by its text.
pub(super) type ColourOf = Box<dyn Fn(&str) -> Option<Colour> + Send>;

/// Gives the cells of one column their colours.
pub(super) struct Painter {
    pub(super) column: String,
    pub(super) colour: ColourOf,
}

/// Turns cells into lines, and remembers how wide the columns have become.
pub(super) struct Renderer {
    names: Vec<String>,
    /// For each column of the layout, whether it is shown.
    pub(super) visible: Vec<bool>,
    pub(super) colours: bool,
    pub(super) painter: Option<Painter>,
    /// For each visible column, its widest cell so far.
    widths: Vec<usize>,
}

impl Renderer {
    pub(super) fn new(columns: &[Column]) -> Self {
        Self {
            names: columns.iter().map(|column| column.name().to_owned()).collect(),
            visible: vec![true; columns.len()],
            colours: false,
            painter: None,
            widths: Vec::new(),
        }
    }

    pub(super) fn show_only(&mut self, names: &[&str]) {
        self.visible = self.names.iter().map(|name| names.contains(&name.as_str())).collect();
    }

    /// The lines of a batch, under the header if it is the first one.
    pub(super) fn lines(&mut self, cells: &CellTexts, limit: Option<usize>) -> String {
        let names: Vec<String> = self
            .names
            .iter()
            .zip(&self.visible)
            .filter(|(_, v)| **v)
            .map(|(n, _)| n.clone())
            .collect();
        if names.is_empty() {
            return String::new();
        }
        let first = self.widths.is_empty();
        if first {
            self.widths = names.iter().map(|name| name.width()).collect();
        }
        let cells: Vec<&str> = cells.iter().collect();
        for row in cells.chunks(names.len()) {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let painted =
            self.painter.as_ref().and_then(|p| names.iter().position(|name| *name == p.column));
        let mut out = String::new();
        if first {
            let header: Vec<&str> = names.iter().map(String::as_str).collect();
            if self.colours {
                out.push_str("\x1b[1m");
            }
            self.line(&mut out, &header, limit, None);
            if self.colours {
                out.push_str("\x1b[0m");
            }
            out.push('\n');
        }
        for row in cells.chunks(names.len()) {
            self.line(&mut out, row, limit, painted);
            out.push('\n');
        }
        out
    }

    /// One line, without its end.
    fn line(&self, out: &mut String, row: &[&str], limit: Option<usize>, painted: Option<usize>) {
        // Every column but the last one leaves room for those behind it.
        let cap = limit.map_or(PAD_MAX, |limit| (limit / 2).max(CUT_MIN));
        let last = row.iter().rposition(|cell| !cell.is_empty()).unwrap_or(0);
        let mut used = 0;
        for (index, cell) in row.iter().enumerate().take(last + 1) {
            let mut room = limit.map(|limit| limit.saturating_sub(used));
            if room == Some(0) {
                return;
            }
            if index + 1 < row.len() {
                room = room.map(|room| room.min(cap));
            }
            let text = room.map_or((*cell).to_owned(), |room| cut(cell, room));
            let colour =
                if self.colours && painted == Some(index) { self.colour(cell) } else { None };
            out.push_str(colour.map_or("", code));
            out.push_str(&text);
            out.push_str(if colour.is_some() { "\x1b[0m" } else { "" });
            let mut width = text.width();
            if index < last {
                let pad = self.widths[index].min(cap).saturating_sub(width) + GAP;
                let pad = limit.map_or(pad, |limit| pad.min(limit - used - width));
                out.extend(std::iter::repeat_n(' ', pad));
                width += pad;
            }
            used += width;
        }
    }

    fn colour(&self, cell: &str) -> Option<Colour> {
        self.painter.as_ref().and_then(|painter| (painter.colour)(cell))
    }
}

/// The text, or as much of it as leaves room for `…`.
fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut width = 0;
    for c in text.chars() {
        let more = c.width().unwrap_or(0);
        if width + more >= room {
            break;
        }
        width += more;
        kept.push(c);
    }
    // Some sequences are wider than their characters one by one.
    while kept.width() >= room && kept.pop().is_some() {}
    kept.push('…');
    kept
}

/// The terminal's code for a colour.
fn code(colour: Colour) -> &'static str {
    match colour {
        Colour::Red => "\x1b[31m",
        Colour::Yellow => "\x1b[33m",
        Colour::Green => "\x1b[32m",
        Colour::Blue => "\x1b[34m",
        Colour::Grey => "\x1b[90m",
    }
}

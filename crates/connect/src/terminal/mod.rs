//! Rows as a table for people: aligned columns, cut to the terminal's width, coloured only where
//! that helps.
//!
//! It is no format for programs to read: cells are cut on a terminal, and control characters are
//! shown as escapes.

mod cells;
mod colour;
mod render;

use std::io::{self, IsTerminal, Write};
use std::marker::PhantomData;

use millstream::Sink;

pub use self::colour::Colour;

use self::cells::Shown;
use self::render::{Painter, Renderer};
use crate::rows::{Layout, Row, Slots, Style, TimeText};
use crate::{SinkCounts, SinkError};

/// Where the width of the lines comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    /// Lines are as long as their cells.
    Unlimited,
    /// The terminal is asked before each batch, since people resize it.
    Terminal,
    Fixed(usize),
}

/// Shows rows as a table with one line a row.
///
/// Columns are as wide as their widest cell so far, within limits. On a terminal, cells and lines
/// that are too long end in `…`; elsewhere nothing is cut. Control characters, and those that
/// reorder text, are shown as escapes, so that no input can act on the terminal. Colours need a
/// terminal, and the environment variable `NO_COLOR` turns them off.
///
/// # Order
/// Rows are shown in the order of the batches and of the rows in them.
///
/// # Examples
/// ```
/// use millstream::Sink;
/// use millstream_connect::{Cells, Colour, ColumnType, Layout, Row, TerminalTable};
///
/// struct Event(&'static str, &'static str);
/// impl Row for Event {
///     fn write<C: Cells + ?Sized>(&self, cells: &mut C) { cells.text(self.0); cells.text(self.1) }
/// }
///
/// let layout = Layout::new("events")?.column("level", ColumnType::Text)?.column("message", ColumnType::Text)?;
/// let mut table = TerminalTable::stdout(layout).paint("level", |level| (level == "error").then_some(Colour::Red));
/// table.write(vec![Event("error", "disk full"), Event("info", "started")])?;
/// table.close()?;
/// # Ok::<(), millstream_connect::SinkError>(())
/// ```
pub struct TerminalTable<R> {
    out: Box<dyn Write + Send>,
    name: String,
    layout: Layout,
    width: Width,
    renderer: Renderer,
    time: TimeText,
    counts: SinkCounts,
    row: PhantomData<fn(R)>,
}

impl<R: Row> TerminalTable<R> {
    /// Shows rows on standard output: cut and coloured if that is a terminal.
    #[must_use]
    pub fn stdout(layout: Layout) -> Self {
        let terminal = io::stdout().is_terminal();
        let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let mut table = Self::to_writer(io::stdout(), "standard output", layout).colours(colours);
        if terminal {
            table.width = Width::Terminal;
        }
        table
    }

    /// Shows rows through any writer, which messages call `name`: nothing cut, no colours.
    #[must_use]
    pub fn to_writer(writer: impl Write + Send + 'static, name: &str, layout: Layout) -> Self {
        let renderer = Renderer::new(layout.columns());
        Self {
            out: Box::new(writer),
            name: name.to_owned(),
            layout,
            width: Width::Unlimited,
            renderer,
            time: TimeText::new(Style::Sql),
            counts: SinkCounts::default(),
            row: PhantomData,
        }
    }

    /// Shows only the columns of these names; names that the layout does not have are passed over.
    #[must_use]
    pub fn only(mut self, names: &[&str]) -> Self {
        self.renderer.show_only(names);
        self
    }

    /// Cuts lines to this many columns of the terminal.
    #[must_use]
    pub fn width(mut self, columns: usize) -> Self {
        self.width = Width::Fixed(columns);
        self
    }

    /// Turns colours on or off, whatever the output is.
    #[must_use]
    pub fn colours(mut self, on: bool) -> Self {
        self.renderer.colours = on;
        self
    }

    /// Gives the cells of one column their colours.
    #[must_use]
    pub fn paint(
        mut self,
        column: &str,
        colour: impl Fn(&str) -> Option<Colour> + Send + 'static,
    ) -> Self {
        self.renderer.painter =
            Some(Painter { column: column.to_owned(), colour: Box::new(colour) });
        self
    }

    /// A handle on this sink's counters, to be kept when the sink goes into a pipeline.
    #[must_use]
    pub fn counts(&self) -> SinkCounts {
        self.counts.clone()
    }

    fn limit(&self) -> Option<usize> {
        match self.width {
            Width::Unlimited => None,
            Width::Fixed(columns) => Some(columns),
            Width::Terminal => {
                terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
            }
        }
    }

    fn show(&mut self, batch: &[R]) -> Result<(), SinkError> {
        let mut shown =
            Shown::new(Slots::new(self.layout.columns()), &self.renderer.visible, &mut self.time);
        for row in batch {
            row.write(&mut shown);
            shown.slots.finish(self.layout.table())?;
        }
        let lossy = shown.lossy;
        let cells = shown.into_cells();
        let limit = self.limit();
        let text = self.renderer.lines(&cells, limit);
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        written.map_err(|error| SinkError::io("write to", &self.name, &error))?;
        self.counts.add_lossy(lossy);
        self.counts.add_rows(batch.len() as u64);
        Ok(())
    }
}

impl<R: Row> Sink<Vec<R>> for TerminalTable<R> {
    type Error = SinkError;

    /// Shows a batch at once; nothing waits for a flush.
    fn write(&mut self, batch: Vec<R>) -> Result<(), SinkError> {
        if batch.is_empty() { Ok(()) } else { self.show(&batch) }
    }
}

impl<R> std::fmt::Debug for TerminalTable<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TerminalTable")
            .field("name", &self.name)
            .field("width", &self.width)
            .finish_non_exhaustive()
    }
}

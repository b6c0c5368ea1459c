//! The table for people: alignment, cutting, colours, and nothing that could act on the terminal.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

use millstream::Sink;
use millstream_connect::{Cells, Colour, ColumnType, Layout, Row, TerminalTable};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use crate::sink_support::Shared;

#[derive(Clone)]
struct Event(&'static str, String, &'static str);

impl Row for Event {
    fn write<C: Cells + ?Sized>(&self, cells: &mut C) {
        cells.timestamp_ns(1_500_000_000);
        cells.text(self.0);
        cells.text(&self.1);
        if self.2.is_empty() {
            cells.null()
        } else {
            cells.json(self.2.as_bytes())
        }
        cells.integer(7);
    }
}

fn layout() -> Layout {
    Layout::new("events")
        .and_then(|l| l.column("time", ColumnType::Timestamp))
        .and_then(|l| l.column("level", ColumnType::Text))
        .and_then(|l| l.column("message", ColumnType::Text))
        .and_then(|l| l.column("fields", ColumnType::Json))
        .and_then(|l| l.column("offset", ColumnType::Integer))
        .unwrap()
}

fn table(out: &Shared) -> TerminalTable<Event> {
    TerminalTable::to_writer(out.clone(), "out", layout()).only(&["level", "message", "fields"])
}

fn event(level: &'static str, message: &str, fields: &'static str) -> Event {
    Event(level, message.to_owned(), fields)
}

#[test]
fn columns_are_aligned_and_grow_with_their_cells() {
    let out = Shared::default();
    let mut table = table(&out);
    table
        .write(vec![event("error", "disk full", "{\"disk\":1}"), event("info", "up", "")])
        .unwrap();
    table.write(vec![]).unwrap();
    table
        .write(vec![event("warn", "a longer message", "{}"), event("warn", "日本", "{\"a\":2}")])
        .unwrap();
    table.close().unwrap();
    assert_eq!(
        out.text(),
        "level  message    fields\n\
         error  disk full  {\"disk\":1}\n\
         info   up\n\
         warn   a longer message\n\
         warn   日本              {\"a\":2}\n"
    );
    assert_eq!(table.counts().rows(), 4);
}

#[test]
fn every_column_is_shown_unless_some_are_chosen() {
    let out = Shared::default();
    let mut table = TerminalTable::to_writer(out.clone(), "out", layout());
    table.write(vec![event("info", "up", "")]).unwrap();
    let text = out.text();
    assert_eq!(
        text,
        "time                     level  message  fields  offset\n1970-01-01 00:00:01.500  info   up               7\n"
    );
}

#[test]
fn a_line_is_cut_to_the_width_and_a_cell_leaves_room_for_those_behind_it() {
    let out = Shared::default();
    let mut table = table(&out).width(40);
    table.write(vec![event("error", &"x".repeat(100), "{\"key\":\"value\"}")]).unwrap();
    let text = out.text();
    let line = text.lines().nth(1).unwrap();
    assert_eq!(line, format!("error  {}…  {{\"key\":\"va…", "x".repeat(19)));
    assert_eq!(line.width(), 40);
}

#[test]
fn colours_are_given_only_when_they_are_on() {
    for (on, expected) in [
        (false, "level  message  fields\nerror  bad\ninfo   good\n"),
        (true, "\x1b[1mlevel  message  fields\x1b[0m\n\x1b[31merror\x1b[0m  bad\ninfo   good\n"),
    ] {
        let out = Shared::default();
        let red = |level: &str| (level == "error").then_some(Colour::Red);
        let mut table = table(&out).colours(on).paint("level", red);
        table.write(vec![event("error", "bad", ""), event("info", "good", "")]).unwrap();
        assert_eq!(out.text(), expected);
    }
}

#[test]
fn what_could_act_on_a_terminal_is_shown_as_an_escape() {
    let out = Shared::default();
    let mut table = table(&out);
    table.write(vec![event("info", "a\x1b[2Jb\r\n\tc\u{202e}d\u{9b}e", "")]).unwrap();
    assert_eq!(out.text().lines().nth(1).unwrap(), "info   a\\x1b[2Jb\\r\\n\\tc\\u{202e}d\\x9be");
}

proptest! {
    #[test]
    fn no_line_is_wider_than_the_limit_whatever_is_in_it(
        texts in proptest::collection::vec(any::<String>(), 1..10),
        limit in 1usize..120,
    ) {
        let out = Shared::default();
        let mut table = table(&out).width(limit);
        table.write(texts.iter().map(|text| event("error", text, "{\"a\":\"日本語\"}")).collect()).unwrap();
        let text = out.text();
        prop_assert_eq!(text.lines().count(), texts.len() + 1);
        for line in text.lines() {
            prop_assert!(line.width() <= limit, "{:?} is {} wide", line, line.width());
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}

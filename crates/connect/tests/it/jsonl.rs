//! JSON lines: what is written, and what happens when the file or the reader cannot take it.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

use std::io::Read;

use millstream::Sink;
use millstream_connect::testing::or_skip;
use millstream_connect::{Cells, ColumnType, JsonLines, Layout, Row};
use proptest::prelude::*;
use serde_json::Value;

use crate::sink_support::{Numbered, Shared, SmallDisk, Texts, numbered_layout};

fn lines(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_type_of_cell_is_written_as_json_and_nulls_are_left_out() {
    let out = Shared::default();
    let mut sink = JsonLines::to_writer(out.clone(), "out", numbered_layout("rows"));
    sink.write(Numbered::range(1, 3)).unwrap();
    sink.close().unwrap();
    assert_eq!(
        out.text(),
        "{\"n\":1,\"text\":\"row number 1\",\"at\":\"1970-01-01T00:00:00.001Z\",\"fields\":{\"n\":1}}\n\
         {\"n\":2,\"text\":\"row number 2\",\"at\":\"1970-01-01T00:00:00.002Z\",\"fields\":{\"n\":2},\"half\":1.0}\n"
    );
    assert_eq!(sink.counts().rows(), 2);
}

#[test]
fn nothing_is_written_before_enough_has_gathered_and_a_flush_writes_it_all() {
    let out = Shared::default();
    let mut sink = JsonLines::to_writer(out.clone(), "out", numbered_layout("rows"));
    sink.write(Numbered::range(0, 100)).unwrap();
    assert_eq!((out.text().len(), sink.counts().rows()), (0, 0));
    sink.flush().unwrap();
    assert_eq!((lines(&out.text()).len(), sink.counts().rows()), (100, 100));
    sink.write(Numbered::range(100, 3_000)).unwrap();
    assert_eq!((lines(&out.text()).len(), sink.counts().rows()), (3_000, 3_000));
}

#[test]
fn a_file_is_replaced_or_added_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.jsonl");
    let numbers = || -> Vec<i64> {
        lines(&std::fs::read_to_string(&path).unwrap())
            .iter()
            .map(|row| row["n"].as_i64().unwrap())
            .collect()
    };
    for (append, from, expected) in
        [(false, 0, vec![0, 1]), (true, 2, vec![0, 1, 2, 3]), (false, 4, vec![4, 5])]
    {
        let open = if append { JsonLines::append } else { JsonLines::create };
        let mut sink = open(&path, numbered_layout("rows")).unwrap();
        sink.write(Numbered::range(from, from + 2)).unwrap();
        sink.close().unwrap();
        assert_eq!(numbers(), expected);
    }
}

struct Odd(&'static [u8], f64);

impl Row for Odd {
    fn write<C: Cells + ?Sized>(&self, cells: &mut C) {
        cells.json(self.0);
        cells.real(self.1);
    }
}

fn odd_layout() -> Layout {
    let layout = Layout::new("t").unwrap().column("json", ColumnType::Json).unwrap();
    layout.column("real", ColumnType::Real).unwrap()
}

#[test]
fn a_row_stays_on_its_line_and_what_json_cannot_say_is_counted() {
    let out = Shared::default();
    let mut sink = JsonLines::to_writer(out.clone(), "out", odd_layout());
    sink.write(vec![
        Odd(b"{\r\n \"a\": [1,\n2]\n}", 0.1),
        Odd(b"null", f64::NAN),
        Odd(b"\"\xff\"", 1e300),
    ])
    .unwrap();
    sink.close().unwrap();
    let rows = lines(&out.text());
    assert_eq!(rows[0], serde_json::json!({"json": {"a": [1, 2]}, "real": 0.1}));
    assert_eq!(rows[1], serde_json::json!({"json": null}));
    assert_eq!(rows[2], serde_json::json!({"json": "\u{fffd}", "real": 1e300}));
    assert_eq!(sink.counts().lossy(), 2);
    let out = Shared::default();
    let layout = Layout::new("t").unwrap().column("text", ColumnType::Text).unwrap();
    let mut sink = JsonLines::to_writer(out.clone(), "out", layout);
    sink.write(vec![Texts(b"nul\0here"), Texts(b"bad \xff byte")]).unwrap();
    sink.close().unwrap();
    assert_eq!(lines(&out.text())[0]["text"], "nul\0here");
    assert_eq!(lines(&out.text())[1]["text"], "bad \u{fffd} byte");
    assert_eq!(sink.counts().lossy(), 1);
}

#[test]
fn a_row_that_does_not_fit_its_layout_fails_its_batch_and_leaves_the_others() {
    struct Maybe(bool);
    impl Row for Maybe {
        fn write<C: Cells + ?Sized>(&self, cells: &mut C) {
            if self.0 { cells.text("fits") } else { cells.integer(1) }
        }
    }
    let out = Shared::default();
    let layout = Layout::new("t").unwrap().column("text", ColumnType::Text).unwrap();
    let mut sink = JsonLines::to_writer(out.clone(), "out", layout);
    sink.write(vec![Maybe(true)]).unwrap();
    assert!(sink.write(vec![Maybe(true), Maybe(false), Maybe(true)]).unwrap_err().is_usage());
    sink.write(vec![Maybe(true)]).unwrap();
    sink.close().unwrap();
    assert_eq!(out.text(), "{\"text\":\"fits\"}\n{\"text\":\"fits\"}\n");
}

#[test]
fn a_reader_that_goes_away_is_distinguished_from_a_failure() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut sink = JsonLines::to_writer(writer, "standard output", numbered_layout("rows"));
    sink.write(Numbered::range(0, 10)).unwrap();
    sink.flush().unwrap();
    reader.read_exact(&mut [0; 10]).unwrap();
    drop(reader);
    sink.write(Numbered::range(10, 20)).unwrap();
    let error = sink.flush().unwrap_err();
    assert!(error.is_broken_pipe() && error.to_string().contains("standard output"), "{error}");
    assert!(sink.write(Numbered::range(20, 30)).unwrap_err().is_broken_pipe());
    assert!(sink.close().unwrap_err().is_broken_pipe());
    assert_eq!(sink.counts().rows(), 10);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_named_with_its_cause() {
    let mut sink = JsonLines::create("/dev/full", numbered_layout("rows")).unwrap();
    sink.write(Numbered::range(0, 10)).unwrap();
    let error = sink.close().unwrap_err();
    assert!(error.is_full(), "{error}");
    assert!(
        error.to_string().contains("/dev/full") && error.to_string().contains("No space left"),
        "{error}"
    );
    assert_eq!(sink.counts().rows(), 0);
}

#[test]
fn a_file_on_a_full_disk_ends_with_a_whole_line() {
    let Some(disk) = or_skip("a_file_on_a_full_disk_ends_with_a_whole_line", SmallDisk::mount(300))
    else {
        return;
    };
    let path = disk.path("out.jsonl");
    let mut sink = JsonLines::create(&path, numbered_layout("rows")).unwrap();
    let error =
        (0..100).find_map(|i| sink.write(Numbered::range(i * 500, i * 500 + 500)).err()).unwrap();
    assert!(error.is_full() && error.to_string().contains("out.jsonl"), "{error}");
    let stored = lines(&std::fs::read_to_string(&path).unwrap());
    assert!(!stored.is_empty());
    assert_eq!(stored.len() as u64, sink.counts().rows());
}

#[test]
fn a_directory_that_is_missing_is_named() {
    let error =
        JsonLines::<Numbered>::create("no/such/out.jsonl", numbered_layout("rows")).unwrap_err();
    assert!(error.to_string().contains("no/such/out.jsonl"), "{error}");
}

proptest! {
    #[test]
    fn any_text_comes_back_from_its_line(texts in proptest::collection::vec(any::<String>(), 0..20)) {
        let out = Shared::default();
        let mut sink = JsonLines::to_writer(out.clone(), "out", numbered_layout("rows"));
        sink.write(texts.iter().map(|text| Numbered { n: 1, text: text.clone() }).collect()).unwrap();
        sink.close().unwrap();
        let rows = lines(&out.text());
        let read: Vec<&str> = rows.iter().map(|row| row["text"].as_str().unwrap()).collect();
        prop_assert_eq!(read, texts);
    }
}

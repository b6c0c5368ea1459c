//! Destinations: what is opened for what a command line says, and what the sinks have in common.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

use millstream::{Context, Sink};
use millstream_connect::{
    AnySink, Destination, JsonLines, PostgresSink, SqliteSink, TerminalTable,
};

use crate::sink_support::{Numbered, after_last, next_of, numbered_layout};

fn open(text: &str) -> AnySink<Numbered> {
    Destination::parse(text).unwrap().open(&Context::new(), numbered_layout("rows")).unwrap()
}

#[test]
fn a_path_opens_the_sink_that_its_ending_names_and_only_a_database_keeps_positions() {
    let directory = tempfile::tempdir().unwrap();
    for (name, keeps) in [("out.db", true), ("out.jsonl", false)] {
        let path = directory.path().join(name).to_str().unwrap().to_owned();
        let mut sink = open(&path);
        assert_eq!(sink.keeps_positions(), keeps);
        sink.write(Numbered::range(0, 10)).unwrap();
        sink.close().unwrap();
        assert_eq!(sink.counts().rows(), 10);
        assert!(std::fs::metadata(&path).unwrap().len() > 0);
    }
    let sink = open(directory.path().join("out.jsonl").to_str().unwrap());
    let error = sink.with_positions("job", after_last).unwrap_err();
    assert!(
        error.is_usage() && error.to_string().contains("only SQLite and PostgreSQL"),
        "{error}"
    );
    let path = directory.path().join("out.db").to_str().unwrap().to_owned();
    let mut sink = open(&path).with_positions("job", after_last).unwrap();
    sink.write(Numbered::range(10, 20)).unwrap();
    assert_eq!(
        next_of(open(&path).with_positions("job", after_last).unwrap().saved_positions()),
        20
    );
}

#[test]
fn every_sink_can_move_to_another_thread() {
    fn moves<T: Send>() {}
    moves::<SqliteSink<Numbered>>();
    moves::<PostgresSink<Numbered>>();
    moves::<JsonLines<Numbered>>();
    moves::<TerminalTable<Numbered>>();
    moves::<AnySink<Numbered>>();
}

//! Records as JSON: what goes out is valid, whole, and says the same borrowed or owned.

use millstream_logs::filter::Filter;
use millstream_logs::record::Parsed;
use millstream_logs::scan::{Failure, Scanner, Visit};
use proptest::prelude::*;

use crate::support::{FIXTURES, MAX_LINE, detected, fixture, now};

/// Checks both ways of writing each record against each other.
struct Lines(Vec<serde_json::Value>, Vec<bool>);

impl Visit for Lines {
    fn record(&mut self, record: &Parsed<'_>) {
        let (mut borrowed, mut owned) = (Vec::new(), Vec::new());
        record.to_json_line(&mut borrowed, "a \"b\".log", record.offset as u64);
        record.to_record().to_json_line(&mut owned, "a \"b\".log");
        assert_eq!(borrowed, owned);
        assert_eq!(borrowed.pop(), Some(b'\n'));
        assert!(!borrowed.contains(&b'\n'));
        self.0.push(serde_json::from_slice(&borrowed).unwrap());
        self.1.push(record.is_utf8());
    }

    fn failed(&mut self, _: Failure) {}
}

fn lines(text: &[u8]) -> Lines {
    let mut lines = Lines(Vec::new(), Vec::new());
    Scanner::new(detected(text), Filter::new(), MAX_LINE, now()).scan(text, &mut lines);
    lines
}

#[test]
fn a_record_is_one_line_of_json() {
    let Lines(lines, utf8) = lines(fixture("combined.log"));
    let expected = serde_json::json!({
        "time": "2024-01-15T15:23:46Z", "level": null, "message": "GET /a%20b.png HTTP/1.1",
        "fields": {
            "remote": "2001:db8::7", "user": "bob", "method": "GET", "path": "/a%20b.png", "protocol": "HTTP/1.1",
            "status": 304, "bytes": 0, "agent": "agent with \"quotes\" inside", "extra": "0.004",
        },
        "file": "a \"b\".log", "offset": 125,
    });
    assert_eq!(lines[1], expected);
    assert_eq!(utf8, [true, true, true]);
}

#[test]
fn what_is_not_utf8_is_replaced_and_can_be_reported() {
    let Lines(lines, utf8) = lines(b"time=2024-01-15T10:23:45Z msg=\"a\xffb\" k\xfe=\xfd x=1\n");
    assert_eq!(lines[0]["message"], "a\u{fffd}b");
    assert_eq!(lines[0]["fields"]["k\u{fffd}"], "\u{fffd}");
    assert_eq!(utf8, [false]);
}

#[test]
fn numbers_that_would_change_as_numbers_stay_text() {
    let Lines(lines, _) = lines(
        b"a=1 b=-2.5 c=007 d=1.10 e=1e5 f=12345678901234567890 g=0 h=-0 i=0.5 j=+1 k=1. l=.5\n",
    );
    let expected = serde_json::json!({
        "a": 1, "b": -2.5, "c": "007", "d": "1.10", "e": "1e5", "f": "12345678901234567890", "g": 0, "h": "-0",
        "i": 0.5, "j": "+1", "k": "1.", "l": ".5",
    });
    assert_eq!(lines[0]["fields"], expected);
}

#[test]
fn escapes_of_half_a_surrogate_pair_become_the_replacement_character_everywhere() {
    let Lines(lines, _) = lines(
        br#"{"msg":"cut \ud83d","f":"emoji \uD83D","k\udc00":{"a":["\ude00\ud83d","\ud83d\ude00","\\ud83d"]}}"#,
    );
    let expected = serde_json::json!({
        "f": "emoji \u{fffd}",
        "k\u{fffd}": {"a": ["\u{fffd}\u{fffd}", "\u{1f600}", "\\ud83d"]},
    });
    assert_eq!((&lines[0]["message"], &lines[0]["fields"]), (&"cut \u{fffd}".into(), &expected));
}

proptest! {
    #[test]
    fn every_record_is_valid_json(
        which in proptest::sample::select(FIXTURES.to_vec()),
        changes in prop::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut text = which.1.to_vec();
        for (index, byte) in changes {
            let at = index.index(text.len());
            text[at] = byte;
        }
        lines(&text);
    }

    #[test]
    fn escapes_of_json_are_undone(message in "\\PC{0,20}", control in 0u8..32) {
        let message = format!("{message}{}", char::from(control));
        let line = serde_json::json!({"msg": message}).to_string();
        let Lines(lines, _) = lines(line.as_bytes());
        prop_assert_eq!(&lines[0]["message"], &serde_json::Value::String(message));
    }
}

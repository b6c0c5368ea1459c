//! Scanning, by example: what a record is, what fails, and what the filters see.

use millstream_logs::filter::Filter;
use millstream_logs::format::{FailKind, Format};
use millstream_logs::scan::Scanner;
use millstream_logs::time::Timestamp;

use crate::support::{FIXTURES, MAX_LINE, detected, messages, records, scan, scan_with};

const GUIDE: &[u8] = b"INFO 2024-01-15T10:23:45Z one\nERROR 2024-01-15T10:23:46Z two\n  more\n\nlast\nWARN 2024-01-15T10:23:47Z three";

#[test]
fn a_line_that_begins_no_record_belongs_to_the_one_before() {
    assert_eq!(messages(GUIDE, &Filter::new()), ["one", "two\n  more\n\nlast", "three"]);
    let (_, counts) = scan(GUIDE, &Filter::new());
    assert_eq!(counts.records, 3);
}

#[test]
fn an_empty_line_and_the_one_after_it_make_no_time_together() {
    // Between the line end and the date there is as much as a day of the week would take.
    let text =
        b"[Mon Jan 15 10:23:45.123456 2024] [core:notice] [pid 1] one\n\n<3>Jan 15 10:23:47 two\n";
    assert_eq!(messages(text, &Filter::new()), ["one\n\n<3>Jan 15 10:23:47 two"]);
}

#[test]
fn offsets_and_lengths_cover_the_file_without_a_gap() {
    let mut at = 0;
    for record in records(GUIDE) {
        assert_eq!(record.offset, at);
        at += record.len;
    }
    assert_eq!(at, GUIDE.len() as u64);
}

#[test]
fn windows_line_ends_are_not_part_of_a_message() {
    let text = b"INFO 2024-01-15T10:23:45Z one\r\nERROR 2024-01-15T10:23:46Z two\r\n at x\r\n";
    assert_eq!(messages(text, &Filter::new()), ["one", "two\r\n at x"]);
    assert_eq!(messages(b"{\"msg\":\"a\"}\r\n\r\n{\"msg\":\"b\"}\r\n", &Filter::new()), ["a", "b"]);
}

#[test]
fn a_byte_order_mark_hides_no_record() {
    let text = b"\xef\xbb\xbfERROR 2024-01-15T10:23:45Z one\nINFO 2024-01-15T10:23:46Z two\n";
    let all = records(text);
    assert_eq!((all[0].message(), all[0].offset), (&b"one"[..], 0));
    assert_eq!(messages(text, &Filter::new().levels("error".parse().unwrap())), ["one"]);
    assert_eq!(messages(b"\xef\xbb\xbf{\"msg\":\"a\"}\n", &Filter::new()), ["a"]);
}

#[test]
fn empty_lines_are_records_in_no_format() {
    for (name, text) in FIXTURES {
        let (_, before) = scan(text, &Filter::new());
        let mut padded = b"\n\r\n\n".to_vec();
        padded.extend_from_slice(text);
        padded.extend_from_slice(b"\n\n\r\n");
        let (_, after) = scan_with(&detected(text), &Filter::new(), MAX_LINE, &padded);
        assert_eq!(before, after, "{name}");
    }
    for text in [&b""[..], b"\n", b"\r\n\n"] {
        assert_eq!(scan(text, &Filter::new()).1.records, 0);
    }
}

#[test]
fn a_record_longer_than_the_cap_fails_whatever_the_filter_says() {
    let long = [
        b"INFO 2024-01-15T10:23:45Z ".as_slice(),
        &[b'x'; 200],
        b"\nERROR 2024-01-15T10:23:46Z b\n",
    ]
    .concat();
    let errors = Filter::new().levels("error".parse().unwrap());
    let (seen, counts) = scan_with(&detected(&long), &errors, 100, &long);
    assert_eq!((counts.records, counts.kept, counts.failed), (2, 1, 1));
    assert_eq!(
        (seen.failures[0].kind, seen.failures[0].offset, seen.failures[0].len),
        (FailKind::TooLong, 0, 227)
    );
}

#[test]
fn a_record_as_long_as_the_cap_is_kept_and_one_byte_more_is_not() {
    for text in [&b"INFO 2024-01-15T10:23:45Z one\n at x\n"[..], b"{\"msg\":\"a\"}\n"] {
        for (cap, failed) in [(text.len(), 0), (text.len() - 1, 1)] {
            let (_, counts) = scan_with(&detected(text), &Filter::new(), cap, text);
            assert_eq!((counts.records, counts.failed), (1, failed), "cap {cap}");
        }
    }
}

#[test]
fn a_line_that_is_not_json_fails_even_if_the_filter_rules_it_out() {
    let text = b"{\"level\":\"info\",\"msg\":\"a\"}\n{\"level\":\"info\",\"msg\":\"b\"\n{\"level\":\"error\",\"msg\":\"c\"}\n\
        {\"level\":\"info\"}\n";
    let filter = Filter::new().levels("error".parse().unwrap()).contains(b"nowhere");
    let (seen, counts) = scan(text, &filter);
    assert_eq!((counts.records, counts.kept, counts.filtered, counts.failed), (4, 0, 3, 1));
    assert_eq!(seen.failures[0].kind, FailKind::Json);
    let (seen, _) =
        scan_with(&detected(text), &Filter::new(), MAX_LINE, b"[1,2]\n{\"a\":\"\xff\"}\n");
    let kinds: Vec<_> = seen.failures.iter().map(|failure| failure.kind).collect();
    assert_eq!(kinds, [FailKind::JsonNotObject, FailKind::Json]);
}

#[test]
fn bytes_that_are_not_text_stay_in_the_message() {
    let text = b"INFO 2024-01-15T10:23:45Z a\x00b\xff\xfec\n";
    let all = records(text);
    assert_eq!(all[0].message(), b"a\x00b\xff\xfec");
    assert_eq!(all[0].message_lossy(), "a\0b\u{fffd}\u{fffd}c");
}

#[test]
fn the_text_filters_see_the_record_as_it_stands_in_the_file() {
    let text = b"{\"msg\":\"caf\\u00e9\",\"n\":1}\n{\"msg\":\"tea\",\"n\":2}\n";
    assert_eq!(messages(text, &Filter::new().contains(b"\\u00e9")), ["caf\u{e9}"]);
    assert_eq!(messages(GUIDE, &Filter::new().contains(b"last")), ["two\n  more\n\nlast"]);
    assert_eq!(
        messages(GUIDE, &Filter::new().regex("(?m)^last$").unwrap()),
        ["two\n  more\n\nlast"]
    );
    assert_eq!(
        messages(GUIDE, &Filter::new().regex("t(wo|hree)").unwrap().contains(b"WARN")),
        ["three"]
    );
}

#[test]
fn scanners_move_to_workers_and_filters_are_shared_by_them() {
    fn moves<T: Send>() {}
    fn is_shared<T: Send + Sync + Clone>() {}
    moves::<Scanner>();
    is_shared::<Filter>();
    is_shared::<Format>();
    is_shared::<millstream_logs::record::Record>();
}

#[test]
fn since_is_inclusive_and_until_is_not() {
    let time = |text: &str| Timestamp::parse(text.as_bytes()).unwrap();
    let filter =
        Filter::new().since(time("2024-01-15T10:23:46Z")).until(time("2024-01-15T10:23:47Z"));
    assert_eq!(messages(GUIDE, &filter), ["two\n  more\n\nlast"]);
}

#[test]
fn the_next_record_is_found_behind_one_that_never_seems_to_end() {
    let format = detected(GUIDE);
    assert_eq!(format.next_record(GUIDE), Some(30));
    assert_eq!(format.next_record(&GUIDE[30..]), Some(44));
    assert_eq!(format.next_record(b" at x\n at y\n at z"), None);
}

#[test]
fn a_control_character_in_a_json_string_fails_wherever_it_stands() {
    for control in 0..0x20u8 {
        for (before, after) in (0..20).flat_map(|before| [(before, 0), (before, 9)]) {
            let inside = [vec![b'x'; before], vec![control], vec![b'y'; after]].concat();
            let line = [&b"{\"a\":\""[..], &inside, b"\"}"].concat();
            if control != b'\n' {
                let (_, counts) = scan_with(&detected(b"{}"), &Filter::new(), MAX_LINE, &line);
                assert_eq!(counts.failed, 1, "{control} behind {before}");
            }
        }
    }
}

#[test]
fn json_that_is_nested_too_deep_fails_instead_of_overflowing() {
    for (depth, fits) in [(100, true), (126, true), (127, false), (100_000, false)] {
        let line = format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        let (_, counts) = scan_with(&detected(b"{}"), &Filter::new(), MAX_LINE, line.as_bytes());
        assert_eq!(counts.kept == 1, fits, "{depth}");
    }
}

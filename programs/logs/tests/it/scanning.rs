//! Scanning: what a record is, that shortcuts never change an answer, and that it does not matter how a file is cut.

use millstream_logs::filter::{Condition, Filter};
use millstream_logs::format::{Choice, FailKind, Format, Keys, detect};
use millstream_logs::scan::Scanner;
use millstream_logs::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::{FIXTURES, MAX_LINE, Seen, detected, messages, now, records, scan, scan_with};

const GUIDE: &[u8] = b"INFO 2024-01-15T10:23:45Z one\nERROR 2024-01-15T10:23:46Z two\n  more\n\nlast\nWARN 2024-01-15T10:23:47Z three";

#[test]
fn a_line_that_begins_no_record_belongs_to_the_one_before() {
    assert_eq!(messages(GUIDE, &Filter::new()), ["one", "two\n  more\n\nlast", "three"]);
    let (_, counts) = scan(GUIDE, &Filter::new());
    assert_eq!(counts.records, 3);
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
    let long = [b"INFO 2024-01-15T10:23:45Z ".as_slice(), &[b'x'; 200], b"\nERROR 2024-01-15T10:23:46Z b\n"]
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
fn a_line_that_is_not_json_fails_even_if_the_filter_rules_it_out() {
    let text = b"{\"level\":\"info\",\"msg\":\"a\"}\n{\"level\":\"info\",\"msg\":\"b\"\n{\"level\":\"error\",\"msg\":\"c\"}\n\
        {\"level\":\"info\"}\n";
    let filter = Filter::new().levels("error".parse().unwrap()).contains(b"nowhere");
    let (seen, counts) = scan(text, &filter);
    assert_eq!((counts.records, counts.kept, counts.filtered, counts.failed), (4, 0, 3, 1));
    assert_eq!(seen.failures[0].kind, FailKind::Json);
    let (seen, _) = scan_with(&detected(text), &Filter::new(), MAX_LINE, b"[1,2]\n{\"a\":\"\xff\"}\n");
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
    assert_eq!(messages(GUIDE, &Filter::new().regex("(?m)^last$").unwrap()), ["two\n  more\n\nlast"]);
    assert_eq!(messages(GUIDE, &Filter::new().regex("t(wo|hree)").unwrap().contains(b"WARN")), ["three"]);
}

#[test]
fn since_is_inclusive_and_until_is_not() {
    let time = |text: &str| Timestamp::parse(text.as_bytes()).unwrap();
    let filter = Filter::new().since(time("2024-01-15T10:23:46Z")).until(time("2024-01-15T10:23:47Z"));
    assert_eq!(messages(GUIDE, &filter), ["two\n  more\n\nlast"]);
}

#[test]
fn the_next_record_is_found_behind_one_that_never_seems_to_end() {
    let format = detected(GUIDE);
    assert_eq!(format.next_record(GUIDE), Some(30));
    assert_eq!(format.next_record(&GUIDE[30..]), Some(44));
    assert_eq!(format.next_record(b" at x\n at y\n at z"), None);
}

/// Formats to try everything with: those of the fixtures, and each that can be asked for.
fn formats() -> Vec<Format> {
    let mut formats: Vec<Format> = FIXTURES.iter().map(|(_, text)| detected(text)).collect();
    for (_, choice) in Choice::NAMES {
        formats.push(detect::detect(b"", &Keys::default(), choice).format);
    }
    formats
}

/// Lines of the fixtures, whole, cut short and spoilt, and a few that belong nowhere.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<&[u8]> = FIXTURES.iter().flat_map(|(_, text)| text.split(|byte| *byte == b'\n')).collect();
    let spoilt = (select(lines.clone()), any::<Index>(), any::<u8>()).prop_map(|(line, index, byte)| {
        let mut line = line.to_vec();
        if !line.is_empty() {
            let at = index.index(line.len());
            line[at] = byte;
        }
        line
    });
    let cut = (select(lines.clone()), any::<Index>())
        .prop_map(|(line, at)| line[..at.index(line.len() + 1)].to_vec());
    prop_oneof![
        8 => select(lines).prop_map(<[u8]>::to_vec),
        3 => spoilt,
        2 => cut,
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => select(vec![&b""[..], b"\r", b"\xef\xbb\xbf", b"\tat x", b"{}", b"a=b", b"\x1b[31mERROR\x1b[0m 2024-01-15 10:23:45 x"])
            .prop_map(<[u8]>::to_vec),
    ]
}

/// A text whose lines are mostly of one format.
fn text() -> impl Strategy<Value = (Format, Vec<u8>)> {
    let own = select(FIXTURES.to_vec()).prop_flat_map(|(_, text)| {
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let lines = prop_oneof![3 => select(lines).prop_map(<[u8]>::to_vec), 1 => line()];
        (Just(detected(text)), prop::collection::vec(lines, 0..12))
    });
    let any_format = (select(formats()), prop::collection::vec(line(), 0..12));
    (prop_oneof![own, any_format], any::<bool>()).prop_map(|((format, lines), ended)| {
        let mut text = lines.join(&b'\n');
        if ended {
            text.push(b'\n');
        }
        (format, text)
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let levels = prop::option::of(select(vec!["error", "error+", "info,warn", "trace+", "fatal"]));
    let contains = prop::option::weighted(0.3, select(vec!["e", "10:23", "shop", "\\", "zzz"]));
    let regex = prop::option::weighted(0.3, select(vec!["[0-9]{3}", "^.", "(?i)error", "x$"]));
    let second = || prop::option::weighted(0.3, 44u8..49);
    let wheres =
        select(vec!["status >= 400", "level == \"error\"", "has(fields.pid)", "message.size() > 12"]);
    let condition = prop::option::weighted(0.3, wheres);
    (levels, contains, regex, second(), second(), condition).prop_map(
        |(levels, contains, regex, since, until, condition)| {
            let time =
                |second: u8| Timestamp::parse(format!("2024-01-15T10:23:{second}Z").as_bytes()).unwrap();
            let mut filter = Filter::new();
            if let Some(levels) = levels {
                filter = filter.levels(levels.parse().unwrap());
            }
            if let Some(text) = contains {
                filter = filter.contains(text.as_bytes());
            }
            if let Some(regex) = regex {
                filter = filter.regex(regex).unwrap();
            }
            if let Some(since) = since {
                filter = filter.since(time(since));
            }
            if let Some(until) = until {
                filter = filter.until(time(until));
            }
            if let Some(condition) = condition {
                filter = filter.condition(Condition::compile(condition).unwrap());
            }
            filter
        },
    )
}

/// The records of a text by the definition: line by line, without any shortcut.
fn naive_records<'t>(format: &Format, text: &'t [u8]) -> Vec<(usize, &'t [u8])> {
    let mut records: Vec<(usize, &[u8])> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let alone = records.is_empty() || !format.multiline() || format.begins_record(line);
        match records.last_mut() {
            Some((start, record)) if !alone => *record = &text[*start..at + line.len()],
            _ => records.push((at, line)),
        }
        at += line.len();
    }
    records.retain(|(_, record)| record.iter().any(|byte| !matches!(byte, b'\n' | b'\r')));
    records
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn shortcuts_give_what_parsing_everything_and_filtering_afterwards_gives(
        (format, text) in text(), filter in filter(), max_line in select(vec![60, MAX_LINE]),
    ) {
        let (seen, counts) = scan_with(&format, &filter, max_line, &text);
        let mut expected = Seen::default();
        let naive = naive_records(&format, &text);
        prop_assert_eq!(counts.records, naive.len() as u64);
        for (offset, raw) in naive {
            // Alone in its block, without a filter: nothing to take a shortcut for.
            let (alone, one) = scan_with(&format, &Filter::new(), max_line, raw);
            prop_assert_eq!(one.records, 1);
            let mut kept = Keeps { filter: &filter, raw, keeps: false };
            Scanner::new(format.clone(), Filter::new(), max_line, now()).scan(raw, &mut kept);
            let keeps = kept.keeps || !alone.failures.is_empty();
            if keeps {
                expected.extend(alone.shifted(offset));
            }
        }
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn a_file_cut_into_blocks_gives_the_records_of_the_whole_file(
        (format, text) in text(), filter in filter(), size in 1usize..200,
    ) {
        let (whole, whole_counts) = scan_with(&format, &filter, MAX_LINE, &text);
        let mut scanner = Scanner::new(format.clone(), filter, MAX_LINE, now());
        let mut seen = Seen::default();
        let mut counts = millstream_logs::scan::Counts::default();
        let (mut start, mut end) = (0, 0);
        while end < text.len() {
            end = (end + size).min(text.len());
            let block = &text[start..end];
            let cut = if end == text.len() { block.len() } else { format.cut(block) };
            let mut part = Seen::default();
            counts += scanner.scan(&block[..cut], &mut part);
            seen.extend(part.shifted(start));
            start += cut;
        }
        prop_assert_eq!(seen, whole);
        prop_assert_eq!(counts, whole_counts);
    }

    #[test]
    fn a_line_that_begins_a_record_still_does_when_more_of_it_is_known(
        format in select(formats()), line in line(), more in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        if format.begins_record(&line) && !line.is_empty() {
            let longer = [line, more].concat();
            prop_assert!(format.begins_record(&longer));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        format in select(formats()), filter in filter(), bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        scan_with(&format, &filter, MAX_LINE, &bytes);
        detect::binary(&bytes);
        let cut = format.cut(&bytes);
        prop_assert!(cut <= bytes.len());
        for (_, choice) in Choice::NAMES {
            detect::detect(&bytes, &Keys::default(), choice);
        }
    }
}

/// Asks the filter about a record by its definition.
struct Keeps<'f> {
    filter: &'f Filter,
    raw: &'f [u8],
    keeps: bool,
}

impl millstream_logs::scan::Visit for Keeps<'_> {
    fn record(&mut self, record: &millstream_logs::record::Parsed<'_>) {
        let newlines = self.raw.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        self.keeps = self.filter.keeps(&self.raw[..self.raw.len() - newlines], record);
    }

    fn failed(&mut self, _: millstream_logs::scan::Failure) {}
}

/// Text that is JSON or nearly.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let pieces = select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"level\"",
        "1",
        "-0.5e+3",
        "01",
        "1.",
        "true",
        "nul",
        "null",
        " ",
        "\t",
        "\"\\u00e9\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"tab\there\"",
        "\"long text without an escape\"",
        "\"a\\\"b\\\\\"",
        "\"open",
    ]);
    let valid = prop_oneof![
        Just(r#"{"a":1,"b":[1,{"c":[]},{}],"d":"x\ny","e":-1.5e3,"f":null}"#),
        Just(r#" { "time" : "now" , "k" : { "l" : [ [ ] , true ] } } "#),
        Just(r#"{"msg":"ümläut € 😀 and quite a bit more text behind it"}"#),
    ];
    let spoilt =
        (valid, prop::collection::vec((any::<Index>(), any::<u8>()), 0..3)).prop_map(|(text, changes)| {
            let mut text = text.as_bytes().to_vec();
            for (index, byte) in changes {
                let at = index.index(text.len());
                text[at] = byte;
            }
            text
        });
    let built = prop::collection::vec(pieces, 0..10)
        .prop_map(|pieces| format!("{{{}}}", pieces.concat()).into_bytes());
    prop_oneof![spoilt, built, prop::collection::vec(any::<u8>(), 0..20)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_json_is_what_serde_json_takes(text in nearly_json()) {
        let line: Vec<u8> = text.into_iter().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
        prop_assume!(!line.is_empty());
        let format = detected(b"{}");
        let (seen, _) = scan_with(&format, &Filter::new(), MAX_LINE, &line);
        let utf8 = std::str::from_utf8(&line).ok().map(|text| text.strip_prefix('\u{feff}').unwrap_or(text));
        let valid = utf8.is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
        let object = valid && utf8.unwrap().trim_start().starts_with('{');
        prop_assert_eq!(seen.records.len() == 1, object);
        if let Some(failure) = seen.failures.first() {
            prop_assert_eq!(failure.kind == FailKind::JsonNotObject, valid);
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

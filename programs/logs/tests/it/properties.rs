//! Scanning, as properties: shortcuts never change an answer, it does not matter how a file is cut,
//! and nothing panics.

use std::collections::BTreeMap;

use millstream_logs::filter::{Condition, Filter};
use millstream_logs::format::{Choice, FailKind, Format, Keys, detect};
use millstream_logs::scan::Scanner;
use millstream_logs::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::{FIXTURES, MAX_LINE, Seen, detected, now, scan_with};

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
    let lines: Vec<&[u8]> =
        FIXTURES.iter().flat_map(|(_, text)| text.split(|byte| *byte == b'\n')).collect();
    let spoilt =
        (select(lines.clone()), any::<Index>(), any::<u8>()).prop_map(|(line, index, byte)| {
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
    let wheres = select(vec![
        "status >= 400",
        "level == \"error\"",
        "has(fields.pid)",
        "message.size() > 12",
    ]);
    let condition = prop::option::weighted(0.3, wheres);
    (levels, contains, regex, second(), second(), condition).prop_map(
        |(levels, contains, regex, since, until, condition)| {
            let time = |second: u8| {
                Timestamp::parse(format!("2024-01-15T10:23:{second}Z").as_bytes()).unwrap()
            };
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
        let newlines =
            self.raw.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
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
    let spoilt = (valid, prop::collection::vec((any::<Index>(), any::<u8>()), 0..3)).prop_map(
        |(text, changes)| {
            let mut text = text.as_bytes().to_vec();
            for (index, byte) in changes {
                let at = index.index(text.len());
                text[at] = byte;
            }
            text
        },
    );
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

/// Lines that are JSON or nearly, of which neighbours mostly have the same keys.
fn json_lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let key = || {
        let plain = select(vec!["time", "level", "msg", "message", "host", "ts", "", "@timestamp"]);
        let odd = select(vec!["l\\u0065vel", "h\u{f6}st", "a\\\"b", "leve\u{7f}"]);
        (prop_oneof![8 => plain, 1 => odd], select(vec![":", " : ", ":  ", ":\t"]))
            .prop_map(|(name, colon)| format!("\"{name}\"{colon}"))
    };
    let shapes = prop::collection::vec(prop::collection::vec(key(), 0..5), 1..3);
    let value = || {
        select(vec!["\"error\"", "\"info\"", "1", "{\"level\":[]}", " 2", "\"\u{e9}\"", "\"x", ""])
    };
    let line = (
        any::<Index>(),
        prop::collection::vec(value(), 5),
        prop::option::weighted(0.2, (any::<Index>(), any::<u8>())),
    );
    (shapes, prop::collection::vec(line, 1..8)).prop_map(|(shapes, lines)| {
        let text = |shape: &[String], values: &[&str]| {
            let fields: Vec<String> =
                shape.iter().zip(values).map(|(key, value)| format!("{key}{value}")).collect();
            format!("{{{}}}", fields.join(",")).into_bytes()
        };
        lines
            .into_iter()
            .map(|(shape, values, change)| {
                let mut line = text(&shapes[shape.index(shapes.len())], &values);
                if let Some((at, byte)) = change {
                    let at = at.index(line.len());
                    line[at] = if matches!(byte, b'\n' | b'\r') { b' ' } else { byte };
                }
                line
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn what_a_json_line_means_does_not_depend_on_the_lines_before_it(
        lines in json_lines(), levels in prop::option::of(select(vec!["error", "info+"])),
    ) {
        let format = detected(b"{}");
        let filter = levels.map_or_else(Filter::new, |levels| Filter::new().levels(levels.parse().unwrap()));
        let lines: Vec<Vec<u8>> = lines.into_iter().map(|line| [&line[..], b"\n"].concat()).collect();
        let (seen, _) = scan_with(&format, &filter, MAX_LINE, &lines.concat());
        let mut expected = Seen::default();
        let mut offset = 0;
        for line in &lines {
            let (alone, _) = scan_with(&format, &filter, MAX_LINE, line);
            let object = |text| serde_json::from_str::<BTreeMap<String, serde::de::IgnoredAny>>(text).is_ok();
            let is_object = std::str::from_utf8(line).is_ok_and(object);
            prop_assert_eq!(alone.failures.is_empty(), is_object, "{:?}", String::from_utf8_lossy(line));
            expected.extend(alone.shifted(offset));
            offset += line.len();
        }
        prop_assert_eq!(seen, expected);
    }
}

//! Which format a file is found to have.

use millstream_logs::format::{Choice, Format, Keys, binary, detect};

use crate::support::{FIXTURES, detected, fixture, records};

#[test]
fn a_sample_that_ends_in_the_middle_of_a_line_is_enough() {
    for (name, text) in FIXTURES {
        let whole = detected(text);
        // The last line is spoilt by the cut, never the ones before it.
        let newline = text.iter().rposition(|byte| *byte == b'\n').unwrap();
        for end in [newline, newline - 3] {
            assert_eq!(detected(&text[..end]), whole, "{name} cut at {end}");
        }
    }
}

#[test]
fn one_line_without_a_newline_is_enough() {
    for (line, format) in [
        ("ERROR 2024-01-15T10:23:45Z no disk", "plain (level first)"),
        ("[ERROR] 2024-01-15 10:23:45 no disk", "plain (level first)"),
        ("{\"level\":\"info\"}", "json"),
        ("level=info msg=hi", "logfmt"),
        ("2024-01-15 10:23:45 | INFO     | app:main:12 - hi", "plain (time first)"),
        ("E0115 10:23:45.000001 1 a.cc:1] x", "plain (glog)"),
    ] {
        assert_eq!(detected(line.as_bytes()).name(), format, "{line}");
    }
}

#[test]
fn text_of_no_format_is_unknown() {
    for text in [
        "",
        "\n\n",
        "just a line",
        "a = b\nc = d\n",
        "Hello info desk,\nerror is human.\n",
        "name,level\nx,error\n",
        "[section]\nkey=value\nother=thing\n",
        "{\n  \"pretty\": true\n}\n",
        "- one\n- two\n",
    ] {
        assert_eq!(detected(text.as_bytes()), Format::Unknown, "{text:?}");
    }
}

#[test]
fn a_few_broken_lines_do_not_change_the_format() {
    let text = b"{\"msg\":\"a\"}\n{\"msg\":\"b\"}\npanic: oh no\n{\"msg\":\"c\"}\n";
    let found = Format::detect(text, &Keys::default());
    assert_eq!((found.format.name().as_ref(), found.matched, found.lines), ("json", 3, 4));
}

#[test]
fn a_long_trace_at_the_start_does_not_hide_the_format() {
    let mut text = b"ERROR 2024-01-15T10:23:45Z boom\n".to_vec();
    for _ in 0..300 {
        text.extend_from_slice(b"\tat com.example.Main.main(Main.java:7)\n");
    }
    assert_eq!(detected(&text).name(), "plain (level first)");
}

#[test]
fn what_is_asked_for_is_used_even_if_it_does_not_fit() {
    for (name, choice) in Choice::NAMES.into_iter().skip(1) {
        let found = detect::detect(b"no format at all\n", &Keys::default(), choice);
        assert!(found.format.name().starts_with(name), "{name}: {}", found.format.name());
        assert_eq!(name.parse(), Ok(choice));
    }
    let plain = detect::detect(fixture("python.log"), &Keys::default(), Choice::Plain);
    assert_eq!(plain.format.name(), "plain (python)");
    assert!("xml".parse::<Choice>().unwrap_err().to_string().contains("auto, plain, json"));
}

#[test]
fn keys_can_be_renamed() {
    let keys: Keys = "time=when,level=sev,message=text".parse().unwrap();
    let line = br#"{"when":"2024-01-15T10:23:45Z","sev":"W","text":"hi","msg":"other"}"#;
    let format = Format::detect(line, &keys).format;
    let (seen, _) = crate::support::scan_with(&format, &Default::default(), 1000, line);
    let record = &seen.records[0];
    assert_eq!((record.message(), record.fields_json()), (&b"hi"[..], r#"{"msg":"other"}"#));
    assert!(record.time.is_some() && record.level.is_some());
    for wrong in ["", "when", "time=", "size=x"] {
        assert!(wrong.parse::<Keys>().is_err(), "{wrong}");
    }
}

#[test]
fn a_value_that_is_not_understood_stays_among_the_fields() {
    let all = records(b"{\"time\":\"soon\",\"level\":\"loud\",\"msg\":{\"a\":1},\"level\":null}\n");
    assert_eq!((all[0].time, all[0].level, all[0].message()), (None, None, &br#"{"a":1}"#[..]));
    assert_eq!(all[0].fields_json(), r#"{"time":"soon","level":"loud","level":null}"#);
}

#[test]
fn binary_files_are_distinguished_from_logs() {
    for (name, text) in FIXTURES {
        assert!(!binary(text), "{name}");
    }
    assert!(
        !binary(b"")
            && !binary("INFO umlauts: äöü €\n".as_bytes())
            && !binary(b"latin-1: \xe4\xf6\xfc\n")
    );
    assert!(binary(b"\x7fELF\x02\x01\x01\0\0\0"));
    assert!(binary(b"SQLite format 3\0\x10"));
    assert!(binary(b"\xff\xfeI\0N\0F\0O\0"));
    assert!(binary(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
    // A truncated log may begin with a hole; other files that begin with zero bytes have more of
    // them.
    assert!(!binary(b"\0\0\0\0\0\0\0\0INFO after the hole\n"));
    assert!(
        binary(b"\0\0\0 ftypisom\0\0\x02\0") && binary(b"\0asm\x01\0\0\0") && binary(&[0; 100])
    );
}

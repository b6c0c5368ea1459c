//! Lines that look like another format than theirs: pairs in plain lines, times before JSON, odd
//! lines among many.

use millstream_logs::filter::Filter;
use millstream_logs::format::Keys;
use millstream_logs::format::{Choice, detect};
use millstream_logs::record::Record;

use crate::support::{detected, fixture, messages, records, scan};

fn errors(text: &str) -> Vec<String> {
    messages(text.as_bytes(), &Filter::new().levels("error".parse().unwrap()))
}

fn times(records: &[Record]) -> Vec<String> {
    records
        .iter()
        .map(|record| record.time.map_or("-".to_owned(), |time| time.to_string()))
        .collect()
}

#[test]
fn a_plain_line_with_pairs_in_its_message_keeps_its_time_and_its_level() {
    let orders = [
        "2024-01-15 10:23:4N LEVEL action=pay user=u42 status=fail code=17",
        "LEVEL 2024-01-15T10:23:4NZ action=pay user=u42 status=fail code=17",
        "[LEVEL] 2024-01-15T10:23:4NZ action=pay user=u42 status=fail code=17",
        "[2024-01-15 10:23:4N] [LEVEL] action=pay user=u42 status=fail code=17",
        "2024-01-15 10:23:4N [main] LEVEL action=pay user=u42 status=fail code=17",
        "[main] LEVEL 2024-01-15 10:23:4N,123 action=pay user=u42 status=fail code=17",
        "LEVEL [main] 2024-01-15 10:23:4N action=pay user=u42 status=fail code=17",
        "[main] 2024-01-15 10:23:4N LEVEL action=pay user=u42 status=fail code=17",
        "shop::api LEVEL 2024-01-15T10:23:4NZ action=pay user=u42 status=fail code=17",
        "2024-01-15T10:23:4NZ LEVEL shop::api: action=pay user=u42 status=fail code=17",
    ];
    for order in orders {
        let line =
            |n: u32, level: &str| order.replace('N', &n.to_string()).replace("LEVEL", level) + "\n";
        let text = line(5, "INFO") + &line(6, "ERROR") + &line(7, "WARN");
        let kept = errors(&text);
        assert_eq!(kept.len(), 1, "{order}: {}", detected(text.as_bytes()).name());
        assert!(
            kept[0].ends_with("action=pay user=u42 status=fail code=17"),
            "{order}: {}",
            kept[0]
        );
        let all = records(text.as_bytes());
        let expected = ["2024-01-15T10:23:45", "2024-01-15T10:23:46", "2024-01-15T10:23:47"];
        for (time, expected) in times(&all).iter().zip(expected) {
            assert!(time.starts_with(expected), "{order}: {time}");
        }
    }
}

#[test]
fn a_level_in_front_of_pairs_is_a_level() {
    let text = "INFO action=login user=u17\nERROR action=pay code=17\n";
    assert_eq!(errors(text), ["action=pay code=17"]);
}

#[test]
fn what_tracing_writes_is_never_logfmt() {
    let text = "2024-01-15T10:23:45.123456Z  INFO shop::api: request done method=GET path=/a status=200 retry=0\n\
                2024-01-15T10:23:46.123456Z ERROR shop::api: request done method=GET path=/x status=500 retry=1\n";
    let all = records(text.as_bytes());
    assert_eq!(all[1].fields_json(), r#"{"target":"shop::api"}"#);
    assert_eq!(errors(text), ["request done method=GET path=/x status=500 retry=1"]);
}

#[test]
fn real_logfmt_stays_logfmt_also_with_bare_keys() {
    for text in [
        "level=info msg=hi debug\nlevel=warn cached msg=ho\n",
        "cached method=GET status=200 level=info\nmethod=GET status=200 level=info\n",
        "at=info method=GET path=/ status=200\nat=info method=POST path=/ status=201\n",
    ] {
        assert_eq!(detected(text.as_bytes()).name(), "logfmt", "{text}");
    }
    assert_eq!(detected(fixture("logfmt.log")).name(), "logfmt");
}

#[test]
fn a_time_and_a_name_before_pairs_is_a_time() {
    let text = "2024-01-15T10:23:45.123456+00:00 app[router]: at=info method=GET path=/ status=200\n\
                2024-01-15T10:23:46.123456+00:00 heroku[router]: at=error code=H12 method=GET path=/x\n";
    let all = records(text.as_bytes());
    assert_eq!(times(&all), ["2024-01-15T10:23:45.123456Z", "2024-01-15T10:23:46.123456Z"]);
    assert!(all[1].message_lossy().ends_with("at=error code=H12 method=GET path=/x"));
}

#[test]
fn a_time_that_a_collector_put_before_logfmt_or_json_is_the_time_of_what_it_stands_before() {
    for (first, second) in [
        ("level=info msg=\"listening\" n=1", "level=error msg=\"cannot reach the store\" n=2"),
        (
            r#"{"level":"info","msg":"listening","n":1}"#,
            r#"{"level":"error","msg":"cannot reach the store","n":2}"#,
        ),
    ] {
        for prefix in ["", "web1 ", "[main] ", "stdout F "] {
            let text = format!(
                "2024-01-15T10:23:45Z {prefix}{first}\n2024-01-15T10:23:46Z {prefix}{second}\n"
            );
            assert_eq!(errors(&text), ["cannot reach the store"], "{text}");
            let all = records(text.as_bytes());
            assert_eq!(times(&all), ["2024-01-15T10:23:45Z", "2024-01-15T10:23:46Z"], "{text}");
            assert!(all[1].fields_json().contains(r#""n":2"#), "{text}");
            assert_eq!(all[1].fields_json().contains("web1"), prefix.contains("web1"), "{text}");
        }
    }
}

#[test]
fn a_time_of_its_own_counts_more_than_the_one_of_a_collector_which_is_kept() {
    let text = "2024-01-15T10:23:46Z {\"time\":\"2024-01-15T10:23:45Z\",\"level\":\"info\",\"msg\":\"a\"}\n\
                2024-01-15T10:23:47Z listening on port 8080\n";
    let all = records(text.as_bytes());
    assert_eq!(times(&all), ["2024-01-15T10:23:45Z", "2024-01-15T10:23:47Z"]);
    assert_eq!(all[0].fields_json(), r#"{"collected":"2024-01-15T10:23:46Z"}"#);
    assert_eq!(all[1].message_lossy(), "listening on port 8080");
}

#[test]
fn an_access_log_that_mixes_common_and_combined_lines_loses_neither() {
    let line = |i: usize, combined: bool| {
        let tail = if combined { " \"https://shop.example.com/\" \"probe/1\"" } else { "" };
        format!(
            "192.0.2.1 - - [15/Jan/2024:10:23:{:02} +0000] \"GET /a HTTP/1.1\" 200 {i}{tail}\n",
            i % 60
        )
    };
    // One in sixty, the first, every second, and combined ones only behind what decides the format.
    for short in [|i: usize| i == 40, |i| i == 0, |i| i % 2 == 0, |i| i < 300] {
        let text: String = (0..400).map(|i| line(i, !short(i))).collect();
        let (seen, counts) = scan(text.as_bytes(), &Filter::new());
        assert_eq!((counts.kept, counts.failed), (400, 0));
        for (i, record) in seen.records.iter().enumerate() {
            let fields: serde_json::Value = serde_json::from_str(record.fields_json()).unwrap();
            assert_eq!((&fields["status"], &fields["bytes"]), (&200.into(), &i.into()));
            assert_eq!(fields.get("agent").is_none(), short(i), "{i}");
            assert_eq!(fields.get("referer").is_none(), short(i), "{i}");
            assert!(fields.get("extra").is_none());
        }
    }
}

#[test]
fn one_odd_line_does_not_make_a_format_of_less() {
    let mut text: String =
        (0..60).map(|i| format!("INFO 2024-01-15T10:23:{i:02}Z n{i}\n")).collect();
    text.push_str("ERROR without a time\n");
    assert_eq!(detected(text.as_bytes()).name(), "plain (level first)");
    // Where there are many, the times of the others are read all the same.
    let mixed = text + &"ERROR without a time\n".repeat(60);
    let all = records(mixed.as_bytes());
    assert!(all[0].time.is_some() && all.len() > 100);
}

#[test]
fn json_behind_a_long_banner_or_among_stack_traces_is_json() {
    let json = |n: usize| {
        format!("{{\"time\":\"2024-01-15T10:23:45Z\",\"level\":\"error\",\"msg\":\"n{n}\"}}\n")
    };
    let banner = "  a line of a banner\n".repeat(60) + &(0..500).map(json).collect::<String>();
    assert_eq!(errors(&banner).len(), 500);
    let traces: String = (0..20)
        .map(|n| json(n) + &"\tat com.example.Main.main(Main.java:7)\n".repeat(30))
        .collect();
    assert_eq!(errors(&traces).len(), 20);
    let started = "INFO: writing to app.log\n".to_owned() + &(0..5).map(json).collect::<String>();
    assert_eq!(errors(&started).len(), 5);
}

#[test]
fn lines_of_json_that_belong_to_plain_records_do_not_make_the_file_json() {
    let text = "2024-01-15 10:23:45 ERROR refused the request:\n{\"user\":1}\n".repeat(20);
    assert_eq!(errors(&text).len(), 20);
    let found = detect::detect(text.as_bytes(), &Keys::default(), Choice::Auto);
    assert!(found.format.name().starts_with("plain"), "{}", found.format.name());
}

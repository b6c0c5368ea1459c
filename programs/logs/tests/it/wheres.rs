//! `--where`: conditions over fields.

use millstream_logs::filter::{Condition, Filter};
use proptest::prelude::*;

use crate::support::{fixture, messages, scan};

fn kept(name: &str, condition: &str) -> Vec<String> {
    messages(fixture(name), &Filter::new().condition(Condition::compile(condition).unwrap()))
}

#[test]
fn fields_are_variables_by_their_names() {
    assert_eq!(kept("clf.log", "status == 404"), ["POST /api/items?a=1&b=2 HTTP/2.0"]);
    assert_eq!(
        kept("clf.log", r#"path.startsWith("/api") && status >= 400"#),
        ["POST /api/items?a=1&b=2 HTTP/2.0"]
    );
    assert_eq!(
        kept("combined.log", r#"agent.contains("\"quotes\"")"#),
        ["GET /a%20b.png HTTP/1.1"]
    );
    assert_eq!(
        kept("logfmt.log", "port == 8080 || ratio < 1.0"),
        ["server started", "no \"disk\" left"]
    );
    assert_eq!(kept("json.log", "err.code == 28"), ["no \"disk\"\nleft"]);
    assert_eq!(kept("json.log", r#"fields["quote\"d"] == null"#), ["pino \u{e9}"]);
    assert_eq!(kept("json.log", r#""b" in tags"#), ["started"]);
    assert_eq!(
        kept("syslog_5424.log", r#"facility == "auth" && pid == 77"#),
        ["'su root' failed for alice"]
    );
}

#[test]
fn level_time_and_message_are_variables_too() {
    assert_eq!(kept("python.log", r#"level == "fatal""#), ["shutting down"]);
    let late = r#"time >= timestamp("2024-01-15T10:23:46.5Z") && time < timestamp("2024-01-15T10:24:00Z")"#;
    assert_eq!(kept("level_first.log", late), ["retrying in 2s"]);
    assert_eq!(
        kept("level_first.log", r#"message.matches("^pool has [0-9]+")"#),
        ["pool has 4 workers"]
    );
}

#[test]
fn a_missing_field_makes_it_false_and_is_no_error() {
    assert!(kept("json.log", "nowhere == 1").is_empty());
    assert!(kept("json.log", "nowhere != 1").is_empty());
    assert!(kept("json.log", "!(nowhere.at.all == 1)").is_empty());
    assert_eq!(kept("json.log", "nowhere == 1 || port == 8080"), ["started"]);
    assert_eq!(kept("json.log", "has(fields.port)"), ["started"]);
    let filter = Filter::new().condition(Condition::compile("nowhere == 1").unwrap());
    assert_eq!(scan(fixture("json.log"), &filter).1.undecided, 0);
}

#[test]
fn records_that_a_condition_cannot_decide_are_counted() {
    for condition in ["port + 1", r#"port.startsWith("80")"#] {
        let filter = Filter::new().condition(Condition::compile(condition).unwrap());
        let (_, counts) = scan(fixture("json.log"), &filter);
        assert_eq!((counts.kept, counts.filtered, counts.undecided), (0, 3, 1), "{condition}");
    }
}

#[test]
fn the_functions_of_the_standard_library_can_be_called() {
    let started = ["started"];
    for condition in [
        "type(port) == int",
        "string(port) == \"8080\"",
        "int(string(port)) == 8080 && double(port) > 1.0",
        "tags.exists(tag, tag == \"a\") && tags.all(tag, size(tag) == 1)",
        "tags.map(tag, tag + \"x\")[0] == \"ax\"",
        "time.getFullYear() == 2024 && time.getMinutes() == 23 && has(fields.port)",
        "time - timestamp(\"2024-01-15T10:23:45Z\") < duration(\"1s\") && port in [80, 8080]",
        "message.endsWith(\"ted\") && bool(\"true\") && uint(1) == 1u && bytes(\"a\") == b\"a\" && port > 0",
    ] {
        assert_eq!(kept("json.log", condition), started, "{condition}");
    }
}

#[test]
fn a_condition_that_does_not_compile_says_where() {
    let error = |source: &str| Condition::compile(source).unwrap_err().to_string();
    assert!(
        error("status = 404").contains("`status = 404` does not compile at column"),
        "{}",
        error("status = 404")
    );
    assert!(error("(status == 404").contains("column"), "{}", error("(status == 404"));
    assert!(error(r#"path.begins("/api")"#).contains("at column 6: there is no function begins()"));
    assert!(error("").contains("does not compile"));
}

/// A thread's stack is smaller than the one of the main thread, and this is where expressions run.
fn on_a_thread<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    let mut result = None;
    millstream::scope(&millstream::Context::new(), |threads| {
        threads.spawn("where", |_| {
            result = Some(run());
            Ok::<(), std::convert::Infallible>(())
        });
        Ok(())
    })
    .unwrap();
    result.unwrap()
}

#[test]
fn an_expression_that_is_too_large_or_too_deep_is_an_error_with_its_place() {
    let sums = vec!["1"; 4_843].join("+") + " > 0";
    let maps = "[1]".to_owned() + &".map(x, x + x)".repeat(34) + " == []";
    let nested = "[1].all(a, ".repeat(60) + "true" + &")".repeat(60);
    for source in
        [sums, maps, nested, "(".repeat(4_000), "!".repeat(4_000) + "true", "x".repeat(1 << 20)]
    {
        let error = on_a_thread(|| Condition::compile(&source)).unwrap_err().to_string();
        assert!(
            error.contains("column") && error.contains("levels") || error.contains("bytes"),
            "{error}"
        );
        assert!(error.len() < 300, "{error}");
    }
    let broad = vec![r#"status == 404 && path.startsWith("/api")"#; 300].join(" || ");
    assert_eq!(on_a_thread(|| kept("clf.log", &broad)).len(), 1);
}

#[test]
fn the_deepest_expressions_that_are_taken_can_be_used() {
    for source in [
        vec!["1"; 60].join("+") + " > 0",
        "(".repeat(30) + "true" + &")".repeat(30),
        "!".repeat(60) + "true",
        "true ? true : ".repeat(60) + "false",
        "[".repeat(29) + "1" + &"]".repeat(29) + " != 1",
    ] {
        assert_eq!(on_a_thread(|| kept("clf.log", &source).len()), 4, "{source}");
    }
}

#[test]
fn work_and_memory_of_an_expression_are_bounded_for_each_record() {
    let list = format!("[{}]", vec!["1"; 100].join(","));
    let line = format!(r#"{{"msg":"m","list":{list},"text":"{}"}}"#, "x".repeat(10_000));
    for source in [
        // Doubles with every step.
        "[text]".to_owned() + &".map(x, x + x)".repeat(12) + ".size() > 5",
        "[text]".to_owned() + &".map(x, [x, x])".repeat(12) + ".size() > 5",
        "[text]".to_owned() + &".map(x, {'a': x, 'b': x})".repeat(12) + ".size() > 5",
        // A hundred times more with every level.
        "list.all(a, ".repeat(7) + "true" + &")".repeat(7),
        "list.exists(a, ".repeat(7) + "false" + &")".repeat(7),
        "list.map(a, ".repeat(7) + "a" + &")".repeat(7) + " == []",
        "list.all(a, list.all(b, list.all(c, text.contains('y') == false)))".to_owned(),
        "[text].all(t, list.all(a, list.all(b, list.all(c, t.matches('y+') == false))))".to_owned(),
    ] {
        let filter = Filter::new().condition(Condition::compile(&source).unwrap());
        let (_, counts) = scan(line.as_bytes(), &filter);
        assert_eq!((counts.kept, counts.undecided), (0, 1), "{source}");
        let doubts = filter.doubts().join(" ");
        assert!(doubts.contains("too many steps"), "{doubts}");
    }
    for source in [
        "list.all(a, list.exists(b, a == b))",
        "list.map(a, a + 1).filter(a, a > 1).size() == 100",
        "text + text != text && text.size() == 10000",
        "list.exists_one(a, a == 2) == false && [text].map(t, t + t)[0].size() == 20000",
    ] {
        let filter = Filter::new().condition(Condition::compile(source).unwrap());
        assert_eq!(messages(line.as_bytes(), &filter), ["m"], "{source}: {:?}", filter.doubts());
    }
}

#[test]
fn options_that_ask_for_what_no_record_has_are_reported() {
    let doubts = |text: &[u8], filter: Filter| {
        scan(text, &filter);
        filter.doubts().join("\n")
    };
    let errors = || Filter::new().levels("error".parse().unwrap());
    let since = || Filter::new().since(crate::support::now());
    for text in [fixture("unknown.txt"), fixture("combined.log"), b"user=1 action=a\n"] {
        let reported = doubts(text, errors());
        assert!(
            reported.contains("--level keeps nothing") && reported.contains("--format"),
            "{reported}"
        );
    }
    for text in [fixture("unknown.txt"), fixture("level_only.log")] {
        let reported = doubts(text, since());
        assert!(
            reported.contains("--since keeps nothing") && reported.contains("time=NAME"),
            "{reported}"
        );
        assert!(
            doubts(text, since().until(crate::support::now())).contains("--since with --until")
        );
    }
    let reported = doubts(
        fixture("json.log"),
        Filter::new().condition(Condition::compile("prot == 80").unwrap()),
    );
    assert!(
        reported.contains("--where 'prot == 80'")
            && reported.contains("'prot'")
            && reported.contains("port"),
        "{reported}"
    );
    // What some record has is no mistake, and neither is a log without a record.
    assert_eq!(doubts(fixture("json.log"), Filter::new().levels("fatal".parse().unwrap())), "");
    assert_eq!(doubts(fixture("json.log"), since()), "");
    assert_eq!(doubts(b"", errors()), "");
}

#[test]
fn halves_of_surrogate_pairs_hide_no_value_from_a_condition() {
    let line = br#"{"msg":"m","f":{"cut \ud83d":["\udc00"],"n":1}}"#;
    let filter = Filter::new().condition(Condition::compile("f.n == 1").unwrap());
    assert_eq!(messages(line, &filter), ["m"]);
}

proptest! {
    #[test]
    fn no_expression_makes_it_panic(source in "\\PC{0,30}") {
        let _ = Condition::compile(&source);
    }
}

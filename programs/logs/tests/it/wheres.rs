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
    assert_eq!(kept("combined.log", r#"agent.contains("\"quotes\"")"#), ["GET /a%20b.png HTTP/1.1"]);
    assert_eq!(kept("logfmt.log", "port == 8080 || ratio < 1.0"), ["server started", "no \"disk\" left"]);
    assert_eq!(kept("json.log", "err.code == 28"), ["no \"disk\"\nleft"]);
    assert_eq!(kept("json.log", r#"fields["quote\"d"] == null"#), ["pino \u{e9}"]);
    assert_eq!(kept("json.log", r#""b" in tags"#), ["started"]);
    assert_eq!(kept("syslog_5424.log", r#"facility == "auth" && pid == 77"#), ["'su root' failed for alice"]);
}

#[test]
fn level_time_and_message_are_variables_too() {
    assert_eq!(kept("python.log", r#"level == "fatal""#), ["shutting down"]);
    let late = r#"time >= timestamp("2024-01-15T10:23:46.5Z") && time < timestamp("2024-01-15T10:24:00Z")"#;
    assert_eq!(kept("level_first.log", late), ["retrying in 2s"]);
    assert_eq!(kept("level_first.log", r#"message.matches("^pool has [0-9]+")"#), ["pool has 4 workers"]);
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

proptest! {
    #[test]
    fn no_expression_makes_it_panic(source in "\\PC{0,30}") {
        let _ = Condition::compile(&source);
    }
}

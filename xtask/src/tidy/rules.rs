//! Rules on one Rust file: how it opens, how long it is, what it must not contain.

use super::finding::{Finding, Source};

/// The most lines of a file.
const MOST: usize = 800;
/// The most columns of a comment; rustfmt wraps code, not prose.
const COLUMNS: usize = 100;

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !source.text.starts_with("//!") {
        findings.push(
            source.finding(
                1,
                "opens without `//!`: say what the file is for and what it does not do",
            ),
        );
    }
    let lines = source.text.lines().count();
    if lines > MOST {
        findings.push(
            source
                .finding(0, format!("{lines} lines, more than {MOST}: one idea a file; split it")),
        );
    }
    unfinished(source, &mut findings);
    ignored(source, &mut findings);
    sleeping(source, &mut findings);
    wide(source, &mut findings);
    findings
}

/// Prose wraps at a hundred columns. Tables and code blocks cannot be wrapped, nor can a line
/// without a space.
fn wide(source: &Source, findings: &mut Vec<Finding>) {
    let mut fenced = false;
    for (number, line) in numbered(&source.split.comments) {
        let prose = line.trim_start().trim_start_matches(['/', '!']).trim_start();
        if prose.starts_with("```") {
            fenced = !fenced;
        }
        let unbreakable = prose.starts_with('|') || prose.starts_with('`');
        if line.chars().count() > COLUMNS && !fenced && !unbreakable && prose.contains(' ') {
            findings
                .push(source.finding(number, format!("a comment of more than {COLUMNS} columns")));
        }
    }
}

/// What is unfinished does not land: marks in comments, and macros that stand for missing code.
fn unfinished(source: &Source, findings: &mut Vec<Finding>) {
    for (number, line) in numbered(&source.split.comments) {
        let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        for mark in words.filter(|word| ["FIXME", "TODO", "XXX"].contains(word)) {
            findings.push(
                source.finding(number, format!("`{mark}` cannot land: do it, or write an issue")),
            );
        }
    }
    for (number, line) in numbered(&source.split.code) {
        for stub in ["todo!", "unimplemented!"] {
            if line.contains(stub) {
                findings.push(
                    source.finding(number, format!("`{stub}` cannot land: nothing here is a stub")),
                );
            }
        }
    }
}

/// A test that is not run must say why.
fn ignored(source: &Source, findings: &mut Vec<Finding>) {
    for (number, line) in numbered(&source.split.code) {
        if line.split_whitespace().collect::<String>().contains("#[ignore]") {
            let what =
                "`#[ignore]` without a reason: write `#[ignore = \"why, and how to run it\"]`";
            findings.push(source.finding(number, what));
        }
    }
}

/// A test that sleeps is slow on every machine and wrong on a busy one.
fn sleeping(source: &Source, findings: &mut Vec<Finding>) {
    let tests_from = match source.path.contains("/tests/") || source.path.ends_with("/tests.rs") {
        true => 0,
        false => match source.split.code.find("#[cfg(test)]") {
            Some(at) => source.split.code[..at].matches('\n').count(),
            None => return,
        },
    };
    for (number, line) in numbered(&source.split.code).skip(tests_from) {
        let code: String = line.split_whitespace().collect();
        if ["thread::sleep", "thread::{sleep", "thread::park_timeout"]
            .iter()
            .any(|call| code.contains(call))
        {
            findings.push(
                source.finding(number, "a test sleeps: use virtual time, a barrier or a channel"),
            );
        }
    }
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Source::new(path, text)).iter().map(Finding::to_string).collect()
    }

    const PATH: &str = "crates/x/src/a.rs";

    #[test]
    fn a_file_that_does_not_say_what_it_is_for_is_found() {
        assert!(found(PATH, "//! Adds.\nfn f() {}\n").is_empty());
        assert!(found(PATH, "fn f() {}\n")[0].starts_with("crates/x/src/a.rs:1: opens without"));
        assert!(found(PATH, "// Adds.\n//! Adds.\n")[0].contains("opens without"));
    }

    #[test]
    fn a_file_of_more_than_eight_hundred_lines_is_found() {
        assert!(found(PATH, &format!("//! Long.\n{}", "\n".repeat(799))).is_empty());
        assert!(found(PATH, &format!("//! Long.\n{}", "\n".repeat(800)))[0].contains("801 lines"));
    }

    #[test]
    fn prose_beyond_a_hundred_columns_is_found_and_tables_and_code_are_not() {
        let wide = "word ".repeat(21);
        for ok in [
            format!("//! | {wide} |"),
            format!("//! ```\n//! {wide}\n//! ```"),
            "//! ".to_owned() + &"x".repeat(101),
        ] {
            assert!(found(PATH, &format!("{ok}\n")).is_empty(), "{ok}");
        }
        let lines = found(PATH, &format!("//! Adds.\nfn f() {{}}\n    // {wide}\n"));
        assert_eq!(lines, ["crates/x/src/a.rs:3: a comment of more than 100 columns"]);
    }

    #[test]
    fn what_is_unfinished_is_found_in_comments_and_code_but_not_in_strings_or_longer_words() {
        for mark in ["FIXME", "TODO", "XXX"] {
            let text = format!("//! Adds.\nfn f() {{}} // {mark}: later\n");
            assert!(
                found(PATH, &text)[0].starts_with(&format!("crates/x/src/a.rs:2: `{mark}`")),
                "{mark}"
            );
        }
        for stub in ["todo!", "unimplemented!"] {
            assert!(found(PATH, &format!("//! Adds.\nfn f() {{ {stub}() }}\n"))[0].contains(stub));
        }
        assert!(
            found(PATH, "//! The word TODOS and XXXL.\nconst A: &str = \"FIXME todo!()\";\n")
                .is_empty()
        );
    }

    #[test]
    fn an_ignored_test_without_a_reason_is_found() {
        assert!(found(PATH, "//! Tests.\n#[ignore]\nfn f() {}\n")[0].contains("without a reason"));
        assert!(found(PATH, "//! Tests.\n#[ignore = \"takes an hour\"]\nfn f() {}\n").is_empty());
    }

    #[test]
    fn a_sleep_is_found_in_tests_and_only_there() {
        let body = "fn f() { std::thread::sleep(TIME) }\n";
        assert!(
            found("crates/x/tests/it/a.rs", &format!("//! T.\n{body}"))[0]
                .contains("a test sleeps")
        );
        let inline = format!("//! T.\n{body}#[cfg(test)]\nmod tests {{\n    {body}}}\n");
        let lines = found(PATH, &inline);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("crates/x/src/a.rs:5:"), "{lines:?}");
        assert!(
            found("crates/x/src/a/tests.rs", "//! T.\nuse std::thread::{sleep, spawn};\n").len()
                == 1
        );
    }
}

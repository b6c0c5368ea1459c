//! What holds for every run, whatever its input: how it ends, what it says, and that its report
//! adds up.
//!
//! What holds for one program stands beside the generator of its input.

use std::fs;
use std::path::Path;

use super::process::{End, Ended, Limits};
use super::run::{Ran, Run};
use crate::json::Json;

/// The exit codes that `--help` lists.
const CODES: [i32; 6] = [0, 1, 2, 3, 4, 130];

/// Takes what was found, and whether a busy machine may have caused it.
type Found<'a> = dyn FnMut(String, bool) + 'a;

/// The run ended by itself, in time, with a code that is documented.
pub(super) fn ending(ended: &Ended, limits: Limits, found: &mut Found<'_>) {
    let seconds = ended.elapsed.as_secs_f64();
    match &ended.end {
        End::Code(code) if CODES.contains(code) => {}
        End::Code(code) => found(format!("exit code {code}, which is not documented"), false),
        End::Signal(signal) => found(format!("ended by {signal}"), false),
        End::Time => found(format!("did not end within {seconds:.1} s"), true),
        End::Memory => found(format!("took more than {} MB of memory", limits.memory_mb), false),
        End::Output => found(format!("printed more than {} MB", limits.output_mb), false),
    }
}

/// No panic and no control characters reach the terminal.
pub(super) fn said(ran: &Ran, found: &mut Found<'_>) {
    let err = String::from_utf8_lossy(&ran.err);
    for sign in ["panicked at", "RUST_BACKTRACE", "overflowed its stack", "memory allocation of"] {
        if let Some(line) = err.lines().find(|line| line.contains(sign)) {
            found(format!("standard error has `{sign}`: {}", shown(line)), false);
            break;
        }
    }
    // A text of JSON may have anything from U+007F on, and standard output is data first.
    let is_raw = |c: char| c < ' ' && c != '\t';
    let is_raw_for_people = |c: char| c.is_control() && c != '\t';
    let outputs: [(_, _, &dyn Fn(char) -> bool); 2] =
        [("output", &ran.out, &is_raw), ("error", &ran.err, &is_raw_for_people)];
    for (name, bytes, is_raw) in outputs {
        let text = String::from_utf8_lossy(bytes);
        if let Some(line) = text.split('\n').find(|line| line.chars().any(is_raw)) {
            found(format!("standard {name} has a raw control character: {}", shown(line)), false);
        }
    }
}

/// The report is there unless nothing was run, is JSON, agrees with the exit code, and adds up.
pub(super) fn report(work: &Path, run: &Run, ran: &mut Ran, found: &mut Found<'_>) {
    let (Some(name), Some(code)) = (&run.report, ran.code) else { return };
    let path = work.join(name);
    let must = matches!(code, 0 | 1 | 4 | 130);
    let text = match fs::read(&path) {
        Ok(text) if must || code == 3 => text,
        Err(error) if must => {
            return found(format!("exit {code}, but the report is missing: {error}"), false);
        }
        _ => return,
    };
    match Json::parse(&text) {
        Err(error) => found(format!("exit {code}, but the report is {error}"), false),
        Ok(report) => {
            sums(&report, code).into_iter().for_each(|what| found(what, false));
            ran.report = Some(report);
        }
    }
}

/// What does not add up in a report.
fn sums(report: &Json, code: i32) -> Vec<String> {
    let mut wrong = Vec::new();
    let status = match code {
        0 => "done",
        1 => "failed items",
        3 => "unusable",
        4 => "deadline",
        _ => "interrupted",
    };
    if report.text("status") != Some(status) {
        wrong.push(format!("exit {code}, but the report's status is {:?}", report.text("status")));
    }
    if report.get("balances") != Some(&Json::Bool(true)) {
        wrong.push("the report says that it does not balance".to_owned());
    }
    let totals = report.get("totals");
    let count = |name| totals.and_then(|totals| totals.count(name));
    let parts = ["out", "filtered", "skipped", "failed", "cancelled"].map(count);
    // What a crawl leaves in its frontier is still held by it.
    let held = report.get("summary").and_then(|summary| summary.count("left")).unwrap_or(0);
    let sum = parts.into_iter().sum::<Option<u64>>().map(|sum| sum + held);
    if sum.is_none() || sum != count("in") {
        wrong.push(format!("the report's totals do not add up: {totals:?}"));
    }
    wrong
}

/// A line for the terminal, without what the terminal would obey, and not all of a long one.
pub(super) fn shown(line: &str) -> String {
    line.chars().take(160).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ran(err: &str, out: &str) -> Vec<String> {
        let ran = Ran { code: Some(0), out: out.into(), err: err.into(), report: None };
        let mut all = Vec::new();
        said(&ran, &mut |what, _| all.push(what));
        all
    }

    #[test]
    fn a_panic_and_a_raw_control_character_are_found() {
        assert!(ran("done: 5 records\n", "a\tb\n").is_empty());
        assert!(
            ran("thread 'main' panicked at src/a.rs:5:\n", "")[0].contains("panicked at src/a.rs")
        );
        assert!(
            ran("x", "a \u{1b}[31m b")[0]
                .contains("output has a raw control character: a \\u{1b}[31m b")
        );
    }

    #[test]
    fn a_report_that_does_not_add_up_or_reports_another_end_is_found() {
        let report = |status: &str, out: u32| {
            let text = format!(
                r#"{{"status": "{status}", "balances": true, "totals":
                {{"in": 5, "out": {out}, "filtered": 1, "skipped": 0, "failed": 0, "cancelled": 0}}}}"#
            );
            Json::parse(text.as_bytes()).expect("it is JSON")
        };
        assert!(sums(&report("done", 4), 0).is_empty());
        assert_eq!(sums(&report("done", 4), 1).len(), 1);
        assert_eq!(sums(&report("done", 3), 0).len(), 1);
        assert_eq!(sums(&Json::Null, 0).len(), 3);
    }

    #[test]
    fn an_end_that_is_not_documented_is_found() {
        let judged = |end| {
            let mut all = Vec::new();
            let limits = Limits { time: Duration::ZERO, memory_mb: 1, output_mb: 1 };
            ending(&Ended { end, elapsed: Duration::ZERO }, limits, &mut |what, _| all.push(what));
            all.len()
        };
        assert_eq!(CODES.map(|code| judged(End::Code(code))), [0; 6]);
        for end in [
            End::Code(101),
            End::Signal("signal: 6".to_owned()),
            End::Time,
            End::Memory,
            End::Output,
        ] {
            assert_eq!(judged(end), 1);
        }
    }
}

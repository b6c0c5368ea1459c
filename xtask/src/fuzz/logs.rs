//! Logs of every kind and of none: mixed, cut, with holes, packed; from a file and in pieces on
//! standard input.
//!
//! Every line has a token of its own, which must come out again: in a record, or with the bytes of
//! what failed.

mod expressions;
mod lines;

use super::case::Case;
use super::pack;
use super::random::Random;
use super::run::{Ran, Run};
use crate::json::Json;
use crate::shell::Result;

/// A log, and what is known of it.
struct Log {
    bytes: Vec<u8>,
    /// What is read in the end, after decompression.
    content: Vec<u8>,
    /// It is not damaged as a file, so that every line must be accounted for.
    whole: bool,
}

/// One log, read in several ways; or an expression for `--where`.
pub(super) fn case(case: &mut Case) -> Result {
    if case.random.one_in(4) {
        return expression(case);
    }
    let log = log(&mut case.random);
    case.input("in.log", &log.bytes)?;
    let options = options(&mut case.random);
    let reading = |input: &str| Run::new("logs").arg(input).args(&options);
    let file =
        case.run(reading("in.log").report("file.json").args(["--dead-letter", "dead.bin"]))?;
    accounted(case, &log, &file);

    let mut piped = reading("-").report("piped.json").args(["--to", "piped.jsonl"]);
    piped.stdin = Some(pieces(&mut case.random, &log.bytes));
    let piped = case.run(piped)?;
    same(case, &file, &piped, &["in", "out", "failed"], "standard input");

    let mut filtered = reading("in.log").report("filtered.json").args(["--to", "filtered.jsonl"]);
    filtered = filter(&mut case.random, filtered);
    if case.random.one_in(4) {
        let (deadline, grace) = (case.random.within(1..=500), case.random.within(1..=500));
        filtered = filtered.deadline(deadline, grace);
    }
    let stopped = filtered.deadline.is_some();
    let filtered = case.run(filtered)?;
    // Of an expression at random, the program may say that it is none.
    if !stopped && filtered.code != Some(2) {
        same(case, &file, &filtered, &["in"], "a filter");
    }
    Ok(())
}

/// A log from lines, damaged as often as not, and packed at times.
fn log(random: &mut Random) -> Log {
    let mut content = lines::content(random);
    if random.one_in(3) {
        lines::damage(random, &mut content);
    }
    let mut log = Log { bytes: content.clone(), content, whole: true };
    if random.one_in(5) {
        let cut = random.below(log.content.len() + 1);
        let (first, second) = log.content.split_at(cut);
        log.bytes = match random.below(3) {
            0 => [pack::gzip(first), pack::gzip(second)].concat(),
            _ => pack::gzip(&log.content),
        };
        match random.below(6) {
            0 => log.bytes.truncate(random.below(log.bytes.len())),
            1 => log.bytes.extend(random.bytes(5)),
            2 => log.bytes.extend([0; 512]),
            3 => {
                let at = random.below(log.bytes.len());
                log.bytes[at] ^= 1 << random.below(8);
            }
            _ => return log,
        }
        log.whole = false;
    }
    log
}

/// Options under which each run of a case reads the log.
fn options(random: &mut Random) -> Vec<String> {
    let mut options = Vec::new();
    if random.one_in(3) {
        let formats = ["auto", "plain", "json", "logfmt", "clf", "combined", "syslog"];
        options.push(format!("--format={}", random.pick(&formats)));
    }
    if random.one_in(4) {
        options.push(format!("--max-line={}", random.pick(&["1", "64", "1000", "65536", "100KB"])));
    }
    if random.one_in(2) {
        options.push(format!("--workers={}", random.pick(&["1", "2", "1..=3"])));
    }
    if random.one_in(4) {
        options.push(format!("--batch={}", random.pick(&["1", "7", "100000"])));
    }
    if random.one_in(6) {
        options.push(format!(
            "--keys=time={0},level={0},message={0}",
            random.pick(&["id", "msg", "a", "ts"])
        ));
    }
    options
}

/// The bytes as a pipe may bring them.
fn pieces(random: &mut Random, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() && pieces.len() < 200 {
        let length = 1 + random.length(rest.len() - 1);
        pieces.push(rest[..length].to_vec());
        rest = &rest[length..];
    }
    pieces.push(rest.to_vec());
    pieces
}

fn filter(random: &mut Random, run: Run) -> Run {
    match random.below(5) {
        0 => run.args(["--level", random.pick(&["error", "warn+", "trace,fatal", "info"])]),
        1 => run.args(["--contains", random.pick(&["k0", "é", "\"", "\\"])]),
        2 => run.args(["--regex", random.pick(&["k0+1", "(?i)ERROR|x", "^$", "\\d{3,}"])]),
        3 => run.args([
            "--since",
            random.pick(&["2024-01-15", "2h", "1970-01-01T00:00:00Z", "9999-12-31"]),
        ]),
        _ => run.arg("--where").arg(expressions::plain(random)),
    }
}

/// An expression, which is refused, or evaluated within the limits.
fn expression(case: &mut Case) -> Result {
    let text =
        "{\"k\":\"v\",\"x\":[1,2,3],\"msg\":\"one\",\"n\":5}\n".repeat(case.random.within(1..=40));
    case.input("in.log", text.as_bytes())?;
    let expression = expressions::any(&mut case.random);
    let run = Run::new("logs").args(["in.log", "--format=json"]).report("r.json");
    let run = if case.random.one_in(2) { run.deadline(1_000, 500) } else { run };
    case.run(run.arg(format!("--where={expression}"))).map(drop)
}

/// Every line is in a record or among what failed, and every record is JSON.
fn accounted(case: &mut Case, log: &Log, ran: &Ran) {
    let Some(code @ (0 | 1 | 3)) = ran.code else {
        return case.found(format!("a log that was given as a file ended with {:?}", ran.code));
    };
    for line in ran.out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        if let Err(error) = Json::parse(line) {
            case.found(format!("a record is {error}"));
            break;
        }
    }
    let rows = ran.out.iter().filter(|byte| **byte == b'\n').count() as u64;
    if ran.total("out").is_some_and(|out| out != rows) {
        case.found(format!("the report says {:?} records, and there are {rows}", ran.total("out")));
    }
    // A file that is binary or damaged is named, and what could be read of it is no promise.
    if code == 3 || !log.whole {
        return;
    }
    let dead = case.read("dead.bin");
    let kept: std::collections::BTreeSet<&[u8]> =
        lines::tokens(&ran.out).chain(lines::tokens(&dead)).collect();
    let lost: Vec<String> = lines::tokens(&log.content)
        .filter(|token| !kept.contains(token))
        .map(|token| String::from_utf8_lossy(token).into_owned())
        .collect();
    if !lost.is_empty() {
        case.found(format!(
            "{} lines are in no record and not among what failed: {:?}",
            lost.len(),
            &lost[..1]
        ));
    }
}

/// Two ways to read a log count the same.
fn same(case: &mut Case, one: &Ran, other: &Ran, names: &[&str], how: &str) {
    // A binary or damaged file ends both with 3; what was read before that was seen may differ.
    if one.code == Some(3) && other.code == Some(3) {
        return;
    }
    if (one.code == Some(3)) != (other.code == Some(3)) {
        return case.found(format!(
            "with {how} the exit code is {:?}, without {:?}",
            other.code, one.code
        ));
    }
    for name in names {
        if one.total(name) != other.total(name) {
            let (with, without) = (other.total(name), one.total(name));
            case.found(format!(
                "with {how} `{name}` of the totals is {with:?}, without {without:?}"
            ));
        }
    }
}

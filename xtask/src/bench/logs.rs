//! `cargo xtask bench logs`: ten million lines, their errors kept, by `millstream logs` and by its
//! peers.
//!
//! Three comparisons, each with a log and a verified count: plain lines into JSON lines, the same
//! into SQLite, and a log of JSON objects.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::machine;
use super::measure::{self, Answer, Run};
use super::peers::{self, Peer};
use super::record::{chosen, directory, publish};
use super::table::{self, Row};
use crate::gen_log::{self, Format, Wanted};
use crate::shell::{self, Result, cargo, command, output, run as sh, step};

const PLAIN: &str = "Plain log, errors as JSON lines";
const SQLITE: &str = "Plain log, errors into SQLite";
const JSON: &str = "JSON log, errors as JSON lines";
const OURS: &str = "millstream";
const ONE_WORKER: &str = "millstream, one worker";
const GO_PIPELINE: &str = "the guide's pipeline (Go)";
const GO_LOOP: &str = "the guide's loop (Go)";
const RIPGREP_COUNT: &str = "ripgrep, counts only";

/// A program with its arguments, and where it leaves its answer.
#[derive(Clone, Debug)]
struct Contender {
    task: &'static str,
    name: &'static str,
    argv: Vec<String>,
    answer: Answer,
}

/// A log and the number of errors in it, as grep counts them.
#[derive(Clone, Debug)]
struct Input {
    path: PathBuf,
    lines: u64,
    bytes: u64,
    errors: u64,
}

/// What the arguments ask for.
struct Options<'a> {
    lines: usize,
    repeat: usize,
    only: Option<&'a str>,
}

/// Makes the inputs, runs everybody in turns, shows and records the tables.
pub(crate) fn run(args: &[String]) -> Result {
    let mut options = Options { lines: 10_000_000, repeat: 5, only: None };
    for (name, value) in shell::flags(args, &["lines", "repeat", "only"])? {
        match name {
            "lines" => options.lines = shell::number(name, value)?,
            "repeat" => options.repeat = shell::number(name, value)?.max(1),
            _ => options.only = Some(value),
        }
    }
    step("build millstream", || {
        sh(&mut cargo(&["build", "--release", "--package", "millstream-cli", "--locked"]))
    })?;
    peers::packaged("time", "time", &["--version"])?;
    let plain = input(Format::Plain, "app", "^ERROR ", options.lines)?;
    let json = input(Format::Json, "json", "\"level\":\"error\"", options.lines)?;
    let mut field = Field::default();
    field.ours(&plain.path, &json.path)?;
    field.peers(&plain.path, &json.path)?;
    field.contenders.retain(|contender| chosen(options.only, contender.name));
    let description = machine::description()?;
    let runs = in_turns(&field.contenders, &plain, &json, options.repeat)?;
    let page = page(&description, &field, &runs, &plain, &json, options.repeat);
    publish("logs", &page, options.only.is_none())
}

/// The log of this shape and length, made if it is missing, read once, and counted by grep.
fn input(format: Format, name: &str, pattern: &str, lines: usize) -> Result<Input> {
    let path = directory("logs")?.join(format!("{name}-{lines}.log"));
    println!("{}: {}", path.display(), gen_log::ensure(&Wanted { lines, format }, &path)?);
    let found = measure::warm(&path)?;
    if found != lines as u64 {
        return Err(
            format!("{} has {found} lines instead of {lines}; remove it", path.display()).into()
        );
    }
    let errors = output(command("grep").args(["-c", pattern]).arg(&path).env("LC_ALL", "C"))?;
    let errors = shell::number("grep -c", errors.trim())? as u64;
    let bytes = shell::context(std::fs::metadata(&path), path.display())?.len();
    Ok(Input { path, lines: found, bytes, errors })
}

/// Who takes part, who does not and why, and of what versions.
#[derive(Default)]
struct Field {
    contenders: Vec<Contender>,
    skipped: Vec<String>,
    versions: BTreeSet<String>,
}

impl Field {
    fn add(&mut self, task: &'static str, name: &'static str, argv: &[&str], answer: Answer) {
        let argv = argv.iter().map(|arg| (*arg).to_owned()).collect();
        self.contenders.push(Contender { task, name, argv, answer });
    }

    /// The peer, or a note that it is skipped.
    fn found(&mut self, name: &str, peer: Result<Peer>) -> Option<String> {
        match peer {
            Ok(peer) => {
                self.versions.insert(peer.version);
                Some(peer.program)
            }
            Err(error) => {
                println!("{name} is skipped: {error}");
                self.skipped.push(format!("{name}: {error}"));
                None
            }
        }
    }

    fn ours(&mut self, plain: &Path, json: &Path) -> Result {
        let binary = shell::target_dir()
            .join("release")
            .join(format!("millstream{}", std::env::consts::EXE_SUFFIX));
        let binary = binary.display().to_string();
        self.versions.insert(machine::one_line(&binary, &["--version"]));
        let out = directory("out")?.join("millstream.jsonl");
        let database = directory("out")?.join("millstream.db");
        let mut add =
            |task, name, log: &Path, to: &Path, more: &[&str], answer: fn(PathBuf) -> Answer| {
                let (log, shown) = (log.display().to_string(), to.display().to_string());
                let base = [&binary, "logs", &log, "--level", "error", "--to", &shown, "--quiet"];
                self.add(task, name, &[&base, more].concat(), answer(to.to_owned()));
            };
        add(PLAIN, OURS, plain, &out, &[], Answer::LinesOf);
        add(PLAIN, ONE_WORKER, plain, &out, &["--workers", "1"], Answer::LinesOf);
        add(SQLITE, OURS, plain, &database, &[], |path| Answer::RowsOf("records", path));
        add(JSON, OURS, json, &out, &[], Answer::LinesOf);
        add(JSON, ONE_WORKER, json, &out, &["--workers", "1"], Answer::LinesOf);
        Ok(())
    }

    fn peers(&mut self, plain: &Path, json: &Path) -> Result {
        let out = directory("out")?.join("peer.jsonl");
        let to = out.display().to_string();
        let (plain, json) = (plain.display().to_string(), json.display().to_string());
        let written = || Answer::LinesOf(out.clone());
        for (name, program) in [(GO_PIPELINE, "logpipeline"), (GO_LOOP, "logloop")] {
            if let Some(program) = self.found(name, peers::go("go-guide", program)) {
                self.add(PLAIN, name, &[&program, &plain, &to], written());
            }
        }
        if let Some(python) = self.found("DuckDB", peers::python("duckdb")) {
            let script = "bench/engines/duckdb/errors.py";
            self.add(PLAIN, "DuckDB", &[&python, script, "plain", &plain, &to], written());
            self.add(JSON, "DuckDB", &[&python, script, "json", &json, &to], written());
        }
        if let Some(mawk) = self.found("mawk", peers::packaged("mawk", "mawk", &["-W", "version"]))
        {
            self.add(
                PLAIN,
                "mawk",
                &[&mawk, "-f", "bench/engines/mawk/errors.awk", &plain],
                Answer::LinesPrinted,
            );
        }
        if let Some(agrind) = self.found("angle-grinder", peers::angle_grinder()) {
            let lines =
                "ERROR | parse \"* * *\" as level, time, message | where level == \"ERROR\"";
            let objects = "error | json | where level == \"error\"";
            let answer = Answer::LinesPrinted;
            self.add(
                PLAIN,
                "angle-grinder",
                &[&agrind, "-f", &plain, "-o", "json", lines],
                answer.clone(),
            );
            self.add(JSON, "angle-grinder", &[&agrind, "-f", &json, "-o", "json", objects], answer);
        }
        if let Some(rg) = self.found("ripgrep", peers::packaged("rg", "ripgrep", &["--version"])) {
            let object = "\"level\":\"error\"";
            self.add(
                PLAIN,
                "ripgrep, prints lines",
                &[&rg, "^ERROR ", &plain],
                Answer::LinesPrinted,
            );
            self.add(PLAIN, RIPGREP_COUNT, &[&rg, "-c", "^ERROR ", &plain], Answer::Printed);
            self.add(JSON, RIPGREP_COUNT, &[&rg, "-c", object, &json], Answer::Printed);
        }
        self.add(PLAIN, "grep, counts only", &["grep", "-c", "^ERROR ", &plain], Answer::Printed);
        self.versions.insert(machine::one_line("grep", &["--version"]));
        Ok(())
    }
}

/// Everybody once, then everybody again: what disturbs the machine for a while disturbs all.
fn in_turns(
    contenders: &[Contender],
    plain: &Input,
    json: &Input,
    repeat: usize,
) -> Result<Vec<Vec<Run>>> {
    let scratch = directory("out")?;
    let mut runs = vec![Vec::new(); contenders.len()];
    for turn in 1..=repeat {
        println!("── turn {turn} of {repeat}");
        for (contender, runs) in contenders.iter().zip(&mut runs) {
            let run = measure::once(&contender.argv, &contender.answer, &scratch)?;
            let expected = if contender.task == JSON { json.errors } else { plain.errors };
            if run.answer != expected {
                let what =
                    format!("{} found {} errors, grep {expected}", contender.name, run.answer);
                return Err(format!("wrong answer: {what}: `{}`", contender.argv.join(" ")).into());
            }
            println!("{:32} {:>8.3} s  {}", contender.name, run.wall_s, contender.task);
            runs.push(run);
        }
    }
    Ok(runs)
}

fn page(
    description: &str,
    field: &Field,
    runs: &[Vec<Run>],
    plain: &Input,
    json: &Input,
    repeat: usize,
) -> String {
    let rows = |task: &str| -> Vec<Row> {
        let pairs =
            field.contenders.iter().zip(runs).filter(|(contender, _)| contender.task == task);
        pairs
            .map(|(contender, runs)| Row::new(contender.name, &shown(&contender.argv), runs))
            .collect()
    };
    let mut text = format!(
        "# `millstream logs` and its peers\n\n{description}\n\nRepeat it with `cargo xtask bench logs`. {repeat} turns, everybody \
         once a turn; median and fastest time, median processor time, highest peak memory; files in memory; every answer \
         equals grep's. `factor` is the median against the first row's.\n"
    );
    for (task, input) in [(PLAIN, plain), (SQLITE, plain), (JSON, json)] {
        let rows = rows(task);
        if rows.is_empty() {
            continue;
        }
        let Input { lines, bytes, errors, .. } = input;
        text.push_str(&format!(
            "\n## {task}\n\n{lines} lines, {} MB, {errors} errors.\n\n",
            bytes / 1_000_000
        ));
        text.push_str(&table::render(&rows, *lines, *bytes));
        text.push_str(&format!("\nCommands:\n\n{}", table::commands(&rows)));
    }
    text.push_str(&format!("\n## Against what was promised\n\n{}", promises(&rows, json)));
    let list = |items: &mut dyn Iterator<Item = &String>| {
        items.map(|item| format!("- {item}\n")).collect::<String>()
    };
    text.push_str(&format!("\n## Versions\n\n{}", list(&mut field.versions.iter())));
    if !field.skipped.is_empty() {
        text.push_str(&format!("\n## Skipped\n\n{}", list(&mut field.skipped.iter())));
    }
    text
}

/// The ratios that the project has set itself, kept or missed.
fn promises(rows: &dyn Fn(&str) -> Vec<Row>, json: &Input) -> String {
    let wall = |task: &str, name: &str| {
        rows(task).into_iter().find(|row| row.name == name).map(|row| row.wall_s)
    };
    let ratio = |over: Option<f64>, under: Option<f64>| Some(over? / under?);
    let ours = wall(PLAIN, OURS);
    let tasks = [PLAIN, SQLITE, JSON];
    let our_rows =
        tasks.iter().flat_map(|task| rows(task)).filter(|row| row.name.starts_with(OURS));
    let memory = our_rows.map(|row| row.peak_mb).reduce(f64::max);
    let per_core = wall(JSON, ONE_WORKER).map(|wall| json.bytes as f64 / wall / 1e9);
    let mut text = String::from("| promise | measured | |\n|---|---:|---|\n");
    let mut line = |what: &str, measured: Option<f64>, kept: fn(f64) -> bool| {
        let Some(measured) = measured else { return };
        let verdict = if kept(measured) { "kept" } else { "missed" };
        text.push_str(&format!("| {what} | {measured:.2} | {verdict} |\n"));
    };
    line(
        "at least 10 times as fast as the guide's pipeline",
        ratio(wall(PLAIN, GO_PIPELINE), ours),
        |r| r >= 10.0,
    );
    line("at least 4 times as fast as the guide's loop", ratio(wall(PLAIN, GO_LOOP), ours), |r| {
        r >= 4.0
    });
    line("at most 4 times the time of `rg -c`", ratio(ours, wall(PLAIN, RIPGREP_COUNT)), |r| {
        r <= 4.0
    });
    line(
        "SQLite: at most 2.5 times the time of JSON lines",
        ratio(wall(SQLITE, OURS), ours),
        |r| r <= 2.5,
    );
    line("JSON log: at least 0.5 GB/s with one worker", per_core, |rate| rate >= 0.5);
    line("peak memory below 64 MB", memory, |mb| mb < 64.0);
    text
}

/// A command as one would type it, from the root of the repository.
fn shown(argv: &[String]) -> String {
    argv.split_first()
        .map_or_else(String::new, |(program, args)| shell::shown(command(program).args(args)))
}

//! A run's report as JSON, in the shape that all programs share, and the file it goes to.

#[cfg(any(feature = "crawl", feature = "logs"))]
pub(crate) mod paths;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use connect::paths::shown;
use millstream::Report;
use millstream::report::StageReport;
use serde::Serialize;

use crate::exit::Exit;
use crate::screen;

#[derive(Serialize)]
struct Json<'a> {
    program: &'a str,
    status: &'a str,
    elapsed_s: f64,
    totals: Totals,
    balances: bool,
    stages: Vec<Stage<'a>>,
    bottleneck: Option<&'a str>,
    relief: Option<String>,
    errors: Vec<Failure<'a>>,
}

#[derive(Serialize)]
struct Totals {
    #[serde(rename = "in")]
    entered: u64,
    out: u64,
    filtered: u64,
    skipped: u64,
    failed: u64,
    cancelled: u64,
}

#[derive(Serialize)]
struct Stage<'a> {
    name: &'a str,
    workers: usize,
    #[serde(rename = "in")]
    entered: u64,
    made: i64,
    out: u64,
    filtered: u64,
    skipped: u64,
    failed: u64,
    cancelled: u64,
    busy_s: f64,
    wait_in_s: f64,
    wait_out_s: f64,
    p50_us: Option<f64>,
    p99_us: Option<f64>,
}

#[derive(Serialize)]
struct Failure<'a> {
    stage: &'a str,
    kind: &'a str,
    count: u64,
    sample: &'a str,
}

/// The report's text. `unusable`: what was wrong with inputs and outputs, which no stage counts.
pub(crate) fn to_json(program: &str, exit: Exit, report: &Report, unusable: &[String]) -> String {
    #[derive(Serialize)]
    struct Nothing {}
    to_json_with(program, exit, report, unusable, &Nothing {})
}

/// The same with what only one program has: the fields of `more`.
pub(crate) fn to_json_with(
    program: &str,
    exit: Exit,
    report: &Report,
    unusable: &[String],
    more: &impl Serialize,
) -> String {
    #[derive(Serialize)]
    struct Whole<'a, T> {
        #[serde(flatten)]
        shared: Json<'a>,
        #[serde(flatten)]
        more: &'a T,
    }
    let whole = Whole { shared: shape(program, exit, report, unusable), more };
    serde_json::to_string_pretty(&whole).expect("numbers and texts always make JSON") + "\n"
}

fn shape<'a>(program: &'a str, exit: Exit, report: &'a Report, unusable: &'a [String]) -> Json<'a> {
    let all = report.totals();
    let counted = report.errors.iter().map(|error| Failure {
        stage: &error.stage,
        kind: &error.kind,
        count: error.count,
        sample: &error.sample,
    });
    let unusable =
        unusable.iter().map(|sample| Failure { stage: "run", kind: "unusable", count: 1, sample });
    Json {
        program,
        status: exit.status(),
        elapsed_s: report.elapsed.as_secs_f64(),
        totals: Totals {
            entered: all.entered,
            out: all.left,
            filtered: all.filtered,
            skipped: all.skipped,
            failed: all.failed,
            cancelled: all.cancelled,
        },
        balances: report.balances(),
        stages: report.stages.iter().map(stage).collect(),
        bottleneck: report.bottleneck().map(|stage| stage.name.as_str()),
        relief: report.relief().map(|relief| relief.to_string()),
        errors: unusable.chain(counted).collect(),
    }
}

fn stage(it: &StageReport) -> Stage<'_> {
    let micros = |time: Option<Duration>| time.map(|time| time.as_secs_f64() * 1e6);
    Stage {
        name: &it.name,
        workers: it.workers,
        entered: it.entered,
        made: it.made,
        out: it.left,
        filtered: it.filtered,
        skipped: it.skipped,
        failed: it.failed,
        cancelled: it.cancelled,
        busy_s: it.busy.as_secs_f64(),
        wait_in_s: it.wait_in.as_secs_f64(),
        wait_out_s: it.wait_out.as_secs_f64(),
        p50_us: micros(it.p50),
        p99_us: micros(it.p99),
    }
}

/// Where `--report` wants it.
#[derive(Debug)]
pub(crate) enum Place {
    Nowhere,
    Stdout,
    File(File, PathBuf),
}

impl Place {
    /// Opens the file now, so that a run of hours does not end without a report; what was in it
    /// stays until then. The paths of the run have been checked.
    pub(crate) fn open(name: Option<PathBuf>) -> Result<Self, String> {
        match name {
            None => Ok(Self::Nowhere),
            Some(name) if name.as_os_str() == "-" => Ok(Self::Stdout),
            Some(name) => {
                match OpenOptions::new().write(true).create(true).truncate(false).open(&name) {
                    Ok(file) => Ok(Self::File(file, name)),
                    Err(error) => Err(format!(
                        "--report: cannot write '{}': {error}; its directory must exist and be writable",
                        shown(&name)
                    )),
                }
            }
        }
    }

    pub(crate) fn write(self, text: &str) -> Result<(), String> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Stdout => screen::print(text),
            Self::File(mut file, name) => {
                let mut write = || {
                    // A pipe or a device has nothing to be cut.
                    if file.metadata()?.is_file() {
                        file.set_len(0)?;
                    }
                    file.write_all(text.as_bytes())
                };
                write().map_err(|error| {
                    format!("the report was not written to '{}': {error}", shown(&name))
                })
            }
        }
    }
}

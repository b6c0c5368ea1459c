//! What is printed for a person: the formats as files are started, and a few lines at the end.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connect::Destination;
use connect::paths::{self, unescaped};
use logs::{Config, Outcome, Seen};
use millstream::Report;
use millstream::report::Relief;

use crate::exit::Exit;
use crate::progress::goes_to_stdout;
use crate::screen::Screen;

/// The number of files that are named; of a thousand, nobody reads a thousand lines.
const NAMED: usize = 8;
/// In less time than this nothing can be known about what was slow.
const WORTH_SAYING: Duration = Duration::from_millis(100);

/// Says of each file which format it has, and counts when there are many.
#[derive(Clone, Debug, Default)]
pub(crate) struct Formats(Arc<Mutex<(usize, BTreeMap<String, u64>)>>);

impl Formats {
    pub(crate) fn began(&self, screen: &Screen, seen: &Seen) {
        let mut started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if started.0 == NAMED {
            *started.1.entry(seen.format.clone()).or_default() += 1;
            return;
        }
        started.0 += 1;
        drop(started);
        screen.note(shown(seen));
    }

    fn rest(&self) -> Option<String> {
        let started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count: u64 = started.1.values().sum();
        let kinds: Vec<String> =
            started.1.iter().map(|(format, count)| format!("{count} {format}")).collect();
        let files = if count == 1 { "file" } else { "files" };
        (count > 0).then(|| format!("and {count} more {files}: {}", kinds.join(", ")))
    }
}

fn shown(seen: &Seen) -> String {
    let Seen { path, format, fits: (fits, lines), .. } = seen;
    let path = unescaped(path);
    let path = paths::shown(&path);
    match format.as_str() {
        "unknown" => format!("{path}: unknown, so every line is a record"),
        _ if fits == lines => format!("{path}: {format}"),
        _ => format!("{path}: {format} (fits {fits} of the first {lines} lines)"),
    }
}

/// The lines at the end.
pub(crate) fn report(
    screen: &Screen,
    config: &Config,
    formats: &Formats,
    outcome: &Outcome,
    exit: Exit,
) {
    if screen.is_quiet() {
        return;
    }
    if let Some(rest) = formats.rest() {
        screen.note(rest);
    }
    screen.note(totals(config, &outcome.report, exit));
    for error in &outcome.report.errors {
        screen.note(format_args!("  {} x {}: {}", error.count, error.kind, error.sample));
    }
    for doubt in config.filter.doubts() {
        screen.note(format_args!("  {doubt}"));
    }
    if outcome.lossy > 0 {
        let whole = match &config.dead_letter {
            _ if outcome.not_utf8 == 0 => String::new(),
            Some(path) => format!("; {} has them as they were", paths::shown(path)),
            None => "; --dead-letter FILE keeps them as they were".to_owned(),
        };
        screen.note(format_args!(
            "  in {} texts, bytes that are not UTF-8 (or NUL) were replaced{whole}",
            outcome.lossy
        ));
    }
    // Of live input the time is that of waiting, and says nothing.
    if outcome.report.elapsed >= WORTH_SAYING
        && !config.follow
        && let Some(line) = bottleneck(config, &outcome.report)
    {
        screen.note(line);
    }
}

fn totals(config: &Config, report: &Report, exit: Exit) -> String {
    let all = report.totals();
    let taken = match &config.to {
        _ if config.stats => "counted",
        to if goes_to_stdout(to) => "written",
        _ => "stored",
    };
    let lost = match all.cancelled {
        0 => String::new(),
        lost => format!(", {lost} not {taken} because the run was stopped"),
    };
    format!(
        "{}: {} records read, {} {taken}, {} filtered, {} skipped, {} failed{lost} in {}{}",
        exit.words(),
        all.entered,
        all.left,
        all.filtered,
        all.skipped,
        all.failed,
        short(report.elapsed),
        rate(all.entered, report.elapsed),
    )
}

fn rate(records: u64, elapsed: Duration) -> String {
    let rate = records as f64 / elapsed.as_secs_f64().max(1e-9);
    match records {
        0 => String::new(),
        _ if rate >= 1e6 => format!(" ({:.1} million/s)", rate / 1e6),
        _ => format!(" ({rate:.0}/s)"),
    }
}

fn short(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

/// The slowest stage, and what would relieve it, in terms of the command line.
fn bottleneck(config: &Config, report: &Report) -> Option<String> {
    let slowest = report.bottleneck()?;
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let help = match report.relief()? {
        Relief::FasterInput if config.inputs.iter().any(|name| name == "-") => {
            "the run waited for its input".to_owned()
        }
        Relief::FasterInput => "a faster disk, or files not compressed, would help".to_owned(),
        Relief::MoreWorkers if slowest.workers < cores => {
            format!("more workers would help: --workers {cores}")
        }
        Relief::MoreWorkers => {
            "all cores were at it; --level or --contains would save work".to_owned()
        }
        _ => match &config.to {
            Destination::Sqlite(_) | Destination::Postgres(_) => {
                "a larger --batch, or a faster disk, would help".to_owned()
            }
            to if goes_to_stdout(to) && !config.stats => {
                if io::stdout().is_terminal() {
                    "a terminal is slow; --to FILE would help".to_owned()
                } else {
                    "a faster reader of the output would help".to_owned()
                }
            }
            _ => "a faster disk for the output would help".to_owned(),
        },
    };
    let (busy, workers) = (short(slowest.busy), slowest.workers);
    let at_work = if workers == 1 { "worker" } else { "workers" };
    Some(format!("  bottleneck: {}, {busy} of work for {workers} {at_work}; {help}", slowest.name))
}

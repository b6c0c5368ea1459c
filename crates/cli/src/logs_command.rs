//! `millstream logs`: from flags to a run, from its outcome to what a person sees.

use std::convert::Infallible;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use logs::time::Timestamp;
use logs::{Config, Control, Ended, Event, Listener, Outcome, StartError};
use millstream::{CauseKind, Context, Monitor, Shutdown, channel, scope};

use crate::args::logs::Flags;
use crate::exit::Exit;
use crate::{progress, report};

pub(crate) fn run(flags: Flags) -> Exit {
    let shutdown = Shutdown::on_signals().grace(flags.common.grace);
    let ctx = match flags.common.deadline {
        Some(deadline) => shutdown.context().with_timeout(deadline),
        None => shutdown.context(),
    };
    let (quiet, to_report) = (flags.common.quiet, flags.common.report.clone());
    let since = ctx.clock().wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let config =
        match flags.config(Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))) {
            Ok(config) => config,
            Err(error) => return refuse(&error, Exit::Usage),
        };
    let control = Control { ctx, drain: shutdown.draining(), monitor: Monitor::new() };
    let outcome = match with_progress(&config, &control, quiet) {
        Ok(outcome) => outcome,
        Err(StartError::Usage(error)) => return refuse(&error, Exit::Usage),
        Err(error) => return refuse(&error.to_string(), Exit::Unusable),
    };
    let exit = judge(&outcome, shutdown.exit_code().is_some());
    tell(&outcome, exit, quiet);
    if let Some(file) = to_report
        && let Err(error) = write_report(&file, &outcome, exit)
    {
        return refuse(&format!("the report was not written to '{file}': {error}"), Exit::Unusable);
    }
    exit
}

fn refuse(error: &str, exit: Exit) -> Exit {
    eprintln!("millstream logs: {error}");
    exit
}

/// Runs with a progress bar beside it, where somebody sees it and the end is known.
fn with_progress(config: &Config, control: &Control, quiet: bool) -> Result<Outcome, StartError> {
    let (size, sizes) = channel::<(u64, Arc<AtomicU64>)>(1);
    let listener: Listener = Arc::new(move |event| match event {
        Event::Reading { bytes, read } => drop(size.try_send((bytes, read))),
        Event::Began(seen) if !quiet => {
            eprintln!("{}: {} ({} of {} lines)", seen.path, seen.format, seen.fits.0, seen.fits.1);
        }
        Event::Notice(notice) if !quiet => eprintln!("{notice}"),
        Event::Failed(error) => eprintln!("millstream logs: {error}"),
        _ => {}
    });
    if quiet || !progress::is_seen() {
        return logs::run(config, control, listener);
    }
    let drawing = control.ctx.detached();
    let outcome = scope(&drawing, |threads| {
        threads.spawn("progress", |ctx: &Context| {
            if let Ok((bytes, read)) = sizes.recv(ctx)
                && bytes > 0
            {
                progress::draw(ctx, bytes, &read);
            }
            Ok::<(), Infallible>(())
        });
        let outcome = logs::run(config, control, listener);
        threads.context().cancel("the run is over");
        Ok(outcome)
    });
    outcome.unwrap_or_else(|error| Err(StartError::Usage(error.to_string())))
}

fn judge(outcome: &Outcome, signalled: bool) -> Exit {
    match &outcome.ended {
        Some(Ended::Failed(_)) => Exit::Unusable,
        Some(Ended::Cancelled(cause)) if cause.kind() == CauseKind::Deadline => Exit::Deadline,
        Some(Ended::Cancelled(_)) => Exit::Interrupted,
        _ if signalled => Exit::Interrupted,
        _ if !outcome.troubles.is_empty() => Exit::Unusable,
        _ if outcome.report.totals().failed > 0 => Exit::ItemsFailed,
        _ => Exit::Done,
    }
}

/// The short summary for people.
fn tell(outcome: &Outcome, exit: Exit, quiet: bool) {
    if let Some(stats) = &outcome.stats {
        print!("{stats}");
    }
    if let Some(Ended::Failed(error)) = &outcome.ended {
        eprintln!("millstream logs: {error}");
    }
    if quiet {
        return;
    }
    let report = &outcome.report;
    let all = report.totals();
    let seconds = report.elapsed.as_secs_f64();
    eprintln!(
        "{}: {} records read, {} stored, {} filtered, {} skipped, {} failed, {} given up in {seconds:.2} s ({:.0} records/s)",
        exit.status(),
        all.entered,
        all.left,
        all.filtered,
        all.skipped,
        all.failed,
        all.cancelled,
        all.entered as f64 / seconds.max(1e-9),
    );
    for error in &report.errors {
        eprintln!("  {} x {}: {}", error.count, error.kind, error.sample);
    }
    if outcome.lossy > 0 {
        eprintln!("  in {} texts bytes that are not UTF-8 (or NUL) were replaced", outcome.lossy);
    }
    if let Some(slowest) = report.bottleneck() {
        eprintln!(
            "  bottleneck: {} ({:.2} s busy, {} at work)",
            slowest.name,
            slowest.busy.as_secs_f64(),
            slowest.workers
        );
    }
}

fn write_report(file: &str, outcome: &Outcome, exit: Exit) -> std::io::Result<()> {
    let text = format!("{:#}\n", report::to_json("logs", exit, &outcome.report));
    if file == "-" {
        print!("{text}");
        return Ok(());
    }
    fs::write(file, text)
}

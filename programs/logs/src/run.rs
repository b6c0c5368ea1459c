//! The wiring: files, parallel reading, batches, a destination.

use std::cell::RefCell;
use std::sync::Arc;

use connect::files::{Inputs, Position};
use connect::paths::shown;
use connect::{
    Colour, Destination, Lines, PositionChange, Positions, PostgresSink, SavedPosition, SinkCounts,
    SinkError, SqliteSink, StartError, TerminalTable,
};
use millstream::pipeline::{Stream, Units};
use millstream::{Batch, Context, Error, Monitor, Pipeline, Report, Sink, scope};

use crate::config::Config;
use crate::dead_letter::DeadLetters;
use crate::event::{Event, Listener};
use crate::input::{Input, Problems};
use crate::ledger::Ledger;
use crate::named;
use crate::outcome::{Ended, Outcome};
use crate::reader::{NotUtf8, Reader, Shared};
use crate::record::Parsed;
use crate::refusals::Refusals;
use crate::rows::Origin;
use crate::rows::{self, Stored};
use crate::saved::Saved;
use crate::stats::{Counting, Stats, Tick};

/// When to stop a run, and a live view of it.
pub type Control = connect::Control<Monitor>;

/// Reads what `config` names, keeps what it asks for, stores it where it says, and returns what
/// became of every record.
///
/// # Errors
/// Only what keeps the run from beginning. Whatever ends it later is in the [`Outcome`], with the
/// account up to there.
pub fn run(config: &Config, control: &Control, listener: Listener) -> Result<Outcome, StartError> {
    let problems = Problems::default();
    let job = Job::new(config, control, &problems, listener)?;
    let mut stats = None;
    let (result, counts) = if config.stats {
        let stats = stats.insert(Stats::default());
        (
            job.store(&control.ctx, Vec::new(), |record, _, _| Tick::of(record), Counting(stats))?,
            None,
        )
    } else {
        job.to(&config.to)?
    };
    let dead = job.dead.close();
    let (mut report, mut ended) = split(result);
    if let (Some(counts), Some(ended)) = (&counts, &ended) {
        take_back(&mut report, counts, ended);
    }
    job.refusals.settle(&mut report);
    if let Some(error) = job.broke.take() {
        ended = Some(Ended::Failed(error));
    }
    if let (Err(error), None) = (dead, &ended) {
        ended = Some(Ended::Failed(format!("dead letters were not kept: {error}")));
    }
    let not_utf8 = job.not_utf8.count();
    // A destination counts the messages that it had to change, also for a NUL; what makes lines of
    // JSON counts none.
    let lossy = counts.map_or(0, |counts| counts.lossy()).max(not_utf8);
    Ok(Outcome { report, ended, problems: problems.take(), stats, lossy, not_utf8 })
}

/// What every destination needs of a run.
struct Job<'a> {
    config: &'a Config,
    control: &'a Control,
    inputs: Inputs,
    listener: Listener,
    ledger: Ledger,
    dead: DeadLetters,
    not_utf8: NotUtf8,
    refusals: Refusals,
    /// Why positions could not be stored beside the pipeline.
    broke: RefCell<Option<String>>,
}

type Written = (Result<Report, Error>, Option<SinkCounts>);

impl<'a> Job<'a> {
    fn new(
        config: &'a Config,
        control: &'a Control,
        problems: &Problems,
        listener: Listener,
    ) -> Result<Self, StartError> {
        // Before anything is made, so that a typing mistake costs no file its contents.
        named::check(config)?;
        let inputs = named::inputs(config)?;
        let problems = problems.clone();
        let listener: Listener = Arc::new(move |event| {
            if let Event::Failed(problem) = &event {
                problems.add(problem.clone());
            }
            listener(event);
        });
        let dead = DeadLetters::open(config.dead_letter.as_deref(), config.follow).map_err(|error| {
            let path = shown(config.dead_letter.as_deref().unwrap_or("-".as_ref()));
            StartError::Output(format!(
                "cannot write dead letters to '{path}': {error}; its directory must exist and be writable"
            ))
        })?;
        Ok(Self {
            config,
            control,
            inputs,
            listener,
            ledger: Ledger::default(),
            dead,
            not_utf8: if config.stats { NotUtf8::default() } else { NotUtf8::counting() },
            refusals: Refusals::default(),
            broke: RefCell::default(),
        })
    }

    fn to(&self, to: &Destination) -> Result<Written, StartError> {
        let layout = rows::layout(&self.config.table)?;
        let ctx = &self.control.ctx;
        match to {
            Destination::Sqlite(path) => {
                let refused = self.refusals.handler(&self.dead);
                let mut sink = SqliteSink::open(path, layout)?.on_refused(refused);
                let mut resume = Vec::new();
                if let Some(job) = &self.config.job {
                    sink = sink.with_positions(job, self.positions())?;
                    resume = positions(sink.saved_positions())?;
                }
                let counts = sink.counts();
                let checkpointer = sink.checkpointer()?;
                let listener = &self.listener;
                let beside = |ctx: &Context| {
                    // The sink goes on without it.
                    if let Err(error) = checkpointer.run(ctx) {
                        listener(Event::Notice(error.to_string()));
                    }
                };
                Ok((self.store_beside(resume, sink, beside)?, Some(counts)))
            }
            Destination::Postgres(url) => {
                let listener = Arc::clone(&self.listener);
                let mut sink = PostgresSink::open(ctx, url, layout)?
                    .on_refused(self.refusals.handler(&self.dead))
                    .on_wait(move |text| listener(Event::Notice(text.to_owned())));
                let mut resume = Vec::new();
                if let Some(job) = &self.config.job {
                    sink = sink.with_positions(job, self.positions())?;
                    resume = positions(sink.saved_positions())?;
                }
                let counts = sink.counts();
                Ok((self.store_beside(resume, sink, |_| {})?, Some(counts)))
            }
            Destination::JsonLines(path) => {
                let sink = match path {
                    None => Lines::stdout(),
                    // What a followed log had before a restart is in the file already.
                    Some(path) if self.config.follow => Lines::append(path)?,
                    Some(path) => Lines::create(path)?,
                };
                let counts = sink.counts();
                Ok((self.store(ctx, Vec::new(), json_line, sink)?, Some(counts)))
            }
            Destination::Table | Destination::Stdout if table(to) => {
                let sink = TerminalTable::stdout(layout)
                    .only(&["time", "level", "message", "fields"])
                    .paint("level", colour);
                let counts = sink.counts();
                Ok((self.store(ctx, Vec::new(), stored, sink)?, Some(counts)))
            }
            _ => {
                let sink = Lines::stdout();
                let counts = sink.counts();
                Ok((self.store(ctx, Vec::new(), json_line, sink)?, Some(counts)))
            }
        }
    }

    /// Where the input stands, once the bytes of what failed up to there are kept.
    fn positions(&self) -> impl Positions<Stored> + 'static {
        let (dead, mut ledger) = (self.dead.clone(), self.ledger.positions());
        move |rows: u64, batch: &[Stored], changes: &mut Vec<PositionChange>| {
            dead.write_out();
            ledger.take_upto(rows, batch, changes);
        }
    }

    /// Stores in a database while `beside` runs; while a job is followed, positions are stored also
    /// when nothing is kept.
    fn store_beside<S: Sink<Vec<Stored>, Error = SinkError> + Send>(
        &self,
        resume: Vec<Position>,
        sink: S,
        beside: impl FnOnce(&Context) + Send,
    ) -> Result<Result<Report, Error>, StartError> {
        let mut done = None;
        let ended = scope(&self.control.ctx, |threads| {
            threads.spawn("beside", |ctx| {
                beside(ctx);
                Ok(())
            });
            let ctx = threads.context();
            done = Some(if self.config.follow {
                let sink = Saved::new(sink);
                let positions = sink.clone();
                threads.spawn("positions", move |ctx| positions.keep(ctx));
                self.store(ctx, resume, stored, sink)
            } else {
                self.store(ctx, resume, stored, sink)
            });
            ctx.cancel("the run has finished");
            Ok::<(), SinkError>(())
        });
        if let Err(error) = ended
            && error.is_failed()
        {
            self.broke.replace(Some(error.to_string()));
        }
        done.unwrap_or_else(|| {
            Err(StartError::Usage("the threads of the run could not be started".to_owned()))
        })
    }

    /// The pipeline. `make` builds, on the worker that found it, what is handed on of a record.
    fn store<T: Send>(
        &self,
        ctx: &Context,
        resume: Vec<Position>,
        make: impl Fn(&Parsed<'_>, &Arc<Origin>, u64) -> T + Send + Sync,
        sink: impl Sink<Vec<T>>,
    ) -> Result<Result<Report, Error>, StartError> {
        let Config { workers, batch, flush, limit, .. } = self.config;
        if self.config.follow {
            // A destination that was made just now may be one of the files that a pattern follows.
            named::check(self.config)?;
        }
        let input = Input::open(self.config, &self.inputs, resume, &self.ledger, &self.listener)?;
        let live = self.config.follow || self.config.inputs.iter().any(|name| name == "-");
        let shared = Shared {
            files: input.files(),
            filter: self.config.filter.clone().stopped_by(ctx),
            max_line: self.config.max_line,
            clock: self.control.ctx.clock().clone(),
            ledger: self.ledger.clone(),
            dead: self.dead.clone(),
            not_utf8: self.not_utf8.clone(),
        };
        let records = Pipeline::from(input)
            .until(&self.control.drain)
            .named("read")
            .parallel(workers.clone())
            .split(
                move || Reader::new(shared.clone()),
                |reader: &mut Reader, block, out| reader.read(&block, out, &make),
            )
            .named("parse")
            .take(limit.unwrap_or(u64::MAX));
        let batch = Batch::of(*batch);
        Ok(if live {
            // The other half is for storing it.
            self.end(ctx, records.batch(batch.within(*flush / 2)), sink)
        } else {
            self.end(ctx, records.batch(batch), sink)
        })
    }

    fn end<F: Stream, U: Units<F::Item>>(
        &self,
        ctx: &Context,
        records: Pipeline<F, U>,
        sink: impl Sink<F::Item>,
    ) -> Result<Report, Error> {
        records.monitor(&self.control.progress).run(ctx, sink)
    }
}

fn stored(record: &Parsed<'_>, origin: &Arc<Origin>, offset: u64) -> Stored {
    let mut record = record.to_record();
    record.offset = offset;
    Stored { record, origin: Arc::clone(origin) }
}

fn json_line(record: &Parsed<'_>, origin: &Arc<Origin>, offset: u64) -> Vec<u8> {
    let mut line = Vec::with_capacity(record.len + 192);
    record.to_json_line(&mut line, &origin.name, offset);
    line
}

fn table(to: &Destination) -> bool {
    *to == Destination::Table || std::io::IsTerminal::is_terminal(&std::io::stdout())
}

fn colour(level: &str) -> Option<Colour> {
    match level {
        "error" | "critical" | "alert" | "emergency" | "fatal" => Some(Colour::Red),
        "warn" => Some(Colour::Yellow),
        _ => None,
    }
}

/// Where the files of an earlier run stood.
fn positions(saved: &[SavedPosition]) -> Result<Vec<Position>, StartError> {
    let read = |position: &SavedPosition| {
        serde_json::from_str(&position.value).map_err(|error| {
            StartError::Usage(format!(
                "the saved position '{}' cannot be read ({error}); give another --job, or delete it",
                position.key
            ))
        })
    };
    saved.iter().map(read).collect()
}

/// The account, and why the run ended early.
fn split(result: Result<Report, Error>) -> (Report, Option<Ended>) {
    let error = match result {
        Ok(report) => return (report, None),
        Err(error) => error,
    };
    if let Some(cause) = error.cancelled() {
        let ended = Ended::Cancelled(cause.clone());
        return (error.into_report(), Some(ended));
    }
    let sink = error.downcast_ref::<SinkError>();
    if sink.is_some_and(SinkError::is_broken_pipe) {
        return (error.into_report(), Some(Ended::ReaderLeft));
    }
    // A destination's own words name it; the stage would add nothing.
    let text = sink.map_or_else(|| error.to_string(), ToString::to_string);
    (error.into_report(), Some(Ended::Failed(text)))
}

/// Corrects what was taken for stored: lines that a destination had gathered when it failed were
/// lost with it. What nobody wanted to read any more has not failed, it was given up.
fn take_back(report: &mut Report, counts: &SinkCounts, ended: &Ended) {
    let Some(sink) = report.stages.last_mut() else { return };
    let lost = sink.left.saturating_sub(counts.rows() + counts.refused());
    match ended {
        Ended::Cancelled(_) => {}
        Ended::Failed(_) => {
            sink.left -= lost;
            sink.failed += lost;
        }
        Ended::ReaderLeft => {
            sink.left -= lost;
            sink.cancelled += lost + std::mem::take(&mut sink.failed);
            let name = sink.name.clone();
            report.errors.retain(|error| error.stage != name);
        }
    }
}

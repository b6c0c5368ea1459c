//! The wiring: a list of files, a pool whose places are mebibytes, and the account of what became
//! of each.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use connect::StartError;
use connect::paths::{escaped, shown};
use millstream::pool::{JobError, JobHandle};
use millstream::{CauseKind, Context, Pool};

use crate::account::Account;
use crate::config::{Config, Place};
use crate::control::{Control, Progress};
use crate::failure::Failure;
use crate::files::journal::Journal;
use crate::files::plan::Item;
use crate::files::write;
use crate::job::{self, Bench, Done, Turn};
use crate::outcome::Outcome;
use crate::probe::Probe;

/// A permit of the pool is this number of bytes of memory.
const PLACE: u64 = 1 << 20;

pub(crate) fn start(
    config: &Config,
    items: Vec<Item>,
    control: &Control,
) -> Result<Outcome, StartError> {
    let directories = prepare(config, &items)?;
    let journal = journal(config)?;
    let progress = &control.progress;
    // Relaxed: see `Progress::done`.
    progress.files.store(items.len() as u64, Ordering::Relaxed);
    progress.bytes.store(items.iter().map(|item| item.bytes).sum(), Ordering::Relaxed);
    let pool = Pool::builder()
        .workers(config.workers.clone())
        .permits(config.memory.div_ceil(PLACE))
        .named("images")
        .state(|_| Bench::default())
        .build(&control.ctx)
        .map_err(|error| StartError::Output(format!("no worker could be started: {error}")))?;
    let shared =
        Arc::new(Shared { config: config.clone(), journal, progress: Arc::clone(progress) });
    let mut run = Run {
        control,
        shared,
        pool,
        ahead: VecDeque::new(),
        account: Account::new(&control.ctx),
        patience: None,
        gave_up: false,
    };
    let most = 4 * *config.workers.end() + 4;
    for item in items {
        run.begin(item);
        while run.ahead.len() > most {
            run.end_first();
        }
    }
    while !run.ahead.is_empty() {
        run.end_first();
    }
    let Run { account, pool, gave_up, .. } = run;
    if gave_up {
        leave(pool);
    }
    directories.iter().for_each(|directory| write::sync_directory(directory));
    Ok(account.close(config, control.ctx.cause()))
}

/// Leaves workers to themselves that are inside of a codec: nothing interrupts them, and the
/// process is about to end.
#[expect(clippy::mem_forget, reason = "dropping the pool would wait for them")]
fn leave(pool: Pool<Bench>) {
    std::mem::forget(pool);
}

/// Makes the directory of results, and cleans up after runs that were killed; the directories that
/// results go to.
fn prepare(config: &Config, items: &[Item]) -> Result<BTreeSet<PathBuf>, StartError> {
    if config.dry_run {
        return Ok(BTreeSet::new());
    }
    if let Place::Directory(out) = &config.place {
        std::fs::create_dir_all(out).map_err(|error| {
            StartError::Output(format!("cannot make the directory '{}': {error}", shown(out)))
        })?;
    }
    let directories: BTreeSet<PathBuf> =
        items.iter().filter_map(|item| item.copy.parent()).map(Path::to_owned).collect();
    for directory in &directories {
        write::clean(directory);
    }
    Ok(directories)
}

/// A dry run looks at it, so that it says what a run would do, and adds nothing.
fn journal(config: &Config) -> Result<Option<Journal>, StartError> {
    if !config.resume {
        return Ok(None);
    }
    let (directory, settings) = (config.journal_directory(), format!("{:?}", config.settings));
    let opened = match config.dry_run {
        true => Journal::look(&directory, &settings),
        false => Journal::open(&directory, &settings, config.place == Place::InPlace),
    };
    opened.map(Some).map_err(|error| {
        StartError::Output(format!("cannot keep a journal in '{}': {error}", shown(&directory)))
    })
}

/// What all jobs see.
struct Shared {
    config: Config,
    journal: Option<Journal>,
    progress: Arc<Progress>,
}

struct Run<'a> {
    control: &'a Control,
    shared: Arc<Shared>,
    pool: Pool<Bench>,
    /// Files in order; those that need no worker are ready at once.
    ahead: VecDeque<(Item, Option<Probe>, Ahead)>,
    account: Account,
    /// Ends when the grace does; there from the moment at which the run was cancelled.
    patience: Option<Context>,
    /// Whether a worker was left to itself.
    gave_up: bool,
}

enum Ahead {
    Ready(Result<Done, Failure>),
    Cancelled,
    Job(JobHandle<(Done, Duration), Failure>, Arc<Turn>),
}

impl Run<'_> {
    /// Looks at the header, and hands the file to the pool with the weight that it will have.
    fn begin(&mut self, item: Item) {
        let Control { ctx, drain, .. } = self.control;
        if ctx.is_cancelled() || drain.is_cancelled() {
            return self.ahead.push_back((item, None, Ahead::Cancelled));
        }
        let probed = job::probe(&item, &self.shared.config);
        let probe = match probed {
            Ok(Some(probe)) => probe,
            Ok(None) => return self.ready(item, Ok(Done::Ignored)),
            Err(failure) => return self.ready(item, Err(failure)),
        };
        let weight = probe.memory(item.bytes, &self.shared.config.settings).div_ceil(PLACE);
        let group = self
            .pool
            .with_permits(u32::try_from(weight).unwrap_or(u32::MAX))
            .named(escaped(&item.source));
        let (shared, mine, clock) = (Arc::clone(&self.shared), item.clone(), ctx.clock().clone());
        let turn = Arc::new(Turn::default());
        let of_job = Arc::clone(&turn);
        let job =
            group.submit_with(ctx, move |worker: &mut millstream::pool::Worker<'_, Bench>| {
                let started = clock.now();
                let done = job::run(
                    worker.state(),
                    &mine,
                    &shared.config,
                    shared.journal.as_ref(),
                    &of_job,
                );
                shared.progress.done(mine.bytes);
                done.map(|done| (done, clock.now() - started))
            });
        let ahead = match job {
            Ok(job) => Ahead::Job(job, turn),
            // It was not taken: the run stops.
            Err(_) => Ahead::Cancelled,
        };
        self.ahead.push_back((item, Some(probe), ahead));
    }

    fn ready(&mut self, item: Item, done: Result<Done, Failure>) {
        self.shared.progress.done(item.bytes);
        self.ahead.push_back((item, None, Ahead::Ready(done)));
    }

    /// Waits for the file that is first in order, and counts it.
    fn end_first(&mut self) {
        let Some((item, probe, ahead)) = self.ahead.pop_front() else { return };
        match ahead {
            Ahead::Ready(done) => self.account.add(&item, probe, done, Duration::ZERO),
            Ahead::Cancelled => self.account.cancelled(&item),
            Ahead::Job(job, turn) if self.is_given_up(&job, &turn) => {
                drop(job);
                self.account.cancelled(&item);
            }
            Ahead::Job(job, _) => match job.join() {
                Ok((done, time)) => self.account.add(&item, probe, Ok(done), time),
                Err(JobError::Failed(failure)) => {
                    self.account.add(&item, probe, Err(failure), Duration::ZERO)
                }
                Err(JobError::Panicked(panic)) => {
                    self.account.panicked(&item, probe, &panic.to_string())
                }
                Err(_) => self.account.cancelled(&item),
            },
        }
    }

    /// Waits for a job; gives it up if the run was cancelled, the grace period has expired, and it
    /// has not started to write.
    fn is_given_up(&mut self, job: &JobHandle<(Done, Duration), Failure>, turn: &Turn) -> bool {
        let Some(grace) = self.shared.config.grace else { return false };
        let ctx = &self.control.ctx;
        let Err(cause) = job.wait(ctx) else { return false };
        let patience = self.patience.get_or_insert_with(|| {
            // A signal had its grace before it cancelled the run.
            let rest =
                if matches!(cause.kind(), CauseKind::Signal(_)) { Duration::ZERO } else { grace };
            Context::with_clock(ctx.clock().clone()).with_timeout(rest)
        });
        let given_up = job.wait(patience).is_err() && turn.take();
        self.gave_up |= given_up;
        given_up
    }
}

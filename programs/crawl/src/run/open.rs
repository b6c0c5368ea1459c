//! What a run needs before it begins: its frontier, its client, its WARC.

use std::path::PathBuf;

use connect::{Checkpointer, Destination};
use millstream::Context;

use super::follow::MAX_REDIRECTS;
use super::starts::Starts;
use crate::config::{Config, Place};
use crate::fetch::{self, Client};
use crate::frontier::{
    Begin, Frontier, FrontierError, Output, PostgresFrontier, Settings, SqliteFrontier,
};
use crate::outcome::StartError;
use crate::page::Page;
use crate::warc::{Warc, WarcWriter};

/// What is open.
pub(super) struct Opened {
    pub(super) frontier: Box<dyn Frontier>,
    pub(super) checkpointer: Option<Checkpointer>,
    pub(super) client: Client,
    pub(super) warc: Option<WarcWriter>,
    pub(super) problems: Vec<String>,
}

/// More tasks than that would be more than there are ports to connect from.
const MAX_WORKERS: usize = 65_536;

/// What cannot be is refused before anything is read or made.
pub(super) fn check(config: &Config) -> Result<(), StartError> {
    if config.workers > MAX_WORKERS {
        let workers = config.workers;
        return Err(StartError::Usage(format!(
            "--workers {workers}: expected at most {MAX_WORKERS}"
        )));
    }
    crate::paths(config).check().map_err(|clash| StartError::Usage(clash.to_string()))
}

/// Opens what the configuration names; nothing was asked of any host yet.
pub(super) fn open(config: &Config, ctx: &Context, starts: &Starts) -> Result<Opened, StartError> {
    let client = client(config)?;
    let warc = config
        .warc
        .as_ref()
        .map(|directory| WarcWriter::open(Warc::new(directory), ctx.clock()))
        .transpose();
    let warc =
        warc.map_err(|error| StartError::Output(format!("no WARC can be written: {error}")))?;
    let (frontier, checkpointer) = frontier(config, ctx, starts)?;
    Ok(Opened { frontier, checkpointer, client, warc, problems: Vec::new() })
}

fn client(config: &Config) -> Result<Client, StartError> {
    let request = &config.request;
    let settings = fetch::Settings {
        user_agent: request.user_agent.clone(),
        timeout: request.timeout,
        connect_timeout: request.timeout,
        head_timeout: request.timeout,
        idle_timeout: request.timeout,
        max_body: usize::try_from(request.max_body).unwrap_or(usize::MAX),
        allow_private: request.allow_private,
        keep_wire: config.warc.is_some(),
        idle_per_origin: config.workers.max(1),
        idle_total: config.workers.max(512),
        ..fetch::Settings::default()
    };
    Client::new(settings).map_err(|error| StartError::Usage(error.to_string()))
}

type Open = (Box<dyn Frontier>, Option<Checkpointer>);

fn frontier(config: &Config, ctx: &Context, starts: &Starts) -> Result<Open, StartError> {
    let settings = settings(config, starts);
    let begin = if config.resume { Begin::Resume } else { Begin::New };
    let most = config.reach.max_pages;
    if let Place::Postgres(url) = &config.frontier {
        let now = micros(ctx);
        // The first crawler makes it, and every other one joins.
        let frontier = PostgresFrontier::open(ctx, url, &settings, Begin::Resume, most, now)
            .map_err(reported)?;
        return Ok((Box::new(frontier), None));
    }
    let (path, output) = sqlite(config, ctx)?;
    let frontier = SqliteFrontier::open(&path, output, &settings, begin, most).map_err(reported)?;
    let checkpointer = frontier.checkpointer().map_err(reported)?;
    Ok((Box::new(frontier), Some(checkpointer)))
}

const KNOWN: &str = "without PostgreSQL the frontier has a file";

/// The file of the frontier, and where pages go.
fn sqlite(config: &Config, ctx: &Context) -> Result<(PathBuf, Output), StartError> {
    let own = crate::paths::frontier(config).map(|(_, path)| path);
    match &config.to {
        Destination::Sqlite(path) if own.as_ref().is_none_or(|own| own == path) => {
            Ok((path.clone(), Output::Table))
        }
        Destination::Sqlite(_) => Err(StartError::Usage(
            "with pages in SQLite the frontier is in the same file, so that both change together; leave --frontier out"
                .to_owned(),
        )),
        Destination::Postgres(_) => Err(StartError::Usage(
            "with pages in PostgreSQL the frontier is in the same database; give the URL to --frontier".to_owned(),
        )),
        Destination::JsonLines(Some(path)) => Ok((own.expect(KNOWN), Output::JsonLines(path.clone()))),
        to @ (Destination::Stdout | Destination::Table | Destination::JsonLines(None)) => {
            let sink = to.open::<Page>(ctx, Page::layout("pages").map_err(|error| StartError::Output(error.to_string()))?);
            let sink = sink.map_err(|error| StartError::Output(error.to_string()))?;
            Ok((own.expect(KNOWN), Output::Sink(Box::new(sink))))
        }
    }
}

/// What makes it the same crawl.
fn settings(config: &Config, starts: &Starts) -> Settings {
    let reach = &config.reach;
    let mut settings = Settings::new()
        .within(reach.depth, MAX_REDIRECTS)
        .with("--scope", &format!("{:?}", reach.scope).to_ascii_lowercase())
        .with("--depth", &reach.depth.map_or_else(|| "any".to_owned(), |depth| depth.to_string()))
        .with("--sitemap", if config.sitemap { "yes" } else { "no" })
        .with("--drop-tracking", if reach.drop_tracking { "yes" } else { "no" });
    for start in &starts.addresses {
        settings = settings.with("URL", start.as_str());
    }
    settings
}

fn reported(error: FrontierError) -> StartError {
    if error.is_usage() {
        StartError::Usage(error.to_string())
    } else {
        StartError::Output(error.to_string())
    }
}

fn micros(ctx: &Context) -> i64 {
    let since = ctx.clock().wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Where requests and their timers run.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, StartError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(8))
        .thread_name("crawl")
        .enable_all()
        .build()
        .map_err(|error| StartError::Output(format!("no threads could be started: {error}")))
}

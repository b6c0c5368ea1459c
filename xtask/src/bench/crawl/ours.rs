//! What all parts of the comparison of crawlers use: our program, one crawl of a new web, what a
//! part gives to the page.

use std::path::{Path, PathBuf};

use crate::bench::measure::{self, Answer, Run};
use crate::bench::record::directory;
use crate::shell::{self, Result, context};
use crate::web::{self, Asked, Web};

/// About two kilobytes a page, ten links on each.
pub(super) const PAGE: [&str; 4] = ["--links", "10", "--bytes", "2000"];

/// Something that the project has set itself, and what came of it.
pub(super) struct Promise {
    pub(super) what: &'static str,
    pub(super) measured: String,
    pub(super) kept: bool,
}

/// What one part of the comparison gives to the page.
#[derive(Default)]
pub(super) struct Part {
    pub(super) text: String,
    pub(super) promises: Vec<Promise>,
    pub(super) versions: Vec<String>,
}

/// Our own program, and where it leaves what it found.
pub(super) struct Ours {
    pub(super) program: String,
    pub(super) database: PathBuf,
    pub(super) report: PathBuf,
    pub(super) scratch: PathBuf,
}

/// One crawl: what it cost, and what its web was asked for.
pub(super) struct Crawled {
    pub(super) run: Run,
    pub(super) asked: Asked,
}

impl Ours {
    pub(super) fn find() -> Result<Self> {
        let name = format!("millstream{}", std::env::consts::EXE_SUFFIX);
        let scratch = directory("crawl")?;
        Ok(Self {
            program: shell::target_dir().join("release").join(name).display().to_string(),
            database: scratch.join("pages.db"),
            report: scratch.join("report.json"),
            scratch,
        })
    }

    /// The command for servers of this machine, which need no pause.
    pub(super) fn argv(&self, start: &[&str], workers: &str, more: &[&str]) -> Vec<String> {
        let (database, report) =
            (self.database.display().to_string(), self.report.display().to_string());
        let eager =
            ["--allow-private", "--delay", "0s", "--workers", workers, "--per-host", workers];
        let places = ["--to", &database, "--report", &report, "--quiet"];
        let all =
            [&[self.program.as_str(), "crawl"], start, &eager[..], more, &places[..]].concat();
        all.into_iter().map(str::to_owned).collect()
    }

    /// The rows that it stores.
    pub(super) fn rows(&self) -> Answer {
        Answer::RowsOf("pages", self.database.clone())
    }

    /// The time that the crawl itself took by its report, without opening and closing.
    pub(super) fn crawling_s(&self) -> Result<f64> {
        let text = context(std::fs::read_to_string(&self.report), self.report.display())?;
        web::decimal(&text, "elapsed_s").ok_or_else(|| "the report has no elapsed_s".into())
    }
}

/// Lets a crawler loose on a new web. `URL` among its arguments becomes the web's first page.
pub(super) fn crawl(
    shape: &[&str],
    argv: &[String],
    answer: &Answer,
    scratch: &Path,
) -> Result<Crawled> {
    let mut web = Web::start(shape)?;
    let argv: Vec<String> =
        argv.iter().map(|arg| if arg == "URL" { web.url.clone() } else { arg.clone() }).collect();
    let run = measure::once(&argv, answer, scratch)?;
    Ok(Crawled { run, asked: web.end()? })
}

/// The command as one would type it.
pub(super) fn shown(argv: &[String]) -> String {
    shell::shown(shell::command(&argv[0]).args(&argv[1..]))
}

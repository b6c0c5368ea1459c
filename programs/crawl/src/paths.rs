//! The files that a crawl reads and writes, for the check that no two options want the same one.

use std::path::{Path, PathBuf};

use connect::Destination;
use connect::paths::{Claims, STDIN};

use crate::config::{Config, Place};
use crate::warc;

/// Everything that a crawl reads and writes; a caller adds what it writes itself, such as a report.
pub fn paths(config: &Config) -> Claims {
    let mut claims = Claims::default();
    if let Some(urls) = &config.urls {
        claims.reads("--urls", if urls.as_os_str() == "-" { Path::new(STDIN) } else { urls });
    }
    match (&config.to, frontier(config)) {
        // Rows are in the frontier's own database.
        (Destination::Sqlite(rows), Some((_, frontier))) if *rows == frontier => {
            writes_frontier("--to", rows, &mut claims);
        }
        (to, frontier) => {
            to.claim("--to", &mut claims);
            if let Some((option, path)) = frontier {
                writes_frontier(option, &path, &mut claims);
            }
        }
    }
    if let Some(directory) = &config.warc {
        claims.makes_files("--warc", directory, warc::is_own);
    }
    claims
}

/// The SQLite file of the frontier, and the option that names it or what it stands beside.
pub(crate) fn frontier(config: &Config) -> Option<(&'static str, PathBuf)> {
    match (&config.frontier, &config.to) {
        (Place::Sqlite(path), _) => Some(("--frontier", path.clone())),
        (Place::Postgres(_), _) | (Place::Beside, Destination::Postgres(_)) => None,
        (Place::Beside, Destination::Sqlite(path)) => Some(("--to", path.clone())),
        (Place::Beside, Destination::JsonLines(Some(path))) => {
            Some(("--to", beside(path, ".frontier.db")))
        }
        (Place::Beside, _) => Some(("--frontier (by default)", PathBuf::from("crawl.db"))),
    }
}

fn writes_frontier(option: &'static str, path: &Path, claims: &mut Claims) {
    claims.writes_sqlite(option, path);
    claims.writes(option, &beside(path, "-crawl"));
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

//! The flags of `millstream crawl`, and what they mean as a [`Config`].

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use connect::Destination;
use connect::paths::shown;
use crawl::Config;
use crawl::address::Scope;
use crawl::config::{Place, Politeness, Reach, Request};

use super::common::{Common, bytes_in, duration, number};

/// The long help: what one wants to know before the flags.
const ABOUT: &str = "\
Visit pages and what they link to: politely, fast, and through a kill

Each URL gives one row: status, where it redirects to, type, size, time, title, links, and what went wrong. robots.txt is
obeyed, a host gets one request a second by default, and a slow host does not hold the others back. What was
seen and what is done stands on the disk with the rows, so a run that was killed goes on with --resume.";

const EXAMPLES: &str = "\
Examples:
  millstream crawl https://example.com/
  millstream crawl https://example.com/docs/ --scope prefix --depth 3 --to docs.jsonl
  millstream crawl --urls seeds.txt --scope domain --sitemap --workers 200 --to pages.db --resume
  millstream crawl https://example.com/ --warc archive --max-pages 10000 --report -
  millstream crawl --urls seeds.txt --scope any --frontier postgres://me@db/crawl --resume";

/// Where rows go if `--to` is not given.
const PAGES: &str = "crawl.db";

#[derive(Debug, Args)]
#[command(long_about = ABOUT, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::HELP), after_help = crate::exit::HELP)]
pub(crate) struct Flags {
    /// URLs to start from, http or https
    #[arg(value_name = "URL")]
    starts: Vec<String>,

    /// A file with more of them, one a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) urls: Option<PathBuf>,

    /// Start from what the sitemaps of the starts' hosts list, too
    #[arg(long)]
    sitemap: bool,

    /// Maximum number of links between a start URL and a page
    #[arg(long, value_name = "N", value_parser = depth)]
    depth: Option<u32>,

    /// Which links are followed, seen from the start that led to them
    #[arg(long, value_enum, default_value = "host")]
    scope: ScopeName,

    /// End when this many URLs have been visited, in all runs together
    #[arg(long, value_name = "N", value_parser = pages)]
    max_pages: Option<u64>,

    /// Leave parameters out of URLs that only follow visitors around: utm_source, gclid, session
    /// ids
    #[arg(long)]
    drop_tracking: bool,

    /// Where rows go: FILE.db or postgres://USER@HOST/DB (table `pages`), FILE.jsonl, `table`, or
    /// `-`: a table on a terminal, else JSON lines [default: crawl.db, or the database of
    /// --frontier]
    #[arg(long, value_name = "DEST", value_parser = super::value::destination())]
    to: Option<Destination>,

    /// Database of the URLs that were seen and are left: FILE.db, or postgres://USER@HOST/DB,
    /// which any number of crawlers share [default: in the rows' database, beside FILE.jsonl, else
    /// crawl.db]
    #[arg(long, value_name = "PLACE", value_parser = super::value::of(frontier))]
    frontier: Option<Frontier>,

    /// Keep requests and responses as they were sent, in WARC files in this directory
    #[arg(long, value_name = "DIR")]
    warc: Option<PathBuf>,

    /// Go on with the crawl that is in the frontier, if there is one; the starts and what is
    /// followed must be the same
    #[arg(long)]
    resume: bool,

    /// Requests of one host at a time
    #[arg(long, value_name = "N", default_value = "1", value_parser = per_host, help_heading = "Politeness")]
    per_host: u32,

    /// Between the beginnings of two requests of a host, at least; more if robots.txt or the host's
    /// answers ask for it
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration, help_heading = "Politeness")]
    delay: Duration,

    /// Requests for one URL in all, when the first ones fail in a way that may pass
    #[arg(long, value_name = "N", default_value = "3", value_parser = attempts, help_heading = "Politeness")]
    attempts: u32,

    /// Neither read nor obey robots.txt
    #[arg(long, help_heading = "Politeness")]
    ignore_robots: bool,

    /// User-Agent header; the first word, up to a slash, is the name that robots.txt knows the
    /// crawler by
    #[arg(long, value_name = "TEXT", value_parser = user_agent, help_heading = "Politeness")]
    user_agent: Option<String>,

    /// Give a request up after this time
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = timeout, help_heading = "Safety")]
    timeout: Duration,

    /// The longest body, before and after decompression
    #[arg(long, value_name = "SIZE", default_value = "10MB", value_parser = body, help_heading = "Safety")]
    max_body: usize,

    /// Ask private, loopback and link-local addresses as well
    #[arg(long, help_heading = "Safety")]
    allow_private: bool,

    /// Requests at the same time, over all hosts
    #[arg(long, value_name = "N", default_value = "20", value_parser = workers, help_heading = "Run")]
    workers: usize,

    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScopeName {
    /// None: the starts alone
    Page,
    /// What is below the start's directory
    Prefix,
    /// The same host, with or without www
    Host,
    /// The same domain, with everything below it
    Domain,
    /// All of them
    Any,
}

/// What `--frontier` may be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Frontier {
    Sqlite(PathBuf),
    Postgres(String),
}

fn depth(text: &str) -> Result<u32, String> {
    number(text, 0..=1_000_000, "a number of links such as 3, or 0 for the starts alone")
}

fn pages(text: &str) -> Result<u64, String> {
    // Databases count to there.
    number(text, 1..=i64::MAX.cast_unsigned(), "a number of pages")
}

fn per_host(text: &str) -> Result<u32, String> {
    number(text, 1..=10_000, "a number of requests at the same time")
}

fn attempts(text: &str) -> Result<u32, String> {
    number(text, 1..=100, "a number of requests")
}

fn body(text: &str) -> Result<usize, String> {
    bytes_in(text, 1..=4_000_000_000, "4GB")
}

fn timeout(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => {
            Err(format!("\"{text}\" is no time for a request: expected one such as 500ms or 10s"))
        }
        time => Ok(time),
    }
}

fn workers(text: &str) -> Result<usize, String> {
    number(text, 1..=65_536, "a number of requests at the same time")
}

fn frontier(text: &OsStr) -> Result<Frontier, String> {
    let other = || {
        format!(
            "\"{}\" holds no frontier: expected FILE.db, or postgres://USER@HOST/DB",
            shown(text)
        )
    };
    match Destination::parse_os(text).map_err(|error| error.to_string())? {
        Destination::Sqlite(path) => Ok(Frontier::Sqlite(path)),
        Destination::Postgres(url) => Ok(Frontier::Postgres(url)),
        _ => Err(other()),
    }
}

/// A header's value whose first word is a name that robots.txt can have.
fn user_agent(text: &str) -> Result<String, String> {
    let name = text.split(['/', ' ']).next().unwrap_or_default();
    let is_name =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic() || b"-_".contains(&b));
    if is_name && text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "\"{text}\" is no user agent: expected a name of letters, - and _, and what else servers should know, as in \
             my-crawler/1.0 (+https://example.com/crawler)"
        ))
    }
}

impl Flags {
    /// The configuration they stand for; an error says which flags do not fit together.
    pub(crate) fn config(self) -> Result<Config, String> {
        if self.starts.is_empty() && self.urls.is_none() {
            return Err("there is nothing to start from: expected a URL, or --urls FILE\n\n\
                Usage: millstream crawl [OPTIONS] <URL>...\n       millstream crawl [OPTIONS] --urls <FILE>"
                .to_owned());
        }
        let (to, frontier) = places(self.to, self.frontier)?;
        let mut request = Request {
            timeout: self.timeout,
            max_body: self.max_body as u64,
            allow_private: self.allow_private,
            ..Request::default()
        };
        if let Some(user_agent) = self.user_agent {
            request.user_agent = user_agent;
        }
        Ok(Config {
            starts: self.starts,
            urls: self.urls,
            sitemap: self.sitemap,
            reach: Reach {
                depth: self.depth,
                scope: match self.scope {
                    ScopeName::Page => Scope::Page,
                    ScopeName::Prefix => Scope::Prefix,
                    ScopeName::Host => Scope::Host,
                    ScopeName::Domain => Scope::Domain,
                    ScopeName::Any => Scope::Any,
                },
                max_pages: self.max_pages,
                drop_tracking: self.drop_tracking,
            },
            politeness: Politeness {
                per_host: self.per_host,
                delay: self.delay,
                ignore_robots: self.ignore_robots,
                attempts: self.attempts,
            },
            request,
            workers: self.workers,
            to,
            frontier,
            warc: self.warc,
            resume: self.resume,
        })
    }
}

/// Where rows and the frontier go. Rows of a database are stored in the frontier's own
/// transactions, or a kill between the two would lose some or store them twice: so both are in the
/// same database.
fn places(
    to: Option<Destination>,
    frontier: Option<Frontier>,
) -> Result<(Destination, Place), String> {
    let (place, own) = match (frontier, &to) {
        (Some(Frontier::Postgres(url)), _) => {
            (Place::Postgres(url.clone()), Destination::Postgres(url))
        }
        (None, Some(own @ Destination::Postgres(url))) => {
            (Place::Postgres(url.clone()), own.clone())
        }
        (Some(Frontier::Sqlite(path)), _) => {
            (Place::Sqlite(path.clone()), Destination::Sqlite(path))
        }
        (None, _) => {
            return Ok((to.unwrap_or_else(|| Destination::Sqlite(PAGES.into())), Place::Beside));
        }
    };
    let to = to.unwrap_or_else(|| own.clone());
    let is_database = matches!(to, Destination::Sqlite(_) | Destination::Postgres(_));
    let is_shared = matches!(own, Destination::Postgres(_));
    if to != own && is_shared {
        return Err(format!(
            "--to {to}: with --frontier postgres:// rows are stored in that database, in the transaction that marks their \
             URLs as done, so that crawlers that share it store each once; leave --to out (--warc may be added)"
        ));
    }
    if to != own && is_database {
        return Err(format!(
            "--to {to}: rows in a database are stored in the transaction that marks their URLs as done, so its frontier is \
             in the same database; leave --frontier out"
        ));
    }
    Ok((to, place))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    #[test]
    fn every_example_of_the_help_is_understood() {
        let examples: Vec<&str> = EXAMPLES.lines().skip(1).collect();
        assert!(examples.len() >= 4);
        for example in examples {
            // None has quotes; running them would ask hosts that are not ours.
            let Ok(Args { command: Command::Crawl(flags) }) =
                Args::try_parse_from(example.split_whitespace())
            else {
                panic!("{example}")
            };
            flags.config().unwrap();
        }
    }

    #[test]
    fn rows_in_a_database_and_their_frontier_are_in_the_same_one() {
        let parsed = |to: Option<&str>, place: Option<&str>| {
            let to = to.map(|text| Destination::parse(text).unwrap());
            places(to, place.map(|text| frontier(text.as_ref()).unwrap()))
        };
        let sqlite = |path: &str| Destination::Sqlite(path.into());
        let postgres = || "postgres://h/d".to_owned();
        assert_eq!(parsed(None, None), Ok((sqlite("crawl.db"), Place::Beside)));
        assert_eq!(parsed(Some("a.db"), None), Ok((sqlite("a.db"), Place::Beside)));
        assert_eq!(parsed(None, Some("f.db")), Ok((sqlite("f.db"), Place::Sqlite("f.db".into()))));
        assert_eq!(
            parsed(Some("a.jsonl"), Some("f.db")),
            Ok((Destination::JsonLines(Some("a.jsonl".into())), Place::Sqlite("f.db".into())))
        );
        let shared = (Destination::Postgres(postgres()), Place::Postgres(postgres()));
        assert_eq!(parsed(None, Some("postgres://h/d")), Ok(shared.clone()));
        assert_eq!(parsed(Some("postgres://h/d"), None), Ok(shared.clone()));
        assert_eq!(parsed(Some("postgres://h/d"), Some("postgres://h/d")), Ok(shared));
        for (to, place) in [
            ("a.db", "f.db"),
            ("postgres://h/d", "f.db"),
            ("a.db", "postgres://h/d"),
            ("a.jsonl", "postgres://h/d"),
            ("postgres://h/other", "postgres://h/d"),
        ] {
            let error = parsed(Some(to), Some(place)).unwrap_err();
            assert!(error.contains("in the transaction that marks their URLs as done"), "{error}");
        }
        assert!(frontier("out.jsonl".as_ref()).unwrap_err().contains("FILE.db"));
    }

    #[test]
    fn a_user_agent_begins_with_a_name_that_robots_txt_can_have() {
        assert!(
            user_agent("my-crawler/1.0 (+https://example.com/)").is_ok()
                && user_agent("me").is_ok()
        );
        for wrong in ["", "/1.0", "crawler2/1.0", "me\r\nCookie: x", "größe/1"] {
            assert!(user_agent(wrong).is_err(), "{wrong:?}");
        }
    }
}

//! Reads `--to`: one text that names a destination by URL or path.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::SinkError;
use crate::paths::{Claims, shown};

/// Where rows go, as a command line names it.
///
/// | text | destination |
/// |---|---|
/// | `-` | standard output: a table on a terminal, JSON lines elsewhere |
/// | `table:-` or `table` | a table on standard output in any case |
/// | `jsonl:-` | JSON lines on standard output in any case |
/// | `out.jsonl`, `out.ndjson`, `jsonl:PATH` | JSON lines in a file |
/// | `out.db`, `out.sqlite`, `out.sqlite3`, `sqlite:PATH` | a table of an SQLite database |
/// | `postgres://...`, `postgresql://...` | a table of a PostgreSQL database |
///
/// # Examples
/// ```
/// use millstream_connect::Destination;
///
/// assert_eq!(Destination::parse("errors.db")?, Destination::Sqlite("errors.db".into()));
/// assert_eq!(Destination::parse("jsonl:errors.txt")?, Destination::JsonLines(Some("errors.txt".into())));
/// assert!(Destination::parse("errors.csv").unwrap_err().to_string().contains("jsonl:errors.csv"));
/// // A password is never shown.
/// let url = Destination::parse("postgres://me:secret@db/logs")?;
/// assert_eq!(url.to_string(), "postgres://me:***@db/logs");
/// # Ok::<(), millstream_connect::SinkError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum Destination {
    /// Standard output, as suits it: a table on a terminal, JSON lines elsewhere.
    Stdout,
    /// A table on standard output.
    Table,
    /// JSON lines, in a file or on standard output.
    JsonLines(Option<PathBuf>),
    /// A table of an SQLite database.
    Sqlite(PathBuf),
    /// A table of a PostgreSQL database, by its URL.
    Postgres(String),
}

impl Destination {
    /// Reads the text of a command line.
    ///
    /// # Errors
    /// The text names no destination; the message says what it could be.
    pub fn parse(text: &str) -> Result<Self, SinkError> {
        if text.is_empty() {
            return Err(refuse(text, "it is empty"));
        }
        if text == "-" {
            return Ok(Self::Stdout);
        }
        if let Some((scheme, rest)) = split_scheme(text) {
            return Self::by_scheme(text, &scheme, rest);
        }
        if text == "table" {
            return Ok(Self::Table);
        }
        Self::by_ending(text)
    }

    /// The same for an argument, which may name a file whose name is not UTF-8.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); a URL must be UTF-8.
    pub fn parse_os(text: &OsStr) -> Result<Self, SinkError> {
        let lossy = text.to_string_lossy();
        let parsed = Self::parse(&lossy)?;
        // A scheme is ASCII, so the path is what remains of the argument behind as many bytes.
        let exact = |path: &Path| behind(text, lossy.len() - path.as_os_str().len());
        match &parsed {
            _ if text.to_str().is_some() => Some(parsed),
            Self::Sqlite(path) => exact(path).map(Self::Sqlite),
            Self::JsonLines(Some(path)) => exact(path).map(|path| Self::JsonLines(Some(path))),
            _ => None,
        }
        .ok_or_else(|| refuse(&lossy, "it is not UTF-8"))
    }

    /// Says which files it writes: `option` is what named it.
    pub fn claim(&self, option: &'static str, claims: &mut Claims) {
        match self {
            Self::Stdout | Self::Table | Self::JsonLines(None) => {
                claims.writes("standard output", Path::new(crate::paths::STDOUT));
            }
            Self::JsonLines(Some(path)) => claims.writes(option, path),
            Self::Sqlite(path) => claims.writes_sqlite(option, path),
            Self::Postgres(_) => {}
        }
    }

    fn by_scheme(text: &str, scheme: &str, rest: &str) -> Result<Self, SinkError> {
        // `sqlite:///absolute/path` and `sqlite:path` are both in use.
        let path = rest.strip_prefix("//").unwrap_or(rest);
        match scheme {
            "postgres" | "postgresql" if rest.starts_with("//") => {
                Ok(Self::Postgres(format!("{scheme}:{rest}")))
            }
            "postgres" | "postgresql" => Err(refuse(
                text,
                "a PostgreSQL URL goes on with //, as in postgres://user@host/database",
            )),
            "sqlite" | "jsonl" | "table" if path.is_empty() => {
                Err(refuse(text, &format!("after {scheme}: there must be a path or -")))
            }
            "sqlite" if path == "-" => {
                Err(refuse(text, "a database cannot be written to standard output"))
            }
            "sqlite" => Ok(Self::Sqlite(path.into())),
            "jsonl" if path == "-" => Ok(Self::JsonLines(None)),
            "jsonl" => Ok(Self::JsonLines(Some(path.into()))),
            "table" if path == "-" => Ok(Self::Table),
            "table" => Err(refuse(
                text,
                "a table is for a terminal; write table:-, or a file of another kind",
            )),
            _ => Err(refuse(text, &format!("there is no destination of the kind '{scheme}:'"))),
        }
    }

    fn by_ending(text: &str) -> Result<Self, SinkError> {
        let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
        let ending =
            name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, ending)| ending);
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("db" | "sqlite" | "sqlite3") => Ok(Self::Sqlite(text.into())),
            Some("jsonl" | "ndjson") => Ok(Self::JsonLines(Some(text.into()))),
            Some(ending @ ("gz" | "zst" | "bz2" | "xz")) => Err(refuse(
                text,
                &format!(
                    "nothing is written compressed; write to - and pipe that into a compressor of .{ending}"
                ),
            )),
            Some(ending) => Err(refuse(
                text,
                &format!(
                    "the ending .{ending} does not say what to write; sqlite:{text} or jsonl:{text} would"
                ),
            )),
            None => Err(refuse(
                text,
                &format!(
                    "without an ending it does not say what to write; sqlite:{text} or jsonl:{text} would"
                ),
            )),
        }
    }
}

impl FromStr for Destination {
    type Err = SinkError;

    fn from_str(text: &str) -> Result<Self, SinkError> {
        Self::parse(text)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("-"),
            Self::Table => f.write_str("table:-"),
            Self::JsonLines(None) => f.write_str("jsonl:-"),
            Self::JsonLines(Some(path)) => write!(f, "jsonl:{}", shown(path)),
            Self::Sqlite(path) => write!(f, "sqlite:{}", shown(path)),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Destination({self})")
    }
}

#[cfg(unix)]
fn behind(text: &OsStr, bytes: usize) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(OsStr::from_bytes(text.as_bytes().get(bytes..)?).into())
}

#[cfg(not(unix))]
fn behind(_: &OsStr, _: usize) -> Option<PathBuf> {
    None
}

fn refuse(text: &str, why: &str) -> SinkError {
    SinkError::destination(format!(
        "cannot write to '{}': {why} (known: a path that ends in .db, .sqlite, .sqlite3, .jsonl or .ndjson, sqlite:PATH, \
         jsonl:PATH, postgres://USER@HOST/DATABASE, and - for standard output)",
        without_password(text)
    ))
}

/// What stands before the colon, in lower case, and what follows; a single letter is a drive, not a
/// scheme.
fn split_scheme(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let letters = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'-');
    (scheme.len() > 1 && letters).then(|| (scheme.to_ascii_lowercase(), rest))
}

/// A URL with `***` for its password: that of the user, and that of a parameter.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let rest = match rest.split_once("password=") {
        Some((before, after)) => {
            let end = after.find('&').unwrap_or(after.len());
            format!("{before}password=***{}", &after[end..])
        }
        None => rest.to_owned(),
    };
    // An @ in a password should be escaped, but is not always: the last one counts.
    let (user, tail) = rest.split_at(rest.rfind('@').unwrap_or(0));
    let user = user.split_once(':').map_or(user.to_owned(), |(name, _)| format!("{name}:***"));
    format!("{scheme}://{user}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_a_destination_is_read() {
        for (text, shown) in [
            ("-", "-"),
            ("table", "table:-"),
            ("table:-", "table:-"),
            ("jsonl:-", "jsonl:-"),
            ("jsonl:out.txt", "jsonl:out.txt"),
            ("a.b/out.NDJSON", "jsonl:a.b/out.NDJSON"),
            ("out.db", "sqlite:out.db"),
            ("sqlite:out", "sqlite:out"),
            ("SQLite:///tmp/x.y", "sqlite:/tmp/x.y"),
            ("C:\\logs\\out.sqlite3", "sqlite:C:\\logs\\out.sqlite3"),
            ("postgres://host/db", "postgres://host/db"),
            ("PostgreSQL://u:p@host:5432/db?a=b", "postgresql://u:***@host:5432/db?a=b"),
            ("postgres://host/db?password=p@ss:w&a=b", "postgres://host/db?password=***&a=b"),
            ("postgres://u:p@ss:w@rd@host/db", "postgres://u:***@host/db"),
        ] {
            assert_eq!(Destination::parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_whose_name_is_not_utf8_is_a_destination_too() {
        use std::os::unix::ffi::OsStrExt;
        let parsed = |text: &[u8]| Destination::parse_os(OsStr::from_bytes(text));
        let path = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
        assert_eq!(parsed(b"\xe9.db").unwrap(), Destination::Sqlite(path(b"\xe9.db")));
        assert_eq!(parsed(b"sqlite:///\xe9").unwrap(), Destination::Sqlite(path(b"/\xe9")));
        assert_eq!(
            parsed(b"jsonl:\xff\xe9").unwrap(),
            Destination::JsonLines(Some(path(b"\xff\xe9")))
        );
        assert_eq!(parsed(b"out.jsonl").unwrap(), Destination::parse("out.jsonl").unwrap());
        for wrong in [&b"postgres://h/\xe9"[..], b"\xe9.csv", b"\xe9"] {
            assert!(parsed(wrong).unwrap_err().is_usage());
        }
    }

    #[test]
    fn what_names_no_destination_is_refused_with_the_way_out() {
        for (text, part) in [
            ("", "it is empty"),
            ("errors", "sqlite:errors or jsonl:errors"),
            ("errors.csv", "ending .csv"),
            (".db", "without an ending"),
            ("out.jsonl.gz", "compressor of .gz"),
            ("kafka://host/topic", "no destination of the kind 'kafka:'"),
            ("sqlite:", "after sqlite: there must be"),
            ("sqlite:-", "standard output"),
            ("postgres:db", "goes on with //"),
            ("table:out.txt", "for a terminal"),
        ] {
            let error = Destination::parse(text).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains(part), "{text}: {error}");
        }
        let error = Destination::parse("postgre://me:secret@host/db").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

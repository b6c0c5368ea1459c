//! What a crawl starts from: URLs of the command line and of a file.

use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::address::{Address, Canonical};
use crate::config::Config;
use crate::outcome::StartError;

/// The byte order mark in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// The longest line of a file, in bytes: as long as the longest URL that is looked at.
const MAX_LINE: usize = Address::MAX_INPUT;
/// A file with more lines than this that are no URL, and with fewer that are one, is no list of
/// URLs.
const MAX_BAD_LINES: usize = 1_000;

/// Where the crawl starts.
pub(super) struct Starts {
    pub(super) addresses: Vec<Address>,
    pub(super) canonical: Canonical,
    /// Lines of the file that are no URL.
    pub(super) problems: Vec<String>,
}

/// Reads them. One on the command line that is no URL is an error; one in a file is reported, and
/// the others count.
pub(super) fn read(config: &Config) -> Result<Starts, StartError> {
    let canonical = Canonical { drop_tracking: config.reach.drop_tracking };
    let mut starts = Starts { addresses: Vec::new(), canonical, problems: Vec::new() };
    for text in &config.starts {
        let address = parse(text, &canonical).map_err(StartError::Usage)?;
        starts.addresses.push(address);
    }
    if let Some(path) = &config.urls {
        from_file(path, &mut starts)?;
    }
    if starts.addresses.is_empty() {
        let hint =
            starts.problems.first().map(|problem| format!(": {problem}")).unwrap_or_default();
        return Err(StartError::Input(format!("there is no URL to start from{hint}")));
    }
    Ok(starts)
}

/// A URL, or a host's name, which then is one of `https`.
fn parse(text: &str, canonical: &Canonical) -> Result<Address, String> {
    let text = text.trim();
    let full = if has_scheme(text) { text.to_owned() } else { format!("https://{text}") };
    Address::parse(&full, canonical).map_err(|error| {
        format!("'{text}' is no URL to crawl: {error}; expected the like of https://example.org/")
    })
}

/// Whether a text begins with a scheme: `http:/host` and `mailto:me@host` do, `host:8080/` and
/// `host/?u=http://other/` do not.
fn has_scheme(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let port = rest.split(['/', '?', '#']).next().unwrap_or_default();
    is_scheme && (port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What a line says beside its URL is left out: a comment after white space, and the columns behind
/// a tab.
fn without_notes(line: &str) -> &str {
    let line = line.trim();
    let first = line.split('\t').next().unwrap_or_default();
    let comment = first.char_indices().zip(std::iter::once(' ').chain(first.chars()));
    let comment = comment.filter(|((_, letter), before)| *letter == '#' && before.is_whitespace());
    comment.map(|((at, _), _)| &first[..at]).next().unwrap_or(first).trim()
}

fn from_file(path: &Path, starts: &mut Starts) -> Result<(), StartError> {
    let shown = connect::paths::shown(path);
    let unreadable = |error| StartError::Input(format!("cannot read URLs from '{shown}': {error}"));
    let lines: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(BufReader::new(std::fs::File::open(path).map_err(unreadable)?))
    };
    read_lines(lines, &shown.to_string(), starts)
}

/// Memory does not depend on what the file is: a device without end, or a film, is refused after a
/// few thousand bytes.
fn read_lines(mut lines: impl BufRead, shown: &str, starts: &mut Starts) -> Result<(), StartError> {
    let (mut line, mut bad) = (Vec::new(), 0);
    for number in 1u64.. {
        let is_whole = next_line(&mut lines, &mut line).map_err(|error| {
            StartError::Input(format!("cannot read URLs from '{shown}': {error}"))
        })?;
        match is_whole {
            None => break,
            Some(true) => {}
            Some(false) => {
                return Err(StartError::Input(format!(
                    "{shown}:{number}: the line is longer than {MAX_LINE} bytes; expected a list of URLs, one a line"
                )));
            }
        }
        if let Err(error) = start_of(&line, number, starts) {
            bad += 1;
            if bad > MAX_BAD_LINES && bad > starts.addresses.len() {
                return Err(StartError::Input(format!(
                    "{shown}:{number}: {error}; {bad} lines are no URL so far: expected a list of URLs, one a line"
                )));
            }
            starts.problems.push(format!("{shown}:{number}: {error}"));
        }
    }
    Ok(())
}

/// Reads a line without its end, which is CR, LF, or both: whether it is whole; none at the end of
/// the file.
fn next_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    loop {
        let bytes = lines.fill_buf()?;
        if bytes.is_empty() {
            return Ok((!line.is_empty()).then_some(true));
        }
        let end = memchr::memchr2(b'\n', b'\r', bytes);
        let length = end.unwrap_or(bytes.len());
        if line.len() + length > MAX_LINE {
            return Ok(Some(false));
        }
        line.extend_from_slice(&bytes[..length]);
        let is_cr = end.is_some_and(|end| bytes[end] == b'\r');
        lines.consume(length + usize::from(end.is_some()));
        if is_cr && lines.fill_buf()?.first() == Some(&b'\n') {
            lines.consume(1);
        }
        if end.is_some() {
            return Ok(Some(true));
        }
    }
}

/// Adds the start that a line names, if it names one.
fn start_of(line: &[u8], number: u64, starts: &mut Starts) -> Result<(), String> {
    // Editors of some systems put a mark before the first line.
    let line = if number == 1 { line.strip_prefix(BOM).unwrap_or(line) } else { line };
    let text = std::str::from_utf8(line)
        .map_err(|_| "the line is not UTF-8; write its URL with %-escapes".to_owned())?;
    let text = without_notes(text);
    if !text.is_empty() {
        starts.addresses.push(parse(text, &starts.canonical)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use connect::Destination;

    use super::*;

    #[test]
    fn a_line_that_is_no_url_is_reported_with_its_number_and_the_others_count() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("urls.txt");
        std::fs::write(
            &path,
            b"\xef\xbb\xbfhttp://a.test/\r\nhttp://b.test/\xff\n\n# no\nmailto://c\nd.test",
        )
        .unwrap();
        let mut config = Config::new([""; 0], Destination::Sqlite("out.db".into()));
        config.urls = Some(path);
        let starts = read(&config).unwrap();
        let urls: Vec<&str> = starts.addresses.iter().map(Address::as_str).collect();
        assert_eq!(urls, ["http://a.test/", "https://d.test/"]);
        assert_eq!(starts.problems.len(), 2);
        assert!(
            starts.problems[0].contains("urls.txt:2: the line is not UTF-8"),
            "{:?}",
            starts.problems
        );
        assert!(
            starts.problems[1].contains("urls.txt:5: 'mailto://c' is no URL"),
            "{:?}",
            starts.problems
        );
    }

    fn of_lines(lines: impl BufRead) -> Result<usize, String> {
        let mut starts =
            Starts { addresses: Vec::new(), canonical: Canonical::default(), problems: Vec::new() };
        let read = read_lines(lines, "urls.txt", &mut starts);
        read.map(|()| starts.addresses.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_line_without_an_end_is_refused_with_file_and_line_and_not_kept() {
        let zero = BufReader::new(b"http://a.test/\n".chain(io::repeat(0)));
        let error = of_lines(zero).unwrap_err();
        assert_eq!(
            error,
            "urls.txt:2: the line is longer than 65536 bytes; expected a list of URLs, one a line"
        );
        let longest = format!("http://a.test/{}", "x".repeat(MAX_LINE - 14));
        for end in ["", "\n", "\nhttp://b.test/"] {
            assert!(of_lines(format!("{longest}{end}").as_bytes()).is_ok());
        }
        assert!(of_lines(format!("{longest}x\n").as_bytes()).is_err());
        assert!(of_lines(format!("{longest}x").as_bytes()).is_err());
    }

    #[test]
    fn a_file_without_an_end_that_is_no_list_of_urls_is_refused() {
        let noise = BufReader::new(b"http://a.test/\n".chain(Endless(b"mailto:nobody\n")));
        let error = of_lines(noise).unwrap_err();
        assert!(error.starts_with("urls.txt:1002: 'mailto:nobody' is no URL to crawl"), "{error}");
        let list = "http://a.test/\nhttp://b.test/\nftp://c\n".repeat(2 * MAX_BAD_LINES);
        assert_eq!(
            of_lines(list.as_bytes()).unwrap(),
            4 * MAX_BAD_LINES,
            "a bad line costs a line"
        );
    }

    /// The same line forever.
    struct Endless(&'static [u8]);

    impl Read for Endless {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            buf[..self.0.len()].copy_from_slice(self.0);
            Ok(self.0.len())
        }
    }

    #[test]
    fn comments_columns_and_ends_of_lines_are_no_part_of_a_url() {
        for (line, url) in [
            ("http://a.test/one # first", "http://a.test/one"),
            ("http://a.test/one\t# first", "http://a.test/one"),
            ("http://a.test/one#part", "http://a.test/one#part"),
            ("http://a.test/one\tFirst page\t3", "http://a.test/one"),
            ("\t http://a.test/one", "http://a.test/one"),
            ("# http://a.test/", ""),
            ("  #", ""),
        ] {
            assert_eq!(without_notes(line), url, "{line:?}");
        }
        assert_eq!(of_lines(&b"http://a.test/\rhttp://b.test/\r\n\rhttp://c.test/\n"[..]), Ok(3));
        let error = of_lines(b"\r\n\r\n\r".chain(BufReader::new(io::repeat(0)))).unwrap_err();
        assert!(error.starts_with("urls.txt:4: "), "{error}");
    }

    #[test]
    fn a_start_is_a_url_by_the_rules_of_browsers_or_a_name_without_a_scheme() {
        let read =
            |text| parse(text, &Canonical::default()).map(|address| address.as_str().to_owned());
        for (text, url) in [
            ("http:/a.test/x", "http://a.test/x"),
            ("HTTPS:/a.test/x", "https://a.test/x"),
            ("Http:a.test", "http://a.test/"),
            ("a.test:8080/x", "https://a.test:8080/x"),
            ("a.test/p?u=http://b.test/", "https://a.test/p?u=http://b.test/"),
            ("[::1]:8080/", "https://[::1]:8080/"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(url), "{text}");
        }
        for text in ["mailto:me@a.test", "ftp://a.test/", "javascript:a", "file:/etc/passwd"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

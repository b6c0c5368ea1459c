//! What a crawl starts from: URLs of the command line and of a file.

use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::address::{Address, Canonical};
use crate::config::Config;
use crate::outcome::StartError;

/// The byte order mark in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Where the crawl starts.
pub(super) struct Starts {
    pub(super) addresses: Vec<Address>,
    pub(super) canonical: Canonical,
    /// Lines of the file that are no URL.
    pub(super) troubles: Vec<String>,
}

/// Reads them. One on the command line that is no URL is an error; one in a file is told, and the others count.
pub(super) fn read(config: &Config) -> Result<Starts, StartError> {
    let canonical = Canonical { drop_tracking: config.reach.drop_tracking };
    let mut starts = Starts { addresses: Vec::new(), canonical, troubles: Vec::new() };
    for text in &config.starts {
        let address = parse(text, &canonical).map_err(StartError::Usage)?;
        starts.addresses.push(address);
    }
    if let Some(path) = &config.urls {
        from_file(path, &mut starts)?;
    }
    if starts.addresses.is_empty() {
        let hint = starts.troubles.first().map(|trouble| format!(": {trouble}")).unwrap_or_default();
        return Err(StartError::Input(format!("there is no URL to start from{hint}")));
    }
    Ok(starts)
}

/// A URL, or a host's name, which then is one of `https`.
fn parse(text: &str, canonical: &Canonical) -> Result<Address, String> {
    let text = text.trim();
    let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    Address::parse(&full, canonical).map_err(|error| {
        format!("'{text}' is no URL to crawl: {error}; expected the like of https://example.org/")
    })
}

fn from_file(path: &Path, starts: &mut Starts) -> Result<(), StartError> {
    let shown = connect::paths::shown(path);
    let unreadable = |error| StartError::Input(format!("cannot read URLs from '{shown}': {error}"));
    let lines: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(BufReader::new(std::fs::File::open(path).map_err(unreadable)?))
    };
    for (number, line) in (1..).zip(lines.split(b'\n')) {
        let line = line.map_err(unreadable)?;
        // Editors of some systems put a mark before the first line.
        let line = if number == 1 { line.strip_prefix(BOM).unwrap_or(&line) } else { &line };
        let Ok(text) = std::str::from_utf8(line) else {
            starts
                .troubles
                .push(format!("{shown}:{number}: the line is not UTF-8; write its URL with %-escapes"));
            continue;
        };
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        match parse(text, &starts.canonical) {
            Ok(address) => starts.addresses.push(address),
            Err(error) => starts.troubles.push(format!("{shown}:{number}: {error}")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use connect::Destination;

    use super::*;

    #[test]
    fn a_line_that_is_no_url_is_told_with_its_number_and_the_others_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("urls.txt");
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
        assert_eq!(starts.troubles.len(), 2);
        assert!(starts.troubles[0].contains("urls.txt:2: the line is not UTF-8"), "{:?}", starts.troubles);
        assert!(starts.troubles[1].contains("urls.txt:5: 'mailto://c' is no URL"), "{:?}", starts.troubles);
    }
}

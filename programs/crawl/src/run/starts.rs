//! What a crawl starts from: URLs of the command line and of a file.

use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::address::{Address, Canonical};
use crate::config::Config;
use crate::outcome::StartError;

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
    let shown = path.display();
    let unreadable = |error| StartError::Input(format!("cannot read URLs from '{shown}': {error}"));
    let lines: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(BufReader::new(std::fs::File::open(path).map_err(unreadable)?))
    };
    for (number, line) in (1..).zip(lines.lines()) {
        let line = line.map_err(unreadable)?;
        let text = line.trim();
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

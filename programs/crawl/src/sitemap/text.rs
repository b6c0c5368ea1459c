//! Sitemaps that are lists: one URL a line.

use std::io::{BufRead, Read};

use super::input::Input;
use super::{Entry, SitemapError};

/// Bytes of a line that are kept; no URL is longer. sitemaps.org allows 2,048.
const MAX_LINE: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct Lines<'a> {
    input: Input<'a>,
    line: Vec<u8>,
    has_any: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn new(input: Input<'a>) -> Self {
        Self { input, line: Vec::new(), has_any: false }
    }

    /// The next line that is a URL. Others, such as headings, are passed over.
    pub(super) fn next(&mut self) -> Option<Result<Entry, SitemapError>> {
        loop {
            match self.read_line() {
                Ok(true) => {}
                Ok(false) if self.input.is_cut() => return Some(Err(SitemapError::TooLarge)),
                // A text without a single URL is something else.
                Ok(false) => return (!self.has_any).then_some(Err(SitemapError::Other)),
                Err(error) => return Some(Err(error)),
            }
            let line = self.line.trim_ascii();
            let is_url = [b"http://".as_slice(), b"https://"].iter().any(|scheme| {
                line.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
            });
            if is_url && let Ok(location) = std::str::from_utf8(line) {
                self.has_any = true;
                return Some(Ok(Entry { location: location.to_owned(), modified: None }));
            }
        }
    }

    /// Reads a line, or the beginning of one that is too long. At the end there is none; a line
    /// that the limit cuts is none.
    fn read_line(&mut self) -> Result<bool, SitemapError> {
        self.line.clear();
        let read = (&mut self.input).take(MAX_LINE).read_until(b'\n', &mut self.line);
        let length = read.map_err(|error| Input::error_of(&error))?;
        let whole = self.line.ends_with(b"\n");
        if length as u64 == MAX_LINE && !whole {
            self.line.clear();
            self.input.skip_until(b'\n').map_err(|error| Input::error_of(&error))?;
            return Ok(true);
        }
        Ok(length > 0 && (whole || !self.input.is_cut()))
    }
}

//! A sitemap, entry by entry.

use std::io::BufRead;

use super::input::Input;
use super::text::Lines;
use super::xml::Xml;
use super::{Entry, Kind, Limits, SitemapError};

/// The entries of a sitemap in the order of the file. After an error nothing follows.
#[derive(Debug)]
pub struct Entries<'a> {
    format: Format<'a>,
    left: usize,
    ended: bool,
}

#[derive(Debug)]
enum Format<'a> {
    Xml(Box<Xml<'a>>),
    Lines(Lines<'a>),
    Broken(Option<SitemapError>),
}

impl<'a> Entries<'a> {
    /// Of a file whose format its first bytes show.
    ///
    /// # Examples
    /// ```
    /// use crawl::sitemap::{Entries, Limits};
    ///
    /// let mut entries = Entries::new(b"http://a.com/1\nhttp://a.com/2\n", &Limits::default());
    /// assert_eq!(entries.next().unwrap()?.location, "http://a.com/1");
    /// assert_eq!(entries.count(), 1);
    /// # Ok::<(), crawl::sitemap::SitemapError>(())
    /// ```
    #[must_use]
    pub fn new(bytes: &'a [u8], limits: &Limits) -> Self {
        let mut input = Input::new(bytes, limits.max_bytes);
        let format = match first_letter(&mut input) {
            Ok(Some(b'<')) => Format::Xml(Box::new(Xml::new(input))),
            Ok(Some(_)) => Format::Lines(Lines::new(input)),
            Ok(None) => Format::Broken(Some(SitemapError::Other)),
            Err(error) => Format::Broken(Some(error)),
        };
        Self { format, left: limits.max_entries, ended: false }
    }

    /// What the entries are. It is known once the first one was given.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match &self.format {
            Format::Xml(xml) => xml.kind(),
            Format::Lines(_) | Format::Broken(_) => Kind::Pages,
        }
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, SitemapError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = match &mut self.format {
            Format::Xml(xml) => xml.next(),
            Format::Lines(lines) => lines.next(),
            Format::Broken(error) => error.take().map(Err),
        };
        let next = match next {
            Some(Ok(_)) if self.left == 0 => Some(Err(SitemapError::TooMany)),
            next => next,
        };
        self.ended = !matches!(next, Some(Ok(_)));
        self.left = self.left.saturating_sub(1);
        next
    }
}

/// Passes a byte order mark and spaces, and looks at what follows.
fn first_letter(input: &mut Input<'_>) -> Result<Option<u8>, SitemapError> {
    loop {
        let (letter, spaces) = {
            let bytes = input.fill_buf().map_err(|error| Input::error_of(&error))?;
            if bytes.is_empty() {
                return if input.is_cut() { Err(SitemapError::TooLarge) } else { Ok(None) };
            }
            let is_space = |byte: &u8| byte.is_ascii_whitespace() || b"\xEF\xBB\xBF".contains(byte);
            let spaces = bytes.iter().take_while(|byte| is_space(byte)).count();
            (bytes.get(spaces).copied(), spaces)
        };
        input.consume(spaces);
        if letter.is_some() {
            return Ok(letter);
        }
    }
}

//! Sitemaps: lists of URLs that a site gives, as sitemaps.org describes them. Nothing is fetched
//! here, and what is listed is not checked to be a URL.

mod entries;
mod input;
mod text;
mod xml;

use std::fmt;

pub use entries::Entries;

/// What is read of one sitemap, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes after decompression.
    pub max_bytes: u64,
    /// Entries.
    pub max_entries: usize,
}

/// What sitemaps.org allows: 50 MB and 50,000 entries.
impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 50 << 20, max_entries: 50_000 }
    }
}

/// What a sitemap lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pages.
    Pages,
    /// Other sitemaps.
    Index,
}

/// One line of a sitemap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The URL of a page or of another sitemap, as it is written, without its references and the
    /// spaces around it.
    pub location: String,
    /// When it was changed, as it is written: a date, or a date and a time.
    pub modified: Option<String>,
}

/// A sitemap, or what could be read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sitemap {
    /// What its entries are. A file that is none, or that breaks off before that is said, counts as
    /// pages.
    pub kind: Kind,
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// Why the entries are not all of them.
    pub error: Option<SitemapError>,
}

impl Sitemap {
    /// Reads a whole sitemap: XML or a list of lines, gzipped or not. What was read before an error
    /// is kept. [`Entries`] does the same entry by entry.
    ///
    /// # Cost
    /// Memory for the entries, and for the longest text between two tags. What is compressed is
    /// decompressed as it is read.
    ///
    /// # Examples
    /// ```
    /// use crawl::sitemap::{Kind, Limits, Sitemap, SitemapError};
    ///
    /// let sitemap = Sitemap::read(b"<urlset><url><loc>http://a.com/?b=1&amp;c=2</loc></url><url>", &Limits::default());
    /// assert_eq!(sitemap.kind, Kind::Pages);
    /// assert_eq!(sitemap.entries[0].location, "http://a.com/?b=1&c=2");
    /// assert_eq!(sitemap.error, Some(SitemapError::Truncated));
    /// ```
    #[must_use]
    pub fn read(bytes: &[u8], limits: &Limits) -> Self {
        let mut all = Entries::new(bytes, limits);
        let (mut entries, mut error) = (Vec::new(), None);
        for entry in &mut all {
            match entry {
                Ok(entry) => entries.push(entry),
                Err(stopped) => error = Some(stopped),
            }
        }
        Self { kind: all.kind(), entries, error }
    }
}

/// Why a sitemap could not be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SitemapError {
    /// It has more bytes than allowed, after decompression.
    TooLarge,
    /// It has more entries than allowed.
    TooMany,
    /// Its elements are inside of each other more than 32 deep.
    TooDeep,
    /// It breaks off.
    Truncated,
    /// It is no gzip file, though it begins as one, or its checksum is wrong.
    Gzip,
    /// It is no XML from this byte on, counted after decompression.
    Syntax(u64),
    /// It is something else: HTML, a feed, or nothing at all. Feeds may stand for sitemaps; the
    /// room for links reads them.
    Other,
}

impl fmt::Display for SitemapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the sitemap has more bytes than allowed"),
            Self::TooMany => f.write_str("the sitemap has more entries than allowed"),
            Self::TooDeep => f.write_str("the elements of the sitemap are nested too deeply"),
            Self::Truncated => f.write_str("the sitemap breaks off"),
            Self::Gzip => f.write_str("the sitemap is a damaged gzip file"),
            Self::Syntax(at) => write!(f, "the sitemap is not XML at byte {at}"),
            Self::Other => f.write_str("the file is no sitemap"),
        }
    }
}

impl std::error::Error for SitemapError {}

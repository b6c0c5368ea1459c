//! The lines of a robots.txt: which have a key that is known, and what value. What they mean
//! together is not known here.

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    UserAgent,
    Allow,
    Disallow,
    Sitemap,
    CrawlDelay,
}

/// Beginnings of keys, in lower case. Google compares beginnings, so that `Disallowed:` forbids as
/// well, and knows these misspellings.
const KEYS: &[(&str, Key)] = &[
    ("user-agent", Key::UserAgent),
    ("useragent", Key::UserAgent),
    ("user agent", Key::UserAgent),
    ("allow", Key::Allow),
    ("disallow", Key::Disallow),
    ("dissallow", Key::Disallow),
    ("dissalow", Key::Disallow),
    ("disalow", Key::Disallow),
    ("diasllow", Key::Disallow),
    ("disallaw", Key::Disallow),
    ("sitemap", Key::Sitemap),
    ("site-map", Key::Sitemap),
    ("crawl-delay", Key::CrawlDelay),
    ("crawldelay", Key::CrawlDelay),
];

/// The lines of a file that are understood.
pub(super) struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        // Files were seen that lost the end of their byte order mark.
        let mark = [0xEF, 0xBB, 0xBF];
        let length =
            bytes.iter().zip(mark).take_while(|(byte, of_mark)| **byte == *of_mark).count();
        Self { rest: &bytes[length..] }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (Key, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let end = memchr::memchr2(b'\n', b'\r', self.rest).unwrap_or(self.rest.len());
            let line = &self.rest[..end];
            // The line between CR and LF is empty, and says nothing.
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            if let Some(understood) = key_and_value(line) {
                return Some(understood);
            }
        }
        None
    }
}

fn key_and_value(line: &[u8]) -> Option<(Key, &[u8])> {
    let line = &line[..memchr::memchr(b'#', line).unwrap_or(line.len())];
    let line = line.trim_ascii();
    let (name, value) = match memchr::memchr(b':', line) {
        Some(at) => (&line[..at], &line[at + 1..]),
        None => two_words(line)?,
    };
    Some((key(name.trim_ascii())?, value.trim_ascii()))
}

/// A line without a colon counts if it is two words.
fn two_words(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(u8::is_ascii_whitespace)?;
    let value = line[at..].trim_ascii();
    (!value.iter().any(u8::is_ascii_whitespace)).then_some((&line[..at], value))
}

fn key(name: &[u8]) -> Option<Key> {
    let begins = |(start, _): &&(&str, Key)| {
        name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes()))
    };
    KEYS.iter().find(begins).map(|(_, key)| *key)
}

//! How a line that begins with a time writes it.

use super::Context;
use crate::time::{self, Timestamp};

/// The form of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// RFC 3339 and its relatives.
    Iso,
    /// A clock without a date.
    Clock,
    /// `Wed Oct 11 14:32:52.123456 2000`.
    Apache,
}

impl Stamp {
    /// The text behind an opening bracket, if there is one.
    fn opened(text: &[u8]) -> (&[u8], usize) {
        match text {
            [b'[', rest @ ..] => (rest, 1),
            _ => (text, 0),
        }
    }

    #[inline]
    pub(super) fn begins(self, line: &[u8]) -> bool {
        let (text, _) = Stamp::opened(line);
        match self {
            Stamp::Iso => time::iso_shape(text),
            Stamp::Clock => time::clock_shape(text),
            Stamp::Apache => time::apache_shape(text),
        }
    }

    #[inline]
    pub(super) fn any_shape(text: &[u8]) -> bool {
        let (text, _) = Stamp::opened(text);
        time::iso_shape(text) || time::clock_shape(text)
    }

    /// Reads a time in brackets or not, as it stands behind a level.
    #[inline]
    pub(super) fn any(text: &[u8], at: usize, context: &mut Context) -> Option<(Timestamp, usize)> {
        let (stamp, bracket) = Stamp::opened(&text[at..]);
        let (time, end) =
            time::iso(stamp, &mut context.minute).or_else(|| time::clock(stamp, context.now))?;
        let end = at + bracket + end;
        Some((time, if bracket == 1 && text.get(end) == Some(&b']') { end + 1 } else { end }))
    }

    /// Reads the time at the start of a line; the end is that of the time itself.
    #[inline]
    pub(super) fn read(self, line: &[u8], context: &mut Context) -> Option<(Timestamp, usize)> {
        let (text, bracket) = Stamp::opened(line);
        let (time, end) = match self {
            Stamp::Iso => time::iso(text, &mut context.minute),
            Stamp::Clock => time::clock(text, context.now),
            Stamp::Apache => time::apache(text),
        }?;
        Some((time, bracket + end))
    }

    /// Where the time at the start of a line ends, without working it out.
    #[inline]
    pub(super) fn skip(self, line: &[u8]) -> Option<usize> {
        let (text, bracket) = Stamp::opened(line);
        let end = match self {
            Stamp::Iso => time::iso_len(text),
            Stamp::Clock => time::clock_len(text),
            Stamp::Apache => time::apache_len(text),
        }?;
        Some(bracket + end)
    }
}

//! Addresses that a site makes without end: too long, too deep, or going in circles. How many links
//! deep a page lies is not known here.

use std::fmt;

use super::Address;

/// Limits for addresses that are worth a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traps {
    /// Bytes of the whole address.
    pub max_length: usize,
    /// Segments of the path.
    pub max_segments: usize,
    /// How often one segment may stand in a path, wherever it stands. Two or three segments that
    /// repeat one after the other are a trap at this number already, for no path of a directory
    /// looks like `/a/b/a/b/a/b`.
    pub max_repeats: usize,
}

/// As many bytes as the longest address that old browsers took, 20 segments, and 3 repetitions.
impl Default for Traps {
    fn default() -> Self {
        Self { max_length: 2083, max_segments: 20, max_repeats: 3 }
    }
}

/// What kind of trap an address looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TrapKind {
    /// The address is too long.
    Length,
    /// The path has too many segments.
    Segments,
    /// The path goes in circles.
    Repeats,
}

impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "the address is longer than allowed",
            Self::Segments => "the path has more segments than allowed",
            Self::Repeats => "segments of the path repeat more often than allowed",
        })
    }
}

impl std::error::Error for TrapKind {}

impl Traps {
    /// Whether an address is worth a visit.
    ///
    /// # Errors
    /// The first limit that it is beyond: length, segments, repeats.
    ///
    /// # Cost
    /// Compares the segments of the path with each other, at most [`Traps::max_segments`] of them,
    /// and allocates nothing.
    ///
    /// # Examples
    /// ```
    /// use crawl::address::{Address, Canonical, TrapKind, Traps};
    ///
    /// let address = Address::parse("http://example.com/a/b/a/b/a/b/", &Canonical::default())?;
    /// assert_eq!(Traps::default().check(&address), Err(TrapKind::Repeats));
    /// # Ok::<(), crawl::address::AddressError>(())
    /// ```
    pub fn check(&self, address: &Address) -> Result<(), TrapKind> {
        if address.as_str().len() > self.max_length {
            return Err(TrapKind::Length);
        }
        if segments(address).count() > self.max_segments {
            return Err(TrapKind::Segments);
        }
        let again = |segment: &str| {
            segments(address).filter(|other| *other == segment).count() > self.max_repeats
        };
        if segments(address).any(again) || (2..=3).any(|unit| self.goes_in_circles(address, unit)) {
            return Err(TrapKind::Repeats);
        }
        Ok(())
    }

    /// Whether `unit` segments come again as often as is allowed, one time after the other.
    fn goes_in_circles(&self, address: &Address, unit: usize) -> bool {
        // This many pairs of equal segments, `unit` apart and in a row, make that many rounds.
        let wanted = unit * self.max_repeats.saturating_sub(1);
        let mut run = 0;
        for (one, other) in segments(address).zip(segments(address).skip(unit)) {
            run = if one == other { run + 1 } else { 0 };
            if run >= wanted && wanted > 0 {
                return true;
            }
        }
        false
    }
}

/// Without the empty one after a slash at the end.
fn segments(address: &Address) -> impl Iterator<Item = &str> {
    let path = address.path();
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').take(if path.is_empty() { 0 } else { usize::MAX })
}

//! What a page that is done leads to, as it is kept: so that a shorter way to the page, found
//! later, is one to them as well, and nobody has to ask for the page again.

use std::io;

use super::types::{Found, Step};

/// What is kept beyond the reach of a crawl is compressed at this level.
const LEVEL: i32 = 1;

/// As numbers in the tables.
pub(super) fn step_number(step: Step) -> i64 {
    match step {
        Step::Start => 0,
        Step::Link => 1,
        Step::Redirect => 2,
    }
}

pub(super) fn step_of(number: i64) -> Step {
    match number {
        1 => Step::Link,
        2 => Step::Redirect,
        _ => Step::Start,
    }
}

/// Numbers of URLs: the differences from one to the next, for those that were found on one page are
/// neighbours.
pub(super) fn pack_numbers(numbers: &[u32]) -> Vec<u8> {
    let (mut packed, mut last) = (Vec::with_capacity(numbers.len() * 2), 0i64);
    for number in numbers.iter().map(|number| i64::from(*number)) {
        let difference = number - last;
        last = number;
        let mut rest = ((difference << 1) ^ (difference >> 63)).cast_unsigned();
        while rest >= 0x80 {
            packed.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        packed.push(rest as u8);
    }
    packed
}

/// None if they are damaged.
pub(super) fn unpack_numbers(packed: &[u8]) -> Option<Vec<u32>> {
    let (mut numbers, mut last, mut rest, mut shift) =
        (Vec::with_capacity(packed.len()), 0i64, 0u64, 0);
    for byte in packed {
        rest |= u64::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            last = last.checked_add((rest >> 1).cast_signed() ^ -(rest & 1).cast_signed())?;
            numbers.push(u32::try_from(last).ok()?);
            (rest, shift) = (0, 0);
        }
    }
    (shift == 0).then_some(numbers)
}

/// URLs that are out of reach: not in the table of URLs, since most of them never will be.
pub(super) fn pack_found<'a>(found: impl IntoIterator<Item = &'a Found>) -> io::Result<Vec<u8>> {
    use std::fmt::Write;
    let mut text = String::new();
    for Found { url, origin, key, .. } in found {
        writeln!(text, "{key:032x} {origin} {url}").map_err(io::Error::other)?;
    }
    zstd::encode_all(text.as_bytes(), LEVEL)
}

/// None if they are damaged. Depth and redirects are what they are at the time.
pub(super) fn unpack_found(packed: &[u8], step: Step) -> Option<Vec<Found>> {
    let text = String::from_utf8(zstd::decode_all(packed).ok()?).ok()?;
    let one = |line: &str| {
        let (key, rest) = line.split_once(' ')?;
        let (origin, url) = rest.split_once(' ')?;
        let key = u128::from_str_radix(key, 16).ok()?;
        Some(Found {
            url: url.to_owned(),
            origin: origin.to_owned(),
            key,
            depth: 0,
            redirects: 0,
            step,
        })
    };
    text.lines().map(one).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back_as_they_were(numbers in prop::collection::vec(any::<u32>(), 0..100)) {
            prop_assert_eq!(unpack_numbers(&pack_numbers(&numbers)), Some(numbers));
        }

        #[test]
        fn damage_is_noticed_or_gives_other_numbers_and_never_panics(packed in prop::collection::vec(any::<u8>(), 0..40)) {
            let _numbers = unpack_numbers(&packed);
            let _found = unpack_found(&packed, Step::Link);
        }
    }

    #[test]
    fn urls_come_back_as_they_were() {
        let found = |n: u128| Found {
            url: format!("http://a.test/{n}?b=c%20d"),
            origin: "http://a.test:80".to_owned(),
            key: n << 100 | n,
            depth: 0,
            redirects: 0,
            step: Step::Redirect,
        };
        let all: Vec<Found> = (0..50).map(found).collect();
        assert_eq!(unpack_found(&pack_found(&all).unwrap(), Step::Redirect), Some(all));
    }
}

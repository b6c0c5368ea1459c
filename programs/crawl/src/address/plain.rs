//! The short way to an address, for links that are canonical as they stand: a look at each byte,
//! and one copy. Whatever needs a decision is left to the whole parser; a property test holds both
//! ways against each other.

use super::{Address, Parts};

/// What a byte of path or query asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// It stays as it is.
    Plain,
    /// It may be part of a dot segment.
    Dot,
    Question,
    Fragment,
    /// The whole parser has to look at it.
    Other,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => Class::Plain,
            b'-' | b'_' | b'~' | b'/' | b'!' | b'$' | b'&' | b'(' | b')' | b'*' | b'+' | b','
            | b';' | b'=' | b':' | b'@' => Class::Plain,
            b'.' => Class::Dot,
            b'?' => Class::Question,
            b'#' => Class::Fragment,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

/// Path and query of a link that stay as they are.
struct Tail<'a> {
    /// Without the fragment.
    text: &'a str,
    /// Where the query's question mark is, or the end.
    path_end: usize,
}

/// The tail that a text is, if it needs no change. A segment that begins with a dot may be one that
/// goes away.
fn tail(text: &str) -> Option<Tail<'_>> {
    let bytes = text.as_bytes();
    let mut path_end = None;
    let mut end = bytes.len();
    for (at, byte) in bytes.iter().enumerate() {
        match CLASSES[usize::from(*byte)] {
            Class::Plain => {}
            Class::Dot if path_end.is_some() || at > 0 && bytes[at - 1] != b'/' => {}
            Class::Question => path_end = path_end.or(Some(at)),
            Class::Fragment => {
                end = at;
                break;
            }
            Class::Dot | Class::Other => return None,
        }
    }
    // An empty query is not kept.
    let path_end = path_end.unwrap_or(end);
    (path_end + 1 != end).then_some(Tail { text: &text[..end], path_end })
}

/// The address of a link on `base`, if it is plain.
pub(super) fn join(base: &Address, href: &str) -> Option<Address> {
    let bytes = href.as_bytes();
    match bytes {
        [] | [b'#', ..] => None,
        [b'/', b'/', ..] => None,
        [b'/', ..] => Some(extend(base, base.parts.path_start as usize, &tail(href)?)),
        [b'?', ..] => {
            let tail = tail(href)?;
            Some(extend(base, base.parts.path_end as usize, &tail))
        }
        _ if href.starts_with("http") && href.contains("://") => {
            same_origin(base, href).or_else(|| absolute(href))
        }
        _ => {
            // A colon may end a scheme.
            if memchr::memchr(b':', bytes).is_some() {
                return None;
            }
            let directory = base.path().rfind('/').map_or(0, |at| at + 1);
            Some(extend(base, base.parts.path_start as usize + directory, &tail(href)?))
        }
    }
}

/// The link in full, if its origin is that of the page: most links that are not relative.
fn same_origin(base: &Address, href: &str) -> Option<Address> {
    let path = href.strip_prefix(base.origin())?;
    if !path.starts_with('/') {
        return None;
    }
    Some(extend(base, base.parts.path_start as usize, &tail(path)?))
}

/// The first `keep` bytes of the base, which end in its path, and the tail.
fn extend(base: &Address, keep: usize, tail: &Tail<'_>) -> Address {
    let mut text = String::with_capacity(keep + tail.text.len());
    text.push_str(&base.text[..keep]);
    text.push_str(tail.text);
    let path_end =
        u32::try_from(keep + tail.path_end).expect("both parts are bounded by MAX_INPUT");
    Address::of(text, Parts { path_end, ..base.parts })
}

/// The address of a URL in full, if its host is a plain name and the rest is plain.
pub(super) fn absolute(text: &str) -> Option<Address> {
    let host_start = if text.starts_with("http://") {
        7
    } else if text.starts_with("https://") {
        8
    } else {
        return None;
    };
    let after = &text.as_bytes()[host_start..];
    let length = after.iter().position(|byte| *byte == b'/').unwrap_or(after.len());
    if !is_plain_name(&after[..length]) {
        return None;
    }
    let path_start = host_start + length;
    let path = if path_start == text.len() { "/" } else { &text[path_start..] };
    let tail = tail(path)?;
    let mut whole = String::with_capacity(path_start + tail.text.len());
    whole.push_str(&text[..path_start]);
    whole.push_str(tail.text);
    let small = |at: usize| u32::try_from(at).expect("the text is bounded by MAX_INPUT");
    let parts = Parts {
        host_start: small(host_start),
        host_end: small(path_start),
        path_start: small(path_start),
        path_end: small(path_start + tail.path_end),
    };
    Some(Address::of(whole, parts))
}

/// Whether a host is a name in lower case that IDNA leaves alone and that cannot be a number.
fn is_plain_name(host: &[u8]) -> bool {
    let letters = host.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
    let last = host.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let pairs = || host.windows(2);
    letters
        && last.first().is_some_and(u8::is_ascii_lowercase)
        && host.first() != Some(&b'.')
        // Two hyphens may be those of Punycode; two dots are an empty label.
        && !pairs().any(|pair| pair == b"--" || pair == b"..")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{canonical, options::Canonical};
    use super::*;

    const PAGE: &str = "http://example.com:8080/dir/page.html?q=1";

    fn page() -> Address {
        canonical::parse(None, PAGE, None, &Canonical::default()).unwrap()
    }

    #[test]
    fn links_as_they_are_written_take_the_short_way() {
        for href in [
            "/a",
            "b.html",
            "c/d?e=f",
            "?x",
            "/p#frag",
            "http://example.com:8080/z",
            "https://other.org/",
            "https://a-b.io",
        ] {
            assert!(join(&page(), href).is_some(), "{href}");
        }
        for href in [
            "",
            "../a",
            "//host/",
            "a b",
            "%41",
            "mailto:x",
            "http://1.2.3.4/",
            "http://xn--a/",
            "/.x",
            "?",
            "a\\b",
        ] {
            assert!(join(&page(), href).is_none(), "{href}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn the_short_way_leads_where_the_long_way_leads(
            href in "(https?:)?(//)?[a-c1x.:/-]{0,8}[a-cA-C0-9.%/?#&=;:'|@ _~+*-]{0,16}",
        ) {
            if let Some(short) = join(&page(), &href) {
                let long = canonical::parse(Some(&page()), &href, None, &Canonical::default());
                prop_assert_eq!(Ok(&short), long.as_ref());
            }
            if let Some(short) = absolute(&href) {
                prop_assert_eq!(Ok(short), canonical::parse(None, &href, None, &Canonical::default()));
            }
        }

        #[test]
        fn so_it_does_for_names_of_all_kinds(
            host in "[a-c0-3.-]{1,6}(xn--|\\.com|\\.0x1|\\.1)?",
            rest in "(/[a-c.?#]{0,6})?",
        ) {
            let text = format!("http://{host}{rest}");
            if let Some(short) = absolute(&text) {
                prop_assert_eq!(Ok(short), canonical::parse(None, &text, None, &Canonical::default()));
            }
        }
    }
}

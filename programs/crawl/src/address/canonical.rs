//! The way to canonical text that holds for every URL: WHATWG's parser, then what it leaves open.
//! It knows no shortcuts.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::Encoding;
use url::{Position, Url};

use super::options::Canonical;
use super::{Address, Parts, tracking};

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// It is a URL of another scheme, such as `mailto:`.
    NotHttp,
    /// It is no URL.
    Invalid(url::ParseError),
    /// Its host is nothing but a dot, or ends with several.
    Host,
    /// It is longer than [`Address::MAX_INPUT`].
    TooLong,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp => f.write_str("only http and https URLs are fetched"),
            Self::Invalid(error) => write!(f, "not a URL: {error}"),
            Self::Host => {
                f.write_str("the host of the URL is empty, or ends with more than one dot")
            }
            Self::TooLong => write!(f, "the URL is longer than {} bytes", Address::MAX_INPUT),
        }
    }
}

impl std::error::Error for AddressError {}

/// The address of `text`, relative to `base` if it is given.
pub(super) fn parse(
    base: Option<&Address>,
    text: &str,
    encoding: Option<&'static Encoding>,
    canonical: &Canonical,
) -> Result<Address, AddressError> {
    let base = base.map(Address::url);
    let encode = encoder(encoding.unwrap_or(encoding_rs::UTF_8));
    let options = Url::options().base_url(base.as_ref());
    let options =
        if encoding.is_some() { options.encoding_override(Some(&encode)) } else { options };
    let url = options.parse(text).map_err(AddressError::Invalid)?;
    let text = compose(&url)?;
    let parts = Parts::of(&text);
    Ok(tracking::clean(Address::of(text, parts), canonical))
}

/// Letters that the encoding lacks become references such as `&#8364;`, as in browsers.
fn encoder(encoding: &'static Encoding) -> impl Fn(&str) -> Cow<'_, [u8]> {
    move |part| encoding.encode(part).0
}

/// The canonical text of what was parsed.
fn compose(url: &Url) -> Result<String, AddressError> {
    let scheme = url.scheme();
    if scheme != "http" && scheme != "https" {
        return Err(AddressError::NotHttp);
    }
    let host = url.host_str().ok_or(AddressError::Host)?;
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.is_empty() || host.ends_with('.') {
        return Err(AddressError::Host);
    }
    let tail = &url[Position::BeforePath..Position::AfterQuery];
    let tail = if url.query() == Some("") { &tail[..tail.len() - 1] } else { tail };

    let mut text = String::with_capacity(url.as_str().len());
    text.push_str(scheme);
    text.push_str("://");
    text.push_str(host);
    // A port that is the scheme's own is not among them.
    text.push_str(&url[Position::AfterHost..Position::BeforePath]);
    if text.len() + tail.len() > 3 * Address::MAX_INPUT {
        return Err(AddressError::TooLong);
    }
    push_normal(&mut text, tail);
    Ok(text)
}

/// Adds ASCII text with each percent-encoded octet in its normal form: itself if it is unreserved
/// (RFC 3986, 2.3), else with upper-case digits.
///
/// A percent sign that begins no octet stays, and nothing next to it is decoded: `%%341` must not
/// become `%41`, which would be another URL, and one that is not stable.
fn push_normal(text: &mut String, tail: &str) {
    let Some(first) = memchr::memchr(b'%', tail.as_bytes()) else {
        return text.push_str(tail);
    };
    text.push_str(&tail[..first]);
    let mut rest = &tail[first..];
    // How many letters that follow could still complete an octet with a lone percent sign before
    // them.
    let mut open = 0_u8;
    while let Some(letter) = rest.chars().next() {
        match octet(rest.as_bytes()) {
            Some(byte) if is_unreserved(byte) && open == 0 => text.push(char::from(byte)),
            Some(_) => {
                text.push_str(&rest[..3].to_ascii_uppercase());
                open = 0;
            }
            None => {
                text.push(letter);
                open = if letter == '%' { 2 } else { open.saturating_sub(1) };
                rest = &rest[letter.len_utf8()..];
                continue;
            }
        }
        rest = &rest[3..];
    }
}

/// The octet that a text begins with in its percent-encoded form.
fn octet(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(tail: &str) -> String {
        let mut text = String::new();
        push_normal(&mut text, tail);
        text
    }

    #[test]
    fn octets_are_decoded_only_if_unreserved_and_never_twice() {
        assert_eq!(normal("/%41%7e%2d?%61=%2f%c3%bc"), "/A~-?a=%2F%C3%BC");
        assert_eq!(normal("/%2541"), "/%2541");
        assert_eq!(normal("/100%"), "/100%");
        assert_eq!(normal("/%zz%4"), "/%zz%4");
    }

    #[test]
    fn a_lone_percent_sign_never_becomes_an_octet() {
        assert_eq!(normal("/%%34%31"), "/%%341");
        for tail in ["/%%341", "/%4%31", "/%%34%31", "/%%%34%31%", "/%%%%34%31"] {
            let once = normal(tail);
            assert_eq!(normal(&once), once, "{tail}");
        }
        assert_eq!(normal("/%zzz%41"), "/%zzzA");
    }
}

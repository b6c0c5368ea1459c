//! As much of HTTP/1.1 as requests without a body need.

use memchr::memmem::Finder;

/// A head that is longer is not answered.
pub(super) const LONGEST_HEAD: usize = 16 << 10;

/// A request whose head is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub(super) method: &'a [u8],
    pub(super) path: &'a [u8],
    /// The header `Host`, without the port.
    pub(super) host: &'a [u8],
    /// Whether the connection is to be kept.
    pub(super) keeps: bool,
    /// Bytes of the head.
    pub(super) length: usize,
}

/// The first request in `bytes`; none if it has not come to its end.
pub(super) fn parse<'a>(bytes: &'a [u8], end: &Finder<'_>) -> Option<Request<'a>> {
    let length = end.find(bytes)? + 4;
    let mut lines =
        bytes[..length - 4].split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end());
    let mut words = lines.next().unwrap_or_default().split(|byte| *byte == b' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut keeps = words.next() == Some(b"HTTP/1.1");
    let mut host: &[u8] = b"";
    for line in lines {
        if let Some(value) = header(line, b"host:") {
            host = value.split(|byte| *byte == b':').next().unwrap_or_default();
        } else if let Some(value) = header(line, b"connection:") {
            keeps &= !value.eq_ignore_ascii_case(b"close");
        }
    }
    Some(Request { method, path, host, keeps, length })
}

/// The value of this header, if the line is one.
fn header<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_follow_each_other_and_a_part_of_one_is_none_yet() {
        let end = Finder::new(b"\r\n\r\n");
        let bytes =
            b"GET /p/1 HTTP/1.1\r\nHOST: h1.test:80\r\n\r\nGET / HTTP/1.1\r\nConnection: Close\r\n\r\nGET /p";
        let first = parse(bytes, &end).unwrap();
        assert_eq!(
            (first.method, first.path, first.host, first.keeps),
            (&b"GET"[..], &b"/p/1"[..], &b"h1.test"[..], true)
        );
        let second = parse(&bytes[first.length..], &end).unwrap();
        assert_eq!((second.path, second.keeps), (&b"/"[..], false));
        assert_eq!(parse(&bytes[first.length + second.length..], &end), None);
        assert!(!parse(b"GET / HTTP/1.0\r\n\r\n", &end).unwrap().keeps);
    }
}

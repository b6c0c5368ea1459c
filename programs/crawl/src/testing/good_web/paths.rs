//! Paths of pages, and the numbers in them.

/// A page's path: `/` is the first, then `/p/1`.
pub(super) fn path(index: u64, out: &mut Vec<u8>) {
    out.push(b'/');
    if index > 0 {
        out.extend_from_slice(b"p/");
        number(index, out);
    }
}

/// The number of the page at a path.
pub(super) fn index(path: &[u8]) -> Option<u64> {
    if path == b"/" {
        return Some(0);
    }
    let digits = path.strip_prefix(b"/p/")?;
    // One URL a page: neither zero nor zeros in front.
    if digits.is_empty()
        || digits.len() > 18
        || digits[0] == b'0'
        || !digits.iter().all(u8::is_ascii_digit)
    {
        return None;
    }
    Some(digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

pub(super) fn number(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

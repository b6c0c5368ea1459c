//! Colours: taking ANSI escape sequences out of lines that were written for a terminal.

const ESCAPE: u8 = 0x1b;

/// Whether there is an escape sequence in the text.
#[inline]
pub(super) fn has(text: &[u8]) -> bool {
    memchr::memchr(ESCAPE, text).is_some()
}

/// Appends the text without its escape sequences.
pub(super) fn strip_into(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(ESCAPE, rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + sequence(&rest[at..])..];
    }
    out.extend_from_slice(rest);
}

/// The beginning of the text without its escape sequences, as much of it as fits.
pub(super) fn strip_head<'a>(text: &[u8], head: &'a mut [u8; 96]) -> &'a [u8] {
    let (mut at, mut len) = (0, 0);
    while len < head.len() && at < text.len() {
        if text[at] == ESCAPE {
            at += sequence(&text[at..]);
        } else {
            head[len] = text[at];
            len += 1;
            at += 1;
        }
    }
    &head[..len]
}

/// The length of the escape sequence that the text begins with: `ESC [ ... letter`, or the escape
/// character alone.
fn sequence(text: &[u8]) -> usize {
    if text.get(1) != Some(&b'[') {
        return 1;
    }
    let parameters =
        text[2..].iter().take(32).take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
    match text.get(2 + parameters) {
        Some(0x40..=0x7e) => 3 + parameters,
        _ => 2 + parameters,
    }
}

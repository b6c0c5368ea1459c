//! Checks JSON text against the grammar of RFC 8259, and says where its parts are, without
//! building anything.
//!
//! A log line has to be checked whole even when all of it is thrown away afterwards; `serde_json`,
//! asked for the places of keys and values, was half as fast, and is the judge of this file in a
//! property test. UTF-8 is checked by the caller, and only if [`Cursor::is_ascii`] does not settle
//! it.

use super::json_marks::Marks;
use crate::record::Span;

/// How deep arrays and objects may be nested in a value, as in `serde_json`.
const MAX_DEPTH: u32 = 126;

/// A place in a JSON text; each step that returns `None` has found something that is not JSON.
#[derive(Debug)]
pub(super) struct Cursor<'l> {
    text: &'l [u8],
    at: usize,
    marks: Marks,
}

impl<'l> Cursor<'l> {
    pub(super) fn new(text: &'l [u8]) -> Cursor<'l> {
        Cursor { text, at: 0, marks: Marks::new() }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether what was taken so far is ASCII for certain: outside of strings the grammar has
    /// nothing else.
    pub(super) fn is_ascii(&self) -> bool {
        self.marks.are_ascii()
    }

    /// Passes over bytes that are known to be what they should be, and to be ASCII.
    #[inline]
    pub(super) fn pass(&mut self, len: usize) {
        self.at += len;
    }

    #[inline]
    pub(super) fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Takes one byte if it is the one expected.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Whether only blanks are left.
    pub(super) fn ends(&mut self) -> bool {
        self.blanks();
        self.at == self.text.len()
    }

    /// Takes a key with its colon and gives the inside of its quotes.
    #[inline]
    pub(super) fn key(&mut self) -> Option<Span> {
        let key = self.string()?;
        self.blanks();
        self.take(b':')?;
        self.blanks();
        Some(key)
    }

    /// Takes a value of any kind.
    #[inline]
    pub(super) fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' | b'[' => self.nested(),
            _ => self.scalar(),
        }
    }

    /// Takes an array or an object. Which of them is open at which depth is a bit each: no
    /// recursion, no allocation.
    fn nested(&mut self) -> Option<()> {
        let (mut objects, mut depth) = (0u128, 0);
        loop {
            match self.peek()? {
                open @ (b'{' | b'[') => {
                    if depth == MAX_DEPTH {
                        return None;
                    }
                    self.at += 1;
                    depth += 1;
                    objects = objects << 1 | u128::from(open == b'{');
                    self.blanks();
                    let closes = if open == b'{' { b'}' } else { b']' };
                    if self.take(closes).is_none() {
                        if open == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                    depth -= 1;
                    objects >>= 1;
                }
                b'"' => self.string().map(|_| ())?,
                _ => self.scalar()?,
            }
            // Behind a value: close what ends here, then go on behind a comma.
            loop {
                if depth == 0 {
                    return Some(());
                }
                self.blanks();
                let in_object = objects & 1 == 1;
                let byte = self.peek()?;
                self.at += 1;
                match byte {
                    b',' => {
                        self.blanks();
                        if in_object {
                            self.key()?;
                        }
                        break;
                    }
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    _ => return None,
                }
                depth -= 1;
                objects >>= 1;
            }
        }
    }

    /// Takes a string and gives the inside of its quotes.
    #[inline]
    fn string(&mut self) -> Option<Span> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            self.at = self.marks.next(self.text, self.at)?;
            match self.text[self.at] {
                b'"' => {
                    self.at += 1;
                    return Some(Span::new(start, self.at - 1));
                }
                b'\\' => self.escape()?,
                _control => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.text.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' if self.text.get(self.at + 2..self.at + 6)?.iter().all(u8::is_ascii_hexdigit) => {
                self.at += 6
            }
            _ => return None,
        }
        Some(())
    }

    fn scalar(&mut self) -> Option<()> {
        match self.peek()? {
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => self.number(),
        }
    }

    fn literal(&mut self, word: &[u8]) -> Option<()> {
        self.text[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    #[inline]
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

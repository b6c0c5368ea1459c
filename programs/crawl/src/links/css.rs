//! Addresses in style sheets: `url()` and `@import`. Everything else is passed over, but comments
//! and strings are known, for what looks like an address inside of them is none.

use std::borrow::Cow;

use super::LinkKind;

/// Gives every address of a style sheet, in order.
pub(super) fn read(text: &str, found: &mut dyn FnMut(Cow<'_, str>, LinkKind)) {
    let mut scanner = Scanner { text, at: 0 };
    while let Some(at) =
        memchr::memchr3(b'(', b'@', b'/', rest_of(text, scanner.at)).map(|skip| scanner.at + skip)
    {
        // Strings between here and there hide what they contain.
        if let Some(quote) = memchr::memchr2(b'"', b'\'', &text.as_bytes()[scanner.at..at]) {
            scanner.at += quote;
            scanner.string();
            continue;
        }
        scanner.at = at;
        match text.as_bytes()[at] {
            b'/' => scanner.comment(),
            b'@' => {
                scanner.at += 1;
                if scanner.word("import") {
                    scanner.import(found);
                }
            }
            _ => {
                let is_url = ends_with_url(&text.as_bytes()[..at]);
                scanner.at += 1;
                if is_url {
                    scanner.url(LinkKind::Asset, found);
                }
            }
        }
    }
}

fn rest_of(text: &str, at: usize) -> &[u8] {
    text.as_bytes().get(at..).unwrap_or_default()
}

/// Whether a function's name before its bracket is `url`.
fn ends_with_url(before: &[u8]) -> bool {
    let Some(start) = before.len().checked_sub(3) else { return false };
    let is_part_of_name =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || !byte.is_ascii();
    before[start..].eq_ignore_ascii_case(b"url")
        && !before[..start].last().is_some_and(is_part_of_name)
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a [u8] {
        rest_of(self.text, self.at)
    }

    /// Passes a comment, or the slash that begins none.
    fn comment(&mut self) {
        if self.rest().starts_with(b"/*") {
            let end = memchr::memmem::find(&self.rest()[2..], b"*/");
            self.at = end.map_or(self.text.len(), |end| self.at + 2 + end + 2);
        } else {
            self.at += 1;
        }
    }

    fn spaces(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            if !self.rest().starts_with(b"/*") {
                return;
            }
            self.comment();
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let is_there = self
            .rest()
            .get(..word.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()));
        if is_there {
            self.at += word.len();
        }
        is_there
    }

    /// The content of the string that begins here. A line's end ends it as well.
    fn string(&mut self) -> &'a str {
        let rest = self.rest();
        let quote = rest[0];
        let start = self.at + 1;
        let mut end = 1;
        while let Some(byte) = rest.get(end) {
            match byte {
                b'\\' => end += 1,
                b'\n' => break,
                byte if *byte == quote => break,
                _ => {}
            }
            end += 1;
        }
        let end = (self.at + end).min(self.text.len());
        // A quote or a line's end is passed; a backslash may have led beyond the text's end.
        self.at = (end + 1).min(self.text.len());
        self.text.get(start..end).unwrap_or_default()
    }

    fn import(&mut self, found: &mut dyn FnMut(Cow<'_, str>, LinkKind)) {
        self.spaces();
        match self.rest().first() {
            Some(b'"' | b'\'') => {
                let href = self.string();
                give(href, LinkKind::Style, found);
            }
            Some(b'u' | b'U') if self.word("url(") => self.url(LinkKind::Style, found),
            _ => {}
        }
    }

    /// The address between the brackets of `url()`, of which the first one is passed.
    fn url(&mut self, kind: LinkKind, found: &mut dyn FnMut(Cow<'_, str>, LinkKind)) {
        self.at += self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if let Some(b'"' | b'\'') = self.rest().first() {
            let href = self.string();
            return give(href, kind, found);
        }
        let rest = self.rest();
        let mut end = 0;
        while let Some(byte) = rest.get(end) {
            match byte {
                b'\\' => end += 1,
                b')' => break,
                _ => {}
            }
            end += 1;
        }
        let end = (self.at + end).min(self.text.len());
        let href = self.text.get(self.at..end).unwrap_or_default();
        self.at = end;
        give(href.trim_ascii(), kind, found);
    }
}

fn give(href: &str, kind: LinkKind, found: &mut dyn FnMut(Cow<'_, str>, LinkKind)) {
    // References inside of the document are none to others.
    if !href.is_empty() && !href.starts_with('#') {
        found(unescape(href), kind);
    }
}

/// A backslash stands before a letter, or before the hexadecimal number of one and perhaps a space.
fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let digits = after.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        if let Ok(number) = u32::from_str_radix(&after[..digits], 16) {
            plain.push(
                char::from_u32(number).filter(|letter| *letter != '\0').unwrap_or('\u{FFFD}'),
            );
            rest = &after[digits..];
            rest = rest.strip_prefix([' ', '\t', '\n']).unwrap_or(rest);
        } else {
            let letter = after.chars().next();
            // A line that goes on is one line.
            plain.extend(letter.filter(|letter| *letter != '\n'));
            rest = &after[letter.map_or(0, char::len_utf8)..];
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, LinkKind)> {
        let mut all = Vec::new();
        read(text, &mut |href, kind| all.push((href.into_owned(), kind)));
        all
    }

    #[test]
    fn addresses_are_found_in_all_forms() {
        let asset = |href: &str| vec![(href.to_owned(), LinkKind::Asset)];
        for text in [
            "a{b:url(x.png)}",
            "a{b:URL( x.png )}",
            "url('x.png')",
            "url( \"x.png\" )",
            "url(x.png",
            "url('x.png",
            "src:url(\\78 .png)",
        ] {
            assert_eq!(found(text), asset("x.png"), "{text}");
        }
        assert_eq!(found("url(a\\)b) url('a\\'b')"), [asset("a)b"), asset("a'b")].concat());
        assert_eq!(found("a{background:url(1),url(2)}@font-face{src:url(3)}").len(), 3);
    }

    #[test]
    fn imports_are_style_sheets() {
        for text in [
            "@import 'a.css';",
            "@IMPORT \"a.css\" screen;",
            "@import url(a.css);",
            "@import/**/url('a.css')",
            "@import  URL(a.css)",
        ] {
            assert_eq!(found(text), [("a.css".to_owned(), LinkKind::Style)], "{text}");
        }
        assert_eq!(found("@media x{}@imported y;@import;"), []);
    }

    #[test]
    fn comments_strings_and_other_functions_hide_nothing_and_show_nothing() {
        assert_eq!(found("/* url(a) @import 'b' */"), []);
        assert_eq!(found("a{content:'url(a)'} b{content:\"@import 'c'\"}"), []);
        assert_eq!(found("curl(a) my-url(b) rgb(1,2,3) url(#c) url()"), []);
        assert_eq!(
            found("a{content:'\\''; b:url(x)} /* unclosed url(y)"),
            [("x".to_owned(), LinkKind::Asset)]
        );
        assert_eq!(found("a: 1/2 url(x)"), [("x".to_owned(), LinkKind::Asset)]);
        assert_eq!(found("a{content:'broken\n} b{c:url(x)}"), [("x".to_owned(), LinkKind::Asset)]);
    }

    #[test]
    fn a_text_that_ends_anywhere_ends() {
        let text = "@import url('ä\\";
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let _ = found(&text[..end]);
        }
        let _ = found("'\\ü");
        let _ = found("url(\\ü");
    }
}

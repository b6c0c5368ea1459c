//! Splits Rust text into code and comments, line for line, so that a rule about code is not fooled
//! by a string.
//!
//! It knows strings (plain, byte, C and raw), characters, lifetimes and nested comments; it does
//! not parse.

/// The same text twice, with all else blanked: both have the lines and columns of the original.
#[derive(Debug)]
pub(super) struct Split {
    /// Code alone; the contents of strings and characters are blanked too, their quotes stay.
    pub(super) code: String,
    /// Comments alone, doc comments among them.
    pub(super) comments: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Code,
    Comment,
    Literal,
}

/// Splits a file.
pub(super) fn split(text: &str) -> Split {
    let mut walk =
        Walk { chars: text.chars().collect(), at: 0, code: String::new(), comments: String::new() };
    while walk.at < walk.chars.len() {
        walk.token();
    }
    Split { code: walk.code, comments: walk.comments }
}

struct Walk {
    chars: Vec<char>,
    at: usize,
    code: String,
    comments: String,
}

impl Walk {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    /// Moves over characters, each kept in its own text and blank in the other.
    fn take(&mut self, count: usize, part: Part) {
        for _ in 0..count {
            let Some(c) = self.peek(0) else { return };
            self.at += 1;
            let blank = if c == '\n' { '\n' } else { ' ' };
            self.code.push(if part == Part::Code { c } else { blank });
            self.comments.push(if part == Part::Comment { c } else { blank });
        }
    }

    fn token(&mut self) {
        let Some(c) = self.peek(0) else { return };
        if self.starts_with("//") {
            while self.peek(0).is_some_and(|c| c != '\n') {
                self.take(1, Part::Comment);
            }
        } else if self.starts_with("/*") {
            self.block_comment();
        } else if c == '"' {
            self.string();
        } else if c == '\'' {
            self.character_or_lifetime();
        } else if c.is_alphanumeric() || c == '_' {
            self.word();
        } else {
            self.take(1, Part::Code);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.chars.len() {
            if self.starts_with("/*") {
                depth += 1;
                self.take(2, Part::Comment);
            } else if self.starts_with("*/") {
                depth -= 1;
                self.take(2, Part::Comment);
                if depth == 0 {
                    return;
                }
            } else {
                self.take(1, Part::Comment);
            }
        }
    }

    fn string(&mut self) {
        self.take(1, Part::Code);
        while let Some(c) = self.peek(0) {
            match c {
                '"' => return self.take(1, Part::Code),
                '\\' => self.take(2, Part::Literal),
                _ => self.take(1, Part::Literal),
            }
        }
    }

    /// A quote starts a character if it is closed after one (or after an escape), else a lifetime
    /// or a label.
    fn character_or_lifetime(&mut self) {
        self.take(1, Part::Code);
        if self.peek(0) == Some('\\') {
            self.take(2, Part::Literal);
            while self.peek(0).is_some_and(|c| c != '\'') {
                self.take(1, Part::Literal);
            }
            self.take(1, Part::Code);
        } else if self.peek(1) == Some('\'') {
            self.take(1, Part::Literal);
            self.take(1, Part::Code);
        }
    }

    /// A name or a number; if it is a raw string's prefix, the string too.
    fn word(&mut self) {
        let start = self.at;
        while self.peek(0).is_some_and(|c| c.is_alphanumeric() || c == '_') {
            self.take(1, Part::Code);
        }
        let word: String = self.chars[start..self.at].iter().collect();
        if !matches!(word.as_str(), "r" | "br" | "cr") {
            return;
        }
        let hashes = self.chars[self.at..].iter().take_while(|c| **c == '#').count();
        if self.peek(hashes) != Some('"') {
            return;
        }
        self.take(hashes + 1, Part::Code);
        let end = format!("\"{}", "#".repeat(hashes));
        while self.at < self.chars.len() && !self.starts_with(&end) {
            self.take(1, Part::Literal);
        }
        self.take(hashes + 1, Part::Code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squeezed(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn strings_and_comments_are_not_code() {
        let split =
            split("let a = \"fn // {\"; // a } comment\nlet b = 2; /* x /* y */ z */ let c;");
        assert_eq!(squeezed(&split.code), "let a = \" \"; let b = 2; let c;");
        assert_eq!(squeezed(&split.comments), "// a } comment /* x /* y */ z */");
    }

    #[test]
    fn raw_and_byte_strings_end_where_they_end() {
        let split = split("f(r#\"a \" { \"#, br\"\\\", b\"\\\"}\", c\"{\"); g()");
        assert_eq!(squeezed(&split.code), "f(r#\" \"#, br\" \", b\" \", c\" \"); g()");
    }

    #[test]
    fn lifetimes_are_code_and_characters_are_not() {
        let split = split(
            "fn f<'a>(x: &'a str) -> char { '{' } let q = '\\''; let u = '\\u{7b}'; 'l: loop {}",
        );
        assert_eq!(
            squeezed(&split.code),
            "fn f<'a>(x: &'a str) -> char { ' ' } let q = ' '; let u = ' '; 'l: loop {}"
        );
    }

    #[test]
    fn lines_and_columns_stay_where_they_were() {
        let text = "/* one\ntwo */ let s = \"a\nb\";\n";
        let split = split(text);
        for part in [&split.code, &split.comments] {
            let lengths =
                |text: &str| text.lines().map(|line| line.chars().count()).collect::<Vec<_>>();
            assert_eq!(lengths(part), lengths(text));
        }
    }

    #[test]
    fn text_that_ends_in_the_middle_of_something_ends() {
        for text in ["\"abc", "/* abc", "r#\"abc", "'", "'\\", "\"\\", "r##"] {
            assert_eq!(split(text).code.chars().count(), text.chars().count());
        }
    }
}

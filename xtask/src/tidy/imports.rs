//! Which paths a Rust file names: in its `use` items, and written out in its code.
//!
//! It reads tokens, not syntax: macros, globs and names that come by a glob are not followed. What
//! only tests see is left out.

use std::collections::BTreeSet;

/// A path as it is written, and what the file does with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import {
    /// The segments from the first one, such as `crate`, `super` or the name of a child module.
    pub(super) path: Vec<String>,
    /// The name that a `use` gives it here; empty if the path is only written out.
    pub(super) name: String,
    /// Whether it is handed on with `pub use` or `pub(..) use`, and so not used here.
    pub(super) exported: bool,
}

/// The paths of a file, from its code without comments and with strings blanked.
pub(super) fn imports(code: &str) -> Vec<Import> {
    let tokens = without_tests(tokens(code));
    let mut found = BTreeSet::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "use" {
            let exported = is_exported(&tokens[..at]);
            let end = (at..tokens.len()).find(|end| tokens[*end] == ";").unwrap_or(tokens.len());
            let mut tree =
                Tree { tokens: &tokens[at + 1..end], at: 0, exported, found: &mut found };
            tree.read(&mut Vec::new());
            at = end;
        } else if is_word(&tokens[at]) && at > 0 && tokens[at - 1] != "::" {
            let path = written_out(&tokens[at..]);
            let is_visibility = tokens[..at].ends_with(&["pub", "(", "in"].map(str::to_owned));
            at += 2 * path.len().saturating_sub(1);
            if path.len() > 1 && !is_visibility {
                found.insert(Import { path, name: String::new(), exported: false });
            }
        }
        at += 1;
    }
    found.into_iter().collect()
}

/// The segments of the path that these tokens begin with.
fn written_out(tokens: &[String]) -> Vec<String> {
    let mut path = vec![tokens[0].clone()];
    for pair in tokens[1..].chunks(2) {
        match pair {
            [colons, word] if colons == "::" && is_word(word) => path.push(word.clone()),
            _ => break,
        }
    }
    path
}

/// Whether the `use` behind these tokens is public in any way.
fn is_exported(before: &[String]) -> bool {
    let restriction =
        before.iter().rev().take_while(|token| !["{", "}", ";", "]"].contains(&token.as_str()));
    restriction.into_iter().any(|token| token == "pub")
}

/// The rest of a `use` item: segments, groups, renames.
struct Tree<'a> {
    tokens: &'a [String],
    at: usize,
    exported: bool,
    found: &'a mut BTreeSet<Import>,
}

impl Tree<'_> {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn read(&mut self, prefix: &mut Vec<String>) {
        let depth = prefix.len();
        loop {
            match self.peek() {
                "{" => {
                    self.at += 1;
                    while !["}", ""].contains(&self.peek()) {
                        self.read(prefix);
                        self.at += usize::from(self.peek() == ",");
                    }
                    self.at += 1;
                    break;
                }
                "::" => self.at += 1,
                "*" => {
                    self.at += 1;
                    break;
                }
                word if is_word(word) => {
                    prefix.push(word.to_owned());
                    self.at += 1;
                    if self.peek() != "::" {
                        self.found(prefix.clone());
                        break;
                    }
                }
                _ => break,
            }
        }
        prefix.truncate(depth);
    }

    fn found(&mut self, mut path: Vec<String>) {
        let mut name = path.last().cloned().unwrap_or_default();
        if name == "self" {
            path.pop();
            name = path.last().cloned().unwrap_or_default();
        }
        if self.peek() == "as" {
            name = self.tokens.get(self.at + 1).cloned().unwrap_or_default();
            self.at += 2;
        }
        self.found.insert(Import { path, name, exported: self.exported });
    }
}

/// The tokens without the items behind `#[cfg(test)]`, `#[cfg(all(test, ..))]` and the like.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_test = tokens[at] == "#"
            && tokens.get(at + 2).is_some_and(|word| word == "cfg")
            && tokens[at..].iter().take_while(|token| *token != "]").any(|token| token == "test")
            && !tokens[at..].iter().take_while(|token| *token != "]").any(|token| token == "not");
        if is_test {
            at = end_of_item(&tokens, at);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// The place behind the item that begins at `at`: behind its `;`, or behind its block.
fn end_of_item(tokens: &[String], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
        let ends = matches!(tokens[at - 1].as_str(), "}" | ";");
        if depth == 0 && ends {
            break;
        }
    }
    at
}

/// Words, `::`, and single characters.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            tokens.push(rest[..length].to_owned());
        }
        rest = &rest[length..];
    }
    tokens
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str) -> Vec<String> {
        let show = |import: Import| {
            let how = if import.exported { "pub " } else { "" };
            format!("{how}{} as {}", import.path.join("::"), import.name)
        };
        imports(code).into_iter().map(show).collect()
    }

    #[test]
    fn groups_renames_and_self_are_read() {
        assert_eq!(
            found("use crate::a::{self, B, c::{D as E, F}};\npub(crate) use super::g::H;"),
            [
                "crate::a as a",
                "crate::a::B as B",
                "crate::a::c::D as E",
                "crate::a::c::F as F",
                "pub super::g::H as H"
            ]
        );
    }

    #[test]
    fn paths_that_are_written_out_are_read() {
        assert_eq!(
            found("fn f() -> super::a::B { crate::c::d::<u8>(x.y) }"),
            ["crate::c::d as ", "super::a::B as "]
        );
        assert!(found("pub(in crate::a) struct B;").is_empty(), "who may see it is no use of it");
    }

    #[test]
    fn what_only_tests_see_is_left_out() {
        let code = "#[cfg(test)]\nmod tests { use crate::a::A; fn f() {} }\n#[cfg(all(test, loom))]\nmod m;\nuse crate::b::B;";
        assert_eq!(found(code), ["crate::b::B as B"]);
        assert_eq!(found("#[cfg(not(test))]\nuse crate::a::A;"), ["crate::a::A as A"]);
    }
}

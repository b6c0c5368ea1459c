//! Functions of at most 70 lines, so that each is seen whole on one screen.
//!
//! A ratchet: a longer one must be listed with its length, and may only get shorter.

use super::finding::{Finding, Source};

/// The most lines of a function, from `fn` to its closing brace.
const MOST: usize = 70;

/// A function that is allowed to be longer, for now.
pub(super) struct Exception {
    path: &'static str,
    function: &'static str,
    lines: usize,
}

/// At best empty. When a function here gets shorter, its number must follow.
pub(super) const EXCEPTIONS: &[Exception] = &[];

#[derive(Debug, PartialEq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

pub(super) fn check(sources: &[Source], exceptions: &[Exception]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut used = vec![false; exceptions.len()];
    for source in sources {
        for function in functions(&source.split.code) {
            if function.lines <= MOST {
                continue;
            }
            let listed = exceptions
                .iter()
                .position(|e| e.path == source.path && e.function == function.name);
            let Function { name, line, lines } = function;
            if let Some(at) = listed {
                used[at] = true;
                let was = exceptions[at].lines;
                if lines > was {
                    findings.push(source.finding(
                        line,
                        format!("`{name}` grew from {was} to {lines} lines; split it"),
                    ));
                } else if lines < was {
                    findings.push(source.finding(
                        line,
                        format!("`{name}` shrank to {lines} lines; lower its exception"),
                    ));
                }
            } else {
                findings.push(source.finding(
                    line,
                    format!("`{name}` has {lines} lines, more than {MOST}; split it"),
                ));
            }
        }
    }
    for (exception, _) in exceptions.iter().zip(used).filter(|(_, used)| !used) {
        let what = format!("`{}` is no longer too long; remove its exception", exception.function);
        findings.push(Finding { path: exception.path.to_owned(), line: 0, what });
    }
    findings
}

/// Every function with a body, inner ones too. `code` holds neither comments nor strings.
fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    let bytes = code.as_bytes();
    for (at, _) in code.match_indices("fn ") {
        let before = code[..at].chars().next_back();
        let name: String =
            code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if name.is_empty() || before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let Some(end) = body_end(bytes, at) else { continue };
        let line = 1 + newlines(&bytes[..at]);
        found.push(Function { name, line, lines: 1 + newlines(&bytes[at..end]) });
    }
    found
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Where the body ends that follows a function's head; none for a declaration without a body.
fn body_end(code: &[u8], start: usize) -> Option<usize> {
    let (mut braces, mut brackets) = (0, 0);
    for (at, byte) in code.iter().enumerate().skip(start) {
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets -= 1,
            b';' if braces == 0 && brackets == 0 => return None,
            b'{' => braces += 1,
            b'}' => {
                braces -= 1;
                // A brace inside of the head's brackets belongs to a constant, as in `[u8; { 4 }]`.
                if braces == 0 && brackets == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, lines: usize) -> Source {
        let body = "    work();\n".repeat(lines - 2);
        Source::new("crates/x/src/a.rs", format!("//! A sample.\n\npub fn {name}() {{\n{body}}}\n"))
    }

    fn lines(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn seventy_lines_pass_and_one_more_does_not() {
        assert!(check(&[source("fits", 70)], &[]).is_empty());
        let found = check(&[source("long", 71)], &[]);
        assert_eq!(
            lines(&found),
            ["crates/x/src/a.rs:3: `long` has 71 lines, more than 70; split it"]
        );
    }

    #[test]
    fn an_exception_holds_only_at_its_very_length() {
        let at = |lines| [Exception { path: "crates/x/src/a.rs", function: "long", lines }];
        assert!(check(&[source("long", 90)], &at(90)).is_empty());
        assert!(lines(&check(&[source("long", 90)], &at(89)))[0].contains("grew from 89 to 90"));
        assert!(lines(&check(&[source("long", 90)], &at(91)))[0].contains("shrank to 90"));
        assert!(lines(&check(&[source("long", 60)], &at(90)))[0].contains("remove its exception"));
    }

    #[test]
    fn heads_with_constants_pointers_and_no_body_are_understood() {
        let code = "trait T { fn a(&self) -> [u8; { 4 }]; fn b(f: fn (u8) -> u8) { f(1); }\n}\nfn c() -> [u8; { 2 }] {\n [0; 2]\n}";
        let found: Vec<(String, usize)> =
            functions(code).into_iter().map(|f| (f.name, f.lines)).collect();
        assert_eq!(found, [("b".to_owned(), 1), ("c".to_owned(), 3)]);
    }
}

//! The prose at the root must agree with the tree: a document that names what is gone is worse than
//! none.

use std::fs;
use std::path::Path;

use super::finding::Finding;
use crate::shell::{Result, context};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const CHANGELOG: &str = "CHANGELOG.md";
const STYLE: &str = "STYLE.md";
/// The most lines of the style guide: what is longer is not read.
const STYLE_LINES: usize = 150;

pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let read = |name: &str| context(fs::read_to_string(root.join(name)), name);
    let manifest = read("Cargo.toml")?;
    let mut findings =
        architecture(&read(ARCHITECTURE)?, &members(&manifest), |path| root.join(path).exists());
    findings.extend(changelog(&read(CHANGELOG)?, &version(&manifest)));
    findings.extend(style(&read(STYLE)?));
    Ok(findings)
}

/// Every path in backticks exists, and every crate is named.
fn architecture(text: &str, members: &[String], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut named = Vec::new();
    for (line, span) in code_spans(text) {
        let Some(path) = as_path(span) else { continue };
        if !exists(path) {
            let what = format!("`{span}` does not exist; paths are written from the root");
            findings.push(Finding { path: ARCHITECTURE.to_owned(), line, what });
        }
        named.push(path.trim_end_matches('/'));
    }
    for member in members.iter().filter(|member| !named.contains(&member.as_str())) {
        let what = format!("the crate `{member}` is missing");
        findings.push(Finding { path: ARCHITECTURE.to_owned(), line: 0, what });
    }
    findings
}

/// What stands between backticks, with its line; fenced blocks are left out.
fn code_spans(text: &str) -> Vec<(usize, &str)> {
    let mut spans = Vec::new();
    let mut fenced = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            spans.extend(line.split('`').skip(1).step_by(2).map(|span| (at + 1, span)));
        }
    }
    spans
}

/// The span if it looks like a path in the repository: one word with a slash or a file's ending. Of
/// a pattern, the part before its first star.
fn as_path(span: &str) -> Option<&str> {
    let is_file = [".rs", ".md", ".toml", ".lock"].iter().any(|end| span.ends_with(end));
    let foreign = span.contains("://") || span.contains("::") || span.starts_with(['/', '<', '-']);
    let made = span == "target" || span.starts_with("target/");
    if span.contains(char::is_whitespace) || foreign || made || !(is_file || span.contains('/')) {
        return None;
    }
    match span.find(['*', '<', '{']) {
        Some(star) => span[..star].rfind('/').map(|slash| &span[..slash]),
        None => Some(span),
    }
}

/// The directories of the workspace's crates.
pub(super) fn members(manifest: &str) -> Vec<String> {
    let list = manifest.split_once("members = [").and_then(|(_, rest)| rest.split_once(']'));
    list.map(|(list, _)| list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
        .unwrap_or_default()
}

/// The version that all crates share.
fn version(manifest: &str) -> String {
    let table = manifest.split_once("[workspace.package]").map_or("", |(_, rest)| rest);
    let line = table.lines().find(|line| line.starts_with("version")).unwrap_or_default();
    line.split('"').nth(1).unwrap_or("(no version in [workspace.package])").to_owned()
}

/// The version being built has a heading in the changelog.
fn changelog(text: &str, version: &str) -> Option<Finding> {
    let mut headings = text.lines().filter(|line| line.starts_with("## "));
    let names_it = |line: &str| {
        line.split(|c: char| c.is_whitespace() || "[](),".contains(c)).any(|word| word == version)
    };
    if headings.any(names_it) {
        return None;
    }
    let what = format!("no heading `## {version}`: every version lists what changed for its users");
    Some(Finding { path: CHANGELOG.to_owned(), line: 0, what })
}

fn style(text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    let what = format!("{lines} lines, more than {STYLE_LINES}: merge rules or drop the weakest");
    (lines > STYLE_LINES).then(|| Finding { path: STYLE.to_owned(), line: 0, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let members = ["crates/a".to_owned(), "xtask".to_owned()];
        let exists = |path: &str| {
            ["crates/a", "crates/a/", "xtask", "xtask/", "crates", "clippy.toml"].contains(&path)
        };
        architecture(text, &members, exists).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_path_that_does_not_exist_is_found_with_its_line() {
        let all = "`crates/a/` and `xtask/`\n";
        assert!(
            found(&format!(
                "{all}`clippy.toml` `crates/*` `a::b` `cargo xtask ci` `kafka://h/t` `target/x`"
            ))
            .is_empty()
        );
        assert_eq!(
            found(&format!("{all}`crates/gone.rs`")),
            ["ARCHITECTURE.md:2: `crates/gone.rs` does not exist; paths are written from the root"]
        );
        assert_eq!(found(&format!("{all}`gone.toml` `gone/x`")).len(), 2);
        assert!(found(&format!("{all}```text\n`gone/x`\n```")).is_empty());
    }

    #[test]
    fn a_crate_that_is_not_named_is_found() {
        assert_eq!(found("`crates/a`"), ["ARCHITECTURE.md: the crate `xtask` is missing"]);
        assert_eq!(found("`crates/a` xtask"), ["ARCHITECTURE.md: the crate `xtask` is missing"]);
    }

    #[test]
    fn a_version_without_a_heading_is_found() {
        let manifest = "[package]\nversion = \"9.9.9\"\n[workspace.package]\nversion = \"0.1.0\"\n";
        assert_eq!(version(manifest), "0.1.0");
        assert!(changelog("# Changes\n## [0.1.0] (soon)\n", "0.1.0").is_none());
        assert!(changelog("## 0.1.0\n", "0.1.0").is_none());
        assert!(changelog("## 0.1.01\n0.1.0\n", "0.1.0").is_some());
    }

    #[test]
    fn members_are_read_from_the_manifest() {
        assert_eq!(
            members("[workspace]\nmembers = [\n  \"a\", \"b/c\",\n]\nexclude = [\"d\"]"),
            ["a", "b/c"]
        );
    }

    #[test]
    fn a_style_guide_that_nobody_reads_is_found() {
        assert!(style(&"rule\n".repeat(150)).is_none());
        assert!(style(&"rule\n".repeat(151)).is_some());
    }
}

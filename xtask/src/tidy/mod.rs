//! `cargo xtask tidy`: what the compiler and clippy cannot see, checked over every Rust file and
//! the prose at the root.
//!
//! Each check is a function from text to findings, so that its tests can show it a bad sample and
//! see it object. The whole repository is checked by a test too: `cargo test --package xtask`.

mod arrows;
mod circles;
mod finding;
mod functions;
mod imports;
mod lexer;
mod prose;
mod rules;
mod words;

use std::fs;
use std::path::Path;

use crate::shell::{self, Result, context};
use finding::{Finding, Source};

/// Prints every finding; fails if there is one.
pub(crate) fn run(args: &[String]) -> Result {
    shell::flags(args, &[])?;
    let findings = check(shell::root())?;
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        Ok(())
    } else {
        Err(format!("{} things to put right, above", findings.len()).into())
    }
}

fn check(root: &Path) -> Result<Vec<Finding>> {
    let sources = sources(root)?;
    let mut findings: Vec<Finding> = sources.iter().flat_map(rules::check).collect();
    findings.extend(functions::check(&sources, functions::EXCEPTIONS));
    findings.extend(circles::check(&sources));
    let workspace = context(fs::read_to_string(root.join("Cargo.toml")), "Cargo.toml")?;
    findings.extend(arrows::check(root, &workspace, &prose::members(&workspace))?);
    findings.extend(prose::check(root)?);
    findings.extend(words::check(root, &sources)?);
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    Ok(findings)
}

/// Every Rust file of the repository, its benchmarks and peers included; what was built or is
/// hidden is left out.
fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in context(fs::read_dir(&directory), directory.display())? {
            let path = context(entry, directory.display())?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" {
                directories.push(path);
            } else if name.ends_with(".rs") {
                let text = context(fs::read_to_string(&path), path.display())?;
                let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                sources.push(Source::new(shown, text));
            }
        }
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let findings = check(shell::root()).expect("the repository can be read");
        let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }

    #[test]
    fn every_crate_is_among_the_files_that_are_checked() {
        let sources = sources(shell::root()).expect("the repository can be read");
        let members = prose::members(
            &fs::read_to_string(shell::root().join("Cargo.toml")).expect("a workspace"),
        );
        assert!(members.len() >= 5, "{members:?}");
        for member in members {
            assert!(
                sources.iter().any(|source| source.path.starts_with(&format!("{member}/src/"))),
                "{member}"
            );
        }
    }
}

//! Crates of the repository depend on each other in one direction: the command line on programs,
//! programs on connectors, all of them on the library. Programs do not know each other.

use std::fs;
use std::path::Path;

use super::finding::Finding;
use crate::shell::{Result, context};

/// Every dependency of a crate on one that stands beside or above it.
pub(super) fn check(root: &Path, workspace: &str, members: &[String]) -> Result<Vec<Finding>> {
    let crates = named(workspace);
    let mut findings = Vec::new();
    for member in members {
        let path = format!("{member}/Cargo.toml");
        let text = context(fs::read_to_string(root.join(&path)), &path)?;
        findings.extend(upwards(&crates, member, &path, &text));
    }
    Ok(findings)
}

/// The names that the workspace gives its crates, and where these are.
fn named(workspace: &str) -> Vec<(&str, &str)> {
    let path = |line: &'_ str| line.split_once("path = \"").map(|(_, rest)| rest.len());
    workspace
        .lines()
        .filter_map(|line| {
            let rest = &line[line.len() - path(line)?..];
            Some((key(line), rest.split('"').next()?))
        })
        .collect()
}

/// The name before the first dot or equals sign.
fn key(line: &str) -> &str {
    line.split(['.', '=']).next().unwrap_or_default().trim()
}

/// How high a crate stands; one may depend on lower ones only. Automation is apart.
fn floor(member: &str) -> Option<u32> {
    match member {
        "crates/cli" => Some(3),
        "crates/connect" | "crates/http" => Some(1),
        "crates/millstream" => Some(0),
        program if program.starts_with("programs/") => Some(2),
        _ => None,
    }
}

fn upwards(crates: &[(&str, &str)], member: &str, path: &str, manifest: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in manifest.lines().enumerate() {
        let to = crates.iter().find(|(name, to)| *name == key(line) && *to != member);
        let Some((_, to)) = to else { continue };
        let is_below = match (floor(member), floor(to)) {
            (Some(from), Some(to)) => to < from,
            // Nothing depends on the automation, and it on nothing.
            _ => false,
        };
        if !is_below {
            let what = format!(
                "`{member}` must not depend on `{to}`: cli, then programs, then connect and http, then millstream"
            );
            findings.push(Finding { path: path.to_owned(), line: at + 1, what });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = "[workspace.dependencies]
millstream = { path = \"crates/millstream\", default-features = false }
connect = { package = \"millstream-connect\", path = \"crates/connect\" }
logs = { package = \"millstream-logs\", path = \"programs/logs\" }
images = { package = \"millstream-images\", path = \"programs/images\" }
time = \"1\"
";

    fn found(member: &str, line: &str) -> usize {
        let manifest = format!("[dependencies]\n{line}\n");
        upwards(&named(WORKSPACE), member, "Cargo.toml", &manifest).len()
    }

    #[test]
    fn a_dependency_down_is_allowed_and_one_up_or_beside_is_found() {
        assert_eq!(found("crates/cli", "logs.workspace = true"), 0);
        assert_eq!(found("programs/logs", "connect = { workspace = true }"), 0);
        assert_eq!(found("crates/connect", "millstream.workspace = true"), 0);
        assert_eq!(found("programs/logs", "images.workspace = true"), 1);
        assert_eq!(found("crates/connect", "logs = { workspace = true, optional = true }"), 1);
        assert_eq!(found("crates/millstream", "connect.workspace = true"), 1);
        assert_eq!(found("xtask", "millstream.workspace = true"), 1);
    }

    #[test]
    fn other_crates_and_the_crate_itself_are_of_no_interest() {
        assert_eq!(found("crates/millstream", "millstream = { path = \".\" }"), 0);
        assert_eq!(found("crates/millstream", "time.workspace = true"), 0);
        assert_eq!(found("crates/millstream", "logs-of-others = \"1\""), 0);
    }
}

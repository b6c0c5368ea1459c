//! One word for one thing: words that the glossary in ARCHITECTURE.md replaced do not come back,
//! neither in names nor in prose nor in messages.
//!
//! A name is read as its words: `begin_of`, `BeginOf` and `begin of` are the same.

use std::fs;
use std::path::Path;

use super::finding::{Finding, Source};
use crate::shell::{Result, context};

/// What was said, and what is said instead.
const REPLACED: &[(&str, &str)] = &[
    ("told", "reported, returned, notified or printed"),
    ("tell", "report, return, notify or print"),
    ("tells", "reports, returns, notifies or prints"),
    ("telling", "reporting, returning, notifying or printing"),
    ("begun", "started"),
    ("has ended", "has finished"),
    ("have ended", "have finished"),
    ("is over", "has finished, or is done"),
    ("whoever", "the caller, a waiter, any task that"),
    ("who waits", "a waiter"),
    ("who calls", "the caller"),
    ("so many", "up to N, or the name of the number"),
    ("so long", "for the time that is meant"),
    ("dear", "expensive"),
    ("dearer", "more expensive"),
    ("dearest", "most expensive"),
    ("milliard", "billion"),
    ("milliards", "billions"),
    ("anew", "again"),
    ("for ever", "forever"),
    ("of no account", "does not matter"),
    ("slip of the pen", "typing mistake"),
    ("keeper", "coordinator"),
    ("greet", "fetch_robots"),
    ("unheard", "RobotsUnavailable"),
    ("manners", "politeness"),
    ("bell", "notify"),
    ("bells", "ReadyQueue"),
    ("rung", "notified"),
    ("weighing", "with_permits"),
    ("brisk", "the class of the job's length"),
    ("take along", "batch"),
    ("at hand", "local queue"),
    ("inbox", "Injector"),
    ("tally", "Counters"),
    ("tallies", "Counters"),
    ("roster", "Registry"),
    ("hire", "spawn_workers"),
    ("hired", "spawned"),
    ("crew", "Scope"),
    ("loan", "MoveGuard"),
    ("lane", "branch index"),
    ("lanes", "branches"),
    ("seat", "worker slot"),
    ("seats", "worker slots"),
    ("dealer", "dispatcher"),
    ("undrained", "DrainTimeout"),
    ("as finished", "Unordered"),
    ("picture", "image"),
    ("pictures", "images"),
    ("folder", "directory"),
    ("folders", "directories"),
    ("trouble", "problem, or the error's own type"),
    ("troubles", "problems"),
];

/// Names of other libraries that are such a word: the file, and the word.
const FOREIGN: &[(&str, &str)] = &[("programs/images/src/avif/frame.rs", "picture")];

/// Where the words themselves are the subject.
const ABOUT_WORDS: &str = "xtask/src/tidy/words.rs";
/// The heading of the glossary in ARCHITECTURE.md; its table is up to the next heading.
const GLOSSARY: &str = "## Words";

/// Every replaced word in Rust files and in the documents at the root and under `docs`.
pub(super) fn check(root: &Path, sources: &[Source]) -> Result<Vec<Finding>> {
    let files = sources.iter().filter(|source| source.path != ABOUT_WORDS);
    let mut findings: Vec<Finding> =
        files.flat_map(|source| replaced(&source.path, &source.text)).collect();
    for path in documents(root)? {
        let text = context(fs::read_to_string(root.join(&path)), &path)?;
        findings.extend(replaced(&path, &without_glossary(&text)));
    }
    Ok(findings)
}

/// Markdown at the root and beside the code. Records of measurements stay as they were written, and
/// the list of changes says what was renamed.
fn documents(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in context(fs::read_dir(&directory), directory.display())? {
            let path = context(entry, directory.display())?.path();
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir()
                && !name.starts_with('.')
                && name != "target"
                && shown != "bench/record"
            {
                open.push(path);
            } else if name.ends_with(".md") && shown != "CHANGELOG.md" {
                found.push(shown);
            }
        }
    }
    Ok(found)
}

/// The text with the lines of the glossary blank.
fn without_glossary(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.starts_with("## ") {
            inside = line.starts_with(GLOSSARY);
        }
        kept.push_str(if inside { "" } else { line });
        kept.push('\n');
    }
    kept
}

fn replaced(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let words = format!(" {} ", words(line).join(" "));
        for (was, is) in REPLACED {
            if words.contains(&format!(" {was} ")) && !FOREIGN.contains(&(path, was)) {
                let what = format!("\"{was}\" was replaced: write {is}");
                findings.push(Finding { path: path.to_owned(), line: at + 1, what });
            }
        }
    }
    findings
}

/// The words of a line in lower case; `a_name` and `AName` are two each.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in line.chars() {
        if !c.is_alphanumeric() || (was_lower && c.is_uppercase()) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<String> {
        replaced("a.rs", line).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_replaced_word_is_found_in_names_prose_and_messages_with_what_to_write() {
        for line in [
            "let folder = 1;",
            "struct InFolder;",
            "/// A Folder.",
            "say(\"no folder\")",
            "a_folder_b",
        ] {
            assert_eq!(found(line), ["a.rs:1: \"folder\" was replaced: write directory"], "{line}");
        }
        assert_eq!(found("for ever")[0], "a.rs:1: \"for ever\" was replaced: write forever");
    }

    #[test]
    fn longer_words_are_others() {
        assert!(found("wholesale stolen tallying foldered forever_more").is_empty());
    }

    #[test]
    fn the_glossary_itself_may_name_what_it_replaced() {
        let text = "# A\n## Words\n| folder | directory |\n## After\nfolder";
        assert_eq!(replaced("A.md", &without_glossary(text)).len(), 1);
    }

    #[test]
    fn no_replacement_is_a_replaced_word() {
        for (_, is) in REPLACED {
            assert!(found(is).is_empty(), "{is}");
        }
    }
}

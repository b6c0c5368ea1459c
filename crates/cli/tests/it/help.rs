//! The help, as far as programs and people rely on it.

use std::process::Command;

use crate::support::{Directory, Ran};

const CODES: [&str; 6] = [
    "0    all done",
    "1    done, with items that failed",
    "2    wrong usage",
    "3    input or output unusable",
    "4    the deadline ended the run",
    "130  interrupted",
];

fn millstream(args: &[&str]) -> Ran {
    Ran::of(Command::new(env!("CARGO_BIN_EXE_millstream")).args(args).output().unwrap())
}

#[test]
fn every_help_has_all_exit_codes() {
    let programs = ["crawl", "images", "logs"].map(|name| [[name, "--help"], [name, "-h"]]);
    for args in [&["--help"][..], &["-h"]]
        .into_iter()
        .chain(programs.iter().flatten().map(<[_; 2]>::as_slice))
    {
        let ran = millstream(args).ended(0);
        for code in CODES {
            assert!(ran.out.contains(code), "{args:?} lacks {code:?}:\n{}", ran.out);
        }
        assert!(ran.out.lines().all(|line| line.chars().count() <= 100), "{}", ran.out);
    }
    assert!(millstream(&["--version"]).ended(0).out.starts_with("millstream "));
    millstream(&[]).ended(2).says(&["Usage: millstream <COMMAND>"]);
}

#[test]
fn every_example_of_the_help_is_understood() {
    let help = millstream(&["logs", "--help"]).ended(0).out;
    let examples = help.split("Examples:").nth(1).unwrap().split("Exit codes:").next().unwrap();
    let directory = Directory::new();
    let mut tried = 0;
    for line in examples.lines() {
        let Some((_, args)) = line.split_once("millstream logs ") else { continue };
        // A shell takes it apart, as it would for a user; what is not there is refused, but never
        // as wrong usage.
        let script = format!("exec \"$0\" logs {args} --deadline 2s </dev/null");
        let mut command = Command::new("sh");
        command
            .args(["-c", &script, env!("CARGO_BIN_EXE_millstream")])
            .current_dir(directory.path("."));
        let ran = Ran::of(command.output().unwrap());
        assert!(matches!(ran.code, Some(0 | 3 | 4)), "{line}: {ran:?}");
        tried += 1;
    }
    assert!(tried >= 4, "{examples}");
}

//! Completions and manual pages: made of the command line, for people who install the binary.

use std::process::Command;

use crate::support::{Directory, Ran};

fn millstream(args: &[&str]) -> Ran {
    Ran::of(Command::new(env!("CARGO_BIN_EXE_millstream")).args(args).output().unwrap())
}

#[test]
fn completions_name_every_program_and_are_a_script_of_their_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let script = millstream(&["completions", shell]).ended(0).out;
        for program in ["crawl", "images", "logs"] {
            assert!(script.contains(program), "{shell} lacks {program}");
        }
    }
    let directory = Directory::new();
    let script = millstream(&["completions", "bash"]).ended(0).out;
    directory.write("millstream.bash", script);
    let mut bash = Command::new("bash");
    bash.args(["-n", "millstream.bash"]).current_dir(directory.path("."));
    assert!(bash.status().unwrap().success(), "bash refuses the script");
}

#[test]
fn an_unknown_shell_is_wrong_usage_and_the_known_ones_are_listed() {
    millstream(&["completions", "cmd.exe"]).ended(2).says(&["bash", "zsh", "fish"]);
}

#[test]
fn every_program_has_a_manual_page_with_its_options_and_the_exit_codes() {
    let page = millstream(&["man"]).ended(0).out;
    assert!(page.contains(".TH millstream 1") && page.contains("130"), "{page}");
    for (program, option) in [("logs", "follow"), ("images", "strip"), ("crawl", "depth")] {
        let page = millstream(&["man", program]).ended(0).out;
        assert!(page.contains(&format!(".TH millstream-{program} 1")), "{page}");
        assert!(page.contains(option), "{program} lacks {option}");
    }
}

#[test]
fn a_page_of_a_program_that_there_is_not_is_wrong_usage() {
    millstream(&["man", "juggle"]).ended(2).says(&["no program 'juggle'", "--help"]);
}

//! Completions for shells and manual pages, made of the command line itself.

use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::parse::command;
use crate::exit::Exit;
use crate::screen::{self, Screen};

/// Prints what `shell` needs to complete options and values.
pub(crate) fn completions(shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "millstream", &mut script);
    print("completions", script)
}

/// Prints a manual page in roff: of the binary, or of one of its programs.
pub(crate) fn man(program: Option<&str>) -> Exit {
    let mut all = command();
    all.build();
    let page = match program {
        None => Some(all),
        Some(name) => all.find_subcommand(name).cloned(),
    };
    let Some(page) = page else {
        let name = program.unwrap_or_default();
        Screen::new("man", false)
            .error(format_args!("no program '{name}'; `millstream --help` lists them"));
        return Exit::Usage;
    };
    let title = program.map_or("millstream".to_owned(), |name| format!("millstream-{name}"));
    let mut text = Vec::new();
    match Man::new(page).title(title).render(&mut text) {
        Ok(()) => print("man", text),
        Err(error) => failed("man", &error.to_string()),
    }
}

fn print(program: &'static str, text: Vec<u8>) -> Exit {
    match screen::print(&String::from_utf8_lossy(&text)) {
        Ok(()) => Exit::Done,
        Err(error) => failed(program, &error),
    }
}

fn failed(program: &'static str, error: &str) -> Exit {
    Screen::new(program, false).error(error);
    Exit::Unusable
}

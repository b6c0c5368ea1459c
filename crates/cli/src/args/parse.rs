//! Reading the command line so that every error names its option, and nothing that was typed acts
//! on the terminal.
//!
//! clap itself takes `-1` for an option, and says of a value that is not UTF-8 only that there is
//! one.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory, FromArgMatches};
#[cfg(any(feature = "crawl", feature = "logs"))]
use connect::Destination;
use connect::paths::{shown, shown_text};

use super::Args;

/// The arguments of this process, or what is wrong with them.
pub(crate) fn args() -> Result<Args, clap::Error> {
    let given: Vec<OsString> = std::env::args_os().collect();
    parse(&given)
}

fn parse(given: &[OsString]) -> Result<Args, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(given).map_err(|error| match error.kind() {
        ErrorKind::InvalidUtf8 => not_utf8(&mut command, given).unwrap_or(error),
        ErrorKind::UnknownArgument => no_value(&mut command, given, &error).unwrap_or(error),
        _ => error,
    });
    Args::from_arg_matches(&matches?)
}

/// Prints what is wrong, or the help that was asked for; the code to leave with.
pub(crate) fn print(error: &clap::Error) -> i32 {
    let text = error.render().to_string();
    match shown_text(&text) {
        // With its colours, where nothing in it could be anything else.
        plain if *plain == *text => drop(error.print()),
        escaped => crate::screen::usage(&escaped),
    }
    error.exit_code()
}

/// A value that is read may begin with a hyphen: `--batch -1` is a wrong number, not an unknown
/// option. Names may not, or the option behind a forgotten one would be taken for it.
pub(crate) fn command() -> Command {
    Args::command().mut_subcommands(|program| {
        program.mut_args(|arg| {
            if arg.get_action().takes_values() && !is_name(&arg) {
                arg.allow_hyphen_values(true)
            } else {
                arg
            }
        })
    })
}

fn is_name(arg: &Arg) -> bool {
    arg.is_positional()
        || is_path(arg)
        || arg.get_value_parser().type_id() == TypeId::of::<String>()
        || is_destination(arg)
}

#[cfg(any(feature = "crawl", feature = "logs"))]
fn is_destination(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<Destination>()
}

#[cfg(not(any(feature = "crawl", feature = "logs")))]
fn is_destination(_: &Arg) -> bool {
    false
}

fn is_path(arg: &Arg) -> bool {
    let of = arg.get_value_parser().type_id();
    of == TypeId::of::<PathBuf>() || of == TypeId::of::<OsString>()
}

/// The error for an option whose value looks like an option itself.
fn no_value(command: &mut Command, given: &[OsString], error: &clap::Error) -> Option<clap::Error> {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let program = command.find_subcommand_mut(given.get(1)?)?;
    let at = given
        .iter()
        .position(|text| text.to_str().is_some_and(|text| text.starts_with(unknown)))?;
    let option = given.get(at.checked_sub(1)?)?.to_str()?;
    let arg = program
        .get_arguments()
        .find(|arg| arg.get_action().takes_values() && is_called(arg, option))?;
    let message = format!(
        "invalid value '{0}' for '{arg}': it looks like an option; write {option}={0}",
        shown(&given[at])
    );
    Some(program.error(ErrorKind::UnknownArgument, message))
}

/// The error for the first value that should be UTF-8 and is not.
fn not_utf8(command: &mut Command, given: &[OsString]) -> Option<clap::Error> {
    let program = command.find_subcommand_mut(given.get(1)?)?;
    let mut before = "";
    for text in &given[2..] {
        let lossy = text.to_string_lossy();
        let Some(valid) = text.to_str() else {
            // `--level=x` and `-lx` have their option with them.
            let option = match lossy.split_once('=') {
                Some((option, _)) if option.starts_with("--") => option,
                _ if lossy.starts_with('-') && !lossy.starts_with("--") => {
                    lossy.get(..2).unwrap_or("-")
                }
                _ => before,
            };
            let arg = program.get_arguments().find(|arg| is_called(arg, option));
            let arg = arg.or_else(|| program.get_positionals().next())?;
            if !is_path(arg) && !is_destination(arg) {
                let message =
                    format!("invalid value '{}' for '{arg}': it is not UTF-8", shown(text));
                return Some(program.error(ErrorKind::InvalidUtf8, message));
            }
            before = "";
            continue;
        };
        before = if valid.contains('=') { "" } else { valid };
    }
    None
}

fn is_called(arg: &Arg, option: &str) -> bool {
    let long = option.strip_prefix("--").is_some_and(|name| arg.get_long() == Some(name));
    let mut letters = option.strip_prefix('-').unwrap_or_default().chars();
    long || (arg.get_short().is_some()
        && arg.get_short() == letters.next()
        && letters.next().is_none())
}

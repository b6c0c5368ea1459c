//! Running other programs: from the repository's root, with their time shown, and with an error
//! that names the step.
//!
//! It interprets nothing: no shell is involved, arguments go to the program as they are.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a command of xtask fails with: a sentence for the terminal.
#[derive(Debug)]
pub(crate) struct Error(String);

/// The result of a command of xtask.
pub(crate) type Result<T = ()> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Error(message)
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Error(message.to_owned())
    }
}

/// Puts what was being done, usually a file's name, before an error of the system.
pub(crate) fn context<T, E: fmt::Display>(
    result: std::result::Result<T, E>,
    what: impl fmt::Display,
) -> Result<T> {
    result.map_err(|error| Error(format!("{what}: {error}")))
}

/// The repository's root: the directory above this crate.
pub(crate) fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// Where cargo puts what it builds, and where everything made here goes.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// A command that runs in the repository's root, without what the outer `cargo run` put in the
/// environment: build scripts that watch those variables would run again for nothing.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || text == "CARGO_BIN_NAME"
        {
            command.env_remove(&name);
        }
    }
    command
}

/// The cargo that runs this program, so that a toolchain chosen outside is kept.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    command
}

/// Whether a program of this name is on the search path, and where.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
}

/// Runs a command with its output on the terminal; fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result {
    let status = context(command.status(), shown(command))?;
    if status.success() {
        Ok(())
    } else {
        Err(Error(format!("`{}` ended with {status}", shown(command))))
    }
}

/// Runs a command and returns its standard output; fails, with its standard error, if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = context(command.stdin(Stdio::null()).output(), shown(command))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(Error(format!(
            "`{}` ended with {}: {}",
            shown(command),
            output.status,
            stderr.trim()
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A command as one would type it, with the root's own path left out.
pub(crate) fn shown(command: &Command) -> String {
    let root = format!("{}/", root().display());
    let mut text = command.get_program().to_string_lossy().into_owned();
    if text.ends_with("/cargo") {
        text = "cargo".to_owned();
    }
    for arg in command.get_args() {
        let arg = arg.to_string_lossy();
        text.push(' ');
        if arg.contains([' ', '\'', '"', '(', '^', '$', '*', '|']) {
            text.push_str(&format!("'{}'", arg.replace('\'', "'\\''")));
        } else {
            text.push_str(&arg);
        }
    }
    text.replace(&root, "")
}

/// The time now. Only how long a step took depends on it.
#[expect(clippy::disallowed_methods, reason = "xtask shows real time and has no virtual one")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Announces a step, does it, prints how long it took, and names the step if it fails.
pub(crate) fn step(name: &str, work: impl FnOnce() -> Result) -> Result {
    println!("── {name}");
    let start = now();
    let done = work();
    let seconds = start.elapsed().as_secs_f64();
    match done {
        Ok(()) => {
            println!("── {name}: ok in {seconds:.1} s");
            Ok(())
        }
        Err(error) => Err(Error(format!("step `{name}` failed after {seconds:.1} s: {error}"))),
    }
}

/// Flags of the form `--name value` in any order; anything else is an error that lists what is
/// known.
pub(crate) fn flags<'a>(args: &'a [String], known: &[&str]) -> Result<Vec<(&'a str, &'a str)>> {
    let mut found = Vec::new();
    let mut rest = args.iter();
    while let Some(flag) = rest.next() {
        let Some(name) = flag.strip_prefix("--").filter(|name| known.contains(name)) else {
            return Err(Error(format!(
                "`{flag}` is not known here; known: --{}",
                known.join(", --")
            )));
        };
        match rest.next() {
            Some(value) => found.push((name, value.as_str())),
            None => return Err(Error(format!("--{name} needs a value"))),
        }
    }
    Ok(found)
}

/// A number on the command line; `_` may separate its digits.
pub(crate) fn number(flag: &str, value: &str) -> Result<usize> {
    context(value.replace('_', "").parse(), format!("--{flag} {value}: expected a number"))
}

/// Seconds with a precision that fits their size.
pub(crate) fn seconds(time: Duration) -> String {
    let s = time.as_secs_f64();
    if s < 1.0 { format!("{:.0} ms", s * 1e3) } else { format!("{s:.2} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_is_named_in_the_error() {
        let error = step("fmt", || Err("two files differ".into())).expect_err("the step failed");
        assert!(error.to_string().starts_with("step `fmt` failed after"), "{error}");
        assert!(error.to_string().ends_with("two files differ"), "{error}");
    }

    #[test]
    fn a_command_that_exits_with_an_error_is_an_error() {
        let error = run(&mut cargo(&["no-such-command-here", "--quiet"]))
            .expect_err("cargo knows no such command");
        assert!(error.to_string().contains("cargo no-such-command-here"), "{error}");
    }

    #[test]
    fn flags_are_read_in_any_order_and_unknown_ones_are_refused() {
        let args = ["--out", "x.log", "--lines", "5"].map(String::from);
        assert_eq!(
            flags(&args, &["lines", "out"]).expect("both known"),
            [("out", "x.log"), ("lines", "5")]
        );
        assert!(flags(&args, &["out"]).is_err());
        assert!(flags(&args[..1], &["out"]).is_err());
        assert_eq!(number("lines", "10_000_000").expect("digits"), 10_000_000);
        assert!(number("lines", "ten").is_err());
    }
}

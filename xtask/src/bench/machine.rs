//! What a figure is worth nothing without: the day, the machine, the state of the sources.

use crate::shell::{self, Result, command};

/// The day, as the directory of the record names it.
pub(super) fn today() -> Result<String> {
    Ok(shell::output(command("date").args(["-u", "+%Y-%m-%d"]))?.trim().to_owned())
}

/// Cores and processor as a directory's name; never the machine's own name.
pub(super) fn slug() -> String {
    let text = format!("{}-cores-{}", cores(), processor());
    let kept =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let words: Vec<String> =
        kept.collect::<String>().split('-').filter(|w| !w.is_empty()).map(str::to_owned).collect();
    words.join("-")
}

/// A paragraph for the head of a record.
pub(super) fn description() -> Result<String> {
    let system = one_line("uname", &["-sr"]);
    let rustc = one_line("rustc", &["--version"]);
    let commit = one_line("git", &["rev-parse", "--short", "HEAD"]);
    let changed =
        shell::output(command("git").args(["status", "--porcelain", "--untracked-files=no"]))?;
    let state = if changed.trim().is_empty() { "" } else { " with changes" };
    Ok(format!(
        "{}, {} cores of {}, {} of memory, {system}, {rustc}, commit {commit}{state}. Load of the machine before the run: {}.",
        today()?,
        cores(),
        processor(),
        memory(),
        load()
    ))
}

/// The first line that a program says of itself.
pub(super) fn one_line(program: &str, args: &[&str]) -> String {
    let text =
        shell::output(command(program).args(args)).unwrap_or_else(|_| "(unknown)".to_owned());
    text.lines().next().unwrap_or_default().trim().to_owned()
}

pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn processor() -> String {
    field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn memory() -> String {
    let kb = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    kb.map_or_else(
        || "an unknown amount".to_owned(),
        |kb| format!("{} GB", (kb + 500_000) / 1_000_000),
    )
}

pub(super) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown").to_owned()
}

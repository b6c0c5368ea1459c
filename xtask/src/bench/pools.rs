//! `cargo xtask bench pools`: jobs for the library's pool and for its peers, one at a time.
//!
//! As with the engines, each program measures inside its own process and prints a figure and the
//! answer; here they run in turns, their memory is read, and the promises are looked up.

mod field;
mod promises;
mod row;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use field::WORKLOADS;

use row::{Line, Row, Workload};

use super::engines;
use super::measure::{self, Answer};
use super::record::{chosen, directory, median, publish};
use super::{machine, peers};
use crate::shell::{self, Result};

/// Builds the programs, runs them in turns, shows and records the tables.
pub(crate) fn run(args: &[String]) -> Result {
    let (mut repeat, mut only) = (5, None);
    for (name, value) in shell::flags(args, &["repeat", "only"])? {
        match name {
            "repeat" => repeat = shell::number(name, value)?.max(1),
            _ => only = Some(value),
        }
    }
    peers::packaged("time", "time", &["--version"])?;
    let mut programs =
        engines::build(&["iterator", "millstream", "crossbeam", "rayon", "threadpool", "tokio"])?;
    let skipped = match peers::go("go-pools", "pools") {
        Ok(peer) => {
            programs.push(("go", peer.program.into()));
            None
        }
        Err(error) => Some(format!("\nGo's pools are skipped: {error}\n")),
    };
    let mut page = format!(
        "# The pool and its peers\n\n{}\n\nRepeat it with `cargo xtask bench pools`. {repeat} turns, everybody once a turn; \
         the median figure, the lowest, and the factor of the medians against the first row; median processor time and \
         highest memory are those of the whole process.\n{}",
        machine::description()?,
        skipped.unwrap_or_default()
    );
    let mut rows = Vec::new();
    for workload in WORKLOADS.iter().filter(|workload| chosen(only, workload.title)) {
        let measured = in_turns(workload, repeat, &programs)?;
        page.push_str(&table(workload, &measured));
        rows.extend(measured);
    }
    page.push_str(&promises::listed(&rows));
    page.push_str(&versions()?);
    publish("pools", &page, only.is_none())
}

/// Everybody of one workload once, then everybody again; a wrong answer ends it.
fn in_turns(workload: &Workload, repeat: usize, programs: &[(&str, PathBuf)]) -> Result<Vec<Row>> {
    println!("── {}", workload.title);
    let scratch = directory("out")?;
    let present: Vec<_> = workload
        .lines
        .iter()
        .filter_map(|line| Some((line, &programs.iter().find(|(engine, _)| *engine == line.1)?.1)))
        .collect();
    let mut runs = vec![Vec::new(); present.len()];
    let mut agreed = None;
    for _ in 0..repeat {
        for ((Line(name, _, args, jobs), program), runs) in present.iter().zip(&mut runs) {
            let argv = argv(program, args, *jobs);
            let run = measure::once(&argv, &Answer::Printed, &scratch)?;
            let printed = scratch.join("printed");
            let text = shell::context(std::fs::read_to_string(&printed), printed.display())?;
            let (figure, answer) =
                engines::parse(&text).ok_or_else(|| format!("{name} printed `{}`", text.trim()))?;
            let expected =
                (workload.answer)(*jobs).unwrap_or_else(|| *agreed.get_or_insert(answer));
            if answer != expected {
                return Err(format!("wrong answer: {name}: {answer} instead of {expected}").into());
            }
            println!("{name:44} {figure:>12.2} {}", workload.unit);
            runs.push((figure, run));
        }
    }
    let row = |(line, program): &(&Line, &PathBuf), runs: &[(f64, measure::Run)]| Row {
        workload: workload.title,
        name: line.0,
        shown: shell::shown(shell::command(program).args(line.2).arg(line.3.to_string())),
        figure: median(runs.iter().map(|(figure, _)| *figure).collect()),
        least: runs.iter().map(|(figure, _)| *figure).fold(f64::INFINITY, f64::min),
        cpu_s: median(runs.iter().map(|(_, run)| run.cpu_s).collect()),
        peak_mb: runs.iter().map(|(_, run)| run.peak_mb).fold(0.0, f64::max),
    };
    Ok(present.iter().zip(&runs).map(|(line, runs)| row(line, runs)).collect())
}

fn argv(program: &Path, args: &[&str], jobs: u64) -> Vec<String> {
    let mut argv = vec![program.display().to_string()];
    argv.extend(args.iter().map(|arg| (*arg).to_owned()));
    argv.push(jobs.to_string());
    argv
}

fn table(workload: &Workload, rows: &[Row]) -> String {
    let Workload { title, about, unit, .. } = workload;
    let mut text = format!(
        "\n## {title}\n\n{about}\n\n| pool | {unit} | lowest | factor | processor time | peak memory |\n|---|---:|---:|---:|---:|---:|\n"
    );
    let base = rows.first().map_or(f64::NAN, |row| row.figure);
    for Row { name, figure, least, cpu_s, peak_mb, .. } in rows {
        let factor = figure / base;
        let _infallible = writeln!(
            text,
            "| {name} | {figure:.2} | {least:.2} | {factor:.2} | {cpu_s:.2} s | {peak_mb:.0} MB |"
        );
    }
    text.push_str("\nCommands:\n\n");
    for Row { name, shown, .. } in rows {
        let _infallible = writeln!(text, "- {name}: `{shown}`");
    }
    text
}

/// The peers' releases, from the files that fix them.
fn versions() -> Result<String> {
    let path = shell::root().join("bench/engines/go-pools/go.mod");
    let module = shell::context(std::fs::read_to_string(&path), path.display())?;
    let crates =
        peers::locked(&["crossbeam-channel", "futures-util", "rayon", "threadpool", "tokio"])?;
    let mut text = format!("\n## Versions\n\n- {}\n", machine::one_line("go", &["version"]));
    for line in crates.into_iter().chain(required(&module)) {
        let _infallible = writeln!(text, "- {line}");
    }
    Ok(text)
}

/// The modules that a `go.mod` asks for itself.
fn required(module: &str) -> impl Iterator<Item = String> {
    let lines =
        module.lines().filter(|line| line.starts_with('\t') && !line.ends_with("// indirect"));
    lines.map(|line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_go_locks() {
        let module = "module x\n\nrequire (\n\tgolang.org/x/sync v0.25.0\n\tgo.uber.org/atomic v1.7.0 // indirect\n)\n";
        assert_eq!(required(module).collect::<Vec<_>>(), ["golang.org/x/sync v0.25.0"]);
    }

    #[test]
    fn factors_refer_to_the_first_row() {
        let row = |name, figure| Row {
            workload: "w",
            name,
            shown: "x".into(),
            figure,
            least: figure,
            cpu_s: 1.0,
            peak_mb: 3.0,
        };
        let workload =
            Workload { title: "w", about: "a", unit: "ns a job", answer: |_| None, lines: &[] };
        let text = table(&workload, &[row("ours", 100.0), row("theirs", 250.0)]);
        assert!(text.contains("| theirs | 250.00 | 250.00 | 2.50 | 1.00 s | 3 MB |"), "{text}");
    }
}

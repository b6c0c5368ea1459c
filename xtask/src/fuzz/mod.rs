//! `cargo xtask fuzz`: hostile and careless input from a seed, run by the real binary, and judged.
//!
//! Each case is made from the seed and its number alone, so that it can be repeated without the
//! others. It repairs nothing and makes no input smaller: the input of a finding is kept under
//! `target/fuzz/`.

mod args;
mod case;
mod crawl;
mod images;
mod judge;
mod logs;
mod pack;
mod process;
mod random;
mod run;

use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::shell::{self, Result, cargo, context, run as sh, step};
use case::{Case, Finding};
use random::Random;

/// A generator with its judge.
struct Part {
    name: &'static str,
    case: fn(&mut Case) -> Result,
    /// As many as take about ten seconds in continuous integration.
    quick: u64,
}

const PARTS: [Part; 4] = [
    Part { name: "logs", case: logs::case, quick: 100 },
    Part { name: "images", case: images::case, quick: 50 },
    Part { name: "crawl", case: crawl::case, quick: 12 },
    Part { name: "args", case: args::case, quick: 80 },
];

/// The seed of continuous integration.
const QUICK_SEED: u64 = 1;

/// Which cases to run.
struct Plan {
    binary: PathBuf,
    seed: u64,
    which: Which,
}

enum Which {
    /// As many as there is time for.
    For(Duration),
    Count(u64),
    One(u64),
}

/// Reads the arguments and runs the parts that they name, or all.
pub(crate) fn run(args: &[String]) -> Result {
    let named = args.first().filter(|arg| !arg.starts_with("--"));
    let part = |name: &String| {
        let found = PARTS.iter().find(|part| part.name == name);
        found.ok_or_else(|| format!("no part `{name}`; there are logs, images, crawl and args"))
    };
    let parts: Vec<&Part> = match named {
        Some(name) => vec![part(name)?],
        None => PARTS.iter().collect(),
    };
    let mut binary = None;
    let mut seed = std::hash::RandomState::new().build_hasher().finish();
    let mut which = Which::For(Duration::from_secs(30));
    let rest = &args[usize::from(named.is_some())..];
    for (name, value) in shell::flags(rest, &["seconds", "cases", "case", "seed", "binary"])? {
        let number =
            || context(value.parse::<u64>(), format!("--{name} {value}: expected a number"));
        match name {
            "seconds" => which = Which::For(Duration::from_secs(number()?)),
            "cases" => which = Which::Count(number()?),
            "case" => which = Which::One(number()?),
            "seed" => seed = number()?,
            _ => {
                binary =
                    Some(context(Path::new(value).canonicalize(), format!("--binary {value}"))?)
            }
        }
    }
    let binary = match binary {
        Some(binary) => binary,
        None => {
            sh(&mut cargo(&[
                "build",
                "--package",
                "millstream-cli",
                "--bin",
                "millstream",
                "--locked",
            ]))?;
            built()
        }
    };
    all(&parts, &Plan { binary, seed, which })
}

/// The short run of continuous integration: the same cases on every machine, with the binary that
/// the tests built.
pub(crate) fn quick() -> Result {
    for part in &PARTS {
        let plan = Plan { binary: built(), seed: QUICK_SEED, which: Which::Count(part.quick) };
        step(&format!("fuzz: {}", part.name), || all(&[part], &plan))?;
    }
    Ok(())
}

/// The binary of the profile `dev`.
fn built() -> PathBuf {
    shell::target_dir().join("debug").join(format!("millstream{}", std::env::consts::EXE_SUFFIX))
}

/// Runs parts one after the other; fails when anything was found in any of them.
fn all(parts: &[&Part], plan: &Plan) -> Result {
    let mut findings = 0;
    for part in parts {
        findings += cases(part, plan)?;
    }
    match findings {
        0 => Ok(()),
        _ => Err(format!(
            "{findings} cases with findings, above; the inputs are under {}",
            home("").display()
        )
        .into()),
    }
}

/// Runs the cases of a part; returns how many of them had findings.
fn cases(part: &Part, plan: &Plan) -> Result<u64> {
    let start = shell::now();
    let (first, end) = match plan.which {
        Which::For(_) => (0, u64::MAX),
        Which::Count(count) => (0, count),
        Which::One(case) => (case, case + 1),
    };
    let (mut done, mut bad) = (0, 0);
    for number in first..end {
        if matches!(plan.which, Which::For(time) if start.elapsed() >= time) {
            break;
        }
        done += 1;
        bad += u64::from(confirmed(part, plan, number)?);
    }
    let time = shell::seconds(start.elapsed());
    println!(
        "fuzz {}: {done} cases of seed {} in {time}, {bad} with findings",
        part.name, plan.seed
    );
    Ok(bad)
}

/// Runs a case, and once more if something was found; whether it stands. What only was late must be
/// late twice.
fn confirmed(part: &Part, plan: &Plan, number: u64) -> Result<bool> {
    let name = format!("{}-{}-{number}", part.name, plan.seed);
    let findings = once(part, plan, number, &name)?;
    if findings.is_empty() {
        return Ok(false);
    }
    let again = once(part, plan, number, &format!("{name}-again"))?;
    if again.is_empty() && findings.iter().all(|finding| finding.of_time) {
        println!("{name}: late once, not again: {}", findings[0].what);
        return Ok(false);
    }
    for finding in &findings {
        println!("{name}: {}", finding.what);
    }
    if again.is_empty() {
        println!("  not again when it was repeated");
    }
    println!("  repeat: cargo xtask fuzz {} --seed {} --case {number}", part.name, plan.seed);
    println!("  input:  {}", home(&name).display());
    Ok(true)
}

fn once(part: &Part, plan: &Plan, number: u64, name: &str) -> Result<Vec<Finding>> {
    let random = Random::of_case(plan.seed, part.name, number);
    let mut case = Case::new(random, &plan.binary, home(name))?;
    (part.case)(&mut case)?;
    case.end()
}

/// Where a case has its files.
fn home(name: &str) -> PathBuf {
    shell::target_dir().join("fuzz").join(name)
}

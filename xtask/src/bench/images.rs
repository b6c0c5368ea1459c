//! `cargo xtask bench images`: photographs of 12 megapixels through `millstream images` and through
//! its peers.
//!
//! Every program writes its images into a directory of its own, which is emptied before each run.
//! All of them must be there afterwards, the same bytes in every turn, and of each kind of result
//! it is measured once how alike it looks.

mod field;
mod input;
mod judge;
mod promises;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use field::{Field, TASKS};
use input::{Input, Line, files};

use super::measure::{self, Answer, Run};
use super::record::{chosen, directory, publish};
use super::table::{self, Row};
use super::{engines, machine, peers};
use crate::needs;
use crate::shell::{self, Result, cargo, context, run as sh, step};

/// The number of pixels across and down that have about 4.8 MB at the quality that `make_images`
/// chooses.
const SIZE: &str = "4000x3000";

/// Makes the images, runs everybody in turns, shows and records the tables.
pub(crate) fn run(args: &[String]) -> Result {
    let (mut repeat, mut count, mut judged, mut only) = (5, 12, 1, None);
    for (name, value) in shell::flags(args, &["images", "repeat", "judged", "only"])? {
        match name {
            "images" => count = shell::number(name, value)?.clamp(1, 50),
            "repeat" => repeat = shell::number(name, value)?.max(1),
            "judged" => judged = shell::number(name, value)?,
            _ => only = Some(value),
        }
    }
    needs::to_build()?;
    step("build millstream", || {
        sh(&mut cargo(&["build", "--release", "--package", "millstream-cli", "--locked"]))
    })?;
    peers::packaged("time", "time", &["--version"])?;
    let programs = engines::build(&["mozjpeg", "quality"])?;
    let input = input(count)?;
    let mut field = Field::new(&input, machine::cores(), &programs)?;
    field.contenders.retain(|contender| chosen(only, contender.name));
    let description = machine::description()?;
    let judge = judge::Judge::new(&input, &programs, judged)?;
    let lines = in_turns(&field, &input, repeat, &judge)?;
    let page = page(&description, &field, &lines, &input, repeat, judge.images);
    publish("images", &page, only.is_none())
}

/// The images, made if they are missing, and read once.
fn input(count: usize) -> Result<Input> {
    let all = directory("images")?.join(format!("images-{count}"));
    if !all.exists() {
        step("make the images", || {
            // They get their name when all are there.
            let unfinished = all.with_extension("unfinished");
            let make =
                ["run", "--release", "--package", "millstream-images", "--features", "testing"];
            let mut command =
                cargo(&[&make[..], &["--example", "make_images", "--locked", "--"]].concat());
            sh(command.arg(&unfinished).args([&count.to_string(), SIZE]))?;
            context(fs::rename(&unfinished, &all), all.display())
        })?;
    }
    let directory = all.join("roll0");
    let paths = files(&directory)?;
    if paths.len() != count {
        let found = paths.len();
        return Err(
            format!("{}: {found} images instead of {count}; remove it", all.display()).into()
        );
    }
    let mut bytes = 0;
    for path in &paths {
        measure::warm(path)?;
        bytes += context(fs::metadata(path), path.display())?.len();
    }
    Ok(Input { directory, count, bytes })
}

/// Everybody once, then everybody again; who leaves out an image, or makes another of it than
/// before, ends it.
fn in_turns(
    field: &Field,
    input: &Input,
    repeat: usize,
    judge: &judge::Judge,
) -> Result<Vec<Line>> {
    let scratch = directory("out")?;
    let mut runs: Vec<Vec<Run>> = vec![Vec::new(); field.contenders.len()];
    let mut made = Vec::new();
    for turn in 1..=repeat {
        println!("── turn {turn} of {repeat}");
        for (number, contender) in field.contenders.iter().enumerate() {
            let answer = Answer::ImagesIn(contender.out.clone());
            let run = measure::once(&contender.argv, &answer, &scratch)?;
            let what = || format!("{}: `{}`", contender.name, contender.argv.join(" "));
            if run.answer != input.count as u64 {
                let found = run.answer;
                return Err(
                    format!("{found} of {} images are whole: {}", input.count, what()).into()
                );
            }
            println!("{:44} {:>8.3} s  {}", contender.name, run.wall_s, contender.task);
            let now = judge::Made::read(&contender.out)?;
            match made.get(number) {
                None => made.push(now),
                Some(before) if *before == now => {}
                Some(_) => {
                    return Err(format!("other images than in the turn before: {}", what()).into());
                }
            }
            runs[number].push(run);
        }
    }
    let scores: BTreeMap<u64, f64> = judge.scores(&field.contenders, &made)?;
    let lines =
        field.contenders.iter().zip(&runs).zip(&made).map(|((contender, runs), made)| Line {
            task: contender.task,
            row: Row::new(contender.name, &field::shown(&contender.argv), runs),
            bytes: made.bytes,
            score: scores.get(&made.digest).copied(),
        });
    Ok(lines.collect())
}

fn page(
    description: &str,
    field: &Field,
    lines: &[Line],
    input: &Input,
    repeat: usize,
    judged: usize,
) -> String {
    let mut text = format!(
        "# `millstream images` and its peers\n\n{description}\n\nRepeat it with `cargo xtask bench images`. {repeat} turns, everybody \
         once a turn; median and fastest time, median processor time, highest peak memory of a process; files in memory; all \
         images are there in every turn, and the same. `factor` is the median against the first row's. {} images of {SIZE} \
         pixels, {:.1} MB; SSIMULACRA2 is the mean of the first {judged}.\n",
        input.count,
        input.bytes as f64 / 1e6,
    );
    for (task, about) in TASKS {
        let lines: Vec<&Line> = lines.iter().filter(|line| line.task == *task).collect();
        if lines.is_empty() {
            continue;
        }
        let _infallible = write!(text, "\n## {task}\n\n{about}\n\n{}", table(&lines, input.count));
        let commands = lines.iter().map(|line| line.row.clone()).collect::<Vec<_>>();
        let _infallible = write!(text, "\nCommands:\n\n{}", table::commands(&commands));
    }
    text.push_str(&promises::listed(lines, machine::cores()));
    let list = |items: &mut dyn Iterator<Item = &String>| {
        items.map(|item| format!("- {item}\n")).collect::<String>()
    };
    let _infallible = write!(text, "\n## Versions\n\n{}", list(&mut field.versions.iter()));
    if !field.skipped.is_empty() {
        let _infallible = write!(text, "\n## Skipped\n\n{}", list(&mut field.skipped.iter()));
    }
    text
}

fn table(lines: &[&Line], images: usize) -> String {
    let mut text = String::from(
        "| program | median | fastest | factor | images/s | written | SSIMULACRA2 | processor time | peak memory |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let base = lines.first().map_or(f64::NAN, |line| line.row.wall_s);
    for Line { row, bytes, score, .. } in lines {
        let score = score.map_or_else(|| "-".to_owned(), |score| format!("{score:.1}"));
        let _infallible = writeln!(
            text,
            "| {} | {:.3} s | {:.3} s | {:.2} | {:.1} | {:.2} MB | {score} | {:.2} s | {:.0} MB |",
            row.name,
            row.wall_s,
            row.fastest_s,
            row.wall_s / base,
            images as f64 / row.wall_s,
            *bytes as f64 / 1e6,
            row.cpu_s,
            row.peak_mb,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_rate_its_bytes_and_how_alike_it_looks() {
        let run = |wall_s| Run { wall_s, cpu_s: 2.0 * wall_s, peak_mb: 34.0, answer: 12 };
        let line = |name, wall_s, score| Line {
            task: "t",
            row: Row::new(name, name, &[run(wall_s)]),
            bytes: 12_345_678,
            score,
        };
        let (ours, theirs) = (line("ours", 0.5, Some(58.04)), line("theirs", 1.0, None));
        let text = table(&[&ours, &theirs], 12);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(
            rows[2],
            "| ours | 0.500 s | 0.500 s | 1.00 | 24.0 | 12.35 MB | 58.0 | 1.00 s | 34 MB |"
        );
        assert_eq!(
            rows[3],
            "| theirs | 1.000 s | 1.000 s | 2.00 | 12.0 | 12.35 MB | - | 2.00 s | 34 MB |"
        );
    }
}

//! Images of every format, made and damaged: alone and among others, with all kinds of options.
//!
//! It does not decode: an output is whole if it begins and ends as its format does.

mod made;
mod mutate;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::case::Case;
use super::random::Random;
use super::run::{Ran, Run};
use crate::json::Json;
use crate::shell::{Result, context};

/// What became of an image: what the report says of it, and the bytes that were written.
type Fate = (Vec<String>, Vec<u8>);

/// Some images: together in order, together in another order on more threads, alone, and in place.
pub(super) fn case(case: &mut Case) -> Result {
    let images = images(&mut case.random);
    let names: Vec<String> = images.keys().cloned().collect();
    for (name, bytes) in &images {
        case.input(Path::new("d").join(name), bytes)?;
    }
    let (options, memory_mb) = options(&mut case.random);
    let run = |out: &str| {
        let run = Run::new("images").args(&options).arg(format!("--out={out}"));
        Run { memory_mb: Some(memory_mb), ..run.report(&format!("{out}.json")) }
    };
    if case.random.one_in(6) {
        let (deadline, grace) = (case.random.within(1..=300), case.random.within(1..=300));
        let ran = case.run(run("out-stopped").deadline(deadline, grace).arg("d"))?;
        outputs(case, "out-stopped", &ran);
    }
    let ran = case.run(run("out-first").args(["--workers=1", "d"]))?;
    outputs(case, "out-first", &ran);
    let first = fates(case, "out-first", &ran);

    let mut shuffled = names.clone();
    case.random.shuffle(&mut shuffled);
    let paths = shuffled.iter().map(|name| format!("d/{name}"));
    let ran = case.run(run("out-second").arg("--workers=1..=3").args(paths))?;
    let second = fates(case, "out-second", &ran);
    compare(case, &first, &second, "in another order");

    let alone = case.random.pick(&names);
    let ran = case.run(run("out-alone").arg(format!("d/{alone}")))?;
    let alone = fates(case, "out-alone", &ran);
    compare(case, &alone, &first, "among others");
    if case.random.one_in(3) { in_place(case, &images, &options) } else { Ok(()) }
}

/// A few images with names that fit their content, mostly.
fn images(random: &mut Random) -> BTreeMap<String, Vec<u8>> {
    let count = random.within(2..=7);
    let mut images = BTreeMap::new();
    for at in 0..count {
        let (ending, mut bytes) = made::any(random);
        if random.one_in(8) {
            bytes.extend(made::any(random).1);
        }
        if !random.one_in(4) {
            mutate::any(random, &mut bytes);
        }
        let ending =
            if random.one_in(10) { random.pick(&["jpg", "png", "webp", "gif"]) } else { ending };
        let odd = random.pick(&["a b", "\u{1b}[31m", "é\u{9b}", "n\nl", "-", "'\"", "*"]);
        let name = if random.one_in(10) { odd } else { random.pick(&["a", "m", "z"]) };
        images.insert(format!("{name}{at}.{ending}"), bytes);
    }
    images
}

/// Options, and how much memory a run with them may take.
fn options(random: &mut Random) -> (Vec<String>, u64) {
    let mut options = Vec::new();
    let mut add = |random: &mut Random, one_in: usize, choices: &[&str]| {
        if random.one_in(one_in) {
            options.push((random.pick(choices)).to_owned());
        }
    };
    // AVIF takes the longest by far.
    add(
        random,
        3,
        &[
            "--format=jpeg",
            "--format=png",
            "--format=webp",
            "--format=keep",
            "--format=webp",
            "--format=png",
        ],
    );
    if !random.one_in(20) {
        add(random, 6, &["--preset=small"]);
    }
    add(random, 3, &["--strip", "--keep=exif", "--keep=icc,dates"]);
    // Some options contradict each other, which is tried elsewhere.
    if random.one_in(4) {
        add(random, 1, &["--lossless"]);
    } else {
        add(random, 3, &["--resize=8x8", "--resize=1", "--resize=100x2", "--resize=4294967295x1"]);
        add(random, 6, &["--max-size=1", "--max-size=200", "--max-size=1KB"]);
    }
    add(random, 3, &["--salvage"]);
    add(random, 4, &["--quality=1", "--quality=100", "--quality=30"]);
    add(random, 6, &["--max-pixels=1", "--max-pixels=400", "--max-pixels=1000000"]);
    let memory_mb = random.pick(&[0, 1, 16, 100, 500, 500, 500]);
    options.push(format!("--memory={memory_mb}MB"));
    (options, memory_mb + 500)
}

/// Every output that the report names is there, whole, and as long as it says; and there are no
/// others.
fn outputs(case: &mut Case, out: &str, ran: &Ran) {
    let Some(report) = &ran.report else { return };
    let mut named = Vec::new();
    let mut wrong = Vec::new();
    for file in report.list("files") {
        let Some(target) = file.text("target") else { continue };
        let bytes = case.read(target);
        named.push(case.work().join(target));
        if !is_whole(&bytes) {
            wrong.push(format!("the output {target:?} of {} bytes is not whole", bytes.len()));
        }
        if file.count("bytes_after").is_some_and(|after| after != bytes.len() as u64) {
            wrong
                .push(format!("the output {target:?} has {} bytes; report: {file:?}", bytes.len()));
        }
    }
    let made = std::fs::read_dir(case.work().join(out)).into_iter().flatten().flatten();
    for path in made.map(|entry| entry.path()).filter(|path| !named.contains(path)) {
        wrong.push(format!("nothing in the report says why '{}' was made", path.display()));
    }
    wrong.into_iter().for_each(|what| case.found(what));
}

/// Whether a file begins as an image does, and ends so where that is cheap to know.
fn is_whole(bytes: &[u8]) -> bool {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..]
        | [0x89, b'P', b'N', b'G', ..]
        | [b'G', b'I', b'F', b'8', ..]
        | [b'B', b'M', ..]
        | [b'I', b'I', 42, 0, ..]
        | [b'M', b'M', 0, 42, ..] => true,
        [b'R', b'I', b'F', b'F', a, b, c, d, b'W', b'E', b'B', b'P', ..] => {
            bytes.len() as u64 >= 8 + u64::from(u32::from_le_bytes([*a, *b, *c, *d]))
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => true,
        _ => false,
    }
}

/// What became of each image of a run, by name.
fn fates(case: &Case, out: &str, ran: &Ran) -> BTreeMap<String, Fate> {
    let files = ran.report.as_ref().map_or(&[][..], |report| report.list("files"));
    let fate = |file: &Json| {
        let name = Path::new(file.text("path")?).file_name()?.to_str()?.to_owned();
        let reported = ["status", "to", "kind", "reason", "notes", "quality", "size_after"];
        // Results are in another directory for each run, and a reason may name it.
        let reported =
            reported.map(|key| format!("{key}: {:?}", file.get(key)).replace(out, "OUT"));
        let bytes = file.text("target").map(|target| case.read(target)).unwrap_or_default();
        Some((name, (reported.to_vec(), bytes)))
    };
    files.iter().filter_map(fate).collect()
}

fn compare(
    case: &mut Case,
    one: &BTreeMap<String, Fate>,
    other: &BTreeMap<String, Fate>,
    how: &str,
) {
    for (name, (reported, bytes)) in one {
        match other.get(name) {
            None => case.found(format!("{name:?} is missing from the report {how}")),
            Some((others, _)) if others != reported => {
                let differing = reported.iter().zip(others).find(|(one, other)| one != other);
                case.found(format!("{name:?} comes out differently {how}: {differing:?}"));
            }
            Some((_, others)) if others != bytes => {
                case.found(format!(
                    "{name:?} has other bytes {how}: {} and {}",
                    bytes.len(),
                    others.len()
                ));
            }
            Some(_) => {}
        }
    }
}

/// Only what was compressed is replaced, and by something whole.
fn in_place(case: &mut Case, images: &BTreeMap<String, Vec<u8>>, options: &[String]) -> Result {
    let copies = case.work().join("copies");
    context(std::fs::create_dir(&copies), copies.display())?;
    for (name, bytes) in images {
        context(std::fs::write(copies.join(name), bytes), name)?;
    }
    let options = options.iter().filter(|option| !option.starts_with("--format"));
    let run = Run::new("images").args(options).args(["--in-place", "copies"]);
    let ran = case.run(run.report("in_place.json"))?;
    let Some(report) = &ran.report else { return Ok(()) };
    let mut wrong = Vec::new();
    for file in report.list("files") {
        let path = PathBuf::from(file.text("path").unwrap_or_default());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let now = case.read(&path);
        let compressed = file.text("status") == Some("compressed");
        if !compressed && images.get(&name) != Some(&now) {
            wrong.push(format!("{name:?} was replaced in place: {file:?}"));
        }
        if compressed && !is_whole(&case.read(file.text("target").map_or(path, PathBuf::from))) {
            wrong.push(format!(
                "{name:?} was replaced in place by something that is not whole: {file:?}"
            ));
        }
    }
    wrong.into_iter().for_each(|what| case.found(what));
    Ok(())
}

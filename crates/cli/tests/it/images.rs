//! `millstream images` as its users meet it: a tree, its report, refusals, and runs that are
//! killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use images::testing;
use serde_json::Value;

use crate::support::{Directory, Ran};

/// A directory `in` with this many photographs in directories of four, each with another
/// orientation.
fn album(photos: u32) -> Directory {
    let directory = Directory::new();
    for number in 0..photos {
        let jpeg = testing::jpeg(&testing::photo(320, 240, number, 0.1).into(), 92, "420");
        let jpeg = testing::with_orientation(&jpeg, u8::try_from(number % 8).unwrap() + 1);
        let path = format!("in/{}/{number:03}.jpg", number / 4);
        fs::create_dir_all(directory.path(&path).parent().unwrap()).unwrap();
        directory.write(&path, jpeg);
    }
    directory
}

fn command(directory: &Directory, args: &str) -> Command {
    directory.program("images", args.split(' '))
}

fn images(directory: &Directory, args: &str) -> Ran {
    Ran::of(command(directory, args).output().unwrap())
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

#[test]
fn a_tree_is_compressed_and_the_table_and_the_report_say_the_same() {
    let directory = album(9);
    let ran = images(&directory, "in --out out --report report.json").ended(0);
    ran.says(&["compressed", "9", "% saved", "images/s"]);
    let report = directory.report("report.json");
    assert_eq!(report["program"], "images");
    assert_eq!(report["balances"], true);
    assert_eq!(report["totals"]["in"], 9);
    assert_eq!(report["summary"]["compressed"], 9);
    let of_files = report["files"].as_array().unwrap();
    assert_eq!(of_files.len(), 9);
    for file in of_files {
        let target = directory.path(file["target"].as_str().unwrap());
        assert_eq!(fs::metadata(target).unwrap().len(), file["bytes_after"].as_u64().unwrap());
        assert_eq!(file["status"], "compressed");
    }
}

#[test]
fn what_fails_is_reported_with_exit_code_1() {
    let directory = album(2);
    directory.write("in/text.jpg", "a text that is named like an image");
    let ran = images(&directory, "in --out out --report -").ended(1);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["status"], "failed items");
    assert_eq!(report["summary"]["failures"]["not_an_image"], 1);
    ran.says(&["millstream images: in/text.jpg", "its content is no image", "not an image"]);
}

#[test]
fn names_come_from_standard_input() {
    use std::io::Write;
    let directory = album(3);
    let mut child = command(&directory, "- --out out").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"in/0/000.jpg\nin/0/002.jpg\n").unwrap();
    Ran::of(child.wait_with_output().unwrap()).ended(0);
    let names: Vec<PathBuf> = files(&directory.path("out"));
    assert_eq!(names, [directory.path("out/in/0/000.jpg"), directory.path("out/in/0/002.jpg")]);
}

#[test]
fn wrong_usage_is_reported_before_anything_is_done() {
    let directory = album(1);
    for (args, parts) in [
        ("in", &["--out"][..]),
        ("in --out out --in-place", &["--in-place"]),
        ("in --in-place --format webp", &["--in-place keeps the format", "--out"]),
        ("in --out in", &["--in-place"]),
        ("in --out out --quality 0", &["--quality"]),
        ("in --out out --resize wide", &["--resize", "1600x1600"]),
        ("in --out out --keep all", &["--keep", "exif, icc and dates"]),
        ("in --out out --keep icc --strip", &["--strip"]),
        ("in --out out --lossless --resize 9x9", &["--lossless"]),
        ("in --out out --max-size large", &["--max-size", "64KB"]),
    ] {
        images(&directory, args).ended(2).says(parts);
        assert!(!directory.path("out").exists());
    }
    images(&directory, "none --out out").ended(3).says(&["none"]);
}

#[test]
fn a_deadline_ends_a_run_and_says_so() {
    let directory = album(8);
    let ran = images(&directory, "in --out out --deadline 1us --report -").ended(4);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (report["status"].as_str(), report["balances"].as_bool()),
        (Some("deadline"), Some(true))
    );
}

/// Kills a run when this many files have appeared in a directory.
fn kill_at(directory: &Directory, args: &str, watched: &str, count: usize) -> bool {
    let mut child = command(directory, args).stderr(Stdio::null()).spawn().unwrap();
    let seen =
        |directory: &Directory| fs::read_dir(directory.path(watched)).map_or(0, Iterator::count);
    let ended = loop {
        if seen(directory) >= count {
            break false;
        }
        if child.try_wait().unwrap().is_some() {
            break true;
        }
        std::thread::yield_now();
    };
    // SIGKILL, also when it has just ended.
    let _ = child.kill();
    child.wait().unwrap();
    ended
}

#[test]
fn a_run_killed_twenty_times_and_resumed_leaves_a_whole_tree() {
    let directory = Directory::new();
    fs::create_dir(directory.path("in")).unwrap();
    for number in 0..60 {
        let jpeg = testing::jpeg(&testing::photo(400, 300, number, 0.1).into(), 92, "420");
        directory.write(&format!("in/{number:03}.jpg"), jpeg);
    }
    let args = "in --out out --resume --workers 2";
    let mut killed = 0;
    for round in 0..20 {
        // The journal is a file too, and so is one that is being written.
        killed += usize::from(!kill_at(&directory, args, "out", 2 + 3 * round));
        for path in files(&directory.path("out"))
            .iter()
            .filter(|path| path.extension().is_some_and(|e| e == "jpg"))
        {
            opens(path);
        }
    }
    assert!(killed >= 15, "only {killed} of 20 runs were killed before they ended");
    images(&directory, args).ended(0);
    let names: Vec<String> = files(&directory.path("out"))
        .iter()
        .map(|path| path.file_name().unwrap().display().to_string())
        .collect();
    let compressed = names.iter().filter(|name| name.ends_with(".jpg")).count();
    assert_eq!((compressed, names.len()), (60, 61), "all images, and the journal: {names:?}");
    for path in files(&directory.path("out"))
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "jpg"))
    {
        opens(path);
    }
    let ran = images(&directory, args).ended(0);
    ran.says(&["skipped", "60"]);
}

#[test]
fn a_run_in_place_that_is_killed_loses_no_image_and_compresses_none_twice() {
    let directory = Directory::new();
    fs::create_dir(directory.path("in")).unwrap();
    let mut once = Vec::new();
    for number in 0..40 {
        let jpeg = testing::jpeg(&testing::photo(400, 300, number, 0.1).into(), 92, "420");
        directory.write(&format!("in/{number:03}.jpg"), jpeg);
    }
    images(&directory, "in --out once").ended(0);
    for path in files(&directory.path("once")) {
        once.push(fs::read(path).unwrap());
    }
    for _ in 0..20 {
        let mut child = command(&directory, "in --in-place --resume --workers 2")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Until a few more are done than before.
        let journal = directory.path("in/.millstream-images.journal");
        let lines = || fs::metadata(&journal).map_or(0, |metadata| metadata.len());
        let before = lines();
        while lines() < before + 220 && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = child.kill();
        child.wait().unwrap();
    }
    images(&directory, "in --in-place --resume").ended(0);
    let after: Vec<PathBuf> = files(&directory.path("in"));
    assert_eq!(after.len(), 41, "{after:?}");
    for (path, once) in
        after.iter().filter(|path| path.extension().is_some_and(|e| e == "jpg")).zip(&once)
    {
        assert_eq!(&fs::read(path).unwrap(), once, "{}: compressed once", path.display());
    }
}

/// It opens, and has its pixels.
#[track_caller]
fn opens(path: &Path) {
    let bytes = fs::read(path).unwrap();
    assert_eq!(testing::look(&bytes).dimensions(), (400, 300), "{}", path.display());
}

#[test]
fn a_deadline_ends_a_run_whatever_a_codec_does_and_the_report_is_written() {
    let directory = Directory::new();
    let slow = testing::photo(2_400, 1_600, 1, 0.3).into();
    directory.write("slow.jpg", testing::jpeg(&slow, 95, "444"));
    let args = "slow.jpg --out out --format avif --preset small --deadline 300ms --grace 1ms --report report.json";
    images(&directory, args).ended(4);
    let report = directory.report("report.json");
    assert_eq!(
        (report["status"].as_str(), report["balances"].as_bool()),
        (Some("deadline"), Some(true))
    );
    assert_eq!(report["summary"]["cancelled"], 1);
    assert!(!directory.path("out/slow.avif").exists());
}

#[test]
fn an_image_that_misleads_a_codec_is_a_refusal_and_nothing_else_on_the_terminal() {
    let directory = album(2);
    // A header of one grey pixel, and a frame header without content; their checksums are right.
    let header = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3A\x7E\x9BU";
    let short = [header.as_slice(), b"\0\0\0\0fcTL\xD4\x25\x97Q"].concat();
    directory.write("in/short.png", short);
    let ran = images(&directory, "in --out out --workers 1").ended(1);
    let ran = ran.says(&["in/short.png", "fcTL"]);
    assert!(!ran.err.contains("panicked") && !ran.err.contains("backtrace"), "{}", ran.err);
    assert_eq!(files(&directory.path("out")).len(), 2);
}

//! `millstream images` as its users meet it: a tree, its report, refusals, and runs that are killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use images::testing;
use serde_json::Value;

use crate::support::{Folder, Ran};

/// A folder `in` with so many photographs in folders of four, each with another orientation.
fn album(photos: u32) -> Folder {
    let folder = Folder::new();
    for number in 0..photos {
        let jpeg = testing::jpeg(&testing::photo(320, 240, number, 0.1).into(), 92, "420");
        let jpeg = testing::with_orientation(&jpeg, u8::try_from(number % 8).unwrap() + 1);
        let path = format!("in/{}/{number:03}.jpg", number / 4);
        fs::create_dir_all(folder.path(&path).parent().unwrap()).unwrap();
        folder.write(&path, jpeg);
    }
    folder
}

fn command(folder: &Folder, args: &str) -> Command {
    folder.program("images", args.split(' '))
}

fn images(folder: &Folder, args: &str) -> Ran {
    Ran::of(command(folder, args).output().unwrap())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
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
    let folder = album(9);
    let ran = images(&folder, "in --out out --report report.json").ended(0);
    ran.says(&["compressed", "9", "% saved", "pictures/s"]);
    let report = folder.report("report.json");
    assert_eq!(report["program"], "images");
    assert_eq!(report["balances"], true);
    assert_eq!(report["totals"]["in"], 9);
    assert_eq!(report["summary"]["compressed"], 9);
    let of_files = report["files"].as_array().unwrap();
    assert_eq!(of_files.len(), 9);
    for file in of_files {
        let target = folder.path(file["target"].as_str().unwrap());
        assert_eq!(fs::metadata(target).unwrap().len(), file["bytes_after"].as_u64().unwrap());
        assert_eq!(file["status"], "compressed");
    }
}

#[test]
fn what_fails_is_told_with_exit_code_1() {
    let folder = album(2);
    folder.write("in/text.jpg", "a text that is named like a picture");
    let ran = images(&folder, "in --out out --report -").ended(1);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["status"], "failed items");
    assert_eq!(report["summary"]["failures"]["not_a_picture"], 1);
    ran.says(&["millstream images: in/text.jpg", "its content is no picture", "not a picture"]);
}

#[test]
fn names_come_from_standard_input() {
    use std::io::Write;
    let folder = album(3);
    let mut child = command(&folder, "- --out out").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"in/0/000.jpg\nin/0/002.jpg\n").unwrap();
    Ran::of(child.wait_with_output().unwrap()).ended(0);
    let names: Vec<PathBuf> = files(&folder.path("out"));
    assert_eq!(names, [folder.path("out/in/0/000.jpg"), folder.path("out/in/0/002.jpg")]);
}

#[test]
fn wrong_usage_is_told_before_anything_is_done() {
    let folder = album(1);
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
        images(&folder, args).ended(2).says(parts);
        assert!(!folder.path("out").exists());
    }
    images(&folder, "none --out out").ended(3).says(&["none"]);
}

#[test]
fn a_deadline_ends_a_run_and_says_so() {
    let folder = album(8);
    let ran = images(&folder, "in --out out --deadline 1us --report -").ended(4);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((report["status"].as_str(), report["balances"].as_bool()), (Some("deadline"), Some(true)));
}

/// Kills a run when so many files have appeared in a folder.
fn kill_at(folder: &Folder, args: &str, watched: &str, count: usize) -> bool {
    let mut child = command(folder, args).stderr(Stdio::null()).spawn().unwrap();
    let seen = |folder: &Folder| fs::read_dir(folder.path(watched)).map_or(0, Iterator::count);
    let ended = loop {
        if seen(folder) >= count {
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
    let folder = Folder::new();
    fs::create_dir(folder.path("in")).unwrap();
    for number in 0..60 {
        let jpeg = testing::jpeg(&testing::photo(400, 300, number, 0.1).into(), 92, "420");
        folder.write(&format!("in/{number:03}.jpg"), jpeg);
    }
    let args = "in --out out --resume --workers 2";
    let mut killed = 0;
    for round in 0..20 {
        // The journal is a file too, and so is one that is being written.
        killed += usize::from(!kill_at(&folder, args, "out", 2 + 3 * round));
        for path in
            files(&folder.path("out")).iter().filter(|path| path.extension().is_some_and(|e| e == "jpg"))
        {
            opens(path);
        }
    }
    assert!(killed >= 15, "only {killed} of 20 runs were killed before they ended");
    images(&folder, args).ended(0);
    let names: Vec<String> = files(&folder.path("out"))
        .iter()
        .map(|path| path.file_name().unwrap().display().to_string())
        .collect();
    let pictures = names.iter().filter(|name| name.ends_with(".jpg")).count();
    assert_eq!((pictures, names.len()), (60, 61), "all pictures, and the journal: {names:?}");
    for path in files(&folder.path("out")).iter().filter(|path| path.extension().is_some_and(|e| e == "jpg"))
    {
        opens(path);
    }
    let ran = images(&folder, args).ended(0);
    ran.says(&["skipped", "60"]);
}

#[test]
fn a_run_in_place_that_is_killed_loses_no_picture_and_compresses_none_twice() {
    let folder = Folder::new();
    fs::create_dir(folder.path("in")).unwrap();
    let mut once = Vec::new();
    for number in 0..40 {
        let jpeg = testing::jpeg(&testing::photo(400, 300, number, 0.1).into(), 92, "420");
        folder.write(&format!("in/{number:03}.jpg"), jpeg);
    }
    images(&folder, "in --out once").ended(0);
    for path in files(&folder.path("once")) {
        once.push(fs::read(path).unwrap());
    }
    for _ in 0..20 {
        let mut child =
            command(&folder, "in --in-place --resume --workers 2").stderr(Stdio::null()).spawn().unwrap();
        // Until a few more are done than before.
        let journal = folder.path("in/.millstream-images.journal");
        let lines = || fs::metadata(&journal).map_or(0, |metadata| metadata.len());
        let before = lines();
        while lines() < before + 220 && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = child.kill();
        child.wait().unwrap();
    }
    images(&folder, "in --in-place --resume").ended(0);
    let after: Vec<PathBuf> = files(&folder.path("in"));
    assert_eq!(after.len(), 41, "{after:?}");
    for (path, once) in after.iter().filter(|path| path.extension().is_some_and(|e| e == "jpg")).zip(&once) {
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
    let folder = Folder::new();
    let slow = testing::photo(2_400, 1_600, 1, 0.3).into();
    folder.write("slow.jpg", testing::jpeg(&slow, 95, "444"));
    let args =
        "slow.jpg --out out --format avif --preset small --deadline 300ms --grace 1ms --report report.json";
    images(&folder, args).ended(4);
    let report = folder.report("report.json");
    assert_eq!((report["status"].as_str(), report["balances"].as_bool()), (Some("deadline"), Some(true)));
    assert_eq!(report["summary"]["cancelled"], 1);
    assert!(!folder.path("out/slow.avif").exists());
}

#[test]
fn an_image_that_misleads_a_codec_is_a_refusal_and_nothing_else_on_the_terminal() {
    let folder = album(2);
    // A header of one grey pixel, and a frame header without content; their checksums are right.
    let header = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3A\x7E\x9BU";
    let short = [header.as_slice(), b"\0\0\0\0fcTL\xD4\x25\x97Q"].concat();
    folder.write("in/short.png", short);
    let ran = images(&folder, "in --out out --workers 1").ended(1);
    let ran = ran.says(&["in/short.png", "fcTL"]);
    assert!(!ran.err.contains("panicked") && !ran.err.contains("backtrace"), "{}", ran.err);
    assert_eq!(files(&folder.path("out")).len(), 2);
}

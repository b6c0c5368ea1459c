//! Names are bytes: any name is read and written as it is, reports stay valid, and nothing of it
//! acts on a terminal.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::Stdio;

use connect::paths::unescaped;
use images::testing;
use serde_json::Value;

use crate::support::{Directory, Ran};

/// Not UTF-8, with an escape sequence, a line end, and what looks like an escape of ours.
const NAMES: [&[u8]; 4] = [b"caf\xe9", b"a\x1b[31mred", b"two\nlines", b"b\\xE9"];

fn with(name: &[u8], ending: &str) -> OsString {
    OsString::from_vec([name, ending.as_bytes()].concat())
}

fn run(directory: &Directory, program: &str, args: &[&OsStr]) -> Ran {
    Ran::of(directory.program(program, args).output().unwrap())
}

fn os(text: &str) -> &OsStr {
    OsStr::new(text)
}

#[track_caller]
fn is_harmless(ran: &Ran) {
    assert!(!ran.err.contains('\x1b') && !ran.out.contains('\x1b'), "{ran:?}");
}

#[test]
fn an_image_of_any_name_becomes_one_of_that_name_and_the_report_names_it() {
    let directory = Directory::new();
    fs::create_dir(directory.path("in")).unwrap();
    for name in NAMES {
        let image = testing::jpeg(&testing::photo(96, 64, 1, 0.1).into(), 92, "420");
        fs::write(directory.path("in").join(with(name, ".jpg")), image).unwrap();
        fs::write(directory.path("in").join(with(name, ".png")), "no image").unwrap();
    }
    let ran =
        run(&directory, "images", &["in", "--out", "out", "--report", "r.json"].map(os)).ended(1);
    is_harmless(&ran);
    ran.says(&[r"in/caf\xE9.png: its content", r"in/a\x1B[31mred.png: ", r"in/two\x0Alines.png: "]);
    let report = directory.report("r.json");
    for (number, file) in report["files"].as_array().unwrap().iter().enumerate() {
        let path = unescaped(file["path"].as_str().unwrap());
        assert!(directory.path(".").join(&path).exists(), "{number}: {file}");
        if file["status"] == "compressed" {
            assert!(directory.path(".").join(unescaped(file["target"].as_str().unwrap())).exists());
        }
    }
    assert_eq!(fs::read_dir(directory.path("out")).unwrap().count(), 4);
}

#[test]
fn an_image_of_any_name_may_be_an_argument_or_a_line_of_standard_input() {
    for name in NAMES {
        let directory = Directory::new();
        let name = with(name, ".jpg");
        let image = testing::jpeg(&testing::photo(96, 64, 1, 0.1).into(), 92, "420");
        fs::write(directory.path(".").join(&name), image).unwrap();
        run(&directory, "images", &[&name, os("--out"), os("one")]).ended(0);
        let mut child = directory
            .program("images", ["-", "--out", "two"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let listed = [name.as_bytes(), b"\0"].concat();
        child.stdin.take().unwrap().write_all(&listed).unwrap();
        Ran::of(child.wait_with_output().unwrap()).ended(0);
        // The directory of results may have any name, too, and so may the report.
        run(
            &directory,
            "images",
            &[&name, os("--out"), &with(name.as_bytes(), ".d"), os("--report"), &with(b"\xff", "")],
        )
        .ended(0);
        let third = Path::new(&with(name.as_bytes(), ".d")).join(&name);
        for result in [
            Path::new("one").join(&name),
            Path::new("two").join(&name),
            third,
            with(b"\xff", "").into(),
        ] {
            assert!(directory.path(".").join(&result).exists(), "{result:?}");
        }
    }
}

#[test]
fn names_on_standard_input_keep_their_tree_and_results_of_an_earlier_run_are_passed_over() {
    let directory = Directory::new();
    for name in ["one/a.jpg", "two/a.jpg"] {
        fs::create_dir(directory.path(name).parent().unwrap()).unwrap();
        directory.write(name, testing::jpeg(&testing::photo(96, 64, 1, 0.1).into(), 92, "420"));
    }
    for listed in [
        &b"./one/a.jpg\0./two/a.jpg\0"[..],
        b"./one/a.jpg\0./small/one/a.jpg\0./two/a.jpg\0small/two/a.jpg",
    ] {
        let mut child = directory
            .program("images", ["-", "--out", "small"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(listed).unwrap();
        Ran::of(child.wait_with_output().unwrap()).ended(0);
        assert!(
            directory.path("small/one/a.jpg").exists()
                && directory.path("small/two/a.jpg").exists()
        );
        assert!(!directory.path("small/small").exists());
    }
    run(&directory, "images", &["one", "two", "--out", "both"].map(os)).ended(0);
    assert!(directory.path("both/one/a.jpg").exists() && directory.path("both/two/a.jpg").exists());
}

#[test]
fn a_log_of_any_name_is_read_and_everything_that_is_written_may_have_any_name() {
    for name in NAMES {
        let directory = Directory::new();
        let log = with(name, ".log");
        fs::write(
            directory.path(".").join(&log),
            "INFO 2024-01-15T10:00:00Z one\nINFO 2024-01-15T10:00:01Z two\n",
        )
        .unwrap();
        let ran = run(&directory, "logs", &[&log]).ended(0);
        is_harmless(&ran);
        assert_eq!(ran.records().len(), 2);
        assert_eq!(unescaped(ran.records()[0]["file"].as_str().unwrap()).as_os_str(), log);
        let outputs = [".db", ".jsonl", ".dead", ".json"].map(|ending| with(name, ending));
        for to in &outputs[..2] {
            let args = [
                &log,
                os("--to"),
                to,
                os("--dead-letter"),
                &outputs[2],
                os("--report"),
                &outputs[3],
            ];
            run(&directory, "logs", &args).ended(0);
        }
        for output in &outputs {
            assert!(directory.path(".").join(output).is_file(), "{output:?}");
        }
        let report: Value =
            serde_json::from_slice(&fs::read(directory.path(".").join(&outputs[3])).unwrap())
                .unwrap();
        assert_eq!(report["totals"]["out"], 2);
        let again = [&log, os("--to"), &outputs[0], os("--report"), &log];
        is_harmless(&run(&directory, "logs", &again).ended(2));
        let missing = with(name, ".missing");
        is_harmless(&run(&directory, "logs", &[&missing]).ended(3));
    }
}

#[test]
fn urls_may_be_in_a_file_of_any_name() {
    for name in NAMES {
        let directory = Directory::new();
        let urls = with(name, ".txt");
        fs::write(directory.path(".").join(&urls), "mailto://\x1b[31mx\n").unwrap();
        let (to, report) = (with(name, ".db"), with(name, ".json"));
        let args = [os("--urls"), &urls, os("--to"), &to, os("--report"), &report];
        is_harmless(&run(&directory, "crawl", &args).ended(3));
        let report: Value =
            serde_json::from_slice(&fs::read(directory.path(".").join(&report)).unwrap()).unwrap();
        assert_eq!(report["status"], "unusable");
    }
}

#[test]
fn a_value_that_is_not_utf8_names_its_option() {
    let directory = Directory::with_app_log(1);
    let odd = OsStr::from_bytes(b"\xe9\x1b[31m");
    for (program, option) in [
        ("logs", "--level"),
        ("logs", "--format"),
        ("logs", "--keys"),
        ("logs", "--where"),
        ("logs", "--contains"),
        ("logs", "--regex"),
        ("logs", "--since"),
        ("logs", "--until"),
        ("logs", "--to"),
        ("logs", "--table"),
        ("logs", "--job"),
        ("logs", "--batch"),
        ("logs", "--flush"),
        ("logs", "--max-line"),
        ("logs", "--limit"),
        ("logs", "--deadline"),
        ("logs", "--grace"),
        ("logs", "--workers"),
        ("crawl", "--depth"),
        ("crawl", "--scope"),
        ("crawl", "--max-pages"),
        ("crawl", "--to"),
        ("crawl", "--frontier"),
        ("crawl", "--per-host"),
        ("crawl", "--delay"),
        ("crawl", "--attempts"),
        ("crawl", "--user-agent"),
        ("crawl", "--timeout"),
        ("crawl", "--max-body"),
        ("crawl", "--workers"),
        ("images", "--quality"),
        ("images", "--preset"),
        ("images", "--format"),
        ("images", "--max-size"),
        ("images", "--resize"),
        ("images", "--keep"),
        ("images", "--overwrite"),
        ("images", "--memory"),
        ("images", "--max-pixels"),
    ] {
        let together = OsString::from_vec([option.as_bytes(), b"=", odd.as_bytes()].concat());
        for args in [vec![os("app.log"), os(option), odd], vec![os("app.log"), &together]] {
            let ran = run(&directory, program, &args).ended(2);
            is_harmless(&ran);
            ran.says(&[option]);
        }
    }
    run(&directory, "images", &[os("app.log"), os("--out"), os("o"), os("-Q"), odd])
        .ended(2)
        .says(&["--quality"]);
    run(&directory, "logs", &[OsStr::from_bytes(b"-l\xe9")]).ended(2).says(&["--level"]);
    run(&directory, "crawl", &[OsStr::from_bytes(b"http://\xe9/")]).ended(2).says(&["URL"]);
    run(&directory, "crawl", &[OsStr::from_bytes(b"--n\xe9")]).ended(2);
    is_harmless(&run(&directory, "logs", &[os("app.log"), os("--level"), os("\x1b[31m")]).ended(2));
    is_harmless(&run(&directory, "logs", &[os("--\x1b[31m")]).ended(2));
    is_harmless(&run(&directory, "\x1b[31m", &[]).ended(2));
}

//! A run never writes to what it reads, and never writes twice to one file, however the file is
//! called.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use images::testing;

use crate::support::{Directory, Ran};

const LINES: &str = "INFO 2024-01-15T10:00:00Z precious\n";

fn ran(directory: &Directory, args: &str) -> Ran {
    let (program, args) = args.split_once(' ').unwrap();
    Ran::of(directory.program(program, args.split(' ')).output().unwrap())
}

/// Every file and directory, with the content of files.
fn everything(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(everything(&path));
        }
        found.push((path.display().to_string(), fs::read(&path).unwrap_or_default()));
    }
    found.sort();
    found
}

/// Files of all programs, each also under other names.
fn tree() -> Directory {
    let directory = Directory::with_app_log(3);
    fs::create_dir_all(directory.path("p/sub")).unwrap();
    directory.write("u.txt", "http://127.0.0.1:1/\n");
    directory.write("p/a.jpg", testing::jpeg(&testing::photo(64, 48, 1, 0.1).into(), 92, "420"));
    directory.write("p/notes.txt", LINES);
    symlink("app.log", directory.path("soft.log")).unwrap();
    fs::hard_link(directory.path("app.log"), directory.path("hard.log")).unwrap();
    symlink("p", directory.path("q")).unwrap();
    symlink("new.jsonl", directory.path("dangling.jsonl")).unwrap();
    directory
}

#[test]
fn a_run_that_would_write_to_one_file_for_two_options_is_refused_and_makes_nothing() {
    let directory = tree();
    let before = everything(&directory.path("."));
    for (args, options) in [
        ("logs app.log --report app.log", ["FILES", "--report"]),
        ("logs app.log --report ./p/../app.log", ["FILES", "--report"]),
        ("logs app.log --report soft.log", ["FILES", "--report"]),
        ("logs soft.log --report hard.log", ["FILES", "--report"]),
        ("logs *.log --to jsonl:hard.log", ["FILES", "--to"]),
        ("logs app.log nope.log --report app.log", ["FILES", "--report"]),
        ("logs app.log --to sqlite:app.log", ["FILES", "--to"]),
        ("logs app.log --to o.db --report o.db", ["--to", "--report"]),
        ("logs app.log --to o.db --report p/../o.db-wal", ["--to", "--report"]),
        ("logs app.log --to o.db --dead-letter o.db-journal", ["--to", "--dead-letter"]),
        ("logs app.log --to o.jsonl --report o.jsonl", ["--to", "--report"]),
        ("logs app.log --to new.jsonl --report dangling.jsonl", ["--to", "--report"]),
        ("logs app.log --to o.jsonl --dead-letter q/../o.jsonl", ["--to", "--dead-letter"]),
        ("logs app.log --dead-letter dead --report dead", ["--dead-letter", "--report"]),
        ("logs app.log --to o.db --report o.db/r.json", ["--to", "--report"]),
        ("logs new.log --follow --to o.db --report new.log", ["FILES", "--report"]),
        ("logs p/*.log --follow --to o.db --report p/r.log", ["FILES", "--report"]),
        ("crawl --urls u.txt --report u.txt", ["--urls", "--report"]),
        ("crawl --urls u.txt --to jsonl:u.txt", ["--urls", "--to"]),
        ("crawl http://127.0.0.1:1/ --to o.db --report o.db", ["--to", "--report"]),
        ("crawl http://127.0.0.1:1/ --to o.db --report o.db-crawl", ["--to", "--report"]),
        (
            "crawl http://127.0.0.1:1/ --to o.jsonl --report o.jsonl.frontier.db",
            ["--to", "--report"],
        ),
        (
            "crawl http://127.0.0.1:1/ --to o.jsonl --frontier sqlite:o.jsonl",
            ["--to", "--frontier"],
        ),
        (
            "crawl http://127.0.0.1:1/ --to o.jsonl --frontier f.db --report f.db-shm",
            ["--frontier", "--report"],
        ),
        ("crawl http://127.0.0.1:1/ --to o.jsonl --warc o.jsonl", ["--to", "--warc"]),
        ("crawl http://127.0.0.1:1/ --to p/o.jsonl --warc q/o.jsonl/w", ["--to", "--warc"]),
        (
            "crawl http://127.0.0.1:1/ --warc p --report q/crawl-00007.warc.gz",
            ["--warc", "--report"],
        ),
        ("images p --out o --report p/a.jpg", ["IN", "--report"]),
        ("images p --out o --report q/notes.txt", ["IN", "--report"]),
        ("images p --in-place --report q/a.jpg", ["IN", "--report"]),
        ("images p nope --out o --report p/a.jpg", ["IN", "--report"]),
        ("images p --out o --report o", ["--out", "--report"]),
        ("images p --out o/x --report o", ["--out", "--report"]),
        ("images p --out o --report o/a.jpg", ["--out", "--report"]),
        ("images p --out o --format webp --report o/a.webp", ["--out", "--report"]),
        (
            "images p --out p/sub --resume --report p/sub/.millstream-images.journal",
            ["--resume", "--report"],
        ),
    ] {
        ran(&directory, args).ended(2).says(&options);
        assert_eq!(everything(&directory.path(".")), before, "{args}");
    }
}

#[test]
fn what_keeps_nothing_may_be_named_twice_and_a_report_may_be_beside_other_outputs() {
    let directory = tree();
    ran(&directory, "logs app.log --to jsonl:/dev/null --report /dev/null --dead-letter /dev/null")
        .ended(0);
    ran(&directory, "logs app.log soft.log hard.log --to o.jsonl --report o.json").ended(0);
    fs::create_dir(directory.path("o")).unwrap();
    ran(&directory, "images p --out o --report o/report.json").ended(0);
    assert_eq!(directory.report("o/report.json")["files"].as_array().unwrap().len(), 2);
}

#[test]
fn a_redirected_stream_is_one_of_the_files_of_a_run() {
    let directory = tree();
    let before = everything(&directory.path("."));
    let open = |name: &str| {
        fs::File::options().read(true).append(true).open(directory.path(name)).unwrap()
    };
    let fed =
        directory.command(["-", "--report", "soft.log"]).stdin(open("app.log")).output().unwrap();
    Ran::of(fed).ended(2).says(&["FILES", "--report"]);
    let appended = directory.command(["app.log"]).stdout(open("hard.log")).output().unwrap();
    Ran::of(appended).ended(2).says(&["FILES", "standard output"]);
    let mut listed = directory.program("images", ["-", "--out", "o", "--report", "u.txt"]);
    Ran::of(listed.stdin(open("u.txt")).output().unwrap()).ended(2).says(&["IN", "--report"]);
    assert_eq!(everything(&directory.path(".")), before);
}

/// Two images in a tree, of which one would become the other.
fn nested() -> Directory {
    let directory = Directory::new();
    fs::create_dir_all(directory.path("a/b/b")).unwrap();
    directory
        .write("a/b/x.jpg", testing::jpeg(&testing::photo(200, 150, 1, 0.1).into(), 92, "420"));
    directory
        .write("a/b/b/x.jpg", testing::jpeg(&testing::photo(160, 120, 2, 0.1).into(), 92, "420"));
    directory
}

#[test]
fn no_result_takes_the_place_of_an_original() {
    for (prepare, args) in [
        ("", "a/b --out a"),
        ("", "a/b --out a/b/.."),
        ("", "a/b --out l"),
        ("soft", "a/b --out o"),
        ("hard", "a/b --out o"),
        ("directory", "a/b --out o"),
        ("", "a/b a/b/b/x.jpg --out a"),
    ] {
        for overwrite in ["never", "larger", "all"] {
            let directory = nested();
            symlink("a", directory.path("l")).unwrap();
            fs::create_dir_all(directory.path("o/b")).unwrap();
            match prepare {
                "soft" => symlink("../../a/b/x.jpg", directory.path("o/b/x.jpg")).unwrap(),
                "hard" => {
                    fs::hard_link(directory.path("a/b/x.jpg"), directory.path("o/b/x.jpg")).unwrap()
                }
                "directory" => {
                    fs::remove_dir(directory.path("o/b")).unwrap();
                    symlink("../a/b", directory.path("o/b")).unwrap();
                }
                _ => {}
            }
            let before = [directory.read("a/b/x.jpg"), directory.read("a/b/b/x.jpg")];
            let text = format!("images {args} --overwrite {overwrite} --report r.json");
            ran(&directory, &text).ended(1).says(&["a/b/b/x.jpg", "would replace"]);
            assert_eq!(
                [directory.read("a/b/x.jpg"), directory.read("a/b/b/x.jpg")],
                before,
                "{prepare} {text}"
            );
            let report = directory.report("r.json");
            assert_eq!(report["summary"]["failures"]["collision"], 1, "{report}");
            assert_eq!(report["summary"]["compressed"], 1, "{report}");
        }
    }
}

#[test]
fn an_image_that_would_replace_itself_is_refused_unless_nothing_is_written() {
    let directory = nested();
    let before = directory.read("a/b/x.jpg");
    ran(&directory, "images a/b/x.jpg --out a/b --overwrite all")
        .ended(2)
        .says(&["--out", "--in-place"]);
    ran(&directory, "images a/b/x.jpg --out a/b --dry-run --max-size 200KB")
        .ended(0)
        .says(&["compressed"]);
    let mut command = directory.program("images", ["-", "--out", ".", "--overwrite", "all"]);
    fs::write(directory.path("names"), "a/b/x.jpg\n").unwrap();
    command.stdin(fs::File::open(directory.path("names")).unwrap());
    Ran::of(command.output().unwrap()).ended(1).says(&["a/b/x.jpg", "--in-place"]);
    assert_eq!(directory.read("a/b/x.jpg"), before);
    // Under another name it may be beside it.
    ran(&directory, "images a/b/x.jpg --out a/b --format webp").ended(0);
    assert!(directory.path("a/b/x.webp").exists());
    assert_eq!(directory.read("a/b/x.jpg"), before);
}

#[test]
fn what_is_no_image_claims_no_place_and_two_images_of_one_name_are_reported() {
    let directory = Directory::new();
    fs::create_dir(directory.path("in")).unwrap();
    let image = |seed| testing::jpeg(&testing::photo(96, 64, seed, 0.1).into(), 92, "420");
    directory.write("in/IMG_1.AAE", "<plist/>");
    directory.write("in/IMG_1.JPG", image(1));
    directory.write("in/IMG_1.json", "{}");
    directory.write("in/IMG_1.xmp", "<x/>");
    directory.write("in/b.jpg", image(2));
    directory.write("in/b.txt", "");
    ran(&directory, "images in --out out --format webp --report r.json").ended(0);
    let summary = &directory.report("r.json")["summary"];
    assert_eq!((&summary["compressed"], &summary["ignored"]), (&2.into(), &4.into()), "{summary}");
    assert!(directory.path("out/IMG_1.webp").exists() && directory.path("out/b.webp").exists());
    directory.write("in/b.jpeg", image(3));
    directory.write("in/b.png", "a text that is named like an image");
    let reported = ran(&directory, "images in --out more --format webp").ended(1);
    reported.says(&[
        "in/b.jpg: another image becomes 'more/b.webp'",
        "in/b.png: its content is no image",
    ]);
    assert!(directory.path("more/b.webp").exists());
}

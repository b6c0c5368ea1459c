//! A run never writes to what it reads, and never writes twice to one file, however the file is
//! called.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use images::testing;

use crate::support::{Folder, Ran};

const LINES: &str = "INFO 2024-01-15T10:00:00Z precious\n";

fn ran(folder: &Folder, args: &str) -> Ran {
    let (program, args) = args.split_once(' ').unwrap();
    Ran::of(folder.program(program, args.split(' ')).output().unwrap())
}

/// Every file and directory, with the content of files.
fn everything(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
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
fn tree() -> Folder {
    let folder = Folder::with_app_log(3);
    fs::create_dir_all(folder.path("p/sub")).unwrap();
    folder.write("u.txt", "http://127.0.0.1:1/\n");
    folder.write("p/a.jpg", testing::jpeg(&testing::photo(64, 48, 1, 0.1).into(), 92, "420"));
    folder.write("p/notes.txt", LINES);
    symlink("app.log", folder.path("soft.log")).unwrap();
    fs::hard_link(folder.path("app.log"), folder.path("hard.log")).unwrap();
    symlink("p", folder.path("q")).unwrap();
    symlink("new.jsonl", folder.path("dangling.jsonl")).unwrap();
    folder
}

#[test]
fn a_run_that_would_write_to_one_file_for_two_options_is_refused_and_makes_nothing() {
    let folder = tree();
    let before = everything(&folder.path("."));
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
        ("crawl http://127.0.0.1:1/ --to o.jsonl --report o.jsonl.frontier.db", ["--to", "--report"]),
        ("crawl http://127.0.0.1:1/ --to o.jsonl --frontier sqlite:o.jsonl", ["--to", "--frontier"]),
        (
            "crawl http://127.0.0.1:1/ --to o.jsonl --frontier f.db --report f.db-shm",
            ["--frontier", "--report"],
        ),
        ("crawl http://127.0.0.1:1/ --to o.jsonl --warc o.jsonl", ["--to", "--warc"]),
        ("crawl http://127.0.0.1:1/ --to p/o.jsonl --warc q/o.jsonl/w", ["--to", "--warc"]),
        ("crawl http://127.0.0.1:1/ --warc p --report q/crawl-00007.warc.gz", ["--warc", "--report"]),
        ("images p --out o --report p/a.jpg", ["IN", "--report"]),
        ("images p --out o --report q/notes.txt", ["IN", "--report"]),
        ("images p --in-place --report q/a.jpg", ["IN", "--report"]),
        ("images p nope --out o --report p/a.jpg", ["IN", "--report"]),
        ("images p --out o --report o", ["--out", "--report"]),
        ("images p --out o/x --report o", ["--out", "--report"]),
        ("images p --out o --report o/a.jpg", ["--out", "--report"]),
        ("images p --out o --format webp --report o/a.webp", ["--out", "--report"]),
        ("images p --out p/sub --resume --report p/sub/.millstream-images.journal", ["--resume", "--report"]),
    ] {
        ran(&folder, args).ended(2).says(&options);
        assert_eq!(everything(&folder.path(".")), before, "{args}");
    }
}

#[test]
fn what_keeps_nothing_may_be_named_twice_and_a_report_may_be_beside_other_outputs() {
    let folder = tree();
    ran(&folder, "logs app.log --to jsonl:/dev/null --report /dev/null --dead-letter /dev/null").ended(0);
    ran(&folder, "logs app.log soft.log hard.log --to o.jsonl --report o.json").ended(0);
    fs::create_dir(folder.path("o")).unwrap();
    ran(&folder, "images p --out o --report o/report.json").ended(0);
    assert_eq!(folder.report("o/report.json")["files"].as_array().unwrap().len(), 2);
}

#[test]
fn a_redirected_stream_is_one_of_the_files_of_a_run() {
    let folder = tree();
    let before = everything(&folder.path("."));
    let open = |name: &str| fs::File::options().read(true).append(true).open(folder.path(name)).unwrap();
    let fed = folder.command(["-", "--report", "soft.log"]).stdin(open("app.log")).output().unwrap();
    Ran::of(fed).ended(2).says(&["FILES", "--report"]);
    let appended = folder.command(["app.log"]).stdout(open("hard.log")).output().unwrap();
    Ran::of(appended).ended(2).says(&["FILES", "standard output"]);
    let mut listed = folder.program("images", ["-", "--out", "o", "--report", "u.txt"]);
    Ran::of(listed.stdin(open("u.txt")).output().unwrap()).ended(2).says(&["IN", "--report"]);
    assert_eq!(everything(&folder.path(".")), before);
}

/// Two images in a tree, of which one would become the other.
fn nested() -> Folder {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("a/b/b")).unwrap();
    folder.write("a/b/x.jpg", testing::jpeg(&testing::photo(200, 150, 1, 0.1).into(), 92, "420"));
    folder.write("a/b/b/x.jpg", testing::jpeg(&testing::photo(160, 120, 2, 0.1).into(), 92, "420"));
    folder
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
            let folder = nested();
            symlink("a", folder.path("l")).unwrap();
            fs::create_dir_all(folder.path("o/b")).unwrap();
            match prepare {
                "soft" => symlink("../../a/b/x.jpg", folder.path("o/b/x.jpg")).unwrap(),
                "hard" => fs::hard_link(folder.path("a/b/x.jpg"), folder.path("o/b/x.jpg")).unwrap(),
                "directory" => {
                    fs::remove_dir(folder.path("o/b")).unwrap();
                    symlink("../a/b", folder.path("o/b")).unwrap();
                }
                _ => {}
            }
            let before = [folder.read("a/b/x.jpg"), folder.read("a/b/b/x.jpg")];
            let text = format!("images {args} --overwrite {overwrite} --report r.json");
            ran(&folder, &text).ended(1).says(&["a/b/b/x.jpg", "would replace"]);
            assert_eq!([folder.read("a/b/x.jpg"), folder.read("a/b/b/x.jpg")], before, "{prepare} {text}");
            let report = folder.report("r.json");
            assert_eq!(report["summary"]["failures"]["collision"], 1, "{report}");
            assert_eq!(report["summary"]["compressed"], 1, "{report}");
        }
    }
}

#[test]
fn an_image_that_would_replace_itself_is_refused_unless_nothing_is_written() {
    let folder = nested();
    let before = folder.read("a/b/x.jpg");
    ran(&folder, "images a/b/x.jpg --out a/b --overwrite all").ended(2).says(&["--out", "--in-place"]);
    ran(&folder, "images a/b/x.jpg --out a/b --dry-run --max-size 200KB").ended(0).says(&["compressed"]);
    let mut command = folder.program("images", ["-", "--out", ".", "--overwrite", "all"]);
    fs::write(folder.path("names"), "a/b/x.jpg\n").unwrap();
    command.stdin(fs::File::open(folder.path("names")).unwrap());
    Ran::of(command.output().unwrap()).ended(1).says(&["a/b/x.jpg", "--in-place"]);
    assert_eq!(folder.read("a/b/x.jpg"), before);
    // Under another name it may be beside it.
    ran(&folder, "images a/b/x.jpg --out a/b --format webp").ended(0);
    assert!(folder.path("a/b/x.webp").exists());
    assert_eq!(folder.read("a/b/x.jpg"), before);
}

#[test]
fn what_is_no_image_claims_no_place_and_two_images_of_one_name_are_told() {
    let folder = Folder::new();
    fs::create_dir(folder.path("in")).unwrap();
    let image = |seed| testing::jpeg(&testing::photo(96, 64, seed, 0.1).into(), 92, "420");
    folder.write("in/IMG_1.AAE", "<plist/>");
    folder.write("in/IMG_1.JPG", image(1));
    folder.write("in/IMG_1.json", "{}");
    folder.write("in/IMG_1.xmp", "<x/>");
    folder.write("in/b.jpg", image(2));
    folder.write("in/b.txt", "");
    ran(&folder, "images in --out out --format webp --report r.json").ended(0);
    let summary = &folder.report("r.json")["summary"];
    assert_eq!((&summary["compressed"], &summary["ignored"]), (&2.into(), &4.into()), "{summary}");
    assert!(folder.path("out/IMG_1.webp").exists() && folder.path("out/b.webp").exists());
    folder.write("in/b.jpeg", image(3));
    folder.write("in/b.png", "a text that is named like an image");
    let told = ran(&folder, "images in --out more --format webp").ended(1);
    told.says(&["in/b.jpg: another image becomes 'more/b.webp'", "in/b.png: its content is no picture"]);
    assert!(folder.path("more/b.webp").exists());
}

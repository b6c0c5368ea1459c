//! Command lines of all options that `--help` lists, with values that are careless, huge, or no
//! text at all.
//!
//! Which options there are is read from the program, so that a new one is tried without being named
//! here.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

use super::case::Case;
use super::judge;
use super::random::Random;
use super::run::Run;
use crate::shell::{Result, context};

/// An option of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Opt {
    /// With its dashes.
    name: String,
    takes_value: bool,
}

/// One command line, which works but for the options that are added.
pub(super) fn case(case: &mut Case) -> Result {
    let program = case.random.pick(&["logs", "images", "crawl"]);
    let options = options(case, program)?;
    let mut run = Run::new(program);
    let mut given: Vec<(String, OsString)> = Vec::new();
    let count = if case.random.one_in(2) { 1 } else { case.random.within(2..=4) };
    for _ in 0..count {
        let option = case.random.pick(&options);
        let value = value(&mut case.random, &option.name);
        run = add(&mut case.random, run, &option, &value);
        given.push((option.name, value));
    }
    let has = |name: &str| given.iter().any(|(given, _)| given == name);
    run.in_place = has("--in-place");
    // What has an odd deadline may rightly go on forever.
    if has("--deadline") || has("--grace") {
        run.endless = true;
    } else {
        run = run.deadline(500, 300);
    }
    let options_end = run.args.len();
    run = base(&mut case.random, run, program, &has);
    files(case, &run.args, options_end)?;
    let ran = case.run(run)?;
    let err = String::from_utf8_lossy(&ran.err).into_owned();
    let names_one =
        given.iter().any(|(name, value)| is_named(&err, name, &value.to_string_lossy()));
    if ran.code == Some(2) && !names_one {
        let said = judge::shown(err.lines().next().unwrap_or_default());
        let names: Vec<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
        case.found(format!("exit 2, but none of {} is named: {said}", names.join(", ")));
    }
    Ok(())
}

/// Whether a message names an option or, as what is wrong with a file is said of the file, the file
/// that is its value.
fn is_named(message: &str, option: &str, value: &str) -> bool {
    // The kind that stands before a name with a colon is no part of it.
    let file =
        ["jsonl:", "sqlite:"].iter().find_map(|kind| value.strip_prefix(kind)).unwrap_or(value);
    let is_file = file.len() > 2 && !file.starts_with('-') && !file.contains('\u{fffd}');
    message.contains(option) || (is_file && message.contains(file))
}

/// The options in a program's help.
fn options(case: &Case, program: &str) -> Result<Vec<Opt>> {
    let mut command = Command::new(case.binary());
    let help = context(
        command.args([program, "--help"]).stdin(Stdio::null()).output(),
        "millstream --help",
    )?;
    let options = listed(&String::from_utf8_lossy(&help.stdout));
    if options.len() < 5 {
        Err(format!("`millstream {program} --help` lists no options").into())
    } else {
        Ok(options)
    }
}

fn listed(help: &str) -> Vec<Opt> {
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let option = |line: &str| {
        let (_, long) = line.split_once("--")?;
        let end = long.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(long.len());
        let takes_value = long[end..].trim_start().starts_with('<');
        Some(Opt { name: format!("--{}", &long[..end]), takes_value })
    };
    lines
        .filter_map(option)
        .filter(|option| !["--help", "--version"].contains(&option.name.as_str()))
        .collect()
}

/// Files for all programs; those that the arguments name as inputs must stay as they are. Before
/// `options_end`, a name may be the value of an option, such as that of an output.
fn files(case: &mut Case, args: &[OsString], options_end: usize) -> Result {
    let is_read = |at: usize, arg: &OsString, name: &str| {
        arg == name && (at >= options_end || name.starts_with("--urls"))
    };
    let log: String =
        (0..30).map(|at| format!("ERROR 2024-01-15T10:00:{at:02}Z request {at}\n")).collect();
    // Nobody listens there, and no other machine is asked.
    let urls = "http://127.0.0.1:1/\nhttp://127.0.0.1:1/a\n";
    let files: [(&str, &[u8], &[&str]); 4] = [
        ("in.log", log.as_bytes(), &["in.log", "./in.log", "link.log", "*.log"]),
        ("d/p.gif", include_bytes!("images/seeds/lzw.gif"), &["d", "link"]),
        (
            "d/p.jpg",
            include_bytes!("images/seeds/baseline.jpg"),
            &["d", "link", "d/p.jpg", "link/p.jpg"],
        ),
        ("urls.txt", urls.as_bytes(), &["--urls=urls.txt", "--urls=link.txt"]),
    ];
    for (name, bytes, names) in files {
        let mut all = args.iter().enumerate();
        if all.any(|(at, arg)| names.iter().any(|name| is_read(at, arg, name))) {
            case.input(name, bytes)?;
        } else {
            case.file(name, bytes)?;
        }
    }
    if case.random.one_in(3) {
        let name = foreign(&mut case.random);
        case.file(Path::new("d").join(&name), include_bytes!("images/seeds/baseline.jpg"))?;
        case.file(Path::new(&name).with_extension("log"), log.as_bytes())?;
    }
    #[cfg(unix)]
    for (target, link) in [("in.log", "link.log"), ("d", "link"), ("urls.txt", "link.txt")] {
        context(std::os::unix::fs::symlink(target, case.work().join(link)), link)?;
    }
    Ok(())
}

/// What the program needs to have something to do, unless the options say so.
fn base(random: &mut Random, mut run: Run, program: &str, has: &dyn Fn(&str) -> bool) -> Run {
    match program {
        "logs" => {
            run = run.arg(random.pick(&["in.log", "in.log", "link.log", "-", "*.log", "./in.log"]));
            run.stdin = Some(vec![b"\nERROR one\n".to_vec(), b"two\n".to_vec()]);
        }
        "images" => {
            if !has("--out") && !has("--in-place") {
                run = run.arg("--out=made");
            }
            run = run.arg(random.pick(&["d", "d", "d/p.jpg", "link", "link/p.jpg", "-"]));
            run.stdin = Some(vec![b"d/p.jpg\n".to_vec()]);
        }
        _ => {
            if !has("--urls") {
                run = run.arg("--urls=urls.txt");
            }
            if !has("--to") && !has("--frontier") {
                run = run.arg("--to=made.jsonl");
            }
            run.stdin = Some(vec![b"http://127.0.0.1:1/b\n".to_vec()]);
        }
    }
    run
}

/// Adds an option, with its value behind it or joined to it.
fn add(random: &mut Random, run: Run, option: &Opt, value: &OsStr) -> Run {
    if !option.takes_value {
        return run.arg(&option.name);
    }
    if random.one_in(4) {
        return run.arg(&option.name).arg(value);
    }
    let mut joined = OsString::from(format!("{}=", option.name));
    joined.push(value);
    run.arg(joined)
}

/// A value that may be one for the option, or of another kind.
fn value(random: &mut Random, name: &str) -> OsString {
    let kind = match name {
        "--deadline" | "--grace" | "--delay" | "--timeout" | "--flush" => 0,
        "--report" | "--to" | "--out" | "--urls" | "--warc" | "--frontier" | "--dead-letter" => 1,
        _ => 2,
    };
    let kind = if random.one_in(6) { random.below(4) } else { kind };
    match kind {
        0 => time(random).into(),
        1 => path(random),
        3 => foreign(random),
        _ => number(random).into(),
    }
}

fn time(random: &mut Random) -> String {
    let number = random.pick(&[
        "0",
        "1",
        "5",
        ".5",
        "5.",
        ".",
        "-1",
        "1e9",
        "18446744073709549568",
        "18446744073709551615",
        "99999999999999999999999",
        "0.0000001",
        "NaN",
        "inf",
    ]);
    let unit = random.pick(&["s", "ms", "us", "µs", "m", "h", "d", "y", "", " s", "S", "ns"]);
    format!("{number}{unit}").repeat(random.pick(&[1, 1, 1, 2, 3, 100]))
}

fn number(random: &mut Random) -> &'static str {
    const WORDS: &str = "0 1 2 -1 -0 +1 007 1_000 1e3 0x10 1.5 100 101 255 256 4096 65536 1000000 \
        4294967295 4294967296 9223372036854775807 9223372036854775808 18446744073709551615 \
        18446744073709551616 99999999999999999999 1..=2 1..=4294967295 2..=1 .. 1.. 64KB 1GiB \
        17179869184GiB 18446744073709551615B -5KB 1kbb 8x8 1x x1 4294967295x4294967295 65536x65536 \
        error warn+ + , json any keep never all exif,icc 2h 2024-01-15 9999-99-99 a=b time=a,time=b \
        = status==1 ( [ * é records main.records \";drop msg me/1.0";
    if random.one_in(12) {
        return random.pick(&["a b", "a\nb", "", " ", "5 ", "\u{1b}[31m"]);
    }
    random.pick(&WORDS.split(' ').collect::<Vec<_>>())
}

fn path(random: &mut Random) -> OsString {
    // Below the working directory or on devices: a case must not write elsewhere.
    let paths = [
        "new.json",
        "new.jsonl",
        "new.db",
        "in.log",
        "./in.log",
        "d/../in.log",
        "link.log",
        "d",
        "d/",
        "link",
        "link/p.jpg",
        "d/p.jpg",
        "d/p.gif",
        "d/new",
        ".",
        "urls.txt",
        "link.txt",
        "made",
        "made.jsonl",
        "new/new.json",
        "in.log/x",
        "/dev/null",
        "/dev/full",
        "/dev/stdin",
        "/dev/zero/x",
        "/proc/self/none/x",
        "-",
        "",
        " ",
        "--",
        "-x",
        "a\u{1b}[31mb",
        "a\nb.jsonl",
        "a\u{9b}b",
        "sqlite:",
        "sqlite:new",
        "jsonl:",
        "jsonl:-",
        "jsonl:in.log",
        "sqlite:in.log",
        "table",
        "postgres://",
        "postgres://u@127.0.0.1:1/d",
        "postgres:///\u{1b}",
        "mysql://x",
        "file:new.db",
        ":memory:",
        "new.db?mode=ro",
        "jsonl:/dev/full",
        "sqlite:/dev/null",
        "*.log",
        "é.jsonl",
        "nul\u{7f}",
    ];
    if random.one_in(12) {
        return "n".repeat(random.pick(&[255, 256, 5_000])).into();
    }
    random.pick(&paths).into()
}

/// Bytes that are no UTF-8, where arguments can have them.
fn foreign(random: &mut Random) -> OsString {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let all: [&[u8]; 5] = [b"\xFF", b"a\xFF\x1b[31m", b"\xC3", b"5\x80s", b"\xED\xA0\x80"];
        OsStr::from_bytes(random.pick(&all)).to_owned()
    }
    #[cfg(not(unix))]
    OsString::from(number(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_names_the_file_names_the_option_whose_value_it_is() {
        let message = "millstream crawl: in.log is not empty, and a new crawl would replace it";
        assert!(is_named(message, "--to", "in.log") && is_named(message, "--to", "jsonl:in.log"));
        assert!(is_named("--to: not a file", "--to", "jsonl:"));
        for other in ["new.db", "jsonl:new.db", "jsonl:", "jsonl:-", "-", "", "in.log/x", ":"] {
            assert!(!is_named(message, "--to", other), "{other}");
        }
    }

    #[test]
    fn options_are_found_in_the_help() {
        let help = "Usage: x [OPTIONS]\n\nOptions:\n  -f, --follow\n          Go on\n\n      --to <DEST>\n          Where --from\n  -h, --help\n";
        let options = [("--follow", false), ("--to", true)];
        assert_eq!(
            listed(help),
            options.map(|(name, takes_value)| Opt { name: name.to_owned(), takes_value })
        );
    }
}

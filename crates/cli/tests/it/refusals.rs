//! Wrong usage: exit code 2, with the flag, what was expected, and what to do.

use crate::support::{Directory, Ran};

#[test]
fn a_wrong_value_names_its_flag_and_what_was_expected() {
    let directory = Directory::with_app_log(10);
    for (args, parts) in [
        (&["--level", "loud"][..], &["--level", "\"loud\" is not a level", "error,warn"][..]),
        (&["--where", "status =="], &["--where", "column 10"]),
        (&["--regex", "("], &["--regex", "unclosed group"]),
        (&["--since", "lately"], &["--since", "\"lately\" is not a time", "2h"]),
        (&["--until", "13:99"], &["--until", "\"13:99\" is not a time"]),
        (&["--to", "out.csv"], &["--to", "ending .csv", "sqlite:out.csv"]),
        (&["--to", "kafka://x/y"], &["--to", "'kafka:'", "known:"]),
        (&["--format", "xml"], &["--format", "\"xml\" is not a format", "logfmt"]),
        (&["--keys", "when"], &["--keys", "time=NAME"]),
        (&["--workers", "0"], &["--workers", "expected 4, or 1..=4"]),
        (&["--batch", "0"], &["--batch", "\"0\"", "1 or more"]),
        (&["--batch", "-1"], &["--batch", "\"-1\"", "1 or more"]),
        (&["--batch", "1000001"], &["--batch", "at most 1000000"]),
        (&["--workers", "-1"], &["--workers", "\"-1\"", "expected 4"]),
        (&["--workers", "4294967295"], &["--workers", "at most 1024 threads"]),
        (&["--workers", "1..=2000"], &["--workers", "at most 1024 threads"]),
        (&["--flush", "-5ms"], &["--flush", "\"-5ms\" is not a time"]),
        (&["--deadline", "-1s"], &["--deadline", "\"-1s\" is not a time"]),
        (&["--max-line", "-1"], &["--max-line", "\"-1\" is not a size"]),
        (&["--max-line", "0"], &["--max-line", "1 bytes to 1GiB"]),
        (&["--max-line", "18446744073709551615"], &["--max-line", "1GiB"]),
        (&["--job", "-x"], &["--job", "'-x'", "--job=-x"]),
        (&["--report", "-5"], &["--report", "'-5'"]),
        (&["--level", "-x"], &["--level", "\"-x\" is not a level"]),
        (&["--stats", "--to", "out.jsonl"], &["--stats", "--to"]),
        (&["--stats", "--table", "t"], &["--stats", "--table"]),
        (&["--to", "out.jsonl", "--table", "t"], &["--table", "--to"]),
        (&["--follow", "--to", "out.jsonl", "--job", "app"], &["--job", "--to"]),
        (&["--batch", "many"], &["--batch", "\"many\"", "1 or more"]),
        (&["--limit", "-1"], &["--limit", "\"-1\" is not a number"]),
        (&["--flush", "5"], &["--flush", "5ms"]),
        (&["--deadline", "soon"], &["--deadline", "30s"]),
        (&["--grace", "1"], &["--grace", "30s"]),
        (&["--max-line", "long"], &["--max-line", "1MiB"]),
        (&["--to", "out.db", "--table", "a b"], &["--table", "'a b' cannot name a table"]),
        (&["--to", "out.db", "--job", "app"], &["--follow"]),
        (&["-", "--follow", "--to", "out.db"], &["--follow", "standard input"]),
        (&["--tables", "x"], &["--tables", "--table"]),
    ] {
        let args: Vec<&str> = ["app.log"].iter().chain(args).copied().collect();
        let ran = directory.run(&args).ended(2).says(parts);
        assert_eq!(ran.out, "", "{args:?}");
    }
}

#[test]
fn a_time_without_end_and_a_number_without_bound_are_refused_by_every_program() {
    let directory = Directory::new();
    let long =
        ["18446744073709549568s", "18446744073709549568s18446744073709549568s", "36501d", "1e400s"];
    let times = [
        ("logs", &["--deadline", "--grace", "--flush"][..]),
        ("images", &["--deadline", "--grace"]),
        ("crawl", &["--deadline", "--grace", "--delay", "--timeout"]),
    ];
    for (program, options) in times {
        for option in options {
            for time in long {
                Ran::of(directory.program(program, ["http://a/", *option, time]).output().unwrap())
                    .ended(2)
                    .says(&[option, time]);
            }
        }
    }
    for (program, option, values) in [
        ("crawl", "--workers", &["0", "-1", "65537", "4294967295", "18446744073709551616"][..]),
        ("crawl", "--per-host", &["0", "-1", "10001", "4294967295"]),
        ("crawl", "--attempts", &["0", "-1", "101", "4294967295"]),
        ("crawl", "--depth", &["-1", "4294967295", "x"]),
        ("crawl", "--max-pages", &["0", "-1", "18446744073709551615"]),
        ("crawl", "--max-body", &["0", "-1", "18446744073709551615", "5GB"]),
        ("images", "--workers", &["0", "-1", "1025", "4294967295"]),
        ("images", "--quality", &["0", "-1", "101", "256", "high", ""]),
        ("images", "--max-size", &["0", "-1", "18446744073709551615"]),
        ("images", "--memory", &["0", "-1", "1KB", "18446744073709551615"]),
        ("images", "--max-pixels", &["0", "-1", "18446744073709551615"]),
        ("images", "--resize", &["0x0", "-1x5", "4294967295x1"]),
    ] {
        for value in values {
            Ran::of(directory.program(program, ["http://a/", option, value]).output().unwrap())
                .ended(2)
                .says(&[option, &format!("\"{value}\""), "expected"]);
        }
    }
    let quality =
        directory.program("images", ["in", "--out", "o", "--quality", "101"]).output().unwrap();
    Ran::of(quality).ended(2).says(&["\"101\" is not a quality: expected 1 or more, at most 100"]);
    for args in ["in --in-place --overwrite all", "- - --out o"] {
        Ran::of(directory.program("images", args.split(' ')).output().unwrap()).ended(2);
    }
}

#[test]
fn the_longest_times_and_the_largest_numbers_that_are_taken_work() {
    let directory = Directory::with_app_log(10);
    directory
        .logs("app.log --deadline 36500d --grace 36500d --flush 36500d --batch 1000000 --max-line 1GiB --workers 1..=1024")
        .ended(0);
    directory.fed("- --flush 36500d --batch 1000000", b"INFO 2024-01-15T10:00:00Z one\n").ended(0);
    let largest = "http://127.0.0.1:1/ --allow-private --delay 36500d --timeout 36500d --workers 65536 --per-host 10000 \
                   --attempts 1 --max-body 4GB --depth 1000000 --max-pages 9223372036854775807 --deadline 36500d \
                   --ignore-robots --to out.db";
    Ran::of(directory.program("crawl", largest.split_ascii_whitespace()).output().unwrap())
        .ended(1);
}

#[test]
fn an_output_that_cannot_be_made_is_named() {
    let directory = Directory::with_app_log(10);
    for (args, parts) in [
        ("app.log --to no/out.db", &["no/out.db", "its directory must exist"][..]),
        ("app.log --to no/out.jsonl", &["no/out.jsonl", "its directory must exist"]),
        ("app.log --dead-letter no/dead", &["'no/dead'", "dead letters"]),
        ("app.log --to postgres://nobody@127.0.0.1:1/none", &["127.0.0.1"]),
    ] {
        directory.logs(args).ended(3).says(parts);
    }
    directory.write(
        "text.db",
        "this is no database, it is text that is long enough to be taken for one, if one looks",
    );
    directory.logs("app.log --to text.db").ended(3).says(&["text.db", "not an SQLite database"]);
}

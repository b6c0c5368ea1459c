//! Wrong usage: exit code 2, with the flag, what was expected, and what to do.

use crate::support::Folder;

#[test]
fn a_wrong_value_names_its_flag_and_what_was_expected() {
    let folder = Folder::with_app_log(10);
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
        let ran = folder.run(&args).ended(2).says(parts);
        assert_eq!(ran.out, "", "{args:?}");
    }
}

#[test]
fn an_output_that_cannot_be_made_is_named() {
    let folder = Folder::with_app_log(10);
    for (args, parts) in [
        ("app.log --to no/out.db", &["no/out.db", "its folder must exist"][..]),
        ("app.log --to no/out.jsonl", &["no/out.jsonl", "its folder must exist"]),
        ("app.log --dead-letter no/dead", &["'no/dead'", "dead letters"]),
        ("app.log --to postgres://nobody@127.0.0.1:1/none", &["127.0.0.1"]),
    ] {
        folder.logs(args).ended(3).says(parts);
    }
    folder.write(
        "text.db",
        "this is no database, it is text that is long enough to be taken for one, if one looks",
    );
    folder.logs("app.log --to text.db").ended(3).says(&["text.db", "not an SQLite database"]);
}

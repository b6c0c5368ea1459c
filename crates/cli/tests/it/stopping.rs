//! Deadlines and signals: what was read is stored, and the exit code says how it ended.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use rustix::process::Signal;

use crate::support::{Directory, Ran, app_log, signal};

#[test]
fn a_deadline_ends_the_run_with_four() {
    let directory = Directory::new();
    let mut child = directory.command("- --deadline 50ms --report r.json --to out.db".split(' '));
    let mut child = child.stdin(Stdio::piped()).spawn().unwrap();
    // Standard input stays open, so only the deadline can end it.
    let stdin = child.stdin.take().unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap()).ended(4).says(&["deadline"]);
    drop(stdin);
    assert_eq!(ran.out, "");
    let report = directory.report("r.json");
    assert_eq!((&report["status"], &report["balances"]), (&"deadline".into(), &true.into()));
}

#[test]
fn a_first_interrupt_stores_what_was_read_and_gives_130() {
    let directory = Directory::new();
    let mut child = directory.command("- --to out.db --report r.json".split(' '));
    let mut child = child.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = app_log(20_000);
    // Once this returns, everything but what a pipe holds was taken by the program.
    stdin.write_all(text.as_bytes()).unwrap();
    signal(&child, Signal::INT);
    let ran =
        Ran::of(child.wait_with_output().unwrap()).ended(130).says(&["interrupted", "Ctrl-C"]);
    drop(stdin);
    let report = directory.report("r.json");
    let stored = directory.count("out.db", "SELECT count(*) FROM records");
    let totals = &report["totals"];
    assert_eq!((&totals["in"], &totals["out"]), (&stored.into(), &stored.into()), "{ran:?}");
    let in_the_pipe = (1 << 20) / 40;
    assert!(stored > 20_000_u64.saturating_sub(in_the_pipe), "{stored}");
    // What is stored is the beginning of the input, without a gap.
    let last = directory.count("out.db", "SELECT max(offset) FROM records") as usize;
    assert_eq!(text[..last].lines().count() as u64 + 1, stored);
}

#[test]
fn a_second_interrupt_leaves_at_once() {
    let directory = Directory::with_app_log(100_000);
    let mut child = directory.command("app.log --grace 1h".split(' ')).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    // It writes, and as nobody reads on, it cannot finish.
    stdout.read_exact(&mut [0]).unwrap();
    signal(&child, Signal::INT);
    let mut line = String::new();
    while !line.contains("Ctrl-C") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended without a word");
    }
    signal(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[cfg(target_os = "linux")]
#[test]
fn a_followed_file_goes_on_after_an_interrupt_where_it_ended() {
    let directory = Directory::with_app_log(100);
    let follow = |wanted: i64| {
        let mut child = directory
            .command("app.log --follow --to out.db --deadline 60s".split(' '))
            .spawn()
            .unwrap();
        let count = || -> rusqlite::Result<i64> {
            let db = rusqlite::Connection::open(directory.path("out.db"))?;
            db.query_one("SELECT count(*) FROM records", [], |row| row.get(0))
        };
        while count().unwrap_or(0) < wanted {
            assert_eq!(child.try_wait().unwrap(), None);
            std::thread::yield_now();
        }
        signal(&child, Signal::INT);
        Ran::of(child.wait_with_output().unwrap()).ended(130);
        assert_eq!(count().unwrap(), wanted);
    };
    // The last record waits for what might belong to it until the hold time has passed, and is
    // stored then.
    follow(100);
    directory.write("app.log", app_log(150));
    follow(150);
    assert_eq!(directory.count("out.db", "SELECT count(DISTINCT offset) FROM records"), 150);
}

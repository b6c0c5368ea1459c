//! Files that grow: rotation, truncation, names that come and go.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use millstream::{Clock, Context, Filled, Source};
use millstream_connect::files::{FileError, Follow, Notice, Piece, Recognize, lines};
use tempfile::{TempDir, tempdir};

use crate::files::indented;
use crate::support::{Reader, append, in_parallel};

fn log() -> (TempDir, PathBuf) {
    let dir = tempdir().unwrap();
    let path = dir.path().join("app.log");
    (dir, path)
}

#[test]
fn lines_come_as_they_are_written_and_never_before_their_line_end() {
    let (_dir, path) = log();
    append(&path, "one\ntw");
    let mut reader = Reader::new([&path]);
    reader.expect("one\n");
    append(&path, "o\nthree\n");
    reader.expect("one\ntwo\nthree\n");
    append(&path, "fo");
    append(&path, "ur");
    append(&path, "\n");
    reader.expect("one\ntwo\nthree\nfour\n");
}

#[test]
fn a_block_holds_what_there_is_when_there_is_little() {
    let (_dir, path) = log();
    append(&path, "one\n");
    let mut reader = Reader::new([&path]);
    reader.expect("one\n");
    append(&path, "two\n");
    reader.expect("one\ntwo\n");
    assert_eq!(reader.blocks.iter().map(|b| b.range()).collect::<Vec<_>>(), [0..4, 4..8]);
    assert_eq!(reader.blocks.iter().map(|b| b.seq()).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_renamed_file_is_read_to_its_end_also_after_its_successor_is_there() {
    let (dir, path) = log();
    let mut old = append(&path, "one\n");
    let mut reader = Reader::new([&path]);
    reader.expect("one\n");
    fs::rename(&path, dir.path().join("app.log.1")).unwrap();
    old.write_all(b"two\n").unwrap();
    reader.expect("one\ntwo\n");
    append(&path, "new one\n");
    reader.expect("one\ntwo\nnew one\n");
    old.write_all(b"three\nno line end").unwrap();
    reader.expect("one\ntwo\nnew one\nthree\n");
    // The old file is closed once it has been quiet, and then its last line needs no line end.
    reader.advance(Duration::from_secs(60));
    reader.expect("one\ntwo\nnew one\nthree\nno line end");
    assert!(
        reader.reported().iter().any(|n| n.contains("read to its end at byte 25")),
        "{:?}",
        reader.reported()
    );
}

#[test]
fn what_the_old_file_had_comes_before_what_the_new_one_has() {
    let (dir, path) = log();
    append(&path, "one\n");
    let mut reader = Reader::new([&path]);
    reader.expect("one\n");
    append(&path, "two\n");
    fs::rename(&path, dir.path().join("app.log.1")).unwrap();
    append(&path, "three\n");
    reader.expect("one\ntwo\nthree\n");
}

#[test]
fn files_that_were_renamed_before_they_could_be_opened_are_found() {
    let (dir, path) = log();
    append(&path, "first\n");
    let mut reader = Reader::new([&path]);
    reader.expect("first\n");
    for n in 0..5 {
        for i in (1..=n).rev() {
            let (from, to) = (format!("app.log.{i}"), format!("app.log.{}", i + 1));
            fs::rename(dir.path().join(from), dir.path().join(to)).unwrap();
        }
        fs::rename(&path, dir.path().join("app.log.1")).unwrap();
        append(&path, &format!("{n}\n"));
    }
    reader.expect_lines(&["first", "0", "1", "2", "3", "4"]);
}

#[test]
fn a_closed_file_is_not_read_again_when_its_name_comes_up() {
    let (dir, path) = log();
    append(&path, "one\n");
    let mut reader = Reader::new([&path]);
    reader.expect("one\n");
    let renamed = dir.path().join("app.log.1");
    fs::rename(&path, &renamed).unwrap();
    append(&path, "two\n");
    reader.expect("one\ntwo\n");
    reader.advance(Duration::from_secs(60));
    reader.until(|r| r.reported().iter().any(|n| n.contains("was replaced")));
    fs::rename(&renamed, dir.path().join("app.log.2")).unwrap();
    fs::rename(&path, &renamed).unwrap();
    append(&path, "three\n");
    reader.expect("one\ntwo\nthree\n");
    append(&dir.path().join("app.log.2"), "late\n");
    fs::rename(dir.path().join("app.log.2"), dir.path().join("app.log.3")).unwrap();
    reader.expect("one\ntwo\nthree\nlate\n");
}

#[test]
fn a_truncated_file_is_read_from_its_first_byte() {
    let (_dir, path) = log();
    append(&path, "one\ntwo\nhalf a li");
    let mut reader = Reader::new([&path]);
    reader.expect("one\ntwo\n");
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    reader.expect("one\ntwo\nhalf a li");
    append(&path, "three\n");
    reader.expect("one\ntwo\nhalf a lithree\n");
    let last = reader.blocks.back().unwrap();
    assert_eq!((last.offset(), last.seq()), (0, 0));
    assert!(reader.reported().iter().any(|n| n.contains("was truncated after byte 17")));
}

#[test]
fn a_file_that_was_truncated_and_is_longer_again_is_noticed_by_its_head() {
    let (_dir, path) = log();
    append(&path, "1 one\n");
    let mut reader = Reader::new([&path]);
    reader.expect("1 one\n");
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    append(&path, "2 two\n3 three\n");
    reader.expect("1 one\n2 two\n3 three\n");
}

#[test]
fn a_deleted_file_is_read_to_its_end_and_closed() {
    let (_dir, path) = log();
    let mut file = append(&path, "one\n");
    let mut reader = Reader::new([&path]);
    reader.expect("one\n");
    fs::remove_file(&path).unwrap();
    file.write_all(b"two\nrest").unwrap();
    reader.expect("one\ntwo\n");
    reader.advance(Duration::from_secs(60));
    reader.expect("one\ntwo\nrest");
    append(&path, "again\n");
    reader.expect("one\ntwo\nrestagain\n");
}

#[test]
fn names_that_stand_for_nothing_yet_are_waited_for() {
    let (dir, path) = log();
    let deep = dir.path().join("later/deeper/app.log");
    let pattern = dir.path().join("pods/*/logs/*.log");
    let mut reader = Reader::new([&path, &deep, &pattern]);
    append(&path, "file\n");
    reader.expect("file\n");
    assert_eq!(reader.reported().iter().filter(|n| n.contains("waiting for it")).count(), 2);
    fs::create_dir_all(deep.parent().unwrap()).unwrap();
    append(&deep, "directory\n");
    reader.expect("file\ndirectory\n");
    fs::create_dir_all(dir.path().join("pods/a/logs")).unwrap();
    append(&dir.path().join("pods/a/logs/0.log"), "a\n");
    reader.expect("file\ndirectory\na\n");
    fs::create_dir_all(dir.path().join("pods/b/logs")).unwrap();
    append(&dir.path().join("pods/b/logs/0.log"), "b\n");
    append(&dir.path().join("pods/b/logs/0.txt"), "not this\n");
    append(&dir.path().join("pods/a/logs/1.log"), "c\n");
    reader.expect_lines(&["file", "directory", "a", "b", "c"]);
}

#[test]
fn a_link_that_leads_elsewhere_is_a_rotation() {
    let (dir, path) = log();
    fs::create_dir(dir.path().join("pods")).unwrap();
    let targets = ["pods/0.log", "pods/1.log"].map(|t| dir.path().join(t));
    append(&targets[0], "zero\n");
    std::os::unix::fs::symlink(&targets[0], &path).unwrap();
    let mut reader = Reader::new([&path]);
    reader.expect("zero\n");
    // The target is rotated where it is, and the link stays.
    fs::rename(&targets[0], dir.path().join("pods/0.log.old")).unwrap();
    append(&targets[0], "zero again\n");
    reader.expect("zero\nzero again\n");
    // The link is replaced, as a whole.
    append(&targets[1], "one\n");
    let next = dir.path().join("next");
    std::os::unix::fs::symlink(&targets[1], &next).unwrap();
    fs::rename(&next, &path).unwrap();
    reader.expect("zero\nzero again\none\n");
}

#[test]
fn one_file_under_two_names_is_read_once() {
    let (dir, path) = log();
    append(&path, "one\n");
    fs::hard_link(&path, dir.path().join("same.log")).unwrap();
    let mut reader = Reader::new([&dir.path().join("*.log"), &path]);
    reader.expect("one\n");
    append(&path, "two\n");
    reader.expect("one\ntwo\n");
}

#[test]
fn held_lines_leave_after_the_hold_time_and_what_follows_says_that_it_goes_on() {
    let (_dir, path) = log();
    append(&path, "a\n 1\nb\n");
    let mut reader = Reader::with([&path], indented());
    reader.expect("a\n 1\n");
    reader.advance(Duration::from_secs(1));
    reader.expect("a\n 1\nb\n");
    append(&path, " 2\nc\n");
    reader.expect("a\n 1\nb\n 2\n");
    assert_eq!(
        reader.blocks.iter().map(|b| b.continues()).collect::<Vec<_>>(),
        [false, false, true]
    );
}

#[test]
fn what_cannot_be_followed_is_reported_and_the_others_are_followed() {
    let (dir, path) = log();
    append(&path, "one\n");
    fs::write(dir.path().join("old.log"), b"\x1f\x8b\x08 and so on").unwrap();
    fs::write(dir.path().join("binary.log"), b"\0\0\n").unwrap();
    let recognize: Recognize<()> = Box::new(|sample| match sample.bytes.contains(&0) {
        true => Err("it is binary".into()),
        false => (lines())(sample),
    });
    let mut reader = Reader::with([&dir.path().join("*.log")], recognize);
    reader.expect("one\n");
    append(&dir.path().join("binary.log"), "more\n");
    append(&path, "two\n");
    reader.expect("one\ntwo\n");
    let reported = reader.reported().join("\n");
    assert!(reported.contains("binary.log': it is binary"), "{reported}");
    assert!(reported.contains("old.log': it is gzip data"), "{reported}");
}

#[test]
fn without_a_listener_the_first_failure_ends_the_source() {
    let (_dir, path) = log();
    append(&path, "one\n");
    let mut follow: Follow<()> = Follow::new([&path], Box::new(|_| Err("no".into()))).unwrap();
    let error = follow.fill(&Context::new(), &mut Default::default(), 1).unwrap_err();
    assert!(matches!(error, FileError::Refused { .. }));
}

#[test]
fn what_can_never_be_followed_is_refused_at_once() {
    let dir = tempdir().unwrap();
    for (name, says) in [
        (Path::new("-"), "cannot be followed"),
        (dir.path(), "is a directory"),
        (Path::new("a***"), "pattern"),
    ] {
        let error = Follow::new([name], lines()).expect_err("refused");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_cancelled_context_ends_the_wait() {
    let (_dir, path) = log();
    let clock = Clock::manual();
    let ctx = Context::with_clock(clock.clone()).with_timeout(Duration::from_secs(3600));
    let mut follow = Follow::new([&path], lines()).unwrap();
    let mut out = Default::default();
    let filled = in_parallel(
        || {
            ctx.cancel("enough");
        },
        || follow.fill(&ctx, &mut out, 1).unwrap(),
    );
    assert_eq!((filled, out.len()), (Filled::More, 0));
}

#[test]
fn every_line_comes_once_while_a_writer_rotates_under_the_reader() {
    const LINES: usize = 40_000;
    let (dir, path) = log();
    let mut reader = Reader::new([&path]);
    // Once a line came the directory is watched; what is renamed before that has no name that leads
    // to it.
    let mut file = append(&path, "0\n");
    reader.expect("0\n");
    let write = || {
        for i in 1..LINES {
            writeln!(file, "{i}").unwrap();
            if i % 1_000 == 999 {
                // The writer goes on in the renamed file for a while, as a program does until it is
                // reported.
                fs::rename(&path, dir.path().join(format!("app.log.{i}"))).unwrap();
                if i % 2_000 == 999 {
                    writeln!(file, "late {i}").unwrap();
                }
                file = append(&path, "");
            }
        }
    };
    let late = LINES / 2_000;
    in_parallel(write, || reader.until(|r| r.line_count() == LINES + late));
    let mut got: Vec<String> = reader.lines();
    let mut want: Vec<String> = (0..LINES).map(|i| i.to_string()).collect();
    want.extend((0..LINES).filter(|i| i % 2_000 == 999).map(|i| format!("late {i}")));
    got.sort_unstable();
    want.sort_unstable();
    assert!(got == want, "a line is missing or came twice");
    assert!(reader.reported().iter().all(|n| !n.contains("truncated")));
}

#[test]
fn a_writer_that_does_not_append_leaves_a_hole_that_is_no_line() {
    let (_dir, path) = log();
    let mut file = File::create(&path).unwrap();
    writeln!(file, "{}", "x".repeat(300_000)).unwrap();
    let mut reader = Reader::new([&path]);
    reader.until(|r| r.byte_count() == 300_001);
    reader.blocks.clear();
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    writeln!(file, "two").unwrap();
    reader.expect("two\n");
    assert_eq!(reader.blocks[0].offset(), 300_001);
    let positions = reader.positions();
    drop(reader);
    writeln!(file, "three").unwrap();
    let mut reader = Reader::resumed([&path], positions);
    reader.expect("three\n");
}

#[test]
fn lost_notifications_are_made_up_for() {
    // More than the system keeps (16,384 where it was not changed); none may be equal to the one
    // before it.
    const EACH: usize = 12_000;
    let (dir, path) = log();
    let paths = [path.clone(), dir.path().join("other.log")];
    let mut files = paths.each_ref().map(|p| append(p, "first\n"));
    let mut reader = Reader::new([&paths[0], &paths[1]]);
    reader.expect("first\nfirst\n");
    for _ in 0..EACH {
        for file in &mut files {
            file.write_all(b"x\n").unwrap();
        }
    }
    fs::rename(&path, dir.path().join("app.log.1")).unwrap();
    append(&path, "successor\n");
    reader.until(|r| r.line_count() == 2 * EACH + 3);
}

#[test]
fn a_backlog_comes_in_bites_and_from_all_files_in_turn() {
    let (dir, path) = log();
    let line = format!("{}\n", "x".repeat(99));
    fs::write(&path, line.repeat(40_000)).unwrap();
    fs::write(dir.path().join("b.log"), line.repeat(40_000)).unwrap();
    let mut follow = Follow::new([dir.path().join("*.log")], lines()).unwrap();
    let (ctx, mut out) = (Context::new(), Default::default());
    let mut total = 0;
    let mut files = Vec::new();
    while total < 8_000_000 {
        follow.fill(&ctx, &mut out, 1_000).unwrap();
        let bite: usize = out.iter().map(|b| b.bytes().len()).sum();
        assert!(bite <= 2 * 256 * 1024, "{bite} bytes at once");
        total += bite;
        files.extend(out.drain(..).map(|b| b.file().index()));
    }
    files.dedup();
    assert!(files.len() > 20, "one file was read to its end before the other: {files:?}");
}

#[test]
fn a_line_that_is_too_long_comes_in_pieces_while_it_is_written() {
    let (_dir, path) = log();
    let mut reader = Reader::new([&path]);
    append(&path, "before\n");
    reader.expect("before\n");
    let piece = "x".repeat(300_000);
    for _ in 0..5 {
        append(&path, &piece);
    }
    reader.until(|r| r.byte_count() > 1_200_000);
    append(&path, "\nafter\n");
    reader.until(|r| r.byte_count() == 7 + 1_500_001 + 6);
    let pieces: Vec<_> = reader.blocks.iter().map(|b| b.piece()).collect();
    assert_eq!((pieces[0], pieces[1]), (Piece::Whole, Piece::First));
    assert_eq!(pieces[pieces.len() - 2..], [Piece::Last, Piece::Whole]);
}

#[test]
fn notices_are_sentences_with_the_name() {
    let (_dir, path) = log();
    let name = path.to_string_lossy().into_owned();
    assert!(Notice::Waiting { name: name.clone() }.to_string().contains(&name));
}

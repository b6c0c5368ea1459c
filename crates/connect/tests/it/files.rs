//! Plain files, lists of them, and what is refused.

use std::fs;
use std::path::Path;

use millstream_connect::files::{
    Accepted, Blocks, Certainty, Cut, FileError, Files, Input, Inputs, Lines, Piece, Recognize,
    lines,
};
use tempfile::tempdir;

use crate::support::{drain, joined, read_lines};

fn refused(names: &[&Path]) -> String {
    Inputs::expand(names).expect_err("it is not usable").to_string()
}

#[test]
fn a_list_keeps_the_order_in_which_it_was_named_and_sorts_what_a_pattern_matches() {
    let dir = tempdir().unwrap();
    for name in ["b.log", "a.log", "c.txt"] {
        fs::write(dir.path().join(name), name).unwrap();
    }
    fs::create_dir(dir.path().join("directory.log")).unwrap();
    let names = [dir.path().join("c.txt"), dir.path().join("*.log"), dir.path().join("a.log")];
    let inputs = Inputs::expand(&names).unwrap();
    let got: Vec<_> = inputs
        .iter()
        .map(|i| match i {
            Input::Path(p) => p.file_name().unwrap().to_str().unwrap().to_owned(),
            Input::Stdin => "-".into(),
        })
        .collect();
    assert_eq!(got, ["c.txt", "a.log", "b.log"]);
    assert_eq!(inputs.bytes(), 15);
}

#[test]
fn a_file_whose_name_looks_like_a_pattern_is_that_file() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("app[1].log"), "x").unwrap();
    fs::write(dir.path().join("app1.log"), "y").unwrap();
    let inputs = Inputs::expand([dir.path().join("app[1].log")]).unwrap();
    assert_eq!(inputs.iter().next(), Some(&Input::Path(dir.path().join("app[1].log"))));
}

#[test]
fn every_error_names_what_was_named() {
    let dir = tempdir().unwrap();
    let (no_match, missing) = (dir.path().join("*.nothing"), dir.path().join("missing.log"));
    assert!(refused(&[&no_match]).contains("*.nothing"));
    assert!(refused(&[&missing]).contains("missing.log' does not exist"));
    assert!(refused(&[dir.path()]).contains("is a directory"));
    assert!(refused(&[Path::new("a***")]).contains("'a***' is not a valid pattern"));
    assert!(refused(&[Path::new("-"), Path::new("-")]).contains("twice"));
}

#[test]
fn a_file_that_goes_away_between_the_check_and_the_read_is_named() {
    let dir = tempdir().unwrap();
    let (gone, kept) = (dir.path().join("gone.log"), dir.path().join("kept.log"));
    fs::write(&gone, "x\n").unwrap();
    fs::write(&kept, "y\n").unwrap();
    let inputs = Inputs::expand([&gone, &kept]).unwrap();
    fs::remove_file(&gone).unwrap();
    let (blocks, error) = drain(&mut Blocks::new(&inputs, lines()));
    assert!(blocks.is_empty());
    assert!(matches!(error, Some(FileError::NotFound { path }) if path == gone));

    let (sender, errors) = std::sync::mpsc::channel();
    let mut source =
        Blocks::new(&inputs, lines()).on_error(move |e| sender.send(e.kind()).unwrap());
    let (blocks, error) = drain(&mut source);
    assert!(error.is_none());
    assert_eq!(joined(&blocks), b"y\n", "the next file is read all the same");
    assert_eq!(errors.try_iter().collect::<Vec<_>>(), ["not found"]);
}

#[test]
fn an_empty_file_has_no_block_and_is_not_shown_to_the_program() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("empty.log");
    fs::write(&path, "").unwrap();
    let inputs = Inputs::expand([&path]).unwrap();
    let asked: Recognize<()> = Box::new(|_| Err("must not be asked".into()));
    let (blocks, error) = drain(&mut Blocks::new(&inputs, asked));
    assert!(blocks.is_empty() && error.is_none());
}

#[test]
fn the_last_line_needs_no_line_end_and_the_last_block_says_so() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("app.log");
    fs::write(&path, "one\r\ntwo\nthree").unwrap();
    let (blocks, error) = read_lines(&path, 8);
    assert!(error.is_none());
    assert_eq!(
        blocks.iter().map(|b| b.bytes()).collect::<Vec<_>>(),
        [&b"one\r\n"[..], b"two\n", b"three"]
    );
    assert_eq!(blocks.iter().map(|b| b.offset()).collect::<Vec<_>>(), [0, 5, 9]);
    assert_eq!(blocks.iter().map(|b| b.seq()).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(blocks.iter().map(|b| b.is_last()).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn each_file_gets_its_own_cut_and_data_and_may_be_refused() {
    let dir = tempdir().unwrap();
    let names = ["a.log", "b.bin", "c.log"].map(|n| dir.path().join(n));
    for (path, text) in names.iter().zip(["aa\n", "\0\0\n", "cc\n"]) {
        fs::write(path, text).unwrap();
    }
    let recognize: Recognize<usize> = Box::new(|sample| match sample.bytes.contains(&0) {
        true => Err("it is binary".into()),
        false => Ok(Accepted {
            cut: Box::new(Lines),
            data: sample.bytes.len(),
            certainty: Certainty::Final,
        }),
    });
    let files = Files::new();
    let (sender, errors) = std::sync::mpsc::channel();
    let mut source = Blocks::new(&Inputs::expand(&names).unwrap(), recognize)
        .names(&files)
        .on_error(move |e| sender.send(e.to_string()).unwrap());
    let (blocks, error) = drain(&mut source);
    assert!(error.is_none());
    assert_eq!(blocks.len(), 2);
    assert_eq!(*blocks[0].data().as_ref(), 3);
    assert_eq!(files.path(blocks[1].file()).file_name().unwrap(), "c.log");
    let reported: Vec<_> = errors.try_iter().collect();
    assert!(reported.len() == 1 && reported[0].ends_with("b.bin': it is binary"), "{reported:?}");
    assert_eq!(source.progress().load(std::sync::atomic::Ordering::Relaxed), 9);
}

/// A record begins with a line that does not begin with a space.
struct Indented;

impl Cut for Indented {
    fn cut(&mut self, lines: &[u8]) -> usize {
        let starts = lines.split_inclusive(|b| *b == b'\n').scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some((start, line[0] != b' '))
        });
        starts.filter(|(_, begins)| *begins).last().map_or(0, |(start, _)| start)
    }
}

pub(crate) fn indented() -> Recognize<()> {
    Box::new(|_| Ok(Accepted { cut: Box::new(Indented), data: (), certainty: Certainty::Final }))
}

#[test]
fn a_record_of_several_lines_is_not_split_between_blocks() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("trace.log");
    fs::write(&path, "a\n 1\n 2\nb\n 3\nc\n").unwrap();
    let inputs = Inputs::expand([&path]).unwrap();
    let (blocks, _) = drain(&mut Blocks::new(&inputs, indented()).block_size(10));
    let got: Vec<_> = blocks.iter().map(|b| std::str::from_utf8(b.bytes()).unwrap()).collect();
    assert_eq!(got, ["a\n 1\n 2\n", "b\n 3\nc\n"]);
    assert!(blocks.iter().all(|b| !b.continues()));
}

#[test]
fn a_record_of_too_many_lines_is_split_at_a_line_end_and_the_next_block_says_so() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("trace.log");
    let text = format!("a\n{}b\n{}", " at line\n".repeat(20), "c\n".repeat(40));
    fs::write(&path, &text).unwrap();
    let inputs = Inputs::expand([&path]).unwrap();
    let (blocks, _) = drain(&mut Blocks::new(&inputs, indented()).block_size(16).max_record(50));
    assert_eq!(joined(&blocks), text.as_bytes());
    assert!(blocks.iter().all(|b| b.bytes().ends_with(b"\n") && b.piece() == Piece::Whole));
    assert!(!blocks[0].continues() && blocks[1].continues());
    assert!(!blocks.last().unwrap().continues());
}

#[test]
fn a_line_that_is_too_long_comes_in_pieces_and_the_lines_around_it_are_whole() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("long.log");
    let text = format!("before\n{}\nafter\n", "x".repeat(1_000));
    fs::write(&path, &text).unwrap();
    let inputs = Inputs::expand([&path]).unwrap();
    let (blocks, _) = drain(&mut Blocks::new(&inputs, lines()).block_size(32).max_record(100));
    assert_eq!(joined(&blocks), text.as_bytes());
    assert!(blocks.iter().all(|b| b.bytes().len() <= 200), "memory is bounded");
    let whole: Vec<_> =
        blocks.iter().filter(|b| b.piece() == Piece::Whole).map(|b| b.bytes()).collect();
    assert_eq!(whole, [&b"before\n"[..], b"after\n"]);
    let pieces: Vec<_> = blocks.iter().map(|b| b.piece()).filter(|p| *p != Piece::Whole).collect();
    assert_eq!(pieces.first(), Some(&Piece::First));
    assert_eq!(pieces.last(), Some(&Piece::Last));
    assert!(pieces[1..pieces.len() - 1].iter().all(|p| *p == Piece::Middle));
}

#[test]
fn a_line_up_to_the_limit_is_whole_however_small_the_blocks_are() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("long.log");
    let text = format!("{}\nafter\n", "x".repeat(99));
    fs::write(&path, &text).unwrap();
    let inputs = Inputs::expand([&path]).unwrap();
    let (blocks, _) = drain(&mut Blocks::new(&inputs, lines()).block_size(7).max_record(100));
    assert!(blocks.iter().all(|b| b.piece() == Piece::Whole));
    assert_eq!(blocks[0].bytes()[..100], text.as_bytes()[..100]);
}

//! Pipes, which standard input is one of: what arrives is handed on as it arrives.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use millstream::{Clock, Context, Filled, Source};
use millstream_connect::files::{Block, Blocks, Inputs, Recognize, lines};
use tempfile::{TempDir, tempdir};

use crate::files::indented;
use crate::support::{drain, in_parallel, joined};

/// A named pipe with a writer, so that writing to it does not wait for a reader.
struct Pipe {
    _dir: TempDir,
    path: PathBuf,
    writer: File,
    blocks: Blocks<()>,
    out: VecDeque<Block<()>>,
    clock: Clock,
    ctx: Context,
}

impl Pipe {
    fn new(recognize: Recognize<()>) -> Self {
        let dir = tempdir().unwrap();
        let path = dir.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let writer = File::options().read(true).write(true).open(&path).unwrap();
        let blocks = Blocks::new(&Inputs::expand([&path]).unwrap(), recognize);
        let clock = Clock::manual();
        let ctx = Context::with_clock(clock.clone());
        Self { _dir: dir, path, writer, blocks, out: VecDeque::new(), clock, ctx }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).unwrap();
    }

    /// The next block.
    fn read(&mut self) -> String {
        while self.out.is_empty() {
            assert_eq!(self.blocks.fill(&self.ctx, &mut self.out, 1).unwrap(), Filled::More);
        }
        String::from_utf8(self.out.pop_front().unwrap().bytes().to_vec()).unwrap()
    }
}

#[test]
fn lines_leave_as_they_arrive_and_a_half_line_waits() {
    let mut pipe = Pipe::new(lines());
    pipe.write(b"one\ntw");
    assert_eq!(pipe.read(), "one\n");
    pipe.write(b"o\n");
    assert_eq!(pipe.read(), "two\n");
    pipe.write(b"no line end");
    pipe.writer = File::open("/dev/null").unwrap();
    assert_eq!(pipe.read(), "no line end");
    assert_eq!(pipe.blocks.fill(&pipe.ctx, &mut pipe.out, 1).unwrap(), Filled::End);
    assert!(pipe.path.exists());
}

#[test]
fn a_pipe_nobody_writes_to_yet_is_waited_for_and_the_wait_ends_with_the_context() {
    let mut pipe = Pipe::new(lines());
    // Nobody has it open now, and nobody will.
    pipe.writer = File::open("/dev/null").unwrap();
    let ctx = pipe.ctx.clone();
    let cancel = || {
        ctx.cancel("enough");
    };
    let filled = in_parallel(cancel, || pipe.blocks.fill(&pipe.ctx, &mut pipe.out, 1).unwrap());
    assert_eq!((filled, pipe.out.len()), (Filled::More, 0));
}

#[test]
fn held_lines_leave_after_the_hold_time() {
    let mut pipe = Pipe::new(indented());
    pipe.write(b"a\n 1\nb\n 2\n");
    assert_eq!(pipe.read(), "a\n 1\n");
    let clock = pipe.clock.clone();
    let advance = || {
        clock.wait_for_sleepers(1);
        clock.advance(Duration::from_secs(1));
    };
    assert_eq!(in_parallel(advance, || pipe.read()), "b\n 2\n");
    pipe.write(b" 3\nc\n");
    assert_eq!(pipe.read(), " 3\n");
}

#[test]
fn held_lines_leave_when_the_wait_for_what_follows_them_is_cancelled() {
    let mut pipe = Pipe::new(indented());
    pipe.write(b"a\n 1\nb\n 2\n");
    assert_eq!(pipe.read(), "a\n 1\n");
    let (clock, ctx) = (pipe.clock.clone(), pipe.ctx.clone());
    let cancel = || {
        clock.wait_for_sleepers(1);
        ctx.cancel("enough");
    };
    assert_eq!(in_parallel(cancel, || pipe.read()), "b\n 2\n");
}

#[test]
fn compressed_data_leaves_as_it_arrives_too_wherever_it_is_broken() {
    let mut pipe = Pipe::new(lines());
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"one\n").unwrap();
    encoder.flush().unwrap();
    let first = std::mem::take(encoder.get_mut());
    encoder.write_all(b"two\n").unwrap();
    let second = encoder.finish().unwrap();
    for byte in first {
        pipe.write(&[byte]);
    }
    assert_eq!(pipe.read(), "one\n");
    pipe.write(&second);
    assert_eq!(pipe.read(), "two\n");
}

#[test]
fn a_pipe_takes_its_turn_among_files() {
    let mut pipe = Pipe::new(lines());
    let file = pipe.path.with_file_name("app.log");
    std::fs::write(&file, "file\n").unwrap();
    pipe.write(b"pipe\n");
    let inputs = Inputs::expand([&pipe.path, &file]).unwrap();
    let mut blocks = Blocks::new(&inputs, lines());
    let mut out = VecDeque::new();
    while out.is_empty() {
        blocks.fill(&pipe.ctx, &mut out, 1).unwrap();
    }
    pipe.writer = File::open("/dev/null").unwrap();
    let (rest, error) = drain(&mut blocks);
    assert!(error.is_none());
    assert_eq!((out[0].bytes(), joined(&rest)), (&b"pipe\n"[..], b"file\n".to_vec()));
}

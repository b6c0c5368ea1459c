//! What the tests of several connectors need.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use millstream::{Clock, Context, Filled, Source};
use millstream_connect::files::{
    Block, Blocks, FileError, Files, Follow, Inputs, Notice, Position, Recognize, lines,
};

/// Everything a source has, and the error that ended it, if one did.
pub(crate) fn drain<S: Source>(source: &mut S) -> (Vec<S::Item>, Option<S::Error>) {
    let ctx = Context::default();
    let mut out = VecDeque::new();
    let end = loop {
        match source.fill(&ctx, &mut out, 1) {
            Ok(Filled::More) => {}
            Ok(Filled::End) => break None,
            Err(e) => break Some(e),
        }
    };
    (out.into(), end)
}

/// The blocks of one file of lines.
pub(crate) fn read_lines(
    path: &std::path::Path,
    block: usize,
) -> (Vec<Block<()>>, Option<FileError>) {
    let inputs = Inputs::expand([path]).expect("the file is usable");
    drain(&mut Blocks::new(&inputs, lines()).block_size(block))
}

pub(crate) fn joined<F>(blocks: &[Block<F>]) -> Vec<u8> {
    blocks.iter().flat_map(|b| b.bytes().to_vec()).collect()
}

/// Opens `path` for appending, makes it if there is none, and appends `text` in one write.
pub(crate) fn append(path: &Path, text: &str) -> File {
    let mut file =
        File::options().append(true).create(true).open(path).expect("the directory exists");
    if !text.is_empty() {
        file.write_all(text.as_bytes()).expect("there is room");
    }
    file
}

/// Runs `beside` on another thread while this one runs `here`.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's second thread, joined here, needs no context"
)]
pub(crate) fn in_parallel<R>(beside: impl FnOnce() + Send, here: impl FnOnce() -> R) -> R {
    std::thread::scope(|s| {
        s.spawn(beside);
        here()
    })
}

/// A followed list of names on virtual time, and what came of it.
pub(crate) struct Reader {
    follow: Follow<()>,
    ctx: Context,
    clock: Clock,
    files: Files,
    notices: Receiver<Notice>,
    reported: Vec<String>,
    pub(crate) blocks: VecDeque<Block<()>>,
}

impl Reader {
    pub(crate) fn new<const N: usize>(names: [&PathBuf; N]) -> Self {
        Self::with(names, lines())
    }

    pub(crate) fn resumed<const N: usize>(names: [&PathBuf; N], positions: Vec<Position>) -> Self {
        let mut reader = Self::new(names);
        reader.follow = reader.follow.resume(positions);
        reader
    }

    pub(crate) fn with<const N: usize>(names: [&PathBuf; N], recognize: Recognize<()>) -> Self {
        let (sender, notices) = channel();
        let files = Files::new();
        let follow = Follow::new(names, recognize).expect("the names are usable").names(&files);
        let follow = follow.on_notice(move |n| sender.send(n).expect("the reader listens"));
        let clock = Clock::manual();
        let ctx = Context::with_clock(clock.clone());
        Self { follow, ctx, clock, files, notices, reported: Vec::new(), blocks: VecDeque::new() }
    }

    /// Reads until `enough`; a test that fails here would wait forever, so a watchdog ends it
    /// after a minute.
    pub(crate) fn until(&mut self, enough: impl Fn(&mut Self) -> bool) {
        let watchdog = Context::new().with_timeout(Duration::from_secs(60));
        let ctx = self.ctx.child();
        let hung = ctx.clone();
        let _guard = watchdog.on_cancel(move |_| {
            hung.cancel("nothing more came for a minute");
        });
        while !enough(self) {
            let text = String::from_utf8_lossy(&joined_all(&self.blocks)).into_owned();
            assert!(
                !ctx.is_cancelled(),
                "nothing more came; had {:?} and {:?}",
                tail(&text),
                self.reported()
            );
            self.follow.fill(&ctx, &mut self.blocks, 8).expect("nothing ends it");
        }
    }

    /// Reads until everything together is `text`.
    pub(crate) fn expect(&mut self, text: &str) {
        self.until(|r| r.byte_count() >= text.len());
        assert_eq!(String::from_utf8_lossy(&joined_all(&self.blocks)), text);
    }

    /// Reads until there are that many lines, which may have come in any order.
    pub(crate) fn expect_lines(&mut self, want: &[&str]) {
        self.until(|r| r.line_count() >= want.len());
        let (mut got, mut want) = (self.lines(), want.to_vec());
        got.sort_unstable();
        want.sort_unstable();
        assert_eq!(got, want);
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
    }

    pub(crate) fn reported(&mut self) -> &[String] {
        self.reported.extend(self.notices.try_iter().map(|n| n.to_string()));
        &self.reported
    }

    pub(crate) fn byte_count(&self) -> usize {
        self.blocks.iter().map(|b| b.bytes().len()).sum()
    }

    pub(crate) fn line_count(&self) -> usize {
        self.blocks.iter().map(|b| b.bytes().iter().filter(|b| **b == b'\n').count()).sum()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&joined_all(&self.blocks)).lines().map(str::to_owned).collect()
    }

    /// Where to go on after what was read.
    pub(crate) fn positions(&self) -> Vec<Position> {
        self.positions_after(Vec::new())
    }

    /// What a program would have saved: the last position of each file, over what it had saved
    /// before.
    pub(crate) fn positions_after(&self, saved: Vec<Position>) -> Vec<Position> {
        let new = self.blocks.iter().filter_map(|b| b.position(&self.files, b.end()));
        let by_key: BTreeMap<_, _> =
            saved.into_iter().chain(new).map(|p| (p.identity.key(), p)).collect();
        by_key.into_values().collect()
    }
}

fn joined_all(blocks: &VecDeque<Block<()>>) -> Vec<u8> {
    blocks.iter().flat_map(|b| b.bytes().to_vec()).collect()
}

fn tail(text: &str) -> String {
    text.chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect()
}

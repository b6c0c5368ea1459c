//! What the tests of several connectors need.

use std::collections::VecDeque;

use millstream::{Context, Filled, Source};
use millstream_connect::files::{Block, Blocks, FileError, Inputs, lines};

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
pub(crate) fn read_lines(path: &std::path::Path, block: usize) -> (Vec<Block<()>>, Option<FileError>) {
    let inputs = Inputs::expand([path]).expect("the file is usable");
    drain(&mut Blocks::new(&inputs, lines()).block_size(block))
}

pub(crate) fn joined<F>(blocks: &[Block<F>]) -> Vec<u8> {
    blocks.iter().flat_map(|b| b.bytes().to_vec()).collect()
}

//! For any content and any block size: nothing is lost, doubled or cut in two.

use std::fs;

use millstream_connect::files::{Blocks, Inputs, Piece, lines};
use proptest::prelude::*;
use tempfile::tempdir;

use crate::files::indented;
use crate::support::{drain, joined};

/// Bytes that are rich in line ends, spaces and long lines.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\n".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        2 => Just(b" ".to_vec()),
        4 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => proptest::collection::vec(Just(b'x'), 0..300),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_are_the_file_and_each_ends_at_a_cut(
        text in content(), block in 1_usize..200, max in 1_usize..400, multi in any::<bool>(),
    ) {
        let dir = tempdir().unwrap();
        let path = dir.path().join("any.log");
        fs::write(&path, &text).unwrap();
        let inputs = Inputs::expand([&path]).unwrap();
        let recognize = if multi { indented() } else { lines() };
        let (blocks, error) = drain(&mut Blocks::new(&inputs, recognize).block_size(block).max_record(max));
        // Two bytes of content can be the beginning of a compressed file, which then is a damaged
        // one.
        prop_assume!(!text.starts_with(&[0x1f, 0x8b]) && !text.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]));
        prop_assert!(error.is_none());
        prop_assert_eq!(joined(&blocks), &text[..]);

        let mut end = 0;
        for (seq, b) in blocks.iter().enumerate() {
            prop_assert_eq!(b.offset(), end);
            prop_assert_eq!(b.seq(), seq as u64);
            prop_assert!(!b.bytes().is_empty());
            end = b.end();
            let closed = b.bytes().ends_with(b"\n") || end == text.len() as u64;
            match b.piece() {
                Piece::Whole => prop_assert!(closed),
                Piece::First => {
                    prop_assert!(b.bytes().len() > max);
                    prop_assert!(!b.bytes().contains(&b'\n'));
                }
                Piece::Middle => prop_assert!(!b.bytes().contains(&b'\n')),
                Piece::Last => {
                    prop_assert!(closed);
                    prop_assert!(!b.bytes()[..b.bytes().len() - 1].contains(&b'\n'));
                }
            }
            if multi && b.piece() == Piece::Whole && !b.continues() && seq > 0
                && blocks[seq - 1].piece() == Piece::Whole
            {
                prop_assert_ne!(b.bytes()[0], b' ', "a record was cut in two");
            }
            if b.continues() {
                prop_assert!(multi, "one record a line never goes on");
            }
        }
        prop_assert_eq!(blocks.iter().filter(|b| b.is_last()).count() <= 1, true);
    }
}

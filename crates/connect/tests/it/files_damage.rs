//! Compressed files, whole and damaged.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use millstream_connect::files::FileError;
use tempfile::{TempDir, tempdir};

use crate::support::{joined, read_lines};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Lines that do not compress away, so that a file is longer than what decoders read ahead.
fn text() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..60_000).flat_map(|i| format!("{i} {:016x}\n", next()).into_bytes()).collect()
}

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempdir().unwrap();
    // The name says nothing about the content.
    let path = dir.path().join("app.log");
    fs::write(&path, bytes).unwrap();
    (dir, path)
}

#[test]
fn compressed_files_are_recognised_by_content_whatever_the_number_of_members_or_frames() {
    let text = text();
    let (a, b) = text.split_at(text.len() / 3);
    for stored in [gzip(&text), [gzip(a), gzip(b"")].concat(), [gzip(a), gzip(b)].concat()]
        .into_iter()
        .chain([zstd(&text), [zstd(a), zstd(b)].concat()])
    {
        let want = if stored == [gzip(a), gzip(b"")].concat() { a } else { &text[..] };
        let (_dir, path) = file(&stored);
        let (blocks, error) = read_lines(&path, 64 * 1024);
        assert!(error.is_none(), "{error:?}");
        assert!(joined(&blocks) == want);
        assert_eq!(
            blocks.last().unwrap().end(),
            want.len() as u64,
            "offsets are those of the text"
        );
    }
}

#[test]
fn truncated_data_is_reported_with_file_and_offset_after_everything_before_it() {
    let text = text();
    for (format, stored) in [("gzip", gzip(&text)), ("zstd", zstd(&text))] {
        let cut = stored.len() / 2;
        let (_dir, path) = file(&stored[..cut]);
        let (blocks, error) = read_lines(&path, 64 * 1024);
        let got = joined(&blocks);
        assert!(
            got.len() > text.len() / 4 && text.starts_with(&got),
            "{format}: {} bytes",
            got.len()
        );
        let Some(FileError::Damaged { offset, decoded, format: named, path: at, .. }) = &error
        else {
            panic!("{format}: {error:?}")
        };
        assert_eq!((*named, at, *decoded), (format, &path, got.len() as u64));
        assert!(*offset as usize <= cut);
        assert!(error.unwrap().to_string().contains("ends early at byte"));
    }
}

#[test]
fn corrupt_data_is_reported_and_never_taken_for_the_end() {
    let text = text();
    for (format, mut stored) in [("gzip", gzip(&text)), ("zstd", zstd(&text))] {
        let at = stored.len() - 5;
        stored[at] ^= 0xff;
        let middle = stored.len() / 2;
        stored[middle] ^= 0xff;
        let (_dir, path) = file(&stored);
        let (blocks, error) = read_lines(&path, 64 * 1024);
        assert!(matches!(error, Some(FileError::Damaged { .. })), "{format}: {error:?}");
        assert!(joined(&blocks).len() <= text.len() + 100);
    }
}

#[test]
fn a_file_cut_within_the_first_bytes_is_damaged_and_one_that_only_looks_compressed_is_text() {
    for stored in [&gzip(b"a\n")[..2], &gzip(b"a\n")[..9], &zstd(b"a\n")[..4]] {
        let (_dir, path) = file(stored);
        let (blocks, error) = read_lines(&path, 1024);
        assert!(blocks.is_empty() && matches!(error, Some(FileError::Damaged { .. })), "{error:?}");
    }
    for text in [&b"\x1f"[..], b"\x1fa\n", b"\x28\xb5\n", b"(\xb5/"] {
        let (_dir, path) = file(text);
        let (blocks, error) = read_lines(&path, 1024);
        assert!(error.is_none());
        assert_eq!(joined(&blocks), text);
    }
}

#[test]
fn trailing_bytes_after_a_gzip_member_are_reported() {
    let (_dir, path) = file(&[gzip(b"a\nb\n"), b"not gzip".to_vec()].concat());
    let (blocks, error) = read_lines(&path, 1024);
    assert_eq!(joined(&blocks), b"a\nb\n");
    assert!(matches!(error, Some(FileError::Damaged { .. })), "{error:?}");
}

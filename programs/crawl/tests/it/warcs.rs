//! What is written to a WARC can be read by others, and a kill costs no more than what was not
//! noted.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crawl::fetch::{Capture, Client, Settings};
use crawl::testing::bad_web::BadWeb;
use crawl::warc::{Warc, WarcWriter};
use flate2::bufread::GzDecoder;
use millstream::Clock;

use crate::fetching::{get, local};

/// A record as a reader of the format sees it.
#[derive(Debug)]
struct Record {
    fields: HashMap<String, String>,
    block: Vec<u8>,
}

impl Record {
    fn kind(&self) -> &str {
        &self.fields["WARC-Type"]
    }

    fn parse(member: &[u8]) -> Self {
        let end =
            memchr::memmem::find(member, b"\r\n\r\n").expect("a header ends with an empty line");
        let header = std::str::from_utf8(&member[..end]).unwrap();
        let mut lines = header.split("\r\n");
        assert_eq!(lines.next(), Some("WARC/1.1"));
        let fields: HashMap<String, String> = lines
            .map(|line| line.split_once(": ").expect("a field is a name and a value"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let length: usize = fields["Content-Length"].parse().unwrap();
        let block = member[end + 4..][..length].to_vec();
        assert_eq!(&member[end + 4 + length..], b"\r\n\r\n");
        Self { fields, block }
    }
}

/// The records of a file, each decompressed by itself.
fn records(path: &Path) -> Vec<Record> {
    let file = fs::read(path).unwrap();
    let (mut rest, mut records) = (file.as_slice(), Vec::new());
    while !rest.is_empty() {
        let mut member = GzDecoder::new(rest);
        let mut plain = Vec::new();
        member.read_to_end(&mut plain).unwrap();
        records.push(Record::parse(&plain));
        rest = member.into_inner();
    }
    records
}

fn capture(number: usize) -> Capture {
    let body = format!("page {number} {}", "and more ".repeat(number % 7 * 50));
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Capture {
        url: format!("http://example.com/{number}"),
        at: SystemTime::UNIX_EPOCH + Duration::from_micros(1_800_000_000_000_001),
        remote: "192.0.2.1:80".parse().unwrap(),
        request: format!("GET /{number} HTTP/1.1\r\nHost: example.com\r\n\r\n").into(),
        response: response.into(),
        truncated: false,
    }
}

fn open(dir: &Path) -> WarcWriter {
    WarcWriter::open(Warc::new(dir), &Clock::real()).unwrap()
}

fn first(dir: &Path, ending: &str) -> PathBuf {
    dir.join(format!("crawl-00000.warc.gz{ending}"))
}

fn urls(records: &[Record], kind: &str) -> Vec<String> {
    let records = records.iter().filter(|record| record.kind() == kind);
    records.map(|record| record.fields["WARC-Target-URI"].clone()).collect()
}

#[tokio::test]
async fn what_was_fetched_is_kept_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(Settings { keep_wire: true, ..local() }).unwrap();
    let mut warc = open(dir.path());
    for path in ["/page", "/gzip", "/chunks", "/interim", "/busy-seconds"] {
        let page = get(&client, &format!("{}{path}", web.origin())).await.unwrap();
        let capture = page.capture.expect("the client keeps the wire");
        assert!(capture.request.starts_with(format!("GET {path} HTTP/1.1\r\n").as_bytes()));
        warc.write(&capture).unwrap();
    }
    warc.finish().unwrap();
    let records = records(&first(dir.path(), ""));
    assert_eq!(records.len(), 11);
    assert_eq!(records[0].kind(), "warcinfo");
    assert_eq!(records[0].fields["WARC-Filename"], "crawl-00000.warc.gz");
    for pair in records[1..].chunks(2) {
        let [response, request] = pair else { panic!("records come in pairs") };
        assert_eq!((response.kind(), request.kind()), ("response", "request"));
        assert_eq!(request.fields["WARC-Concurrent-To"], response.fields["WARC-Record-ID"]);
        assert_eq!(response.fields["WARC-IP-Address"], "127.0.0.1");
        assert!(request.block.ends_with(b"\r\n\r\n"));
    }
    let block = |number: usize| String::from_utf8_lossy(&records[number].block).into_owned();
    assert!(
        block(1).starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"),
        "{}",
        block(1)
    );
    assert!(block(3).contains("Content-Encoding: gzip\r\n"));
    assert!(
        records[3].block.windows(3).any(|bytes| bytes == [0x1f, 0x8b, 8]),
        "the body is as it came"
    );
    assert!(
        block(5).ends_with("6\r\nhello \r\n5\r\nworld\r\n0\r\nX-Trailer: t\r\n\r\n"),
        "{}",
        block(5)
    );
    assert!(block(7).starts_with("HTTP/1.1 200 OK\r\n"), "{}", block(7));
    assert!(
        block(9).starts_with("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n"),
        "{}",
        block(9)
    );
}

#[test]
fn a_file_that_was_cut_anywhere_goes_on_behind_its_last_whole_record() {
    let dir = tempfile::tempdir().unwrap();
    let mut warc = open(dir.path());
    warc.write(&capture(1)).unwrap();
    let safe = warc.position().offset;
    let end = warc.write(&capture(2)).unwrap().offset;
    drop(warc);
    let whole = fs::read(first(dir.path(), ".open")).unwrap();
    assert_eq!(whole.len() as u64, end);
    for length in safe..end {
        fs::write(first(dir.path(), ".open"), &whole[..usize::try_from(length).unwrap()]).unwrap();
        let mut warc = open(dir.path());
        assert!((safe..=length).contains(&warc.position().offset), "cut at {length}");
        warc.write(&capture(3)).unwrap();
        drop(warc);
        let records = records(&first(dir.path(), ".open"));
        let responses = urls(&records, "response");
        assert_eq!(responses.first().map(String::as_str), Some("http://example.com/1"));
        assert_eq!(responses.last().map(String::as_str), Some("http://example.com/3"));
    }
}

#[test]
fn full_files_are_followed_by_others_and_keep_their_records() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Warc { max_file: 2000, ..Warc::new(dir.path()) };
    let mut warc = WarcWriter::open(settings, &Clock::real()).unwrap();
    for number in 0..50 {
        warc.write(&capture(number)).unwrap();
    }
    let files = warc.position().file + 1;
    warc.finish().unwrap();
    assert!(files > 5, "{files} files");
    let mut found = Vec::new();
    for number in 0..files {
        let records = records(&dir.path().join(format!("crawl-{number:05}.warc.gz")));
        assert_eq!(records[0].kind(), "warcinfo");
        found.extend(urls(&records, "response"));
    }
    let expected: Vec<String> =
        (0..50).map(|number| format!("http://example.com/{number}")).collect();
    assert_eq!(found, expected);
    // The next run begins a file of its own.
    assert_eq!(open(dir.path()).position().file, files);
}

#[test]
fn what_was_written_behind_a_noted_place_is_taken_back_across_files() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Warc { max_file: 2000, ..Warc::new(dir.path()) };
    let mut warc = WarcWriter::open(settings.clone(), &Clock::real()).unwrap();
    let mut noted = Vec::new();
    for number in 0..40 {
        noted.push(warc.write(&capture(number)).unwrap());
    }
    drop(warc);
    let mut warc = WarcWriter::open(settings, &Clock::real()).unwrap();
    assert!(noted[12].file < warc.position().file, "the place is in a file that is complete");
    warc.truncate_to(noted[12]).unwrap();
    assert_eq!(warc.position(), noted[12]);
    for number in 13..20 {
        warc.write(&capture(number)).unwrap();
    }
    let files = warc.position().file + 1;
    warc.finish().unwrap();
    let paths = (0..files).map(|number| dir.path().join(format!("crawl-{number:05}.warc.gz")));
    let found: Vec<String> = paths.flat_map(|path| urls(&records(&path), "response")).collect();
    let expected: Vec<String> =
        (0..20).map(|number| format!("http://example.com/{number}")).collect();
    assert_eq!(found, expected);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), usize::try_from(files).unwrap());
}

#[test]
fn a_place_that_does_not_exist_is_an_error_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut warc = open(dir.path());
    let end = warc.write(&capture(1)).unwrap();
    let beyond = crawl::warc::Position { offset: end.offset + 1, ..end };
    let error = warc.truncate_to(beyond).unwrap_err().to_string();
    assert!(error.contains("crawl-00000.warc.gz.open: expected at least"), "{error}");
    assert!(warc.truncate_to(crawl::warc::Position { file: 7, offset: 0 }).is_err());
    assert_eq!(warc.write(&capture(2)).unwrap().file, 0);
    assert_eq!(records(&first(dir.path(), ".open")).len(), 5);
}

#[test]
fn writers_of_one_directory_have_files_of_their_own_and_lose_no_record_of_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Warc { max_file: 3_000, ..Warc::new(dir.path()) };
    let work = |writer: usize| {
        let mut warc = WarcWriter::open(settings.clone(), &Clock::real()).unwrap();
        for number in 0..60 {
            warc.write(&capture(writer * 100 + number)).unwrap();
        }
        warc.finish().unwrap();
    };
    millstream::scope::<_, millstream::Cause, _>(&millstream::Context::new(), |s| {
        for writer in 0..4 {
            let work = &work;
            s.spawn(format!("writer {writer}"), move |_| {
                work(writer);
                Ok(())
            });
        }
        Ok(())
    })
    .unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.extension().unwrap() == "gz", "{} is complete", path.display());
        found.extend(urls(&records(&path), "response"));
    }
    let numbers = (0..4).flat_map(|writer| (0..60).map(move |number| writer * 100 + number));
    let mut expected: Vec<String> =
        numbers.map(|number| format!("http://example.com/{number}")).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_file_in_progress_is_left_to_its_writer_and_taken_over_when_that_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let mut live = open(dir.path());
    live.write(&capture(1)).unwrap();
    let mut other = open(dir.path());
    assert_eq!(other.write(&capture(2)).unwrap().file, 1);
    let error = other.truncate_to(other.position()).unwrap_err().to_string();
    assert!(error.contains("crawl-00000.warc.gz.open: another process writes to it"), "{error}");
    live.write(&capture(3)).unwrap();
    let expected = ["http://example.com/1", "http://example.com/3"];
    assert_eq!(urls(&records(&first(dir.path(), ".open")), "response"), expected);
    // Both are gone as by a kill: one file is gone on with, the other is completed.
    drop((live, other));
    let mut next = open(dir.path());
    assert_eq!(next.write(&capture(4)).unwrap().file, 1);
    assert_eq!(urls(&records(&first(dir.path(), "")), "response"), expected);
    next.finish().unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

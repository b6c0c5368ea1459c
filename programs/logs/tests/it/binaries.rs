//! Binary input is refused, and text is not, whether it comes as a file or through a pipe, and
//! however the pipe cuts it.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect::Destination;
use millstream::{Clock, Context, scope};
use millstream_logs::format::{Choice, Keys, detect};
use millstream_logs::{Config, Control, run};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tempfile::{TempDir, tempdir};

use crate::following::{config, new_pipe, until};

/// What comes of an input.
#[derive(Debug, PartialEq)]
struct Got {
    refused: bool,
    /// Records in, out and failed.
    counts: [u64; 3],
    /// What was written, without the name of the file.
    written: Vec<serde_json::Value>,
}

/// Where inputs are laid out: a file, and a named pipe.
struct Inputs {
    dir: TempDir,
    format: Choice,
    hold: Duration,
    clock: Clock,
}

impl Inputs {
    fn new(format: Choice) -> Self {
        let dir = tempdir().unwrap();
        // No time passes by itself, so that no line has waited long enough, however busy the
        // machine is.
        Self { dir, format, hold: Duration::from_secs(3_600), clock: Clock::manual() }
    }

    /// What comes of `bytes` as a file.
    fn file(&self, bytes: &[u8]) -> Got {
        let file = self.dir.path().join("file");
        fs::write(&file, bytes).unwrap();
        self.read(&file)
    }

    /// What comes of `pieces` through a pipe, of which no two are read at once.
    fn pipe(&self, pieces: &[&[u8]]) -> Got {
        self.pipe_then(pieces, |_| ())
    }

    /// The same, and before the pipe is closed `then` is done; it is given whether the run has
    /// finished.
    fn pipe_then(&self, pieces: &[&[u8]], then: impl Fn(&dyn Fn() -> bool) + Send) -> Got {
        let pipe = &new_pipe(&self.dir.path().join("pipe"));
        let done = &AtomicBool::new(false);
        let got = &Mutex::new(None);
        scope(&Context::new(), |threads| {
            threads.spawn("writer", move |_| {
                // It waits for the reader.
                let is_done = || done.load(Ordering::Acquire);
                let mut writer = File::options().write(true).open(pipe)?;
                for piece in pieces {
                    if writer.write_all(piece).is_err() {
                        // What is refused is not read to its end.
                        break;
                    }
                    until("the piece is read", || {
                        is_done() || rustix::io::ioctl_fionread(&writer) == Ok(0)
                    });
                }
                then(&is_done);
                Ok::<(), std::io::Error>(())
            });
            *got.lock().unwrap() = Some(self.read(pipe));
            done.store(true, Ordering::Release);
            Ok(())
        })
        .unwrap();
        got.lock().unwrap().take().unwrap()
    }

    fn read(&self, input: &Path) -> Got {
        let out = self.dir.path().join("out.jsonl");
        let config = Config {
            follow: false,
            job: None,
            format: self.format,
            hold: self.hold,
            ..config(input, Destination::JsonLines(Some(out.clone())))
        };
        let control =
            Control { ctx: Context::with_clock(self.clock.clone()), ..Control::default() };
        let outcome = run(&config, &control, Arc::new(|_| {})).unwrap();
        assert!(outcome.report.balances() && outcome.ended.is_none(), "{:?}", outcome.ended);
        let totals = outcome.report.totals();
        let text = fs::read_to_string(&out).unwrap();
        let parse = |line: &str| {
            let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
            value["file"] = "-".into();
            value
        };
        Got {
            refused: outcome.problems.iter().any(|problem| problem.contains("binary")),
            counts: [totals.entered, totals.left, totals.failed],
            written: text.lines().map(parse).collect(),
        }
    }
}

/// `bytes`, cut at these places.
fn cut(bytes: &[u8], mut places: Vec<usize>) -> Vec<&[u8]> {
    places.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for to in places.into_iter().chain([bytes.len()]) {
        if to > from {
            pieces.push(&bytes[from..to]);
            from = to;
        }
    }
    pieces
}

const JSON: &[u8] =
    b"{\"time\":\"2024-01-15T10:23:45Z\",\"level\":\"error\",\"msg\":\"no disk\"}\n";
const PLAIN: &[u8] = b"2024-01-15 10:23:45,123 [main] DEBUG com.example.Main - started\n";
const ELF: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0";
const JPEG: &[u8] =
    b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xdb\0C\0\n\x07\x07\x08";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0";
const BAD_GZIP: &[u8] =
    b"\x1f\x8c\x08\0\0\0\0\0\0\xff\x01\x98\0g\xff<24\n3>1 2024\n-01-15T10:35:62Z host app\n";

/// Something with line ends in it, that a log or a binary file has.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let text: Vec<&[u8]> = vec![
        JSON,
        PLAIN,
        b"INFO request done\n",
        b"<34>1 2024-01-15T10:23:45Z host app 12 - - started\n",
        b"level=info msg=hi n=1\n",
        b"Starting shop v1.2 on port 8080\n",
        b"{\"a\":1}\n",
        b"\n",
        b"\r\n",
        b"\tat a.b(C.java:1)\n",
        b"\x1b[2J a \xc2\x9b31m b\n",
    ];
    let damage: Vec<&[u8]> = vec![
        b"\0",
        b"\0\0\0\0\0\0\0\0\0\0\0",
        b"\x01\x02\x03\x04\x05\x06\x07\n",
        b"\0\n",
        b"\x07\x08",
    ];
    let whole = select(text.clone()).prop_map(<[u8]>::to_vec);
    let short =
        (select(text), any::<Index>()).prop_map(|(line, at)| line[..at.index(line.len())].to_vec());
    prop_oneof![
        8 => whole,
        2 => short,
        2 => select(damage).prop_map(<[u8]>::to_vec),
        1 => select(vec![ELF, JPEG, PNG, BAD_GZIP]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        // Enough to leave the first KiB, or the sample.
        1 => (select(vec![JSON, PLAIN, b"just text\n"]), select(vec![20_usize, 120, 1_100]))
            .prop_map(|(line, times)| line.repeat(times)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, ..ProptestConfig::default() })]

    #[test]
    fn a_pipe_is_refused_if_and_only_if_the_same_bytes_are_as_a_file(
        parts in prop::collection::vec(part(), 1..9),
        places in prop::collection::vec(any::<Index>(), 0..12),
        early in prop::collection::vec(0_usize..600, 0..6),
        format in select(vec![Choice::Auto, Choice::Auto, Choice::Plain, Choice::Json]),
    ) {
        let bytes = parts.concat();
        let inputs = Inputs::new(format);
        let mut places: Vec<usize> = places.iter().map(|at| at.index(bytes.len() + 1)).collect();
        places.extend(early.into_iter().filter(|at| *at < bytes.len()));
        let expected = inputs.file(&bytes);
        let got = inputs.pipe(&cut(&bytes, places.clone()));
        prop_assert_eq!(got.refused, expected.refused, "cut at {:?}", places);
        // What is refused hands nothing on.
        prop_assert!(!got.refused || got.counts == [0; 3], "{:?}", got.counts);
        // Lines of which the first is certain do not wait for what the others say of it.
        if !is_quick(&bytes, format) {
            prop_assert_eq!(got, expected, "cut at {:?}", places);
        }
    }
}

/// Whether the first line says enough to be handed on at once.
fn is_quick(bytes: &[u8], format: Choice) -> bool {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let first = lines.into_iter().find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let found = detect::detect(first, &Keys::default(), format);
    found.certain || (format != Choice::Auto && found.matched > 0)
}

#[test]
fn a_binary_file_is_refused_as_a_file_and_through_a_pipe_that_brings_a_line_at_a_time() {
    // An archive begins with a header, and goes on with the lines of the log that is in it.
    let header =
        [&b"app.log"[..], &[0; 93], b"0000644\x000001750\x000001750\x00ustar  \0", &[0; 300]]
            .concat();
    let tar = [&header, JSON, JSON, PLAIN].concat();
    let utf16: Vec<u8> =
        "INFO first\nERROR second\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let text_first = [b"just text\nof no format\n", ELF].concat();
    for bytes in [ELF, JPEG, PNG, BAD_GZIP, &tar, &utf16, &text_first] {
        for format in [Choice::Auto, Choice::Plain, Choice::Json] {
            let inputs = Inputs::new(format);
            let refused = Got { refused: true, counts: [0; 3], written: Vec::new() };
            let name = bytes[..4].escape_ascii();
            assert_eq!(inputs.file(bytes), refused, "{name} as a file");
            let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            assert_eq!(inputs.pipe(&lines), refused, "{name} through a pipe");
        }
    }
}

#[test]
fn a_pause_ends_the_wait_and_what_looks_binary_by_then_is_refused_before_anything_is_handed_on() {
    // Lines wait for a second, or for the hold time if that is shorter.
    for hold in [Duration::from_secs(3_600), Duration::from_millis(300)] {
        let inputs = Inputs { hold, ..Inputs::new(Choice::Auto) };
        let got = inputs.pipe_then(&[b"just text\n", ELF, b"\n"], |is_done| {
            until("it is refused", || {
                inputs.clock.advance(Duration::from_millis(100));
                is_done()
            });
        });
        assert_eq!(got, Got { refused: true, counts: [0; 3], written: Vec::new() }, "{hold:?}");
    }
}

#[test]
fn a_log_is_read_although_it_has_zero_bytes_behind_a_first_line_that_is_certain() {
    let hole = [JSON, &[0; 200], JSON, JSON].concat();
    for format in [Choice::Auto, Choice::Json] {
        let inputs = Inputs::new(format);
        let got = inputs.file(&hole);
        assert_eq!((got.refused, got.counts), (false, [3, 2, 1]));
        assert_eq!(inputs.pipe(&[JSON, &hole[JSON.len()..]]), got);
        assert_eq!(inputs.pipe(&[&hole]), got);
    }
}

#[test]
fn a_hole_at_the_beginning_of_a_log_is_no_sign_of_a_binary_file() {
    let log = [&[0; 5_000], &b"\n"[..], JSON, JSON].concat();
    let inputs = Inputs::new(Choice::Auto);
    let got = inputs.file(&log);
    assert_eq!((got.refused, got.written.len()), (false, 2), "{got:?}");
    assert_eq!(inputs.pipe(&[&log[..2_000], &log[2_000..5_001], &log[5_001..]]), got);
    assert!(inputs.file(&[0; 5_000]).refused);
}

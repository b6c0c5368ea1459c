//! Times, sizes, rates and failures, as the tables at the end and the progress bar show them.

#[cfg(feature = "crawl")]
use std::cmp::Reverse;
#[cfg(feature = "crawl")]
use std::collections::BTreeMap;
use std::time::Duration;

#[cfg(feature = "crawl")]
use crawl::page::ErrorKind;

/// In brackets after a time; nothing if nothing was done.
#[expect(clippy::cast_precision_loss, reason = "rates for people")]
pub(crate) fn rate(count: u64, of: &str, elapsed: Duration) -> String {
    match count {
        0 => String::new(),
        _ => format!(" ({:.1} {of}/s)", count as f64 / elapsed.as_secs_f64().max(1e-9)),
    }
}

pub(crate) fn short(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

#[expect(clippy::cast_precision_loss, reason = "sizes for people")]
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// A kind of failure in words.
#[cfg(feature = "crawl")]
pub(crate) fn words(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::Robots => "forbidden by robots.txt".to_owned(),
        ErrorKind::Address => "private address".to_owned(),
        ErrorKind::Client => "status 4xx".to_owned(),
        ErrorKind::Server => "status 5xx".to_owned(),
        other => other.name().replace('_', " "),
    }
}

/// Failures by kind, the most frequent first.
#[cfg(feature = "crawl")]
pub(crate) fn failures(failures: &BTreeMap<ErrorKind, u64>) -> String {
    let mut kinds: Vec<_> = failures.iter().collect();
    kinds.sort_by_key(|(_, count)| Reverse(**count));
    let words: Vec<String> =
        kinds.iter().map(|(kind, count)| format!("{count} {}", words(**kind))).collect();
    words.join(", ")
}

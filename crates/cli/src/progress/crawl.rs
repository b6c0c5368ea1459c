//! Progress of `crawl`.

use crawl::{Now, Progress};
use indicatif::ProgressBar;
use millstream::Context;

use super::draw_until_cancelled;
use crate::figures::{bytes, failures};

/// Of a crawl nobody knows the end: pages, how many a second of late, what is left, hosts,
/// failures by kind.
pub(crate) fn draw(ctx: &Context, bar: &ProgressBar, progress: &Progress) {
    draw_until_cancelled(ctx, bar, "{spinner} {wide_msg}", |bar| {
        let now = progress.now();
        bar.set_position(now.pages + now.failed);
        bar.set_message(line(&now, bar.per_sec()));
    });
}

/// A line about a crawl.
fn line(now: &Now, per_second: f64) -> String {
    let failed = match now.failed {
        0 => String::new(),
        failed => format!("  {failed} failed ({})", failures(&now.failures)),
    };
    format!(
        "{per_second:.1} pages/s  {} pages  {}  {} left  {} under way  {} of {} hosts active{failed}",
        now.pages,
        bytes(now.bytes),
        now.left,
        now.in_flight,
        now.hosts_active,
        now.hosts,
    )
}

#[cfg(test)]
mod tests {
    use crawl::page::ErrorKind;

    use super::*;

    #[test]
    fn the_line_of_a_crawl_has_everything_that_goes_on() {
        let mut now = Now::default();
        (now.pages, now.bytes, now.left, now.in_flight) = (120, 240_000, 80, 4);
        (now.hosts, now.hosts_active) = (7, 2);
        assert_eq!(
            line(&now, 12.34),
            "12.3 pages/s  120 pages  240.0 kB  80 left  4 under way  2 of 7 hosts active"
        );
        now.failed = 5;
        now.failures = [(ErrorKind::Timeout, 2), (ErrorKind::TooLarge, 3)].into();
        assert!(line(&now, 0.0).ends_with("5 failed (3 too large, 2 timeout)"));
    }
}

//! The progress bar: bytes read, rate, time left; only on a terminal that shows nothing else
//! meanwhile.

use std::convert::Infallible;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use connect::Destination;
use crawl::Now;
use images::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use logs::Config;
use millstream::{Context, scope};

use crate::figures::{bytes, failures};

/// Runs `run` with `draw` on a thread beside it, whose context is cancelled when the run has
/// finished. An error is that there was no such thread.
pub(crate) fn beside<T>(
    ctx: &Context,
    draw: impl FnOnce(&Context) + Send,
    run: impl FnOnce() -> T,
) -> Result<T, String> {
    // A run that is cancelled still takes its time to end, and is drawn until then.
    let outcome = scope(&ctx.detached(), |threads| {
        threads.spawn("progress", |ctx: &Context| {
            draw(ctx);
            Ok::<(), Infallible>(())
        });
        let outcome = run();
        threads.context().cancel("the run has finished");
        Ok(outcome)
    });
    outcome.map_err(|error| error.to_string())
}

/// Draws until `ctx` is cancelled, then wipes the bar away. Where the end is not known, as in a
/// pipe, it counts.
pub(crate) fn draw(ctx: &Context, bar: &ProgressBar, total: u64, read: &AtomicU64) {
    let style = if total > 0 {
        bar.set_length(total);
        "{bar:32} {percent:>3} %  {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left"
    } else {
        "{spinner} {bytes} read  {bytes_per_sec}"
    };
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    while ctx.sleep(Duration::from_millis(100)).is_ok() {
        bar.set_position(read.load(Ordering::Relaxed));
    }
    bar.finish_and_clear();
    bar.set_draw_target(ProgressDrawTarget::hidden());
}

/// The same for images: how many a second, how many bytes a second of what they were, how long
/// still.
pub(crate) fn draw_images(ctx: &Context, bar: &ProgressBar, progress: &Progress) {
    let template = "{bar:32} {percent:>3} %  {msg}  {bytes_per_sec}  {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    // Relaxed: numbers to look at, of which none says anything about another.
    let now = |number: &AtomicU64| number.load(Ordering::Relaxed);
    while ctx.sleep(Duration::from_millis(100)).is_ok() {
        let (done, all) = (now(&progress.files_done), now(&progress.files));
        bar.set_length(now(&progress.bytes));
        bar.set_position(now(&progress.bytes_done));
        #[expect(clippy::cast_precision_loss, reason = "a rate to look at")]
        let rate = done as f64 / bar.elapsed().as_secs_f64().max(1e-3);
        bar.set_message(format!("{done}/{all} images  {rate:.1}/s"));
    }
    bar.finish_and_clear();
    bar.set_draw_target(ProgressDrawTarget::hidden());
}

/// The same for a crawl, whose end nobody knows: pages, how many a second of late, what is left,
/// hosts, failures by kind.
pub(crate) fn draw_crawl(ctx: &Context, bar: &ProgressBar, progress: &crawl::Progress) {
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(style);
    }
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    while ctx.sleep(Duration::from_millis(100)).is_ok() {
        let now = progress.now();
        bar.set_position(now.pages + now.failed);
        bar.set_message(of_crawl(&now, bar.per_sec()));
    }
    bar.finish_and_clear();
    bar.set_draw_target(ProgressDrawTarget::hidden());
}

/// A line about a crawl.
fn of_crawl(now: &Now, per_second: f64) -> String {
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

/// Whether somebody would see it, and nothing else is on the same screen: records, or what is
/// typed.
pub(crate) fn is_wanted(config: &Config) -> bool {
    let records_shown = !config.stats && goes_to_stdout(&config.to) && io::stdout().is_terminal();
    let typed = config.inputs.iter().any(|name| name == "-") && io::stdin().is_terminal();
    io::stderr().is_terminal() && !records_shown && !typed && !config.follow
}

pub(crate) fn goes_to_stdout(to: &Destination) -> bool {
    matches!(to, Destination::Stdout | Destination::Table | Destination::JsonLines(None))
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
            of_crawl(&now, 12.34),
            "12.3 pages/s  120 pages  240.0 kB  80 left  4 under way  2 of 7 hosts active"
        );
        now.failed = 5;
        now.failures = [(ErrorKind::Timeout, 2), (ErrorKind::TooLarge, 3)].into();
        assert!(of_crawl(&now, 0.0).ends_with("5 failed (3 too large, 2 timeout)"));
    }
}

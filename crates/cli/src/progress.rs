//! The progress bar: bytes read, rate, time left; only on a terminal that shows nothing else meanwhile.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use connect::Destination;
use images::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use logs::Config;
use millstream::Context;

/// Draws until `ctx` is cancelled, then wipes the bar away. Where the end is not known, as in a pipe, it counts.
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

/// The same for pictures: how many a second, how many bytes a second of what they were, how long still.
pub(crate) fn draw_pictures(ctx: &Context, bar: &ProgressBar, progress: &Progress) {
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
        bar.set_message(format!("{done}/{all} pictures  {rate:.1}/s"));
    }
    bar.finish_and_clear();
    bar.set_draw_target(ProgressDrawTarget::hidden());
}

/// Whether somebody would see it, and nothing else is on the same screen: records, or what is typed.
pub(crate) fn is_wanted(config: &Config) -> bool {
    let records_shown = !config.stats && goes_to_stdout(&config.to) && io::stdout().is_terminal();
    let typed = config.inputs.iter().any(|name| name == "-") && io::stdin().is_terminal();
    io::stderr().is_terminal() && !records_shown && !typed && !config.follow
}

pub(crate) fn goes_to_stdout(to: &Destination) -> bool {
    matches!(to, Destination::Stdout | Destination::Table | Destination::JsonLines(None))
}

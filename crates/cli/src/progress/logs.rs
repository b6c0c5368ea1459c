//! Progress of `logs`.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::ProgressBar;
use logs::Config;
use millstream::Context;

use super::{draw_until_cancelled, goes_to_stdout};

/// Bytes read of `total`. Where the end is not known, as in a pipe, it counts.
pub(crate) fn draw(ctx: &Context, bar: &ProgressBar, total: u64, read: &AtomicU64) {
    let template = if total > 0 {
        bar.set_length(total);
        "{bar:32} {percent:>3} %  {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left"
    } else {
        "{spinner} {bytes} read  {bytes_per_sec}"
    };
    draw_until_cancelled(ctx, bar, template, |bar| {
        bar.set_position(read.load(Ordering::Relaxed));
    });
}

/// Whether something else is on the same screen: records, or what is typed. A followed log has no
/// end to draw.
pub(crate) fn is_covered(config: &Config) -> bool {
    let records_shown = !config.stats && goes_to_stdout(&config.to) && io::stdout().is_terminal();
    let typed = config.inputs.iter().any(|name| name == "-") && io::stdin().is_terminal();
    records_shown || typed || config.follow
}

//! The progress bar: bytes read, rate, time left; only on a terminal.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use millstream::Context;

/// Draws until `ctx` is cancelled, then wipes the bar away.
pub(crate) fn draw(ctx: &Context, total: u64, read: &Arc<AtomicU64>) {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
    let style = "{bar:32} {percent:>3} %  {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    while ctx.sleep(Duration::from_millis(100)).is_ok() {
        bar.set_position(read.load(Ordering::Relaxed));
    }
    bar.finish_and_clear();
}

/// Whether somebody would see it.
pub(crate) fn is_seen() -> bool {
    std::io::stderr().is_terminal()
}

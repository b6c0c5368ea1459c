//! Progress of `images`.

use std::sync::atomic::{AtomicU64, Ordering};

use images::Progress;
use indicatif::ProgressBar;
use millstream::Context;

use super::draw_until_cancelled;

/// How many images a second, how many bytes a second of what they were, how long still.
pub(crate) fn draw(ctx: &Context, bar: &ProgressBar, progress: &Progress) {
    let template = "{bar:32} {percent:>3} %  {msg}  {bytes_per_sec}  {eta} left";
    // Relaxed: numbers to look at, of which none says anything about another.
    let now = |number: &AtomicU64| number.load(Ordering::Relaxed);
    draw_until_cancelled(ctx, bar, template, |bar| {
        let (done, all) = (now(&progress.files_done), now(&progress.files));
        bar.set_length(now(&progress.bytes));
        bar.set_position(now(&progress.bytes_done));
        #[expect(clippy::cast_precision_loss, reason = "a rate to look at")]
        let rate = done as f64 / bar.elapsed().as_secs_f64().max(1e-3);
        bar.set_message(format!("{done}/{all} images  {rate:.1}/s"));
    });
}

//! The progress bar: bytes read, rate, time left; only on a terminal that shows nothing else
//! meanwhile. A file for each program's.

#[cfg(feature = "crawl")]
pub(crate) mod crawl;
#[cfg(feature = "images")]
pub(crate) mod images;
#[cfg(feature = "logs")]
pub(crate) mod logs;

use std::convert::Infallible;
use std::time::Duration;

#[cfg(any(feature = "crawl", feature = "logs"))]
use connect::Destination;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use millstream::{Context, scope};

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

/// Draws ten times a second until `ctx` is cancelled, then wipes the bar away.
fn draw_until_cancelled(
    ctx: &Context,
    bar: &ProgressBar,
    template: &str,
    mut update: impl FnMut(&ProgressBar),
) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    while ctx.sleep(Duration::from_millis(100)).is_ok() {
        update(bar);
    }
    bar.finish_and_clear();
    bar.set_draw_target(ProgressDrawTarget::hidden());
}

#[cfg(any(feature = "crawl", feature = "logs"))]
pub(crate) fn goes_to_stdout(to: &Destination) -> bool {
    matches!(to, Destination::Stdout | Destination::Table | Destination::JsonLines(None))
}

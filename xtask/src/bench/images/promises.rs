//! What the project has set its image program to, kept or missed.

use std::fmt::Write as _;

use super::field::{CAESIUM, FULL, IN_FULL, MOZJPEG, ONE_WORKER, OURS, PIPE, RESIZED, SMALL, VIPS};
use super::input::Line;

/// A section with a line for each promise of which both sides were measured.
pub(super) fn listed(lines: &[Line], workers: usize) -> String {
    let line = |task: &str, name: &str| {
        lines.iter().find(|line| line.task == task && line.row.name == name)
    };
    let time = |task: &str, name: &str| line(task, name).map(|line| line.row.wall_s);
    let bytes = |name: &str| line(SMALL, name).map(|line| line.bytes as f64);
    let ratio = |over: Option<f64>, under: Option<f64>| Some(over? / under?);
    let mut text = String::from(
        "\n## Against what was promised\n\n| promise | measured | |\n|---|---:|---|\n",
    );
    let mut promise = |what: &str, measured: Option<f64>, kept: fn(f64) -> bool| {
        let Some(measured) = measured else { return };
        let verdict = if kept(measured) { "kept" } else { "missed" };
        let _infallible = writeln!(text, "| {what} | {measured:.2} | {verdict} |");
    };
    let ours = time(FULL, OURS);
    promise(
        "at most 1.1 times the time of `djpeg \\| cjpeg`",
        ratio(ours, time(FULL, PIPE)),
        |r| r <= 1.1,
    );
    promise("at least 1.4 times as fast as vips", ratio(time(FULL, VIPS), ours), |r| r >= 1.4);
    promise("at least 4 times as fast as caesiumclt", ratio(time(FULL, CAESIUM), ours), |r| {
        r >= 4.0
    });
    let small = ratio(bytes(OURS), bytes(MOZJPEG));
    promise("small: at most 1.01 times the bytes of mozjpeg", small, |r| r <= 1.01);
    let speed = ratio(time(SMALL, MOZJPEG), time(SMALL, OURS));
    promise("small: at least 1.4 times as fast as mozjpeg", speed, |r| r >= 1.4);
    let half = ratio(time(RESIZED, OURS), time(RESIZED, IN_FULL));
    promise("resized at half the size: less than the time of decoding in full", half, |r| r < 1.0);
    for (task, what) in [(FULL, "fast"), (SMALL, "small")] {
        let peak = |name| line(task, name).map(|line| line.row.peak_mb);
        promise(&format!("{what}: one worker takes less than 60 MB"), peak(ONE_WORKER), |mb| {
            mb < 60.0
        });
        let share = peak(OURS).map(|mb| mb / workers as f64);
        promise(&format!("{what}: of {workers} workers each takes less than 60 MB"), share, |mb| {
            mb < 60.0
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measure::Run;
    use crate::bench::table::Row;

    #[test]
    fn a_promise_is_kept_or_missed_and_one_that_was_not_measured_is_not_listed() {
        let line = |task, name, wall_s| {
            let run = Run { wall_s, cpu_s: 1.0, peak_mb: 100.0, answer: 1 };
            Line { task, row: Row::new(name, "", &[run]), bytes: 1, score: None }
        };
        let text =
            listed(&[line(FULL, OURS, 1.0), line(FULL, PIPE, 0.8), line(FULL, CAESIUM, 9.0)], 2);
        assert!(text.contains("cjpeg` | 1.25 | missed |"), "{text}");
        assert!(text.contains("as fast as caesiumclt | 9.00 | kept |"), "{text}");
        assert!(
            text.contains("of 2 workers each takes less than 60 MB | 50.00 | kept |"),
            "{text}"
        );
        assert!(!text.contains("vips") && !text.contains("mozjpeg"), "{text}");
    }
}

//! What the project has set its pool to, kept or missed.

use std::fmt::Write as _;

use super::field::{
    ANTS, BUFFERED, BURST, CONC, DETACHED, ELASTIC, EMPTY, ERRGROUP, FIXED_1, IDLE, KEPT, MAP,
    MAP_ELASTIC, MAPPED, MILLION, POND, RAYON, REACTION, SLEEP, TASKS_COUNTED, TASKS_JOINED,
    TEN_MILLION, THREADPOOL, TO_16, WINDOW,
};
use super::row::Row;

/// A section with a line for each promise of which both sides were measured.
pub(super) fn listed(rows: &[Row]) -> String {
    let figure = |workload: &str, name: &str| {
        rows.iter().find(|row| row.workload == workload && row.name == name).map(|row| row.figure)
    };
    let memory = |workload: &str, name: &str| {
        rows.iter().find(|row| row.workload == workload && row.name == name).map(|row| row.peak_mb)
    };
    let mut text = String::from(
        "\n## Against what was promised\n\n| promise | measured | |\n|---|---:|---|\n",
    );
    let mut line = |what: &str, measured: Option<f64>, most: f64| {
        let Some(measured) = measured else { return };
        let verdict = if measured <= most { "kept" } else { "missed" };
        let _infallible = writeln!(text, "| {what} | {measured:.2} | {verdict} |");
    };
    for ours in [WINDOW, KEPT, ELASTIC] {
        let ns = figure(EMPTY, ours);
        line(&format!("{ours}: an empty job in at most 150 ns"), ns, 150.0);
        for theirs in [RAYON, THREADPOOL, ANTS, POND, CONC, ERRGROUP] {
            let factor = ns.zip(figure(EMPTY, theirs)).map(|(ours, theirs)| ours / theirs);
            line(&format!("{ours}: ahead of {theirs}, at most its time"), factor, 1.0);
        }
    }
    let memory_of = |jobs| memory(DETACHED, jobs);
    let growth = memory_of(TEN_MILLION).zip(memory_of(MILLION)).map(|(ten, one)| ten / one);
    line(
        "detached jobs: the memory of 10,000,000 at most 1.25 times that of 1,000,000",
        growth,
        1.25,
    );
    for ours in [MAP, MAP_ELASTIC] {
        line(&format!("{ours}: through `map` at most 25 ns"), figure(MAPPED, ours), 25.0);
    }
    for ours in [TASKS_JOINED, TASKS_COUNTED] {
        let against = |theirs| figure(SLEEP, ours).zip(figure(SLEEP, theirs));
        let factor = against(BUFFERED).map(|(ours, theirs)| ours / theirs);
        line(&format!("{ours}: sleeps in at most 1.5 times buffer_unordered's time"), factor, 1.5);
        let share = against(ANTS).map(|(ours, theirs)| ours / theirs);
        line(&format!("{ours}: sleeps in a quarter of the time of ants"), share, 0.25);
        line(&format!("{ours}: peak memory in MB below 40"), memory(SLEEP, ours), 40.0);
    }
    let bursts =
        figure(BURST, TO_16).zip(figure(BURST, FIXED_1)).map(|(elastic, fixed)| elastic / fixed);
    line("bursts: 1 to 16 workers at most 0.7 times the time of 1", bursts, 0.7);
    line("the second worker of a burst within 1 ms", figure(REACTION, TO_16), 1.0);
    line("an idle pool has its least again: 1 worker", figure(IDLE, TO_16), 1.0);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_kept_or_missed_and_one_that_was_not_measured_is_not_listed() {
        let row = |workload, name, figure| Row {
            workload,
            name,
            shown: String::new(),
            figure,
            least: figure,
            cpu_s: 0.0,
            peak_mb: 0.0,
        };
        let text = listed(&[row(EMPTY, KEPT, 100.0), row(EMPTY, RAYON, 50.0)]);
        assert!(text.contains("in at most 150 ns | 100.00 | kept |"), "{text}");
        assert!(
            text.contains("ahead of rayon, scope, at most its time | 2.00 | missed |"),
            "{text}"
        );
        assert!(!text.contains("ants") && !text.contains("map"), "{text}");
    }
}

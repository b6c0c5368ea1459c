//! Results as a table in Markdown: one line a contender, the first one the measure of the others.

use super::measure::Run;
use super::record::median;

/// A contender's runs, condensed.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) shown: String,
    pub(super) wall_s: f64,
    pub(super) fastest_s: f64,
    pub(super) cpu_s: f64,
    pub(super) peak_mb: f64,
}

impl Row {
    pub(super) fn new(name: &str, shown: &str, runs: &[Run]) -> Self {
        let of = |get: fn(&Run) -> f64| runs.iter().map(get).collect::<Vec<f64>>();
        Row {
            name: name.to_owned(),
            shown: shown.to_owned(),
            wall_s: median(of(|run| run.wall_s)),
            fastest_s: of(|run| run.wall_s).into_iter().fold(f64::INFINITY, f64::min),
            cpu_s: median(of(|run| run.cpu_s)),
            peak_mb: of(|run| run.peak_mb).into_iter().fold(0.0, f64::max),
        }
    }
}

/// A table with the rates that an input of this size gives. The first row is the one that the
/// factors refer to.
pub(super) fn render(rows: &[Row], lines: u64, bytes: u64) -> String {
    let mut text = String::from(
        "| program | median | fastest | factor | million lines/s | GB/s | processor time | GB per processor second | peak memory |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let base = rows.first().map_or(f64::NAN, |row| row.wall_s);
    for row in rows {
        text.push_str(&format!(
            "| {} | {:.3} s | {:.3} s | {:.2} | {:.1} | {:.2} | {:.2} s | {:.2} | {:.0} MB |\n",
            row.name,
            row.wall_s,
            row.fastest_s,
            row.wall_s / base,
            lines as f64 / row.wall_s / 1e6,
            bytes as f64 / row.wall_s / 1e9,
            row.cpu_s,
            bytes as f64 / row.cpu_s / 1e9,
            row.peak_mb,
        ));
    }
    text
}

/// What each program was called with.
pub(super) fn commands(rows: &[Row]) -> String {
    rows.iter().map(|row| format!("- {}: `{}`\n", row.name, row.shown)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_refer_to_the_first_row_and_rates_to_the_input() {
        let run = |wall_s| Run { wall_s, cpu_s: 2.0 * wall_s, peak_mb: 10.0, answer: 1 };
        let rows = [
            Row::new("ours", "ours x", &[run(0.5), run(0.4), run(9.0)]),
            Row::new("theirs", "theirs x", &[run(2.0)]),
        ];
        let text = render(&rows, 10_000_000, 1_000_000_000);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[2],
            "| ours | 0.500 s | 0.400 s | 1.00 | 20.0 | 2.00 | 1.00 s | 1.00 | 10 MB |"
        );
        assert_eq!(
            lines[3],
            "| theirs | 2.000 s | 2.000 s | 4.00 | 5.0 | 0.50 | 4.00 s | 0.25 | 10 MB |"
        );
        assert_eq!(commands(&rows), "- ours: `ours x`\n- theirs: `theirs x`\n");
    }
}

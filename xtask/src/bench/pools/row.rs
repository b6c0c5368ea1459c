//! What is measured of pools, and what is known of a line afterwards.

/// Jobs that several pools do, how many, and what the figure is.
pub(super) struct Workload {
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    pub(super) unit: &'static str,
    /// What the answer of `jobs` jobs must be.
    pub(super) answer: fn(u64) -> Option<u64>,
    pub(super) lines: &'static [Line],
}

/// One line of a table: the name that it has there, the engine and its arguments, and how many jobs
/// or bursts it gets.
pub(super) struct Line(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static [&'static str],
    pub(super) u64,
);

/// A line with what was measured: medians, and the highest memory.
pub(super) struct Row {
    pub(super) workload: &'static str,
    pub(super) name: &'static str,
    pub(super) shown: String,
    pub(super) figure: f64,
    pub(super) least: f64,
    pub(super) cpu_s: f64,
    pub(super) peak_mb: f64,
}

//! One run of the binary: what it gets, and what came of it. It runs nothing and judges nothing.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::json::Json;

/// What to run, and what is known of how it must end.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    pub(super) args: Vec<OsString>,
    /// Pieces for standard input, which is empty without them.
    pub(super) stdin: Option<Vec<Vec<u8>>>,
    /// `--deadline` and `--grace` together, if both are among the arguments.
    pub(super) deadline: Option<Duration>,
    /// The run may replace its inputs.
    pub(super) in_place: bool,
    /// The run may take any time, and is ended after some seconds.
    pub(super) endless: bool,
    /// The file of `--report`.
    pub(super) report: Option<PathBuf>,
    /// What the run may take, if it is not the usual.
    pub(super) memory_mb: Option<u64>,
}

impl Run {
    pub(super) fn new(program: &str) -> Self {
        Self { args: vec![program.into()], ..Self::default() }
    }

    pub(super) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(super) fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds `--report`.
    pub(super) fn report(mut self, name: &str) -> Self {
        self.report = Some(name.into());
        self.arg("--report").arg(name)
    }

    /// Adds `--deadline` and `--grace`.
    pub(super) fn deadline(mut self, deadline_ms: usize, grace_ms: usize) -> Self {
        let time = |ms: usize| Duration::from_millis(ms.try_into().unwrap_or(u64::MAX));
        self.deadline = Some(time(deadline_ms) + time(grace_ms));
        self.args([format!("--deadline={deadline_ms}ms"), format!("--grace={grace_ms}ms")])
    }
}

/// A run that ended.
#[derive(Clone, Debug)]
pub(super) struct Ran {
    /// `None` if it was killed.
    pub(super) code: Option<i32>,
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
    pub(super) report: Option<Json>,
}

impl Ran {
    /// A number of the report's totals.
    pub(super) fn total(&self, name: &str) -> Option<u64> {
        self.report.as_ref()?.get("totals")?.count(name)
    }
}

//! Whether the report's file may stand beside the other files of a run.

use std::path::Path;

use connect::paths::{Claims, STDOUT};

/// The check of all paths that every run begins with: `claims` are those of the program.
pub(crate) fn check(claims: &Claims, report: Option<&Path>) -> Result<(), String> {
    let mut claims = claims.clone();
    match report {
        Some(path) if path.as_os_str() == "-" => claims.writes("--report", Path::new(STDOUT)),
        Some(path) => claims.writes("--report", path),
        None => {}
    }
    claims.check().map_err(|clash| clash.to_string())
}

/// Refuses to write the report to standard output beside `shown`, which goes there too.
pub(crate) fn unmixed(report: Option<&Path>, shown: Option<&str>) -> Result<(), String> {
    match shown {
        Some(shown) if report == Some(Path::new("-")) => Err(format!(
            "--report: - would mix the report with {shown} on standard output; write one of them to a file"
        )),
        _ => Ok(()),
    }
}

//! A run's report as JSON, in the shape that all programs share.

use millstream::Report;
use serde_json::{Value, json};

use crate::exit::Exit;

pub(crate) fn to_json(program: &str, exit: Exit, report: &Report) -> Value {
    let totals = report.totals();
    let micros = |time: Option<std::time::Duration>| time.map(|time| time.as_secs_f64() * 1e6);
    let stages: Vec<Value> = report
        .stages
        .iter()
        .map(|stage| {
            json!({
                "name": stage.name,
                "workers": stage.workers,
                "in": stage.entered,
                "made": stage.made,
                "out": stage.left,
                "filtered": stage.filtered,
                "skipped": stage.skipped,
                "failed": stage.failed,
                "cancelled": stage.cancelled,
                "busy_s": stage.busy.as_secs_f64(),
                "wait_in_s": stage.wait_in.as_secs_f64(),
                "wait_out_s": stage.wait_out.as_secs_f64(),
                "p50_us": micros(stage.p50),
                "p99_us": micros(stage.p99),
            })
        })
        .collect();
    let errors: Vec<Value> = report
        .errors
        .iter()
        .map(|error| json!({"stage": error.stage, "kind": error.kind, "count": error.count, "sample": error.sample}))
        .collect();
    json!({
        "program": program,
        "status": exit.status(),
        "elapsed_s": report.elapsed.as_secs_f64(),
        "totals": {
            "in": totals.entered,
            "out": totals.left,
            "filtered": totals.filtered,
            "skipped": totals.skipped,
            "failed": totals.failed,
            "cancelled": totals.cancelled,
        },
        "balances": report.balances(),
        "stages": stages,
        "bottleneck": report.bottleneck().map(|stage| stage.name.clone()),
        "errors": errors,
    })
}

//! The command line of an engine: `engine-NAME WORKLOAD N`.

use std::process::ExitCode;

use crate::{Workload, costs};

/// Reads the arguments, runs the workload, prints what was measured.
pub fn main(workloads: &[Workload]) -> ExitCode {
    main_with(workloads, &[])
}

/// As [`main`], with what does work of any cost: a load's name, then `-` and the name of one of
/// these if that is not empty.
pub fn main_with(workloads: &[Workload], costs: &[(&str, costs::Engine)]) -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let items = args.get(2).and_then(|n| n.parse().ok()).filter(|n| *n > 0);
    let measured = match (args.get(1), items) {
        (Some(name), Some(items)) => workloads
            .iter()
            .find(|(workload, _)| workload == name)
            .map(|(_, run)| run(items))
            .or_else(|| {
                costs
                    .iter()
                    .find_map(|(how, engine)| costs::measure(*engine, without(name, how)?, items))
            }),
        _ => None,
    };
    let Some((ns, answer)) = measured else {
        let names: Vec<&str> = workloads.iter().map(|(name, _)| *name).collect();
        let loads: Vec<&str> =
            costs::LOADS.iter().filter(|_| !costs.is_empty()).map(|load| load.name).collect();
        let hows: Vec<&str> = costs.iter().map(|(how, _)| *how).collect();
        eprintln!(
            "usage: {} WORKLOAD N, where WORKLOAD is one of {} {} (the last ones followed by one of {hows:?})",
            args[0],
            names.join(", "),
            loads.join(", ")
        );
        return ExitCode::from(2);
    };
    println!("{ns:.3} {answer}");
    ExitCode::SUCCESS
}

/// `name` without `-how` at its end; as it is, for an empty `how`.
fn without<'a>(name: &'a str, how: &str) -> Option<&'a str> {
    if how.is_empty() { Some(name) } else { name.strip_suffix(how)?.strip_suffix('-') }
}

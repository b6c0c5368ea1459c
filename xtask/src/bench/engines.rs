//! `cargo xtask bench engines`: numbers through pipelines, pools and channels, by the library and
//! by its peers.
//!
//! Each engine measures inside its own process and prints nanoseconds an item and the answer; here
//! they run in turns.

use std::path::PathBuf;

use super::record::{chosen, median, publish};
use super::{machine, peers};
use crate::shell::{self, Result, cargo, command, output, step};

/// Work that several engines do, with the number of items, and what it shows.
struct Workload {
    title: &'static str,
    items: u64,
    unit: &'static str,
    /// Engine and its name for the work; the first is the measure of the others.
    engines: &'static [(&'static str, &'static str)],
}

const NUMBERS: &[(&str, &str)] = &[
    ("iterator", "numbers"),
    ("millstream", "numbers"),
    ("millstream", "numbers-parallel"),
    ("rayon", "numbers"),
    ("go", "loop"),
    ("go", "numbers"),
];
const SMALL: &[(&str, &str)] = &[
    ("iterator", "numbers"),
    ("millstream", "numbers"),
    ("millstream", "numbers-parallel"),
    ("rayon", "numbers"),
    ("go", "numbers"),
];
const COSTLY: &[(&str, &str)] = &[
    ("iterator", "costly"),
    ("millstream", "costly"),
    ("rayon", "costly"),
    ("rayon", "costly-bridge"),
];
const HOPS: &[(&str, &str)] =
    &[("crossbeam", "hops"), ("millstream", "hops"), ("tokio", "hops"), ("go", "hops")];
const ONE_TO_ONE: &[(&str, &str)] = &[("crossbeam", "one-to-one"), ("millstream", "one-to-one")];
const FOUR_TO_ONE: &[(&str, &str)] = &[("crossbeam", "four-to-one"), ("millstream", "four-to-one")];
const FAN: &[(&str, &str)] = &[
    ("go", "fan"),
    ("millstream", "fan"),
    ("millstream", "fan-by-key"),
    ("millstream", "fan-by-key-in-order"),
    ("millstream", "fan-in-order"),
];
const FAN_COSTLY: &[(&str, &str)] =
    &[("iterator", "fan-costly"), ("millstream", "fan-costly"), ("go", "fan-costly")];
const IDLE: &[(&str, &str)] =
    &[("crossbeam", "latency"), ("millstream", "latency"), ("go", "latency")];
const BUSY: &[(&str, &str)] =
    &[("crossbeam", "latency-busy"), ("millstream", "latency-busy"), ("go", "latency-busy")];

const fn load(
    title: &'static str,
    items: u64,
    engines: &'static [(&'static str, &'static str)],
) -> Workload {
    Workload { title, items, unit: PER_ITEM, engines }
}

/// Items of one cost through everybody that maps them in order on as many threads.
macro_rules! costs {
    ($title:literal, $load:literal, $items:literal) => {
        load(
            $title,
            $items,
            &[
                ("rayon", $load),
                ("millstream", $load),
                ("millstream", concat!($load, "-elastic")),
                ("millstream", concat!($load, "-fan")),
                ("orx-parallel", $load),
                ("pariter", $load),
                ("threads", $load),
                ("threads", concat!($load, "-loop")),
            ],
        )
    };
}

/// The same for items that sleep, which rayon's threads of computation are not made for; the
/// measure is the best that the threads can do.
macro_rules! sleeps {
    ($title:literal, $load:literal, $items:literal) => {
        load(
            $title,
            $items,
            &[
                ("threads", $load),
                ("millstream", $load),
                ("millstream", concat!($load, "-elastic")),
                ("millstream", concat!($load, "-fan")),
                ("orx-parallel", $load),
                ("pariter", $load),
            ],
        )
    };
}

/// How runs end: two workers, items of 20 ms.
macro_rules! ends {
    ($title:literal, $work:literal) => {
        Workload {
            title: $title,
            items: 40,
            unit: IN_ALL,
            engines: &[("threads", $work), ("millstream", $work)],
        }
    };
}

/// Items of any cost, few and many.
const COSTS: &[Workload] = &[
    costs!("Items of a microsecond on two threads: eight", "compute-1us", 8),
    costs!("Items of a microsecond on two threads: twenty thousand", "compute-1us", 20_000),
    costs!("Items of ten microseconds on two threads: eight", "compute-10us", 8),
    costs!("Items of ten microseconds on two threads: two thousand", "compute-10us", 2_000),
    costs!("Items of a tenth of a millisecond on two threads: eight", "compute-100us", 8),
    costs!("Items of a tenth of a millisecond on two threads: four hundred", "compute-100us", 400),
    costs!("Items of a millisecond on two threads: eight", "compute-1ms", 8),
    costs!("Items of a millisecond on two threads: a hundred", "compute-1ms", 100),
    costs!("Items of twenty milliseconds on two threads: eight", "compute-20ms", 8),
    costs!(
        "Uneven, the first hundredth a thousand times as long: twenty thousand",
        "uneven-start",
        20_000
    ),
    costs!(
        "Uneven, every hundredth a thousand times as long: twenty thousand",
        "uneven-spread",
        20_000
    ),
    costs!(
        "Uneven, the last hundredth a thousand times as long: twenty thousand",
        "uneven-end",
        20_000
    ),
    sleeps!("Sleeping items of 100 ms on eight threads: eight", "sleep-100ms-on-8", 8),
    sleeps!("Sleeping items of 100 ms on twenty threads: a hundred", "sleep-100ms-on-20", 100),
    sleeps!("Sleeping items of 15 ms on two threads: ten", "sleep-15ms-on-2", 10),
    sleeps!("Sleeping items of 1 ms on 64 threads: a thousand", "sleep-1ms-on-64", 1_000),
    ends!("A deadline in the second round of items", "deadline"),
    ends!("The first item fails after 10 ms", "first-error"),
    ends!("One result is wanted", "take-one"),
    ends!("The first result", "first-result"),
];

const WORKLOADS: &[Workload] = &[
    Workload {
        title: "Squares, the even ones collected: a million",
        items: 1_000_000,
        unit: PER_ITEM,
        engines: NUMBERS,
    },
    Workload { title: "The same, a thousand", items: 1_000, unit: PER_ITEM, engines: SMALL },
    Workload { title: "The same, five", items: 5, unit: PER_ITEM, engines: SMALL },
    Workload {
        title: "A stage of about 100 ns: a million",
        items: 1_000_000,
        unit: PER_ITEM,
        engines: COSTLY,
    },
    load("A channel, item by item, one to one: a million", 1_000_000, ONE_TO_ONE),
    load("A channel, item by item, four to one: a million", 1_000_000, FOUR_TO_ONE),
    Workload {
        title: "Three boundaries: ten million",
        items: 10_000_000,
        unit: PER_ITEM,
        engines: HOPS,
    },
    Workload {
        title: "A fan of four branches that hand on: a million",
        items: 1_000_000,
        unit: PER_ITEM,
        engines: FAN,
    },
    Workload {
        title: "A fan as wide as there are cores, a microsecond an item: a million",
        items: 1_000_000,
        unit: PER_ITEM,
        engines: FAN_COSTLY,
    },
    Workload {
        title: "One item through idle threads, four waits",
        items: 2_000,
        unit: EACH,
        engines: IDLE,
    },
    Workload {
        title: "One item after the other, four waits",
        items: 20_000,
        unit: EACH,
        engines: BUSY,
    },
];
const PER_ITEM: &str = "ns an item";
const IN_ALL: &str = "ns in all";
const EACH: &str = "ns, the median item";

/// Builds the engines, runs them in turns, shows and records the table.
pub(crate) fn run(args: &[String]) -> Result {
    let (mut repeat, mut only) = (5, None);
    for (name, value) in shell::flags(args, &["repeat", "only"])? {
        match name {
            "repeat" => repeat = shell::number(name, value)?.max(1),
            _ => only = Some(value),
        }
    }
    const NAMES: &[&str] = &[
        "iterator",
        "millstream",
        "crossbeam",
        "rayon",
        "tokio",
        "threads",
        "pariter",
        "orx-parallel",
    ];
    let mut engines = build(NAMES)?;
    match peers::go("go-guide", "numbers") {
        Ok(peer) => engines.push(("go", peer.program.into())),
        Err(error) => println!("Go is skipped: {error}"),
    }
    let description = machine::description()?;
    let mut page = format!(
        "# The library and its peers\n\n{description}\n\nRepeat it with `cargo xtask bench engines`. {repeat} turns, everybody \
         once a turn, medians; each engine measures inside of its process. `factor` is against the first row.\n"
    );
    for workload in WORKLOADS.iter().chain(COSTS).filter(|workload| chosen(only, workload.title)) {
        page.push_str(&compare(workload, repeat, &engines)?);
    }
    publish("engines", &page, only.is_none())
}

/// Builds all engines of the bench workspace and says where those with these names are.
pub(super) fn build(names: &[&'static str]) -> Result<Vec<(&'static str, PathBuf)>> {
    let directory = shell::target_dir().join("bench-engines");
    step("build the engines", || {
        let args = [
            "build",
            "--release",
            "--workspace",
            "--locked",
            "--manifest-path",
            "bench/Cargo.toml",
        ];
        shell::run(cargo(&args).env("CARGO_TARGET_DIR", &directory))
    })?;
    let file = |name: &str| {
        directory.join("release").join(format!("engine-{name}{}", std::env::consts::EXE_SUFFIX))
    };
    Ok(names.iter().map(|name| (*name, file(name))).collect())
}

/// Runs one workload's engines in turns; an answer that differs from the first engine's ends it.
fn compare(workload: &Workload, repeat: usize, engines: &[(&str, PathBuf)]) -> Result<String> {
    println!("── {}", workload.title);
    let path =
        |name: &str| engines.iter().find(|(engine, _)| *engine == name).map(|(_, path)| path);
    let present: Vec<_> = workload
        .engines
        .iter()
        .filter_map(|(name, work)| Some((*name, *work, path(name)?)))
        .collect();
    let mut times = vec![Vec::new(); present.len()];
    let mut expected = None;
    for _ in 0..repeat {
        for ((name, work, path), times) in present.iter().zip(&mut times) {
            let text = output(command(path).arg(work).arg(workload.items.to_string()))?;
            let (time, answer) =
                parse(&text).ok_or_else(|| format!("{name} {work} printed `{}`", text.trim()))?;
            if *expected.get_or_insert(answer) != answer {
                return Err(format!(
                    "wrong answer: {name} {work}: {answer} instead of {expected:?}"
                )
                .into());
            }
            times.push(time);
        }
    }
    let medians: Vec<f64> = times.into_iter().map(median).collect();
    let mut text = format!(
        "\n## {}\n\n| engine | {} | factor |\n|---|---:|---:|\n",
        workload.title, workload.unit
    );
    for ((name, work, _), time) in present.iter().zip(&medians) {
        let factor = time / medians[0];
        println!("{name:12} {work:18} {time:>12.2} {} ({factor:.2})", workload.unit);
        text.push_str(&format!("| {name}, {work} | {time:.2} | {factor:.2} |\n"));
    }
    Ok(text)
}

/// Nanoseconds and the answer, as an engine prints them.
pub(super) fn parse(text: &str) -> Option<(f64, u64)> {
    let (time, answer) = text.trim().split_once(' ')?;
    Some((time.parse().ok()?, answer.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_prints_is_a_time_and_an_answer() {
        assert_eq!(parse("1.250 42\n"), Some((1.25, 42)));
        assert_eq!(parse("42\n"), None);
        assert_eq!(parse("fast 42\n"), None);
    }

    #[test]
    fn every_workload_has_something_to_be_compared_with() {
        for workload in WORKLOADS {
            assert!(workload.engines.len() > 1, "{}", workload.title);
            assert!(
                workload.engines.iter().any(|(engine, _)| *engine == "millstream"),
                "{}",
                workload.title
            );
        }
    }
}

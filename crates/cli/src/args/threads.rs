//! `--workers`.

use std::ops::RangeInclusive;

use clap::Args as ClapArgs;

/// More threads than this are no use to anybody, and a system that cannot have them stops in the
/// middle of its work.
const MOST_THREADS: usize = 1_024;

/// What every program understands that works on cores.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Run")]
pub(crate) struct Threads {
    /// Number of worker threads, or a range in which it follows the load
    #[arg(long, value_name = "N|N..=M", value_parser = workers)]
    workers: Option<RangeInclusive<usize>>,
}

impl Threads {
    pub(crate) fn workers(&self) -> RangeInclusive<usize> {
        self.workers.clone().unwrap_or_else(|| {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            1..=cores
        })
    }
}

/// `4`, or `1..=4`.
fn workers(text: &str) -> Result<RangeInclusive<usize>, String> {
    let expected = || {
        format!(
            "\"{text}\" is not a number of threads: expected 4, or 1..=4, of at most {MOST_THREADS} threads"
        )
    };
    let number = |text: &str| {
        text.trim()
            .parse::<usize>()
            .ok()
            .filter(|n| (1..=MOST_THREADS).contains(n))
            .ok_or_else(expected)
    };
    match text.split_once("..=").or_else(|| text.split_once("..")) {
        None => number(text).map(|n| n..=n),
        Some((least, most)) => {
            let (least, most) = (number(least)?, number(most)?);
            if least <= most { Ok(least..=most) } else { Err(expected()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::workers;

    #[test]
    fn a_number_of_threads_is_a_number_or_a_range() {
        assert_eq!(workers("4"), Ok(4..=4));
        assert_eq!(workers("1..=8"), Ok(1..=8));
        for wrong in ["0", "8..=1", "many", "1..=", "", "1025", "1..=4294967295", "-1"] {
            assert!(workers(wrong).is_err(), "{wrong}");
        }
    }
}

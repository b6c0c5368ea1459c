//! What all comparisons share: where they work, which contenders were asked for, and the page that
//! is written down.

use std::fs;
use std::path::PathBuf;

use super::machine;
use crate::shell::{self, Result, context};

/// Where everything that a comparison makes is kept; a directory of it, made if it is missing.
pub(super) fn directory(name: &str) -> Result<PathBuf> {
    let directory = shell::target_dir().join("bench").join(name);
    context(fs::create_dir_all(&directory), directory.display())?;
    Ok(directory)
}

/// The middle one of some numbers; of an even count the upper of both.
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Keeps those that were asked for by `--only a,b`, or all.
pub(super) fn chosen(only: Option<&str>, name: &str) -> bool {
    only.is_none_or(|only| only.split(',').any(|wanted| name.contains(wanted.trim())))
}

/// Shows a run's page and writes it to `bench/record/<date>-<machine>/NAME.md`; a partial run is
/// only shown.
pub(super) fn publish(name: &str, page: &str, whole: bool) -> Result {
    println!("\n{page}");
    if !whole {
        println!("Not recorded: only a part was run.");
        return Ok(());
    }
    let directory = shell::root().join("bench/record").join(format!(
        "{}-{}",
        machine::today()?,
        machine::slug()
    ));
    context(fs::create_dir_all(&directory), directory.display())?;
    let path = directory.join(format!("{name}.md"));
    context(fs::write(&path, page), path.display())?;
    println!("Recorded: {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_not_moved_by_one_slow_run() {
        assert_eq!(median(vec![3.0, 1.0, 900.0]), 3.0);
        assert_eq!(median(vec![2.0, 1.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn only_picks_by_a_part_of_the_name() {
        assert!(chosen(None, "mawk"));
        assert!(chosen(Some("rg,mawk"), "mawk"));
        assert!(chosen(Some("millstream"), "millstream, one worker"));
        assert!(!chosen(Some("rg"), "mawk"));
    }
}

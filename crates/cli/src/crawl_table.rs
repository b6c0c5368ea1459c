//! The table at the end of `millstream crawl`: pages, failures by kind, links, hosts, bytes, and
//! what is left.

use std::cmp::Reverse;

use connect::Destination;
use connect::paths::shown;
use crawl::{Config, Ended, Outcome, Summary};

use crate::exit::Exit;
use crate::figures::{bytes, rate, short, words};

/// One line each.
pub(crate) fn lines(config: &Config, outcome: &Outcome, exit: Exit) -> Vec<String> {
    let sum = &outcome.summary;
    let elapsed = outcome.report.elapsed;
    let rate = rate(sum.pages + sum.failed, "pages", elapsed);
    let enough = if matches!(outcome.ended, Some(Ended::Enough)) {
        "; as many pages as were asked for"
    } else {
        ""
    };
    let mut lines = vec![format!("{} in {}{rate}{enough}", exit.words(), short(elapsed))];
    let mut row = |name: &str, count: u64, rest: &str| {
        if count > 0 {
            lines.push(format!("  {name:<26}{count:>9}{rest}"));
        }
    };
    row("pages", sum.pages, "");
    row("  redirects of them", sum.redirects, "");
    row("failed", sum.failed, "");
    let mut kinds: Vec<_> = sum.failures.iter().collect();
    kinds.sort_by_key(|(_, count)| Reverse(**count));
    for (kind, count) in kinds {
        row(&format!("  {}", words(*kind)), *count, "");
    }
    row("links", sum.links, "");
    row("URLs found", sum.found, "");
    let hosts_down =
        if sum.hosts_down > 0 { format!(", {} given up", sum.hosts_down) } else { String::new() };
    row("hosts", sum.hosts, &hosts_down);
    row("requests", sum.requests, &format!(", {} of bodies", bytes(sum.bytes)));
    row("URLs left", sum.left, "; --resume goes on with them");
    if sum.pages + sum.failed == 0 && sum.left == 0 && exit == Exit::Done {
        lines.push("  nothing is left to be done".to_owned());
    }
    lines.extend(whereabouts(config, sum));
    lines
}

/// Where it stands which URLs failed, and why.
fn whereabouts(config: &Config, sum: &Summary) -> Option<String> {
    let place = match &config.to {
        _ if sum.failed == 0 => return None,
        Destination::Sqlite(_) | Destination::Postgres(_) => {
            format!("in the table pages of {}", config.to)
        }
        Destination::JsonLines(Some(path)) => format!("in {}", shown(path)),
        _ => "of each page".to_owned(),
    };
    Some(format!("  which and why: columns error and message {place}"))
}

#[cfg(test)]
mod tests {
    use crawl::page::ErrorKind;

    use super::*;

    #[test]
    fn the_place_of_failures_is_named_only_if_there_are_some() {
        let config = Config::new(["http://a/"], Destination::Sqlite("a.db".into()));
        let mut sum = Summary::default();
        assert_eq!(whereabouts(&config, &sum), None);
        sum.failed = 1;
        assert!(whereabouts(&config, &sum).unwrap().ends_with("in the table pages of sqlite:a.db"));
        assert_eq!(words(ErrorKind::TooLarge), "too large");
    }
}

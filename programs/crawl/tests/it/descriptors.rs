//! A process that may have few descriptors crawls all the same: that none is left is no fault of
//! any host.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crawl::testing::good_web::{GoodWeb, Graph, Plan};
use millstream::Context;

use crate::crawling::{crawl_within, eager, rows};

/// Descriptors of the process that crawls: fewer than it has workers.
const FEW: u32 = 40;
const HOSTS: u32 = 80;
const DIRECTORY: &str = "MILLSTREAM_TEST_DIRECTORY";

#[test]
#[cfg(unix)]
fn running_out_of_descriptors_costs_no_page() {
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan {
        graph: Graph::new(HOSTS, 5, 3),
        latency: Duration::from_millis(20),
        ..Plan::default()
    };
    GoodWeb::serve(&Context::new(), plan, |web| {
        let starts: Vec<String> = (0..HOSTS).map(|host| web.origin(host.into())).collect();
        std::fs::write(directory.path().join("starts.txt"), starts.join("\n")).unwrap();
        // The limit is one of a process, and the other tests need theirs.
        let crawl = Command::new("sh")
            .args(["-c", &format!("ulimit -n {FEW} && exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "descriptors::crawls_in_a_process_of_its_own"])
            .env(DIRECTORY, directory.path())
            .output()
            .unwrap();
        assert!(crawl.status.success(), "{}", String::from_utf8_lossy(&crawl.stdout));
        let rows = rows(&directory.path().join("out.db"));
        assert_eq!(rows.len() as u64, web.graph().pages());
        let failed: Vec<_> = rows.iter().filter_map(|row| row.message.as_deref()).collect();
        assert!(failed.is_empty(), "{failed:?}");
    })
    .unwrap();
}

#[test]
#[ignore = "the test above runs it, with a limit"]
fn crawls_in_a_process_of_its_own() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let directory = Path::new(&directory);
    let mut config = eager(Vec::<String>::new(), &directory.join("out.db"));
    (config.urls, config.workers) = (Some(directory.join("starts.txt")), HOSTS as usize);
    config.request.timeout = Duration::from_secs(30);
    let outcome = crawl_within(&config, Duration::from_secs(60));
    assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
}

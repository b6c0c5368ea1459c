//! What the tests of frontiers share: a web of numbers, a crawler of it that fetches nothing, and a
//! child process that can be killed.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crawl::frontier::{Done, End, Found, Frontier, HostId, HostState, Step, Visit};
use crawl::page::Page;

/// Hosts that the numbers are spread over.
pub(crate) const HOSTS: u64 = 7;

/// The URL of a number.
pub(crate) fn found(number: u64) -> Found {
    Found {
        url: format!("http://h{}.test/{number}", number % HOSTS),
        origin: format!("http://h{}.test:80", number % HOSTS),
        key: u128::from(number) << 64 | 5,
        depth: 1,
        redirects: 0,
        step: Step::Start,
    }
}

/// The number of a URL.
pub(crate) fn number(url: &str) -> u64 {
    url.rsplit('/').next().unwrap().parse().unwrap()
}

/// A page for a visit.
pub(crate) fn page(visit: &Visit) -> Page {
    Page {
        url: visit.url.clone(),
        depth: visit.depth,
        status: Some(200),
        redirect: None,
        redirects: visit.redirects,
        content_type: Some("text/html".to_owned()),
        bytes: 2_000,
        elapsed: Duration::from_micros(1_500),
        title: visit.id.0.is_multiple_of(2).then(|| format!("Title of {}", visit.url)),
        links: 3,
        error: None,
        message: None,
        attempts: visit.attempts + 1,
        fetched_at: 1_760_000_000_000_000,
    }
}

/// A visit that ended well, on a page that leads to `links`.
pub(crate) fn stored(visit: &Visit, links: impl IntoIterator<Item = u64>) -> Done {
    let found = links.into_iter().map(found).collect();
    Done { visit: visit.id, host: visit.host, end: End::Stored { page: page(visit), found } }
}

/// A visit that is to be made again.
pub(crate) fn again(visit: &Visit, not_before_us: i64) -> Done {
    let end = End::Retry { attempts: visit.attempts + 1, not_before_us };
    Done { visit: visit.id, host: visit.host, end }
}

/// Numbers below `size`, of which each leads to three others, and all can be reached from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Web {
    pub(crate) size: u64,
}

impl Web {
    pub(crate) fn links(self, number: u64) -> [u64; 3] {
        [number * 2 + 1, number * 2 + 2, number + 1].map(|to| to % self.size)
    }

    /// Visits what is left, in batches of changing size with a failure now and then, until nothing
    /// is pending or `committed` says to stop. Each commit is reported to it.
    pub(crate) fn crawl(self, frontier: &mut dyn Frontier, mut committed: impl FnMut(u64) -> bool) {
        frontier.add(&[found(0)]).unwrap();
        let mut hosts: Vec<HostId> = Vec::new();
        let mut now_us = 1_760_000_000_000_000;
        while !frontier.counts().unwrap().is_finished() {
            now_us += 1_000_000;
            let claimed = frontier.claim(HOSTS as usize, now_us).unwrap();
            hosts.extend(claimed.hosts.iter().map(|host| host.id));
            let lost = frontier.renew(now_us).unwrap();
            hosts.retain(|host| !lost.contains(host));
            let wants: Vec<(HostId, usize)> =
                hosts.iter().map(|host| (*host, 1 + random(8) as usize)).collect();
            let visits = frontier.take(&wants, now_us).unwrap();
            let done: Vec<Done> = visits
                .iter()
                .map(|visit| match random(20) {
                    0 => again(visit, now_us + 2_000_000),
                    _ => stored(visit, self.links(number(&visit.url))),
                })
                .collect();
            let states: Vec<(HostId, HostState)> =
                hosts.iter().map(|host| (*host, HostState::default())).collect();
            let kept = frontier.commit(&done, &states, now_us).unwrap();
            hosts.retain(|host| !kept.lost.contains(host));
            if !committed(kept.stored) {
                return;
            }
        }
    }

    /// Asserts that every number has exactly one of the `urls`.
    pub(crate) fn assert_whole(self, urls: impl IntoIterator<Item = String>) {
        let mut times: BTreeMap<u64, u64> = BTreeMap::new();
        for url in urls {
            *times.entry(number(&url)).or_default() += 1;
        }
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).take(5).collect();
        assert!(twice.is_empty(), "stored more than once: {twice:?}");
        let missing: Vec<u64> = (0..self.size).filter(|n| !times.contains_key(n)).take(5).collect();
        assert!(missing.is_empty() && times.len() as u64 == self.size, "missing: {missing:?}");
    }
}

/// This test binary, run again with only the (ignored) test `name`, which finds `target` in its
/// environment.
pub(crate) struct Crawler {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Crawler {
    pub(crate) fn start(name: &str, target: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env("CRAWL_TEST_TARGET", target)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Waits until the child has made `n` more commits; false when it has finished before.
    pub(crate) fn wait_for_commits(&mut self, n: u64) -> bool {
        let mut seen = 0;
        let mut line = String::new();
        while seen < n {
            line.clear();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return false;
            }
            seen += u64::from(line.contains("committed"));
        }
        true
    }

    /// Ends the child with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has finished by itself.
    pub(crate) fn wait(mut self) -> bool {
        while self.wait_for_commits(1) {}
        self.child.wait().unwrap().success()
    }
}

/// What [`Crawler::start`] gave this process to work on.
pub(crate) fn target() -> String {
    std::env::var("CRAWL_TEST_TARGET").expect("this test is run by other tests only")
}

/// Numbers that differ from run to run, so that children are killed at other points each time.
pub(crate) fn random(below: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(below) % below
}

/// A file system of a few hundred kilobytes, where the system lets the test mount one.
pub(crate) struct SmallDisk {
    directory: tempfile::TempDir,
}

impl SmallDisk {
    pub(crate) fn mount(kib: u32) -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|e| e.to_string())?;
        let disk = Self { directory };
        disk.call("-t", "tmpfs", &format!("size={kib}k"))?;
        Ok(disk)
    }

    /// Gives it another size.
    pub(crate) fn resize(&self, kib: u32) {
        self.call("-t", "tmpfs", &format!("remount,size={kib}k")).unwrap();
    }

    fn call(&self, flag: &str, kind: &str, options: &str) -> Result<(), String> {
        let output = Command::new("mount")
            .args([flag, kind, "-o", options, "tmpfs"])
            .arg(self.directory.path())
            .output()
            .map_err(|e| format!("no small disk can be mounted: {e}"))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() {
            Ok(())
        } else {
            Err(format!("no small disk can be mounted: {said}"))
        }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since a failed test may still have a file open there.
        Command::new("umount").arg("-l").arg(self.directory.path()).status().ok();
    }
}

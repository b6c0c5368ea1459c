//! What the frontier in SQLite costs: CPU of a page with ten links, and memory with many URLs. It
//! fetches nothing.
//!
//! `cargo run --release -p millstream-crawl --example frontier_cost -- PENDING HOSTS [PAGES]`: a
//! frontier with that many pending URLs on that many hosts is made, opened again, and then PAGES
//! pages (20,000) are taken and committed, of whose links nine in ten were seen before. Linux only:
//! it reads /proc.
#![expect(clippy::print_stdout, reason = "figures are all that it is for")]

use std::error::Error;
use std::time::Duration;

use crawl::frontier::{
    Begin, Done, End, Found, Frontier, HostId, Output, Settings, SqliteFrontier, Step, Visit,
};
use crawl::page::Page;

/// Visits in a commit.
const BATCH: usize = 256;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let pending = arguments.next().transpose()?.unwrap_or(1);
    let hosts = arguments.next().transpose()?.unwrap_or(1).max(1);
    let pages = arguments.next().transpose()?.unwrap_or(20_000);
    let directory = tempfile::tempdir_in(".")?;
    let path = directory.path().join("out.db");
    let open = |begin| SqliteFrontier::open(&path, Output::Table, &Settings::new(), begin, None);

    let mut frontier = open(Begin::New)?;
    let started = cpu_us()?;
    let mut added = 0;
    while added < pending {
        let until = pending.min(added + 10_000);
        let found: Vec<Found> = (added..until).map(|n| url(n, hosts)).collect();
        added += frontier.add(&found)?.new_urls();
    }
    println!(
        "added {added} URLs: {:.2} us each, text and key included",
        per(cpu_us()? - started, added)
    );
    drop(frontier);

    let started = cpu_us()?;
    let mut frontier = open(Begin::Resume)?;
    println!("opened: {:.2} s of CPU, peak memory {} MB", (cpu_us()? - started) / 1e6, peak_mb()?);

    let (taking, committing, done) = run(&mut frontier, pending, hosts, pages)?;
    println!(
        "{done} pages of 10 links: take {:.2} us, commit {:.2} us",
        per(taking, done),
        per(committing, done)
    );
    let counts = frontier.counts()?;
    println!("{} URLs seen, {} done, peak memory {} MB", counts.seen, counts.done, peak_mb()?);
    frontier.close(0)?;
    println!("file: {} MB", std::fs::metadata(&path)?.len() >> 20);
    Ok(())
}

/// Takes and commits pages; gives microseconds of CPU in `take`, in `commit`, and the number of
/// pages.
fn run(
    frontier: &mut SqliteFrontier,
    pending: u64,
    hosts: u64,
    pages: u64,
) -> Result<(f64, f64, u64), Box<dyn Error>> {
    let (mut taking, mut committing, mut stored, mut next) = (0.0, 0.0, 0, pending);
    let mut claimed: Vec<HostId> = Vec::new();
    while stored < pages {
        let before = cpu_us()?;
        if claimed.is_empty() {
            claimed.extend(frontier.claim(1_000, 0)?.hosts.iter().map(|host| host.id));
        }
        let share = BATCH.div_ceil(claimed.len().max(1));
        let from = (stored as usize / BATCH * BATCH) % claimed.len().max(1);
        let wants: Vec<(HostId, usize)> = claimed
            .iter()
            .cycle()
            .skip(from)
            .take(claimed.len().min(BATCH))
            .map(|id| (*id, share))
            .collect();
        let visits = frontier.take(&wants, 0)?;
        taking += cpu_us()? - before;
        if visits.is_empty() {
            break;
        }
        let done: Vec<Done> = visits.iter().map(|visit| page_of(visit, &mut next, hosts)).collect();
        let before = cpu_us()?;
        stored += frontier.commit(&done, &[], 0)?.stored;
        committing += cpu_us()? - before;
    }
    Ok((taking, committing, stored))
}

/// A page with one new link and nine to pages that were seen.
fn page_of(visit: &Visit, next: &mut u64, hosts: u64) -> Done {
    let mut found: Vec<Found> =
        (1..10).map(|n| url(mix(visit.id.0 * 10 + n) % *next, hosts)).collect();
    found.push(url(*next, hosts));
    *next += 1;
    let page = Page {
        url: visit.url.clone(),
        depth: visit.depth,
        status: Some(200),
        redirect: None,
        redirects: 0,
        content_type: Some("text/html; charset=utf-8".to_owned()),
        bytes: 2_048,
        elapsed: Duration::from_micros(800 + visit.id.0 % 1_000),
        title: Some(format!("Page number {} of a site", visit.id.0)),
        links: 10,
        error: None,
        message: None,
        attempts: 1,
        fetched_at: 1_760_000_000_000_000 + visit.id.0 as i64 * 100,
    };
    Done { visit: visit.id, host: visit.host, end: End::Stored { page, found } }
}

fn url(number: u64, hosts: u64) -> Found {
    let origin = format!("http://host-{}.example:8080", mix(number) % hosts);
    let url = format!("{origin}/section/{}/page-{number}.html", number % 97);
    let key = u128::from(mix(number)) << 64 | u128::from(mix(!number));
    Found { url, origin, key, depth: 1, redirects: 0, step: Step::Start }
}

/// Spreads numbers over 64 bits.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

fn per(us: f64, count: u64) -> f64 {
    us / count.max(1) as f64
}

/// Microseconds that this thread was on a CPU.
fn cpu_us() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().ok_or("no number")?.parse::<f64>()? / 1e3)
}

/// The most memory that this process ever had.
fn peak_mb() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? >> 10)
}

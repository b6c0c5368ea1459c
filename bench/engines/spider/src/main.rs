//! Visits a whole site with spider, and prints how long it took and how many pages it saw. It
//! stores nothing.
//!
//! engine-spider URL PARALLELISM

use std::error::Error;
use std::time::Instant;

use spider::tokio::{self, sync::broadcast::error::RecvError};
use spider::website::Website;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, parallelism] = args.as_slice() else {
        return Err("usage: engine-spider URL PARALLELISM".into());
    };
    let mut site = Website::new(url);
    site.with_respect_robots_txt(true).with_delay(0).with_concurrency_limit(Some(parallelism.parse()?));
    let mut came = site.subscribe(16_384);
    let counting = tokio::spawn(async move {
        let (mut pages, mut failed) = (0_u64, 0_u64);
        loop {
            match came.recv().await {
                Ok(page) if page.get_bytes().is_some_and(|bytes| !bytes.is_empty()) => pages += 1,
                Ok(_) => failed += 1,
                // They were fetched, too, and came faster than they were counted.
                Err(RecvError::Lagged(missed)) => pages += missed,
                Err(RecvError::Closed) => return (pages, failed),
            }
        }
    });
    let start = Instant::now();
    site.crawl().await;
    let took = start.elapsed().as_secs_f64();
    site.unsubscribe();
    drop(site);
    let (pages, failed) = counting.await?;
    if failed > 0 {
        return Err(format!("{failed} pages were empty").into());
    }
    println!("{took:.6} {pages}");
    Ok(())
}

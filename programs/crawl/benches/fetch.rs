//! Processor time of one fetch on a kept connection, tokio included, without the server's: that is
//! another process.
//!
//! `cargo bench -p millstream-crawl --bench fetch`. It prints microseconds a page of 2,000 bytes,
//! the median of five rounds, for a runtime of one thread and of two.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crawl::fetch::{Ask, Client, Settings};
use crawl::testing::bad_web::BadWeb;
use millstream::{Context, TaskPool};
use tokio::runtime::{Builder, Runtime};

const PAGES: usize = 20_000;
const ROUNDS: usize = 5;
const AT_A_TIME: usize = 64;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), BoxError> {
    if std::env::args().any(|arg| arg == "--serve") {
        return serve();
    }
    let mut server = Server::start()?;
    let origin = server.origin()?;
    for threads in [1, 2] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(runtime(threads)?.block_on(round(&origin))?);
        }
        rounds.sort_unstable();
        let (median, spread) = (rounds[ROUNDS / 2], (rounds[0], rounds[ROUNDS - 1]));
        let stdout = &mut std::io::stdout();
        writeln!(
            stdout,
            "threads {threads}: {median:?} of processor time a page, rounds {spread:?}"
        )?;
    }
    Ok(())
}

fn runtime(threads: usize) -> std::io::Result<Runtime> {
    match threads {
        1 => Builder::new_current_thread().enable_all().build(),
        _ => Builder::new_multi_thread().worker_threads(threads).enable_all().build(),
    }
}

/// Fetches all pages and returns the processor time of each.
async fn round(origin: &str) -> Result<Duration, BoxError> {
    let ctx = Context::new();
    let client = Client::new(Settings { allow_private: true, ..Settings::default() })?;
    let pool = TaskPool::new(&ctx, AT_A_TIME);
    let url: url::Url = format!("{origin}/large?bytes=2000").parse()?;
    let run = async |count: usize| -> Result<(), BoxError> {
        let (ctx_of_pages, client, url) = (ctx.clone(), client.clone(), url.clone());
        let mut pages = pool.try_map(&ctx, 0..count, move |_| {
            let (ctx, client, url) = (ctx_of_pages.clone(), client.clone(), url.clone());
            async move { Ok::<_, Infallible>(client.get(&ctx, &url, &Ask::default()).await) }
        });
        while let Some(page) = pages.next().await {
            assert_eq!(page???.body.len(), 2000);
        }
        Ok(())
    };
    // The connections come first.
    run(1000).await?;
    let before = processor_time()?;
    run(PAGES).await?;
    let spent = processor_time()? - before;
    Ok(spent / u32::try_from(PAGES)?)
}

/// Of this process, all threads, in user space and in the kernel.
fn processor_time() -> Result<Duration, BoxError> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(") ").next().ok_or("expected a name in brackets")?;
    let mut fields = after_name.split(' ').skip(11);
    let mut ticks =
        || fields.next().ok_or("expected utime and stime")?.parse::<u64>().map_err(BoxError::from);
    // Linux counts them in hundredths of a second on every machine that this runs on.
    Ok(Duration::from_millis(10 * (ticks()? + ticks()?)))
}

/// The same program as the server.
struct Server(Child);

impl Server {
    fn start() -> std::io::Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .arg("--serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self(child))
    }

    fn origin(&mut self) -> Result<String, BoxError> {
        let stdout = self.0.stdout.as_mut().ok_or("expected the server's output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves until its input ends, which is when the other process does.
fn serve() -> Result<(), BoxError> {
    let runtime = runtime(2)?;
    let web = runtime.block_on(BadWeb::start())?;
    writeln!(std::io::stdout(), "{}", web.origin())?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

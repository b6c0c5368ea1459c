//! Serves a web of known shape until its standard input ends, then prints what it was asked for:
//! `good_web [--hosts N] [--pages N] [--links N] [--bytes N] [--latency MILLISECONDS] [--names DOMAIN] [--port PORT]`.
//!
//! Pages are those of each host, links those of each page. Standard output gets a line of JSON at
//! once, with the URL of the first page and what a crawl of all of it must find, and another at the
//! end, with what was asked for.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the command line")]

use std::error::Error;
use std::io::Read;
use std::time::Duration;

use crawl::testing::good_web::{GoodWeb, Graph, Naming, Plan};
use millstream::Context;
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let plan = plan(&args).inspect_err(|_| {
        eprintln!(
            "good_web [--hosts N] [--pages N] [--links N] [--bytes N] [--latency MILLISECONDS] [--names DOMAIN] \
             [--port PORT]"
        );
    })?;
    GoodWeb::serve(&Context::new(), plan, |web| {
        let graph = web.graph();
        let expected =
            json!({ "url": web.url(0), "pages": graph.pages(), "links": graph.all_links() });
        println!("{expected}");
        std::io::stdin().read_to_end(&mut Vec::new())?;
        println!("{}", asked_for(web));
        Ok(())
    })?
}

fn plan(args: &[String]) -> Result<Plan, Box<dyn Error>> {
    let mut plan = Plan::default();
    let (mut hosts, mut pages, mut links) = (1, 20_000, 10);
    for pair in args.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} needs a value", pair[0]).into()) };
        match name.as_str() {
            "--hosts" => hosts = value.parse()?,
            "--pages" => pages = value.parse()?,
            "--links" => links = value.parse()?,
            "--bytes" => plan.bytes = value.parse()?,
            "--latency" => plan.latency = Duration::from_millis(value.parse()?),
            "--names" => plan.naming = Naming::Names(value.clone()),
            "--port" => plan.port = value.parse()?,
            other => return Err(format!("there is no {other}").into()),
        }
    }
    plan.graph = Graph::new(hosts, pages, links);
    Ok(plan)
}

fn asked_for(web: &GoodWeb) -> serde_json::Value {
    let hosts = 0..web.graph().hosts();
    json!({
        "requests": web.all_requests(),
        "pages": web.pages_asked_for(1),
        "pages_twice": web.pages_asked_for(2),
        "robots": hosts.clone().map(|host| u64::from(web.robots_requests(host))).sum::<u64>(),
        "not_found": web.not_found(),
        "most_at_once": hosts.map(|host| web.most_at_once(host)).max(),
    })
}

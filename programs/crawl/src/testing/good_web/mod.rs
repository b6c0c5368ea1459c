//! A web that is as it should be, whose shape is known without asking it: N hosts, pages and
//! links, the same each time. It counts what it is asked for.
//!
//! It is a server of its own, written for one thing: to take as little as possible of the time of
//! what crawls it.

mod connection;
mod counts;
mod graph;
mod paths;
mod plan;
mod render;
mod request;
mod serve;
mod site;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use counts::Counts;
pub use graph::Graph;
pub use plan::{Naming, Plan};
use site::Site;

/// A web that is served. Clones are the same web.
#[derive(Clone, Debug)]
pub struct GoodWeb {
    site: Arc<Site>,
}

/// Takes connections; see [`GoodWeb::bind`].
#[derive(Debug)]
pub struct Listeners(Vec<TcpListener>);

impl GoodWeb {
    /// Takes the ports. From now on connections are accepted by the system; they are answered while
    /// [`run`](Self::run) runs.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn bind(plan: Plan) -> io::Result<(Self, Listeners)> {
        let mut listeners = Vec::new();
        let wanted = match plan.naming {
            Naming::Ports => plan.graph.hosts(),
            Naming::Names(_) => 1,
        };
        for host in 0..wanted {
            let port = if plan.port == 0 { 0 } else { plan.port.saturating_add(host as u16) };
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
            listener.set_nonblocking(true)?;
            listeners.push(listener);
        }
        let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
        let ports = listeners.iter().map(port).collect::<io::Result<_>>()?;
        let counts = Counts::new(&plan.graph);
        Ok((Self { site: Arc::new(Site { plan, ports, counts }) }, Listeners(listeners)))
    }

    /// The shape.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.site.plan.graph
    }

    /// Where a host is, as in the beginning of its URLs: `http://127.0.0.1:40123`.
    ///
    /// # Panics
    /// When there is no such host.
    #[must_use]
    pub fn origin(&self, host: u64) -> String {
        let mut origin = Vec::new();
        self.site.write_origin(host, &mut origin);
        String::from_utf8(origin).expect("a name and a number")
    }

    /// The address of a host.
    ///
    /// # Panics
    /// When there is no such host.
    #[must_use]
    pub fn address(&self, host: u64) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.site.port(host)).into()
    }

    /// The URL of a page, in its canonical form.
    ///
    /// # Panics
    /// When its host does not exist.
    #[must_use]
    pub fn url(&self, page: u64) -> String {
        let (host, index) = self.graph().place(page);
        let mut url = Vec::new();
        self.site.write_origin(host, &mut url);
        paths::path(index, &mut url);
        String::from_utf8(url).expect("a name and numbers")
    }

    /// How often a page was asked for.
    ///
    /// # Panics
    /// When there is no such page.
    #[must_use]
    pub fn requests(&self, page: u64) -> u32 {
        self.site.counts.page(page)
    }

    /// How often all pages were asked for.
    #[must_use]
    pub fn all_requests(&self) -> u64 {
        self.site.counts.all_pages()
    }

    /// Pages that were asked for so often at least.
    #[must_use]
    pub fn pages_asked_for(&self, at_least: u32) -> u64 {
        self.site.counts.pages_asked_for(at_least)
    }

    /// How often robots.txt of a host was asked for.
    ///
    /// # Panics
    /// When there is no such host.
    #[must_use]
    pub fn robots_requests(&self, host: u64) -> u32 {
        self.site.counts.robots(host)
    }

    /// The most requests of a host that waited for their response at the same time. It shows
    /// something only if there is a latency: without one, each is answered before the next is read.
    ///
    /// # Panics
    /// When there is no such host.
    #[must_use]
    pub fn most_at_once(&self, host: u64) -> u32 {
        self.site.counts.most_at_once(host)
    }

    /// Requests for what does not exist.
    #[must_use]
    pub fn not_found(&self) -> u64 {
        self.site.counts.not_found()
    }
}

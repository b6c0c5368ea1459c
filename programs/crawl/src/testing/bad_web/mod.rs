//! A web server on this machine where everything goes wrong, each thing on a path of its own.
//!
//! It writes bytes to sockets by itself, for no HTTP library would send most of this. The paths are
//! listed in [`PATHS`]; what cannot be distinguished by its path (robots.txt, certificates) has an
//! origin of its own.

mod certificates;
mod codings;
mod framing;
mod heads;
mod peer;
mod shared;
mod sites;
mod statuses;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use millstream::{Context, TaskPool};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::CertificateDer;

pub use certificates::Certificate;
pub use sites::{PATHS, Robots};

use certificates::Authority;
use peer::Peer;
use shared::Shared;
use sites::Answers;

/// The most connections at a time; more wait.
const CONNECTIONS: usize = 4096;

/// The server; dropping it ends it and cuts its connections.
///
/// # Examples
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use crawl::testing::bad_web::{BadWeb, PATHS};
///
/// let web = BadWeb::start().await.unwrap();
/// assert!(web.origin().starts_with("http://127.0.0.1:"));
/// assert!(PATHS.contains(&"/gzip-bomb"));
/// assert_eq!(web.hits("/gzip-bomb"), 0);
/// # });
/// ```
pub struct BadWeb {
    shared: Arc<Shared>,
    plain: SocketAddr,
    robots: Vec<(Robots, SocketAddr)>,
    tls: Vec<(Certificate, SocketAddr)>,
    root: CertificateDer<'static>,
    /// Owns what accepts and what answers.
    _tasks: TaskPool,
}

/// What a listener answers with.
#[derive(Clone)]
enum Site {
    Paths,
    Robots(Robots),
    Tls(TlsAcceptor),
}

impl BadWeb {
    /// Starts it on free ports of 127.0.0.1.
    ///
    /// # Errors
    /// When no socket can be had, or no certificate made.
    ///
    /// # Panics
    /// Outside of a tokio runtime with input and output.
    pub async fn start() -> io::Result<Self> {
        let ctx = Context::new();
        let tasks = TaskPool::builder(CONNECTIONS).named("bad web").build(&ctx);
        let shared = Arc::new(Shared {
            ctx,
            hits: Mutex::default(),
            visits: Mutex::default(),
            connections: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        });
        let authority = Authority::new().map_err(io::Error::other)?;
        let plain = listen(&tasks, &shared, Site::Paths).await?;
        let mut robots = Vec::new();
        for kind in Robots::ALL {
            robots.push((kind, listen(&tasks, &shared, Site::Robots(kind)).await?));
        }
        let mut tls = Vec::new();
        for kind in Certificate::ALL {
            let acceptor = authority.acceptor(kind).map_err(io::Error::other)?;
            tls.push((kind, listen(&tasks, &shared, Site::Tls(acceptor)).await?));
        }
        Ok(Self { shared, plain, robots, tls, root: authority.root(), _tasks: tasks })
    }

    /// Where the [`PATHS`] are: scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.plain)
    }

    /// The address behind [`origin`](Self::origin), for resolvers that lead there.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.plain
    }

    /// An origin with this robots.txt, and a page at every other path.
    ///
    /// # Panics
    /// Never: there is one for each.
    #[must_use]
    pub fn robots_origin(&self, kind: Robots) -> String {
        let (_, address) =
            self.robots.iter().find(|(of, _)| *of == kind).expect("there is one for each kind");
        format!("http://{address}")
    }

    /// An origin with this certificate, and a page at every path.
    ///
    /// # Panics
    /// Never: there is one for each.
    #[must_use]
    pub fn tls_origin(&self, kind: Certificate) -> String {
        let (_, address) =
            self.tls.iter().find(|(of, _)| *of == kind).expect("there is one for each kind");
        format!("https://{address}")
    }

    /// The certificate that all but [`Certificate::SelfSigned`] descend from.
    #[must_use]
    pub fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    /// Requests for this path, whatever their query.
    #[must_use]
    pub fn hits(&self, path: &str) -> u64 {
        let hits = self.shared.hits.lock().unwrap_or_else(PoisonError::into_inner);
        hits.get(path).copied().unwrap_or(0)
    }

    /// Connections that were accepted.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Bytes that were written to sockets, also those that nobody has read.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for BadWeb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BadWeb").field("origin", &self.origin()).finish_non_exhaustive()
    }
}

/// Opens a listener and answers on it for as long as the pool lives.
async fn listen(tasks: &TaskPool, shared: &Arc<Shared>, site: Site) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let (jobs, ctx, shared) = (tasks.group(&shared.ctx), shared.ctx.clone(), Arc::clone(shared));
    let accept = async move {
        loop {
            let (stream, _) = listener.accept().await?;
            shared.connections.fetch_add(1, Ordering::Relaxed);
            // What a connection keeps while it waits is large, and would be moved several times.
            let job = Box::pin(connection(stream, site.clone(), Arc::clone(&shared)));
            if jobs.submit(&ctx, job).await.is_err() {
                return Ok::<_, io::Error>(());
            }
        }
    };
    tasks
        .submit(tasks.context(), accept)
        .await
        .map_err(|_| io::Error::other("the server has finished"))?
        .detach();
    Ok(address)
}

/// Answers on one connection until one side has enough of it.
async fn connection(stream: TcpStream, site: Site, shared: Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match site {
        Site::Paths => Peer::new(stream, shared).converse(Answers::Paths).await,
        Site::Robots(kind) => Peer::new(stream, shared).converse(Answers::Robots(kind)).await,
        Site::Tls(acceptor) => {
            let stream = acceptor.accept(stream).await?;
            Peer::new(stream, shared).converse(Answers::Page).await
        }
    }
}

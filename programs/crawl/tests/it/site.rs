//! A site that a test writes itself: what stands at each path, and which paths were asked for.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use millstream::{Context, TaskPool};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A status with its words, the fields of the head with a line break each, and the body.
pub(crate) type Answer = (&'static str, String, String);

/// Bytes as they are, and what happens to the connection after them.
pub(crate) struct Raw(pub(crate) Vec<u8>, pub(crate) Then);

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Then {
    Next,
    Close,
    Reset,
    /// Nothing, until the client has enough.
    Silence,
}

/// What stands at a path of the site at this origin, which was asked for so often before.
type Answers = dyn Fn(&str, &str, usize) -> Raw + Send + Sync;

/// A server on a free port of this machine; dropping it ends it.
pub(crate) struct Site {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: TaskPool,
    _runtime: tokio::runtime::Runtime,
}

impl Site {
    pub(crate) fn start(answers: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> Self {
        Self::raw(move |origin, path, _| whole(answers(origin, path)))
    }

    pub(crate) fn raw(answers: impl Fn(&str, &str, usize) -> Raw + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (tasks, address) =
            runtime.block_on(listen(Arc::new(answers), Arc::clone(&asked))).unwrap();
        Self { address, asked, _tasks: tasks, _runtime: runtime }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The paths that were asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// How often a path was asked for.
    pub(crate) fn hits(&self, path: &str) -> usize {
        self.asked().iter().filter(|asked| *asked == path).count()
    }
}

async fn listen(
    answers: Arc<Answers>,
    asked: Arc<Mutex<Vec<String>>>,
) -> io::Result<(TaskPool, SocketAddr)> {
    let ctx = Context::new();
    let tasks = TaskPool::builder(64).named("site").build(&ctx);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let jobs = tasks.group(&ctx);
    let accept = async move {
        loop {
            let (stream, _) = listener.accept().await?;
            let job = converse(
                stream,
                format!("http://{address}"),
                Arc::clone(&answers),
                Arc::clone(&asked),
            );
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
    Ok((tasks, address))
}

async fn converse(
    mut stream: TcpStream,
    origin: String,
    answers: Arc<Answers>,
    asked: Arc<Mutex<Vec<String>>>,
) -> io::Result<()> {
    let mut unread = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut unread).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&unread[..end]).into_owned();
        unread.drain(..end);
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let before = {
            let mut asked = asked.lock().unwrap();
            let before = asked.iter().filter(|other| **other == path).count();
            asked.push(path.clone());
            before
        };
        let Raw(bytes, then) = answers(&origin, &path, before);
        stream.write_all(&bytes).await?;
        match then {
            Then::Next => {}
            Then::Close => return stream.shutdown().await,
            // Reading to the end of what the client sends would be for nothing: it sends nothing
            // more.
            Then::Reset => return stream.set_zero_linger(),
            Then::Silence => while stream.read_buf(&mut unread).await? > 0 {},
        }
    }
}

/// A response as it should be.
pub(crate) fn whole((status, fields, body): Answer) -> Raw {
    let head = format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
    Raw([head.as_bytes(), body.as_bytes()].concat(), Then::Next)
}

pub(crate) fn page(body: &str) -> Answer {
    (
        "200 OK",
        "Content-Type: text/html\r\n".into(),
        format!("<!doctype html><title>a page</title>{body}"),
    )
}

pub(crate) fn text(body: &str) -> Answer {
    ("200 OK", "Content-Type: text/plain\r\n".into(), body.to_owned())
}

pub(crate) fn xml(body: String) -> Answer {
    ("200 OK", "Content-Type: application/xml\r\n".into(), body)
}

pub(crate) fn missing() -> Answer {
    ("404 Not Found", String::new(), "nothing is here".into())
}

pub(crate) fn redirect(to: &str) -> Answer {
    ("301 Moved Permanently", format!("Location: {to}\r\n"), String::new())
}

/// A sitemap of these pages.
pub(crate) fn urlset(locations: &[String]) -> String {
    list("urlset", "url", locations)
}

/// A sitemap of these sitemaps.
pub(crate) fn index(locations: &[String]) -> String {
    list("sitemapindex", "sitemap", locations)
}

fn list(root: &str, entry: &str, locations: &[String]) -> String {
    let entries: String = locations
        .iter()
        .map(|location| format!("<{entry}><loc>{location}</loc></{entry}>"))
        .collect();
    format!("<?xml version=\"1.0\"?><{root}>{entries}</{root}>")
}

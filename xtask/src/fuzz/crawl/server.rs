//! A small HTTP server on a port of its own: it reads a head, and writes the bytes that it is
//! given.
//!
//! What the bytes are is decided in `answers.rs`. Nothing of a request but its path matters.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::answers::{self, Answer, Then};
use crate::fuzz::process::{sleep, thread};
use crate::shell::{Result, context};

/// No connection is held for longer without a byte.
const IDLE: Duration = Duration::from_secs(3);

/// The server; dropping it ends it.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers by chance, the same for the same path.
    pub(super) fn hostile(seed: u64) -> Result<Self> {
        Self::start(Arc::new(move |path: &str| answers::hostile(seed, path)))
    }

    /// Answers well: `/` links to the other pages, and there is no robots.txt.
    pub(super) fn good(pages: usize) -> Result<Self> {
        Self::start(Arc::new(move |path: &str| answers::good(pages, path)))
    }

    fn start(answer: Arc<dyn Fn(&str) -> Answer + Send + Sync>) -> Result<Self> {
        let listener =
            context(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)), "a port for the server")?;
        let address = context(listener.local_addr(), "the server's port")?;
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        let accepting = Some(thread(move || {
            while let Ok((stream, _)) = listener.accept() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (answer, stop) = (Arc::clone(&answer), Arc::clone(&stop));
                // It ends with its connection, which the client or `IDLE` ends; an error is the
                // client's.
                drop(thread(move || drop(serve(stream, &*answer, &stop))));
            }
        }));
        Ok(Self { address, stopped, accepting })
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The pages of the host that answers well.
    pub(super) fn urls(&self, pages: usize) -> Vec<String> {
        let paths = (1..pages).map(|page| format!("/{page}"));
        std::iter::once("/".to_owned()).chain(paths).map(|path| self.url(&path)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is published with the flag; the connection below wakes who looks at it.
        self.stopped.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            let _ended = accepting.join();
        }
    }
}

/// Answers requests until either side has enough.
fn serve(
    mut stream: TcpStream,
    answer: &dyn Fn(&str) -> Answer,
    stop: &AtomicBool,
) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    stream.set_nodelay(true)?;
    let mut head = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") else {
            let mut buffer = [0; 4096];
            match stream.read(&mut buffer)? {
                0 => return Ok(()),
                count => head.extend(&buffer[..count]),
            }
            continue;
        };
        let request: Vec<u8> = head.drain(..end + 4).collect();
        let request = String::from_utf8_lossy(&request);
        let path = request.split(' ').nth(1).unwrap_or("/");
        let Answer { bytes, then } = answer(path);
        stream.write_all(&bytes)?;
        match then {
            Then::KeepOpen => {}
            Then::Close => return stream.shutdown(Shutdown::Both),
            Then::Hold => {
                // Until the client goes, or has waited long enough.
                return stream.read(&mut [0; 64]).map(drop);
            }
            Then::Repeat(part) => {
                while !stop.load(Ordering::Relaxed) {
                    stream.write_all(&part)?;
                }
            }
            Then::Drip(part) => {
                for byte in part.iter().cycle().take_while(|_| !stop.load(Ordering::Relaxed)) {
                    stream.write_all(&[*byte])?;
                    sleep(Duration::from_millis(20));
                }
            }
        }
    }
    Ok(())
}

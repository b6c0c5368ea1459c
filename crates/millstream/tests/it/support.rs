//! What several modules of tests need: wakers that count, and this very test binary run as a child
//! process.

use std::future::Future;
use std::pin::Pin;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Counts how often it was woken.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (Arc::clone(&count), Waker::from(count))
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Says to a test which part it plays, when it runs in a child process.
const ROLE: &str = "MILLSTREAM_TEST_ROLE";

/// The part this process plays; `None` in the process that the user started.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// The command that runs one test of this binary in a role, after a line of shell.
pub(crate) fn run_as(role: &str, test: &str, shell: &str) -> Command {
    let mut command = Command::new("sh");
    let binary = std::env::current_exe().unwrap();
    command.arg("-c").arg(format!(r#"{shell} exec "$0" "$@""#)).arg(binary);
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(ROLE, role);
    command
}

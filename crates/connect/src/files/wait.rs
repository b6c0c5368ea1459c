//! Waiting for a file descriptor, a context and a time at once, without a thread and without
//! looking again and again.
//!
//! The context and the clock wake futures; a future's waker here writes one byte into a pipe, and
//! `poll` waits for the pipe and the descriptor together. So a wait ends as soon as the context is
//! cancelled, also on virtual time.

use std::future::Future;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::BorrowedFd;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{self, Wake, Waker};
use std::time::Instant;

use millstream::Context;
use rustix::event::{PollFd, PollFlags, poll};

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// The descriptor has something, its end or an error included.
    Ready,
    /// The time has come.
    Elapsed,
    /// The context is cancelled.
    Cancelled,
}

/// A waker that `poll` can wait for.
pub(crate) struct WakeFd {
    wake_fd: Arc<Signal>,
    waker: Waker,
}

/// Both ends live together, so that a late ring never meets a pipe without a reader.
struct Signal {
    reader: PipeReader,
    writer: PipeWriter,
    signalled: AtomicBool,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.signalled.swap(true, Ordering::AcqRel) {
            // At most one byte is ever in the pipe, so this neither blocks nor fails.
            let _ = (&self.writer).write_all(&[1]);
        }
    }
}

impl WakeFd {
    pub(crate) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let wake_fd = Arc::new(Signal { reader, writer, signalled: AtomicBool::new(false) });
        let waker = Waker::from(Arc::clone(&wake_fd));
        Ok(Self { wake_fd, waker })
    }

    /// Waits until `fd` is readable, `until` has come on the context's clock, or the context is
    /// cancelled.
    pub(crate) fn wait(
        &self,
        ctx: &Context,
        fd: BorrowedFd<'_>,
        until: Option<Instant>,
    ) -> io::Result<Woken> {
        let mut task = task::Context::from_waker(&self.waker);
        let mut cancelled = ctx.cancelled();
        let mut sleep = pin!(until.map(|at| ctx.clock().sleep_until(at)));
        loop {
            if Pin::new(&mut cancelled).poll(&mut task).is_ready() {
                return Ok(Woken::Cancelled);
            }
            let elapsed = sleep.as_mut().as_pin_mut().is_some_and(|s| s.poll(&mut task).is_ready());
            let mut fds = [
                PollFd::from_borrowed_fd(fd, PollFlags::IN),
                PollFd::new(&self.wake_fd.reader, PollFlags::IN),
            ];
            let now = elapsed.then(Default::default);
            match poll(&mut fds, now.as_ref()) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            if !fds[1].revents().is_empty() {
                (&self.wake_fd.reader).read_exact(&mut [0])?;
                // What rang before this is seen by the next look at the futures; what rings after
                // it writes again.
                self.wake_fd.signalled.store(false, Ordering::Release);
            }
            if !fds[0].revents().is_empty() {
                return Ok(Woken::Ready);
            }
            if elapsed {
                return Ok(Woken::Elapsed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::time::Duration;

    use millstream::Clock;

    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's second thread, joined here, needs no context"
    )]
    fn a_wait_ends_with_data_with_time_and_with_the_context() {
        let (reader, mut writer) = io::pipe().unwrap();
        let wake_fd = WakeFd::new().unwrap();
        let clock = Clock::manual();
        let ctx = Context::with_clock(clock.clone());
        let until = Some(clock.now() + Duration::from_secs(1));

        writer.write_all(b"x").unwrap();
        assert_eq!(wake_fd.wait(&ctx, reader.as_fd(), until).unwrap(), Woken::Ready);
        (&reader).read_exact(&mut [0]).unwrap();

        let woken = |act: &(dyn Fn() + Sync)| {
            std::thread::scope(|s| {
                s.spawn(|| {
                    clock.wait_for_sleepers(1);
                    act();
                });
                wake_fd.wait(&ctx, reader.as_fd(), until).unwrap()
            })
        };
        assert_eq!(woken(&|| assert!(ctx.cancel("enough"))), Woken::Cancelled);

        let ctx = Context::with_clock(clock.clone());
        let elapsed = std::thread::scope(|s| {
            s.spawn(|| {
                clock.wait_for_sleepers(1);
                clock.advance(Duration::from_secs(1));
            });
            wake_fd.wait(&ctx, reader.as_fd(), until).unwrap()
        });
        assert_eq!(elapsed, Woken::Elapsed);
    }
}

//! Where futures find their reactor: the only file that knows tokio's runtime.
//!
//! Waiting itself needs no runtime (see `park`). Without the feature `tokio` nothing here does
//! anything: futures that bring their own wake-ups still run.

#[cfg(not(feature = "tokio"))]
pub(crate) use bare::{Ambient, Reactor, is_its_only_thread};
#[cfg(feature = "tokio")]
pub(crate) use on_tokio::{Ambient, Reactor, is_its_only_thread};

#[cfg(not(feature = "tokio"))]
mod bare {
    use std::future::Future;
    use std::io;

    /// The runtime around the caller: none.
    #[derive(Clone, Debug)]
    pub(crate) struct Ambient;

    impl Ambient {
        pub(crate) fn capture() -> Self {
            Self
        }

        pub(crate) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
            f()
        }

        pub(crate) fn beside<R>(&self, f: impl FnOnce() -> R) -> R {
            f()
        }

        #[expect(clippy::unnecessary_wraps, reason = "the other one can fail")]
        pub(crate) fn reactor(self) -> io::Result<Reactor> {
            Ok(Reactor)
        }
    }

    /// Whether this thread is all that a runtime has: there is none.
    pub(crate) fn is_its_only_thread() -> bool {
        false
    }

    /// What drives input, output and timers of futures: nothing does.
    #[derive(Debug)]
    pub(crate) struct Reactor;

    impl Reactor {
        pub(crate) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
            f()
        }

        pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
            crate::park::block_on(future)
        }
    }
}

#[cfg(feature = "tokio")]
mod on_tokio {
    use std::cell::Cell;
    use std::future::Future;
    use std::io;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
    use tokio::task::coop::{consume_budget, unconstrained};

    thread_local! {
        /// Whether this thread may block without holding up the runtime that it has entered.
        static BESIDE: Cell<bool> = const { Cell::new(false) };
    }

    /// The runtime around the caller, if there is one.
    #[derive(Clone, Debug)]
    pub(crate) struct Ambient {
        handle: Option<Handle>,
        /// Whether the runtime's own timers and input go on while the caller blocks.
        drives_itself: bool,
    }

    impl Ambient {
        pub(crate) fn capture() -> Self {
            let handle = Handle::try_current().ok();
            // A runtime of one thread is probably blocked by the very call that asks, so its timers
            // would never fire.
            let many_threads =
                |handle: &Handle| handle.runtime_flavor() != RuntimeFlavor::CurrentThread;
            let drives_itself = BESIDE.get() || handle.as_ref().is_some_and(many_threads);
            Self { handle, drives_itself }
        }

        /// Runs `f` so that it finds the runtime.
        pub(crate) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
            let _entered = self.handle.as_ref().map(Handle::enter);
            f()
        }

        /// The same on a thread that the runtime does not wait for.
        pub(crate) fn beside<R>(&self, f: impl FnOnce() -> R) -> R {
            BESIDE.set(self.handle.is_some());
            self.within(f)
        }

        /// A reactor for futures: that of the runtime, or a private one.
        pub(crate) fn reactor(self) -> io::Result<Reactor> {
            match self.handle {
                Some(handle) if self.drives_itself => Ok(Reactor::Shared(handle)),
                _ => Builder::new_current_thread().enable_all().build().map(Reactor::Private),
            }
        }
    }

    /// Whether a runtime of one thread is polling a task on this very thread: then nothing of it
    /// goes on until that task lets go.
    pub(crate) fn is_its_only_thread() -> bool {
        let one_thread = |handle: Handle| handle.runtime_flavor() == RuntimeFlavor::CurrentThread;
        if BESIDE.get() || !Handle::try_current().is_ok_and(one_thread) {
            return false;
        }
        // Other threads may have entered it too. But only what the runtime polls has a budget, of
        // 128 steps today; to use it up costs the task one turn.
        let mut task = Context::from_waker(Waker::noop());
        (0..1_024).any(|_| pin!(consume_budget()).poll(&mut task).is_pending())
    }

    /// What drives input, output and timers of futures.
    #[derive(Debug)]
    pub(crate) enum Reactor {
        Shared(Handle),
        Private(Runtime),
    }

    impl Reactor {
        pub(crate) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
            let _entered = match self {
                Self::Shared(handle) => handle.enter(),
                Self::Private(runtime) => runtime.enter(),
            };
            f()
        }

        /// Waits on this thread until `future` is ready.
        pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
            match self {
                Self::Shared(_) => self.within(|| crate::park::block_on(future)),
                // The future is the thread's only work and yields by itself; a budget would make it
                // poll in vain.
                Self::Private(runtime) => runtime.block_on(unconstrained(future)),
            }
        }
    }
}

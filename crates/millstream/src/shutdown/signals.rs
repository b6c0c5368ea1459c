//! Real signals for a [`Shutdown`](super::Shutdown): the handlers, and the thread that serves them.
//!
//! Handlers can be added to a process but never wholly taken away. So each signal gets, once, a
//! first handler that acts as the system would if nobody listens; while somebody does, it does
//! nothing.

#[cfg(unix)]
pub(super) use unix::{Listening, listen};

#[cfg(not(unix))]
pub(super) use elsewhere::{Listening, listen};

#[cfg(unix)]
mod unix {
    use std::io;
    use std::panic::AssertUnwindSafe;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::{Handle, Signals};
    use signal_hook::{SigId, flag, low_level};

    use crate::shutdown::steps::{Core, Phase};

    const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

    /// Who listens in this process.
    static LISTENERS: Mutex<Listeners> = Mutex::new(Listeners { count: 0, nobody: None });

    struct Listeners {
        count: usize,
        /// Read by the first handlers, made with them: true while nobody listens.
        nobody: Option<Arc<AtomicBool>>,
    }

    fn listeners() -> MutexGuard<'static, Listeners> {
        LISTENERS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    impl Listeners {
        fn add(&mut self) -> io::Result<()> {
            if let Some(nobody) = &self.nobody {
                nobody.store(false, Ordering::SeqCst);
            } else {
                let nobody = Arc::new(AtomicBool::new(false));
                for signal in SIGNALS {
                    flag::register_conditional_default(signal, Arc::clone(&nobody))?;
                }
                self.nobody = Some(nobody);
            }
            self.count += 1;
            Ok(())
        }

        fn remove(&mut self) {
            self.count -= 1;
            if let Some(nobody) = &self.nobody {
                nobody.store(self.count == 0, Ordering::SeqCst);
            }
        }
    }

    /// Held by the contexts of a shutdown, as a value: when the last one is gone, nobody listens
    /// any more.
    pub(in crate::shutdown) struct Listening {
        thread: Handle,
        third_signals: Vec<SigId>,
        counted: bool,
    }

    impl Drop for Listening {
        fn drop(&mut self) {
            self.thread.close();
            for id in self.third_signals.drain(..) {
                low_level::unregister(id);
            }
            if self.counted {
                listeners().remove();
            }
        }
    }

    /// The signals that are heard, not served yet.
    pub(in crate::shutdown) struct Heard {
        signals: Signals,
        leaving: Arc<AtomicBool>,
    }

    pub(in crate::shutdown) fn listen() -> io::Result<(Listening, Heard)> {
        let leaving = Arc::new(AtomicBool::new(false));
        // Handlers run in the order of their making. This one must look at the flag before the next
        // one wakes the thread, which sets it: else the second signal would take itself for the
        // third.
        let mut third_signals = Vec::new();
        for signal in SIGNALS {
            third_signals.push(flag::register_conditional_shutdown(
                signal,
                128 + signal,
                Arc::clone(&leaving),
            )?);
        }
        let signals = Signals::new(SIGNALS)?;
        let mut listening = Listening { thread: signals.handle(), third_signals, counted: false };
        listeners().add()?;
        listening.counted = true;
        Ok((listening, Heard { signals, leaving }))
    }

    impl Heard {
        /// Serves the signals on a thread that ends when the `Listening` is dropped.
        pub(in crate::shutdown) fn serve(self, core: Arc<Core>) -> io::Result<()> {
            let Self { mut signals, leaving } = self;
            let serve = move || {
                for signal in signals.forever() {
                    match core.step(signal) {
                        Phase::Draining => drain(&core),
                        Phase::Leaving(code) => {
                            // From here on the handler itself ends the process on the next signal,
                            // in case the callback hangs. A panic in the callback has been printed,
                            // and must not keep us either.
                            leaving.store(true, Ordering::SeqCst);
                            let _ = std::panic::catch_unwind(AssertUnwindSafe(|| core.leave()));
                            low_level::exit(code);
                        }
                        Phase::Running | Phase::Cancelled => {}
                    }
                }
            };
            spawn("millstream-signals", serve)
        }
    }

    /// Drains on a thread of its own, so that callbacks that hang do not keep us from hearing the
    /// next signal.
    fn drain(core: &Arc<Core>) {
        let of_thread = Arc::clone(core);
        if spawn("millstream-drain", move || Core::drain(&of_thread)).is_err() {
            Core::drain(core);
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "these threads outlive every scope: they end them"
    )]
    fn spawn(name: &str, f: impl FnOnce() + Send + 'static) -> io::Result<()> {
        std::thread::Builder::new().name(name.into()).spawn(f).map(drop)
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::convert::Infallible;
    use std::io;
    use std::sync::Arc;

    use crate::shutdown::steps::Core;

    /// Never made: there is nothing to listen to.
    pub(in crate::shutdown) struct Listening(Infallible);

    /// Never made.
    pub(in crate::shutdown) struct Heard(Infallible);

    pub(in crate::shutdown) fn listen() -> io::Result<(Listening, Heard)> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this system has no signals that a shutdown could listen to",
        ))
    }

    impl Heard {
        pub(in crate::shutdown) fn serve(self, _core: Arc<Core>) -> io::Result<()> {
            match self.0 {}
        }
    }
}

//! Panics as values: what a task panicked with, and where, kept for the thread that joins it.
//!
//! Where a panic began is known only to the panic hook. The first catch of the process puts a hook
//! in front of the one that is there; it notes the place for the thread that is catching and then
//! calls the other, so nothing that was printed before is lost. A program that sets its own hook
//! later, without calling the one before, loses the place and keeps all else.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, Once, PoisonError};

thread_local! {
    /// How many catches this thread is in: the hook notes nothing on other threads.
    static CATCHING: Cell<u32> = const { Cell::new(0) };
    static ORIGIN: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

fn install_hook() {
    // A thread that is unwinding may not touch the hook; the next catch will.
    if HOOK.is_completed() || std::thread::panicking() {
        return;
    }
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if CATCHING.try_with(Cell::get).is_ok_and(|depth| depth > 0) {
                note_origin(info.location().map(|at| at.to_string().into()));
            }
            before(info);
        }));
    });
}

fn note_origin(at: Option<Arc<str>>) {
    // A hook must not panic: on a thread that is at its end, or within this very function, the
    // place is not noted.
    let _ = ORIGIN.try_with(|origin| {
        if let Ok(mut origin) = origin.try_borrow_mut() {
            *origin = at;
        }
    });
}

fn take_origin() -> Option<Arc<str>> {
    ORIGIN
        .try_with(|origin| origin.try_borrow_mut().ok().and_then(|mut origin| origin.take()))
        .ok()
        .flatten()
}

/// Runs `f` and turns a panic into a value that names `task`.
///
/// What `f` can reach is not torn by this: the library shares with it only what survives a panic.
pub(crate) fn catch<R>(task: &str, f: impl FnOnce() -> R) -> Result<R, Panic> {
    struct Depth;
    impl Drop for Depth {
        fn drop(&mut self) {
            let _ = CATCHING.try_with(|depth| depth.set(depth.get() - 1));
        }
    }
    install_hook();
    if CATCHING.try_with(|depth| depth.set(depth.get() + 1)).is_err() {
        return catch_unwind(AssertUnwindSafe(f))
            .map_err(|payload| Panic::new(task, payload, None));
    }
    let caught = {
        let _depth = Depth;
        catch_unwind(AssertUnwindSafe(f))
    };
    caught.map_err(|payload| Panic::new(task, payload, take_origin()))
}

/// A panic that was caught: which task, what it said, and where it began.
///
/// # Examples
/// ```
/// use millstream::{Context, ScopeError, scope};
///
/// let ended = scope::<(), (), _>(&Context::new(), |s| {
///     s.spawn("parse", |_| panic!("line {} is odd", 7));
///     Ok(())
/// });
/// let Err(ScopeError::Panicked(panic)) = ended else { unreachable!() };
/// assert_eq!(panic.task(), "parse");
/// assert_eq!(panic.message(), "line 7 is odd");
/// assert!(panic.location().unwrap().contains(".rs:"));
/// ```
#[derive(Clone)]
pub struct Panic {
    inner: Arc<Inner>,
}

struct Inner {
    task: Arc<str>,
    message: Arc<str>,
    location: Option<Arc<str>>,
    /// The payload of the origin, until somebody resumes it. The lock is for `Sync`: nobody waits
    /// for it.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panic {
    fn new(task: &str, payload: Box<dyn Any + Send>, location: Option<Arc<str>>) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&str>() {
            Arc::from(*text)
        } else if let Some(text) = payload.downcast_ref::<String>() {
            Arc::from(text.as_str())
        } else {
            Arc::from("a value that is not text")
        };
        let payload = Mutex::new(Some(payload));
        Self { inner: Arc::new(Inner { task: task.into(), message, location, payload }) }
    }

    /// The name of the task that panicked.
    ///
    /// # Examples
    /// ```
    /// # use millstream::{Context, Panic, ScopeError, scope};
    /// # fn panicked() -> Panic {
    /// #     let ended = scope::<(), (), _>(&Context::new(), |s| {
    /// #         s.spawn("parse", |_| panic!("odd"));
    /// #         Ok(())
    /// #     });
    /// #     match ended { Err(ScopeError::Panicked(panic)) => panic, _ => unreachable!() }
    /// # }
    /// let panic: Panic = panicked();
    /// assert_eq!(panic.task(), "parse");
    /// ```
    pub fn task(&self) -> &str {
        &self.inner.task
    }

    /// What it said; a payload that is not text is described, and kept for
    /// [`resume`](Self::resume).
    ///
    /// # Examples
    /// ```
    /// # use millstream::{Context, Panic, ScopeError, scope};
    /// # fn panicked() -> Panic {
    /// #     let ended = scope::<(), (), _>(&Context::new(), |s| {
    /// #         s.spawn("parse", |_| panic!("odd"));
    /// #         Ok(())
    /// #     });
    /// #     match ended { Err(ScopeError::Panicked(panic)) => panic, _ => unreachable!() }
    /// # }
    /// let panic: Panic = panicked();
    /// assert_eq!(panic.message(), "odd");
    /// ```
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Where it began, as `file:line:column`; `None` if the program's panic hook does not call the
    /// one before it.
    ///
    /// # Examples
    /// ```
    /// # use millstream::{Context, Panic, ScopeError, scope};
    /// # fn panicked() -> Panic {
    /// #     let ended = scope::<(), (), _>(&Context::new(), |s| {
    /// #         s.spawn("parse", |_| panic!("odd"));
    /// #         Ok(())
    /// #     });
    /// #     match ended { Err(ScopeError::Panicked(panic)) => panic, _ => unreachable!() }
    /// # }
    /// let panic: Panic = panicked();
    /// assert_eq!(panic.location().unwrap().matches(':').count(), 2);
    /// ```
    pub fn location(&self) -> Option<&str> {
        self.inner.location.as_deref()
    }

    pub(crate) fn what(&self) -> What<'_> {
        What(self)
    }

    /// Panics on this thread with the payload of the origin, without calling the panic hook again.
    ///
    /// Of several clones, the first one resumed has the payload; the others resume with the
    /// message.
    ///
    /// # Panics
    /// Always: that is what it is for.
    ///
    /// # Examples
    /// ```
    /// # use millstream::{Context, Panic, ScopeError, scope};
    /// # fn panicked() -> Panic {
    /// #     let ended = scope::<(), (), _>(&Context::new(), |s| {
    /// #         s.spawn("parse", |_| panic!("odd"));
    /// #         Ok(())
    /// #     });
    /// #     match ended { Err(ScopeError::Panicked(panic)) => panic, _ => unreachable!() }
    /// # }
    /// let panic: Panic = panicked();
    /// let again = std::panic::catch_unwind(move || panic.resume()).unwrap_err();
    /// assert_eq!(again.downcast_ref(), Some(&"odd"));
    /// ```
    pub fn resume(self) -> ! {
        note_origin(self.inner.location.clone());
        let payload = self.inner.payload.lock().unwrap_or_else(PoisonError::into_inner).take();
        resume_unwind(payload.unwrap_or_else(|| Box::new(self.to_string())))
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.task(), self.what())
    }
}

/// What happened, without the task: for a message that names something else.
pub(crate) struct What<'a>(&'a Panic);

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("panicked")?;
        if let Some(location) = self.0.location() {
            write!(f, " at {location}")?;
        }
        write!(f, ": {}", self.0.message())
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panic")
            .field("task", &self.task())
            .field("message", &self.message())
            .field("location", &self.location())
            .finish()
    }
}

impl std::error::Error for Panic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catch_keeps_name_message_and_place() {
        let panic = catch("work", || panic!("number {}", 3)).unwrap_err();
        assert_eq!((panic.task(), panic.message()), ("work", "number 3"));
        assert!(panic.location().unwrap().contains("panics.rs:"), "{panic}");
    }

    #[test]
    fn a_resumed_panic_keeps_its_payload_and_its_place_through_an_outer_catch() {
        let inner = catch("inner", || std::panic::panic_any(42_u8)).unwrap_err();
        let place = inner.location().map(str::to_owned);
        let outer = catch("outer", || inner.resume()).unwrap_err();
        assert_eq!(outer.task(), "outer");
        assert_eq!(outer.location(), place.as_deref());
        let payload = catch_unwind(AssertUnwindSafe(|| outer.resume())).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&42_u8));
    }

    #[test]
    fn a_panic_on_another_thread_leaves_no_place_here() {
        let caught = catch("outer", || {
            #[expect(
                clippy::disallowed_methods,
                reason = "a thread the library does not know is the point"
            )]
            let joined = std::thread::spawn(|| panic!("elsewhere")).join();
            resume_unwind(joined.unwrap_err())
        });
        assert_eq!(caught.unwrap_err().location(), None);
    }
}

//! Calls into codecs: a panic of theirs is a refusal of the image, and nothing is printed for it.
//!
//! Does not make a codec usable again that panicked; callers drop it.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

use crate::failure::{Failure, FailureKind};

thread_local! {
    /// Whether this thread is inside of a guarded call. The hook stays as it was for all others.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `codec`; a panic becomes [`FailureKind::Panic`] with its message and place.
pub(crate) fn guarded<T>(codec: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    install_hook();
    let before = GUARDED.replace(true);
    // What `codec` can reach is dropped by its caller after a panic, so nothing torn is seen.
    let caught = catch_unwind(AssertUnwindSafe(codec));
    GUARDED.set(before);
    caught.unwrap_or_else(|payload| {
        let message = payload.downcast_ref::<&str>().copied().map(str::to_owned);
        let message = message.or_else(|| payload.downcast_ref::<String>().cloned());
        let message = message.unwrap_or_else(|| "no message".to_owned());
        let place = PLACE.take().unwrap_or_else(|| "an unknown place".to_owned());
        let reason =
            format!("a codec failed on it at {place}: {message}; please report it with the file");
        Err(Failure::new(FailureKind::Panic, reason))
    })
}

/// Puts a hook in front of the one that is there; it keeps panics of guarded calls off the
/// terminal.
fn install_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if GUARDED.try_with(Cell::get).unwrap_or(false) {
                note_place(info);
            } else {
                before(info);
            }
        }));
    });
}

fn note_place(info: &PanicHookInfo<'_>) {
    let Some(location) = info.location() else { return };
    // Where the sources were on the machine that built the program helps nobody.
    let parts: Vec<&str> = location.file().split(['/', '\\']).collect();
    let file = parts[parts.len().saturating_sub(4)..].join("/");
    // A hook must not panic, not even at the end of its thread.
    let _ = PLACE.try_with(|place| {
        if let Ok(mut place) = place.try_borrow_mut() {
            *place = Some(format!("{file}:{}", location.line()));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_failure_with_its_message_and_place() {
        let failure = guarded::<()>(|| panic!("row {} is missing", 7)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Panic);
        assert!(
            failure.reason.contains("row 7 is missing") && failure.reason.contains("guard.rs:"),
            "{failure}"
        );
        assert_eq!(guarded(|| Ok(3)), Ok(3));
    }
}

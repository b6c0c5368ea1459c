//! The tree of contexts: what its invariants promise, under every interleaving of two or three
//! threads.
//!
//! Where one thread only looks, it is the spawned one. Loom runs the first thread first, and from
//! there on finds the other orders by the accesses that depend on each other; of several reads of
//! one atomic it remembers only the last. A canceller reads a flag before it sets it, so a look
//! that came before would be forgotten, and with it all orders but one.

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use millstream::Context;

#[test]
fn a_thread_that_sees_a_context_cancelled_finds_its_cause() {
    loom::model(|| {
        let ctx = Context::new();
        let looks = ctx.clone();
        let thread = thread::spawn(move || {
            if looks.is_cancelled() {
                assert_eq!(looks.cause().unwrap().reason(), "enough");
            }
        });
        assert!(ctx.cancel("enough"));
        thread.join().unwrap();
    });
}

#[test]
fn a_child_made_while_its_parent_is_cancelled_is_cancelled_too() {
    loom::model(|| {
        let ctx = Context::new();
        let canceller = ctx.clone();
        let thread = thread::spawn(move || canceller.cancel("enough"));
        let child = ctx.child();
        let grandchild = child.child();
        thread.join().unwrap();
        assert!(child.cause().unwrap().is_inherited());
        assert!(grandchild.cause().unwrap().is_inherited());
    });
}

#[test]
fn a_thread_that_sees_a_parent_cancelled_sees_all_below_cancelled() {
    loom::model(|| {
        let ctx = Context::new();
        let child = ctx.child();
        let grandchild = child.child();
        let looks = ctx.clone();
        let thread = thread::spawn(move || {
            if looks.is_cancelled() {
                assert!(child.is_cancelled() && grandchild.is_cancelled());
            }
            if child.is_cancelled() {
                assert!(grandchild.is_cancelled());
            }
        });
        ctx.cancel("enough");
        thread.join().unwrap();
    });
}

#[test]
fn a_child_made_by_another_thread_after_the_cancel_is_cancelled() {
    loom::model(|| {
        let ctx = Context::new();
        let makes = ctx.clone();
        let thread = thread::spawn(move || makes.child().child());
        ctx.cancel("enough");
        assert!(thread.join().unwrap().is_cancelled());
    });
}

#[test]
fn what_the_canceller_did_before_is_visible_to_who_sees_the_cancel() {
    loom::model(|| {
        let done = Arc::new(AtomicUsize::new(0));
        let ctx = Context::new();
        let (looks, seen) = (ctx.child(), Arc::clone(&done));
        let thread = thread::spawn(move || {
            if looks.is_cancelled() {
                assert_eq!(seen.load(Ordering::Relaxed), 1);
            }
        });
        done.store(1, Ordering::Relaxed);
        ctx.cancel("enough");
        thread.join().unwrap();
    });
}

#[test]
fn the_tree_stays_whole_when_parent_and_child_are_cancelled_at_once() {
    loom::model(|| {
        let ctx = Context::new();
        let child = ctx.child();
        let grandchild = child.child();
        let below = child.clone();
        let thread = thread::spawn(move || below.cancel("child"));
        ctx.cancel("parent");
        assert!(child.is_cancelled() && grandchild.is_cancelled());
        thread.join().unwrap();
        let reason = child.cause().unwrap().reason().to_owned();
        assert_eq!(grandchild.cause().unwrap().reason(), reason);
        assert_eq!(ctx.cause().unwrap().reason(), "parent");
    });
}

#[test]
fn of_two_cancellers_one_wins_and_its_cause_is_kept() {
    loom::model(|| {
        let ctx = Context::new();
        let other = ctx.clone();
        let thread = thread::spawn(move || other.cancel("theirs"));
        let ours = ctx.cancel("ours");
        let kept = ctx.cause().unwrap();
        let theirs = thread.join().unwrap();
        assert!(ours != theirs);
        assert_eq!(kept.reason(), if ours { "ours" } else { "theirs" });
        assert_eq!(ctx.cause().unwrap(), kept);
    });
}

#[test]
fn a_thread_that_waits_is_always_woken() {
    loom::model(|| {
        let ctx = Context::new();
        let child = ctx.child();
        let thread = thread::spawn(move || child.wait());
        ctx.cancel("enough");
        assert_eq!(thread.join().unwrap().reason(), "enough");
    });
}

#[test]
fn a_callback_runs_once_however_many_cancel() {
    loom::model(|| {
        let runs = Arc::new(AtomicUsize::new(0));
        let ctx = Context::new();
        let child = ctx.child();
        let count = Arc::clone(&runs);
        child
            .on_cancel(move |_| {
                count.fetch_add(1, Ordering::Relaxed);
            })
            .keep();
        let below = child.clone();
        let thread = thread::spawn(move || below.cancel("child"));
        ctx.cancel("parent");
        thread.join().unwrap();
        assert_eq!(runs.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_callback_registered_while_the_context_is_cancelled_runs_once() {
    loom::model(|| {
        let runs = Arc::new(AtomicUsize::new(0));
        let ctx = Context::new();
        let canceller = ctx.clone();
        let thread = thread::spawn(move || canceller.cancel("enough"));
        let count = Arc::clone(&runs);
        let guard = ctx.on_cancel(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        thread.join().unwrap();
        drop(guard);
        assert_eq!(runs.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_guard_dropped_while_the_context_is_cancelled_leaves_nothing_behind() {
    loom::model(|| {
        let held = Arc::new(());
        let ctx = Context::new();
        let callback = Arc::clone(&held);
        let guard = ctx.on_cancel(move |_| drop(callback));
        let canceller = ctx.clone();
        let thread = thread::spawn(move || canceller.cancel("enough"));
        drop(guard);
        thread.join().unwrap();
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

#[test]
fn a_child_dropped_while_its_parent_is_cancelled_is_no_obstacle() {
    loom::model(|| {
        let ctx = Context::new();
        let child = ctx.child();
        let grandchild = child.child();
        drop(child);
        let thread = thread::spawn(move || drop(grandchild));
        ctx.cancel("enough");
        thread.join().unwrap();
        assert!(ctx.child().is_cancelled());
    });
}
